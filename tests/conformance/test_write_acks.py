"""larder-write-acks: a write is answered when replicas have it, and what that means for everybody else."""

import contextlib
import os
import signal
import threading
import time

import pytest
import servers
from wire import Closed, Conn, Error, command, parse


class Group:
    """A primary that wants `acks` acknowledgements, and replicas of it that are online."""

    def __init__(self, start, acks=1, replicas=("engine",), **options):
        self.primary = start("engine", larder_admin_socket="admin", repl_diskless_sync_delay=0, **options)
        self.replicas = [start(kind, larder_admin_socket="admin") if kind == "engine" else start(kind)
                         for kind in replicas]
        for replica in self.replicas:
            with replica.conn() as conn:
                assert conn.call("REPLICAOF", "127.0.0.1", self.primary.port) == b"OK"
        with self.primary.conn() as conn:
            servers.wait_for(lambda: conn.call("INFO", "replication").count(b"state=online") == len(replicas),
                             "all replicas are online")
            assert conn.call("CONFIG", "SET", "larder-write-acks", acks) == b"OK"
        self.owner = Conn(os.path.join(self.primary.dir, "admin"))

    def held(self):
        words = self.owner.call("LARDER.STATE")
        return dict(zip(words[::2], words[1::2]))[b"held-writes"]

    @contextlib.contextmanager
    def without(self, replica=0):
        """That replica stands still meanwhile."""
        pid = self.replicas[replica].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def group():
    started = []

    def start(kind, **options):
        started.append(getattr(servers, kind)(**options))
        return started[-1]
    yield lambda *args, **kw: Group(start, *args, **kw)
    for server in started:
        server.stop()


def nothing_comes(conn):
    conn.sock.settimeout(0.05)
    try:
        return conn.buf == b"" and not conn.sock.recv(1)
    except TimeoutError:
        return True
    finally:
        conn.sock.settimeout(20)


def test_both_kinds_of_replicas_acknowledge_at_once(group):
    g = group(acks=2, replicas=("engine", "redis"))
    with g.primary.conn() as conn:
        begun = time.monotonic()
        for i in range(50):
            assert conn.call("SET", "k", i) == b"OK"
        assert time.monotonic() - begun < 5
        for replica in g.replicas:
            with replica.conn() as other:
                assert other.call("GET", "k") == b"49"


def test_one_of_two_is_enough_where_one_is_asked_for(group):
    g = group(acks=1, replicas=("engine", "engine"))
    with g.without(0), g.primary.conn() as conn:
        assert conn.call("SET", "k", "v") == b"OK"
        conn.call("CONFIG", "SET", "larder-write-acks-timeout", 200, "larder-write-acks", 2)
        assert conn.call("SET", "k", "v").startswith("UNCONFIRMED the write was made here, but within 200 ms not")


def test_replies_keep_their_order_and_others_do_not_wait(group):
    g = group()
    with g.primary.conn() as writer, g.primary.conn() as reader:
        with g.without():
            writer.send(command("PING") + command("SET", "k", "1") + command("GET", "k") + command("INCR", "k")
                        + command("STRLEN", "k"))
            assert writer.read_reply() == b"+PONG\r\n" and nothing_comes(writer)
            assert reader.call("GET", "k") == b"2" and reader.call("PING") == b"PONG"
            assert g.held() == 2
        assert [parse(writer.read_reply()) for _ in range(4)] == [b"OK", b"1", 2, 1]
        assert g.held() == 0


@pytest.mark.parametrize("words", [
    [("MULTI",), ("SET", "a", 1), ("INCR", "n"), ("EXEC",)],
    [("EVAL", "redis.call('set', KEYS[1], 'x') return redis.call('get', KEYS[1])", 1, "s")],
])
def test_transactions_and_scripts_wait_as_one(group, words):
    g = group(larder_write_acks_timeout=300)
    with g.primary.conn() as conn:
        with g.without():
            conn.send(b"".join(command(*w) for w in words) + command("EXISTS", "a", "s"))
            replies = [parse(conn.read_reply()) for _ in range(len(words) + 1)]
        assert replies[-2].startswith("UNCONFIRMED ") and replies[-1] == 1


def test_who_waited_for_a_key_is_answered_when_its_removal_is_confirmed(group):
    g = group()
    with g.primary.conn() as waiter, g.primary.conn() as pusher:
        waiter.send(command("BLPOP", "l", 0))
        servers.wait_for(lambda: b"blocked_clients:1" in g.owner.call("INFO", "clients"), "it waits")
        with g.without():
            pusher.send(command("RPUSH", "l", "a"))
            servers.wait_for(lambda: g.held() == 2, "both are held")
            assert nothing_comes(waiter) and nothing_comes(pusher)
        assert parse(waiter.read_reply()) == [b"l", b"a"] and parse(pusher.read_reply()) == 1


def test_who_counts_does_not_wait(group):
    both = group()
    with both.primary.conn() as conn:
        assert conn.call("PFADD", "k", "a", "b", "c") == 1
        with both.without():
            assert conn.call("PFCOUNT", "k") == 3
            assert both.held() == 0
        assert conn.call("PFCOUNT", "k") == 3


def test_many_held_replies_stop_their_client_and_go_on_in_order(group):
    g = group(larder_write_acks_timeout=60000)
    count = 20000
    with g.primary.conn() as conn:
        with g.without():
            sender = threading.Thread(target=conn.send, args=(command("INCR", "n") * count,))
            sender.start()
            servers.wait_for(lambda: g.held() >= 4096, "so many are held")
            assert g.held() < 12000
        assert [parse(conn.read_reply()) for _ in range(count)] == list(range(1, count + 1))
        sender.join()


def test_what_all_have_held_has_a_bound(group):
    g = group(larder_write_acks_memory="64kb", larder_write_acks_timeout=60000)
    with g.primary.conn() as conn, g.primary.conn() as other:
        with g.without():
            conn.send(command("INCR", "n") * 2000)
            servers.wait_for(lambda: g.held() > 500, "much is held")
            other.send(command("SET", "k", "v"))
            assert parse(other.read_reply()).startswith("NOREPLICAS Too much is waiting to be acknowledged")
            assert other.call("GET", "k") is None
        replies = [parse(conn.read_reply()) for _ in range(2000)]
        good = [r for r in replies if not isinstance(r, Error)]
        assert good == list(range(1, len(good) + 1)) and 500 < len(good) < 2000
        assert other.call("SET", "k", "v") == b"OK"


def durability(owner):
    lines = owner.call("INFO", "replication").split(b"\r\n")
    return {name: int(value) for name, value in (line.split(b":") for line in lines if b"larder_durability_" in line)}


@pytest.mark.parametrize("asked", [
    ("larder-write-acks", 1),
    ("larder-write-acks", 0, "min-replicas-to-write", 1, "min-replicas-max-lag", 1),
])
def test_what_durability_waits_for_is_in_info(group, asked):
    g = group(larder_write_acks_timeout=60000, larder_write_acks_memory="64kb")
    numbers = lambda: durability(g.owner)
    with g.primary.conn() as conn:
        assert g.owner.call("CONFIG", "SET", *asked) == b"OK"
        with g.without():
            conn.send(command("INCR", "n") * 2000)
            servers.wait_for(lambda: numbers()[b"larder_durability_lag_ms"] > 500, "the lag grows")
            with g.primary.conn() as other:
                servers.wait_for(lambda: other.send(command("SET", "k", "v")) or
                                 numbers()[b"larder_durability_refused"] > 0, "writes are refused")
        servers.wait_for(lambda: numbers()[b"larder_durability_lag_ms"] == 0, "replicas have all of it")
        assert g.owner.call("CONFIG", "SET", "larder-write-acks", 0, "min-replicas-to-write", 0) == b"OK"
        assert numbers() == {}
    with g.replicas[0].conn() as other:
        assert b"larder_durability" not in other.call("INFO", "replication")


def test_a_lease_that_ends_while_replies_are_held_lets_none_of_them_go(group):
    g = group(larder_write_acks_timeout=60000)
    with g.primary.conn() as conn:
        g.owner.call("LARDER.LEASE", 1, 60000)
        with g.without():
            conn.send(command("SET", "k", "v"))
            servers.wait_for(lambda: g.held() == 1, "it is held")
            g.owner.call("LARDER.LEASE", 1, 0)
        with pytest.raises(Closed) as closed:
            conn.read_reply()
        assert closed.value.data == b""


def test_what_was_acknowledged_is_on_the_replica_when_the_primary_dies(group):
    g = group()
    acknowledged, stop = [], threading.Event()

    def write(name):
        with contextlib.suppress(Closed, OSError), g.primary.conn() as conn:
            number = 0
            while not stop.is_set():
                conn.send(b"".join(command("SET", "%s:%d" % (name, number + i), "v") for i in range(8)))
                for i in range(8):
                    if conn.read_reply() == b"+OK\r\n":
                        acknowledged.append("%s:%d" % (name, number + i))
                number += 8

    writers = [threading.Thread(target=write, args=("w%d" % i,)) for i in range(4)]
    for writer in writers:
        writer.start()
    servers.wait_for(lambda: len(acknowledged) > 1000, "some are acknowledged")
    os.kill(g.primary.pid, signal.SIGKILL)
    stop.set()
    for writer in writers:
        writer.join()
    replica = g.replicas[0]
    with Conn(os.path.join(replica.dir, "admin")) as owner, replica.conn() as conn:
        assert owner.call("LARDER.ROLE", 2, "primary") == b"OK"
        missing = [key for key in acknowledged if conn.call("EXISTS", key) != 1]
        assert not missing and conn.call("SET", "k", "v") == b"OK"
