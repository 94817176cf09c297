"""What the background thread frees while commands go on, under ThreadSanitizer.

Run by `tests/run threads` with an engine built for it; with another engine it only shows that nothing breaks.
LARDER_CHURN_SECONDS says how long (default 8).
"""

import os
import pathlib
import random
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))

import servers  # noqa: E402

SECONDS = float(os.environ.get("LARDER_CHURN_SECONDS", "8"))
BIG = "x" * 200_000
LAZY = {"lazyfree_lazy_eviction": "yes", "lazyfree_lazy_expire": "yes", "lazyfree_lazy_server_del": "yes",
        "lazyfree_lazy_user_del": "yes"}


@pytest.fixture
def engine(tmp_path):
    env = {**os.environ, "TSAN_OPTIONS": "halt_on_error=0:exitcode=66:log_path=%s" % (tmp_path / "tsan")}
    argv = [servers.engine_path(), "--bind", "127.0.0.1", "--maxmemory", "48mb", "--maxmemory-policy", "allkeys-lru",
            "--databases", "4"]
    server = servers.Server(lambda s: argv + ["--port", s.port, "--dir", s.dir] + servers.directives(LAZY), "larder-engine", env=env)
    yield server
    status = server.terminate() if server.is_alive() else server.proc.returncode
    server.stop()
    reports = "".join(p.read_text(errors="replace") for p in tmp_path.glob("tsan*"))
    assert status == 0 and not reports, "the engine ended with %s\n%s\n%s" % (status, server.last_words[-2000:], reports[:8000])


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
