"""Serverless caches by the Terraform AWS provider: made with all that they take, changed in place, read back and destroyed."""
import pytest
from botocore.exceptions import ClientError

from conftest import wait_until
from serverless import Caches, authority_of, cluster, describe
from terraform import needs_terraform

pytestmark = needs_terraform

CONFIGURATION = """
data "aws_subnets" "all" {
}
resource "aws_elasticache_user" "everybody" {
  user_id       = "tf-everybody"
  user_name     = "default"
  engine        = "valkey"
  access_string = "on ~* +@all"
  passwords     = ["sixteen-letters-at-least"]
}
resource "aws_elasticache_user_group" "team" {
  user_group_id = "tf-serverless"
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.everybody.user_id]
}
resource "aws_elasticache_serverless_cache" "whole" {
  name                     = "whole"
  engine                   = "valkey"
  major_engine_version     = "%(major)s"
  description              = "%(description)s"
  kms_key_id               = "arn:aws:kms:us-east-1:000000000000:key/whole"
  daily_snapshot_time      = "%(time)s"
  snapshot_retention_limit = %(days)s
  security_group_ids       = %(security_groups)s
  subnet_ids               = slice(sort(data.aws_subnets.all.ids), 0, 2)
  tags                     = { team = "%(description)s" }
  %(users)s
  cache_usage_limits {
    data_storage {
      minimum = 1
      maximum = %(storage)s
      unit    = "GB"
    }
    ecpu_per_second {
      minimum = 1000
      maximum = %(work)s
    }
  }
}
resource "aws_elasticache_serverless_cache" "plain" {
  name   = "plain"
  engine = "%(plain)s"
}
resource "aws_elasticache_serverless_cache" "memcached" {
  name        = "lost-when-full"
  engine      = "memcached"
  description = "%(description)s"
  cache_usage_limits {
    data_storage {
      maximum = %(storage)s
      unit    = "GB"
    }
  }
}
data "aws_elasticache_serverless_cache" "whole" {
  name = aws_elasticache_serverless_cache.whole.name
}
output "seen" {
  value = jsonencode(data.aws_elasticache_serverless_cache.whole)
}
"""

RESTORED = """
resource "aws_elasticache_serverless_cache" "restored" {
  name                     = "restored"
  engine                   = "valkey"
  snapshot_arns_to_restore = ["arn:aws:elasticache:us-east-1:000000000000:serverlesscachesnapshot:of-whole"]
  user_group_id            = aws_elasticache_user_group.team.user_group_id
  tags                     = { team = "restored" } # without any it takes the snapshot's
  timeouts {
    create = "10m"
    update = "10m"
    delete = "10m"
  }
}
"""

FIRST = {"major": "8", "description": "first", "time": "03:00", "days": 1, "security_groups": '["sg-one"]', "users": "",
         "storage": 10, "work": 5000, "plain": "redis"}
SECOND = {"major": "8", "description": "second", "time": "04:30", "days": 2, "security_groups": '["sg-one", "sg-two"]',
          "users": "user_group_id = aws_elasticache_user_group.team.user_group_id", "storage": 20, "work": 6000, "plain": "valkey"}


def shown(house, step):
    """That a description has what was configured."""
    cache = describe(house, "whole")
    assert (cache["Engine"], cache["MajorEngineVersion"], cache["Status"]) == ("valkey", step["major"], "available")
    assert (cache["Description"], cache["DailySnapshotTime"], cache["SnapshotRetentionLimit"]) == (
        step["description"], step["time"], step["days"])
    assert cache["CacheUsageLimits"] == {"DataStorage": {"Minimum": 1, "Maximum": step["storage"], "Unit": "GB"},
                                         "ECPUPerSecond": {"Minimum": 1000, "Maximum": step["work"]}}
    assert cache.get("UserGroupId") == ("tf-serverless" if step["users"] else None)
    assert describe(house, "plain")["Engine"] == step["plain"]
    return cache


def test_caches_are_applied_changed_imported_restored_and_destroyed(house, terraform, tmp_path):
    authority = authority_of(house, tmp_path)
    terraform.apply(CONFIGURATION % FIRST)
    terraform.plan_is_empty()
    whole = shown(house, FIRST)
    seen = terraform.json_output("seen")
    assert seen["arn"] == whole["ARN"] and seen["endpoint"]["address"] == whole["Endpoint"]["Address"]
    assert seen["reader_endpoint"]["port"] == whole["ReaderEndpoint"]["Port"]
    assert seen["cache_usage_limits"]["ecpu_per_second"] == {"minimum": 1000, "maximum": 5000}
    cluster(whole["Endpoint"], authority).set("kept", "yes")
    caches = Caches(house)
    caches.create_serverless_cache_snapshot(ServerlessCacheName="whole", ServerlessCacheSnapshotName="of-whole")
    wait_until(lambda: caches.describe_serverless_cache_snapshots(ServerlessCacheSnapshotName="of-whole")[
        "ServerlessCacheSnapshots"][0]["Status"] == "available", "the snapshot")

    terraform.apply(CONFIGURATION % SECOND + RESTORED)
    terraform.plan_is_empty()
    assert shown(house, SECOND)["CreateTime"] == whole["CreateTime"], "nothing is replaced"
    for name in ("whole", "restored"):
        assert cluster(describe(house, name)["Endpoint"], authority, password="sixteen-letters-at-least").get("kept") == b"yes"
    tags = house.client().list_tags_for_resource(ResourceName=whole["ARN"])["TagList"]
    assert tags == [{"Key": "team", "Value": "second"}]

    terraform.import_again({"aws_elasticache_serverless_cache.whole": "whole",
                            "aws_elasticache_serverless_cache.plain": "plain",
                            "aws_elasticache_serverless_cache.memcached": "lost-when-full"})
    terraform.plan_is_empty()
    terraform.destroy()
    assert caches.describe_serverless_caches()["ServerlessCaches"] == []
    with pytest.raises(ClientError, match="UserGroupNotFound"):
        house.client().describe_user_groups(UserGroupId="tf-serverless")
