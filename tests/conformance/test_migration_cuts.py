"""Links that break and targets that stop or die amid the pieces of huge keys; and a hand-over that replicas have not
confirmed and no topology knows of."""

import os
import random
import signal
import threading
import time

import clusters
import pytest
import servers
from migrations import Client, Relay, slots_of, whole_stream
from wire import Error

COUNT = 40000
KEYS = ["hash{bar}", "set{bar}", "zset{bar}", "list{bar}", "stream{bar}", "string{bar}"]
FILL = """
for i = 1, tonumber(ARGV[1]) do
    redis.call('hset', KEYS[1], 'f' .. i, 'value ' .. i)
    redis.call('sadd', KEYS[2], 'member ' .. i)
    redis.call('zadd', KEYS[3], i * 0.5, 'm' .. i)
    redis.call('rpush', KEYS[4], 'element ' .. i)
    redis.call('xadd', KEYS[5], i .. '-1', 'f', 'value ' .. i)
end
for g = 1, 5 do
    redis.call('xgroup', 'create', KEYS[5], 'g' .. g, '0')
    redis.call('xreadgroup', 'group', 'g' .. g, 'c', 'count', 2000, 'streams', KEYS[5], '>')
end
redis.call('setrange', KEYS[6], 4000000, 'end')
"""


def draw(rng):
    n = rng.randrange(COUNT)
    return rng.choice([
        ["HSET", KEYS[0], "f%d" % n, "new", "more%d" % n, 1], ["HDEL", KEYS[0], "f%d" % n], ["HINCRBY", KEYS[0], "count", 1],
        ["SADD", KEYS[1], "new %d" % n], ["SREM", KEYS[1], "member %d" % n], ["ZINCRBY", KEYS[2], 1.25, "m%d" % n],
        ["ZREM", KEYS[2], "m%d" % n], ["RPUSH", KEYS[3], n], ["LPUSH", KEYS[3], n], ["LPOP", KEYS[3]],
        ["XADD", KEYS[4], "*", "f", n], ["XDEL", KEYS[4], "%d-1" % n], ["XTRIM", KEYS[4], "MINID", n // 20],
        ["XREADGROUP", "GROUP", "g%d" % (1 + n % 5), "d", "COUNT", 10, "STREAMS", KEYS[4], ">"],
        ["XACK", KEYS[4], "g1", "%d-1" % (n // 20)], ["XCLAIM", KEYS[4], "g2", "e", 0, "%d-1" % (n // 20)],
        ["APPEND", KEYS[5], "tail"]])


def write(node, number, stop, counts):
    """Changes until the slot is another's, or the end."""
    rng = random.Random(number)
    with node.conn() as conn:
        while not stop.is_set():
            answer = conn.call(*draw(rng))
            if isinstance(answer, Error) and answer.startswith("MOVED"):
                return
            assert not isinstance(answer, Error), answer
            counts[number] = counts.get(number, 0) + 1
            time.sleep(0.0005)


class Mishaps:
    """What befalls the target or the link to it, one after the other."""

    def __init__(self, c, rng, relay):
        self.c, self.rng, self.relay, self.target = c, rng, relay, c.primary(1)

    def cut(self):
        self.relay.budget = self.rng.randrange(1, 200000)

    def kill_client(self):
        for line in self.target.admin("CLIENT", "LIST").split(b"\n"):
            fields = dict(f.split(b"=", 1) for f in line.split())
            if fields.get(b"cmd", b"").startswith((b"larder.import", b"xadd", b"hset")):
                self.target.admin("CLIENT", "KILL", "ID", fields[b"id"])

    def stop(self):
        os.kill(self.target.server.pid, signal.SIGSTOP)
        time.sleep(self.rng.random() * 0.2)
        os.kill(self.target.server.pid, signal.SIGCONT)

    def die(self):
        """Back from its file it knows that slots are expected, and nothing of what came."""
        self.target.kill()
        self.target.start_again()
        assert self.target.admin("LARDER.TOPOLOGY", *self.c.words(self.target)) == b"OK"


@pytest.mark.parametrize("kinds", [["cut", "kill_client"], ["stop"], ["die", "cut"]], ids="-".join)
def test_nothing_is_lost_or_doubled_of_what_is_cut_amid_its_pieces(seed, kinds):
    rng = random.Random("cuts %s %s" % (seed, kinds))
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, enable_debug_command="yes", appendonly="yes") as c:
        source, relay = c.primary(0), Relay(c.primary(1).port, 0.002)
        with source.conn() as conn:
            assert not isinstance(conn.call("EVAL", FILL, len(KEYS), *KEYS, COUNT), Error)
            conn.call("PEXPIREAT", KEYS[0], 4000000000000)
        stop, counts, mishaps = threading.Event(), {}, Mishaps(c, rng, relay)
        writers = [threading.Thread(target=write, args=(source, n, stop, counts)) for n in range(2)]
        move = c.begin_move(slots, 0, 1, port=relay.address[1])
        for w in writers:
            w.start()
        happened = 0
        for _ in range(5):
            time.sleep(0.05 + rng.random() * 0.15)
            if c.status(source, move)[b"state"] != b"done":
                getattr(mishaps, rng.choice(kinds))()
                happened += 1

        def is_done():
            status = c.status(source, move)
            assert status[b"state"] != b"failed", status
            return status[b"state"] == b"done" and status
        status = servers.wait_for(is_done, "the slots are moved", 30.0)
        for w in writers:
            w.join()
        target = c.primary(1)
        print("%s: %d mishaps, %d cuts, %d changes, %d effects, %d MB" % (
            "+".join(kinds), happened, relay.cuts, sum(counts.values()), status[b"effects"], status[b"bytes"] >> 20))
        assert happened >= 3 and sum(counts.values()) > 100
        assert source.admin("DEBUG", "DIGEST-VALUE", *KEYS) == target.admin("DEBUG", "DIGEST-VALUE", *KEYS)
        assert whole_stream(source, KEYS[4]) == whole_stream(target, KEYS[4])
        assert target.admin("PEXPIRETIME", KEYS[0]) == 4000000000000
        assert target.admin("CLUSTER", "COUNTKEYSINSLOT", *slots) == len(KEYS)
        c.end_move(move, slots, 0, 1)
        relay.close()


def test_one_that_is_cancelled_amid_a_huge_key_leaves_all_of_it_at_the_source(seed):
    rng = random.Random("cancelled %s" % seed)
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, enable_debug_command="yes") as c:
        source, target, relay = c.primary(0), c.primary(1), Relay(c.primary(1).port, 0.002)
        with source.conn() as conn:
            conn.call("EVAL", FILL, len(KEYS), *KEYS, COUNT)
            before = conn.call("DEBUG", "DIGEST-VALUE", *KEYS)
            for _ in range(3):
                move = c.begin_move(slots, 0, 1, port=relay.address[1])
                servers.wait_for(lambda: target.admin("CLUSTER", "COUNTKEYSINSLOT", *slots) > 0, "some of it came")
                time.sleep(rng.random() * 0.1)
                assert c.status(source, move)[b"state"] == b"copies"
                assert target.admin("LARDER.MIGRATE", "CANCEL", move) == b"OK"
                assert source.admin("LARDER.MIGRATE", "CANCEL", move) == b"OK"
                servers.wait_for(lambda: target.admin("CLUSTER", "COUNTKEYSINSLOT", *slots) == 0, "it is forgotten")
                assert conn.call("DEBUG", "DIGEST-VALUE", *KEYS) == before
        relay.close()


# ---- unconfirmed ----

def follow(c):
    """The target with a replica that is to have every write before it is answered."""
    target, replica = c.primary(1), next(n for n in c.nodes if n.shard == 1 and not n.is_primary)
    assert target.admin("LARDER.ROLE", 1, "primary") == b"OK"
    assert replica.admin("LARDER.ROLE", 1, "replica", "127.0.0.1", target.port) == b"OK"
    servers.wait_for(lambda: b"master_link_status:up" in replica.admin("INFO", "replication"), "it follows")
    assert target.admin("CONFIG", "SET", "larder-write-acks", 1, "larder-write-acks-timeout", 300) == b"OK"
    return replica


@pytest.mark.parametrize("end", ["confirmed", "returned"])
def test_slots_that_were_taken_unconfirmed_are_the_targets_until_a_topology_comes(end):
    slots = slots_of("bar")
    number = slots["bar"]
    with clusters.cluster(shards=2, replicas=1, repl_diskless_sync_delay="0") as c:
        source, target = c.primary(0), c.primary(1)
        replica = follow(c)
        with source.conn() as conn, target.conn() as other:
            conn.batch([["SET", "k%d{bar}" % i, "v"] for i in range(100)])
            conn.call("HSET", "h{bar}", *(w for i in range(5000) for w in ("f%d" % i, i)))
            os.kill(replica.server.pid, signal.SIGSTOP)
            move = c.begin_move({number}, 0, 1)
            servers.wait_for(lambda: c.status(target, move)[b"state"] == b"taken", "the slots are taken")
            # Nobody serves while the source does not know; who asks waits for the timeout.
            begun = time.monotonic()
            moved = conn.call("SET", "k1{bar}", "w")
            assert moved == "MOVED %d 127.0.0.1:%d" % (number, target.port)
            assert time.monotonic() - begun < 5
            assert c.status(source, move)[b"state"] == b"done"
            # What has changed hands stays so, as often as it is asked.
            for _ in range(3):
                assert conn.call("GET", "k1{bar}") == moved
                assert other.call("GET", "k1{bar}") == b"v"
                assert other.call("HLEN", "h{bar}") == 5000
            answer = other.call("SET", "k1{bar}", "w")
            assert isinstance(answer, Error) and answer.startswith("UNCONFIRMED "), answer
            assert other.call("GET", "k1{bar}") == b"w", "it was made all the same"
            for node in (source, target):
                answer = node.admin("LARDER.MIGRATE", "CANCEL", move)
                assert isinstance(answer, Error) and "were taken" in answer, answer
            assert source.admin("CLUSTER", "COUNTKEYSINSLOT", number) == 101, "the source keeps what it had"
            os.kill(replica.server.pid, signal.SIGCONT)
            servers.wait_for(lambda: other.call("SET", "k2{bar}", "w") == b"OK", "the replica goes on")
            if end == "confirmed":
                c.give({number}, 0, 1)
                c.publish()
                servers.wait_for(lambda: source.admin("CLUSTER", "COUNTKEYSINSLOT", number) == 0, "the source forgets")
                assert conn.call("GET", "k1{bar}") == moved
                assert other.call("GET", "k1{bar}") == b"w"
            else:
                for node in (target, source):
                    assert node.admin("LARDER.MIGRATE", "RETURN", move) == b"OK"
                assert conn.call("GET", "k1{bar}") == b"v", "as it was when the slots changed hands"
                assert other.call("GET", "k1{bar}") == "MOVED %d 127.0.0.1:%d" % (number, source.port)
                servers.wait_for(lambda: target.admin("CLUSTER", "COUNTKEYSINSLOT", number) == 0, "the target forgets")
            assert [n.admin("LARDER.SLOTS") for n in (source, target)] == [[], []]


def test_clients_go_where_unconfirmed_slots_went():
    """Cluster clients that know nothing of it: what is acknowledged is there when the topology comes late."""
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, replicas=1, repl_diskless_sync_delay="0") as c:
        replica = follow(c)
        client, sums = Client(c), 0
        for _ in range(50):
            sums += isinstance(client.call("INCR", "n{bar}"), int)
        os.kill(replica.server.pid, signal.SIGSTOP)
        move = c.begin_move(slots, 0, 1)
        answers = [client.call("INCR", "n{bar}") for _ in range(4)]
        os.kill(replica.server.pid, signal.SIGCONT)
        made = sum(isinstance(a, int) or a.startswith("UNCONFIRMED") for a in answers)
        c.end_move(move, slots, 0, 1)
        assert client.call("GET", "n{bar}") == b"%d" % (sums + made)
        client.close()
