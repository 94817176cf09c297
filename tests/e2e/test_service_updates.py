"""Service updates: a host's engine is replaced by a newer build, and nodes go over to it with their data."""
import os
import shutil
import signal

import pytest

import conftest
from conftest import redis_cli, wait_until
from test_groups import Group

PROGRAMS = ("larder", "larderd", "larder-agent", "larder-shim", "larder-engine")


@pytest.fixture(name="folder")
def make_folder(tmp_path, monkeypatch):
    """Programs of the test's own, of which the engine may be replaced."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in PROGRAMS:
        shutil.copy(conftest.BIN / program, folder / program)
    monkeypatch.setattr(conftest, "BIN", folder)
    return folder


def replace_engine(service, folder, version):
    """Puts another build on the hosts, and starts their agents anew, as an upgrade of the package would."""
    (folder / "larder-engine").rename(folder / "engine-before")
    script = folder / "larder-engine"
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "larder-engine {version}" && exit\n'
                      f'exec {folder}/engine-before "$@"\n')
    script.chmod(0o755)
    agents = service.pids("larder-agent")
    for pid in agents:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(service.pids("larder-agent")) - set(agents)) == 3, "the agents are back")


def the_update(client):
    wait_until(lambda: client.describe_service_updates()["ServiceUpdates"], "an update")
    (update,) = client.describe_service_updates()["ServiceUpdates"]
    return update


def action(client, name, **more):
    found = client.describe_update_actions(ReplicationGroupIds=[name], **more)["UpdateActions"]
    return found[0] if found else None


def test_a_newer_build_is_offered_applied_one_by_one(new_service, folder):
    service = new_service().start()
    client = service.client()
    group = Group.create(service, "rg", NumCacheClusters=3, AutomaticFailoverEnabled=True)
    service.create("c1")
    redis_cli(group.primary(), "SET", "greeting", "hello")
    redis_cli(service.endpoints("c1")[0], "SET", "greeting", "there")
    assert client.describe_service_updates()["ServiceUpdates"] == []
    assert client.describe_update_actions()["UpdateActions"] == []

    replace_engine(service, folder, "9.9.9")
    update = the_update(client)
    name = update["ServiceUpdateName"]
    assert name.startswith("elc-20") and update["ServiceUpdateStatus"] == "available"
    wait_until(lambda: len(client.describe_update_actions()["UpdateActions"]) == 2, "both are concerned")
    assert action(client, "rg")["UpdateActionStatus"] == "not-applied"
    assert action(client, "rg")["NodesUpdated"] == "0/3"

    answer = client.batch_apply_update_action(ServiceUpdateName=name, ReplicationGroupIds=["rg", "no-such"],
                                              CacheClusterIds=["c1"])
    assert {p["UpdateActionStatus"] for p in answer["ProcessedUpdateActions"]} == {"waiting-to-start"}
    (wrong,) = answer["UnprocessedUpdateActions"]
    assert wrong["ReplicationGroupId"] == "no-such" and wrong["ErrorType"] == "InvalidParameterValue"
    group.wait()
    service.wait_available("c1")
    done = action(client, "rg", ShowNodeLevelUpdateStatus=True)
    assert (done["UpdateActionStatus"], done["NodesUpdated"]) == ("complete", "3/3")
    members = done["NodeGroupUpdateStatus"][0]["NodeGroupMemberUpdateStatus"]
    assert [m["NodeUpdateStatus"] for m in members] == ["complete"] * 3
    assert redis_cli(group.primary(), "GET", "greeting") == "hello"
    assert redis_cli(service.endpoints("c1")[0], "GET", "greeting") == "there"
    assert group.roles()["rg-001"] == "replica"  # its replicas were first, and one of them took over
