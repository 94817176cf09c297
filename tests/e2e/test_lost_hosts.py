"""Hosts that are lost or stand still: the lease of their primaries runs out, and another host's replica takes the place.

A host is all processes of one agent. It is lost when its engines are killed and its agent says nothing; it stands still
when all of them are stopped.
"""
import contextlib
import os
import pathlib
import signal

import pytest
import redis

from conftest import processes_marked, wait_until
from test_groups import Group


class Host:
    """The host of a cache node, by the folder of its agent."""

    def __init__(self, service, endpoint):
        engine = service.engine_pid(endpoint)
        self.service = service
        self.folder = pathlib.Path(os.readlink(f"/proc/{engine}/cwd")).parents[1]
        self.agent = next(pid for pid in service.pids("larder-agent") if str(self.folder) in self.command(pid))

    @staticmethod
    def command(pid):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")

    def others(self):
        """Engines and their parents."""
        found = []
        for pid in processes_marked(self.service.mark):
            with contextlib.suppress(OSError):
                if pathlib.Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(self.folder):
                    found.append(pid)
        return found

    def signal(self, number, pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def lose(self):
        self.signal(signal.SIGSTOP, [self.agent, *self.others()])
        self.signal(signal.SIGKILL, self.others())

    def pause(self):
        self.signal(signal.SIGSTOP, [self.agent, *self.others()])

    def stop_agent(self):
        self.signal(signal.SIGSTOP, [self.agent])

    def go_on(self):
        self.signal(signal.SIGCONT, [self.agent, *self.others()])


def is_written(endpoint, key):
    """Whether the write was acknowledged."""
    try:
        with redis.Redis(endpoint["Address"], endpoint["Port"], socket_timeout=1, socket_connect_timeout=1) as client:
            return client.set(key, "1")
    except redis.RedisError:
        return False


def is_leased(group):
    """Writes are taken under a lease from the moment on in which the members have their roles."""
    return group.describe()["Status"] == "available" and all(role for role in group.roles().values())


@pytest.mark.parametrize("members, fault", [(3, "lose"), (2, "pause"), (2, "stop_agent")])
def test_another_host_takes_over_and_the_old_primary_acknowledges_nothing_any_more(house, members, fault):
    group = Group.create(house, f"away-{fault.replace('_', '-')}", NumCacheClusters=members, AutomaticFailoverEnabled=True)
    wait_until(lambda: is_leased(group), "the group has its roles", timeout=30)
    old = next(name for name, role in group.roles().items() if role == "primary")
    places = {name: house.endpoints(name, group.client)[0] for name in group.roles()}
    assert is_written(places[old], "before")
    host = Host(house, places[old])
    try:
        getattr(host, fault)()
        new = wait_until(lambda: next((m for m in places if m != old and is_written(places[m], "after")), None),
                         "another member takes writes", timeout=30)
        host.go_on()
        for _ in range(20):
            assert not is_written(places[old], "late"), "two primaries"
        wait_until(lambda: group.roles() == {m: "primary" if m == new else "replica" for m in places}, "roles are told", timeout=30)
        assert f"Failover from primary node {old} to replica node {new} completed" in group.messages()
        recovered = [message for _, message in house.events(old, group.client)]
        wait_until(lambda: "Finished recovery for cache nodes 0001" in [m for _, m in house.events(old, group.client)],
                   f"the old primary follows: {recovered}", timeout=60)
        assert "Recovering cache nodes 0001" in [m for _, m in house.events(old, group.client)]
    finally:
        host.go_on()
