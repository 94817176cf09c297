"""The Terraform AWS provider, unmodified and without skip flags, over a folder of its own."""
import os
import pathlib
import shutil
import subprocess

import pytest

TERRAFORM = shutil.which("terraform")


def plugins():
    for place in (os.environ.get("LARDER_TF_PLUGINS"), "/opt/tf-plugins", os.path.expanduser("~/tf-plugins")):
        if place and list(pathlib.Path(place).glob("*/hashicorp/aws")):
            return place
    return None


PLUGINS = plugins()
needs_terraform = pytest.mark.skipif(not TERRAFORM or not PLUGINS,
                                     reason="needs terraform and a mirror of its AWS provider (LARDER_TF_PLUGINS)")

PROVIDER = """
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
    ec2         = "{url}"
    iam         = "{url}"
  }}
}}
"""


class Terraform:
    """A working folder; `write` replaces what is configured beside the provider."""

    def __init__(self, folder, url):
        self.folder = pathlib.Path(folder)
        (self.folder / "provider.tf").write_text(PROVIDER.format(url=url))
        (self.folder / "cli.tfrc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{PLUGINS}"\n  }}\n}}\n')
        self.environment = dict(os.environ, TF_CLI_CONFIG_FILE=str(self.folder / "cli.tfrc"), TF_IN_AUTOMATION="1",
                                CHECKPOINT_DISABLE="1", AWS_EC2_METADATA_DISABLED="true")
        self.run("init", "-input=false")

    def ask(self, *words, timeout=300):
        """Exit status and all that was said."""
        done = subprocess.run([TERRAFORM, *words, "-no-color"], cwd=self.folder, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout

    def run(self, *words, **more):
        status, said = self.ask(*words, **more)
        assert status == 0, f"terraform {' '.join(words)} ended with {status}:\n{said}"
        return said

    def write(self, text):
        (self.folder / "main.tf").write_text(text)

    def apply(self, text=None):
        if text is not None:
            self.write(text)
        return self.run("apply", "-auto-approve", "-input=false")

    def plan_is_empty(self):
        status, said = self.ask("plan", "-detailed-exitcode", "-input=false")
        assert status == 0, f"the plan is not empty:\n{said}"

    def import_again(self, ids):
        """Forgets resources, by address, and reads them back by their ids: nothing may differ from what is configured."""
        self.run("state", "rm", *ids)
        blocks = self.folder / "imports.tf"
        blocks.write_text("".join(f'import {{\n  to = {address}\n  id = "{known_as}"\n}}\n'
                                  for address, known_as in ids.items()))
        said = self.apply()
        assert f"{len(ids)} imported, 0 added, 0 changed, 0 destroyed" in said, said
        blocks.unlink()

    def output(self, name):
        return self.run("output", "-raw", name).strip()

    def destroy(self):
        return self.run("destroy", "-auto-approve", "-input=false")
