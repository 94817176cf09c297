"""The engine as a replica of redis-server: full and partial syncs, cuts at any moment, roles."""

import random
import socket
import threading
import time

import pytest
import replication
import servers
import wire
from replication import assert_same, call, contents, fill, follow, info, wait_equal, wait_up

DISK = {"repl_diskless_sync": "no"}
DISKLESS = {"repl_diskless_sync": "yes", "repl_diskless_sync_delay": "0"}


def redis(start, **options):
    return start(servers.redis, **{"repl_ping_replica_period": 1, **DISKLESS, **options})


def engine(start, **options):
    return start(servers.engine, **{"repl_diskless_sync_delay": 0, **options})


@pytest.mark.parametrize("load", ["disabled", "on-empty-db", "swapdb", "flush-before-load"])
@pytest.mark.parametrize("send", [DISK, DISKLESS], ids=["disk", "diskless"])
def test_a_full_sync_brings_everything_and_the_stream_what_follows(start, send, load):
    primary, replica = redis(start, **send), engine(start, repl_diskless_load=load)
    with primary.conn(timeout=60) as conn:
        fill(conn, 1)
        call(replica, "SET", "own", "goes")
        follow(replica, primary)
        wait_equal(primary, replica)
        assert_same(primary, replica)
        fill(conn, 2)
        conn.batch([["MULTI"], ["INCR", "n"], ["SELECT", 2], ["LPUSH", "l", "a"], ["EXEC"], ["SELECT", 1],
                    ["SETEX", "short", 100, "v"], ["SPOP", "set:0", 3], ["FLUSHDB"], ["SET", "alone", "1"]])
    wait_equal(primary, replica)
    assert_same(primary, replica)


def test_writes_go_on_during_the_sync(start):
    primary, replica = redis(start, rdb_key_save_delay=50), engine(start)
    done = threading.Event()

    def write():
        rng = random.Random(3)
        with primary.conn(timeout=60) as conn:
            while not done.is_set():
                conn.batch([["INCR", "n:%d" % rng.randrange(100)], ["RPUSH", "l:%d" % rng.randrange(10), rng.random()],
                            ["DEL", "l:%d" % rng.randrange(10)], ["ZINCRBY", "z", 1, rng.randrange(50)]] * 10)
    with primary.conn(timeout=60) as conn:
        fill(conn, 1)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        follow(replica, primary)
        wait_up(replica)
    finally:
        done.set()
        writer.join()
    wait_equal(primary, replica)
    assert_same(primary, replica)


def test_a_lost_link_is_made_up_for_by_what_was_missed(start):
    primary, replica = redis(start), engine(start)
    proxy = start(replication.Proxy, primary.address)
    with primary.conn(timeout=60) as conn:
        fill(conn, 1)
        follow(replica, proxy)
        wait_equal(primary, replica)
        for round_ in range(3):
            proxy.cut(stays_cut=True)
            conn.batch([["SELECT", round_], ["INCR", "n"], ["RPUSH", "l", "a" * 1000], ["SADD", "s", round_]])
            servers.wait_for(lambda: not replication.is_up(replica), "the cut is noticed")
            proxy.mend()
            wait_equal(primary, replica)
            assert_same(primary, replica)
        assert info(conn, "stats")["sync_full"] == "1"
        assert info(conn, "stats")["sync_partial_ok"] == "3"


def test_a_stream_cut_amid_commands_and_transactions_loses_and_doubles_nothing(start):
    primary, replica = redis(start, repl_backlog_size="10mb"), engine(start)
    proxy = start(replication.Proxy, primary.address)
    rng = random.Random(5)
    with primary.conn(timeout=60) as conn:
        follow(replica, proxy)
        wait_equal(primary, replica)
        for _ in range(15):
            proxy.cut_after = proxy.passed + rng.randrange(1, 6000)
            for _ in range(4):
                conn.batch([["MULTI"], ["INCR", "n"], ["RPUSH", "l", rng.random()], ["EXEC"], ["INCR", "m"],
                            ["APPEND", "t", "x" * rng.randrange(900)]])
        proxy.cut_after = None
        wait_equal(primary, replica)
        assert info(conn, "stats")["sync_full"] == "1"
    assert_same(primary, replica)


@pytest.mark.parametrize("load", ["disabled", "swapdb", "flush-before-load"])
def test_a_sync_cut_in_its_middle_leaves_no_half(start, load):
    """What is seen is the old data, nothing or the new, and in the end the new."""
    primary, replica = redis(start), engine(start, repl_diskless_load=load)
    proxy = start(replication.Proxy, primary.address)
    with primary.conn(timeout=60) as conn:
        fill(conn, 1, keys=100)
    call(replica, "SET", "own", "old")
    before, whole = contents(replica), contents(primary)
    rng = random.Random(7)
    follow(replica, proxy)
    for _ in range(4):
        proxy.cut_after = proxy.passed + rng.randrange(1000, 400000)
        servers.wait_for(lambda: proxy.cut_after is None or replication.is_up(replica), "it is cut")
        with replica.conn() as conn:
            size = conn.call("DBSIZE")
        if replication.is_up(replica):
            break
        if isinstance(size, int) and size > 0:
            assert contents(replica) == before and load != "flush-before-load"
    proxy.cut_after = None
    wait_equal(primary, replica, within=30)
    assert contents(replica) == whole


def test_a_primary_that_dies_and_comes_back_is_followed_again(start):
    primary, replica = redis(start), engine(start)
    proxy = start(replication.Proxy, primary.address)
    with primary.conn(timeout=60) as conn:
        fill(conn, 1)
    follow(replica, proxy)
    wait_equal(primary, replica)
    primary.proc.kill()
    primary.proc.wait()
    servers.wait_for(lambda: not replication.is_up(replica), "its end is noticed")
    assert len(contents(replica)) > 100, "stale data is served"
    again = redis(start)
    proxy.target = again.address
    wait_equal(again, replica)
    assert contents(replica) == {}


def test_what_a_replica_refuses(start):
    primary, replica = redis(start), engine(start)
    call(primary, "SET", "k", "v")
    follow(replica, primary)
    wait_equal(primary, replica)
    with replica.conn() as conn:
        assert conn.raw("SET", "a", "b") == b"-READONLY You can't write against a read only replica.\r\n"
        assert conn.call("GET", "k") == b"v"
        assert conn.call("ROLE")[:4] == [b"slave", b"127.0.0.1", primary.port, b"connected"]
        conn.call("CONFIG", "SET", "replica-read-only", "no")
        assert conn.call("SET", "a", "b") == b"OK"
        conn.call("CONFIG", "SET", "replica-serve-stale-data", "no")
        primary.proc.kill()
        primary.proc.wait()
        servers.wait_for(lambda: not replication.is_up(replica), "its end is noticed")
        assert conn.raw("GET", "k") == (b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set "
                                        b"to 'no'.\r\n")
        assert conn.call("CONFIG", "GET", "replicaof") == [b"replicaof", b"127.0.0.1 %d" % primary.port]
        assert conn.call("REPLICAOF", "NO", "ONE") == b"OK"
        assert conn.call("GET", "k") == b"v"
        assert info(conn)["role"] == "master"


@pytest.mark.parametrize("kind", [redis, engine])
def test_a_pause_of_clients_puts_the_stream_off(start, kind):
    primary, replica = redis(start), kind(start)
    with primary.conn() as conn, replica.conn() as seen:
        follow(replica, primary)
        wait_equal(primary, replica)
        assert seen.call("CLIENT", "PAUSE", 100000, "WRITE") == b"OK"
        before = info(conn)["master_repl_offset"]
        conn.batch([["SET", "k", "v"], ["MULTI"], ["INCR", "n"], ["INCR", "n"], ["EXEC"]])
        read = "slave_read_repl_offset"
        servers.wait_for(lambda: info(seen)[read] == info(conn)["master_repl_offset"], "all of it has come")
        assert int(info(seen)["slave_repl_offset"]) < int(info(conn)["master_repl_offset"])
        assert int(info(seen)["slave_repl_offset"]) >= int(before)
        assert seen.call("GET", "k") is None and seen.call("GET", "n") is None
        assert seen.call("CLIENT", "UNPAUSE") == b"OK"
        wait_equal(primary, replica)
        assert seen.call("GET", "k") == b"v" and seen.call("GET", "n") == b"2"
        # One that is promoted amid a pause keeps nothing of what it had put off.
        seen.call("CLIENT", "PAUSE", 100000, "WRITE")
        conn.call("SET", "k", "w")
        servers.wait_for(lambda: info(seen)[read] == info(conn)["master_repl_offset"], "it has come")
        assert seen.call("REPLICAOF", "NO", "ONE") == b"OK"
        seen.call("CLIENT", "UNPAUSE")
        assert seen.call("GET", "k") == b"v"


def test_expired_keys_are_hidden_and_kept_until_the_primary_removes_them(start):
    primary, replica = redis(start), engine(start)
    with primary.conn() as conn, replica.conn() as seen:
        follow(replica, primary)
        wait_equal(primary, replica)
        conn.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        conn.batch([["SET", "k", "v", "PX", 1], ["SET", "n", 5, "PX", 1]])
        wait_equal(primary, replica)
        servers.wait_for(lambda: seen.call("GET", "k") is None, "it is hidden")
        assert seen.call("EXISTS", "k") == 0 and seen.call("DBSIZE") == 2
        servers.wait_for(lambda: conn.call("GET", "k") is None, "the primary removes it")
        conn.call("INCR", "n")
        wait_equal(primary, replica)
        assert seen.call("GET", "n") == b"1" and seen.call("DBSIZE") == 1


def test_a_replica_ignores_maxmemory_as_its_primary_decides(start):
    primary, replica = redis(start), engine(start, maxmemory="3mb", maxmemory_policy="allkeys-lru")
    with primary.conn(timeout=60) as conn:
        fill(conn, 1)
        follow(replica, primary)
        wait_equal(primary, replica)
        conn.batch([["SET", "more:%d" % i, "x" * 1000] for i in range(3000)])
    wait_equal(primary, replica)
    assert_same(primary, replica)


def test_a_password_and_a_user(start):
    primary = redis(start, requirepass="secret")
    replica = engine(start, masterauth="wrong", replicaof=("127.0.0.1", primary.port))
    with replica.conn() as conn, primary.conn() as top:
        servers.wait_for(lambda: "WRONGPASS" in replica.output(), "it is refused")
        top.call("AUTH", "secret")
        top.call("SET", "k", "v")
        conn.call("CONFIG", "SET", "masterauth", "secret")
        wait_up(replica)
        top.call("ACL", "SETUSER", "bob", "on", ">hello", "+psync", "+replconf", "+ping")
        conn.call("REPLICAOF", "NO", "ONE")
        conn.batch([["CONFIG", "SET", "masteruser", "bob"], ["CONFIG", "SET", "masterauth", "hello"]])
        follow(replica, primary)
        wait_up(replica)
        assert conn.call("GET", "k") == b"v"


def test_a_chain_follows_its_head_byte_for_byte(start):
    """redis-server, the engine below it, redis-server below that: the middle is promoted, the end goes on."""
    head, middle, end = redis(start), engine(start), redis(start)
    with head.conn(timeout=60) as conn:
        fill(conn, 1)
        follow(middle, head)
        wait_equal(head, middle)
        follow(end, middle)
        wait_equal(head, middle, end)
        fill(conn, 2)
        wait_equal(head, middle, end)
        assert_same(head, middle, end)
        call(middle, "REPLICAOF", "NO", "ONE")
        wait_up(end)
        call(middle, "SET", "after", "promotion")
        wait_equal(middle, end)
        assert_same(middle, end)
        with end.conn() as below, middle.conn() as above:
            assert info(below)["master_replid"] == info(above)["master_replid"]
            assert info(above)["master_replid2"] == info(conn)["master_replid"]
            assert info(above, "stats")["sync_full"] == "1"
        follow(head, middle)
        wait_equal(middle, head)
        with middle.conn() as above:
            assert info(above, "stats")["sync_full"] == "1", "the old head goes on where it was"
    assert_same(middle, end, head)


@pytest.mark.parametrize("goes_on", [True, False], ids=["saved", "killed"])
def test_a_replica_that_is_started_again_goes_on_from_its_file(start, tmp_path, goes_on):
    primary = redis(start)
    with primary.conn(timeout=60) as conn:
        fill(conn, 1)
        first = engine(start, dir=str(tmp_path), replicaof=("127.0.0.1", primary.port))
        wait_equal(primary, first)
        conn.batch([["SELECT", 2], ["SET", "before", "the end"]])
        wait_equal(primary, first)
        if goes_on:
            assert call(first, "SAVE") == b"OK"
        first.proc.kill()
        first.proc.wait()
        conn.call("SET", "missed", "this")
        again = engine(start, dir=str(tmp_path), replicaof=("127.0.0.1", primary.port))
        wait_equal(primary, again)
        assert info(conn, "stats")["sync_full"] == ("1" if goes_on else "2")
    assert_same(primary, again)


def test_replicas_of_a_primary_that_is_started_again_go_on(start, tmp_path):
    first = engine(start, dir=str(tmp_path))
    proxy = start(replication.Proxy, first.address)
    replica = redis(start)
    with first.conn() as conn:
        conn.batch([["SET", "k", "v"], ["RPUSH", "l", 1, 2, 3]])
        follow(replica, proxy)
        wait_equal(first, replica)
        assert conn.call("SAVE") == b"OK"
    first.proc.kill()
    first.proc.wait()
    again = engine(start, dir=str(tmp_path))
    proxy.target = again.address
    wait_equal(again, replica)
    with again.conn() as conn:
        facts = info(conn, "stats")
        assert (facts["sync_full"], facts["sync_partial_ok"]) == ("0", "1")
    assert_same(again, replica)


def test_libraries_of_functions_come_with_the_snapshot_and_by_the_stream(start):
    def library(name):
        return "#!lua name=%s\nredis.register_function('f_%s', function(keys, args) return 'of %s' end)" % ((name,) * 3)
    primary, replica = redis(start), engine(start)
    call(replica, "FUNCTION", "LOAD", library("own"))
    call(primary, "FUNCTION", "LOAD", library("first"))
    follow(replica, primary)
    wait_equal(primary, replica)
    call(primary, "FUNCTION", "LOAD", library("second"))
    wait_equal(primary, replica)
    names = [dict(zip(one[::2], one[1::2]))[b"library_name"] for one in call(replica, "FUNCTION", "LIST")]
    assert sorted(names) == [b"first", b"second"]


def test_clients_are_served_while_a_snapshot_is_loaded(start):
    primary, replica = redis(start), engine(start, repl_diskless_load="swapdb")
    with primary.conn(timeout=60) as conn, replica.conn() as seen:
        conn.call("DEBUG", "POPULATE", 400000, "key", 100)
        seen.call("SET", "own", "old")
        follow(replica, primary)
        slowest, loads = 0.0, 0
        while not replication.is_up(replica):
            begun = time.monotonic()
            assert seen.call("PING") == b"PONG"
            slowest = max(slowest, time.monotonic() - begun)
            loads += info(seen, "persistence")["async_loading"] == "1"
            if loads:
                assert seen.call("GET", "own") in (b"old", None)
        assert loads > 0 and slowest < 0.2
        assert seen.call("DBSIZE") == 400000


def test_whoever_does_not_speak_as_a_primary_is_left_alone(start):
    replica = engine(start, repl_timeout=2)
    rng = random.Random(11)
    told = [b"", b"-ERR no\r\n", b"+PONG\r\n" * 5 + b"+FULLRESYNC abc\r\n", b"x" * 5000, b"+PONG\r\n" * 9,
            b"+PONG\r\n" * 4 + b"+FULLRESYNC " + b"a" * 40 + b" 5\r\n$100\r\nREDIS0011" + b"\xff" * 91,
            b"+PONG\r\n" * 4 + b"+FULLRESYNC " + b"a" * 40 + b" 5\r\n$EOF:" + b"m" * 40 + b"\r\nREDIS",
            bytes(rng.randrange(256) for _ in range(3000))]
    with socket.create_server(("127.0.0.1", 0)) as listener, replica.conn() as conn:
        listener.settimeout(10)
        call(replica, "SET", "own", "old")
        for words in told:
            conn.call("REPLICAOF", "NO", "ONE")
            conn.call("REPLICAOF", "127.0.0.1", listener.getsockname()[1])
            peer, _ = listener.accept()
            peer.sendall(words)
            peer.settimeout(0.3)
            try:
                while peer.recv(4096):
                    pass
            except OSError:
                pass
            peer.close()
            assert conn.call("PING") == b"PONG"
        conn.call("REPLICAOF", "NO", "ONE")
        assert wire.parse(conn.raw("GET", "own")) in (b"old", None)


@pytest.mark.parametrize("kind", [engine, redis])
def test_what_a_writable_replica_gave_an_end_goes_by_itself(start, kind):
    primary, replica = redis(start), kind(start, replica_read_only="no")
    follow(replica, primary)
    wait_up(replica)
    call(primary, "SET", "theirs", 1, "PX", 100)
    wait_equal(primary, replica)
    with replica.conn() as conn:
        conn.batch([["SET", "own:%d" % i, i, "PX", 100] for i in range(500)])
        assert conn.call("EXPIRE", "theirs", 1000) in (0, 1)
        assert int(info(conn, "stats")["slave_expires_tracked_keys"]) >= 500
        servers.wait_for(lambda: conn.call("DBSIZE") <= 1, "they go")
        servers.wait_for(lambda: int(info(conn, "stats")["slave_expires_tracked_keys"]) <= 1, "and are forgotten")
