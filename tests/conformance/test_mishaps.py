"""What may happen to a process: it is killed while it saves, the disk is full, it is asked to end amid a pipeline."""

import json
import os
import resource
import signal
import threading

import pytest
import servers
from wire import Closed, command

KEYS = 200000


def fill(conn, keys, text):
    for at in range(0, keys, 1000):
        conn.batch([["MSET"] + [w for i in range(at + n * 100, at + n * 100 + 100) for w in ("key:%d" % i, text * 10)]
                    for n in range(10)])


def loaded(data_dir):
    """What a new engine finds in the file."""
    with servers.engine(dir=data_dir) as server, server.conn(timeout=60) as conn:
        assert conn.raw("DEBUG", "RELOAD", "NOSAVE") == b"+OK\r\n"
        return conn.call("DBSIZE"), conn.call("GET", "key:77")


def test_a_kill_amid_a_save_leaves_the_old_file(own_engine, tmp_path):
    for attempt in range(3):
        server = own_engine(dir=str(tmp_path))
        with server.conn(timeout=60) as conn:
            fill(conn, KEYS, "old")
            assert conn.call("SAVE") == b"OK"
            before = (tmp_path / "dump.rdb").read_bytes()
            fill(conn, KEYS, "new")
            conn.send(command("SAVE"))

            def is_writing():
                sizes = [p.stat().st_size for p in tmp_path.iterdir() if p.name != "dump.rdb" and p.exists()]
                return any(size > attempt << 20 for size in sizes) or (tmp_path / "dump.rdb").read_bytes() != before
            servers.wait_for(is_writing, "it writes", within=30)
            server.proc.kill()
            server.proc.wait()
        if (tmp_path / "dump.rdb").read_bytes() == before:
            assert loaded(str(tmp_path)) == (KEYS, b"old" * 10)
            return
        # It was too quick: the new file must be whole, then.
        assert loaded(str(tmp_path)) == (KEYS, b"new" * 10)
    pytest.skip("this machine saves quicker than it kills")


def test_a_full_disk_fails_a_save_and_nothing_else(own_engine, tmp_path):
    server = own_engine(dir=str(tmp_path))
    with server.conn(timeout=60) as conn:
        fill(conn, KEYS, "old")
        assert conn.call("SAVE") == b"OK"
        before, files = (tmp_path / "dump.rdb").read_bytes(), sorted(os.listdir(tmp_path))
        fill(conn, KEYS, "new")
        _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (len(before) // 2, most))
        assert conn.raw("SAVE").startswith(b"-ERR")
        assert conn.call("GET", "key:5") == b"new" * 10
        assert (tmp_path / "dump.rdb").read_bytes() == before
        assert sorted(os.listdir(tmp_path)) == files, "nothing half-written stays"
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))
        assert conn.call("SAVE") == b"OK"
    assert loaded(str(tmp_path)) == (KEYS, b"new" * 10)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_amid_pipelines_it_ends_cleanly(own_engine, sig):
    """Every reply that came is a whole one, in its order, and it ends with 0 and at once."""
    server = own_engine()
    conns = [server.conn() for _ in range(8)]
    done, wrong, stop = [], [], threading.Event()

    def work(conn):
        answered = 0
        try:
            while not stop.is_set():
                replies = conn.batch([["INCR", "n:%d" % id(conn)]] * 2000)
                if b"CLOSED" in replies:
                    replies = replies[:replies.index(b"CLOSED")]
                    stop.set()
                wrong.extend(r for i, r in enumerate(replies) if r != b":%d\r\n" % (answered + i + 1))
                answered += len(replies)
        except (Closed, ConnectionError):
            pass
        done.append(answered)
    workers = [threading.Thread(target=work, args=(conn,)) for conn in conns]
    for worker in workers:
        worker.start()
    try:
        servers.wait_for(lambda: server.proc.poll() is None and is_busy(server), "it works")
        assert server.terminate(sig, within=3) == 0
    finally:
        stop.set()
        for worker in workers:
            worker.join()
        for conn in conns:
            conn.close()
    assert len(done) == len(conns) and min(done) > 0 and not wrong


def is_busy(server):
    with server.conn() as conn:
        return len(conn.call("KEYS", "n:*")) == 8


@pytest.mark.parametrize("word,sig", [("SEGFAULT", signal.SIGSEGV), ("PANIC", signal.SIGABRT), ("ASSERT", signal.SIGABRT)])
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_crash_leaves_a_line_that_says_where(word, sig, form):
    with servers.engine(enable_debug_command="yes", larder_log_format=form) as server:
        with server.conn() as conn, pytest.raises(Closed):
            conn.call("SET", "secret", "word")
            conn.call("DEBUG", word)
        assert server.proc.wait(10) == -sig
        lines = [line for line in server.output().splitlines() if "crashed by signal" in line]
        assert len(lines) == 1
        if form == "json":
            fields = json.loads(lines[0])
            assert fields["signal"] == sig.name and fields["about"].endswith(": debug")
            assert fields["backtrace"].count("0x") > 4 and len(fields["build_id"]) >= 32
        else:
            assert 'signal="%s"' % sig.name in lines[0] and ': debug" at="0x' in lines[0]


def test_tenants_cannot_have_a_node_crash():
    with servers.engine(larder_restricted="yes") as server, server.conn() as conn:
        for word in ("SEGFAULT", "PANIC", "ASSERT"):
            assert conn.call("DEBUG", word).startswith("ERR unknown command 'DEBUG'")
