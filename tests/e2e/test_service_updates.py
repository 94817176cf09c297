"""Service updates: a host's engine is replaced by a newer build, and nodes go over to it with their data."""
import os
import shutil
import signal
import subprocess

import pytest

import conftest
from conftest import redis_cli, wait_until
from test_groups import Group
from test_maintenance import CLOSED, OPEN, snapshot_window, window

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


def next_patch(folder):
    """A version that follows that of the engine there."""
    words = subprocess.run([folder / "larder-engine", "--version"], capture_output=True, text=True, check=True).stdout.split()
    major, minor, patch = words[1].split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def the_update(client):
    wait_until(lambda: client.describe_service_updates()["ServiceUpdates"], "an update")
    (update,) = client.describe_service_updates()["ServiceUpdates"]
    return update


def action(client, name, **more):
    found = client.describe_update_actions(ReplicationGroupIds=[name], **more)["UpdateActions"]
    return found[0] if found else None


def stopped_at_once(service, client, update, group):
    """Applies an update and stops it before the hosts can do more than begin with it."""
    agents = service.pids("larder-agent")
    for pid in agents:
        os.kill(pid, signal.SIGSTOP)
    client.batch_apply_update_action(ServiceUpdateName=update, ReplicationGroupIds=[group])
    answer = client.batch_stop_update_action(ServiceUpdateName=update, ReplicationGroupIds=[group])
    for pid in agents:
        os.kill(pid, signal.SIGCONT)
    return answer


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
    wait_until(lambda: action(client, "rg")["UpdateActionStatus"] == "not-applied", "all hosts offer it")
    assert action(client, "rg")["NodesUpdated"] == "0/3" and not update["AutoUpdateAfterRecommendedApplyByDate"]

    (stopping,) = stopped_at_once(service, client, name, "rg")["ProcessedUpdateActions"]
    assert stopping["UpdateActionStatus"] == "stopping"
    group.wait()
    half = action(client, "rg", ShowNodeLevelUpdateStatus=True)
    assert half["UpdateActionStatus"] == "stopped" and half["NodesUpdated"] in ("0/3", "1/3")
    members = half["NodeGroupUpdateStatus"][0]["NodeGroupMemberUpdateStatus"]
    assert [m["NodeUpdateStatus"] for m in members].count("stopped") >= 2
    (wrong,) = client.batch_stop_update_action(ServiceUpdateName=name, ReplicationGroupIds=["rg"])["UnprocessedUpdateActions"]
    assert wrong["ErrorType"] == "InvalidParameterValue"

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
    assert done["SlaMet"] == "yes" and all(m["NodeUpdateEndDate"] <= done["UpdateActionStatusModifiedDate"] for m in members)
    begun = [m for m in members if m["NodeUpdateInitiatedBy"] == "customer" and "NodeUpdateStartDate" in m]
    assert len(begun) >= 2 and all(m["NodeUpdateStartDate"] <= m["NodeUpdateEndDate"] for m in begun)
    assert redis_cli(group.primary(), "GET", "greeting") == "hello"
    assert redis_cli(service.endpoints("c1")[0], "GET", "greeting") == "there"
    assert group.roles()["rg-001"] == "replica"  # its replicas were first, and one of them took over


def test_what_waited_for_too_long_is_applied_in_the_window(new_service, folder):
    service = new_service("--update-days", "0").start()
    client = service.client()
    service.create("c1", PreferredMaintenanceWindow=window(CLOSED), SnapshotWindow=snapshot_window())
    service.create("m1", engine="memcached", nodes=2, PreferredMaintenanceWindow=window(CLOSED))
    service.wait_available("c1")
    service.wait_available("m1")
    redis_cli(service.endpoints("c1")[0], "SET", "greeting", "hello")

    replace_engine(service, folder, next_patch(folder))
    update = the_update(client)
    name = update["ServiceUpdateName"]
    assert update["AutoUpdateAfterRecommendedApplyByDate"] and update["ServiceUpdateSeverity"] == "medium"

    def of(cluster):
        return client.describe_update_actions(CacheClusterIds=[cluster], ShowNodeLevelUpdateStatus=True)["UpdateActions"][0]

    def statuses():
        return {a["UpdateActionStatus"] for a in client.describe_update_actions()["UpdateActions"]}
    wait_until(lambda: statuses() == {"scheduled"}, "both wait for their windows", timeout=15)
    assert service.describe("c1")["CacheClusterStatus"] == "available"
    assert [m for _, m in service.events("m1")].count("Service update is available for cache node 0002.") == 1
    (stopped,) = client.batch_stop_update_action(ServiceUpdateName=name, CacheClusterIds=["m1"])["ProcessedUpdateActions"]
    assert stopped["CacheClusterId"] == "m1" and of("m1")["UpdateActionStatus"] == "stopped"

    for cluster in ("m1", "c1"):
        client.modify_cache_cluster(CacheClusterId=cluster, PreferredMaintenanceWindow=window(OPEN))
    wait_until(lambda: of("c1")["UpdateActionStatus"] == "complete", "it is applied", timeout=30)
    service.wait_available("c1")
    done = of("c1")
    assert done["CacheNodeUpdateStatus"][0]["NodeUpdateInitiatedBy"] == "system" and done["SlaMet"] == "no"
    assert redis_cli(service.endpoints("c1")[0], "GET", "greeting") == "hello"
    assert of("m1")["UpdateActionStatus"] == "stopped"  # its owner does not want it
