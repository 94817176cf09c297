"""Things die: an engine, the control plane, an agent. The service notices, says so, and goes on."""
import os
import pathlib
import random
import signal
import sqlite3
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from conftest import answers, answers_ping, free_port, pid_listening, redis_cli, serving_pid, wait_until
from test_groups import Group


def test_a_killed_engine_is_back_at_once_and_empty(service):
    endpoint, = service.create("phoenix")
    assert redis_cli(endpoint, "SET", "k", "v") == "OK"
    noticed, back = [], []
    for round_number in range(5):
        pid = wait_until(lambda: service.engine_pid(endpoint), "an engine listens")
        before = len(service.events("phoenix"))
        killed_at, killed_wall = time.monotonic(), time.time()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: serving_pid(endpoint) not in (None, pid), "another engine answers", pause=0.001)
        back.append(time.monotonic() - killed_at)
        events = wait_until(lambda b=before: len(service.events("phoenix")) > b and service.events("phoenix"),
                            "the crash stands in the events")
        recovery = [date for date, message in events if message.startswith("Recovering cache nodes 0001")]
        assert recovery, events
        noticed.append(recovery[0].timestamp() - killed_wall)
        assert redis_cli(endpoint, "GET", "k") == "", round_number
        assert redis_cli(endpoint, "SET", "k", "v") == "OK"
        wait_until(lambda: service.describe("phoenix")["CacheClusterStatus"] == "available", "it is available again")
    print("\nkill -9 of an engine, five times in a row, in ms: noticed after "
          + " ".join(f"{1000 * t:.1f}" for t in noticed) + ", back after "
          + " ".join(f"{1000 * t:.1f}" for t in back) + " (the pause grows when it dies again at once)")
    assert max(noticed) < 1.0
    assert back[0] < 1.0
    told = [m for _, m in service.events("phoenix")]
    assert any(m.startswith("Finished recovery for cache nodes 0001") for m in told), told


def test_a_killed_memcached_node_leaves_its_siblings_alone(service):
    endpoints = service.create("mcs", engine="memcached", nodes=3)
    pids = [service.engine_pid(e) for e in endpoints]
    os.kill(pids[1], signal.SIGKILL)
    wait_until(lambda: service.engine_pid(endpoints[1]) not in (None, pids[1]), "the second node is back")
    assert service.engine_pid(endpoints[0]) == pids[0]
    assert service.engine_pid(endpoints[2]) == pids[2]
    assert service.endpoints("mcs") == endpoints


def test_an_agents_death_touches_no_engine(service):
    endpoints = [service.create(f"calm{i}")[0] for i in range(3)]
    for e in endpoints:
        assert redis_cli(e, "SET", "k", "kept") == "OK"
    engines = [service.engine_pid(e) for e in endpoints]
    for pid in service.pids("larder-agent"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(service.pids("larder-agent")) == 3, "the agents are started again")
    assert all(answers_ping(e) for e in endpoints)
    service.create("after")
    assert [service.engine_pid(e) for e in endpoints] == engines
    assert [redis_cli(e, "GET", "k") for e in endpoints] == ["kept"] * 3

    # They are the agent's again: it notices the next crash and reboots them.
    os.kill(engines[0], signal.SIGKILL)
    wait_until(lambda: service.engine_pid(endpoints[0]) not in (None, engines[0]), "an adopted engine is replaced")
    service.client().reboot_cache_cluster(CacheClusterId="calm1", CacheNodeIdsToReboot=["0001"])
    service.wait_available("calm1")
    assert service.engine_pid(endpoints[1]) not in (None, engines[1])
    assert redis_cli(endpoints[1], "GET", "k") == "kept", "what a redis node has outlives a reboot"
    service.client().delete_cache_cluster(CacheClusterId="calm2")
    service.wait_deleted("calm2")
    assert not answers_ping(endpoints[2])


def test_a_killed_shim_takes_its_engine_along_and_both_come_back(service):
    endpoint, = service.create("shimmed")
    before = service.engine_pid(endpoint)
    shim, = service.pids("larder-shim")
    os.kill(shim, signal.SIGKILL)
    wait_until(lambda: service.engine_pid(endpoint) not in (None, before), "a new engine under a new shim")
    wait_until(lambda: answers_ping(endpoint), "it answers")
    assert len(service.pids("larder-engine")) == 1


def test_the_control_plane_dies_at_any_moment_and_finishes_what_it_began(service):
    """Creates and deletes run while larderd is killed again and again; what was answered must come true."""
    random.seed(20150202)
    client = service.client()
    wanted, unwanted = set(), set()
    over = threading.Event()
    kills = []

    def kill_again_and_again():
        while not over.is_set():
            time.sleep(random.uniform(0.02, 0.4))
            pid = service.larderd_pid()
            if pid and not over.is_set():
                os.kill(pid, signal.SIGKILL)
                kills.append(pid)

    killer = threading.Thread(target=kill_again_and_again)
    killer.start()
    try:
        for number in range(30):
            wait_until(lambda n=number: len(kills) >= n // 5, "it was killed among the requests")
            name = f"life-{number:02}"
            while not made(client, name):
                pass
            wanted.add(name)
            if number % 3 == 2:
                victim = random.choice(sorted(wanted))
                while not deleted(client, victim):
                    pass
                wanted.discard(victim)
                unwanted.add(victim)
    finally:
        over.set()
        killer.join()
    wait_until(service.larderd_pid, "the control plane is back")
    wait_until(lambda: answers(client), "the API answers")
    for name in sorted(wanted):
        service.wait_available(name, client)
    for name in sorted(unwanted):
        service.wait_deleted(name, client)
    listed = [c["CacheClusterId"] for c in client.describe_cache_clusters()["CacheClusters"]]
    assert listed == sorted(wanted)
    for name in sorted(wanted):
        endpoint, = service.endpoints(name, client)
        wait_until(lambda e=endpoint: answers_ping(e), f"{name} answers")
    wait_until(lambda: len(service.pids("larder-engine")) == len(wanted), "no engine too many, none too few")


def made(client, name):
    """Creates until it is certain that the cluster is recorded; an answer may be lost with its server."""
    try:
        client.create_cache_cluster(CacheClusterId=name, Engine="redis", CacheNodeType="cache.t4g.micro",
                                    NumCacheNodes=1)
        return True
    except BotoCoreError:
        time.sleep(0.02)
        return False
    except ClientError as error:
        assert error.response["Error"]["Code"] == "CacheClusterAlreadyExists", error
        return True


def deleted(client, name):
    try:
        client.delete_cache_cluster(CacheClusterId=name)
        return True
    except BotoCoreError:
        time.sleep(0.02)
        return False
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "CacheClusterNotFound":
            return True
        assert code == "InvalidCacheClusterState", error  # still creating, or deleting already
        status = error.response["Error"]["Message"]
        time.sleep(0.02)
        return "deleting" in status.lower()


def test_caches_serve_while_the_control_plane_is_away(service):
    endpoint, = service.create("alone")
    assert redis_cli(endpoint, "SET", "k", "v") == "OK"
    os.kill(service.larderd_pid(), signal.SIGKILL)
    assert redis_cli(endpoint, "GET", "k") == "v"
    wait_until(lambda: answers(service.client()), "the control plane is back")
    assert service.describe("alone")["CacheClusterStatus"] == "available"
    assert redis_cli(endpoint, "GET", "k") == "v"


def test_without_living_hosts_a_new_cluster_finds_no_room_or_waits(service):
    service.create("before")
    agents = service.pids("larder-agent")
    for pid in agents:
        os.kill(pid, signal.SIGSTOP)
    try:
        client = service.client()
        refused = []
        deadline = time.monotonic() + 60
        number = 0
        while not refused and time.monotonic() < deadline:
            number += 1
            try:
                client.create_cache_cluster(CacheClusterId=f"late{number}", Engine="redis",
                                            CacheNodeType="cache.t4g.micro", NumCacheNodes=1)
                assert service.describe(f"late{number}")["CacheClusterStatus"] == "creating"
                time.sleep(0.5)
            except ClientError as error:
                refused.append(error.response["Error"]["Code"])
        assert refused == ["InsufficientCacheClusterCapacity"]
    finally:
        for pid in agents:
            os.kill(pid, signal.SIGCONT)
    for waiting in range(1, number):
        service.wait_available(f"late{waiting}")
    wait_until(lambda: try_create(service.client()), "there is room again", timeout=30)
    service.wait_available("room")


def try_create(client):
    try:
        client.create_cache_cluster(CacheClusterId="room", Engine="redis", CacheNodeType="cache.t4g.micro",
                                    NumCacheNodes=1)
        return True
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InsufficientCacheClusterCapacity"
        return False


def stop_between_transactions(pid, database):
    """SIGSTOP; who has the database in its hand at that moment would be ended by whoever takes the lead."""
    def is_stopped():
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", "it stands still")
        other = sqlite3.connect(database, timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            return True
        except sqlite3.OperationalError:
            os.kill(pid, signal.SIGCONT)
            return False
        finally:
            other.close()
    wait_until(is_stopped, "a moment without a transaction")


class Later(threading.Thread):
    """A call whose answer comes later, if at all: True when it was taken."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.was_taken = call, False
        self.start()

    def run(self):
        try:
            self.call()
            self.was_taken = True
        except (BotoCoreError, ClientError):
            pass


def test_a_second_control_plane_goes_on_when_the_first_stands_still_and_when_it_is_killed(new_service):
    port = free_port()
    service = new_service("--standby", f"127.0.0.1:{port}").start()
    pids = [wait_until(lambda p=p: pid_listening(service.mark, "127.0.0.1", p), "both listen") for p in (service.port, port)]
    group = Group.create(service, "pair", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    first, primary = group.client, group.shard()["PrimaryEndpoint"]
    assert redis_cli(primary, "SET", "k", "before") == "OK"

    stop_between_transactions(pids[0], service.state_dir / "larderd" / "larder.db")
    late = [Later(lambda: first.create_cache_cluster(CacheClusterId="doubled", Engine="redis", NumCacheNodes=1,
                                                     CacheNodeType="cache.t4g.micro")),
            Later(first.describe_cache_clusters)]
    os.kill(serving_pid(primary), signal.SIGKILL)
    began = time.monotonic()
    wait_until(lambda: redis_cli(primary, "SET", "k", "by the second") == "OK", "writes are taken by the successor")
    away = time.monotonic() - began
    second = group.client = service.client(port=port)
    os.kill(pids[0], signal.SIGCONT)
    for each in late:
        each.join(30)
        assert not each.is_alive() and not each.was_taken, "who leads no longer answers nothing as if it did"
    group.wait()
    wait_until(lambda: is_standing_by(first), "the first one stands by")
    assert [c["CacheClusterId"] for c in second.describe_cache_clusters()["CacheClusters"]] == ["pair-001", "pair-002"]
    assert sorted(group.roles().values()) == ["primary", "replica"]
    assert sum("completed" in m for m in group.messages()) == 1, group.messages()

    os.kill(pids[1], signal.SIGKILL)  # `larder up` starts it again; one of them leads, the other one stands by
    os.kill(serving_pid(primary), signal.SIGKILL)
    began = time.monotonic()
    wait_until(lambda: redis_cli(primary, "SET", "k", "by the next") == "OK", "writes are taken by the next successor")
    print(f"\nwrites were taken again {away:.2f} s after a leader stood still, and {time.monotonic() - began:.2f} s after one was killed,"
          " each with a primary")
    wait_until(lambda: is_standing_by(first) or is_standing_by(second), "one stands by")
    group.client = second if is_standing_by(first) else first
    group.wait()
    assert sorted(group.roles().values()) == ["primary", "replica"]
    assert len(service.pids("larderd")) == 2
    wait_until(lambda: len(service.pids("larder-engine")) == 2, "both engines run")


def is_standing_by(client):
    try:
        client.describe_cache_clusters()
        return False
    except ClientError as refused:
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        return "stands by" in refused.response["Error"]["Message"]
    except BotoCoreError:  # it is just being started
        return False
