"""DUMP and RESTORE: payloads go back and forth between redis-server and the engine, in every encoding."""

import pytest

FILL = {
    "int": [["SET", "k", "12345"]],
    "embstr": [["SET", "k", "hello"]],
    "raw": [["SET", "k", "x" * 5000]],
    "compressible": [["SET", "k", "abcd" * 10000]],
    "binary": [["SET", "k", bytes(range(256)) * 10]],
    "list": [["RPUSH", "k", "a", "1", "-5", "300000", "x" * 100]],
    "big list": [["RPUSH", "k"] + ["item:%d" % i * 5 for i in range(3000)]],
    "plain nodes": [["RPUSH", "k", "a", "y" * 20000, "b"]],
    "intset 16": [["SADD", "k", 1, 2, 3]],
    "intset 64": [["SADD", "k", 1, 2**40, -(2**62)]],
    "set": [["SADD", "k", "a", "b", "1"]],
    "big set": [["SADD", "k"] + ["m%d" % i for i in range(1000)]],
    "hash": [["HSET", "k", "a", "1", "b", "two"]],
    "big hash": [["HSET", "k"] + ["f%d" % (i // 2) if i % 2 == 0 else "v%d" % i for i in range(2000)]],
    "zset": [["ZADD", "k", "1", "a", "2.5", "b", "-inf", "c"]],
    "big zset": [["ZADD", "k"] + [x for i in range(1000) for x in (str(i * 0.1), "m%d" % i)]],
}
READ = {b"string": ["GET", "k"], b"list": ["LRANGE", "k", 0, -1], b"set": ["SMEMBERS", "k"], b"hash": ["HGETALL", "k"],
        b"zset": ["ZRANGE", "k", 0, -1, "WITHSCORES"]}


def content(conn):
    kind = conn.call("TYPE", "k")
    got = conn.call(*READ[kind])
    if kind == b"hash":
        got = sorted(zip(got[::2], got[1::2]))
    return kind, sorted(got) if kind == b"set" else got


@pytest.mark.parametrize("what", FILL)
@pytest.mark.parametrize("direction", ["from_redis", "to_redis"])
def test_a_payload_crosses_over(reference, engine, what, direction):
    with reference.conn() as ref, engine.conn() as ours:
        have = ours.call("COMMAND", "LIST")
        if b"restore" not in have or FILL[what][0][0].lower().encode() not in have:
            pytest.skip("not served yet")
        source, target = (ref, ours) if direction == "from_redis" else (ours, ref)
        for conn in (ref, ours):
            conn.call("FLUSHALL")
        for fill in FILL[what]:
            source.call(*fill)
        payload = source.call("DUMP", "k")
        assert target.raw("RESTORE", "k", "0", payload) == b"+OK\r\n"
        assert content(target) == content(source)
        if what != "set" and what != "big set":
            assert target.call("OBJECT", "ENCODING", "k") == source.call("OBJECT", "ENCODING", "k")


def test_every_damaged_payload_is_refused(reference, engine):
    with reference.conn() as ref, engine.conn() as ours:
        if b"restore" not in ours.call("COMMAND", "LIST"):
            pytest.skip("no RESTORE yet")
        ref.call("FLUSHALL")
        ref.call("SET", "k", "hello")
        payload = ref.call("DUMP", "k")
        for at in range(len(payload)):
            bad = payload[:at] + bytes([payload[at] ^ 0x40]) + payload[at + 1:]
            assert ours.raw("RESTORE", "k", "0", bad).startswith(b"-ERR"), at
            assert ours.raw("RESTORE", "k", "0", payload[:at]).startswith(b"-ERR"), at
        assert ours.call("EXISTS", "k") == 0
