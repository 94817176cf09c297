"""What the two houses have in common: a group of three whose primary is struck by a fault, and the end of the fault.

Where the machine allows it every host of a house has a network of its own, and the clients another one: only so a host can be
lost or cut off. Else all stand at the loopback address."""

import os
import signal
import time

from failoverbench.waiting import facts, wait_for

MEMBERS = 3
HANG_S, PAUSE_S, PARTITION_S = 5, 5, 6
OF_HOSTS = ("host", "pause", "partition")  # faults that need networks


class Client:
    """Where one client asks for the primary. It may stand beside the primary, on that one's host."""

    def __init__(self, find_primary, enter=None):
        self.find_primary, self.enter = find_primary, enter
        self.is_halted = False  # with its host


def is_whole(where):
    """The primary has all its replicas, and all are up to date."""
    told = facts(where)
    lines = [told.get(f"slave{i}", "") for i in range(MEMBERS - 1)]
    return told["role"] == "master" and all("state=online" in line for line in lines)


class House:
    """A fault is a method that strikes the primary and returns what ends it, or nothing: that may wait for its time."""

    name = None

    def __init__(self, network):
        self.network = network
        self.here = network and network.inside("clients")

    def __enter__(self):
        if self.here:
            self.here.__enter__()  # all threads that are made meanwhile are there
        try:
            self.open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if self.network:
                self.network.heal()
            self.close()
        finally:
            if self.here:
                self.here.__exit__(None, None, None)

    def find_primary(self):
        return self.client().find_primary()

    def find_primary_patiently(self):
        """Where who answers waits for a processor, too."""
        return wait_for(self.find_primary, "somebody says who the primary is")

    def client_beside(self):
        """On the primary's host."""
        place = self.network.place_of(self.find_primary()[0])
        return self.client(place)

    # -- faults of a process

    def crash(self, _):
        os.kill(self.pid(self.find_primary()), signal.SIGKILL)

    def hang(self, _):
        pid, began = self.pid(self.find_primary()), time.monotonic()
        os.kill(pid, signal.SIGSTOP)

        def end():
            while is_stopped(pid) and time.monotonic() < began + HANG_S:
                time.sleep(0.05)
            if is_stopped(pid):
                os.kill(pid, signal.SIGCONT)
        return end

    def pid(self, where):
        return int(facts(where)["process_id"])

    # -- faults of a host

    def place_of_primary(self):
        return self.network.place_of(self.find_primary()[0])

    def host(self, _):
        place = self.place_of_primary()
        self.network.cut_off(place)
        self.signal(place, signal.SIGKILL)

        def end():
            self.network.heal()
            self.start_host(place)
        return end

    def pause(self, beside):
        place, began = self.place_of_primary(), time.monotonic()
        beside.is_halted = True
        self.signal(place, signal.SIGSTOP)

        def end():
            time.sleep(max(0, began + PAUSE_S - time.monotonic()))
            self.signal(place, signal.SIGCONT)
            beside.is_halted = False
        return end

    def partition(self, _):
        place, began = self.place_of_primary(), time.monotonic()
        self.network.cut_off(place)

        def end():
            time.sleep(max(0, began + PARTITION_S - time.monotonic()))
            self.network.heal()
        return end

    def signal(self, place, number):
        for pid in self.network.pids(place):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


def is_stopped(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False
