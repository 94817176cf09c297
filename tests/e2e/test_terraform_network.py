"""Terraform over a network: subnet groups in the default VPC by data sources and in one made by resources, rules of
security groups, and reserved nodes (whose one wait of 30 s is all that takes time here)."""
from terraform import needs_terraform

pytestmark = needs_terraform

CONFIGURATION = """
data "aws_vpc" "default" {
  default = true
}
data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}
data "aws_security_group" "default" {
  vpc_id = data.aws_vpc.default.id
  name   = "default"
}
data "aws_availability_zones" "all" {
  state = "available"
}
resource "aws_elasticache_subnet_group" "default_vpc" {
  name       = "In-Default"
  subnet_ids = data.aws_subnets.default.ids
}

resource "aws_vpc" "own" {
  cidr_block                       = "10.40.0.0/16"
  enable_dns_hostnames             = true
  assign_generated_ipv6_cidr_block = true
  tags                             = { Name = "own" }
}
resource "aws_subnet" "own" {
  count             = 2
  vpc_id            = aws_vpc.own.id
  cidr_block        = cidrsubnet(aws_vpc.own.cidr_block, 8, count.index)
  ipv6_cidr_block   = cidrsubnet(aws_vpc.own.ipv6_cidr_block, 8, count.index)
  availability_zone = data.aws_availability_zones.all.names[count.index]
  tags              = { Name = "own-${count.index}" }
}
resource "aws_security_group" "caches" {
  name        = "caches"
  description = "who may come"
  vpc_id      = aws_vpc.own.id
  ingress {
    description     = "clients"
    from_port       = 6379
    to_port         = 6380
    protocol        = "tcp"
    cidr_blocks     = [%(clients)s]
    security_groups = [aws_security_group.clients.id]
  }
  egress {
    from_port        = 0
    to_port          = 0
    protocol         = "-1"
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }
  tags = { team = "%(team)s" }
}
resource "aws_security_group" "clients" {
  name_prefix = "clients-"
  vpc_id      = aws_vpc.own.id
}
resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.clients.id
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}
resource "aws_elasticache_subnet_group" "own" {
  name        = "own"
  description = "%(team)s"
  subnet_ids  = %(subnets)s
  tags        = { team = "%(team)s" }
}
data "aws_elasticache_subnet_group" "own" {
  name = aws_elasticache_subnet_group.own.name
}
output "vpc_of_group" {
  value = data.aws_elasticache_subnet_group.own.vpc_id
}
output "vpc" {
  value = aws_vpc.own.id
}
output "default_group" {
  value = data.aws_security_group.default.id
}

data "aws_elasticache_reserved_cache_node_offering" "one" {
  cache_node_type     = "cache.t4g.small"
  duration            = "P1Y"
  offering_type       = "No Upfront"
  product_description = "redis"
}
resource "aws_elasticache_reserved_cache_node" "one" {
  reserved_cache_nodes_offering_id = data.aws_elasticache_reserved_cache_node_offering.one.offering_id
  id                               = "from-terraform"
  cache_node_count                 = 2
  tags                             = { team = "blue" }
  timeouts {
    create = "5m"
    update = "5m"
    delete = "5m"
  }
}
"""

FIRST = {"clients": '"10.40.0.0/16"', "team": "blue", "subnets": "aws_subnet.own[*].id"}
SECOND = {"clients": '"10.41.0.0/16", "10.42.0.0/16"', "team": "red", "subnets": "[aws_subnet.own[1].id]"}


def test_networks_subnet_groups_and_reserved_nodes_stay_as_planned(house, terraform):
    terraform.apply(CONFIGURATION % FIRST)
    terraform.plan_is_empty()
    assert terraform.output("vpc_of_group") == terraform.output("vpc")
    assert terraform.output("default_group").startswith("sg-")
    reserved, = house.client().describe_reserved_cache_nodes()["ReservedCacheNodes"]
    assert reserved["State"] == "active" and reserved["CacheNodeCount"] == 2

    terraform.apply(CONFIGURATION % SECOND)
    terraform.plan_is_empty()
    group, = house.client().describe_cache_subnet_groups(CacheSubnetGroupName="own")["CacheSubnetGroups"]
    assert group["CacheSubnetGroupDescription"] == "red" and len(group["Subnets"]) == 1
    assert group["SupportedNetworkTypes"] == ["ipv4", "ipv6", "dual_stack"]

    terraform.import_again({"aws_elasticache_subnet_group.own": "own"})
    terraform.destroy()
    assert house.client().describe_cache_subnet_groups()["CacheSubnetGroups"] == []
    assert [v["IsDefault"] for v in house.client("ec2").describe_vpcs()["Vpcs"]] == [True]
