"""Serverless caches that go over to another engine, or get more shards, while they serve."""
import threading
import time

import pytest
import redis

from conftest import wait_until
from serverless import authority_of, cluster, create, describe, modify, refusal, Caches


@pytest.fixture(scope="module")
def authority(house, tmp_path_factory):
    return authority_of(house, tmp_path_factory.mktemp("authority"))


class Writer:
    """Writes one key after another; what was acknowledged must be there for ever."""

    def __init__(self, client):
        self.client, self.acknowledged, self.is_stopping = client, [], False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        i = 0
        while not self.is_stopping:
            try:
                self.client.set(f"w{i}", i)
                self.acknowledged.append(i)
            except redis.RedisError:
                time.sleep(0.02)
            i += 1
            time.sleep(0.001)

    def stop(self):
        self.is_stopping = True
        self.thread.join()
        return self.acknowledged


def version_of(client):
    info = client.info("server", target_nodes="random")
    return info.get("server_name", "redis"), info.get("valkey_version", info["redis_version"])


def test_it_goes_from_redis_to_valkey_and_on_with_its_data(house, authority):
    made = create(house, "mover", engine="redis")
    client = cluster(made["Endpoint"], authority)
    assert version_of(client) == ("redis", "7.1.0")
    writer = Writer(cluster(made["Endpoint"], authority))
    for engine, major, full in (("valkey", "7", "7.2.6"), ("valkey", "8", "8.2.0")):
        changed = modify(house, "mover", Engine=engine, MajorEngineVersion=major)
        assert (changed["Engine"], changed["MajorEngineVersion"], changed["FullEngineVersion"]) == (engine, major, full)
        assert version_of(cluster(changed["Endpoint"], authority)) == (engine, full)
    acknowledged = writer.stop()
    client = cluster(changed["Endpoint"], authority)
    assert acknowledged and all(client.get(f"w{i}") == str(i).encode() for i in acknowledged)
    events = house.client().describe_events(SourceType="serverless-cache", SourceIdentifier="mover")["Events"]
    assert [e["Message"] for e in events].count("Finished modifying the serverless cache") == 2


def test_more_work_is_shared_by_more_shards(house, authority):
    made = create(house, "grower", CacheUsageLimits={"DataStorage": {"Maximum": 10, "Unit": "GB"}})
    writer = Writer(cluster(made["Endpoint"], authority))
    wait_until(lambda: len(writer.acknowledged) > 50, "writes")
    limits = {"DataStorage": {"Maximum": 10, "Unit": "GB"}, "ECPUPerSecond": {"Minimum": 300000}}
    changed = modify(house, "grower", CacheUsageLimits=limits)
    assert changed["CacheUsageLimits"] == limits
    written = len(writer.acknowledged)
    wait_until(lambda: len(writer.acknowledged) > written + 10, "more writes")
    acknowledged = writer.stop()
    client = cluster(changed["Endpoint"], authority)
    primaries = client.get_primaries()
    assert len(primaries) == 3
    assert all(client.get(f"w{i}") == str(i).encode() for i in acknowledged)
    assert all(client.dbsize(target_nodes=node) > 0 for node in primaries)
    events = house.client().describe_events(SourceType="serverless-cache", SourceIdentifier="grower")["Events"]
    assert [e["Message"] for e in events] == ["Finished modifying the serverless cache", "Serverless cache created"]
    assert house.client().describe_events(SourceType="replication-group")["Events"] == []
    assert refusal(Caches(house).modify_serverless_cache, ServerlessCacheName="grower", Engine="valkey",
                   CacheUsageLimits={"ECPUPerSecond": {"Minimum": 600000}}) == "InvalidParameterCombination"
    assert describe(house, "grower")["Engine"] == "redis"
