"""Snapshots of an engine that speaks memcached: taken over the admin socket, loaded at the start, and nothing kept otherwise."""

import os
import shutil
import subprocess

import pytest
import servers
from wire import Conn, Incomplete

KEY = "00112233445566778899aabbccddeeff" * 2
FLAGS = (0, 1, 255, 65536, 4294967295)
SIZES = (0, 1, 60, 12270, 12280, 20000, 700000)
SEED = "seed.rdb"


class Memcached:
    """An engine with its owner's connection, in a folder; with a seed it begins with that."""

    def __init__(self, folder, seed=None, **options):
        path = os.path.join(str(folder), "admin")
        if seed:
            options["larder_seed_files"] = SEED
            shutil.copy(seed, os.path.join(str(folder), SEED))
        self.folder = folder
        self.server = servers.engine(dir=str(folder), larder_protocol="memcached", larder_admin_socket=path, repl_diskless_sync_delay="0",
                                     **options)
        self.admin = servers.wait_for(lambda: self.connect(path), "the admin socket is open")

    @staticmethod
    def connect(path):
        try:
            return Conn(path)
        except OSError:
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.admin.close()
        self.server.stop()

    def conn(self):
        return self.server.conn()

    def dump(self):
        """What the owner gets who asks for a snapshot alone, as a file."""
        with Conn(os.path.join(str(self.folder), "admin")) as conn:
            conn.call("REPLCONF", "capa", "eof")
            conn.call("REPLCONF", "rdb-only", "1")
            conn.send(b"*1\r\n$4\r\nSYNC\r\n")
            head = read_to(conn, b"\r\n").lstrip(b"\n")
            assert head.startswith(b"$EOF:"), head
            mark = head[5:-2]
            data = read_to(conn, mark)[:-len(mark)]
        path = os.path.join(str(self.folder), "given.rdb")
        with open(path, "wb") as f:
            f.write(data)
        return path


def incomplete():
    raise Incomplete


def read_to(conn, mark):
    return conn.read_until(lambda buf: buf.index(mark) + len(mark) if mark in buf else incomplete())


def line(conn, request):
    conn.send(request)
    return read_to(conn, b"\r\n")


def put(conn, key, flags, exptime, value):
    assert line(conn, b"set %s %d %d %d\r\n%s\r\n" % (key, flags, exptime, len(value), value)) == b"STORED\r\n"


def get(conn, key):
    """(flags, value), or None."""
    head = line(conn, b"get %s\r\n" % key).split()
    if head == [b"END"]:
        return None
    size = int(head[3])
    rest = conn.read_until(lambda buf: size + 7 if len(buf) >= size + 7 else incomplete())
    assert rest[size:] == b"\r\nEND\r\n"
    return int(head[2]), rest[:size]


def cas_of(conn, key):
    conn.send(b"gets %s\r\n" % key)
    return int(read_to(conn, b"END\r\n").split(b"\r\n")[0].split()[4])


def fill(conn):
    """Items of every size, with and without flags, with and without an end, a cas, a number; what they are to be."""
    wanted = {}
    for flags in FLAGS:
        for size in SIZES:
            key = b"k:%d:%d" % (flags, size)
            wanted[key] = (flags, os.urandom(size))
            put(conn, key, flags, 0 if size % 2 else 100000, wanted[key][1])
    for i in range(300):
        wanted[b"n:%d" % i] = (i % 3, b"%d" % (i * i))
        put(conn, b"n:%d" % i, i % 3, 0, b"%d" % (i * i))
    for key in (b"k:1:60", b"n:3", b"n:4", b"k:0:20000"):
        cas_of(conn, key)
    longest = b"\xff" * 250
    put(conn, longest, 9, 0, b"0012 ")
    return {**wanted, longest: (9, b"0012 ")}


def test_all_items_come_back_with_flags_and_ends(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    with Memcached(first) as ours, ours.conn() as conn:
        wanted = fill(conn)
        put(conn, b"soon", 0, 1, b"x")
        put(conn, b"later", 5, 100, b"y")
        path = ours.dump()
        assert get(conn, b"n:7") == (1, b"49"), "it goes on serving"
        assert not [n for n in os.listdir(first) if n.endswith(".rdb") and n != "given.rdb"]
        servers.wait_for(lambda: get(conn, b"soon") is None, "it ends")
    with Memcached(second, path) as ours, ours.conn() as conn:
        for key, value in wanted.items():
            assert get(conn, key) == value, key
        assert get(conn, b"soon") is None and get(conn, b"later") == (5, b"y")
        assert line(conn, b"touch later 0\r\n") == b"TOUCHED\r\n"
        assert line(conn, b"incr n:200 1\r\n") == b"40001\r\n"
        assert ours.admin.call("DBSIZE") == len(wanted) + 1


def test_ends_of_items_are_moments_and_not_begun_anew(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    with Memcached(first) as ours, ours.conn() as conn:
        put(conn, b"k", 4, 1000, b"x")
        end = ours.admin.call("PEXPIRETIME", "k")
        path = ours.dump()
    with Memcached(second, path) as ours:
        assert ours.admin.call("PEXPIRETIME", "k") == end > 0


def test_no_cas_that_was_given_out_fits_what_was_loaded(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    with Memcached(first) as ours, ours.conn() as conn:
        put(conn, b"k", 0, 0, b"x")
        old = cas_of(conn, b"k")
        path = ours.dump()
        put(conn, b"k", 0, 0, b"y")
        newer = cas_of(conn, b"k")
    with Memcached(second, path) as ours, ours.conn() as conn:
        fresh = cas_of(conn, b"k")
        assert fresh > newer > old
        for cas in (old, newer):
            assert line(conn, b"cas k 0 0 1 %d\r\nz\r\n" % cas) == b"EXISTS\r\n"
        assert line(conn, b"cas k 0 0 1 %d\r\nz\r\n" % fresh) == b"STORED\r\n"


def test_other_tools_read_the_values(tmp_path, start):
    with Memcached(tmp_path) as ours, ours.conn() as conn:
        put(conn, b"a", 7, 100000, b"with flags")
        put(conn, b"b", 0, 0, b"12")
        path = ours.dump()
    assert subprocess.run(["redis-check-rdb", path], capture_output=True).returncode == 0
    peer = start(servers.redis)
    with peer.conn() as conn:
        shutil.copy(path, os.path.join(peer.dir, "dump.rdb"))
        assert conn.call("DEBUG", "RELOAD", "NOSAVE") == b"OK"
        assert conn.call("GET", "a") == b"with flags" and conn.call("GET", "b") == b"12"
        assert 90000 < conn.call("TTL", "a") <= 100000 and conn.call("TTL", "b") == -1


def test_it_begins_empty_unless_it_is_told_what_to_begin_with(tmp_path):
    with Memcached(tmp_path) as ours, ours.conn() as conn:
        put(conn, b"k", 0, 0, b"x")
        assert ours.admin.call("SAVE") == b"OK"
        ours.server.terminate()
    assert (tmp_path / "dump.rdb").exists()
    with Memcached(tmp_path) as ours, ours.conn() as conn:
        assert get(conn, b"k") is None


def test_files_are_sealed_where_a_key_is_given(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir(), second.mkdir()
    with Memcached(first, larder_sealed="yes") as ours, ours.conn() as conn:
        assert ours.admin.raw("LARDER.KEY", KEY) == b"+OK\r\n"
        put(conn, b"k", 3, 0, b"a secret")
        assert ours.admin.call("BGSAVE") == b"Background saving started"
        servers.wait_for((first / "dump.rdb").exists, "it is written")
    data = (first / "dump.rdb").read_bytes()
    assert data.startswith(b"LARDSEAL") and b"secret" not in data
    with Memcached(second, first / "dump.rdb", larder_sealed="yes") as ours, ours.conn() as conn:
        assert line(conn, b"get k\r\n").startswith(b"SERVER_ERROR LOADING"), "a miss would be taken for true"
        assert line(conn, b"set k 0 0 1\r\nx\r\n").startswith(b"SERVER_ERROR LOADING")
        assert ours.admin.raw("LARDER.KEY", KEY) == b"+OK\r\n"
        assert get(conn, b"k") == (3, b"a secret")


def refusal(folder, seed, **options):
    """What an engine says that does not start with this."""
    shutil.copy(seed, os.path.join(str(folder), SEED))
    argv = [servers.engine_path(), "--port", str(servers.free_port()), "--dir", str(folder), "--larder-seed-files", SEED]
    for name, value in options.items():
        argv += ["--" + name.replace("_", "-"), value]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    return done.stdout + done.stderr


def test_damaged_files_are_refused(tmp_path):
    with Memcached(tmp_path) as ours, ours.conn() as conn:
        for i in range(100):
            put(conn, b"key:%d" % i, i, 0, os.urandom(50))
        data = open(ours.dump(), "rb").read()
    changed = bytearray(data)
    changed[len(data) // 2] ^= 1
    for bad in (bytes(changed), data[:-1], data[:len(data) // 2], data[:20], b""):
        path = tmp_path / "bad.rdb"
        path.write_bytes(bad)
        assert "Fatal error loading the DB" in refusal(tmp_path, path, larder_protocol="memcached")


@pytest.mark.parametrize("is_empty", [True, False])
def test_snapshots_of_the_other_kind_are_refused(tmp_path, own_engine, is_empty):
    resp = own_engine()
    with resp.conn() as conn:
        if not is_empty:
            conn.call("SET", "k", "v")
        conn.call("SAVE")
        shutil.copy(os.path.join(resp.dir, "dump.rdb"), tmp_path / "resp.rdb")
    with Memcached(tmp_path) as ours, ours.conn() as conn:
        if not is_empty:
            put(conn, b"k", 0, 0, b"x")
        path = ours.dump()
    assert "it is no snapshot of memcached" in refusal(tmp_path, tmp_path / "resp.rdb", larder_protocol="memcached")
    assert "it is a snapshot of memcached" in refusal(tmp_path, path)


def test_a_stream_is_still_refused(tmp_path):
    with Memcached(tmp_path) as ours:
        for words in (["SYNC"], ["PSYNC", "?", "-1"], ["REPLICAOF", "127.0.0.1", "1"], ["BGREWRITEAOF"]):
            assert ours.admin.raw(*words).startswith(b"-ERR a memcached node has its data in memory alone"), words
