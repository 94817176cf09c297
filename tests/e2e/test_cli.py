"""`larder` beside aws-cli: the same words, the same answers."""
import json
import subprocess
import time

import pytest

from conftest import BIN


@pytest.fixture(scope="module", autouse=True)
def a_few_clusters(house):
    house.create("one", Tags=[{"Key": "a", "Value": "1"}, {"Key": "\u00fc", "Value": "stra\u00dfe"}])
    house.create("two", engine="memcached", nodes=2)


ARN = "arn:aws:elasticache:us-east-1:000000000000:cluster:one"
SAME = [
    ["describe-cache-clusters"],
    ["describe-cache-clusters", "--show-cache-node-info"],
    ["describe-cache-clusters", "--no-show-cache-node-info", "--cache-cluster-id", "one"],
    ["describe-cache-clusters", "--cache-cluster-id", "one", "--show-cache-node-info"],
    ["describe-cache-clusters", "--max-items", "1"],
    ["describe-cache-clusters", "--no-paginate"],
    ["describe-cache-clusters", "--max-records", "20"],
    ["describe-cache-engine-versions"],
    ["describe-cache-engine-versions", "--engine", "memcached"],
    ["describe-cache-engine-versions", "--engine", "nonsense"],
    ["describe-events", "--source-type", "cache-cluster", "--source-identifier", "two"],
    ["list-tags-for-resource", "--resource-name", ARN],
    ["add-tags-to-resource", "--resource-name", ARN, "--tags", "Key=b,Value=two words", "Key=c"],
    ["remove-tags-from-resource", "--resource-name", ARN, "--tag-keys", "never", "there"],
    ["describe-cache-clusters", "--cache-cluster-id", "nowhere"],
    ["delete-cache-cluster", "--cache-cluster-id", "nowhere"],
    ["modify-cache-cluster", "--cache-cluster-id", "one", "--preferred-maintenance-window", "nonsense"],
    ["create-cache-cluster", "--cli-input-json", '{"CacheClusterId":"one","Engine":"redis"}'],
]


@pytest.mark.parametrize("words", SAME, ids=lambda w: " ".join(w)[:70])
def test_both_print_the_same(house, words):
    theirs, ours = house.aws("elasticache", *words), house.larder(*words)
    assert ours.stdout == theirs.stdout
    assert ours.stderr == theirs.stderr
    assert ours.returncode == theirs.returncode


def test_both_say_who_one_is(house):
    assert house.larder("get-caller-identity").stdout == house.aws("sts", "get-caller-identity").stdout
    assert house.larder("sts", "get-caller-identity").returncode == 0


@pytest.mark.parametrize("words", [
    ["describe-cache-clusters", "--bogus", "x"],
    ["create-cache-cluster"],
    ["create-cache-cluster", "--cache-cluster-id"],
    ["no-such-operation"],
], ids=" ".join)
def test_misuse_ends_alike(house, words):
    ours = house.larder(*words)
    assert ours.returncode == house.aws("elasticache", *words).returncode == 252
    assert ours.stdout == "" and ours.stderr.startswith("larder: ")


def test_a_whole_life_without_aws_cli(house):
    created = house.larder("create-cache-cluster", "--cache-cluster-id", "mine", "--engine", "redis",
                           "--cache-node-type", "cache.t4g.micro", "--num-cache-nodes", "1", "--tags", "Key=k,Value=v")
    assert created.returncode == 0, created.stderr
    assert json.loads(created.stdout)["CacheCluster"]["CacheClusterStatus"] == "creating"
    begun = time.monotonic()
    waited = house.larder("wait", "cache-cluster-available", "--cache-cluster-id", "mine")
    assert (waited.returncode, waited.stdout, waited.stderr) == (0, "", "")
    assert time.monotonic() - begun < 10
    assert house.larder("reboot-cache-cluster", "--cache-cluster-id", "mine", "--cache-node-ids-to-reboot",
                        "0001").returncode == 0
    assert house.larder("wait", "cache-cluster-available", "--cache-cluster-id", "mine").returncode == 0
    assert house.larder("delete-cache-cluster", "--cache-cluster-id", "mine").returncode == 0
    assert house.larder("wait", "cache-cluster-deleted", "--cache-cluster-id", "mine").returncode == 0
    assert house.larder("describe-cache-clusters", "--cache-cluster-id", "mine").returncode == 254


def test_waiting_for_what_cannot_come(house):
    waited = house.larder("wait", "cache-cluster-deleted", "--cache-cluster-id", "one")
    assert waited.returncode == 255
    assert waited.stderr.startswith("\nWaiter CacheClusterDeleted failed: ")


def test_input_may_come_from_a_file(house, tmp_path):
    (tmp_path / "in.json").write_text('{"CacheClusterId": "one", "ShowCacheNodeInfo": true}')
    by_file = house.larder("describe-cache-clusters", "--cli-input-json", f"file://{tmp_path}/in.json")
    assert by_file.stdout == house.larder("describe-cache-clusters", "--cache-cluster-id", "one",
                                          "--show-cache-node-info").stdout != ""


def test_nobody_there(house):
    ours = house.larder("describe-cache-clusters", "--endpoint-url", "http://127.0.0.1:1")
    assert ours.returncode == 255
    assert "http://127.0.0.1:1" in ours.stderr


def test_output_that_nobody_reads_is_no_disaster(house):
    """`larder ... | head -1` must not leave a core or a message."""
    with subprocess.Popen([str(BIN / "larder"), "describe-cache-engine-versions"], env=house.client_environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) in (0, -13, 255)


def test_help_for_every_command(house):
    text = house.larder("help").stdout
    commands = [line.split()[0] for line in text.splitlines() if line.startswith("    ") and "-" in line.split()[0]]
    assert "create-cache-cluster" in commands and len(commands) >= 11
    for command in commands:
        shown = house.larder(command, "--help")
        assert shown.returncode == 0 and command in shown.stdout
