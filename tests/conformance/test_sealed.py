"""Files at rest under a data key that comes over the admin socket: sealed, and of no use without it or after changes."""

import os
import pathlib
import random

import pytest
import servers
from test_snapshot import content, fill
from wire import Conn

KEY = "00112233445566778899aabbccddeeff" * 2
OTHER = "ff" * 32
SECRET = b"a secret that must not be found"


class Sealed:
    """An engine in a folder, with or without its key."""

    def __init__(self, folder, key=KEY, appendonly="no", **options):
        path = os.path.join(str(folder), "admin")
        self.server = servers.engine(dir=str(folder), larder_sealed="yes", larder_admin_socket=path, appendonly=appendonly,
                                     enable_protected_configs="yes", **options)
        self.admin = servers.wait_for(lambda: self.connect(path), "the admin socket is open")
        self.said = self.admin.raw("LARDER.KEY", key) if key else None

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


def files(folder):
    return [p for p in pathlib.Path(folder).rglob("*") if p.is_file() and p.suffix in (".rdb", ".aof")]


def assert_hidden(folder):
    for path in files(folder):
        data = path.read_bytes()
        assert data.startswith(b"LARDSEAL") and SECRET not in data, path


@pytest.mark.parametrize("appendonly", ["no", "yes"])
@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_everything_comes_back_with_the_key_and_only_with_it(tmp_path, seed, appendonly, preamble):
    with Sealed(tmp_path, appendonly=appendonly, aof_use_rdb_preamble=preamble) as ours, ours.conn() as conn:
        assert ours.said == b"+OK\r\n"
        fill(conn, seed)
        conn.call("SET", "secret", SECRET)
        if appendonly == "yes":
            conn.call("BGREWRITEAOF")
            servers.wait_for(lambda: b"aof_rewrite_in_progress:0" in conn.call("INFO", "persistence"), "it is rewritten")
            conn.call("SET", "after", SECRET)
        else:
            assert conn.call("SAVE") == b"OK"
        want = content(conn)
    assert files(tmp_path)
    assert_hidden(tmp_path)
    with Sealed(tmp_path, key=None, appendonly=appendonly) as ours, ours.conn() as conn:
        assert conn.raw("GET", "secret").startswith(b"-LOADING")
        assert conn.raw("SAVE").startswith(b"-LOADING")
        before = {p: p.read_bytes() for p in files(tmp_path)}
        assert ours.admin.raw("LARDER.KEY", OTHER).startswith(b"-ERR") and "another key" in ours.server.output()
        assert conn.raw("GET", "secret").startswith(b"-LOADING")
        assert {p: p.read_bytes() for p in files(tmp_path)} == before, "nothing is written without the key"
        assert ours.admin.raw("LARDER.KEY", KEY) == b"+OK\r\n"
        assert content(conn) == want
        assert ours.admin.raw("LARDER.KEY", KEY) == b"+OK\r\n"
        assert ours.admin.raw("LARDER.KEY", OTHER).startswith(b"-ERR")
        assert conn.raw("LARDER.KEY", KEY).startswith(b"-ERR unknown command")
        conn.call("SET", "more", SECRET)
    with Sealed(tmp_path, appendonly=appendonly) as ours, ours.conn() as conn:
        assert conn.call("GET", "more") == (SECRET if appendonly == "yes" else None), "it was killed, not asked to save"
    assert_hidden(tmp_path)


def test_the_key_is_nowhere_to_be_seen(tmp_path):
    with Sealed(tmp_path) as ours:
        ours.admin.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
        ours.admin.raw("LARDER.KEY", OTHER)
        told = repr(ours.admin.call("SLOWLOG", "GET", "100")) + ours.server.output()
        assert OTHER not in told and KEY not in told
        for name in ("cmdline", "environ"):
            assert KEY.encode() not in pathlib.Path("/proc/%d/%s" % (ours.server.pid, name)).read_bytes()


def test_what_was_changed_at_rest_is_refused_with_a_reason(tmp_path, seed):
    with Sealed(tmp_path) as ours, ours.conn() as conn:
        fill(conn, seed)
        conn.call("SAVE")
    path = tmp_path / "dump.rdb"
    data = path.read_bytes()
    rng = random.Random(seed)
    changed = bytearray(data)
    changed[rng.randrange(60, len(data))] ^= 1
    for bad, why in ((bytes(changed), b"was changed"), (data[:rng.randrange(60, len(data))], b"cut off"),
                     (data + b"x", b"behind the end"), (b"REDIS0011" + data[9:], b"not sealed")):
        path.write_bytes(bad)
        with Sealed(tmp_path) as ours, ours.conn() as conn:
            assert ours.said.startswith(b"-ERR") and why in ours.said, ours.said
            assert conn.raw("GET", "k").startswith(b"-LOADING")
    path.write_bytes(data)
    with Sealed(tmp_path) as ours:
        assert ours.said == b"+OK\r\n"


def test_a_killed_writer_loses_nothing_acknowledged(tmp_path, seed):
    rng = random.Random(seed)
    count = 0
    for _ in range(4):
        with Sealed(tmp_path, appendonly="yes", appendfsync="always") as ours, ours.conn() as conn:
            assert ours.said == b"+OK\r\n"
            assert int(conn.call("GET", "n") or 0) == count
            for _ in range(rng.randrange(20)):
                count = conn.call("INCR", "n")
            ours.server.proc.kill()
            ours.server.proc.wait()
    newest = max((tmp_path / "appendonlydir").glob("*.incr.aof"), key=lambda p: int(p.name.split(".")[2]))
    with open(newest, "ab") as f:
        f.write(b"\x40\0\0\0" + bytes(30))  # as far as a write of 64 bytes came
    with Sealed(tmp_path, appendonly="yes") as ours, ours.conn() as conn:
        assert int(conn.call("GET", "n") or 0) == count
    # By now it is no more the newest one: from there on, it must be whole.
    newest.write_bytes(newest.read_bytes()[:-1])
    with Sealed(tmp_path, appendonly="yes") as ours:
        assert ours.said.startswith(b"-ERR") and b"cut off" in ours.said


@pytest.mark.parametrize("load", ["disabled", "on-empty-db"])
def test_a_replica_writes_no_plain_snapshot(tmp_path, load):
    for name in ("primary", "replica"):
        (tmp_path / name).mkdir()
    with Sealed(tmp_path / "primary", repl_diskless_sync_delay=0) as primary, primary.conn() as source, \
            Sealed(tmp_path / "replica", repl_diskless_load=load) as replica, replica.conn() as conn:
        source.call("SET", "secret", SECRET)
        conn.call("SET", "own", "goes")
        written = written_bytes(replica)
        source.batch([["SET", "key:%d" % i, SECRET * 40] for i in range(2000)])
        assert conn.call("REPLICAOF", "127.0.0.1", primary.server.port) == b"OK"
        servers.wait_for(lambda: conn.call("GET", "key:1999"), "the replica has all")
        assert conn.call("GET", "own") is None and conn.call("DBSIZE") == 2001
        assert "loaded from the link: files are sealed" in replica.server.output()
        assert written_bytes(replica) - written < 1 << 20
    assert_hidden(tmp_path)


def written_bytes(sealed):
    """What the process has given to write(2): the snapshot would be far more than all else."""
    with open("/proc/%d/io" % sealed.server.pid) as facts:
        return int(next(line.split()[1] for line in facts if line.startswith("wchar")))
