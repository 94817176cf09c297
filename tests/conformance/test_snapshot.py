"""Whole files: saved by one server and loaded by another, both ways, and by DEBUG RELOAD of the same one."""

import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import time

import payloads
import pytest
import servers
from test_dump import FILL, VALKEY
from wire import Closed

CHECK_RDB = shutil.which("redis-check-rdb")
READ = {b"string": ["GET"], b"list": ["LRANGE", 0, -1], b"set": ["SMEMBERS"], b"hash": ["HGETALL"],
        b"zset": ["ZRANGE", 0, -1, "WITHSCORES"]}


def fill(conn, seed):
    """Something of every kind, in several databases, with and without an end."""
    rng = random.Random(seed)
    served = conn.call("COMMAND", "LIST")
    now = int(time.time() * 1000)
    for n, (what, commands) in enumerate(FILL.items()):
        for verb, _, *args in commands:
            if verb.lower().encode() not in served:
                continue
            conn.call("SELECT", n % 3)
            conn.call(verb, "%s:%d" % (what, n), *args)
            if n % 4 == 0:
                conn.call("PEXPIREAT", "%s:%d" % (what, n), now + 1000000 + n)
    conn.call("SELECT", 0)
    for n in range(3000):
        conn.call("SET", "key:%d" % n, rng.randbytes(rng.randrange(100)))


def content(conn):
    """Everything, as something to compare."""
    all_of = {}
    for db in range(4):
        conn.call("SELECT", db)
        for key in conn.call("KEYS", "*"):
            kind = conn.call("TYPE", key)
            verb, *rest = READ[kind]
            value = conn.call(verb, key, *rest)
            if kind == b"hash":
                value = sorted(zip(value[::2], value[1::2]))
            elif kind == b"zset":
                value = [(m, float(s)) for m, s in zip(value[::2], value[1::2])]
            elif kind == b"set":
                value = sorted(value)
            all_of[db, key] = (kind, value, conn.call("PEXPIRETIME", key))
    conn.call("SELECT", 0)
    return all_of


def rdb_of(server):
    with server.conn() as conn:
        assert conn.call("SAVE") == b"OK"
        return pathlib.Path(conn.call("CONFIG", "GET", "dir")[1].decode(), "dump.rdb")


def put(server, data):
    pathlib.Path(server.dir, "dump.rdb").write_bytes(data)


def as_version_10(data):
    """The same file as Redis 7.0 takes it; it must hold nothing that is newer."""
    body = b"REDIS0010" + data[9:-8]
    return body + struct.pack("<Q", payloads.crc64(body))


@pytest.fixture
def pair(own_engine):
    with servers.redis() as ref:
        ours = own_engine(dir=".")
        with ref.conn() as a, ours.conn() as b:
            b.call("CONFIG", "SET", "hash-max-listpack-entries", "128")
            yield ref, ours, a, b


def test_a_file_of_redis_is_loaded(pair, seed):
    ref, ours, a, b = pair
    fill(a, seed)
    put(ours, rdb_of(ref).read_bytes())
    assert b.raw("DEBUG", "RELOAD", "NOSAVE") == b"+OK\r\n"
    assert content(b) == content(a)


def test_redis_loads_our_file(pair, seed):
    ref, ours, a, b = pair
    b.call("CONFIG", "SET", "set-max-listpack-entries", "0")  # which 7.0 does not have
    fill(b, seed)
    data = as_version_10(rdb_of(ours).read_bytes())
    put(ref, data)
    if CHECK_RDB:
        done = subprocess.run([CHECK_RDB, os.path.join(ref.dir, "dump.rdb")], stdout=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stdout.decode()
    assert a.raw("DEBUG", "RELOAD", "NOSAVE") == b"+OK\r\n"
    assert content(a) == content(b)


@pytest.mark.skipif(not VALKEY, reason="no valkey-server")
def test_files_cross_between_valkey_and_us(own_engine, seed):
    ours = own_engine(dir=".")
    with ours.conn() as b:
        fill(b, seed)
        want = content(b)
        theirs = servers.Server(lambda s: [VALKEY, "--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "",
                                           "--enable-debug-command", "yes"], "valkey-server")
        with theirs, theirs.conn() as a:
            put(theirs, rdb_of(ours).read_bytes())
            assert a.raw("DEBUG", "RELOAD", "NOSAVE") == b"+OK\r\n"
            assert content(a) == want
            put(ours, rdb_of(theirs).read_bytes())
            assert b.raw("DEBUG", "RELOAD", "NOSAVE") == b"+OK\r\n"
            assert content(b) == want


def test_reload_keeps_everything_and_says_what_it_does_not_know(pair, seed):
    _, ours, a, b = pair
    fill(b, seed)
    want = content(b)
    assert b.raw("DEBUG", "RELOAD") == b"+OK\r\n"
    assert content(b) == want
    assert b"rdb_changes_since_last_save:0\r\n" in b.call("INFO", "persistence")
    for words in (["RELOAD", "SOMETHING"], ["RELOAD", "NOSAVE", "x"]):
        assert b.raw("DEBUG", *words) == a.raw("DEBUG", *words)
    b.call("SET", "new", "1")
    assert b.raw("DEBUG", "RELOAD", "NOFLUSH", "NOSAVE").startswith(b"-ERR Error trying to load the RDB dump")
    assert b.raw("DEBUG", "RELOAD", "NOFLUSH", "NOSAVE", "MERGE") == b"+OK\r\n"
    assert b.call("GET", "new") == b"1"
    assert b.raw("DEBUG", "RELOAD", "NOSAVE") == b"+OK\r\n"
    assert content(b) == want
    assert "snapshot not loaded" in ours.output() and "is there already" in ours.output()


def test_a_damaged_file_changes_nothing_and_is_told_of(own_engine, seed):
    ours = own_engine(dir=".")
    with ours.conn() as b:
        fill(b, seed)
        data = bytearray(rdb_of(ours).read_bytes())
        b.call("FLUSHALL")
        b.call("SET", "old", "1")
        rng = random.Random(seed)
        for _ in range(100):
            bad = bytearray(data)
            at = rng.randrange(len(bad))
            bad[at] ^= 1 << rng.randrange(8)
            put(ours, bytes(bad) if rng.random() < 0.7 else bytes(data[:at]))
            answer = b.raw("DEBUG", "RELOAD", "NOSAVE")
            assert answer == b"-ERR Error trying to load the RDB dump, check server logs.\r\n"
            assert b.call("DBSIZE") == 1
        put(ours, bytes(data))
        assert b.raw("DEBUG", "RELOAD", "NOSAVE") == b"+OK\r\n"
        assert ours.output().count("snapshot not loaded") == 100


def test_reload_ends_what_watches(own_engine):
    ours = own_engine(dir=".")
    with ours.conn() as one, ours.conn() as other:
        one.call("SET", "k", "1")
        one.call("WATCH", "k")
        other.call("DEBUG", "RELOAD")
        one.call("MULTI")
        one.call("SET", "k", "2")
        assert one.raw("EXEC") == b"*-1\r\n"


def test_saving_where_nothing_can_be_written_is_an_error(own_engine):
    ours = own_engine(dir=".", enable_protected_configs="yes")
    with ours.conn() as conn:
        conn.call("SET", "k", "1")
        before = conn.call("LASTSAVE")
        assert conn.raw("CONFIG", "SET", "dir", "/nonexistent-folder").endswith(b"- No such file or directory\r\n")
        os.mkdir(os.path.join(ours.dir, "taken"))
        conn.call("CONFIG", "SET", "dbfilename", "taken")
        assert conn.raw("SAVE") == b"-ERR\r\n"
        assert conn.raw("DEBUG", "RELOAD") == b"-ERR\r\n"
        assert conn.call("GET", "k") == b"1"
        assert conn.call("LASTSAVE") == before
    assert "snapshot not saved" in ours.output()


def begin_slowly(folder, **options):
    """An engine that takes a second or two to load what is there, and has a turn for clients all the while."""
    return servers.engine("", dir=str(folder), key_load_delay="100", loading_process_events_interval_bytes="1024", **options)


@pytest.mark.parametrize("appendonly", ["no", "yes"])
def test_clients_are_served_but_for_the_data_while_it_is_loaded(tmp_path, appendonly):
    with servers.engine(dir=str(tmp_path), appendonly=appendonly) as ours, ours.conn() as conn:
        conn.call("DEBUG", "POPULATE", "10000", "key", "100")
        conn.raw("SAVE" if appendonly == "no" else "BGREWRITEAOF")
        servers.wait_for(lambda: b"aof_rewrite_in_progress:0" in conn.call("INFO", "persistence"), "it is written")
    with begin_slowly(tmp_path, appendonly=appendonly) as ours, ours.conn() as conn:
        assert conn.raw("PING") == b"-LOADING Redis is loading the dataset in memory\r\n"
        assert conn.raw("GET", "key:1").startswith(b"-LOADING ")
        text = conn.call("INFO", "persistence")
        assert b"\r\nloading:1\r\n" in text and b"\r\nloading_total_bytes:" in text
        ours.conn().close()
        servers.wait_for(lambda: b"connected_clients:1\r\n" in conn.call("INFO", "clients"), "who has gone is forgotten")
        conn.call("CONFIG", "SET", "key-load-delay", "0")
        servers.wait_for(lambda: conn.raw("PING") == b"+PONG\r\n", "it has loaded")
        assert conn.call("DBSIZE") == 10000
        assert b"\r\nloading:0\r\n" in conn.call("INFO", "persistence")


@pytest.mark.parametrize("how", ["signal", "command"])
def test_an_engine_that_loads_can_be_ended(tmp_path, how):
    with servers.engine(dir=str(tmp_path)) as ours, ours.conn() as conn:
        conn.call("DEBUG", "POPULATE", "10000", "key", "100")
        conn.call("SAVE")
    before = (tmp_path / "dump.rdb").read_bytes()
    with begin_slowly(tmp_path, save="1 1") as ours, ours.conn() as conn:
        assert conn.raw("PING").startswith(b"-LOADING ")
        if how == "signal":
            assert ours.terminate() == 0
        else:
            with pytest.raises(Closed):
                conn.call("SHUTDOWN", "SAVE")
            assert ours.proc.wait(10) == 0
    assert (tmp_path / "dump.rdb").read_bytes() == before


def huge_bytes(server):
    with open("/proc/%d/smaps_rollup" % server.pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("AnonHugePages:")) * 1024


def test_memory_that_a_child_tore_is_put_together_again(own_engine):
    """A page that is written to while a child shares it falls into 512, each of which the next fork has to copy."""
    server = own_engine()
    with server.conn() as conn:
        conn.call("DEBUG", "POPULATE", 120_000, "key", 1000)
        whole = huge_bytes(server)
        if whole < 60 << 20 or tuple(map(int, os.uname().release.split(".")[:2])) < (6, 1):
            pytest.skip("this system has no huge pages, or cannot be told to make some")
        conn.call("CONFIG", "SET", "rdb-key-save-delay", 10_000_000)
        conn.call("BGSAVE")
        conn.batch([["SET", "key:%d" % n, b"x" * 1000] for n in range(0, 120_000, 300)])
        assert huge_bytes(server) < whole / 2
        with open("/proc/%d/task/%d/children" % (server.pid, server.pid)) as f:
            os.kill(int(f.read()), signal.SIGUSR1)
        servers.wait_for(lambda: huge_bytes(server) > whole * 0.9, "memory being whole again", within=30)
        assert all(conn.call("GET", "key:%d" % n) == b"x" * 1000 for n in range(0, 120_000, 3000))
        assert conn.call("GET", "key:1").startswith(b"value:1")
