"""Snapshots of serverless caches: taken, copied, exported, and what is in them."""
import pytest
import redis.cluster

from conftest import Service, wait_until
from serverless import Caches, authority_of, cluster, create, describe, refusal


@pytest.fixture(scope="module")
def house(pool_slots, tmp_path_factory):
    """With a bucket in a folder."""
    folder = tmp_path_factory.mktemp("buckets")
    (folder / "near").mkdir()
    (folder / "file").write_text(f"near {folder / 'near'}\n")
    service = Service(pool_slots.take(), folder / "state", "--buckets", str(folder / "file")).start()
    service.near = folder / "near"
    try:
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="module")
def authority(house, tmp_path_factory):
    return authority_of(house, tmp_path_factory.mktemp("authority"))


def snapshot(house, name):
    return Caches(house).describe_serverless_cache_snapshots(ServerlessCacheSnapshotName=name)["ServerlessCacheSnapshots"][0]


def wait_snapshot(house, name):
    wait_until(lambda: snapshot(house, name)["Status"] == "available", f"{name} to be available")
    return snapshot(house, name)


def names(house, **filters):
    answer = Caches(house).describe_serverless_cache_snapshots(**filters)
    return [s["ServerlessCacheSnapshotName"] for s in answer["ServerlessCacheSnapshots"]]


def take(house, cache, name, **more):
    Caches(house).create_serverless_cache_snapshot(ServerlessCacheName=cache, ServerlessCacheSnapshotName=name, **more)
    return wait_snapshot(house, name)


def fill(r):
    for i in range(300):
        r.set(f"k{i}", i)


def is_whole(r):
    return all(r.get(f"k{i}") == str(i).encode() for i in range(300))


@pytest.fixture(scope="module")
def cache(house, authority):
    """Of two shards, so that there are two files to each snapshot."""
    made = create(house, "src", engine="valkey", MajorEngineVersion="8", Tags=[{"Key": "of", "Value": "src"}],
                  CacheUsageLimits={"ECPUPerSecond": {"Minimum": 200000}})
    fill(cluster(made["Endpoint"], authority))
    return made


def test_one_is_taken_and_shows_of_what(house, cache):
    client = house.client()
    first = take(house, "src", "First")
    assert (first["SnapshotType"], first["ServerlessCacheConfiguration"]) == (
        "manual", {"ServerlessCacheName": "src", "Engine": "valkey", "MajorEngineVersion": "8"})
    assert int(first["BytesUsedForCache"]) > 300 and "ExpiryTime" not in first
    assert first["ARN"] == "arn:aws:elasticache:us-east-1:000000000000:serverlesscachesnapshot:first"
    assert client.list_tags_for_resource(ResourceName=first["ARN"])["TagList"] == [{"Key": "of", "Value": "src"}]
    assert describe(house, "src")["Status"] == "available"
    assert client.describe_snapshots()["Snapshots"] == []
    events = client.describe_events(SourceType="serverless-cache-snapshot", SourceIdentifier="first")["Events"]
    assert [e["Message"] for e in events] == ["Snapshot first of serverless cache src created"]


def test_copies_are_listed_by_themselves(house, cache):
    caches = Caches(house)
    copy = {"SourceServerlessCacheSnapshotName": "first", "TargetServerlessCacheSnapshotName": "again"}
    assert caches.copy_serverless_cache_snapshot(**copy)["ServerlessCacheSnapshot"]["Status"] == "copying"
    assert wait_snapshot(house, "again")["BytesUsedForCache"] == snapshot(house, "first")["BytesUsedForCache"]
    assert refusal(caches.copy_serverless_cache_snapshot, **copy) == "ServerlessCacheSnapshotAlreadyExistsFault"
    assert names(house, ServerlessCacheName="src", SnapshotType="manual") == ["again", "first"]
    page = caches.describe_serverless_cache_snapshots(MaxResults=1)
    assert names(house, MaxResults=1, NextToken=page["NextToken"]) == ["first"]
    gone = caches.delete_serverless_cache_snapshot(ServerlessCacheSnapshotName="again")["ServerlessCacheSnapshot"]
    assert gone["Status"] == "deleting" and names(house) == ["first"]


def test_an_export_has_the_data_of_every_shard(house, cache):
    caches, client = Caches(house), house.client()
    answer = caches.export_serverless_cache_snapshot(ServerlessCacheSnapshotName="first", S3BucketName="near")
    assert answer["ServerlessCacheSnapshot"]["Status"] == "exporting"
    wait_snapshot(house, "first")
    assert sorted(p.name for p in house.near.iterdir()) == ["first-0001.rdb", "first-0002.rdb"]
    client.create_replication_group(
        ReplicationGroupId="seeded", ReplicationGroupDescription="d", Engine="valkey", EngineVersion="8.0", CacheNodeType="cache.t4g.micro",
        CacheParameterGroupName="default.valkey8.cluster.on", TransitEncryptionEnabled=False,
        SnapshotArns=[f"arn:aws:s3:::near/first-000{i}.rdb" for i in (1, 2)],
        NodeGroupConfiguration=[{"Slots": "0-8191"}, {"Slots": "8192-16383"}])

    def group():
        return client.describe_replication_groups(ReplicationGroupId="seeded")["ReplicationGroups"][0]

    wait_until(lambda: group()["Status"] == "available", "the group to be available")
    endpoint = group()["ConfigurationEndpoint"]
    assert is_whole(redis.cluster.RedisCluster(host=endpoint["Address"], port=endpoint["Port"]))
    assert refusal(caches.export_serverless_cache_snapshot, ServerlessCacheSnapshotName="first",
                   S3BucketName="nowhere") == "InvalidParameterValue"


def test_what_is_not_there_or_busy_has_the_services_faults(house, cache):
    caches = Caches(house)
    for call in (caches.delete_serverless_cache_snapshot, caches.describe_serverless_cache_snapshots):
        assert refusal(call, ServerlessCacheSnapshotName="none") == "ServerlessCacheSnapshotNotFoundFault"
    assert refusal(caches.create_serverless_cache_snapshot, ServerlessCacheName="none",
                   ServerlessCacheSnapshotName="x") == "ServerlessCacheNotFoundFault"
    assert refusal(caches.create_serverless_cache_snapshot, ServerlessCacheName="src",
                   ServerlessCacheSnapshotName="first") == "ServerlessCacheSnapshotAlreadyExistsFault"
