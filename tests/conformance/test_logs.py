"""The files that an operator reads: as text or JSON lines, moved away and begun anew, without anybody's secrets or data."""

import json
import os
import pathlib
import re
import signal

import servers
from wire import Error


def lines(path):
    return pathlib.Path(path).read_text().splitlines()


def wait_for_lines(path, count):
    return servers.wait_for(lambda: len(lines(path)) >= count and lines(path), "%d lines in %s" % (count, path))


def test_the_engine_log_is_text_or_json_in_a_file(own_engine, tmp_path):
    for form in ("text", "json"):
        path = tmp_path / form
        server = own_engine(logfile=path, larder_log_format=form, larder_log_cluster="c-1", larder_log_node="0001",
                            proto_max_bulk_len="2mb", save="900 1")
        with server.conn() as conn:
            conn.send(b"POST / HTTP/1.1\r\n\r\n")
            conn.read_to_close()
        said = [line for line in wait_for_lines(path, 1) if "HTTP" in line]
        if form == "text":
            assert re.match(r"\S+Z larder-engine warn: connection dropped: it talks HTTP id=\d+ "
                            r"CacheClusterId=c-1 CacheNodeId=0001$", said[0])
        else:
            entry = json.loads(said[0])
            assert (entry["CacheClusterId"], entry["CacheNodeId"], entry["LogLevel"]) == ("c-1", "0001", "WARNING")
            assert entry["Message"] == "connection dropped: it talks HTTP" and entry["id"] >= 1
            assert re.fullmatch(r"\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} UTC", entry["Time"])


def test_files_that_were_moved_are_begun_anew(own_engine, tmp_path):
    log, slow = tmp_path / "log", tmp_path / "slow"
    server = own_engine(logfile=log, larder_slowlog_file=slow, slowlog_log_slower_than="0")
    with server.conn() as conn:
        conn.call("PING")
        wait_for_lines(slow, 1)
        os.rename(log, tmp_path / "log.1")
        os.rename(slow, tmp_path / "slow.1")
        server.proc.send_signal(signal.SIGHUP)
        servers.wait_for(log.exists, "the new log")
        assert "log files are open anew" in wait_for_lines(log, 1)[0]
        conn.call("ECHO", "x")
        assert any("ECHO" in line for line in wait_for_lines(slow, 1))
        assert server.is_alive()


def test_files_change_while_it_runs_or_not_at_all(own_engine, tmp_path):
    server = own_engine(enable_protected_configs="yes")
    with server.conn() as conn:
        new = tmp_path / "new"
        assert conn.call("CONFIG", "SET", "logfile", new, "larder-log-format", "json", "loglevel", "debug") == b"OK"
        bad = str(tmp_path / "none" / "x")
        for name in ("logfile", "larder-slowlog-file"):
            assert conn.call("CONFIG", "SET", "maxmemory-samples", "7", name, bad) == Error(
                "ERR CONFIG SET failed (possibly related to argument '%s') - Can't open the log file '%s': "
                "No such file or directory" % (name, bad))
        assert conn.call("CONFIG", "GET", "logfile")[1] == str(new).encode()
        assert conn.call("CONFIG", "GET", "maxmemory-samples")[1] == b"5"
        assert json.loads(wait_for_lines(new, 1)[0])["Message"] == "the old settings stay"


def test_the_slow_log_has_the_shape_of_the_delivered_one(own_engine, tmp_path):
    paths = {form: tmp_path / form for form in ("json", "text")}
    for form, path in paths.items():
        server = own_engine(larder_slowlog_file=path, larder_slowlog_format=form, slowlog_log_slower_than="0",
                            larder_log_cluster="c-1", larder_log_node="0001")
        with server.conn() as conn:
            address = "%s:%d" % conn.sock.getsockname()
            conn.call("CLIENT", "SETNAME", "me")
            conn.call("SET", "some-key", "some-value")
            conn.call("PING")
        said = wait_for_lines(path, 3)
        assert not any("some-" in line for line in said)
        if form == "json":
            entries = [json.loads(line) for line in said]
            assert list(entries[1]) == ["CacheClusterId", "CacheNodeId", "Id", "Timestamp", "Duration (us)", "Command",
                                        "ClientAddress", "ClientName"]
            assert [e["Command"] for e in entries[:3]] == ["CLIENT SETNAME ... (1 more arguments)",
                                                           "SET ... (2 more arguments)", "PING"]
            assert (entries[1]["ClientAddress"], entries[1]["ClientName"], entries[1]["CacheClusterId"],
                    entries[1]["CacheNodeId"]) == (address, "me", "c-1", "0001")
            assert [e["Id"] for e in entries[:3]] == [0, 1, 2]
        else:
            assert re.fullmatch(r"c-1,0001,\d{10},\d+,SET \.\.\. \(2 more arguments\),%s,me" % re.escape(address), said[1])


def test_a_reader_that_stops_reading_holds_nobody_up(own_engine, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    server = own_engine(larder_slowlog_file=pipe, larder_slowlog_format="json", slowlog_log_slower_than="0")
    with server.conn() as conn:
        for _ in range(40):
            conn.batch([["ECHO", "x"]] * 250)
        assert conn.call("PING") == b"PONG"
    got = b""
    while not got.endswith(b"\n") or len(got) < 40000:
        got += os.read(reader, 1 << 16)
    for line in got.splitlines():
        json.loads(line)  # whole ones only
    os.close(reader)


def test_secrets_stand_in_no_log(own_engine, tmp_path):
    log, slow = tmp_path / "log", tmp_path / "slow"
    server = own_engine(logfile=log, loglevel="debug", larder_slowlog_file=slow, slowlog_log_slower_than="0",
                        masterauth="hush0", requirepass="hush1")
    with server.conn() as conn:
        conn.call("AUTH", "hush2")
        conn.call("AUTH", "default", "hush1")
        conn.call("HELLO", "2", "AUTH", "default", "hush1")
        conn.call("ACL", "SETUSER", "eve", ">hush3")
        conn.call("CONFIG", "SET", "requirepass", "hush4", "maxmemory", "0", "tls-key-file-pass", "hush5")
        conn.call("CONFIG", "SET", "masterauth", "hush6")
        conn.call("MIGRATE", "h", "1", "", "0", "1", "AUTH", "hush7", "KEYS", "k")
        conn.call("MIGRATE", "h", "1", "", "0", "1", "AUTH2", "eve", "hush8", "KEYS", "k")
        shown = repr(conn.call("SLOWLOG", "GET", "-1"))
        assert "(redacted)" in shown and "hush" not in shown
    wait_for_lines(slow, 6)
    server.terminate()
    assert "hush" not in log.read_text() + slow.read_text()
