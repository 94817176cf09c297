"""larderd by itself, as an operator runs it: command line, state, agents' token, DNS, signals. Hosts are played here."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("LARDER_BIN_DIR", ROOT / "build" / "bin"))
TOKEN = "a-token-that-agents-show"
PATIENCE_S = 20


class Larderd:
    """One larderd; `with` starts it and sees that it ends well."""

    def __init__(self, folder, *flags, name="larderd"):
        self.flags, self.log, self.ends = flags, folder / f"{name}.log", (0, -signal.SIGKILL)
        self.argv = [BIN / "larderd", "--state-dir", folder / "state", "--listen", "127.0.0.1:0", *flags]

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.proc = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                         text=True)
        self.wait_for_word("ready", "standby")
        return self

    def wait_for_word(self, *words):
        """Waits until it says one of them, and takes where it listens."""
        line = "-"
        while line and not line.startswith(words):
            line = self.proc.stdout.readline()
        assert line, self.log.read_text()
        word, self.url = line.split()
        self.is_leader = word == "ready"

    def wait_for_lead(self):
        self.wait_for_word("ready")

    def __exit__(self, kind, *_):
        if self.proc.poll() is None:
            self.proc.terminate()
        status = self.proc.wait(PATIENCE_S)
        self.proc.stdout.close()
        assert kind or status in self.ends, self.log.read_text()

    def post(self, path, body, headers=None):
        """(status, text) of an answer, good or bad."""
        request = urllib.request.Request(self.url + path, body.encode(), headers or {})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code

    def call(self, action, **members):
        form = "&".join(f"{k}={v}" for k, v in {"Action": action, "Version": "2015-02-02", **members}.items())
        return self.post("/", form, {"Content-Type": "application/x-www-form-urlencoded"})

    def dns_port(self):
        return int(self.log.read_text().rsplit("dns_port=", 1)[1].split()[0])


class Host:
    """What an agent says, without engines."""

    def __init__(self, larderd, pool="127.55.0.0/24", headers=None):
        self.larderd, self.generation, self.nodes, self.headers = larderd, 0, [], headers or {}
        self.obeys = {}  # whom, as an agent tells it
        self.about = {"HostId": "h1", "Name": "one", "Incarnation": "1", "BootId": "b", "Region": "us-east-1",
                      "Zone": "us-east-1a", "MemoryBytes": 1 << 36, "Pool": pool,
                      "Engines": [{"Driver": "bundled", "Version": "0"}]}

    def sync(self, wait_ms=0):
        told = {"Host": self.about, "SeenGeneration": self.generation, "WaitMs": wait_ms, "Nodes": self.nodes, **self.obeys}
        status, text = self.larderd.post("/agent/v1/sync", json.dumps(told), self.headers)
        if status == 200:
            answer = json.loads(text)
            self.obeys = {"Epoch": answer["Epoch"], "Leader": answer["Leader"], "LeaderHeardMs": 0}
            self.generation = answer["Generation"]
            if answer["IsChanged"]:
                self.nodes = [{"NodeId": g["NodeId"], "State": g["State"], "BootCount": g.get("BootCount", 0)}
                              for g in answer.get("Goals", []) if g["State"] != "absent"]
        return status, text


TYPE_A, TYPE_AAAA = 1, 28


def resolve(port, name, kind=TYPE_A):
    """(response code, addresses) of a name, asked over UDP."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(1)
        question = struct.pack(">6H", 77, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1)
        reply = None
        deadline = time.monotonic() + PATIENCE_S
        while reply is None:  # a datagram may be lost: resolvers ask again, too
            assert time.monotonic() < deadline, f"no answer within {PATIENCE_S} s from port {port}"
            asker.sendto(question, ("127.0.0.1", port))
            try:
                reply = asker.recv(4096)
            except TimeoutError:
                pass
    count, at, found = struct.unpack(">H", reply[6:8])[0], 12 + len(labels) + 1 + 4, []
    for _ in range(count):
        size = struct.unpack(">H", reply[at + 10:at + 12])[0]
        found.append(socket.inet_ntop(socket.AF_INET if kind == TYPE_A else socket.AF_INET6, reply[at + 12:at + 12 + size]))
        at += 12 + size
    return reply[3] & 15, found


def until(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.01)
    return value


@pytest.mark.parametrize(("flags", "sentence"), [
    (["--listen", "localhost:9379"], "--listen localhost:9379: give an address and a port"),
    (["--listen", "0.0.0.0:0", "--auth", "open"], "--auth open is for loopback addresses only"),
    (["--region", "US East"], "--region US East: give names such as us-east-1"),
    (["--region", "us-east-1,us-east-1"], "us-east-1 stands twice"),
    (["--account", "12"], "--account 12: an account has twelve digits"),
    (["--dns", "127.0.0.1"], '"127.0.0.1" is not an address to listen on'),
    (["--dns", "off", "--dns-zone", "not a zone"], '"not a zone" is not a domain name'),
    (["--token-file", "/nonexistent"], "--token-file /nonexistent: "),
    (["--token-file", "/dev/null"], "a token has at least 16 characters"),
    (["--auth", "closed"], "--auth"),
    (["--unheard-of"], "--unheard-of"),
])
def test_a_wrong_command_line_is_answered_with_what_is_wrong(tmp_path, flags, sentence):
    done = subprocess.run([BIN / "larderd", "--state-dir", tmp_path, *flags], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert sentence in done.stderr


def test_one_state_has_one_larderd(tmp_path):
    with Larderd(tmp_path, "--dns", "off") as first:
        done = subprocess.run(first.argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 1
        assert "another larderd is running on it" in done.stderr


class Pair:
    """Two on one state folder; the second one stands by."""

    def __init__(self, folder):
        self.first, self.second = (
            Larderd(folder, "--dns", "127.0.0.1:0", "--endpoints", "dns", "--dns-zone", "caches.test", "--auth", "open", "--standby",
                    name=name) for name in ("first", "second"))

    def __enter__(self):
        self.first.__enter__()
        self.second.__enter__()
        return self.first, self.second

    def __exit__(self, *what):
        with contextlib.suppress(ProcessLookupError):
            self.first.proc.send_signal(signal.SIGCONT)
        self.second.__exit__(*what)
        self.first.__exit__(*what)


def create(larderd, name):
    return larderd.call("CreateCacheCluster", CacheClusterId=name, Engine="redis", CacheNodeType="cache.t4g.micro", NumCacheNodes=1)


def clusters(larderd):
    status, text = larderd.call("DescribeCacheClusters")
    assert status == 200, text
    return sorted(set(re.findall("<CacheClusterId>([^<]*)<", text)))


def endpoint_of(host, larderd):
    host.sync()
    text = larderd.call("DescribeCacheClusters", ShowCacheNodeInfo="true")[1]
    return text.split("<Address>")[1].split("<")[0] if ">available<" in text else None


def test_one_that_stands_by_leads_when_the_first_is_killed(tmp_path):
    with Pair(tmp_path) as (first, second):
        assert first.is_leader and not second.is_leader
        host = Host(first)
        host.sync()
        assert create(first, "before")[0] == 200
        name = until(lambda: endpoint_of(host, first), "the cluster is available")
        until(lambda: resolve(second.dns_port(), name) == (0, ["127.55.0.1"]), "its name is answered by the one that stands by")
        status, text = create(second, "refused")
        assert status == 503 and "<Code>ServiceUnavailable</Code>" in text and "stands by" in text
        assert Host(second).sync()[0] == 503
        assert second.get("/healthz") == 200 and second.get("/readyz") == 503
        first.proc.kill()
        second.wait_for_lead()
        assert second.get("/readyz") == 200
        assert clusters(second) == ["before"]
        until(lambda: resolve(second.dns_port(), name) == (0, ["127.55.0.1"]), "and by the one that leads")
        assert create(second, "after")[0] == 200


def test_who_stands_still_with_the_database_in_its_hand_is_ended(tmp_path):
    """The lock that another program has on the database is as one of the leader that was stopped within a transaction."""
    with Pair(tmp_path) as (first, second):
        held = sqlite3.connect(tmp_path / "state" / "larder.db", isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        first.proc.send_signal(signal.SIGSTOP)
        assert first.proc.wait(PATIENCE_S) == -signal.SIGKILL
        held.execute("ROLLBACK")
        held.close()
        second.wait_for_lead()


def test_of_a_state_and_its_copy_one_has_the_hosts(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    (two / "state").mkdir(parents=True)
    one.mkdir()
    with Larderd(one, "--dns", "off") as first:
        host = Host(first)
        assert host.sync()[0] == 200 and host.sync()[0] == 200
        assert host.obeys["Epoch"] == 1
        with sqlite3.connect(one / "state" / "larder.db") as here, sqlite3.connect(two / "state" / "larder.db") as there:
            here.backup(there)
        with Larderd(two, "--dns", "off") as second:
            host.larderd = second
            assert host.sync()[0] == 200 and host.obeys["Epoch"] == 2, "it was taken over by the copy"
            host.larderd, first.ends = first, (1,)
            with contextlib.suppress(OSError):  # it may be gone before it has answered
                assert host.sync()[0] == 503
            assert first.proc.wait(PATIENCE_S) == 1, "the first one leads no longer"
    again = subprocess.run(first.argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert again.returncode == 1 and "hosts obey another control plane since, of epoch 2" in again.stderr
    with Larderd(one, "--dns", "off", "--insist") as first:
        host.larderd = first
        assert host.sync()[0] == 503, "not while the other one answered just now"
        host.obeys["LeaderHeardMs"] = 60000
        assert host.sync()[0] == 200 and host.obeys["Epoch"] == 3


def test_a_disk_that_takes_no_more_is_told_and_nothing_is_lost(tmp_path):
    """A limit on the size of files plays the disk."""
    with Larderd(tmp_path, "--dns", "off", "--auth", "open") as larderd:
        Host(larderd).sync()
        larderd.call("AddTagsToResource")
    database = tmp_path / "state" / "larder.db"
    before = database.read_bytes()
    done = subprocess.run(["sh", "-c", 'trap "" XFSZ; ulimit -f 8; exec "$0" "$@"', *larderd.argv], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "larder.db: " in done.stderr
    assert database.read_bytes() == before
    with Larderd(tmp_path, "--dns", "off", "--auth", "open") as larderd:
        assert larderd.call("DescribeCacheClusters")[0] == 200


def test_agents_must_show_the_token(tmp_path):
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN + "\n")
    with Larderd(tmp_path, "--dns", "off", "--token-file", token_file) as larderd:
        assert Host(larderd).sync()[0] == 403
        assert Host(larderd, headers={"Authorization": "Bearer " + TOKEN[:-1]}).sync()[0] == 403
        assert Host(larderd, headers={"Authorization": "Bearer " + TOKEN}).sync()[0] == 200


def test_names_resolve_from_create_to_delete_and_after_a_restart(tmp_path):
    flags = ("--dns", "127.0.0.1:0", "--auth", "open", "--endpoints", "dns", "--dns-zone", "caches.test")
    with Larderd(tmp_path, *flags) as larderd:
        host = Host(larderd)
        host.sync()
        assert larderd.call("CreateCacheCluster", CacheClusterId="c1", Engine="memcached", NumCacheNodes=2,
                            CacheNodeType="cache.t4g.micro")[0] == 200

        def addresses():
            host.sync()
            text = larderd.call("DescribeCacheClusters", CacheClusterId="c1", ShowCacheNodeInfo="true")[1]
            return [part.split("<")[0] for part in text.split("<Address>")[1:]] if ">available<" in text else None

        names = until(addresses, "the cluster is available")
        assert len(names) == 3 and all(name.endswith(".caches.test") for name in names)
        both = resolve(larderd.dns_port(), names[0])
        assert both[0] == 0 and len(both[1]) == 2
        singles = [resolve(larderd.dns_port(), name) for name in names[1:]]
        assert sorted(single[1][0] for single in singles) == sorted(both[1])
    with Larderd(tmp_path, *flags) as larderd:
        until(lambda: resolve(larderd.dns_port(), names[1]) == singles[0], "the name is back after a restart")
        host = Host(larderd)
        host.sync()
        assert larderd.call("DeleteCacheCluster", CacheClusterId="c1")[0] == 200
        until(lambda: host.sync() and resolve(larderd.dns_port(), names[1])[0] == 3, "the name is gone")


def test_new_goals_end_a_held_poll_at_once(tmp_path):
    with Larderd(tmp_path, "--dns", "off", "--auth", "open") as larderd:
        host, took = Host(larderd), []
        host.sync()

        def poll():
            begun = time.monotonic()
            while not host.nodes and time.monotonic() - begun < PATIENCE_S:
                host.sync(wait_ms=PATIENCE_S * 1000)
            took.append(time.monotonic())

        thread = threading.Thread(target=poll)
        thread.start()
        created = time.monotonic()
        assert larderd.call("CreateCacheCluster", CacheClusterId="c1", Engine="redis", NumCacheNodes=1,
                            CacheNodeType="cache.t4g.micro")[0] == 200
        thread.join()
        assert host.nodes and took[0] - created < 0.9, "sooner than the beat of a second"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_though_agents_poll_and_clients_stall(tmp_path, number):
    with Larderd(tmp_path, "--dns", "127.0.0.1:0") as larderd, contextlib.ExitStack() as held:
        host = Host(larderd)
        host.sync()
        poller = threading.Thread(target=try_sync, args=(host,))
        poller.start()
        address = larderd.url.removeprefix("http://").split(":")
        for half in (b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nAct"):
            client = held.enter_context(socket.create_connection((address[0], int(address[1]))))
            client.sendall(half)
        begun = time.monotonic()
        larderd.proc.send_signal(number)
        assert larderd.proc.wait(PATIENCE_S) == 0
        assert time.monotonic() - begun < 3
        poller.join()


def try_sync(host):
    with contextlib.suppress(OSError):
        host.sync(wait_ms=5000)


def test_it_dies_with_its_parent_when_told_to(tmp_path):
    script = '"$@" & echo $!; read line'
    argv = [str(part) for part in Larderd(tmp_path, "--dns", "off", "--die-with-parent").argv]
    parent = subprocess.Popen(["sh", "-c", script, "sh", *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline().startswith("ready ")
    parent.kill()
    parent.wait(PATIENCE_S)
    parent.stdin.close()
    parent.stdout.close()
    until(lambda: not pathlib.Path(f"/proc/{pid}").exists() or is_zombie(pid), "larderd ends with its parent")


def is_zombie(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True
