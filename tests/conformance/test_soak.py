"""A primary with two replicas, one of them redis-server, under writers of every type while nodes are killed, links are
cut and roles change; when it is over, all three hold the same.

A short run is part of every test run; with --long it lasts for minutes, from a seed of its own.
"""

import random
import threading
import time

import replication
import servers
from replication import assert_same, info, wait_equal
from wire import Closed

SHORT_MS = 300  # ends of keys that are over before the nodes are compared


class Node:
    """A server that can be killed and started again where it was, and the proxy before it."""

    def __init__(self, kind):
        self.kind, self.port = kind, servers.free_port()
        self.server = None
        self.start()
        self.proxy = replication.Proxy(self.server.address)

    def start(self):
        def argv(server):
            server.port = self.port
            if self.kind == "redis":
                return [servers.REDIS, "--port", self.port, "--bind", "127.0.0.1", "--dir", server.dir, "--save", "",
                        "--repl-diskless-sync-delay", 0, "--repl-ping-replica-period", 1, "--repl-backlog-size", "4mb",
                        "--repl-diskless-load", random.choice(("disabled", "swapdb"))]
            return [servers.engine_path(), "--port", self.port, "--bind", "127.0.0.1", "--dir", server.dir, "--save",
                    "", "--repl-diskless-sync-delay", 0, "--repl-ping-replica-period", 1, "--repl-backlog-size", "4mb",
                    "--repl-diskless-load", random.choice(("disabled", "swapdb", "flush-before-load"))]
        self.server = servers.Server(argv, self.kind)

    def call(self, *args):
        with self.server.conn(timeout=30) as conn:
            return conn.call(*args)

    def order(self, *args):
        """A change of roles, which a node that loads a snapshot refuses."""
        servers.wait_for(lambda: str(self.call("REPLICAOF", *args)).startswith(("OK", "b'OK")), "it obeys")

    def kill(self):
        self.server.proc.kill()
        self.server.stop()

    def close(self):
        self.proxy.close()
        self.server.stop()


def one_write(rng):
    """A random write; keys are few, so that commands meet what others left."""
    kind = rng.choice(["s", "l", "u", "h", "z"])
    key, other = "%s:%d" % (kind, rng.randrange(40)), "%s:%d" % (kind, rng.randrange(40))
    member, text, n = "m%d" % rng.randrange(300), "x" * rng.randrange(200), rng.randrange(-1000, 1000)
    by_kind = {
        "s": [["SET", key, text], ["SET", key, n], ["INCRBY", key, n], ["APPEND", key, text], ["SETRANGE", key, 30, text],
              ["INCRBYFLOAT", key, n / 7], ["GETDEL", key], ["SETEX", key, 10000, text], ["PSETEX", key, SHORT_MS, text],
              ["GETEX", key, "PERSIST"], ["SETBIT", key, rng.randrange(4000), 1], ["MSET", key, n, other, text]],
        "l": [["RPUSH", key, member, text], ["LPUSH", key, text], ["LPOP", key, 2], ["RPOPLPUSH", key, other],
              ["LMOVE", key, other, "LEFT", "RIGHT"], ["LTRIM", key, 0, 200], ["LREM", key, 1, member],
              ["LINSERT", key, "BEFORE", member, text], ["LSET", key, 0, text], ["SORT", key, "ALPHA", "STORE", other],
              ["BLPOP", key, other, 0.01], ["RPUSH", key] + ["e%d" % i for i in range(rng.randrange(1, 200))]],
        "u": [["SADD", key, member, n], ["SADD", key, n], ["SPOP", key, 2], ["SMOVE", key, other, member],
              ["SREM", key, member], ["SINTERSTORE", other, key, "u:1"], ["SUNIONSTORE", other, key, "u:2"],
              ["SADD", key] + ["e%d" % i for i in range(rng.randrange(1, 300))]],
        "h": [["HSET", key, member, text], ["HINCRBY", key, "n", n], ["HINCRBYFLOAT", key, "f", n / 3],
              ["HDEL", key, member], ["HSETNX", key, member, n],
              ["HSET", key] + [w for i in range(rng.randrange(1, 200)) for w in ("f%d" % i, n)]],
        "z": [["ZADD", key, n, member], ["ZINCRBY", key, n / 9, member], ["ZPOPMIN", key, 2], ["ZREM", key, member],
              ["ZUNIONSTORE", other, 2, key, "z:1"], ["ZREMRANGEBYRANK", key, 0, 1],
              ["ZRANGESTORE", other, key, 0, 50], ["BZPOPMAX", key, 0.01],
              ["ZADD", key] + [w for i in range(rng.randrange(1, 200)) for w in (i / 3, "e%d" % i)]],
    }
    common = [["DEL", key], ["UNLINK", key], ["RENAME", key, other], ["COPY", key, other, "REPLACE"],
              ["PEXPIRE", key, SHORT_MS], ["EXPIRE", key, 100000], ["PERSIST", key], ["MOVE", key, rng.randrange(3)]]
    return rng.choice(by_kind[kind] if rng.random() < 0.85 else common)


def some_writes(rng):
    writes = [one_write(rng) for _ in range(rng.randrange(1, 25))]
    chance = rng.random()
    if chance < 0.2:
        return [["MULTI"]] + writes + [["EXEC"]]
    if chance < 0.3:
        return [["SELECT", rng.randrange(3)]] + writes
    return writes if chance < 0.998 else [rng.choice((["FLUSHDB"], ["SWAPDB", 0, 1]))]


class Writers:
    """Threads that write to whatever is the primary."""

    def __init__(self, group, seed, count=3):
        self.group, self.stops, self.written = group, False, 0
        self.threads = [threading.Thread(target=self.run, args=(random.Random("%s/%d" % (seed, i)),))
                        for i in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, rng):
        while not self.stops:
            try:
                with self.group.primary.server.conn(timeout=5) as conn:
                    node = self.group.primary
                    while not self.stops and node is self.group.primary:
                        self.written += sum(r[:1] not in (b"-", b"C") for r in conn.batch(some_writes(rng)))
            except (Closed, OSError, ValueError):
                time.sleep(0.01)

    def stop(self):
        self.stops = True
        for thread in self.threads:
            thread.join()


class Group:
    def __init__(self, rng):
        self.rng = rng
        self.nodes = [Node("larder"), Node("larder"), Node("redis")]
        self.primary = self.nodes[0]
        self.said = []
        self.follow_primary()

    def replicas(self):
        return [n for n in self.nodes if n is not self.primary]

    def follow_primary(self):
        for node in self.replicas():
            node.order("127.0.0.1", self.primary.proxy.port)

    def cut_links(self):
        self.primary.proxy.cut()

    def part_for_a_while(self):
        self.primary.proxy.cut(stays_cut=True)
        time.sleep(self.rng.uniform(0.05, 0.4))
        self.primary.proxy.mend()

    def cut_amid_a_message(self):
        self.primary.proxy.cut_after = self.primary.proxy.passed + self.rng.randrange(1, 200000)

    def kill_a_replica(self):
        node = self.rng.choice(self.replicas())
        node.kill()
        node.start()
        node.order("127.0.0.1", self.primary.proxy.port)

    def change_roles(self):
        self.primary = self.rng.choice(self.replicas())
        self.primary.order("NO", "ONE")
        self.follow_primary()

    def kill_the_primary(self):
        dead = self.primary
        dead.kill()
        self.primary = self.rng.choice(self.replicas())
        self.primary.order("NO", "ONE")
        dead.start()
        self.follow_primary()

    def anything_happens(self):
        event = self.rng.choice([self.cut_links, self.cut_links, self.part_for_a_while, self.cut_amid_a_message,
                                 self.kill_a_replica, self.change_roles, self.change_roles, self.kill_the_primary])
        self.said.append(event.__name__)
        event()

    def wait_equal(self, within):
        for node in self.nodes:
            node.proxy.cut_after = None
            node.proxy.mend()
        wait_equal(self.primary.server, *[n.server for n in self.replicas()], within=within)

    def close(self):
        for node in self.nodes:
            node.close()


def test_whatever_happens_all_nodes_hold_the_same_in_the_end(seed, is_long):
    rng = random.Random("soak/%s" % seed)
    rounds, events = (12, 12) if is_long else (2, 4)
    group = Group(rng)
    try:
        for round_ in range(rounds):
            writers = Writers(group, "%s/%d" % (seed, round_))
            try:
                for _ in range(events):
                    time.sleep(rng.uniform(0.05, 0.6))
                    group.anything_happens()
            finally:
                writers.stop()
            assert writers.written > 0
            time.sleep(SHORT_MS / 1000 + 0.1)
            try:
                group.wait_equal(within=60)
                assert_same(*[n.server for n in group.nodes])
            except AssertionError as e:
                logs = ["%s\n%s" % (n.kind, n.server.output()[-3000:]) for n in group.nodes]
                raise AssertionError("seed %s, after %s: %s\n%s" % (seed, group.said, e, "\n".join(logs))) from None
            with group.primary.server.conn() as conn:
                servers.wait_for(lambda: info(conn)["connected_slaves"] == "2", "the primary has both replicas")
    finally:
        group.close()
