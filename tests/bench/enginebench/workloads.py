"""What is measured: one row per figure."""

from enginebench import durability, hitrate, snapshots, syncs
from enginebench.load import VALUE, mc_sets, resp, sets
from enginebench.table import BETTER

LONG = VALUE.decode()
KEY = "key:__rand_int__"
MSET10 = ["mset"] + [w for _ in range(10) for w in (KEY, LONG)]
MGET10 = ["mget"] + [KEY] * 10


class Cpu:
    """Server CPU per operation of one command: its words for redis-benchmark, the pipeline, the aim; `listeners`
    subscribe to the channel "news" meanwhile."""

    def __init__(self, words, pipeline, aim, count=400000, reply=0, setup=(), against="redis", listeners=0):
        self.words, self.pipeline, self.aim, self.count = words, pipeline, aim, count
        self.reply, self.setup, self.against, self.listeners = reply, setup, against, listeners


class McCpu:
    """The same over memcached's text protocol, against memcached."""

    def __init__(self, command, pipeline, aim, count=300000):
        self.command, self.pipeline, self.aim, self.count = command, pipeline, aim, count


# A script of two calls.
SCRIPT2 = "redis.call('set', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])"
LIST100 = (("del", "mylist"), ("rpush", "mylist") + tuple("element:%04d" % i for i in range(100)))

def places(count):
    """Members spread over two degrees each way, the same in every run."""
    step = 2 / count
    return ("geoadd", "places") + tuple(
        w for i in range(count) for w in ("%.6f" % (14 + i * step), "%.6f" % (37 + i * 7919 % count * step), "place:%06d" % i))


PLACES = (("del", "places"), places(10000))

CPU = {
    "get_p1": Cpu(["get", KEY], 1, 0.88, 150000, reply=64),
    "set_p1": Cpu(["set", KEY, LONG], 1, 0.88, 150000),
    "get_p16": Cpu(["get", KEY], 16, 0.60, 800000, reply=64),
    "set_p16": Cpu(["set", KEY, LONG], 16, 0.60, 800000),
    "incr_p16": Cpu(["incr", "counter:__rand_int__"], 16, 1.0, against=BETTER),
    "lpush_p16": Cpu(["lpush", "mylist", LONG], 16, 1.0, setup=(("del", "mylist"),), against=BETTER),
    "sadd_p16": Cpu(["sadd", "myset", "element:__rand_int__"], 16, 1.0, setup=(("del", "myset"),), against=BETTER),
    "hset_p16": Cpu(["hset", "myhash", "element:__rand_int__", LONG], 16, 1.0, setup=(("del", "myhash"),), against=BETTER),
    "zadd_p16": Cpu(["zadd", "myzset", "__rand_int__", "element:__rand_int__"], 16, 1.0, setup=(("del", "myzset"),),
                    against=BETTER),
    "pfadd_p16": Cpu(["pfadd", "myhll", "element:__rand_int__"], 16, 1.0, setup=(("del", "myhll"),), against=BETTER),
    "pfadd_small_p16": Cpu(["pfadd", "hll:__rand_int__", "element:__rand_int__"], 16, 1.0, against=BETTER),
    "geosearch_p16": Cpu(["geosearch", "places", "fromlonlat", "15", "38", "byradius", "10", "km", "asc"], 16, 1.0, 40000,
                         setup=PLACES, against=BETTER),
    "geosearch_with_p16": Cpu(["geosearch", "places", "fromlonlat", "15", "38", "bybox", "10", "10", "km", "withdist",
                               "withcoord"], 16, 1.0, 40000, setup=PLACES, against=BETTER),
    "xadd_p16": Cpu(["xadd", "mystream", "*", "field", "__rand_int__"], 16, 1.0, setup=(("del", "mystream"),),
                    against=BETTER),
    "bitcount_1m": Cpu(["bitcount", "bits"], 1, 1.0, 8000, setup=(("set", "bits", "\x55\x12" * 500000),), against=BETTER),
    "publish_100": Cpu(["publish", "news", LONG], 1, 1.0, 16000, against=BETTER, listeners=100),
    "lrange_100_p16": Cpu(["lrange", "mylist", "0", "99"], 16, 1.0, 60000, setup=LIST100, against=BETTER),
    "eval_2_p16": Cpu(["eval", SCRIPT2, "1", KEY, LONG], 16, 1.0, 100000, reply=64, against=BETTER),
    "mset_10_p16": Cpu(MSET10, 16, 1.0, 60000, against=BETTER),
    "mget_10_p16": Cpu(MGET10, 16, 1.0, 60000, against=BETTER),
}

# The same over TLS, all servers with the same certificate.
TLS = {
    "tls_get_p1": Cpu(["get", KEY], 1, 1.0, 60000),
    "tls_get_p16": Cpu(["get", KEY], 16, 1.0, 400000),
    "tls_set_p16": Cpu(["set", KEY, LONG], 16, 1.0, 400000),
}

MEMCACHED = {
    "mc_get_p1": McCpu("get", 1, 1.0, 60000),
    "mc_get_p16": McCpu("get", 16, 0.25),
    "mc_set_p16": McCpu("set", 16, 0.75),
    "mc_mget_16": McCpu("mget", 1, 0.80, 30000),
    "mc_binary_get_p16": McCpu("binary get", 16, 0.75),
    "mc_binary_set_p16": McCpu("binary set", 16, 0.75),
}


def hashes(count):
    """177 bytes of payload each: a key of 17, ten names of 6, ten values of 10."""
    for at in range(0, count, 500):
        n = min(500, count - at)
        yield b"".join(resp("HSET", "hash:%012d" % i, *[w for f in range(10) for w in ("field%d" % f, "x" * 10)])
                       for i in range(at, at + n)), n


def members(command, key, count, score=()):
    for at in range(0, count, 5000):
        n = min(5000, count - at)
        yield b"".join(resp(command, key, *(s % i if "%" in s else s for s in score), "member:%013d" % i)
                       for i in range(at, at + n)), n


class Bytes:
    """Resident bytes per item: a fill, the reply of each of its commands, items per key count."""

    def __init__(self, fill, reply, share, aim, command="SET"):
        self.fill, self.reply, self.share, self.aim, self.command = fill, reply, share, aim, command


BYTES = {
    "bytes_16_64": Bytes(lambda n: sets(0, n, 64), b"+OK\r\n", 1.0, 110),
    "bytes_16_10": Bytes(lambda n: sets(0, n, 10), b"+OK\r\n", 1.0, 56),
    "bytes_16_64_ttl": Bytes(lambda n: sets(0, n, 64, ttl=86400), b"+OK\r\n", 1.0, 118),
    "bytes_hash_10x10": Bytes(hashes, b":10\r\n", 0.1, 225, "HSET"),
    "bytes_set_member": Bytes(lambda n: members("SADD", "s", n), b":1\r\n", 0.2, 38, "SADD"),
    "bytes_zset_member": Bytes(lambda n: members("ZADD", "z", n, score=("%d",)), b":1\r\n", 0.2, 70, "ZADD"),
}

MC_BYTES = {"mc_bytes_16_64": Bytes(lambda n: mc_sets(n, 64), b"STORED\r\n", 1.0, 110)}

LATENCY = ["p999_resize", "p999_expire", "p999_evict"]

START = {"idle_rss": 4.0, "cpu_to_pong": 15.0}
ALL = list(CPU) + list(TLS) + list(MEMCACHED) + list(BYTES) + list(MC_BYTES) + LATENCY + list(START) + hitrate.NAMES
ALL += list(snapshots.NAMES) + list(durability.NAMES) + list(syncs.NAMES)
FIRST = ["get_p1", "set_p1", "get_p16", "set_p16", "bytes_16_64", "bytes_16_10", "bytes_16_64_ttl", "idle_rss", "cpu_to_pong"]
