"""Publish and subscribe, keyspace notifications and MONITOR: the same steps on the engine and on redis-server, byte for byte."""

import re
import resource
import select
import socket

import pytest
import servers
from wire import Closed, Error, command


@pytest.fixture
def both(engine, shared_reference):
    reference = shared_reference.get()
    with reference.conn() as conn:
        conn.call("FLUSHALL")
    return [engine, reference]


def same(both, play):
    """What the play has seen, once on each server: it must be the same."""
    mine, theirs = (play(server) for server in both)
    assert mine == theirs
    return mine


def raws(conn, count):
    return [conn.read_reply() for _ in range(count)]


@pytest.mark.parametrize("resp3", [False, True], ids=["resp2", "resp3"])
def test_subscriptions_and_messages(both, resp3):
    def play(server):
        seen = []
        with server.conn(resp3=resp3) as sub, server.conn() as pub:
            for line in (["SUBSCRIBE", "a", "b", "a"], ["PSUBSCRIBE", "a*", "?"], ["SSUBSCRIBE", "s"]):
                sub.send(command(*line))
                seen += raws(sub, len(line) - 1)
            for channel in ("a", "b", "abc", "none", "s"):
                seen.append(pub.raw("PUBLISH", channel, "m-" + channel))
            seen.append(pub.raw("SPUBLISH", "s", "shard"))
            # The order of a channel's and a pattern's messages is told; that among patterns is nobody's business.
            seen += [sub.read_reply()] + sorted(raws(sub, 2)) + [sub.read_reply(), sub.read_reply(), sub.read_reply()]
            seen += raws(sub, 2)
            seen += [pub.raw("PUBSUB", "NUMPAT"), pub.raw("PUBSUB", "NUMSUB", "a", "b", "none"), pub.raw("PUBSUB", "NUMSUB"),
                     pub.raw("PUBSUB", "SHARDNUMSUB", "s", "a"), pub.raw("PUBSUB", "SHARDCHANNELS"),
                     sorted(pub.call("PUBSUB", "CHANNELS")), pub.raw("PUBSUB", "CHANNELS", "b*")]
            info = pub.call("CLIENT", "LIST")
            seen.append(re.findall(rb"flags=(\S+) .*?(sub=\d+ psub=\d+ ssub=\d+)", info))
            for line in (["UNSUBSCRIBE", "b", "none"], ["PUNSUBSCRIBE", "?"], ["SUNSUBSCRIBE", "none"]):
                sub.send(command(*line))
                seen += raws(sub, len(line) - 1)
            for line in (["UNSUBSCRIBE"], ["PUNSUBSCRIBE"], ["SUNSUBSCRIBE"], ["UNSUBSCRIBE"], ["PUNSUBSCRIBE"], ["SUNSUBSCRIBE"]):
                sub.send(command(*line))
                seen += raws(sub, 1)
            seen += [sub.raw("PING"), pub.raw("PUBLISH", "a", "x"), pub.raw("PUBSUB", "CHANNELS")]
        return seen
    same(both, play)


def test_who_listens_in_version_2_does_nothing_else(both):
    def play(server):
        with server.conn() as conn:
            seen = [conn.raw("SUBSCRIBE", "c")]
            for line in (["GET", "k"], ["PING"], ["PING", "x"], ["PUBLISH", "c", "m"], ["CLIENT", "ID"], ["HELLO", "3"],
                         ["NOSUCH"], ["GET"], ["MULTI"], ["RESET"], ["GET", "k"], ["PING"]):
                seen.append(conn.raw(*line))
            return seen
    assert b"only (P|S)SUBSCRIBE" in same(both, play)[1]


def test_in_version_3_messages_come_behind_the_reply_that_caused_them(engine):
    """As since 7.2; the reference of these tests still has them in front."""
    with engine.conn(resp3=True) as conn:
        conn.batch([["SUBSCRIBE", "c"], ["SET", "k", "v"]])
        conn.send(command("PUBLISH", "c", "1") + command("GET", "k"))
        assert raws(conn, 3) == [b":1\r\n", b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n1\r\n", b"$1\r\nv\r\n"]


def test_messages_come_although_replies_are_off(both):
    def play(server):
        with server.conn() as sub, server.conn() as pub:
            sub.send(command("CLIENT", "REPLY", "OFF") + command("SUBSCRIBE", "c") + command("PSUBSCRIBE", "c*"))
            seen = raws(sub, 2) + [pub.raw("PUBLISH", "c", "m")] + raws(sub, 2)
            sub.send(command("UNSUBSCRIBE") + command("PUNSUBSCRIBE", "c*"))
            return seen + raws(sub, 2)
    same(both, play)


def test_valkey_wants_a_subscription_to_end(own_engine):
    with own_engine(larder_engine_name="valkey").conn() as conn:
        assert conn.call("UNSUBSCRIBE") == Error("NOSUB 'unsubscribe' command executed not in subscribed mode")
        conn.call("SUBSCRIBE", "a")
        assert conn.call("SUNSUBSCRIBE", "b") == [b"sunsubscribe", b"b", 0]


def test_errors_and_help(both):
    def play(server):
        with server.conn() as conn:
            return [conn.raw(*line) for line in (["SUBSCRIBE"], ["PUBLISH", "a"], ["PUBSUB"], ["PUBSUB", "NOSUCH"],
                                                 ["PUBSUB", "CHANNELS", "a", "b"], ["PUBSUB", "NUMPAT", "x"],
                                                 ["SPUBLISH", "a"], ["MONITOR", "x"])]
    same(both, play)


def test_a_transaction_publishes_and_subscribes(both):
    def play(server):
        with server.conn() as sub, server.conn() as conn:
            seen = [sub.raw("SUBSCRIBE", "c")]
            conn.batch([["MULTI"], ["PUBLISH", "c", "1"], ["PUBLISH", "c", "2"]])
            seen += [conn.raw("EXEC")] + raws(sub, 2)
            conn.batch([["MULTI"], ["SUBSCRIBE", "d"]])
            return seen + [conn.raw("EXEC"), conn.raw("PING")]
    same(both, play)


def test_messages_reach_who_closes_and_comes(engine):
    with engine.conn() as pub:
        subs = [engine.conn() for _ in range(50)]
        for sub in subs:
            sub.raw("SUBSCRIBE", "c")
            sub.raw("PSUBSCRIBE", "p%d" % (id(sub) % 7))
        for sub in subs[::2]:
            sub.close()
        servers.wait_for(lambda: pub.call("PUBSUB", "NUMSUB", "c")[1] == 25, "half are gone")
        assert pub.call("PUBLISH", "c", "m") == 25
        for sub in subs[1::2]:
            assert sub.read_reply().endswith(b"$1\r\nm\r\n")
            sub.close()
        servers.wait_for(lambda: pub.call("PUBSUB", "NUMPAT") == 0, "all are gone")
        assert pub.call("PUBSUB", "CHANNELS") == []


def test_memory_of_subscriptions_comes_back(engine):
    with engine.conn() as conn:
        def used():
            return int(conn.call("INFO", "memory").split(b"used_memory:")[1].split(b"\r")[0])

        with engine.conn() as sub:
            sub.call("PING")
            names = ["channel-%d" % i for i in range(2000)]
            conn.call("PING")
            before = used()
            sub.send(command("SUBSCRIBE", *names))
            raws(sub, 2000)
            assert used() - before > 2000 * 50
            sub.send(command("UNSUBSCRIBE"))
            raws(sub, 2000)
            # The table of channels keeps its size.
            assert used() - before <= 65536


def test_a_slow_subscriber_is_cut_by_the_limit_of_its_class(own_engine):
    server = own_engine(client_output_buffer_limit=["pubsub", "1mb", "0", "0"])
    with server.conn() as sub, server.conn() as pub:
        sub.raw("SUBSCRIBE", "c")
        payload = "x" * 100000
        servers.wait_for(lambda: pub.call("PUBLISH", "c", payload) == 0, "it is dropped")
        with pytest.raises((Closed, OSError)):
            while True:
                sub.read_reply()


def test_channels_need_permission(both):
    def play(server):
        with server.conn() as admin, server.conn() as conn:
            admin.call("ACL", "SETUSER", "eve", "on", "nopass", "+@all", "~*", "resetchannels", "&ok:*")
            seen = [conn.raw("AUTH", "eve", "x")]
            for line in (["PUBLISH", "ok:1", "m"], ["PUBLISH", "no", "m"], ["SPUBLISH", "no", "m"], ["PSUBSCRIBE", "ok:1*"],
                         ["SUBSCRIBE", "no"], ["SSUBSCRIBE", "no"], ["SUBSCRIBE", "ok:1", "no"], ["PSUBSCRIBE", "ok:*"]):
                seen.append(conn.raw(*line))
            seen.append(admin.raw("ACL", "SETUSER", "eve", "resetchannels", "&ok:1"))
            seen.append(conn.read_to_close())  # what it listens to is no longer allowed
            admin.call("ACL", "DELUSER", "eve")
            # The words behind the code have changed with 7.2.
            return [raw[:8] if raw.startswith(b"-NOPERM") else raw for raw in seen]
    same(both, play)


# ---- keyspace notifications ----

WRITES = [["SET", "k", "v"], ["GET", "none"], ["EXPIRE", "k", "100"], ["PERSIST", "k"], ["APPEND", "k", "x"], ["DEL", "k"],
          ["LPUSH", "l", "a", "b"], ["LPOP", "l"], ["RPOP", "l"], ["SADD", "s", "m"], ["SREM", "s", "m"], ["HSET", "h", "f", "v"],
          ["HDEL", "h", "f"], ["ZADD", "z", "1", "m"], ["ZREM", "z", "m"], ["SET", "a", "1"], ["RENAME", "a", "b"],
          ["INCR", "b"], ["COPY", "b", "c"], ["GETDEL", "c"], ["SETEX", "e", "100", "v"], ["MSET", "x", "1", "y", "2"]]


@pytest.mark.parametrize("classes", ["KEA", "KEAm", "E$", "Kgl", "Ez", "A", "Ksh", "KEn"])
def test_changes_are_told_as_the_classes_say(both, classes):
    def play(server):
        with server.conn() as sub, server.conn() as conn:
            sub.raw("PSUBSCRIBE", "__key*__:*")
            seen = [conn.raw("CONFIG", "SET", "notify-keyspace-events", classes),
                    conn.raw("CONFIG", "GET", "notify-keyspace-events")]
            for line in WRITES:
                conn.call(*line)
            conn.call("CONFIG", "SET", "notify-keyspace-events", "")
            conn.call("PUBLISH", "__key__:end", "end")
            while not seen[-1].endswith(b"end\r\n"):
                seen.append(sub.read_reply())
            return seen
    assert len(same(both, play)) > (3 if classes != "A" else 2)


def test_expiry_is_told(both):
    def play(server):
        with server.conn() as sub, server.conn() as conn:
            conn.call("CONFIG", "SET", "notify-keyspace-events", "Ex")
            conn.call("DEBUG", "SET-ACTIVE-EXPIRE", 1)  # the generated comparison leaves it off
            sub.raw("SUBSCRIBE", "__keyevent@0__:expired")
            conn.call("SET", "gone", "v", "PX", "1")
            seen = sub.read_reply()
            conn.call("CONFIG", "SET", "notify-keyspace-events", "")
            return seen
    same(both, play)


def test_classes_are_letters_of_a_list(both):
    def play(server):
        with server.conn() as conn:
            return [(conn.raw("CONFIG", "SET", "notify-keyspace-events", v), conn.raw("CONFIG", "GET", "notify-keyspace-events"))
                    for v in ("EKg$", "AKE", "KEn", "q", "g$lshzxetdKE", "")]
    same(both, play)


# ---- MONITOR ----

def monitored(line):
    return re.sub(rb"^\+\d+\.\d{6} \[(\d+) (lua)?[^\]]*\]", rb"[\1 \2]", line)


def test_monitor_shows_what_runs_but_no_secrets(both):
    def play(server):
        with server.conn() as monitor, server.conn() as conn:
            seen = [monitor.raw("MONITOR")]
            for line in (["SET", "k", b"a\"b\\\n\x00\xff"], ["SELECT", "3"], ["GET", "k"], ["AUTH", "default", "hush"],
                         ["CONFIG", "GET", "maxmemory"], ["ECHO", "end"]):
                conn.call(*line)
            while b"end" not in seen[-1]:
                seen.append(monitored(monitor.read_reply()))
            return seen
    seen = same(both, play)
    assert not any(b"hush" in line for line in seen)


def test_monitor_shows_scripts_before_what_they_call_and_who_waits_once(both):
    def play(server):
        with server.conn() as monitor, server.conn() as conn, server.conn() as waits:
            seen = [monitor.raw("MONITOR")]
            for line in (["EVAL", "redis.call('SET', KEYS[1], 'v') return redis.call('GET', KEYS[1])", "1", "k"],
                         ["EVALSHA", "f" * 40, "0"], ["DEL", "l"]):
                conn.raw(*line)
            waits.send(command("BLPOP", "l", "0"))
            while b"BLPOP" not in seen[-1]:
                seen.append(monitored(monitor.read_reply()))
            for line in (["RPUSH", "l", "a"], ["ECHO", "end"]):
                conn.raw(*line)
            seen.append(waits.read_reply())
            while b"end" not in seen[-1]:
                seen.append(monitored(monitor.read_reply()))
            return seen
    seen = same(both, play)
    assert b'[0 lua] "SET" "k" "v"' in seen[2], seen


def test_a_monitor_that_resets_sees_no_more(both):
    def play(server):
        with server.conn() as monitor, server.conn() as conn:
            seen = [monitor.raw("MONITOR"), re.findall(rb"flags=O", conn.call("CLIENT", "LIST")), conn.raw("ECHO", "x"), monitor.read_reply()[:1]]
            monitor.send(command("RESET"))
            seen.append(monitor.read_reply()[-8:])
            conn.call("SET", "k", "v")
            return seen + [monitor.raw("PING")]
    same(both, play)


CROWD, CLOSE, BIG = 10000, 10, 100_000
INVALID = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nkey\r\n"


class Crowd:
    """Connections that are read all together."""

    def __init__(self, address, count, hello):
        self.poll, self.socks = select.epoll(), {}
        for _ in range(count):
            s = socket.create_connection(address)
            s.sendall(hello)
            self.socks[s.fileno()] = s
            self.poll.register(s, select.EPOLLIN)

    def expect(self, want):
        """Until each has got these bytes, and nothing else."""
        left = {fd: want for fd in self.socks}
        while left:
            ready = self.poll.poll(20)
            assert ready, "%d of them wait for %r" % (len(left), next(iter(left.values()))[:100])
            for fd, _ in ready:
                got = self.socks[fd].recv(1 << 20)
                assert got and left.get(fd, b"").startswith(got), got[:200]
                left[fd] = left[fd][len(got):]
                if not left[fd]:
                    del left[fd]

    def skip_to(self, last):
        """Until what each has got ends so."""
        got = dict.fromkeys(self.socks, b"")
        while got:
            for fd, _ in self.poll.poll(20):
                got[fd] += self.socks[fd].recv(65536)
                if got[fd].endswith(last):
                    del got[fd]

    def close(self):
        for s in self.socks.values():
            s.close()
        self.poll.close()


def test_ten_thousand_listen_and_track_and_slow_ones_are_cut(own_engine):
    """Each of the crowd subscribes and tracks; ten close ones and ten that never read have a channel of long messages."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    server = own_engine(maxclients=CROWD + 100, client_output_buffer_limit=("pubsub", "256kb", "0", "0"),
                        enable_protected_configs="yes")

    def info(conn):
        lines = conn.call("INFO", "everything").decode().splitlines()
        return {x.split(":")[0]: x.split(":")[1] for x in lines if x.count(":") == 1}
    with server.conn() as conn:
        conn.call("SET", "key", "v")
        before = info(conn)
        hello = command("HELLO", 3) + command("CLIENT", "TRACKING", "ON") + command("SUBSCRIBE", "all") + command("GET", "key")
        crowd = Crowd(server.address, CROWD, hello)
        near = Crowd(server.address, CLOSE, command("SUBSCRIBE", "big"))
        slow = [server.conn() for _ in range(CLOSE)]
        for s in slow:
            s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.send(command("SUBSCRIBE", "big"))
        near.expect(b"*3\r\n$9\r\nsubscribe\r\n$3\r\nbig\r\n:1\r\n")
        crowd.skip_to(b"$1\r\nv\r\n")
        servers.wait_for(lambda: conn.call("PUBSUB", "NUMSUB", "all", "big") == [b"all", CROWD, b"big", 2 * CLOSE], "all came")
        assert info(conn)["tracking_clients"] == str(CROWD)
        for n in range(2):
            assert conn.call("PUBLISH", "all", "message %d" % n) == CROWD
            crowd.expect(b">3\r\n$7\r\nmessage\r\n$3\r\nall\r\n$9\r\nmessage %d\r\n" % n)
        assert conn.call("SET", "key", "w") == b"OK" == conn.call("SET", "key", "x")
        crowd.expect(INVALID)
        long = b"x" * BIG
        for sent in range(1000):
            if conn.call("PUBLISH", "big", long) == CLOSE:
                break
            near.expect(b"*3\r\n$7\r\nmessage\r\n$3\r\nbig\r\n$%d\r\n%s\r\n" % (BIG, long))
        near.expect(b"*3\r\n$7\r\nmessage\r\n$3\r\nbig\r\n$%d\r\n%s\r\n" % (BIG, long))
        assert 2 < sent < 999 and info(conn)["connected_clients"] == str(1 + CROWD + CLOSE)
        for one in (crowd, near, *slow):
            one.close()
        # Nothing of them stays, not even in the table of keys.
        servers.wait_for(lambda: info(conn)["connected_clients"] == "1", "all are gone")

        def is_clean():
            now = info(conn)
            return (now["tracking_total_keys"] == now["pubsub_channels"] == "0" and
                    now["mem_clients_normal"] == before["mem_clients_normal"] and
                    int(now["used_memory"]) <= int(before["used_memory"]) + 65536)
        servers.wait_for(is_clean, "the memory is what it was")
