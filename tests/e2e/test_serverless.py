"""Serverless caches: what clients of the API and of the cache see, and that their limits hold."""
import json
import socket
import ssl
import time

import pytest
import redis

from conftest import wait_until
from serverless import Caches, authority_of, cluster, create, delete, describe, modify, refusal, single, wait_available


@pytest.fixture(scope="module")
def authority(house, tmp_path_factory):
    return authority_of(house, tmp_path_factory.mktemp("serverless"))


@pytest.fixture(scope="module")
def cache(house):
    return create(house, "One", Description="d", Tags=[{"Key": "a", "Value": "b"}],
                  CacheUsageLimits={"DataStorage": {"Maximum": 1, "Unit": "GB"}})


def test_a_cache_shows_what_was_asked_for_and_what_was_chosen(house, cache):
    assert cache["ServerlessCacheName"] == "one" and cache["Description"] == "d"
    assert (cache["Engine"], cache["MajorEngineVersion"], cache["FullEngineVersion"]) == ("redis", "7", "7.1.0")
    assert cache["CacheUsageLimits"] == {"DataStorage": {"Maximum": 1, "Unit": "GB"}}
    assert "KmsKeyId" not in cache and "UserGroupId" not in cache
    assert len(cache["SubnetIds"]) == 3 and len(cache["SecurityGroupIds"]) == 1
    assert (cache["Endpoint"]["Port"], cache["ReaderEndpoint"]["Port"]) == (6379, 6380)
    assert cache["ARN"] == "arn:aws:elasticache:us-east-1:000000000000:serverlesscache:one"
    tags = house.client().list_tags_for_resource(ResourceName=cache["ARN"])["TagList"]
    assert tags == [{"Key": "a", "Value": "b"}]


def test_what_stands_behind_is_nobody_elses(house, cache):
    client = house.client()
    assert client.describe_replication_groups()["ReplicationGroups"] == []
    assert client.describe_cache_clusters()["CacheClusters"] == []
    assert refusal(client.describe_replication_groups, ReplicationGroupId="serverless.one") != ""
    events = client.describe_events(SourceType="serverless-cache", SourceIdentifier="one")["Events"]
    assert [e["Message"] for e in events] == ["Serverless cache created"]
    assert client.describe_events(SourceType="replication-group")["Events"] == []


def test_cluster_clients_write_and_readers_read(cache, authority):
    writer = cluster(cache["Endpoint"], authority)
    writer.set("k", "v")
    assert writer.get("k") == b"v"
    reader = single(cache["ReaderEndpoint"], authority)
    wait_until(lambda: reader.get("k") == b"v", "the replica to have it")
    with pytest.raises((redis.ConnectionError, redis.ResponseError)):
        redis.Redis(host=cache["Endpoint"]["Address"], port=cache["Endpoint"]["Port"]).ping()
    with pytest.raises(redis.ResponseError, match="unknown command 'SLOWLOG'"):
        reader.execute_command("SLOWLOG", "GET")  # one of those that are for nodes alone


def test_at_the_storage_limit_keys_that_expire_go_and_then_writes_fail(cache, authority):
    node = single(cache["Endpoint"], authority)
    node.set("volatile", "v", ex=1000)
    node.set("lasting", "v")
    for i in range(3):
        wait_until(lambda: try_fill(node, f"fill{i}"), "room to come", timeout=30, pause=0.2)
    wait_until(lambda: is_full(node), "the limit to be reached", timeout=20, pause=0.2)
    assert node.get("lasting") == b"v"
    assert node.get("volatile") is None
    for i in range(3):
        node.delete(f"fill{i}")
    node.set("again", "v")


def try_fill(node, key):
    """Zeros that nobody writes: they count, and take no memory of the machine."""
    try:
        return node.setrange(key, (400 << 20) - 1, "x") > 0
    except redis.ConnectionError:
        return node.strlen(key) > 0  # it took longer than the lease: it is done, and nobody was told
    except redis.ResponseError as e:
        assert "OOM" in str(e)
        return False


def is_full(node):
    try:
        node.set("more", "v")
    except redis.ResponseError as e:
        assert "OOM" in str(e)
        return True
    return False


def test_work_over_the_limit_waits(house, cache, authority):
    node = single(cache["Endpoint"], authority)
    modify(house, "one", CacheUsageLimits={"ECPUPerSecond": {"Maximum": 1000}})
    assert describe(house, "one")["CacheUsageLimits"] == {"ECPUPerSecond": {"Maximum": 1000}}
    began = time.monotonic()
    for _ in range(1200):
        node.get("k")
    assert time.monotonic() - began > 0.9
    modify(house, "one", CacheUsageLimits={"ECPUPerSecond": {"Maximum": 0}})
    assert "CacheUsageLimits" not in describe(house, "one")


def test_users_come_and_go_while_it_serves(house, cache, authority):
    client = house.client()
    client.create_user(UserId="sl-default", UserName="default", Engine="redis", AccessString="on ~* +@all",
                       Passwords=["sixteen-letters-at-least"])
    client.create_user_group(UserGroupId="sl-team", Engine="redis", UserIds=["sl-default"])
    wait_until(lambda: client.describe_user_groups(UserGroupId="sl-team")["UserGroups"][0]["Status"] == "active", "it")
    assert modify(house, "one", UserGroupId="sl-team")["UserGroupId"] == "sl-team"
    team = json.loads(house.larder("describe-user-groups", "--user-group-id", "sl-team").stdout)["UserGroups"][0]
    assert team["ServerlessCaches"] == ["one"] and team["ReplicationGroups"] == []
    with pytest.raises(redis.AuthenticationError):
        single(cache["Endpoint"], authority).ping()
    assert "UserGroupId" not in modify(house, "one", RemoveUserGroup=True)
    assert single(cache["Endpoint"], authority).ping()


def test_memcached_is_encrypted(house, authority):
    cache = create(house, "mc", engine="memcached")
    assert cache["Endpoint"]["Port"] == 11211
    context = ssl.create_default_context(cafile=authority)
    for name in ("Endpoint", "ReaderEndpoint"):
        address = (cache[name]["Address"], cache[name]["Port"])
        with socket.create_connection(address, timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname=address[0]) as s:
                s.sendall(b"stats settings\r\nset k 0 0 1\r\nv\r\nget k\r\n")
                said = b""
                while not said.endswith(b"END\r\n"):
                    said += s.recv(4096)
                assert said == b"ERROR\r\nSTORED\r\nVALUE k 0 1\r\nv\r\nEND\r\n"  # the kinds of stats are for nodes alone
    assert modify(house, "mc", Description="m")["Description"] == "m"
    delete(house, "mc")


def test_bad_requests_have_the_services_faults(house, cache):
    caches = Caches(house)
    new = {"ServerlessCacheName": "bad", "Engine": "redis"}
    for more, code in (({"Engine": "mysql"}, "InvalidParameterValue"),
                       ({"ServerlessCacheName": "-x"}, "InvalidParameterValue"),
                       ({"ServerlessCacheName": "x" * 41}, "InvalidParameterValue"),
                       ({"Description": "d" * 256}, "InvalidParameterValue"),
                       ({"MajorEngineVersion": "5"}, "InvalidParameterValue"),
                       ({"DailySnapshotTime": "25:00"}, "InvalidParameterValue"),
                       ({"CacheUsageLimits": {"DataStorage": {"Maximum": 5001, "Unit": "GB"}}}, "InvalidParameterValue"),
                       ({"CacheUsageLimits": {"ECPUPerSecond": {"Maximum": 999}}}, "InvalidParameterValue"),
                       ({"CacheUsageLimits": {"DataStorage": {"Minimum": 9, "Maximum": 8, "Unit": "GB"}}},
                        "InvalidParameterCombination"),
                       ({"UserGroupId": "nobody"}, "UserGroupNotFound"),
                       ({"ServerlessCacheName": "one"}, "ServerlessCacheAlreadyExistsFault")):
        assert refusal(caches.create_serverless_cache, **{**new, **more}) == code, more
    assert refusal(caches.modify_serverless_cache, ServerlessCacheName="none") == "ServerlessCacheNotFoundFault"
    assert refusal(caches.delete_serverless_cache, ServerlessCacheName="none") == "ServerlessCacheNotFoundFault"
    assert refusal(caches.describe_serverless_caches, MaxResults=51) == "InvalidParameterValue"
    assert [c["ServerlessCacheName"] for c in caches.describe_serverless_caches()["ServerlessCaches"]] == ["one"]


def test_caches_are_paged_and_go_whole(house, cache, authority):
    create(house, "two", engine="valkey", MajorEngineVersion="8")
    client, caches = house.client(), Caches(house)
    first = caches.describe_serverless_caches(MaxResults=1)
    assert [c["ServerlessCacheName"] for c in first["ServerlessCaches"]] == ["one"]
    second = caches.describe_serverless_caches(MaxResults=1, NextToken=first["NextToken"])
    assert [c["ServerlessCacheName"] for c in second["ServerlessCaches"]] == ["two"] and "NextToken" not in second
    delete(house, "two")
    messages = [e["Message"] for e in client.describe_events(SourceIdentifier="two", SourceType="serverless-cache")["Events"]]
    assert messages == ["Serverless cache deleted", "Serverless cache created"]


def test_it_is_back_after_a_restart(service):
    house = service
    create(house, "kept")
    house.stop()
    house.start()
    assert wait_available(house, "kept")["Endpoint"]["Port"] == 6379
