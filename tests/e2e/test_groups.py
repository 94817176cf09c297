"""Replication groups: real primaries and replicas behind the endpoints, and data that outlives what happens to them."""
import contextlib
import ctypes
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest
import redis
from botocore.exceptions import ClientError

from conftest import answers_ping, free_port, redis_cli, wait_until
from storm import Storm
from test_larderd import resolve

STORM_CLIENTS = 2000
NEEDS_REDIS = pytest.mark.skipif(not shutil.which("redis-server"), reason="there is no redis-server")


class Group:
    """A group under test, by its name."""

    def __init__(self, service, name):
        self.service = service
        self.name = name
        self.client = service.client()

    @classmethod
    def create(cls, service, name, **more):
        group = cls(service, name)
        group.client.create_replication_group(**{
            "ReplicationGroupId": name, "ReplicationGroupDescription": "d", "CacheNodeType": "cache.t4g.micro",
            "Engine": "redis", "AtRestEncryptionEnabled": False, **more})
        return group.wait()

    def describe(self):
        return self.client.describe_replication_groups(ReplicationGroupId=self.name)["ReplicationGroups"][0]

    def wait(self, status="available"):
        wait_until(lambda: self.describe()["Status"] == status, f"{self.name} is {status}", timeout=30)
        return self

    def wait_gone(self):
        wait_until(lambda: self.name not in names_of_groups(self.client), f"{self.name} is gone", timeout=30)

    def shard(self):
        return self.describe()["NodeGroups"][0]

    def primary(self):
        """The member that is it, by its own address; the endpoint's stays what it is."""
        for member in self.shard()["NodeGroupMembers"]:
            if member["CurrentRole"] == "primary":
                return member["ReadEndpoint"]
        return None

    def roles(self):
        return {m["CacheClusterId"]: m["CurrentRole"] for m in self.shard()["NodeGroupMembers"]}

    def members(self):
        return self.describe()["MemberClusters"]

    def messages(self):
        events = self.client.describe_events(SourceIdentifier=self.name, SourceType="replication-group")["Events"]
        return [e["Message"] for e in events]


def info(endpoint):
    return dict(line.split(":", 1) for line in redis_cli(endpoint, "INFO").splitlines() if ":" in line)


def names_of_groups(client):
    return [g["ReplicationGroupId"] for g in client.describe_replication_groups()["ReplicationGroups"]]


class Writer:
    """Writes to whoever takes it, and remembers what was acknowledged."""

    def __init__(self, endpoints, patience=0.3):
        self.endpoints = endpoints
        self.patience = patience
        self.acknowledged = []
        self.longest_gap = 0.0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: self.acknowledged, "the first write is taken")
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def run(self):
        last = time.monotonic()
        while not self.ended.is_set():
            for endpoint in self.endpoints:
                with contextlib.suppress(redis.RedisError), \
                        redis.Redis(endpoint["Address"], endpoint["Port"], socket_timeout=self.patience) as client:
                    while not self.ended.is_set():
                        number = len(self.acknowledged)
                        client.set(f"written:{number}", number)
                        self.acknowledged.append(number)
                        now = time.monotonic()
                        if number > 0:
                            self.longest_gap = max(self.longest_gap, now - last)
                        last = now

    def lost(self, endpoint):
        with redis.Redis(endpoint["Address"], endpoint["Port"]) as client:
            return [n for n in self.acknowledged if client.get(f"written:{n}") is None]


# --- what stands behind the endpoints -------------------------------------------------------------------


def test_what_is_written_at_the_primary_is_read_at_the_replicas(house):
    group = Group.create(house, "plain", NumCacheClusters=3, AutomaticFailoverEnabled=True, MultiAZEnabled=True)
    shard = group.shard()
    assert group.roles() == {"plain-001": "primary", "plain-002": "replica", "plain-003": "replica"}
    assert len({m["PreferredAvailabilityZone"] for m in shard["NodeGroupMembers"]}) == 3
    assert redis_cli(shard["PrimaryEndpoint"], "SET", "greeting", "hello") == "OK"
    for member in shard["NodeGroupMembers"]:
        wait_until(lambda at=member["ReadEndpoint"]: redis_cli(at, "GET", "greeting") == "hello", "the replica has it")
    assert redis_cli(shard["ReaderEndpoint"], "SET", "greeting", "no").startswith("READONLY")
    told = {info(shard["PrimaryEndpoint"])[f"slave{i}"].split(",")[0] for i in range(2)}
    assert told == {f"ip={m['ReadEndpoint']['Address']}" for m in shard["NodeGroupMembers"] if m["CurrentRole"] == "replica"}
    assert "Replication group plain created" in group.messages()
    assert "Automatic failover has been turned on for replication group plain" in group.messages()

    group.client.delete_replication_group(ReplicationGroupId="plain")
    group.wait_gone()
    assert not answers_ping(shard["PrimaryEndpoint"])
    with pytest.raises(ClientError, match="ReplicationGroupNotFoundFault"):
        group.describe()


def test_a_cluster_client_finds_all_shards(house):
    group = Group.create(house, "sharded", NumNodeGroups=2, ReplicasPerNodeGroup=1)
    shown = group.describe()
    assert shown["ClusterEnabled"] and shown["AutomaticFailover"] == "enabled"
    assert [s["Slots"] for s in shown["NodeGroups"]] == ["0-8191", "8192-16383"]
    assert "PrimaryEndpoint" not in shown["NodeGroups"][0]
    endpoint = shown["ConfigurationEndpoint"]
    client = redis.RedisCluster(host=endpoint["Address"], port=endpoint["Port"])
    for number in range(100):
        client.set(f"key:{number}", number)
    assert [client.get(f"key:{n}") for n in range(100)] == [b"%d" % n for n in range(100)]
    assert len(client.get_primaries()) == 2 and len(client.get_replicas()) == 2
    assert "cluster_state:ok" in redis_cli(endpoint, "CLUSTER", "INFO")
    client.close()


def test_a_cluster_becomes_a_group_and_stands_alone_again(house):
    endpoint, = house.create("single")
    assert redis_cli(endpoint, "SET", "kept", "yes") == "OK"
    group = Group.create(house, "adopting", PrimaryClusterId="single", NumCacheClusters=2, CacheNodeType="")
    assert group.members() == ["adopting-001", "single"]
    assert group.primary() == endpoint
    assert redis_cli(group.shard()["ReaderEndpoint"], "GET", "kept") == "yes"

    group.client.delete_replication_group(ReplicationGroupId="adopting", RetainPrimaryCluster=True)
    group.wait_gone()
    assert "ReplicationGroupId" not in house.describe("single")
    assert redis_cli(endpoint, "GET", "kept") == "yes"


# --- members that come and go -----------------------------------------------------------------------------


def test_replicas_come_with_the_data_and_go_without_it(house):
    group = Group.create(house, "growing", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    redis_cli(group.primary(), "SET", "kept", "yes")
    group.client.increase_replica_count(ReplicationGroupId="growing", NewReplicaCount=2, ApplyImmediately=True)
    assert group.members() == ["growing-001", "growing-002", "growing-003"]
    group.wait()
    third = group.shard()["NodeGroupMembers"][2]["ReadEndpoint"]
    assert redis_cli(third, "GET", "kept") == "yes"

    group.client.create_cache_cluster(CacheClusterId="joined", ReplicationGroupId="growing")
    group.wait()
    assert redis_cli(house.endpoints("joined")[0], "GET", "kept") == "yes"
    group.client.delete_cache_cluster(CacheClusterId="joined")
    group.wait()
    group.client.decrease_replica_count(ReplicationGroupId="growing", NewReplicaCount=1, ApplyImmediately=True)
    group.wait()
    assert group.members() == ["growing-001", "growing-002"]
    assert not answers_ping(third)


def test_members_grow_where_they_stand(house):
    group = Group.create(house, "sized", NumCacheClusters=2)
    redis_cli(group.primary(), "SET", "kept", "yes")
    pids = [house.engine_pid(m["ReadEndpoint"]) for m in group.shard()["NodeGroupMembers"]]
    before = int(info(group.primary())["maxmemory"])
    group.client.modify_replication_group(ReplicationGroupId="sized", CacheNodeType="cache.t4g.small",
                                          ApplyImmediately=True)
    group.wait()
    assert group.describe()["CacheNodeType"] == house.describe("sized-002")["CacheNodeType"] == "cache.t4g.small"
    assert int(info(group.primary())["maxmemory"]) > before
    assert int(info(group.shard()["ReaderEndpoint"])["maxmemory"]) > before
    assert redis_cli(group.primary(), "GET", "kept") == "yes"
    assert [house.engine_pid(m["ReadEndpoint"]) for m in group.shard()["NodeGroupMembers"]] == pids


# --- roles that change ------------------------------------------------------------------------------------


def test_a_failover_that_is_asked_for_loses_nothing(house):
    group = Group.create(house, "switched", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    with Writer([m["ReadEndpoint"] for m in group.shard()["NodeGroupMembers"]]) as writer:
        group.client.test_failover(ReplicationGroupId="switched", NodeGroupId="0001")
        group.wait()
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before, "writes go on")
    assert group.roles() == {"switched-001": "replica", "switched-002": "primary"}
    assert writer.lost(group.primary()) == []
    assert group.messages()[:2] == ["Failover from primary node switched-001 to replica node switched-002 completed",
                                    "Test Failover API called for node group 0001"]
    assert [m for _, m in house.events("switched-001")][:2] == ["Finished recovery for cache nodes 0001",
                                                                "Recovering cache nodes 0001"]


def term_of(house, name):
    with contextlib.closing(sqlite3.connect(next((house.state_dir / "larderd").glob("*.db")))) as db:
        return db.execute("SELECT g.term FROM node_group_goal g JOIN node_group s ON s.id = g.node_group_id "
                          "JOIN replication_group r ON r.id = s.group_id WHERE r.name = ?", (name,)).fetchone()[0]


def test_a_switch_to_one_that_stands_still_disconnects_nobody_and_uses_no_term(house):
    group = Group.create(house, "unmoved", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    before = term_of(house, "unmoved")
    endpoints = {m["CurrentRole"]: m["ReadEndpoint"] for m in group.shard()["NodeGroupMembers"]}
    pid = house.engine_pid(endpoints["replica"])
    with Writer([endpoints["primary"]], patience=30) as writer, \
            redis.Redis(endpoints["primary"]["Address"], endpoints["primary"]["Port"]) as other:
        other.ping()
        number = other.client_id()
        os.kill(pid, signal.SIGSTOP)
        try:
            group.client.test_failover(ReplicationGroupId="unmoved", NodeGroupId="0001")
            wait_until(lambda: any("did not come level in time" in m for m in group.messages()), "it was given up")
        finally:
            os.kill(pid, signal.SIGCONT)
        group.wait()
        count = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > count + 1, "writes go on")
        assert other.client_id() == number, "the connection is the same"
    assert 0.4 < writer.longest_gap < 5  # half a second on a quiet machine
    assert writer.lost(endpoints["primary"]) == []
    assert group.roles() == {"unmoved-001": "primary", "unmoved-002": "replica"}
    assert term_of(house, "unmoved") == before


def test_another_primary_is_chosen_by_hand(house):
    group = Group.create(house, "chosen", NumCacheClusters=2)
    redis_cli(group.primary(), "SET", "kept", "yes")
    group.client.modify_replication_group(ReplicationGroupId="chosen", PrimaryClusterId="chosen-002")
    group.wait()
    assert group.roles() == {"chosen-001": "replica", "chosen-002": "primary"}
    assert redis_cli(group.primary(), "GET", "kept") == "yes"


def test_a_replica_takes_over_when_its_primary_dies(house):
    group = Group.create(house, "robbed", NumCacheClusters=3, AutomaticFailoverEnabled=True)
    old = group.primary()
    with Writer([m["ReadEndpoint"] for m in group.shard()["NodeGroupMembers"]]) as writer:
        os.kill(house.engine_pid(old), signal.SIGKILL)
        wait_until(lambda: group.primary() != old, "another one is the primary")
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 1, "writes go on")
    assert len(writer.lost(group.primary())) <= 1
    assert writer.longest_gap < 5  # tens of milliseconds on a quiet machine: tests/bench/failover
    assert group.roles()["robbed-001"] == "replica"
    wait_until(lambda: redis_cli(old, "GET", "written:0") == "0", "the old primary follows, with the data")
    assert redis_cli(old, "SET", "x", "y").startswith("READONLY")


def test_thousands_of_clients_come_at_once_to_the_next_primary(house):
    """10,000, and their times: tests/bench/failover --faults storm."""
    group = Group.create(house, "stormed", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    old, members = group.primary(), [m["ReadEndpoint"] for m in group.shard()["NodeGroupMembers"]]

    def find_primary():
        return [(m["Address"], m["Port"]) for m in members if says_it_is_primary(m)][0]

    with Storm(find_primary, STORM_CLIENTS) as storm:
        assert storm.arrive()
        os.kill(house.engine_pid(old), signal.SIGKILL)
        away_s = sorted(storm.pass_over())
    print(f"\n{STORM_CLIENTS} clients: half were back after {away_s[len(away_s) // 2]:.2f} s, all after {away_s[-1]:.2f} s")
    assert away_s[len(away_s) * 99 // 100] < 30
    assert [m for m in group.messages() if m.startswith("Failover from")] == [
        "Failover from primary node stormed-001 to replica node stormed-002 completed"]


@pytest.mark.parametrize("driver", ["bundled", pytest.param("redis", marks=NEEDS_REDIS)])
def test_a_primary_without_a_free_place_whose_users_may_not_enter_is_replaced(house, driver):
    """By one that has no free place, either."""
    group = Group.create(house, f"crowded-{driver}", NumCacheClusters=2, AutomaticFailoverEnabled=True,
                         Tags=[{"Key": "larder:engine-driver", "Value": driver}])
    old, (heir,) = group.primary(), [m["ReadEndpoint"] for m in group.shard()["NodeGroupMembers"] if m["CurrentRole"] == "replica"]
    pid = house.engine_pid(old)
    assert redis_cli(old, "SET", "kept", "yes") == "OK"
    wait_until(lambda: redis_cli(heir, "GET", "kept") == "yes", "the replica has it")
    with contextlib.ExitStack() as places:
        ask = who_is_in(house, driver, heir, places)
        for member in (old, heir):
            crowd(house, driver, member, places)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: ask("SET more too") == "+OK", "the other one takes writes")
        assert ask("EXISTS kept") == ":1"
        wait_until(lambda: group.primary() == heir, "it is told as the primary")


def who_is_in(house, driver, endpoint, places):
    """Asks for one who is there already: the owner by the admin socket, or a guest."""
    link = places.enter_context(connected(endpoint) if driver == "redis" else socket.socket(socket.AF_UNIX))
    if driver != "redis":
        link.connect(admin_socket(house.engine_pid(endpoint)))
    return lambda words: said_to(link, words.encode() + b"\r\n").decode().strip()


def admin_socket(pid):
    return f"/proc/{pid}/cwd/admin.sock"


def crowd(house, driver, endpoint, places):
    """From now on nobody can enter."""
    pid = house.engine_pid(endpoint)
    if driver == "bundled":
        for order in ("CONFIG SET maxclients 3", "ACL SETUSER default off"):
            done = subprocess.run(["redis-cli", "-s", admin_socket(pid), *order.split()], stdout=subprocess.PIPE, text=True, timeout=10,
                                  check=True)
            assert done.stdout == "OK\n"
        for _ in range(6):
            places.enter_context(connected(endpoint))
    else:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, 1))
    wait_until(lambda: not enters(endpoint), "no place is free")


def connected(endpoint, timeout=1.0):
    return socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=timeout)


def said_to(link, request):
    link.sendall(request)
    return link.recv(1000)


def enters(endpoint):
    try:
        with connected(endpoint, timeout=0.2) as link:
            return said_to(link, b"PING\r\n") == b"+PONG\r\n"
    except OSError:
        return False


def says_it_is_primary(endpoint):
    with contextlib.suppress(OSError), connected(endpoint) as link:
        return b"master" in said_to(link, b"ROLE\r\n")
    return False


def test_a_replica_takes_over_when_its_primary_hangs(house):
    group = Group.create(house, "stuck", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    old = group.primary()
    redis_cli(old, "SET", "kept", "yes")
    pid = house.engine_pid(old)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: group.primary() != old, "another one is the primary")
    wait_until(lambda: redis_cli(old, "GET", "kept") == "yes", "the old primary follows, as another process")
    assert not os.path.exists(f"/proc/{pid}")
    assert redis_cli(group.primary(), "GET", "kept") == "yes"


def compute(endpoint, seconds):
    """Has it use a processor for so long; how long that took."""
    began = time.monotonic()
    redis_cli(endpoint, "EVAL", f"local t = os.clock() while os.clock() - t < {seconds} do end", "0")
    return time.monotonic() - began


def test_a_primary_that_is_busy_keeps_its_role_and_users_are_warned(house):
    group = Group.create(house, "busy", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    first = next(name for name, role in group.roles().items() if role == "primary")
    primary = group.primary()
    slowness = max(1.0, compute(primary, 0.3) / 0.3)
    if not 2.5 < compute(primary, 3 / slowness) < 4.5:
        pytest.skip("on a machine with others on it nobody can say for how long one is busy")

    def told():
        return [m for _, m in house.events(first, group.client) if "respond" in m]

    wait_until(lambda: len(told()) == 2, "the end is told, too")
    assert sorted(told()) == ["Cache node 0001 is not responding: it is busy and does not answer",
                              "Cache node 0001 is responding again"]
    assert group.roles()[first] == "primary"
    assert not [m for m in group.messages() if "Failover" in m]


PTRACE_SEIZE, PTRACE_DETACH, PTRACE_O_TRACEEXIT = 0x4206, 17, 0x40


def trace(request, pid, data):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if libc.ptrace(request, pid, None, data) != 0:
        pytest.skip(f"processes cannot be traced here: {os.strerror(ctypes.get_errno())}")


def test_a_replica_takes_over_from_one_that_the_kernel_holds(house):
    """A tracer holds its end up, as a disk does that does not answer."""
    group = Group.create(house, "held", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    old = group.primary()
    redis_cli(old, "SET", "kept", "yes")
    pid = house.engine_pid(old)
    trace(PTRACE_SEIZE, pid, PTRACE_O_TRACEEXIT)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: group.primary() != old, "another one is the primary")
    assert os.path.exists(f"/proc/{pid}")
    assert redis_cli(group.primary(), "GET", "kept") == "yes"
    assert redis_cli(group.primary(), "SET", "kept", "on") == "OK"
    trace(PTRACE_DETACH, pid, None)
    wait_until(lambda: redis_cli(old, "GET", "kept") == "on", "the old primary follows, as another process")


def test_primaries_that_die_one_upon_another_are_not_replaced_for_ever(house):
    group = Group.create(house, "looped", NumCacheClusters=3, AutomaticFailoverEnabled=True)
    old = group.primary()
    redis_cli(old, "SET", "k", "v")
    wait_until(lambda: all(redis_cli(m["ReadEndpoint"], "GET", "k") == "v" for m in group.shard()["NodeGroupMembers"]),
               "all have it")

    def is_held():
        return any("Automatic failover of node group 0001 is suspended" in m for m in group.messages())

    for _ in range(20):
        os.kill(house.engine_pid(old), signal.SIGKILL)
        wait_until(lambda: group.primary() != old or is_held(), "another one is the primary, or none for now")
        if group.primary() == old:
            break
        old = group.primary()
    assert is_held()
    others = [m["ReadEndpoint"] for m in group.shard()["NodeGroupMembers"] if m["ReadEndpoint"] != old]
    assert len(others) == 2 and all(answers_ping(e) for e in others)
    group.client.test_failover(ReplicationGroupId="looped", NodeGroupId="0001")
    wait_until(lambda: group.primary() != old, "there is one when it is asked for")
    wait_until(lambda: redis_cli(group.primary(), "SET", "k", "v") == "OK", "it takes writes")
    group.wait()


def test_without_automatic_failover_the_primary_comes_back_with_its_data(house):
    group = Group.create(house, "patient", NumCacheClusters=2, AutomaticFailoverEnabled=False)
    old = group.primary()
    assert redis_cli(old, "SET", "kept", "yes") == "OK"
    first = house.engine_pid(old)
    replica = next(m["ReadEndpoint"] for m in group.shard()["NodeGroupMembers"] if m["CurrentRole"] == "replica")
    wait_until(lambda: redis_cli(replica, "GET", "kept") == "yes", "the replica has it")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: house.engine_pid(old) not in (None, first) and redis_cli(old, "SET", "more", "too") == "OK",
               "it takes writes again")
    assert redis_cli(old, "GET", "kept") == "yes"
    assert group.primary() == old and redis_cli(replica, "SET", "k", "v").startswith("READONLY")
    wait_until(lambda: {"Finished recovery for cache nodes 0001", "Recovering cache nodes 0001"} <=
               {m for _, m in house.events("patient-001")}, "its events tell of it")


def test_a_shard_of_a_cluster_fails_over_and_clients_hear_of_it(house):
    group = Group.create(house, "torn", NumNodeGroups=2, ReplicasPerNodeGroup=1)
    endpoint = group.describe()["ConfigurationEndpoint"]
    client = redis.RedisCluster(host=endpoint["Address"], port=endpoint["Port"])
    client.set("key", "kept")
    holder = client.get_node_from_key("key")
    os.kill(house.engine_pid({"Address": holder.host, "Port": holder.port}), signal.SIGKILL)

    def read():
        with contextlib.suppress(redis.RedisError, OSError):
            return client.get("key") == b"kept" and client.set("key", "kept")
        return False

    wait_until(read, "the key is there, and written again")
    client.close()


def test_names_follow_the_roles(new_service):
    port = free_port()
    service = new_service("--dns", f"127.0.0.1:{port}", "--endpoints", "dns").start()
    group = Group.create(service, "named", NumCacheClusters=2)
    shard = group.shard()
    primary, reader = shard["PrimaryEndpoint"]["Address"], shard["ReaderEndpoint"]["Address"]
    first, second = (m["ReadEndpoint"]["Address"] for m in shard["NodeGroupMembers"])
    assert primary.startswith("named.") and ".ng.0001.use1." in primary and reader.startswith("named-ro.")
    addresses = [resolve(port, name)[1] for name in (first, second)]
    wait_until(lambda: [resolve(port, n)[1] for n in (primary, reader)] == addresses, "names lead to primary and reader")
    group.client.modify_replication_group(ReplicationGroupId="named", PrimaryClusterId="named-002")
    group.wait()
    assert [group.shard()[e]["Address"] for e in ("PrimaryEndpoint", "ReaderEndpoint")] == [primary, reader]
    wait_until(lambda: [resolve(port, n)[1] for n in (reader, primary)] == addresses, "names follow the roles")
    group.client.delete_replication_group(ReplicationGroupId="named")
    group.wait_gone()
    wait_until(lambda: all(resolve(port, n)[0] == 3 for n in (primary, reader, first)), "the names are gone")

    spread = Group.create(service, "spread", NumNodeGroups=2, ReplicasPerNodeGroup=1)
    name = spread.describe()["ConfigurationEndpoint"]["Address"]
    assert name.startswith("spread.") and ".clustercfg.use1." in name
    wait_until(lambda: len(resolve(port, name)[1]) == 4, "the name leads to all nodes")


# --- restarts -----------------------------------------------------------------------------------------------


def test_roles_and_data_are_back_after_a_restart(new_service):
    service = new_service().start()
    group = Group.create(service, "lasting", NumCacheClusters=2)
    group.client.modify_replication_group(ReplicationGroupId="lasting", PrimaryClusterId="lasting-002")
    group.wait()
    redis_cli(group.primary(), "SET", "kept", "yes")
    primary = group.primary()
    service.stop()
    service.start()
    wait_until(lambda: answers_ping(primary), "the primary is back")
    group = Group(service, "lasting")
    assert group.roles() == {"lasting-001": "replica", "lasting-002": "primary"}
    assert group.primary() == primary
    wait_until(lambda: redis_cli(primary, "GET", "kept") == "yes", "the data is back")
    replica = group.shard()["NodeGroupMembers"][0]["ReadEndpoint"]
    wait_until(lambda: redis_cli(replica, "GET", "kept") == "yes", "the replica has it, too")
