"""What threads do while commands go on, under ThreadSanitizer: the one that frees, the one that syncs the append-only
file, the ones that shake hands, the one that resolves names.

Run by `tests/run threads` with an engine built for it; with another engine it only shows that nothing breaks.
LARDER_CHURN_SECONDS says how long (default 8).
"""

import os
import pathlib
import random
import ssl
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))

import certificates  # noqa: E402
import replication  # noqa: E402
import servers  # noqa: E402

SECONDS = float(os.environ.get("LARDER_CHURN_SECONDS", "8"))
BIG = "x" * 200_000
LAZY = {"lazyfree_lazy_eviction": "yes", "lazyfree_lazy_expire": "yes", "lazyfree_lazy_server_del": "yes",
        "lazyfree_lazy_user_del": "yes"}


@pytest.fixture
def start(tmp_path):
    """Starts engines that are watched; what was seen fails the test when it has ended."""
    started = []

    def begin(**options):
        env = {**os.environ, "TSAN_OPTIONS": "halt_on_error=0:exitcode=66:log_path=%s" % (tmp_path / "tsan")}
        argv = [servers.engine_path(), "--bind", "127.0.0.1"]
        started.append(servers.Server(lambda s: argv + ["--port", s.port, "--dir", s.dir] + servers.directives(options),
                                      "larder-engine", env=env))
        return started[-1]
    yield begin
    ends = []
    for server in started:
        ends.append(server.terminate(within=60) if server.is_alive() else server.proc.returncode)
        server.stop()
    reports = "".join(p.read_text(errors="replace") for p in tmp_path.glob("tsan*"))
    said = "\n".join(s.last_words[-2000:] for s in started)
    assert not any(ends) and not reports, "the engines ended with %s\n%s\n%s" % (ends, said, reports[:8000])


@pytest.fixture
def engine(start):
    return start(maxmemory="48mb", maxmemory_policy="allkeys-lru", databases="4", **LAZY)


def members(rng, count):
    return [w for i in range(count) for w in ("member:%d" % rng.randrange(10**6), i)]


def collections(rng, key):
    """Commands that make a big value under a key."""
    pairs = members(rng, 3000)
    return rng.choice([
        [["HSET", key] + pairs],
        [["SADD", key] + pairs],
        [["ZADD", key] + [w for name, score in zip(pairs[::2], pairs[1::2]) for w in (score, name)]],
        [["RPUSH", key] + pairs],
        [["SET", key, BIG]],
        [["SET", key, BIG], ["APPEND", key, "y"]],
    ])


def ends(rng, key):
    """Commands that make big values superfluous."""
    other = "big:%d" % rng.randrange(40)
    return rng.choice([
        [["UNLINK", key]], [["DEL", key, other]], [["SET", key, "small"]], [["RENAME", key, other]],
        [["COPY", key, other, "REPLACE"]], [["PEXPIRE", key, rng.choice([1, 20])]], [["GETDEL", key]],
        [["FLUSHALL", "ASYNC"]], [["FLUSHDB", "ASYNC"]], [["SWAPDB", 0, 1], ["FLUSHDB"]], [["MOVE", key, 2]],
        [["SELECT", rng.randrange(4)]], [["SINTERSTORE", key, other, other]], [["GET", key]] * 10,
        [["INFO", "memory"], ["DBSIZE"]], [["MULTI"], ["SET", key, BIG], ["UNLINK", key], ["EXEC"]],
    ])


def churn(server, seed, until, problems):
    rng = random.Random(seed)
    try:
        with server.conn(timeout=120) as conn:
            while time.monotonic() < until:
                commands = []
                for _ in range(8):
                    make = rng.random() < 0.6
                    commands += (collections if make else ends)(rng, "big:%d" % rng.randrange(40))
                conn.batch(commands)
    except Exception as problem:  # pylint: disable=broad-except
        problems.append(problem)


def test_nothing_races_with_the_background(engine):
    until, problems = time.monotonic() + SECONDS, []
    workers = [threading.Thread(target=churn, args=(engine, seed, until, problems)) for seed in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not problems
    with engine.conn(timeout=60) as conn:
        conn.call("FLUSHALL", "ASYNC")

        def is_idle():
            return b"lazyfree_pending_objects:0\r" in conn.call("INFO", "memory")
        servers.wait_for(is_idle, "the background is done", within=60)
        assert int(conn.call("INFO", "memory").split(b"lazyfreed_objects:")[1].split(b"\r")[0]) > 0


def shake(server, certs, until, problems):
    """Hands that are shaken, refused and let go amid."""
    context = ssl.create_default_context(cafile=certs.cert(certificates.CA))
    stranger, number = ssl.create_default_context(), 0
    try:
        while time.monotonic() < until:
            number += 1
            conn = server.conn(timeout=60)
            if number % 5 == 0:
                conn.send(b"\x16\x03\x01\x02\x00\x01")
            else:
                try:
                    conn.sock = (stranger if number % 7 == 0 else context).wrap_socket(conn.sock, server_hostname="localhost")
                    assert conn.call("PING") == b"PONG"
                except ssl.SSLCertVerificationError:
                    assert number % 7 == 0
            conn.close()
    except Exception as problem:  # pylint: disable=broad-except
        problems.append(problem)


def write(server, seed, until, problems):
    """Small writes, as many as the disk takes, with a rewrite of the file now and then."""
    rng = random.Random(seed)
    try:
        with server.conn(timeout=120) as conn:
            while time.monotonic() < until:
                conn.batch([["SET", "key:%d" % rng.randrange(1000), BIG[:rng.randrange(2000)]] for _ in range(20)])
                if rng.randrange(50) == 0:
                    conn.call("BGREWRITEAOF")
                if rng.randrange(20) == 0:
                    conn.call("CONFIG", "SET", "appendfsync", rng.choice(["always", "everysec", "no"]))
    except Exception as problem:  # pylint: disable=broad-except
        problems.append(problem)


def follow(conn, name, port):
    """As in Redis, one that loads what it was sent takes no other primary before it is done."""
    until = time.monotonic() + 60
    while True:
        answer = conn.call("REPLICAOF", name, port)
        if not str(answer).startswith("LOADING") or time.monotonic() > until:
            return answer


def test_nothing_races_with_handshakes_the_disk_and_names(start, tmp_path):
    certs = certificates.Certificates(tmp_path)
    primary = start(appendonly="yes", larder_tls_mode="preferred", repl_diskless_sync_delay="0", **certs.directives())
    replica = start(appendonly="yes", repl_diskless_sync_delay="0")
    until, problems = time.monotonic() + SECONDS, []
    workers = [threading.Thread(target=shake, args=(primary, certs, until, problems)) for _ in range(2)]
    workers += [threading.Thread(target=write, args=(primary, seed, until, problems)) for seed in range(2)]
    for worker in workers:
        worker.start()
    with replica.conn(timeout=60) as conn:
        while time.monotonic() < until:
            # A name that is found, and one that cannot be (a label has 63 bytes at most, so that no other
            # machine is asked), each given up for the other.
            for name in ("localhost", "x" * 64):
                assert follow(conn, name, primary.port) == b"OK"
        assert follow(conn, "localhost", primary.port) == b"OK"
        for worker in workers:
            worker.join()
        assert not problems
        replication.wait_equal(primary, replica, within=60)
        replication.assert_same(primary, replica)
