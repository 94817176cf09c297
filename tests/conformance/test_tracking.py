"""CLIENT TRACKING: what clients with copies of keys hear, the same steps on the engine and on redis-server, byte for byte."""

import re

import pytest
from wire import Closed, command


@pytest.fixture
def both(engine, shared_reference):
    reference = shared_reference.get()
    for server in (engine, reference):
        with server.conn() as conn:
            conn.call("FLUSHALL")
    return [engine, reference]


def same(both, play):
    """What the play has seen, once on each server: it must be the same."""
    mine, theirs = (play(server) for server in both)
    assert mine == theirs
    return mine


def drain(conn, count):
    return [conn.read_reply() for _ in range(count)]


def until(conn, end=b"$3\r\nend\r\n"):
    """All that has come, up to the answer of an ECHO that stands behind it."""
    conn.send(command("ECHO", "end"))
    seen = []
    while True:
        seen.append(conn.read_reply())
        if seen[-1] == end:
            return seen


def without_ids(seen, *ids):
    """The same on both servers, whatever numbers their clients have."""
    for number in ids:
        seen = [re.sub(rb"(?<![0-9])%d(?![0-9])" % number, b"ID", raw) for raw in seen]
    return seen


INVALID_K = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"


def test_a_key_that_was_read_is_told_once(both):
    def play(server):
        with server.conn(resp3=True) as conn, server.conn() as other:
            conn.batch([["SET", "k", "1"], ["CLIENT", "TRACKING", "ON"], ["GET", "k"]])
            other.batch([["SET", "k", "2"], ["SET", "k", "3"]])
            return until(conn)
    assert same(both, play)[0] == INVALID_K


def test_every_kind_of_change_is_told(both):
    def play(server):
        seen = []
        with server.conn(resp3=True) as conn, server.conn() as other:
            conn.call("CLIENT", "TRACKING", "ON")
            for change in (["APPEND", "k", "x"], ["DEL", "k"], ["INCR", "k"], ["PEXPIRE", "k", "100000"], ["PERSIST", "k"],
                           ["RENAME", "k", "j"], ["RENAME", "j", "k"], ["SETRANGE", "k", "3", "a"], ["UNLINK", "k"], ["RPUSH", "k", "a", "b"],
                           ["LPOP", "k"], ["LSET", "k", "0", "z"], ["DEL", "k"], ["SADD", "k", "m"], ["SREM", "k", "m"], ["HSET", "k", "f", "v"],
                           ["HDEL", "k", "f"], ["ZADD", "k", "1", "m"], ["ZINCRBY", "k", "1", "m"], ["ZREM", "k", "m"], ["XADD", "k", "*", "f", "v"],
                           ["XTRIM", "k", "MAXLEN", "0"], ["DEL", "k"], ["PFADD", "k", "a"], ["GEOADD", "g", "1", "1", "m"], ["SETBIT", "k", "900", "1"],
                           ["COPY", "g", "k", "REPLACE"], ["GEOSEARCHSTORE", "k", "g", "FROMLONLAT", "0", "0", "BYRADIUS", "1", "m"],
                           ["SINTERSTORE", "k", "none"], ["SUNIONSTORE", "k", "none"], ["MSET", "k", "1", "l", "2"], ["MOVE", "k", "1"],
                           ["EVAL", "redis.call('set', KEYS[1], 1)", "1", "k"], ["GETDEL", "k"], ["GETSET", "k", "1"], ["GETEX", "k", "PX", "100000"],
                           ["DEL", "k"], ["DEL", "k"], ["GET", "k"], ["EXPIRE", "k", "1"]):
                conn.call("EXISTS", "k")
                other.raw(*change)
                seen.append((change, until(conn)))
            other.batch([["SELECT", "1"], ["DEL", "k"]])
        return seen
    same(both, play)


def test_own_changes_are_told_behind_the_reply(both):
    def play(server):
        with server.conn(resp3=True) as conn:
            conn.batch([["CLIENT", "TRACKING", "ON"], ["SET", "k", "1"], ["SET", "j", "1"], ["MGET", "k", "j"]])
            conn.send(command("HSET", "h", "f", "1") + command("SET", "k", "2") + command("ECHO", "x"))
            return drain(conn, 4)
    assert play(both[0]) == [b":1\r\n", b"+OK\r\n", INVALID_K, b"$1\r\nx\r\n"]


def test_within_a_transaction_they_are_told_behind_all_of_it(engine):
    with engine.conn(resp3=True) as conn:
        conn.batch([["FLUSHALL"], ["CLIENT", "TRACKING", "ON"], ["MSET", "k", "1", "b", "2"], ["GET", "k"], ["MULTI"], ["INCR", "k"], ["GET", "b"]])
        conn.send(command("EXEC"))
        assert drain(conn, 2) == [b"*2\r\n:2\r\n$1\r\n2\r\n", INVALID_K]
        conn.send(command("SET", "b", "3"))
        assert drain(conn, 2) == [b"+OK\r\n", INVALID_K.replace(b"\nk", b"\nb")], "what a transaction read is tracked"


@pytest.mark.parametrize("name", ["EVAL", "EVAL_RO"])
def test_scripts_are_tracked_by_what_they_read(engine, name):
    """As since 7.2; the reference of these tests tracks all keys that a reading script was given."""
    with engine.conn(resp3=True) as conn, engine.conn() as other:
        conn.call("CLIENT", "TRACKING", "ON")
        for script, told in (("return redis.call('echo', 'x')", []), ("return redis.call('get', 'k')", [INVALID_K]), ("return 1", [])):
            conn.raw(name, script, "2", "j", "k")
            other.call("MSET", "k", "2", "j", "2")
            assert until(conn)[:-1] == told


def test_redirection_to_a_subscriber(both):
    def play(server):
        with server.conn() as conn, server.conn() as ear, server.conn() as deaf, server.conn() as other:
            seen = []
            number = ear.call("CLIENT", "ID")
            ear.raw("SUBSCRIBE", "__redis__:invalidate")
            for target in (number, deaf.call("CLIENT", "ID")):
                seen += [conn.raw("CLIENT", "TRACKING", "ON", "REDIRECT", str(target)), conn.raw("GET", "k"), conn.raw("CLIENT", "TRACKINGINFO"),
                         conn.raw("CLIENT", "GETREDIR")]
                other.batch([["SET", "k", "1"]])
                seen = without_ids(seen, target)
            other.call("FLUSHALL")
            seen.append(conn.raw("CLIENT", "TRACKING", "ON", "REDIRECT", str(number)))
            other.call("FLUSHDB")
            seen += drain(ear, 2) + [deaf.raw("PING"), conn.raw("PING")]
            return seen
    same(both, play)


def test_a_target_that_is_gone(both):
    def play(server):
        with server.conn(resp3=True) as conn, server.conn() as other:
            with server.conn(resp3=True) as ear:
                number = ear.call("CLIENT", "ID")
                seen = [conn.raw("CLIENT", "TRACKING", "ON", "REDIRECT", str(number)), conn.raw("GET", "k"), conn.raw("GET", "j")]
                other.call("SET", "k", "1")
                seen.append(ear.read_reply())
                seen.append(other.raw("CLIENT", "KILL", "ID", str(number)))
                with pytest.raises(Closed):
                    ear.read_reply()
            other.call("SET", "j", "1")
            seen.append(conn.read_reply())
            seen += [conn.raw("CLIENT", "TRACKINGINFO"), conn.raw("CLIENT", "GETREDIR")]
            seen.append(re.search(rb"flags=\S+", conn.call("CLIENT", "INFO")).group(0))
            return without_ids(seen, number)
    assert same(both, play)[-1] == b"flags=tR"


def test_prefixes_hear_of_all_changes_in_one_message(both):
    def play(server):
        seen = []
        with server.conn(resp3=True) as conn, server.conn(resp3=True) as quiet, server.conn() as other:
            seen += [conn.raw("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a:", "PREFIX", "b"), conn.raw("CLIENT", "TRACKINGINFO"),
                     quiet.raw("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP"), quiet.raw("CLIENT", "TRACKINGINFO")]
            other.call("MSET", "a:2", "1", "b", "1", "a:1", "1", "c", "1", "a:2", "2")
            seen += until(conn) + until(quiet)
            quiet.call("SET", "a:x", "1")
            seen += until(conn) + until(quiet)
            quiet.call("DEL", "a:x")
            seen += until(conn) + until(quiet)
            conn.call("SET", "b2", "1")
            seen += until(conn) + until(quiet)
            seen += [conn.raw("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "c"), conn.raw("CLIENT", "TRACKINGINFO")]
            other.call("SET", "c", "1")
            seen += until(conn)
            seen.append(re.search(rb"flags=\S+", conn.call("CLIENT", "INFO")).group(0))
            seen.append(re.findall(rb"tracking_(?:total_prefixes|clients):\d+", other.call("INFO")))
        return seen
    assert same(both, play)[-1] == [b"tracking_clients:2", b"tracking_total_prefixes:4"]


REFUSED = """ON PREFIX a|ON BCAST OPTIN|ON BCAST OPTOUT|ON OPTIN OPTOUT|ON REDIRECT 999999|ON REDIRECT x|ON REDIRECT|ON PREFIX|MAYBE|OFF BCAST x|
    ON BCAST PREFIX ab PREFIX a|ON BCAST PREFIX a PREFIX ab|ON BCAST PREFIX a PREFIX a|OFF REDIRECT 999999|ON NOLOOP NOLOOP|ON|ON BCAST|ON OPTIN|ON OPTOUT|
    OFF|ON OPTIN|ON OPTOUT|ON|ON OPTOUT|ON OPTIN|OFF|ON BCAST PREFIX foo PREFIX bar|ON|ON BCAST PREFIX fo|ON BCAST PREFIX barb|ON BCAST PREFIX x|ON BCAST|OFF BCAST|OFF"""


def test_what_does_not_fit_is_refused(both):
    def play(server):
        seen = []
        with server.conn() as conn:
            for line in REFUSED.split("|"):
                seen.append((line, conn.raw("CLIENT", "TRACKING", *line.split()), conn.raw("CLIENT", "TRACKINGINFO"), conn.raw("CLIENT", "CACHING", "YES"),
                             conn.raw("CLIENT", "CACHING", "NO"), conn.raw("CLIENT", "CACHING", "x"), conn.raw("CLIENT", "GETREDIR")))
            seen += [conn.raw("CLIENT", "TRACKING"), conn.raw("CLIENT", "CACHING"), conn.raw("CLIENT", "GETREDIR", "x"), conn.raw("CLIENT", "TRACKINGINFO", "x")]
        return seen
    same(both, play)


@pytest.mark.parametrize("mode,word", [("OPTIN", "YES"), ("OPTOUT", "NO")])
def test_choosing_holds_for_one_command_or_transaction(both, mode, word):
    def play(server):
        seen = []
        with server.conn(resp3=True) as conn, server.conn() as other:
            conn.call("CLIENT", "TRACKING", "ON", mode)
            for steps in ([["GET", "k"]], [["CLIENT", "CACHING", word], ["GET", "k"]], [["CLIENT", "CACHING", word], ["GET", "j"], ["GET", "k"]],
                          [["CLIENT", "CACHING", word], ["CLIENT", "GETNAME"], ["GET", "k"]], [["CLIENT", "CACHING", word], ["NOSUCH"], ["GET", "k"]],
                          [["CLIENT", "CACHING", word], ["MULTI"], ["GET", "j"], ["GET", "k"], ["EXEC"], ["GET", "l"]],
                          [["MULTI"], ["CLIENT", "CACHING", word], ["GET", "k"], ["EXEC"], ["GET", "l"]]):
                for step in steps:
                    conn.raw(*step)
                seen.append(conn.raw("CLIENT", "TRACKINGINFO"))
                for key in "jkl":
                    other.call("SET", key, "1")
                seen += until(conn)
        return seen
    same(both, play)


def test_ends_with_reset_and_goes_on_over_hello(both):
    def play(server):
        with server.conn(resp3=True) as conn, server.conn() as other:
            seen = [conn.raw("CLIENT", "TRACKING", "ON"), conn.raw("GET", "k"), conn.raw("GET", "j"), conn.raw("GET", "l")]
            conn.call("HELLO", "2")
            other.call("SET", "k", "1")
            seen += until(conn)
            conn.call("HELLO", "3")
            other.call("SET", "j", "1")
            seen += until(conn)
            seen += [conn.raw("RESET"), conn.raw("CLIENT", "TRACKINGINFO")]
            conn.call("HELLO", "3")
            other.call("SET", "l", "1")
            return seen + until(conn)
    same(both, play)


def test_a_served_wait_is_answered_before_its_changes_are_told(engine):
    with engine.conn(resp3=True) as conn, engine.conn() as other:
        other.batch([["FLUSHALL"], ["RPUSH", "to", "a"]])
        conn.batch([["CLIENT", "TRACKING", "ON"], ["LRANGE", "to", "0", "-1"]])
        conn.send(command("BLMOVE", "from", "to", "LEFT", "LEFT", "0"))
        while b"blocked_clients:1" not in other.call("INFO", "clients"):
            pass
        other.call("RPUSH", "from", "foo")
        assert drain(conn, 2) == [b"$3\r\nfoo\r\n", INVALID_K.replace(b"$1\r\nk", b"$2\r\nto")]


def test_the_pusher_hears_behind_its_own_reply_what_a_served_wait_changed(engine):
    with engine.conn(resp3=True) as conn, engine.conn() as waiting:
        conn.batch([["FLUSHALL"], ["CLIENT", "TRACKING", "ON"], ["RPUSH", "to", "a"], ["LRANGE", "to", "0", "-1"]])
        waiting.send(command("BLMOVE", "from", "to", "LEFT", "LEFT", "0"))
        while b"blocked_clients:1" not in conn.call("INFO", "clients"):
            pass
        conn.send(command("CLIENT", "REPLY", "SKIP") + command("RPUSH", "from", "foo"))
        assert conn.read_reply() == INVALID_K.replace(b"$1\r\nk", b"$2\r\nto"), "though the reply itself is skipped"
        assert waiting.read_reply() == b"$3\r\nfoo\r\n"


def test_keys_that_expire_and_databases_that_change_places(engine):
    with engine.conn(resp3=True) as conn, engine.conn() as other:
        conn.batch([["FLUSHALL"], ["CLIENT", "TRACKING", "ON", "NOLOOP"], ["SET", "k", "1", "PX", "1"]])
        conn.send(command("GET", "k"))
        seen = drain(conn, 1)
        if seen[0] != b"_\r\n":
            assert conn.read_reply() == INVALID_K, "one that went by itself was nobody's change"
        other.call("SWAPDB", "0", "1")
        assert until(conn)[-2] == b">2\r\n$10\r\ninvalidate\r\n_\r\n"


def test_the_table_is_bounded(own_engine):
    server = own_engine()
    with server.conn(resp3=True) as conn, server.conn() as other:
        conn.call("CLIENT", "TRACKING", "ON")
        for first in range(0, 200, 50):
            conn.call("MGET", *("key:%d" % i for i in range(first, first + 50)))
        assert b"tracking_total_keys:200" in other.call("INFO", "stats")
        other.call("CONFIG", "SET", "tracking-table-max-keys", "10")
        told = until(conn)[:-1]
        assert len(set(told)) == 190 and all(raw.startswith(b">2\r\n$10\r\ninvalidate\r\n*1\r\n") for raw in told)
        conn.send(command("MGET", *("more:%d" % i for i in range(30))))
        assert len(until(conn)) == 1 + 30 + 1
        assert re.search(rb"tracking_total_keys:10\r\ntracking_total_items:10\r", other.call("INFO", "stats"))


def test_a_table_of_long_names_leaves_room_for_keys(own_engine):
    server = own_engine(maxmemory="32mb")
    with server.conn() as conn, server.conn() as other:
        conn.call("CLIENT", "TRACKING", "ON")
        before = int(re.search(rb"used_memory:(\d+)", other.call("INFO", "memory")).group(1))
        for i in range(100):
            conn.call("GET", b"%0100000d" % i)
        after = int(re.search(rb"used_memory:(\d+)", other.call("INFO", "memory")).group(1))
        assert 2 << 20 < after - before < 6 << 20, "an eighth of it, at most, and it is booked"


def test_a_replica_tells_of_what_its_primary_changes(own_engine):
    primary = own_engine()
    replica = own_engine(replicaof="127.0.0.1 %d" % primary.port)
    with replica.conn(resp3=True) as conn, primary.conn() as other:
        while b"master_link_status:up" not in conn.call("INFO", "replication"):
            pass
        conn.call("CLIENT", "TRACKING", "ON")
        conn.call("GET", "k")
        other.call("SET", "k", "1")
        assert conn.read_reply() == INVALID_K
        other.call("FLUSHALL")
        assert conn.read_reply() == b">2\r\n$10\r\ninvalidate\r\n_\r\n"
