"""Snapshots and versions under Terraform: final snapshots, what is made from them, upgrades in place, and a change that waits."""
import datetime

import pytest
import redis

from conftest import Service, redis_cli, wait_until
from terraform import needs_terraform

pytestmark = needs_terraform

SOURCES = """
resource "aws_elasticache_cluster" "single" {
  cluster_id                = "single"
  engine                    = "redis"
  engine_version            = "6.2"
  node_type                 = "cache.t4g.micro"
  num_cache_nodes           = 1
  final_snapshot_identifier = "single-final"
}
resource "aws_elasticache_replication_group" "group" {
  replication_group_id       = "group"
  description                = "a source"
  engine_version             = "7.1"
  node_type                  = "cache.t4g.micro"
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  final_snapshot_identifier  = "group-final"
}
output "sources" {
  value = jsonencode([aws_elasticache_cluster.single.cache_nodes[0].address,
                      aws_elasticache_replication_group.group.primary_endpoint_address])
}
"""

UPGRADED = """
resource "aws_elasticache_cluster" "upgraded" {{
  cluster_id               = "upgraded"
  engine                   = "redis"
  engine_version           = "{single}"
  node_type                = "cache.t4g.micro"
  num_cache_nodes          = 1
  snapshot_window          = "{window}"
  snapshot_retention_limit = {days}
  maintenance_window       = "{closed}"
  apply_immediately        = true
}}
resource "aws_elasticache_replication_group" "upgraded" {{
  replication_group_id       = "upgraded-group"
  description                = "becomes valkey"
  engine                     = "{engine}"
  engine_version             = "{group}"
  node_type                  = "cache.t4g.micro"
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  snapshot_window            = "{window}"
  snapshot_retention_limit   = {days}
  maintenance_window         = "{closed}"
  apply_immediately          = true
}}
output "upgraded" {{
  value = jsonencode([aws_elasticache_cluster.upgraded.cache_nodes[0].address,
                      aws_elasticache_replication_group.upgraded.primary_endpoint_address])
}}
"""

WAITING = """
resource "aws_elasticache_replication_group" "waiting" {{
  replication_group_id = "waiting"
  description          = "changes in its window"
  engine_version       = "{version}"
  node_type            = "{size}"
  num_cache_clusters   = 1
  snapshot_window      = "{window}"
  maintenance_window   = "{maintenance}"
}}
"""

RESTORED = """
resource "aws_elasticache_cluster" "named" {
  cluster_id      = "named"
  engine          = "redis"
  node_type       = "cache.t4g.micro"
  num_cache_nodes = 1
  snapshot_name   = "single-final"
}
resource "aws_elasticache_cluster" "seeded" {
  cluster_id      = "seeded"
  engine          = "redis"
  node_type       = "cache.t4g.micro"
  num_cache_nodes = 1
  snapshot_arns   = ["arn:aws:s3:::near/exported.rdb"]
}
resource "aws_elasticache_replication_group" "named" {
  replication_group_id    = "named-group"
  description             = "from a snapshot, with more shards"
  engine                  = "valkey"
  engine_version          = "8.0"
  node_type               = "cache.t4g.small"
  num_node_groups         = 2
  replicas_per_node_group = 1
  parameter_group_name    = "default.valkey8.cluster.on"
  automatic_failover_enabled = true
  snapshot_name              = "group-final"
}
resource "aws_elasticache_replication_group" "seeded" {
  replication_group_id = "seeded-group"
  description          = "from a file"
  engine_version       = "7.1"
  node_type            = "cache.t4g.micro"
  num_cache_clusters   = 1
  snapshot_arns        = ["arn:aws:s3:::near/exported.rdb"]
}
"""


def after(hours, form="%H:%M"):
    """A window of an hour that opens in so many hours."""
    start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return "-".join(t.strftime(form).lower() for t in (start, start + datetime.timedelta(hours=1)))


@pytest.fixture(scope="module")
def house(pool_slots, tmp_path_factory):
    """With a bucket in a folder."""
    folder = tmp_path_factory.mktemp("buckets")
    (folder / "near").mkdir()
    (folder / "file").write_text(f"near {folder / 'near'}\n")
    service = Service(pool_slots.take(), folder / "state", "--buckets", str(folder / "file")).start()
    try:
        yield service
    finally:
        service.stop()


def waiting(house):
    """What the group has and what it waits for."""
    group, = house.client().describe_replication_groups(ReplicationGroupId="waiting")["ReplicationGroups"]
    member = house.describe("waiting-001")
    return group["Status"], member["EngineVersion"], member["CacheNodeType"], member["PendingModifiedValues"]


def test_caches_are_upgraded_kept_in_snapshots_and_made_from_them(house, terraform):
    client = house.client()
    closed = after(36, "%a:%H:%M")
    first = {"closed": closed, "single": "6.2", "engine": "redis", "group": "7.1", "window": after(6), "days": 3}
    second = dict(first, single="7.1", engine="valkey", group="8.0", window=after(8), days=5)
    old = {"version": "7.0", "size": "cache.t4g.micro", "window": after(6), "maintenance": closed}
    new = dict(old, version="7.1", size="cache.t4g.small")
    ready = dict(new, maintenance=after(-0.1, "%a:%H:%M"))

    terraform.apply(SOURCES + UPGRADED.format(**first) + WAITING.format(**old))
    terraform.plan_is_empty()
    ends = [{"Address": end, "Port": 6379} for name in ("sources", "upgraded") for end in terraform.json_output(name)]
    assert [redis_cli(end, "SET", "kept", "yes") for end in ends] == ["OK"] * 4

    terraform.apply(UPGRADED.format(**second) + WAITING.format(**new))
    assert waiting(house) == ("available", "7.0.7", "cache.t4g.micro",
                              {"EngineVersion": "7.1.0", "CacheNodeType": "cache.t4g.small"})
    status, said = terraform.ask("plan", "-detailed-exitcode", "-input=false")
    assert status == 2 and "0 to add, 1 to change, 0 to destroy" in said and '"cache.t4g.small"' in said, said
    single, member = house.describe("upgraded"), house.describe("upgraded-group-001")
    assert single["EngineVersion"] == "7.1.0" and (member["Engine"], member["EngineVersion"]) == ("valkey", "8.0.1")
    assert [(c["SnapshotWindow"], c["SnapshotRetentionLimit"]) for c in (single, member)] == [(second["window"], 5)] * 2
    assert [redis_cli({"Address": end, "Port": 6379}, "GET", "kept") for end in terraform.json_output("upgraded")] == ["yes", "yes"]
    kept = {s["SnapshotName"]: s["EngineVersion"] for s in client.describe_snapshots()["Snapshots"]}
    assert kept == {"single-final": "6.2.6", "group-final": "7.1.0"}
    client.copy_snapshot(SourceSnapshotName="single-final", TargetSnapshotName="exported", TargetBucket="near")
    wait_until(lambda: client.describe_snapshots(SnapshotName="single-final")["Snapshots"][0]["SnapshotStatus"] == "available",
               "the export")

    terraform.apply(UPGRADED.format(**second) + WAITING.format(**ready) + RESTORED)
    wait_until(lambda: waiting(house) == ("available", "7.1.0", "cache.t4g.small", {}), "what waited to be done", timeout=60)
    terraform.plan_is_empty()
    for name in ("named", "seeded", "seeded-group-001"):
        assert redis_cli(house.endpoints(name)[0], "GET", "kept") == "yes"
    sharded = house.endpoints("named-group-0002-001")[0]
    assert redis.RedisCluster(host=sharded["Address"], port=sharded["Port"]).get("kept") == b"yes"
    terraform.destroy()
    assert client.describe_replication_groups()["ReplicationGroups"] == []
    assert client.describe_cache_clusters()["CacheClusters"] == []
