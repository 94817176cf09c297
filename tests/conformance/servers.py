"""Servers that the tests start for themselves: free ports, a directory that is removed, stopped by pid."""

import ctypes
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from wire import Closed, Conn

ROOT = pathlib.Path(__file__).resolve().parents[2]
REDIS = os.environ.get("LARDER_REDIS_SERVER", "/usr/bin/redis-server")
MEMCACHED = os.environ.get("LARDER_MEMCACHED", "/usr/bin/memcached")
START_S = 20.0


def engine_path():
    """larder-engine of LARDER_BIN_DIR, or of the usual build directory."""
    folder = os.environ.get("LARDER_BIN_DIR") or str(ROOT / "build" / "bin")
    return os.path.join(folder, "larder-engine")


# Below the ports that the system gives to outgoing connections, one of which might take a free port before the server
# does; and so low that the ports ten thousand above, where redis-server has its cluster bus, are below them, too.
PORTS = range(11000, 22000)
given = set()


def is_free(port):
    with socket.socket() as probe:
        # As servers do: what is left of old connections is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def free_port():
    """A port that is free together with the one ten thousand above; none is given twice."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        if port not in given and is_free(port) and is_free(port + 10000):
            given.add(port)
            return port


def wait_for(claim, what, within=START_S):
    """Polls until claim() is true."""
    deadline = time.monotonic() + within
    while True:
        result = claim()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError("did not happen within %.1f s: %s" % (within, what))
        select.select([], [], [], 0.005)


PR_SET_PDEATHSIG = 1


def end_with_parent():
    """For a child before it runs its program: it ends when the tests do, whatever ends them."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """One process that listens on one loopback port, and the directory that it works in."""

    def __init__(self, argv_of, name, env=None, ready=""):
        self.name, self.ready = name, ready
        self.last_words = ""
        self.dir = tempfile.mkdtemp(prefix="larder-conformance-")
        self.port = free_port()
        self.log = open(os.path.join(self.dir, "log"), "w+b")
        self.argv = [str(a) for a in argv_of(self)]
        self.env, self.begun_at = env, 0
        self.launch()

    def launch(self):
        self.proc = subprocess.Popen(self.argv, cwd=self.dir, stdin=subprocess.DEVNULL,
                                     stdout=self.log, stderr=subprocess.STDOUT, env=self.env,
                                     preexec_fn=end_with_parent)
        try:
            wait_for(self.answers, "%s listens on %d\n%s" % (self.name, self.port, self.output()))
        except BaseException:
            self.stop()
            raise

    def launch_again(self):
        """Once more with the same arguments in the same directory, after its end."""
        self.log.seek(0, os.SEEK_END)
        self.begun_at = self.log.tell()
        self.launch()

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    @property
    def pid(self):
        return self.proc.pid

    def answers(self):
        if self.proc.poll() is not None:
            raise AssertionError("%s ended with %s:\n%s" % (self.name, self.proc.returncode, self.output()))
        try:
            Conn(self.address).close()
            return self.ready in self.output()[self.begun_at:]
        except OSError:
            return False

    def output(self):
        """What the process has printed so far, or had printed when it was stopped."""
        if self.log.closed:
            return self.last_words
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def conn(self, **kw):
        return Conn(self.address, **kw)

    def is_alive(self):
        return self.proc.poll() is None

    def rss_bytes(self):
        with open("/proc/%d/statm" % self.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def terminate(self, sig=signal.SIGTERM, within=10.0):
        """Sends the signal and returns the exit code."""
        self.proc.send_signal(sig)
        return self.proc.wait(within)

    def stop(self):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        self.last_words = self.output()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Shared:
    """One server for many tests; a new one takes its place when it has died, so that one crash fails one test."""

    def __init__(self, start):
        self.start, self.server = start, None

    def get(self):
        if self.server is None or not self.server.is_alive():
            self.stop()
            self.server = self.start()
        return self.server

    def stop(self):
        if self.server:
            self.server.stop()
            self.server = None


def talk(server, data):
    """Sends the bytes over a connection of its own, closes the sending side, and returns all that comes back."""
    with server.conn() as conn:
        return conn.talk(data)


def directives(options):
    """{"maxmemory": "1mb"} as --maxmemory 1mb; underscores stand for dashes."""
    argv = []
    for name, value in options.items():
        argv += ["--" + name.replace("_", "-")] + (list(value) if isinstance(value, (list, tuple)) else [value])
    return argv


def redis(**options):
    # hz 500, because redis-server ends blocking commands only that often.
    options = {"save": "", "appendonly": "no", "enable_debug_command": "yes", "hz": 500, **options}
    return Server(lambda s: [REDIS, "--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir]
                  + directives(options), "redis-server", env={**os.environ, "LC_ALL": "C"})


def engine(ready="Ready to accept connections", **options):
    """With an empty `ready` it may still be loading."""
    options = {"bind": "127.0.0.1", **options}
    return Server(lambda s: [engine_path(), "--port", s.port] + directives(options), "larder-engine", ready=ready)


def memcached(*flags):
    user = ["-u", "root"] if os.getuid() == 0 else []
    return Server(lambda s: [MEMCACHED, "-p", s.port, "-U", 0, "-l", "127.0.0.1", "-t", 1] + user + list(flags),
                  "memcached")


def is_gone(conn):
    """True when the server has closed this connection (and sent nothing more)."""
    try:
        conn.fill()
    except Closed:
        return True
    return False
