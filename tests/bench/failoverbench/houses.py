"""The two houses: `larder up` with a group of three, and three redis-servers under three Sentinels. Both tell where the
primary is, kill it, and have it replaced as planned."""

import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import boto3
from botocore.config import Config

from enginebench.procs import free_port
from failoverbench.writers import ask, facts, wait_for

MEMBERS = 3


def is_whole(where):
    """The primary has all its replicas, and all are up to date."""
    told = facts(where)
    lines = [told.get(f"slave{i}", "") for i in range(MEMBERS - 1)]
    return told["role"] == "master" and all("state=online" in line for line in lines)


class Larder:
    name = "larder"

    def __init__(self, bin_dir, pool):
        self.dir = tempfile.mkdtemp(prefix="larder-failover-")
        self.dns, port = free_port(), free_port()
        self.log = open(self.dir + "/log", "wb")
        self.proc = subprocess.Popen(
            [str(bin_dir / "larder"), "up", "--state-dir", self.dir + "/state", "--listen", f"127.0.0.1:{port}", "--dns",
             f"127.0.0.1:{self.dns}", "--endpoints", "dns", "--pool", pool, "--memory", "8GB"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        self.proc.stdout.readline()
        self.api = boto3.client("elasticache", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
                                aws_access_key_id="000000000000", aws_secret_access_key="x",
                                config=Config(retries={"total_max_attempts": 1}))
        self.api.create_replication_group(ReplicationGroupId="g", ReplicationGroupDescription="d", Engine="redis",
                                          CacheNodeType="cache.t4g.micro", NumCacheClusters=MEMBERS,
                                          AutomaticFailoverEnabled=True, MultiAZEnabled=True)
        wait_for(lambda: self.group()["Status"] == "available", "the group is made")
        self.endpoint = self.group()["NodeGroups"][0]["PrimaryEndpoint"]
        self.wait_whole()

    def group(self):
        return self.api.describe_replication_groups(ReplicationGroupId="g")["ReplicationGroups"][0]

    def resolve(self, name):
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(0.2)
            asker.sendto(struct.pack(">6H", 77, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1),
                         ("127.0.0.1", self.dns))
            answer = asker.recv(4096)
        if struct.unpack(">H", answer[6:8])[0] == 0:
            raise LookupError(name)
        return socket.inet_ntoa(answer[-4:])

    def find_primary(self):
        return (self.resolve(self.endpoint["Address"]), self.endpoint["Port"])

    def find_primary_patiently(self):
        """Where who answers waits for a processor, too."""
        while True:
            try:
                return self.find_primary()
            except TimeoutError:
                continue

    def wait_whole(self):
        wait_for(lambda: self.group()["Status"] == "available" and is_whole(self.find_primary()), "the group is whole")
        time.sleep(1.2)  # else these would be primaries that end one upon another: docs/failover.md

    def crash(self):
        os.kill(int(facts(self.find_primary())["process_id"]), signal.SIGKILL)

    def hang(self):
        os.kill(int(facts(self.find_primary())["process_id"]), signal.SIGSTOP)

    def turn_by_hand(self):
        """Another primary may be named only while automatic failover is off; TestFailover has its quota for a day."""
        self.api.modify_replication_group(ReplicationGroupId="g", AutomaticFailoverEnabled=False, MultiAZEnabled=False,
                                          ApplyImmediately=True)
        wait_for(lambda: self.group()["AutomaticFailover"] == "disabled", "automatic failover is off")
        self.wait_whole()

    def switch(self):
        members = self.group()["NodeGroups"][0]["NodeGroupMembers"]
        other = next(m["CacheClusterId"] for m in members if m["CurrentRole"] == "replica")
        self.api.modify_replication_group(ReplicationGroupId="g", PrimaryClusterId=other, ApplyImmediately=True)

    def close(self):
        self.proc.send_signal(signal.SIGTERM)
        self.proc.wait(30)
        self.log.close()
        shutil.rmtree(self.dir)


class Sentinel:
    name = "sentinel"

    def __init__(self, server):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="larder-sentinel-"))
        self.server, self.procs = server, {}
        self.ports = [free_port() for _ in range(MEMBERS)]
        self.start(self.ports[0], None)
        for port in self.ports[1:]:
            self.start(port, self.ports[0])
        wait_for(lambda: is_whole(("127.0.0.1", self.ports[0])), "the replicas of Redis follow")
        self.sentinels = [free_port() for _ in range(3)]
        for port in self.sentinels:
            conf = self.dir / f"sentinel-{port}.conf"
            conf.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor g 127.0.0.1 {self.ports[0]} 2\n"
                            "sentinel down-after-milliseconds g 1000\nsentinel failover-timeout g 3000\n")
            self.run(port, [str(conf), "--sentinel"])
        wait_for(self.is_guarded, "the Sentinels know each other")

    def run(self, port, words):
        self.procs[port] = subprocess.Popen([self.server, *words, "--dir", str(self.dir)], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, port, primary):
        follow = ["--replicaof", "127.0.0.1", str(primary)] if primary else []
        self.run(port, ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--repl-diskless-sync-delay", "0",
                        "--dbfilename", f"{port}.rdb", *follow])

    def is_guarded(self):
        return all("slaves=2,sentinels=3" in ask(("127.0.0.1", p), "INFO", "sentinel") for p in self.sentinels)

    def find_primary(self):
        words = ask(("127.0.0.1", self.sentinels[0]), "SENTINEL", "get-master-addr-by-name", "g").split("\r\n")
        return (words[2], int(words[4]))

    def wait_whole(self):
        """Who was killed comes back as a replica; the next failover is far enough from the last one."""
        primary = wait_for(self.find_primary, "there is a primary")
        for port in self.ports:
            self.procs[port].send_signal(signal.SIGCONT)
            if self.procs[port].poll() is not None:
                self.start(port, primary[1])
        wait_for(lambda: is_whole(self.find_primary()) and self.is_guarded(), "the group of Redis is whole")
        time.sleep(6.5)  # twice the failover-timeout

    def crash(self):
        port = self.find_primary()[1]
        self.procs[port].kill()
        self.procs[port].wait()

    def hang(self):
        self.procs[self.find_primary()[1]].send_signal(signal.SIGSTOP)

    def turn_by_hand(self):
        pass

    def switch(self):
        wait_for(lambda: ask(("127.0.0.1", self.sentinels[0]), "SENTINEL", "failover", "g").startswith("+OK"),
                 "a Sentinel begins the switch")

    def close(self):
        for proc in self.procs.values():
            proc.kill()
            proc.wait()
        shutil.rmtree(self.dir)
