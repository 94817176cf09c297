"""Users, user groups and their associations under Terraform."""
from terraform import needs_terraform

pytestmark = needs_terraform

USERS = """
resource "aws_elasticache_user" "default" {{
  user_id              = "tf-default"
  user_name            = "default"
  access_string        = "on ~app::* -@all +@read +@hash +@bitmap +@geo -setbit -bitfield -hset"
  engine               = "REDIS"
  no_password_required = true
}}
resource "aws_elasticache_user" "app" {{
  user_id       = "tf-app"
  user_name     = "App"
  access_string = "{access}"
  engine        = "redis"
  passwords     = {passwords}
  tags          = {{ team = "{team}" }}
  timeouts {{
    create = "5m"
    read   = "5m"
    update = "5m"
    delete = "5m"
  }}
}}
resource "aws_elasticache_user" "open" {{
  user_id       = "tf-open"
  user_name     = "open"
  access_string = "on ~open:* -@all +@read"
  engine        = "redis"
  authentication_mode {{
    type = "no-password-required"
  }}
  lifecycle {{
    ignore_changes = [authentication_mode] # the type reads back as no-password, here as in AWS
  }}
}}
resource "aws_elasticache_user" "iam" {{
  user_id       = "tf-iam"
  user_name     = "tf-iam"
  access_string = "on ~* +@all"
  engine        = "valkey"
  authentication_mode {{
    type = "iam"
  }}
}}
resource "aws_elasticache_user" "late" {{
  user_id       = "tf-late"
  user_name     = "late"
  access_string = "on ~* -@all +@read"
  engine        = "redis"
  authentication_mode {{
    type      = "password"
    passwords = ["password-of-16-ch", "another-password-"]
  }}
}}
resource "aws_elasticache_user_group" "team" {{
  engine        = "redis"
  user_group_id = "tf-team"
  user_ids      = [aws_elasticache_user.default.user_id, aws_elasticache_user.app.user_id]
  tags          = {{ team = "{team}" }}
  lifecycle {{
    ignore_changes = [user_ids]
  }}
}}
resource "aws_elasticache_user_group" "valkey" {{
  engine        = "valkey"
  user_group_id = "tf-valkey"
  user_ids      = [aws_elasticache_user.iam.user_id]
}}
resource "aws_elasticache_user_group_association" "late" {{
  user_group_id = aws_elasticache_user_group.team.user_group_id
  user_id       = aws_elasticache_user.late.user_id
  timeouts {{
    create = "5m"
    delete = "5m"
  }}
}}
resource "aws_elasticache_replication_group" "used" {{
  replication_group_id       = "used"
  description                = "asks who comes"
  engine_version             = "7.1"
  node_type                  = "cache.t4g.micro"
  num_cache_clusters         = 1
  transit_encryption_enabled = true
  apply_immediately          = true
  user_group_ids             = {groups}
}}
data "aws_elasticache_user" "app" {{
  user_id    = "tf-app"
  depends_on = [aws_elasticache_user.app]
}}
output "seen" {{
  value     = jsonencode(data.aws_elasticache_user.app)
  sensitive = true
}}
"""


def test_terraform_applies_changes_imports_and_destroys(house, terraform):
    client = house.client()
    terraform.apply(USERS.format(access="on ~* +@all", passwords='["password-of-16-ch"]', team="blue", groups="null"))
    terraform.plan_is_empty()
    assert client.describe_user_groups(UserGroupId="tf-team")["UserGroups"][0]["UserIds"] == ["tf-app", "tf-default", "tf-late"]
    terraform.apply(USERS.format(access="off ~b* -@all +get", team="red",
                                 groups="[aws_elasticache_user_group.team.user_group_id]",
                                 passwords='["password-of-16-ch", "another-password-"]'))
    terraform.plan_is_empty()
    assert client.describe_users(UserId="tf-app")["Users"][0]["AccessString"] == "off ~b* -@all +get"
    assert client.describe_users(UserId="tf-app")["Users"][0]["Authentication"] == {"Type": "password", "PasswordCount": 2}
    group, = client.describe_replication_groups(ReplicationGroupId="used")["ReplicationGroups"]
    assert group["UserGroupIds"] == ["tf-team"] == [g["UserGroupId"] for g in client.describe_user_groups()["UserGroups"]
                                                    if g["ReplicationGroups"] == ["used"]]
    seen = terraform.json_output("seen")
    assert (seen["user_name"], seen["access_string"], seen["engine"]) == ("App", "off ~b* -@all +get", "redis")
    assert seen["authentication_mode"] == [{"type": "password", "password_count": 2}]
    terraform.import_again({"aws_elasticache_user.iam": "tf-iam",
                            "aws_elasticache_user_group.valkey": "tf-valkey"})
    terraform.destroy()
    left = [u["UserId"] for u in client.describe_users()["Users"] if u["UserId"].startswith("tf-")]
    assert left == []
    assert [g for g in client.describe_user_groups()["UserGroups"] if g["UserGroupId"].startswith("tf-")] == []
