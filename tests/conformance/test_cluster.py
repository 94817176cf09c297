"""Cluster mode: what clients are told of the cluster, beside a redis-server with the same slots, and where their
commands run."""

import re
import subprocess

import clusters
import pytest
import servers
from wire import Error

IDS = re.compile(rb"[0-9a-f]{40}")


@pytest.fixture(scope="module")
def two():
    """Two shards of two nodes."""
    with clusters.cluster(shards=2, replicas=1) as c:
        yield c


@pytest.fixture(scope="module")
def redis_alone():
    """A redis-server that has all slots."""
    with servers.redis(cluster_enabled="yes") as server:
        with server.conn() as conn:
            assert conn.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383) == b"OK"
            servers.wait_for(lambda: b"cluster_state:ok" in conn.call("CLUSTER", "INFO"), "redis serves its slots")
        yield server


@pytest.fixture(scope="module")
def engine_alone():
    with clusters.cluster(shards=1) as c:
        yield c


SHAPES = [["CLUSTER", "SLOTS"], ["CLUSTER", "KEYSLOT", "{user1}.x"], ["CLUSTER", "COUNTKEYSINSLOT", 5],
          ["CLUSTER", "COUNTKEYSINSLOT", "x"], ["CLUSTER", "COUNTKEYSINSLOT", -1], ["CLUSTER", "GETKEYSINSLOT", 0, 1],
          ["CLUSTER", "GETKEYSINSLOT", 0, -1], ["CLUSTER", "GETKEYSINSLOT", 0], ["CLUSTER", "MYID"],
          ["CLUSTER", "REPLICAS", "nobody"], ["CLUSTER", "SLAVES", "nobody"], ["CLUSTER", "REPLICAS"], ["CLUSTER", "NONSENSE"], ["CLUSTER"], ["CLUSTER", "LINKS"],
          ["READONLY"], ["READWRITE"], ["ASKING"], ["MGET", "a", "b"], ["SELECT", 1], ["SELECT", 0], ["SWAPDB", 0, 0],
          ["MOVE", "a", 0], ["SORT", "l", "BY", "w_*"], ["SORT", "l", "GET", "#"], ["SORT", "l", "BY", "nosort"],
          ["MSET", "{t}1", 1, "{t}2", 2], ["MGET", "{t}1", "{t}2"], ["RENAME", "a", "b"],
          ["BITOP", "AND", "x", "y"], ["EXISTS", "a", "a"], ["LMPOP", 2, "a", "b", "LEFT"]]


@pytest.mark.parametrize("resp3", [False, True])
@pytest.mark.parametrize("words", SHAPES, ids=lambda w: "-".join(map(str, w)))
def test_answers_are_those_of_redis(redis_alone, engine_alone, words, resp3):
    answers = []
    for server in (redis_alone, engine_alone.nodes[0].server):
        with server.conn(resp3=resp3) as conn:
            raw = IDS.sub(b"ID", conn.raw(*words)).replace(b"%d" % server.port, b"PORT")
            answers.append(raw)
    # The reference knows neither its address nor a hostname, which it leaves out.
    mine = re.sub(rb"\$9\r\n127\.0\.0\.1", b"$0\r\n", answers[1])
    mine = re.sub(rb"(\*2|%1)\r\n\$8\r\nhostname\r\n\$11\r\nnode0.cache\r\n",
                  lambda m: b"%0\r\n" if m[1] == b"%1" else b"*0\r\n", mine)
    assert mine == answers[0]


def test_sort_takes_patterns_that_stay_in_the_slot():
    """As level 8.0 does."""
    denied = "ERR %s option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots."
    with clusters.cluster(shards=1, larder_engine_name="valkey", larder_engine_version="8.0.1") as c, \
            c.nodes[0].conn() as conn:
        conn.batch([["RPUSH", "{a}l", 1, 2], ["MSET", "{a}by1", 20, "{a}by2", 10, "{a}get1", "x", "{a}get2", "y"]])
        for name in ("SORT", "SORT_RO"):
            assert conn.call(name, "{a}l", "BY", "{a}by*", "GET", "{a}get*") == [b"y", b"x"]
            assert conn.call(name, "{a}l", "BY", "by*") == denied % "BY"
            assert conn.call(name, "{a}l", "BY", "{b}by*") == denied % "BY"
            assert conn.call(name, "{a}l", "GET", "get*") == denied % "GET"
            assert conn.call(name, "{a}l", "GET", "#") == denied % "GET"


def test_shards_have_all_that_clients_read(two):
    with two.nodes[0].conn(resp3=True) as conn:
        shards = [dict(s) for s in conn.call("CLUSTER", "SHARDS")]
    assert [s[b"slots"] for s in shards] == [[0, 8191], [8192, 16383]]
    nodes = [dict(n) for n in shards[1][b"nodes"]]
    assert [n[b"role"] for n in nodes] == [b"master", b"replica"]
    assert nodes[0] == {b"id": two.nodes[2].id.encode(), b"port": two.nodes[2].port, b"ip": b"127.0.0.1",
                        b"endpoint": b"127.0.0.1", b"hostname": b"node2.cache", b"role": b"master",
                        b"replication-offset": 0, b"health": b"online"}


@pytest.mark.parametrize("kind,endpoint,metadata", [
    ("ip", b"127.0.0.1", {b"hostname": b"node0.cache"}),
    ("hostname", b"node0.cache", {b"ip": b"127.0.0.1"}),
    ("unknown-endpoint", None, {b"ip": b"127.0.0.1", b"hostname": b"node0.cache"}),
])
def test_the_preferred_endpoint_is_what_clients_are_told(two, kind, endpoint, metadata):
    node = two.nodes[0]
    with node.conn(resp3=True) as conn:
        assert conn.call("CONFIG", "SET", "cluster-preferred-endpoint-type", kind) == b"OK"
        first = conn.call("CLUSTER", "SLOTS")[0]
        assert first[:2] == [0, 8191]
        assert first[2][0] == endpoint and first[2][1:3] == [node.port, node.id.encode()]
        assert dict(first[2][3]) == metadata
        shown = {"ip": b"127.0.0.1", "hostname": b"node2.cache", "unknown-endpoint": b""}[kind]
        assert conn.call("GET", "foo") == Error("MOVED 12182 %s:%d" % (shown.decode(), two.nodes[2].port))
        assert conn.call("CONFIG", "SET", "cluster-preferred-endpoint-type", "ip") == b"OK"


def test_the_state_is_told_in_the_fields_of_redis(redis_alone, engine_alone):
    with redis_alone.conn() as theirs, engine_alone.nodes[0].conn() as mine:
        told = [dict(line.split(b":") for line in conn.call("CLUSTER", "INFO").split()) for conn in (theirs, mine)]
        # A topology has an epoch from the start.
        assert told[1] == {**told[0], b"cluster_current_epoch": b"1", b"cluster_my_epoch": b"1"}
        assert list(told[1]) == list(told[0])
        helps = [conn.call("CLUSTER", "HELP") for conn in (theirs, mine)]
        assert helps[0][0] == helps[1][0] and {b"SLOTS", b"HELP"} <= set(helps[1])


def test_nodes_and_shards_have_names(two):
    with two.nodes[1].conn() as conn:
        assert conn.call("CLUSTER", "MYSHARDID") == clusters.shard_id(0).encode()
        replicas = [conn.call("CLUSTER", word, two.nodes[0].id) for word in ("REPLICAS", "SLAVES")]
        lines = conn.call("CLUSTER", "NODES").splitlines()
    assert replicas[0] == replicas[1] and len(replicas[0]) == 1
    words = [line.split() for line in lines]
    assert replicas[0][0].split()[:4] == [
        two.nodes[1].id.encode(), b"127.0.0.1:%d@%d,node1.cache" % (two.nodes[1].port, two.nodes[1].port + 10000),
        b"myself,slave", two.nodes[0].id.encode()]
    assert {(w[0], w[2], w[3], *w[8:]) for w in words} == {
        (two.nodes[0].id.encode(), b"master", b"-", b"0-8191"),
        (two.nodes[1].id.encode(), b"myself,slave", two.nodes[0].id.encode()),
        (two.nodes[2].id.encode(), b"master", b"-", b"8192-16383"),
        (two.nodes[3].id.encode(), b"slave", two.nodes[2].id.encode())}


def test_restore_asking_restores_as_restore_does(redis_alone, engine_alone):
    with redis_alone.conn() as theirs, engine_alone.nodes[0].conn() as mine:
        for conn in (theirs, mine):
            conn.call("SET", "k", "value")
        payload = theirs.call("DUMP", "k")
        for words in (["k", 0, payload], ["k", 0, payload, "REPLACE"], ["other", 0, payload], ["other", "x", payload],
                      ["third", -1, payload], ["third", 0, payload[:-1]], ["third"]):
            assert mine.raw("RESTORE-ASKING", *words) == theirs.raw("RESTORE-ASKING", *words), words
        assert mine.call("GET", "other") == b"value"
        for conn in (theirs, mine):
            conn.call("FLUSHALL")


def test_nodes_are_read_by_redis_cli(two):
    port = two.nodes[1].port
    check = subprocess.run(["redis-cli", "--cluster", "check", "127.0.0.1:%d" % port], capture_output=True, text=True,
                           timeout=20)
    assert "[OK] All 16384 slots covered." in check.stdout, check.stdout
    assert check.stdout.count("slots:") >= 2 and "[OK] All nodes agree about slots" in check.stdout


def test_redis_cli_follows_redirections(two):
    def cli(*words):
        done = subprocess.run(["redis-cli", "-c", "-p", str(two.nodes[0].port), *words], capture_output=True,
                              text=True, timeout=20)
        return done.stdout.strip()
    assert cli("SET", "foo", "there").endswith("OK")
    assert cli("GET", "foo") == "there"
    with two.nodes[2].conn() as conn:
        assert conn.call("GET", "foo") == b"there"


def test_topologies_are_taken_in_order_and_whole():
    with clusters.cluster(shards=1) as c:
        node = c.nodes[0]
        words = c.words(node)
        assert node.admin("LARDER.TOPOLOGY", *words) == b"OK"
        assert node.admin("LARDER.TOPOLOGY") == [str(w).encode() for w in words]
        older = node.admin("LARDER.TOPOLOGY", "0", *words[1:])
        assert older.startswith("ERR topology refused: word 1, '0'")
        c.publish()
        assert "is older than the present one" in node.admin("LARDER.TOPOLOGY", *words)
        assert "expected" in node.admin("LARDER.TOPOLOGY", c.epoch + 1, node.id, "SHARD")
        with node.conn() as conn:
            assert conn.call("CLUSTER", "MYID") == node.id.encode()
            assert conn.call("LARDER.TOPOLOGY").startswith("ERR unknown command")


def test_a_waiting_client_is_sent_on_when_its_slot_goes():
    with clusters.cluster(shards=2) as c, c.nodes[0].conn() as conn:
        slot = conn.call("CLUSTER", "KEYSLOT", "bar")
        conn.send(b"BLPOP bar 0\r\n")
        servers.wait_for(lambda: b"blocked_clients:1" in c.nodes[0].admin("INFO", "clients"), "it waits")
        c.give([slot], 0, 1)
        c.publish()
        assert conn.read_reply() == b"-MOVED %d 127.0.0.1:%d\r\n" % (slot, c.nodes[1].port)


def test_slots_that_are_not_served_stop_the_cluster_or_not():
    with clusters.cluster(shards=1) as c, c.nodes[0].conn() as conn:
        c.slots[0] -= {5}
        c.publish()
        assert conn.call("GET", "bar") == Error("CLUSTERDOWN The cluster is down")
        conn.call("CONFIG", "SET", "cluster-allow-reads-when-down", "yes")
        assert conn.call("GET", "bar") is None
        assert conn.call("SET", "bar", 1) == Error("CLUSTERDOWN The cluster is down and only accepts read commands")
        conn.call("CONFIG", "SET", "cluster-require-full-coverage", "no")
        assert conn.call("SET", "bar", 1) == b"OK"


def test_the_slots_of_keys_are_counted_over_all_changes(engine_alone):
    with engine_alone.nodes[0].conn() as conn:
        conn.call("FLUSHALL")
        conn.batch([["SET", "k%d{c}" % i, "v"] for i in range(500)])
        slot = conn.call("CLUSTER", "KEYSLOT", "{c}")
        assert conn.call("CLUSTER", "COUNTKEYSINSLOT", slot) == 500
        conn.call("RENAME", "k1{c}", "k2{c}")
        conn.call("DEL", "k3{c}")
        assert conn.call("CLUSTER", "COUNTKEYSINSLOT", slot) == 498
        assert len(set(conn.call("CLUSTER", "GETKEYSINSLOT", slot, 1000))) == 498
        conn.call("PEXPIRE", "k4{c}", 1)
        servers.wait_for(lambda: conn.call("CLUSTER", "COUNTKEYSINSLOT", slot) == 497, "the key expires")
        conn.call("FLUSHALL")
        assert conn.call("CLUSTER", "COUNTKEYSINSLOT", slot) == 0


def test_open_replicas_answer_reads_of_clients_that_know_nothing_of_clusters():
    with clusters.cluster(shards=1, replicas=1) as c:
        primary, replica = c.nodes
        replica.admin("REPLICAOF", "127.0.0.1", primary.port)
        with primary.conn() as writer, replica.conn() as reader:
            writer.call("SET", "k", "v")
            assert isinstance(reader.call("GET", "k"), Error)
            assert replica.admin("CONFIG", "SET", "larder-open-replicas", "yes") == b"OK"
            servers.wait_for(lambda: reader.call("GET", "k") == b"v", "the replica has it")
            assert isinstance(reader.call("SET", "k", "w"), Error)
            assert replica.admin("CONFIG", "SET", "larder-open-replicas", "no") == b"OK"
            assert isinstance(reader.call("GET", "k"), Error)
