"""Global datastores: what is written in one region is read in another, and the regions change places."""
import contextlib
import os
import signal

import pytest
from botocore.exceptions import ClientError

from conftest import Service, redis_cli, wait_until
from test_groups import Group, Writer, info

HERE, THERE = "us-east-1", "eu-west-1"
TYPE = "cache.m5.large"


@pytest.fixture(name="world", scope="module")
def service_of_two_regions(pool_slots, tmp_path_factory):
    service = Service(pool_slots.take(), tmp_path_factory.mktemp("world") / "state", "--region", f"{HERE},{THERE}",
                      "--agents", "2", memory="256GB").start()
    yield service
    service.stop()


class Datastore:
    """A global datastore under test, with its group here and, after join, the one there."""

    def __init__(self, world, name, **primary):
        self.world = world
        self.client = world.client(region=HERE)
        self.here = self.group(f"{name}-here", HERE)
        self.there = self.group(f"{name}-there", THERE)
        Group.create(world, self.here.name, **{"CacheNodeType": TYPE, **primary})
        made = self.client.create_global_replication_group(GlobalReplicationGroupIdSuffix=name,
                                                           PrimaryReplicationGroupId=self.here.name)["GlobalReplicationGroup"]
        assert made["Status"] == "creating"
        self.id = made["GlobalReplicationGroupId"]
        assert self.id == f"ldgnf-{name}"

    def group(self, name, region):
        group = Group(self.world, name)
        group.client = self.world.client(region=region)
        return group

    def join(self, **more):
        self.there.client.create_replication_group(ReplicationGroupId=self.there.name, ReplicationGroupDescription="d",
                                                   GlobalReplicationGroupId=self.id, **more)
        self.there.wait()
        return self

    def describe(self):
        found = self.client.describe_global_replication_groups(GlobalReplicationGroupId=self.id, ShowMemberInfo=True)
        return found["GlobalReplicationGroups"][0]

    def wait(self, status="available"):
        wait_until(lambda: self.describe()["Status"] == status, f"{self.id} is {status}", timeout=30)

    def roles(self):
        return {m["ReplicationGroupRegion"]: m["Role"] for m in self.describe()["Members"]}

    def fail_over(self, group, region):
        self.client.failover_global_replication_group(GlobalReplicationGroupId=self.id, PrimaryRegion=region,
                                                      PrimaryReplicationGroupId=group.name)
        self.wait()

    def leave(self):
        self.client.disassociate_global_replication_group(GlobalReplicationGroupId=self.id, ReplicationGroupRegion=THERE,
                                                          ReplicationGroupId=self.there.name)
        self.wait("primary-only")


def member(group, role):
    return next(m["ReadEndpoint"] for m in group.shard()["NodeGroupMembers"] if m["CurrentRole"] == role)


def has(endpoint, key, value):
    wait_until(lambda: redis_cli(endpoint, "GET", key) == value, f"{key} is {value} at {endpoint}")


def refused(code, call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def test_what_is_written_here_is_read_there(world):
    store = Datastore(world, "read", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    assert store.describe()["Status"] == "primary-only"
    redis_cli(store.here.primary(), "SET", "before", "yes")
    store.join(NumCacheClusters=2)
    shown = store.describe()
    assert shown["Status"] == "available"
    assert shown["ARN"] == "arn:aws:elasticache::000000000000:globalreplicationgroup:ldgnf-read"
    assert (shown["CacheNodeType"], shown["Engine"], shown["ClusterEnabled"]) == (TYPE, "redis", False)
    assert shown["GlobalNodeGroups"] == [{"GlobalNodeGroupId": "ldgnf-read-0001", "Slots": "0-16383"}]
    assert {(m["ReplicationGroupId"], m["Role"], m["Status"], m["AutomaticFailover"]) for m in shown["Members"]} == {
        ("read-here", "PRIMARY", "associated", "enabled"), ("read-there", "SECONDARY", "associated", "enabled")}
    assert store.there.describe()["GlobalReplicationGroupInfo"] == {
        "GlobalReplicationGroupId": store.id, "GlobalReplicationGroupMemberRole": "SECONDARY"}
    assert store.there.describe()["CacheNodeType"] == TYPE

    primary, replica = member(store.there, "primary"), member(store.there, "replica")
    assert redis_cli(primary, "GET", "before") == redis_cli(replica, "GET", "before") == "yes"
    redis_cli(store.here.primary(), "SET", "after", "too")
    has(replica, "after", "too")
    assert redis_cli(primary, "SET", "a", "b").startswith("READONLY")
    assert info(primary)["master_host"] == store.here.primary()["Address"]
    assert info(replica)["master_host"] == primary["Address"]

    assert "must be disassociated" in refused("InvalidReplicationGroupState", store.there.client.delete_replication_group,
                                              ReplicationGroupId="read-there")
    refused("InvalidParameterCombination", store.here.client.modify_replication_group, ReplicationGroupId="read-here",
            CacheNodeType="cache.m5.xlarge", ApplyImmediately=True)
    refused("InvalidGlobalReplicationGroupState", store.client.delete_global_replication_group,
            GlobalReplicationGroupId=store.id, RetainPrimaryReplicationGroup=True)

    store.leave()
    assert "GlobalReplicationGroupInfo" not in store.there.describe()
    assert redis_cli(primary, "SET", "mine", "now") == "OK"
    has(replica, "mine", "now")
    assert redis_cli(store.here.primary(), "GET", "mine") == ""
    message = refused("InvalidParameterValue", store.client.disassociate_global_replication_group,
                      GlobalReplicationGroupId=store.id, ReplicationGroupId="read-there", ReplicationGroupRegion=THERE)
    assert "is not associated with Global Replication Group" in message
    gone = store.client.delete_global_replication_group(GlobalReplicationGroupId=store.id, RetainPrimaryReplicationGroup=True)
    assert gone["GlobalReplicationGroup"]["Status"] == "deleting"
    refused("GlobalReplicationGroupNotFoundFault", store.describe)
    assert "GlobalReplicationGroupInfo" not in store.here.describe()
    store.here.client.delete_replication_group(ReplicationGroupId="read-here")


def test_regions_change_places_and_nothing_is_lost(world):
    store = Datastore(world, "swap", NumCacheClusters=2, AutomaticFailoverEnabled=True).join(NumCacheClusters=1)
    here, there = member(store.here, "primary"), member(store.there, "primary")
    with Writer([here, there]) as writer:
        store.fail_over(store.there, THERE)
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before, "writes go on")
    assert store.roles() == {HERE: "SECONDARY", THERE: "PRIMARY"}
    assert writer.lost(there) == []
    has(member(store.here, "replica"), f"written:{writer.acknowledged[-1]}", str(writer.acknowledged[-1]))
    assert redis_cli(here, "SET", "a", "b").startswith("READONLY")
    assert "Replication group swap-here is a secondary of global datastore ldgnf-swap" in store.here.messages()
    assert "Replication group swap-there is the primary of global datastore ldgnf-swap" in store.there.messages()
    refused("InvalidParameterValue", store.client.failover_global_replication_group, GlobalReplicationGroupId=store.id,
            PrimaryRegion=THERE, PrimaryReplicationGroupId="swap-there")

    store.fail_over(store.here, HERE)
    assert store.roles() == {HERE: "PRIMARY", THERE: "SECONDARY"}
    assert redis_cli(here, "SET", "back", "home") == "OK"
    has(there, "back", "home")


def test_a_failover_within_a_region_keeps_the_chain(world):
    store = Datastore(world, "chain", NumCacheClusters=2, AutomaticFailoverEnabled=True).join(NumCacheClusters=2)
    store.there.client.test_failover(ReplicationGroupId="chain-there", NodeGroupId="0001")
    store.there.wait()
    assert store.there.roles()["chain-there-002"] == "primary"
    redis_cli(store.here.primary(), "SET", "first", "1")
    has(member(store.there, "replica"), "first", "1")

    os.kill(world.engine_pid(store.here.primary()), signal.SIGKILL)
    wait_until(lambda: store.here.roles()["chain-here-002"] == "primary", "the replica here took over")
    assert redis_cli(store.here.primary(), "SET", "second", "2") == "OK"
    has(member(store.there, "primary"), "second", "2")
    has(member(store.there, "replica"), "second", "2")

    os.kill(world.engine_pid(member(store.there, "primary")), signal.SIGKILL)
    wait_until(lambda: store.there.roles()["chain-there-001"] == "primary", "the replica there took over")
    redis_cli(store.here.primary(), "SET", "third", "3")
    has(member(store.there, "primary"), "third", "3")


def test_each_shard_follows_its_own(world):
    store = Datastore(world, "shards", NumNodeGroups=2, ReplicasPerNodeGroup=0).join(ReplicasPerNodeGroup=1)
    shown = store.there.describe()
    assert [s["Slots"] for s in shown["NodeGroups"]] == ["0-8191", "8192-16383"]
    assert [g["GlobalNodeGroupId"] for g in store.describe()["GlobalNodeGroups"]] == ["ldgnf-shards-0001", "ldgnf-shards-0002"]
    here, there = store.here.describe()["ConfigurationEndpoint"], shown["ConfigurationEndpoint"]
    for number in range(20):
        assert redis_cli(here, "-c", "SET", f"key:{number}", str(number)) == "OK"
    for number in range(20):
        wait_until(lambda n=number: redis_cli(there, "-c", "GET", f"key:{n}") == str(n), "it is there")
    assert redis_cli(there, "-c", "SET", "key:1", "no").startswith("READONLY")
    store.fail_over(store.there, THERE)
    assert redis_cli(there, "-c", "SET", "key:1", "new") == "OK"
    wait_until(lambda: redis_cli(here, "-c", "GET", "key:1") == "new", "the regions have changed places")


def test_all_members_are_modified_at_once(world):
    store = Datastore(world, "modified", NumCacheClusters=2, AutomaticFailoverEnabled=True).join(NumCacheClusters=1)
    assert {m["ReplicationGroupRegion"]: m["AutomaticFailover"] for m in store.describe()["Members"]} == {
        HERE: "enabled", THERE: "disabled"}
    call = store.client.modify_global_replication_group
    call(GlobalReplicationGroupId=store.id, ApplyImmediately=True, CacheNodeType="cache.m5.xlarge",
         GlobalReplicationGroupDescription="larger")
    store.wait()
    assert store.describe()["GlobalReplicationGroupDescription"] == "larger"
    assert store.describe()["CacheNodeType"] == store.there.describe()["CacheNodeType"] == "cache.m5.xlarge"
    assert int(info(member(store.there, "primary"))["maxmemory"]) > 8 << 30
    call(GlobalReplicationGroupId=store.id, ApplyImmediately=True, AutomaticFailoverEnabled=False)
    store.wait()
    assert store.here.describe()["AutomaticFailover"] == "disabled"
    for wrong in ({"ApplyImmediately": False}, {"CacheNodeType": "cache.t4g.micro"}, {"EngineVersion": "1.0"}):
        refused("InvalidParameterValue", call, **{"GlobalReplicationGroupId": store.id, "ApplyImmediately": True, **wrong})


def test_parameters_are_those_of_the_primary(world):
    store = Datastore(world, "params", NumCacheClusters=1).join(NumCacheClusters=1)
    here, there = store.here.client, store.there.client

    def group_of(client, group):
        name = f"{group.name}-001"
        return client.describe_cache_clusters(CacheClusterId=name)["CacheClusters"][0]["CacheParameterGroup"]["CacheParameterGroupName"]

    own, copy = group_of(here, store.here), group_of(there, store.there)
    assert own.startswith("global-datastore-params-here-") and copy.startswith("global-datastore-params-there-")
    shown, = there.describe_cache_parameter_groups(CacheParameterGroupName=copy)["CacheParameterGroups"]
    assert shown["IsGlobal"] is True
    change = [{"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"}]
    here.modify_cache_parameter_group(CacheParameterGroupName=own, ParameterNameValues=change)
    for group in (store.here, store.there):
        wait_until(lambda g=group: info(member(g, "primary"))["maxmemory_policy"] == "allkeys-lru", "its engine has it")
    refused("InvalidCacheParameterGroupState", there.modify_cache_parameter_group, CacheParameterGroupName=copy,
            ParameterNameValues=change)

    here.create_cache_parameter_group(CacheParameterGroupName="mine", CacheParameterGroupFamily="redis7", Description="d")
    here.modify_cache_parameter_group(CacheParameterGroupName="mine", ParameterNameValues=[
        {"ParameterName": "maxmemory-policy", "ParameterValue": "noeviction"}])
    store.client.modify_global_replication_group(GlobalReplicationGroupId=store.id, ApplyImmediately=True,
                                                 CacheParameterGroupName="mine")
    for group in (store.here, store.there):
        wait_until(lambda g=group: info(member(g, "primary"))["maxmemory_policy"] == "noeviction", "all have a copy")
    here.delete_cache_parameter_group(CacheParameterGroupName="mine")
    store.leave()
    there.delete_replication_group(ReplicationGroupId=store.there.name)
    wait_until(lambda: not any(g["ReplicationGroupId"] == store.there.name
                               for g in there.describe_replication_groups()["ReplicationGroups"]), "it is gone")
    there.delete_cache_parameter_group(CacheParameterGroupName=copy)


def test_encrypted_members_follow_too(world):
    store = Datastore(world, "tls", NumCacheClusters=1, TransitEncryptionEnabled=True).join(NumCacheClusters=1)
    assert store.describe()["TransitEncryptionEnabled"] and store.there.describe()["TransitEncryptionEnabled"]
    redis_cli(store.here.primary(), "--tls", "--insecure", "SET", "secret", "yes")
    wait_until(lambda: redis_cli(store.there.primary(), "--tls", "--insecure", "GET", "secret") == "yes", "it is there")


def test_what_cannot_be_is_refused(world):
    store = Datastore(world, "refusing", NumCacheClusters=1)
    there = store.there.client
    common = {"ReplicationGroupId": "no", "ReplicationGroupDescription": "d", "GlobalReplicationGroupId": store.id}
    for more in ({"Engine": "redis"}, {"CacheNodeType": TYPE}, {"NumNodeGroups": 1}, {"AutomaticFailoverEnabled": False},
                 {"TransitEncryptionEnabled": True}, {"CacheParameterGroupName": "default.redis7"}):
        refused("InvalidParameterCombination", there.create_replication_group, **common, **more)
    refused("InvalidParameterValue", store.client.create_replication_group, **common)
    refused("GlobalReplicationGroupNotFoundFault", there.create_replication_group,
            **{**common, "GlobalReplicationGroupId": "ldgnf-none"})
    create = store.client.create_global_replication_group
    refused("InvalidReplicationGroupState", create, GlobalReplicationGroupIdSuffix="x", PrimaryReplicationGroupId="refusing-here")
    refused("ReplicationGroupNotFoundFault", create, GlobalReplicationGroupIdSuffix="x", PrimaryReplicationGroupId="none")
    refused("InvalidParameterValue", create, GlobalReplicationGroupIdSuffix="x-", PrimaryReplicationGroupId="refusing-here")
    Group.create(world, "little", NumCacheClusters=1)
    refused("InvalidParameterValue", create, GlobalReplicationGroupIdSuffix="x", PrimaryReplicationGroupId="little")
    Group.create(world, "other", NumCacheClusters=1, CacheNodeType=TYPE)
    refused("GlobalReplicationGroupAlreadyExistsFault", create, GlobalReplicationGroupIdSuffix="Refusing",
            PrimaryReplicationGroupId="other")
    refused("InvalidParameterCombination", store.client.disassociate_global_replication_group,
            GlobalReplicationGroupId=store.id, ReplicationGroupId="refusing-here", ReplicationGroupRegion=HERE)


def test_a_region_takes_over_when_the_primary_is_gone(new_service):
    world = new_service("--region", f"{HERE},{THERE}", "--agents", "1", memory="64GB").start()
    store = Datastore(world, "lost", NumCacheClusters=1).join(NumCacheClusters=1)
    redis_cli(store.here.primary(), "SET", "kept", "yes")
    there = store.there.primary()
    has(there, "kept", "yes")
    for pid in agents_of(world, HERE):
        os.kill(pid, signal.SIGSTOP)
    try:
        os.kill(world.engine_pid(store.here.primary()), signal.SIGSTOP)
        stopped = world.engine_pid(store.here.primary())
        wait_until(lambda: fails_over(store), "the region there takes over", timeout=60, pause=0.5)
        assert redis_cli(there, "SET", "new", "yes") == "OK"
        assert redis_cli(there, "GET", "kept") == "yes"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(stopped, signal.SIGCONT)
        for pid in agents_of(world, HERE):
            os.kill(pid, signal.SIGCONT)
    store.wait()
    has(store.here.primary(), "new", "yes")


def agents_of(world, region):
    def words(pid):
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().decode().split("\0")
    return [pid for pid in world.pids("larder-agent") if any(region in word for word in words(pid))]


def fails_over(store):
    """Asks until the lost region is noticed."""
    if store.roles()[THERE] == "PRIMARY":
        return True
    with contextlib.suppress(ClientError):
        store.client.failover_global_replication_group(GlobalReplicationGroupId=store.id, PrimaryRegion=THERE,
                                                       PrimaryReplicationGroupId=store.there.name)
    return False
