"""Leases as one host has them: its control plane and the other voters are played by the test."""
import base64
import os
import signal
import socket
import threading
import time

import pytest

from conftest import wait_until
from fake_plane import FakePlane
from leases import RENEW, Voter, pack, unpack, voter_number
from test_agent import DRIVERS, has, host  # noqa: F401 (a fixture; its `plane` is the one below)

KEY = bytes(range(32))
SHARD, LEASE_MS = 7, 1200
RESP = [d for d in DRIVERS if d != "memcached"]


@pytest.fixture
def plane():
    made = FakePlane()
    made.lease_key = base64.b64encode(KEY).decode()
    yield made
    made.close()


@pytest.fixture
def voters():
    """Two other hosts."""
    made = [Voter(name, KEY) for name in ("other-1", "other-2")]
    yield made
    for voter in made:
        voter.close()


def role(host, plane, voters, term=3, is_primary=True, **more):
    """A role with a lease, of a host that votes beside others."""
    said = plane.hosts[-1]
    own = {"HostId": said["HostId"], "Address": said["PeerAddress"], "Port": said["PeerPort"]}
    lease = {"ShardId": SHARD, "Ms": LEASE_MS, "Voters": [own, *(v.goal() for v in voters)]}
    return {"Term": term, "IsPrimary": is_primary, "Lease": lease, **more}


def lead(host, plane, voters, driver="bundled"):
    """A primary with a lease, that runs; returns its report."""
    host.start()
    wanted = role(host, plane, voters)
    return host.run(1, driver=driver, RestartsAfterExit=False, SettingsVersion="v1", Role=wanted)


def write(host):
    """The first line of the answer to a write; None for a connection that ended."""
    try:
        return host.talk(1, "SET k v\r\n").strip() or None
    except OSError:
        return None


def is_taken(host):
    return write(host) == "+OK"


def is_fenced(host):
    answer = write(host)
    return answer is not None and answer.startswith(("-READONLY The lease", "-NOREPLICAS"))


def was_killed(plane):
    """A redis-server had no time to confirm its fence: on a machine that is too slow this is right, too."""
    return plane.nodes[1]["Crashes"] and plane.nodes[1]["LastExit"].startswith("signal 9")


class Writer:
    """Writes over one connection after another, and remembers each answer that is no success."""

    def __init__(self, host):
        self.address = (host.plane.goals[1]["Address"], host.plane.goals[1]["Port"])
        self.failures, self.count, self.is_over = [], 0, False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with socket.create_connection(self.address, timeout=5) as s:
            while not self.is_over:
                s.sendall(b"INCR n\r\n")
                answer = s.recv(1000)
                self.count += 1
                if not answer.startswith(b":"):
                    self.failures.append(answer)
                    return
                time.sleep(0.001)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()


@pytest.mark.parametrize("driver", RESP)
def test_a_primary_takes_writes_while_a_majority_grants_it(host, plane, voters, driver):
    if not has(driver):
        pytest.skip(f"this machine has no {driver}")
    pid = lead(host, plane, voters, driver)["Pid"]
    assert is_taken(host)
    voters[0].is_away = True
    time.sleep(1.1 * LEASE_MS / 1000)  # longer than any lease that was granted before
    assert is_taken(host), "two of three are a majority"
    with socket.create_connection((plane.goals[1]["Address"], plane.goals[1]["Port"])) as client:
        client.settimeout(10)
        voters[1].is_away = True
        wait_until(lambda: is_fenced(host) or was_killed(plane), "a fence once no majority grants the lease")
        if driver == "redis" and was_killed(plane):
            return
        if driver == "redis":
            assert client.recv(100) == b"", "who was connected is cut off"
    assert host.talk(1, "GET k\r\n") == "$1\r\nv\r\n"
    voters[0].is_away = False
    wait_until(lambda: is_taken(host), "writes once a majority grants it again")
    assert plane.nodes[1]["Pid"] == pid and plane.nodes[1]["Crashes"] == 0


def test_a_primary_has_no_role_before_its_lease(host, plane, voters):
    for voter in voters:
        voter.is_away = True
    host.start()
    plane.want(1, **host.goal(1, RestartsAfterExit=False, SettingsVersion="v1", Role=role(host, plane, voters)))
    plane.wait(lambda p: "no majority" in p.nodes.get(1, {}).get("Why", ""), "a node that says what it waits for")
    assert host.talk(1, "SET k v\r\n").startswith("-READONLY You can't write against a read only replica")
    voters[1].is_away = False
    plane.wait_node(1, State="running", Role="primary", Term=3)
    assert is_taken(host)


@pytest.mark.parametrize("plane_is_there", [True, False], ids=["alone", "with the control plane's"])
def test_a_lease_outlives_its_agents_death(host, plane, voters, plane_is_there):
    pid = lead(host, plane, voters)["Pid"]
    if not plane_is_there:
        plane.close()
    for _ in range(5):  # where the machine took too long for one lease, once more
        began, count = time.monotonic(), len(voters[0].renewals)
        with Writer(host) as writer:
            host.agents[-1].kill()
            host.agents[-1].wait()
            host.start(wait=False)
            # so long that nothing is left of what the agent of before was granted
            wait_until(lambda count=count: len(voters[0].renewals) > count + 7, "renewals by the next agent")
        if writer.failures == []:
            break
        assert all(v.longest_pause(began) > 0.8 * LEASE_MS / 1000 for v in voters), writer.failures
        wait_until(lambda: is_taken(host), "writes by the next lease")
    assert writer.failures == [] and writer.count > 0
    assert pid in host.engines()


@pytest.mark.parametrize("driver", RESP)
def test_an_agent_that_stands_still_loses_its_lease(host, plane, voters, driver):
    if not has(driver):
        pytest.skip(f"this machine has no {driver}")
    pid = lead(host, plane, voters, driver)["Pid"]
    os.kill(host.agents[-1].pid, signal.SIGSTOP)
    try:
        wait_until(lambda: is_fenced(host) or pid not in host.engines(), "a fence though the agent does nothing")
    finally:
        os.kill(host.agents[-1].pid, signal.SIGCONT)
    if driver == "bundled" or pid in host.engines():
        wait_until(lambda: is_taken(host), "writes once the agent renews its lease again")
        assert plane.nodes[1]["Pid"] == pid


def test_a_redis_server_that_cannot_be_fenced_is_killed(host, plane, voters):
    if not has("redis"):
        pytest.skip("this machine has no redis-server")
    pid = lead(host, plane, voters, "redis")["Pid"]
    os.kill(host.agents[-1].pid, signal.SIGSTOP)  # its shim is alone with it
    try:
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: pid not in host.engines(), "an end of who does not confirm its fence")
    finally:
        os.kill(host.agents[-1].pid, signal.SIGCONT)
    assert plane.wait_node(1, Crashes=1)["LastExit"].startswith("signal 9")


class Peer:
    """Another host's primary, which asks the agent's host for its vote."""

    def __init__(self, plane):
        self.said = plane.hosts[-1]
        self.sequence = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)

    def renew(self, term, key=KEY, voter=None, patience=50):
        """(shard, term, holder, ms) as answered; None when nobody does."""
        number = voter_number(voter or self.said["HostId"])
        for _ in range(patience):
            self.sequence += 1
            entry = (SHARD, term, 99, LEASE_MS)
            self.socket.sendto(pack(key, RENEW, number, self.sequence, [entry]),
                               (self.said["PeerAddress"], self.said["PeerPort"]))
            try:
                while True:
                    _, _, sequence, entries = unpack(KEY, self.socket.recv(2048))
                    if sequence == self.sequence:
                        return entries[0]
            except TimeoutError:
                pass
        return None


NOWHERE = {"User": "r", "Password": "p"}  # a replica of nobody


def follow(host, plane):
    """A replica on a host that votes."""
    host.start()
    wanted = role(host, plane, [], is_primary=False, **NOWHERE)
    host.run(1, RestartsAfterExit=False, SettingsVersion="v1", Role=wanted)
    return Peer(plane)


def test_a_host_grants_what_its_nodes_are_told_of_and_nothing_else(host, plane):
    peer = follow(host, plane)
    assert peer.renew(3) == (SHARD, 3, 99, LEASE_MS)
    assert peer.renew(2) == (SHARD, 3, 99, 0), "an older term is refused"
    assert peer.renew(3, key=bytes(32), patience=2) is None
    assert peer.renew(3, voter="somebody else", patience=2) is None
    plane.want(1, State="absent")
    plane.wait_node(1, State="absent")
    assert peer.renew(3, patience=2) is None


def test_a_term_is_promised_when_what_was_granted_ran_out(host, plane):
    peer = follow(host, plane)
    asked = time.monotonic()
    assert peer.renew(3)[3] == LEASE_MS
    plane.ask_promises((SHARD, 4))
    for _ in range(10):
        before, asked = asked, time.monotonic()
        is_granted = peer.renew(3)[3] == LEASE_MS
        # what is renewed in time is not taken away
        assert is_granted or time.monotonic() - before > LEASE_MS / 1000
        if not is_granted:
            break
        time.sleep(0.05)
    plane.wait(lambda p: p.promised == [{"ShardId": SHARD, "Term": 4}], "a promise")
    assert not is_granted or time.monotonic() - asked >= LEASE_MS / 1000
    assert peer.renew(3) == (SHARD, 4, 99, 0)

    host.agents[-1].kill()
    host.agents[-1].wait()
    plane.promised = []
    host.start()
    assert peer.renew(3) == (SHARD, 4, 99, 0), "it is on the disk"
    plane.wait(lambda p: p.promised == [{"ShardId": SHARD, "Term": 4}], "the promise once more")
    plane.ask_promises()
    plane.want(1, Role=role(host, plane, [], term=5, is_primary=False, **NOWHERE), SettingsVersion="v2")
    plane.wait(lambda p: p.promised == [], "no promise below the term of its role")


def test_the_end_of_a_primary_is_evidence_for_its_own_host(host, plane, voters):
    pid = lead(host, plane, voters)["Pid"]
    plane.ask_promises((SHARD, 4))
    time.sleep(0.3)
    assert plane.promised == [], "its own host grants it the lease"
    os.kill(pid, signal.SIGKILL)
    plane.wait(lambda p: p.promised == [{"ShardId": SHARD, "Term": 4}], "a promise")
