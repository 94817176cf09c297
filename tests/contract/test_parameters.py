"""No parameter is ignored in silence: each that a group may set is obeyed by bundled engines, or listed with the reason."""
import json
import re

import spec

FAMILIES = [json.loads(p.read_text()) for p in sorted((spec.ROOT / "api-spec/parameters").glob("*.json"))]
INERT = dict(re.findall(r'^INERT\("([^"]+)", "([^"]+)"\)$',
                        (spec.ROOT / "controlplane/model/inert_parameters.def").read_text(), re.MULTILINE))

# Arithmetic of the control plane, and the topology.
HERE = {"reserved-memory", "reserved-memory-percent", "memcached_connections_overhead", "cluster-enabled"}

# Of values that become other ones in a driver: agent/drivers/bundled.c.
TRANSLATED = {"error_on_memory_exhausted"}


def settable():
    return {p["ParameterName"] for f in FAMILIES for p in f["Parameters"]
            if p["IsModifiable"] or p.get("IsConditional")}


def obeyed():
    """What the drivers' tables have for larder-engine."""
    rows = re.findall(r'\{"([^"]+)", +(NULL|"[^"]+"), +"[^"]*", +\w+, +(true|false) *\}',
                      (spec.ROOT / "agent/drivers/parameters.c").read_text())
    names = {n.strip('"') for name, old, is_bundled in rows if is_bundled == "true" for n in (name, old)}
    memcached = re.search(r"memcached_parameters\[\] = \{(.*?)\n\};", (spec.ROOT / "agent/drivers/bundled.c").read_text(),
                          re.DOTALL).group(1)
    names |= set(re.findall(r'\{"([^"]+)"', memcached))
    return {n for n in names if n != "NULL"}


def test_every_parameter_is_obeyed_or_listed_with_the_reason():
    limits = {n for n in settable() if n.startswith("client-output-buffer-limit-")}
    assert settable() - obeyed() - HERE - TRANSLATED - limits - set(INERT) == set()


def test_what_is_listed_is_not_obeyed_and_can_be_set():
    assert set(INERT) & (obeyed() | TRANSLATED) == set()
    assert set(INERT) - settable() == set()


def test_the_documentation_lists_the_same():
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", (spec.ROOT / "docs/parameters.md").read_text(), re.MULTILINE)
    assert dict(rows) == INERT
