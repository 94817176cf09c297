"""Larder: `larder up`, or a control plane and three hosts in networks of their own, with a group of three."""

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
from failoverbench.house import MEMBERS, Client, House, is_whole
from failoverbench.waiting import OPERATION_S, WHOLE_S, TooLate, wait_for
from hosts import Hosts

TAGS = {"durability": "larder:durability", "driver": "larder:engine-driver"}


def resolve(server, name):
    """The address of a name, by one question to one name server."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(OPERATION_S)
        asker.sendto(struct.pack(">6H", 77, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1), server)
        answer = asker.recv(4096)
    if struct.unpack(">H", answer[6:8])[0] == 0:
        raise LookupError(name)
    return socket.inet_ntoa(answer[-4:])


class Larder(House):
    name = "larder"

    def __init__(self, network, bin_dir, pool, durability, driver):
        super().__init__(network)
        self.bin_dir, self.pool, self.is_sync = bin_dir, pool, durability == "sync"
        wanted = {"durability": None if durability == "async" else durability, "driver": None if driver == "larder" else driver}
        self.tags = [{"Key": TAGS[k], "Value": v} for k, v in wanted.items() if v]
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="larder-failover-"))
        self.hosts = self.proc = None

    def open(self):
        url = self.start_hosts() if self.network else self.start_up()
        self.api = boto3.client("elasticache", endpoint_url=url, region_name="us-east-1", aws_access_key_id="000000000000",
                                aws_secret_access_key="x", config=Config(retries={"total_max_attempts": 1}))
        self.api.create_replication_group(ReplicationGroupId="g", ReplicationGroupDescription="d", Engine="redis",
                                          CacheNodeType="cache.t4g.micro", NumCacheClusters=MEMBERS, Tags=self.tags,
                                          AutomaticFailoverEnabled=True, MultiAZEnabled=True)
        wait_for(lambda: self.group()["Status"] == "available", "the group is made")
        self.endpoint = self.group()["NodeGroups"][0]["PrimaryEndpoint"]

    def start_hosts(self):
        self.hosts = Hosts(self.network, self.dir, self.bin_dir, has_names=True)
        self.hosts.start()
        return self.hosts.url

    def start_up(self):
        self.name_server, port = ("127.0.0.1", free_port()), free_port()
        with open(self.dir / "log", "wb") as log:
            self.proc = subprocess.Popen(
                [str(self.bin_dir / "larder"), "up", "--state-dir", str(self.dir / "state"), "--listen", f"127.0.0.1:{port}",
                 "--dns", f"127.0.0.1:{self.name_server[1]}", "--endpoints", "dns", "--pool", self.pool, "--memory", "8GB"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        if not self.proc.stdout.readline():
            raise TooLate(f"larder up did not start: {(self.dir / 'log').read_text(errors='replace')}")
        return f"http://127.0.0.1:{port}"

    def close(self):
        if self.hosts:
            self.hosts.close()
        if self.proc:
            self.proc.send_signal(signal.SIGTERM)
            self.proc.wait(30)
        shutil.rmtree(self.dir, ignore_errors=True)

    def client(self, place=None):
        """Each host answers names for those beside it."""
        server = self.hosts.name_server(place or "plane") if self.hosts else self.name_server
        enter = place and (lambda: self.network.enter(place))
        return Client(lambda: (resolve(server, self.endpoint["Address"]), self.endpoint["Port"]), enter)

    def group(self):
        return self.api.describe_replication_groups(ReplicationGroupId="g")["ReplicationGroups"][0]

    def wait_whole(self):
        wait_for(lambda: is_whole(self.find_primary()) and self.group()["Status"] == "available", "the group is whole", WHOLE_S)

    def settle(self):
        time.sleep(1.2)  # else these would be primaries that end one upon another: docs/failover.md

    def start_host(self, place):
        self.hosts.start_agent(place)

    def turn_by_hand(self):
        """Another primary may be named only while automatic failover is off, which sync does not allow; TestFailover has its
        quota for a day."""
        if self.is_sync:
            return
        self.api.modify_replication_group(ReplicationGroupId="g", AutomaticFailoverEnabled=False, MultiAZEnabled=False,
                                          ApplyImmediately=True)
        wait_for(lambda: self.group()["AutomaticFailover"] == "disabled", "automatic failover is off")
        self.wait_whole()

    def turn_back(self):
        if self.is_sync:
            return
        self.api.modify_replication_group(ReplicationGroupId="g", AutomaticFailoverEnabled=True, MultiAZEnabled=True,
                                          ApplyImmediately=True)
        wait_for(lambda: self.group()["AutomaticFailover"] == "enabled", "automatic failover is on")

    def switch(self, _):
        if self.is_sync:
            self.api.test_failover(ReplicationGroupId="g", NodeGroupId="0001")
            return
        members = self.group()["NodeGroups"][0]["NodeGroupMembers"]
        other = next(m["CacheClusterId"] for m in members if m["CurrentRole"] == "replica")
        self.api.modify_replication_group(ReplicationGroupId="g", PrimaryClusterId=other, ApplyImmediately=True)
