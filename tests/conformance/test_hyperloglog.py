"""HyperLogLogs that go from one server to another, and what is kept of counting them."""

import payloads
import pytest


def fill(conn, key, count):
    for at in range(0, count, 500):
        conn.call("PFADD", key, *("e%d" % i for i in range(at, min(at + 500, count))))


@pytest.mark.parametrize("count", [0, 3, 800, 3000], ids=["empty", "few", "sparse", "dense"])
def test_they_count_on_where_they_are_restored(reference, engine, count):
    with reference.conn() as theirs, engine.conn() as ours:
        for source, target in ((theirs, ours), (ours, theirs)):
            for conn in (source, target):
                conn.call("FLUSHALL")
            source.call("PFADD", "k")
            fill(source, "k", count)
            fill(target, "same", count)
            target.call("PFADD", "same")
            target.call("RESTORE", "k", 0, payloads.reseal(source.call("DUMP", "k"), 10))
            assert target.call("GET", "k") == target.call("GET", "same")
            assert target.call("PFCOUNT", "k") == source.call("PFCOUNT", "k")
            assert target.call("PFADD", "k", "another") == source.call("PFADD", "k", "another")
            assert target.call("GET", "k") == source.call("GET", "k")


def test_what_was_counted_is_known_after_a_restart(own_engine, tmp_path):
    options = {"dir": str(tmp_path), "appendonly": "yes", "appendfsync": "always"}
    engine = own_engine(**options)
    with engine.conn() as conn:
        fill(conn, "sparse", 300)
        fill(conn, "dense", 3000)
        counts = [conn.call("PFCOUNT", key) for key in ("sparse", "dense")]
        values = [conn.call("GET", key) for key in ("sparse", "dense")]
        assert [value[15] & 128 for value in values] == [0, 0]
    engine.stop()
    with own_engine(**options).conn() as conn:
        assert [conn.call("GET", key) for key in ("sparse", "dense")] == values
        assert [conn.call("PFCOUNT", key) for key in ("sparse", "dense")] == counts
