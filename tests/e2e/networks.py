"""Hosts with networks of their own on one machine: namespaces around a router, whose ways can be cut one by one.

Each place has an address and a block of addresses that it answers on. What goes from one place to another passes the
router, which drops it where the test says so, without a word to either side. Beside that all places are neighbours of
each other on one more network, a bridge, where any of them may have the addresses of `SHARED`.
"""
import contextlib
import ctypes
import itertools
import os
import shutil
import subprocess

CLONE_NEWNET = 0x40000000
SHARED = "10.78.1.0/24"
SHARED_INTERFACE = "shared"
LIBC = ctypes.CDLL(None, use_errno=True)
COUNTER = itertools.count()


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def why_not():
    """Why this machine cannot have such networks; None when it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip"):
        return "there is no ip (iproute2)"
    try:
        with Network("a", "b") as network:
            network.cut("a", "b")
    except (OSError, subprocess.CalledProcessError) as e:
        return f"this machine makes no network namespaces: {getattr(e, 'stderr', b'') or e}"
    return None


class Network:
    def __init__(self, *names):
        self.prefix = f"larder{os.getpid()}-{next(COUNTER)}-"
        self.names = list(names)
        self.router = self.prefix + "router"
        self.cuts = set()  # (from, to)

    def __enter__(self):
        try:
            ip("netns", "add", self.router)
            ip("-n", self.router, "link", "set", "lo", "up")
            self.set_up(self.router, "net.ipv4.ip_forward=1")
            ip("-n", self.router, "link", "add", "bridge", "type", "bridge")
            ip("-n", self.router, "link", "set", "bridge", "up")
            for name in self.names:
                self.add(name)
                self.join(name)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def set_up(self, namespace, words):
        ip("netns", "exec", namespace, "sysctl", "-q", "-w", words)

    def add(self, name):
        here, i = self.namespace(name), self.names.index(name) + 1
        link, router_link = f"lh{os.getpid() % 100000}x{i}", f"lr{os.getpid() % 100000}x{i}"
        ip("netns", "add", here)
        ip("link", "add", link, "netns", here, "type", "veth", "peer", "name", router_link, "netns", self.router)
        ip("-n", self.router, "addr", "add", f"10.200.{i}.1/30", "dev", router_link)
        ip("-n", self.router, "link", "set", router_link, "up")
        ip("-n", here, "link", "set", "lo", "up")
        ip("-n", here, "addr", "add", f"10.200.{i}.2/30", "dev", link)
        ip("-n", here, "link", "set", link, "up")
        ip("-n", here, "addr", "add", f"{self.address(name)}/32", "dev", "lo")
        ip("-n", here, "route", "add", "local", self.block(name), "dev", "lo")
        ip("-n", here, "route", "add", "default", "via", f"10.200.{i}.1", "src", self.address(name))
        ip("-n", self.router, "route", "add", self.block(name), "via", f"10.200.{i}.2")

    def join(self, name):
        """The bridge's part of it."""
        here, i = self.namespace(name), self.names.index(name) + 1
        port = f"lb{os.getpid() % 100000}x{i}"
        ip("link", "add", port, "netns", self.router, "type", "veth", "peer", "name", SHARED_INTERFACE, "netns", here)
        ip("-n", self.router, "link", "set", port, "master", "bridge", "up")
        ip("-n", here, "link", "set", SHARED_INTERFACE, "up")
        ip("-n", here, "addr", "add", f"10.78.0.{i}/24", "dev", SHARED_INTERFACE)
        ip("-n", here, "route", "add", SHARED, "dev", SHARED_INTERFACE)
        self.set_up(here, f"net.ipv4.neigh.{SHARED_INTERFACE}.base_reachable_time_ms=3600000")  # who is known is not asked for again

    def close(self):
        for namespace in [*map(self.namespace, self.names), self.router]:
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)

    def namespace(self, name):
        return self.prefix + name

    def address(self, name):
        return f"10.77.{self.names.index(name) + 1}.1"

    def block(self, name):
        return f"10.77.{self.names.index(name) + 1}.0/24"

    def place_of(self, address):
        return next(n for n in self.names if address.rsplit(".", 1)[0] == self.address(n).rsplit(".", 1)[0])

    # -- ways

    def change(self, verb, ways):
        """All of them by one run of ip, so that they are there and gone together."""
        lines = "".join(f"rule {verb} from {self.block(a)} to {self.block(b)} blackhole\n" for a, b in ways)
        subprocess.run(["ip", "-n", self.router, "-batch", "-"], input=lines, text=True, check=True, capture_output=True)

    def cut_ways(self, ways):
        """What goes from the first to the second of each is lost."""
        new = set(ways) - self.cuts
        self.change("add", new)
        self.cuts |= new

    def cut(self, *pair):
        self.cut_ways([pair, pair[::-1]])

    def cut_off(self, name):
        """The place is alone."""
        others = [other for other in self.names if other != name]
        self.cut_ways([(name, other) for other in others] + [(other, name) for other in others])

    def heal(self):
        self.change("del", self.cuts)
        self.cuts = set()

    # -- what all are neighbours on

    def pull(self, name):
        """The place's cable to the bridge: whoever is there is not heard any more."""
        ip("-n", self.namespace(name), "link", "set", SHARED_INTERFACE, "down")

    def plug(self, name):
        here = self.namespace(name)
        ip("-n", here, "link", "set", SHARED_INTERFACE, "up")
        ip("-n", here, "route", "replace", SHARED, "dev", SHARED_INTERFACE)

    def neighbour(self, name, address):
        """Whom that place believes to have the address: the one of its interface; None while it knows nobody."""
        said = subprocess.run(["ip", "-n", self.namespace(name), "neigh", "show", address], capture_output=True, text=True, check=True)
        words = said.stdout.split()
        return words[words.index("lladdr") + 1] if "lladdr" in words else None

    def mac(self, name):
        said = subprocess.run(["ip", "-n", self.namespace(name), "-o", "link", "show", SHARED_INTERFACE], capture_output=True, text=True,
                              check=True).stdout.split()
        return said[said.index("link/ether") + 1]

    def holders(self, address):
        """The places whose interface has the address."""
        def has(name):
            said = subprocess.run(["ip", "-n", self.namespace(name), "-o", "addr", "show", "dev", SHARED_INTERFACE],
                                  capture_output=True, text=True, check=True).stdout
            return f" {address}/" in said
        return [name for name in self.names if has(name)]

    # -- being there

    def start(self, name, argv, **more):
        return subprocess.Popen(["ip", "netns", "exec", self.namespace(name), *argv], **more)

    def pids(self, name):
        said = subprocess.run(["ip", "netns", "pids", self.namespace(name)], capture_output=True, text=True, check=True)
        return [int(p) for p in said.stdout.split()]

    def enter(self, name):
        """Sockets that this thread makes from now on are there."""
        with open(f"/run/netns/{self.namespace(name)}", "rb") as there:
            if LIBC.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    @contextlib.contextmanager
    def inside(self, name):
        """The same for a while."""
        with open("/proc/thread-self/ns/net", "rb") as home:
            self.enter(name)
            try:
                yield
            finally:
                if LIBC.setns(home.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
