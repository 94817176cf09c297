"""Blocking commands that do wait: served by another client, in the order in which they came."""

import pytest
import servers
from wire import command, parse

BLOCKING = [
    (["BLPOP", "a", "b", "0"], ["RPUSH", "b", "x"], [b"b", b"x"]),
    (["BRPOP", "a", "0"], ["RPUSH", "a", "x", "y"], [b"a", b"y"]),
    (["BLMOVE", "a", "z", "LEFT", "RIGHT", "0"], ["LPUSH", "a", "x"], b"x"),
    (["BRPOPLPUSH", "a", "z", "0"], ["LPUSH", "a", "x"], b"x"),
    (["BLMPOP", "0", "2", "a", "b", "LEFT", "COUNT", "5"], ["RPUSH", "b", "x", "y"], [b"b", [b"x", b"y"]]),
    (["BZPOPMIN", "a", "0"], ["ZADD", "a", "2", "y", "1", "x"], [b"a", b"x", b"1"]),
    (["BZPOPMAX", "a", "0"], ["ZADD", "a", "2", "y", "1", "x"], [b"a", b"y", b"2"]),
    (["BZMPOP", "0", "1", "a", "MIN"], ["ZADD", "a", "1", "x"], [b"a", [[b"x", b"1"]]]),
    (["BLPOP", "a", "0"], ["RENAME", "src", "a"], [b"a", b"r"]),
    (["BLPOP", "a", "0"], ["COPY", "src", "a"], [b"a", b"r"]),
]


def need(conn, *names):
    have = conn.call("COMMAND", "LIST")
    if not all(n.lower().encode() in have for n in names):
        pytest.skip("no %s yet" % ", ".join(names))


def wait_blocked(conn, count):
    servers.wait_for(lambda: b"blocked_clients:%d\r" % count in conn.call("INFO", "clients"), "%d block" % count)


@pytest.mark.parametrize("wait,serve,want", BLOCKING, ids=[b[0][0] + "_" + b[1][0] for b in BLOCKING])
def test_a_waiting_client_is_served(engine, wait, serve, want):
    with engine.conn() as waiter, engine.conn() as other:
        need(other, wait[0], serve[0])
        other.call("RPUSH", "src", "r")
        waiter.send(command(*wait))
        wait_blocked(other, 1)
        other.call(*serve)
        assert parse(waiter.read_reply()) == want
        wait_blocked(other, 0)


def test_clients_are_served_in_the_order_they_came(engine):
    with engine.conn() as other:
        need(other, "BLPOP")
        waiters = []
        for i in range(5):
            waiters.append(engine.conn())
            waiters[-1].send(command("BLPOP", "q", "0"))
            wait_blocked(other, i + 1)
        other.call("RPUSH", "q", *"abcde")
        assert [parse(w.read_reply())[1] for w in waiters] == [b"a", b"b", b"c", b"d", b"e"]


def test_a_waiting_client_that_leaves_takes_nothing(engine):
    with engine.conn() as other:
        need(other, "BLPOP")
        waiter = engine.conn()
        waiter.send(command("BLPOP", "q", "0"))
        wait_blocked(other, 1)
        waiter.close()
        wait_blocked(other, 0)
        other.call("RPUSH", "q", "x")
        assert other.call("LRANGE", "q", 0, -1) == [b"x"]


def test_a_transaction_that_pushes_and_pops_wakes_nobody(engine):
    with engine.conn() as waiter, engine.conn() as other:
        need(other, "BLPOP", "MULTI")
        waiter.send(command("BLPOP", "q", "0"))
        wait_blocked(other, 1)
        other.batch([["MULTI"], ["RPUSH", "q", "x"], ["DEL", "q"], ["EXEC"]])
        wait_blocked(other, 1)
        other.call("RPUSH", "q", "y")
        assert parse(waiter.read_reply()) == [b"q", b"y"]


def test_commands_behind_a_waiting_one_wait_too(engine):
    with engine.conn() as waiter, engine.conn() as other:
        need(other, "BLPOP")
        waiter.send(command("BLPOP", "q", "0") + command("SET", "after", "1") + command("PING"))
        wait_blocked(other, 1)
        assert other.call("EXISTS", "after") == 0
        other.call("RPUSH", "q", "x")
        assert [waiter.read_reply() for _ in range(3)][1:] == [b"+OK\r\n", b"+PONG\r\n"]
