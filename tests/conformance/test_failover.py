"""FAILOVER between engines and redis-servers, CLIENT PAUSE."""

import threading
import time

import pytest
import replication
import servers
from replication import assert_same, fill, info, wait_equal, wait_up

QUICK = {"repl_diskless_sync_delay": 0, "repl_ping_replica_period": 1}


@pytest.fixture
def pair(request):
    """A primary and a replica that follows it, of the kinds that the test names."""
    started = []

    def begin(*kinds):
        for kind in kinds:
            started.append(kind(**QUICK))
        for replica in started[1:]:
            with replica.conn() as conn:
                conn.call("REPLICAOF", "127.0.0.1", started[0].port)
        wait_equal(started[0], *started[1:])
        return started
    yield begin
    for one in started:
        one.stop()


def role(server):
    with server.conn() as conn:
        return info(conn)["role"]


@pytest.mark.parametrize("kinds", [(servers.engine, servers.engine), (servers.engine, servers.redis),
                                   (servers.redis, servers.engine)], ids=["engines", "to-redis", "from-redis"])
def test_the_roles_are_exchanged_and_nothing_is_lost(pair, kinds):
    old, new = pair(*kinds)
    stop, written = threading.Event(), []

    def write():
        with old.conn(timeout=30) as conn:
            while not stop.is_set():
                reply = conn.raw("INCR", "n")
                if not reply.startswith(b":"):
                    return
                written.append(int(reply[1:]))
    with old.conn(timeout=60) as conn:
        fill(conn, 1, keys=10)
        writer = threading.Thread(target=write)
        writer.start()
        servers.wait_for(lambda: len(written) > 50, "it writes")
        assert conn.call("FAILOVER", "TO", "127.0.0.1", new.port, "TIMEOUT", 20000) == b"OK"
        servers.wait_for(lambda: role(new) == "master" and role(old) == "slave", "the roles are exchanged")
        stop.set()
        writer.join()
        wait_equal(new, old)
        assert info(conn)["master_failover_state"] == "no-failover"
    with new.conn() as conn:
        assert conn.call("GET", "n") == b"%d" % written[-1]
        assert info(conn, "stats")["sync_full"] == "0", "the old primary goes on where it was"
    assert_same(new, old)


def test_a_replica_that_lags_ends_it_in_time_or_is_forced(pair):
    old, new = pair(servers.engine, servers.engine)
    with old.conn() as conn, old.conn() as other:
        new.proc.send_signal(19)
        try:
            conn.call("SET", "k", "v")
            assert conn.raw("FAILOVER", "TO", "127.0.0.1", new.port, "FORCE") == (
                b"-ERR FAILOVER with force option requires both a timeout and target HOST and IP.\r\n")
            assert conn.raw("FAILOVER", "TO", "127.0.0.1", 1) == (
                b"-ERR FAILOVER target HOST and PORT is not a replica.\r\n")
            assert conn.call("FAILOVER", "TIMEOUT", 300) == b"OK"
            assert conn.raw("FAILOVER") == b"-ERR FAILOVER already in progress.\r\n"
            assert conn.raw("REPLICAOF", "NO", "ONE") == b"-ERR REPLICAOF not allowed while failing over.\r\n"
            assert info(conn)["master_failover_state"] == "waiting-for-sync"
            assert other.call("SET", "k", "after") == b"OK", "writes wait, and go on when it is given up"
            assert info(conn)["master_failover_state"] == "no-failover"
            assert conn.call("FAILOVER") == b"OK"
            assert conn.call("FAILOVER", "ABORT") == b"OK"
        finally:
            new.proc.send_signal(18)
        assert role(old) == "master"
        wait_equal(old, new)


def test_clients_that_can_follow_wait_for_the_new_primary_and_are_sent_there():
    """As Valkey 8 has it: while the roles are exchanged nobody is sent to and fro."""
    valkey = {**QUICK, "larder_engine_name": "valkey", "larder_engine_version": "8.0.1"}
    with servers.engine(**valkey) as old, servers.engine(**valkey) as new:
        with old.conn() as conn, old.conn() as able, new.conn() as there:
            assert able.call("CLIENT", "CAPA", "REDIRECT") == b"OK"
            assert there.call("CLIENT", "CAPA", "redirect") == b"OK"
            assert there.call("REPLICAOF", "127.0.0.1", old.port) == b"OK"
            assert able.call("SET", "k", "v") == b"OK"
            wait_equal(old, new)
            for words in (["SET", "k", "w"], ["GET", "k"]):
                assert there.raw(*words) == b"-REDIRECT 127.0.0.1:%d\r\n" % old.port
            new.proc.send_signal(19)
            try:
                conn.call("SET", "k", "w")
                assert conn.call("FAILOVER", "TO", "127.0.0.1", new.port, "TIMEOUT", 100, "FORCE") == b"OK"
                servers.wait_for(lambda: info(conn)["master_failover_state"] == "failover-in-progress", "it is forced")
                able.sock.sendall(b"SET k x\r\nGET k\r\n")
                servers.wait_for(lambda: info(conn, "clients")["blocked_clients"] == "1", "it waits")
            finally:
                new.proc.send_signal(18)
            for _ in range(2):
                assert able.read_reply() == b"-REDIRECT 127.0.0.1:%d\r\n" % new.port
            assert info(conn)["master_failover_state"] == "no-failover"
            servers.wait_for(lambda: there.call("GET", "k") in (b"v", b"w"), "the forced one serves what it has")


def test_paused_clients_wait_and_lose_nothing(own_engine):
    server = own_engine()
    with server.conn() as conn, server.conn() as writer, server.conn() as reader:
        conn.call("SET", "k", "v")
        assert conn.call("CLIENT", "PAUSE", 60000, "WRITE") == b"OK"
        writer.sock.sendall(b"GET k\r\nSET k w\r\nGET k\r\nMULTI\r\nINCR n\r\nEXEC\r\n")
        assert writer.read_reply() == b"$1\r\nv\r\n"
        servers.wait_for(lambda: info(conn, "clients")["blocked_clients"] == "1", "the write waits")
        assert reader.call("GET", "k") == b"v"
        assert conn.call("CLIENT", "UNPAUSE") == b"OK"
        replies = [writer.read_reply() for _ in range(5)]
        assert replies == [b"+OK\r\n", b"$1\r\nw\r\n", b"+OK\r\n", b"+QUEUED\r\n", b"*1\r\n:1\r\n"]
        begun = time.monotonic()
        conn.call("CLIENT", "PAUSE", 100, "ALL")
        assert reader.call("GET", "k") == b"w"
        assert time.monotonic() - begun >= 0.09
