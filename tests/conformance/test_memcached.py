"""The memcached text protocol answers as memcached 1.6.18 answers, byte for byte."""

import random
import re
import socket
import time

import pytest
import servers
from conftest import must_live
from wire import Closed

LONG = b"k" * 251
SEQUENCES, LENGTH = 60, 120


@pytest.fixture(scope="module")
def memcached():
    # no_modern, as ElastiCache runs it: otherwise its LRU thread may hold an item while incr changes it,
    # which then loses its padding.
    with servers.memcached("-m", "512", "-o", "no_modern,maxconns_fast") as server:
        yield server


@pytest.fixture(scope="module")
def shared_mc():
    shared = servers.Shared(lambda: servers.engine(larder_protocol="memcached"))
    yield shared
    shared.stop()


@pytest.fixture
def mc(shared_mc):
    server = shared_mc.get()
    talk(server, b"flush_all\r\n")
    yield server
    must_live(server)


def talk(server, data):
    """Sends the bytes, closes the sending side, and returns all that comes back."""
    with server.conn() as conn:
        conn.send(data)
        conn.sock.shutdown(socket.SHUT_WR)
        return conn.read_to_close()


END = re.compile(rb"(?:END|STORED|NOT_STORED|EXISTS|NOT_FOUND|DELETED|TOUCHED|OK|RESET|\d+|[A-Z_]*ERROR[^\r]*|"
                 rb"VERSION [^\r]*|MEMLIMIT[^\r]*)\r\n\Z")


def without_cas(reply):
    """Cas numbers are the server's own: only which of them are alike counts."""
    names = {}

    def rename(match):
        return match.group(1) + b" cas%d" % names.setdefault(match.group(2), len(names)) + b"\r\n"
    return re.sub(rb"(VALUE \S+ \d+ \d+) (\d+)\r\n", rename, reply)


# Written by hand: each is sent on its own connection to both, on an empty cache -----------------------

CASES = {
    "set and get": b"set k 5 0 3\r\nabc\r\nget k\r\n",
    "noreply": b"set k 5 0 3 noreply\r\nabc\r\nappend k 0 0 1 noreply\r\nd\r\nget k\r\n",
    "data too long": b"set k 5 0 3\r\nabcde\r\nget k\r\n",
    "data too long, noreply": b"set k 5 0 3 noreply\r\nabcde\r\nget k\r\n",
    "data too short": b"set k 5 0 5\r\nabc\r\nget k\r\n\r\n",
    "flags negative": b"set k -1 0 3\r\nabc\r\nget k\r\n",
    "flags largest": b"set k 4294967295 0 3\r\nabc\r\nget k\r\n",
    "flags beyond 32 bits": b"set k 4294967301 0 3\r\nabc\r\nget k\r\n",
    "flags beyond 64 bits": b"set k 99999999999999999999 0 3\r\nabc\r\nget k\r\n",
    "flags no number": b"set k x 0 3\r\nabc\r\nget k\r\n",
    "flags with a plus": b"set k +7 0 3\r\nabc\r\nget k\r\n",
    "flags with a tab": b"set k 7\t9 0 3\r\nabc\r\nget k\r\n",
    "exptime no number": b"set k 0 x 3\r\nabc\r\nget k\r\n",
    "length no number": b"set k 0 0 x\r\nabc\r\nget k\r\n",
    "length negative": b"set k 0 0 -1\r\nabc\r\nget k\r\n",
    "length wraps around": b"set k 0 0 4294967299\r\nabc\r\nget k\r\n",
    "length largest": b"set k 0 0 2147483647\r\nabc\r\nget k\r\n",
    "length no number, noreply": b"set k 0 0 x noreply\r\nabc\r\nget k\r\n",
    "too few words": b"set k 0 0\r\nabc\r\n",
    "too many words": b"set k 0 0 3 4 5\r\nabc\r\n",
    "an odd sixth word": b"set k 0 0 3 other\r\nabc\r\nget k\r\n",
    "empty value": b"set k 0 0 0\r\n\r\nget k\r\nincr k 1\r\n",
    "key of 250": b"set " + LONG[:250] + b" 0 0 3\r\nabc\r\nget " + LONG[:250] + b"\r\n",
    "key of 251 in set": b"set " + LONG + b" 0 0 3\r\nabc\r\nget k\r\n",
    "key of 251 in get": b"get a " + LONG + b" a\r\n",
    "key of 251 in delete": b"delete " + LONG + b"\r\n",
    "key of 251 in incr": b"incr " + LONG + b" 1\r\n",
    "key of 251 in touch": b"touch " + LONG + b" 1\r\n",
    "key of 251 in gat": b"gat 0 " + LONG + b"\r\n",
    "key with odd bytes": b"set \x01\xff\x7f 0 0 1\r\na\r\nget \x01\xff\x7f\r\n",
    "key with NUL": b"set k\x00x 0 0 1\r\na\r\nget k\x00x\r\n",
    "get nothing": b"get\r\n",
    "get spaces": b"set a 0 0 1\r\nx\r\nget  a   a \r\n  get a\r\n",
    "get of 30": b"set a 0 0 1\r\nx\r\nget" + b" a" * 30 + b"\r\n",
    "get of 3000": b"set a 0 0 1\r\nx\r\nget" + b" a" * 3000 + b"\r\n",
    "LF alone": b"set a 0 0 1\nx\r\nget a\n",
    "empty lines": b"\r\n\n \r\na\r\n",
    "unknown": b"nosuch\r\nGET a\r\nnosuch noreply\r\nge a\r\nset\r\n",
    "gat": b"gat\r\ngat 100\r\ngat x a\r\ngat noreply\r\nset a 3 0 1\r\nx\r\ngat 100 a b a\r\ngats 0 a\r\n",
    "gat at once": b"set a 3 0 1\r\nx\r\ngat -1 a\r\nget a\r\n",
    "add replace": b"add z 0 0 1\r\na\r\nadd z 0 0 1\r\nb\r\nreplace z 3 0 1\r\nc\r\nget z\r\nreplace y 0 0 1\r\na\r\n",
    "append prepend": b"append z 0 0 1\r\na\r\nprepend z 0 0 1\r\na\r\nset z 3 0 1\r\nc\r\nappend z 9 9 2\r\nde\r\n"
                      b"prepend z 1 1 1\r\nx\r\nget z\r\n",
    "append to a number": b"set n 0 0 2\r\n12\r\nappend n 0 0 1\r\n3\r\nget n\r\nincr n 1\r\nprepend n 0 0 1\r\n9\r\nget n\r\n",
    "cas without gets": b"set z 0 0 1\r\na\r\ncas z 0 0 1 0\r\na\r\ncas none 0 0 1 1\r\na\r\n",
    "cas badly": b"cas z 0 0 1 x\r\na\r\ncas z 0 0 1\r\na\r\ncas z 0 0 1 1 noreply x\r\na\r\n",
    "delete": b"delete a\r\nset a 0 0 1\r\nx\r\ndelete a\r\ndelete a 0\r\ndelete a 1\r\ndelete a 0 x\r\ndelete a 0 0 0\r\n"
              b"delete\r\ndelete a noreply\r\ndelete a 0 noreply\r\ndelete a 1 noreply\r\ndelete noreply\r\n",
    "incr decr": b"incr a 1\r\nset a 7 0 2\r\n10\r\nincr a 5\r\ndecr a 100\r\nget a\r\nincr a 18446744073709551615\r\n"
                 b"incr a 1\r\nget a\r\n",
    "decr keeps the length": b"set a 0 0 2\r\n10\r\ndecr a 1\r\nget a\r\nincr a 1\r\nget a\r\nincr a 1000\r\nget a\r\n",
    "incr of words": b"set a 0 0 3\r\nabc\r\nincr a 1\r\nincr a x\r\nincr a -1\r\nincr a 18446744073709551616\r\nincr a\r\n"
                     b"incr a 1 x\r\nincr a 1 noreply\r\nincr a x noreply\r\nincr a noreply\r\n",
    "incr of odd numbers": b"".join(b"set a 0 0 %d\r\n%s\r\nincr a 1\r\nget a\r\n" % (len(v), v) for v in (
        b" 5", b"12 ab", b"-1", b"+1", b"18446744073709551615", b"18446744073709551616", b"0" * 20 + b"1", b"9" * 30,
        b"0x10", b"1.5", b"5\t", b"5\x00", b"-0", b"--1", b"9223372036854775807", b"007")),
    "touch": b"set z 0 0 1\r\na\r\ntouch z 0\r\ntouch none 0\r\ntouch z x\r\ntouch z\r\ntouch z 0 noreply\r\n"
             b"touch z 0 x\r\ntouch z noreply\r\nget z\r\ntouch z -1\r\nget z\r\n",
    "exptimes": b"set e 0 -1 1\r\na\r\nset f 0 2592001 1\r\na\r\nset g 0 2592000 1\r\na\r\nset h 0 2147483647 1\r\na\r\n"
                b"set i 0 4294967295 1\r\na\r\nset j 0 4102444800 1\r\na\r\nget e f g h i j\r\nadd e 0 0 1\r\nb\r\nget e\r\n",
    "flush_all": b"set a 0 0 1\r\na\r\nflush_all\r\nget a\r\nset a 0 0 1\r\na\r\nflush_all 0\r\nget a\r\nflush_all noreply\r\n"
                 b"flush_all -1\r\nflush_all x\r\nflush_all 0 2\r\nflush_all 1 2 3\r\nflush_all x noreply\r\n",
    "version": b"version\r\nversion x\r\n",
    "verbosity": b"verbosity\r\nverbosity 0\r\nverbosity x\r\nverbosity 0 noreply\r\nverbosity noreply\r\nverbosity 0 2\r\n"
                 b"verbosity 0 0 0\r\n",
    "quit": b"set a 0 0 1\r\nx\r\nquit\r\nget a\r\n",
    "quit with words": b"quit x\r\nversion\r\n",
    "shutdown": b"shutdown\r\nmisbehave\r\n",
    "stats of no kind": b"stats nosuch\r\nstats reset\r\nstats sizes\r\n",
    "cache_memlimit": b"cache_memlimit\r\ncache_memlimit x\r\ncache_memlimit 1\r\ncache_memlimit 2000000000\r\n",
    "a long line": b"set a 0 0 " + b"1" * 2050 + b"\r\nversion\r\n",
    "a long line without an end": b"x" * 2100,
    "a value of words": b"set k 0 0 15\r\nget k\r\nset a 0 \r\nget k\r\n",
    "set and nothing more": b"set k 0 0 3\r\n",
    "half a line": b"get k",
    "too large": b"set k 0 0 3\r\nabc\r\nset k 0 0 1048576\r\n" + b"x" * 1048576 + b"\r\nget k\r\n",
    "too large to add": b"set k 0 0 3\r\nabc\r\nadd k 0 0 1048576\r\n" + b"x" * 1048576 + b"\r\nget k\r\n",
    "too large, noreply": b"set k 0 0 3\r\nabc\r\nset k 0 0 1048576 noreply\r\n" + b"x" * 1048576 + b"\r\nget k\r\n",
    "too large to append": b"set k 0 0 1048000\r\n" + b"x" * 1048000 + b"\r\nappend k 0 0 2000\r\n" + b"y" * 2000
                           + b"\r\nprepend k 0 0 2000 noreply\r\n" + b"y" * 2000 + b"\r\nincr k 1\r\n",
    "values of all sizes": b"".join(b"set s%d %d 0 %d\r\n%s\r\nget s%d\r\n" % (n, n % 3, n, b"v" * n, n) for n in (
        0, 1, 10, 100, 255, 256, 1000, 12000, 12200, 12270, 12280, 12288, 12300, 16383, 16384, 20000, 100000, 1000000)),
    "append at all sizes": b"".join(b"set s%d %d 0 %d\r\n%s\r\nappend s%d 0 0 3\r\nabc\r\nprepend s%d 0 0 2\r\nde\r\nget s%d\r\n"
                                    % (n, n % 2, n, b"v" * n, n, n, n) for n in (
                                        0, 1, 14, 60, 252, 255, 1000, 12260, 12270, 12275, 12285, 12288, 16380, 20000)),
    "overwrite with other flags": b"set k 5 0 1\r\na\r\nset k 0 0 1\r\nb\r\nget k\r\nset k 0 0 3\r\n123\r\nget k\r\n"
                                  b"set k 9 0 3\r\n456\r\nincr k 1\r\nget k\r\ndecr k 500\r\nget k\r\n",
}


@pytest.mark.parametrize("name", CASES)
def test_answers_alike(memcached, mc, name):
    talk(memcached, b"flush_all\r\n")
    assert without_cas(talk(mc, CASES[name])) == without_cas(talk(memcached, CASES[name]))


@pytest.mark.parametrize("slack", range(-3, 4))
@pytest.mark.parametrize("flags", [0, 1])
@pytest.mark.parametrize("key", [b"k", b"k" * 250])
def test_the_largest_item_is_the_same_to_the_byte(memcached, mc, slack, flags, key):
    size = 1048576 - 56 - len(key) - 1 - (4 if flags else 0) - 2 + slack
    data = b"set %s %d 0 %d\r\n%s\r\n" % (key, flags, size, b"x" * size)
    assert talk(mc, data) == talk(memcached, data)


# Drawn at random -------------------------------------------------------------------------------------

# No numbers beyond 2^63: for them memcached looks for a minus sign behind the end of the item.
KEYS = [b"a", b"b", b"c", b"d", b"e"]
VALUES = [b"", b"x", b"abc", b"0", b"9", b"10", b"99", b"100", b"9223372036854775", b"v" * 100, b"w" * 5000,
          b"z" * 12280, b"y" * 30000, b"12 ", b"007", b"-5"]


def draw(rng, cas_of):
    """One request; `cas_of` knows the cas that gets has shown for a key (on each server its own)."""
    key = rng.choice(KEYS)
    value = rng.choice(VALUES)
    flags = rng.choice([0, 0, 0, 1, 7, 4294967295])
    exptime = rng.choice([0, 0, 0, 1000, 2592000, 4000000000 % 2**31, -1])
    noreply = b" noreply" if rng.random() < 0.1 else b""
    pick = rng.random()
    if pick < 0.35:
        verb = rng.choice([b"set", b"set", b"add", b"replace", b"append", b"prepend"])
        return b"%s %s %d %d %d%s\r\n%s\r\n" % (verb, key, flags, exptime, len(value), noreply, value)
    if pick < 0.45:
        return (key, b"cas %s %d %d %d %%d%s\r\n" % (key, flags, exptime, len(value), noreply), value)
    if pick < 0.6:
        return b"%s %s\r\n" % (rng.choice([b"get", b"gets", b"gets"]), b" ".join(rng.choices(KEYS, k=rng.randint(1, 6))))
    if pick < 0.75:
        return b"%s %s %d%s\r\n" % (rng.choice([b"incr", b"decr"]), key, rng.choice([0, 1, 5, 95, 10**6]), noreply)
    if pick < 0.82:
        return b"delete %s%s\r\n" % (key, noreply)
    if pick < 0.88:
        return b"touch %s %d%s\r\n" % (key, exptime, noreply)
    if pick < 0.95:
        return b"%s %d %s\r\n" % (rng.choice([b"gat", b"gats"]), exptime, b" ".join(rng.choices(KEYS, k=2)))
    return rng.choice([b"flush_all\r\n", b"version\r\n", b"nosuch\r\n", b"get\r\n", b"set a\r\n", b"incr a x\r\n"])


class McSide:
    """One server, asked step by step; remembers the cas it showed last for each key."""

    def __init__(self, server):
        self.conn = server.conn()
        self.cas = {}

    def ask(self, request):
        if isinstance(request, tuple):
            key, head, value = request
            request = head % self.cas.get(key, 1) + value + b"\r\n"
        self.conn.send(request + b"version\r\n")
        reply = self.conn.read_line()
        while not reply.endswith(b"VERSION 1.6.18\r\n"):
            reply += self.conn.read_line()
        for key, cas in re.findall(rb"VALUE (\S+) \d+ \d+ (\d+)\r\n", reply):
            self.cas[key] = int(cas)
        return reply


@pytest.mark.parametrize("part", range(4))
def test_generated_requests_answer_alike(memcached, mc, seed, is_long, part):
    for number in range((SEQUENCES * 20 if is_long else SEQUENCES) // 4):
        rng = random.Random("%s/%d/%d" % (seed, part, number))
        ref, ours, log = McSide(memcached), McSide(mc), []
        for request in [b"flush_all\r\n"] + [draw(rng, None) for _ in range(LENGTH)]:
            log.append(request)
            want, got = without_cas(ref.ask(request)), without_cas(ours.ask(request))
            assert got == want, "seed %s, after %r" % (seed, log[-8:])
        ref.conn.close()
        ours.conn.close()


@pytest.mark.parametrize("step", [1, 3, 7])
def test_requests_cut_anywhere_answer_alike(memcached, mc, step):
    data = b"set k 1 0 5\r\nab\r\nc\r\nget k nosuch k\r\nincr k 1\r\nset n 0 0 1\r\n5\r\nincr n 5\r\nget n\r\n"

    def in_slices(server):
        with server.conn() as conn:
            for at in range(0, len(data), step):
                conn.send(data[at:at + step])
            conn.sock.shutdown(socket.SHUT_WR)
            return conn.read_to_close()
    assert in_slices(mc) == in_slices(memcached)


# What cannot be compared -----------------------------------------------------------------------------

def test_a_pipeline_of_10000_requests(mc):
    n = 10000
    sets = b"".join(b"set k%d %d 0 6\r\n%06d\r\n" % (i, i % 2, i) for i in range(n))
    gets = b"".join(b"get k%d\r\n" % i for i in range(n))
    want = b"STORED\r\n" * n + b"".join(b"VALUE k%d %d 6\r\n%06d\r\nEND\r\n" % (i, i % 2, i) for i in range(n))
    with mc.conn() as conn:
        conn.send(sets + gets)
        assert conn.read_until(lambda buf, size=len(want): size if len(buf) >= size else needs_more()) == want


def needs_more():
    from wire import Incomplete
    raise Incomplete


def test_cas_is_unique_and_ends_with_each_write(mc):
    def cas_of(conn, key=b"k"):
        conn.send(b"gets %s\r\n" % key)
        line = conn.read_line()
        conn.read_line(), conn.read_line()
        return int(line.split()[-1])

    def ask(conn, request):
        conn.send(request)
        return conn.read_line()
    with mc.conn() as conn:
        seen = set()
        for value in (b"abc", b"123", b"v" * 300, b"w" * 30000):
            assert ask(conn, b"set k 0 0 %d\r\n%s\r\n" % (len(value), value)) == b"STORED\r\n"
            cas = cas_of(conn)
            assert cas == cas_of(conn) and cas not in seen
            seen.add(cas)
            assert ask(conn, b"touch k 1000\r\n") == b"TOUCHED\r\n"
            assert cas_of(conn) == cas
            assert ask(conn, b"cas k 3 0 1 %d\r\nx\r\n" % cas) == b"STORED\r\n"
            assert ask(conn, b"cas k 3 0 1 %d\r\ny\r\n" % cas) == b"EXISTS\r\n"
        for change in (b"set k 0 0 1\r\n1\r\n", b"append k 0 0 1\r\n2\r\n", b"prepend k 0 0 1\r\n3\r\n", b"incr k 1\r\n",
                       b"decr k 1\r\n", b"replace k 0 0 1\r\n4\r\n"):
            cas = cas_of(conn)
            ask(conn, change)
            assert ask(conn, b"cas k 0 0 1 %d\r\nz\r\n" % cas) == b"EXISTS\r\n", change
            assert cas_of(conn) > cas


def test_items_expire_and_a_delayed_flush_comes(mc):
    with mc.conn() as conn:
        conn.send(b"set short 0 1 1\r\na\r\nset at 0 %d 1\r\nb\r\nset long 0 1000 1\r\nc\r\nset flagged 5 1 1\r\nd\r\n"
                  % (int(time.time()) + 2))
        for _ in range(4):
            assert conn.read_line() == b"STORED\r\n"

        def live():
            conn.send(b"get short at long flagged\r\n")
            keys = []
            while (line := conn.read_line()) != b"END\r\n":
                if line.startswith(b"VALUE"):
                    keys.append(line.split()[1])
            return keys
        assert b"long" in live()
        servers.wait_for(lambda: live() == [b"long"], "what is due has gone", within=6)
        conn.send(b"flush_all 1\r\n")
        assert conn.read_line() == b"OK\r\n"
        assert live() == [b"long"]
        servers.wait_for(lambda: live() == [], "the delayed flush", within=4)
        conn.send(b"set after 0 0 1\r\nx\r\nget after\r\n")
        assert [conn.read_line() for _ in range(4)] == [b"STORED\r\n", b"VALUE after 0 1\r\n", b"x\r\n", b"END\r\n"]


def stats(conn, kind=b""):
    conn.send(b"stats%s\r\n" % kind)
    found = {}
    while (line := conn.read_line()) != b"END\r\n":
        word, name, value = line.strip().split(b" ", 2)
        assert word == b"STAT"
        found[name] = value
    return found


def test_stats_count_what_happened(mc, memcached):
    requests = (b"set a 0 0 1\r\n1\r\nset b 0 0 1\r\nx\r\nget a b none\r\nincr a 1\r\nincr none 1\r\ndecr a 1\r\ndecr none 1\r\n"
                b"delete b\r\ndelete b\r\ntouch a 0\r\ntouch none 0\r\ncas a 0 0 1 999999\r\nz\r\ncas none 0 0 1 1\r\nz\r\n"
                b"gat 0 a\r\ngat 0 none\r\nflush_all\r\nadd q 0 0 1\r\nx\r\nappend q 0 0 1\r\nx\r\n")
    counted = """cmd_get cmd_set cmd_flush cmd_touch get_hits get_misses delete_misses delete_hits incr_misses incr_hits
        decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses""".split()
    results = []
    for server in (memcached, mc):
        with server.conn() as conn:
            conn.send(b"flush_all\r\nstats reset\r\n")
            conn.read_line(), conn.read_line()
        talk(server, requests)
        with server.conn() as conn:
            found = stats(conn)
            results.append({name: found[name.encode()] for name in counted})
    assert results[1] == results[0]


def test_stats_have_memcacheds_names(mc, memcached):
    talk(mc, b"set a 0 0 1\r\n1\r\n")
    talk(memcached, b"set a 0 0 1\r\n1\r\n")
    with mc.conn() as ours, memcached.conn() as ref:
        for kind in (b"", b" settings", b" items", b" slabs", b" sizes"):
            known = {re.sub(rb"\d+:", b"1:", n) for n in stats(ref, kind)}
            strange = [n for n in stats(ours, kind) if n not in known]
            assert not strange, kind
        found = stats(ours)
        for name in (b"pid", b"uptime", b"time", b"version", b"curr_connections", b"total_connections", b"cmd_get", b"bytes",
                     b"curr_items", b"total_items", b"evictions", b"limit_maxbytes", b"threads", b"bytes_read", b"bytes_written"):
            assert name in found
        assert found[b"curr_items"] == b"1" and found[b"pid"] == b"%d" % mc.pid


def test_auto_discovery_speaks_the_wire_format(mc):
    nodes = b"1\nhost1.cache|10.0.0.1|11211 host2.cache||11211\n"
    assert talk(mc, b"config get cluster\r\n") == b"END\r\n"
    assert talk(mc, b"config set cluster 0 %d\r\n%s\r\n" % (len(nodes), nodes)) == b"STORED\r\n"
    want = b"CONFIG cluster 0 %d\r\n%s\r\nEND\r\n" % (len(nodes), nodes)
    assert talk(mc, b"config get cluster\r\n") == want
    assert talk(mc, b"get AmazonElastiCache:cluster\r\n") == want.replace(b"CONFIG cluster", b"VALUE AmazonElastiCache:cluster")
    assert talk(mc, b"flush_all\r\nconfig get cluster\r\n") == b"OK\r\n" + want
    assert talk(mc, b"config get nosuch\r\nconfig nosuch cluster\r\nconfig\r\nconfig get\r\n") == b"END\r\n" + b"ERROR\r\n" * 3
    assert talk(mc, b"config set cluster 0 65537\r\n" + b"x" * 65537 + b"\r\nversion\r\n") == (
        b"SERVER_ERROR object too large for cache\r\nVERSION 1.6.18\r\n")
    assert talk(mc, b"config set cluster 0 3\r\nabcd\r\nversion\r\n").startswith(b"CLIENT_ERROR bad data chunk\r\n")
    assert talk(mc, b"config delete cluster\r\nconfig delete cluster\r\nconfig get cluster\r\n") == (
        b"DELETED\r\nNOT_FOUND\r\nEND\r\n")


def test_a_tenant_cannot_set_the_configuration_of_a_restricted_engine(own_engine, tmp_path):
    path = str(tmp_path / "admin.sock")
    server = own_engine(larder_protocol="memcached", larder_restricted="yes", larder_admin_socket=path)
    request = b"config set cluster 0 6\r\n1\na|b|\r\n"
    assert talk(server, request) == b"ERROR\r\n"
    from wire import Conn
    with Conn(path) as admin:
        admin.send(request)
        assert admin.read_line() == b"STORED\r\n"
    assert talk(server, b"config get cluster\r\n") == b"CONFIG cluster 0 6\r\n1\na|b|\r\nEND\r\n"
    assert talk(server, b"config delete cluster\r\n") == b"ERROR\r\n"


def test_memory_holds_and_old_items_go(own_engine):
    limit = 12 << 20
    server = own_engine(larder_protocol="memcached", maxmemory=limit, maxmemory_policy="allkeys-lru")
    with server.conn() as conn:
        for at in range(0, 75000, 1000):
            conn.send(b"".join(b"set key%d %d 0 200\r\n%s\r\n" % (i, i % 2, b"x" * 200) for i in range(at, at + 1000)))
            for _ in range(1000):
                assert conn.read_line() == b"STORED\r\n"
        found = stats(conn)
        assert limit * 0.9 < int(found[b"bytes"]) <= limit * 1.01
        assert int(found[b"evictions"]) > 0


def test_without_eviction_a_full_cache_says_so_and_forgets_the_old_value(own_engine):
    server = own_engine(larder_protocol="memcached", maxmemory=8 << 20, maxmemory_policy="noeviction")
    with server.conn() as conn:
        conn.send(b"set victim 0 0 1\r\nx\r\n")
        assert conn.read_line() == b"STORED\r\n"
        for i in range(100000):
            conn.send(b"set key%d 0 0 2000\r\n%s\r\n" % (i, b"x" * 2000))
            line = conn.read_line()
            if line != b"STORED\r\n":
                break
        assert line == b"SERVER_ERROR out of memory storing object\r\n"
        conn.send(b"set victim 0 0 1\r\ny\r\nget victim\r\n")
        assert [conn.read_line() for _ in range(2)] == [line, b"END\r\n"]
        assert stats(conn)[b"store_no_memory"] == b"2"


def test_an_item_costs_no_more_than_a_string_key(own_engine):
    """Resident bytes per item, with and without flags, against the same keys over RESP."""
    n, per = 100000, {}
    for kind, options, line in (
            ("resp", {}, b"SET key:%09d " + b"x" * 64 + b"\r\n"),
            ("plain", {"larder_protocol": "memcached"}, b"set key:%09d 0 0 64\r\n" + b"x" * 64 + b"\r\n"),
            ("flags", {"larder_protocol": "memcached"}, b"set key:%09d 5 0 64\r\n" + b"x" * 64 + b"\r\n")):
        server = own_engine(**options)
        before = server.rss_bytes()
        with server.conn() as conn:
            for at in range(0, n, 2000):
                conn.send(b"".join(line % i for i in range(at, at + 2000)))
                for _ in range(2000):
                    assert conn.read_line() in (b"+OK\r\n", b"STORED\r\n")
        per[kind] = (server.rss_bytes() - before) / n
    assert per["plain"] <= per["resp"] * 1.03
    assert per["flags"] <= per["resp"] + 17


def test_a_client_too_many_is_told_so(own_engine):
    server = own_engine(larder_protocol="memcached", maxclients=2)

    def full():
        held = [server.conn(), server.conn()]
        for conn in held:
            conn.send(b"version\r\n")
            try:
                if not conn.read_line().startswith(b"VERSION"):
                    return None
            except Closed:
                return None
        return held
    held = servers.wait_for(full, "two clients are served")
    with server.conn() as extra:
        assert extra.read_to_close() == b"ERROR Too many open connections\r\n"
    for conn in held:
        conn.close()
