"""What the owner of an engine does over the admin socket: terms, leases and fences, users, tokens."""

import contextlib
import os
import signal
import socket
import threading
import time

import pytest
import servers
from wire import Closed, Conn, Error, command, parse

LEASE_OVER = "READONLY The lease of this primary is over: it takes no writes until it is renewed."
FENCED = "READONLY This node is fenced: it takes no writes until a higher term makes it primary."


class Owned:
    """An engine, and its owner's connection."""

    def __init__(self, server):
        self.server = server
        self.path = os.path.join(server.dir, "admin")
        self.owner = servers.wait_for(self.connected, "the admin socket listens")

    def connected(self):
        try:
            return Conn(self.path)
        except OSError:
            return None

    def state(self):
        words = self.owner.call("LARDER.STATE")
        return dict(zip(words[::2], words[1::2]))

    @contextlib.contextmanager
    def stopped(self):
        """The process stands still meanwhile."""
        os.kill(self.server.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.server.pid, signal.SIGCONT)


@pytest.fixture
def owned(own_engine):
    return lambda **options: Owned(own_engine(larder_admin_socket="admin", **options))


def boot_ms():
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)


def test_the_socket_is_the_owners_alone(owned):
    node = owned()
    assert os.stat(node.path).st_mode & 0o777 == 0o600
    if os.geteuid() != 0:
        return
    # Somebody else, whom the mode would let in.
    os.chmod(node.server.dir, 0o755)
    os.chmod(node.path, 0o666)
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(65534)
            with Conn(node.path) as conn:
                os.write(writes, conn.read_to_close())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writes)
    with os.fdopen(reads, "rb") as answer:
        assert answer.read() == b"-DENIED The admin socket is for the user that the engine runs as.\r\n"
    assert node.owner.call("PING") == b"PONG"


def test_orders_of_an_older_term_are_refused(owned):
    node = owned()
    assert node.owner.call("LARDER.ROLE", 7, "primary") == b"OK"
    for order in (("ROLE", 6, "primary"), ("ROLE", 6, "replica", "127.0.0.1", 1), ("LEASE", 6, 1000), ("FENCE", 6)):
        reply = node.owner.call("LARDER." + order[0], *order[1:])
        assert reply == Error("STALETERM the order is of term 6, and this node has seen term 7")
    assert node.owner.call("LARDER.ROLE", 7, "primary") == b"OK"
    assert node.state()[b"term"] == 7 and node.state()[b"writes"] == b"taken"


def test_nobody_else_knows_the_orders(owned):
    node = owned(larder_restricted="yes")
    with node.server.conn() as conn:
        for name in ("ROLE", "LEASE", "FENCE", "STATE", "USERS", "IAM"):
            assert conn.call("LARDER." + name, 1, "x").startswith("ERR unknown command 'LARDER.")
        assert conn.call("COMMAND", "INFO", "larder.role") == [None]
        assert not [name for name in conn.call("COMMAND", "LIST") if name.startswith(b"larder")]


WRITES = [("SET", "k", "v"), ("DEL", "k"), ("INCR", "n"), ("EXPIRE", "k", 10), ("FLUSHALL",), ("RENAME", "k", "j")]


def test_no_write_of_any_kind_behind_the_lease(owned):
    node = owned()
    node.owner.call("LARDER.LEASE", 1, 60000)
    with node.server.conn() as conn:
        conn.call("SET", "k", "v")
        assert conn.call("MULTI") == b"OK" and conn.call("INCR", "n") == b"QUEUED"
        node.owner.call("LARDER.LEASE", 1, 0)
        assert conn.call("EXEC") == Error("EXECABORT Transaction discarded because of: " + LEASE_OVER)
        for words in WRITES:
            assert conn.call(*words) == Error(LEASE_OVER), words
        assert conn.call("GET", "k") == b"v"
        node.owner.call("LARDER.LEASE", 1, 60000)
        assert conn.call("SET", "k", "w") == b"OK"


def test_a_memcached_node_has_leases_too(owned):
    node = owned(larder_protocol="memcached")
    assert node.owner.call("LARDER.LEASE", 1, 0) == b"OK"
    with node.server.conn() as conn:
        conn.send(b"set k 0 0 1\r\nx\r\nget k\r\n")
        assert conn.read_line() == b"SERVER_ERROR " + LEASE_OVER.encode() + b"\r\n"
        assert conn.read_line() == b"END\r\n"
        node.owner.call("LARDER.LEASE", 1, 60000)
        conn.send(b"set k 0 0 1\r\nx\r\n")
        assert conn.read_line() == b"STORED\r\n"


def test_a_process_that_stood_still_does_not_acknowledge_late(owned):
    """Whatever it finds in its sockets when it goes on: writes, and leases that were good once."""
    node = owned()
    for _ in range(3):
        assert node.owner.call("LARDER.LEASE", 1, 300) == b"OK"
        with node.server.conn() as conn, node.server.conn() as late:
            assert conn.call("SET", "k", "before") == b"OK"
            with node.stopped():
                conn.send(command("SET", "k", "after") * 16)
                node.owner.send(command("LARDER.LEASE", 1, 300))
                with Conn(node.path) as second:
                    second.send(command("LARDER.LEASE", 1, 300))
                    late.send(command("SET", "k", "after"))
                    time.sleep(0.8)
            for _ in range(16):
                assert parse(conn.read_reply()) == Error(LEASE_OVER)
            assert parse(late.read_reply()) == Error(LEASE_OVER)
            assert node.owner.read_reply() == b"+OK\r\n"
            assert conn.call("GET", "k") == b"before"


def test_a_write_that_ran_in_time_is_not_acknowledged_behind_it(owned):
    """The process is stopped between the two: the connection ends without an answer."""
    node = owned(enable_debug_command="yes")
    node.owner.call("LARDER.LEASE", 1, 300)
    with node.server.conn() as conn:
        conn.send(command("SET", "k", "v") + command("DEBUG", "SLEEP", "0.7"))
        with pytest.raises(Closed) as closed:
            conn.read_reply()
        assert closed.value.data == b""
    with node.server.conn() as conn:
        assert conn.call("GET", "k") == b"v"
        assert conn.call("SET", "k", "w") == Error(LEASE_OVER)


def test_a_write_that_took_longer_than_the_lease_is_acknowledged_by_the_next_one(owned):
    """What the owner sent meanwhile is heard before the client is dropped, and what must wait runs behind."""
    node = owned(enable_debug_command="yes")
    node.owner.call("LARDER.ROLE", 1, "primary")
    node.owner.call("LARDER.LEASE", 1, 300)
    with node.server.conn() as conn:
        assert conn.call("PING") == b"PONG"
        conn.send(command("SET", "k", "v") + command("DEBUG", "SLEEP", "0.7"))
        time.sleep(0.2)
        node.owner.send(command("LARDER.LEASE", 1, 60000, "AT", boot_ms()) + command("GET", "k"))
        assert conn.read_reply() == b"+OK\r\n"
        assert conn.read_reply() == b"+OK\r\n"
        assert conn.call("GET", "k") == b"v"
    assert node.owner.read_reply() == b"+OK\r\n"
    assert node.owner.read_reply() == b"$1\r\nv\r\n"


def test_a_fence_that_came_while_a_write_took_longer_than_the_lease_holds(owned):
    node = owned(enable_debug_command="yes")
    node.owner.call("LARDER.LEASE", 1, 300)
    with node.server.conn() as conn:
        assert conn.call("PING") == b"PONG"
        conn.send(command("SET", "k", "v") + command("DEBUG", "SLEEP", "0.7"))
        time.sleep(0.2)
        node.owner.send(command("LARDER.FENCE", 1) + command("LARDER.LEASE", 1, 60000, "AT", boot_ms()))
        with pytest.raises(Closed) as closed:
            conn.read_reply()
        assert closed.value.data == b""
    assert node.owner.read_reply() == b"+OK\r\n"


def test_a_lease_counts_from_when_it_was_sent(owned):
    node = owned()
    now = boot_ms()
    assert node.owner.call("LARDER.LEASE", 1, 10000, "AT", now - 9000) == b"OK"
    assert 500 < node.state()[b"lease-left-ms"] <= 1001
    assert node.owner.call("LARDER.LEASE", 1, 10000, "AT", now - 20000) == b"OK"
    assert node.state()[b"lease-left-ms"] == 0
    assert node.owner.call("LARDER.LEASE", 1, "none") == b"OK"
    assert node.state()[b"lease-left-ms"] == -1


def test_a_fence_cuts_everybody_and_only_a_higher_term_lifts_it(owned):
    node = owned()
    with node.server.conn() as old:
        assert old.call("SET", "k", "v") == b"OK"
        assert node.owner.call("LARDER.FENCE", 3) == b"OK"
        assert servers.is_gone(old)
    with node.server.conn() as conn:
        assert conn.call("SET", "k", "w") == Error(FENCED)
        assert node.owner.call("LARDER.ROLE", 3, "primary") == b"OK"
        assert conn.call("SET", "k", "w") == Error(FENCED)
        assert node.owner.call("LARDER.FENCE", 3) == b"OK"
        assert conn.call("GET", "k") == b"v"
        assert node.owner.call("LARDER.ROLE", 4, "primary") == b"OK"
        assert conn.call("SET", "k", "w") == b"OK"


def changes(conn):
    return next(line for line in conn.call("INFO", "persistence").split() if line.startswith(b"rdb_changes_since_last_save"))


def test_a_fenced_node_tells_nobody_what_it_counted(owned):
    node = owned()
    with node.server.conn() as conn:
        conn.call("PFADD", "k", "a", "b", "c")
        conn.call("PFADD", "l", "a", "b")
    assert node.owner.call("LARDER.FENCE", 3) == b"OK"
    with node.server.conn() as conn:
        before = changes(conn)
        assert conn.call("PFADD", "k", "d") == Error(FENCED)
        assert conn.call("PFCOUNT", "k") == 3
        assert conn.call("PFCOUNT", "k", "l") == 3
        assert changes(conn) == before
        assert node.owner.call("LARDER.ROLE", 4, "primary") == b"OK"
        assert conn.call("PFCOUNT", "l") == 2
        assert changes(conn) != before


def test_the_owner_is_served_first_and_behind_no_limit(owned):
    node = owned(maxclients=8, client_output_buffer_limit="normal 1 0 0", maxmemory="1mb", timeout=1)
    stop, floods = threading.Event(), []

    def flood():
        data = command("SET", "k", "v" * 16) * 4000
        with socket.create_connection(node.server.address) as sock:
            sock.settimeout(0.05)
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    sock.send(data)
                with contextlib.suppress(OSError):
                    sock.recv(1 << 20)

    for _ in range(8):
        floods.append(threading.Thread(target=flood))
        floods[-1].start()
    try:
        with Conn(node.path) as second:
            for term in range(1, 50):
                begun = time.monotonic()
                assert node.owner.call("LARDER.LEASE", term, 60000) == b"OK"
                assert second.call("LARDER.STATE") is not None
                assert time.monotonic() - begun < 2
            assert second.call("ECHO", "x" * 200000) == b"x" * 200000
    finally:
        stop.set()
        for thread in floods:
            thread.join()


def lines(*users):
    return ["user " + user for user in ("default on nopass ~* &* +@all", *users)]


def test_users_change_as_a_whole_and_who_lost_access_is_cut(owned):
    node = owned()
    assert node.owner.call("LARDER.USERS", 1, *lines("alice on >a ~* +@all", "bob on >b ~* +@all")) == 0
    with node.server.conn() as alice, node.server.conn() as bob, node.server.conn() as other:
        assert alice.call("AUTH", "alice", "a") == b"OK" and bob.call("AUTH", "bob", "b") == b"OK"
        for wrong in (["user x on +nothing"], ["nonsense"], ["user default on", "user default on"]):
            assert isinstance(node.owner.call("LARDER.USERS", 2, *lines(), *wrong), Error)
        assert other.call("ACL", "USERS") == [b"alice", b"bob", b"default"]
        assert node.owner.call("LARDER.USERS", 2, *lines("alice on >a ~a* +@all")) == 1
        assert servers.is_gone(bob)
        assert alice.call("GET", "b").startswith("NOPERM") and other.call("GET", "b") is None
        assert node.owner.call("LARDER.USERS", 1, *lines()).startswith("STALEEPOCH")
        assert node.owner.call("LARDER.USERS", 3, *lines("alice on >new ~a* +@all")) == 1
        assert servers.is_gone(alice) and other.call("PING") == b"PONG"


def test_two_tokens_are_good_while_they_rotate(owned):
    node = owned(requirepass="one")
    with node.server.conn() as old:
        assert old.call("AUTH", "one") == b"OK"
        assert node.owner.call("ACL", "SETUSER", "default", ">two") == b"OK"
        for token in ("one", "two"):
            with node.server.conn() as conn:
                assert conn.call("AUTH", token) == b"OK"
        assert node.owner.call("CONFIG", "SET", "requirepass", "two") == b"OK"
        with node.server.conn() as conn:
            assert conn.call("AUTH", "one").startswith("WRONGPASS") and conn.call("AUTH", "two") == b"OK"
        assert node.owner.call("CONFIG", "GET", "requirepass") == [b"requirepass", b"two"]
        assert old.call("PING") == b"PONG"
        assert node.owner.call("CONFIG", "SET", "requirepass", "") == b"OK"
        with node.server.conn() as conn:
            assert conn.call("PING") == b"PONG"


def question(conn):
    words = parse(conn.read_reply())
    assert words[:2] == [b"iam", b"verify"]
    return words[2], words[3], words[4]


def test_tokens_are_judged_by_the_owner_while_others_go_on(owned):
    node = owned(larder_iam_timeout=600)
    node.owner.call("LARDER.USERS", 1, *lines("bob on iam ~* +@all"))
    with node.server.conn() as bob, node.server.conn() as other, Conn(node.path) as agent:
        assert bob.call("AUTH", "bob", "t") == Error("WRONGPASS there is nobody to verify tokens now")
        assert agent.call("LARDER.IAM", "LISTEN") == b"OK"
        bob.send(command("HELLO", 3, "AUTH", "bob", "t0k3n") + command("ACL", "WHOAMI"))
        number, user, token = question(agent)
        assert (user, token) == (b"bob", b"t0k3n") and other.call("SET", "k", "v") == b"OK"
        assert agent.call("LARDER.IAM", "VERDICT", number, "allow", 60000) == 1
        assert bob.read_reply().startswith(b"%7\r\n") and parse(bob.read_reply()) == b"bob"
        assert other.call("AUTH", "bob", "t0k3n") == b"OK"
        with node.server.conn() as wrong:
            wrong.send(command("AUTH", "bob", "bad"))
            assert agent.call("LARDER.IAM", "VERDICT", question(agent)[0], "deny") == 1
            assert parse(wrong.read_reply()).startswith("WRONGPASS invalid username-password pair")
            begun = time.monotonic()
            assert wrong.call("AUTH", "bob", "slow") == Error("WRONGPASS the token could not be verified in time")
            assert 0.5 < time.monotonic() - begun < 5


def test_what_a_token_opened_closes_in_time(owned):
    node = owned(larder_iam_session=1)
    node.owner.call("LARDER.USERS", 1, *lines("bob on iam ~* +@all"))
    with node.server.conn() as bob, node.server.conn() as other, Conn(node.path) as agent:
        agent.call("LARDER.IAM", "LISTEN")
        bob.send(command("AUTH", "bob", "t"))
        agent.call("LARDER.IAM", "VERDICT", question(agent)[0], "allow", 60000)
        assert bob.read_reply() == b"+OK\r\n"
        servers.wait_for(lambda: servers.is_gone(bob), "the session ends", within=5)
        assert other.call("PING") == b"PONG"


def info(node):
    text = node.owner.call("INFO", "replication").decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)


def wait_up(replica, primary):
    servers.wait_for(lambda: info(replica).get("master_link_status") == "up" and
                     info(replica)["slave_repl_offset"] == info(primary)["master_repl_offset"], "the replica follows")


def test_replicas_of_restricted_nodes_follow_as_the_owners_own_user(owned):
    primary = owned(larder_restricted="yes", repl_diskless_sync_delay=0)
    users = lines("repl on >sync +psync +replconf +ping owner")
    assert primary.owner.call("LARDER.USERS", 1, *users) == 0
    replica = owned(larder_restricted="yes", masteruser="repl", masterauth="sync")
    assert replica.owner.call("LARDER.USERS", 1, *users) == 0
    assert replica.owner.call("LARDER.ROLE", 1, "replica", "127.0.0.1", primary.server.port) == b"OK"
    with primary.server.conn() as tenant, replica.server.conn() as reader:
        assert tenant.call("SET", "k", "v") == b"OK"
        wait_up(replica, primary)
        assert reader.call("GET", "k") == b"v"
        for words in (("PSYNC", "?", "-1"), ("SYNC",), ("REPLICAOF", "NO", "ONE"), ("LARDER.STATE",)):
            assert tenant.call(*words).startswith("ERR unknown command '%s'" % words[0])
        assert tenant.call("ACL", "USERS") == [b"default"]
        assert tenant.call("AUTH", "repl", "sync") == b"OK"
        assert tenant.call("LARDER.STATE").startswith("ERR unknown command")
        # It comes back as that user whenever the connection ends.
        primary.owner.call("CLIENT", "KILL", "TYPE", "replica")
        assert reader.call("AUTH", "default", "") == b"OK"
        primary.owner.call("SET", "k", "w")
        servers.wait_for(lambda: reader.call("GET", "k") == b"w", "the stream goes on")
    assert info(primary)["connected_slaves"] == "1"


def test_roles_change_hands_without_a_full_sync(owned):
    nodes = [owned(repl_diskless_sync_delay=0) for _ in range(3)]
    for node in nodes[1:]:
        assert node.owner.call("LARDER.ROLE", 1, "replica", "127.0.0.1", nodes[0].server.port) == b"OK"
    nodes[0].owner.call("LARDER.ROLE", 1, "primary")
    nodes[0].owner.call("SET", "k", 1)
    for node in nodes[1:]:
        wait_up(node, nodes[0])
    full = [full_syncs(node) for node in nodes]
    for term in (2, 3):
        former, primary = nodes[term - 2], nodes[term - 1]
        before = info(former)
        assert primary.owner.call("LARDER.ROLE", term, "primary") == b"OK"
        after = info(primary)
        assert after["master_replid2"] == before["master_replid"] != after["master_replid"]
        assert int(after["second_repl_offset"]) == int(after["master_repl_offset"]) + 1
        primary.owner.call("INCR", "k")
        for node in nodes:
            if node is not primary:
                words = ("LARDER.ROLE", term, "replica", "127.0.0.1", primary.server.port)
                assert node.owner.call(*words) == b"OK"
        for node in nodes:
            if node is not primary:
                wait_up(node, primary)
                assert node.owner.call("GET", "k") == b"%d" % term
    assert [full_syncs(node) for node in nodes] == full, "nobody needed all"


def full_syncs(node):
    """How many full syncs a node has given."""
    return [line for line in node.owner.call("INFO", "stats").split(b"\r\n") if line.startswith(b"sync_full")]


def test_a_killed_client_is_gone_before_the_round_is_over(owned):
    node = owned(enable_debug_command="yes")
    with node.server.conn() as victim, node.server.conn() as killer:
        number = victim.call("CLIENT", "ID")
        begun = time.monotonic()
        killer.send(command("MULTI") + command("CLIENT", "KILL", "ID", number) + command("DEBUG", "SLEEP", "3") +
                    command("EXEC"))
        assert victim.read_to_close() == b""
        assert time.monotonic() - begun < 2.5
        assert [killer.read_reply() for _ in range(3)][0] == b"+OK\r\n"
        assert parse(killer.read_reply()) == [1, b"OK"]


BUSY = """redis.call('SET', KEYS[1], ARGV[1])
local begun = os.clock()
while os.clock() - begun < %s do end
return 'done'"""


@pytest.mark.parametrize("ends", ["by itself", "in a stop"])
def test_a_script_that_outlives_the_lease_is_not_acknowledged(owned, ends):
    node = owned(busy_reply_threshold=50)

    def is_busy(conn):
        return str(conn.call("GET", "x")).startswith("BUSY")

    with node.server.conn() as conn, node.server.conn() as other:
        assert conn.call("EVAL", BUSY % "0.01", 1, "k", "before") == b"done"
        assert node.owner.call("LARDER.LEASE", 1, 1000) == b"OK"
        conn.send(command("EVAL", BUSY % "1.5", 1, "k", "after"))
        servers.wait_for(lambda: is_busy(other), "the script runs")
        if ends == "in a stop":
            with node.stopped():
                time.sleep(1)
        with pytest.raises(Closed) as closed:
            conn.read_reply()
        assert closed.value.data == b""
    with node.server.conn() as conn:
        servers.wait_for(lambda: not is_busy(conn), "the script is over")
        assert conn.call("EVAL", "return redis.call('SET', KEYS[1], 'late')", 1, "k").startswith("READONLY")


WRITES_ON = """redis.call('SET', KEYS[1], 'before')
local begun, last = os.clock(), 'nothing'
while os.clock() - begun < 3 do
    last = redis.pcall('SET', KEYS[2], 'on')
    if type(last) == 'table' and last.err then break end
end
redis.pcall('SET', KEYS[3], 'late')
return last"""


@pytest.mark.parametrize("persists", ["no", "yes"])
def test_a_fence_amid_a_script_ends_its_writes(owned, own_engine, persists):
    node = owned(appendonly=persists, appendfsync="always" if persists == "yes" else "no")
    replica = own_engine(replicaof="127.0.0.1 %d" % node.server.port)
    servers.wait_for(lambda: b"state=online" in node.owner.call("INFO", "replication"), "the replica follows")
    with node.server.conn() as conn, node.server.conn() as other, replica.conn() as follower:
        conn.send(command("EVAL", WRITES_ON, 3, "a", "b", "c"))
        time.sleep(0.3)
        other.send(command("SET", "other", "1"))
        begun = time.monotonic()
        assert node.state()[b"writes"] == b"taken"
        assert node.owner.call("LARDER.FENCE", 5) == b"OK"
        assert time.monotonic() - begun < 0.5
        for one in (conn, other):
            with pytest.raises(Closed) as closed:
                one.read_reply()
            assert closed.value.data == b""
        # The order of a higher term waits for the end of the script, which is near.
        assert node.owner.call("LARDER.ROLE", 6, "primary") == b"OK"
        with node.server.conn() as again:
            assert again.call("GET", "c") is None
            assert again.call("SET", "d", 1) == b"OK"
            assert again.call("WAIT", 1, 5000) == 1
            assert [again.call("GET", key) for key in "abcd"] == [follower.call("GET", key) for key in "abcd"]


def test_the_owner_waits_amid_a_script_and_its_orders_do_not(owned):
    node = owned(busy_reply_threshold=60000)
    second = Conn(node.path)
    with node.server.conn() as conn:
        assert node.owner.call("LARDER.LEASE", 1, 60000) == b"OK"
        conn.send(command("EVAL", BUSY % "2.5", 1, "k", "v"))
        begun = time.monotonic()
        time.sleep(0.3)
        node.owner.send(command("GET", "k") + command("LARDER.LEASE", 1, 4000))
        for _ in range(5):
            assert second.call("LARDER.LEASE", 1, 60000) == b"OK"
        # One that connects meanwhile is served, too.
        with Conn(node.path) as third:
            state = third.call("LARDER.STATE")
            assert 55000 < dict(zip(state[::2], state[1::2]))[b"lease-left-ms"] <= 60000
        assert time.monotonic() - begun < 1.5
        # In its place, behind the script; and the lease counts from when it was sent.
        assert parse(node.owner.read_reply()) == b"v"
        assert parse(node.owner.read_reply()) == b"OK"
        assert time.monotonic() - begun > 1.5
        assert conn.read_reply() == b"$4\r\ndone\r\n"
        assert node.state()[b"lease-left-ms"] < 3000
    second.close()


def test_the_owner_is_served_while_files_are_loaded(owned):
    node = owned(enable_debug_command="yes", key_load_delay="500", rdbcompression="no",
                 loading_process_events_interval_bytes="1024")
    with node.server.conn() as conn:
        conn.batch([["SET", "k%d" % i, "%0500d" % i] for i in range(2000)])
        conn.send(command("DEBUG", "RELOAD"))
        with Conn(node.path) as second:
            servers.wait_for(lambda: b"\r\nloading:1" in second.call("INFO", "persistence"), "it loads")
            begun = time.monotonic()
            node.owner.send(command("GET", "k1999"))
            assert second.call("LARDER.LEASE", 1, 60000) == b"OK"
            assert second.call("LARDER.FENCE", 1) == b"OK"
            assert time.monotonic() - begun < 0.8
            assert b"\r\nloading:1" in second.call("INFO", "persistence")
            assert parse(node.owner.read_reply()) == b"%0500d" % 1999
            assert b"\r\nloading:0" in second.call("INFO", "persistence")
            assert node.state()[b"fence-term"] == 1
    with node.server.conn() as conn:
        assert conn.call("SET", "k", 1) == FENCED
