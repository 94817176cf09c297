"""Shards of global datastores: they come and go in all regions at once, while the primary is written and secondaries are read."""
import os
import signal
import threading
import time

import pytest
import redis
from redis.cluster import RedisCluster

from conftest import Service, answers, wait_until
from test_global import HERE, THERE, TYPE, Datastore, refused

KEYS = 400


@pytest.fixture(name="world", scope="module")
def service_of_two_regions(pool_slots, tmp_path_factory):
    service = Service(pool_slots.take(), tmp_path_factory.mktemp("world") / "state", "--region", f"{HERE},{THERE}",
                      "--agents", "2", memory="256GB").start()
    yield service
    service.stop()


def cluster_at(group, **more):
    end = group.describe()["ConfigurationEndpoint"]
    return RedisCluster(host=end["Address"], port=end["Port"], decode_responses=True, socket_timeout=5, **more)


class Traffic:
    """Adds to numbers at the primary, each of which only grows, and reads them at the secondary, where none may ever be
    missing or fall back."""

    def __init__(self, here, there):
        self.here, self.there = here, there
        self.written = dict.fromkeys(range(KEYS), 0)
        self.failures, self.reads = [], 0
        self.is_over = False
        self.threads = [threading.Thread(target=self.guard, args=(work,)) for work in (self.write, self.read)]

    def guard(self, work):
        try:
            work()
        except Exception as e:  # noqa: BLE001: what a thread died of is what the test is about
            self.failures.append(f"{work.__name__}: {e!r}")

    def fill(self):
        client = cluster_at(self.here)
        for key in self.written:
            self.written[key] = client.incr(f"key:{key}")
        there = cluster_at(self.there)
        wait_until(lambda: there.get(f"key:{KEYS - 1}") == "1", "the secondary has them")

    def write(self):
        client = cluster_at(self.here)
        while not self.is_over:
            for key in self.written:
                got = client.incr(f"key:{key}")
                if got != self.written[key] + 1:
                    self.failures.append(f"key {key} was {self.written[key]} and became {got}")
                self.written[key] = got

    def read(self):
        client = cluster_at(self.there)
        seen = dict.fromkeys(self.written, 1)
        while not self.is_over:
            for key in self.written:
                value = int(client.get(f"key:{key}") or 0)
                if value < seen[key]:
                    self.failures.append(f"key {key} was {seen[key]} and is read as {value}")
                seen[key] = value
                self.reads += 1

    def __enter__(self):
        self.fill()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.is_over = True
        for thread in self.threads:
            thread.join()

    def check(self):
        assert not self.failures, self.failures[:5]
        assert self.reads > 0
        here, there = cluster_at(self.here), cluster_at(self.there)
        for key, value in self.written.items():
            assert int(here.get(f"key:{key}")) == value
        wait_until(lambda: all(int(there.get(f"key:{key}") or 0) == value for key, value in self.written.items()),
                   "the secondary has all")


def shards(group):
    return {s["NodeGroupId"]: s["Slots"] for s in group.describe()["NodeGroups"]}


def global_shards(store):
    return {g["GlobalNodeGroupId"].rpartition("-")[2]: g["Slots"] for g in store.describe()["GlobalNodeGroups"]}


def key_counts(service, group):
    """Of each shard's first member."""
    found = {}
    for shard in group.describe()["NodeGroups"]:
        member = shard["NodeGroupMembers"][0]["CacheClusterId"]
        end = group.client.describe_cache_clusters(CacheClusterId=member, ShowCacheNodeInfo=True)["CacheClusters"][0]
        end = end["CacheNodes"][0]["Endpoint"]
        found[shard["NodeGroupId"]] = redis.Redis(end["Address"], end["Port"]).dbsize()
    return found


def zones(group, shard):
    members = next(s for s in group.describe()["NodeGroups"] if s["NodeGroupId"] == shard)["NodeGroupMembers"]
    return [m["PreferredAvailabilityZone"] for m in members]


def test_shards_come_and_go_in_all_regions(world):
    store = Datastore(world, "grow", NumNodeGroups=2, ReplicasPerNodeGroup=0).join(ReplicasPerNodeGroup=1)
    zone = zones(store.there, "0001")[0]
    with Traffic(store.here, store.there) as traffic:
        answer = store.client.increase_node_groups_in_global_replication_group(
            GlobalReplicationGroupId=store.id, NodeGroupCount=3, ApplyImmediately=True,
            RegionalConfigurations=[{"ReplicationGroupId": store.there.name, "ReplicationGroupRegion": THERE,
                                     "ReshardingConfiguration": [{"NodeGroupId": "0003",
                                                                  "PreferredAvailabilityZones": [zone, zone]}]}])
        assert answer["GlobalReplicationGroup"]["Status"] == "modifying"
        began = time.monotonic()
        store.wait()
        print(f"two shards became three in {time.monotonic() - began:.1f} s, {traffic.reads} reads")
        assert shards(store.here) == shards(store.there) == global_shards(store)
        assert len(shards(store.here)) == 3
        assert zones(store.there, "0003") == [zone, zone]

        store.client.decrease_node_groups_in_global_replication_group(
            GlobalReplicationGroupId=store.id, NodeGroupCount=2, ApplyImmediately=True,
            GlobalNodeGroupsToRetain=[f"{store.id}-0002", f"{store.id}-0003"])
        store.wait()
    traffic.check()
    assert shards(store.here) == shards(store.there) == global_shards(store)
    assert list(shards(store.here)) == ["0002", "0003"]
    assert sum(key_counts(world, store.here).values()) == KEYS, "nobody keeps what is another's"
    wait_until(lambda: key_counts(world, store.there) == key_counts(world, store.here), "nor there")

    store.fail_over(store.there, THERE)
    assert cluster_at(store.there).incr("key:1") == traffic.written[1] + 1
    store.client.increase_node_groups_in_global_replication_group(
        GlobalReplicationGroupId=store.id, NodeGroupCount=3, ApplyImmediately=True)
    store.wait()
    assert list(shards(store.here)) == list(shards(store.there)) == ["0002", "0003", "0004"]
    wait_until(lambda: int(cluster_at(store.here).get("key:1")) == traffic.written[1] + 1, "the other one follows")


def test_slots_are_balanced_in_all_regions(world):
    uneven = [{"NodeGroupId": "0001", "Slots": "0-999"}, {"NodeGroupId": "0002", "Slots": "1000-16383"}]
    store = Datastore(world, "even", NumNodeGroups=2, NodeGroupConfiguration=uneven).join(ReplicasPerNodeGroup=0)
    with Traffic(store.here, store.there) as traffic:
        store.client.rebalance_slots_in_global_replication_group(GlobalReplicationGroupId=store.id, ApplyImmediately=True)
        store.wait()
    traffic.check()
    assert shards(store.here) == shards(store.there) == global_shards(store)
    spans = [s.split(",") for s in shards(store.here).values()]
    sizes = [sum(int(p.split("-")[-1]) - int(p.split("-")[0]) + 1 for p in s) for s in spans]
    assert sizes == [8192, 8192]
    wait_until(lambda: sum(key_counts(world, store.here).values()) == KEYS, "nobody keeps what is another's")


def test_it_goes_on_after_kills(world):
    """The control plane and agents, while slots move, and a replica of the secondary's engines."""
    store = Datastore(world, "kills", NumNodeGroups=2, ReplicasPerNodeGroup=0).join(ReplicasPerNodeGroup=1)
    name = store.there.describe()["NodeGroups"][0]["NodeGroupMembers"][1]["CacheClusterId"]
    shown = store.there.client.describe_cache_clusters(CacheClusterId=name, ShowCacheNodeInfo=True)["CacheClusters"][0]
    replica = shown["CacheNodes"][0]["Endpoint"]
    with Traffic(store.here, store.there) as traffic:
        store.client.increase_node_groups_in_global_replication_group(
            GlobalReplicationGroupId=store.id, NodeGroupCount=4, ApplyImmediately=True)
        for _ in range(3):
            for pid in world.pids("larderd") + world.pids("larder-agent")[::2]:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: answers(store.client), "it is started again")
        os.kill(world.engine_pid(replica), signal.SIGKILL)
        wait_until(lambda: store.describe()["Status"] == "available", "it is done", timeout=60)
    traffic.check()
    assert len(shards(store.here)) == 4
    assert shards(store.here) == shards(store.there) == global_shards(store)
    wait_until(lambda: sum(key_counts(world, store.here).values()) == KEYS, "nobody keeps what is another's")


def test_what_cannot_be_is_refused(world):
    store = Datastore(world, "never", NumNodeGroups=2, ReplicasPerNodeGroup=0)
    more, fewer = store.client.increase_node_groups_in_global_replication_group, \
        store.client.decrease_node_groups_in_global_replication_group
    at_once = {"GlobalReplicationGroupId": store.id, "ApplyImmediately": True}
    for count in (1, 2):
        refused("InvalidParameterValue", more, **at_once, NodeGroupCount=count)
    refused("InvalidParameterValue", more, GlobalReplicationGroupId=store.id, ApplyImmediately=False, NodeGroupCount=3)
    refused("InvalidParameterValue", more, **at_once, NodeGroupCount=501)
    refused("InvalidParameterValue", more, **at_once, NodeGroupCount=3, RegionalConfigurations=[
        {"ReplicationGroupId": "never-there", "ReplicationGroupRegion": THERE, "ReshardingConfiguration": []}])
    refused("InvalidParameterValue", more, **at_once, NodeGroupCount=3, RegionalConfigurations=[
        {"ReplicationGroupId": "never-here", "ReplicationGroupRegion": HERE,
         "ReshardingConfiguration": [{"PreferredAvailabilityZones": ["us-east-1x"]}]}])
    refused("InvalidParameterCombination", fewer, **at_once, NodeGroupCount=1)
    refused("InvalidParameterValue", fewer, **at_once, NodeGroupCount=2, GlobalNodeGroupsToRemove=["0001"])
    refused("InvalidParameterValue", fewer, **at_once, NodeGroupCount=1, GlobalNodeGroupsToRemove=[f"{store.id}-0009"])
    refused("InvalidParameterValue", fewer, **at_once, NodeGroupCount=1, GlobalNodeGroupsToRemove=["other-0001"])
    refused("GlobalReplicationGroupNotFoundFault", fewer, GlobalReplicationGroupId="ldgnf-none", NodeGroupCount=1,
            ApplyImmediately=True, GlobalNodeGroupsToRemove=["0001"])
    refused("InvalidReplicationGroupState", store.here.client.modify_replication_group_shard_configuration,
            ReplicationGroupId="never-here", NodeGroupCount=3, ApplyImmediately=True)
    more(**at_once, NodeGroupCount=3)
    store.wait("primary-only")
    assert len(global_shards(store)) == 3
    single = Datastore(world, "single", NumCacheClusters=1)
    refused("InvalidParameterValue", single.client.rebalance_slots_in_global_replication_group,
            GlobalReplicationGroupId=single.id, ApplyImmediately=True)
