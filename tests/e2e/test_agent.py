"""One host, seen from its control plane: what an agent does with engines, with a fake control plane."""
import datetime
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

import pytest

from conftest import BIN, MARK, free_port, processes_marked, wait_until
from fake_plane import Fault, FakePlane

DRIVERS = {"bundled": BIN / "larder-engine", "redis": shutil.which("redis-server"),
           "memcached": shutil.which("memcached")}


def has(driver):
    return DRIVERS[driver] is not None and pathlib.Path(DRIVERS[driver]).exists()


def resp_driver():
    return "bundled" if has("bundled") else "redis"


class Host:
    """An agent under test, its state directory and its slice of the loopback range."""

    def __init__(self, base, pool, plane):
        self.base, self.pool, self.plane = base, pool, plane
        self.state_dir = base / "state"
        self.mark = uuid.uuid4().hex
        self.agents = []
        second, third = pool.split(".")[1:3]
        self.network = f"127.{second}.{third}"

    def start(self, *flags, url=None, state_dir=None, wait=True):
        seen = len({h["Incarnation"] for h in self.plane.hosts})
        log = open(self.base / "agent.log", "ab")  # pylint: disable=consider-using-with
        with log:
            agent = subprocess.Popen(
                [str(BIN / "larder-agent"), "--control-plane", url or self.plane.url, "--state-dir",
                 str(state_dir or self.state_dir), "--pool", self.pool, "--region", "us-east-1", "--zone", "us-east-1a",
                 "--name", "h1", "--memory", "4GB", "--log-level", "debug", *flags],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                env=dict(os.environ, **{MARK: self.mark}))
        self.agents.append(agent)
        if wait:
            self.plane.wait_incarnations(seen + 1)
        return agent

    def log(self):
        return (self.base / "agent.log").read_text(errors="replace")

    def goal(self, node_id, driver=None, **more):
        """The goal of a running node on an address of its own."""
        driver = driver or resp_driver()
        engine = "memcached" if driver == "memcached" else "redis"
        return {"State": "running", "Cluster": f"c{node_id}", "CacheNodeId": "0001", "Engine": engine,
                "EngineVersion": "1.6.22" if engine == "memcached" else "7.1.0", "Driver": driver,
                "Address": f"{self.network}.{node_id}", "Port": 11211 if engine == "memcached" else 6379,
                "MaxmemoryBytes": 64 << 20, "BootCount": 1, "RestartsAfterExit": True, "Parameters": [], **more}

    def run(self, node_id, **more):
        """Wants the node and waits until it runs; returns its report."""
        self.plane.want(node_id, **self.goal(node_id, **more))
        return self.plane.wait_node(node_id, State="running")

    def talk(self, node_id, text, port=None):
        goal = self.plane.goals[node_id]
        with socket.create_connection((goal["Address"], port or goal["Port"]), timeout=5) as s:
            s.sendall(text.encode())
            return s.recv(65536).decode()

    def can_connect(self, node_id):
        try:
            self.talk(node_id, "PING\r\n")
            return True
        except OSError:
            return False

    def pids(self, *programs):
        return sorted(p for p, name in processes_marked(self.mark).items() if name in programs)

    def engines(self):
        return [p for p, name in processes_marked(self.mark).items() if not name.startswith("larder-agent")
                and name != "larder-shim"]

    def close(self):
        for agent in self.agents:
            if agent.poll() is None:
                agent.kill()
            agent.wait()
            agent.stdout.close()
        for pid in self.pids("larder-shim"):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not processes_marked(self.mark), "an end of all processes of the host")


@pytest.fixture
def plane():
    made = FakePlane()
    yield made
    made.close()


@pytest.fixture
def host(plane, pool_slots):
    base = pathlib.Path(tempfile.mkdtemp(prefix="larder-agent-"))
    made = Host(base, pool_slots.take(), plane)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(base, ignore_errors=True)


# --- a node's life ------------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_node_is_made_used_and_removed(host, plane, driver):
    if not has(driver):
        pytest.skip(f"this machine has no {DRIVERS[driver] or driver}")
    host.start()
    begun = time.monotonic()
    report = host.run(1, driver=driver)
    print(f"\n{driver}: goal to running {1000 * (time.monotonic() - begun):.1f} ms")
    assert report["BootCount"] == 1 and report["Crashes"] == 0 and "Why" not in report
    assert host.engines() == [report["Pid"]]
    if driver == "memcached":
        assert host.talk(1, "set a 0 0 1\r\nx\r\n") == "STORED\r\n"
    else:
        assert host.talk(1, "SET a x\r\n") == "+OK\r\n"

    plane.want(1, State="absent")
    plane.wait_node(1, State="absent")
    assert not host.can_connect(1) and host.engines() == []
    assert not (host.state_dir / "nodes" / "1").exists()


def test_the_host_says_what_it_is(host, plane):
    agent = host.start()
    said = plane.hosts[0]
    assert said["Name"] == "h1" and said["Zone"] == "us-east-1a" and said["Pool"] == host.pool
    assert said["MemoryBytes"] == 4 << 30 and said["VCpus"] >= 1
    assert said["BootId"] == pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert {e["Driver"] for e in said["Engines"]} == {d for d in DRIVERS if has(d)}
    assert all(re.fullmatch(r"\d+\.\d+[\d.]*", e["Version"]) for e in said["Engines"])
    assert agent.stdout.readline() == f"ready {said['HostId']}\n"

    agent.send_signal(signal.SIGTERM)
    assert agent.wait(5) == 0
    host.start()
    again = plane.hosts[-1]
    assert again["HostId"] == said["HostId"] and again["Incarnation"] != said["Incarnation"]


def test_limits_and_parameters_reach_the_engine(host):
    host.start()
    host.run(1, Parameters=[{"Name": "maxmemory-policy", "Value": "allkeys-lru"},
                            {"Name": "reserved-memory-percent", "Value": "25"}])
    info = host.talk(1, "INFO memory\r\n")
    assert f"maxmemory:{64 << 20}\r\n" in info and "maxmemory_policy:allkeys-lru\r\n" in info
    assert host.talk(1, "CONFIG GET maxmemory\r\n").startswith("-ERR unknown command")


def test_a_reboot_is_a_graceful_stop_and_a_start(host, plane):
    host.start()
    before = host.run(1)
    assert host.talk(1, "SET a x\r\n") == "+OK\r\n"
    plane.want(1, BootCount=2)
    after = plane.wait_node(1, State="running", BootCount=2)
    assert after["Pid"] != before["Pid"] and after["Crashes"] == 0
    assert after["LastExit"] == "exit status 0"
    assert host.talk(1, "GET a\r\n") == "$-1\r\n"
    states = [r["State"] for _, _, r in plane.history if r["NodeId"] == 1]
    assert "stopping" in states or "stopped" in states


def test_a_node_that_moves_to_another_port_is_started_there(host, plane):
    host.start()
    host.run(1)
    port = free_port(f"{host.network}.1")
    plane.want(1, Port=port)
    wait_until(lambda: host.can_connect(1), "the engine at its new port")
    with pytest.raises(OSError):
        host.talk(1, "PING\r\n", port=6379)


def test_a_node_that_is_not_named_becomes_absent(host, plane):
    host.start()
    host.run(1)
    host.run(2)
    plane.drop(1)
    plane.wait(lambda p: p.nodes.get(1, {"State": "absent"})["State"] == "absent" and 2 in p.nodes, "node 1 gone")
    wait_until(lambda: not (host.state_dir / "nodes" / "1").exists(), "the folder to be removed")
    assert host.can_connect(2)


def test_many_nodes_start_together(host, plane):
    host.start()
    begun = time.monotonic()
    with plane.changed:
        for i in range(1, 41):
            plane.goals[i] = {"NodeId": i, **host.goal(i)}
        plane.generation += 1
        plane.changed.notify_all()
    plane.wait(lambda p: sum(r["State"] == "running" for r in p.nodes.values()) == 40, "40 running nodes", 60)
    print(f"\n40 nodes running after {time.monotonic() - begun:.2f} s")
    assert all(host.talk(i, "PING\r\n") == "+PONG\r\n" for i in range(1, 41))


# --- crashes ------------------------------------------------------------------------------------------


def test_a_crashed_engine_is_noticed_and_back_at_once(host, plane):
    host.start()
    pid = host.run(1)["Pid"]
    noticed, back = [], []
    for crash in range(1, 6):
        wait_until(lambda: host.can_connect(1), "the engine to answer")
        killed = time.monotonic()
        killed_wall = time.time()
        os.kill(pid, signal.SIGKILL)
        report = plane.wait_node(1, State="running", Crashes=crash)
        told = next(t for t, _, r in plane.history if r["NodeId"] == 1 and r["Crashes"] == crash)
        running = next(t for t, _, r in plane.history if r["NodeId"] == 1 and r["Crashes"] == crash
                       and r["State"] == "running")
        assert report["LastExit"] == "signal 9 (Killed)" and report["Pid"] != pid
        crashed_at = datetime.datetime.fromisoformat(report["CrashedAt"].replace("Z", "+00:00")).timestamp()
        assert abs(crashed_at - killed_wall) < 5
        noticed.append(told - killed)
        if crash == 1:
            back.append(running - killed)
        pid = report["Pid"]
    print(f"\nkill -9 to told: {', '.join(f'{1000 * t:.1f}' for t in noticed)} ms; to running: {1000 * back[0]:.1f} ms")
    assert min(noticed) < 0.1 and back[0] < 1.0
    assert host.talk(1, "PING\r\n") == "+PONG\r\n"


def test_an_engine_that_crashes_on_and_on_is_started_less_often(host, plane):
    host.start()
    host.run(1)
    gaps = []
    for crash in range(1, 5):
        pid = plane.wait_node(1, State="running", Crashes=crash - 1)["Pid"]
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        plane.wait_node(1, State="running", Crashes=crash)
        gaps.append(time.monotonic() - killed)
    assert gaps[1] >= 0.1 and gaps[2] >= 0.2 and gaps[3] >= 0.4, gaps


def test_an_engine_that_must_not_come_back_empty_waits_for_an_order(host, plane):
    host.start()
    host.run(1, RestartsAfterExit=False)
    os.kill(plane.nodes[1]["Pid"], signal.SIGKILL)
    report = plane.wait_node(1, State="stopped", Crashes=1, Why="it crashed, and starting it empty needs an order")
    assert "Pid" not in report and host.engines() == []
    plane.want(1, BootCount=2)
    plane.wait_node(1, State="running", Crashes=1, BootCount=2)


def test_a_killed_shim_takes_its_engine_along_and_both_come_back(host, plane):
    host.start()
    pid = host.run(1)["Pid"]
    shim, = host.pids("larder-shim")
    os.kill(shim, signal.SIGKILL)
    report = plane.wait_node(1, State="running", Crashes=1)
    assert report["LastExit"] == "ended with its supervisor"
    assert pid not in processes_marked(host.mark)
    assert host.engines() == [report["Pid"]]


def test_a_taken_port_says_so_and_is_tried_again(host, plane):
    host.start()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((f"{host.network}.1", 6379))
        s.listen()
        plane.want(1, **host.goal(1))
        report = plane.wait_node(1, State="failed")
        assert re.search(r"bind|in use|taken|listen", report["Why"], re.IGNORECASE), report
        assert report["Crashes"] == 0
    plane.wait_node(1, State="running", timeout=20)
    assert "Why" not in plane.nodes[1]


@pytest.mark.parametrize("change, sentence", [
    ({"Address": "127.0.0.1"}, "address 127.0.0.1 is not in this host's pool"),
    ({"Driver": "oracle"}, "this agent knows no driver called oracle"),
    ({"Port": 0}, "the goal has no usable port"),
])
def test_a_goal_that_cannot_be_met_says_why(host, plane, change, sentence):
    host.start()
    plane.want(1, **host.goal(1, **change))
    assert plane.wait_node(1, State="failed")["Why"] == sentence
    plane.want(1, **host.goal(1))
    plane.wait_node(1, State="running")


def test_an_engine_that_hangs_is_reported(host, plane):
    host.start()
    pid = host.run(1)["Pid"]
    os.kill(pid, signal.SIGSTOP)
    plane.wait_node(1, State="running", Why="it runs and does not answer", timeout=15)
    os.kill(pid, signal.SIGCONT)
    plane.wait(lambda p: "Why" not in p.nodes[1], "the engine to answer again")
    assert plane.nodes[1]["Pid"] == pid and plane.nodes[1]["Crashes"] == 0


# --- agents come and go -------------------------------------------------------------------------------


def test_a_killed_agent_leaves_engines_alone_and_the_next_one_adopts_them(host, plane):
    agent = host.start()
    pids = {i: host.run(i)["Pid"] for i in (1, 2, 3)}
    host.talk(1, "SET kept yes\r\n")
    agent.kill()
    agent.wait()
    assert sorted(host.engines()) == sorted(pids.values())
    assert host.talk(1, "GET kept\r\n") == "$3\r\nyes\r\n"

    host.start()
    first = [r for _, message, r in plane.history if message == "sync"][-3:]
    assert {r["NodeId"]: r["Pid"] for r in first} == pids
    assert all(r["State"] == "running" and r["Crashes"] == 0 and r["BootCount"] == 1 for r in first)
    assert host.talk(1, "GET kept\r\n") == "$3\r\nyes\r\n"

    os.kill(pids[2], signal.SIGKILL)  # an adopted engine is watched like any other
    plane.wait_node(2, State="running", Crashes=1)
    plane.want(3, State="absent")
    plane.wait_node(3, State="absent")
    assert pids[3] not in host.engines()


def test_a_crash_while_no_agent_is_there_is_told_by_the_next_one(host, plane):
    agent = host.start()
    pid = host.run(1)["Pid"]
    agent.kill()
    agent.wait()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid not in processes_marked(host.mark), "the engine's end")
    host.start()
    report = plane.wait_node(1, State="running", Crashes=1)
    assert report["LastExit"] == "signal 9 (Killed)"
    assert report["Pid"] != pid


def test_engines_come_back_though_the_control_plane_is_away(host, plane):
    agent = host.start()
    host.run(1)
    # Records are written a moment after a start, many at once; what is not yet there is learned from the goals.
    record = host.state_dir / "nodes" / "1" / "node.json"
    wait_until(lambda: record.exists() and '"Goal"' in record.read_text(), "the goal is written down")
    agent.kill()
    agent.wait()
    for pid in host.pids("larder-shim"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: host.engines() == [], "the engine's end")
    host.start(url=f"http://127.0.0.1:{free_port()}", wait=False)
    wait_until(lambda: host.can_connect(1), "the engine to be back")


def test_nothing_is_removed_before_the_control_plane_has_answered(host, plane):
    agent = host.start()
    pid = host.run(1)["Pid"]
    agent.kill()
    agent.wait()
    with plane.changed:
        plane.goals.clear()
        plane.generation += 1
        plane.refusal = Fault(503, "ServiceUnavailable", "not now")
    host.start(wait=False)
    wait_until(lambda: "refuses a message" in host.log(), "the agent to be refused")
    assert host.engines() == [pid]
    with plane.changed:
        plane.refusal = None
    wait_until(lambda: host.engines() == [], "the engine's end, once the control plane has answered")


def test_a_second_agent_on_the_same_directory_is_refused(host):
    first = host.start()
    second = host.start(wait=False)
    assert second.wait(5) == 1
    assert f"another larder-agent (pid {first.pid}) uses the state directory" in host.log()
    assert first.poll() is None


def test_an_agent_that_is_told_to_stops_its_engines_when_it_ends(host, plane):
    agent = host.start("--stop-engines-on-exit")
    for i in range(1, 6):
        plane.want(i, **host.goal(i))
    plane.wait(lambda p: sum(r["State"] == "running" for r in p.nodes.values()) == 5, "five running nodes")
    begun = time.monotonic()
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(15) == 0
    assert host.engines() == [] and host.pids("larder-shim") == []
    print(f"\nfive engines stopped in {time.monotonic() - begun:.2f} s")

    host.start("--stop-engines-on-exit")
    plane.wait(lambda p: sum(r["State"] == "running" for r in p.nodes.values()) == 5, "five running nodes")
    assert all(r["Crashes"] == 0 for r in plane.nodes.values())


def test_an_agent_that_is_told_to_dies_with_its_parent(host, plane):
    script = ('import ctypes, os, subprocess, sys; p = subprocess.Popen(sys.argv[1:]); '
              'print(p.pid, flush=True); sys.stdin.read()')
    parent = subprocess.Popen(
        ["/usr/bin/python3", "-c", script, str(BIN / "larder-agent"), "--control-plane", plane.url, "--state-dir",
         str(host.state_dir), "--pool", host.pool, "--die-with-parent", "--stop-engines-on-exit"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=dict(os.environ, **{MARK: host.mark}))
    host.agents.append(parent)
    plane.wait_incarnations(1)
    host.run(1)
    parent.kill()
    parent.wait()
    parent.stdin.close()
    wait_until(lambda: not processes_marked(host.mark), "an end of everything", timeout=15)


def test_a_state_directory_may_be_very_deep(host, plane):
    deep = host.base / ("d" * 120) / ("e" * 120)
    host.start(state_dir=deep)
    pid = host.run(1)["Pid"]
    os.kill(pid, signal.SIGKILL)
    plane.wait_node(1, State="running", Crashes=1)
    host.agents[-1].kill()
    host.agents[-1].wait()
    host.start(state_dir=deep)
    assert plane.wait_node(1, State="running")["Crashes"] == 1


# --- the line to the control plane --------------------------------------------------------------------


@pytest.mark.parametrize("code", ["HostNameTaken", "HostSuperseded"])
def test_a_host_that_is_refused_for_good_ends_with_status_3_and_the_reason(host, plane, code):
    plane.refusal = Fault(409, code, "give this one its own --name")
    agent = host.start(wait=False)
    assert agent.wait(5) == 3
    assert "give this one its own --name" in host.log()


def test_the_token_is_sent(host, plane):
    plane.token = "s3cret"
    (host.base / "token").write_text("s3cret\n")
    host.start("--token-file", str(host.base / "token"))
    host.run(1)
    assert "s3cret" not in host.log()


def test_an_agent_waits_for_its_control_plane_and_finds_it_again(host, plane):
    port = free_port()
    agent = host.start(url=f"http://127.0.0.1:{port}", wait=False)
    wait_until(lambda: "cannot be reached" in host.log(), "the agent to see that nobody is there")
    assert agent.poll() is None
    assert host.log().count("cannot be reached") == 1  # said once, not at each attempt


@pytest.mark.parametrize("flags, sentence", [
    (["--pool", "127.300.0.0/16"], '--pool: \\"127.300.0.0/16\\" is not a block'),
    (["--pool", "127.1.0.0/16", "--memory", "lots"], '--memory: "lots" is not a size'),
    (["--pool", "127.1.0.0/16", "--token-file", "/nonexistent"], "--token-file /nonexistent: cannot open the file"),
    (["--pool", "127.1.0.0/16", "--pool=127.1.0.0/16"], "--pool is given twice"),
    (["--pool", "127.1.0.0/16", "--control-plane", "ftp://x"], "--control-plane is given twice"),
    ([], "--pool is required"),
])
def test_a_wrong_command_line_is_answered_with_what_is_wrong(host, flags, sentence):
    done = subprocess.run([str(BIN / "larder-agent"), "--control-plane", "http://127.0.0.1:1", "--state-dir",
                           str(host.state_dir), *flags], timeout=10, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode in (1, 2) and sentence in done.stdout
