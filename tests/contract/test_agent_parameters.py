"""The agent's table of parameters against what it speaks of: the engine's directives and the published families."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

TABLE = re.search(r"parameters\[\] = \{(.*?)\n\};", (ROOT / "agent" / "drivers" / "parameters.c").read_text(),
                  re.DOTALL).group(1)
DIRECTIVES = (ROOT / "cacheengine" / "dispatch" / "config.def").read_text()
UNITS = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}


def rows():
    """name, older name, value without a word from anybody, whether larder-engine obeys it."""
    found = re.findall(r'\{"([\w-]+)",\s*(NULL|"[\w-]+"),\s*"([^"]*)",\s*\w+,\s*(true|false)\s*\}', TABLE)
    return [(name, None if old == "NULL" else old.strip('"'), value, obeys == "true") for name, old, value, obeys in found]


def directives():
    found = re.findall(r'^(\w+)\("([\w-]+)",\s*(NULL|"[\w-]+"),\s*(?:(\w+),\s*)?"([^"]*)"([^"]*?)\)$', DIRECTIVES,
                       re.MULTILINE)
    return {name: (kind, old.strip('"'), value, rest) for kind, name, old, _, value, rest in found}


def as_number(text):
    match = re.fullmatch(r"(-?\d+)(kb|mb|gb)?", text)
    return int(match[1]) * UNITS.get(match[2], 1) if match else text


def test_the_tables_are_read_whole():
    assert len(rows()) == len(re.findall(r'^    \{"[\w-]+",\s+(?:NULL|")', TABLE, re.MULTILINE)) > 50
    assert len(directives()) > 100


@pytest.mark.parametrize("row", [r for r in rows() if r[3]], ids=lambda r: r[0])
def test_an_unset_parameter_becomes_what_the_engine_does_by_itself(row):
    name, old, value, _ = row
    known = directives()
    name = name if name in known else next(n for n, d in known.items() if d[1] == name)
    kind, other, default, rest = known[name]
    assert kind not in ("KEPT", "ONLY"), "the engine does not obey it"
    assert as_number(value) == as_number(default)
    assert old is None or old == other
    assert name == "databases" or rest.rstrip().endswith("true"), "it must change while the engine runs"
