"""Encryption in transit: caches of every kind, seen by clients that trust the service's authority alone."""
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError

from conftest import free_port, wait_until
from test_larderd import resolve


@pytest.fixture(scope="module")
def authority(house, tmp_path_factory):
    """The file that clients trust."""
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    with urllib.request.urlopen(f"{house.url}/ca.pem", timeout=10) as answer:
        path.write_bytes(answer.read())
    return path


def ask(endpoint, words, authority=None):
    """One exchange with a node; with TLS when an authority is given, and then its certificate must be for its address."""
    with socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=5) as plain:
        plain.settimeout(5)
        if not authority:
            plain.sendall(words)
            return plain.recv(4096)
        context = ssl.create_default_context(cafile=authority)
        with context.wrap_socket(plain, server_hostname=endpoint["Address"]) as s:
            s.sendall(words)
            return s.recv(4096)


def wait_group(house, name):
    client = house.client()

    def is_available():
        return client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]["Status"] == "available"

    wait_until(is_available, f"{name} to be available")
    return client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]


def test_a_cluster_takes_encrypted_connections_alone(house, authority):
    endpoint, = house.create("tls-redis", TransitEncryptionEnabled=True)
    shown, = house.aws_json("elasticache", "describe-cache-clusters", "--cache-cluster-id", "tls-redis")["CacheClusters"]
    assert shown["TransitEncryptionEnabled"] and shown["TransitEncryptionMode"] == "required"
    assert ask(endpoint, b"PING\r\n", authority) == b"+PONG\r\n"
    assert ask(endpoint, b"PING\r\n").startswith(b"-ERR")
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(endpoint, b"PING\r\n", "/etc/ssl/certs/ca-certificates.crt")


def test_memcached_nodes_have_certificates_of_their_own(house, authority):
    endpoints = house.create("tls-memcached", engine="memcached", nodes=2, TransitEncryptionEnabled=True)
    for endpoint in endpoints:
        assert ask(endpoint, b"version\r\n", authority).startswith(b"VERSION ")
    with pytest.raises(ClientError) as refused:
        house.client().create_cache_cluster(CacheClusterId="tls-old", Engine="memcached", EngineVersion="1.6.6",
                                            CacheNodeType="cache.t4g.micro", NumCacheNodes=1, TransitEncryptionEnabled=True)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterCombination"


def test_members_of_a_group_replicate_over_tls(house, authority):
    house.client().create_replication_group(
        ReplicationGroupId="tls-group", ReplicationGroupDescription="d", Engine="valkey", CacheNodeType="cache.t4g.micro",
        NumCacheClusters=2, TransitEncryptionEnabled=True)
    group = wait_group(house, "tls-group")
    assert group["TransitEncryptionEnabled"]
    shard, = group["NodeGroups"]
    assert ask(shard["PrimaryEndpoint"], b"SET k v\r\n", authority) == b"+OK\r\n"
    wait_until(lambda: ask(shard["ReaderEndpoint"], b"GET k\r\n", authority) == b"$1\r\nv\r\n", "the replica to have it")
    assert ask(shard["ReaderEndpoint"], b"GET k\r\n").startswith(b"-ERR")


def test_preferred_takes_both_kinds_on_one_port(house, authority):
    # Debian's boto3 does not know the mode yet; its aws-cli does.
    made = house.aws_json("elasticache", "create-replication-group", "--replication-group-id", "tls-both",
                          "--replication-group-description", "d", "--engine", "redis", "--cache-node-type", "cache.t4g.micro",
                          "--num-cache-clusters", "2", "--transit-encryption-enabled", "--transit-encryption-mode", "preferred")
    assert made["ReplicationGroup"]["TransitEncryptionMode"] == "preferred"
    shard, = wait_group(house, "tls-both")["NodeGroups"]
    assert ask(shard["PrimaryEndpoint"], b"SET k v\r\n") == b"+OK\r\n"
    assert ask(shard["PrimaryEndpoint"], b"GET k\r\n", authority) == b"$1\r\nv\r\n"


def test_encryption_is_turned_on_while_clients_stay(house, authority):
    house.client().create_replication_group(
        ReplicationGroupId="tls-later", ReplicationGroupDescription="d", Engine="redis", CacheNodeType="cache.t4g.micro",
        NumCacheClusters=2)
    shard, = wait_group(house, "tls-later")["NodeGroups"]
    primary, reader = shard["PrimaryEndpoint"], shard["ReaderEndpoint"]
    change = ("elasticache", "modify-replication-group", "--replication-group-id", "tls-later", "--apply-immediately")
    refused = house.aws(*change, "--transit-encryption-enabled")
    assert refused.returncode != 0 and "preferred" in refused.stderr
    with socket.create_connection((primary["Address"], primary["Port"]), timeout=5) as client:
        for options, takes_plain in ((("--transit-encryption-enabled", "--transit-encryption-mode", "preferred"), True),
                                     (("--transit-encryption-mode", "required"), False)):
            made = house.aws_json(*change, *options)["ReplicationGroup"]
            assert made["Status"] == "modifying" and made.get("TransitEncryptionMode") != options[-1]
            assert made["PendingModifiedValues"]["TransitEncryptionMode"] == options[-1]
            wait_group(house, "tls-later")
            now = house.aws_json("elasticache", "describe-replication-groups", "--replication-group-id", "tls-later")
            assert now["ReplicationGroups"][0]["TransitEncryptionMode"] == options[-1]
            assert ask(primary, b"SET k " + options[-1].encode() + b"\r\n", authority) == b"+OK\r\n"
            wait_until(lambda o=options: ask(reader, b"GET k\r\n", authority).endswith(o[-1].encode() + b"\r\n"),
                       "the replica to follow")
            assert ask(primary, b"PING\r\n").startswith(b"+PONG" if takes_plain else b"-ERR")
            client.sendall(b"PING\r\n")
            assert client.recv(100) == b"+PONG\r\n", "a connection that was there stays"


def test_cluster_clients_find_their_way_over_tls(house, authority):
    house.client().create_replication_group(
        ReplicationGroupId="tls-shards", ReplicationGroupDescription="d", Engine="redis", CacheNodeType="cache.t4g.micro",
        NumNodeGroups=2, ReplicasPerNodeGroup=1, TransitEncryptionEnabled=True)
    endpoint = wait_group(house, "tls-shards")["ConfigurationEndpoint"]
    for key in ("a", "b", "c", "d"):
        said = subprocess.run(["redis-cli", "-c", "--tls", "--cacert", str(authority), "-h", endpoint["Address"],
                               "-p", str(endpoint["Port"]), "SET", key, "v"], capture_output=True, text=True, timeout=20,
                              check=False)
        assert said.stdout.strip() == "OK", said


def test_a_token_opens_an_encrypted_group(house, authority):
    old, new = b"a-token-of-sixteen", b"another-token-here"
    house.client().create_replication_group(
        ReplicationGroupId="tls-token", ReplicationGroupDescription="d", Engine="redis", CacheNodeType="cache.t4g.micro",
        NumCacheClusters=2, AutomaticFailoverEnabled=True, TransitEncryptionEnabled=True, AuthToken=old.decode())
    group = wait_group(house, "tls-token")
    assert group["AuthTokenEnabled"]
    primary = group["NodeGroups"][0]["PrimaryEndpoint"]
    assert ask(primary, b"PING\r\n", authority).startswith(b"-NOAUTH")
    assert ask(primary, b"AUTH " + old + b"\r\n", authority) == b"+OK\r\n"
    assert ask(primary, b"AUTH " + new + b"\r\n", authority).startswith(b"-WRONGPASS")
    house.client().modify_replication_group(ReplicationGroupId="tls-token", AuthToken=new.decode(),
                                            AuthTokenUpdateStrategy="ROTATE", ApplyImmediately=True)
    wait_group(house, "tls-token")
    for token in (old, new):
        assert ask(primary, b"AUTH " + token + b"\r\n", authority) == b"+OK\r\n"
    house.client().modify_replication_group(ReplicationGroupId="tls-token", AuthToken=new.decode(),
                                            AuthTokenUpdateStrategy="SET", ApplyImmediately=True)
    wait_group(house, "tls-token")
    assert ask(primary, b"AUTH " + new + b"\r\n", authority) == b"+OK\r\n"
    assert ask(primary, b"AUTH " + old + b"\r\n", authority).startswith(b"-WRONGPASS")

    first = member_with_the_role(house, "tls-token", "primary")
    os.kill(house.engine_pid(first), signal.SIGKILL)
    heir = wait_until(lambda: member_with_the_role(house, "tls-token", "primary", first), "another primary")
    assert ask(heir, b"AUTH " + new + b"\r\n", authority) == b"+OK\r\n"


def member_with_the_role(house, name, role, other_than=None):
    group = house.client().describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    members = [m["ReadEndpoint"] for m in group["NodeGroups"][0]["NodeGroupMembers"] if m["CurrentRole"] == role]
    return next((m for m in members if m != other_than), None)


def test_users_of_a_group_enter_and_leave(house, authority):
    client = house.client()
    for name, access in (("default", "off ~* +@all"), ("reader", "on ~app:* +@read")):
        client.create_user(UserId=f"tls-{name}", UserName=name, Engine="redis", AccessString=access,
                           Passwords=["a-password-of-sixteen"])
    client.create_user_group(UserGroupId="tls-people", Engine="redis", UserIds=["tls-default", "tls-reader"])
    wait_until(lambda: client.describe_user_groups(UserGroupId="tls-people")["UserGroups"][0]["Status"] == "active",
               "the user group to be active")
    client.create_replication_group(
        ReplicationGroupId="tls-users", ReplicationGroupDescription="d", Engine="redis", CacheNodeType="cache.t4g.micro",
        NumCacheClusters=2, TransitEncryptionEnabled=True, UserGroupIds=["tls-people"])
    group = wait_group(house, "tls-users")
    assert group["UserGroupIds"] == ["tls-people"]
    primary = group["NodeGroups"][0]["PrimaryEndpoint"]
    enter = b"AUTH reader a-password-of-sixteen\r\n"
    assert ask(primary, enter, authority) == b"+OK\r\n"
    client.modify_user(UserId="tls-reader", Passwords=["another-password-here"])
    wait_until(lambda: ask(primary, enter, authority).startswith(b"-WRONGPASS"), "the old password to be worth nothing",
               timeout=2)


def test_names_of_encrypted_groups_have_their_own_form_and_plain_ones_stay(new_service, tmp_path):
    port = free_port()
    service = new_service("--dns", f"127.0.0.1:{port}", "--endpoints", "dns").start()
    client = service.client()
    client.create_replication_group(ReplicationGroupId="named", ReplicationGroupDescription="d", NumCacheClusters=2,
                                    Engine="valkey", CacheNodeType="cache.t3.micro")
    plain = wait_group(service, "named")["NodeGroups"][0]
    service.aws_json("elasticache", "modify-replication-group", "--replication-group-id", "named", "--apply-immediately",
                     "--transit-encryption-enabled", "--transit-encryption-mode", "preferred")
    shard = wait_group(service, "named")["NodeGroups"][0]
    authority = tmp_path / "ca.pem"
    with urllib.request.urlopen(f"{service.url}/ca.pem", timeout=10) as answer:
        authority.write_bytes(answer.read())
    names = [shard["PrimaryEndpoint"]["Address"], shard["ReaderEndpoint"]["Address"],
             *(m["ReadEndpoint"]["Address"] for m in shard["NodeGroupMembers"])]
    forms = [name.split(".")[:2] for name in names]
    assert forms == [["master", "named"], ["replica", "named"], ["named-001", "named"], ["named-002", "named"]]
    clusters = client.describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
    assert [c["CacheNodes"][0]["Endpoint"]["Address"] for c in clusters] == names[2:]
    wait_until(lambda: all(len(resolve(port, name)[1]) == 1 for name in names), "the names lead somewhere")
    for name in [*names, plain["PrimaryEndpoint"]["Address"], plain["ReaderEndpoint"]["Address"]]:
        address, = resolve(port, name)[1]
        with socket.create_connection((address, shard["PrimaryEndpoint"]["Port"]), timeout=5) as s, \
                ssl.create_default_context(cafile=authority).wrap_socket(s, server_hostname=name) as t:
            t.sendall(b"PING\r\n")
            assert t.recv(64) == b"+PONG\r\n", name
    client.delete_replication_group(ReplicationGroupId="named")
    wait_until(lambda: all(resolve(port, name)[0] == 3 for name in names), "the names are gone")

def wait_cluster(client, name):
    def is_available():
        return client.describe_cache_clusters(CacheClusterId=name)["CacheClusters"][0]["CacheClusterStatus"] == "available"

    wait_until(is_available, f"{name} to be available", pause=0.02)
    return client.describe_cache_clusters(CacheClusterId=name, ShowCacheNodeInfo=True)["CacheClusters"][0]


def test_a_token_opens_a_single_cluster_over_rotations_and_reboots(house, authority):
    client = house.client()
    first, second = b"a-token-of-sixteen", b"another-token*here"

    def change(token, strategy):
        began = time.monotonic()
        said = client.modify_cache_cluster(CacheClusterId="lone-token", AuthToken=token.decode(),
                                           AuthTokenUpdateStrategy=strategy)["CacheCluster"]
        status = {"ROTATE": "ROTATING", "SET": "SETTING"}[strategy]
        assert (said["CacheClusterStatus"], said["PendingModifiedValues"]["AuthTokenStatus"]) == ("modifying", status)
        cluster = wait_cluster(client, "lone-token")
        assert time.monotonic() - began < 5 and "AuthTokenStatus" not in cluster["PendingModifiedValues"]
        return cluster["AuthTokenLastModifiedDate"]

    def opens(token):
        return ask(endpoint, b"AUTH " + token + b"\r\n", authority) == b"+OK\r\n"

    client.create_cache_cluster(CacheClusterId="lone-token", Engine="redis", CacheNodeType="cache.t4g.micro",
                                TransitEncryptionEnabled=True, AuthToken=first.decode())
    made = wait_cluster(client, "lone-token")
    endpoint = made["CacheNodes"][0]["Endpoint"]
    assert made["AuthTokenEnabled"] and made["TransitEncryptionEnabled"]
    assert ask(endpoint, b"PING\r\n", authority).startswith(b"-NOAUTH")
    assert opens(first) and not opens(second)
    rotated = change(second, "ROTATE")
    assert rotated > made["AuthTokenLastModifiedDate"] and opens(first) and opens(second)
    change(second, "SET")
    assert opens(second) and not opens(first)
    client.reboot_cache_cluster(CacheClusterId="lone-token", CacheNodeIdsToReboot=["0001"])
    wait_cluster(client, "lone-token")
    assert opens(second) and not opens(first)
    with pytest.raises(ClientError) as caught:
        client.modify_cache_cluster(CacheClusterId="lone-token", AuthTokenUpdateStrategy="DELETE")
    assert caught.value.response["Error"]["Code"] == "InvalidParameterCombination"


def test_a_cluster_keeps_token_and_users_into_a_group_and_out_of_it(house, authority):
    client = house.client()
    token = b"a-token-that-stays"

    def answers(words):
        return ask(endpoint, words, authority)

    def leave(name):
        client.delete_replication_group(ReplicationGroupId=name, RetainPrimaryCluster=True)
        wait_until(lambda: "ReplicationGroupId" not in house.describe("stays"), "the cluster stands alone")
        wait_cluster(client, "stays")

    client.create_cache_cluster(CacheClusterId="stays", Engine="redis", CacheNodeType="cache.t4g.micro",
                                TransitEncryptionEnabled=True, AuthToken=token.decode())
    endpoint = wait_cluster(client, "stays")["CacheNodes"][0]["Endpoint"]
    client.create_replication_group(ReplicationGroupId="tls-around", ReplicationGroupDescription="d",
                                    PrimaryClusterId="stays", NumCacheClusters=2)
    group = wait_group(house, "tls-around")
    assert group["AuthTokenEnabled"] and group["TransitEncryptionEnabled"]
    for member in group["NodeGroups"][0]["NodeGroupMembers"]:
        assert ask(member["ReadEndpoint"], b"AUTH " + token + b"\r\n", authority) == b"+OK\r\n"
    leave("tls-around")
    assert house.describe("stays")["AuthTokenEnabled"]
    assert answers(b"PING\r\n").startswith(b"-NOAUTH") and answers(b"AUTH " + token + b"\r\n") == b"+OK\r\n"

    for name in ("default", "guest"):
        client.create_user(UserId=f"stay-{name}", UserName=name, Engine="redis", AccessString="on ~* +@all",
                           Passwords=["a-password-of-sixteen"])
    client.create_user_group(UserGroupId="stay-people", Engine="redis", UserIds=["stay-default", "stay-guest"])
    wait_until(lambda: client.describe_user_groups(UserGroupId="stay-people")["UserGroups"][0]["Status"] == "active",
               "the user group to be active")
    client.create_replication_group(ReplicationGroupId="tls-again", ReplicationGroupDescription="d",
                                    PrimaryClusterId="stays", NumCacheClusters=1)
    wait_group(house, "tls-again")
    client.modify_replication_group(ReplicationGroupId="tls-again", UserGroupIdsToAdd=["stay-people"],
                                    AuthTokenUpdateStrategy="DELETE", ApplyImmediately=True)
    wait_group(house, "tls-again")
    leave("tls-again")
    enter = b"AUTH guest a-password-of-sixteen\r\n"
    assert answers(b"AUTH " + token + b"\r\n").startswith(b"-WRONGPASS") and answers(enter) == b"+OK\r\n"
    with pytest.raises(ClientError, match="associated with cache cluster stays"):
        client.delete_user_group(UserGroupId="stay-people")
    client.modify_user(UserId="stay-guest", Passwords=["another-password-here"])
    wait_until(lambda: answers(enter).startswith(b"-WRONGPASS"), "the old password to be worth nothing", timeout=2)
    wait_cluster(client, "stays")
    client.modify_cache_cluster(CacheClusterId="stays", AuthToken=token.decode(), AuthTokenUpdateStrategy="SET")
    wait_cluster(client, "stays")
    assert answers(b"AUTH " + token + b"\r\n") == b"+OK\r\n"
    client.delete_user_group(UserGroupId="stay-people")
