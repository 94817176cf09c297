"""Parameter groups: what is set in a group is in force on the engines that use it."""
import os
import signal
import socket
import time

import pytest
from botocore.exceptions import ClientError

from conftest import answers_ping, memcached, redis_cli, serving_pid, wait_until


@pytest.fixture(scope="module")
def client(house):
    return house.client()


def make_group(client, name, family):
    return client.create_cache_parameter_group(CacheParameterGroupName=name, CacheParameterGroupFamily=family,
                                               Description=f"for {name}")["CacheParameterGroup"]


def set_values(client, group, **values):
    pairs = [{"ParameterName": k.replace("__", "-"), "ParameterValue": v} for k, v in values.items()]
    return client.modify_cache_parameter_group(CacheParameterGroupName=group, ParameterNameValues=pairs)


def reset_values(client, group, *names):
    """While a change is on its way a reset is refused; whoever waits is served."""
    def done():
        try:
            return client.reset_cache_parameter_group(
                CacheParameterGroupName=group, ParameterNameValues=[{"ParameterName": n} for n in names])
        except ClientError as e:
            assert " has pending changes" in str(e), e
            return None
    return wait_until(done, "the reset is accepted", timeout=5)


def memory_info(endpoint, field):
    lines = redis_cli(endpoint, "INFO", "memory").splitlines()
    return next((line.partition(":")[2] for line in lines if line.startswith(f"{field}:")), None)


def apply_status(house, name):
    group = house.describe(name)["CacheParameterGroup"]
    return group["ParameterApplyStatus"], group["CacheNodeIdsToReboot"]


def wait_in_force(house, name, timeout=5):
    wait_until(lambda: apply_status(house, name) == ("in-sync", []), f"{name} is in sync", timeout=timeout)


def reboot(house, client, name, *nodes):
    client.reboot_cache_cluster(CacheClusterId=name, CacheNodeIdsToReboot=list(nodes))
    house.wait_available(name)


# --- immediate ones -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lively(house, client):
    """A redis node with a group of its own."""
    make_group(client, "lively", "redis7")
    endpoint, = house.create("lively", CacheParameterGroupName="lively")
    return endpoint


def test_a_change_is_in_force_on_a_running_engine_within_a_second(house, client, lively):
    pid = serving_pid(lively)
    assert memory_info(lively, "maxmemory_policy") == "volatile-lru"
    set_values(client, "lively", maxmemory__policy="allkeys-lfu", notify__keyspace__events="KEA")
    begun = time.monotonic()
    wait_until(lambda: memory_info(lively, "maxmemory_policy") == "allkeys-lfu", "the policy is in force", timeout=5)
    assert time.monotonic() - begun < 1.0
    wait_in_force(house, "lively")
    assert house.describe("lively")["CacheNodes"][0]["ParameterGroupStatus"] == "in-sync"
    reset_values(client, "lively", "maxmemory-policy", "notify-keyspace-events")
    wait_until(lambda: memory_info(lively, "maxmemory_policy") == "volatile-lru", "the default is back", timeout=5)
    assert serving_pid(lively) == pid, "nothing was started again"
    assert "Updated parameter group lively" in [m for _, m in house.events("lively")]


def test_memory_follows_the_reserve(house, client, lively):
    assert memory_info(lively, "maxmemory") == str(402653184)
    set_values(client, "lively", reserved__memory__percent="50")
    wait_until(lambda: memory_info(lively, "maxmemory") == str(268435456), "half of the memory is left", timeout=5)
    wait_in_force(house, "lively")
    reset_values(client, "lively", "reserved-memory-percent")
    wait_until(lambda: memory_info(lively, "maxmemory") == str(402653184), "three quarters are left", timeout=5)


def test_other_engines_hear_nothing(house, client, lively):
    """A group is the business of those who use it."""
    make_group(client, "quiet", "redis7")
    endpoint, = house.create("quiet", CacheParameterGroupName="quiet")
    set_values(client, "lively", maxmemory__policy="noeviction")
    wait_until(lambda: memory_info(lively, "maxmemory_policy") == "noeviction", "the policy is in force", timeout=5)
    assert memory_info(endpoint, "maxmemory_policy") == "volatile-lru"
    wait_in_force(house, "lively")
    reset_values(client, "lively", "maxmemory-policy")


def test_a_cluster_that_goes_over_to_another_group_gets_its_values(house, client):
    make_group(client, "other", "redis7")
    set_values(client, "other", maxmemory__policy="allkeys-random")
    endpoint, = house.create("swap")
    assert house.describe("swap")["CacheParameterGroup"]["CacheParameterGroupName"] == "default.redis7"
    client.modify_cache_cluster(CacheClusterId="swap", CacheParameterGroupName="Other")
    wait_until(lambda: memory_info(endpoint, "maxmemory_policy") == "allkeys-random", "the policy is in force", timeout=5)
    assert house.describe("swap")["CacheParameterGroup"]["CacheParameterGroupName"] == "other"
    client.modify_cache_cluster(CacheClusterId="swap", CacheParameterGroupName="default.redis7")
    wait_until(lambda: memory_info(endpoint, "maxmemory_policy") == "volatile-lru", "the default is back", timeout=5)


def test_every_member_of_a_replication_group_hears(house, client):
    make_group(client, "members", "redis7")
    client.create_replication_group(
        ReplicationGroupId="members", ReplicationGroupDescription="d", Engine="redis", NumCacheClusters=2,
        CacheNodeType="cache.t4g.micro", CacheParameterGroupName="members")
    client.get_waiter("replication_group_available").wait(
        ReplicationGroupId="members", WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})
    endpoints = [e for name in ("members-001", "members-002") for e in house.endpoints(name)]
    set_values(client, "members", maxmemory__policy="allkeys-lru")
    for endpoint in endpoints:
        wait_until(lambda: memory_info(endpoint, "maxmemory_policy") == "allkeys-lru", "the policy is in force", timeout=5)
    for name in ("members-001", "members-002"):
        wait_in_force(house, name)
        assert house.describe(name)["CacheParameterGroup"]["CacheParameterGroupName"] == "members"
    with socket.create_connection((endpoints[1]["Address"], endpoints[1]["Port"]), timeout=5) as writer:
        writer.sendall(b"SET k v\r\nPING\r\n")  # which no replica takes: the client is to look for the primary anew
        said = b"".join(iter(lambda: writer.recv(4096), b""))
        assert said.startswith(b"-READONLY") and b"PONG" not in said
    with pytest.raises(ClientError, match="still members of this parameter group members"):
        client.delete_cache_parameter_group(CacheParameterGroupName="members")


def test_an_engine_that_died_comes_back_with_its_values(house, client):
    make_group(client, "mortal", "redis7")
    set_values(client, "mortal", maxmemory__policy="volatile-ttl")
    endpoint, = house.create("mortal", CacheParameterGroupName="mortal")
    assert memory_info(endpoint, "maxmemory_policy") == "volatile-ttl"
    pid = serving_pid(endpoint)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: serving_pid(endpoint) not in (None, pid), "another process serves")
    assert memory_info(endpoint, "maxmemory_policy") == "volatile-ttl"


# --- static ones --------------------------------------------------------------------------------------


def test_a_static_parameter_waits_for_the_reboot(house, client):
    make_group(client, "static", "redis4.0")
    endpoint, = house.create("static", EngineVersion="4.0.10", CacheParameterGroupName="static",
                             node_type="cache.t3.micro")
    set_values(client, "static", databases="32")
    wait_until(lambda: apply_status(house, "static") == ("pending-reboot", ["0001"]), "a reboot is due", timeout=5)
    assert house.describe("static")["CacheNodes"][0]["ParameterGroupStatus"] == "pending-reboot"
    assert "out of range" in redis_cli(endpoint, "SELECT", "20")
    reboot(house, client, "static", "0001")
    wait_in_force(house, "static")
    assert redis_cli(endpoint, "SELECT", "20") == "OK"
    set_values(client, "static", databases="16")
    wait_until(lambda: apply_status(house, "static")[0] == "pending-reboot", "a reboot is due", timeout=5)
    set_values(client, "static", databases="32")
    wait_in_force(house, "static")  # what it was started with: no reboot is needed any more


def test_memcached_nodes_are_rebooted_one_by_one(house, client):
    make_group(client, "items", "memcached1.6")
    one, two = house.create("items", engine="memcached", nodes=2, CacheParameterGroupName="items")
    big = f"set big 0 0 {1500000}\n{'x' * 1500000}\n"
    assert memcached(one, big) != "STORED\n"
    set_values(client, "items", max_item_size="2097152")
    wait_until(lambda: apply_status(house, "items") == ("pending-reboot", ["0001", "0002"]), "reboots are due", timeout=5)
    reboot(house, client, "items", "0001")
    wait_until(lambda: apply_status(house, "items") == ("pending-reboot", ["0002"]), "one more is due", timeout=5)
    assert memcached(one, big) == "STORED\n"
    assert memcached(two, big) != "STORED\n"
    reboot(house, client, "items", "0002")
    wait_in_force(house, "items")
    assert memcached(two, big) == "STORED\n"


def fill(endpoint, megabytes):
    """Items of a megabyte: what was said of each."""
    return [memcached(endpoint, f"set k{i} 0 0 1000000\n{'x' * 1000000}\n") for i in range(megabytes)]


def test_a_full_memcached_node_makes_room_or_refuses_as_its_group_says(house, client):
    make_group(client, "full", "memcached1.6")
    set_values(client, "full", memcached_connections_overhead="500")  # which leaves 12 MiB
    endpoint, = house.create("full", engine="memcached", CacheParameterGroupName="full")
    assert set(fill(endpoint, 30)) == {"STORED\n"}
    assert memcached(endpoint, "get k0\n", until=b"END\r\n") == "END\n"
    assert memcached(endpoint, "get k29\n", until=b"END\r\n").startswith("VALUE k29 0 1000000\n")
    set_values(client, "full", error_on_memory_exhausted="1")
    wait_until(lambda: apply_status(house, "full")[0] == "pending-reboot", "a reboot is due", timeout=5)
    reboot(house, client, "full", "0001")
    said = fill(endpoint, 30)
    assert said[0] == "STORED\n" and said[-1].startswith("SERVER_ERROR out of memory"), said
    assert memcached(endpoint, "get k0\n", until=b"END\r\n").startswith("VALUE k0 0 1000000\n")


# --- groups and what they are used for ----------------------------------------------------------------


def test_a_group_in_use_stays_and_one_out_of_use_goes_at_once(house, client):
    make_group(client, "used", "redis7")
    house.create("user-of-it", CacheParameterGroupName="used")
    with pytest.raises(ClientError, match="InvalidCacheParameterGroupState.*still members of this parameter group used"):
        client.delete_cache_parameter_group(CacheParameterGroupName="used")
    client.delete_cache_cluster(CacheClusterId="user-of-it")
    house.wait_deleted("user-of-it")
    client.delete_cache_parameter_group(CacheParameterGroupName="USED")
    with pytest.raises(ClientError, match="CacheParameterGroupNotFound"):
        client.describe_cache_parameters(CacheParameterGroupName="used")


def test_parameters_are_listed_in_pages_with_both_kinds(house, client):
    pages = list(client.get_paginator("describe_cache_parameters").paginate(
        CacheParameterGroupName="default.redis7", PaginationConfig={"PageSize": 20}))
    names = [p["ParameterName"] for page in pages for p in page["Parameters"]]
    by_type = [p for page in pages for p in page["CacheNodeTypeSpecificParameters"]]
    assert len(pages) == 4 and len(names) == 63 and len(by_type) == 3
    assert names == sorted(names, key=lambda n: n.replace("-", ""))
    assert all(len(p["Parameters"]) + len(p["CacheNodeTypeSpecificParameters"]) == 20 for p in pages[:-1])
    maxmemory = next(p for p in by_type if p["ParameterName"] == "maxmemory")
    assert {"CacheNodeType": "cache.t4g.micro", "Value": "536870912"} in maxmemory["CacheNodeTypeSpecificValues"]
    events = next(p for page in pages for p in page["Parameters"] if p["ParameterName"] == "notify-keyspace-events")
    assert "ParameterValue" not in events and "AllowedValues" not in events


def test_aws_cli_and_tags(house):
    made = house.aws_json("elasticache", "create-cache-parameter-group", "--cache-parameter-group-name", "By-Cli",
                          "--cache-parameter-group-family", "valkey8", "--description", "d", "--tags",
                          "Key=team,Value=blue")["CacheParameterGroup"]
    assert made["CacheParameterGroupName"] == "by-cli" and made["IsGlobal"] is False
    tags = house.aws_json("elasticache", "list-tags-for-resource", "--resource-name", made["ARN"])
    assert tags["TagList"] == [{"Key": "team", "Value": "blue"}]
    house.aws_json("elasticache", "modify-cache-parameter-group", "--cache-parameter-group-name", "by-cli",
                   "--parameter-name-values", "ParameterName=timeout,ParameterValue=0300")
    seen = house.aws_json("elasticache", "describe-cache-parameters", "--cache-parameter-group-name", "by-cli",
                          "--source", "user")
    assert [(p["ParameterName"], p["ParameterValue"], p["Source"]) for p in seen["Parameters"]] == [
        ("timeout", "0300", "user")]
    house.aws_json("elasticache", "reset-cache-parameter-group", "--cache-parameter-group-name", "by-cli",
                   "--reset-all-parameters")
    house.aws_json("elasticache", "delete-cache-parameter-group", "--cache-parameter-group-name", "by-cli")
    family = house.aws_json("elasticache", "describe-engine-default-parameters", "--cache-parameter-group-family",
                            "memcached1.6")["EngineDefaults"]
    assert len(family["Parameters"]) == 30


def test_groups_and_their_values_outlive_a_restart(new_service):
    service = new_service().start()
    client = service.client()
    make_group(client, "kept", "redis7")
    set_values(client, "kept", maxmemory__policy="noeviction")
    endpoint, = service.create("kept", CacheParameterGroupName="kept")
    service.stop()
    service.start()
    wait_until(lambda: answers_ping(endpoint), "the cluster is back")
    assert memory_info(endpoint, "maxmemory_policy") == "noeviction"
    set_values(service.client(), "kept", maxmemory__policy="allkeys-lru")
    wait_until(lambda: memory_info(endpoint, "maxmemory_policy") == "allkeys-lru", "the policy is in force", timeout=5)


# --- bad input ----------------------------------------------------------------------------------------

GROUP = {"CacheParameterGroupName": "mine", "CacheParameterGroupFamily": "redis7", "Description": "d"}


def values(*pairs, group="bad"):
    return {"CacheParameterGroupName": group,
            "ParameterNameValues": [{"ParameterName": n, "ParameterValue": v} for n, v in pairs]}


BAD = [
    ("create", dict(GROUP, CacheParameterGroupName="1st"), "InvalidParameterValue"),
    ("create", dict(GROUP, CacheParameterGroupName="default.mine"), "InvalidParameterValue"),
    ("create", dict(GROUP, CacheParameterGroupName="x" * 256), "InvalidParameterValue"),
    ("create", dict(GROUP, CacheParameterGroupName=""), "InvalidParameterValue"),
    ("create", dict(GROUP, CacheParameterGroupFamily="redis8"), "InvalidParameterValue"),
    ("create", dict(GROUP, CacheParameterGroupFamily="REDIS7"), "InvalidParameterValue"),
    ("create", dict(GROUP, CacheParameterGroupName="BAD"), "CacheParameterGroupAlreadyExists"),
    ("create", dict(GROUP, Tags=[{"Key": "aws:x", "Value": ""}]), "InvalidParameterValue"),
    ("modify", values(("timeout", "30"), group="nobody"), "CacheParameterGroupNotFound"),
    ("modify", values(("timeout", "30"), group="default.redis7"), "InvalidParameterValue"),
    ("modify", values(("timeout", "1")), "InvalidParameterValue"),
    ("modify", values(("timeout", "")), "InvalidParameterValue"),
    ("modify", values(("timeout", "30 ")), "InvalidParameterValue"),
    ("modify", values(("timeout", "99999999999")), "InvalidParameterValue"),
    ("modify", values(("maxmemory-policy", "lru")), "InvalidParameterValue"),
    ("modify", values(("maxmemory-policy", "noeviction\nrequirepass x")), "InvalidParameterValue"),
    ("modify", values(("notify-keyspace-events", "KEA\r\n")), "InvalidParameterValue"),
    ("modify", values(("rename-commands", "SHUTDOWN off")), "InvalidParameterValue"),
    ("modify", values(("requirepass", "x")), "InvalidParameterValue"),
    ("modify", values(("maxclients", "10")), "InvalidParameterValue"),
    ("modify", values(("timeout", "30"), ("TIMEOUT", "40")), "InvalidParameterValue"),
    ("modify", values(("timeout", "30"), ("databases", "0")), "InvalidParameterValue"),
    ("modify", values(*[(f"p{i}", "1") for i in range(21)]), "InvalidParameterValue"),
    ("modify", values(("slab_chunk_max", "1000000"), group="bad-items"), "InvalidParameterCombination"),
    ("modify", values(("max_item_size", "1048577"), group="bad-items"), "InvalidParameterCombination"),
    ("reset", {"CacheParameterGroupName": "bad"}, "InvalidParameterValue"),
    ("reset", {"CacheParameterGroupName": "nobody", "ResetAllParameters": True}, "CacheParameterGroupNotFound"),
    ("reset", {"CacheParameterGroupName": "default.redis7", "ResetAllParameters": True}, "InvalidParameterValue"),
    ("reset", dict(values(("timeout", "30")), ResetAllParameters=True), "InvalidParameterCombination"),
    ("reset", values(("nothing", "30")), "InvalidParameterValue"),
    ("delete", {"CacheParameterGroupName": "nobody"}, "CacheParameterGroupNotFound"),
    ("delete", {"CacheParameterGroupName": "default.redis7"}, "InvalidCacheParameterGroupState"),
    ("groups", {"CacheParameterGroupName": "nobody"}, "CacheParameterGroupNotFound"),
    ("groups", {"MaxRecords": 19}, "InvalidParameterValue"),
    ("groups", {"MaxRecords": 101}, "InvalidParameterValue"),
    ("groups", {"Marker": "???"}, "InvalidParameterValue"),
    ("list", {"CacheParameterGroupName": "nobody"}, "CacheParameterGroupNotFound"),
    ("list", {"CacheParameterGroupName": "bad", "Source": "me"}, "InvalidParameterValue"),
    ("list", {"CacheParameterGroupName": "bad", "MaxRecords": 1}, "InvalidParameterValue"),
    ("list", {"CacheParameterGroupName": "bad", "Marker": "bm90aGluZw=="}, "InvalidParameterValue"),
    ("family", {"CacheParameterGroupFamily": "redis8"}, "InvalidParameterValue"),
    ("family", {"CacheParameterGroupFamily": "redis7", "Marker": "x"}, "InvalidParameterValue"),
]
CALLS = {"create": "create_cache_parameter_group", "modify": "modify_cache_parameter_group",
         "reset": "reset_cache_parameter_group", "delete": "delete_cache_parameter_group",
         "groups": "describe_cache_parameter_groups", "list": "describe_cache_parameters",
         "family": "describe_engine_default_parameters"}


@pytest.fixture(scope="module")
def bad_groups(client):
    make_group(client, "bad", "redis7")
    make_group(client, "bad-items", "memcached1.6")
    set_values(client, "bad", timeout="300")


@pytest.mark.parametrize("call, arguments, code", BAD, ids=[f"{b[0]}{i}" for i, b in enumerate(BAD)])
def test_bad_input_gets_its_fault_and_changes_nothing(client, bad_groups, call, arguments, code):
    with pytest.raises(ClientError) as caught:
        getattr(client, CALLS[call])(**arguments)
    error = caught.value.response
    assert error["Error"]["Code"] == code and error["Error"]["Message"], error
    assert error["ResponseMetadata"]["HTTPStatusCode"] == (404 if code.endswith("NotFound") else 400)
    left = client.describe_cache_parameters(CacheParameterGroupName="bad", Source="user")["Parameters"]
    assert [(p["ParameterName"], p["ParameterValue"]) for p in left] == [("timeout", "300")]
    assert client.describe_cache_parameters(CacheParameterGroupName="bad-items", Source="user")["Parameters"] == []
