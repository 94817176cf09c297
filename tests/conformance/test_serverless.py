"""What serverless caches have beside others: a port for readers, and a limit of work for each second."""
import threading
import time

import pytest
import servers
from wire import Conn


@pytest.fixture
def limited(own_engine):
    return own_engine(**{"larder-ecpus-per-second": "1000"})


def calls_in(conn, seconds, *call):
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        conn.call(*call)
        count += 1
    return count


def test_a_reader_is_let_in_by_a_port_of_its_own(own_engine):
    port = servers.free_port()
    server = own_engine(**{"larder-reader-port": str(port)})
    address = ("127.0.0.1", port)
    with Conn(address) as reader, server.conn() as writer:
        writer.call("SET", "k", "v")
        assert reader.call("GET", "k") == b"v"
        writer.call("CONFIG", "SET", "larder-reader-port", "0")
    with pytest.raises(OSError):
        Conn(address)


def test_more_than_the_limit_waits_and_nothing_is_refused(limited):
    with limited.conn() as conn:
        done = calls_in(conn, 1.5, "PING")
        assert 500 < done <= 1500 + 200
        info = conn.call("INFO", "stats")
        assert b"larder_throttled_calls:0" not in info


def test_much_data_costs_more(limited):
    with limited.conn() as conn:
        began = time.monotonic()
        for _ in range(10):
            assert conn.call("SET", "k", "x" * (100 << 10)) == b"OK"
        assert time.monotonic() - began > 0.7


def test_the_limit_is_lifted_at_once(limited):
    with limited.conn() as conn, limited.conn() as other:
        conn.call("SET", "k", "x" * (300 << 10))
        other.call("CONFIG", "SET", "larder-ecpus-per-second", "0")
        assert calls_in(conn, 0.5, "PING") > 1500


@pytest.fixture
def pair(own_engine):
    """A primary and a replica of it, with one limit; what they did in a time is what both counted."""
    primary = own_engine(**{"larder-ecpus-per-second": "1000", "repl-diskless-sync-delay": "0"})
    replica = own_engine(**{"larder-ecpus-per-second": "1000", "replicaof": f"127.0.0.1 {primary.port}"})
    with replica.conn() as conn:
        servers.wait_for(lambda: b"master_link_status:up" in conn.call("INFO", "replication"), "the replica follows")
    return primary, replica


def test_readers_of_a_replica_have_half_of_the_limit(pair):
    with pair[1].conn() as conn:
        assert calls_in(conn, 1.5, "GET", "k") <= 750 + 150


def test_what_readers_do_writers_cannot(pair):
    done = {}

    def work(server, *call):
        with server.conn() as conn:
            calls_in(conn, 2.2, *call)  # until the replica has told of itself
            done[server.port] = calls_in(conn, 1.5, *call)

    threads = [threading.Thread(target=work, args=args) for args in ((pair[0], "SET", "k", "v"), (pair[1], "GET", "k"))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sum(done.values()) <= 1500 + 300
    assert all(count > 100 for count in done.values())
    with pair[0].conn() as conn:  # the replica tells each second that nobody reads any more
        servers.wait_for(lambda: calls_in(conn, 0.5, "PING") > 400, "the whole limit is the writers'")
