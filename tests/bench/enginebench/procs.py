"""The servers under measurement: each pinned to one core, on a free port, with its CPU time readable to the ns."""

import ctypes
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]


def cores():
    """(core of the servers, core of the clients)."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], usable[0]


PR_SET_PDEATHSIG = 1


def settle_on(core):
    """For a child before it runs its program: ends with the bench, whatever ends that; stays on one core,
    ahead of other processes there where that is allowed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, {core})
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    except PermissionError:
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_engine(folder=None):
    folder = folder or os.environ.get("LARDER_BIN_DIR") or str(ROOT / "build" / "bin")
    path = os.path.join(folder, "larder-engine")
    if not os.access(path, os.X_OK):
        raise SystemExit("no larder-engine in %s: build it, or name the folder with --bin" % folder)
    return path


def find_reference(env, *names):
    """The path of a server found on this machine, or None."""
    told = os.environ.get(env)
    if told:
        return told
    return next((path for path in map(shutil.which, names) if path), None)


def build(folder, name):
    """Compiles one of the C programs beside this file, once."""
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        source = pathlib.Path(__file__).with_name(name + ".c")
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", path, str(source)], check=True)
    return path


def build_shared(folder, name):
    """The same for one that is preloaded."""
    path = os.path.join(folder, name + ".so")
    if not os.path.exists(path):
        source = pathlib.Path(__file__).with_name(name + ".c")
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", path, str(source), "-ldl"], check=True)
    return path


class Server:
    """One running server of a kind: engine, redis, valkey, echo, memcached, engine-mc."""

    def __init__(self, kind, argv, is_ready=None, env=None):
        self.kind, self.port = kind, free_port()
        self.dir = tempfile.mkdtemp(prefix="larder-bench-")
        argv = [str(a).replace("{port}", str(self.port)) for a in argv]
        core = cores()[0]
        self.proc = subprocess.Popen(argv, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.STDOUT, env=env, preexec_fn=lambda: settle_on(core))
        self.wait_ready(is_ready)

    def wait_ready(self, is_ready):
        deadline = time.monotonic() + 20
        while True:
            if self.proc.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise SystemExit("%s did not start" % self.kind)
            try:
                with self.connect() as sock:
                    if not is_ready:
                        return
                    sock.sendall(is_ready[0])
                    if sock.recv(100).startswith(is_ready[1]):
                        return
            except OSError:
                time.sleep(0.0005)

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def cpu_ns(self):
        """User and system time of all threads so far."""
        total = 0
        for path in glob.glob("/proc/%d/task/*/schedstat" % self.proc.pid):
            try:
                with open(path) as f:
                    total += int(f.read().split()[0])
            except (OSError, IndexError):
                continue
        return total

    def rss_bytes(self):
        with open("/proc/%d/statm" % self.proc.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


PING = (b"PING\r\n", b"+PONG")
VERSION = (b"version\r\n", b"VERSION")


class Fleet:
    """Starts servers of the kinds that this machine has."""

    def __init__(self, engine, tmp):
        self.engine, self.tmp = engine, tmp
        self.redis = find_reference("LARDER_REDIS_SERVER", "redis-server")
        self.valkey = find_reference("LARDER_VALKEY_SERVER", "valkey-server")
        self.memcached = find_reference("LARDER_MEMCACHED", "memcached")
        if not self.redis:
            raise SystemExit("redis-server is not installed: it is what everything is measured against")

    def kinds(self):
        return ["redis", "engine"] + (["valkey"] if self.valkey else [])

    def start(self, kind, reply_bytes=0):
        resp = ["--port", "{port}", "--bind", "127.0.0.1"]
        if kind == "echo":
            return Server(kind, [build(self.tmp, "echo"), "{port}", reply_bytes])
        if kind in ("redis", "valkey"):
            path = getattr(self, kind)
            return Server(kind, [path] + resp + ["--save", "", "--appendonly", "no"], PING)
        if kind == "engine":
            return Server(kind, [self.engine] + resp, PING)
        if kind == "engine-mc":
            return Server(kind, [self.engine] + resp + ["--larder-protocol", "memcached"], VERSION)
        user = ["-u", "root"] if os.getuid() == 0 else []
        return Server(kind, [self.memcached, "-p", "{port}", "-U", "0", "-l", "127.0.0.1", "-t", "1", "-m", "8192"] + user,
                      VERSION)
