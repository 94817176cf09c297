"""Streams move in parts while they are written, trimmed, read by groups, acknowledged, claimed and deleted from: what
arrives is what was there, to the time when a consumer was last seen."""

import random
import threading
import time

import clusters
import pytest
import servers
from migrations import Relay, slots_of, whole_stream
from wire import Error

ENTRIES = 300000
FILL = """
for i = 1, tonumber(ARGV[1]) do
    redis.call('xadd', KEYS[1], i .. '-1', 'f', i, 'name', 'v' .. i)
end
for g = 0, 3 do
    redis.call('xgroup', 'create', KEYS[1], 'g' .. g, '0')
    redis.call('xreadgroup', 'group', 'g' .. g, 'c' .. g, 'count', 1000 * g, 'streams', KEYS[1], '>')
end
"""


def draw(rng, key, top):
    """A change of a stream whose entries stand around `top`, or of its groups."""
    def entry():
        return "%d-1" % rng.randrange(1, top)
    group, consumer = "g%d" % rng.randrange(6), "c%d" % rng.randrange(5)
    return rng.choice([
        lambda: ["XADD", key, "*", "f", rng.randrange(100)],
        lambda: ["XADD", key, "*", "other", "v", "f", "x" * rng.randrange(300)],
        lambda: ["XADD", key, "MAXLEN", "~", ENTRIES * 9 // 10, "*", "f", "v"],
        lambda: ["XADD", key, "MINID", "=", rng.randrange(top // 20), "*", "f", "v"],
        lambda: ["XADD", key, "NOMKSTREAM", "*", "f", "v"],
        lambda: ["XTRIM", key, "MINID", "~", rng.randrange(top // 10)],
        lambda: ["XDEL", key, entry(), entry(), entry()],
        lambda: ["XREADGROUP", "GROUP", group, consumer, "COUNT", rng.randrange(1, 50), "STREAMS", key, ">"],
        lambda: ["XREADGROUP", "GROUP", group, consumer, "COUNT", 5, "STREAMS", key, entry()],
        lambda: ["XREADGROUP", "GROUP", group, consumer, "COUNT", 3, "NOACK", "STREAMS", key, ">"],
        lambda: ["XACK", key, group, entry(), entry(), "%d-1" % rng.randrange(1, 3000)],
        lambda: ["XCLAIM", key, group, consumer, 0, entry(), "%d-1" % rng.randrange(1, 3000)],
        lambda: ["XCLAIM", key, group, consumer, 0, entry(), "FORCE", "RETRYCOUNT", 7, "TIME", rng.randrange(10**12),
                 "LASTID", entry()],
        lambda: ["XAUTOCLAIM", key, group, consumer, 0, entry(), "COUNT", 5],
        lambda: ["XGROUP", "CREATECONSUMER", key, group, "new%d" % rng.randrange(50)],
        lambda: ["XGROUP", "DELCONSUMER", key, group, rng.choice([consumer, "new%d" % rng.randrange(50)])],
        lambda: ["XGROUP", "SETID", key, group, rng.choice([entry(), "$"]), "ENTRIESREAD", rng.randrange(top)],
        lambda: ["XGROUP", "CREATE", key, group, rng.choice([entry(), "$", "0"])],
        lambda: ["XGROUP", rng.choice(["DESTROY", "CREATE"]), key, group, "0"][:4 + rng.randrange(2)],
        lambda: ["XSETID", key, "9999999999999-%d" % rng.randrange(10**9), "ENTRIESADDED", 10**7, "MAXDELETEDID", entry()],
    ])()


def write_until_moved(node, number, counts, stop, key="s{bar}", top=ENTRIES):
    """Changes the stream, some of it in transactions, until it is another's."""
    rng = random.Random(number)
    with node.conn() as conn:
        while not stop.is_set():
            words = draw(rng, key, top)
            group = [["MULTI"], words, draw(rng, key, top), draw(rng, key, top), ["EXEC"]] if rng.randrange(4) == 0 else [words]
            answers = conn.batch(group)
            if any(a.startswith(b"-MOVED") for a in answers):
                return
            counts[words[0]] = counts.get(words[0], 0) + 1


def compare(c, key):
    a, b = c.primary(0), c.primary(1)
    assert a.admin("DEBUG", "DIGEST-VALUE", key) == b.admin("DEBUG", "DIGEST-VALUE", key)
    assert whole_stream(a, key) == whole_stream(b, key)
    assert a.admin("PEXPIRETIME", key) == b.admin("PEXPIRETIME", key)


def wait_done(c, move):
    """Until the source has given its slots; it keeps their keys until a topology says so, too."""
    def is_done():
        status = c.status(c.primary(0), move)
        assert status[b"state"] != b"failed", status
        return status[b"state"] == b"done" and status
    return servers.wait_for(is_done, "the slots are moved")


@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "cut"])
def test_a_long_stream_moves_while_everything_of_it_changes(seed, is_cut):
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, enable_debug_command="yes") as c:
        source, relay = c.primary(0), Relay(c.primary(1).port, 0.0005)
        with source.conn() as conn:
            assert not isinstance(conn.call("EVAL", FILL, 1, "s{bar}", ENTRIES), Error)
            conn.call("XDEL", "s{bar}", *("%d-1" % i for i in range(1, 3000, 7)))
            conn.call("PEXPIREAT", "s{bar}", 4000000000000)
        counts, stop, cutter = {}, threading.Event(), random.Random("cut %s" % seed)
        relay.budget = cutter.randrange(100000, 4000000) if is_cut else None
        writers = [threading.Thread(target=write_until_moved, args=(source, "%s %d" % (seed, n), counts, stop)) for n in range(3)]
        for w in writers:
            w.start()
        begun = time.monotonic()
        move = c.begin_move(slots, 0, 1, port=relay.address[1])
        status = wait_done(c, move)
        took = time.monotonic() - begun
        for w in writers:
            w.join()
        stop.set()
        compare(c, "s{bar}")
        assert b"cmdstat_restore" not in c.primary(1).admin("INFO", "commandstats"), "it went in parts"
        print("a stream of %d entries: %.2f s, %d changes, %d effects, pause %d us, %d cuts" % (
            ENTRIES, took, sum(counts.values()), status[b"effects"], status[b"longest-pause-us"], relay.cuts))
        assert sum(counts.values()) > 300 and (relay.cuts > 1) == is_cut
        c.end_move(move, slots, 0, 1)
        relay.close()


SHAPES = {
    "empty": [["XGROUP", "CREATE", "s{bar}", "g", "0", "MKSTREAM"], ["XGROUP", "CREATECONSUMER", "s{bar}", "g", "c"]],
    "emptied": [["XADD", "s{bar}", "5-5", "f", "v"], ["XDEL", "s{bar}", "5-5"]],
    "numbers": [["XADD", "s{bar}", "7-%d" % i, i, i * 10**6, "f%d" % i, "-5"] for i in range(1, 300)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_streams_of_any_shape_arrive_as_they_were(shape):
    """Many groups make them long enough to go in parts."""
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, enable_debug_command="yes") as c:
        with c.primary(0).conn() as conn:
            conn.batch(SHAPES[shape])
            for i in range(400):
                conn.call("XGROUP", "CREATE", "s{bar}", "many%d" % i, "$", "ENTRIESREAD", i - 1)
            conn.call("XGROUP", "CREATE", "s{bar}", "", "0")
            conn.call("XREADGROUP", "GROUP", "", "", "COUNT", 200, "STREAMS", "s{bar}", ">")
        move = c.begin_move(slots, 0, 1)
        wait_done(c, move)
        compare(c, "s{bar}")


def test_what_waits_for_a_consumer_is_not_lost_with_its_entry(tmp_path):
    """Its name waits on, at the target, at its replica, and over a start from the append-only file."""
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, replicas=1, repl_diskless_sync_delay="0", appendonly="yes") as c:
        for shard in (0, 1):
            replica = next(n for n in c.nodes if n.shard == shard and not n.is_primary)
            assert replica.admin("LARDER.ROLE", 1, "replica", "127.0.0.1", c.primary(shard).port) == b"OK"
            servers.wait_for(lambda r=replica: b"master_link_status:up" in r.admin("INFO", "replication"), "it follows")
        with c.primary(0).conn() as conn:
            conn.batch([["XADD", "s{bar}", "%d-1" % i, "f", "x" * 200] for i in range(1, 1000)])
            conn.call("XGROUP", "CREATE", "s{bar}", "g", "0")
            conn.call("XREADGROUP", "GROUP", "g", "c", "COUNT", 500, "STREAMS", "s{bar}", ">")
            conn.call("XDEL", "s{bar}", "3-1", "400-1")
            conn.call("XTRIM", "s{bar}", "MAXLEN", 900)
            before = conn.call("XPENDING", "s{bar}", "g", "-", "+", 1000)
        assert len(before) == 500
        c.move(slots, 0, 1)
        target = c.primary(1)
        replica = next(n for n in c.nodes if n.shard == 1 and not n.is_primary)

        def names(node):
            return [(p[0], p[1], p[3]) for p in node.admin("XPENDING", "s{bar}", "g", "-", "+", 1000)]
        wanted = [(p[0], p[1], p[3]) for p in before]
        assert names(target) == wanted
        servers.wait_for(lambda: names(replica) == wanted, "its replica has them")
        assert target.admin("DEBUG", "LOADAOF") == b"OK"
        assert names(target) == wanted
