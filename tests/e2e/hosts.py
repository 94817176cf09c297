"""A control plane and three hosts, each with a network of its own (networks.py): for tests and benches."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess

from networks import SHARED, SHARED_INTERFACE
from waiting import wait_until

PLACES = ["host1", "host2", "host3"]
DNS_PORT = 9353


def answers(url):
    host, port = url.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=0.2).close()
        return True
    except OSError:
        return False


class Hosts:
    """What they write is in the folder `base`. Endpoints are addresses that the places share; with names, they are names, and
    each place answers them."""

    def __init__(self, network, base, bin_dir, has_names=False):
        self.network, self.base, self.bin_dir, self.has_names = network, base, bin_dir, has_names
        self.url = f"http://{network.address('plane')}:9379"
        self.started = []  # processes, to be waited for when they ended

    def start(self):
        (self.base / "token").write_text("between-us-and-nobody-else")
        self.start_plane()
        for place in PLACES:
            self.start_agent(place)
        wait_until(lambda: all("ready" in self.log(p) for p in PLACES), "hosts that are enrolled")

    def log(self, place):
        return (self.base / f"{place}.log").read_text(errors="replace")

    def run(self, place, *argv):
        with open(self.base / f"{place}.log", "ab") as log:
            self.started.append(self.network.start(place, [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log,
                                                   stderr=log))

    def name_server(self, place):
        return (self.network.address(place), DNS_PORT)

    def start_plane(self):
        names = ["--dns", "off", "--endpoint-pool", SHARED]
        if self.has_names:
            names = ["--dns", "{}:{}".format(*self.name_server("plane")), "--endpoints", "dns"]
        self.run("plane", self.bin_dir / "larderd", "--state-dir", self.base / "plane", "--token-file", self.base / "token",
                 "--listen", self.url.removeprefix("http://"), *names)
        with self.network.inside("plane"):
            wait_until(lambda: answers(self.url), "the control plane")

    def start_agent(self, place):
        zone = "us-east-1" + "abc"[PLACES.index(place)]
        names = ["--endpoint-interface", SHARED_INTERFACE]
        if self.has_names:
            names = ["--dns", "{}:{}".format(*self.name_server(place))]
        self.run(place, self.bin_dir / "larder-agent", "--control-plane", self.url, "--state-dir", self.base / place,
                 "--pool", self.network.block(place), "--zone", zone, "--name", place, "--memory", "4GB",
                 "--token-file", self.base / "token", *names)

    def place_of(self, address):
        return self.network.place_of(address)

    def signal(self, place, signal_number, program=None):
        """Who is killed is gone afterwards, with its locks."""
        struck = set()
        for pid in self.network.pids(place):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if program in (None, pathlib.Path(f"/proc/{pid}/comm").read_text().strip()):
                    os.kill(pid, signal_number)
                    struck.add(pid)
        if signal_number == signal.SIGKILL:
            for process in self.started:
                if process.pid in struck:
                    process.wait()  # its last thread is the one that gives locks up
            wait_until(lambda: not struck & set(self.network.pids(place)), f"an end of those at {place}")

    def errors(self):
        """The last words of everybody, for a test that failed (conftest.py)."""
        return "\n".join(f"--- {p.name}\n" + "\n".join(p.read_text(errors="replace").splitlines()[-40:])
                         for p in sorted(self.base.glob("*.log")))

    def close(self):
        for place in ["plane", *PLACES]:
            wait_until(lambda place=place: self.signal(place, signal.SIGKILL) or not self.network.pids(place),
                       f"an end of all at {place}")
        for process in self.started:
            process.wait()
