"""used_memory is exact: whatever came and went, of which type and by which client, an empty engine has what it had."""

import random
import socket
import struct

import pytest
import servers
from test_memory import info
from wire import command

KEYS = 60


def facts(conn):
    """What must be the same before and after."""
    memory, clients = info(conn, "memory"), info(conn, "clients")
    return {"used": int(memory["used_memory"]), "clients": int(memory["mem_clients_normal"]),
            "dataset": int(memory["used_memory_dataset"]), "overhead": int(memory["used_memory_overhead"]),
            "lazy": int(memory["lazyfree_pending_objects"]), "blocked": int(clients["blocked_clients"]),
            "connected": int(clients["connected_clients"])}


def expect_as_before(conn, before, what):
    servers.wait_for(lambda: facts(conn) == before, "%s left something: before %s, now %s" % (what, before, facts(conn)),
                     within=15)


class Play:
    """Random valid commands; all kinds of keys, values around the limits of every form."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def key(self, kind):
        return "%s:%d" % (kind, self.rng.randrange(KEYS))

    def value(self):
        rng = self.rng
        return rng.choice([rng.randrange(1000), rng.randrange(10**12), "v%d" % rng.randrange(500), "x" * rng.randrange(60, 70),
                           "y" * rng.choice([300, 1000, 3000, 20000])])

    def values(self, most):
        return [self.value() for _ in range(self.rng.choice([1, 1, 2, 10, most]))]

    def strings(self):
        key, value, number = self.key("string"), self.value(), self.rng.randrange(30000)
        return [["SET", key, value], ["SET", key, value, "PX", 1 + number], ["APPEND", key, value], ["SETRANGE", key, number, "zz"],
                ["GETSET", key, value], ["GETEX", key, "PX", 20], ["GETDEL", key], ["MSET", key, value, self.key("string"), 1],
                ["INCRBY", self.key("number"), number], ["INCRBYFLOAT", self.key("number"), "1.5"], ["SETNX", key, value]]

    def hashes(self):
        key, fields = self.key("hash"), self.values(200)
        return [["HSET", key] + [w for f in fields for w in (f, self.value())], ["HDEL", key] + fields,
                ["HINCRBY", key, "n", 3], ["HINCRBYFLOAT", key, "f", "0.1"], ["HSETNX", key, fields[0], "1"]]

    def sets(self):
        key, other, members = self.key("set"), self.key("set"), self.values(700)
        return [["SADD", key] + members, ["SADD", key] + list(range(len(members))), ["SREM", key] + members, ["SPOP", key, 5],
                ["SPOP", key], ["SMOVE", key, other, members[0]], ["SUNIONSTORE", key, key, other],
                ["SINTERSTORE", key, key, other], ["SDIFFSTORE", key, key, other]]

    def zsets(self):
        key, other, members = self.key("zset"), self.key("zset"), self.values(200)
        scored = [w for m in members for w in (self.rng.randrange(100) / 4, m)]
        return [["ZADD", key] + scored, ["ZREM", key] + members, ["ZINCRBY", key, "2.5", members[0]], ["ZPOPMIN", key, 4],
                ["ZPOPMAX", key], ["ZREMRANGEBYRANK", key, 1, 9], ["ZREMRANGEBYSCORE", key, 1, 4],
                ["ZUNIONSTORE", key, 2, key, other], ["ZINTERSTORE", key, 2, key, other], ["ZDIFFSTORE", key, 2, key, other],
                ["ZRANGESTORE", key, other, 0, 50], ["ZADD", key, "GT", "CH"] + scored]

    def lists(self):
        key, other, values, at = self.key("list"), self.key("list"), self.values(200), self.rng.randrange(-5, 20)
        return [["RPUSH", key] + values, ["LPUSH", key] + values, ["LPOP", key, 30], ["RPOP", key, 200], ["LSET", key, at, values[0]],
                ["LINSERT", key, "AFTER", values[0], values[-1]], ["LREM", key, 0, values[0]], ["LTRIM", key, 1, -2],
                ["LMOVE", key, other, "LEFT", "RIGHT"], ["LMPOP", 2, key, other, "RIGHT", "COUNT", 7], ["RPUSHX", key, values[0]]]

    def any_type(self):
        kinds = ["string", "number", "hash", "set", "zset", "list"]
        kind = self.rng.choice(kinds)
        key, other = self.key(kind), self.key(kind)
        return [["DEL", key], ["UNLINK", key], ["RENAME", key, other], ["COPY", key, other, "REPLACE"], ["PEXPIRE", key, 30],
                ["EXPIRE", key, 1000], ["PERSIST", key], ["MOVE", key, 1], ["COPY", key, other, "DB", 1, "REPLACE"],
                ["SORT", self.key("list"), "ALPHA", "STORE", self.key("list")], ["SWAPDB", 0, 1], ["OBJECT", "ENCODING", key],
                ["MULTI"], ["EXEC"], ["WATCH", key], ["SCAN", 0, "COUNT", 50], ["RENAMENX", key, self.key(self.rng.choice(kinds))],
                ["DUMP", key], ["MEMORY", "USAGE", key], ["SET", key, "of another type"]]

    def commands(self, count):
        kinds = [self.strings, self.hashes, self.sets, self.zsets, self.lists, self.any_type]
        return [self.rng.choice(self.rng.choice(kinds)()) for _ in range(count)]


@pytest.fixture
def server(own_engine, request):
    lazily = {"lazyfree_lazy_%s" % w.replace("-", "_"): request.param for w in ("expire", "server-del", "user-del", "user-flush")}
    return own_engine(**lazily)


@pytest.mark.parametrize("server", ["no", "yes"], indirect=True, ids=["at-once", "in-the-background"])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_left_when_all_keys_are_gone(server, seed, is_long):
    play = Play(seed)
    with server.conn() as conn, server.conn() as watcher:
        watcher.call("PING")
        before = facts(watcher)
        for _ in range(60 if is_long else 8):
            conn.batch(play.commands(500))
        conn.batch([["DISCARD"], ["UNWATCH"]])
        assert facts(watcher)["dataset"] > before["dataset"] + (1 << 20), "it played with something"
        conn.call("FLUSHALL")
        watcher.call("PING")
        expect_as_before(watcher, before, "the play")


@pytest.mark.parametrize("server", ["no"], indirect=True)
def test_nothing_is_left_when_keys_are_deleted_one_by_one(server):
    """Not FLUSHALL, which throws whole tables away: each key must give back its own."""
    play = Play(17)
    with server.conn() as conn, server.conn() as watcher:
        watcher.call("PING")
        before = facts(watcher)
        for _ in range(8):
            conn.batch(play.commands(500))
        conn.batch([["DISCARD"], ["UNWATCH"]])
        for db in (1, 0):
            conn.call("SELECT", db)
            while True:
                cursor, keys = conn.call("SCAN", 0, "COUNT", 1000)
                for key in keys:
                    conn.call("DEL", key)
                if cursor == b"0" and conn.call("DBSIZE") == 0:
                    break
        after = facts(watcher)
        # What remains is the index, which shrinks no further than its smallest.
        assert after["used"] - before["used"] < 64 << 10, (before, after)


# Clients ------------------------------------------------------------------------------------------


def wait_blocked(conn, count):
    servers.wait_for(lambda: int(info(conn, "clients")["blocked_clients"]) == count, "%d clients wait" % count)


def test_clients_that_waited_leave_nothing(own_engine):
    """Served, timed out, unblocked, gone while they waited, and with more behind what they wait for."""
    server = own_engine()
    with server.conn() as conn:
        conn.batch([["RPUSH", "served", 1], ["DEL", "served"]])
        before = facts(conn)
        waits = [["BLPOP", "served", "b", "c", 0], ["BLMOVE", "served", "d", "LEFT", "RIGHT", 0], ["BZPOPMIN", "z", "y", 0],
                 ["BLMPOP", 0, 2, "served", "e", "LEFT"], ["BRPOP", "never", "0.2"], ["BZMPOP", 0, 1, "z", "MIN"],
                 ["BLPOP", "killed", "never", 0], ["BLPOP", "unblocked", 0]]
        for _ in range(20):
            held = []
            for words in waits:
                held.append(server.conn())
                held[-1].send(command(*words) + command("SET", "behind", "x" * 5000) * 3)
            wait_blocked(conn, len(waits))
            ids = [row.split()[0].split(b"=")[1] for row in conn.call("CLIENT", "LIST").splitlines()]
            conn.batch([["RPUSH", "served", 1, 2, 3], ["ZADD", "z", 1, "a", 2, "b"]])
            assert conn.call("CLIENT", "KILL", "ID", ids[-2]) == 1
            assert conn.call("CLIENT", "UNBLOCK", ids[-1]) == 1
            wait_blocked(conn, 0)
            for client in held:
                client.close()
            for _ in range(3):
                gone = server.conn()
                gone.send(command("BLPOP", "never", "ever", 0) + command("SET", "behind", "y" * 3000))
                wait_blocked(conn, 1)
                gone.close()
                wait_blocked(conn, 0)
        servers.wait_for(lambda: b"connected_clients:1\r" in conn.call("INFO", "clients"), "all are forgotten")
        conn.call("FLUSHALL")
        expect_as_before(conn, before, "clients that waited")


def reset(conn):
    """Ends a connection with a reset instead of an orderly end."""
    conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def test_short_connections_leave_nothing(own_engine, is_long):
    """3,000, and 100,000 in the long run, with every way to end: amid requests, replies, transactions, after errors."""
    server = own_engine()
    with server.conn() as conn:
        conn.call("SET", "big", "x" * 300000)
        before = facts(conn)
        rss = None
        ends = [b"", command("PING"), command("PING")[:-3], b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n" + b"x" * 40000,
                command("GET", "big") * 20, command("MULTI") + command("SET", "a", "x" * 2000) * 5, command("WATCH", "a", "b", "big"),
                b"*1\r\n$-5\r\n", command("CLIENT", "SETNAME", "somebody"), command("BLPOP", "none", 0), command("QUIT"),
                command("CLIENT", "REPLY", "OFF"), command("SUBSCRIBE", "c"), command("HELLO", "3"), command("SELECT", 3)]
        count = 100000 if is_long else 3000
        for i in range(count):
            short = server.conn()
            short.send(ends[i % len(ends)])
            if i % 7 == 0:
                reset(short)
            else:
                short.close()
            if i == count // 3:
                rss = server.rss_bytes()
        servers.wait_for(lambda: b"connected_clients:1\r" in conn.call("INFO", "clients"), "all are forgotten", within=30)
        expect_as_before(conn, before, "short connections")
        assert server.rss_bytes() < rss + (4 << 20)
