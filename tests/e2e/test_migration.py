"""Data of a running redis-server is moved into a replication group, online, and taken over."""
import contextlib
import json
import os
import signal
import subprocess

import pytest
from botocore.exceptions import ClientError

from conftest import free_port, redis_cli, wait_until
from test_groups import Group, Writer, info


class Source:
    """A redis-server of somebody's own."""

    def __init__(self, folder, *flags):
        self.endpoint = {"Address": "127.0.0.1", "Port": free_port()}
        self.process = subprocess.Popen(["redis-server", "--port", str(self.endpoint["Port"]), "--save", "", "--dir", str(folder),
                                         "--repl-diskless-sync-delay", "0", *flags], stdout=subprocess.DEVNULL)
        wait_until(lambda: redis_cli(self.endpoint, "PING") in ("PONG", "NOAUTH Authentication required."), "the source answers")

    def fill(self, count):
        redis_cli(self.endpoint, "EVAL", "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'key:' .. i, i) end", "0", str(count))

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(name="new_source")
def make_sources(tmp_path):
    with contextlib.ExitStack() as stack:
        def make(*flags):
            source = Source(tmp_path, *flags)
            stack.callback(source.stop)
            return source
        yield make


def start(group, source):
    group.client.start_migration(ReplicationGroupId=group.name, CustomerNodeEndpointList=[source.endpoint])
    assert group.describe()["Status"] == "modifying"
    group.wait()


def ask_test(house, name, endpoint):
    """Debian's boto3 does not know this operation."""
    return house.larder("test-migration", "--replication-group-id", name, "--customer-node-endpoint-list", json.dumps([endpoint]))


def member(group, role):
    return next(m["ReadEndpoint"] for m in group.shard()["NodeGroupMembers"] if m["CurrentRole"] == role)


def test_data_comes_over_and_the_group_takes_it_over(house, new_source):
    source = new_source()
    source.fill(1000)
    group = Group.create(house, "moved", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    redis_cli(group.primary(), "SET", "old", "gone")
    start(group, source)
    assert group.messages()[0] == f"Replication group moved is in sync with 127.0.0.1:{source.endpoint['Port']}"
    primary, replica = member(group, "primary"), member(group, "replica")
    assert redis_cli(primary, "DBSIZE") == redis_cli(replica, "DBSIZE") == "1000"
    assert redis_cli(primary, "SET", "a", "b").startswith("READONLY")
    assert info(primary)["role"] == "slave" and info(replica)["master_host"] == primary["Address"]
    with pytest.raises(ClientError, match="ReplicationGroupAlreadyUnderMigrationFault"):
        group.client.start_migration(ReplicationGroupId="moved", CustomerNodeEndpointList=[source.endpoint])
    with pytest.raises(ClientError, match="InvalidReplicationGroupState"):
        group.client.modify_replication_group(ReplicationGroupId="moved", ReplicationGroupDescription="no")

    with Writer([source.endpoint]) as writer:
        wait_until(lambda: len(writer.acknowledged) > 200, "the source goes on")
    group.client.complete_migration(ReplicationGroupId="moved")
    group.wait()
    assert group.messages()[0] == "Migration to replication group moved completed"
    assert writer.lost(primary) == []
    assert redis_cli(primary, "SET", "new", "mine") == "OK"
    wait_until(lambda: redis_cli(replica, "GET", "new") == "mine", "the replica has what is new")
    assert redis_cli(source.endpoint, "GET", "new") == ""
    with pytest.raises(ClientError, match="ReplicationGroupNotUnderMigrationFault"):
        group.client.complete_migration(ReplicationGroupId="moved")


def test_a_replica_that_takes_over_goes_on_following(house, new_source):
    source = new_source()
    group = Group.create(house, "chained", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    start(group, source)
    redis_cli(source.endpoint, "SET", "first", "yes")
    wait_until(lambda: redis_cli(member(group, "replica"), "GET", "first") == "yes", "the stream has begun")
    os.kill(house.engine_pid(member(group, "primary")), signal.SIGKILL)
    wait_until(lambda: group.roles() == {"chained-001": "replica", "chained-002": "primary"}, "the replica took over")
    redis_cli(source.endpoint, "SET", "later", "yes")
    wait_until(lambda: redis_cli(member(group, "primary"), "GET", "later") == "yes", "the new primary follows")
    wait_until(lambda: redis_cli(member(group, "replica"), "GET", "later") == "yes", "so does the one before")
    source.stop()
    group.client.complete_migration(ReplicationGroupId="chained", Force=True)
    group.wait()
    assert redis_cli(member(group, "primary"), "SET", "mine", "now") == "OK"
    assert redis_cli(member(group, "primary"), "GET", "later") == "yes"


def test_a_test_says_what_would_be(house, new_source):
    group = Group.create(house, "tested", NumCacheClusters=1)
    redis_cli(group.primary(), "SET", "kept", "yes")

    def told(endpoint):
        assert ask_test(house, "tested", endpoint).returncode == 0
        group.wait()
        return group.messages()[0]

    source, closed, cluster = new_source(), new_source("--requirepass", "secret"), new_source("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    assert told(source.endpoint) == f"Data can be migrated from 127.0.0.1:{source.endpoint['Port']} to replication group tested"
    assert told(closed.endpoint).endswith("failed: the source asks for a password")
    assert told(cluster.endpoint).endswith("failed: the source has cluster mode enabled")
    nobody = {"Address": "127.0.0.1", "Port": free_port()}
    assert f"the source 127.0.0.1:{nobody['Port']} cannot be reached" in told(nobody)
    redis_cli(source.endpoint, "REPLICAOF", "127.0.0.1", str(nobody["Port"]))
    assert told(source.endpoint).endswith("the source is a replica that is not connected to its primary")
    assert redis_cli(group.primary(), "GET", "kept") == "yes"
    assert redis_cli(group.primary(), "SET", "kept", "still") == "OK"

    group.client.start_migration(ReplicationGroupId="tested", CustomerNodeEndpointList=[closed.endpoint])
    group.wait()
    assert group.messages()[0] == "Migration to replication group tested failed: the source asks for a password"
    assert redis_cli(group.primary(), "GET", "kept") == "still"


def test_groups_that_cannot_follow_are_refused(house):
    Group.create(house, "sharded", NumNodeGroups=2, ReplicasPerNodeGroup=0)
    Group.create(house, "secret", NumCacheClusters=1, TransitEncryptionEnabled=True)
    client = house.client()
    endpoint = {"Address": "127.0.0.1", "Port": 6379}
    for name in ("sharded", "secret"):
        assert "InvalidReplicationGroupState" in ask_test(house, name, endpoint).stderr
        with pytest.raises(ClientError, match="InvalidReplicationGroupState"):
            client.start_migration(ReplicationGroupId=name, CustomerNodeEndpointList=[endpoint])
    with pytest.raises(ClientError, match="ReplicationGroupNotFoundFault"):
        client.start_migration(ReplicationGroupId="nobody", CustomerNodeEndpointList=[endpoint])
    Group.create(house, "plain", NumCacheClusters=1)
    for wrong in ([], [endpoint, endpoint], [{"Address": "", "Port": 1}], [{"Address": "a b", "Port": 1}],
                  [{"Address": "a", "Port": 0}], [{"Address": "a"}]):
        with pytest.raises(ClientError, match="InvalidParameterValue"):
            client.start_migration(ReplicationGroupId="plain", CustomerNodeEndpointList=wrong)
