"""What administers a memcached: its command line, lru_crawler, slabs, lru, stats detail, logins by text, shutdown."""

import os
import re
import subprocess

import pytest
import servers
from conftest import must_live
from servers import talk


@pytest.fixture(scope="module")
def memcached():
    with servers.memcached("-m", "128", "-o", "no_lru_maintainer,no_slab_reassign") as server:
        yield server


@pytest.fixture(scope="module")
def mc():
    with started("-m", "128") as server:
        yield server
        must_live(server)


def started(*flags):
    """The engine by memcached's options."""
    user = ["-u", "root"] if os.getuid() == 0 else []
    return servers.Server(lambda s: [servers.engine_path(), "--memcached", "-p", s.port, "-U", 0, "-l", "127.0.0.1", "-t", 1] + user +
                          list(flags), "larder-engine", ready="Ready to accept connections")


CASES = {
    "slabs": b"slabs\r\nslabs reassign\r\nslabs reassign 1 2\r\nslabs reassign x y\r\nslabs automove\r\nslabs automove 1\r\n"
             b"slabs automove 3\r\nslabs automove x\r\nslabs automove ratio\r\nslabs automove ratio 0.5\r\nslabs automove ratio x\r\n"
             b"slabs automove 0 noreply\r\nslabs nosuch\r\nslabs nosuch 1\r\n",
    "lru": b"lru\r\nlru tune\r\nlru tune 10 25 0.1 2.0\r\nlru tune 50 50 0.1 2.0\r\nlru tune 10 10 0 1\r\nlru tune x 1 1 1\r\n"
           b"lru mode flat\r\nlru mode segmented\r\nlru temp_ttl 5\r\nlru nosuch 1\r\nlru tune 10 25 0.1 2.0 noreply\r\n",
    "lru_crawler": b"lru_crawler\r\nlru_crawler nosuch\r\nlru_crawler enable\r\nlru_crawler sleep 100\r\nlru_crawler sleep x\r\n"
                   b"lru_crawler sleep 1000001\r\nlru_crawler tocrawl 5\r\nlru_crawler tocrawl x\r\nlru_crawler crawl\r\n"
                   b"lru_crawler crawl x\r\nlru_crawler crawl 0\r\nlru_crawler crawl 64\r\nlru_crawler metadump\r\n"
                   b"lru_crawler crawl 1 2\r\nlru_crawler nosuch 1\r\n",
    "a dump behind something": b"set a 0 0 1\r\nx\r\nmg none v\r\nlru_crawler metadump all\r\nversion\r\n",
    "detail": b"stats detail\r\nstats detail nosuch\r\nstats detail dump\r\nstats detail on\r\nset p:1 0 0 1\r\nx\r\nget p:1 p:2\r\n"
              b"gat 0 p:1\r\nmg p:1\r\nmg p:3\r\ndelete p:1\r\nmd p:4\r\nget nothing\r\nset p:\r\nstats detail dump\r\n"
              b"stats detail off\r\nget p:1\r\nstats detail dump\r\nstats reset\r\nstats detail dump\r\n",
    "cachedump": b"stats cachedump\r\nstats cachedump 1\r\nstats cachedump x 1\r\nstats cachedump 64 1\r\nflush_all\r\n"
                 b"set a 0 0 2\r\nxy\r\nstats cachedump 1 0\r\nstats cachedump 1 1\r\nstats cachedump 3 0\r\n",
    "shutdown that is off": b"shutdown\r\nshutdown graceful\r\nshutdown nosuch\r\n",
    "debugtime that is off": b"debugtime p\r\n",
    "what a browser says": b"GET / HTTP/1.1\r\nversion\r\n",
    "refresh_certs without TLS": b"refresh_certs\r\n",
}


@pytest.mark.parametrize("name", CASES)
def test_it_answers_as_memcached(mc, memcached, name):
    assert talk(mc, CASES[name]) == talk(memcached, CASES[name])


def test_a_crawler_that_is_off_crawls_for_nobody(mc):
    data = b"lru_crawler disable\r\nlru_crawler crawl all\r\nlru_crawler metadump all\r\nlru_crawler enable\r\n"
    assert talk(mc, data) == b"OK\r\n" + b"CLIENT_ERROR lru crawler disabled\r\n" * 2 + b"OK\r\n"


def metadump(server):
    """The keys with what is told of them; a use and a cas are the server's own."""
    with server.conn() as conn:
        conn.send(b"lru_crawler metadump all\r\n")
        lines = []
        while not lines or not lines[-1].startswith(b"END"):
            lines.append(conn.read_line())
        return sorted(re.sub(rb" la=\d+| cas=\d+| cls=\d+", b"", line) for line in lines)


def test_a_dump_shows_every_key_as_memcached_does(mc, memcached):
    items = b"flush_all\r\n" + b"".join(
        b"set k%d %d %d %d\r\n%s\r\n" % (i, i % 2 * 7, 2000000000 * (i % 3 == 0), i, b"x" * i) for i in range(50))
    items += b"set %25#\xff~ 0 0 1\r\nx\r\nget k1 k2\r\n"
    for server in (mc, memcached):
        talk(server, items)
        talk(server, b"gets " + b" ".join(b"k%d" % i for i in range(3, 9)) + b"\r\n")
    ours, theirs = metadump(mc), metadump(memcached)
    # A cas is given out when it is asked for: sizes are told as memcached counts them.
    assert ours == theirs


def test_a_dump_of_many_keys_comes_in_pieces_and_holds_up_nobody(own_memcached):
    server = own_memcached("-m", "256")
    count = 30000
    with server.conn() as conn:
        conn.send(b"".join(b"set key%06d 0 0 1 noreply\r\nx\r\n" % i for i in range(count)) + b"version\r\n")
        conn.read_line()
    with server.conn() as dumping:
        dumping.send(b"lru_crawler metadump all\r\nversion\r\n")
        assert talk(server, b"get key000001\r\n").startswith(b"VALUE")
        data = b""
        while not data.endswith(b"VERSION 1.6.18\r\n"):
            data += dumping.sock.recv(1 << 20)
    assert len(set(re.findall(rb"^key=(\S+) ", data, re.M))) == count
    assert data.endswith(b"\nEND\r\nVERSION 1.6.18\r\n")


@pytest.fixture
def own_memcached():
    running = []

    def start(*flags):
        running.append(started(*flags))
        return running[-1]
    yield start
    for server in running:
        server.stop()


def test_a_dump_can_be_forbidden(own_memcached):
    assert talk(own_memcached("-X"), b"lru_crawler metadump all\r\n") == b"ERROR metadump not allowed\r\n"


def test_its_options_are_memcacheds(own_memcached):
    server = own_memcached("-m", "100", "-c", "50", "-I", "2m", "-C", "-F", "-A", "-D", "|", "-b", "77", "-vv", "-B", "ascii", "-M",
                           "-o", "idle_timeout=30,modern,hash_algorithm=murmur3")
    reply = talk(server, b"stats settings\r\n")
    found = dict(re.findall(rb"STAT (\S+) (.*)\r\n", reply))
    wanted = {"maxbytes": 100 << 20, "maxconns": 50, "item_size_max": 2 << 20, "cas_enabled": "no", "flush_enabled": "no",
              "shutdown_command": "yes", "stat_key_prefix": "|", "detail_enabled": "yes", "tcp_backlog": 77, "verbosity": 2,
              "binding_protocol": "ascii", "evictions": "off", "idle_timeout": 30, "tcpport": server.port}
    assert {name: found[name.encode()].decode() for name in wanted} == {name: str(value) for name, value in wanted.items()}


@pytest.mark.parametrize("flags", (["-B", "http"], ["-c", "0"], ["-t", "0"], ["-R", "0"], ["-I", "1000"], ["-I", "40m"], ["-o", "nosuch"],
                                   ["-o", "ext_path=/tmp/x:64m"], ["-e", "/tmp/x"], ["-S", "-B", "ascii"], ["-S"], ["-m", "x"]))
def test_what_it_cannot_do_it_does_not_begin(flags):
    user = ["-u", "root"] if os.getuid() == 0 else []
    done = subprocess.run([servers.engine_path(), "--memcached", "-p", "0", *user, *flags], capture_output=True, timeout=60)
    assert done.returncode != 0 and done.stderr


def test_it_says_what_it_is():
    for flag, said in (("-V", b"memcached 1.6.18\n"), ("-h", b"--unix-socket")):
        done = subprocess.run([servers.engine_path(), "--memcached", flag], capture_output=True, timeout=60)
        assert done.returncode == 0 and said in done.stdout


def test_shutdown_ends_it_where_that_is_allowed(own_memcached):
    server = own_memcached("-A")
    assert talk(server, b"shutdown nosuch\r\n") == b"CLIENT_ERROR invalid shutdown mode\r\n"
    assert talk(server, b"shutdown\r\n") == b""
    assert server.proc.wait(timeout=60) == 0


# ---- logins by the text protocol ----------------------------------------------------------------

# Each is sent when the one before was answered: of several that it refuses memcached answers the last alone.
LOGINS = (b"get a\r\n", b"version\r\n", b"set\r\n", b"\r\n", b"set x 0 0 y\r\n", b"set x 0 7\r\n", b"set x 0 0 7\r\nfoo baz\r\n",
          b"set x 0 0 3\r\nfoo\r\n", b"set x 0 0 7\r\nfoo bar..", b"version\r\n", b"set x 0 0 8\r\nfoo  bar\r\n", b"set a 0 0 1\r\nx\r\n",
          b"get b\r\n", b"set x 0 0 7\r\nfoo baz\r\n")


def test_logins_are_answered_as_by_memcached(own_memcached, tmp_path):
    users = tmp_path / "users"
    users.write_text("foo:bar\nbaaaz:quux\n")
    ours = own_memcached("-Y", str(users))
    with servers.memcached("-Y", str(users)) as theirs:
        with ours.conn() as a, theirs.conn() as b:
            for request in LOGINS:
                a.send(request)
                b.send(request)
                assert a.read_line() == b.read_line(), request
    # What comes with the login in one read is taken by who is logged in.
    data = b"get a\r\nset x 0 0 7\r\nfoo bar\r\n" + b"set a 0 0 1\r\nx\r\n" * 50 + b"get a\r\n"
    assert talk(ours, data) == b"CLIENT_ERROR unauthenticated\r\n" + b"STORED\r\n" * 51 + b"VALUE a 0 1\r\nx\r\nEND\r\n"


# ---- watch --------------------------------------------------------------------------------------

def told(line):
    """Without what is the server's own: times, numbers of events, descriptors, which class, which port."""
    line = re.sub(rb"^ts=\d+\.\d+ gid=\d+ ", b"", line)
    line = re.sub(rb"clsid=[1-9]\d*", b"clsid=1", line)
    return re.sub(rb"(cfd|rport)=[1-9]\d*", rb"\1=1", line)


def watching(server, kinds):
    conn = server.conn()
    conn.send(b"watch" + kinds + b"\r\n")
    assert conn.read_line() == b"OK\r\n"
    return conn


def heard(conn, server, last):
    """What a watcher hears until the event that `last` makes."""
    talk(server, last)
    lines = []
    while b"key=last" not in (lines[-1] if lines else b""):
        lines.append(told(conn.read_line()))
    return lines


WATCHED = (b"get a b\r\nset a 5 0 3\r\nabc\r\nget a\r\nadd a 0 0 1\r\nx\r\nadd b/% 0 0 1\r\nx\r\nreplace none 0 0 1\r\nx\r\nappend a 0 0 2\r\nde\r\n"
           b"gets a\r\ncas a 0 0 1 0\r\nx\r\ncas none 0 0 1 7\r\nx\r\nincr a 1\r\nset n 0 0 1\r\n5\r\nincr n 1\r\ntouch a 0\r\ngat 0 a none\r\n"
           b"delete a\r\ndelete a\r\nset big 0 0 2000000\r\n" + b"x" * 2000000 + b"\r\nmg n v\r\nmg none\r\nmd none\r\nms m 1\r\nx\r\nprepend n 0 0 1\r\n1\r\n")


@pytest.mark.parametrize("kinds", (b"", b" fetchers", b" mutations"))
def test_watchers_hear_what_memcacheds_hear(mc, memcached, kinds):
    found = []
    for server in (mc, memcached):
        talk(server, b"flush_all\r\n")
        with watching(server, kinds) as conn:
            # memcached's workers hear of a new watcher a moment later: what nobody else asks for is asked for until it is told.
            while b"key=first" not in told_once(conn, server, b"set first 0 0 1\r\nx\r\n"):
                pass
            talk(server, WATCHED)
            found.append([line for line in heard(conn, server, b"set last 0 0 1\r\nx\r\n") if b"key=first" not in line])
    assert found[0] == found[1]


def told_once(conn, server, request):
    talk(server, request)
    conn.sock.settimeout(1)
    try:
        return conn.read_line()
    except TimeoutError:
        return b""
    finally:
        conn.sock.settimeout(60)


def test_watchers_hear_of_evictions(own_memcached):
    server = own_memcached("-m", "8")
    with watching(server, b" evictions") as conn:
        talk(server, b"".join(b"set key%d 0 0 10000 noreply\r\n%s\r\n" % (i, b"x" * 10000) for i in range(1500)))
        line = conn.read_line()
    assert re.fullmatch(rb"type=eviction key=key\d+ fetch=no ttl=-1 la=\d+ clsid=1 size=10000\n", told(line))


def test_watchers_hear_who_comes_and_goes(mc, memcached):
    found = []
    for server in (mc, memcached):
        with watching(server, b" connevents") as conn:
            for request in (b"quit\r\n", b"GET / HTTP/1.1\r\n"):
                with server.conn() as other:
                    other.send(request)
                    assert other.read_to_close() == b""
            found.append([told(conn.read_line()) for _ in range(4)])
    assert found[0] == found[1]


def test_watch_has_its_bounds(mc, memcached, own_memcached):
    for data in (b"watch nosuch\r\n", b"version\r\nwatch\r\n", b"watch fetchers nosuch noreply\r\nversion\r\n"):
        assert talk(mc, data) == talk(memcached, data)
    held = [watching(mc, b"") for _ in range(20)]
    assert talk(mc, b"watch\r\n") == b"WATCHER_TOO_MANY log watcher limit reached\r\n"
    for conn in held:
        conn.close()
    servers.wait_for(lambda: b"STAT log_watchers 0\r\n" in talk(mc, b"stats\r\n"), "the watchers are forgotten")
    assert talk(own_memcached("-W"), b"watch\r\n") == b"CLIENT_ERROR watch commands not allowed\r\n"
