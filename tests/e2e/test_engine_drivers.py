"""Caches that run by redis-server and memcached of the machine in the place of the bundled engine."""
import os
import re
import shutil
import signal
import subprocess

import pytest
import redis
from botocore.exceptions import ClientError

from conftest import memcached, number_in, redis_cli, wait_until
from test_groups import Writer

TAG = "larder:engine-driver"


def version_of(program):
    if not shutil.which(program):
        return None
    said = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.search(r"\d+\.\d+\.\d+", said)[0]


REDIS, MEMCACHED = version_of("redis-server"), version_of("memcached")

pytestmark = pytest.mark.skipif(not REDIS or not MEMCACHED, reason="this machine has no redis-server or no memcached")


def by(driver):
    return [{"Key": TAG, "Value": driver}]


def group_of(house, name):
    return house.client().describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]


def wait_group(house, name):
    wait_until(lambda: group_of(house, name)["Status"] == "available", f"{name} to be available")
    return group_of(house, name)


def make_group(house, name, **more):
    house.client().create_replication_group(**{
        "ReplicationGroupId": name, "ReplicationGroupDescription": "x", "CacheNodeType": "cache.t4g.micro",
        "Tags": by("redis"), **more})
    return wait_group(house, name)


def ends(group):
    """The primary and one that is read from, by their own addresses; those of the endpoints stay what they are."""
    shard, = group["NodeGroups"]
    by_role = {m["CurrentRole"]: m["ReadEndpoint"] for m in shard["NodeGroupMembers"]}
    return by_role["primary"], by_role.get("replica", by_role["primary"])


def refusal(call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def info(endpoint, *words):
    text = redis_cli(endpoint, *words, "INFO")
    assert "redis_version:" in text, text
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


# --- what runs ------------------------------------------------------------------------------------------


def test_a_cluster_is_run_by_redis_server_and_says_its_version(house):
    endpoint, = house.create("rs-one", Tags=by("redis"))
    shown = house.describe("rs-one")
    assert shown["EngineVersion"] == REDIS == info(endpoint)["redis_version"]
    assert number_in(redis_cli(endpoint, "INFO"), r"process_id:(\d+)") == house.engine_pid(endpoint)
    assert house.client().list_tags_for_resource(ResourceName=shown["ARN"])["TagList"] == by("redis")
    assert redis_cli(endpoint, "CONFIG", "GET", "dir").startswith("ERR unknown command")


def test_memcached_of_the_machine_says_its_version(house):
    endpoints = house.create("mc-two", engine="memcached", nodes=2, Tags=by("memcached"))
    assert house.describe("mc-two")["EngineVersion"] == MEMCACHED
    for endpoint in endpoints:
        assert memcached(endpoint, "version\n", b"\r\n") == f"VERSION {MEMCACHED}\n"
        assert memcached(endpoint, "set k 0 0 1\nv\n", b"\r\n") == "STORED\n"
    assert len(house.pids("memcached")) == 2


def test_a_version_may_be_asked_for_that_the_machine_has(house):
    minor = REDIS.rpartition(".")[0]
    assert house.create("rs-minor", Tags=by("redis"), EngineVersion=minor)
    assert house.describe("rs-minor")["EngineVersion"] == REDIS
    code, message = refusal(house.client().create_cache_cluster, CacheClusterId="bad", Engine="redis", EngineVersion="6.2",
                            CacheNodeType="cache.t4g.micro", Tags=by("redis"))
    assert code == "InvalidParameterCombination"
    assert message == f"No host has redis 6.2 for the engine driver redis. What they have: {REDIS}."


@pytest.mark.parametrize("engine, driver, code, words", [
    ("redis", "memcached", "InvalidParameterCombination", "The engine driver memcached does not run redis."),
    ("memcached", "redis", "InvalidParameterCombination", "The engine driver redis does not run memcached."),
    ("redis", "oracle", "InvalidParameterValue", "Invalid value oracle for the tag larder:engine-driver."),
])
def test_drivers_run_engines_of_their_own(house, engine, driver, code, words):
    found = refusal(house.client().create_cache_cluster, CacheClusterId="bad", Engine=engine, CacheNodeType="cache.t4g.micro",
                    Tags=by(driver))
    assert found[0] == code and words in found[1]


@pytest.mark.parametrize("wish, what", [
    ({"NumNodeGroups": 2}, "cluster mode"),
    ({"AtRestEncryptionEnabled": True}, "encryption at rest"),
    ({"LogDeliveryConfigurations": [{"LogType": "slow-log", "DestinationType": "cloudwatch-logs", "LogFormat": "json",
                                     "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": "g"}}}]}, "log delivery"),
])
def test_what_redis_server_cannot_do_is_refused(house, wish, what):
    found = refusal(house.client().create_replication_group, ReplicationGroupId="bad", ReplicationGroupDescription="x",
                    CacheNodeType="cache.t4g.micro", Tags=by("redis"), **wish)
    assert found == ("InvalidParameterCombination", f"The engine driver redis does not support {what}.")


def test_one_port_of_redis_server_does_not_take_both_kinds_of_connections(house):
    refused = house.larder("create-replication-group", "--replication-group-id", "bad", "--replication-group-description", "x",
                           "--cache-node-type", "cache.t4g.micro", "--transit-encryption-enabled", "--transit-encryption-mode",
                           "preferred", "--tags", f"Key={TAG},Value=redis")
    assert "The engine driver redis does not support TransitEncryptionMode preferred." in refused.stderr


def test_memcached_of_the_machine_does_not_encrypt(house):
    found = refusal(house.client().create_cache_cluster, CacheClusterId="bad", Engine="memcached", Tags=by("memcached"),
                    CacheNodeType="cache.t4g.micro", TransitEncryptionEnabled=True)
    assert found == ("InvalidParameterCombination", "The engine driver memcached does not support in-transit encryption.")


def test_the_choice_is_made_once(house):
    house.create("rs-tag", Tags=by("redis"))
    arn = house.describe("rs-tag")["ARN"]
    client = house.client()
    words = "The tag larder:engine-driver chooses when a cache is created, and stays as it is."
    client.add_tags_to_resource(ResourceName=arn, Tags=by("redis") + [{"Key": "a", "Value": "b"}])
    assert refusal(client.add_tags_to_resource, ResourceName=arn, Tags=by("bundled")) == ("InvalidParameterValue", words)
    assert refusal(client.remove_tags_from_resource, ResourceName=arn, TagKeys=[TAG]) == ("InvalidParameterValue", words)
    client.remove_tags_from_resource(ResourceName=arn, TagKeys=["a"])
    found = refusal(client.modify_cache_cluster, CacheClusterId="rs-tag", EngineVersion="7.1", ApplyImmediately=True)
    assert found == ("InvalidParameterCombination",
                     "The engine driver redis does not support other versions than the one that the hosts have.")


# --- groups ---------------------------------------------------------------------------------------------


def test_a_group_replicates_and_switches_without_losing_a_write(house):
    made = make_group(house, "rs-group", NumCacheClusters=3, AutomaticFailoverEnabled=True)
    primary, reader = ends(made)
    assert {info(e)["redis_version"] for e in (primary, reader)} == {REDIS}
    for n in range(100):
        assert redis.Redis(primary["Address"], primary["Port"]).set(f"k{n}", n)
    wait_until(lambda: redis_cli(reader, "DBSIZE") == "100", "the replica to have all keys")
    assert redis_cli(reader, "SET", "k", "v").startswith("READONLY")
    house.client().test_failover(ReplicationGroupId="rs-group", NodeGroupId="0001")
    wait_until(lambda: ends(group_of(house, "rs-group"))[0] != primary, "another primary")
    wait_group(house, "rs-group")
    now = ends(group_of(house, "rs-group"))[0]
    assert redis_cli(now, "DBSIZE") == "100" and redis_cli(now, "SET", "more", "v") == "OK"


def test_no_write_is_lost_while_roles_change(house):
    make_group(house, "rs-writes", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    members = [m["ReadEndpoint"] for m in group_of(house, "rs-writes")["NodeGroups"][0]["NodeGroupMembers"]]
    with Writer(members) as writer:
        for _ in range(2):
            primary, _ = ends(group_of(house, "rs-writes"))
            house.client().test_failover(ReplicationGroupId="rs-writes", NodeGroupId="0001")
            wait_until(lambda p=primary: ends(group_of(house, "rs-writes"))[0] != p, "another primary")
            wait_group(house, "rs-writes")
            before = len(writer.acknowledged)
            wait_until(lambda b=before: len(writer.acknowledged) > b + 10, "writes go on")
    assert writer.lost(ends(group_of(house, "rs-writes"))[0]) == []


def test_a_killed_primary_is_replaced(house):
    made = make_group(house, "rs-killed", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    primary, reader = ends(made)
    assert redis_cli(primary, "SET", "k", "v") == "OK"
    wait_until(lambda: redis_cli(reader, "GET", "k") == "v", "the replica to have it")
    os.kill(house.engine_pid(primary), signal.SIGKILL)
    wait_until(lambda: ends(group_of(house, "rs-killed"))[0] == reader, "the replica to be primary")
    assert redis_cli(reader, "SET", "k2", "v") == "OK"
    wait_until(lambda: redis_cli(primary, "GET", "k2") == "v", "the old one to follow")


def test_replicas_are_added_and_the_group_is_enlarged(house):
    made = make_group(house, "rs-grown", NumCacheClusters=1)
    primary, _ = ends(made)
    assert redis_cli(primary, "SET", "k", "v") == "OK"
    client = house.client()
    client.increase_replica_count(ReplicationGroupId="rs-grown", NewReplicaCount=1, ApplyImmediately=True)
    made = wait_group(house, "rs-grown")
    assert len(made["MemberClusters"]) == 2
    assert all(house.describe(m)["EngineVersion"] == REDIS for m in made["MemberClusters"])
    before = int(info(primary)["maxmemory"])
    client.modify_replication_group(ReplicationGroupId="rs-grown", CacheNodeType="cache.t4g.small", ApplyImmediately=True)
    wait_group(house, "rs-grown")
    primary, reader = ends(group_of(house, "rs-grown"))
    assert int(info(primary)["maxmemory"]) > before and redis_cli(reader, "GET", "k") == "v"


def test_parameters_reach_a_running_server(house):
    client = house.client()
    client.create_cache_parameter_group(CacheParameterGroupName="rs-params", CacheParameterGroupFamily="redis7", Description="x")
    endpoint, = house.create("rs-params", Tags=by("redis"), CacheParameterGroupName="rs-params")
    assert info(endpoint)["maxmemory_policy"] == "volatile-lru"
    client.modify_cache_parameter_group(CacheParameterGroupName="rs-params", ParameterNameValues=[
        {"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lfu"}, {"ParameterName": "databases", "ParameterValue": "20"}])
    wait_until(lambda: info(endpoint)["maxmemory_policy"] == "allkeys-lfu", "the policy to be in force")
    assert "out of range" in redis_cli(endpoint, "-n", "19", "PING")
    wait_until(lambda: house.describe("rs-params")["CacheParameterGroup"]["ParameterApplyStatus"] == "pending-reboot",
               "a reboot to be needed")
    redis_cli(endpoint, "SET", "k", "v")
    client.reboot_cache_cluster(CacheClusterId="rs-params", CacheNodeIdsToReboot=["0001"])
    house.wait_available("rs-params")
    wait_until(lambda: redis_cli(endpoint, "-n", "19", "PING") == "PONG", "20 databases")
    assert redis_cli(endpoint, "GET", "k") == "v", "what was in memory is kept over a reboot"


def test_users_come_and_go(house):
    client = house.client()
    for user, rules in (("rs-default", "off -@all"), ("rs-reader", "on ~app:* +@read")):
        client.create_user(UserId=user, UserName="default" if user == "rs-default" else "reader", Engine="redis",
                           AccessString=rules, Passwords=["a-password-of-sixteen"])
    client.create_user_group(UserGroupId="rs-users", Engine="redis", UserIds=["rs-default", "rs-reader"])
    made = make_group(house, "rs-secret", NumCacheClusters=2, TransitEncryptionEnabled=True, UserGroupIds=["rs-users"])
    primary, _ = ends(made)
    words = ("--tls", "--insecure", "--user", "reader", "--pass", "a-password-of-sixteen", "--no-auth-warning")
    assert redis_cli(primary, *words, "GET", "app:1") == ""
    assert "NOPERM" in redis_cli(primary, *words, "SET", "app:1", "v")
    assert "NOAUTH" in redis_cli(primary, "--tls", "--insecure", "PING")
    client.modify_user(UserId="rs-reader", AccessString="on ~app:* +@all")
    wait_until(lambda: redis_cli(primary, *words, "SET", "app:1", "v") == "OK", "the user to have more rights")
    assert "NOPERM" in redis_cli(primary, *words, "ACL", "SETUSER", "x")


# --- snapshots ------------------------------------------------------------------------------------------


def snapshot(house, name, group):
    client = house.client()
    client.create_snapshot(SnapshotName=name, ReplicationGroupId=group)
    wait_until(lambda: client.describe_snapshots(SnapshotName=name)["Snapshots"][0]["SnapshotStatus"] == "available", f"{name} is there")
    return client.describe_snapshots(SnapshotName=name)["Snapshots"][0]


def test_snapshots_go_both_ways(house):
    primary, _ = ends(make_group(house, "rs-from", NumCacheClusters=2))
    server = redis.Redis(primary["Address"], primary["Port"])
    server.set("k", "v")
    server.hset("h", mapping={"a": 1, "b": 2})
    server.xadd("x", {"f": "v"}, id="1-1")
    made = snapshot(house, "rs-snap", "rs-from")
    assert made["EngineVersion"] == REDIS and len(made["NodeSnapshots"]) == 1
    for name, tags in (("rs-to", by("redis")), ("bundled-to", by("bundled"))):
        entry, _ = ends(make_group(house, name, NumCacheClusters=2, SnapshotName="rs-snap", Tags=tags))
        again = redis.Redis(entry["Address"], entry["Port"])
        assert again.get("k") == b"v" and again.hgetall("h") == {b"a": b"1", b"b": b"2"}
        assert again.xrange("x") == [(b"1-1", {b"f": b"v"})]
    assert house.describe("rs-to-001")["EngineVersion"] == REDIS != house.describe("bundled-to-001")["EngineVersion"]
    copied = make_group(house, "tagged-to", NumCacheClusters=1, SnapshotName="rs-snap", Tags=[])
    assert TAG not in {t["Key"] for t in house.client().list_tags_for_resource(ResourceName=copied["ARN"])["TagList"]}


def test_a_snapshot_of_the_bundled_engine_is_read_by_redis_server(house):
    primary, _ = ends(make_group(house, "bundled-from", NumCacheClusters=1, Tags=[], EngineVersion=REDIS.rpartition(".")[0]))
    server = redis.Redis(primary["Address"], primary["Port"])
    server.set("k", "v")
    server.rpush("l", *range(1000))
    snapshot(house, "bundled-snap", "bundled-from")
    entry, _ = ends(make_group(house, "rs-from-bundled", NumCacheClusters=2, SnapshotName="bundled-snap"))
    again = redis.Redis(entry["Address"], entry["Port"])
    assert again.get("k") == b"v" and again.llen("l") == 1000 and info(entry)["redis_version"] == REDIS


# --- hosts ----------------------------------------------------------------------------------------------


def test_hosts_without_the_bundled_engine_run_what_they_have(new_service):
    service = new_service("--drivers", "redis,memcached").start()
    endpoint, = service.create("plain")
    assert service.describe("plain")["EngineVersion"] == REDIS == info(endpoint)["redis_version"]
    service.create("mc", engine="memcached")
    assert service.describe("mc")["EngineVersion"] == MEMCACHED and not service.pids("larder-engine")
    found = refusal(service.client().create_cache_cluster, CacheClusterId="bad", Engine="redis", CacheNodeType="cache.t4g.micro",
                    Tags=by("bundled"))
    assert found[0] == "InsufficientCacheClusterCapacity" and "no host that runs the engine" in found[1]
    redis_cli(endpoint, "SET", "k", "v")
    service.stop()
    service.start()
    wait_until(lambda: redis_cli(endpoint, "GET", "k") == "v", "the data to be back")


def test_hosts_run_no_more_than_they_may(new_service):
    service = new_service("--drivers", "bundled").start()
    found = refusal(service.client().create_cache_cluster, CacheClusterId="bad", Engine="redis", CacheNodeType="cache.t4g.micro",
                    Tags=by("redis"))
    assert found == ("InvalidParameterCombination", "No host has redis for the engine driver redis. What they have: nothing.")
