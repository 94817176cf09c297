"""Auto discovery: what memcached nodes tell clients of their cluster, and of themselves."""
from conftest import free_port, memcached, wait_until


def told(endpoint):
    """The version and the nodes that a node tells of."""
    head, version, nodes, blank, end, rest = memcached(endpoint, "config get cluster\n", b"END\r\n").split("\n")
    assert (blank, end, rest) == ("", "END", "") and head == f"CONFIG cluster 0 {len(version) + len(nodes) + 2}"
    assert memcached(endpoint, "get AmazonElastiCache:cluster\n", b"END\r\n").split("\n")[1:3] == [version, nodes]
    return int(version), [tuple(n.split("|")) for n in nodes.split(" ")]


def words_of(endpoints):
    return sorted((e["Address"], e["Address"], str(e["Port"])) for e in endpoints)


def test_every_node_tells_of_all_and_of_changes(house):
    endpoints = house.create("md", engine="memcached", nodes=2)
    first = [told(e) for e in endpoints]
    assert first[0] == first[1] and first[0][1] == words_of(endpoints)
    client = house.client()
    client.modify_cache_cluster(CacheClusterId="md", NumCacheNodes=3, ApplyImmediately=True)
    house.wait_available("md")
    more = house.endpoints("md")
    wait_until(lambda: all(told(e)[1] == words_of(more) for e in more), "all nodes to tell of three")
    assert told(more[0])[0] > first[0][0]
    client.modify_cache_cluster(CacheClusterId="md", NumCacheNodes=2, CacheNodeIdsToRemove=["0001"], ApplyImmediately=True)
    house.wait_available("md")
    left = house.endpoints("md")
    before = told(more[1])[0]
    wait_until(lambda: all(told(e)[1] == words_of(left) for e in left), "both nodes to tell of two")
    assert told(left[0])[0] >= before > first[0][0] and len(left) == 2


def test_a_node_that_begins_anew_tells_the_same(house):
    endpoints = house.create("ma", engine="memcached", nodes=2)
    before = told(endpoints[0])
    house.client().reboot_cache_cluster(CacheClusterId="ma", CacheNodeIdsToReboot=["0001", "0002"])
    house.wait_available("ma")
    assert [told(e) for e in endpoints] == [before, before]


def test_names_are_told_where_endpoints_are_names(new_service):
    service = new_service("--endpoints", "dns", "--dns", f"127.0.0.1:{free_port()}").start()
    endpoints = service.create("mn", engine="memcached", nodes=2)
    interfaces = service.client("ec2").describe_network_interfaces()["NetworkInterfaces"]
    addresses = sorted(i["PrivateIpAddress"] for i in interfaces)
    version, nodes = told({"Address": addresses[0], "Port": 11211})
    assert version >= 1 and [n[0] for n in nodes] == sorted(e["Address"] for e in endpoints)
    assert sorted(n[1] for n in nodes) == addresses


def test_a_node_says_the_version_that_was_asked_for(house):
    for number, version in enumerate(("1.5.16", "1.6.12", "1.6.22")):
        endpoint, = house.create(f"mv{number}", engine="memcached", node_type="cache.t3.micro", EngineVersion=version)
        assert house.describe(f"mv{number}")["EngineVersion"] == version
        assert memcached(endpoint, "version\n", b"\r\n") == f"VERSION {version}\n"
        assert f"STAT version {version}\n" in memcached(endpoint, "stats\n", b"END\r\n")
