"""Slots move between engines while clients read and write them: nothing is lost, doubled or held up, whatever is cut
or given up on the way."""

import os
import random
import signal
import threading

import certificates
import clusters
import pytest
import servers
from migrations import Client, Relay, pings, slots_of
from wire import Closed, Error


TAGS = ["bar", "baz", "b", "c"]  # of the first shard when there are two


def key(rng, kind, tag):
    return "%s%d{%s}" % (kind, rng.randrange(40), tag)


def draw(rng):
    """A command on one slot: of one key, or of several."""
    tag = rng.choice(TAGS)

    def k(kind):
        return key(rng, kind, tag)
    v = rng.choice(["x" * rng.randrange(1, 200), str(rng.randrange(10**6)), "word%d" % rng.randrange(50)])
    return rng.choice([
        lambda: ["SET", k("s"), v], lambda: ["APPEND", k("s"), v], lambda: ["INCRBY", k("n"), rng.randrange(9)],
        lambda: ["INCR", k("n")], lambda: ["DEL", k("s"), k("n")], lambda: ["SETRANGE", k("s"), 3, v],
        lambda: ["RPUSH", k("l"), v, v], lambda: ["LPOP", k("l")], lambda: ["LMOVE", k("l"), k("l"), "LEFT", "RIGHT"],
        lambda: ["SADD", k("t"), v, rng.randrange(60)], lambda: ["SREM", k("t"), rng.randrange(60)],
        lambda: ["SUNIONSTORE", k("t"), k("t"), k("t")], lambda: ["SMOVE", k("t"), k("t"), rng.randrange(60)],
        lambda: ["HSET", k("h"), "f%d" % rng.randrange(30), v], lambda: ["HINCRBY", k("h"), "count", 3],
        lambda: ["ZADD", k("z"), rng.randrange(100), "m%d" % rng.randrange(40)], lambda: ["ZPOPMIN", k("z")],
        lambda: ["ZUNIONSTORE", k("z"), 2, k("z"), k("z")], lambda: ["RENAME", k("s"), k("s")],
        lambda: ["COPY", k("h"), k("h"), "REPLACE"], lambda: ["GETDEL", k("s")],
        lambda: ["EXPIRE", k("s"), 1000], lambda: ["PERSIST", k("s")],
        lambda: ["MSET", k("s"), v, k("s"), "2"], lambda: ["SORT", k("l"), "ALPHA", "STORE", k("l")],
    ])()


def state(call):
    """Everything under the names that draw() uses, in an order of its own."""
    out = {}
    for tag in TAGS:
        for i in range(40):
            for kind, read in (("s", ["GET"]), ("n", ["GET"]), ("l", ["LRANGE", 0, -1]), ("t", ["SMEMBERS"]),
                               ("h", ["HGETALL"]), ("z", ["ZRANGE", 0, -1, "WITHSCORES"])):
                name = "%s%d{%s}" % (kind, i, tag)
                value = call(read[0], name, *read[1:])
                if kind == "t":
                    value = sorted(value)
                elif kind == "h":
                    value = sorted(zip(value[::2], value[1::2]))
                out[name] = value, call("TTL", name) > 0
    return out


@pytest.fixture
def reference_conn(reference):
    with reference.conn() as conn:
        conn.call("FLUSHALL")
        yield conn


def run_both(rng, client, ref, count):
    for _ in range(count):
        words = draw(rng)
        mine, theirs = client.call(*words), ref.call(*words)
        assert mine == theirs or words[0] in ("SUNIONSTORE", "SORT"), words


@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "cut"])
def test_what_is_written_while_slots_move_is_exactly_what_is_found(reference_conn, seed, is_cut):
    rng = random.Random("migration %s" % seed)
    slots = set(slots_of(*TAGS).values())
    with clusters.cluster(shards=2) as c:
        client, relays, where, effects = Client(c), [], 0, 0
        for node in c.nodes:
            relays.append(Relay(node.port))
        run_both(rng, client, reference_conn, 1500)
        for turn in range(8):
            # Others keep it from being over at once.
            with c.primary(where).conn() as filler:
                filler.batch([["SET", "fill%d{%s}" % (i, TAGS[0]), "v" * 100] for i in range(20000)])
            relay = relays[1 - where]
            relay.budget = rng.randrange(2000, 200000) if is_cut else None
            move = c.begin_move(slots, where, 1 - where, port=relay.address[1])
            run_both(rng, client, reference_conn, 150)
            effects += c.end_move(move, slots, where, 1 - where)[b"effects"]
            where = 1 - where
            run_both(rng, client, reference_conn, 50)
        assert state(client.call) == state(reference_conn.call)
        loser = c.primary(1 - where)
        servers.wait_for(lambda: all(loser.admin("CLUSTER", "COUNTKEYSINSLOT", s) == 0 for s in slots),
                         "the keys are forgotten where they were")
        client.close()
        for relay in relays:
            relay.close()
        assert not is_cut or sum(r.cuts for r in relays) >= 3
        assert effects >= 5, effects


def test_counters_are_exact_under_many_writers():
    """Writers that never wait for a migration, pipelines among them; slots go to and fro."""
    tags = TAGS
    slots = set(slots_of(*tags).values())
    with clusters.cluster(shards=2) as c:
        counts, stop, errors = {}, threading.Event(), []

        def write(number):
            client, mine = Client(c), {}
            rng = random.Random(number)
            try:
                while not stop.is_set():
                    name = "c%d{%s}" % (rng.randrange(5), rng.choice(tags))
                    if not isinstance(client.call("INCR", name), int):
                        errors.append(name)
                    mine[name] = mine.get(name, 0) + 1
                counts[number] = mine
            except (OSError, Closed, AssertionError) as e:
                errors.append(e)
            client.close()
        writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
        for w in writers:
            w.start()
        where, longest_us = 0, 0
        for _ in range(10):
            status = c.move(slots, where, 1 - where)
            longest_us = max(longest_us, status[b"longest-pause-us"])
            where = 1 - where
        stop.set()
        for w in writers:
            w.join()
        assert errors == []
        client = Client(c)
        for name in {n for mine in counts.values() for n in mine}:
            assert int(client.call("GET", name)) == sum(mine.get(name, 0) for mine in counts.values()), name
        client.close()
        assert longest_us < 1000000


BIG = 300000


FILL = """
for i = 0, tonumber(ARGV[1]) - 1 do
    redis.call('hset', KEYS[1], 'f' .. i, i)
    redis.call('zadd', KEYS[2], i * 0.5, 'm' .. i)
    if i < 50000 then redis.call('rpush', KEYS[3], i) end
    if i < 20000 then redis.call('sadd', KEYS[4], 's' .. i) end
end
"""
BIG_KEYS = ["h{bar}", "z{bar}", "l{bar}", "t{bar}"]


def change_big(rng, i):
    """Named elements mostly, which go along; and now and then what makes a key begin anew."""
    n = rng.randrange(BIG)
    few = [["ZPOPMIN", "z{bar}"], ["RPOP", "l{bar}", 2], ["SPOP", "t{bar}"], ["LSET", "l{bar}", 100, "x%d" % i]]
    return few[i // 500 % 4] if i % 500 == 250 else rng.choice([
        ["HSET", "h{bar}", "f%d" % n, "v%d" % i, "new%d" % i, i], ["HDEL", "h{bar}", "f%d" % n],
        ["HINCRBY", "h{bar}", "count%d" % (n % 50), 3], ["ZADD", "z{bar}", "GT", "CH", n, "m%d" % n],
        ["ZINCRBY", "z{bar}", 2.25, "m%d" % n], ["ZREM", "z{bar}", "m%d" % n, "m%d" % (n + 1)],
        ["RPUSH", "l{bar}", "r%d" % i, i], ["LPUSH", "l{bar}", "l%d" % i], ["LPOP", "l{bar}"], ["RPOP", "l{bar}"],
        ["SADD", "t{bar}", "s%d" % (n % 30000)], ["SREM", "t{bar}", "s%d" % (n % 20000)],
        ["PEXPIRE", "h{bar}", 10000000], ["PERSIST", "h{bar}"]])


def big_state(conn):
    return conn.call("DEBUG", "DIGEST-VALUE", *BIG_KEYS), [conn.call("PEXPIRETIME", name) for name in BIG_KEYS]


def test_big_collections_move_in_pieces_while_they_are_written(seed):
    rng = random.Random("big %s" % seed)
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, enable_debug_command="yes") as c, servers.engine(enable_debug_command="yes") as twin_server:
        client, twin = Client(c), twin_server.conn()
        for call in (client.call, twin.call):
            call("EVAL", FILL, 4, *BIG_KEYS, BIG)
            call("PEXPIREAT", "t{bar}", 4000000000000)
        gaps, stop = {}, threading.Event()
        threads = [threading.Thread(target=pings, args=(n, gaps, stop)) for n in c.nodes]
        for t in threads:
            t.start()
        move, i, during = c.begin_move(slots, 0, 1), 0, 0
        while c.status(c.primary(0), move)[b"state"] not in (b"done", b"failed"):
            for _ in range(25):
                i += 1
                words = change_big(rng, i)
                if words[0] == "PEXPIRE":
                    words = ["PEXPIREAT", words[1], 4000000000000 + i]
                mine = client.call(*words)
                during += 1
                if words[0] == "SPOP":
                    words = ["SREM", words[1], mine]
                twin.call(*words)
        status = c.end_move(move, slots, 0, 1)
        stop.set()
        for t in threads:
            t.join()
        print("big collections: %d changes, longest gaps of PING %s ms, pause %d us, %s ms in all" % (
            during, {n: round(g * 1000, 1) for n, g in gaps.items()}, status[b"longest-pause-us"], status.get(b"ms")))
        with c.primary(1).conn() as conn:
            assert big_state(conn) == big_state(twin)
            assert conn.call("PEXPIRETIME", "t{bar}") == 4000000000000
        assert during > 100 and max(gaps.values()) < 1
        client.close()
        twin.close()


def test_a_long_string_moves_in_parts_while_it_grows():
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, enable_debug_command="yes") as c:
        client = Client(c)
        client.call("SETRANGE", "s{bar}", 64 << 20, "end")
        client.call("PEXPIREAT", "s{bar}", 4000000000000)
        gaps, stop, grown = {}, threading.Event(), b""
        threads = [threading.Thread(target=pings, args=(n, gaps, stop)) for n in c.nodes]
        for t in threads:
            t.start()
        move = c.begin_move(slots, 0, 1)
        while c.status(c.primary(0), move)[b"state"] not in (b"done", b"failed"):
            more = b"+%d" % len(grown)
            client.call("APPEND", "s{bar}", more)
            grown += more
        c.end_move(move, slots, 0, 1)
        stop.set()
        for t in threads:
            t.join()
        print("a string of 64 MB: longest gaps of PING %s ms" % {n: round(g * 1000, 1) for n, g in gaps.items()})
        with c.primary(1).conn() as conn:
            assert conn.call("STRLEN", "s{bar}") == (64 << 20) + 3 + len(grown)
            assert conn.call("GETRANGE", "s{bar}", 64 << 20, -1) == b"end" + grown
            assert conn.call("PEXPIRETIME", "s{bar}") == 4000000000000
        assert max(gaps.values()) < 1
        client.close()


def test_a_cancelled_migration_leaves_nothing_behind():
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2) as c:
        a, b = c.primary(0), c.primary(1)
        relay = Relay(b.port)
        with a.conn() as conn, b.conn() as other:
            conn.batch([["SET", "k%d{bar}" % i, "v" * 300] for i in range(20000)])
            relay.budget, relay.stays_cut = 1000000, True
            move = c.begin_move(slots, 0, 1, port=relay.address[1])
            servers.wait_for(lambda: b.admin("DBSIZE") == 0 and b.admin("CLUSTER", "COUNTKEYSINSLOT", *slots) > 0,
                             "some came, and nobody sees them")
            assert other.call("GET", "k1{bar}").startswith("MOVED")
            assert other.call("KEYS", "*") == [] and other.call("RANDOMKEY") is None
            relay.close()
            assert b.admin("LARDER.MIGRATE", "CANCEL", move) == b"OK"
            assert a.admin("LARDER.MIGRATE", "CANCEL", move) == b"OK"
            servers.wait_for(lambda: b.admin("CLUSTER", "COUNTKEYSINSLOT", *slots) == 0, "they are forgotten")
            assert conn.call("SET", "k1{bar}", "w") == b"OK"
            assert a.admin("CLUSTER", "COUNTKEYSINSLOT", *slots) == 20000
            assert a.admin("LARDER.MIGRATE", "STATUS") == []
        c.move(slots, 0, 1)
        assert b.admin("CLUSTER", "COUNTKEYSINSLOT", *slots) == 20000


def test_a_target_that_dies_fails_the_migration_and_nothing_else():
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2) as c:
        a, b = c.primary(0), c.primary(1)
        relay = Relay(b.port)
        with a.conn() as conn:
            conn.batch([["SET", "k%d{bar}" % i, "v" * 300] for i in range(5000)])
            relay.budget, relay.stays_cut = 500000, True
            move = c.begin_move(slots, 0, 1, port=relay.address[1])
            servers.wait_for(lambda: relay.cuts > 0, "the link is cut")
            assert b.admin("LARDER.MIGRATE", "CANCEL", move) == b"OK"
            relay.stays_cut = False
            servers.wait_for(lambda: c.status(a, move)[b"state"] == b"failed", "the source is told")
            assert c.status(a, move)[b"error"].startswith(b"the target says: -WRONGPASS")
            assert conn.call("GET", "k1{bar}") == b"v" * 300
            assert conn.call("SET", "k1{bar}", "w") == b"OK"
        relay.close()


def test_a_flush_goes_along():
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2) as c:
        a, b = c.primary(0), c.primary(1)
        relay = Relay(b.port)
        with a.conn() as conn:
            conn.batch([["SET", "k%d{bar}" % i, "v" * 300] for i in range(20000)])
            relay.budget, relay.stays_cut = 1000000, True
            move = c.begin_move(slots, 0, 1, port=relay.address[1])
            servers.wait_for(lambda: b.admin("CLUSTER", "COUNTKEYSINSLOT", *slots) > 0, "some came")
            conn.call("FLUSHALL")
            conn.call("SET", "only{bar}", "1")
            relay.stays_cut = False
            c.end_move(move, slots, 0, 1)
        with b.conn() as conn:
            assert conn.call("CLUSTER", "GETKEYSINSLOT", *slots, 10) == [b"only{bar}"]
        relay.close()


def test_over_tls(tmp_path):
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, certs=certificates.Certificates(tmp_path)) as c:
        a, b = c.nodes
        with a.conn() as conn:
            conn.batch([["SET", "k%d{bar}" % i, "v" * 300] for i in range(5000)])
        move = c.begin_move(slots, 0, 1, is_tls=True)
        c.end_move(move, slots, 0, 1)
        assert b.admin("CLUSTER", "COUNTKEYSINSLOT", *slots) == 5000
        assert b"tls_handshakes:0\r" not in b.admin("INFO", "stats")


def test_waiting_clients_go_along():
    slots = slots_of("bar")
    with clusters.cluster(shards=2) as c, c.nodes[0].conn() as conn:
        conn.send(b"BLPOP q{bar} 0\r\n")
        servers.wait_for(lambda: b"blocked_clients:1" in c.nodes[0].admin("INFO", "clients"), "it waits")
        c.move(set(slots.values()), 0, 1)
        assert conn.read_reply() == b"-MOVED %d 127.0.0.1:%d\r\n" % (slots["bar"], c.nodes[1].port)


@pytest.mark.parametrize("words,part", [
    (["EXPECT"], "wrong number of arguments"),
    (["NONSENSE"], "is told to EXPECT"),
    (["START", "x", 1, "5", clusters.shard_id(1), "127.0.0.1", 1, "0" * 40], "an id or token has 40 digits"),
    (["START", "0" * 40, 99, "5", clusters.shard_id(1), "127.0.0.1", 1, "0" * 40], "the epoch of the topology is 1"),
    (["START", "0" * 40, 1, "5-", clusters.shard_id(1), "127.0.0.1", 1, "0" * 40], "slots are numbers"),
    (["START", "0" * 40, 1, "-", clusters.shard_id(1), "127.0.0.1", 1, "0" * 40], "no slot to move"),
    (["START", "0" * 40, 1, "5", clusters.shard_id(9), "127.0.0.1", 1, "0" * 40], "no such shard"),
    (["START", "0" * 40, 1, "5", clusters.shard_id(0), "127.0.0.1", 1, "0" * 40], "to another shard only"),
    (["START", "0" * 40, 1, "9000", clusters.shard_id(1), "127.0.0.1", 1, "0" * 40], "not all this node's"),
    (["START", "0" * 40, 1, "5", clusters.shard_id(1), "127.0.0.1", 0, "0" * 40], "a port is a number"),
    (["START", "0" * 40, 1, "5", clusters.shard_id(1), "127.0.0.1", 1, "0" * 40, "SSL"], "syntax error"),
    (["EXPECT", "0" * 40, 1, "5", clusters.shard_id(1), "0" * 40], "the slots are not all of that shard"),
    (["EXPECT", "0" * 40, 1, "9000", clusters.shard_id(7), "0" * 40], "no such shard"),
    (["CANCEL", "0" * 40], "no such migration"),
])
def test_orders_that_make_no_sense_are_refused(one_pair, words, part):
    answer = one_pair.nodes[0].admin("LARDER.MIGRATE", *words)
    assert isinstance(answer, Error) and part in answer, answer
    assert one_pair.nodes[0].admin("LARDER.MIGRATE", "STATUS") == []


@pytest.fixture(scope="module")
def one_pair():
    with clusters.cluster(shards=2) as c:
        yield c


def test_strangers_are_no_source(one_pair):
    node = one_pair.nodes[0]
    with node.conn() as conn:
        assert conn.call("AUTH", "larder-import", "0" * 40).startswith("WRONGPASS")
        assert conn.call("LARDER.IMPORT", "SYNC").startswith("ERR unknown command")
    assert node.admin("LARDER.IMPORT", "SYNC").startswith("ERR nothing is expected")
    token = "%040x" % 77
    assert node.admin("LARDER.MIGRATE", "EXPECT", "7" * 40, one_pair.epoch, "9000", clusters.shard_id(1), token) == b"OK"
    with node.conn() as conn:
        assert conn.call("AUTH", "larder-import", token) == b"OK"
        assert conn.call("LARDER.IMPORT", "TAKE", "7" * 40).startswith("ERR the slots can not be taken")
        assert conn.call("LARDER.IMPORT", "BEGIN", "8" * 40).startswith("ERR this makes no sense")
        assert conn.call("LARDER.IMPORT", "BEGIN", "7" * 40) == b"0"
        assert conn.call("NOSUCH").startswith("ERR this is no command of a migration")
        with pytest.raises(Closed):
            conn.call("PING")
    assert node.admin("LARDER.MIGRATE", "CANCEL", "7" * 40) == b"OK"


def test_redis_py_works_through_resharding():
    """The cluster client of redis-py, with writers that never stop; nothing acknowledged is lost."""
    cluster_module = pytest.importorskip("redis.cluster")
    with clusters.cluster(shards=3) as c:
        written, stop, errors = {}, threading.Event(), []

        def write(number):
            client = cluster_module.RedisCluster(host="127.0.0.1", port=c.nodes[0].port)
            i = 0
            try:
                while not stop.is_set():
                    i += 1
                    client.set("w%d:%d" % (number, i), i)
                    client.incr("count%d" % number)
                written[number] = i
            except Exception as e:  # whatever the client makes of it
                errors.append(e)
            client.close()
        writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
        for w in writers:
            w.start()
        for source, target in ((0, 1), (1, 2), (2, 0), (0, 2)):
            some = set(sorted(c.slots[source])[::2])
            c.move(some, source, target)
        stop.set()
        for w in writers:
            w.join()
        assert errors == []
        client = cluster_module.RedisCluster(host="127.0.0.1", port=c.nodes[1].port)
        for number, count in written.items():
            assert int(client.get("count%d" % number)) == count
            names = ["w%d:%d" % (number, i) for i in range(1, count + 1)]
            assert [client.get(n) for n in names] == [b"%d" % i for i in range(1, count + 1)]
        assert sum(n.admin("DBSIZE") for n in c.nodes) == sum(written.values()) + len(written)
        client.close()


def with_replicas(c):
    """Two shards of two nodes, replicating."""
    for shard in (0, 1):
        primary = c.primary(shard)
        assert primary.admin("LARDER.ROLE", 1, "primary") == b"OK"
        replica = next(n for n in c.nodes if n.shard == shard and not n.is_primary)
        assert replica.admin("LARDER.ROLE", 1, "replica", "127.0.0.1", primary.port) == b"OK"
        servers.wait_for(lambda r=replica: b"master_link_status:up" in r.admin("INFO", "replication"), "it follows")
    return c.nodes


def fail_over(c, old, new):
    old.server.proc.kill()
    assert new.admin("LARDER.ROLE", 2, "primary") == b"OK"
    old.is_primary, old.health, new.is_primary = False, "fail", True
    c.publish(only=[n for n in c.nodes if n is not old])


def test_replicas_follow_and_take_over_what_was_moved():
    slots = slots_of("bar")
    with clusters.cluster(shards=2, replicas=1, repl_diskless_sync_delay="0") as c:
        a, a_replica, b, b_replica = with_replicas(c)
        client = Client(c)
        for i in range(1000):
            client.call("SET", "k%d{bar}" % i, i)
        client.call("RPUSH", "l{bar}", *range(1000))
        c.move(set(slots.values()), 0, 1)
        for i in range(100):
            client.call("INCR", "k%d{bar}" % i)
        for left, right in ((a, a_replica), (b, b_replica)):
            servers.wait_for(lambda x=left, y=right: x.admin("DEBUG", "DIGEST") == y.admin("DEBUG", "DIGEST"), "they agree")
        servers.wait_for(lambda: a_replica.admin("CLUSTER", "COUNTKEYSINSLOT", *slots.values()) == 0,
                         "the source's replica forgets too")
        with b_replica.conn() as conn:
            assert conn.call("GET", "k1{bar}").startswith("MOVED")
            assert conn.call("READONLY") == b"OK"
            assert conn.call("GET", "k1{bar}") == b"2"
            assert conn.call("SET", "k1{bar}", "x").startswith("MOVED")
        fail_over(c, b, b_replica)
        client.close()
        client = Client(c)
        assert client.call("INCR", "k1{bar}") == 3
        assert client.call("LLEN", "l{bar}") == 1000
        assert client.call("GET", "k999{bar}") == b"999"
        client.close()


def test_slots_are_given_when_the_replicas_of_the_target_have_them():
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, replicas=1, repl_diskless_sync_delay="0") as c:
        a, _, b, b_replica = with_replicas(c)
        assert b.admin("CONFIG", "SET", "larder-write-acks", 1, "larder-write-acks-timeout", 60000) == b"OK"
        with a.conn() as conn:
            assert conn.call("SET", "k{bar}", "v") == b"OK"
        os.kill(b_replica.server.pid, signal.SIGSTOP)
        try:
            move = c.begin_move(slots, 0, 1)
            servers.wait_for(lambda: c.status(b, move)[b"state"] == b"taken", "the slots are taken")
            for _ in range(10):
                assert c.status(a, move)[b"state"] == b"takes"
        finally:
            os.kill(b_replica.server.pid, signal.SIGCONT)
        c.end_move(move, slots, 0, 1)
        with b_replica.conn() as conn:
            conn.call("READONLY")
            assert conn.call("GET", "k{bar}") == b"v"


def test_redis_py_works_through_a_failover():
    cluster_module = pytest.importorskip("redis.cluster")
    with clusters.cluster(shards=2, replicas=1, repl_diskless_sync_delay="0") as c:
        nodes = with_replicas(c)
        client = cluster_module.RedisCluster(host="127.0.0.1", port=c.nodes[0].port)
        for i in range(200):
            client.set("key%d" % i, i)
        for left, right in (nodes[:2], nodes[2:]):
            servers.wait_for(lambda x=left, y=right: x.admin("DEBUG", "DIGEST") == y.admin("DEBUG", "DIGEST"), "they agree")
        fail_over(c, nodes[2], nodes[3])
        assert [client.get("key%d" % i) for i in range(200)] == [b"%d" % i for i in range(200)]
        for i in range(200):
            client.incr("key%d" % i)
        client.close()
