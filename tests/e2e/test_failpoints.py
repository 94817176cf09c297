"""The control plane is killed at chosen steps of operations, by itself; its store refuses or stalls. Real processes all around."""
import contextlib
import os
import pathlib
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

import pytest
import redis
from botocore.exceptions import BotoCoreError, ClientError

from conftest import BIN, answers, pid_listening, redis_cli, wait_until
from parts import Parts

KEYS = 300


@pytest.fixture(name="parts")
def make_parts(pool_slots):
    base = pathlib.Path(tempfile.mkdtemp(prefix="larder-parts-"))
    made = Parts(pool_slots.take(), base)
    made.start().start_hosts()
    wait_until(lambda: made.log.read_text().count("host enrolled") == 3, "the hosts are there")
    try:
        yield made
    finally:
        try:
            made.close()
        finally:
            shutil.rmtree(base, ignore_errors=True)


def describe(parts, name):
    return parts.client().describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]


def wait_available(parts, name):
    def is_available():
        with contextlib.suppress(BotoCoreError):
            return describe(parts, name)["Status"] == "available"
        return False
    wait_until(is_available, f"{name} is available")


def members(parts, name):
    return [m for shard in describe(parts, name)["NodeGroups"] for m in shard["NodeGroupMembers"]]


def test_every_step_of_every_operation_is_listed():
    done = subprocess.run([BIN / "larderd", "--list-failpoints"], stdout=subprocess.PIPE, text=True, check=True, timeout=10)
    assert {"group-create:await_members", "group-failover:promote", "group-move:moving"} <= set(done.stdout.split())
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([BIN / "larderd", "--state-dir", folder], stderr=subprocess.PIPE, text=True, check=False,
                              timeout=10, env=dict(os.environ, LARDER_FAILPOINT="group-create:no_such_step:crash"))
        assert done.returncode == 2 and "no such step" in done.stderr


class Cluster:
    """A group in cluster mode, with keys in it that must outlive everything."""

    def __init__(self, parts):
        self.parts = parts

    def endpoint(self):
        at = describe(self.parts, "fp")["ConfigurationEndpoint"]
        return redis.RedisCluster(at["Address"], at["Port"], socket_timeout=5)

    def fill(self):
        with self.endpoint() as client:
            for number in range(KEYS):
                client.set(f"key:{number}", number)
            client.wait(1, 5000)

    def check(self):
        def is_whole():
            with contextlib.suppress(redis.RedisError), self.endpoint() as client:
                return [client.get(f"key:{n}") for n in range(KEYS)] == [str(n).encode() for n in range(KEYS)]
            return False
        wait_until(is_whole, "all keys are there")

    def primary(self, shard="0001"):
        group = next(s for s in describe(self.parts, "fp")["NodeGroups"] if s["NodeGroupId"] == shard)
        for member in group["NodeGroupMembers"]:
            pid = pid_listening(self.parts.mark, *self.address(member))
            if pid and redis_cli_role(self.address(member)) == "master":
                return pid
        return None

    def address(self, member):
        node = self.parts.client().describe_cache_clusters(CacheClusterId=member["CacheClusterId"], ShowCacheNodeInfo=True)
        endpoint = node["CacheClusters"][0]["CacheNodes"][0]["Endpoint"]
        return endpoint["Address"], endpoint["Port"]


def redis_cli_role(address):
    return redis_cli({"Address": address[0], "Port": address[1]}, "ROLE").splitlines()[0:1] == ["master"] and "master"


def test_a_control_plane_that_dies_at_a_step_leaves_nothing_doubled_and_nothing_behind(parts):
    cluster = Cluster(parts)

    def create():
        parts.client().create_replication_group(
            ReplicationGroupId="fp", ReplicationGroupDescription="d", CacheNodeType="cache.t4g.micro", Engine="redis",
            NumNodeGroups=2, ReplicasPerNodeGroup=1, AutomaticFailoverEnabled=True)

    def fail_over():
        os.kill(wait_until(cluster.primary, "the shard has a primary"), signal.SIGKILL)

    def switch():
        parts.client().test_failover(ReplicationGroupId="fp", NodeGroupId="0002")

    def switch_other():
        parts.client().test_failover(ReplicationGroupId="fp", NodeGroupId="0003")

    def add_replicas():
        parts.client().increase_replica_count(ReplicationGroupId="fp", NewReplicaCount=2, ApplyImmediately=True)

    def remove_replicas():
        parts.client().decrease_replica_count(ReplicationGroupId="fp", NewReplicaCount=1, ApplyImmediately=True)

    def add_shard():
        parts.client().modify_replication_group_shard_configuration(ReplicationGroupId="fp", NodeGroupCount=3,
                                                                    ApplyImmediately=True)

    def remove_shard():
        parts.client().modify_replication_group_shard_configuration(
            ReplicationGroupId="fp", NodeGroupCount=2, NodeGroupsToRemove=["0001"], ApplyImmediately=True)

    def delete():
        parts.client().delete_replication_group(ReplicationGroupId="fp")

    # Each control plane ends what the one before began, and is to die in what comes next.
    plays = [(create, "group-create:await_members:crash:before", 4),
             (fail_over, "group-failover:promote:crash:before", 4),
             (switch, "group-switch:fence:crash", 4),
             (fail_over, "group-failover:promote:crash", 4),
             (switch, "group-switch:promote:crash:before", 4),
             (add_replicas, "group-replicas:tell_replicas:crash", 6),
             (add_shard, "group-move:moving:crash:before", 9),
             (remove_replicas, "group-replicas:await_members:crash:before", 6),
             (remove_shard, "group-reshard:release_shards:crash", 4),
             (switch_other, "group-switch:demote:crash", 4),
             (delete, "group-delete:forget:crash:before", 0)]
    parts.stop_plane()
    engines = 0
    for number, (begin, failpoint, engines_then) in enumerate(plays):
        parts.start(failpoint)
        if number > 0:
            wait_available(parts, "fp")
            (cluster.fill if number == 1 else cluster.check)()
            parts.engine_count_is(engines)
            assert len({cluster.address(m) for m in members(parts, "fp")}) == engines, failpoint
        begin()
        parts.await_death()
        engines = engines_then
    parts.start()
    wait_until(lambda: parts.client().describe_replication_groups()["ReplicationGroups"] == [], "the group is gone")
    parts.engine_count_is(0)
    assert parts.client().describe_cache_clusters()["CacheClusters"] == []
    for folder in parts.base.glob("host-*/nodes"):
        wait_until(lambda at=folder: list(at.iterdir()) == [], f"{folder} is empty")


# --- the store refuses, or stalls ---------------------------------------------------------------------------


def make_pair(parts):
    client = parts.client()
    client.create_replication_group(ReplicationGroupId="rg", ReplicationGroupDescription="d", CacheNodeType="cache.t4g.micro",
                                    Engine="redis", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    wait_available(parts, "rg")
    shard = describe(parts, "rg")["NodeGroups"][0]
    at = {m["CurrentRole"]: m["ReadEndpoint"] for m in shard["NodeGroupMembers"]}
    assert redis_cli(at["primary"], "SET", "greeting", "hello") == "OK"
    wait_until(lambda: redis_cli(at["replica"], "GET", "greeting") == "hello", "the replica has it")
    return at


def role_of(endpoint):
    return redis_cli(endpoint, "ROLE").split("\n", maxsplit=1)[0]


@contextlib.contextmanager
def full_disk(pid):
    """Nothing that the process writes is kept any more: every file is too large already."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


def test_without_a_durable_term_nobody_is_promoted_until_the_disk_has_room_again(parts):
    at = make_pair(parts)
    with full_disk(parts.plane.pid):
        with pytest.raises(ClientError) as refused:
            parts.client().create_cache_cluster(CacheClusterId="late", Engine="redis", CacheNodeType="cache.t4g.micro",
                                                NumCacheNodes=1)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
        assert describe(parts, "rg")["Status"] == "available"
        assert redis_cli(at["primary"], "SET", "greeting", "hello again") == "OK"
        before = history_of(at["replica"])
        os.kill(pid_listening(parts.mark, at["primary"]["Address"], at["primary"]["Port"]), signal.SIGKILL)
        wait_until(lambda: "master_link_status:down" in redis_cli(at["replica"], "INFO", "replication"),
                   "the replica has noticed")
        for _ in range(3):  # several passes of the reconciler, and beats of the hosts
            with pytest.raises(ClientError):
                parts.client().create_cache_cluster(CacheClusterId="late", Engine="redis", CacheNodeType="cache.t4g.micro",
                                                    NumCacheNodes=1)
            assert role_of(at["replica"]) == "slave"
        assert history_of(at["replica"]) == before
        assert redis_cli(at["replica"], "GET", "greeting") == "hello again"
    wait_until(lambda: role_of(at["replica"]) == "master", "it takes over once that can be written down")
    assert redis_cli(at["replica"], "GET", "greeting") == "hello again"
    wait_until(lambda: role_of(at["primary"]) == "slave", "the dead one is back behind it")
    wait_available(parts, "rg")


def history_of(endpoint):
    """Another one begins with each promotion."""
    return [line for line in redis_cli(endpoint, "INFO", "replication").splitlines() if line.startswith("master_replid:")]


def test_a_disk_that_stalls_makes_nobody_fail_over(parts):
    at = make_pair(parts)
    engines = parts.pids("larder-engine")
    with contextlib.closing(sqlite3.connect(parts.base / "plane" / "larder.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # whoever writes waits
        began = parts.log.read_text().count("roles set")
        time.sleep(2)  # for so long
        assert redis_cli(at["primary"], "SET", "greeting", "meanwhile") == "OK"
        other.execute("COMMIT")
    wait_until(lambda: answers(parts.client()), "the API answers")
    parts.client().create_cache_cluster(CacheClusterId="after", Engine="redis", CacheNodeType="cache.t4g.micro", NumCacheNodes=1)
    wait_until(lambda: parts.client().describe_cache_clusters(CacheClusterId="after")["CacheClusters"][0]["CacheClusterStatus"]
               == "available", "what is asked for afterwards comes about")
    assert parts.log.read_text().count("roles set") == began, "nobody got another role"
    assert set(engines) <= set(parts.pids("larder-engine"))
    assert role_of(at["primary"]) == "master"


def test_a_failover_waits_for_a_disk_that_stalls_and_then_is_made(parts):
    at = make_pair(parts)
    with contextlib.closing(sqlite3.connect(parts.base / "plane" / "larder.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        os.kill(pid_listening(parts.mark, at["primary"]["Address"], at["primary"]["Port"]), signal.SIGKILL)
        wait_until(lambda: "master_link_status:down" in redis_cli(at["replica"], "INFO", "replication"),
                   "the replica has noticed")
        time.sleep(1)
        assert role_of(at["replica"]) == "slave", "no term is on the disk"
        other.execute("COMMIT")
    wait_until(lambda: role_of(at["replica"]) == "master", "it takes over")
    assert redis_cli(at["replica"], "GET", "greeting") == "hello"
    wait_until(lambda: role_of(at["primary"]) == "slave", "the dead one is back behind it")
