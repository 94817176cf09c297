"""How good the eviction policies choose: misses of a cache that is filled on demand.

Each server gets the same requests in the same order: GET, and SET of what was missed. A trace stands for an hour;
the servers' wall clocks are the trace's (wallclock.c), for recency counts in seconds and frequency decays in minutes.

    zipf    the n-th most popular of 150,000 keys is asked for in proportion to n^-0.9
    scan    the same, and every so often a run over keys that are asked for just once
    drift   the same as zipf, but what is popular moves on all the time

For volatile-ttl, whose order says nothing about use, it is how many keys of the nearer half of the deadlines still
stand when half of them was evicted.

Memory is "bytes": the same maxmemory for all; and "keys": for each server what CACHED keys take in it, so that only the
choice of victims differs.
"""

import itertools
import mmap
import os
import random
import struct
import time

from enginebench import load
from enginebench.procs import PING, Server, build_shared

POPULATION, CACHED, SKEW = 150_000, 25_000, 0.9
REQUESTS, CHUNK = 600_000, 250
TRACE_MS = 3600_000
SCAN_EVERY, SCAN_KEYS = 12_000, 3_000
DRIFT = 8  # requests until popularity has moved on by one key
LASTING = 200  # under volatile policies one key in so many has no deadline; the others draw one each time:
TTLS = [60, 300, 900, 1800, 7200, 14400]
SIZES = [40, 64, 100, 180, 400]
POLICIES = ["allkeys-lru", "volatile-lru", "allkeys-lfu", "volatile-lfu", "allkeys-random", "volatile-random"]
TRACES = ["zipf", "scan", "drift"]
MEMORY = ["keys", "bytes"]
ROWS = {"miss_%s_%s_%s" % (p.replace("-", "_"), t, m): (p, t, m) for m in MEMORY for t in TRACES for p in POLICIES}
ORDER = "wrong_volatile_ttl"
NAMES = list(ROWS) + [ORDER]
AIM = 1.01  # misses by those of the best other server: one that chooses alike wavers by so much


class Clock:
    """The wall clock that the servers see."""

    def __init__(self, tmp):
        self.path = os.path.join(tmp, "wallclock")
        self.begin_ms = int(time.time() * 1000)
        with open(self.path, "wb") as f:
            f.write(struct.pack("<q", self.begin_ms))
        with open(self.path, "r+b") as f:
            self.shown = mmap.mmap(f.fileno(), 8)
        self.set(0)

    def set(self, passed_ms):
        self.shown[:] = struct.pack("<q", self.begin_ms + int(passed_ms))


def zipf(rng, count):
    weights = list(itertools.accumulate((n + 1) ** -SKEW for n in range(POPULATION)))
    return rng.choices(range(POPULATION), cum_weights=weights, k=count)


def trace(name, count):
    """Numbers of keys; popularity says nothing about a number's place in the keyspace."""
    keys = zipf(random.Random(1), count)
    if name == "drift":
        return [(key + at // DRIFT) % POPULATION for at, key in enumerate(keys)]
    if name == "scan":
        once = itertools.count(POPULATION)
        for at in range(0, count, SCAN_EVERY):
            keys[at:at + SCAN_KEYS] = itertools.islice(once, SCAN_KEYS)
    return keys


def get(key):
    return b"*2\r\n$3\r\nGET\r\n$11\r\nk:%09d\r\n" % key


def put(key, ttl):
    size = SIZES[key * 7919 % 101 % len(SIZES)]
    head = b"$3\r\nSET\r\n$11\r\nk:%09d\r\n$%d\r\n%s\r\n" % (key, size, b"x" * size)
    if not ttl or key % LASTING == LASTING - 1:
        return b"*3\r\n" + head
    return b"*5\r\n" + head + b"$2\r\nEX\r\n$%d\r\n%d\r\n" % (len(str(ttl)), ttl)


class Cache:
    """A server that is used as a cache: asked for a key, it is given what it does not have."""

    def __init__(self, fleet, kind, clock, policy, samples):
        flags = {"redis": ["--save", "", "--hz", "500"], "valkey": ["--save", "", "--hz", "500"], "engine": []}[kind]
        path = getattr(fleet, kind)
        self.chance = random.Random(2)
        self.ttls = TTLS if policy.startswith("volatile") else [0]
        self.server = Server(kind, [path, "--port", "{port}", "--bind", "127.0.0.1", "--maxmemory-policy", policy,
                                    "--maxmemory-eviction-tenacity", "100", "--maxmemory-samples", samples] + flags, PING,
                             env={**os.environ, "LD_PRELOAD": build_shared("wallclock"),
                                  "BENCH_CLOCK": clock.path})
        self.sock = self.server.connect()
        self.misses = 0

    def heads(self, request, count):
        """Sends requests and returns the first lines of their replies."""
        self.sock.sendall(request)
        data = b""
        while True:
            data += self.sock.recv(1 << 20)
            heads = [line for line in data.split(b"\r\n") if line[:1] in (b"$", b"+", b"-")]
            if len(heads) == count and data.endswith(b"\r\n") and (heads[-1][:1] != b"$" or heads[-1] == b"$-1"
                                                                   or not data.endswith(heads[-1] + b"\r\n")):
                return heads

    def ask(self, keys):
        heads = self.heads(b"".join(map(get, keys)), len(keys))
        missed = [key for key, head in zip(keys, heads) if head == b"$-1"]
        self.misses += len(missed)
        if missed and b"+OK" not in self.heads(b"".join(put(key, self.chance.choice(self.ttls)) for key in missed),
                                               len(missed)):
            raise SystemExit("%s refuses a write" % self.server.kind)

    def limit(self, memory):
        """Sets maxmemory: to a fixed number of bytes, or to what is in use now."""
        limit = CACHED * 200 if memory == "bytes" else self.fact("memory", "used_memory")
        load.call(self.server, "CONFIG", "SET", "maxmemory", str(limit))

    def fact(self, section, name):
        """A number of INFO."""
        return int(load.call(self.server, "INFO", section).split(name.encode() + b":")[1].split(b"\r\n")[0])

    def close(self):
        self.sock.close()
        self.server.stop()

    def keys(self):
        return int(load.call(self.server, "DBSIZE")[1:])


def spared(cache):
    """Evicts half of the keys; returns the share of the earlier half of the deadlines that stays."""
    deadlines = random.Random(3).sample(range(CACHED), CACHED)
    for at in range(0, CACHED, CHUNK):
        cache.heads(b"".join(put(key, 10000 + deadlines[key]) for key in range(at, at + CHUNK)), CHUNK)
    cache.limit("keys")
    late = itertools.count(CACHED)
    while cache.fact("stats", "evicted_keys") < CACHED // 2:
        cache.heads(b"".join(put(key, 90000) for key in itertools.islice(late, CHUNK)), CHUNK)
    early = [get(key) for key in range(CACHED) if deadlines[key] < CACHED // 2 and key % LASTING != LASTING - 1]
    heads = [cache.heads(request, 1)[0] for request in early]
    return sum(head != b"$-1" for head in heads) / len(early)


def run_order(fleet):
    found = {}
    for kind in fleet.kinds():
        cache = Cache(fleet, kind, Clock(fleet.tmp), "volatile-ttl", 5)
        try:
            found[kind] = spared(cache), cache.keys()
        finally:
            cache.close()
    return found


def run(fleet, policy, name, memory, requests, samples):
    """{kind: (share of misses after a warm-up of a third, keys held at the end)}"""
    clock = Clock(fleet.tmp)
    caches = [Cache(fleet, kind, clock, policy, samples) for kind in fleet.kinds()]
    keys = trace(name, requests)
    try:
        for cache in caches:
            first = list(dict.fromkeys(keys))[:CACHED]
            for at in range(0, CACHED, CHUNK):
                cache.ask(first[at:at + CHUNK])
            cache.limit(memory)
        for at in range(0, requests, CHUNK):
            clock.set(at * TRACE_MS / requests)
            for cache in caches:
                if at == requests // 3 // CHUNK * CHUNK:
                    cache.misses = 0
                cache.ask(keys[at:at + CHUNK])
        counted = requests - requests // 3 // CHUNK * CHUNK
        return {cache.server.kind: (cache.misses / counted, cache.keys()) for cache in caches}
    finally:
        for cache in caches:
            cache.close()


def measure(fleet, names, opts, out, summary):
    for name in names:
        results = run_order(fleet) if name == ORDER else run(fleet, *ROWS[name], REQUESTS // (4 if opts.quick else 1), 5)
        best = min((k for k in results if k != "engine"), key=lambda k: results[k][0])
        out[name] = {**summary({k: [100 * share] for k, (share, _) in results.items()}, best, AIM, "%"),
                     "keys": {k: keys for k, (_, keys) in results.items()}}
        yield name
