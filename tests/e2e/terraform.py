"""The Terraform AWS provider, unmodified and without skip flags, over a folder of its own.

A user's terraform begins the provider anew up to three times in each command and tells it the service's address in its block; the
provider then takes eight seconds of a processor for each command, most of them to read its `endpoints`. One file of tests does
so. The others start the provider once, with the flag that it has for that, and name the service by the variable that stands for
all endpoints: two seconds.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import wait_until

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
{endpoints}}}
"""

ENDPOINTS = """
  endpoints {{
    elasticache = "{url}"
    sts         = "{url}"
    ec2         = "{url}"
    iam         = "{url}"
  }}
"""


def environment(**more):
    """That of the tests without what it may say of AWS: all that the provider is told stands in its block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    return dict(kept, AWS_EC2_METADATA_DISABLED="true", **more)


@contextlib.contextmanager
def provider_running(folder, url):
    """The provider as a process of its own, over the service at `url`; gives what TF_REATTACH_PROVIDERS has to be."""
    program, = pathlib.Path(PLUGINS).glob("*/hashicorp/aws/*/*/terraform-provider-aws*")
    said, log = pathlib.Path(folder, "provider.out"), pathlib.Path(folder, "provider.log")
    with open(said, "wb") as stdout, open(log, "wb") as stderr:
        provider = subprocess.Popen([program, "-debug"], cwd=folder, env=environment(AWS_ENDPOINT_URL=url),
                                    stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
    try:
        found = wait_until(lambda: re.search("TF_REATTACH_PROVIDERS='(.*)'", said.read_text()), "the provider to listen",
                           timeout=60, pause=0.1)
        yield found.group(1)
    finally:
        provider.kill()
        provider.wait()


class Terraform:
    """A working folder; `write` replaces what is configured beside the provider, which runs already where it is `attached`."""

    def __init__(self, folder, url, attached=None):
        self.folder = pathlib.Path(folder)
        (self.folder / "provider.tf").write_text(PROVIDER.format(endpoints="" if attached else ENDPOINTS.format(url=url)))
        (self.folder / "cli.tfrc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{PLUGINS}"\n  }}\n}}\n')
        self.environment = environment(TF_CLI_CONFIG_FILE=str(self.folder / "cli.tfrc"), TF_IN_AUTOMATION="1",
                                       CHECKPOINT_DISABLE="1")
        if attached:
            self.environment.update(TF_REATTACH_PROVIDERS=attached, AWS_ENDPOINT_URL=url)
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

    def json_output(self, name):
        return json.loads(self.output(name))

    def destroy(self):
        return self.run("destroy", "-auto-approve", "-input=false")
