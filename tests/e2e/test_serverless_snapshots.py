"""Snapshots of serverless caches: taken, copied, exported, and what begins with them."""
import datetime

import pytest
import redis
import redis.cluster

from conftest import Service, wait_until
from serverless import Caches, Items, authority_of, cluster, create, delete, describe, modify, refusal, single, wait_available, wait_gone


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


def test_a_cache_begins_with_one_and_with_its_tags(house, cache, authority):
    back = create(house, "back", engine="valkey", SnapshotArnsToRestore=[snapshot(house, "first")["ARN"]])
    client = cluster(back["Endpoint"], authority)
    assert is_whole(client) and client.dbsize(target_nodes="primaries") == 300
    assert house.client().list_tags_for_resource(ResourceName=back["ARN"])["TagList"] == [{"Key": "of", "Value": "src"}]
    assert snapshot(house, "first")["Status"] == "available"
    client.set("more", "v")
    wait_until(lambda: single(back["ReaderEndpoint"], authority).ping(), "readers to be let in")
    assert refusal(Caches(house).create_serverless_cache, ServerlessCacheName="older", Engine="redis",
                   SnapshotArnsToRestore=[snapshot(house, "first")["ARN"]]) == "InvalidParameterCombination"
    delete(house, "back")


def test_a_cache_begins_with_files_and_with_a_snapshot_of_nodes(house, cache, authority):
    """Nobody knows which slots are in which file: each shard takes its own of all."""
    files = [f"arn:aws:s3:::near/first-000{i}.rdb" for i in (1, 2)]
    assert is_whole(cluster(create(house, "filed", engine="valkey", SnapshotArnsToRestore=files)["Endpoint"], authority))
    delete(house, "filed")
    client = house.client()
    endpoint = house.create("nodes")[0]
    fill(redis.Redis(host=endpoint["Address"], port=endpoint["Port"]))
    arn = client.create_snapshot(CacheClusterId="nodes", SnapshotName="of-nodes")["Snapshot"]["ARN"]
    wait_until(lambda: client.describe_snapshots(SnapshotName="of-nodes")["Snapshots"][0]["SnapshotStatus"] == "available", "it")
    assert is_whole(cluster(create(house, "lifted", SnapshotArnsToRestore=[arn])["Endpoint"], authority))
    delete(house, "lifted")


def test_a_group_begins_with_one_of_a_cache(house, cache):
    client = house.client()
    Caches(house).create_replication_group(ReplicationGroupId="landed", ReplicationGroupDescription="d", Engine="valkey",
                                           CacheNodeType="cache.t4g.micro", ServerlessCacheSnapshotName="first")

    def group():
        return client.describe_replication_groups(ReplicationGroupId="landed")["ReplicationGroups"][0]

    wait_until(lambda: group()["Status"] == "available", "the group to be available")
    endpoint = group()["ConfigurationEndpoint"]
    assert len(group()["NodeGroups"]) == 2
    assert is_whole(redis.cluster.RedisCluster(host=endpoint["Address"], port=endpoint["Port"]))


def test_what_is_larger_than_a_new_cache_has_room_for_comes_back_whole(house, authority):
    """520 MB in memory, little in a file: room has come before anybody can write, so nothing is evicted."""
    large = create(house, "large")
    node = single(large["Endpoint"], authority)
    for i in range(2):
        wait_until(lambda: try_fill(node, f"fill{i}"), "room to come", timeout=30, pause=0.2)
    wait_until(lambda: try_fill(node, "volatile", 1), "room to come", timeout=30, pause=0.2)
    node.expire("volatile", 1000)
    take(house, "large", "big")
    delete(house, "large")
    back = create(house, "large", SnapshotArnsToRestore=[snapshot(house, "big")["ARN"]])
    node = single(back["Endpoint"], authority)
    for i in range(20):
        node.set(f"new{i}", "x" * 1000)
    assert node.get("volatile") == b"x" and node.strlen("fill1") == 260 << 20 and node.info("stats")["evicted_keys"] == 0
    delete(house, "large")


def try_fill(node, key, size=260 << 20):
    """Zeros that nobody writes: they count, and take no memory of the machine."""
    try:
        return node.setrange(key, size - 1, "x") > 0
    except redis.ResponseError as e:
        assert "OOM" in str(e)
        return False


def test_the_last_one_is_taken_before_a_cache_goes(house, authority):
    made = create(house, "leaving")
    single(made["Endpoint"], authority).set("k", "v")
    Caches(house).delete_serverless_cache(ServerlessCacheName="leaving", FinalSnapshotName="last")
    wait_gone(house, "leaving")
    assert wait_snapshot(house, "last")["ServerlessCacheConfiguration"]["ServerlessCacheName"] == "leaving"
    back = create(house, "leaving", SnapshotArnsToRestore=[snapshot(house, "last")["ARN"]])
    assert single(back["Endpoint"], authority).get("k") == b"v"
    assert names(house, ServerlessCacheName="leaving") == ["last"]
    delete(house, "leaving")
    assert names(house, ServerlessCacheName="leaving") == ["last"]


def test_automatic_ones_are_taken_at_their_time_and_kept_as_long_as_the_cache_says(house, cache):
    began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    changed = modify(house, "src", SnapshotRetentionLimit=3, DailySnapshotTime=f"{began:%H:%M}")
    assert (changed["SnapshotRetentionLimit"], changed["DailySnapshotTime"]) == (3, f"{began:%H:%M}")
    wait_until(lambda: names(house, SnapshotType="automated"), "the day's snapshot")
    name, = names(house, SnapshotType="automated")
    found = wait_snapshot(house, name)
    assert name.startswith("automatic.src-") and found["SnapshotType"] == "automated"
    kept = datetime.datetime.fromisoformat(found["ExpiryTime"]) - datetime.datetime.fromisoformat(found["CreateTime"])
    assert kept == datetime.timedelta(days=3)
    wait_available(house, "src")
    modify(house, "src", SnapshotRetentionLimit=0)
    wait_until(lambda: names(house, SnapshotType="automated") == [], "it to go")


# --- memcached ---

ITEMS = {b"plain": (0, b"text"), b"flagged": (4294967295, b"\x00\x01bytes\r\n"), b"number": (7, b"41"), b"empty": (1, b""),
         b"large": (3, bytes(range(256)) * 3600)}


def fill_items(items):
    for n, (key, (flags, value)) in enumerate(ITEMS.items()):
        items.set(key, value, flags, 100000 if n % 2 else 0)


def has_items(items):
    return {key: items.get(key) for key in ITEMS} == ITEMS


@pytest.fixture(scope="module")
def memcached(house, authority):
    made = create(house, "mc", engine="memcached", KmsKeyId="key-of-mc", Tags=[{"Key": "of", "Value": "mc"}])
    fill_items(Items(made["Endpoint"], authority))
    return made


def test_items_of_memcached_are_taken_copied_and_exported(house, memcached, authority):
    caches = Caches(house)
    taken = take(house, "mc", "items")
    assert taken["ServerlessCacheConfiguration"] == {"ServerlessCacheName": "mc", "Engine": "memcached", "MajorEngineVersion": "1.6"}
    assert int(taken["BytesUsedForCache"]) > 1000 and taken["KmsKeyId"] == "key-of-mc"
    assert house.client().list_tags_for_resource(ResourceName=taken["ARN"])["TagList"] == [{"Key": "of", "Value": "mc"}]
    assert has_items(Items(memcached["Endpoint"], authority)) and describe(house, "mc")["Status"] == "available"
    caches.copy_serverless_cache_snapshot(SourceServerlessCacheSnapshotName="items", TargetServerlessCacheSnapshotName="items-too")
    wait_snapshot(house, "items-too")
    assert names(house, ServerlessCacheName="mc") == ["items", "items-too"]
    caches.delete_serverless_cache_snapshot(ServerlessCacheSnapshotName="items-too")
    caches.export_serverless_cache_snapshot(ServerlessCacheSnapshotName="items", S3BucketName="near")
    wait_snapshot(house, "items")
    assert (house.near / "items.rdb").read_bytes().startswith(b"REDIS")
    events = house.client().describe_events(SourceType="serverless-cache-snapshot", SourceIdentifier="items")["Events"]
    assert {e["Message"] for e in events} == {"Snapshot items of serverless cache mc created", "Snapshot items exported to near"}


def test_a_cache_of_memcached_begins_with_a_snapshot_or_a_file(house, memcached, authority):
    for arn in (snapshot(house, "items")["ARN"], "arn:aws:s3:::near/items.rdb"):
        back = Items(create(house, "mc-back", engine="memcached", SnapshotArnsToRestore=[arn])["Endpoint"], authority)
        assert has_items(back) and back.stats()["curr_items"] == str(len(ITEMS))
        assert back.ask(b"incr number 1") == b"42"
        delete(house, "mc-back")


def test_each_engine_begins_with_snapshots_of_its_own_alone(house, cache, memcached):
    call, client = Caches(house).create_serverless_cache, house.client()
    items, keys = snapshot(house, "items")["ARN"], snapshot(house, "first")["ARN"]
    for engine, arn in (("redis", items), ("valkey", items), ("memcached", keys)):
        assert refusal(call, ServerlessCacheName="other", Engine=engine,
                       SnapshotArnsToRestore=[arn]) == "InvalidParameterCombination", (engine, arn)
    # What a file is of is known to the engine that is to load it.
    for engine, file, why in (("memcached", "first-0001", "it is no snapshot of memcached"),
                              ("valkey", "items", "it is a snapshot of memcached")):
        call(ServerlessCacheName="other", Engine=engine, SnapshotArnsToRestore=[f"arn:aws:s3:::near/{file}.rdb"])
        wait_until(lambda: describe(house, "other")["Status"] == "create-failed", "it to be refused")
        events = client.describe_events(SourceType="serverless-cache", SourceIdentifier="other")["Events"]
        assert why in events[0]["Message"]
        delete(house, "other")


def test_a_cache_of_memcached_goes_with_a_last_snapshot_and_is_back_with_the_room_that_it_needs(house, authority):
    """280 MB are more than half of what a new cache has room for."""
    first = Items(create(house, "mc-large", engine="memcached")["Endpoint"], authority)
    value = b"x" * (1000 << 10)
    for i in range(287):
        first.set(b"k%d" % i, value, i)
    Caches(house).delete_serverless_cache(ServerlessCacheName="mc-large", FinalSnapshotName="mc-last")
    wait_gone(house, "mc-large")
    back = create(house, "mc-large", engine="memcached", SnapshotArnsToRestore=[wait_snapshot(house, "mc-last")["ARN"]])
    items = Items(back["Endpoint"], authority)
    wait_until(lambda: int(items.stats()["limit_maxbytes"]) == 1 << 30, "the engine to be held to its room")
    assert (items.stats()["curr_items"], items.stats()["evictions"]) == ("287", "0")
    assert items.get(b"k286") == (286, value)
    delete(house, "mc-large")


def test_automatic_ones_of_memcached_come_and_go(house, memcached):
    began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    changed = modify(house, "mc", SnapshotRetentionLimit=2, DailySnapshotTime=f"{began:%H:%M}")
    assert (changed["SnapshotRetentionLimit"], changed["DailySnapshotTime"]) == (2, f"{began:%H:%M}")
    wait_until(lambda: names(house, SnapshotType="automated"), "the day's snapshot")
    name, = names(house, SnapshotType="automated")
    found = wait_snapshot(house, name)
    assert name.startswith("automatic.mc-")
    kept = datetime.datetime.fromisoformat(found["ExpiryTime"]) - datetime.datetime.fromisoformat(found["CreateTime"])
    assert kept == datetime.timedelta(days=2)
    wait_available(house, "mc")
    modify(house, "mc", SnapshotRetentionLimit=0)
    wait_until(lambda: names(house, SnapshotType="automated") == [], "it to go")


# --- mistakes ---

def test_what_is_not_there_or_busy_has_the_services_faults(house, cache):
    caches = Caches(house)
    for call in (caches.delete_serverless_cache_snapshot, caches.describe_serverless_cache_snapshots):
        assert refusal(call, ServerlessCacheSnapshotName="none") == "ServerlessCacheSnapshotNotFoundFault"
    assert refusal(caches.create_serverless_cache_snapshot, ServerlessCacheName="none",
                   ServerlessCacheSnapshotName="x") == "ServerlessCacheNotFoundFault"
    assert refusal(caches.create_serverless_cache_snapshot, ServerlessCacheName="src",
                   ServerlessCacheSnapshotName="first") == "ServerlessCacheSnapshotAlreadyExistsFault"
