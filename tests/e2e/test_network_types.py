"""Caches on addresses of IPv6, alone and beside those of IPv4. Where the machine lets this run add a route to itself,
nodes have a block of addresses; what needs one address alone runs on ::1."""
import ipaddress
import json
import pathlib
import random
import shutil
import socket
import ssl
import subprocess
import tempfile
import urllib.request

import pytest
import redis
from botocore.exceptions import ClientError

from conftest import Service, free_port, memcached, redis_cli, wait_until
from test_larderd import TYPE_A, TYPE_AAAA, resolve

VPC_BLOCK = "10.66.0.0/16"


@pytest.fixture(scope="module", name="blocks")
def make_blocks():
    """Blocks of IPv6 that the machine answers on, one for each service."""
    front = f"fd4c:6172:{random.randrange(1 << 16):x}:{random.randrange(1, 1 << 8):x}"
    block = f"{front}00::/56"
    route = ["ip", "-6", "route"]
    added = shutil.which("ip") and subprocess.run([*route, "add", "local", block, "dev", "lo"], check=False,
                                                  stderr=subprocess.DEVNULL).returncode == 0
    if not added:
        pytest.skip("this machine lets nobody here route a block of IPv6 to itself")
    yield [f"{front}{n:02x}::/64" for n in range(2)]
    subprocess.run([*route, "del", "local", block, "dev", "lo"], check=True)


def started(pool_slots, *flags):
    base = pathlib.Path(tempfile.mkdtemp(prefix="larder-e2e-"))
    service = Service(pool_slots.take(), base / "state", *flags).start()
    try:
        yield service
    finally:
        try:
            service.stop()
        finally:
            shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="module", name="six")
def start_six(pool_slots, blocks):
    """A service whose hosts have that block."""
    yield from started(pool_slots, "--pool6", blocks[0])


@pytest.fixture(scope="module", name="plain")
def start_plain(pool_slots):
    """A service as it is on any machine: with ::1 alone."""
    yield from started(pool_slots, "--pool6", "::1/128")


def subnets_of(service, name):
    """Groups of subnets that carry one family, the other, or both: NAME-4, NAME-6 and NAME-both."""
    ec2, ec = service.client("ec2"), service.client()
    vpc = ec2.create_vpc(CidrBlock=VPC_BLOCK, AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    parts = list(ipaddress.ip_network(vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]).subnets(new_prefix=64))
    made = {}
    for kind in ("4", "6", "both"):
        ids = []
        for zone in "abc":
            number = len(made) * 3 + len(ids)
            given = {} if kind == "6" else {"CidrBlock": f"10.66.{number}.0/24"}
            if kind != "4":
                given["Ipv6CidrBlock"] = str(parts[number])
            if kind == "6":
                given["Ipv6Native"] = True
            ids.append(ec2.create_subnet(VpcId=vpc["VpcId"], AvailabilityZone=f"us-east-1{zone}", **given)["Subnet"]["SubnetId"])
        made[kind] = ec.create_cache_subnet_group(CacheSubnetGroupName=f"{name}-{kind}", CacheSubnetGroupDescription="x",
                                                  SubnetIds=ids)["CacheSubnetGroup"]
    return made


@pytest.fixture(scope="module", name="groups")
def make_groups(six):
    return subnets_of(six, "six")


@pytest.fixture(scope="module", name="plain_groups")
def make_plain_groups(plain):
    return subnets_of(plain, "plain")


def is_six(endpoint):
    return ":" in endpoint["Address"]


def group_of(service, name):
    return service.client().describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]


def make_group(service, name, **more):
    service.client().create_replication_group(ReplicationGroupId=name, ReplicationGroupDescription="x",
                                              CacheNodeType="cache.t4g.micro", **more)
    wait_until(lambda: group_of(service, name)["Status"] == "available", f"{name} to be available")
    return group_of(service, name)


def refusal(call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def listens(address, port):
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


# --- what is refused ------------------------------------------------------------------------------------


def test_subnets_say_what_they_carry(groups):
    assert {kind: g["SupportedNetworkTypes"] for kind, g in groups.items()} == {
        "4": ["ipv4"], "6": ["ipv6"], "both": ["ipv4", "ipv6", "dual_stack"]}


@pytest.mark.parametrize("wish, words", [
    ({"NetworkType": "ipv6"}, "The cache subnet group default does not support the network type ipv6."),
    ({"NetworkType": "dual_stack", "CacheSubnetGroupName": "plain-6"}, "plain-6 does not support the network type dual_stack"),
    ({"NetworkType": "ipv4", "CacheSubnetGroupName": "plain-6"}, "plain-6 does not support the network type ipv4"),
    ({"CacheSubnetGroupName": "plain-6"}, "plain-6 does not support the network type ipv4"),
    ({"NetworkType": "ipv6", "CacheSubnetGroupName": "plain-4"}, "plain-4 does not support the network type ipv6"),
    ({"IpDiscovery": "ipv6"}, "IpDiscovery ipv6 cannot be used with the network type ipv4."),
    ({"NetworkType": "ipv6", "IpDiscovery": "ipv4", "CacheSubnetGroupName": "plain-6"},
     "IpDiscovery ipv4 cannot be used with the network type ipv6."),
    ({"NetworkType": "ipv6", "EngineVersion": "6.0", "CacheSubnetGroupName": "plain-6"},
     "The network type ipv6 is not supported for redis 6.0.5."),
    ({"NetworkType": "ipv6", "CacheNodeType": "cache.m4.large", "CacheSubnetGroupName": "plain-6"},
     "The network type ipv6 is not supported for the cache node type cache.m4.large."),
])
def test_what_does_not_fit_is_refused(plain, plain_groups, wish, words):
    assert plain_groups
    single = {"CacheClusterId": "bad", "Engine": "redis", "CacheNodeType": "cache.t4g.micro", **wish}
    code, message = refusal(plain.client().create_cache_cluster, **single)
    assert code == "InvalidParameterCombination" and words in message
    group = {"ReplicationGroupId": "bad", "ReplicationGroupDescription": "x", "CacheNodeType": "cache.t4g.micro", **wish}
    assert refusal(plain.client().create_replication_group, **group) == (code, message)


def test_a_machine_without_ipv6_says_so(new_service):
    service = new_service("--pool6", "none").start()
    subnets_of(service, "none")
    code, message = refusal(service.client().create_cache_cluster, CacheClusterId="bad", Engine="redis",
                            CacheNodeType="cache.t4g.micro", NetworkType="ipv6", CacheSubnetGroupName="none-6")
    assert code == "InsufficientCacheClusterCapacity" and "no host has addresses of IPv6" in message


def test_one_address_has_each_port_once(plain, plain_groups):
    assert plain_groups
    port = free_port()
    first, = plain.create("one", NetworkType="ipv6", CacheSubnetGroupName="plain-6", Port=port)
    assert first == {"Address": "::1", "Port": port} and redis_cli(first, "PING") == "PONG"
    code, message = refusal(plain.client().create_cache_cluster, CacheClusterId="two", Engine="redis", Port=port,
                            CacheNodeType="cache.t4g.micro", NetworkType="ipv6", CacheSubnetGroupName="plain-6")
    assert code == "InsufficientCacheClusterCapacity" and "address left" in message
    assert plain.create("two", NetworkType="ipv6", CacheSubnetGroupName="plain-6", Port=free_port())


# --- clusters -------------------------------------------------------------------------------------------


def test_a_cluster_of_ipv6_is_there_alone(six, groups):
    assert groups
    endpoint, = six.create("six-one", NetworkType="ipv6", CacheSubnetGroupName="six-6")
    shown = six.describe("six-one")
    assert (shown["NetworkType"], shown["IpDiscovery"]) == ("ipv6", "ipv6")
    assert is_six(endpoint) and endpoint["Port"] == 6379
    assert redis_cli(endpoint, "SET", "k", "v") == "OK"
    interface, = six.client("ec2").describe_network_interfaces(
        Filters=[{"Name": "description", "Values": ["ElastiCache six-one+0001"]}])["NetworkInterfaces"]
    assert interface["Ipv6Addresses"] == [{"Ipv6Address": endpoint["Address"]}] and "PrivateIpAddress" not in interface
    assert refusal(six.client().modify_cache_cluster, CacheClusterId="six-one", IpDiscovery="ipv4")[0] == "InvalidParameterCombination"


def test_a_cluster_of_both_says_which_address_is_meant(six, groups):
    assert groups
    client = six.client()
    four, = six.create("six-both", NetworkType="dual_stack", CacheSubnetGroupName="six-both")
    assert six.describe("six-both")["IpDiscovery"] == "ipv4" and not is_six(four)
    assert redis_cli(four, "SET", "k", "v") == "OK"
    client.modify_cache_cluster(CacheClusterId="six-both", IpDiscovery="ipv6", ApplyImmediately=True)
    shown = six.describe("six-both")
    assert (shown["NetworkType"], shown["IpDiscovery"]) == ("dual_stack", "ipv6")
    endpoint = shown["CacheNodes"][0]["Endpoint"]
    assert is_six(endpoint) and redis_cli(endpoint, "GET", "k") == "v" == redis_cli(four, "GET", "k")


def test_memcached_nodes_listen_on_both(six, groups):
    assert groups
    endpoints = six.create("six-mc", engine="memcached", nodes=2, NetworkType="dual_stack", IpDiscovery="ipv6",
                           CacheSubnetGroupName="six-both")
    assert all(is_six(e) for e in endpoints) and len({e["Address"] for e in endpoints}) == 2
    assert is_six(six.describe("six-mc")["ConfigurationEndpoint"])
    assert all(memcached(e, "version\n", b"\r\n").startswith("VERSION") for e in endpoints)
    nodes = memcached(endpoints[0], "config get cluster\n", b"END\r\n").split("\n")[2].split(" ")
    assert nodes == sorted(f"{e['Address']}|{e['Address']}|11211" for e in endpoints)
    listening = six.client("ec2").describe_network_interfaces(
        Filters=[{"Name": "description", "Values": ["ElastiCache six-mc+0001", "ElastiCache six-mc+0002"]}])["NetworkInterfaces"]
    assert len(listening) == 2
    for interface in listening:
        assert listens(interface["PrivateIpAddress"], 11211)
        assert listens(interface["Ipv6Addresses"][0]["Ipv6Address"], 11211)


# --- groups ---------------------------------------------------------------------------------------------


def test_a_group_of_ipv6_replicates_and_fails_over(six, groups):
    assert groups
    shown = make_group(six, "six-group", NumCacheClusters=2, AutomaticFailoverEnabled=True, NetworkType="ipv6",
                       CacheSubnetGroupName="six-6")
    assert (shown["NetworkType"], shown["IpDiscovery"]) == ("ipv6", "ipv6")
    primary, reader = (shown["NodeGroups"][0][e] for e in ("PrimaryEndpoint", "ReaderEndpoint"))
    assert is_six(primary) and is_six(reader) and primary["Address"] != reader["Address"]
    assert redis_cli(primary, "SET", "k", "v") == "OK"
    wait_until(lambda: redis_cli(reader, "GET", "k") == "v", "the replica to have it")
    six.client().test_failover(ReplicationGroupId="six-group", NodeGroupId="0001")
    wait_until(lambda: group_of(six, "six-group")["NodeGroups"][0]["PrimaryEndpoint"] == reader, "the other one to be primary")
    wait_until(lambda: redis_cli(reader, "SET", "k2", "v2") == "OK", "it to take writes")


def test_cluster_clients_are_told_addresses_of_the_family_that_is_asked_for(six, groups):
    assert groups
    shown = make_group(six, "six-shards", NumNodeGroups=2, ReplicasPerNodeGroup=1, NetworkType="dual_stack",
                       IpDiscovery="ipv6", CacheSubnetGroupName="six-both", Engine="valkey")
    entry = shown["ConfigurationEndpoint"]
    assert is_six(entry)
    client = redis.RedisCluster(host=entry["Address"], port=entry["Port"])
    for n in range(50):
        client.set(f"k{n}", n)
    assert [int(client.get(f"k{n}")) for n in range(50)] == list(range(50))
    assert {":" in n.host for n in client.get_nodes()} == {True} and len(client.get_nodes()) == 4
    client.close()
    six.client().modify_replication_group(ReplicationGroupId="six-shards", IpDiscovery="ipv4", ApplyImmediately=True)
    shown = group_of(six, "six-shards")
    assert shown["IpDiscovery"] == "ipv4" and not is_six(shown["ConfigurationEndpoint"])

    def told():
        nodes = redis.Redis(shown["ConfigurationEndpoint"]["Address"], 6379).execute_command("CLUSTER SHARDS")
        return [dict(zip(n[::2], n[1::2]))[b"ip"].decode() for s in nodes for n in s[3]]

    wait_until(lambda: len(told()) == 4 and not any(":" in ip for ip in told()), "all nodes to be told of by IPv4")
    assert redis_cli(entry, "PING") == "PONG"


def test_certificates_name_both_addresses(six, groups, tmp_path):
    assert groups
    path = tmp_path / "ca.pem"
    with urllib.request.urlopen(f"{six.url}/ca.pem", timeout=10) as answer:
        path.write_bytes(answer.read())
    four, = six.create("six-tls", NetworkType="dual_stack", CacheSubnetGroupName="six-both", TransitEncryptionEnabled=True)
    six.client().modify_cache_cluster(CacheClusterId="six-tls", IpDiscovery="ipv6", ApplyImmediately=True)
    other, = six.endpoints("six-tls")
    assert is_six(other) and not is_six(four)
    context = ssl.create_default_context(cafile=path)
    for endpoint in (four, other):
        with socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname=endpoint["Address"]) as s:
                s.sendall(b"PING\r\n")
                assert s.recv(64) == b"+PONG\r\n"


def test_a_serverless_cache_is_reached_by_ipv6(six, groups):
    def run(call, name, *words):
        return six.larder(call, "--serverless-cache-name", name, *words)

    def shown():
        return json.loads(run("describe-serverless-caches", "six-less").stdout)["ServerlessCaches"][0]

    subnets = json.dumps([s["SubnetIdentifier"] for s in groups["6"]["Subnets"]])
    run("create-serverless-cache", "six-less", "--engine", "valkey", "--subnet-ids", subnets, "--network-type", "ipv6")
    wait_until(lambda: shown()["Status"] == "available", "the cache to be available")
    assert is_six(shown()["Endpoint"]) and shown()["NetworkType"] == "ipv6"
    assert all(listens(shown()[e]["Address"], shown()[e]["Port"]) for e in ("Endpoint", "ReaderEndpoint"))
    refused = run("create-serverless-cache", "six-bad", "--engine", "valkey", "--network-type", "dual_stack")
    assert "The subnets do not support the network type dual_stack." in refused.stderr


# --- names ----------------------------------------------------------------------------------------------


def test_names_lead_to_both_addresses(new_service, blocks):
    port = free_port()
    service = new_service("--pool6", blocks[1], "--endpoints", "dns", "--dns", f"127.0.0.1:{port}").start()
    subnets_of(service, "dns")
    endpoint, = service.create("named", NetworkType="dual_stack", CacheSubnetGroupName="dns-both")
    four, six = (wait_until(lambda k=kind: resolve(port, endpoint["Address"], k)[1], f"an address of kind {kind}")
                 for kind in (TYPE_A, TYPE_AAAA))
    assert len(four) == len(six) == 1
    assert redis_cli({"Address": four[0], "Port": 6379}, "SET", "k", "v") == "OK"
    assert redis_cli({"Address": six[0], "Port": 6379}, "GET", "k") == "v"
    service.client().create_replication_group(
        ReplicationGroupId="sealed", ReplicationGroupDescription="d", Engine="valkey", CacheNodeType="cache.t4g.micro",
        NumCacheClusters=1, NetworkType="dual_stack", CacheSubnetGroupName="dns-both", TransitEncryptionEnabled=True)
    group = wait_until(lambda: available(service, "sealed"), "the group to be available")
    for name in (group["PrimaryEndpoint"]["Address"], group["NodeGroupMembers"][0]["ReadEndpoint"]["Address"]):
        assert [len(wait_until(lambda n=name, k=kind: resolve(port, n, k)[1], f"{name} of kind {kind}"))
                for kind in (TYPE_A, TYPE_AAAA)] == [1, 1]


def available(service, name):
    """The shard of a group once it is available."""
    group, = service.client().describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"]
    return group["Status"] == "available" and group["NodeGroups"][0]
