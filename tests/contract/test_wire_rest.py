"""The same operations as resources: every path of the mapping takes what its operation takes."""
import json
import urllib.parse

import pytest

import spec

ROUNDS = 10
MODEL = spec.botocore_model()


def paths():
    for name, op in spec.load()["operations"].items():
        for rest in [op["rest"]] if isinstance(op["rest"], str) else op["rest"]:
            yield pytest.param(name, *rest.split(" "), id=f"{name} {rest}")


def quoted(text):
    return urllib.parse.quote(str(text), safe="")


def as_text(value):
    return {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value


def url_of(members):
    """GET and DELETE: single values as text, lists of them repeated, what is deeper as JSON."""
    pairs = []
    for name, value in members.items():
        if isinstance(value, list) and all(not isinstance(v, (dict, list)) for v in value):
            pairs += [(name, as_text(v)) for v in value] or [(name, "")]
        elif isinstance(value, (dict, list)):
            pairs.append((name, json.dumps(value)))
        else:
            pairs.append((name, as_text(value)))
    return urllib.parse.urlencode(pairs)


def request_of(method, path, value):
    rest = dict(value)
    for name in list(rest):
        if "{" + name + "}" in path:
            path = path.replace("{" + name + "}", quoted(rest.pop(name)))
    if method in ("GET", "DELETE"):
        return {"method": method, "path": path, "query": url_of(rest)}
    return {"method": method, "path": path, "content_type": "application/json", "body": json.dumps(rest)}


@pytest.mark.parametrize("name, method, template", paths())
def test_chance_requests_arrive_as_they_were_sent(echo, name, method, template):
    shape = MODEL.operation_model(name).input_shape
    for seed in range(ROUNDS):
        chance = spec.Chance(f"{name}{seed}")
        value = spec.plain(chance.value(shape))
        for member in shape.members:
            if "{" + member + "}" in template and not value.get(member):
                value[member] = chance.value(shape.members[member]) or "a name/with:all+of%it"
        got = echo.ask("resource", **request_of(method, template, value))
        assert got == {"op": name, "value": value}


def test_every_operation_has_a_path():
    assert {p.values[0] for p in paths()} == set(spec.operations())


def ask(echo, method, path, **more):
    return echo.ask("resource", method=method, path=path, **more)


def post(echo, path, body, content_type="application/json"):
    text = body if isinstance(body, str) else json.dumps(body)
    return ask(echo, "POST", path, body=text, content_type=content_type)


WRONG_BODIES = [
    ("no object", [], "The body must be an object"),
    ("a number for a text", {"CacheClusterId": 1}, "CacheClusterId must be a string"),
    ("a text for a number", {"CacheClusterId": "c", "Port": "6379"}, "Port must be an integer"),
    ("a fraction for a number", {"CacheClusterId": "c", "Port": 1.5}, "Port must be an integer"),
    ("a number too large", {"CacheClusterId": "c", "Port": 2**31}, "Port must be an integer of 32 bits"),
    ("a text for a boolean", {"CacheClusterId": "c", "AutoMinorVersionUpgrade": "true"},
     "AutoMinorVersionUpgrade must be true or false"),
    ("a text for a list", {"CacheClusterId": "c", "Tags": "x"}, "Tags must be an array"),
    ("a wrong item", {"CacheClusterId": "c", "Tags": [{"Key": "a"}, {"Key": 1}]}, "Tags[1].Key must be a string"),
    ("null in a list", {"CacheClusterId": "c", "PreferredAvailabilityZones": [None]},
     "PreferredAvailabilityZones[0] must be a string"),
    ("an unknown member", {"CacheClusterId": "c", "Prot": 1}, "Prot is not a known member"),
    ("an unknown member inside", {"CacheClusterId": "c", "Tags": [{"Name": "x"}]}, "Tags[0].Name is not a known member"),
    ("a member twice", '{"CacheClusterId":"c","CacheClusterId":"d"}', "CacheClusterId must not be given twice"),
    ("an enum that is none", {"CacheClusterId": "c", "AZMode": "x"}, "Member must satisfy enum value set"),
    ("a missing member", {}, "at 'cacheClusterId' failed to satisfy constraint: Member must not be null"),
]


@pytest.mark.parametrize("body, why", [w[1:] for w in WRONG_BODIES], ids=[w[0] for w in WRONG_BODIES])
def test_wrong_members_are_refused_by_their_place(echo, body, why):
    got = post(echo, "/v1/cache-clusters", body)
    assert got["fault"] == "InvalidParameterValue"
    assert why in got["why"]


@pytest.mark.parametrize("body", ['{', '{"CacheClusterId":}', "nonsense", '{"CacheClusterId":"c"} x', '"\\ud800"',
                                  "[" * 100 + "]" * 100, '{"CacheClusterId":"a\\u0000b"}', '{"Port":1e999}',
                                  '{"a":' * 31 + "{}" + "}" * 31 + "{"])
def test_what_is_no_json_is_refused(echo, body):
    got = post(echo, "/v1/cache-clusters", body)
    assert got["fault"] == "MalformedInput"


def test_null_counts_as_absent(echo):
    got = post(echo, "/v1/cache-clusters", {"CacheClusterId": "c", "Port": None, "Tags": None})
    assert got["value"] == {"CacheClusterId": "c"}


def test_a_body_of_another_kind_is_refused(echo):
    got = post(echo, "/v1/cache-clusters", {"CacheClusterId": "c"}, "application/x-www-form-urlencoded")
    assert got["fault"] == "UnsupportedMediaType"
    got = post(echo, "/v1/cache-clusters", {"CacheClusterId": "c"}, "Application/JSON; charset=utf-8")
    assert got["value"] == {"CacheClusterId": "c"}


def test_path_and_body_must_agree(echo):
    path = "/v1/cache-clusters/c1/reboot"
    assert post(echo, path, {"CacheClusterId": "c1", "CacheNodeIdsToReboot": ["0001"]})["op"] == "RebootCacheCluster"
    got = post(echo, path, {"CacheClusterId": "c2", "CacheNodeIdsToReboot": ["0001"]})
    assert "CacheClusterId differs between path and body" in got["why"]


WRONG_URLS = [
    ("an unknown parameter", "GET", "/v1/cache-clusters", "ShowNodes=true", "ShowNodes is not known here"),
    ("a parameter of the path", "GET", "/v1/cache-clusters/c1", "CacheClusterId=c2", "given by the path already"),
    ("a parameter twice", "GET", "/v1/cache-clusters", "MaxRecords=20&MaxRecords=21", "must not be given more than once"),
    ("a wrong type", "GET", "/v1/cache-clusters", "MaxRecords=many", "MaxRecords must be an integer"),
    ("JSON that is none", "GET", "/v1/users", "Filters=x", "Filters must be JSON"),
    ("JSON of another kind", "GET", "/v1/users", "Filters={}", "Filters must be an array"),
    ("a parameter beside a body", "POST", "/v1/cache-clusters", "CacheClusterId=c", "must stand in the JSON body"),
]


@pytest.mark.parametrize("method, path, query, why", [w[1:] for w in WRONG_URLS], ids=[w[0] for w in WRONG_URLS])
def test_wrong_parameters_are_refused_by_name(echo, method, path, query, why):
    got = ask(echo, method, path, query=query)
    assert got["fault"] == "InvalidParameterValue"
    assert why in got["why"]


def test_a_body_on_a_reading_request_is_refused(echo):
    assert ask(echo, "GET", "/v1/cache-clusters", body="{}")["fault"] == "MalformedInput"


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/cache-clusters/", "/v1//c1", "/v1/cache-clusters//",
                                  "/v1/cache-clusters/c1/reboot/now", "/v1/" + "a/" * 20, "/v1/CACHE-CLUSTERS"])
def test_other_paths_are_unknown(echo, path):
    assert ask(echo, "GET", path)["fault"] == "UnknownPath"


@pytest.mark.parametrize("method, path, methods", [
    ("PUT", "/v1/cache-clusters", {"GET", "POST"}),
    ("POST", "/v1/cache-clusters/c1", {"GET", "PATCH", "DELETE"}),
    ("get", "/v1/cache-clusters", {"GET", "POST"}),
])
def test_other_methods_are_answered_with_those_that_fit(echo, method, path, methods):
    got = ask(echo, method, path)
    assert got["fault"] == "MethodNotAllowed"
    assert set(got["why"].removeprefix("This path takes ").rstrip(".").split(", ")) == methods


def test_a_slash_in_a_name_may_be_encoded(echo):
    got = ask(echo, "GET", "/v1/resources/arn%3Aaws%3Ax%2Fy/tags")
    assert got == {"op": "ListTagsForResource", "value": {"ResourceName": "arn:aws:x/y"}}
