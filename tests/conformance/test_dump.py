"""DUMP and RESTORE: payloads go back and forth between servers, in every encoding that was ever written."""

import os
import random
import shutil

import payloads
import pytest
import servers
import wire

FILL = {
    "int": [["SET", "k", "12345"]],
    "int 8": [["SET", "k", "-5"]],
    "int 32": [["SET", "k", "-2147483648"]],
    "int 64": [["SET", "k", "9223372036854775807"]],
    "not quite an int": [["SET", "k", "007"]],
    "empty": [["SET", "k", ""]],
    "embstr": [["SET", "k", "hello"]],
    "raw": [["SET", "k", "x" * 5000]],
    "beside the key": [["SET", "k", bytes(range(256)) * 48]],
    "compressible": [["SET", "k", "abcd" * 10000]],
    "binary": [["SET", "k", bytes(range(256)) * 10]],
    "big": [["SET", "k", random.Random(1).randbytes(3_000_000)]],
    "list": [["RPUSH", "k", "a", "1", "-5", "300000", "x" * 100]],
    "big list": [["RPUSH", "k"] + ["item:%d" % i * 5 for i in range(3000)]],
    "plain nodes": [["RPUSH", "k", "a", "y" * 20000, "b"]],
    "intset 16": [["SADD", "k", 1, 2, 3]],
    "intset 32": [["SADD", "k", 1, 70000, -70000]],
    "intset 64": [["SADD", "k", 1, 2**40, -(2**62)]],
    "big intset": [["SADD", "k"] + list(range(0, 5120, 10))],
    "set": [["SADD", "k", "a", "b", "1"]],
    "big set": [["SADD", "k"] + ["m%d" % i for i in range(1000)]],
    "set of long": [["SADD", "k"] + ["m" * i for i in range(200, 3000, 200)]],
    "hash": [["HSET", "k", "a", "1", "b", "two"]],
    "hash of numbers": [["HSET", "k"] + [x for i in range(60) for x in ("f%d" % i, 3**i * (-1) ** i)]],
    "hash of long": [["HSET", "k"] + [x for i in range(1, 12) for x in ("f%d" % i, "%d" % i * 1500)]],
    "big hash": [["HSET", "k"] + ["f%d" % (i // 2) if i % 2 == 0 else "v%d" % i for i in range(2000)]],
    "zset": [["ZADD", "k", "1", "a", "2.5", "b", "-inf", "c", "0.1", "12", "1e300", "x" * 64]],
    "big zset": [["ZADD", "k"] + [x for i in range(1000) for x in (str(i * 0.1), "m%d" % i)]],
    "zset of one score": [["ZADD", "k"] + [x for i in range(300) for x in ("7", "%d" % (i * 37 % 300))]],
}
READ = {b"string": ["GET", "k"], b"list": ["LRANGE", "k", 0, -1], b"set": ["SMEMBERS", "k"], b"hash": ["HGETALL", "k"],
        b"zset": ["ZRANGE", "k", 0, -1, "WITHSCORES"]}
# What Redis 7.0 keeps otherwise, or says otherwise, than 7.2.
OTHER_IN_7_0 = ("list", "set", "set of long")
VALKEY = os.environ.get("LARDER_VALKEY_SERVER") or shutil.which("valkey-server")
PLAIN = ["hash-max-listpack-entries", "0", "set-max-intset-entries", "0", "zset-max-listpack-entries", "0"]
USUAL = ["hash-max-listpack-entries", "128", "set-max-intset-entries", "512", "zset-max-listpack-entries", "128"]


def content(conn):
    kind = conn.call("TYPE", "k")
    got = conn.call(*READ[kind])
    if kind == b"hash":
        got = sorted(zip(got[::2], got[1::2]))
    if kind == b"zset":  # 7.0 says doubles in 17 digits
        got = [(member, float(score)) for member, score in zip(got[::2], got[1::2])]
    return kind, sorted(got) if kind == b"set" else got


def fill(conn, what):
    conn.call("FLUSHALL")
    for command in FILL[what]:
        conn.call(*command)


@pytest.fixture(scope="module")
def usual(shared_engine):
    """The engine with the limits that redis-server has."""
    server = shared_engine.get()
    with server.conn() as conn:
        conn.call("CONFIG", "SET", *USUAL)
    yield
    server = shared_engine.get()
    with server.conn() as conn:
        conn.call("CONFIG", "SET", "hash-max-listpack-entries", "512")


@pytest.fixture(scope="module")
def valkey():
    if not VALKEY:
        pytest.skip("no valkey-server")
    server = servers.Server(lambda s: [VALKEY, "--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", ""],
                            "valkey-server")
    with server.conn() as conn:
        conn.call("CONFIG", "SET", *USUAL)
    yield server
    server.stop()


@pytest.mark.parametrize("what", FILL)
def test_a_payload_of_redis_is_restored(usual, reference, engine, what):
    with reference.conn() as ref, engine.conn() as ours:
        fill(ours, what)
        fill(ref, what)
        want = ours.call("OBJECT", "ENCODING", "k")
        assert ours.raw("RESTORE", "k", "0", ref.call("DUMP", "k"), "REPLACE") == b"+OK\r\n"
        assert content(ours) == content(ref)
        if what not in OTHER_IN_7_0:
            assert ours.call("OBJECT", "ENCODING", "k") == want == ref.call("OBJECT", "ENCODING", "k")


@pytest.mark.parametrize("what", [w for w in FILL if "set" not in w or "zset" in w or "intset" in w or w == "big set"])
def test_redis_restores_our_payload(usual, reference, engine, what):
    """Sealed as 7.0 seals, for it refuses what is newer."""
    with reference.conn() as ref, engine.conn() as ours:
        fill(ours, what)
        ref.call("FLUSHALL")
        payload = ours.call("DUMP", "k")
        assert payload[-10:-8] == b"\x0b\0"
        assert ref.raw("RESTORE", "k", "0", payloads.reseal(payload, 10)) == b"+OK\r\n"
        assert content(ours) == content(ref)
        assert ours.call("OBJECT", "ENCODING", "k") == ref.call("OBJECT", "ENCODING", "k") or what in OTHER_IN_7_0


@pytest.mark.parametrize("what", FILL)
def test_payloads_cross_between_valkey_and_us(usual, valkey, engine, what):
    with valkey.conn() as ref, engine.conn() as ours:
        fill(ours, what)
        fill(ref, what)
        want, encoding = content(ref), ref.call("OBJECT", "ENCODING", "k")
        theirs, mine = ref.call("DUMP", "k"), ours.call("DUMP", "k")
        assert ref.raw("RESTORE", "k", "0", mine, "REPLACE") == b"+OK\r\n"
        assert ours.raw("RESTORE", "k", "0", theirs, "REPLACE") == b"+OK\r\n"
        for conn in (ref, ours):
            assert content(conn) == want
            assert conn.call("OBJECT", "ENCODING", "k") == encoding


@pytest.mark.parametrize("what", [w for w in FILL if w not in ("list", "big list", "plain nodes")])
def test_a_payload_fits_other_limits(usual, engine, what):
    """What was said under small limits is restored under large ones, and the other way round."""
    with engine.conn() as ours:
        fill(ours, what)
        want, encoding, payload = content(ours), ours.call("OBJECT", "ENCODING", "k"), ours.call("DUMP", "k")
        ours.call("CONFIG", "SET", *PLAIN)
        assert ours.raw("RESTORE", "k", "0", payload, "REPLACE") == b"+OK\r\n"
        assert content(ours) == want
        big = ours.call("DUMP", "k")
        ours.call("CONFIG", "SET", *USUAL)
        assert ours.raw("RESTORE", "k", "0", big, "REPLACE") == b"+OK\r\n"
        assert (content(ours), ours.call("OBJECT", "ENCODING", "k")) == (want, encoding)


ONE = [(b"a", b"1"), (b"b", b"two"), (b"c" * 300, b"d" * 300)]
FLAT = [x for pair in ONE for x in pair]
MIXED = [b"text", 0, 12, 13, -1, 127, 128, -129, 70000, -(2**40), b"y" * 63, b"z" * 64, b"w" * 17000]
OLD = {
    "list": payloads.plain(1, b"a", b"b", b"12"),
    "set": payloads.plain(2, b"a", b"b", b"12"),
    "set of numbers": payloads.plain(2, b"5", b"1", b"-12"),
    "zset": payloads.zset((b"a", b"1.5"), (b"b", b"-3"), (b"c", b"\xfe"), (b"d", b"\xff")),
    "hash": payloads.plain(4, *FLAT),
    "zset 2": b"\x05\x02" + b"\x01a" + b"\0" * 6 + b"\xf8\x3f" + b"\x01b" + b"\0" * 8,
    "zipmap": b"\x09" + payloads.string(payloads.zipmap(ONE)),
    "zipmap with spare bytes": b"\x09" + payloads.string(payloads.zipmap(ONE, spare=3)),
    "list ziplist": b"\x0a" + payloads.string(payloads.ziplist(MIXED)),
    "intset": b"\x0b" + payloads.string(payloads.intset(2, [-3, 5, 900])),
    "zset ziplist": b"\x0c" + payloads.string(payloads.ziplist([b"a", 1, b"b", b"2.25", 77, b"inf"])),
    "hash ziplist": b"\x0d" + payloads.string(payloads.ziplist(FLAT)),
    "quicklist of ziplists": b"\x0e\x02" + payloads.string(payloads.ziplist(MIXED)) + payloads.string(
        payloads.ziplist([1, 2, 3])),
    "hash listpack": b"\x10" + payloads.string(payloads.listpack(FLAT)),
    "zset listpack": b"\x11" + payloads.string(payloads.listpack([b"a", 1, b"b", b"2.25"])),
    "quicklist of listpacks": b"\x12\x03\x02" + payloads.string(payloads.listpack(MIXED)) + b"\x01" + payloads.string(
        b"plain" * 2000) + b"\x02" + payloads.string(payloads.listpack([9], count=65535)),
}


@pytest.mark.parametrize("what", OLD)
def test_every_old_encoding_is_read(usual, reference, engine, what):
    with reference.conn() as ref, engine.conn() as ours:
        ref.call("FLUSHALL")
        payload = payloads.seal(OLD[what], 6)
        assert ref.raw("RESTORE", "k", "0", payload) == b"+OK\r\n"
        assert ours.raw("RESTORE", "k", "0", payload) == b"+OK\r\n"
        assert content(ours) == content(ref)


def lp(elements, **kw):
    return payloads.string(payloads.listpack(elements, **kw))


def test_small_sets_of_7_2_are_read(engine):
    with engine.conn() as ours:
        assert ours.raw("RESTORE", "k", "0", payloads.seal(b"\x14" + lp([b"a", 5, b"12"]))) == b"+OK\r\n"
        assert sorted(ours.call("SMEMBERS", "k")) == [b"12", b"5", b"a"]
        assert ours.call("OBJECT", "ENCODING", "k") == b"listpack"


GOOD_LP = payloads.listpack([b"a", b"1", b"b", b"2"])
BAD = {
    "nothing": b"",
    "no type": b"\x7f\x01a",
    "a module": b"\x07\x81\0\0\0\0\0\0\0\0\0",
    "a stream that is none": b"\x0f\0",
    "string cut short": b"\0\x05abc",
    "string without end": b"\0\x81\xff\xff\xff\xff\xff\xff\xff\xff",
    "unknown length": b"\0\xc4abcd",
    "lzf of nothing": b"\0\xc3\x00\x05",
    "lzf that claims too much": b"\0\xc3\x02\x80\x7f\xff\xff\xff\0a",
    "lzf that points in front": b"\0\xc3\x03\x05\xe0\x00\xff",
    "empty set": b"\x02\0",
    "empty hash": b"\x04\0",
    "empty zset": b"\x05\0",
    "empty list": b"\x01\0",
    "hash of too few": b"\x04\x02\x01a\x01b",
    "endless hash": b"\x04\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01a\x01b",
    "twins in a set": payloads.plain(2, b"a", b"a"),
    "twins in a set of numbers": payloads.plain(2, b"1", b"1"),
    "twins in a hash": payloads.plain(4, b"a", b"1", b"a", b"2"),
    "twins in a large hash": payloads.plain(4, *(b"f%d" % (i % 600 if i % 2 == 0 else i) for i in range(1400))),
    "twins in a zset": payloads.zset((b"a", b"1"), (b"a", b"2")),
    "not a number": payloads.zset((b"a", b"\xfd")),
    "a score of letters": payloads.zset((b"a", b"x")),
    "nan in eight bytes": b"\x05\x01\x01a" + b"\xff" * 8,
    "intset out of order": b"\x0b" + payloads.string(payloads.intset(2, [5, 3])),
    "intset with twins": b"\x0b" + payloads.string(payloads.intset(2, [3, 3])),
    "empty intset": b"\x0b" + payloads.string(payloads.intset(2, [])),
    "intset of odd width": b"\x0b" + payloads.string(b"\x03\0\0\0\x01\0\0\0abc"),
    "intset too long": b"\x0b" + payloads.string(payloads.intset(2, [1, 2]) + b"x"),
    "intset of no head": b"\x0b" + payloads.string(b"\x02\0\0"),
    "empty listpack": b"\x10" + lp([]),
    "odd hash": b"\x10" + lp([b"a", 1, b"b"]),
    "odd zset": b"\x11" + lp([b"a", 1, b"b"]),
    "twins in a listpack hash": b"\x10" + lp([b"a", 1, b"a", 2]),
    "twins in a listpack set": b"\x14" + lp([b"7", 7]),
    "twins in a listpack zset": b"\x11" + lp([b"a", 1, b"a", 2]),
    "listpack of wrong count": b"\x10" + lp([b"a", 1], count=4),
    "listpack of wrong size": b"\x10" + payloads.string(GOOD_LP[:-1]),
    "listpack with an early end": b"\x10" + payloads.string(GOOD_LP[:9] + b"\xff" + GOOD_LP[10:]),
    "listpack with a wrong size behind": b"\x10" + payloads.string(GOOD_LP.replace(b"\x81a\x02", b"\x81a\x03")),
    "listpack with a far element": b"\x10" + payloads.string(GOOD_LP.replace(b"\x81a\x02", b"\xbfa\x02")),
    "odd ziplist": b"\x0d" + payloads.string(payloads.ziplist([b"a", 1, b"b"])),
    "ziplist with a wrong tail": b"\x0d" + payloads.string(payloads.ziplist([b"a", 1])[:4] + b"\x0a\0\0\0" + payloads.ziplist(
        [b"a", 1])[8:]),
    "ziplist with a wrong size before": b"\x0d" + payloads.string(payloads.ziplist([b"a", b"b"]).replace(b"\x03\x01b", b"\x04\x01b")),
    "empty zipmap": b"\x09" + payloads.string(payloads.zipmap([])),
    "zipmap with twins": b"\x09" + payloads.string(payloads.zipmap([(b"a", b"1"), (b"a", b"2")])),
    "zipmap with a far value": b"\x09" + payloads.string(b"\x01\x01a\x40\0b\xff"),
    "quicklist without nodes": b"\x12\0",
    "quicklist of strange nodes": b"\x12\x01\x03" + lp([b"a"]),
    "quicklist of empty nodes": b"\x12\x01\x02" + lp([]),
    "plain node of nothing": b"\x12\x01\x01\0",
    "quicklist of a damaged ziplist": b"\x0e\x01" + payloads.string(payloads.ziplist([b"a"])[:-1] + b"\0"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_payload_that_cannot_be_is_refused(engine, what):
    with engine.conn() as ours:
        assert ours.raw("RESTORE", "k", "0", payloads.seal(BAD[what])) == b"-ERR Bad data format\r\n"
        assert ours.call("EXISTS", "k") == 0
        ours.call("SET", "k", "old")
        assert ours.raw("RESTORE", "k", "0", payloads.seal(BAD[what]), "REPLACE") == b"-ERR Bad data format\r\n"
        assert ours.call("GET", "k") == b"old"


def test_every_damaged_payload_is_refused(reference, engine):
    with reference.conn() as ref, engine.conn() as ours:
        ref.call("FLUSHALL")
        ref.call("SET", "k", "hello")
        payload = ref.call("DUMP", "k")
        want = b"-ERR DUMP payload version or checksum are wrong\r\n"
        for at in range(len(payload)):
            bad = payload[:at] + bytes([payload[at] ^ 0x40]) + payload[at + 1:]
            assert ours.raw("RESTORE", "k", "0", bad) == want, at
            assert ours.raw("RESTORE", "k", "0", payload[:at]) == want, at
        assert ours.raw("RESTORE", "k", "0", payloads.reseal(payload, 13)) == want
        assert ours.raw("RESTORE", "k", "0", payloads.reseal(payload, 81)) == want
        assert ours.call("EXISTS", "k") == 0


ARGUMENTS = [
    ["0"], ["0", "P"], ["0", "P"], ["0", "P", "REPLACE"], ["0", "P", "replace", "Replace"], ["-1", "P"],
    ["-1", "P", "REPLACE"], ["x", "P", "REPLACE"], ["1.5", "P", "REPLACE"], ["", "P", "REPLACE"], ["0", "bad", "REPLACE"],
    ["0", "", "REPLACE"], ["x", "bad"], ["0", "P", "XX"], ["0", "P", "REPLACE", "IDLETIME"],
    ["0", "P", "REPLACE", "IDLETIME", "x"], ["0", "P", "REPLACE", "IDLETIME", "-1"],
    ["0", "P", "REPLACE", "IDLETIME", "1000"], ["0", "P", "REPLACE", "FREQ"], ["0", "P", "REPLACE", "FREQ", "-1"],
    ["0", "P", "REPLACE", "FREQ", "256"], ["0", "P", "REPLACE", "FREQ", "255"], ["0", "P", "REPLACE", "FREQ", "y"],
    ["0", "P", "REPLACE", "FREQ", "1", "IDLETIME", "1"], ["0", "P", "REPLACE", "IDLETIME", "1", "FREQ", "1"],
    ["0", "P", "IDLETIME", "1", "IDLETIME", "2", "REPLACE"], ["0", "P", "ABSTTL", "REPLACE"],
    ["1", "P", "ABSTTL", "REPLACE"], ["1", "P", "ABSTTL"], ["100000", "P"], ["4000000000000", "P", "ABSTTL", "REPLACE"],
    ["9223372036854775807", "P", "ABSTTL", "REPLACE"], ["9223372036854775807", "P", "REPLACE"],
    ["9223372036854775808", "P", "REPLACE"], ["0", "P", "REPLACE", "ABSTTL", "nonsense"],
]


def test_arguments_are_answered_as_by_redis(reference, engine):
    with reference.conn() as ref, engine.conn() as ours:
        for conn in (ref, ours):
            conn.call("FLUSHALL")
            conn.call("SET", "from", "value")
        payload = ref.call("DUMP", "from")
        for words in ARGUMENTS:
            line = ["RESTORE", "k"] + [payload if w == "P" else w for w in words]
            assert ours.raw(*line) == ref.raw(*line), words
            for question in (["EXISTS", "k"], ["EXPIRETIME", "k"] if "ABSTTL" in words else ["TTL", "k"]):
                assert ours.raw(*question) == ref.raw(*question), (words, question)
        assert ours.raw("RESTORE", "k") == ref.raw("RESTORE", "k")
        assert ours.raw("DUMP", "nothing") == ref.raw("DUMP", "nothing")
        assert ours.raw("DUMP") == ref.raw("DUMP")


def test_recency_comes_with_the_key(engine):
    with engine.conn() as ours:
        ours.call("SET", "from", "value")
        payload = ours.call("DUMP", "from")
        ours.call("RESTORE", "k", "0", payload, "IDLETIME", "1000")
        assert 1000 <= ours.call("OBJECT", "IDLETIME", "k") <= 1010
        ours.call("RESTORE", "k", "0", payload, "IDLETIME", str(2**62), "REPLACE")
        assert ours.call("OBJECT", "IDLETIME", "k") > 16_000_000
        ours.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
        ours.call("RESTORE", "k", "0", payload, "FREQ", "100", "REPLACE")
        assert ours.call("OBJECT", "FREQ", "k") == 100
        ours.call("CONFIG", "SET", "maxmemory-policy", "noeviction")


def test_a_client_that_waits_gets_what_is_restored(engine):
    with engine.conn() as ours, engine.conn() as waiting:
        ours.call("ZADD", "from", "1", "a")
        payload = ours.call("DUMP", "from")
        waiting.send(wire.command("BZPOPMIN", "k", "5"))
        servers.wait_for(lambda: b"blocked_clients:1\r\n" in ours.call("INFO", "clients"), "a client waits")
        assert ours.raw("RESTORE", "k", "0", payload) == b"+OK\r\n"
        assert waiting.read_reply() == b"*3\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\n1\r\n"


def mutated(rng, payload):
    value = bytearray(payload[:-10])
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(value))
        value[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, value[at] ^ 1 << rng.randrange(8), rng.randrange(256)])
    return payloads.seal(bytes(value))


def test_mutated_payloads_are_refused_or_become_sound_values(usual, reference, engine, seed):
    """What is accepted can be read, said again and restored again as the same."""
    rng = random.Random(seed)
    with reference.conn() as ref, engine.conn() as ours:
        lists = b"lrange" in ours.call("COMMAND", "LIST")
        for what in FILL:
            if what in ("big", "compressible") or ("list" in what or "nodes" in what) and not lists:
                continue
            fill(ref, what)
            payload = ref.call("DUMP", "k")
            for _ in range(60):
                if ours.raw("RESTORE", "k", "0", mutated(rng, payload), "REPLACE") != b"+OK\r\n":
                    continue
                got = content(ours)
                again = ours.call("DUMP", "k")
                assert ours.raw("RESTORE", "k", "0", again, "REPLACE") == b"+OK\r\n"
                assert content(ours) == got
            ours.call("DEL", "k")
