"""TLS as clients meet it: beside plain ones and alone, both protocols, with certificates that change and peers that misbehave."""

import socket
import ssl
import struct
import subprocess
import time

import certificates
import pytest
import servers
from wire import Closed, Conn, Error, command


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    return certificates.Certificates(tmp_path_factory.mktemp("certs"))


class Tls(Conn):
    """A connection of which every byte is sealed."""

    def __init__(self, address, certs, name=None, versions=None, session=None, context=None, **kw):
        super().__init__(address, **kw)
        self.context = context or client_context(certs, name, versions)
        self.sock = self.context.wrap_socket(self.sock, server_hostname="localhost", session=session)


def client_context(certs, name=None, versions=None, ciphers=None):
    context = ssl.create_default_context(cafile=certs.cert(certificates.CA))
    if name:
        context.load_cert_chain(certs.cert(name), certs.key(name))
    if versions:
        context.minimum_version, context.maximum_version = versions
    if ciphers:
        context.set_ciphers(ciphers)
    return context


V12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
V13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
BROKEN = (ssl.SSLError, OSError, Closed)


@pytest.fixture(scope="session")
def shared_preferred(certs):
    shared = servers.Shared(lambda: servers.engine(larder_tls_mode="preferred", **certs.directives()))
    yield shared
    shared.stop()


@pytest.fixture
def preferred(shared_preferred):
    server = shared_preferred.get()
    with server.conn() as conn:
        conn.call("FLUSHALL")
    yield server
    assert server.is_alive(), server.output()


def open_beside(own_engine, certs, **options):
    """An engine with a TLS port of its own, and the address of that: it opens after the plain one."""
    port = servers.free_port()
    server = own_engine(tls_port=port, **certs.directives(**options))

    def listens():
        try:
            Conn(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False
    servers.wait_for(listens, "the TLS port is open")
    return server, ("127.0.0.1", port)


def refuses(server, certs, **kw):
    """True when no command gets through (what is plain here takes a hello for half a command, and waits). In TLS 1.3 the client learns of a refusal with its first read only."""
    try:
        with Tls(server.address, certs, **kw) as conn:
            conn.call("PING")
        return False
    except BROKEN:
        return True


@pytest.mark.parametrize("versions", [V12, V13], ids=["1.2", "1.3"])
def test_both_versions_and_plain_meet_on_one_port(preferred, certs, versions):
    with Tls(preferred.address, certs, versions=versions) as sealed, preferred.conn() as plain:
        assert sealed.call("SET", "k", "v") == b"OK"
        assert plain.call("GET", "k") == b"v"
        assert sealed.sock.version() == {V12: "TLSv1.2", V13: "TLSv1.3"}[versions]
        assert plain.call("CLIENT", "LIST").count(b"\n") == 2


@pytest.mark.parametrize("size", [1, 16383, 16384, 16385, 3_000_000])
def test_values_of_any_size_come_through_whole(preferred, certs, size):
    value = (b"0123456789abcdef-" * (size // 17 + 1))[:size]
    with Tls(preferred.address, certs) as conn:
        assert conn.call("SET", "k", value) == b"OK"
        assert conn.call("GET", "k") == value
        assert conn.batch([["GET", "k"]] * 5) == [b"$%d\r\n%s\r\n" % (size, value)] * 5


def test_long_pipelines(preferred, certs):
    with Tls(preferred.address, certs) as conn:
        sent = b"".join(command("INCR", "n") for _ in range(10000))
        for at in range(0, len(sent), 977):  # records end amid commands
            conn.send(sent[at:at + 977])
        assert [conn.read_reply() for _ in range(10000)][-1] == b":10000\r\n"


def test_a_slow_reader_gets_everything(preferred, certs):
    with Tls(preferred.address, certs) as conn:
        conn.call("SET", "k", b"x" * 1_000_000)
        conn.send(command("GET", "k") * 20)
        with Tls(preferred.address, certs) as other:
            assert other.call("PING") == b"PONG"  # meanwhile
        for _ in range(20):
            assert len(conn.read_reply()) == 1_000_000 + 12


def test_who_waits_for_a_key_is_woken(preferred, certs):
    with Tls(preferred.address, certs) as conn, preferred.conn() as other:
        conn.send(command("BLPOP", "list", "10") + command("PING"))
        servers.wait_for(lambda: b"blocked_clients:1" in other.call("INFO", "clients"), "it waits")
        other.call("RPUSH", "list", "x")
        assert conn.read_reply() == b"*2\r\n$4\r\nlist\r\n$1\r\nx\r\n"
        assert conn.read_reply() == b"+PONG\r\n"


class Records:
    """TLS by hand over a socket, so that the records of the server can be counted."""

    def __init__(self, address, context):
        self.sock = socket.create_connection(address)
        self.sock.settimeout(20)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.raw = b""
        self.step(self.tls.do_handshake)

    def step(self, what):
        while True:
            try:
                result = what()
                self.sock.sendall(self.outgoing.read())
                return result
            except ssl.SSLWantReadError:
                self.sock.sendall(self.outgoing.read())
                more = self.sock.recv(1 << 16)
                assert more
                self.raw += more
                self.incoming.write(more)

    def records(self):
        count, at = 0, 0
        while at + 5 <= len(self.raw):
            at += 5 + struct.unpack(">H", self.raw[at + 3:at + 5])[0]
            count += 1
        return count


def test_replies_are_gathered_into_records(preferred, certs):
    peer = Records(preferred.address, client_context(certs))
    peer.step(lambda: peer.tls.write(command("PING")))
    assert peer.step(lambda: peer.tls.read(100)) == b"+PONG\r\n"
    peer.raw = b""
    peer.step(lambda: peer.tls.write(command("PING") * 500))
    got = b""
    while len(got) < 500 * 7:
        got += peer.step(lambda: peer.tls.read(1 << 16))
    assert peer.records() == 1
    peer.sock.close()


@pytest.mark.parametrize("versions", [V12, V13], ids=["1.2", "1.3"])
def test_sessions_resume_unless_that_is_off(preferred, certs, versions):
    def reused():
        context = client_context(certs, versions=versions)
        with Tls(preferred.address, certs, context=context) as first:
            first.call("PING")
            session = first.sock.session
        with Tls(preferred.address, certs, context=context, session=session) as second:
            second.call("PING")
            return second.sock.session_reused

    with preferred.conn() as conn:
        assert reused()
        assert conn.call("CONFIG", "SET", "tls-session-caching", "no") == b"OK"
        assert not reused()
        assert conn.call("CONFIG", "SET", "tls-session-caching", "yes") == b"OK"


def serial(conn):
    return conn.sock.getpeercert()["serialNumber"]


def test_certificates_change_under_open_connections(own_engine, certs):
    server = own_engine(larder_tls_mode="preferred", **certs.directives())
    with server.conn() as admin, Tls(server.address, certs) as old:
        assert admin.call("CONFIG", "SET", "tls-cert-file", certs.cert("next"), "tls-key-file",
                          certs.key("next")) == b"OK"
        with Tls(server.address, certs) as new:
            assert serial(new) != serial(old)
            assert (new.call("PING"), old.call("PING")) == (b"PONG", b"PONG")


def test_a_pair_that_does_not_fit_is_refused_and_the_old_one_stays(own_engine, certs):
    server = own_engine(larder_tls_mode="preferred", **certs.directives())
    with server.conn() as admin, Tls(server.address, certs) as old:
        for name, value in [("tls-cert-file", certs.cert("next")), ("tls-key-file", certs.key("next")),
                            ("tls-cert-file", "/nonexistent"), ("tls-ca-cert-file", certs.key("next")),
                            ("tls-ciphers", "nonsense"), ("tls-protocols", "SSLv3")]:
            before = admin.call("CONFIG", "GET", name)
            assert admin.call("CONFIG", "SET", "maxmemory-samples", "7", name, value) == Error(
                "ERR CONFIG SET failed (possibly related to argument '%s') - Unable to update TLS configuration. "
                "Check server logs." % name)
            assert admin.call("CONFIG", "GET", name) == before
            assert admin.call("CONFIG", "GET", "maxmemory-samples")[1] == b"5"
        with Tls(server.address, certs) as new:
            assert serial(new) == serial(old)
    assert "key values mismatch" in server.output()


def test_the_same_name_read_again_brings_what_is_in_the_file_now(own_engine, certs, tmp_path):
    def put(name):
        (tmp_path / "c").write_bytes(open(certs.cert(name), "rb").read())
        (tmp_path / "k").write_bytes(open(certs.key(name), "rb").read())

    put("server")
    server = own_engine(larder_tls_mode="preferred", **{
        **certs.directives(), "tls_cert_file": tmp_path / "c", "tls_key_file": tmp_path / "k"})
    with server.conn() as admin, Tls(server.address, certs) as old:
        put("next")
        assert admin.call("CONFIG", "SET", "tls-cert-file", tmp_path / "c") == b"OK"
        with Tls(server.address, certs) as new:
            assert serial(new) != serial(old)


def test_modes_change_while_it_runs(own_engine, certs):
    server = own_engine(**certs.directives())
    with server.conn() as plain:
        assert refuses(server, certs, timeout=0.5)
        assert plain.call("CONFIG", "SET", "larder-tls-mode", "preferred") == b"OK"
        assert not refuses(server, certs)
        assert plain.call("CONFIG", "SET", "larder-tls-mode", "required") == b"OK"
        assert not refuses(server, certs)
        with server.conn() as late:
            late.send(command("PING"))
            assert late.read_to_close() == b"-ERR this port takes TLS connections only\r\n"
        assert plain.call("CONFIG", "SET", "larder-tls-mode", "off") == b"OK"
        assert refuses(server, certs, timeout=0.5)
        with server.conn() as late:
            assert late.call("PING") == b"PONG"


def test_a_port_of_its_own_takes_tls_alone(own_engine, certs):
    server, address = open_beside(own_engine, certs)
    with Tls(address, certs) as sealed, Conn(address) as plain:
        assert sealed.call("PING") == b"PONG"
        plain.send(command("PING"))
        assert plain.read_to_close() == b""
    assert refuses(server, certs, timeout=0.5)
    with server.conn() as plain:
        assert plain.call("PING") == b"PONG"


def test_ports_change_while_it_runs(own_engine, certs):
    server = own_engine(**certs.directives())
    other = ("127.0.0.1", servers.free_port())
    with server.conn() as admin:
        assert admin.call("CONFIG", "SET", "port", other[1]) == b"OK"
        with pytest.raises(OSError):
            server.conn()
        with Conn(other) as conn:
            assert conn.call("PING") == b"PONG"
        assert admin.call("CONFIG", "SET", "port", server.port, "tls-port", other[1]) == b"OK"
        with server.conn() as conn, Tls(other, certs) as sealed:
            assert (conn.call("PING"), sealed.call("PING")) == (b"PONG", b"PONG")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            assert admin.call("CONFIG", "SET", "tls-port", taken.getsockname()[1]) == Error(
                "ERR CONFIG SET failed (possibly related to argument 'tls-port') - Unable to listen on this port. "
                "Check server logs.")
        with server.conn() as conn, Tls(other, certs) as sealed:
            assert (conn.call("PING"), sealed.call("PING")) == (b"PONG", b"PONG")


def test_redis_cli_speaks_it(preferred, certs):
    got = subprocess.run(["redis-cli", "-p", str(preferred.port), "--tls", "--cacert", certs.cert("ca"), "ping"],
                         capture_output=True, timeout=20)
    assert got.stdout == b"PONG\n"


@pytest.mark.parametrize("mode", ["preferred", "required"])
def test_memcached_clients_too(own_engine, certs, mode):
    server = own_engine(larder_protocol="memcached", larder_tls_mode=mode, **certs.directives())
    with Tls(server.address, certs) as sealed, server.conn() as plain:
        sealed.send(b"set k 0 0 5\r\nhello\r\nget k\r\n")
        assert [sealed.read_line() for _ in range(4)] == [b"STORED\r\n", b"VALUE k 0 5\r\n", b"hello\r\n", b"END\r\n"]
        plain.send(b"get k\r\n")
        if mode == "preferred":
            assert plain.read_line() == b"VALUE k 0 5\r\n"
        else:
            assert plain.read_to_close() == b"SERVER_ERROR this port takes TLS connections only\r\n"


# ---- who may come ----

def test_clients_must_show_certificates_where_that_is_asked_for(own_engine, certs):
    certs.authority("other-ca")
    certs.issue("stranger", ca="other-ca")
    server = own_engine(larder_tls_mode="preferred", **certs.directives(tls_auth_clients="yes"))
    with server.conn() as admin:
        assert refuses(server, certs)
        assert refuses(server, certs, name="stranger")
        assert not refuses(server, certs, name="alice")
        admin.call("CONFIG", "SET", "tls-auth-clients", "optional")
        assert not refuses(server, certs)
        assert refuses(server, certs, name="stranger")
        assert not refuses(server, certs, name="alice")
        admin.call("CONFIG", "SET", "tls-auth-clients", "no")
        assert not refuses(server, certs, name="stranger")


def test_a_certificate_may_name_its_user(own_engine, certs):
    server = own_engine(larder_tls_mode="preferred", requirepass="secret",
                        **certs.directives(tls_auth_clients="optional", tls_auth_clients_user="CN"))
    with server.conn() as admin:
        admin.call("AUTH", "secret")
        admin.call("ACL", "SETUSER", "alice", "on", "+@all", "~*")
        admin.call("ACL", "SETUSER", "mallory", "off", "+@all", "~*")
    with Tls(server.address, certs, name="alice") as conn:
        assert conn.call("ACL", "WHOAMI") == b"alice"
    for name in ("mallory", "next", None):
        with Tls(server.address, certs, name=name) as conn:
            assert conn.call("ACL", "WHOAMI").startswith("NOAUTH")


def test_versions_and_ciphers_are_as_the_rules_say(own_engine, certs):
    server = own_engine(larder_tls_mode="preferred", **certs.directives(
        tls_protocols="TLSv1.2", tls_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
        tls_prefer_server_ciphers="yes"))
    assert refuses(server, certs, versions=V13)
    mine = client_context(certs, ciphers="ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256")
    with Tls(server.address, certs, context=mine) as conn:
        assert conn.sock.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"
    other = client_context(certs, ciphers="ECDHE-ECDSA-CHACHA20-POLY1305")
    assert refuses(server, certs, context=other, versions=None)
    with server.conn() as admin:
        admin.call("CONFIG", "SET", "tls-protocols", "TLSv1.3", "tls-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")
    assert refuses(server, certs, versions=V12)
    with Tls(server.address, certs) as conn:
        assert conn.sock.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"


def test_an_engine_that_cannot_serve_tls_does_not_start(certs):
    for options, why in [({"larder_tls_mode": "required"}, "No tls-cert-file configured!"),
                         ({"larder_tls_mode": "required", **certs.directives(), "tls_key_file": certs.key("next")},
                          "key values mismatch")]:
        argv = [servers.engine_path(), "--port", "0", "--unixsocket", certs.path("s")] + servers.directives(options)
        got = subprocess.run([str(a) for a in argv], capture_output=True, timeout=20)
        assert got.returncode == 1 and why in got.stderr.decode()


# ---- who misbehaves ----

GARBAGE = [b"\x16", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x16" * 70000,
           b"\x16\x03\x01\x00\x05HELLO", b"\x16\x03\x03\xff\xff" + bytes(66000), b"\x17\x03\x03\x00\x05hello"]


@pytest.mark.parametrize("garbage", GARBAGE, ids=[repr(g[:12]) for g in GARBAGE])
def test_garbage_ends_its_own_connection_alone(preferred, certs, garbage):
    with preferred.conn() as plain, Tls(preferred.address, certs) as sealed:
        with preferred.conn() as bad:
            try:
                bad.send(garbage)
                bad.sock.shutdown(socket.SHUT_WR)
                bad.read_to_close()
            except OSError:
                pass
        assert (plain.call("PING"), sealed.call("PING")) == (b"PONG", b"PONG")


def test_whoever_is_slow_to_shake_hands_is_let_go(own_engine, certs):
    server, address = open_beside(own_engine, certs, larder_tls_mode="preferred", larder_tls_handshake_timeout="1")
    with server.conn() as plain, server.conn() as half, Conn(address) as silent:
        half.send(b"\x16\x03\x01")
        begun = time.monotonic()
        assert half.read_to_close() == b""
        assert silent.read_to_close() == b""
        assert time.monotonic() - begun < 10
        assert plain.call("PING") == b"PONG"  # of one that is plain no haste is asked
        servers.wait_for(lambda: plain.call("CLIENT", "LIST").count(b"\n") == 1, "the slow ones are gone")


def test_one_that_shakes_hands_can_be_killed(preferred):
    with preferred.conn() as half, preferred.conn() as killer:
        half.send(b"\x16\x03\x01")
        address = "%s:%d" % half.sock.getsockname()
        servers.wait_for(lambda: killer.call("CLIENT", "KILL", "ADDR", address) == 1, "it is a client")
        assert half.read_to_close() == b""


def test_records_that_were_changed_end_the_connection(preferred, certs):
    peer = Records(preferred.address, client_context(certs))
    peer.tls.write(command("SET", "k", "v"))
    sealed = bytearray(peer.outgoing.read())
    sealed[-1] ^= 1
    peer.sock.sendall(bytes(sealed))
    with pytest.raises((ssl.SSLError, AssertionError, OSError)):
        peer.step(lambda: peer.tls.read(100))
    peer.sock.close()
    with preferred.conn() as conn:
        assert conn.call("EXISTS", "k") == 0


def test_an_end_without_a_goodbye_is_an_end(preferred, certs):
    conn = Tls(preferred.address, certs)
    conn.call("PING")
    conn.send(command("SET", "k", "v"))
    socket.socket(fileno=conn.sock.detach()).close()
    with preferred.conn() as plain:
        servers.wait_for(lambda: plain.call("CLIENT", "LIST").count(b"\n") == 1, "it is gone")
        assert plain.call("GET", "k") == b"v"


def test_maxclients_counts_those_that_shake_hands(own_engine, certs):
    server = own_engine(larder_tls_mode="preferred", maxclients="3", **certs.directives())
    with server.conn() as a:
        servers.wait_for(lambda: a.call("CLIENT", "LIST").count(b"\n") == 1, "the first probe is gone")
        b, c = server.conn(), server.conn()
        b.send(b"\x16\x03")
        c.send(b"\x16\x03")
        servers.wait_for(lambda: b"connected_clients:3" in a.call("INFO", "clients"), "three are there")
        assert refuses(server, certs)
        b.close()
        c.close()


def test_counters_and_memory_come_back(own_engine, certs):
    server = own_engine(larder_tls_mode="preferred", **certs.directives())
    with server.conn() as admin:
        def used():
            return int(admin.call("INFO", "memory").split(b"used_memory:")[1].split(b"\r")[0])

        admin.call("PING")
        before = used()
        peers = [Tls(server.address, certs) for _ in range(20)]
        for peer in peers:
            peer.call("PING")
        assert used() - before > 20 * 10000
        for peer in peers:
            peer.close()
        servers.wait_for(lambda: admin.call("CLIENT", "LIST").count(b"\n") == 1, "all are gone")
        assert used() == before
        assert b"tls_handshakes:20\r" in admin.call("INFO", "stats")
