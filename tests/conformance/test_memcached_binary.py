"""The binary protocol of memcached answers as memcached 1.6.18 answers."""

import random
import socket
import struct

import mcbinary as mb
import pytest
import servers
from conftest import must_live
from servers import talk

SEQUENCES, LENGTH = 40, 80


@pytest.fixture(scope="module")
def memcached():
    with servers.memcached("-m", "256", "-o", "no_modern,maxconns_fast") as server:
        yield server


@pytest.fixture
def mc(shared_mc):
    server = shared_mc.get()
    talk(server, mb.request(mb.FLUSH))
    yield server
    must_live(server)


def ask(server, *requests):
    return mb.replies(talk(server, b"".join(requests)))


def alike(mc, memcached, data):
    talk(memcached, mb.request(mb.FLUSH))
    ours, theirs = (mb.without_cas(mb.replies(talk(s, data))) for s in (mc, memcached))
    assert ours == theirs


R, S, C, T = mb.request, mb.store, mb.count, mb.touch
K = b"k"
LONG = b"k" * 251
GETS = b"".join(R(op, K, opaque=7) for op in (mb.GET, mb.GETQ, mb.GETK, mb.GETKQ))
TOUCHES = b"".join(T(op, K, 100, opaque=9) for op in (mb.TOUCH, mb.GAT, mb.GATQ, mb.GATK, mb.GATKQ))

# Each is sent on its own connection to both, on an empty cache; a noop shows what the quiet ones have done.
CASES = {
    "misses": GETS + TOUCHES,
    "hits": S(mb.SET, K, b"value", 5) + GETS + TOUCHES,
    "cas of an item stays": S(mb.SET, K, b"v") + GETS + GETS + S(mb.SET, K, b"v") + GETS,
    "opaque": S(mb.SET, K, b"v", opaque=0xdeadbeef) + R(mb.NOOP, opaque=0xffffffff),
    "set, add, replace": S(mb.REPLACE, K, b"0") + S(mb.ADD, K, b"1", 2) + S(mb.ADD, K, b"2") + S(mb.REPLACE, K, b"3", 9) + GETS,
    "quiet stores": S(mb.REPLACEQ, K, b"0") + S(mb.ADDQ, K, b"1") + S(mb.ADDQ, K, b"2") + S(mb.SETQ, K, b"3", 4) + GETS,
    "cas that is wrong": S(mb.SET, K, b"1", cas=99) + S(mb.SET, K, b"1") + S(mb.SET, K, b"2", cas=2**62) +
    S(mb.ADD, K, b"2", cas=2**62) + S(mb.REPLACEQ, K, b"2", cas=2**62) + S(mb.ADD, b"j", b"2", cas=5) + GETS,
    "append, prepend": R(mb.APPEND, K, b"x") + R(mb.PREPENDQ, K, b"x") + S(mb.SET, K, b"m", 3, 100) + R(mb.APPEND, K, b"z") +
    R(mb.PREPEND, K, b"a") + R(mb.APPENDQ, K, b"!") + R(mb.PREPENDQ, K, b"?") + R(mb.APPEND, K, b"x", cas=2**62) + GETS,
    "an empty value": S(mb.SET, K, b"") + GETS + C(mb.INCR, K) + R(mb.APPEND, K, b"") + GETS,
    "delete": R(mb.DELETE, K) + R(mb.DELETEQ, K) + S(mb.SET, K, b"v") + R(mb.DELETE, K, cas=2**62) + R(mb.DELETE, K) +
    S(mb.SET, K, b"v") + R(mb.DELETEQ, K) + GETS,
    "incr makes and counts": C(mb.INCR, K) + C(mb.INCR, K, 5, 10, 0) + C(mb.INCR, K, 5, 10, 0) + C(mb.DECR, K, 3) +
    C(mb.DECR, K, 100) + GETS,
    "incr, quiet": C(mb.INCRQ, K) + C(mb.INCRQ, K, 5, 10, 100) + C(mb.INCRQ, K, 5) + C(mb.DECRQ, K, 1) + C(mb.DECRQ, b"j") + GETS,
    "incr wraps": C(mb.INCR, K, 1, 2**64 - 1, 0) + C(mb.INCR, K, 2) + GETS + C(mb.DECR, b"j", 1, 2**64 - 1, 0) + C(mb.DECR, b"j", 1) +
    R(mb.GET, b"j"),
    "incr of what is no number": S(mb.SET, K, b"abc") + C(mb.INCR, K) + C(mb.INCRQ, K) + C(mb.DECR, K, 1, 1, 0) + GETS,
    "incr with cas": S(mb.SET, K, b"7") + C(mb.INCR, K, cas=2**62) + C(mb.INCR, b"j", 1, 1, 0, cas=3) + GETS,
    "incr keeps flags": S(mb.SET, K, b"7", 12) + C(mb.INCR, K) + C(mb.INCR, K, 100) + GETS,
    "ends in the past": S(mb.SET, K, b"v", 0, 2592001) + GETS + S(mb.SET, K, b"v") + T(mb.GAT, K, 2592001) + GETS,
    "ends far ahead": S(mb.SET, K, b"v", 0, 0xffffffff) + GETS + T(mb.TOUCH, K, 0xffffffff) + GETS,
    "version, noop, quit": R(mb.VERSION) + R(mb.NOOP) + R(mb.QUIT) + R(mb.NOOP),
    "quit quietly": R(mb.NOOP) + R(mb.QUITQ) + R(mb.NOOP),
    "flush": S(mb.SET, K, b"v") + R(mb.FLUSH) + GETS + S(mb.SET, K, b"v") + R(mb.FLUSHQ) + GETS,
    "flush with a delay": S(mb.SET, K, b"v") + R(mb.FLUSH, extras=struct.pack(">I", 100)) + GETS + R(mb.FLUSH),
    "flush with other extras": R(mb.FLUSH, extras=b"12345678") + R(mb.NOOP),
    "flush with a key": R(mb.FLUSH, K) + R(mb.NOOP),
    "verbosity": R(mb.VERBOSITY) + R(mb.NOOP),
    "no such opcode": R(0x50) + R(0xff, opaque=3) + R(0x1f) + R(0x30) + R(mb.NOOP),
    "no key": R(mb.GET) + R(mb.NOOP),
    "no key for a store": S(mb.SET, b"", b"v") + R(mb.NOOP),
    "no extras": R(mb.SET, K, b"v") + R(mb.NOOP),
    "extras that nobody wants": R(mb.GET, K, extras=b"1234") + R(mb.NOOP),
    "extras of 20 for a store": R(mb.SET, K, b"v", extras=b"1" * 20) + R(mb.NOOP),
    "a value that nobody wants": R(mb.GET, K, b"v") + R(mb.NOOP),
    "a value for a noop": R(mb.NOOP, b"", b"v") + R(mb.NOOP),
    "a value for a delete": R(mb.DELETE, K, b"v") + R(mb.NOOP),
    "a touch with a value": S(mb.SET, K, b"v") + R(mb.TOUCH, K, b"\x80", extras=struct.pack(">I", 5)) + R(mb.NOOP)[1:],
    "a key of 250": S(mb.SET, LONG[:250], b"v") + R(mb.GETK, LONG[:250]) + R(mb.GETK, LONG[:249]),
    "a key of 251": R(mb.GET, LONG) + R(mb.NOOP),
    "a key of 251 in a store": S(mb.SET, LONG, b"v") + R(mb.NOOP),
    "a key of 3000": R(mb.GET, b"k" * 3000) + R(mb.NOOP),
    "a key of odd bytes": S(mb.SET, b"\0 \r\n\xff", b"v") + R(mb.GETK, b"\0 \r\n\xff"),
    "lengths that contradict": R(mb.GET, K, body_len=0) + R(mb.NOOP),
    "extras longer than all": S(mb.SET, K, b"v", body_len=4) + R(mb.NOOP),
    "not the magic": R(mb.NOOP) + R(mb.NOOP, magic=0x81) + R(mb.NOOP),
    "text behind it": R(mb.NOOP) + b"version\r\n",
    "stat of a kind that there is not": R(mb.STAT, b"nosuch") + R(mb.NOOP),
    "stat with extras": R(mb.STAT, b"items", extras=b"1234") + R(mb.NOOP),
    "stat reset": R(mb.STAT, b"reset") + R(mb.NOOP),
    "SASL that is off": R(mb.SASL_LIST) + R(mb.SASL_AUTH, b"PLAIN", b"\0a\0b") + R(mb.SASL_STEP, b"PLAIN", b"\0a\0b") + R(mb.NOOP),
    "SASL without a mechanism": R(mb.SASL_AUTH, b"", b"\0a\0b") + R(mb.NOOP),
    "SASL list with a key": R(mb.SASL_LIST, K) + R(mb.NOOP),
    "a value too large": S(mb.SET, K, b"v") + S(mb.ADD, K, b"x" * 1100000) + GETS + S(mb.SET, K, b"x" * 1100000) + GETS +
    R(mb.APPEND, K, b"x" * 1100000) + R(mb.NOOP),
    "a large value": S(mb.SET, K, b"x" * 700000, 5) + GETS + R(mb.APPEND, K, b"y" * 300000) + R(mb.APPEND, K, b"y" * 300000) + GETS,
}


@pytest.mark.parametrize("name", CASES)
def test_it_answers_as_memcached(mc, memcached, name):
    alike(mc, memcached, CASES[name] + (b"" if name == "text behind it" else R(mb.NOOP, opaque=77)))


@pytest.mark.parametrize("cut", (1, 7, 24, 25))
def test_requests_may_come_in_pieces(mc, cut):
    data = S(mb.SET, K, b"value", 5) + GETS + C(mb.INCR, b"n", 5, 10, 0) + R(mb.NOOP)
    with mc.conn() as conn:
        for at in range(0, len(data), cut):
            conn.send(data[at:at + cut])
        conn.sock.shutdown(socket.SHUT_WR)
        found = mb.replies(conn.read_to_close())
    assert [(r[0], r[1], r[4]) for r in found] == [(mb.SET, 0, b"")] + [
        (op, 0, b"value") for op in (mb.GET, mb.GETQ, mb.GETK, mb.GETKQ)] + [
        (mb.INCR, 0, struct.pack(">Q", 10)), (mb.NOOP, 0, b"")]


def test_the_cas_of_a_reply_is_that_of_the_item(mc, memcached):
    for server in (mc, memcached):
        stored, = ask(server, S(mb.SET, K, b"7"))
        assert stored[6] != 0
        assert [r[6] for r in ask(server, R(mb.GET, K), T(mb.TOUCH, K, 100), R(mb.GETK, K))] == [stored[6]] * 3
        assert [r[1] for r in ask(server, R(mb.DELETE, K, cas=stored[6] + 1))] == [2]
        again, = ask(server, S(mb.REPLACE, K, b"8", cas=stored[6]))
        assert again[1] == 0 and again[6] not in (0, stored[6])
        counted, = ask(server, C(mb.INCR, K, 5, cas=again[6]))
        assert counted[1] == 0 and counted[4] == struct.pack(">Q", 13) and counted[6] not in (0, again[6])
        longer, = ask(server, R(mb.APPEND, K, b"0", cas=counted[6]))
        assert longer[1] == 0 and longer[6] not in (0, counted[6])
        assert [r[6] for r in ask(server, R(mb.GET, K))] == [longer[6]]
        # The text protocol has the same number, and its writes end it.
        assert talk(server, b"gets k\r\n") == b"VALUE k 0 3 %d\r\n130\r\nEND\r\n" % longer[6]
        talk(server, b"set k 0 0 1\r\nx\r\n")
        assert [r[1] for r in ask(server, R(mb.DELETE, K, cas=longer[6]), R(mb.DELETE, K))] == [2, 0]


def test_what_is_refused_is_passed_over(mc):
    """memcached loses as many bytes more as extras and key have."""
    found = ask(mc, R(mb.VERBOSITY, extras=struct.pack(">I", 1), opaque=3), R(0x50, K, b"value"), R(mb.NOOP))
    assert [(r[0], r[1], r[5]) for r in found] == [(mb.VERBOSITY, 0x81, 3), (0x50, 0x81, 0), (mb.NOOP, 0, 0)]


def test_a_flush_at_a_moment_that_has_passed_is_one(mc):
    """Of memcached nothing goes then."""
    found = ask(mc, S(mb.SET, K, b"v"), R(mb.FLUSH, extras=struct.pack(">I", 2592001)), R(mb.GET, K))
    assert [r[1] for r in found] == [0, 0, 1]


def random_request(rng):
    """A noop ends each: while memcached still sends an item, a number that gets shorter loses its padding."""
    return random_command(rng) + R(mb.NOOP)


def random_command(rng):
    key = rng.choice((b"a", b"b", b"n", b"m"))
    cas = rng.choice((0, 0, 0, 2**62))
    opaque = rng.randrange(1000)
    kind = rng.randrange(6)
    if kind == 0:
        return S(rng.choice((mb.SET, mb.ADD, mb.REPLACE, mb.SETQ, mb.ADDQ, mb.REPLACEQ)), key,
                 rng.choice((b"", b"1", b"99", b"x" * 300, b"text", b"y" * 20000)), rng.choice((0, 0, 7, 2**32 - 1)),
                 rng.choice((0, 0, 1000, 2592001)), cas, opaque=opaque)
    if kind == 1:
        return R(rng.choice((mb.APPEND, mb.PREPEND, mb.APPENDQ, mb.PREPENDQ)), key, rng.choice((b"", b"1", b"z" * 100)), cas=cas,
                 opaque=opaque)
    if kind == 2:
        return C(rng.choice((mb.INCR, mb.DECR, mb.INCRQ, mb.DECRQ)), key, rng.choice((0, 1, 10, 2**64 - 1)),
                 rng.choice((0, 5, 2**64 - 1)), rng.choice((0, 1000, 2**32 - 1)), cas, opaque=opaque)
    if kind == 3:
        return T(rng.choice((mb.TOUCH, mb.GAT, mb.GATQ, mb.GATK, mb.GATKQ)), key, rng.choice((0, 1000, 2592001)), opaque=opaque)
    if kind == 4:
        return R(rng.choice((mb.DELETE, mb.DELETEQ)), key, cas=cas, opaque=opaque)
    return R(rng.choice((mb.GET, mb.GETQ, mb.GETK, mb.GETKQ)), key, opaque=opaque)


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_random_requests_are_answered_alike(mc, memcached, seed):
    rng = random.Random(seed)
    alike(mc, memcached, b"".join(random_request(rng) for _ in range(LENGTH)) + R(mb.NOOP))


def test_statistics_have_memcacheds_names(mc, memcached):
    for kind in (b"", b"settings", b"items", b"slabs", b"sizes"):
        ours, theirs = (ask(s, S(mb.SETQ, K, b"v"), R(mb.STAT, kind, opaque=5)) for s in (mc, memcached))
        assert ours[-1] == theirs[-1] == (mb.STAT, 0, b"", b"", b"", 5, 0)
        assert all(r[:3] == (mb.STAT, 0, b"") and r[4] for r in ours[:-1])
    names = {r[3] for r in ask(mc, R(mb.STAT))}
    assert {b"pid", b"cmd_get", b"get_hits", b"curr_items", b"bytes", b"evictions"} <= names
    counted = "cmd_get cmd_set cmd_touch get_hits get_misses delete_hits delete_misses incr_hits incr_misses cas_badval".split()
    found = []
    for server in (mc, memcached):
        ask(server, R(mb.STAT, b"reset"))
        ask(server, R(mb.DELETE, K), GETS, S(mb.SET, K, b"1"), GETS, TOUCHES, C(mb.INCR, K), C(mb.INCR, b"none"), S(mb.SET, K, b"1", cas=2**62),
            R(mb.DELETE, K))
        values = {r[3]: r[4] for r in ask(server, R(mb.STAT))}
        found.append([(name, values[name.encode()]) for name in counted])
    assert found[0] == found[1]


def test_auto_discovery(mc):
    nodes = b"2\nhost1.cache|10.0.0.1|11211 host2.cache||11211\n"
    assert ask(mc, R(mb.CONFIG_GET, b"cluster", opaque=1)) == [(mb.CONFIG_GET, 1, b"", b"", b"Not found", 1, 0)]
    assert ask(mc, S(mb.CONFIG_SET, b"cluster", nodes, 3)) == [(mb.CONFIG_SET, 0, b"", b"", b"", 0, 0)]
    assert ask(mc, R(mb.CONFIG_GET, b"cluster", opaque=2)) == [(mb.CONFIG_GET, 0, struct.pack(">I", 3), b"", nodes, 2, 0)]
    assert talk(mc, b"config get cluster\r\n") == b"CONFIG cluster 3 %d\r\n%s\r\nEND\r\n" % (len(nodes), nodes)
    too_large = S(mb.CONFIG_SET, b"cluster", b"x" * 65537)
    assert [r[1] for r in ask(mc, too_large, R(mb.CONFIG_DELETE, b"cluster"), R(mb.CONFIG_DELETE, b"cluster"))] == [3, 0, 1]


@pytest.mark.parametrize("binding, first", (("ascii", b"version\r\n"), ("binary", R(mb.VERSION))))
def test_a_node_may_speak_one_of_both_alone(own_engine, binding, first):
    server = own_engine(larder_protocol="memcached", larder_memcached_binding=binding)
    assert b"1.6.18" in talk(server, first)
    other = R(mb.VERSION) + b"\n" if binding == "ascii" else b"version\r\n"
    assert talk(server, other) == (b"ERROR\r\n" if binding == "ascii" else b"")


def test_without_cas_items_have_none_and_nothing_compares(own_engine):
    server = own_engine(larder_protocol="memcached", larder_memcached_cas="no")
    assert [(r[1], r[6]) for r in ask(server, S(mb.SET, K, b"v"), R(mb.GET, K), S(mb.SET, K, b"v", cas=1))] == [(0, 0), (0, 0), (2, 0)]
    assert talk(server, b"gets k\r\ncas k 0 0 1 1\r\nx\r\n") == b"VALUE k 0 1 0\r\nv\r\nEND\r\nEXISTS\r\n"


def test_flush_can_be_forbidden(own_engine):
    server = own_engine(larder_protocol="memcached", larder_memcached_flush_all="no")
    with servers.memcached("-F") as reference:
        data = R(mb.FLUSH, opaque=4) + R(mb.FLUSHQ) + R(mb.NOOP)
        assert talk(server, data) == talk(reference, data)
        assert talk(server, b"flush_all\r\nflush_all x\r\n") == talk(reference, b"flush_all\r\nflush_all x\r\n")


# ---- SASL ---------------------------------------------------------------------------------------

def plain(user, password, authority=b""):
    return R(mb.SASL_AUTH, b"PLAIN", authority + b"\0" + user + b"\0" + password)


@pytest.fixture
def guarded(own_engine, tmp_path):
    (tmp_path / "users").write_text("other:thing\nann:secret:more\r\nbob:\n")
    return own_engine(larder_protocol="memcached", larder_memcached_sasl_users=str(tmp_path / "users"),
                      larder_memcached_item_max="2kb")


REFUSED = (0x20, b"Auth failure.")


def test_nothing_is_done_for_who_has_not_logged_in(guarded):
    assert [(r[1], r[4]) for r in ask(guarded, R(mb.VERSION), R(mb.SASL_LIST), R(mb.NOOP), R(mb.VERSION))] == [
        (0, b"1.6.18"), (0, b"PLAIN"), REFUSED]
    for data in (S(mb.SET, K, b"v"), R(0x50), R(mb.GET), S(mb.SET, K, b"x" * 5000), R(mb.STAT)):
        assert [(r[1], r[4]) for r in ask(guarded, data, R(mb.VERSION))] == [REFUSED]
    assert talk(guarded, b"version\r\n") == b""


def test_a_password_opens_the_connection_that_it_came_by(guarded):
    found = ask(guarded, plain(b"ann", b"secret"), S(mb.SET, K, b"v"), R(mb.GET, K), R(mb.SASL_LIST), R(mb.GET, K))
    assert [(r[0], r[1], r[4]) for r in found] == [
        (mb.SASL_AUTH, 0, b"Authenticated"), (mb.SET, 0, b""), (mb.GET, 0, b"v"), (mb.SASL_LIST, 0, b"PLAIN"),
        (mb.GET, *REFUSED)]  # whoever asks for the mechanisms begins anew
    assert [r[1] for r in ask(guarded, R(mb.GET, K))] == [0x20]


def test_it_may_come_in_a_step(guarded):
    found = ask(guarded, R(mb.SASL_STEP, b"PLAIN", b"\0ann\0secret"), R(mb.SASL_AUTH, b"PLAIN"),
                R(mb.SASL_STEP, b"PLAIN", b"\0ann\0secret"), R(mb.NOOP))
    assert [(r[1], r[4]) for r in found] == [REFUSED, (0x21, b""), (0, b"Authenticated"), (0, b"")]


@pytest.mark.parametrize("wrong", (plain(b"ann", b"secre"), plain(b"ann", b"secret1"), plain(b"an", b"secret"), plain(b"bob", b""),
                                   plain(b"ann", b"secret", b"bob"), plain(b"", b""), R(mb.SASL_AUTH, b"PLAIN", b"ann"),
                                   R(mb.SASL_AUTH, b"CRAM-MD5", b"\0ann\0secret"), plain(b"ann", b"secret:more")))
def test_what_is_no_password_opens_nothing(guarded, wrong):
    assert [(r[1], r[4]) for r in ask(guarded, plain(b"ann", b"secret"), wrong, R(mb.NOOP))] == [
        (0, b"Authenticated"), REFUSED, REFUSED]


def test_messages_have_bounds(guarded):
    found = ask(guarded, R(mb.SASL_AUTH, b"m" * 33, b"x" * 100), plain(b"ann", b"x" * 5000), plain(b"ann", b"secret"), R(mb.NOOP))
    assert [(r[1], r[4]) for r in found] == [(4, b"Invalid arguments"), (0x82, b"Out of memory"), (0, b"Authenticated"), (0, b"")]
