"""Replication groups by the Terraform AWS provider: made, changed in place, read back and destroyed, with empty plans between."""
from conftest import redis_cli
from serverless import authority_of
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
resource "aws_elasticache_replication_group" "opened" {{
  replication_group_id = "opened"
  description          = "goes over to TLS"
  node_type            = "cache.t4g.micro"
  engine_version       = "7.1"
  num_cache_clusters   = 1
  apply_immediately    = true
  {encryption}
}}
resource "aws_elasticache_subnet_group" "office" {{
  name       = "office"
  subnet_ids = ["subnet-aa", "subnet-bb", "subnet-cc"]
}}
resource "aws_elasticache_replication_group" "secured" {{
  replication_group_id        = "Secured"
  description                 = "{description}"
  engine                      = "redis"
  engine_version              = "7.1"
  node_type                   = "{size}"
  num_cache_clusters          = 2
  preferred_cache_cluster_azs = ["us-east-1b", "us-east-1a"]
  parameter_group_name        = "default.redis7"
  cluster_mode                = "disabled"
  port                        = 6390
  automatic_failover_enabled  = {failover}
  multi_az_enabled            = false
  at_rest_encryption_enabled  = true
  kms_key_id                  = "arn:aws:kms:us-east-1:000000000000:key/secured"
  transit_encryption_enabled  = true
  transit_encryption_mode     = "required"
  auth_token                  = "{token}"
  auth_token_update_strategy  = "{strategy}"
  auto_minor_version_upgrade  = {minor}
  data_tiering_enabled        = false
  subnet_group_name           = aws_elasticache_subnet_group.office.name
  security_group_ids          = {security_groups}
  notification_topic_arn      = "arn:aws:sns:us-east-1:000000000000:{description}"
  maintenance_window          = "{maintenance}"
  snapshot_window             = "{snapshots}"
  snapshot_retention_limit    = {days}
  apply_immediately           = true
  tags                        = {{ team = "{description}" }}
  log_delivery_configuration {{
    log_type         = "slow-log"
    destination      = "slow"
    destination_type = "cloudwatch-logs"
    log_format       = "{form}"
  }}
  log_delivery_configuration {{
    log_type         = "engine-log"
    destination      = "engine"
    destination_type = "kinesis-firehose"
    log_format       = "json"
  }}
  timeouts {{
    create = "10m"
    update = "10m"
    delete = "10m"
  }}
}}
data "aws_elasticache_replication_group" "all" {{
  for_each = {{
    plain   = aws_elasticache_replication_group.plain.id
    sharded = aws_elasticache_replication_group.sharded.id
    secured = aws_elasticache_replication_group.secured.id
  }}
  replication_group_id = each.value
}}
output "seen" {{
  value = jsonencode(data.aws_elasticache_replication_group.all)
}}
output "primary" {{
  value = aws_elasticache_replication_group.plain.primary_endpoint_address
}}
output "opened" {{
  value = aws_elasticache_replication_group.opened.primary_endpoint_address
}}
"""

FIRST = {"description": "first", "clusters": 2, "replicas": 1, "encryption": "transit_encryption_enabled = false", "failover": "true",
         "size": "cache.t4g.micro", "token": "a-token-of-16-letters", "strategy": "ROTATE", "minor": "true",
         "security_groups": '["sg-one"]', "maintenance": "sun:05:00-sun:06:00", "snapshots": "03:00-04:00", "days": 1, "form": "json"}
SECOND = dict(FIRST, description="second", clusters=3, replicas=2, failover="false", size="cache.t4g.small",
              encryption='transit_encryption_enabled = true\n  transit_encryption_mode    = "preferred"',
              token="its-successor-of-as-many", minor="false", security_groups='["sg-one", "sg-two"]',
              maintenance="mon:05:00-mon:06:30", snapshots="02:00-03:00", days=3, form="text")
THIRD = dict(SECOND, clusters=2, replicas=1, strategy="SET",
             encryption='transit_encryption_enabled = true\n  transit_encryption_mode    = "required"')


def with_token(house, token, authority):
    """What the secured primary says to a client that comes with a token."""
    group, = house.client().describe_replication_groups(ReplicationGroupId="secured")["ReplicationGroups"]
    return redis_cli(group["NodeGroups"][0]["PrimaryEndpoint"], "--tls", "--cacert", authority, "--no-auth-warning", "-a", token, "PING")


def test_groups_are_applied_changed_imported_and_destroyed(house, terraform, tmp_path):
    authority = authority_of(house, tmp_path)
    terraform.apply(CONFIGURATION.format(**FIRST))
    terraform.plan_is_empty()
    primary, opened = ({"Address": terraform.output(name), "Port": 6379} for name in ("primary", "opened"))
    assert [redis_cli(end, "SET", "kept", "yes") for end in (primary, opened)] == ["OK", "OK"]
    assert with_token(house, FIRST["token"], authority) == "PONG"
    seen = terraform.json_output("seen")
    assert seen["secured"]["auth_token_enabled"] and seen["secured"]["port"] == 6390
    assert [c["log_format"] for c in seen["secured"]["log_delivery_configuration"]] == ["json", "json"]
    assert seen["plain"]["primary_endpoint_address"] == primary["Address"] and seen["plain"]["reader_endpoint_address"] != ""
    assert (seen["sharded"]["num_node_groups"], seen["sharded"]["replicas_per_node_group"]) == (2, 1)
    assert seen["sharded"]["cluster_mode"] == "enabled" and seen["sharded"]["configuration_endpoint_address"] != ""

    terraform.apply(CONFIGURATION.format(**SECOND))
    terraform.plan_is_empty()
    assert redis_cli(primary, "GET", "kept") == "yes"
    assert redis_cli(opened, "GET", "kept") == redis_cli(opened, "--tls", "--cacert", authority, "GET", "kept") == "yes"
    assert [with_token(house, step["token"], authority) for step in (FIRST, SECOND)] == ["PONG", "PONG"]
    shown = {g["ReplicationGroupId"]: g for g in house.client().describe_replication_groups()["ReplicationGroups"]}
    assert len(shown["plain"]["MemberClusters"]) == 3 and shown["plain"]["Description"] == "second"
    assert len(shown["sharded"]["MemberClusters"]) == 6
    secured = shown["secured"]
    assert (secured["CacheNodeType"], secured["SnapshotRetentionLimit"], secured["SnapshotWindow"], secured["KmsKeyId"]) == (
        "cache.t4g.small", 3, "02:00-03:00", "arn:aws:kms:us-east-1:000000000000:key/secured")
    assert secured["AutomaticFailover"] == "disabled"
    member = house.describe("secured-002")
    assert sorted(g["SecurityGroupId"] for g in member["SecurityGroups"]) == ["sg-one", "sg-two"]
    assert member["PreferredMaintenanceWindow"] == "mon:05:00-mon:06:30" and not member["AutoMinorVersionUpgrade"]
    assert member["NotificationConfiguration"]["TopicArn"].endswith(":second")
    assert house.client().list_tags_for_resource(ResourceName=member["ARN"])["TagList"] == [{"Key": "team", "Value": "second"}]

    terraform.apply(CONFIGURATION.format(**THIRD))
    terraform.plan_is_empty()
    assert redis_cli(opened, "GET", "kept") != "yes" == redis_cli(opened, "--tls", "--cacert", authority, "GET", "kept")
    assert [with_token(house, step["token"], authority) == "PONG" for step in (FIRST, SECOND)] == [False, True]
    terraform.import_again({"aws_elasticache_replication_group.plain": "plain",
                            "aws_elasticache_replication_group.sharded": "sharded"})
    terraform.plan_is_empty()
    terraform.destroy()
    assert house.client().describe_replication_groups()["ReplicationGroups"] == []
    assert house.client().describe_cache_clusters()["CacheClusters"] == []
