"""Regions and accounts are kept apart by the credential scope of each request."""
import http.client

import pytest
from botocore.exceptions import ClientError

from conftest import redis_cli


@pytest.fixture(name="world", scope="module")
def service_of_two_regions(pool_slots, tmp_path_factory):
    from conftest import Service
    service = Service(pool_slots.take(), tmp_path_factory.mktemp("world") / "state", "--region", "us-east-1,eu-west-1",
                      "--agents", "2").start()
    yield service
    service.stop()


def test_the_same_name_lives_in_two_regions(world):
    here, there = world.client(region="us-east-1"), world.client(region="eu-west-1")
    first, = world.create("twin", client=here)
    second, = world.create("twin", client=there)
    assert first["Address"] != second["Address"]
    assert redis_cli(first, "SET", "k", "america") == redis_cli(second, "SET", "k", "europe") == "OK"
    assert (redis_cli(first, "GET", "k"), redis_cli(second, "GET", "k")) == ("america", "europe")
    assert world.describe("twin", there)["ARN"] == "arn:aws:elasticache:eu-west-1:000000000000:cluster:twin"
    assert world.describe("twin", there)["PreferredAvailabilityZone"].startswith("eu-west-1")
    here.delete_cache_cluster(CacheClusterId="twin")
    world.wait_deleted("twin", here)
    assert world.describe("twin", there)["CacheClusterStatus"] == "available"
    assert redis_cli(second, "GET", "k") == "europe"


def test_the_same_name_lives_in_two_accounts(world):
    one, other = world.client(account="111111111111"), world.client(account="222222222222")
    world.create("shared", client=one)
    with pytest.raises(ClientError) as caught:
        other.describe_cache_clusters(CacheClusterId="shared")
    assert caught.value.response["Error"]["Code"] == "CacheClusterNotFound"
    world.create("shared", client=other)
    assert world.describe("shared", other)["ARN"] == "arn:aws:elasticache:us-east-1:222222222222:cluster:shared"
    assert world.client("sts", account="222222222222").get_caller_identity()["Account"] == "222222222222"
    one.delete_cache_cluster(CacheClusterId="shared")
    world.wait_deleted("shared", one)
    assert [c["CacheClusterId"] for c in other.describe_cache_clusters()["CacheClusters"]] == ["shared"]


def test_events_stay_in_their_account(world):
    mine, other = world.client(account="333333333333"), world.client(account="444444444444")
    world.create("secret", client=mine)
    assert any(e["SourceIdentifier"] == "secret" for e in mine.describe_events()["Events"])
    assert other.describe_events()["Events"] == []


def test_a_region_that_is_not_served_is_refused(world):
    with pytest.raises(ClientError) as caught:
        world.client(region="ap-south-1").create_cache_cluster(CacheClusterId="far", Engine="redis",
                                                               CacheNodeType="cache.t4g.micro", NumCacheNodes=1)
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert 400 <= status < 500
    assert caught.value.response["Error"]["Message"]


def test_our_own_client_goes_where_its_region_says(world):
    assert world.larder("create-cache-cluster", "--cache-cluster-id", "ours", "--engine", "redis", "--cache-node-type",
                        "cache.t4g.micro", "--num-cache-nodes", "1", "--region", "eu-west-1").returncode == 0
    assert world.larder("wait", "cache-cluster-available", "--cache-cluster-id", "ours", "--region",
                        "eu-west-1").returncode == 0
    assert world.describe("ours", world.client(region="eu-west-1"))["CacheClusterStatus"] == "available"
    assert world.larder("describe-cache-clusters", "--cache-cluster-id", "ours").returncode == 254


def test_unsigned_requests_are_served_on_loopback_but_not_where_scopes_are_asked_for(world, new_service):
    assert unsigned(world) == 200
    scoped = new_service("--auth", "scoped").start()
    assert unsigned(scoped) in (400, 403)
    assert scoped.client().describe_cache_clusters()["CacheClusters"] == []


def unsigned(service):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    connection.request("GET", "/?Action=DescribeCacheClusters&Version=2015-02-02")
    status = connection.getresponse().status
    connection.close()
    return status
