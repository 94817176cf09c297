"""Serverless caches that go over to another engine while they serve."""
import threading
import time

import pytest
import redis

from serverless import authority_of, cluster, create, modify


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
    assert len(acknowledged) > 50 and all(client.get(f"w{i}") == str(i).encode() for i in acknowledged)
    events = house.client().describe_events(SourceType="serverless-cache", SourceIdentifier="mover")["Events"]
    assert [e["Message"] for e in events].count("Finished modifying the serverless cache") == 2
