"""Snapshots: taken of clusters and groups, copied, exported, and what caches begin with."""
import hashlib
import hmac
import datetime
import http.server
import os
import re
import signal
import subprocess
import threading

import botocore.exceptions
import pytest
import redis
import redis.cluster

from conftest import Service, answers, answers_ping, free_port, wait_until

TYPE = "cache.t4g.micro"
BIG = "cache.t4g.small"


# --- data ---------------------------------------------------------------------------------------------


def connect(endpoint):
    return redis.Redis(host=endpoint["Address"], port=endpoint["Port"], encoding="latin-1", decode_responses=True)


def connect_cluster(endpoint):
    return redis.cluster.RedisCluster(host=endpoint["Address"], port=endpoint["Port"], decode_responses=True)


def fill(r, count=200):
    """Keys of every type."""
    for i in range(count):
        r.set(f"text:{i}", f"value {i}")
    r.set("ends", "later", ex=3600)
    r.set("long", "x" * 300_000)
    r.rpush("list", *[f"element {i}" for i in range(500)])
    r.sadd("set", *range(300))
    r.sadd("words", "a", "b", "c")
    r.zadd("sorted", {f"member {i}": i / 3 for i in range(300)})
    r.hset("hash", mapping={f"field {i}": i for i in range(300)})
    r.xadd("stream", {"n": 1}, id="1-1")
    r.xadd("stream", {"n": 2}, id="2-1")
    r.xgroup_create("stream", "readers", id="0")
    r.setbit("bits", 1000, 1)


def contents(r):
    """Everything that is there, in a form that can be compared."""
    found = {}
    for key in r.scan_iter(count=1000):
        kind = r.type(key)
        found[key] = {
            "string": r.get,
            "list": lambda k: r.lrange(k, 0, -1),
            "set": lambda k: sorted(r.smembers(k)),
            "zset": lambda k: r.zrange(k, 0, -1, withscores=True),
            "hash": r.hgetall,
            "stream": lambda k: (r.xrange(k), [g["name"] for g in r.xinfo_groups(k)]),
        }[kind](key)
    return found


# --- plays --------------------------------------------------------------------------------------------


def code_of(call, **members):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"]


def describe(client, name):
    return client.describe_snapshots(SnapshotName=name, ShowNodeGroupConfig=True)["Snapshots"][0]


def wait_snapshot(client, name, status="available"):
    wait_until(lambda: describe(client, name)["SnapshotStatus"] == status, f"{name} is {status}", 30)
    return describe(client, name)


def is_gone(client, name):
    try:
        describe(client, name)
    except client.exceptions.SnapshotNotFoundFault:
        return True
    return False


def is_settled(client, name):
    """Whole, or gone."""
    try:
        return describe(client, name)["SnapshotStatus"] == "available"
    except client.exceptions.SnapshotNotFoundFault:
        return True


def wait_group(client, name, timeout=30):
    def is_available():
        return client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]["Status"] == "available"
    wait_until(is_available, f"{name} is available", timeout)
    return client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]


def create_group(client, name, **more):
    client.create_replication_group(ReplicationGroupId=name, ReplicationGroupDescription="d",
                                    **{"Engine": "redis", "CacheNodeType": TYPE, **more})
    return wait_group(client, name)


def primary_of(group):
    return group["NodeGroups"][0]["PrimaryEndpoint"]


def files_of(service):
    folder = service.state_dir / "larderd" / "snapshots"
    return sorted(p.name for p in folder.iterdir())


# --- clusters -----------------------------------------------------------------------------------------


def test_a_cluster_comes_back_from_its_snapshot_with_data_of_every_type(house):
    client = house.client()
    endpoint = house.create("whole")[0]
    fill(connect(endpoint))
    before = contents(connect(endpoint))
    client.add_tags_to_resource(ResourceName=house.describe("whole")["ARN"], Tags=[{"Key": "team", "Value": "a"}])

    made = client.create_snapshot(CacheClusterId="whole", SnapshotName="Whole-1")["Snapshot"]
    assert (made["SnapshotName"], made["SnapshotStatus"], made["SnapshotSource"]) == ("whole-1", "creating", "manual")
    assert made["NodeSnapshots"][0]["CacheSize"] == ""
    snapshot = wait_snapshot(client, "whole-1")
    assert snapshot["CacheClusterId"] == "whole" and snapshot["NumCacheNodes"] == 1
    assert snapshot["NodeSnapshots"][0]["CacheSize"].endswith(" MB")
    assert snapshot["ARN"].endswith(":snapshot:whole-1")
    assert client.list_tags_for_resource(ResourceName=snapshot["ARN"])["TagList"] == [{"Key": "team", "Value": "a"}]
    house.wait_available("whole")
    assert any("Snapshot succeeded for snapshot with ID 'whole-1' of cache cluster with ID 'whole'" == m
               for _, m in house.events("whole"))

    again = house.create("whole-again", node_type=BIG, SnapshotName="whole-1")[0]
    assert contents(connect(again)) == before
    assert connect(again).ttl("ends") > 3000
    assert house.client().list_tags_for_resource(
        ResourceName=house.describe("whole-again")["ARN"])["TagList"] == [{"Key": "team", "Value": "a"}]
    wait_snapshot(client, "whole-1")  # restoring no more

    connect(again).set("later", "1")  # what is restored lives on as any other
    client.reboot_cache_cluster(CacheClusterId="whole-again", CacheNodeIdsToReboot=["0001"])
    house.wait_available("whole-again")
    assert connect(again).get("later") == "1"


def test_files_are_sealed_and_those_of_copies_under_another_key_are_others(house):
    client = house.client()
    endpoint = house.create("secret")[0]
    connect(endpoint).set("words", "the password of the king is swordfish")
    before = set(files_of(house))
    made = client.create_snapshot(CacheClusterId="secret", SnapshotName="secret-1", KmsKeyId="first")["Snapshot"]
    assert made["KmsKeyId"] == "first"
    snapshot = wait_snapshot(client, "secret-1")
    assert snapshot["VpcId"].startswith("vpc-") and snapshot["KmsKeyId"] == "first"
    client.copy_snapshot(SourceSnapshotName="secret-1", TargetSnapshotName="secret-2")
    assert len(set(files_of(house)) - before) == 1
    client.copy_snapshot(SourceSnapshotName="secret-1", TargetSnapshotName="secret-3", KmsKeyId="second")
    assert wait_snapshot(client, "secret-3")["KmsKeyId"] == "second"
    ours = set(files_of(house)) - before
    assert len(ours) == 2
    texts = [(house.state_dir / "larderd" / "snapshots" / name).read_bytes() for name in ours]
    assert texts[0] != texts[1] and not any(b"swordfish" in text for text in texts)
    back = house.create("secret-back", SnapshotName="secret-3")[0]
    assert connect(back).get("words") == "the password of the king is swordfish"


def test_a_final_snapshot_is_there_before_the_cluster_is_gone(house):
    client = house.client()
    endpoint = house.create("last")[0]
    connect(endpoint).set("k", "v")
    deleted = client.delete_cache_cluster(CacheClusterId="last", FinalSnapshotIdentifier="last-final")["CacheCluster"]
    assert deleted["CacheClusterStatus"] == "deleting"
    house.wait_deleted("last")
    assert describe(client, "last-final")["SnapshotStatus"] == "available"
    back = house.create("last", SnapshotName="last-final")[0]
    assert connect(back).get("k") == "v"


def test_copies_outlive_what_they_are_of(house):
    client = house.client()
    endpoint = house.create("origin")[0]
    connect(endpoint).set("k", "v")
    client.create_snapshot(CacheClusterId="origin", SnapshotName="origin-1", Tags=[{"Key": "a", "Value": "1"}])
    wait_snapshot(client, "origin-1")
    before = files_of(house)
    copy = client.copy_snapshot(SourceSnapshotName="origin-1", TargetSnapshotName="origin-2")["Snapshot"]
    assert (copy["SnapshotName"], copy["SnapshotStatus"]) == ("origin-2", "creating")
    arn = wait_snapshot(client, "origin-2")["ARN"]
    assert client.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "a", "Value": "1"}]
    assert client.delete_snapshot(SnapshotName="origin-1")["Snapshot"]["SnapshotStatus"] == "deleting"
    assert is_gone(client, "origin-1")
    back = house.create("origin-back", SnapshotName="origin-2")[0]
    assert connect(back).get("k") == "v"
    wait_snapshot(client, "origin-2")
    assert files_of(house) == before
    client.delete_snapshot(SnapshotName="origin-2")
    wait_until(lambda: len(files_of(house)) == len(before) - 1, "the file goes with the last that has it")


# --- groups -------------------------------------------------------------------------------------------


def test_a_group_without_shards_is_snapshotted_from_a_replica_and_restored(house):
    client = house.client()
    group = create_group(client, "rg", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    fill(connect(primary_of(group)))
    before = contents(connect(primary_of(group)))
    made = client.create_snapshot(ReplicationGroupId="rg", SnapshotName="rg-1")["Snapshot"]
    assert (made["ReplicationGroupId"], made["NumNodeGroups"], made["AutomaticFailover"]) == ("rg", 1, "enabled")
    snapshot = wait_snapshot(client, "rg-1")
    assert snapshot["NodeSnapshots"][0]["CacheClusterId"] == "rg-002"  # the replica
    assert snapshot["NodeSnapshots"][0]["NodeGroupConfiguration"]["ReplicaCount"] == 1
    wait_group(client, "rg")

    client.create_snapshot(CacheClusterId="rg-001", SnapshotName="rg-of-primary")
    assert wait_snapshot(client, "rg-of-primary")["NodeSnapshots"][0]["CacheClusterId"] == "rg-001"
    wait_group(client, "rg")

    back = create_group(client, "rg-back", NumCacheClusters=3, AutomaticFailoverEnabled=True, SnapshotName="rg-1")
    assert contents(connect(primary_of(back))) == before
    for member in back["NodeGroups"][0]["NodeGroupMembers"]:
        assert contents(connect(member["ReadEndpoint"])).keys() == before.keys()

    client.delete_replication_group(ReplicationGroupId="rg-back", FinalSnapshotIdentifier="rg-final")
    wait_until(lambda: "rg-back" not in [g["ReplicationGroupId"] for g in
                                         client.describe_replication_groups()["ReplicationGroups"]], "the group is gone")
    assert describe(client, "rg-final")["NodeSnapshots"][0]["CacheClusterId"] == "rg-back-001"
    one = house.create("rg-one", SnapshotName="rg-final")[0]
    assert contents(connect(one)) == before


def test_shards_become_more_and_fewer(house):
    client = house.client()
    group = create_group(client, "two", NumNodeGroups=2, ReplicasPerNodeGroup=0)
    r = connect_cluster(group["ConfigurationEndpoint"])
    before = {f"key:{i}": f"v{i}" for i in range(500)}
    for key, value in before.items():
        r.set(key, value)
    client.create_snapshot(ReplicationGroupId="two", SnapshotName="two-1")
    snapshot = wait_snapshot(client, "two-1")
    assert [(n["NodeGroupId"], n["NodeGroupConfiguration"]["Slots"]) for n in snapshot["NodeSnapshots"]] == [
        ("0001", "0-8191"), ("0002", "8192-16383")]
    for name, shards in (("three", {"NumNodeGroups": 3}), ("single", {"NumNodeGroups": 1}), ("same", {})):
        more = {"CacheParameterGroupName": "default.redis7.cluster.on", "ReplicasPerNodeGroup": 0, **shards}
        back = create_group(client, name, SnapshotName="two-1", **more)
        assert len(back["NodeGroups"]) == shards.get("NumNodeGroups", 2)
        r = connect_cluster(back["ConfigurationEndpoint"])
        assert {key: r.get(key) for key in before} == before
        sizes = [connect(n.redis_connection.connection_pool.connection_kwargs and
                         {"Address": n.host, "Port": n.port}).dbsize() for n in r.get_primaries()]
        assert sum(sizes) == len(before) and all(sizes)
        client.delete_replication_group(ReplicationGroupId=name)
    assert code_of(client.create_replication_group, ReplicationGroupId="flat", ReplicationGroupDescription="d",
                   CacheNodeType=TYPE, SnapshotName="two-1",
                   CacheParameterGroupName="default.redis7") == "InvalidParameterCombination"


# --- answers ------------------------------------------------------------------------------------------


def test_describe_filters_and_pages(house):
    client = house.client(account="111111111111")
    endpoint = house.create("many", client=client)[0]
    assert connect(endpoint).ping()
    client.create_snapshot(CacheClusterId="many", SnapshotName="many-00")
    wait_snapshot(client, "many-00")
    for i in range(1, 25):
        client.copy_snapshot(SourceSnapshotName="many-00", TargetSnapshotName=f"many-{i:02}")
    names = [s["SnapshotName"] for page in client.get_paginator("describe_snapshots").paginate(
        PaginationConfig={"PageSize": 20}) for s in page["Snapshots"]]
    assert names == [f"many-{i:02}" for i in range(25)]
    assert len(client.describe_snapshots(CacheClusterId="MANY")["Snapshots"]) == 25
    assert client.describe_snapshots(SnapshotSource="system")["Snapshots"] == []
    assert client.describe_snapshots(ReplicationGroupId="none")["Snapshots"] == []
    assert code_of(client.describe_snapshots, SnapshotSource="me") == "InvalidParameterValue"
    assert code_of(client.describe_snapshots, CacheClusterId="none") == "CacheClusterNotFound"
    assert code_of(client.describe_snapshots, SnapshotName="none") == "SnapshotNotFoundFault"


def test_what_cannot_be_is_told_by_its_fault(house):
    client = house.client()
    house.create("plain")
    house.create("mem", engine="memcached")
    client.create_snapshot(CacheClusterId="plain", SnapshotName="plain-1")
    wait_snapshot(client, "plain-1")
    house.wait_available("plain")
    refused = [
        (client.create_snapshot, {"CacheClusterId": "mem", "SnapshotName": "s"}, "SnapshotFeatureNotSupportedFault"),
        (client.create_snapshot, {"CacheClusterId": "none", "SnapshotName": "s"}, "CacheClusterNotFound"),
        (client.create_snapshot, {"ReplicationGroupId": "none", "SnapshotName": "s"}, "ReplicationGroupNotFoundFault"),
        (client.create_snapshot, {"SnapshotName": "s"}, "InvalidParameterCombination"),
        (client.create_snapshot, {"CacheClusterId": "plain", "ReplicationGroupId": "x", "SnapshotName": "s"},
         "InvalidParameterCombination"),
        (client.create_snapshot, {"CacheClusterId": "plain", "SnapshotName": "plain-1"}, "SnapshotAlreadyExistsFault"),
        (client.create_snapshot, {"CacheClusterId": "plain", "SnapshotName": "9"}, "InvalidParameterValue"),
        (client.copy_snapshot, {"SourceSnapshotName": "none", "TargetSnapshotName": "t"}, "SnapshotNotFoundFault"),
        (client.copy_snapshot, {"SourceSnapshotName": "plain-1", "TargetSnapshotName": "plain-1"},
         "SnapshotAlreadyExistsFault"),
        (client.copy_snapshot, {"SourceSnapshotName": "plain-1", "TargetSnapshotName": "t", "TargetBucket": "none"},
         "InvalidParameterValue"),
        (client.delete_snapshot, {"SnapshotName": "none"}, "SnapshotNotFoundFault"),
        (client.delete_cache_cluster, {"CacheClusterId": "mem", "FinalSnapshotIdentifier": "f"},
         "SnapshotFeatureNotSupportedFault"),
        (client.create_cache_cluster, {"CacheClusterId": "x", "Engine": "redis", "CacheNodeType": TYPE,
                                       "SnapshotName": "none"}, "InvalidParameterValue"),
        (client.create_cache_cluster, {"CacheClusterId": "x", "Engine": "redis", "CacheNodeType": TYPE,
                                       "EngineVersion": "6.2", "SnapshotName": "plain-1"}, "InvalidParameterCombination"),
        (client.create_cache_cluster, {"CacheClusterId": "x", "Engine": "redis", "CacheNodeType": TYPE,
                                       "SnapshotArns": ["arn:aws:s3:::none/k.rdb"]}, "InvalidParameterValue"),
    ]
    for call, members, code in refused:
        assert code_of(call, **members) == code, members
    for i in range(19):
        house.wait_available("plain")
        client.create_snapshot(CacheClusterId="plain", SnapshotName=f"plain-{i + 2}")
    house.wait_available("plain")
    assert code_of(client.create_snapshot, CacheClusterId="plain", SnapshotName="more") == "SnapshotQuotaExceededFault"


def test_retention_is_taken_and_shown(house):
    client = house.client()
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=6)
    window = f"{later:%H}:00-{later + datetime.timedelta(hours=1):%H}:00"
    far = later + datetime.timedelta(hours=6)
    house.create("kept", SnapshotRetentionLimit=5, SnapshotWindow=window,
                 PreferredMaintenanceWindow=f"{far:%a:%H}:00-{far + datetime.timedelta(hours=1):%a:%H}:00".lower())
    found = house.describe("kept")
    assert (found["SnapshotRetentionLimit"], found["SnapshotWindow"]) == (5, window)
    opened = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    client.modify_cache_cluster(CacheClusterId="kept",
                                SnapshotWindow=f"{opened:%H:%M}-{opened + datetime.timedelta(hours=1):%H:%M}")

    def taken():
        return [s for s in client.describe_snapshots(CacheClusterId="kept")["Snapshots"] if s["SnapshotStatus"] == "available"]
    found, = wait_until(taken, "the day's automatic snapshot")
    assert found["SnapshotName"].startswith("automatic.kept-") and found["SnapshotSource"] == "automated"
    house.wait_available("kept")
    client.modify_cache_cluster(CacheClusterId="kept", SnapshotRetentionLimit=0)
    assert house.describe("kept")["SnapshotRetentionLimit"] == 0
    assert code_of(client.modify_cache_cluster, CacheClusterId="kept", SnapshotRetentionLimit=36) == "InvalidParameterValue"


# --- buckets ------------------------------------------------------------------------------------------


class FakeS3(http.server.BaseHTTPRequestHandler):
    """One bucket's objects in memory, for whoever signs as the one key that is known."""

    objects = {}
    refused = []

    def log_message(self, *_):
        pass

    def is_signed(self, body):
        found = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?"
                         r"Signature=(\w+)", self.headers.get("Authorization", ""))
        if not found or found.group(1) != "KEY":
            return False
        _, day, region, names, signature = found.groups()
        told = self.headers["x-amz-content-sha256"]
        canonical = "\n".join([self.command, self.path, "", *(n + ":" + self.headers.get(n, "").strip() for n in names.split(";")), "",
                               names, told])
        scope = f"{day}/{region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["x-amz-date"], scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4SECRET"
        for word in (day, region, "s3", "aws4_request"):
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        return told == hashlib.sha256(body).hexdigest() and \
            hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == signature

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.is_signed(body):
            self.refused.append(self.path)
            self.answer(403)
            return
        self.objects[self.path] = body
        self.answer(200)

    def do_GET(self):
        if not self.is_signed(b""):
            self.refused.append(self.path)
            self.answer(403)
        elif self.path in self.objects:
            self.answer(200, self.objects[self.path])
        else:
            self.answer(404)


@pytest.fixture(name="bucketed", scope="module")
def make_bucketed(pool_slots, tmp_path_factory):
    """A service with a bucket in a folder and one in a service that speaks S3."""
    folder = tmp_path_factory.mktemp("buckets")
    (folder / "near").mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeS3)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "file").write_text(f"near {folder / 'near'}\n"
                                 f"far http://127.0.0.1:{server.server_port} us-east-1 KEY SECRET\n"
                                 f"wrong http://127.0.0.1:{server.server_port} us-east-1 KEY OTHER\n")
    service = Service(pool_slots.take(), folder / "state", "--buckets", str(folder / "file")).start()
    service.near = folder / "near"
    yield service
    service.stop()
    server.shutdown()


def test_exports_go_to_folders_and_services_and_seed_others(bucketed):
    client = bucketed.client()
    endpoint = bucketed.create("out")[0]
    fill(connect(endpoint))
    before = contents(connect(endpoint))
    client.create_snapshot(CacheClusterId="out", SnapshotName="out-1")
    wait_snapshot(client, "out-1")
    for bucket in ("near", "far"):
        answer = client.copy_snapshot(SourceSnapshotName="out-1", TargetSnapshotName="abroad", TargetBucket=bucket)
        assert answer["Snapshot"]["SnapshotStatus"] == "exporting"
        wait_snapshot(client, "out-1")
    assert (bucketed.near / "abroad.rdb").read_bytes() == FakeS3.objects["/far/abroad.rdb"]
    client.copy_snapshot(SourceSnapshotName="out-1", TargetSnapshotName="abroad", TargetBucket="wrong")
    wait_snapshot(client, "out-1")
    assert FakeS3.refused == ["/wrong/abroad.rdb"]
    assert any("Export failed for snapshot with ID 'out-1'" in m for _, m in bucketed.events("out"))
    for bucket in ("near", "far"):
        back = bucketed.create(f"in-{bucket}", SnapshotArns=[f"arn:aws:s3:::{bucket}/abroad.rdb"])[0]
        assert contents(connect(back)) == before


def test_a_file_of_redis_server_seeds_a_cluster_and_a_missing_one_fails(bucketed, tmp_path):
    port = free_port()
    server = subprocess.Popen(["redis-server", "--port", str(port), "--dir", str(bucketed.near), "--dbfilename", "theirs.rdb",
                               "--save", ""], stdout=subprocess.DEVNULL)
    try:
        theirs = {"Address": "127.0.0.1", "Port": port}
        wait_until(lambda: answers_ping(theirs), "redis-server answers")
        fill(connect(theirs))
        before = contents(connect(theirs))
        connect(theirs).save()
    finally:
        server.kill()
        server.wait()
    back = bucketed.create("theirs", SnapshotArns=["arn:aws:s3:::near/theirs.rdb"])[0]
    assert contents(connect(back)) == before

    client = bucketed.client()
    client.create_cache_cluster(CacheClusterId="none", Engine="redis", CacheNodeType=TYPE,
                                SnapshotArns=["arn:aws:s3:::near/none.rdb"])
    wait_until(lambda: bucketed.describe("none")["CacheClusterStatus"] == "restore-failed", "the create fails")
    client.delete_cache_cluster(CacheClusterId="none")
    bucketed.wait_deleted("none")


def test_what_is_no_rdb_file_or_is_damaged_fails_at_once(bucketed):
    client = bucketed.client()
    endpoint = bucketed.create("sound")[0]
    connect(endpoint).mset({f"key:{i}": os.urandom(1000) for i in range(100)})
    client.create_snapshot(CacheClusterId="sound", SnapshotName="sound-1")
    wait_snapshot(client, "sound-1")
    client.copy_snapshot(SourceSnapshotName="sound-1", TargetSnapshotName="sound", TargetBucket="near")
    wait_snapshot(client, "sound-1")
    (bucketed.near / "text.rdb").write_text("a letter")
    (bucketed.near / "half.rdb").write_bytes((bucketed.near / "sound.rdb").read_bytes()[:50_000])

    for name, why in (("text", "near/text.rdb is no RDB file"), ("half", "Fatal error loading the DB")):
        client.create_cache_cluster(CacheClusterId=name, Engine="redis", CacheNodeType=TYPE,
                                    SnapshotArns=[f"arn:aws:s3:::near/{name}.rdb"])
        client.create_replication_group(ReplicationGroupId=f"g-{name}", ReplicationGroupDescription="d", Engine="redis",
                                        CacheNodeType=TYPE, SnapshotArns=[f"arn:aws:s3:::near/{name}.rdb"])
        wait_until(lambda: bucketed.describe(name)["CacheClusterStatus"] == "restore-failed", "the create fails")
        (told,) = [m for _, m in bucketed.events(name) if m.startswith("Failed to restore the cache cluster from snapshot: ")]
        assert why in told
        wait_until(lambda: client.describe_replication_groups(ReplicationGroupId=f"g-{name}")["ReplicationGroups"][0]["Status"]
                   == "create-failed", "the group fails")
        assert bucketed.describe(f"g-{name}-001")["CacheClusterStatus"] == "restore-failed"


# --- deaths -------------------------------------------------------------------------------------------


def fill_slowly(endpoint):
    """So much, of which every key takes its time to be written, that a snapshot is amid it for long."""
    r = redis.Redis(host=endpoint["Address"], port=endpoint["Port"])
    with r.pipeline(transaction=False) as pipe:
        for i in range(40):
            pipe.set(f"big:{i}", os.urandom(1_000_000))
        pipe.execute()


def test_a_death_amid_a_copy_under_another_key_is_made_good_for(new_service):
    service = new_service().start()
    client = service.client()
    endpoint = service.create("dies")[0]
    fill_slowly(endpoint)
    client.create_snapshot(CacheClusterId="dies", SnapshotName="dies-1")
    wait_snapshot(client, "dies-1")
    client.copy_snapshot(SourceSnapshotName="dies-1", TargetSnapshotName="dies-2", KmsKeyId="other")
    os.kill(service.pids("larderd")[0], signal.SIGKILL)
    wait_until(lambda: answers(client), "the service answers again", 30)
    assert wait_snapshot(client, "dies-2")["KmsKeyId"] == "other"
    wait_until(lambda: len(files_of(service)) == 2, "a file for each, and nothing else")
    client.delete_snapshot(SnapshotName="dies-1")
    before = contents(connect(endpoint))
    assert contents(connect(service.create("again", SnapshotName="dies-2")[0])) == before


@pytest.mark.parametrize("victim", ["engine", "agent", "larderd"])
def test_a_death_amid_a_snapshot_leaves_all_of_it_or_nothing(new_service, victim):
    service = new_service().start()
    client = service.client()
    endpoint = service.create("dies")[0]
    fill_slowly(endpoint)
    client.create_snapshot(CacheClusterId="dies", SnapshotName="dies-1")
    wait_until(lambda: files_of(service), "it is amid it")
    if victim == "engine":
        os.kill(service.engine_pid(endpoint), signal.SIGKILL)
    else:
        for pid in service.pids("larder-agent" if victim == "agent" else "larderd"):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: answers(client), "the service answers again", 30)
    wait_until(lambda: is_settled(client, "dies-1"), "it is all there or gone", 90)
    if is_gone(client, "dies-1"):
        assert any("Snapshot failed for snapshot with ID 'dies-1'" in m for _, m in service.events("dies"))
        wait_until(lambda: files_of(service) == [], "nothing is left")
    else:
        assert all(name.endswith(".rdb") for name in files_of(service))
    service.wait_available("dies")
