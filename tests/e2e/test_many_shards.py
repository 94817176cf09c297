"""Quotas that are raised, and a group of 500 shards by the API; its hosts and engines are played (tests/bench/fleetbench)."""
import pathlib
import signal
import subprocess
import sys
import tempfile

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import BIN, ROOT, wait_until

sys.path.insert(0, str(ROOT / "tests" / "bench"))

from fleetbench.actors import Actors  # noqa: E402

SHARDS, HOSTS = 500, 100
REPLICAS = [1 if number % 20 == 0 else 0 for number in range(SHARDS)]
NODES = SHARDS + sum(REPLICAS)


def start_larderd(folder, *flags):
    proc = subprocess.Popen([BIN / "larderd", "--state-dir", folder, "--listen", "127.0.0.1:0", "--dns", "off", "--vote",
                             "off", "--auth", "open", "--log-level", "error", *flags],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    line = proc.stdout.readline()
    assert line.startswith("ready "), line
    return proc, line.split()[1]


@pytest.fixture
def service():
    """A control plane with raised quotas, and its hosts."""
    with tempfile.TemporaryDirectory(prefix="larder-shards-") as folder:
        proc, url = start_larderd(folder, "--quota",
                                  f"shards-per-group={SHARDS},nodes-per-group={NODES},nodes-per-region={NODES + 1}")
        actors = Actors(pathlib.Path(BIN), url, HOSTS)
        try:
            wait_until(lambda: actors.stat()["syncs"] >= HOSTS, "all hosts are there")
            yield actors, boto3.client("elasticache", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x",
                                       aws_secret_access_key="y",
                                       config=Config(retries={"total_max_attempts": 1}, read_timeout=120))
        finally:
            actors.stop()
            proc.send_signal(signal.SIGTERM)
            assert proc.wait(60) == 0


def create(client, name, replicas):
    """A group with so many replicas in each of its shards."""
    return client.create_replication_group(
        ReplicationGroupId=name, ReplicationGroupDescription="d", Engine="redis", CacheNodeType="cache.t4g.small",
        NumNodeGroups=len(replicas), AutomaticFailoverEnabled=True,
        NodeGroupConfiguration=[{"ReplicaCount": count} for count in replicas])


def described(client):
    return client.describe_replication_groups(ReplicationGroupId="big")["ReplicationGroups"][0]


def is_whole(stat):
    return stat["running"] == NODES and stat["linked"] == sum(REPLICAS)


def refusal(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]


def test_a_group_of_500_shards_is_made_fails_over_and_goes(service):
    actors, client = service
    error = refusal(lambda: create(client, "more", [0] * (SHARDS + 1)))
    assert error["Code"] == "NodeGroupsPerReplicationGroupQuotaExceeded" and str(SHARDS) in error["Message"]
    assert refusal(lambda: create(client, "more", [1] * SHARDS))["Code"] == "NodeQuotaForClusterExceeded"
    create(client, "big", REPLICAS)
    wait_until(lambda: is_whole(actors.stat()), "all members are there", timeout=120, pause=0.1)
    group = wait_until(lambda: (g := described(client))["Status"] == "available" and g, "the group is there", pause=0.5)
    groups = group["NodeGroups"]
    assert [g["NodeGroupId"] for g in groups] == [f"{i + 1:04}" for i in range(SHARDS)]
    slots = [tuple(map(int, g["Slots"].split("-"))) for g in groups]
    assert slots[0][0] == 0 and slots[-1][1] == 16383
    assert all(a[1] + 1 == b[0] for a, b in zip(slots, slots[1:])), "no slot is left out, none is anybody's twice"
    assert [len(g["NodeGroupMembers"]) - 1 for g in groups] == REPLICAS
    assert refusal(lambda: create(client, "more", [1]))["Code"] == "NodeQuotaForCustomerExceeded"

    assert len(actors.crash(10, 0)) == 10, "each crashed primary has a successor"
    stat = wait_until(lambda: is_whole(s := actors.stat()) and s, "all are back", timeout=120, pause=0.1)
    assert stat["surprises"] == 0

    client.delete_replication_group(ReplicationGroupId="big")
    wait_until(lambda: actors.stat()["nodes"] == 0, "the hosts have nothing left", timeout=120, pause=0.1)
    wait_until(lambda: not client.describe_replication_groups()["ReplicationGroups"], "it is gone", pause=0.5)
