"""Endpoints' names, answered by a host from its copy of the zone: whatever becomes of the control plane."""
import os
import pathlib
import shutil
import signal
import socket
import struct
import tempfile
import time
import types

import boto3
import pytest
from botocore.config import Config

from conftest import BIN, free_port, pid_listening, wait_until
from test_agent import Host
from test_larderd import Larderd, resolve

ZONE = "cache.test"
PUSH_MAX_S = 5  # changes are pushed; by its polls alone the host would have them within 20 s


class Plane(Larderd):
    """A larderd that is found again at its address after a restart."""

    def __init__(self, folder, port):
        super().__init__(folder)
        self.argv = [BIN / "larderd", "--state-dir", folder / "state", "--listen", f"127.0.0.1:{port}", "--dns", "127.0.0.1:0",
                     "--dns-zone", ZONE, "--endpoints", "dns", "--network", "open"]

    def client(self):
        return boto3.client("elasticache", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="000000000000",
                            aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}))


def serial_of(port):
    """Of the zone's SOA record, asked over TCP; 0 when the server has no such zone."""
    name = b"".join(bytes([len(part)]) + part.encode() for part in ZONE.split(".")) + b"\0"
    question = struct.pack(">6H", 7, 0, 1, 0, 0, 0) + name + struct.pack(">2H", 6, 1)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as asker, asker.makefile("rb") as answers:
        asker.sendall(struct.pack(">H", len(question)) + question)
        reply = answers.read(struct.unpack(">H", answers.read(2))[0])
    return struct.unpack(">I", reply[-20:-16])[0] if reply[7] == 1 else 0


@pytest.fixture
def host(pool_slots):
    base = pathlib.Path(tempfile.mkdtemp(prefix="larder-names-"))
    made = Host(base, pool_slots.take(), types.SimpleNamespace(hosts=[]))
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(base, ignore_errors=True)


def start_agent(host, url, port):
    agent = host.start("--dns", f"127.0.0.1:{port}", url=url, wait=False)
    wait_until(lambda: agent.poll() is not None or listens(port), "the host answers names")
    assert agent.poll() is None, host.log()
    return agent


def listens(port):
    with socket.socket() as asker:
        return asker.connect_ex(("127.0.0.1", port)) == 0


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def shard_of(client):
    return client.describe_replication_groups(ReplicationGroupId="g1")["ReplicationGroups"][0]["NodeGroups"][0]


def create_group(client):
    client.create_replication_group(ReplicationGroupId="g1", ReplicationGroupDescription="d", CacheNodeType="cache.t4g.micro",
                                    Engine="redis", NumCacheClusters=2, AutomaticFailoverEnabled=True,
                                    AtRestEncryptionEnabled=False)
    wait_until(lambda: client.describe_replication_groups(ReplicationGroupId="g1")["ReplicationGroups"][0]["Status"] == "available",
               "the group is available")


def test_names_resolve_at_a_host_while_the_control_plane_is_away(host, tmp_path):
    agent_port, plane_port = free_port(), free_port()
    with Plane(tmp_path, plane_port) as plane:
        url = plane.url
        agent = start_agent(host, url, agent_port)
        client = plane.client()
        create_group(client)
        name = shard_of(client)["PrimaryEndpoint"]["Address"]
        assert name.endswith(f".{ZONE}")
        code, first = resolve(plane.dns_port(), name)
        assert code == 0 and len(first) == 1
        wait_until(lambda: serial_of(agent_port) == serial_of(plane.dns_port()), "the copy is up to date")
        assert resolve(agent_port, name) == (0, first)
        assert resolve(agent_port, f"nobody.{ZONE}") == (3, [])
        serial = serial_of(agent_port)
        kill(plane.proc)

    assert resolve(agent_port, name) == (0, first)
    kill(agent)
    assert not listens(agent_port)
    agent = start_agent(host, url, agent_port)
    assert resolve(agent_port, name) == (0, first)
    assert serial_of(agent_port) == serial

    with Plane(tmp_path, plane_port) as plane:
        client = plane.client()
        wait_until(lambda: shard_of(client)["Status"] == "available", "the group is available again")
        wait_until(lambda: serial < serial_of(agent_port) == serial_of(plane.dns_port()), "the copy is up to date again")
        assert resolve(agent_port, name) == (0, first)

        port = shard_of(client)["PrimaryEndpoint"]["Port"]
        os.kill(pid_listening(host.mark, first[0], port), signal.SIGKILL)
        wait_until(lambda: resolve(plane.dns_port(), name)[1] not in ([], first), "the name leads to the new primary")
        changed = time.monotonic()
        wait_until(lambda: resolve(agent_port, name) == resolve(plane.dns_port(), name), "and so it does at the host",
                   timeout=PUSH_MAX_S)
        print(f"\nat the host {1000 * (time.monotonic() - changed):.0f} ms after the control plane")
