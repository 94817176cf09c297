"""What running engines take on: roles, users, parameters, certificates, with a fake control plane."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

from conftest import wait_until
from test_agent import has, host, plane  # noqa: F401  pylint: disable=unused-import

REDIS_KINDS = [d for d in ("bundled", "redis") if has(d)]


def cli(host, node_id, *words, user=None, password=None, tls=None):
    goal = host.plane.goals[node_id]
    command = ["redis-cli", "-h", goal["Address"], "-p", str(goal["Port"])]
    if password:
        command += ["--user", user or "default", "--pass", password, "--no-auth-warning"]
    if tls:
        command += ["--tls", "--cacert", str(tls)]
    done = subprocess.run([*command, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10,
                          check=False)
    return done.stdout.strip()


def parameter(name, value, is_static=False):
    return {"Name": name, "Value": value, "IsStatic": is_static}


def primary(term, **more):
    return {"Term": term, "IsPrimary": True, "User": "larder-replica", "Password": "between-us", **more}


def replica(host, term, of, **more):
    goal = host.goal(of)
    return {"Term": term, "IsPrimary": False, "PrimaryAddress": goal["Address"], "PrimaryPort": goal["Port"],
            "User": "larder-replica", "Password": "between-us", **more}


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_parameters_change_while_the_engine_runs(host, plane, driver):
    host.start()
    first = host.run(1, driver=driver, SettingsVersion="p1", Parameters=[parameter("maxmemory-policy", "allkeys-lru")])
    assert first["AppliedSettings"] == "p1" and first["IsRebootPending"] is False
    plane.want(1, SettingsVersion="p2", MaxmemoryBytes=32 << 20,
               Parameters=[parameter("maxmemory-policy", "volatile-lfu"), parameter("timeout", "77")])
    second = plane.wait_node(1, AppliedSettings="p2")
    info = host.talk(1, "INFO memory\r\n")
    assert f"maxmemory:{32 << 20}\r\n" in info and "maxmemory_policy:volatile-lfu\r\n" in info
    plane.want(1, SettingsVersion="p3", Parameters=[])
    plane.wait_node(1, AppliedSettings="p3")
    assert "maxmemory_policy:noeviction\r\n" in host.talk(1, "INFO memory\r\n")
    assert second["Pid"] == first["Pid"] == plane.nodes[1]["Pid"]


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_a_static_parameter_waits_for_a_reboot_and_says_so(host, plane, driver):
    host.start()
    host.run(1, driver=driver, SettingsVersion="p1", Parameters=[parameter("databases", "16", True)])
    plane.want(1, SettingsVersion="p2", Parameters=[parameter("databases", "3", True)])
    plane.wait_node(1, AppliedSettings="p2", IsRebootPending=True)
    assert host.talk(1, "SELECT 5\r\n") == "+OK\r\n"
    os.kill(host.agents[-1].pid, signal.SIGKILL)
    host.start()
    plane.wait_node(1, AppliedSettings="p2", IsRebootPending=True)
    plane.want(1, BootCount=2)
    plane.wait_node(1, State="running", BootCount=2, IsRebootPending=False)
    assert host.talk(1, "SELECT 5\r\n").startswith("-ERR DB index is out of range")


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_a_replica_follows_its_primary_and_they_change_places(host, plane, driver):
    host.start()
    host.run(1, driver=driver, SettingsVersion="r1", Role=primary(1), RestartsAfterExit=False)
    assert cli(host, 1, "SET", "k", "v") == "OK"
    host.run(2, driver=driver, SettingsVersion="r1", Role=replica(host, 1, of=1))
    told = plane.wait_node(2, Role="replica", Term=1, IsLinkUp=True)
    assert cli(host, 2, "GET", "k") == "v"
    assert cli(host, 2, "SET", "k", "w").startswith("READONLY")
    assert plane.nodes[1]["Role"] == "primary" and plane.nodes[1]["Term"] == 1 and "IsLinkUp" not in plane.nodes[1]
    assert told["ReplicationOffset"] >= 0

    assert cli(host, 1, "SET", "k", "v") == "OK"
    plane.want(1, SettingsVersion="f2", Role=primary(2, IsFenced=True))
    fenced = plane.wait_node(1, AppliedSettings="f2")
    assert fenced["ReplicationOffset"] > told["ReplicationOffset"]
    assert cli(host, 1, "SET", "k", "w").startswith(("READONLY", "NOREPLICAS"))
    plane.want(2, SettingsVersion="r2", Role=primary(2, AfterOffset=fenced["ReplicationOffset"]))
    plane.wait_node(2, AppliedSettings="r2", Role="primary", Term=2)
    assert cli(host, 2, "SET", "k", "x") == "OK"
    plane.want(1, SettingsVersion="r2", Role=replica(host, 2, of=2))
    plane.wait_node(1, AppliedSettings="r2", Role="replica", IsLinkUp=True)
    wait_until(lambda: cli(host, 1, "GET", "k") == "x", "the old primary to have the new one's data")


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_an_order_of_an_older_term_is_refused(host, plane, driver):
    host.start()
    host.run(1, driver=driver, SettingsVersion="r5", Role=primary(5))
    plane.want(1, SettingsVersion="r4", Role=primary(4))
    report = plane.wait(lambda p: p.nodes[1] if "Why" in p.nodes.get(1, {}) else None, "a reason")
    assert "term 4" in report["Why"] and "term 5" in report["Why"]
    assert report["AppliedSettings"] == "r5" and report["Role"] == "primary" and report["Term"] == 5
    plane.want(1, SettingsVersion="r6", Role=primary(6))
    report = plane.wait_node(1, AppliedSettings="r6", Term=6)
    assert "Why" not in report


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_users_come_change_and_go(host, plane, driver):
    rules = ["default off -@all", "ann on #" + sha("first") + " ~* +@all"]
    host.start()
    host.run(1, driver=driver, SettingsVersion="u1", Users={"Epoch": 1, "Rules": rules})
    assert cli(host, 1, "PING").startswith("NOAUTH")
    assert cli(host, 1, "SET", "a", "b", user="ann", password="first") == "OK"
    changed = ["default off -@all", "ann on #" + sha("second") + " ~a* +get"]
    plane.want(1, SettingsVersion="u2", Users={"Epoch": 2, "Rules": changed})
    plane.wait_node(1, AppliedSettings="u2")
    assert "WRONGPASS" in cli(host, 1, "GET", "a", user="ann", password="first")
    assert cli(host, 1, "GET", "a", user="ann", password="second") == "b"
    assert cli(host, 1, "SET", "a", "c", user="ann", password="second").startswith("NOPERM")
    with plane.changed:
        del plane.goals[1]["Users"]
    plane.want(1, SettingsVersion="u3")
    plane.wait_node(1, AppliedSettings="u3")
    assert cli(host, 1, "GET", "a") == "b"


def sha(text):
    import hashlib
    return hashlib.sha256(text.encode()).hexdigest()


def test_what_the_engine_refuses_is_told_and_the_rest_waits(host, plane):
    host.start()
    plane.want(1, **host.goal(1, SettingsVersion="bad", Role=primary(1),
                              Parameters=[parameter("maxmemory-policy", "volatile-lru")],
                              Users={"Epoch": 1, "Rules": ["default on nopass ~* +@all", "bob on +@nothing"]}))
    report = plane.wait(lambda p: p.nodes[1] if "Why" in p.nodes.get(1, {}) else None, "a reason")
    assert report["State"] != "running" and "AppliedSettings" not in report
    plane.want(1, SettingsVersion="good", Users={"Epoch": 2, "Rules": ["default on nopass ~* +@all"]})
    report = plane.wait_node(1, State="running", AppliedSettings="good", Role="primary")
    assert "Why" not in report


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_a_restarted_engine_takes_no_writes_before_its_orders(host, plane, driver):
    """A primary that crashed comes back by an order only, and not as the primary of everybody's nothing."""
    host.start()
    pid = host.run(1, driver=driver, SettingsVersion="r1", Role=primary(1), RestartsAfterExit=False)["Pid"]
    host.run(2, driver=driver, SettingsVersion="r1", Role=replica(host, 1, of=1))
    plane.wait_node(2, IsLinkUp=True)
    assert cli(host, 1, "SET", "k", "v") == "OK"
    wait_until(lambda: cli(host, 2, "GET", "k") == "v", "the replica to have it")
    os.kill(pid, signal.SIGKILL)
    plane.wait_node(1, State="stopped", Crashes=1)
    plane.wait_node(2, IsLinkUp=False)
    plane.want(2, SettingsVersion="r2", Role=primary(2))
    plane.wait_node(2, AppliedSettings="r2", Role="primary")
    plane.want(1, SettingsVersion="r2", Role=replica(host, 2, of=2))
    plane.wait_node(1, State="running", Role="replica", IsLinkUp=True)
    assert cli(host, 1, "GET", "k") == "v" and cli(host, 2, "GET", "k") == "v"
