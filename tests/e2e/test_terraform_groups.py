"""Replication groups by the Terraform AWS provider: made, changed in place, read back and destroyed, with empty plans between."""
from conftest import redis_cli
from terraform import needs_terraform

pytestmark = needs_terraform

CONFIGURATION = """
resource "aws_elasticache_replication_group" "plain" {{
  replication_group_id       = "plain"
  description                = "{description}"
  node_type                  = "cache.t4g.micro"
  engine_version             = "7.1"
  num_cache_clusters         = {clusters}
  automatic_failover_enabled = true
  multi_az_enabled           = true
  maintenance_window         = "sun:05:00-sun:06:00"
  snapshot_window            = "03:00-04:00"
  tags                       = {{ team = "blue" }}
  lifecycle {{
    ignore_changes = [auth_token_update_strategy] # an import cannot read it, and the provider has a default
  }}
}}
resource "aws_elasticache_replication_group" "sharded" {{
  replication_group_id       = "sharded"
  description                = "{description}"
  engine                     = "valkey"
  engine_version             = "8.0"
  node_type                  = "cache.t4g.micro"
  num_node_groups            = 2
  replicas_per_node_group    = {replicas}
  automatic_failover_enabled = true
  at_rest_encryption_enabled = true
  port                       = 7000
  lifecycle {{
    ignore_changes = [auth_token_update_strategy]
  }}
}}
output "primary" {{
  value = aws_elasticache_replication_group.plain.primary_endpoint_address
}}
"""


def test_groups_are_applied_changed_imported_and_destroyed(house, terraform):
    terraform.apply(CONFIGURATION.format(description="first", clusters=2, replicas=1))
    terraform.plan_is_empty()
    primary = {"Address": terraform.output("primary"), "Port": 6379}
    assert redis_cli(primary, "SET", "kept", "yes") == "OK"

    terraform.apply(CONFIGURATION.format(description="second", clusters=3, replicas=2))
    terraform.plan_is_empty()
    assert redis_cli(primary, "GET", "kept") == "yes"
    shown = {g["ReplicationGroupId"]: g for g in house.client().describe_replication_groups()["ReplicationGroups"]}
    assert len(shown["plain"]["MemberClusters"]) == 3 and shown["plain"]["Description"] == "second"
    assert len(shown["sharded"]["MemberClusters"]) == 6

    terraform.apply(CONFIGURATION.format(description="second", clusters=2, replicas=1))
    terraform.plan_is_empty()
    terraform.import_again({"aws_elasticache_replication_group.plain": "plain",
                            "aws_elasticache_replication_group.sharded": "sharded"})
    terraform.plan_is_empty()
    terraform.destroy()
    assert house.client().describe_replication_groups()["ReplicationGroups"] == []
    assert house.client().describe_cache_clusters()["CacheClusters"] == []
