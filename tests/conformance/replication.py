"""What the tests of replication share: data of every type, what two servers hold, a wire that can be cut."""

import hashlib
import random
import socket
import threading

import servers
import wire

DATABASES = 3


def call(server, *args):
    with server.conn(timeout=60) as conn:
        return conn.call(*args)


def follow(replica, primary):
    assert call(replica, "REPLICAOF", "127.0.0.1", primary.port) == b"OK"


def info(conn, section="replication"):
    lines = conn.call("INFO", section).decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def fill(conn, seed=1, keys=25):
    """Data of every type and encoding, in several databases, some of it with an end far ahead."""
    rng = random.Random(seed)
    for db in range(DATABASES):
        conn.call("SELECT", db)
        calls = []
        for i in range(keys):
            text = bytes(rng.randrange(256) for _ in range(rng.choice((1, 10, 50, 300))))
            many = rng.choice((3, 40, 700))
            calls += [
                ["SET", "int:%d" % i, rng.randrange(-10**12, 10**12)],
                ["SET", "raw:%d" % i, text],
                ["RPUSH", "list:%d" % i] + [text + b"%d" % n for n in range(many)],
                ["SADD", "ints:%d" % i] + [rng.randrange(10**6) for _ in range(many)],
                ["SADD", "set:%d" % i] + ["m%d" % n for n in range(many)],
                ["HSET", "hash:%d" % i] + [w for n in range(many) for w in ("f%d" % n, text)],
                ["ZADD", "zset:%d" % i] + [w for n in range(many) for w in (rng.uniform(-1e9, 1e9), "m%d" % n)],
                ["PEXPIREAT", "%s:%d" % (rng.choice(("int", "list", "hash")), i), 4102444800000 + i],
            ]
        calls += [["SET", "long", b"x" * 300000], ["RPUSH", "longs", b"y" * 100000, b"z" * 70000]]
        conn.batch(calls)
    conn.call("SELECT", 0)


READS = {
    b"string": lambda k: ["GET", k],
    b"list": lambda k: ["LRANGE", k, 0, -1],
    b"set": lambda k: ["SMEMBERS", k],
    b"hash": lambda k: ["HGETALL", k],
    b"zset": lambda k: ["ZRANGE", k, 0, -1, "WITHSCORES"],
}


def canonical(kind, value):
    if kind == b"set":
        return sorted(value)
    if kind == b"hash":
        return sorted(zip(value[::2], value[1::2]))
    if kind == b"zset":
        # Servers differ in how many digits they show.
        return list(zip(value[::2], (float(score) for score in value[1::2])))
    return value


def contents(server, databases=DATABASES):
    """{(db, key): (type, end, digest of the value)} of all that a server holds."""
    found = {}
    with server.conn(timeout=60) as conn:
        for db in range(databases):
            conn.call("SELECT", db)
            cursor, keys = b"0", set()
            while True:
                cursor, some = conn.call("SCAN", cursor, "COUNT", 1000)
                keys.update(some)
                if cursor == b"0":
                    break
            keys = sorted(keys)
            kinds = [wire.parse(r) for r in conn.batch([["TYPE", k] for k in keys])]
            ends = [wire.parse(r) for r in conn.batch([["PEXPIRETIME", k] for k in keys])]
            alive = [(k, t, e) for k, t, e in zip(keys, kinds, ends) if t != b"none"]
            values = conn.batch([READS[t](k) for k, t, _ in alive])
            for (key, kind, end), raw in zip(alive, values):
                value = repr(canonical(kind, wire.parse(raw))).encode()
                found[db, key] = (kind, end, hashlib.sha1(value).hexdigest())
    return found


def is_up(replica):
    with replica.conn() as conn:
        return info(conn).get("master_link_status") == "up"


def wait_up(replica, within=20, primary=None):
    try:
        servers.wait_for(lambda: is_up(replica), "%s follows its primary" % replica.name, within)
    except AssertionError as e:
        said = [s.output()[-3000:] for s in (primary, replica) if s]
        raise AssertionError("\n".join([str(e)] + said)) from None


def offset_of(server):
    with server.conn() as conn:
        facts = info(conn)
    return int(facts["slave_repl_offset" if facts["role"] == "slave" else "master_repl_offset"])


def wait_equal(primary, *replicas, within=20):
    """Waits until the replicas are up and as far as their primary."""
    for replica in replicas:
        wait_up(replica, within, primary)
        servers.wait_for(lambda r=replica: is_up(r) and offset_of(r) == offset_of(primary),
                         "%s is as far as its primary" % replica.name, within)


def assert_same(*several):
    first = contents(several[0])
    for other in several[1:]:
        theirs = contents(other)
        differing = sorted(k for k in set(first) | set(theirs) if first.get(k) != theirs.get(k))
        assert differing == [], "%d keys of %s differ from those of %s, the first: %r is %r and %r" % (
            len(differing), other.name, several[0].name, differing[0], first.get(differing[0]),
            theirs.get(differing[0]))


class Proxy:
    """Hands on what comes to its port, and can be cut at any time, also amid a message."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_open = True
        self.passed = 0
        self.cut_after = None
        self.pairs = []
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.is_open:
                near.close()
                continue
            try:
                far = socket.create_connection(self.target)
            except OSError:
                near.close()
                continue
            with self.lock:
                self.pairs.append((near, far))
            threading.Thread(target=self.pump, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(far, near, True), daemon=True).start()

    def pump(self, source, sink, counts):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                cut_after = self.cut_after
                if counts and cut_after is not None and self.passed + len(data) >= cut_after:
                    sink.sendall(data[:max(cut_after - self.passed, 0)])
                    self.cut_after = None
                    break
                if counts:
                    self.passed += len(data)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self, stays_cut=False):
        """Ends what stands; new connections go through unless it stays cut."""
        self.is_open = not stays_cut
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for near, far in pairs:
            for end in (near, far):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()

    def mend(self):
        self.is_open = True

    def close(self):
        self.cut(stays_cut=True)
        self.listener.close()
