"""What agents call their numbers against the catalogue of metrics, and its families against the engine's commands."""
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

CATALOGUE = re.findall(r'^METRIC\((\d+), "(\w+)", (\w+), (\d)\)$',
                       (ROOT / "controlplane/model/metrics.def").read_text(), re.MULTILINE)
FAMILIES = dict(re.findall(r'^COMMAND\("([\w-]+)", ([\w |]+)\)$', (ROOT / "agent/drivers/families.def").read_text(),
                           re.MULTILINE))
OF_GROUP = {"string": "STRING", "bitmap": "STRING", "hash": "HASH", "list": "LIST", "set": "SET", "sorted_set": "ZSET",
            "stream": "STREAM", "pubsub": "PUBSUB", "geo": "GEO", "hyperloglog": "HYPERLOGLOG"}


def told():
    """Every name that the agent gives to a number."""
    text = (ROOT / "agent/drivers/numbers.c").read_text() + (ROOT / "agent/measure.c").read_text()
    return set(re.findall(r'"([A-Z][A-Za-z0-9]+)"', text)) - {"STAT", "MemAvailable", "SwapTotal", "SwapFree"}


def commands():
    for path in sorted((ROOT / "api-spec/engine").glob("*.json")):
        command = json.loads(path.read_text())
        if "|" not in command["name"] and not command.get("internal"):
            yield command


def test_agents_and_catalogue_have_the_same_metrics():
    assert told() == {name for _, name, _, _ in CATALOGUE}


def test_numbers_and_names_of_metrics_are_given_once():
    assert len({number for number, *_ in CATALOGUE}) == len({name for _, name, *_ in CATALOGUE}) == len(CATALOGUE) > 100


def test_families_are_sorted_for_those_who_search():
    assert list(FAMILIES) == sorted(FAMILIES)


def test_every_command_of_the_engine_counts_somewhere():
    assert [c["name"] for c in commands() if c["name"] not in FAMILIES] == []


def test_commands_count_where_their_kind_says():
    for command in commands():
        families = set(FAMILIES[command["name"]].split(" | "))
        kind = OF_GROUP.get(command["group"])
        assert kind is None or kind in families, command["name"]
        if "write" in command["acl"]:
            assert "WRITE" in families, command["name"]
        elif "read" in command["acl"]:
            assert "READ" in families, command["name"]
