"""Scaling while written: shards come and go, and their slots move with all that is in them."""
import contextlib
import json
import os
import random
import signal
import threading
import time

import pytest
import redis
from botocore.exceptions import BotoCoreError, ClientError

from conftest import memcached, wait_until
from test_groups import Group

SLOTS = 16384


class ClusterWriter:
    """Writes through a cluster client and remembers what was acknowledged, and what it did not expect."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.acknowledged = {}
        self.count = 0  # of acknowledged writes
        self.errors = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def connect(self):
        return redis.RedisCluster(host=self.endpoint["Address"], port=self.endpoint["Port"], socket_timeout=2)

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: self.acknowledged, "the first write is taken")
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def run(self):
        client, number = self.connect(), 0
        while not self.ended.is_set():
            number += 1
            key = f"written:{number % 5000}"
            try:
                client.set(key, number)
                self.acknowledged[key] = number
                self.count += 1
            except (redis.RedisError, OSError) as e:
                self.errors.append(repr(e))
                with contextlib.suppress(redis.RedisError, OSError):
                    client = self.connect()

    def lost(self, endpoint):
        """Keys whose value is older than the last one that was acknowledged."""
        client = redis.RedisCluster(host=endpoint["Address"], port=endpoint["Port"])
        return {k: n for k, n in self.acknowledged.items() if int(client.get(k) or 0) < n}


def slots_of(text):
    found = set()
    for part in (text or "").split(","):
        if part:
            low, _, high = part.partition("-")
            found |= set(range(int(low), int(high or low) + 1))
    return found


def shares(shown):
    return {s["NodeGroupId"]: slots_of(s.get("Slots")) for s in shown["NodeGroups"]}


def reshard(group, count, **more):
    group.client.modify_replication_group_shard_configuration(
        ReplicationGroupId=group.name, NodeGroupCount=count, ApplyImmediately=True, **more)


def watch(group, within=60.0):
    """What the group showed until it was available again."""
    seen, end = [], time.monotonic() + within
    while not seen or seen[-1]["Status"] == "modifying":
        assert time.monotonic() < end, seen[-1]
        with contextlib.suppress(BotoCoreError, ClientError):  # while nobody listens
            seen.append(group.describe())
        time.sleep(0.02)
    assert seen[-1]["Status"] == "available", seen[-1]
    return seen


def check_course(seen):
    """At every moment each slot had one shard, and progress never went back."""
    progress = [s["PendingModifiedValues"].get("Resharding", {}).get("SlotMigration", {}).get("ProgressPercentage")
                for s in seen]
    told = [p for p in progress if p is not None]
    assert told == sorted(told) and progress[-1] is None, progress
    for shown in seen:
        parts = shares(shown)
        assert sum(map(len, parts.values())) == SLOTS and set().union(*parts.values()) == set(range(SLOTS))


def fill(endpoint, count=3000):
    client = redis.RedisCluster(host=endpoint["Address"], port=endpoint["Port"])
    for n in range(count):
        client.set(f"kept:{n}", f"value {n}")
    client.hset("kept:hash", mapping={f"field{n}": n for n in range(2000)})
    return client


def check_filled(endpoint, count=3000):
    client = redis.RedisCluster(host=endpoint["Address"], port=endpoint["Port"])
    assert [n for n in range(count) if client.get(f"kept:{n}") != f"value {n}".encode()] == []
    assert client.hlen("kept:hash") == 2000
    assert sum(client.dbsize(target_nodes=n) for n in client.get_primaries()) >= count


def test_shards_come_and_go_under_writers(house):
    group = Group.create(house, "elastic", NumNodeGroups=2, ReplicasPerNodeGroup=1)
    endpoint = group.describe()["ConfigurationEndpoint"]
    fill(endpoint)
    with ClusterWriter(endpoint) as writer:
        reshard(group, 4, ReshardingConfiguration=[
            {"NodeGroupId": "0003", "PreferredAvailabilityZones": ["us-east-1c", "us-east-1a"]},
            {"NodeGroupId": "0004", "PreferredAvailabilityZones": ["us-east-1b", "us-east-1c"]}])
        assert group.describe()["Status"] == "modifying"
        with pytest.raises(ClientError, match="InvalidReplicationGroupState"):
            reshard(group, 5)
        check_course(watch(group))
        shown = group.describe()
        assert {k: len(v) for k, v in shares(shown).items()} == dict.fromkeys(["0001", "0002", "0003", "0004"], 4096)
        assert [m["PreferredAvailabilityZone"] for m in shown["NodeGroups"][2]["NodeGroupMembers"]] \
            == ["us-east-1c", "us-east-1a"]
        assert shown["ConfigurationEndpoint"] == endpoint
        reshard(group, 1, NodeGroupsToRetain=["0003"])
        check_course(watch(group))
        assert group.members() == ["elastic-0003-001", "elastic-0003-002"]
    assert (writer.errors, writer.lost(endpoint_of(group))) == ([], {})
    check_filled(endpoint_of(group))
    told = group.messages()
    assert told.count("Started modifying the node groups of replication group elastic") == 2
    assert told.count("Finished modifying the node groups of replication group elastic") == 2
    reshard(group, 2)  # numbers of removed shards do not come back
    watch(group)
    assert sorted(shares(group.describe())) == ["0003", "0005"]
    group.client.delete_replication_group(ReplicationGroupId="elastic")
    group.wait_gone()


def endpoint_of(group):
    return group.describe()["ConfigurationEndpoint"]


def test_slots_move_over_encrypted_connections(house):
    group = Group.create(house, "sealed", NumNodeGroups=1, CacheParameterGroupName="default.redis7.cluster.on",
                         TransitEncryptionEnabled=True)
    endpoint = endpoint_of(group)
    client = redis.RedisCluster(host=endpoint["Address"], port=endpoint["Port"], ssl=True, ssl_cert_reqs="none")
    for n in range(500):
        client.set(f"k{n}", n)
    reshard(group, 2)
    watch(group)
    assert [n for n in range(500) if client.get(f"k{n}") != b"%d" % n] == []
    assert [len(s) for s in shares(group.describe()).values()] == [8192, 8192]


def test_a_killed_control_plane_goes_on_where_it_stood(new_service):
    service = new_service().start()
    group = Group.create(service, "durable", NumNodeGroups=1, ReplicasPerNodeGroup=1,
                         CacheParameterGroupName="default.redis7.cluster.on")
    endpoint = endpoint_of(group)
    fill(endpoint)
    chance = random.Random(6)
    with ClusterWriter(endpoint) as writer:
        for count, more in ((3, {}), (1, {"NodeGroupsToRemove": ["0001", "0002"]})):
            reshard(group, count, **more)
            for _ in range(4):
                time.sleep(chance.uniform(0.01, 0.3))
                for pid in service.pids("larderd") + (service.pids("larder-agent")[:1] if chance.random() < 0.5 else []):
                    os.kill(pid, signal.SIGKILL)
                wait_until(lambda: service.pids("larderd"), "it is started again")
            check_course_over_kills(watch(group))
    assert (writer.errors, writer.lost(endpoint_of(group))) == ([], {})
    check_filled(endpoint_of(group))
    assert group.members() == ["durable-0003-001", "durable-0003-002"]
    assert len(service.pids("larder-engine")) == 2


def check_course_over_kills(seen):
    assert all(sum(map(len, shares(s).values())) == SLOTS for s in seen)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_killed_engine_does_not_stop_it(service, side):
    group = Group.create(service, "mortal", NumNodeGroups=3, ReplicasPerNodeGroup=1)
    fill(endpoint_of(group))
    victim = service.endpoints({"source": "mortal-0003-001", "target": "mortal-0001-001"}[side])[0]
    pid = service.engine_pid(victim)
    reshard(group, 2, NodeGroupsToRemove=["0003"])
    wait_until(lambda: SLOTS // 3 > len(shares(group.describe())["0003"]), "some slots have moved", pause=0.001)
    os.kill(pid, signal.SIGKILL)
    watch(group)
    assert list(map(len, shares(group.describe()).values())) == [8192, 8192]
    check_filled(endpoint_of(group))
    told = group.messages()
    assert any(m.startswith("Failover from primary node mortal-000") for m in told), told


# --- cluster mode ----------------------------------------------------------------------------------------


def ask_mode(service, name, mode, *more):
    """Debian's boto3 does not know of ClusterMode; ours does."""
    return service.larder("modify-replication-group", "--replication-group-id", name, "--cluster-mode", mode,
                          "--apply-immediately", *more)


def set_mode(service, name, mode, *more):
    done = ask_mode(service, name, mode, *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["ReplicationGroup"]


def refused_mode(service, name, mode, *more):
    done = ask_mode(service, name, mode, *more)
    assert done.returncode != 0
    return done.stderr


def shown_group(service, name):
    done = service.larder("describe-replication-groups", "--replication-group-id", name)
    return json.loads(done.stdout)["ReplicationGroups"][0]


class PlainWriter(ClusterWriter):
    """The same by a client that knows nothing of clusters and asks where the primary is when it was sent away."""

    def __init__(self, group):
        super().__init__(None)
        self.group = group

    def connect(self):
        while True:
            with contextlib.suppress(redis.RedisError, OSError, KeyError):
                at = self.group.primary()
                client = redis.Redis(at["Address"], at["Port"], socket_timeout=0.5)
                client.ping()
                return client


def test_cluster_mode_is_turned_on_and_off_while_it_is_written(house):
    group = Group.create(house, "becoming", NumCacheClusters=3, AutomaticFailoverEnabled=True)
    at = group.primary()
    plain = redis.Redis(at["Address"], at["Port"])
    for n in range(2000):
        plain.set(f"kept:{n}", f"value {n}")
    assert "ClusterMode cannot be changed from disabled to enabled" in refused_mode(house, "becoming", "enabled")
    with PlainWriter(group) as writer:
        shown = set_mode(house, "becoming", "compatible", "--cache-parameter-group-name", "default.redis7.cluster.on")
        assert (shown["Status"], shown["ClusterMode"]) == ("modifying", "disabled")
        assert shown["PendingModifiedValues"]["ClusterMode"] == "compatible"
        watch(group)
        shown = shown_group(house, "becoming")
        assert (shown["ClusterMode"], shown["ClusterEnabled"]) == ("compatible", True)
        written = writer.count
        wait_until(lambda: writer.count > written, "a client without clusters goes on")
    # What was acknowledged is there for both kinds of clients.
    client = redis.RedisCluster(host=shown["ConfigurationEndpoint"]["Address"], port=shown["ConfigurationEndpoint"]["Port"])
    assert {k: n for k, n in writer.acknowledged.items() if int(client.get(k) or 0) < n} == {}
    assert [n for n in range(2000) if client.get(f"kept:{n}") is None] == []
    assert len(client.get_replicas()) == 2
    assert house.describe("becoming-001")["CacheParameterGroup"]["CacheParameterGroupName"] == "default.redis7.cluster.on"
    reader = redis.Redis(shown["NodeGroups"][0]["ReaderEndpoint"]["Address"], shown["NodeGroups"][0]["ReaderEndpoint"]["Port"])
    assert reader.get("kept:7") == b"value 7", "replicas answer clients without clusters"
    with pytest.raises(ClientError, match="while ClusterMode is compatible"):
        group.client.modify_replication_group(ReplicationGroupId="becoming", CacheNodeType="cache.t4g.small",
                                              ApplyImmediately=True)
    set_mode(house, "becoming", "disabled")
    watch(group)
    shown = shown_group(house, "becoming")
    assert (shown["ClusterMode"], shown["ClusterEnabled"]) == ("disabled", False)
    at = group.primary()
    plain = redis.Redis(at["Address"], at["Port"])
    assert plain.info("cluster")["cluster_enabled"] == 0
    assert [n for n in range(2000) if plain.get(f"kept:{n}") is None] == []
    set_mode(house, "becoming", "compatible")
    watch(group)
    set_mode(house, "becoming", "enabled")
    watch(group)
    shown = shown_group(house, "becoming")
    assert shown["ClusterMode"] == "enabled" and "PrimaryEndpoint" not in shown["NodeGroups"][0]
    assert shown["NodeGroups"][0]["Slots"] == "0-16383"

    def is_closed():
        with pytest.raises(redis.RedisError) as sent_on:
            for member in client.get_replicas():
                redis.Redis(member.host, member.port).get("kept:7")
        return "MOVED" in str(sent_on.value) or "MovedError" in repr(sent_on.value)
    client = redis.RedisCluster(host=shown["ConfigurationEndpoint"]["Address"], port=shown["ConfigurationEndpoint"]["Port"])
    assert is_closed(), "and send them on when there is nothing but a cluster"
    assert "ClusterMode cannot be changed from enabled to compatible" in refused_mode(house, "becoming", "compatible")
    # It is a cluster like any other.
    reshard(group, 2)
    watch(group)
    client = redis.RedisCluster(host=shown["ConfigurationEndpoint"]["Address"], port=shown["ConfigurationEndpoint"]["Port"])
    assert [n for n in range(2000) if client.get(f"kept:{n}") is None] == []
    assert len(client.get_primaries()) == 2


@pytest.mark.parametrize("mode", ["compatible", "disabled"])
def test_a_killed_control_plane_goes_on_with_cluster_mode(new_service, mode):
    service = new_service().start()
    group = Group.create(service, "turning", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    at = group.primary()
    redis.Redis(at["Address"], at["Port"]).mset({f"kept:{n}": n for n in range(1000)})
    if mode == "disabled":
        set_mode(service, "turning", "compatible")
        watch(group)
    set_mode(service, "turning", mode)
    chance = random.Random(7)
    for _ in range(4):
        time.sleep(chance.uniform(0.01, 0.2))
        for pid in service.pids("larderd") + service.pids("larder-agent")[:1]:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: service.pids("larderd"), "it is started again")
    watch(group)
    assert shown_group(service, "turning")["ClusterMode"] == mode
    at = group.primary()
    assert redis.Redis(at["Address"], at["Port"]).dbsize() == 1000
    assert len(service.pids("larder-engine")) == 2


# --- smaller nodes ---------------------------------------------------------------------------------------


def test_nodes_get_smaller_where_the_data_fits(house):
    group = Group.create(house, "lean", NumCacheClusters=2, AutomaticFailoverEnabled=True, CacheNodeType="cache.t4g.medium")
    plain = redis.Redis(group.primary()["Address"], group.primary()["Port"])
    plain.mset({f"kept:{n}": "x" * 1000 for n in range(5000)})
    before = plain.info("memory")["maxmemory"]
    allowed = group.client.list_allowed_node_type_modifications(ReplicationGroupId="lean")
    assert "cache.t4g.micro" in allowed["ScaleDownModifications"]
    group.client.modify_replication_group(ReplicationGroupId="lean", CacheNodeType="cache.t4g.micro", ApplyImmediately=True)
    watch(group)
    assert group.describe()["CacheNodeType"] == "cache.t4g.micro"
    for member in group.shard()["NodeGroupMembers"]:
        at = member["ReadEndpoint"]
        shown = redis.Redis(at["Address"], at["Port"]).info("memory")
        assert shown["used_memory"] < shown["maxmemory"] < before
    assert plain.dbsize() == 5000


# --- memcached ------------------------------------------------------------------------------------------------


def test_nodes_of_memcached_begin_anew_in_batches_while_the_others_serve(house):
    def ask(operation, *words, name="mc-grow"):
        done = house.larder(operation, "--cache-cluster-id", name, *words)  # older clients know of no ScaleConfig
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def described(name="mc-grow"):
        return ask("describe-cache-clusters", "--show-cache-node-info", name=name)["CacheClusters"][0]

    def limit(endpoint):
        told = memcached(endpoint, "stats\n", until=b"END\r\n").split()
        return int(told[told.index("limit_maxbytes") + 1])

    def has_grown(endpoint):
        with contextlib.suppress(OSError):  # it begins anew
            return limit(endpoint) > small

    endpoints = house.create("mc-grow", "memcached", nodes=2, AZMode="cross-az")
    small, = {limit(endpoint) for endpoint in endpoints}
    for endpoint in endpoints:
        assert memcached(endpoint, "set kept 0 0 3\nyes\n") == "STORED\n"
    grow = ("modify-cache-cluster", "--cache-node-type", "cache.t4g.small")
    waits = ask(*grow)["CacheCluster"]
    assert waits["PendingModifiedValues"]["ScaleConfig"] == {"ScalePercentage": 20, "ScaleIntervalMinutes": 5}
    scale = {"ScalePercentage": 50, "ScaleIntervalMinutes": 2}
    said = ask(*grow, "--apply-immediately", "--scale-config", json.dumps(scale))["CacheCluster"]
    assert (said["CacheClusterStatus"], said["CacheNodeType"]) == ("modifying", "cache.t4g.micro")
    pending = {"CacheNodeType": "cache.t4g.small", "ScaleConfig": scale}
    assert said["PendingModifiedValues"] == pending
    wait_until(lambda: has_grown(endpoints[0]), "the first node to have the new type")
    assert limit(endpoints[1]) == small, "the other one waits for its turn"
    assert described()["PendingModifiedValues"] == pending
    assert memcached(endpoints[1], "get kept\n", until=b"END\r\n") == "VALUE kept 0 3\nyes\nEND\n"

    one, = house.create("mc-one", "memcached")
    ask(*grow, "--apply-immediately", name="mc-one")
    house.wait_available("mc-one")
    assert described("mc-one")["CacheNodeType"] == "cache.t4g.small" and limit(one) > small
    assert described("mc-one")["PendingModifiedValues"] == {}
