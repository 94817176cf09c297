"""The Terraform AWS provider, unmodified: apply, an empty second plan, destroy."""
from conftest import answers_ping
from terraform import Terraform, needs_terraform

pytestmark = needs_terraform

CONFIGURATION = """
resource "aws_elasticache_cluster" "cache" {
  cluster_id           = "from-terraform"
  engine               = "redis"
  engine_version       = "7.1"
  node_type            = "cache.t4g.micro"
  num_cache_nodes      = 1
  parameter_group_name = "default.redis7"
  tags                 = { team = "blue" }
}
output "address" {
  value = aws_elasticache_cluster.cache.cache_nodes[0].address
}
"""


def test_a_cluster_is_applied_stays_as_planned_and_is_destroyed(house, tmp_path):
    terraform = Terraform(tmp_path, house.url)
    terraform.apply(CONFIGURATION)
    endpoint, = house.endpoints("from-terraform")
    assert answers_ping(endpoint)
    assert terraform.output("address") == endpoint["Address"]
    terraform.plan_is_empty()
    terraform.destroy()
    assert house.client().describe_cache_clusters()["CacheClusters"] == []
