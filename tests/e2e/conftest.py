"""The mechanics of the end-to-end tests: services that tests start, real clients, and looking at processes.

Each service is its own `larder up` on a free port, with its own slice of the loopback range and its own
state folder. It is stopped by its pid, and nothing of it may be left running.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from waiting import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("LARDER_BIN_DIR", ROOT / "build" / "bin"))
AWS = "/usr/bin/aws"
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30
MARK = "LARDER_TEST_MARK"  # in the environment of everything that a service starts


# --- processes ---------------------------------------------------------------------------------------


def processes_marked(mark):
    """The pids of all living processes that carry the mark of a service, with their programs' names."""
    found = {}
    wanted = f"{MARK}={mark}".encode()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if wanted not in (entry / "environ").read_bytes().split(b"\0"):
                continue
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z":
                found[int(entry.name)] = pathlib.Path(os.readlink(entry / "exe")).name
    return found


def socket_inodes_listening(address, port):
    wanted = f"{int.from_bytes(socket.inet_aton(address), 'little'):08X}:{port:04X}"
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {line.split()[9] for line in lines if line.split()[1] == wanted and line.split()[3] == "0A"}


def pid_listening(mark, address, port):
    """The pid of the marked process that listens there, or None."""
    inodes = {f"socket:[{i}]" for i in socket_inodes_listening(address, port)}
    for pid in processes_marked(mark):
        with contextlib.suppress(OSError):
            for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(fd) in inodes:
                        return pid
    return None


# --- talking to caches --------------------------------------------------------------------------------


def redis_cli(endpoint, *words, timeout=10):
    done = subprocess.run(["redis-cli", "-h", endpoint["Address"], "-p", str(endpoint["Port"]), *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False)
    return done.stdout.strip()


def answers(client):
    """Whether the control plane does: `larder up` starts it again when it ended."""
    try:
        client.describe_cache_clusters(MaxRecords=20)
        return True
    except (BotoCoreError, ClientError):
        return False


def answers_ping(endpoint):
    """PING over a fresh connection, without the cost of starting redis-cli."""
    try:
        with socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=1) as s:
            s.settimeout(1)
            s.sendall(b"PING\r\n")
            return s.recv(64) == b"+PONG\r\n"
    except OSError:
        return False


def serving_pid(endpoint):
    """The pid of the engine that answers there, as it says itself; None when nobody does."""
    try:
        with socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=1) as s:
            s.settimeout(1)
            s.sendall(b"INFO server\r\n")
            answer = b""
            while b"process_id:" not in answer or not answer.rpartition(b"process_id:")[2].strip(b"0123456789"):
                piece = s.recv(65536)
                if not piece:
                    return None
                answer += piece
            return number_in(answer.decode(), r"process_id:(\d+)")
    except OSError:
        return None


def memcached(endpoint, text, until=b"\r\n"):
    """One exchange of memcached's text protocol."""
    with socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=5) as s:
        s.settimeout(5)
        s.sendall(text.replace("\n", "\r\n").encode())
        answer = b""
        while not answer.endswith(until):
            piece = s.recv(4096)
            if not piece:
                break
            answer += piece
        return answer.decode().replace("\r\n", "\n")


# --- a service ----------------------------------------------------------------------------------------


class PoolSlots:
    """Slices 127.80-239.N.0/20 of the loopback range, shared fairly with other test runs on the machine."""

    def __init__(self):
        self.locks = []

    def take(self):
        folder = pathlib.Path(tempfile.gettempdir(), "larder-test-pools")
        folder.mkdir(exist_ok=True)
        for _ in range(200):
            second, third = random.randrange(80, 240), random.randrange(16) * 16
            lock = open(folder / f"{second}.{third}", "w")  # pylint: disable=consider-using-with
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            self.locks.append(lock)
            return f"127.{second}.{third}.0/20"
        raise AssertionError("no free slice of the loopback range")

    def release(self):
        for lock in self.locks:
            os.unlink(lock.name)
            lock.close()
        self.locks.clear()


def free_port(address="127.0.0.1"):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


class Service:
    """A `larder up` under test."""

    def __init__(self, pool, state_dir, *flags, memory="96GB"):
        self.pool = pool
        self.memory = memory
        self.state_dir = pathlib.Path(state_dir)
        self.flags = list(flags)
        self.prefix = []  # words in front of the command: another user, another view of the disk
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.mark = uuid.uuid4().hex
        self.process = None
        self.ready_line = None
        self.start_seconds = None

    def command(self):
        return [*self.prefix, str(BIN / "larder"), "up", "--state-dir", str(self.state_dir), "--listen", f"127.0.0.1:{self.port}",
                *([] if "--dns" in self.flags else ["--dns", "off"]), "--pool", self.pool, "--memory", self.memory, *self.flags]

    def environment(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LARDER_"))}
        return dict(clean, **{MARK: self.mark})

    def start(self):
        begun = time.monotonic()
        stderr = open(self.state_dir.parent / f"{self.state_dir.name}.err", "ab")  # closed with the process
        with stderr:
            self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=stderr, text=True,
                                            stdin=subprocess.DEVNULL, env=self.environment())
        self.ready_line = self.read_line(START_TIMEOUT_S)
        self.start_seconds = time.monotonic() - begun
        assert self.ready_line == f"ready {self.url}", f"{self.ready_line!r}\n{self.errors()}"
        return self

    def read_line(self, timeout):
        """The first line of standard output, or '' when it ended without one."""
        import selectors
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(timeout), f"no word within {timeout} s\n{self.errors()}"
        return self.process.stdout.readline().strip()

    def errors(self):
        parts = [self.state_dir.parent / f"{self.state_dir.name}.err", *sorted(self.state_dir.glob("logs/*.log"))]
        return "\n".join(f"--- {p.name}\n" + "\n".join(p.read_text(errors="replace").splitlines()[-30:])
                         for p in parts if p.exists())

    def stop(self):
        """Ends the service as an operator does and checks that all of it is gone."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_TIMEOUT_S)
        finally:
            process.stdout.close()
            if process.poll() is None:
                process.kill()
                process.wait()
        left = processes_marked(self.mark)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert status == 0, f"larder up ended with {status}\n{self.errors()}"
        assert left == {}, f"left running: {left}\n{self.errors()}"

    # -- parts of it

    def pids(self, program):
        return sorted(pid for pid, name in processes_marked(self.mark).items() if name == program)

    def larderd_pid(self):
        pids = self.pids("larderd")
        return pids[0] if pids else None

    def engine_pid(self, endpoint):
        return pid_listening(self.mark, endpoint["Address"], endpoint["Port"])

    # -- clients

    def client(self, service="elasticache", region="us-east-1", account="000000000000", port=None):
        url = f"http://127.0.0.1:{port}" if port else self.url
        return boto3.client(service, endpoint_url=url, region_name=region, aws_access_key_id=account,
                            aws_secret_access_key="test",
                            config=Config(retries={"total_max_attempts": 1}, read_timeout=30,
                                          max_pool_connections=64))

    def client_environment(self, region="us-east-1", account="000000000000"):
        return dict(os.environ, AWS_ACCESS_KEY_ID=account, AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION=region,
                    AWS_ENDPOINT_URL=self.url, LARDER_ENDPOINT_URL=self.url, AWS_PAGER="", AWS_MAX_ATTEMPTS="2",
                    AWS_CONFIG_FILE="/nonexistent", AWS_SHARED_CREDENTIALS_FILE="/nonexistent",
                    AWS_EC2_METADATA_DISABLED="true")

    def aws(self, *words, **where):
        """Debian's aws-cli; the endpoint is given as an option because that release knows no variable for it."""
        return subprocess.run([AWS, "--endpoint-url", self.url, *words], env=self.client_environment(**where),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)

    def aws_json(self, *words, **where):
        done = self.aws(*words, **where)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def larder(self, *words, **where):
        return subprocess.run([str(BIN / "larder"), *words], env=self.client_environment(**where),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)

    # -- plays

    def create(self, name, engine="redis", node_type="cache.t4g.micro", nodes=1, **more):
        """Creates a cluster and waits until it is available; returns the endpoints of its nodes."""
        client = more.pop("client", None) or self.client()
        client.create_cache_cluster(CacheClusterId=name, Engine=engine, CacheNodeType=node_type, NumCacheNodes=nodes,
                                    **more)
        self.wait_available(name, client)
        return self.endpoints(name, client)

    def describe(self, name, client=None):
        client = client or self.client()
        return client.describe_cache_clusters(CacheClusterId=name, ShowCacheNodeInfo=True)["CacheClusters"][0]

    def wait_available(self, name, client=None):
        client = client or self.client()
        client.get_waiter("cache_cluster_available").wait(CacheClusterId=name,
                                                          WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})

    def wait_deleted(self, name, client=None):
        client = client or self.client()
        client.get_waiter("cache_cluster_deleted").wait(CacheClusterId=name,
                                                        WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})

    def endpoints(self, name, client=None):
        return [n["Endpoint"] for n in self.describe(name, client)["CacheNodes"]]

    def events(self, name, client=None):
        """Messages about a cluster, newest first."""
        client = client or self.client()
        found = client.describe_events(SourceIdentifier=name, SourceType="cache-cluster")["Events"]
        return [(e["Date"], e["Message"]) for e in found]


@pytest.fixture(scope="session")
def pool_slots():
    slots = PoolSlots()
    yield slots
    slots.release()


@pytest.fixture(name="new_service")
def make_services(pool_slots):
    """A function that makes services, not started yet; all are stopped at the end of the test."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="larder-e2e-"))
    made = []

    def make(*flags, **more):
        made.append(Service(pool_slots.take(), base / f"state{len(made)}", *flags, **more))
        return made[-1]

    yield make
    try:
        for service in made:
            service.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def service(new_service):
    return new_service().start()


@pytest.fixture(scope="module")
def house(pool_slots):
    """One service for all tests of a module that only look, or keep to names of their own."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="larder-e2e-"))
    shared = Service(pool_slots.take(), base / "state").start()
    try:
        yield shared
    finally:
        try:
            shared.stop()
        finally:
            shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(name="terraform")
def make_terraform(house, tmp_path):
    """Terraform over the service of the module; its module asks for the mirror that this needs (needs_terraform)."""
    from terraform import Terraform, provider_running
    with provider_running(tmp_path, house.url) as attached:
        yield Terraform(tmp_path, house.url, attached)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the last words of its services."""
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    for value in item.funcargs.values():
        if hasattr(value, "errors"):
            report.sections.append(("the service's last words", value.errors()))


def number_in(text, pattern):
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in:\n{text}"
    return int(found.group(1))
