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
    host.agents[-1].kill()
    host.agents[-1].wait()
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


def test_memcached_makes_room_unless_it_is_told_to_refuse(host, plane):
    host.start()
    for node_id, refuses in ((1, "0"), (2, "1")):
        host.run(node_id, Engine="memcached", MaxmemoryBytes=8 << 20,
                 Parameters=[parameter("error_on_memory_exhausted", refuses, True)])
        answers = {host.talk(node_id, f"set k{i} 0 0 900000\r\n{'x' * 900000}\r\n") for i in range(16)}
        assert answers == ({"STORED\r\n"} if refuses == "0" else
                           {"STORED\r\n", "SERVER_ERROR out of memory storing object\r\n"})


# --- data over stops ------------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_what_was_in_memory_is_back_after_a_clean_stop_and_not_after_a_crash(host, plane, driver):
    agent = host.start("--stop-engines-on-exit")
    host.run(1, driver=driver, KeepsData=True)
    assert cli(host, 1, "SET", "k", "v") == "OK"
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(20) == 0
    assert host.engines() == [] and kept(host, 1).exists()

    host.start()
    report = plane.wait_node(1, State="running")
    assert cli(host, 1, "GET", "k") == "v"
    assert not kept(host, 1).exists(), "it is of the past now"
    os.kill(report["Pid"], signal.SIGKILL)
    report = plane.wait_node(1, State="running", Crashes=1)
    assert cli(host, 1, "GET", "k") == ""

    assert cli(host, 1, "SET", "k", "w") == "OK"
    plane.want(1, BootCount=2)
    plane.wait_node(1, State="running", BootCount=2)
    assert cli(host, 1, "GET", "k") == "w"
    plane.want(1, BootCount=3, KeepsData=False)
    plane.wait_node(1, State="running", BootCount=3)
    assert cli(host, 1, "GET", "k") == ""


def kept(host, node_id):
    return host.state_dir / "nodes" / str(node_id) / "dump.rdb"


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_a_host_that_is_told_to_forget_forgets(host, plane, driver):
    host.start("--no-keep-data")
    host.run(1, driver=driver, KeepsData=True)
    assert cli(host, 1, "SET", "k", "v") == "OK"
    plane.want(1, BootCount=2)
    plane.wait_node(1, State="running", BootCount=2)
    assert cli(host, 1, "GET", "k") == ""


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_a_machine_that_ends_takes_nothing_with_it(host, plane, driver):
    """SIGTERM to every process at once, as at a shutdown; the agent does not order the engine's end itself."""
    host.start()
    pid = host.run(1, driver=driver, KeepsData=True, RestartsAfterExit=False)["Pid"]
    assert cli(host, 1, "SET", "k", "v") == "OK"
    agent = host.agents[-1]
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: kept(host, 1).exists() and pid not in host.engines(), "the engine to end")
    host.start()
    plane.wait_node(1, State="running")
    assert cli(host, 1, "GET", "k") == "v"


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_a_damaged_file_is_told_and_left_where_it_is(host, plane, driver):
    host.start()
    host.run(1, driver=driver, KeepsData=True)
    assert cli(host, 1, "SET", "k", "v" * 100) == "OK"
    plane.want(1, State="stopped")
    plane.wait_node(1, State="stopped")
    whole = kept(host, 1).read_bytes()
    kept(host, 1).write_bytes(whole[:len(whole) - 20])
    plane.want(1, State="running")
    report = plane.wait(lambda p: p.nodes[1] if "Why" in p.nodes.get(1, {}) else None, "a reason")
    print(f"\n{driver}: {report['Why']}")
    assert report["State"] == "failed"
    assert kept(host, 1).read_bytes() == whole[:len(whole) - 20]
    kept(host, 1).write_bytes(whole)
    plane.wait_node(1, State="running", timeout=30)
    assert cli(host, 1, "GET", "k") == "v" * 100


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_a_primary_and_its_replica_come_back_with_what_they_had(host, plane, driver):
    agent = host.start("--stop-engines-on-exit")
    host.run(1, driver=driver, SettingsVersion="r1", Role=primary(1), RestartsAfterExit=False, KeepsData=True)
    host.run(2, driver=driver, SettingsVersion="r1", Role=replica(host, 1, of=1), KeepsData=True)
    plane.wait_node(2, IsLinkUp=True)
    assert cli(host, 1, "SET", "k", "v") == "OK"
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(20) == 0
    host.start()
    plane.wait_node(1, State="running", Role="primary", AppliedSettings="r1")
    plane.wait_node(2, State="running", Role="replica", IsLinkUp=True)
    assert cli(host, 1, "GET", "k") == "v" and cli(host, 2, "GET", "k") == "v"
    assert cli(host, 1, "SET", "k", "w") == "OK"
    wait_until(lambda: cli(host, 2, "GET", "k") == "w", "the replica to follow")


# --- certificates ---------------------------------------------------------------------------------------


def certificate(folder, name, address):
    """A certificate by an authority of its own; the goal's form of it and the authority's file."""
    folder = pathlib.Path(folder)
    run = lambda *words: subprocess.run(["openssl", *words], check=True, cwd=folder,  # noqa: E731
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", f"/CN={name} authority", "-keyout", f"{name}-ca.key", "-out", f"{name}-ca.crt")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
        "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(f"subjectAltName=IP:{address}\n")
    run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{name}-ca.crt", "-CAkey", f"{name}-ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt")
    return {"Certificate": (folder / f"{name}.crt").read_text(), "PrivateKey": (folder / f"{name}.key").read_text(),
            "Authority": (folder / f"{name}-ca.crt").read_text()}, folder / f"{name}-ca.crt"


def test_TLS_is_switched_and_certificates_are_exchanged_under_living_connections(host, plane, tmp_path):
    host.start()
    address = host.goal(1)["Address"]
    first, first_ca = certificate(tmp_path, "first", address)
    second, second_ca = certificate(tmp_path, "second", address)
    pid = host.run(1, SettingsVersion="t0")["Pid"]
    plane.want(1, SettingsVersion="t1", Tls={"Mode": "preferred", **first})
    plane.wait_node(1, AppliedSettings="t1")
    folder = host.state_dir / "nodes" / "1"
    assert (folder / "tls.key").stat().st_mode & 0o777 == 0o600
    assert cli(host, 1, "PING") == "PONG" and cli(host, 1, "PING", tls=first_ca) == "PONG"

    context = __import__("ssl").create_default_context(cafile=str(first_ca))
    import socket
    with socket.create_connection((address, 6379), timeout=5) as plain, \
            context.wrap_socket(plain, server_hostname=address) as living:
        living.sendall(b"PING\r\n")
        assert living.recv(64) == b"+PONG\r\n"
        plane.want(1, SettingsVersion="t2", Tls={"Mode": "required", **second})
        plane.wait_node(1, AppliedSettings="t2")
        living.sendall(b"PING\r\n")
        assert living.recv(64) == b"+PONG\r\n"
    assert cli(host, 1, "PING", tls=second_ca) == "PONG"
    assert cli(host, 1, "PING", tls=first_ca) != "PONG" and cli(host, 1, "PING") != "PONG"
    assert plane.nodes[1]["Pid"] == pid
    plane.want(1, BootCount=2)
    plane.wait_node(1, State="running", BootCount=2)
    assert cli(host, 1, "PING", tls=second_ca) == "PONG"


@pytest.mark.parametrize("driver", REDIS_KINDS)
def test_replicas_follow_under_TLS_as_a_user_of_their_own(host, plane, driver, tmp_path):
    host.start()
    made, authority = certificate(tmp_path, "both", host.goal(1)["Address"])
    tls = {"Mode": "required", **made}
    users = {"Epoch": 1, "Rules": ["default on #" + sha("pw") + " ~* +@all"]}
    host.run(1, driver=driver, SettingsVersion="r1", Role=primary(1), Tls=tls, Users=users)
    host.run(2, driver=driver, SettingsVersion="r1", Role=replica(host, 1, of=1), Tls=tls, Users=users)
    plane.wait_node(2, IsLinkUp=True)
    assert cli(host, 1, "SET", "k", "v", password="pw", tls=authority) == "OK"
    wait_until(lambda: cli(host, 2, "GET", "k", password="pw", tls=authority) == "v", "the replica to have it")


# --- ends in the middle -----------------------------------------------------------------------------------


def test_an_agent_that_dies_while_it_orders_is_followed_by_one_that_goes_on(host, plane):
    host.start()
    pid = host.run(1, SettingsVersion="v0", Role=primary(1))["Pid"]
    for round_ in range(1, 9):
        plane.want(1, SettingsVersion=f"v{round_}", Role=primary(1 + round_),
                   Parameters=[parameter("timeout", str(round_))])
        time.sleep(0.0007 * round_)
        host.agents[-1].kill()
        host.agents[-1].wait()
        host.start()
        plane.wait_node(1, AppliedSettings=f"v{round_}", State="running", Role="primary", Term=1 + round_)
    assert plane.nodes[1]["Pid"] == pid and plane.nodes[1]["Crashes"] == 0


def test_an_engine_that_dies_while_it_is_ordered_gets_all_of_it_in_its_next_life(host, plane):
    host.start()
    pid = host.run(1, SettingsVersion="v0", Role=primary(1))["Pid"]
    for round_ in range(1, 6):
        plane.want(1, SettingsVersion=f"v{round_}", Role=primary(1 + round_),
                   Users={"Epoch": round_, "Rules": ["default on nopass ~* +@all", f"u{round_} on nopass +ping"]})
        time.sleep(0.0007 * round_)
        os.kill(pid, signal.SIGKILL)
        report = plane.wait_node(1, Crashes=round_, AppliedSettings=f"v{round_}", State="running", Term=1 + round_)
        pid = report["Pid"]
        assert cli(host, 1, "PING", user=f"u{round_}", password="any") == "PONG"


def test_a_shard_of_a_cluster_is_told_its_topology(host, plane):
    host.start()
    self_id, shard = "a" * 40, "b" * 40
    def words(slots):
        return [self_id, "SHARD", shard, slots, "NODE", self_id, "primary", host.goal(1)["Address"], "6379", "0", "-",
                "online"]
    host.run(1, SettingsVersion="e1", Role=primary(1), Topology={"Epoch": 1, "Words": words("0-99")})
    assert "cluster_slots_assigned:100" in cli(host, 1, "CLUSTER", "INFO")
    plane.want(1, SettingsVersion="e2", Topology={"Epoch": 2, "Words": words("0-16383")})
    plane.wait_node(1, AppliedSettings="e2")
    assert "cluster_state:ok" in cli(host, 1, "CLUSTER", "INFO")
    pid = plane.nodes[1]["Pid"]
    os.kill(pid, signal.SIGKILL)
    plane.wait_node(1, State="running", Crashes=1)
    assert "cluster_state:ok" in cli(host, 1, "CLUSTER", "INFO")
