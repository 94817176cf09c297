"""The append-only file: what was acknowledged survives kills; files cross between redis-server and us."""

import os
import pathlib
import random
import re
import resource
import shutil
import signal
import threading

import pytest
import servers
from test_snapshot import content, fill
from wire import Closed, command

FOLDER, MANIFEST = "appendonlydir", "appendonly.aof.manifest"


def engine(folder, **options):
    return servers.engine(dir=str(folder), appendonly="yes", **{"enable_protected_configs": "yes", **options})


def put_files(server, folder):
    """Copies what a server has written, so that it may go on."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    shutil.copytree(pathlib.Path(server) / FOLDER, folder / FOLDER)


def redis(folder, **options):
    server = servers.redis(appendonly="yes", dir=str(folder), **options)
    with server.conn() as conn:
        servers.wait_for(lambda: conn.raw("PING") == b"+PONG\r\n", "it has loaded")
    return server


def info(conn, name):
    text = conn.call("INFO", "persistence").decode()
    return next(line.split(":")[1] for line in text.splitlines() if line.startswith(name + ":"))


def rewrite(conn):
    assert conn.raw("BGREWRITEAOF").startswith(b"+Background append only file rewriting")
    servers.wait_for(lambda: info(conn, "aof_rewrite_in_progress") == "0" and info(conn, "aof_rewrite_scheduled") == "0",
                     "the rewrite ends")
    assert info(conn, "aof_last_bgrewrite_status") == "ok"


@pytest.mark.parametrize("form", ["commands", "rewritten as commands", "rewritten"])
def test_our_files_are_loaded_by_redis(tmp_path, seed, form):
    # The version that redis-server 7.0 reads.
    with engine(tmp_path, larder_engine_version="7.0.15", set_max_listpack_entries="0") as ours, ours.conn() as conn:
        fill(conn, seed)
        if form == "rewritten as commands":
            conn.call("CONFIG", "SET", "aof-use-rdb-preamble", "no")
        if form != "commands":
            rewrite(conn)
        conn.call("SET", "after", "1")
        want = content(conn)
    with redis(tmp_path) as theirs, theirs.conn() as conn:
        assert content(conn) == want


@pytest.mark.parametrize("form", ["commands", "rewritten as commands", "rewritten"])
def test_files_of_redis_are_loaded(tmp_path, seed, form):
    with redis(tmp_path, aof_timestamp_enabled="yes") as theirs, theirs.conn() as conn:
        fill(conn, seed)
        if form == "rewritten as commands":
            conn.call("CONFIG", "SET", "aof-use-rdb-preamble", "no")
        if form != "commands":
            rewrite(conn)
        conn.batch([["MULTI"], ["SET", "after", "1"], ["SET", "later", "2"], ["EXEC"]])
        want = content(conn)
    with engine(tmp_path) as ours, ours.conn() as conn:
        assert content(conn) == want
        conn.call("SET", "ours", "3")
    with redis(tmp_path) as theirs, theirs.conn() as conn:
        assert conn.call("GET", "ours") == b"3"
        conn.call("DEL", "ours")
        assert content(conn) == want


def writers(server, rewrites):
    """Clients that count up until the server is killed; what each one was told last."""
    told, stop = {}, threading.Event()

    def work(name):
        told[name] = 0
        try:
            with server.conn() as conn:
                while not stop.is_set():
                    for reply in conn.batch([["INCR", name]] * (1 + told[name] % 7)):
                        if not reply.startswith(b":"):
                            return
                        told[name] = int(reply[1:])
        except (Closed, OSError):
            pass

    def rewrite_again():
        try:
            with server.conn() as conn:
                while not stop.is_set():
                    conn.call("BGREWRITEAOF")
                    stop.wait(0.02)
        except (Closed, OSError):
            pass
    threads = [threading.Thread(target=work, args=("n:%d" % i,)) for i in range(4)]
    if rewrites:
        threads.append(threading.Thread(target=rewrite_again))
    for thread in threads:
        thread.start()
    return told, threads, stop


@pytest.mark.parametrize("policy", ["always", "no"])
@pytest.mark.parametrize("rewrites", [False, True], ids=["appends", "rewrites"])
def test_nothing_acknowledged_is_lost_to_a_kill(tmp_path, seed, policy, rewrites):
    """The process is killed, not the machine: what was written is there, whether it was synced or not. (With everysec
    a write may wait for a sync that is under way, and replies do not.)"""
    rng = random.Random("%s %s %s" % (seed, policy, rewrites))
    least = {}
    for _ in range(4):
        server = engine(tmp_path, appendfsync=policy)
        with server.conn() as conn:
            for name, count in least.items():
                assert int(conn.call("GET", name) or 0) >= count
        told, threads, stop = writers(server, rewrites)
        servers.wait_for(lambda: len(told) == 4 and min(told.values()) > max(least.values(), default=0) + 5, "they write")
        stop.wait(rng.random() * 0.2)
        server.proc.kill()
        stop.set()
        for thread in threads:
            thread.join()
        server.stop()
        least = dict(told)
    with engine(tmp_path) as server, server.conn() as conn:
        for name, count in least.items():
            # One reply may have been under way.
            assert int(conn.call("GET", name)) >= count


def test_a_kill_amid_a_large_rewrite_leaves_the_old_files(tmp_path):
    with engine(tmp_path, appendfsync="always") as server, server.conn() as conn:
        for at in range(0, 20000, 1000):
            conn.batch([["SET", "key:%d" % n, "x" * 50] for n in range(at, at + 1000)])
        conn.call("CONFIG", "SET", "rdb-key-save-delay", "100")
        conn.call("BGREWRITEAOF")
        conn.call("SET", "during", "1")
        server.proc.kill()
        server.proc.wait()
    with engine(tmp_path) as server, server.conn() as conn:
        assert conn.call("DBSIZE") == 20001
        rewrite(conn)
        assert sorted(os.listdir(tmp_path / FOLDER)) == [name for name in sorted(os.listdir(tmp_path / FOLDER))
                                                         if "temp" not in name]
        assert conn.call("DBSIZE") == 20001


def test_a_file_cut_at_any_byte_is_loaded_up_to_there(tmp_path, seed):
    with engine(tmp_path) as server, server.conn() as conn:
        conn.batch([["INCR", "n"]] * 30 + [["MULTI"], ["INCR", "n"], ["INCR", "n"], ["EXEC"]])
    path = tmp_path / FOLDER / "appendonly.aof.1.incr.aof"
    data = path.read_bytes()
    one = b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"
    rng = random.Random(seed)
    for cut in [len(data) - 1, 1, 0] + [rng.randrange(len(data)) for _ in range(5)]:
        path.write_bytes(data[:cut])
        alone = data[:cut].partition(b"*1\r\n$5\r\nMULTI")[0].count(one)
        with engine(tmp_path) as server, server.conn() as conn:
            assert conn.call("INCR", "n") == alone + 1
        with engine(tmp_path) as server, server.conn() as conn:
            assert int(conn.call("GET", "n")) == alone + 1


@pytest.mark.parametrize("what,say", [
    ("file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.base.rdb seq 1 type b\n", "duplicate base"),
    ("", "empty AOF manifest"),
    ("file gone seq 1 type i\n", "can't open the append log file gone"),
])
def test_a_bad_manifest_ends_the_start(tmp_path, what, say):
    with engine(tmp_path) as server, server.conn() as conn:
        conn.call("SET", "k", "1")
    (tmp_path / FOLDER / MANIFEST).write_text(what)
    with pytest.raises(AssertionError, match=say):
        engine(tmp_path).stop()


def test_damage_in_the_middle_ends_the_start_where_and_why(tmp_path):
    with engine(tmp_path) as server, server.conn() as conn:
        conn.batch([["SET", "k%d" % i, "v"] for i in range(9)])
    path = tmp_path / FOLDER / "appendonly.aof.1.incr.aof"
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"!!!" + data[100:])
    with pytest.raises(AssertionError, match=r"Bad file format reading the append only file .* \(at byte"):
        engine(tmp_path).stop()
    path.write_bytes(data[:100])
    with pytest.raises(AssertionError, match="Unexpected end of file reading the append only file"):
        engine(tmp_path, aof_load_truncated="no").stop()


def test_a_full_disk_refuses_writes_until_there_is_room(tmp_path):
    with engine(tmp_path) as server, server.conn() as conn:
        conn.call("SET", "k", "1")
        _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (120, most))
        servers.wait_for(lambda: conn.raw("SET", "k", "2" * 50).startswith(b"-MISCONF Errors writing to the AOF file"),
                         "writes are refused")
        assert conn.raw("PING").startswith(b"-MISCONF")
        last = conn.call("GET", "k")
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))
        servers.wait_for(lambda: conn.raw("PING") == b"+PONG\r\n", "the disk has room again")
    with engine(tmp_path) as server, server.conn() as conn:
        assert conn.call("GET", "k") == last


def test_with_always_a_failed_write_ends_the_process_before_it_is_acknowledged(tmp_path):
    with engine(tmp_path, appendfsync="always") as server, server.conn() as conn:
        assert conn.call("SET", "k", "1") == b"OK"
        _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (120, most))
        with pytest.raises((Closed, OSError)):
            conn.sock.sendall(command("SET", "k", "2" * 100))
            conn.fill()
        assert server.proc.wait(10) == 1
    with engine(tmp_path) as server, server.conn() as conn:
        assert conn.call("GET", "k") == b"1"


def test_turned_on_at_run_time_it_begins_with_everything(tmp_path, seed):
    with servers.engine(dir=str(tmp_path)) as server, server.conn() as conn:
        fill(conn, seed)
        assert conn.call("CONFIG", "SET", "appendonly", "yes") == b"OK"
        conn.call("SET", "during", "1")
        servers.wait_for(lambda: info(conn, "aof_rewrite_in_progress") == "0", "the first base is written")
        conn.call("SET", "after", "1")
        want = content(conn)
        server.terminate(signal.SIGTERM)
    with engine(tmp_path) as server, server.conn() as conn:
        assert content(conn) == want


def test_who_waits_for_the_disk_is_told_when_nothing_is_appended_any_more(tmp_path):
    with engine(tmp_path, appendfsync="no") as server, server.conn() as conn, server.conn() as other:
        conn.call("SET", "k", "1")
        conn.send(command("WAITAOF", 1, 0, 0))
        servers.wait_for(lambda: b"blocked_clients:1\r\n" in other.call("INFO", "clients"), "it waits")
        other.call("CONFIG", "SET", "appendonly", "no")
        assert conn.read_reply() \
            == b"-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n"


def test_who_waits_for_the_disk_is_told_when_the_first_base_has_it(tmp_path):
    with servers.engine(dir=str(tmp_path), rdb_key_save_delay="60000000") as server, server.conn() as conn:
        conn.call("SET", "k", "1")
        conn.call("BGSAVE")
        conn.call("CONFIG", "SET", "appendonly", "yes", "appendfsync", "no")
        assert info(conn, "aof_rewrite_scheduled") == "1"
        conn.call("SET", "k", "2")
        conn.call("CONFIG", "SET", "rdb-key-save-delay", "0")
        os.kill(int(re.search(r"Background saving started by pid pid=(\d+)", server.output())[1]), signal.SIGKILL)
        servers.wait_for(lambda: "rewrite finished successfully" in server.output(), "there is a base")
        assert conn.raw("WAITAOF", 1, 0, 10000) == b"*2\r\n:1\r\n:0\r\n"


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_who_waits_for_the_disk_is_told_when_it_has_what_he_wrote(tmp_path, policy):
    with engine(tmp_path, appendfsync=policy) as server, server.conn() as conn, server.conn() as other:
        said = conn.batch([["SET", "k", "1"], ["WAITAOF", 1, 0, 10000], ["GET", "k"]])
        assert said == [b"+OK\r\n", b"*2\r\n:1\r\n:0\r\n", b"$1\r\n1\r\n"]
        assert other.raw("WAITAOF", 1, 0, 0) == b"*2\r\n:1\r\n:0\r\n"
        assert other.raw("WAITAOF", 0, 1, 10) == b"*2\r\n:1\r\n:0\r\n"
        for words, error in (((2, 0, 0), b"value is out of range, value must between 0 and 1"),
                             ((0, -1, 0), b"value is out of range, must be positive"), ((0, 0, -1), b"timeout is negative")):
            assert conn.raw("WAITAOF", *words) == b"-ERR " + error + b"\r\n"
        conn.call("CONFIG", "SET", "appendonly", "no")
        assert conn.raw("WAITAOF", 1, 0, 0) \
            == b"-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n"


STREAMS = ["s", "empty", "never", "gone", "wide"]


def fill_streams(conn):
    conn.batch([["XADD", "s", "%d-%d" % (i // 3 + 1, i % 3), "f", i, "g%d" % (i % 2), "x" * (i % 50)] for i in range(500)])
    conn.batch([
        ["XDEL", "s", "7-1", "166-0"], ["XTRIM", "s", "MAXLEN", "=", 400], ["PEXPIREAT", "s", 4102444800000],
        ["XGROUP", "CREATE", "s", "all", "0"], ["XGROUP", "CREATE", "s", "new", "$", "ENTRIESREAD", "77"],
        ["XGROUP", "CREATECONSUMER", "s", "new", "idle"],
        ["XREADGROUP", "GROUP", "all", "one", "COUNT", 90, "STREAMS", "s", ">"],
        ["XREADGROUP", "GROUP", "all", "two", "COUNT", 50, "STREAMS", "s", ">"],
        ["XCLAIM", "s", "all", "two", 0, "40-0", "41-1"], ["XACK", "s", "all", "50-0"],
        ["XADD", "empty", "5-5", "f", "v"], ["XDEL", "empty", "5-5"], ["XGROUP", "CREATE", "empty", "g", "3-3"],
        ["XGROUP", "CREATE", "never", "g", "$", "MKSTREAM"],
        ["XADD", "gone", "1-1", "f", "v"], ["XADD", "gone", "2-1", "f", "v"], ["XGROUP", "CREATE", "gone", "g", "0"],
        ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "gone", ">"], ["XDEL", "gone", "1-1"],
        ["XADD", "wide", "1-1"] + [w for i in range(3000) for w in ("field%d" % i, i)],
    ])


def streams(conn, names):
    """All that is asked of them, but for when consumers were there last."""
    def plain(info):
        if isinstance(info, list):
            pairs = dict(zip(info[::2], info[1::2])) if info and isinstance(info[0], bytes) else {}
            hidden = (b"idle", b"inactive", b"radix-tree-keys", b"radix-tree-nodes", b"seen-time", b"active-time")
            if pairs and set(pairs) & {b"name", b"length"}:
                return sorted((k, plain(v)) for k, v in pairs.items() if k not in hidden)
            return [plain(one) for one in info]
        return info
    found = {}
    for name in names:
        waits = [[p[0], p[1], p[3]] for g in conn.call("XINFO", "GROUPS", name)
                 for p in conn.call("XPENDING", name, g[1], "-", "+", 1000)]
        found[name] = (conn.call("XRANGE", name, "-", "+"), plain(conn.call("XINFO", "STREAM", name)),
                       plain(conn.call("XINFO", "GROUPS", name)), conn.call("PEXPIRETIME", name), waits)
    return found


@pytest.mark.parametrize("load", [engine, redis])
def test_streams_are_rewritten_as_commands(tmp_path, load):
    with engine(tmp_path, larder_engine_version="7.0.15", aof_use_rdb_preamble="no") as ours, ours.conn() as conn:
        fill_streams(conn)
        # What no commands say is a dump of ours, which redis-server 7.0 does not read.
        names = [n for n in STREAMS if n != "gone"] if load is redis else STREAMS
        if load is redis:
            conn.call("DEL", "gone")
        rewrite(conn)
        want = streams(conn, names)
        base = next((tmp_path / FOLDER).glob("*.base.aof")).read_bytes()
        assert base.count(b"RESTORE") == (load is engine)
    with load(tmp_path) as other, other.conn() as conn:
        assert streams(conn, names) == want
