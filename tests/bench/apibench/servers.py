"""larderd, `larder up` and moto_server on free ports and in folders of their own, stopped by their process."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
FORM = "application/x-www-form-urlencoded"
VERSION = "2015-02-02"
PATIENCE_S = 60

PER_ACCOUNT = 250  # the quota of nodes is that of the hosted service: 300 in a region


def signed(account=0):
    """As an SDK sends it: nobody checks the signature, but its bytes travel and its scope is read."""
    return (f"AWS4-HMAC-SHA256 Credential={account:012d}/20260101/us-east-1/elasticache/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, Signature=" + "0" * 64)


def bin_dir(folder=None):
    folder = pathlib.Path(folder or os.environ.get("LARDER_BIN_DIR") or ROOT / "build" / "bin")
    if not os.access(folder / "larderd", os.X_OK):
        raise SystemExit(f"no larderd in {folder}: build it, or name the folder with --bin")
    return folder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def query_body(action, **members):
    pairs = {"Action": action, "Version": VERSION, **members}
    return "&".join(f"{key}={value}" for key, value in pairs.items())


class Server:
    """A program that serves the Query protocol; `with` starts and ends it."""

    name = "server"

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="larder-bench-"))
        self.proc, self.url = None, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def argv(self):
        raise NotImplementedError

    def start(self):
        with open(self.dir / "log", "ab") as log:
            self.proc = subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.wait_ready()

    def wait_ready(self):
        line = self.proc.stdout.readline().decode()
        if not line.startswith("ready "):
            raise SystemExit(f"{self.name} did not start:\n" + (self.dir / "log").read_text()[-2000:])
        self.url = line.split()[1]

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        if self.proc and self.proc.stdout:
            self.proc.stdout.close()

    def post(self, path, body, content_type=FORM, account=0):
        headers = {"Content-Type": content_type, "Authorization": signed(account), "X-Amz-Date": "20260101T000000Z"}
        request = urllib.request.Request(self.url + path, body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refused:
            raise SystemExit(f"{self.name} refused {body[:100]}: {refused.read().decode()}") from None

    def call(self, action, account=0, **members):
        return self.post("/", query_body(action, **members), account=account)

    def cpu_s(self):
        """Processor time of all its threads, those that ended too: the clock of the process, read from here."""
        return time.clock_gettime((~self.proc.pid << 3) | 2)

    def rss_mb(self):
        for line in pathlib.Path(f"/proc/{self.proc.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0


class Larderd(Server):
    name = "larderd"

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def argv(self):
        return [self.folder / "larderd", "--state-dir", self.dir / "state", "--listen", "127.0.0.1:0",
                "--dns", "127.0.0.1:0", "--auth", "open", "--log-level", "warn"]


class Up(Server):
    """The whole service, with real hosts and engines, on a slice of loopback of its own."""

    name = "larder up"

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def argv(self):
        return [self.folder / "larder", "up", "--state-dir", self.dir / "state", "--listen",
                f"127.0.0.1:{free_port()}", "--dns", "off", "--pool", "127.99.0.0/16", "--log-level", "warn"]


class Moto(Server):
    """moto_server, a mock without engines, for comparison."""

    name = "moto_server"

    def __init__(self, program):
        super().__init__()
        self.program, self.port = program, free_port()

    def argv(self):
        return [self.program, "-H", "127.0.0.1", "-p", str(self.port)]

    def wait_ready(self):
        self.url = f"http://127.0.0.1:{self.port}"
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.proc.poll() is None:
            try:
                urllib.request.urlopen(self.url + "/moto-api/", timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise SystemExit("moto_server did not start:\n" + (self.dir / "log").read_text()[-2000:])


class PaperHost:
    """A host that enrols and reports every node as running, without running any: for state in the store."""

    def __init__(self, server, zone, pool):
        self.server, self.generation, self.nodes = server, 0, []
        self.host = {"HostId": f"paper-{zone}", "Name": f"paper-{zone}", "Incarnation": "1", "BootId": "1",
                     "Region": "us-east-1", "Zone": zone, "AgentVersion": "0", "MemoryBytes": 1 << 45, "VCpus": 8,
                     "Pool": pool, "Engines": [{"Driver": "bundled", "Version": "0"}]}

    @staticmethod
    def role(goal):
        role = goal.get("Role")
        if not role:
            return {}
        return {"Role": "primary" if role["IsPrimary"] else "replica", "Term": role["Term"], "IsLinkUp": True,
                "ReplicationOffset": 1}

    def sync(self):
        told = {"Host": self.host, "SeenGeneration": self.generation, "WaitMs": 0, "Nodes": self.nodes}
        answer = json.loads(self.server.post("/agent/v1/sync", json.dumps(told), "application/json"))
        self.generation = answer["Generation"]
        if answer.get("IsChanged"):
            self.nodes = [{"NodeId": goal["NodeId"], "State": goal["State"], "BootCount": goal.get("BootCount", 0),
                           "Pid": 1, "AppliedSettings": goal.get("SettingsVersion", ""), **self.role(goal)} for goal in answer.get("Goals", []) if goal["State"] != "absent"]


class Writer:
    """Changes a tag of a group some times a second, for as long as `with` lasts."""

    ARN = "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:bench-0000"

    def __init__(self, server, per_s):
        self.server, self.pause_s, self.is_done = server, 1 / per_s, threading.Event()
        self.thread = threading.Thread(target=self.write)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.is_done.set()
        self.thread.join()

    def write(self):
        number = 0
        while not self.is_done.wait(self.pause_s):
            number += 1
            self.server.call("AddTagsToResource", ResourceName=self.ARN,
                             **{"Tags.Tag.1.Key": "written", "Tags.Tag.1.Value": number})


def create_cluster(server, number):
    server.call("CreateCacheCluster", number // PER_ACCOUNT, CacheClusterId=f"bench-{number:04d}", Engine="redis",
                CacheNodeType="cache.t4g.micro", NumCacheNodes=1)


def create_group(server, number):
    server.call("CreateReplicationGroup", number // PER_ACCOUNT, ReplicationGroupId=f"bench-{number:04d}",
                ReplicationGroupDescription="d", Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheClusters=1)


def fill(server, count, hosts=(), create=create_cluster):
    """Stores `count` clusters or groups, spread over accounts, and sees to it that the paper hosts say they run."""
    kind = "ReplicationGroup" if create is create_group else "CacheCluster"
    for number in range(count):
        create(server, number)
        if number % 50 == 49:
            for host in hosts:
                host.sync()
    deadline = time.monotonic() + PATIENCE_S
    newest = count - 1
    while hosts and time.monotonic() < deadline:
        for host in hosts:
            host.sync()
        shown = server.call(f"Describe{kind}s", newest // PER_ACCOUNT, **{f"{kind}Id": f"bench-{newest:04d}"})
        if "<Status>available<" in shown or "<CacheClusterStatus>available<" in shown:
            return
        time.sleep(0.05)
    if hosts:
        raise SystemExit("what was created did not become available within %d s" % PATIENCE_S)
