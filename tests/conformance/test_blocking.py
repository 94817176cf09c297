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


def test_waits_for_members_are_served_in_their_order(engine):
    with engine.conn() as other:
        need(other, "BZPOPMIN")
        waiters = []
        for i in range(5):
            waiters.append(engine.conn())
            waiters[-1].send(command("BZPOPMIN", "none", "q", "0"))
            wait_blocked(other, i + 1)
        other.call("ZADD", "q", "3", "c", "1", "a", "2", "b")
        assert [parse(w.read_reply())[1] for w in waiters[:3]] == [b"a", b"b", b"c"]
        wait_blocked(other, 2)
        other.call("ZADD", "q", "5", "e")
        other.call("ZADD", "q", "4", "d")
        assert [parse(w.read_reply())[1] for w in waiters[3:]] == [b"e", b"d"]
        wait_blocked(other, 0)


def test_what_stands_behind_a_wait_runs_when_it_is_over(engine):
    with engine.conn() as waiter, engine.conn() as other:
        need(other, "BZPOPMIN")
        batch = [["SET", "before", "1"], ["BZPOPMIN", "q", "0"], ["SET", "after", "1"], ["BZPOPMAX", "q", "0"], ["PING"]]
        waiter.send(b"".join(command(*c) for c in batch))
        wait_blocked(other, 1)
        assert (other.call("EXISTS", "before"), other.call("EXISTS", "after")) == (1, 0)
        other.call("ZADD", "q", "1", "x")
        servers.wait_for(lambda: other.call("EXISTS", "after") == 1, "what stands behind to run")
        wait_blocked(other, 1)
        waiter.send(command("ECHO", "late"))
        other.call("ZADD", "q", "2", "y")
        said = [parse(waiter.read_reply()) for _ in range(6)]
        assert said == [b"OK", [b"q", b"x", b"1"], b"OK", [b"q", b"y", b"2"], b"PONG", b"late"]


def test_both_ends_of_a_wait_may_come_in_one_round(engine):
    """Many clients whose commands arrive together: nobody's commands are lost or run twice."""
    with engine.conn() as other:
        need(other, "BZPOPMIN")
        clients = [engine.conn() for _ in range(20)]
        for i, conn in enumerate(clients):
            key = "r%d" % (i // 2)
            batch = [["INCR", "n"], ["BZPOPMIN", key, "0"], ["INCR", "n"]] if i % 2 else [["ZADD", key, "1", "m"], ["INCR", "n"]]
            conn.send(b"".join(command(*c) for c in batch))
        for i, conn in enumerate(clients):
            for _ in range(3 if i % 2 else 2):
                conn.read_reply()
        assert other.call("GET", "n") == b"30"
        wait_blocked(other, 0)


def test_a_wait_ends_in_time_or_by_another_client(engine, reference):
    for server in (reference, engine):
        with server.conn() as waiter, server.conn() as other:
            need(other, "BZPOPMIN")
            assert waiter.call("BZPOPMIN", "none", "0.02") is None
            waiter.send(command("BZMPOP", "0", "2", "k1", "k2", "MAX"))
            wait_blocked(other, 1)
            number = [line for line in other.call("CLIENT", "LIST").splitlines() if b" flags=b " in line]
            assert len(number) == 1
            number = number[0].split()[0].split(b"=")[1]
            assert other.raw("CLIENT", "UNBLOCK", number, "soon")[:1] == b"-"
            assert other.call("CLIENT", "UNBLOCK", number, "ERROR") == 1
            assert waiter.read_reply() == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"
            waiter.send(command("BZPOPMAX", "k1", "0"))
            wait_blocked(other, 1)
            assert other.call("CLIENT", "UNBLOCK", number) == 1
            assert waiter.read_reply() == b"*-1\r\n"
            assert other.call("CLIENT", "UNBLOCK", number) == 0


def test_a_waiter_that_leaves_lets_others_have_it(engine):
    with engine.conn() as other, engine.conn() as second:
        need(other, "BZPOPMIN")
        first = engine.conn()
        first.send(command("BZPOPMIN", "q", "0"))
        wait_blocked(other, 1)
        second.send(command("BZPOPMIN", "q", "0"))
        wait_blocked(other, 2)
        first.close()
        wait_blocked(other, 1)
        other.call("ZADD", "q", "1", "x")
        assert parse(second.read_reply()) == [b"q", b"x", b"1"]


def test_keys_that_come_from_elsewhere_end_a_wait(engine):
    makers = [[["ZADD", "src", "1", "x"], ["RENAME", "src", "q"]],
              [["ZADD", "src", "1", "x"], ["COPY", "src", "q"], ["DEL", "src"]],
              [["SADD", "s", "x"], ["ZUNIONSTORE", "q", "1", "s"], ["DEL", "s"]],
              [["ZADD", "src", "1", "x"], ["ZRANGESTORE", "q", "src", "0", "-1"], ["DEL", "src"]],
              [["SELECT", "1"], ["ZADD", "q", "1", "x"], ["MOVE", "q", "0"], ["SELECT", "0"]],
              [["SELECT", "1"], ["ZADD", "q", "1", "x"], ["SWAPDB", "0", "1"], ["SELECT", "0"]],
              [["MULTI"], ["SADD", "q", "x"], ["DEL", "q"], ["ZADD", "q", "1", "x"], ["EXEC"]]]
    for maker in makers:
        with engine.conn() as waiter, engine.conn() as other:
            need(other, "BZPOPMIN")
            other.call("FLUSHALL")
            waiter.send(command("BZPOPMIN", "q", "0"))
            wait_blocked(other, 1)
            other.batch(maker)
            assert parse(waiter.read_reply()) == [b"q", b"x", b"1"], maker


def test_a_key_of_another_type_ends_no_wait(engine):
    with engine.conn() as waiter, engine.conn() as other:
        need(other, "BZPOPMIN")
        waiter.send(command("BZPOPMIN", "q", "0"))
        wait_blocked(other, 1)
        other.batch([["SADD", "q", "x"], ["DEL", "q"], ["MULTI"], ["ZADD", "q", "1", "x"], ["ZREM", "q", "x"], ["EXEC"]])
        wait_blocked(other, 1)
        other.call("ZADD", "q", "2", "y")
        assert parse(waiter.read_reply()) == [b"q", b"y", b"2"]


def test_transactions_do_not_wait(engine):
    with engine.conn() as conn:
        need(conn, "BZPOPMIN")
        conn.batch([["MULTI"], ["BZPOPMIN", "none", "0"], ["BZMPOP", "0", "1", "none", "MIN"]])
        assert conn.raw("EXEC") == b"*2\r\n*-1\r\n*-1\r\n"
