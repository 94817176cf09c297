"""specgen refuses descriptions that cannot be right: it says where and why, and writes no half truth."""
import copy
import json
import subprocess

import pytest

import spec

SPECGEN = spec.BUILD / "tools" / "specgen"
SERVICE = {
    "service": {"name": "tiny", "prefix": "ty", "apiVersion": "1", "protocol": "query", "xmlNamespace": "x"},
    "operations": {"DescribeThings": {"in": "Ask", "out": "Tell", "wrapper": "DescribeThingsResult",
                                      "errors": ["GoneFault"], "rest": ["GET /v1/things", "GET /v1/things/{ThingId}"]}},
    "shapes": {
        "Ask": {"type": "structure", "members": {"ThingId": {"shape": "Id"}, "Switch": {"shape": "Mode"},
                                                 "Sizes": {"shape": "SizeMap"}}, "required": ["ThingId"]},
        "Tell": {"type": "structure", "members": {"Things": {"shape": "Things"}}},
        "Things": {"type": "list", "item": {"shape": "Thing", "name": "Thing"}},
        "Thing": {"type": "structure", "members": {"default": {"shape": "Id"}}},
        "SizeMap": {"type": "map", "key": {"shape": "Id"}, "value": {"shape": "Size"}},
        "Size": {"type": "integer", "min": 1, "max": 9},
        "Id": {"type": "string", "pattern": "\\d+"},
        "Mode": {"type": "string", "enum": ["on", "off"]},
        "GoneFault": {"type": "structure", "members": {}, "error": {"status": 404, "code": "Gone"}},
    },
    "paginators": {}, "waiters": {},
}
STATES = {
    "name": "lamp", "doc": "d",
    "states": [{"name": "off", "is_goal": True, "doc": "dark"}, {"name": "warm", "is_goal": False, "doc": "soon"},
               {"name": "on", "is_goal": True, "doc": "bright"}],
    "edges": [{"from": "off", "goal": "on", "step": "heat", "next": "warm"},
              {"from": "warm", "goal": "on", "step": "wait", "next": "on"},
              {"from": "warm", "goal": "off", "step": "cool", "next": "off"},
              {"from": "on", "goal": "off", "step": "cool", "next": "off"}],
}


def specgen(kind, tmp_path, text):
    path = tmp_path / "tiny.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    done = subprocess.run([SPECGEN, kind, out, path], capture_output=True, text=True, timeout=30, check=False)
    return done, out


def changed(root, change):
    value = copy.deepcopy(root)
    change(value)
    return value


def compiles(source, tmp_path):
    done = subprocess.run(["cc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", spec.ROOT,
                           "-I", tmp_path, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_good_service_becomes_c_that_compiles(tmp_path):
    done, out = specgen("services", tmp_path, SERVICE)
    assert done.returncode == 0, done.stderr
    out.rename(tmp_path / "contract")
    compiles(tmp_path / "contract" / "tiny.c", tmp_path)
    compiles(tmp_path / "contract" / "faults.c", tmp_path)
    header = (tmp_path / "contract" / "tiny.h").read_text()
    assert "const char *default_;" in header
    assert "struct ty_size_map_entry {" in header
    assert 'OP(ty_describe_things, "DescribeThings")' in (tmp_path / "contract" / "tiny_served.def").read_text()


def test_what_did_not_change_is_not_written_again(tmp_path):
    _, out = specgen("services", tmp_path, SERVICE)
    before = {p.name: p.stat().st_mtime_ns for p in out.iterdir()}
    specgen("services", tmp_path, SERVICE)
    assert {p.name: p.stat().st_mtime_ns for p in out.iterdir()} == before


def shapes(name, **members):
    return lambda s: s["shapes"][name].update(members)


def op(**members):
    return lambda s: s["operations"]["DescribeThings"].update(members)


BAD_SERVICES = [
    ("an unknown shape", lambda s: s["shapes"]["Ask"]["members"].update(X={"shape": "Nope"}), "no shape named Nope"),
    ("an unknown item", shapes("Things", item={"shape": "Nope"}), "no shape named Nope"),
    ("an unknown input", op(**{"in": "Nope"}), "no shape named Nope"),
    ("an input that is no structure", op(**{"in": "Id"}), "is not a structure"),
    ("an unknown type", shapes("Size", type="int"), "unknown type int"),
    ("a missing type", lambda s: s["shapes"]["Id"].pop("type"), 'needs a text named "type"'),
    ("a list without items", lambda s: s["shapes"]["Things"].pop("item"), 'needs an object named "item"'),
    ("an unknown word", shapes("Id", maxx=1), 'has "maxx"'),
    ("a required member that is not there", shapes("Ask", required=["Nope"]), "requires a member"),
    ("a double enum value", shapes("Mode", enum=["on", "on"]), "has on twice"),
    ("a map with keys of another kind", shapes("SizeMap", key={"shape": "Size"}), "keys that are no strings"),
    ("a pattern that cannot be translated", shapes("Id", pattern="(?=x)*"), "pattern that cannot be translated"),
    ("a limit that is no number", shapes("Size", min="1"), "must be a number"),
    ("an error that is none", op(errors=["Ask"]), "lists an error that is none"),
    ("a status that is none", shapes("GoneFault", error={"status": 200, "code": "Gone"}), "HTTP \"status\""),
    ("one constant with two meanings", lambda s: s["shapes"].update(
        GoneException={"type": "structure", "members": {}, "error": {"status": 410, "code": "Gone"}}),
     "FAULT_GONE means another code or status"),
    ("a path that is none", op(rest="GET v1/things"), "is no METHOD and /path"),
    ("a method that is none", op(rest="FETCH /v1/things"), "is no METHOD and /path"),
    ("a path with an unknown member", op(rest="GET /v1/things/{Nope}"), "names no member {Nope}"),
    ("a path with a member that is no text", op(rest="GET /v1/things/{Sizes}"), "is not a string"),
    ("two operations at one path", lambda s: s["operations"].update(
        ListThings={"in": "Ask", "rest": "GET /v1/things/{Switch}"}), "stands at another operation already"),
    ("two names that are one in C", lambda s: s["shapes"].update(
        thing={"type": "string"}) or s["shapes"]["Ask"]["members"].update(X={"shape": "thing"}), "same name in C"),
    ("a paginator of nothing", lambda s: s["paginators"].update(Nope={"in": "a", "out": "b", "results": "c"}),
     "no operation named Nope"),
    ("a waiter for nothing", lambda s: s["waiters"].update(W={"op": "Nope", "delay": 1, "tries": 1, "accept": []}),
     "no operation named Nope"),
    ("a sentence about nothing", lambda s: s.update(memberDocs={"Nope": "x"}), "no shape has a member named Nope"),
    ("a missing name", lambda s: s["service"].pop("name"), 'needs a text named "name"'),
]


@pytest.mark.parametrize("change, why", [b[1:] for b in BAD_SERVICES], ids=[b[0] for b in BAD_SERVICES])
def test_a_bad_service_ends_the_build_with_file_and_reason(tmp_path, change, why):
    done, out = specgen("services", tmp_path, changed(SERVICE, change))
    assert done.returncode == 1
    assert why in done.stderr
    assert "tiny.json: " in done.stderr
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("text, why", [
    ("", "not valid JSON"), ("[]", "not a JSON object"), ("{} x", "not valid JSON"), ("{}", "has neither"),
    ('{"service":{},"service":{}}', "stands here twice"),
    (json.dumps(SERVICE).replace('"Switch"', '"ThingId"', 1), "file.shapes.Ask.members.ThingId: stands here twice"),
    ('{"faults":{"X":{"status":400}}}', 'needs a text named "doc"'),
])
def test_bad_text_ends_the_build_with_file_and_reason(tmp_path, text, why):
    done, _ = specgen("services", tmp_path, text)
    assert done.returncode == 1
    assert why in done.stderr


def test_a_file_that_is_not_there_is_named(tmp_path):
    done = subprocess.run([SPECGEN, "services", tmp_path, tmp_path / "nope.json"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1
    assert "nope.json: file: cannot be read" in done.stderr


def test_good_states_become_c_that_compiles(tmp_path):
    done, out = specgen("states", tmp_path, STATES)
    assert done.returncode == 0, done.stderr
    out.rename(tmp_path / "contract")
    compiles(tmp_path / "contract" / "lamp_states.c", tmp_path)


def edge(at, **members):
    return lambda s: s["edges"][at].update(members)


BAD_STATES = [
    ("two states of one name", lambda s: s["states"][1].update(name="off"), "is the name of two states"),
    ("an edge from nowhere", edge(0, **{"from": "nope"}), "names a state that does not exist"),
    ("an edge to nowhere", edge(0, next="nope"), "names a state that does not exist"),
    ("a goal that is none", edge(0, goal="warm"), "warm is not a goal"),
    ("two ways at once", edge(2, goal="on"), "stands here twice"),
    ("a goal that is not reached", lambda s: s["edges"].pop(1), "no edge leads from here to the goal on"),
    ("a circle", edge(1, next="off"), "goes in circles"),
    ("an edge away from its goal", edge(0, **{"from": "on"}), "leads away from its own goal"),
    ("a state without a sentence", lambda s: s["states"][0].pop("doc"), 'needs a text named "doc"'),
]


@pytest.mark.parametrize("change, why", [b[1:] for b in BAD_STATES], ids=[b[0] for b in BAD_STATES])
def test_a_bad_state_machine_ends_the_build_with_file_and_reason(tmp_path, change, why):
    done, _ = specgen("states", tmp_path, changed(STATES, change))
    assert done.returncode == 1
    assert why in done.stderr
    assert "tiny.json: " in done.stderr


FAMILY = {
    "CacheParameterGroupFamily": "tiny1",
    "Parameters": [
        {"ParameterName": "a-z", "ParameterValue": "1", "Description": "d", "DataType": "integer", "AllowedValues": "0-",
         "IsModifiable": True, "MinimumEngineVersion": "1.0", "ChangeType": "immediate"},
        {"ParameterName": "ab", "Description": "d?", "DataType": "string", "IsModifiable": False,
         "MinimumEngineVersion": "1.0", "ChangeType": "requires-reboot"}],
    "CacheNodeTypeSpecificParameters": [
        {"ParameterName": "aa", "Description": "d", "DataType": "integer", "AllowedValues": "0-", "IsModifiable": False,
         "MinimumEngineVersion": "1.0", "ChangeType": "immediate", "CacheNodeTypeSpecificValues": {"cache.x": "7"}}],
}


def test_a_good_family_becomes_one_sorted_table(tmp_path):
    done, out = specgen("parameters", tmp_path, FAMILY)
    assert done.returncode == 0, done.stderr
    out.rename(tmp_path / "contract")
    compiles(tmp_path / "contract" / "parameters.c", tmp_path)
    source = (tmp_path / "contract" / "parameters.c").read_text()
    assert source.index('{"aa"') < source.index('{"ab"') < source.index('{"a-z"')
    assert '{"cache.x", "7"}' in source


def parameter(**members):
    return lambda f: f["Parameters"][0].update(members)


BAD_FAMILIES = [
    ("two parameters of one name", parameter(ParameterName="ab"), "ab: stands here twice"),
    ("an unknown type", parameter(DataType="number"), "unknown type number"),
    ("an unknown change", parameter(ChangeType="soon"), "unknown change type soon"),
    ("an unknown word", parameter(Source="system"), 'has "Source"'),
    ("a number without a range", lambda f: f["Parameters"][0].pop("AllowedValues"), 'needs a text named "AllowedValues"'),
    ("a parameter without a sentence", lambda f: f["Parameters"][0].pop("Description"), 'needs a text named "Description"'),
    ("a value by type that is no text", lambda f: f["CacheNodeTypeSpecificParameters"][0].update(
        CacheNodeTypeSpecificValues={"cache.x": 7}), "a value that is no text for cache.x"),
    ("a value by type without types", lambda f: f["CacheNodeTypeSpecificParameters"][0].pop(
        "CacheNodeTypeSpecificValues"), 'needs an object named "CacheNodeTypeSpecificValues"'),
    ("a family without a list", lambda f: f.pop("Parameters"), "needs the arrays"),
]


@pytest.mark.parametrize("change, why", [b[1:] for b in BAD_FAMILIES], ids=[b[0] for b in BAD_FAMILIES])
def test_a_bad_family_ends_the_build_with_file_and_reason(tmp_path, change, why):
    done, _ = specgen("parameters", tmp_path, changed(FAMILY, change))
    assert done.returncode == 1
    assert why in done.stderr
    assert "tiny.json: " in done.stderr
