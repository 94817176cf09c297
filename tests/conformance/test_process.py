"""larder-engine as a process: starting, refusing to start, ending, and the limits of its connections."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time

import pytest
import servers
from replication import info
from wire import Closed, Conn, Error, command, parse


def start_and_fail(*argv):
    """Runs the engine, which must end by itself; (exit code, all output)."""
    done = subprocess.run([servers.engine_path(), *map(str, argv)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=10, check=False)
    return done.returncode, done.stdout.decode()


def test_it_says_when_it_is_ready(own_engine):
    server = own_engine()
    servers.wait_for(lambda: "Ready to accept connections" in server.output(), "the line on stdout")


def test_systemd_is_told_when_it_is_ready(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(10)
        port = servers.free_port()
        proc = subprocess.Popen([servers.engine_path(), "--port", str(port), "--bind", "127.0.0.1"],
                                env={**os.environ, "NOTIFY_SOCKET": path}, stdout=subprocess.DEVNULL)
        try:
            assert "READY=1" in notify.recv(4096).decode()
            assert Conn(("127.0.0.1", port)).call("PING") == b"PONG"
        finally:
            proc.kill()
            proc.wait()


def test_a_taken_port_is_named_and_ends_it_with_1(own_engine):
    taken = own_engine()
    code, output = start_and_fail("--port", taken.port, "--bind", "127.0.0.1")
    assert code == 1
    assert "Failed listening on port" in output and str(taken.port) in output


@pytest.mark.parametrize("argv,word", [
    (["--nosuch-directive", "1"], "nosuch-directive"),
    (["--port", "x"], "port"),
    (["--port", "70000"], "port"),
    (["--maxmemory", "1zb"], "maxmemory"),
    (["--maxmemory-policy", "nosuch"], "maxmemory-policy"),
    (["--larder-protocol", "http"], "larder-protocol"),
    (["--larder-restricted", "maybe"], "larder-restricted"),
    (["/nonexistent/larder.conf"], "/nonexistent/larder.conf"),
])
def test_a_bad_directive_is_named_and_ends_it_with_1(argv, word):
    code, output = start_and_fail(*argv)
    assert code == 1
    assert word in output


def test_a_bad_line_of_the_file_is_named(tmp_path):
    conf = tmp_path / "bad.conf"
    conf.write_text("# fine\nport 1\n\nmaxmemory lots\n")
    code, output = start_and_fail(conf)
    assert code == 1
    assert "maxmemory" in output and "4" in output


def test_directives_come_from_the_file_and_then_from_the_command_line(tmp_path):
    port, other = servers.free_port(), servers.free_port()
    conf = tmp_path / "e.conf"
    conf.write_text('bind 127.0.0.1\nport %d\nmaxmemory 10mb\nrequirepass "a b"\n' % other)
    proc = subprocess.Popen([servers.engine_path(), str(conf), "--port", str(port), "--hz", "50"],
                            stdout=subprocess.DEVNULL)
    try:
        def connect():
            try:
                return Conn(("127.0.0.1", port))
            except OSError:
                return None
        with servers.wait_for(connect, "listening") as conn:
            assert conn.call("PING").startswith("NOAUTH")
            assert conn.call("AUTH", "wrong").startswith("WRONGPASS")
            assert conn.call("AUTH", "a b") == b"OK"
            assert conn.call("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"10485760"]
            assert conn.call("CONFIG", "GET", "hz") == [b"hz", b"50"]
    finally:
        proc.kill()
        proc.wait()


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_asked(own_engine, sig):
    server = own_engine()
    with server.conn() as conn:
        conn.call("SET", "k", "v")
        assert server.terminate(sig) == 0
        assert servers.is_gone(conn)


def test_shutdown_ends_it_with_0(own_engine):
    server = own_engine()
    with server.conn() as conn:
        conn.send(command("SHUTDOWN", "NOSAVE"))
        assert servers.is_gone(conn)
    assert server.proc.wait(10) == 0


def test_it_listens_on_several_addresses_and_on_a_unix_socket(tmp_path):
    port, path = servers.free_port(), str(tmp_path / "e.sock")
    proc = subprocess.Popen([servers.engine_path(), "--port", str(port), "--bind", "127.0.0.1", "127.0.0.2",
                             "--unixsocket", path], stdout=subprocess.PIPE)
    try:
        for line in proc.stdout:
            if b"Ready to accept" in line:
                break
        for address in (("127.0.0.1", port), ("127.0.0.2", port), path):
            with Conn(address) as conn:
                assert conn.call("PING") == b"PONG"
    finally:
        proc.terminate()
        assert proc.wait(10) == 0
        proc.stdout.close()
    assert not os.path.exists(path), "the socket file is left behind"


def test_one_client_too_many_is_told_so(own_engine):
    server = own_engine(maxclients=10)
    held = [server.conn()]
    servers.wait_for(lambda: is_alone(held[0]), "the probe of the start is forgotten")
    held += [server.conn() for _ in range(9)]
    for conn in held:
        assert conn.call("PING") == b"PONG"
    with server.conn() as extra:
        assert extra.read_to_close() == b"-ERR max number of clients reached\r\n"
    held.pop().close()

    servers.wait_for(lambda: served(server), "a place that was given up is free again").close()


def test_the_admin_socket_is_beside_the_limit_and_the_restrictions(own_engine, tmp_path):
    path = str(tmp_path / "admin.sock")
    server = own_engine(maxclients=1, larder_admin_socket=path, larder_restricted="yes")
    servers.wait_for(lambda: "Ready to accept" in server.output(), "the admin socket stands, too")
    with Conn(path) as admin:
        # The probe of the start has the one place until it is forgotten, and it may not even have been accepted yet.
        tenant = servers.wait_for(lambda: served(server), "the tenant has the one place")
        assert admin.call("CONFIG", "GET", "maxclients") == [b"maxclients", b"1"]
        assert admin.call("CONFIG", "SET", "maxmemory", "5mb") == b"OK"
        tenant.close()


REFUSED = [["CONFIG", "GET", "maxmemory"], ["config", "get", "maxmemory"], ["SAVE"], ["BGSAVE"], ["BGREWRITEAOF"],
           ["DEBUG", "SLEEP", "0"], ["MIGRATE", "h", "1", "k", "0", "1"], ["REPLICAOF", "NO", "ONE"],
           ["SLAVEOF", "NO", "ONE"], ["SHUTDOWN"], ["SYNC"], ["PSYNC", "?", "-1"]]


@pytest.mark.parametrize("words", REFUSED, ids=[w[0] for w in REFUSED])
def test_restricted_commands_do_not_exist_for_tenants(own_engine, words):
    server = own_engine(larder_restricted="yes")
    shown = "".join("'%s' " % w for w in words[1:])
    with server.conn() as conn:
        assert conn.call(*words) == Error("ERR unknown command '%s', with args beginning with: %s" % (words[0], shown))
        assert conn.call("PING") == b"PONG"
        assert conn.call("COMMAND", "INFO", words[0]) == [None]
        assert words[0].lower().encode() not in conn.call("COMMAND", "LIST")


def test_restricted_subcommands_are_unknown_to_tenants(own_engine):
    server = own_engine(larder_restricted="yes", cluster_enabled="yes")
    with server.conn() as conn:
        for line in ("acl setuser x", "acl load", "acl save", "acl deluser x", "cluster links"):
            name, *words = line.split()
            shown = "".join(f"'{w}' " for w in words)
            assert conn.call(name, *words) == Error(f"ERR unknown command '{name}', with args beginning with: {shown}"), line
        for word in ("addslots", "addslotsrange", "bumpepoch", "delslots", "delslotsrange", "failover", "flushslots", "forget", "meet",
                     "setslot"):
            assert conn.call("cluster", word, "1", "2") == Error(f"ERR unknown subcommand '{word}'. Try CLUSTER HELP."), word
        for line in ("acl whoami", "acl list", "acl cat", "acl users", "acl getuser default", "cluster info", "cluster nodes",
                     "cluster slots", "cluster shards", "cluster myid", "cluster keyslot k", "cluster countkeysinslot 1",
                     "cluster getkeysinslot 1 1", "client list", "memory doctor", "slowlog get", "latency latest", "function list",
                     "script exists x", "wait 0 0", "object help"):
            assert not isinstance(conn.call(*line.split()), Error), line


def test_restriction_leaves_the_rest_alone(own_engine):
    server = own_engine(larder_restricted="yes")
    with server.conn() as conn:
        assert conn.call("SET", "k", "v") == b"OK"
        assert conn.call("FLUSHALL") == b"OK"
        assert conn.call("CLIENT", "SETNAME", "x") == b"OK"
        assert isinstance(conn.call("COMMAND", "COUNT"), int)
        assert conn.call("INFO", "server").startswith(b"# Server")


def test_pipeline_of_10000_commands(engine):
    n = 10000
    with engine.conn() as conn:
        commands = [["SET", "key:%d" % i, "value:%d" % i] for i in range(n)] + [["GET", "key:%d" % i] for i in range(n)]
        replies = conn.batch(commands)
        assert replies[:n] == [b"+OK\r\n"] * n
        assert [parse(r) for r in replies[n:]] == [b"value:%d" % i for i in range(n)]


def test_thousands_of_connections_are_served(own_engine, is_long):
    """2,000, and 10,000 in the long run."""
    count = 10000 if is_long else 2000
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    assert most > count + 100, "ulimit -n is too low for this test"
    server = own_engine(maxclients=count + 10)
    held = [server.conn() for _ in range(count)]
    try:
        for conn in held:
            conn.send(command("INCR", "n"))
        assert sorted(parse(conn.read_reply()) for conn in held) == list(range(1, count + 1))
        assert b"connected_clients:%d\r" % count in held[0].call("INFO", "clients")
    finally:
        for conn in held:
            conn.close()
    with server.conn() as conn:
        servers.wait_for(lambda: b"connected_clients:1\r" in conn.call("INFO", "clients"), "all are forgotten")


def test_a_half_closed_client_gets_even_what_no_buffer_holds(engine):
    with engine.conn() as conn, engine.conn() as other:
        other.call("SET", "k", "x" * (4 << 20))
        conn.send(command("GET", "k") * 8)
        conn.sock.shutdown(socket.SHUT_WR)
        servers.wait_for(lambda: b"omem=0" not in row_of(other, conn), "replies wait to be sent")
        assert len(conn.read_to_close()) == 8 * len(b"$4194304\r\n" + b"x" * (4 << 20) + b"\r\n")


def row_of(conn, of):
    """The line of CLIENT LIST that describes another connection; empty when it is not there."""
    rows = conn.call("CLIENT", "LIST").splitlines()
    return next((row for row in rows if b"addr=%s:%d " % (b"127.0.0.1", of.sock.getsockname()[1]) in row), b"omem=0")


def cpu_s(server):
    """Processor time that the server has used."""
    with open("/proc/%d/stat" % server.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_client_that_quits_and_goes_on_sending_costs_nothing(engine):
    """It has not read its last replies, so it cannot be closed yet; what it sends is never read."""
    with engine.conn() as conn, engine.conn() as other:
        other.call("SET", "k", "x" * (4 << 20))
        conn.send(command("GET", "k") * 8 + command("QUIT"))
        conn.send(command("PING") * 100)
        servers.wait_for(lambda: b"omem=0" not in row_of(other, conn), "replies wait to be sent")
        before = cpu_s(engine)
        time.sleep(0.5)
        assert cpu_s(engine) - before < 0.2
        assert conn.read_to_close().endswith(b"\r\n+OK\r\n")


def test_without_descriptors_it_waits_instead_of_spinning(own_engine):
    server = own_engine()
    with server.conn() as conn:
        conn.call("PING")
        servers.wait_for(lambda: b"connected_clients:1\r" in conn.call("INFO", "clients"), "the probe is forgotten")
        open_files = len(os.listdir("/proc/%d/fd" % server.pid))
        enough, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (open_files, hard))
        late = server.conn()
        late.send(command("PING"))
        servers.wait_for(lambda: "not accepted" in server.output(), "it says so")
        before, lines = cpu_s(server), server.output().count("not accepted")
        time.sleep(0.6)
        assert cpu_s(server) - before < 0.2
        assert server.output().count("not accepted") - lines < 10
        assert conn.call("PING") == b"PONG"
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (enough, hard))
        assert parse(late.read_reply()) == b"PONG"
        late.close()


def test_maxclients_is_what_the_system_grants_at_most():
    port = servers.free_port()
    proc = subprocess.Popen([servers.engine_path(), "--port", str(port), "--bind", "127.0.0.1", "--maxclients", "5000"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=few_files)
    try:
        for line in proc.stdout:
            if b"Ready to accept" in line:
                break
        with Conn(("127.0.0.1", port)) as conn:
            if os.geteuid() == 0 and conn.call("CONFIG", "GET", "maxclients")[1] == b"5000":
                pytest.skip("this user may raise every limit")
            assert conn.call("CONFIG", "GET", "maxclients") == [b"maxclients", b"68"]
            assert conn.call("CONFIG", "SET", "maxclients", "100").endswith(
                "The operating system is not able to handle the specified number of clients, try with 68")
            assert conn.call("CONFIG", "SET", "maxclients", "60") == b"OK"
    finally:
        proc.terminate()
        errors = proc.communicate()[1].decode()
    assert "maxclients reduced" in errors and "68" in errors


def few_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))


def test_a_second_engine_leaves_the_first_ones_socket_alone(tmp_path):
    port, path = servers.free_port(), str(tmp_path / "e.sock")
    argv = ["--port", str(port), "--bind", "127.0.0.1", "--unixsocket", path]
    proc = subprocess.Popen([servers.engine_path(), *argv], stdout=subprocess.PIPE)
    try:
        for line in proc.stdout:
            if b"Ready to accept" in line:
                break
        code, output = start_and_fail(*argv)
        assert code == 1 and "Failed listening on port" in output
        with Conn(path) as conn:
            assert conn.call("PING") == b"PONG"
    finally:
        proc.kill()
        proc.communicate()
    # It was killed: the file stays, and is no obstacle.
    assert os.path.exists(path)
    again = subprocess.Popen([servers.engine_path(), *argv], stdout=subprocess.PIPE)
    try:
        for line in again.stdout:
            if b"Ready to accept" in line:
                break
        with Conn(path) as conn:
            assert conn.call("PING") == b"PONG"
    finally:
        again.terminate()
        again.communicate()


def test_a_half_closed_client_still_gets_its_replies(engine):
    with engine.conn() as conn:
        conn.send(command("SET", "k", "x" * 200000) + command("GET", "k") + command("PING"))
        conn.sock.shutdown(socket.SHUT_WR)
        assert conn.read_to_close() == b"+OK\r\n$200000\r\n" + b"x" * 200000 + b"\r\n+PONG\r\n"


def test_a_client_that_breaks_off_harms_nobody(engine):
    for data in (command("SET", "k", "v")[:-3], b"*3\r\n$3\r\nSET", b"*2\r\n$3\r\nGET\r\n$1000000\r\nabc", b"PIN"):
        conn = engine.conn()
        conn.send(data)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        conn.close()
    with engine.conn() as conn:
        assert conn.call("EXISTS", "k") == 0


def served(server):
    """A connection that the server has taken; None when it has no place for one."""
    conn = server.conn()
    try:
        if conn.call("PING") == b"PONG":
            return conn
    except (Closed, ConnectionError):
        pass
    conn.close()
    return None


def is_alone(conn):
    return b"connected_clients:1\r" in conn.call("INFO", "clients")


def test_a_reader_that_is_too_slow_is_cut_off(own_engine):
    server = own_engine(client_output_buffer_limit=["normal", "4mb", "0", "0"])
    with server.conn() as other, server.conn() as slow:
        slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        other.call("SET", "big", "x" * 1000000)
        slow.send(command("GET", "big") * 60)

        servers.wait_for(lambda: is_alone(other), "the slow reader is cut off")
        assert other.call("PING") == b"PONG"


def test_a_reader_that_stays_behind_too_long_is_cut_off(own_engine):
    server = own_engine(client_output_buffer_limit=["normal", "0", "1mb", "1"])
    with server.conn() as other, server.conn() as slow:
        slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        other.call("SET", "big", "x" * 1000000)
        slow.send(command("GET", "big") * 12)
        assert not is_alone(other), "it was cut off before its time"
        servers.wait_for(lambda: is_alone(other), "the slow reader is cut off after a second", within=8)


def test_a_query_beyond_its_limit_ends_the_connection(own_engine):
    server = own_engine(client_query_buffer_limit="2mb")
    with server.conn() as conn:
        with pytest.raises((Closed, ConnectionError)):
            conn.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3000000\r\n" + b"x" * 3000000 + b"\r\n")
            conn.read_reply()
    with server.conn() as conn:
        assert conn.call("EXISTS", "k") == 0


def test_bulk_limit_is_obeyed(own_engine):
    server = own_engine(proto_max_bulk_len="1mb")
    with server.conn() as conn:
        assert conn.call("SET", "k", "x" * (1 << 20)) == b"OK"
        assert conn.call("APPEND", "k", "y") == Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
        conn.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n")
        assert conn.read_to_close() == b"-ERR Protocol error: invalid bulk length\r\n"


def test_idle_clients_are_closed_after_the_timeout(own_engine):
    server = own_engine(timeout=1)
    with server.conn() as idle:
        began = time.monotonic()
        idle.sock.settimeout(8)
        assert servers.is_gone(idle)
        assert 0.5 < time.monotonic() - began < 4


@contextlib.contextmanager
def started_by(conf, port):
    """An engine of a configuration file."""
    proc = subprocess.Popen([servers.engine_path(), str(conf)], stdout=subprocess.PIPE)
    try:
        for line in proc.stdout:
            if b"Ready to accept" in line:
                break
        with Conn(("127.0.0.1", port)) as conn:
            yield conn
    finally:
        proc.terminate()
        proc.wait(10)
        proc.stdout.close()


def test_config_rewrite_keeps_what_was_set(tmp_path):
    port, conf = servers.free_port(), tmp_path / "e.conf"
    conf.write_text("# mine\nbind 127.0.0.1\nport %d\nmaxmemory 1mb\n" % port)
    with started_by(conf, port) as conn:
        assert conn.call("CONFIG", "SET", "maxmemory", "2mb", "maxmemory-policy", "allkeys-lru") == b"OK"
        assert conn.call("CONFIG", "REWRITE") == b"OK"
    text = conf.read_text()
    assert "# mine" in text and "maxmemory-policy allkeys-lru" in text
    assert "maxmemory 2097152" in text or "maxmemory 2mb" in text
    assert "maxmemory 1mb" not in text and "user" not in text


def test_users_of_the_configuration_file_are_there_and_are_rewritten(tmp_path):
    port, conf = servers.free_port(), tmp_path / "e.conf"
    conf.write_text("bind 127.0.0.1\nport %d\nrequirepass secret\nuser ann on >a1 ~k* +get\n" % port)
    with started_by(conf, port) as conn:
        assert conn.raw("GET", "k").startswith(b"-NOAUTH")
        assert conn.call("AUTH", "ann", "a1") == b"OK"
        assert conn.call("GET", "k1") is None
        assert conn.raw("GET", "x").startswith(b"-NOPERM")
        assert conn.call("AUTH", "secret") == b"OK"
        assert conn.call("ACL", "SETUSER", "bob", "on", ">b1", "+ping") == b"OK"
        assert conn.call("ACL", "DELUSER", "ann") == 1
        assert conn.call("CONFIG", "REWRITE") == b"OK"
    with started_by(conf, port) as conn:
        assert conn.raw("AUTH", "ann", "a1").startswith(b"-WRONGPASS")
        assert conn.call("AUTH", "bob", "b1") == b"OK"
        assert conn.call("PING") == b"PONG"
        assert conn.call("AUTH", "secret") == b"OK"


def test_users_may_be_at_one_place_only(tmp_path):
    conf, users = tmp_path / "e.conf", tmp_path / "users.acl"
    users.write_text("user ann on\n")
    conf.write_text("aclfile %s\nuser bob on\n" % users)
    done = subprocess.run([servers.engine_path(), str(conf)], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and "one place only" in done.stderr


def test_a_port_that_is_taken_is_said_where_it_is_waited_for(engine):
    done = subprocess.run([servers.engine_path(), "--port", str(engine.port), "--bind", "127.0.0.1"], capture_output=True,
                          text=True, timeout=20, check=False)
    assert done.returncode == 1 and "Failed listening on port %d" % engine.port in done.stdout


def test_connections_may_begin_with_the_third_version(own_engine):
    with own_engine(client_default_resp=3).conn() as conn:
        assert conn.raw("GET", "none") == b"_\r\n"
        conn.call("HELLO", 2)
        assert conn.raw("GET", "none") == b"$-1\r\n"
        conn.call("RESET")
        assert conn.raw("GET", "none") == b"_\r\n"


def test_what_the_loop_did_is_counted(own_engine):
    """Fields of Redis 7.2, which the reference does not have."""
    fields = [f"eventloop_{name}" for name in ("cycles", "duration_sum", "duration_cmd_sum")]
    with own_engine().conn() as conn:
        before = info(conn, "stats")

        def have_grown():
            conn.call("SET", "k", "x" * 1000000)
            after = info(conn, "stats")
            return all(int(after[f]) > int(before[f]) for f in fields)

        servers.wait_for(have_grown, "more rounds, and more time in them")
        servers.wait_for(lambda: int(info(conn, "stats")["instantaneous_eventloop_cycles_per_sec"]) > 0, "a rate")


def test_every_field_of_info_is_there(engine, reference):
    def fields(server):
        with server.conn() as conn:
            conn.call("SET", "k", "v")
            lines = conn.call("INFO", "everything").split(b"\r\n")
            sections = [line for line in lines if line.startswith(b"#")]
            return sections, {line.split(b":")[0] for line in lines if b":" in line and not line.startswith(b"cmdstat_")
                              and not line.startswith(b"latency_percentiles")}
    (ref_sections, ref), (our_sections, ours) = fields(reference), fields(engine)
    assert ref - ours == set()
    assert our_sections == ref_sections


def test_rewrite_without_a_file_says_so(engine, reference):
    with engine.conn() as ours, reference.conn() as ref:
        assert ours.raw("CONFIG", "REWRITE") == ref.raw("CONFIG", "REWRITE")


@pytest.mark.parametrize("size", [20000, 1 << 20, 20 << 20])
def test_big_values_come_back_as_they_were(engine, size):
    value = bytes(range(256)) * (size // 256)
    with engine.conn() as conn:
        assert conn.call("SET", "k", value) == b"OK"
        assert conn.call("STRLEN", "k") == len(value)
        assert conn.call("GET", "k") == value
        assert conn.call("APPEND", "k", "tail") == len(value) + 4
        assert conn.call("GETRANGE", "k", -6, -1) == value[-2:] + b"tail"
        assert conn.batch([["GET", "k"], ["DEL", "k"], ["GET", "k"]])[1:] == [b":1\r\n", b"$-1\r\n"]


def evicted_clients(conn):
    return int(conn.call("INFO", "stats").split(b"evicted_clients:")[1].split(b"\r\n")[0])


@pytest.mark.parametrize("kind", ["query", "transaction", "output"])
def test_the_biggest_client_goes_when_clients_take_too_much(own_engine, kind):
    server = own_engine(maxmemory_clients="4mb")
    with server.conn() as admin, server.conn() as small, server.conn() as big, server.conn() as spared:
        spared.call("CLIENT", "NO-EVICT", "ON")
        admin.call("CLIENT", "NO-EVICT", "ON")
        admin.call("SET", "value", "x" * 500000)
        for conn, share in ((small, 1), (spared, 12), (big, 12)):
            words = {"query": b"*2\r\n$3\r\nGET\r\n$20000000\r\n" + b"x" * 500000 * share,
                     "transaction": command("MULTI") + command("SET", "k", "x" * 500000) * share,
                     "output": command("GET", "value") * (share + 16 * (share > 1))}[kind]
            try:
                conn.send(words)
            except ConnectionError:
                assert conn is big, "it may be closed before it has sent everything"
        servers.wait_for(lambda: evicted_clients(admin) >= 1, "a client is closed")
        names = admin.call("CLIENT", "LIST").decode()
        assert " laddr" in names and evicted_clients(admin) == 1
        shown = [line.split("addr=")[1].split()[0] for line in names.splitlines()]
        assert "%s:%d" % big.sock.getsockname() not in shown
        for conn in (small, spared, admin):
            assert "%s:%d" % conn.sock.getsockname() in shown


def test_memory_of_clients_may_be_a_share_of_maxmemory(engine, reference):
    with engine.conn() as ours, reference.conn() as ref:
        for value in ("5%", "100%", "0%", "101%", "-1%", "x%", "1mb", "-1", "x", "0"):
            for words in (["CONFIG", "SET", "maxmemory-clients", value], ["CONFIG", "GET", "maxmemory-clients"]):
                assert ours.raw(*words) == ref.raw(*words), value
