"""Endpoints that are addresses: each is one of its own, and goes where the role goes."""
import contextlib
import os
import signal

import pytest
import redis
from botocore.exceptions import ClientError

from conftest import answers_ping, redis_cli, serving_pid, wait_until
from test_engine_drivers import REDIS, by
from test_groups import Group, Writer, info

DRIVERS = [[], pytest.param(by("redis"), marks=pytest.mark.skipif(not REDIS, reason="this machine has no redis-server"))]


def role_behind(endpoint):
    lines = redis_cli(endpoint, "ROLE").splitlines()
    return lines[0] if lines else None


def reader(group):
    return group.shard()["ReaderEndpoint"]


def primary(group):
    return group.shard()["PrimaryEndpoint"]


def is_asked_for(group):
    """Another failover; False while no replica follows."""
    with contextlib.suppress(ClientError):
        return group.client.test_failover(ReplicationGroupId=group.name, NodeGroupId="0001")
    return False


@pytest.mark.parametrize("tags", DRIVERS, ids=["bundled", "redis"])
def test_the_address_of_a_group_goes_where_its_primary_is(house, tags):
    name = f"moving-{len(tags)}"
    group = Group.create(house, name, NumCacheClusters=3, AutomaticFailoverEnabled=True, Tags=tags)
    endpoints = primary(group), reader(group)
    own = [m["ReadEndpoint"]["Address"] for m in group.shard()["NodeGroupMembers"]]
    assert len({*own, *(e["Address"] for e in endpoints)}) == 5
    assert [role_behind(e) for e in endpoints] == ["master", "slave"]
    with Writer([endpoints[0]]) as writer:
        first = serving_pid(endpoints[0])
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: serving_pid(endpoints[0]) not in (None, first), "another one has the address")
        group.wait()
        wait_until(lambda: list(group.roles().values()).count("replica") == 2, "there is one primary")
        second = serving_pid(endpoints[0])
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before, "writes go on")
        wait_until(lambda: is_asked_for(group), "a replica is fit to be the primary again")
        wait_until(lambda: serving_pid(endpoints[0]) not in (None, second), "the address goes by plan, too")
        group.wait()
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before, "writes go on")
    assert (primary(group), reader(group)) == endpoints, "what clients were told is true still"
    assert len(writer.lost(endpoints[0])) <= 1  # by the crash
    wait_until(lambda: role_behind(endpoints[1]) == "slave", "a replica is read from")


def test_readers_have_the_address_of_a_replica_that_is_there(house):
    group = Group.create(house, "readers", NumCacheClusters=3, AutomaticFailoverEnabled=True)
    endpoint = reader(group)
    first = serving_pid(endpoint)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: serving_pid(endpoint) not in (None, first), "another one has the address")
    assert role_behind(endpoint) == "slave"


def test_a_lone_primary_is_read_from(house):
    group = Group.create(house, "alone", NumCacheClusters=1, AutomaticFailoverEnabled=False)
    assert redis_cli(primary(group), "SET", "k", "v") == "OK"
    assert redis_cli(reader(group), "GET", "k") == "v"
    assert primary(group)["Address"] != reader(group)["Address"]
    group.client.increase_replica_count(ReplicationGroupId="alone", NewReplicaCount=1, ApplyImmediately=True)
    group.wait()
    wait_until(lambda: role_behind(reader(group)) == "slave", "its replica is read from as soon as there is one")


def test_a_cluster_is_found_at_one_address(house):
    group = Group.create(house, "found", NumNodeGroups=2, ReplicasPerNodeGroup=1)
    endpoint = group.describe()["ConfigurationEndpoint"]
    first = serving_pid(endpoint)
    os.kill(first, signal.SIGKILL)

    def is_found():
        with contextlib.suppress(Exception):  # not all that it raises is of one kind
            with contextlib.closing(redis.RedisCluster(host=endpoint["Address"], port=endpoint["Port"])) as client:
                return client.set("key", "value")
        return False

    wait_until(is_found, "the cluster is found by the same address")
    assert serving_pid(endpoint) != first


def test_addresses_are_there_again_after_a_restart_of_everything(new_service):
    service = new_service().start()
    group = Group.create(service, "kept", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    endpoints = primary(group), reader(group)
    assert redis_cli(endpoints[0], "SET", "k", "v") == "OK"
    group.client.test_failover(ReplicationGroupId="kept", NodeGroupId="0001")
    group.wait()
    service.stop()
    service.start()
    wait_until(lambda: redis_cli(endpoints[0], "GET", "k") == "v", "it serves where it did")
    wait_until(lambda: role_behind(endpoints[1]) == "slave", "and so does its replica")
    assert (primary(group), reader(group)) == endpoints


def test_a_group_that_outgrows_a_host_moves_and_keeps_its_names_and_addresses(new_service):
    """Its primary's host has no room for the larger type: another one has."""
    service = new_service(memory="2GB").start()
    group = Group.create(service, "grows", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    first = group.primary()
    zones = {m["CacheClusterId"]: m["PreferredAvailabilityZone"] for m in group.shard()["NodeGroupMembers"]}
    group.client.create_cache_cluster(CacheClusterId="filler", Engine="redis", CacheNodeType="cache.t4g.small", NumCacheNodes=1,
                                      PreferredAvailabilityZone=zones["grows-001"])
    endpoints = primary(group), reader(group)
    with Writer([endpoints[0]]) as writer:
        group.client.modify_replication_group(ReplicationGroupId="grows", CacheNodeType="cache.t4g.small", ApplyImmediately=True)
        group.wait()
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before, "writes go on")
    assert (primary(group), reader(group)) == endpoints
    assert writer.lost(endpoints[0]) == []
    assert group.members() == ["grows-001", "grows-002"]
    assert group.roles() == {"grows-001": "primary", "grows-002": "replica"}
    now = {m["CacheClusterId"]: m["PreferredAvailabilityZone"] for m in group.shard()["NodeGroupMembers"]}
    assert now["grows-001"] not in zones.values() and now["grows-002"] == zones["grows-002"]
    for member in group.shard()["NodeGroupMembers"]:
        assert int(info(member["ReadEndpoint"])["maxmemory"]) > 1 << 30
    assert not answers_ping(first)

    with pytest.raises(ClientError, match="InsufficientCacheClusterCapacity"):
        group.client.modify_replication_group(ReplicationGroupId="grows", CacheNodeType="cache.t4g.medium", ApplyImmediately=True)
    assert group.describe()["CacheNodeType"] == "cache.t4g.small" and group.describe()["Status"] == "available"
