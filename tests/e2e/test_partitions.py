"""Hosts that are lost, stand still or are cut off, each with a network of its own: who takes writes, and for how long nobody does."""
import collections
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import tempfile
import threading
import time

import boto3
import pytest
from botocore.config import Config

import networks
from conftest import BIN, wait_until
from hosts import PLACES, Hosts

REASON = networks.why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

LEASE_S = 1.2
TAG = "larder:engine-driver"


class House(Hosts):
    @contextlib.contextmanager
    def api(self):
        """A client of the interface; to be used at once."""
        with self.network.inside("plane"):
            yield boto3.client("elasticache", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="000000000000",
                               aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}))


class Group:
    def __init__(self, house, name, **more):
        self.house, self.name = house, name
        with house.api() as client:
            client.create_replication_group(
                **{"NumCacheClusters": 3, **more}, ReplicationGroupId=name, ReplicationGroupDescription="d",
                CacheNodeType="cache.t4g.micro", Engine="redis", AutomaticFailoverEnabled=True, MultiAZEnabled=True,
                AtRestEncryptionEnabled=False)
        wait_until(lambda: self.describe()["Status"] == "available", f"{name} is available")
        self.nodes = {m["CacheClusterId"]: (m["ReadEndpoint"]["Address"], m["ReadEndpoint"]["Port"])
                      for m in self.describe()["NodeGroups"][0]["NodeGroupMembers"]}

    def describe(self):
        with self.house.api() as client:
            return client.describe_replication_groups(ReplicationGroupId=self.name)["ReplicationGroups"][0]

    def endpoint(self):
        """Where clients find the primary, whoever it is."""
        said = self.describe()["NodeGroups"][0]["PrimaryEndpoint"]
        return said["Address"], said["Port"]

    def primary(self):
        return next((m["CacheClusterId"] for m in self.describe()["NodeGroups"][0]["NodeGroupMembers"]
                     if m["CurrentRole"] == "primary"), None)

    def place(self, node):
        return self.house.place_of(self.nodes[node][0])

    def wait_whole(self):
        """Each replica follows, by its own word."""
        def is_whole():
            first = self.primary()
            return first and all(self.follows(n) for n in self.nodes if n != first)
        wait_until(is_whole, "replicas that follow")

    def info(self, node):
        with self.house.network.inside(self.place(node)):
            try:
                return ask(self.nodes[node], b"INFO replication\r\n").decode()
            except OSError:
                return ""

    def follows(self, node):
        return "master_link_status:up" in self.info(node)

    def is_replica(self, node):
        return "role:slave" in self.info(node)


def ask(address, request):
    with socket.create_connection(address, timeout=0.3) as s:
        s.sendall(request)
        return s.recv(4096)


Ack = collections.namedtuple("Ack", "sent received node value")


class Writers:
    """A client beside each node, that writes to it as long as it takes writes; all of one machine, so of one clock."""

    def __init__(self, group):
        self.group, self.acks, self.is_over = group, [], False
        self.threads = [threading.Thread(target=self.run, args=(node,), daemon=True) for node in group.nodes]

    def run(self, node):
        self.group.house.network.enter(self.group.place(node))
        while not self.is_over:
            with contextlib.suppress(OSError), socket.create_connection(self.group.nodes[node], timeout=0.2) as s:
                s.settimeout(0.3)
                while not self.is_over and self.write(s, node):
                    time.sleep(0.002)
            time.sleep(0.01)

    def write(self, s, node):
        sent = time.monotonic()
        s.sendall(b"INCR n\r\n")
        said = s.recv(1000)
        if said.startswith(b":"):
            self.acks.append(Ack(sent, time.monotonic(), node, int(said[1:])))
        return said.startswith(b":")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: self.acks, "the first write that is taken")
        return self

    def __exit__(self, *_):
        self.is_over = True
        for thread in self.threads:
            thread.join()

    def wait_taken_by(self, nodes, since):
        wait_until(lambda: any(a.node in nodes and a.sent > since for a in self.acks[-2000:]), f"writes taken by {nodes}")

    def gap(self):
        """The longest time without an acknowledgement."""
        times = sorted(a.received for a in list(self.acks))
        return max(later - t for t, later in zip(times, times[1:]))

    def lost(self):
        """Increments that were acknowledged, and again by somebody who did not know of it."""
        values = [a.value for a in list(self.acks)]
        return len(values) - len(set(values))

    def order(self):
        """Nodes in the order in which they first took writes. None takes one that was sent after a later one had begun."""
        acks = sorted(list(self.acks), key=lambda a: a.received)
        first = {}
        for ack in acks:
            first.setdefault(ack.node, ack.received)
        order = sorted(first, key=first.get)
        for older, newer in zip(order, order[1:]):
            split = [a for a in acks if a.node == older and a.sent > first[newer]]
            assert not split, f"{len(split)} writes were taken by {older} after {newer} had begun"
        return order


@pytest.fixture(scope="module")
def house():
    base = pathlib.Path(tempfile.mkdtemp(prefix="larder-net-"))
    with networks.Network("plane", *PLACES) as network:
        made = House(network, base, BIN)
        try:
            made.start()
            yield made
        finally:
            made.close()
            shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="module")
def groups(house):
    return {"bundled": Group(house, "rg"), "redis": Group(house, "server", Tags=[{"Key": TAG, "Value": "redis"}]),
            "sync": Group(house, "sure", Tags=[{"Key": "larder:durability", "Value": "sync"}]),
            "pair": Group(house, "pair", NumCacheClusters=2)}


@pytest.fixture
def whole(house, groups):
    """A group by the kind of its engines, with each of its replicas; all ways are there again afterwards."""
    def get(driver):
        groups[driver].wait_whole()
        return groups[driver]

    yield get
    house.network.heal()


def test_a_primary_that_only_the_control_plane_does_not_hear_goes_on(house, whole):
    group = whole("bundled")
    first = group.primary()
    with Writers(group) as writers:
        house.network.cut("plane", group.place(first))
        time.sleep(2.5 * LEASE_S)  # voters were asked long ago
        house.network.heal()
        wait_until(lambda: group.primary() == first, "the primary of before")
    assert writers.order() == [first]
    print(f"\ngap {1000 * writers.gap():.0f} ms")


def test_a_moment_alone_changes_nothing(house, whole):
    group = whole("bundled")
    first = group.primary()
    with Writers(group) as writers:
        cut = time.monotonic()
        house.network.cut_off(group.place(first))
        time.sleep(LEASE_S / 4)
        house.network.heal()
        healed = time.monotonic()
        writers.wait_taken_by(set(group.nodes), healed)
    # a machine that took longer than a lease to cut and heal has seen another fault
    assert writers.order() == [first] or healed - cut > 0.8 * LEASE_S


def replaced(group, writers, since):
    """Waits until another one takes writes; then the one of before has to come back as its replica."""
    first = writers.order()[0]
    writers.wait_taken_by(set(group.nodes) - {first}, since)

    def see_the_end():
        wait_until(lambda: group.is_replica(first), "the old primary as a replica")
        group.wait_whole()
        order = writers.order()
        assert len(order) == 2 and order[0] == first
        newer = min(a.received for a in writers.acks if a.node != first)
        print(f"\nothers take writes {1000 * (newer - since):.0f} ms after the fault, whole {time.monotonic() - since:.1f} s after it")
    return see_the_end


def test_in_sync_a_silent_replica_is_waited_for(house, whole):
    """It may be the one that has what was acknowledged."""
    group = whole("sync")
    first = group.primary()
    silent = next(n for n in group.nodes if n != first)
    with Writers(group) as writers:
        house.network.cut_off(group.place(silent))
        writers.wait_taken_by({first}, time.monotonic())
        os.kill(process_of(group, first), signal.SIGKILL)
        killed = time.monotonic()
        time.sleep(LEASE_S)
        assert not [a for a in writers.acks if a.sent > killed]
        house.network.heal()
        replaced(group, writers, killed)()
    assert writers.lost() == 0


@pytest.mark.parametrize("driver, way", [("bundled", "both ways"), ("bundled", "what it sends"), ("redis", "both ways"),
                                         ("sync", "both ways")])
def test_a_primary_that_is_cut_off_stops_and_is_replaced(house, whole, driver, way):
    group = whole(driver)
    place = group.place(group.primary())
    with Writers(group) as writers:
        cut = time.monotonic()
        others = [other for other in house.network.names if other != place]
        house.network.cut_ways([(place, other) for other in others])
        if way == "both ways":
            house.network.cut_off(place)
        see_the_end = replaced(group, writers, cut)
        house.network.heal()
        see_the_end()
    assert driver != "sync" or writers.lost() == 0


def test_a_primary_that_only_the_control_plane_hears_is_replaced(house, whole):
    group = whole("bundled")
    first = group.primary()
    place = group.place(first)
    with Writers(group) as writers:
        cut = time.monotonic()
        others = [other for other in house.network.names if other not in (place, "plane")]
        house.network.cut_ways([(place, other) for other in others] + [(other, place) for other in others])
        see_the_end = replaced(group, writers, cut)
        house.network.heal()
        see_the_end()


@pytest.mark.parametrize("driver", ["bundled", "sync"])
def test_a_lost_host_is_done_without(house, whole, driver):
    group = whole(driver)
    first = group.primary()
    with Writers(group) as writers:
        lost = time.monotonic()
        house.signal(group.place(first), signal.SIGKILL)
        see_the_end = replaced(group, writers, lost)
        house.start_agent(group.place(first))
        see_the_end()
    assert driver != "sync" or writers.lost() == 0


def refuses(group, node):
    with group.house.network.inside(group.place(node)):
        try:
            return ask(group.nodes[node], b"INCR n\r\n").startswith(b"-")
        except OSError:
            return False


def test_without_the_control_plane_a_pair_goes_on_and_a_primary_that_is_alone_waits(house, whole):
    group = whole("pair")
    first, = {group.primary()}
    other = group.place(next(n for n in group.nodes if n != first))

    def wait_refused():
        wait_until(lambda: refuses(group, first), "writes that are refused")

    with Writers(group) as writers:
        house.signal("plane", signal.SIGKILL)
        killed = time.monotonic()
        time.sleep(2.5 * LEASE_S)  # a lease, and as long as until a host is asked after, and more
        writers.wait_taken_by({first}, killed + 2.4 * LEASE_S)
        gap = writers.gap()
        house.network.cut_off(other)
        wait_refused()
        house.start_plane()
        writers.wait_taken_by({first}, time.monotonic())
        house.signal("plane", signal.SIGKILL)
        wait_refused()
        house.network.heal()
        writers.wait_taken_by({first}, time.monotonic())
        house.start_plane()
    assert gap < 2 * LEASE_S  # it is about 20 ms
    assert writers.order() == [first] and writers.lost() == 0


@pytest.mark.parametrize("program", [None, "larder-agent"], ids=["a host", "an agent"])
def test_what_stands_still_has_no_say_afterwards(house, whole, program):
    group = whole("bundled")
    place = group.place(group.primary())
    with Writers(group) as writers:
        stopped = time.monotonic()
        house.signal(place, signal.SIGSTOP, program)
        try:
            see_the_end = replaced(group, writers, stopped)
        finally:
            house.signal(place, signal.SIGCONT, program)
        see_the_end()


class Client:
    """One of a place without caches, whose neighbours on the bridge have the address that it goes to. Whom it has asked for
    once it does not ask for again: where it goes after a failover is by what it was told."""

    PLACE = "plane"

    def __init__(self, group):
        self.network, self.address = group.house.network, group.endpoint()

    def count(self):
        with self.network.inside(self.PLACE):
            try:
                said = ask(self.address, b"INCR through-the-endpoint\r\n")
            except OSError:
                return None
        return int(said[1:]) if said.startswith(b":") else None

    def believes_in(self, place):
        return self.network.neighbour(self.PLACE, self.address[0]) == self.network.mac(place)

    def wait_served_by(self, group, others_than):
        """By another one than that, and by the address of before."""
        wait_until(lambda: group.primary() not in (None, others_than), "another primary")
        wait_until(self.count, "writes go on by the same address")
        place = group.place(group.primary())
        wait_until(lambda: self.network.holders(self.address[0]) == [place], "one host alone has the address")
        wait_until(lambda: self.believes_in(place), "the client goes there")


@pytest.mark.parametrize("driver", ["bundled", "redis"])
def test_the_address_of_a_crashed_primary_goes_to_its_heir(house, whole, driver):
    group = whole(driver)
    client, first = Client(group), group.primary()
    wait_until(client.count, "writes by the endpoint's address")
    before = client.count()
    assert client.believes_in(group.place(first))
    pid = process_of(group, first)
    os.kill(pid, signal.SIGKILL)
    client.wait_served_by(group, first)
    assert client.count() > before


def process_of(group, node):
    with group.house.network.inside(group.place(node)):
        said = ask(group.nodes[node], b"INFO server\r\n").decode()
    return int(said.split("process_id:")[1].split()[0])


def test_the_address_leaves_a_host_that_is_alone(house, whole):
    """Clients reach it still: the others alone do not."""
    group = whole("bundled")
    client, first = Client(group), group.primary()
    wait_until(client.count, "writes by the endpoint's address")
    house.network.cut_off(group.place(first))
    wait_until(lambda: house.network.holders(client.address[0]) != [group.place(first)], "an end of the address with its lease")
    wait_until(client.count, "writes go on by the same address")
    house.network.heal()
    client.wait_served_by(group, first)


def test_the_address_of_a_lost_host_goes_on(house, whole):
    """What is left of it (here its kernel, which nobody tells anything any more) gives the address up, too."""
    group = whole("bundled")
    client, first = Client(group), group.primary()
    wait_until(client.count, "writes by the endpoint's address")
    place = group.place(first)
    house.network.pull(place)
    try:
        house.signal(place, signal.SIGKILL)
        house.network.cut_off(place)
        client.wait_served_by(group, first)
    finally:
        house.network.heal()
        house.network.plug(place)
        house.start_agent(place)
    wait_until(lambda: group.is_replica(first), "the old primary as a replica")
    assert house.network.holders(client.address[0]) == [group.place(group.primary())]


def test_an_agent_that_is_started_again_leaves_the_address_where_it_is(house, whole):
    group = whole("bundled")
    client, first = Client(group), group.primary()
    wait_until(client.count, "writes by the endpoint's address")
    place = group.place(first)
    starts, killed = house.log(place).count("ready "), time.monotonic()
    house.signal(place, signal.SIGKILL, "larder-agent")
    house.start_agent(place)
    wait_until(lambda: house.log(place).count("ready ") > starts, "the next agent")
    took = time.monotonic() - killed
    wait_until(client.count, "writes go on")
    # a machine that took longer than a lease for that has seen another fault
    assert group.primary() == first or took > 0.8 * LEASE_S
    wait_until(lambda: house.network.holders(client.address[0]) == [group.place(group.primary())], "one host alone has the address")
