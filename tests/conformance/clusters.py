"""Clusters of engines: N shards with replicas or without, whose topology is set over the admin sockets."""

import contextlib
import os
import shutil

import servers
from wire import Conn

SLOTS = 16384


def node_id(number):
    return "%040x" % (0x1000 + number)


def shard_id(number):
    return "%040x" % (0x2000 + number)


def runs(slots):
    """{1, 2, 3, 7} as "1-3,7"; "-" for none."""
    parts, slots = [], sorted(slots)
    while slots:
        end = 0
        while end + 1 < len(slots) and slots[end + 1] == slots[end] + 1:
            end += 1
        parts.append(str(slots[0]) if end == 0 else "%d-%d" % (slots[0], slots[end]))
        slots = slots[end + 1:]
    return ",".join(parts) or "-"


class Node:
    """One engine in cluster mode."""

    def __init__(self, number, shard, is_primary, options):
        self.number, self.shard, self.is_primary = number, shard, is_primary
        self.health = "online"
        self.server = servers.engine(cluster_enabled="yes", larder_admin_socket="admin", **options)
        self.id, self.port = node_id(number), self.server.port

    @property
    def admin_path(self):
        return os.path.join(self.server.dir, "admin")

    def admin(self, *words):
        # The path is relative where it is long: sockets have short names.
        with Conn(self.admin_path) as conn:
            return conn.call(*words)

    def conn(self, **kw):
        return self.server.conn(**kw)

    def kill(self):
        self.server.proc.kill()
        self.server.proc.wait()

    def start_again(self, keeps_files=True):
        for name in () if keeps_files else os.listdir(self.server.dir):
            path = os.path.join(self.server.dir, name)
            if name != "log":
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        self.server.launch_again()


class Cluster:
    """`shards` of them with the slots in equal parts; `replicas` more nodes in each shard. With certificates, each
    port speaks TLS too."""

    def __init__(self, shards=2, replicas=0, certs=None, **options):
        self.is_tls = certs is not None
        if certs:
            options = {"larder_tls_mode": "preferred", **certs.directives(), **options}
        self.nodes, self.epoch, self.moves = [], 0, 0
        self.slots = {i: set(range(SLOTS * i // shards, SLOTS * (i + 1) // shards)) for i in range(shards)}
        self.migrations = []
        for shard in range(shards):
            for n in range(1 + replicas):
                self.nodes.append(Node(len(self.nodes), shard, n == 0, options))
        self.publish()

    def primary(self, shard):
        return next(n for n in self.nodes if n.shard == shard and n.is_primary)

    def words(self, node, epoch=None):
        words = [epoch or self.epoch, node.id]
        for shard in sorted(self.slots):
            words += ["SHARD", shard_id(shard), runs(self.slots[shard])]
            for n in self.nodes:
                if n.shard == shard:
                    words += ["NODE", n.id, "primary" if n.is_primary else "replica", "127.0.0.1", n.port,
                              n.port if self.is_tls else 0, "node%d.cache" % n.number, n.health]
        for slots, source, target in self.migrations:
            words += ["MIGRATION", runs(slots), shard_id(source), shard_id(target)]
        return words

    def publish(self, only=None):
        """Tells all nodes (or some) the present topology, with a new epoch."""
        self.epoch += 1
        for node in only or self.nodes:
            answer = node.admin("LARDER.TOPOLOGY", *self.words(node))
            assert answer == b"OK", answer

    def give(self, slots, source, target):
        self.slots[source] -= set(slots)
        self.slots[target] |= set(slots)

    def begin_move(self, slots, source, target, port=None, is_tls=False):
        """Both sides are told; the id of the migration. `port`: a relay's in front of the target."""
        self.moves += 1
        move, token = "%040x" % (0x3000 + self.moves), "%040x" % (0x4000 + self.moves)
        giver, taker = self.primary(source), self.primary(target)
        for node, words in ((taker, ["EXPECT", move, self.epoch, runs(slots), shard_id(source), token]),
                            (giver, ["START", move, self.epoch, runs(slots), shard_id(target), "127.0.0.1",
                                     port or taker.port, token] + ["TLS"] * is_tls)):
            answer = node.admin("LARDER.MIGRATE", *words)
            assert answer == b"OK", answer
        return move

    def status(self, node, move):
        for fields in node.admin("LARDER.MIGRATE", "STATUS"):
            status = dict(zip(fields[::2], fields[1::2]))
            if status[b"id"] == move.encode():
                return status
        return None

    def end_move(self, move, slots, source, target, within=20.0):
        """Waits until the slots have changed hands and confirms it; how the source saw it."""
        giver = self.primary(source)

        def is_over():
            status = self.status(giver, move)
            assert status[b"state"] != b"failed", status
            return status[b"state"] == b"done" and status
        status = servers.wait_for(is_over, "the slots are moved", within)
        self.give(slots, source, target)
        self.publish()
        return status

    def move(self, slots, source, target):
        return self.end_move(self.begin_move(slots, source, target), slots, source, target)

    def stop(self):
        for node in self.nodes:
            node.server.stop()


@contextlib.contextmanager
def cluster(**options):
    c = Cluster(**options)
    try:
        yield c
    finally:
        c.stop()
