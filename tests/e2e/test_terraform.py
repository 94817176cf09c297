"""The Terraform AWS provider, unmodified: apply, an empty second plan, destroy."""
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import answers_ping

TERRAFORM = shutil.which("terraform")


def plugins():
    for place in (os.environ.get("LARDER_TF_PLUGINS"), "/opt/tf-plugins", os.path.expanduser("~/tf-plugins")):
        if place and list(pathlib.Path(place).glob("*/hashicorp/aws")):
            return place
    return None


PLUGINS = plugins()
pytestmark = pytest.mark.skipif(not TERRAFORM or not PLUGINS,
                                reason="needs terraform and a mirror of its AWS provider (LARDER_TF_PLUGINS)")

CONFIGURATION = """
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}
provider "aws" {{
  region     = "us-east-1"
  access_key = "000000000000"
  secret_key = "test"
  endpoints {{
    elasticache = "{url}"
    sts         = "{url}"
  }}
}}
resource "aws_elasticache_cluster" "cache" {{
  cluster_id           = "from-terraform"
  engine               = "redis"
  engine_version       = "7.1"
  node_type            = "cache.t4g.micro"
  num_cache_nodes      = 1
  parameter_group_name = "default.redis7"
  tags                 = {{ team = "blue" }}
}}
output "address" {{
  value = aws_elasticache_cluster.cache.cache_nodes[0].address
}}
"""


def test_a_cluster_is_applied_stays_as_planned_and_is_destroyed(house, tmp_path):
    (tmp_path / "main.tf").write_text(CONFIGURATION.format(url=house.url))
    (tmp_path / "cli.tfrc").write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{PLUGINS}"\n  }}\n}}\n')
    environment = dict(os.environ, TF_CLI_CONFIG_FILE=str(tmp_path / "cli.tfrc"), TF_IN_AUTOMATION="1",
                       CHECKPOINT_DISABLE="1", AWS_EC2_METADATA_DISABLED="true")

    def terraform(*words, timeout=240):
        done = subprocess.run([TERRAFORM, *words, "-no-color"], cwd=tmp_path, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout

    status, said = terraform("init", "-input=false")
    assert status == 0, said
    status, said = terraform("apply", "-auto-approve", "-input=false")
    assert status == 0, said
    endpoint, = house.endpoints("from-terraform")
    assert answers_ping(endpoint)
    assert terraform("output", "-raw", "address")[1].strip() == endpoint["Address"]

    status, said = terraform("plan", "-detailed-exitcode", "-input=false")
    assert status == 0, f"the second plan is not empty:\n{said}"

    status, said = terraform("destroy", "-auto-approve", "-input=false")
    assert status == 0, said
    assert house.client().describe_cache_clusters()["CacheClusters"] == []
