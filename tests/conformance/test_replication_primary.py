"""The engine as a primary of redis-server and of itself: syncs of every kind, effects, ends, deaths, waits."""

import os
import random
import signal
import time

import pytest
import replication
import servers
import wire
from replication import assert_same, call, fill, follow, info, wait_equal, wait_up

AT_ONCE = {"repl_diskless_sync_delay": "0"}


def engine(start, **options):
    return start(servers.engine, **{**AT_ONCE, **options})


def redis(start, **options):
    return start(servers.redis, **options)


def assert_same_soon(*several):
    """Keys may come to their end while one server has been read and the next has not."""
    until = time.monotonic() + 10
    while True:
        try:
            return assert_same(*several)
        except AssertionError:
            if time.monotonic() > until:
                raise


def churn(conn, rng, count):
    """Writes of every kind whose effect is not their words: chance, time, what is there."""
    key = lambda kind: "%s:%d" % (kind, rng.randrange(20))
    number = lambda: rng.randrange(1000)
    kinds = [
        lambda: ["SET", key("s"), number(), "PX", rng.choice((1, 50, 60000))],
        lambda: ["SET", key("s"), number(), "EX", 100, "GET"],
        lambda: ["SETEX", key("s"), 60, number()],
        lambda: ["GETEX", key("s"), "PX", 30],
        lambda: ["GETDEL", key("s")],
        lambda: ["GETSET", key("s"), number()],
        lambda: ["INCRBYFLOAT", key("f"), "0.1"],
        lambda: ["HINCRBYFLOAT", key("h"), "f", "1.1"],
        lambda: ["HSET", key("h"), "f%d" % number(), number()],
        lambda: ["SADD", key("set")] + [number() for _ in range(20)],
        lambda: ["SPOP", key("set")],
        lambda: ["SPOP", key("set"), rng.randrange(1, 30)],
        lambda: ["RPUSH", key("l")] + [number() for _ in range(5)],
        lambda: ["BLPOP", key("l"), key("l"), 0.001],
        lambda: ["LMPOP", 2, key("l"), key("l"), "RIGHT", "COUNT", 3],
        lambda: ["BLMOVE", key("l"), key("l"), "LEFT", "RIGHT", 0.001],
        lambda: ["ZADD", key("z"), number(), "m%d" % number(), number(), "m%d" % number()],
        lambda: ["ZMPOP", 2, key("z"), key("z"), "MAX", "COUNT", 2],
        lambda: ["BZPOPMIN", key("z"), 0.001],
        lambda: ["ZRANGESTORE", key("z"), key("z"), 0, 3],
        lambda: ["PFADD", key("hll")] + ["e%d" % number() for _ in range(rng.choice((1, 5, 500)))],
        lambda: ["PFCOUNT", key("hll")],
        lambda: ["PFMERGE", key("hll"), key("hll")],
        lambda: ["GEOADD", key("geo"), number() / 10, number() / 20, "m%d" % number()],
        lambda: ["GEORADIUS", key("geo"), 50, 25, 5000, "km", "STOREDIST", key("geo")],
        lambda: ["GEOSEARCHSTORE", key("geo"), key("geo"), "FROMLONLAT", 50, 25, "BYBOX", 9000, 5000, "km"],
        lambda: ["SUNIONSTORE", key("set"), key("set"), key("set")],
        lambda: ["SORT", key("l"), "STORE", key("l")],
        lambda: ["PEXPIRE", key("set"), rng.choice((0, 20, 100000))],
        lambda: ["PERSIST", key("set")],
        lambda: ["COPY", key("z"), key("z"), "DB", 1, "REPLACE"],
        lambda: ["MOVE", key("h"), 2],
        lambda: ["RENAME", key("l"), key("l")],
        lambda: ["UNLINK", key("h"), key("h")],
        lambda: ["SWAPDB", 1, 2],
    ]
    calls = []
    for _ in range(count):
        if rng.randrange(20) == 0:
            some = [rng.choice(kinds)() for _ in range(rng.randrange(1, 5))]
            calls += [["MULTI"]] + some + [["EXEC"]]
        else:
            calls.append(rng.choice(kinds)())
    conn.batch(calls)


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_two_replicas_get_everything_at_once_and_what_follows(start, diskless):
    primary = engine(start, repl_diskless_sync=diskless)
    own, other = engine(start), redis(start)
    with primary.conn(timeout=60) as conn:
        fill(conn, 1)
        call(own, "SET", "old", "goes")
        for replica in (own, other):
            follow(replica, primary)
        wait_equal(primary, own, other)
        assert_same_soon(primary, own, other)
        fill(conn, 2)
        churn(conn, random.Random(5), 600)
        conn.call("FLUSHDB", "ASYNC")
        churn(conn, random.Random(6), 600)
        wait_equal(primary, own, other)
        assert_same_soon(primary, own, other)
        assert conn.call("ROLE")[0] == b"master"
        facts = info(conn)
        assert facts["connected_slaves"] == "2"
        assert {facts["slave0"].split(",")[1], facts["slave1"].split(",")[1]} == {
            "port=%d" % own.port, "port=%d" % other.port}
        assert b"flags=S" in conn.call("CLIENT", "LIST", "TYPE", "replica")


def test_writes_of_all_kinds_go_on_while_a_replica_syncs(start):
    primary, replica = engine(start, rdb_key_save_delay="200"), redis(start)
    with primary.conn(timeout=60) as conn:
        fill(conn, 3, keys=300)
        follow(replica, primary)
        rng = random.Random(7)
        for _ in range(40):
            churn(conn, rng, 100)
            if replication.is_up(replica):
                break
        churn(conn, rng, 100)
        wait_equal(primary, replica)
        assert_same_soon(primary, replica)


def test_a_replica_that_was_away_goes_on_where_it_was(start):
    primary, replica = engine(start), redis(start)
    proxy = start(replication.Proxy, primary.address)
    with primary.conn(timeout=60) as conn:
        fill(conn, 4)
        follow(replica, proxy)
        wait_up(replica)
        for round in range(3):
            proxy.cut(stays_cut=True)
            churn(conn, random.Random(round), 500)
            proxy.mend()
            wait_equal(primary, replica)
        assert_same_soon(primary, replica)
        facts = info(conn, "stats")
        assert (facts["sync_full"], facts["sync_partial_ok"]) == ("1", "3")
        # More than the backlog has is a full sync.
        refused = int(facts["sync_partial_err"])
        proxy.cut(stays_cut=True)
        conn.batch([["SET", "big:%d" % i, b"x" * 100000] for i in range(30)])
        proxy.mend()
        wait_equal(primary, replica)
        assert_same_soon(primary, replica)
        facts = info(conn, "stats")
        assert (facts["sync_full"], int(facts["sync_partial_err"])) == ("2", refused + 1)


def test_ends_and_evictions_are_the_primarys(start):
    primary, replica = engine(start, maxmemory_policy="allkeys-lru"), redis(start)
    with primary.conn(timeout=60) as conn:
        follow(replica, primary)
        wait_up(replica)
        conn.batch([["SET", "end:%d" % i, i, "PX", 1 + i % 300] for i in range(2000)])
        used = int(info(conn, "memory")["used_memory"])
        conn.call("CONFIG", "SET", "maxmemory", used + 2000000)
        conn.batch([["SET", "key:%d" % i, b"x" * 500] for i in range(10000)])
        assert int(info(conn, "stats")["evicted_keys"]) > 0
        servers.wait_for(lambda: int(info(conn, "stats")["expired_keys"]) + int(info(conn, "stats")["evicted_keys"])
                         >= 2000, "all that is due goes")
        servers.wait_for(lambda: info(conn, "keyspace").get("db0", "expires=0").find("expires=0") >= 0, "all have gone")
        conn.call("CONFIG", "SET", "maxmemory", 0)
        wait_equal(primary, replica)
        assert_same_soon(primary, replica)


def test_a_replica_that_is_killed_and_a_primary_that_is_killed(start):
    primary, replica = engine(start), redis(start)
    proxy = start(replication.Proxy, primary.address)
    with primary.conn(timeout=60) as conn:
        fill(conn, 5)
        follow(replica, proxy)
        wait_equal(primary, replica)
        replica.terminate(signal.SIGKILL)
        churn(conn, random.Random(8), 500)
        servers.wait_for(lambda: info(conn)["connected_slaves"] == "0", "it is known to be gone")
    second = redis(start)
    follow(second, proxy)
    wait_equal(primary, second)
    primary.terminate(signal.SIGKILL)
    again = engine(start)
    with again.conn(timeout=60) as conn:
        fill(conn, 6)
        proxy.target = again.address
        wait_equal(again, second)
        assert_same_soon(again, second)


def test_wait_counts_those_that_have_it(start):
    primary, replicas = engine(start), [redis(start), engine(start)]
    with primary.conn(timeout=60) as conn:
        assert conn.call("WAIT", 0, 0) == 0
        for replica in replicas:
            follow(replica, primary)
        for replica in replicas:
            wait_up(replica)
        assert conn.call("SET", "a", 1) == b"OK"
        assert conn.call("WAIT", 2, 10000) == 2
        assert conn.call("SET", "a", 2) == b"OK"
        began = time.monotonic()
        assert conn.call("WAIT", 3, 200) == 2
        assert time.monotonic() - began >= 0.19
        for bad, text in ((("x", 1), "integer"), ((1, -1), "negative"), ((1, "y"), "not an integer")):
            assert text in conn.call("WAIT", *bad)


def test_min_replicas_to_write(start):
    primary, replica = engine(start, min_replicas_to_write="1"), redis(start)
    with primary.conn() as conn:
        assert conn.call("SET", "a", 1) == "NOREPLICAS Not enough good replicas to write."
        assert conn.call("GET", "a") is None
        follow(replica, primary)
        wait_up(replica)
        servers.wait_for(lambda: info(conn)["min_slaves_good_slaves"] == "1", "it counts")
        assert conn.call("SET", "a", 1) == b"OK"


def test_a_replica_that_takes_nothing_is_dropped_at_its_limit(start):
    primary = engine(start, client_output_buffer_limit=["replica", "4mb", "0", "0"])
    with primary.conn(timeout=60) as conn, primary.conn(timeout=60) as slow:
        slow.send(b"*1\r\n$4\r\nSYNC\r\n")
        servers.wait_for(lambda: "state=online" in info(conn).get("slave0", ""), "it has its snapshot")
        conn.batch([["SET", "key", b"x" * 1000000] for _ in range(40)])
        servers.wait_for(lambda: info(conn)["connected_slaves"] == "0", "it is dropped")
        assert int(info(conn, "stats")["client_output_buffer_limit_disconnections"]) == 1


def test_a_replica_below_a_replica_goes_on_when_the_top_changes(start):
    top, middle, low = engine(start), engine(start), redis(start)
    with top.conn(timeout=60) as conn:
        fill(conn, 9)
        follow(middle, top)
        wait_up(middle)
        follow(low, middle)
        wait_equal(top, middle)
        wait_up(low)
        churn(conn, random.Random(10), 500)
        wait_equal(top, middle, low)
        assert_same_soon(top, middle, low)
    call(middle, "REPLICAOF", "NO", "ONE")
    with middle.conn(timeout=60) as conn:
        churn(conn, random.Random(11), 500)
        wait_equal(middle, low)
        assert_same_soon(middle, low)
        # The one below went on, and so can the former top.
        follow(top, middle)
        wait_equal(middle, top)
        assert_same_soon(middle, top)
        assert info(conn, "stats")["sync_full"] == "1"


def test_clients_that_are_paused_go_on_afterwards(start):
    primary = engine(start)
    with primary.conn() as conn, primary.conn() as other:
        assert conn.call("CLIENT", "PAUSE", 60000, "WRITE") == b"OK"
        other.send(wire.command("GET", "a") + wire.command("SET", "a", 1) + wire.command("INCR", "a"))
        assert wire.parse(other.read_reply()) is None
        servers.wait_for(lambda: info(conn, "clients")["blocked_clients"] == "1", "it is paused")
        assert conn.call("CLIENT", "UNPAUSE") == b"OK"
        assert [wire.parse(other.read_reply()) for _ in range(2)] == [b"OK", 2]
        assert conn.call("CLIENT", "PAUSE", 100) == b"OK"
        began = time.monotonic()
        assert conn.call("GET", "a") == b"2"
        assert time.monotonic() - began > 0.05


# ---- the end of a primary ----

def lag(primary, replica):
    """Something is written that the replica, which stands still, does not have."""
    os.kill(replica.pid, signal.SIGSTOP)
    assert call(primary, "INCR", "n") == 1


def ends_soon(server):
    servers.wait_for(lambda: not server.is_alive(), "it ends", within=10)


def is_ending(server):
    return "shutdown_in_milliseconds" in info_of(server, "server")


def info_of(server, section):
    with server.conn() as conn:
        return info(conn, section)


@pytest.mark.parametrize("how", ["SHUTDOWN", "SIGTERM"])
@pytest.mark.parametrize("kind", [engine, redis])
def test_the_end_waits_for_replicas_and_takes_no_writes_meanwhile(start, kind, how):
    primary = engine(start, shutdown_timeout=60)
    replica = kind(start)
    follow(replica, primary)
    wait_up(replica)
    lag(primary, replica)
    with primary.conn() as asks, primary.conn() as writes:
        if how == "SHUTDOWN":
            asks.send(wire.command("SHUTDOWN", "NOSAVE"))
        else:
            os.kill(primary.pid, signal.SIGTERM)
        servers.wait_for(lambda: is_ending(primary), "it waits")
        assert 50000 < int(info_of(primary, "server")["shutdown_in_milliseconds"]) <= 60000
        writes.send(wire.command("INCR", "n"))
        assert call(primary, "GET", "n") == b"1"
        os.kill(replica.pid, signal.SIGCONT)
        for conn in (asks, writes):
            with pytest.raises(wire.Closed) as closed:
                conn.read_reply()
            assert closed.value.data == b""
    ends_soon(primary)
    assert call(replica, "GET", "n") == b"1"
    assert "1 of 1 replicas are in sync when shutting down." in primary.output()


@pytest.mark.parametrize("words", [("NOW",), ("NOW", "FORCE", "NOSAVE")])
def test_an_end_at_once_does_not_wait_for_replicas(start, words):
    primary, replica = engine(start, shutdown_timeout=60), engine(start)
    follow(replica, primary)
    wait_up(replica)
    lag(primary, replica)
    with primary.conn() as conn:
        conn.send(wire.command("SHUTDOWN", *words))
        ends_soon(primary)
    assert "0 of 1 replicas are in sync when shutting down." in primary.output()
    assert "Lagging replica" in primary.output()
    os.kill(replica.pid, signal.SIGCONT)


def test_an_end_waits_no_longer_than_it_may(start):
    primary, replica = engine(start, shutdown_timeout=1), engine(start)
    follow(replica, primary)
    wait_up(replica)
    lag(primary, replica)
    os.kill(primary.pid, signal.SIGTERM)
    ends_soon(primary)
    assert "Waiting for replicas before shutting down." in primary.output()
    assert "0 of 1 replicas are in sync when shutting down." in primary.output()
    os.kill(replica.pid, signal.SIGCONT)


@pytest.mark.parametrize("why", ["it is aborted", "it cannot save"])
def test_who_asked_for_an_end_that_does_not_come_is_told(start, why):
    primary, replica = engine(start, shutdown_timeout=60), engine(start)
    follow(replica, primary)
    wait_up(replica)
    lag(primary, replica)
    with primary.conn() as first, primary.conn() as second, primary.conn() as writes:
        for conn in (first, second):
            conn.send(wire.command("SHUTDOWN", "SAVE"))
        servers.wait_for(lambda: info_of(primary, "clients")["blocked_clients"] == "2", "both wait")
        writes.send(wire.command("INCR", "n"))
        if why == "it is aborted":
            assert call(primary, "SHUTDOWN", "ABORT") == b"OK"
        else:
            os.mkdir(os.path.join(primary.dir, "dump.rdb"))
            os.kill(replica.pid, signal.SIGCONT)
        for conn in (first, second):
            assert conn.read_reply() == b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"
        assert writes.read_reply() == b":2\r\n"
        assert not is_ending(primary)
    assert call(primary, "SHUTDOWN", "ABORT") == "ERR No shutdown in progress."
    os.kill(replica.pid, signal.SIGCONT)


def test_all_replicas_of_a_snapshot_hear_at_once_that_it_comes(start):
    ours = engine(start, repl_diskless_sync_delay="60", repl_diskless_sync_max_replicas="2", rdb_key_save_delay="60000000")
    call(ours, "SET", "k", "v")
    replicas = [ours.conn() for _ in range(2)]
    for replica in replicas:
        assert replica.raw("REPLCONF", "capa", "eof") == b"+OK\r\n"
        replica.send(wire.command("PSYNC", "?", "-1"))
    for replica in replicas:
        said = replica.read_line()
        while said == b"\n":
            said = replica.read_line()
        assert said.startswith(b"+FULLRESYNC ")
        assert replica.read_line().startswith(b"$EOF:")
        replica.close()


def test_what_replicas_cost_is_told_on_both_sides(start):
    primary, replica = engine(start, repl_backlog_size="16kb"), engine(start)
    follow(replica, primary)
    wait_up(replica)
    with primary.conn() as conn:
        conn.batch([["SET", "k%d" % i, "x" * 10000] for i in range(100)])
    wait_equal(primary, replica)
    told = info_of(replica, "stats")
    assert 10**6 < int(told["total_net_repl_input_bytes"]) <= int(told["total_net_input_bytes"])
    assert int(info_of(primary, "stats")["total_net_repl_output_bytes"]) > 10**6
    os.kill(replica.pid, signal.SIGSTOP)
    with primary.conn() as conn:
        for _ in range(20):
            conn.batch([["SET", "k%d" % i, "x" * 100000] for i in range(10)])
        assert int(info(conn, "memory")["mem_clients_slaves"]) > 10**6
        assert conn.call("CLIENT", "KILL", "TYPE", "slave") == 1
        assert int(info(conn, "memory")["mem_clients_slaves"]) == 0
    os.kill(replica.pid, signal.SIGCONT)
