"""What a newcomer does in the first minutes, with the clients that a newcomer has."""
import re
import subprocess

import pytest
from botocore.exceptions import ClientError

from conftest import answers_ping, free_port, memcached, redis_cli, wait_until

ARN = "arn:aws:elasticache:us-east-1:000000000000:cluster:"


def test_redis_lives_a_whole_life_by_aws_cli_and_redis_cli(service):
    created = service.aws_json("elasticache", "create-cache-cluster", "--cache-cluster-id", "First", "--engine", "redis",
                               "--cache-node-type", "cache.t4g.micro", "--num-cache-nodes", "1",
                               "--tags", "Key=team,Value=blue")["CacheCluster"]
    assert created["CacheClusterId"] == "first"
    assert created["CacheClusterStatus"] == "creating"
    assert created["ARN"] == ARN + "first"
    assert "CacheNodes" not in created

    service.wait_available("first")
    shown = service.aws_json("elasticache", "describe-cache-clusters", "--cache-cluster-id", "first",
                             "--show-cache-node-info")["CacheClusters"][0]
    assert shown["CacheClusterStatus"] == "available"
    assert shown["NumCacheNodes"] == 1
    assert re.fullmatch(r"7\.\d+\.\d+", shown["EngineVersion"])
    node, = shown["CacheNodes"]
    assert node["CacheNodeId"] == "0001" and node["CacheNodeStatus"] == "available"
    assert node["Endpoint"]["Port"] == 6379
    assert node["CustomerAvailabilityZone"] == shown["PreferredAvailabilityZone"]

    endpoint = node["Endpoint"]
    assert redis_cli(endpoint, "PING") == "PONG"
    assert redis_cli(endpoint, "SET", "greeting", "hello") == "OK"
    assert redis_cli(endpoint, "GET", "greeting") == "hello"

    rebooted = service.aws_json("elasticache", "reboot-cache-cluster", "--cache-cluster-id", "first",
                                "--cache-node-ids-to-reboot", "0001")["CacheCluster"]
    assert rebooted["CacheClusterStatus"] == "rebooting cluster nodes"
    service.wait_available("first")
    assert service.endpoints("first") == [endpoint]
    assert redis_cli(endpoint, "GET", "greeting") == "hello", "what a redis node has outlives a reboot"

    deleted = service.aws_json("elasticache", "delete-cache-cluster", "--cache-cluster-id", "first")["CacheCluster"]
    assert deleted["CacheClusterStatus"] == "deleting"
    service.wait_deleted("first")
    assert not answers_ping(endpoint)
    gone = service.aws("elasticache", "describe-cache-clusters", "--cache-cluster-id", "first")
    assert gone.returncode == 254
    assert "An error occurred (CacheClusterNotFound) when calling the DescribeCacheClusters operation: " \
           "CacheCluster not found: first" in gone.stderr


def test_boto3_waits_with_the_waiters_of_the_sdk(house):
    client = house.client()
    client.create_cache_cluster(CacheClusterId="waited", Engine="redis", CacheNodeType="cache.t3.micro", NumCacheNodes=1)
    fast = {"Delay": 0.05, "MaxAttempts": 400}
    client.get_waiter("cache_cluster_available").wait(CacheClusterId="waited", WaiterConfig=fast)
    assert answers_ping(house.endpoints("waited")[0])
    client.delete_cache_cluster(CacheClusterId="waited")
    client.get_waiter("cache_cluster_deleted").wait(CacheClusterId="waited", WaiterConfig=fast)


def test_who_am_i(house):
    identity = house.aws_json("sts", "get-caller-identity")
    assert identity["Account"] == "000000000000"
    assert identity["Arn"].startswith("arn:aws:")
    assert house.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_memcached_with_three_nodes_keeps_what_each_was_given(house):
    endpoints = house.create("mc", engine="memcached", nodes=3)
    assert len({e["Address"] for e in endpoints}) == 3
    assert {e["Port"] for e in endpoints} == {11211}
    for number, endpoint in enumerate(endpoints):
        assert memcached(endpoint, f"set key 7 0 6\nvalue{number}\n") == "STORED\n"
    for number, endpoint in enumerate(endpoints):
        assert memcached(endpoint, "get key\n", until=b"END\r\n") == f"VALUE key 7 6\nvalue{number}\nEND\n"
    shown = house.describe("mc")
    assert shown["ConfigurationEndpoint"]["Port"] == 11211
    assert [n["CacheNodeId"] for n in shown["CacheNodes"]] == ["0001", "0002", "0003"]
    assert memcached(endpoints[0], "incr key 1\n").startswith("CLIENT_ERROR")
    assert memcached(endpoints[0], "delete key\n") == "DELETED\n"
    assert memcached(endpoints[0], "get key\n", until=b"END\r\n") == "END\n"


def test_cross_zone_nodes_stand_in_different_zones(house):
    house.create("spread", engine="memcached", nodes=3, AZMode="cross-az")
    zones = {n["CustomerAvailabilityZone"] for n in house.describe("spread")["CacheNodes"]}
    assert zones == {"us-east-1a", "us-east-1b", "us-east-1c"}


def test_the_zone_that_was_asked_for(house):
    house.create("inb", PreferredAvailabilityZone="us-east-1b")
    assert house.describe("inb")["CacheNodes"][0]["CustomerAvailabilityZone"] == "us-east-1b"


def test_the_port_that_was_asked_for(house):
    port = free_port()
    endpoint, = house.create("ported", Port=port)
    assert endpoint["Port"] == port
    assert redis_cli(endpoint, "PING") == "PONG"
    assert redis_cli(dict(endpoint, Port=6379), "PING") != "PONG"


@pytest.mark.parametrize("node_type, largest, engine", [
    ("cache.t4g.micro", 536870912, "redis"),
    ("cache.t4g.small", 1471026299, "redis"),
    ("cache.m7g.large", 6854542746, "redis"),
])
def test_maxmemory_follows_the_node_type(house, node_type, largest, engine):
    name = "mem-" + node_type.replace(".", "-")
    endpoint, = house.create(name, engine=engine, node_type=node_type)
    shown = redis_cli(endpoint, "CONFIG", "GET", "maxmemory").splitlines()
    if len(shown) != 2:  # a managed node may keep CONFIG to itself
        shown = ["maxmemory", re.search(r"^maxmemory:(\d+)", redis_cli(endpoint, "INFO", "memory"), re.M).group(1)]
    assert 0 < int(shown[1]) <= largest
    assert int(shown[1]) >= largest * 0.5


def test_tags_are_added_listed_and_removed(house):
    house.create("tagged", Tags=[{"Key": "a", "Value": "1"}])
    client, arn = house.client(), ARN + "tagged"
    added = client.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "9"}])
    assert {t["Key"]: t["Value"] for t in added["TagList"]} == {"a": "9", "b": "2"}
    left = client.remove_tags_from_resource(ResourceName=arn, TagKeys=["a"])
    assert left["TagList"] == [{"Key": "b", "Value": "2"}]
    assert client.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "b", "Value": "2"}]
    with pytest.raises(ClientError) as caught:
        client.remove_tags_from_resource(ResourceName=arn, TagKeys=["never"])
    assert caught.value.response["Error"]["Code"] == "TagNotFound"


def test_settings_change(house):
    house.create("changed", SnapshotWindow="01:00-02:00")
    answer = house.client().modify_cache_cluster(CacheClusterId="changed", ApplyImmediately=True,
                                                 PreferredMaintenanceWindow="mon:05:00-mon:06:30")
    assert answer["CacheCluster"]["PreferredMaintenanceWindow"] == "mon:05:00-mon:06:30"
    house.wait_available("changed")
    assert house.describe("changed")["PreferredMaintenanceWindow"] == "mon:05:00-mon:06:30"


def test_engine_versions_are_listed(house):
    versions = house.client().describe_cache_engine_versions(Engine="redis")["CacheEngineVersions"]
    assert "7.1" in {v["EngineVersion"] for v in versions} or "7.1.0" in {v["EngineVersion"] for v in versions}
    assert {v["Engine"] for v in versions} == {"redis"}
    only = house.client().describe_cache_engine_versions(Engine="redis", DefaultOnly=True)["CacheEngineVersions"]
    assert len(only) == 1


def test_events_tell_the_story_newest_first(house):
    house.create("storied")
    house.client().reboot_cache_cluster(CacheClusterId="storied", CacheNodeIdsToReboot=["0001"])
    house.wait_available("storied")
    told = [message for _, message in house.events("storied")]
    assert told[-1].startswith(("Cache cluster created", "Added cache node 0001"))
    assert "Cache cluster created" in told
    assert any("0001" in m and ("restarted" in m or "shutdown" in m) for m in told)
    dates = [date for date, _ in house.events("storied")]
    assert dates == sorted(dates, reverse=True)


def test_redis_cli_speaks_resp3_too(house):
    endpoint, = house.create("three")
    done = subprocess.run(["redis-cli", "-3", "-h", endpoint["Address"], "-p", str(endpoint["Port"]), "HELLO", "3"],
                          stdout=subprocess.PIPE, text=True, timeout=10, check=False)
    assert "proto" in done.stdout and "3" in done.stdout


def test_a_deleted_name_is_free_again(house):
    house.create("again")
    house.client().delete_cache_cluster(CacheClusterId="again")
    house.wait_deleted("again")
    endpoint, = house.create("again")
    wait_until(lambda: answers_ping(endpoint), "the second cluster of that name answers")
