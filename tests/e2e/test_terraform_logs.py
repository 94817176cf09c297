"""log_delivery_configuration of aws_elasticache_cluster under the unmodified provider."""
from terraform import needs_terraform

pytestmark = needs_terraform

CLUSTER = """
resource "aws_elasticache_cluster" "c" {{
  cluster_id        = "logged"
  engine            = "redis"
  node_type         = "cache.t4g.micro"
  num_cache_nodes   = 1
  apply_immediately = true
{logs}}}
"""


def log(log_type, destination, kind, form):
    return (f'  log_delivery_configuration {{\n    log_type = "{log_type}"\n    destination = "{destination}"\n'
            f'    destination_type = "{kind}"\n    log_format = "{form}"\n  }}\n')


def delivered(house):
    found = house.describe("logged")["LogDeliveryConfigurations"]
    return {c["LogType"]: (c["DestinationType"], c["LogFormat"], c["Status"]) for c in found}


def test_logs_are_delivered_changed_in_place_and_nothing_is_left_to_plan(house, terraform):
    terraform.apply(CLUSTER.format(logs=log("slow-log", "slow", "cloudwatch-logs", "json")
                                   + log("engine-log", "engine", "kinesis-firehose", "text")))
    terraform.plan_is_empty()
    assert delivered(house) == {"slow-log": ("cloudwatch-logs", "json", "active"),
                                "engine-log": ("kinesis-firehose", "text", "active")}
    terraform.apply(CLUSTER.format(logs=log("slow-log", "slow", "cloudwatch-logs", "text")))
    terraform.plan_is_empty()
    assert delivered(house) == {"slow-log": ("cloudwatch-logs", "text", "active")}
    terraform.destroy()
