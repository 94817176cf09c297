"""A global datastore by the Terraform AWS provider, over two regions: made, changed in place, imported, destroyed."""
import pytest

from conftest import Service
from terraform import PROVIDER, Terraform, needs_terraform

pytestmark = needs_terraform

HERE, THERE = "us-east-1", "eu-west-1"

CONFIGURATION = """
provider "aws" {{
  alias      = "there"
  region     = "eu-west-1"
  access_key = "000000000000"
  secret_key = "test"
}}
resource "aws_elasticache_replication_group" "primary" {{
  replication_group_id       = "primary"
  description                = "primary"
  node_type                  = "cache.m5.large"
  engine_version             = "7.1"
  num_node_groups            = 2
  replicas_per_node_group    = 0
  automatic_failover_enabled = true
  lifecycle {{
    ignore_changes = [num_node_groups]
  }}
}}
resource "aws_elasticache_global_replication_group" "all" {{
  global_replication_group_id_suffix = "all"
  primary_replication_group_id       = aws_elasticache_replication_group.primary.id
  num_node_groups                    = {shards}
}}
resource "aws_elasticache_replication_group" "secondary" {{
  provider                    = aws.there
  replication_group_id        = "secondary"
  description                 = "secondary"
  automatic_failover_enabled  = true
  global_replication_group_id = aws_elasticache_global_replication_group.all.global_replication_group_id
  lifecycle {{
    ignore_changes = [num_node_groups]
  }}
}}
output "secondary_parameters" {{
  value = aws_elasticache_replication_group.secondary.parameter_group_name
}}
"""


@pytest.fixture(name="world", scope="module")
def service_of_two_regions(pool_slots, tmp_path_factory):
    service = Service(pool_slots.take(), tmp_path_factory.mktemp("world") / "state", "--region", f"{HERE},{THERE}",
                      "--agents", "1", memory="256GB").start()
    yield service
    service.stop()


def told_by_variable(folder, url):
    """A provider that is attached has one region: these are started by each command, and named the service as an attached one is."""
    made = Terraform(folder, url)
    (made.folder / "provider.tf").write_text(PROVIDER.format(endpoints=""))
    made.environment["AWS_ENDPOINT_URL"] = url
    return made


def left(world):
    """What is there, by region."""
    found = {}
    for region in (HERE, THERE):
        client = world.client(region=region)
        groups = client.describe_replication_groups()["ReplicationGroups"]
        parameters = client.describe_cache_parameter_groups()["CacheParameterGroups"]
        found[region] = [g["ReplicationGroupId"] for g in groups] + [
            g["CacheParameterGroupName"] for g in parameters if not g["CacheParameterGroupName"].startswith("default.")]
    return found


def test_a_datastore_is_made_changed_imported_and_destroyed(world, tmp_path):
    terraform = told_by_variable(tmp_path, world.url)
    terraform.apply(CONFIGURATION.format(shards=2))
    terraform.plan_is_empty()
    assert terraform.output("secondary_parameters").startswith("global-datastore-secondary-")

    terraform.apply(CONFIGURATION.format(shards=3))
    client = world.client()
    shown, = client.describe_global_replication_groups(ShowMemberInfo=True)["GlobalReplicationGroups"]
    assert len(shown["GlobalNodeGroups"]) == 3
    assert {m["Role"] for m in shown["Members"]} == {"PRIMARY", "SECONDARY"}
    terraform.import_again({"aws_elasticache_global_replication_group.all": "ldgnf-all"})

    terraform.destroy()
    assert left(world) == {HERE: [], THERE: []}
    assert client.describe_global_replication_groups()["GlobalReplicationGroups"] == []
