"""What serverless caches have beside others: a port for readers, and a limit of work for each second; and what they lack."""
import threading
import time

import pytest
import servers
from servers import talk
from wire import Conn, Error


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


NODE_ONLY = ["acl log", "client caching yes", "client getredir", "client id", "client info", "client kill id 1", "client list",
             "client no-evict on", "client pause 1", "client tracking on", "client trackinginfo", "client unblock 1", "client unpause",
             "fcall f 0", "fcall_ro f 0", "function list", "function stats", "keys *", "lastsave", "latency latest", "memory usage k",
             "memory doctor", "monitor", "move k 1", "object encoding k", "pfdebug encoding k", "pfselftest", "psubscribe c",
             "pubsub numpat", "punsubscribe", "script kill", "slowlog get", "swapdb 0 1", "wait 0 0"]
LEFT = ["acl whoami", "client getname", "client setname x", "client setinfo lib-name x", "cluster slots", "cluster shards",
        "cluster nodes", "cluster myid", "command count", "dbsize", "info server", "pubsub channels", "role", "script exists x",
        "select 0", "time", "multi", "discard"]


def test_clients_lack_what_is_for_nodes_alone_and_the_owner_has_it(own_engine, tmp_path):
    path = str(tmp_path / "admin.sock")
    server = own_engine(larder_serverless="yes", larder_restricted="yes", larder_admin_socket=path, cluster_enabled="yes")
    with server.conn() as conn, Conn(path) as owner:
        for line in NODE_ONLY:
            name, *words = line.split()
            shown = "".join(f"'{w}' " for w in words)
            assert conn.call(name, *words) == Error(f"ERR unknown command '{name}', with args beginning with: {shown}"), line
        for line in LEFT:
            assert not isinstance(conn.call(*line.split()), Error), line
        assert conn.call("select", "1") == Error("ERR SELECT is not allowed in cluster mode")
        listed = conn.call("command", "list")
        assert b"get" in listed and not {line.split()[0].encode() for line in NODE_ONLY} & set(listed) - {
            b"acl", b"client", b"pubsub", b"script"}
        for line in ("client list", "slowlog get", "memory doctor", "config get port", "wait 0 0"):
            assert not isinstance(owner.call(*line.split()), Error), line


@pytest.fixture
def items(own_engine, tmp_path):
    return own_engine(larder_protocol="memcached", larder_serverless="yes", larder_admin_socket=str(tmp_path / "admin.sock"))


def test_memcached_without_servers_lacks_what_sets_it_or_shows_its_inside(items, tmp_path):
    lines = (b"me k", b"watch", b"lru mode flat", b"lru_crawler metadump all", b"verbosity 1", b"slabs automove 1", b"cache_memlimit 99",
             b"shutdown", b"refresh_certs", b"stats settings", b"stats items", b"stats slabs", b"stats sizes", b"stats conns",
             b"stats detail dump", b"stats cachedump 1 0")
    assert talk(items, b"".join(line + b"\r\n" for line in lines)) == b"ERROR\r\n" * len(lines)
    assert talk(items, b"stats reset\r\nset k 0 0 1\r\nv\r\nmg k v\r\nmn\r\n") == b"RESET\r\nSTORED\r\nVA 1\r\nv\r\nMN\r\n"
    assert b"STAT curr_items 1\r\n" in talk(items, b"stats\r\n")
    said = talk(items, b"flush_all 1\r\nget k\r\nflush_all\r\nget k\r\n")
    assert said.startswith(b"CLIENT_ERROR ") and said.endswith(b"\r\nVALUE k 0 1\r\nv\r\nEND\r\nOK\r\nEND\r\n")
    with Conn(str(tmp_path / "admin.sock")) as owner:
        owner.send(b"verbosity 1\r\n")
        assert owner.read_line() == b"OK\r\n"


def test_memcached_without_servers_has_no_binary_protocol_and_no_get_of_more_than_16_kb(items):
    noop = b"\x80\x0a" + bytes(22)
    assert talk(items, noop) == b""
    keys = b" ".join(b"key%04d" % i for i in range(6000))
    for verb in (b"get ", b"gets "):
        said = talk(items, verb + keys[:16382 - len(verb)] + b"\r\n" + verb + keys[:16383 - len(verb)] + b"\r\n" + verb + keys +
                    b"\r\nversion\r\n").split(b"\r\n")
        assert [s.split()[0] for s in said[:-1]] == [b"END", b"CLIENT_ERROR", b"CLIENT_ERROR", b"VERSION"]
