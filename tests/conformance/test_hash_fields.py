"""Fields of hashes that end by themselves. No peer of the tests has them, so the replies stand here, as Valkey 9 gives
them; replicas, files and payloads are compared with the primary that they came from."""

import random
import struct
import time

import clusters
import payloads
import pytest
import servers
from migrations import Relay, slots_of
from replication import follow, wait_equal
from wire import Error

NUMFIELDS = Error("ERR numfields should be greater than 0 and match the provided number of fields")
SYNTAX = Error("ERR syntax error")
NO_INTEGER = Error("ERR value is not an integer or out of range")
FAR_MS = 4102444800000  # the year 2100


def invalid(name):
    return Error("ERR invalid expire time in '%s' command" % name)


WRONG_WORDS = [
    (["HEXPIRE", "h", 10, "FIELDS", 2, "f"], NUMFIELDS),
    (["HEXPIRE", "h", 10, "FIELDS", 0, "f"], NUMFIELDS),
    (["HEXPIRE", "h", 10, "FIELDS", -1, "f"], NUMFIELDS),
    (["HEXPIRE", "h", 10, "FIELDS", "x", "f"], NO_INTEGER),
    (["HEXPIRE", "h", 10, "nx", "xx", "f"], NUMFIELDS),
    (["HEXPIRE", "h", 10, "NX", "XX", "FIELDS", 1, "f"],
     Error("ERR NX and XX, GT or LT options at the same time are not compatible")),
    (["HEXPIRE", "h", 10, "GT", "LT", "FIELDS", 1, "f"],
     Error("ERR GT and LT options at the same time are not compatible")),
    (["HEXPIRE", "h", 10, "MAYBE", "FIELDS", 1, "f"], Error("ERR Unsupported option MAYBE")),
    (["HEXPIRE", "h", "x", "FIELDS", 1, "f"], NO_INTEGER),
    (["HEXPIRE", "h", -1, "FIELDS", 1, "f"], invalid("hexpire")),
    (["HEXPIRE", "h", 2**60, "FIELDS", 1, "f"], invalid("hexpire")),
    (["HPEXPIRE", "h", 2**63 - 1, "FIELDS", 1, "f"], invalid("hpexpire")),
    (["HEXPIREAT", "h", -1, "FIELDS", 1, "f"], invalid("hexpireat")),
    (["HPEXPIREAT", "h", 2**62, "FIELDS", 1, "f"], invalid("hpexpireat")),
    (["HEXPIRE", "s", 10, "FIELDS", 1, "f"], Error("WRONGTYPE Operation against a key holding the wrong kind of value")),
    (["HTTL", "s", "FIELDS", 1, "f"], Error("WRONGTYPE Operation against a key holding the wrong kind of value")),
    (["HTTL", "h", "FIELDS", 2, "f"], SYNTAX),
    (["HPTTL", "h", "OTHER", 1, "f"], SYNTAX),
    (["HPERSIST", "h", "FIELDS", 2, "f"], NUMFIELDS),
    (["HGETDEL", "h", "FIELDS", 3, "f"], NUMFIELDS),
    (["HGETDEL", "h", "FIELD", 1, "f"], SYNTAX),
    (["HGETEX", "h", "EX", 10, "PX", 10, "FIELDS", 1, "f"], SYNTAX),
    (["HGETEX", "h", "EX", 10, "PERSIST", "FIELDS", 1, "f"], SYNTAX),
    (["HGETEX", "h", "KEEPTTL", "FIELDS", 1, "f"], SYNTAX),
    (["HGETEX", "h", "EX", "FIELDS", 1, "f"], SYNTAX),
    (["HGETEX", "h", "EX", -10, "FIELDS", 1, "f"], invalid("hgetex")),
    (["HGETEX", "h", "EX", "abc", "FIELDS", 1, "f"], NO_INTEGER),
    (["HGETEX", "h", "EX", 10, 1, "f"], NUMFIELDS),
    (["HSETEX", "h", "EX", 10, "FIELDS", 2, "f", "v"], NUMFIELDS),
    (["HSETEX", "h", "PX", 100, "FIELDS", 1, "f", "v", "more"], NUMFIELDS),
    (["HSETEX", "h", "FNX", "FXX", "FIELDS", 1, "f", "v"], SYNTAX),
    (["HSETEX", "h", "NX", "XX", "FIELDS", 1, "f", "v"], SYNTAX),
    (["HSETEX", "h", "KEEPTTL", "EX", 10, "FIELDS", 1, "f", "v"], SYNTAX),
    (["HSETEX", "h", "EX", -10, "FIELDS", 1, "f", "v"], invalid("hsetex")),
    (["HSETEX", "s", "FIELDS", 1, "f", "v"], Error("WRONGTYPE Operation against a key holding the wrong kind of value")),
]


def test_wrong_words_are_refused_and_change_nothing(engine):
    with engine.conn() as conn:
        conn.call("HSET", "h", "f", "v")
        conn.call("SET", "s", "text")
        for words, want in WRONG_WORDS:
            got = conn.call(*words)
            assert (got, type(got)) == (want, Error), words
        assert conn.call("HGETALL", "h") == [b"f", b"v"]
        assert conn.call("HTTL", "h", "FIELDS", 1, "f") == [-1]
        assert conn.call("OBJECT", "ENCODING", "h") == b"listpack"


def test_ends_are_set_by_conditions_and_told(engine):
    with engine.conn() as conn:
        conn.call("HSET", "h", "a", 1, "b", "two", "c", 3)
        assert conn.call("HPEXPIREAT", "h", FAR_MS, "FIELDS", 3, "a", "none", "b") == [1, -2, 1]
        assert conn.call("OBJECT", "ENCODING", "h") == b"hashtable"
        assert conn.call("HPEXPIRETIME", "h", "FIELDS", 4, "a", "b", "c", "none") == [FAR_MS, FAR_MS, -1, -2]
        assert conn.call("HEXPIRETIME", "h", "FIELDS", 1, "a") == [FAR_MS // 1000]
        assert conn.call("HPEXPIREAT", "h", FAR_MS + 5, "NX", "FIELDS", 2, "a", "c") == [0, 1]
        assert conn.call("HPEXPIREAT", "h", FAR_MS + 5, "XX", "GT", "FIELDS", 2, "a", "c") == [1, 0]
        assert conn.call("HPEXPIREAT", "h", FAR_MS + 1, "LT", "FIELDS", 2, "a", "b") == [1, 0]
        assert conn.call("HPERSIST", "h", "FIELDS", 3, "a", "a", "none") == [1, -1, -2]
        assert conn.call("HPEXPIREAT", "h", FAR_MS, "GT", "FIELDS", 1, "a") == [0]
        assert conn.call("HPEXPIREAT", "h", FAR_MS, "LT", "FIELDS", 1, "a") == [1]
        assert conn.call("HEXPIRE", "h", 1000, "FIELDS", 1, "a") == [1]
        assert 990 <= conn.call("HTTL", "h", "FIELDS", 1, "a")[0] <= 1000
        assert 990000 <= conn.call("HPTTL", "h", "FIELDS", 1, "a")[0] <= 1000000
        assert conn.call("HEXPIREAT", "h", 1, "FIELDS", 3, "a", "none", "b") == [2, -2, 2]
        assert conn.call("HGETALL", "h") == [b"c", b"3"]
        assert conn.call("HEXPIRE", "h", 0, "FIELDS", 1, "c") == [2]
        assert conn.call("EXISTS", "h") == 0
        for name in ("HEXPIRE", "HPEXPIRE"):
            assert conn.call(name, "none", 10, "FIELDS", 2, "a", "b") == [-2, -2]
        for name in ("HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME", "HPERSIST"):
            assert conn.call(name, "none", "FIELDS", 2, "a", "b") == [-2, -2]


def test_what_replaces_a_value_ends_its_end_and_what_changes_it_does_not(engine):
    with engine.conn() as conn:
        def end():
            return conn.call("HPEXPIRETIME", "h", "FIELDS", 1, "f")[0]

        def begin(value):
            conn.call("HSET", "h", "f", value, "g", "v")
            assert conn.call("HPEXPIREAT", "h", FAR_MS, "FIELDS", 1, "f") == [1]
        begin(1)
        assert conn.call("HINCRBY", "h", "f", 10**12) == 10**12 + 1 and end() == FAR_MS
        assert conn.call("HINCRBYFLOAT", "h", "f", "0.5") == b"1000000000001.5" and end() == FAR_MS
        assert conn.call("HSETNX", "h", "f", "v") == 0 and end() == FAR_MS
        assert conn.call("HSETEX", "h", "KEEPTTL", "FIELDS", 2, "f", "x" * 5000, "g", "w") == 1 and end() == FAR_MS
        assert conn.call("HTTL", "h", "FIELDS", 1, "g") == [-1]
        assert conn.call("HGETEX", "h", "PERSIST", "FIELDS", 1, "f") == [b"x" * 5000] and end() == -1
        for words in (["HSET", "h", "f", "v"], ["HMSET", "h", "f", "v"], ["HSETEX", "h", "FIELDS", 1, "f", "v"]):
            begin("old" * 50)
            conn.call(*words)
            assert end() == -1, words
        begin(1)
        conn.call("HDEL", "h", "f")
        conn.call("HSET", "h", "f", "v")
        assert end() == -1


def test_get_and_set_with_ends(engine):
    with engine.conn() as conn:
        assert conn.call("HSETEX", "h", "XX", "FIELDS", 1, "a", 1) == 0
        assert conn.call("HSETEX", "h", "FXX", "PX", 100000, "FIELDS", 1, "a", 1) == 0
        assert conn.call("EXISTS", "h") == 0
        assert conn.call("HSETEX", "h", "NX", "PXAT", FAR_MS, "FIELDS", 2, "a", 1, "b", 2) == 1
        assert conn.call("HSETEX", "h", "NX", "FIELDS", 1, "c", 3) == 0
        assert conn.call("HSETEX", "h", "FNX", "FIELDS", 2, "b", 3, "c", 3) == 0
        assert conn.call("HSETEX", "h", "FXX", "FIELDS", 2, "b", 3, "c", 3) == 0
        assert conn.call("HSETEX", "h", "FNX", "EXAT", FAR_MS // 1000 + 1, "FIELDS", 1, "c", "3") == 1
        assert conn.call("HPEXPIRETIME", "h", "FIELDS", 3, "a", "b", "c") == [FAR_MS, FAR_MS, FAR_MS + 1000]
        assert conn.call("HGETEX", "h", "FIELDS", 3, "a", "no", "c") == [b"1", None, b"3"]
        assert conn.call("HGETEX", "h", "PXAT", FAR_MS + 7, "FIELDS", 2, "a", "no") == [b"1", None]
        assert conn.call("HPEXPIRETIME", "h", "FIELDS", 2, "a", "b") == [FAR_MS + 7, FAR_MS]
        assert conn.call("HGETEX", "h", "EX", 0, "FIELDS", 1, "a") == [b"1"]
        assert conn.call("HSETEX", "h", "PX", 0, "FIELDS", 1, "c", 9) == 1
        assert conn.call("HSETEX", "h", "PX", 0, "FIELDS", 1, "c", 9) == 0
        assert conn.call("HGETDEL", "h", "FIELDS", 3, "b", "b", "no") == [b"2", None, None]
        assert conn.call("EXISTS", "h") == 0
        assert conn.call("HGETDEL", "h", "FIELDS", 1, "b") == [None]
        assert conn.call("HGETEX", "h", "EX", 10, "FIELDS", 1, "b") == [None]


READERS = {
    "HGET": (["HGET", "h", "f"], None),
    "HMGET": (["HMGET", "h", "f", "g"], [None, b"5"]),
    "HGETALL": (["HGETALL", "h"], [b"g", b"5"]),
    "HKEYS": (["HKEYS", "h"], [b"g"]),
    "HVALS": (["HVALS", "h"], [b"5"]),
    "HLEN": (["HLEN", "h"], 1),
    "HEXISTS": (["HEXISTS", "h", "f"], 0),
    "HSTRLEN": (["HSTRLEN", "h", "f"], 0),
    "HRANDFIELD": (["HRANDFIELD", "h"], b"g"),
    "HRANDFIELD 5": (["HRANDFIELD", "h", 5], [b"g"]),
    "HRANDFIELD -3": (["HRANDFIELD", "h", -3], [b"g"] * 3),
    "HSCAN": (["HSCAN", "h", 0], [b"0", [b"g", b"5"]]),
    "HTTL": (["HTTL", "h", "FIELDS", 2, "f", "g"], [-2, -1]),
    "HPERSIST": (["HPERSIST", "h", "FIELDS", 2, "f", "g"], [-2, -1]),
    "HEXPIRE": (["HEXPIRE", "h", 10, "FIELDS", 1, "f"], [-2]),
    "HGETEX": (["HGETEX", "h", "PERSIST", "FIELDS", 1, "f"], [None]),
    "HGETDEL": (["HGETDEL", "h", "FIELDS", 1, "f"], [None]),
    "HSETEX": (["HSETEX", "h", "FXX", "FIELDS", 1, "f", 1], 0),
    "HDEL": (["HDEL", "h", "f"], 0),
    "HSET": (["HSET", "h", "f", 1], 1),
    "HSETNX": (["HSETNX", "h", "f", 1], 1),
    "HINCRBY": (["HINCRBY", "h", "f", 1], 1),
    "HINCRBYFLOAT": (["HINCRBYFLOAT", "h", "f", 1], b"1"),
    "SORT": (["SORT", "l", "BY", "nosort", "GET", "*->f", "GET", "*->g"], [None, b"5"]),
    "EVAL": (["EVAL", "return redis.call('hget', KEYS[1], 'f') or 'none'", 1, "h"], b"none"),
    "COPY": (["EVAL", "redis.call('copy', KEYS[1], KEYS[2]) return redis.call('hlen', KEYS[2])", 2, "h", "i"], 1),
}


@pytest.mark.parametrize("big", [False, True], ids=["small", "big"])
def test_nobody_sees_what_has_ended(own_engine, big):
    """The regular expiry rests: what hides the field is the reader. A big hash is not searched for what has ended."""
    server = own_engine(enable_debug_command="yes", enable_protected_configs="yes")
    rest = [x for i in range(9000) for x in ("more%d" % i, "v")] if big else []
    with server.conn() as conn:
        conn.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        conn.call("RPUSH", "l", "h")
        for name, (words, want) in READERS.items():
            if big and name not in ("HGET", "HMGET", "HEXISTS", "HSTRLEN", "HTTL", "HPERSIST", "HSETEX", "HSET", "HINCRBY",
                                    "HINCRBYFLOAT", "SORT", "EVAL", "HGETDEL"):
                continue
            conn.call("DEL", "h", "i")
            conn.call("HSET", "h", "f", 7, "g", 5, *rest)
            conn.call("HPEXPIRE", "h", 1, "FIELDS", 1, "f")
            time.sleep(0.003)
            assert conn.call(*words) == want, name
        if big:
            conn.call("HSET", "h", "f", 7)
            conn.call("HPEXPIRE", "h", 1, "FIELDS", 1, "f")
            time.sleep(0.003)
            assert conn.call("HLEN", "h") == 9002
            assert len(conn.call("HGETALL", "h")) == 2 * 9001 == 2 * len(conn.call("HKEYS", "h"))
            assert b"f" not in conn.call("HRANDFIELD", "h", 20000)
            assert conn.call("HSET", "h", "f", 8) == 1 and conn.call("HLEN", "h") == 9002


def test_a_hash_whose_fields_have_all_ended_is_no_key(own_engine):
    server = own_engine(enable_debug_command="yes")
    with server.conn() as conn:
        conn.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        conn.call("HSETEX", "h", "PX", 1, "FIELDS", 2, "a", 1, "b", 2)
        time.sleep(0.003)
        assert conn.call("HGETALL", "h") == []
        assert conn.call("EXISTS", "h") == 0 and conn.call("DBSIZE") == 0


def test_the_regular_work_removes_fields_and_says_so(own_engine):
    server = own_engine(notify_keyspace_events="KEA")
    with server.conn() as conn, server.conn() as told:
        told.call("PSUBSCRIBE", "__keyevent@0__:h*", "__keyevent@0__:del")
        told.call()
        conn.call("HSET", "h", "stays", 1)
        for i in range(0, 3000, 100):
            conn.call("HSETEX", "h", "PX", 30, "FIELDS", 100, *[x for j in range(i, i + 100) for x in ("f%d" % j, j)])
        conn.call("HSETEX", "gone", "PX", 1, "FIELDS", 1, "f", "v")
        conn.call("HSETEX", "later", "PXAT", FAR_MS, "FIELDS", 1, "f", "v")
        conn.call("HPERSIST", "later", "FIELDS", 1, "f")

        def stats(name):
            return {x.split(":")[0]: x.split(":")[1] for x in conn.call("INFO", name).decode().split() if ":" in x}
        servers.wait_for(lambda: stats("stats")["expired_fields"] == "3001", "all fields that ended are removed")
        assert conn.call("DBSIZE") == 2 and conn.call("HGETALL", "h") == [b"stays", b"1"]
        assert "keys_with_volatile_items" not in stats("keyspace")["db0"]
        events = set()
        while (b"del", b"gone") not in events or (b"hpersist", b"later") not in events or (b"hexpired", b"h") not in events:
            _, _, channel, key = told.call()
            events.add((channel.rsplit(b":", 1)[1], key))
        assert {(b"hset", b"h"), (b"hexpire", b"h"), (b"hexpired", b"gone"), (b"hexpire", b"later")} <= events


def change(rng, conn, keys=4, fields=30):
    """One command on a hash, with an end that is far."""
    key, f, g = "h%d" % rng.randrange(keys), "f%d" % rng.randrange(fields), "f%d" % rng.randrange(fields)
    at = FAR_MS + rng.randrange(10**9)
    return conn.call(*rng.choice([
        lambda: ["HSET", key, f, rng.randrange(10**6), g, "x" * rng.randrange(100)],
        lambda: ["HDEL", key, f, g],
        lambda: ["HINCRBY", key, f, 3],
        lambda: ["HINCRBYFLOAT", key, f, "1.25"],
        lambda: ["HPEXPIREAT", key, at, "FIELDS", 2, f, g],
        lambda: ["HEXPIRE", key, rng.randrange(10**6, 10**7), rng.choice(["NX", "XX", "GT", "LT"]), "FIELDS", 2, f, g],
        lambda: ["HEXPIREAT", key, 1, "FIELDS", 1, f],
        lambda: ["HPERSIST", key, "FIELDS", 2, f, g],
        lambda: ["HGETEX", key, rng.choice(["EX", "PX"]), 10**9, "FIELDS", 2, f, g],
        lambda: ["HGETEX", key, "PERSIST", "FIELDS", 1, f],
        lambda: ["HGETDEL", key, "FIELDS", 2, f, g],
        lambda: ["HSETEX", key, "FNX", "PXAT", at, "FIELDS", 2, f, 1, g, 2],
        lambda: ["HSETEX", key, "KEEPTTL", "FIELDS", 1, f, rng.randrange(100)],
        lambda: ["HSETEX", key, "EX", rng.choice([0, 10**7]), "FIELDS", 1, f, "v"],
        lambda: ["HSETEX", key, "PX", 1, "FIELDS", 1, f, "v"],
        lambda: ["RENAME", key, "h%d" % rng.randrange(keys)],
        lambda: ["COPY", key, "h%d" % rng.randrange(keys), "REPLACE"],
        lambda: ["EVAL", "redis.call('hpexpire', KEYS[1], 10^9, 'fields', 1, ARGV[1])", 1, key, f],
    ])())


def content(conn):
    """Every field with its value and its end."""
    out = {}
    for key in conn.call("KEYS", "*"):
        flat = conn.call("HGETALL", key)
        for f, v in zip(flat[::2], flat[1::2]):
            out[key, f] = v, conn.call("HPEXPIRETIME", key, "FIELDS", 1, f)[0]
    return out


def test_replicas_and_files_have_the_same_ends(start, tmp_path):
    rng = random.Random(5)
    primary = start(servers.engine, appendonly="yes", dir=str(tmp_path), repl_diskless_sync_delay=0,
                    enable_protected_configs="yes", enable_debug_command="yes", aof_use_rdb_preamble="no")
    replica = start(servers.engine)
    with primary.conn() as conn, replica.conn() as other:
        for _ in range(300):
            change(rng, conn)
        follow(replica, primary)
        wait_equal(primary, replica)
        for _ in range(700):
            change(rng, conn)
        # What ends in a millisecond may still be there, hidden.
        servers.wait_for(lambda: all(end < 0 or end > time.time() * 1000 + 10**8 for _, end in content(conn).values()),
                         "what ends at once has ended")
        want = content(conn)
        wait_equal(primary, replica)
        assert any(end > 0 for _, end in want.values())
        assert content(other) == want
        for form in ("commands", "rewritten as commands", "rewritten"):
            if form != "commands":
                conn.call("CONFIG", "SET", "aof-use-rdb-preamble", "yes" if form == "rewritten" else "no")
                conn.call("BGREWRITEAOF")
                servers.wait_for(lambda: b"aof_rewrite_in_progress:0" in conn.call("INFO", "persistence") and
                                 b"aof_rewrite_scheduled:0" in conn.call("INFO", "persistence"), "the rewrite ends")
            assert conn.call("DEBUG", "LOADAOF") == b"OK"
            assert content(conn) == want, form
        assert conn.call("DEBUG", "RELOAD") == b"OK"
        assert content(conn) == want
        for key in conn.call("KEYS", "*"):
            digest = conn.call("DEBUG", "DIGEST-VALUE", key)
            dump = conn.call("DUMP", key)
            has_ends = any(k == key and end > 0 for (k, _), (_, end) in want.items())
            assert dump[0] == 22 if has_ends else dump[0] in (4, 16)
            assert conn.call("RESTORE", "copy", 0, dump) == b"OK"
            assert conn.call("DEBUG", "DIGEST-VALUE", "copy") == digest
            conn.call("DEL", "copy")


def test_a_replica_hides_what_ended_until_it_is_told(start):
    primary, replica = start(servers.engine, enable_debug_command="yes", repl_diskless_sync_delay=0), start(servers.engine)
    with primary.conn() as conn, replica.conn() as other:
        follow(replica, primary)
        wait_equal(primary, replica)
        conn.call("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        conn.call("HSET", "h", "f", 5, "g", 6)
        conn.call("HPEXPIRE", "h", 1, "FIELDS", 1, "f")
        wait_equal(primary, replica)
        servers.wait_for(lambda: other.call("HGET", "h", "f") is None, "it is hidden")
        assert other.call("HGETALL", "h") == [b"g", b"6"]
        assert other.call("HSCAN", "h", 0) == [b"0", [b"g", b"6"]]
        # It is there still, and what the primary does comes out the same.
        assert other.call("HLEN", "h") == 2
        assert conn.call("HINCRBY", "h", "f", 1) == 1
        wait_equal(primary, replica)
        assert other.call("HMGET", "h", "f", "g") == [b"1", b"6"] and other.call("HTTL", "h", "FIELDS", 1, "f") == [-1]


def redis_74(fields, first):
    out = bytes([24]) + struct.pack("<Q", first) + payloads.length(len(fields))
    for f, v, end in fields:
        out += payloads.length(end - first + 1 if end else 0) + payloads.string(f) + payloads.string(v)
    return payloads.seal(out, 12)


def valkey_9(fields):
    out = bytes([22]) + payloads.length(len(fields))
    for f, v, end in fields:
        out += payloads.string(f) + payloads.string(v) + struct.pack("<q", end or -1)
    return payloads.seal(out, 80)


def redis_74_listpack(fields, first):
    elements = [x for f, v, end in fields for x in (f, v, end)]
    return payloads.seal(bytes([25]) + struct.pack("<Q", first) + payloads.string(payloads.listpack(elements)), 12)


FIELDS = [(b"a", b"1", FAR_MS), (b"b", b"text", 0), (b"c", b"x" * 50, FAR_MS + 60)]


@pytest.mark.parametrize("payload", [redis_74(FIELDS, FAR_MS), valkey_9(FIELDS), redis_74_listpack(FIELDS, FAR_MS)],
                         ids=["redis 7.4", "valkey 9", "redis 7.4 listpack"])
def test_payloads_of_peers_are_read(engine, payload):
    with engine.conn() as conn:
        assert conn.call("RESTORE", "h", 0, payload) == b"OK"
        assert content(conn) == {(b"h", f): (v, end or -1) for f, v, end in FIELDS}
        assert conn.call("HLEN", "h") == 3
        broken = [payloads.seal(payload[:at], payload[-10]) for at in range(1, len(payload) - 10)]
        for one in broken:
            assert isinstance(conn.call("RESTORE", "other", 0, one), Error)
        assert conn.call("EXISTS", "other") == 0


def test_ends_move_with_their_slots_while_they_change(seed):
    slots, key, rng = set(slots_of("bar").values()), "h{bar}", random.Random(seed)
    with clusters.cluster(shards=2, enable_debug_command="yes") as c:
        source, target = c.primary(0), c.primary(1)
        relay = Relay(target.port, 0.0005)
        with source.conn() as conn:
            for i in range(0, 20000, 100):
                conn.call("HSET", key, *[x for j in range(i, i + 100) for x in ("f%d" % j, "v%d" % j)])
            for i in range(0, 20000, 300):
                conn.call("HPEXPIREAT", key, FAR_MS + i, "FIELDS", 100, *["f%d" % j for j in range(i, i + 100)])
            conn.call("HSETEX", "small{bar}", "PXAT", FAR_MS, "FIELDS", 1, "f", "v")
            move, changes, answer = c.begin_move(slots, 0, 1, port=relay.address[1]), 0, None
            while not isinstance(answer, Error) or not answer.startswith("MOVED"):
                f, g = ("f%d" % rng.randrange(21000) for _ in range(2))
                answer = conn.call(*rng.choice([
                    ["HPEXPIREAT", key, FAR_MS + rng.randrange(10**6), "FIELDS", 2, f, g],
                    ["HPERSIST", key, "FIELDS", 1, f], ["HGETDEL", key, "FIELDS", 1, f], ["HINCRBY", key, f + "n", 1],
                    ["HSETEX", key, "PXAT", FAR_MS, "FIELDS", 1, f, "w"], ["HSETEX", key, "KEEPTTL", "FIELDS", 1, g, "w"],
                    ["HSET", key, g, "w"], ["HSETEX", key, "PX", 1, "FIELDS", 1, g, "w"]]))
                changes += 1
        status = servers.wait_for(lambda: c.status(source, move)[b"state"] == b"done", "the slots are moved")
        fields = ["f"] + ["f%d" % i for i in range(21000)]
        for key in ("h{bar}", "small{bar}"):
            for words in (["HMGET", key, *fields], ["HPEXPIRETIME", key, "FIELDS", len(fields), *fields]):
                want, got = source.admin(*words), target.admin(*words)
                assert got == want and any(v not in (None, -2) for v in got)
        assert status and changes > 50
        assert b"cmdstat_hpexpireat" in target.admin("INFO", "commandstats"), "it went in parts"
        c.end_move(move, slots, 0, 1)
        relay.close()
