"""The servers under measurement: each pinned to one core, on a free port, with its CPU time readable to the ns."""

import atexit
import functools
import glob
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]


def cores():
    """(core of the servers, core of the clients)."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], usable[0]


@functools.cache
def tools():
    """The folder of the C programs beside this file; it goes with the bench."""
    folder = tempfile.mkdtemp(prefix="larder-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def build(name, *flags):
    """Compiles one of them."""
    path = os.path.join(tools(), name)
    source = pathlib.Path(__file__).with_name(name.partition(".")[0] + ".c")
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", path, str(source), *flags], check=True)
    return path


def build_shared(name):
    """The same for one that is preloaded."""
    return build(name + ".so", "-shared", "-fPIC", "-ldl")


def settled(core, argv):
    """The command line that runs `argv` on one core and ends it with the bench (settle.c)."""
    return [build("settle", "-static"), str(core), *map(str, argv)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_engine(folder=None):
    folder = folder or os.environ.get("LARDER_BIN_DIR") or str(ROOT / "build" / "bin")
    path = os.path.abspath(os.path.join(folder, "larder-engine"))
    if not os.access(path, os.X_OK):
        raise SystemExit("no larder-engine in %s: build it, or name the folder with --bin" % folder)
    return path


def find_reference(env, *names, told=None):
    """The path of a server found on this machine, or None."""
    told = told or os.environ.get(env)
    if told:
        if not shutil.which(told):
            raise SystemExit("%s is no program" % told)
        return os.path.abspath(shutil.which(told))
    return next((path for path in map(shutil.which, names) if path), None)


class Server:
    """One running server of a kind: engine, redis, valkey, echo, memcached, engine-mc."""

    def __init__(self, kind, argv, is_ready=None, env=None, core=None):
        self.kind, self.port, self.tls_port = kind, free_port(), free_port()
        self.dir = tempfile.mkdtemp(prefix="larder-bench-")
        argv = [str(a).replace("{port}", str(self.port)).replace("{tls-port}", str(self.tls_port)) for a in argv]
        argv = settled(cores()[0] if core is None else core, argv)
        self.proc = subprocess.Popen(argv, cwd=self.dir, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.STDOUT)
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

    def children_cpu_ns(self):
        """The same of the child processes that have ended, to a tick of the kernel's (10 ms)."""
        with open("/proc/%d/stat" % self.proc.pid) as f:
            user, system = f.read().rpartition(")")[2].split()[13:15]
        return (int(user) + int(system)) * 10**9 // os.sysconf("SC_CLK_TCK")

    def rss_bytes(self):
        with open("/proc/%d/statm" % self.proc.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Certificate:
    """One that signs itself, and the directives for servers that use it."""

    def __init__(self, folder):
        self.cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", self.cert,
                        "-subj", "/CN=localhost", "-days", "2"], check=True, capture_output=True)
        self.directives = ["--tls-port", "{tls-port}", "--tls-cert-file", self.cert, "--tls-key-file", key,
                           "--tls-ca-cert-file", self.cert, "--tls-auth-clients", "no"]


PING = (b"PING\r\n", b"+PONG")
VERSION = (b"version\r\n", b"VERSION")


class Fleet:
    """Starts servers of the kinds that this machine has."""

    def __init__(self, engine, tmp, valkey=None):
        self.engine, self.tmp = engine, tmp
        self.redis = find_reference("LARDER_REDIS_SERVER", "redis-server")
        self.valkey = find_reference("LARDER_VALKEY_SERVER", "valkey-server", told=valkey)
        self.memcached = find_reference("LARDER_MEMCACHED", "memcached")
        if not self.redis:
            raise SystemExit("redis-server is not installed: it is what everything is measured against")

    def kinds(self):
        return ["redis", "engine"] + (["valkey"] if self.valkey else [])

    def start(self, kind, reply_bytes=0, tls=(), core=None):
        resp = ["--port", "{port}", "--bind", "127.0.0.1", *tls]
        if kind == "echo":
            return Server(kind, [build("echo"), "{port}", reply_bytes])
        if kind in ("redis", "valkey"):
            path = getattr(self, kind)
            return Server(kind, [path] + resp + ["--save", "", "--appendonly", "no"], PING, core=core)
        if kind == "engine":
            return Server(kind, [self.engine] + resp, PING, core=core)
        if kind == "engine-mc":
            return Server(kind, [self.engine] + resp + ["--larder-protocol", "memcached"], VERSION)
        user = ["-u", "root"] if os.getuid() == 0 else []
        return Server(kind, [self.memcached, "-p", "{port}", "-U", "0", "-l", "127.0.0.1", "-t", "1", "-m", "8192"] + user,
                      VERSION)
