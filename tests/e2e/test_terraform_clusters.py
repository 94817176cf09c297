"""aws_elasticache_cluster by the Terraform AWS provider with all that it takes: memcached over zones, redis with logs, a replica of a
group, and what the data sources make of them."""
from conftest import redis_cli
from terraform import needs_terraform

pytestmark = needs_terraform

CONFIGURATION = """
data "aws_subnets" "two" {{
  filter {{
    name   = "availability-zone"
    values = ["us-east-1a", "us-east-1b"]
  }}
}}
resource "aws_elasticache_subnet_group" "two" {{
  name       = "two-zones"
  subnet_ids = data.aws_subnets.two.ids
}}
resource "aws_elasticache_cluster" "wide" {{
  cluster_id                   = "wide"
  engine                       = "memcached"
  engine_version               = "1.6.22"
  node_type                    = "cache.t4g.micro"
  num_cache_nodes              = {nodes}
  az_mode                      = "cross-az"
  preferred_availability_zones = slice(["us-east-1a", "us-east-1b", "us-east-1c"], 0, {nodes})
  port                         = 11300
  transit_encryption_enabled   = true
  security_group_ids           = {security_groups}
  maintenance_window           = "{maintenance}"
  notification_topic_arn       = "arn:aws:sns:us-east-1:000000000000:{topic}"
  auto_minor_version_upgrade   = "{minor}"
  parameter_group_name         = "default.memcached1.6"
  apply_immediately            = true
  tags                         = {{ team = "{topic}", empty = "" }}
  timeouts {{
    create = "10m"
    update = "10m"
    delete = "10m"
  }}
}}
resource "aws_elasticache_cluster" "logged" {{
  cluster_id               = "logged"
  engine                   = "redis"
  engine_version           = "7.1"
  node_type                = "{size}"
  num_cache_nodes          = 1
  port                     = 6400
  availability_zone        = "us-east-1{zone}"
  subnet_group_name        = aws_elasticache_subnet_group.two.name
  notification_topic_arn   = "arn:aws:sns:us-east-1:000000000000:{topic}"
  snapshot_window          = "03:00-04:00"
  snapshot_retention_limit = 2
  maintenance_window       = "{maintenance}"
  apply_immediately        = true
{logs}}}
resource "aws_elasticache_replication_group" "joined" {{
  replication_group_id = "joined"
  description          = "a cluster of its own joins it"
  engine_version       = "7.1"
  node_type            = "cache.t4g.micro"
  num_cache_clusters   = 1
  tags                 = {{ team = "group" }}
  lifecycle {{
    ignore_changes = [num_cache_clusters]
  }}
}}
data "aws_elasticache_cluster" "logged" {{
  cluster_id = aws_elasticache_cluster.logged.cluster_id
}}
data "aws_elasticache_cluster" "wide" {{
  cluster_id = aws_elasticache_cluster.wide.cluster_id
}}
data "aws_elasticache_cluster" "member" {{
  cluster_id = tolist(aws_elasticache_replication_group.joined.member_clusters)[0]
}}
output "seen" {{
  value = jsonencode([for c in [data.aws_elasticache_cluster.logged, data.aws_elasticache_cluster.wide, data.aws_elasticache_cluster.member] : c])
}}
"""

REPLICA = """
resource "aws_elasticache_cluster" "replica" {
  cluster_id           = "replica"
  replication_group_id = aws_elasticache_replication_group.joined.id
  tags                 = { team = "group" } # it inherits them
}
"""


def log(log_type, destination, kind, form):
    return (f'  log_delivery_configuration {{\n    log_type = "{log_type}"\n    destination = "{destination}"\n'
            f'    destination_type = "{kind}"\n    log_format = "{form}"\n  }}\n')


FIRST = {"nodes": 2, "security_groups": '["sg-one"]', "maintenance": "sun:05:00-sun:06:00", "topic": "blue", "minor": "true",
         "size": "cache.t4g.micro", "zone": "b",
         "logs": log("slow-log", "slow", "cloudwatch-logs", "json") + log("engine-log", "engine", "kinesis-firehose", "text")}
SECOND = dict(FIRST, nodes=3, security_groups='["sg-one", "sg-two"]', maintenance="mon:05:00-mon:06:30", topic="red", minor="false",
              size="cache.t4g.small", logs=log("slow-log", "slow", "cloudwatch-logs", "text"))


def delivered(house):
    found = house.describe("logged")["LogDeliveryConfigurations"]
    return {c["LogType"]: (c["DestinationType"], c["LogFormat"], c["Status"]) for c in found}


def zones(house, name):
    return [n["CustomerAvailabilityZone"] for n in house.describe(name)["CacheNodes"]]


def test_clusters_are_applied_changed_in_place_imported_and_destroyed(house, terraform):
    terraform.apply(CONFIGURATION.format(**FIRST))
    terraform.plan_is_empty()
    assert delivered(house) == {"slow-log": ("cloudwatch-logs", "json", "active"),
                                "engine-log": ("kinesis-firehose", "text", "active")}
    assert zones(house, "wide") == ["us-east-1a", "us-east-1b"] and zones(house, "logged") == ["us-east-1b"]
    logged, wide, member = terraform.json_output("seen")
    assert (logged["availability_zone"], logged["subnet_group_name"]) == ("us-east-1b", "two-zones")
    assert (logged["cache_nodes"][0]["port"], wide["port"], len(wide["cache_nodes"])) == (6400, 11300, 2)
    assert len(logged["log_delivery_configuration"]) == 2 and logged["notification_topic_arn"].endswith(":blue")
    assert (logged["snapshot_window"], logged["snapshot_retention_limit"]) == ("03:00-04:00", 2)
    assert wide["configuration_endpoint"].endswith(":11300") and wide["tags"] == {"team": "blue", "empty": ""}
    assert member["replication_group_id"] == "joined" and member["tags"] == {"team": "group"}
    made = {name: house.describe(name)["CacheClusterCreateTime"] for name in ("wide", "logged")}

    terraform.apply(CONFIGURATION.format(**SECOND) + REPLICA)
    terraform.plan_is_empty()
    assert delivered(house) == {"slow-log": ("cloudwatch-logs", "text", "active")}
    assert made == {name: house.describe(name)["CacheClusterCreateTime"] for name in made}, "nothing is replaced"
    assert zones(house, "wide") == ["us-east-1a", "us-east-1b", "us-east-1c"]
    wide, logged = house.describe("wide"), house.describe("logged")
    assert sorted(g["SecurityGroupId"] for g in wide["SecurityGroups"]) == ["sg-one", "sg-two"]
    assert not wide["AutoMinorVersionUpgrade"] and wide["PreferredMaintenanceWindow"] == "mon:05:00-mon:06:30"
    assert logged["CacheNodeType"] == "cache.t4g.small"
    assert logged["NotificationConfiguration"]["TopicArn"].endswith(":red")
    assert redis_cli(house.endpoints("replica")[0], "ROLE").startswith("slave")

    terraform.import_again({"aws_elasticache_cluster.replica": "replica", "aws_elasticache_subnet_group.two": "two-zones"})
    terraform.plan_is_empty()
    terraform.destroy()
    assert house.client().describe_cache_clusters()["CacheClusters"] == []


def test_what_cannot_be_had_is_refused_before_anything_is_made(house, terraform):
    terraform.write("""
resource "aws_elasticache_cluster" "away" {
  cluster_id            = "away"
  engine                = "redis"
  node_type             = "cache.t4g.micro"
  num_cache_nodes       = 1
  outpost_mode          = "single-outpost"
  preferred_outpost_arn = "arn:aws:outposts:us-east-1:000000000000:outpost/op-00000000000000000"
}
resource "aws_elasticache_replication_group" "tiered" {
  replication_group_id = "tiered"
  description          = "of memory and disks"
  node_type            = "cache.r6gd.xlarge"
  data_tiering_enabled = true
}
""")
    before = house.client().describe_cache_clusters()["CacheClusters"]
    status, said = terraform.ask("apply", "-auto-approve", "-input=false")
    words = " ".join(said.replace("\u2502", " ").split())  # terraform frames and breaks the lines of errors
    assert status == 1 and "op-00000000000000000 does not exist." in words and "DataTieringEnabled" in words, said
    assert house.client().describe_cache_clusters()["CacheClusters"] == before
