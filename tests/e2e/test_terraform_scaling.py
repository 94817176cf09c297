"""Shards and cluster mode by the Terraform AWS provider: changed in place, with empty plans between."""
import redis

from terraform import needs_terraform

pytestmark = needs_terraform

CONFIGURATION = """
resource "aws_elasticache_replication_group" "elastic" {{
  replication_group_id       = "elastic"
  description                = "elastic"
  node_type                  = "cache.t4g.micro"
  engine_version             = "7.1"
  parameter_group_name       = "default.redis7.cluster.on"
  num_node_groups            = {shards}
  replicas_per_node_group    = 1
  automatic_failover_enabled = true
}}
resource "aws_elasticache_replication_group" "becoming" {{
  replication_group_id       = "becoming"
  description                = "becoming"
  node_type                  = "cache.t4g.micro"
  engine_version             = "7.1"
  parameter_group_name       = "default.redis7{on}"
  cluster_mode               = "{mode}"
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  apply_immediately          = true
}}
output "configuration" {{
  value = aws_elasticache_replication_group.elastic.configuration_endpoint_address
}}
"""

STEPS = (
    {"shards": 1, "on": "", "mode": "disabled"},
    {"shards": 3, "on": ".cluster.on", "mode": "compatible"},
    {"shards": 2, "on": ".cluster.on", "mode": "enabled"},
)


def made(house):
    client = house.client()
    found = client.describe_cache_clusters(ShowCacheClustersNotInReplicationGroups=False)["CacheClusters"]
    return {c["CacheClusterId"]: c["CacheClusterCreateTime"] for c in found}


def test_shards_and_modes_change_in_place(house, terraform):
    kept = {}
    for step in STEPS:
        terraform.apply(CONFIGURATION.format(**step))
        terraform.plan_is_empty()
        now = made(house)
        assert all(now[name] == kept.get(name, now[name]) for name in now), "nothing is replaced"
        kept.update(now)
        shown = {g["ReplicationGroupId"]: g for g in house.client().describe_replication_groups()["ReplicationGroups"]}
        assert len(shown["elastic"]["NodeGroups"]) == step["shards"]
        assert shown["becoming"]["ClusterEnabled"] == (step["mode"] != "disabled")
        client = redis.RedisCluster(host=terraform.output("configuration"), port=6379)
        if step is STEPS[0]:
            for n in range(500):
                client.set(f"k{n}", n)
        assert [n for n in range(500) if client.get(f"k{n}") != b"%d" % n] == []
    terraform.destroy()
    assert house.client().describe_replication_groups()["ReplicationGroups"] == []
