"""Streams where level 7.0 cannot be asked: what consumers are said to be, and who waits for a group."""

import pytest
import servers
from wire import Error, command, parse


def wait_blocked(conn, count):
    servers.wait_for(lambda: b"blocked_clients:%d\r" % count in conn.call("INFO", "clients"), "%d block" % count)


def test_consumers_are_described_as_level_7_2_does(engine):
    with engine.conn() as conn:
        conn.call("XADD", "k", "1-1", "a", "1")
        conn.call("XGROUP", "CREATE", "k", "g", "0")
        conn.call("XREADGROUP", "GROUP", "g", "busy", "COUNT", "1", "STREAMS", "k", ">")
        conn.call("XREADGROUP", "GROUP", "g", "idle", "STREAMS", "k", ">")
        busy, idle = (dict(zip(c[::2], c[1::2])) for c in conn.call("XINFO", "CONSUMERS", "k", "g"))
        assert list(busy) == [b"name", b"pending", b"idle", b"inactive"]
        assert (busy[b"name"], busy[b"pending"]) == (b"busy", 1) and busy[b"inactive"] >= 0
        assert (idle[b"name"], idle[b"pending"], idle[b"inactive"]) == (b"idle", 0, -1)


def test_readers_that_wait_all_get_what_comes(engine):
    with engine.conn() as a, engine.conn() as b, engine.conn() as other:
        other.call("XADD", "k", "1-1", "f", "old")
        for waiter in (a, b):
            waiter.send(command("XREAD", "BLOCK", "0", "STREAMS", "none", "k", "$", "$"))
        wait_blocked(other, 2)
        other.call("XADD", "k", "2-1", "f", "new")
        for waiter in (a, b):
            assert parse(waiter.read_reply()) == [[b"k", [[b"2-1", [b"f", b"new"]]]]]


def test_consumers_that_wait_share_what_comes(engine):
    with engine.conn() as a, engine.conn() as b, engine.conn() as other:
        other.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
        for number, waiter in enumerate((a, b)):
            waiter.send(command("XREADGROUP", "GROUP", "g", "c%d" % number, "BLOCK", "0", "STREAMS", "k", ">"))
            wait_blocked(other, number + 1)
        for number, waiter in enumerate((a, b)):
            other.call("XADD", "k", "%d-1" % (number + 1), "f", "v")
            assert parse(waiter.read_reply()) == [[b"k", [[b"%d-1" % (number + 1), [b"f", b"v"]]]]]


@pytest.mark.parametrize("end", [["DEL", "k"], ["XGROUP", "DESTROY", "k", "g"], ["SET", "k", "v"], ["FLUSHALL"],
                                 ["RENAME", "k", "l"]], ids=lambda e: e[0])
def test_a_consumer_hears_that_its_group_is_gone(engine, end):
    with engine.conn() as waiter, engine.conn() as other:
        other.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
        waiter.send(command("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "k", ">"))
        wait_blocked(other, 1)
        assert b"total_blocking_keys_on_nokey:1\r" in other.call("INFO", "clients")
        other.call(*end)
        answer = parse(waiter.read_reply())
        assert isinstance(answer, Error) and (b"WRONGTYPE" if end[0] == "SET" else b"NOGROUP") in str(answer).encode()
        wait_blocked(other, 0)
