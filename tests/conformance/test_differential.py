"""Generated commands answer as redis-server answers them, byte for byte, in both protocols."""

import pytest
from differential import Side, Step, drawable, first_diff, hunt, must_be_none
from gen import TABLE
from wire import parse

SEQUENCES, LENGTH = 60, 150
LONG_SEQUENCES = 1500


def command_names(server):
    with server.conn() as conn:
        return sorted(n.decode() for n in conn.call("COMMAND", "LIST"))


def is_covered(name, names):
    is_container = any(n.startswith(name + "|") for n in names)
    return name in TABLE or (is_container and any(n.startswith(name + "|") for n in TABLE))


def test_every_command_has_a_generator(engine):
    names = command_names(engine)
    assert names, "COMMAND LIST is empty"
    missing = [n for n in names if not is_covered(n, names)]
    assert not missing, "no generator in tests/conformance/gen for: " + ", ".join(missing)


@pytest.mark.parametrize("resp3", [False, True], ids=["resp2", "resp3"])
def test_generated_commands_answer_alike(reference, engine, shared_reference, shared_engine, seed, is_long, resp3):
    common = set(command_names(reference)) & set(command_names(engine))
    names = drawable(common)
    assert "get" in names and "set" in names
    diffs = hunt(shared_reference, shared_engine, names, seed, LONG_SEQUENCES if is_long else SEQUENCES, LENGTH, resp3)
    must_be_none(diffs, "seed %s" % seed)


@pytest.mark.parametrize("resp3", [False, True], ids=["resp2", "resp3"])
def test_wrong_arity_and_unknown_names_answer_alike(reference, engine, shared_reference, shared_engine, resp3):
    common = sorted(set(command_names(reference)) & set(command_names(engine)))
    quiet = {"quit", "reset", "shutdown", "monitor", "sync", "psync", "save", "bgsave", "subscribe", "debug", "exec",
             "discard", "multi", "client|reply", "lolwut", "time", "randomkey", "info", "command", "hello", "lastsave",
             "client|id", "client|list", "client|info", "command|list", "command|count", "command|docs", "command|info",
             "memory|stats", "memory|doctor", "memory|malloc-stats", "slowlog|get", "latency|histogram", "acl|list",
             "acl|genpass", "acl|load", "acl|save", "latency|doctor", "role", "acl|log", "script|kill", "failover", "slowlog|len", "bgrewriteaof", "cluster|reset", "bitcount", "bitpos",
             # It says the version of the snapshot format.
             "function|dump"}
    steps = []
    for name in common:
        if name in quiet or name.endswith("|help"):
            continue
        steps += [Step(name.split("|")), Step(name.upper().split("|") + ["a"] * 40), Step(["DISCARD"])]
    for name in sorted({n.split("|")[0] for n in common if "|" in n} - {"command"}):
        steps += [Step([name]), Step([name, "nosuch"]), Step([name, "NoSuch", "a", "b"])]
    steps += [Step(["nosuch"]), Step(["NOSUCH", "a", "b"]), Step(["x" * 200, "y" * 200]), Step([""]),
              Step(["nosuch", "with\r\nbreak"]), Step(["ge"]), Step(["nosuch"] + ["arg"] * 100)]
    ref, ours, failures = Side(shared_reference, resp3, is_trusted=True), Side(shared_engine, resp3), []
    for at in range(0, len(steps), 3):
        diff = first_diff(ref, ours, steps[at:at + 3], is_read_back=False)
        if diff:
            failures.append(diff)
    must_be_none(failures, "argument counts")


def test_commands_of_the_reference_that_are_missing_are_listed(reference, engine, record_property):
    missing = sorted(set(command_names(reference)) - set(command_names(engine)))
    record_property("missing", " ".join(missing))
    with engine.conn() as conn:
        count = conn.call("COMMAND", "COUNT")
    assert count == len([n for n in command_names(engine) if "|" not in n])


def test_command_info_says_what_the_reference_says(reference, engine):
    common = sorted(set(command_names(reference)) & set(command_names(engine)))
    with reference.conn() as a, engine.conn() as b:
        wrong = []
        for name in common:
            ref, ours = (parse(c.raw("COMMAND", "INFO", name))[0] for c in (a, b))
            wrong += info_differences(name, ref, ours)
    assert not wrong, "\n".join(wrong)


# What level 7.2 has otherwise than level 7.0.
NEWER = {("zrank", "arity"), ("zrevrank", "arity"), ("cluster|shards", "flags"), ("cluster|slots", "flags"), ("wait", "flags")}
# Scripts may call these since then: they do not wait there.
NEWER |= {(name, "flags") for name in ("blmove", "blpop", "brpop", "brpoplpush", "bzpopmax", "bzpopmin")}


def info_differences(name, ref, ours):
    """Name, arity, flags, key positions and ACL categories."""
    if ours is None:
        return ["%s: COMMAND INFO does not know it" % name]
    parts = ("name", "arity", "flags", "first key", "last key", "step", "categories")
    wrong = []
    for part, a, b in zip(parts, ref, ours):
        a, b = (sorted(v) if isinstance(v, list) else v for v in (a, b))
        if a != b and (name, part) not in NEWER:
            wrong.append("%s: %s: reference %r, engine %r" % (name, part, a, b))
    return wrong
