"""What waits for the maintenance window, and engines that go over to another version with their data."""
import datetime

from conftest import memcached, redis_cli, wait_until
from test_groups import Group, info


def window(opens_in_minutes):
    """A weekly window of an hour; one that opened five minutes ago is open."""
    start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=opens_in_minutes)
    return "-".join(t.strftime("%a:%H:%M").lower() for t in (start, start + datetime.timedelta(hours=1)))


def snapshot_window():
    """Far from both kinds of the windows above."""
    start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=6)
    return f"{start:%H:%M}-{start + datetime.timedelta(hours=1):%H:%M}"


OPEN, CLOSED = -5, 36 * 60


def test_nodes_that_were_asked_for_come_in_the_window(service):
    client = service.client()
    service.create("m1", engine="memcached", nodes=1, PreferredMaintenanceWindow=window(CLOSED))
    service.wait_available("m1")
    client.modify_cache_cluster(CacheClusterId="m1", NumCacheNodes=3)
    waiting = service.describe("m1")
    assert waiting["CacheClusterStatus"] == "available" and waiting["NumCacheNodes"] == 1
    assert waiting["PendingModifiedValues"] == {"NumCacheNodes": 3}
    service.stop()
    service.start()  # what waits is still there
    service.wait_available("m1")
    assert service.describe("m1")["PendingModifiedValues"] == {"NumCacheNodes": 3}
    client = service.client()
    client.modify_cache_cluster(CacheClusterId="m1", PreferredMaintenanceWindow=window(OPEN))
    wait_until(lambda: service.describe("m1")["NumCacheNodes"] == 3, "three nodes", timeout=30)
    service.wait_available("m1")
    assert service.describe("m1")["PendingModifiedValues"] == {}
    for endpoint in service.endpoints("m1"):
        assert memcached(endpoint, "version\n").startswith("VERSION")


def test_a_cluster_is_upgraded_in_the_window_with_its_data(house):
    client = house.client()
    house.create("c1", EngineVersion="6.2", PreferredMaintenanceWindow=window(CLOSED), SnapshotWindow=snapshot_window())
    house.wait_available("c1")
    endpoint = house.endpoints("c1")[0]
    redis_cli(endpoint, "SET", "greeting", "hello")
    assert info(endpoint)["redis_version"].startswith("6.2")
    client.modify_cache_cluster(CacheClusterId="c1", EngineVersion="7.1")
    assert house.describe("c1")["PendingModifiedValues"] == {"EngineVersion": "7.1.0"}
    client.modify_cache_cluster(CacheClusterId="c1", PreferredMaintenanceWindow=window(OPEN))
    wait_until(lambda: house.describe("c1")["EngineVersion"] == "7.1.0", "the new version", timeout=30)
    house.wait_available("c1")
    assert info(endpoint)["redis_version"].startswith("7.1")
    assert redis_cli(endpoint, "GET", "greeting") == "hello"
    assert house.describe("c1")["CacheParameterGroup"]["CacheParameterGroupName"] == "default.redis7"
    assert "Finished upgrading the engine to redis 7.1.0" in [message for _, message in house.events("c1")]


def test_a_group_becomes_valkey_replicas_first(house):
    group = Group.create(house, "up", NumCacheClusters=3, AutomaticFailoverEnabled=True, EngineVersion="7.1")
    redis_cli(group.primary(), "SET", "greeting", "hello")
    house.larder("modify-replication-group", "--replication-group-id", "up", "--engine", "valkey",
                 "--engine-version", "8.0", "--apply-immediately")  # older boto3 does not know of Engine
    assert group.describe()["Status"] == "modifying"
    group.wait()
    assert group.roles()["up-001"] == "replica"  # another one took over before it began anew
    assert redis_cli(group.primary(), "GET", "greeting") == "hello"
    for name in group.members():
        endpoint = house.endpoints(name)[0]
        assert info(endpoint)["valkey_version"].startswith("8.0")
        assert redis_cli(endpoint, "GET", "greeting") == "hello"
        member = house.describe(name)
        assert (member["Engine"], member["EngineVersion"]) == ("valkey", "8.0.1")
    assert "Finished upgrading the engine to valkey 8.0.1" in group.messages()


def test_memcached_goes_over_in_place_and_empty(house):
    house.create("m2", engine="memcached", nodes=2, EngineVersion="1.6.12")
    house.wait_available("m2")
    before = house.endpoints("m2")
    assert memcached(before[0], "set a 0 0 1\nx\n") == "STORED\n"
    house.client().modify_cache_cluster(CacheClusterId="m2", EngineVersion="1.6.22", ApplyImmediately=True)
    house.wait_available("m2")
    assert house.endpoints("m2") == before and house.describe("m2")["EngineVersion"] == "1.6.22"
    for endpoint in before:
        assert memcached(endpoint, "version\n").startswith("VERSION")
    assert memcached(before[0], "get a\n") == "END\n"
