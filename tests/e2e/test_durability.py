"""What acknowledged writes outlive: groups in sync and bounded, and the ways between them."""
import contextlib
import json
import os
import signal

import pytest
import redis
from botocore.exceptions import ClientError

from conftest import wait_until
from test_groups import Group, Writer

TAG = "larder:durability"


def tagged(durability):
    """For clients that know no member of that name."""
    return {"Tags": [{"Key": TAG, "Value": durability}]}


def durability(house, name):
    """What was asked for and what is in force, as newer clients see it."""
    done = house.larder("describe-replication-groups", "--replication-group-id", name)
    group = json.loads(done.stdout)["ReplicationGroups"][0]
    return group["Durability"], group["EffectiveDurability"]


def reader_of(group):
    shard = group.shard()
    return next(m["ReadEndpoint"] for m in shard["NodeGroupMembers"] if m["CurrentRole"] == "replica")


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def writes(client):
    with contextlib.suppress(redis.RedisError):
        return client.set("k", "v")


def turn(house, group, to):
    done = house.larder("modify-replication-group", "--replication-group-id", group.name, "--durability", to)
    assert done.returncode == 0, done.stderr
    group.wait()


def test_no_write_that_was_acknowledged_in_sync_is_lost_with_its_primary(house):
    group = Group.create(house, "sure", NumCacheClusters=3, AutomaticFailoverEnabled=True, **tagged("sync"))
    assert durability(house, "sure") == ("sync", "sync")
    with Writer([m["ReadEndpoint"] for m in group.shard()["NodeGroupMembers"]]) as writer:
        for _ in range(3):
            old = next(name for name, role in group.roles().items() if role == "primary")
            os.kill(house.engine_pid(group.primary()), signal.SIGKILL)
            wait_until(lambda old=old: group.roles()[old] == "replica", "another one is the primary")
            # With the next write that is acknowledged another member has all: so it may end at once.
            before = len(writer.acknowledged)
            wait_until(lambda before=before: len(writer.acknowledged) > before + 10, "writes go on")
    assert writer.lost(group.primary()) == []
    assert len([m for m in group.messages() if m.startswith("Failover from primary node")]) == 3


def test_writes_wait_for_replicas_and_go_on(house):
    group = Group.create(house, "waits", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    primary = group.primary()
    client = redis.Redis(primary["Address"], primary["Port"], socket_timeout=0.3)
    turn(house, group, "sync")
    with pytest.raises(ClientError, match="Durability sync needs AutomaticFailoverEnabled"):
        group.client.modify_replication_group(ReplicationGroupId="waits", AutomaticFailoverEnabled=False)
    assert durability(house, "waits") == ("sync", "sync")
    with stopped(house.engine_pid(reader_of(group))):
        with pytest.raises(redis.TimeoutError):
            client.set("k", "nobody has it")
        assert client.get("k") == b"nobody has it"
    wait_until(lambda: writes(client), "writes go on")

    turn(house, group, "async")
    assert durability(house, "waits") == ("async", "async")
    with stopped(house.engine_pid(reader_of(group))):
        assert client.set("k", "the primary has it")

    arn = group.describe()["ARN"]
    group.client.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": TAG, "Value": "bounded"}])
    group.wait()
    assert durability(house, "waits") == ("bounded", "bounded")
    assert writes(client)
    group.client.remove_tags_from_resource(ResourceName=arn, TagKeys=[TAG])
    group.wait()
    assert durability(house, "waits") == ("async", "async")


def test_a_group_may_go_on_without_a_member_that_says_nothing(house):
    tags = [*tagged("sync")["Tags"], {"Key": "larder:promote-stale", "Value": "1"}]
    group = Group.create(house, "hasty", NumCacheClusters=3, AutomaticFailoverEnabled=True, Tags=tags)
    assert durability(house, "hasty") == ("sync", "sync")
    old = group.primary()
    with stopped(house.engine_pid(reader_of(group))):
        os.kill(house.engine_pid(old), signal.SIGKILL)
        wait_until(lambda: group.primary() != old, "another one is the primary")
    assert [m for m in group.messages() if m.startswith("Acknowledged writes of node group 0001 may be lost")]
