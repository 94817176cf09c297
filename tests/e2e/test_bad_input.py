"""Bad input gets a clear, correct error, in either form of the interface, and changes nothing."""
import contextlib
import http.client
import json
import socket
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from conftest import redis_cli, wait_until

NAMESPACE = "{http://elasticache.amazonaws.com/doc/2015-02-02/}"
VERSION = "2015-02-02"


def ask(house, method, path, body=None, content_type="application/x-www-form-urlencoded; charset=utf-8"):
    """One plain HTTP request; gives status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
    headers = {"Content-Type": content_type} if body is not None else {}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = response.status, response.headers, response.read()
    connection.close()
    return answer


def form(**parameters):
    return urllib.parse.urlencode(parameters)


def query_fault(answer):
    """Status, code and message of a Query answer; its envelope must be that of the SDKs."""
    status, headers, body = answer
    assert headers["Content-Type"].startswith("text/xml")
    root = ElementTree.fromstring(body)
    error = root.find(f"{NAMESPACE}Error")
    assert root.tag == f"{NAMESPACE}ErrorResponse", body
    assert error.findtext(f"{NAMESPACE}Type") in ("Sender", "Receiver")
    assert root.findtext(f"{NAMESPACE}RequestId") == headers["x-amzn-RequestId"]
    return status, error.findtext(f"{NAMESPACE}Code"), error.findtext(f"{NAMESPACE}Message")


def raised(function, **arguments):
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    error = caught.value.response["Error"]
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


@pytest.fixture(scope="module", autouse=True)
def one_cluster(house):
    house.create("there")


GOOD = {"CacheClusterId": "bad", "Engine": "redis", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 1}

# What is changed in GOOD; the status and code; a part of the message.
CREATES = [
    ({"CacheClusterId": "there"}, 400, "CacheClusterAlreadyExists", "there"),
    ({"CacheClusterId": "THERE"}, 400, "CacheClusterAlreadyExists", ""),
    ({"CacheClusterId": "1bad"}, 400, "InvalidParameterValue",
     "The parameter CacheClusterIdentifier is not a valid identifier. Identifiers must begin with a letter; must "
     "contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive "
     "hyphens."),
    ({"CacheClusterId": "bad-"}, 400, "InvalidParameterValue", "is not a valid identifier"),
    ({"CacheClusterId": "bad--name"}, 400, "InvalidParameterValue", "is not a valid identifier"),
    ({"CacheClusterId": "bad_name"}, 400, "InvalidParameterValue", "is not a valid identifier"),
    ({"CacheClusterId": "b\u00e4d"}, 400, "InvalidParameterValue", "is not a valid identifier"),
    ({"CacheClusterId": "b" * 51}, 400, "InvalidParameterValue", ""),
    ({"CacheClusterId": ""}, 400, "InvalidParameterValue", ""),
    ({"CacheNodeType": "cache.enormous"}, 400, "InvalidParameterValue", "cache.enormous"),
    ({"CacheNodeType": "t4g.micro"}, 400, "InvalidParameterValue", ""),
    ({"Engine": "postgres"}, 400, "InvalidParameterValue", "postgres"),
    ({"Engine": "valkey"}, 400, "InvalidParameter", ""),
    ({"EngineVersion": "99.9"}, 400, "InvalidParameterCombination", "Cannot find version 99.9 for redis"),
    ({"NumCacheNodes": 2}, 400, "InvalidParameter", ""),
    ({"NumCacheNodes": 0}, 400, "InvalidParameter", ""),
    ({"NumCacheNodes": -1}, 400, "InvalidParameter", ""),
    ({"Port": 0}, 400, "InvalidParameterValue", ""),
    ({"Port": 65536}, 400, "InvalidParameterValue", ""),
    ({"AZMode": "diagonal"}, 400, "InvalidParameterValue", ""),
    ({"AZMode": "cross-az"}, 400, "InvalidParameterCombination", ""),
    ({"PreferredAvailabilityZone": "eu-west-1a"}, 400, "InvalidParameter", ""),
    ({"PreferredMaintenanceWindow": "someday"}, 400, "InvalidParameterValue", ""),
    ({"PreferredMaintenanceWindow": "mon:05:00-mon:05:30"}, 400, "InvalidParameterValue", ""),
    ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, 400, "InvalidParameter", ""),
    ({"Tags": [{"Key": str(i), "Value": ""} for i in range(51)]}, 400, "TagQuotaPerResourceExceeded", ""),
    ({"CacheNodeType": "cache.r7g.16xlarge"}, 400, "InsufficientCacheClusterCapacity", ""),
    ({"Engine": "memcached", "NumCacheNodes": 61}, 400, "NodeQuotaForClusterExceeded", ""),
]


@pytest.mark.parametrize("change, status, code, part", CREATES, ids=[str(c[0])[:60] for c in CREATES])
def test_creating_with(house, change, status, code, part):
    got = raised(house.client().create_cache_cluster, **dict(GOOD, **change))
    assert got[0] == status and got[1].startswith(code), got
    assert part in got[2] and got[2]
    names = [c["CacheClusterId"] for c in house.client().describe_cache_clusters()["CacheClusters"]]
    assert names == ["there"]


def test_what_is_not_there(house):
    client = house.client()
    for call, more in ((client.describe_cache_clusters, {}), (client.delete_cache_cluster, {}),
                       (client.modify_cache_cluster, {"ApplyImmediately": True}),
                       (client.reboot_cache_cluster, {"CacheNodeIdsToReboot": ["0001"]})):
        assert raised(call, CacheClusterId="nowhere", **more) == \
            (404, "CacheClusterNotFound", "CacheCluster not found: nowhere")


def test_tags_of_what_is_not_there(house):
    arn = "arn:aws:elasticache:us-east-1:000000000000:cluster:nowhere"
    assert raised(house.client().list_tags_for_resource, ResourceName=arn)[1] == "CacheClusterNotFound"
    for bad in ("nonsense", "arn:aws:s3:::bucket", "arn:aws:elasticache:us-east-1:000000000000:cluster"):
        assert raised(house.client().list_tags_for_resource, ResourceName=bad)[1] == "InvalidARN"


def test_rebooting_a_node_that_is_not_there(house):
    status, code, _ = raised(house.client().reboot_cache_cluster, CacheClusterId="there", CacheNodeIdsToReboot=["0007"])
    assert (status, code) == (400, "InvalidParameterValue") or (status, code) == (404, "CacheNodeNotFound")


def test_deleting_twice(house):
    house.create("twice")
    client = house.client()
    client.delete_cache_cluster(CacheClusterId="twice")
    code = raised(client.delete_cache_cluster, CacheClusterId="twice")[1]
    assert code in ("InvalidCacheClusterState", "CacheClusterNotFound")
    house.wait_deleted("twice")
    assert raised(client.delete_cache_cluster, CacheClusterId="twice")[:2] == (404, "CacheClusterNotFound")


# --- the Query form, by hand


def test_get_and_post_are_the_same_form(house):
    parameters = form(Action="DescribeCacheClusters", Version=VERSION, CacheClusterId="there")
    posted, got = ask(house, "POST", "/", parameters), ask(house, "GET", "/?" + parameters)
    assert posted[0] == got[0] == 200
    for _, headers, body in (posted, got):
        root = ElementTree.fromstring(body)
        assert root.tag == f"{NAMESPACE}DescribeCacheClustersResponse"
        request_id = root.findtext(f"{NAMESPACE}ResponseMetadata/{NAMESPACE}RequestId")
        assert request_id == headers["x-amzn-RequestId"]
        result = root.find(f"{NAMESPACE}DescribeCacheClustersResult/{NAMESPACE}CacheClusters/{NAMESPACE}CacheCluster")
        assert result.findtext(f"{NAMESPACE}CacheClusterId") == "there"


FORMS = [
    ("", 400, "MissingAction"),
    ("Version=2015-02-02", 400, "MissingAction"),
    ("Action=DescribeCookies&Version=2015-02-02", 400, "InvalidAction"),
    ("Action=describecacheclusters&Version=2015-02-02", 400, "InvalidAction"),
    ("Action=DescribeCacheClusters&Version=1999-01-01", 400, ""),
    ("Action=DescribeCacheClusters&Version=2015-02-02&CacheClusterId=a&CacheClusterId=b", 400, ""),
    ("Action=DescribeCacheClusters&Version=2015-02-02&MaxRecords=many", 400, ""),
    ("Action=DescribeCacheClusters&Version=2015-02-02&ShowCacheNodeInfo=maybe", 400, ""),
    ("Action=DescribeEvents&Version=2015-02-02&StartTime=yesterday", 400, ""),
    ("Action=DescribeCacheClusters&Version=2015-02-02&CacheClusterId=%FF%FE", 404, "MalformedQueryString"),
    ("Action=DescribeCacheClusters&Version=2015-02-02&CacheClusterId=%", 404, "MalformedQueryString"),
    ("Action=DescribeCacheClusters&Version=2015-02-02&CacheClusterId=a%00b", 404, "MalformedQueryString"),
    ("Action=DeleteCacheCluster&Version=2015-02-02", 400, "InvalidParameterValue"),
    ("Action=CreateCacheCluster&Version=2015-02-02&CacheClusterId=x&Tags.Tag.one.Key=a", 400, ""),
    ("Action=CreateCacheCluster&Version=2015-02-02&CacheClusterId=x&Tags.Tag.99999999999.Key=a", 400, ""),
    ("Action=CreateCacheCluster&Version=2015-02-02&CacheClusterId=x&Tags.Tag.1.Key.Deep.Deeper.Deepest=a", 400, ""),
]


@pytest.mark.parametrize("body, status, code", FORMS, ids=[f[0][-50:] or "empty" for f in FORMS])
def test_a_form_of(house, body, status, code):
    got = query_fault(ask(house, "POST", "/", body))
    assert got[0] == status, got
    assert got[1].startswith(code) and got[2], got


def test_an_unknown_parameter_is_left_aside_for_newer_sdks(house):
    """The hosted service does the same; REST, which is ours alone, refuses it."""
    status, _, body = ask(house, "POST", "/", form(Action="DescribeCacheClusters", Version=VERSION, Bogus="1"))
    assert status == 200
    assert ElementTree.fromstring(body).tag == f"{NAMESPACE}DescribeCacheClustersResponse"


def test_a_missing_member_is_named(house):
    status, code, message = query_fault(ask(house, "POST", "/", form(Action="DeleteCacheCluster", Version=VERSION)))
    assert (status, code) == (400, "InvalidParameterValue") or code == "MissingParameter"
    assert message == "The parameter CacheClusterIdentifier must be provided and must not be null." or \
        message == "The parameter CacheClusterId must be provided and must not be null."


def test_two_megabytes_are_too_many(house):
    body = "Action=DescribeCacheClusters&Version=2015-02-02&CacheClusterId=" + "x" * (2 << 20)
    try:
        status = ask(house, "POST", "/", body)[0]
    except (BrokenPipeError, ConnectionResetError):
        pytest.fail("the connection was cut before the answer could be read")
    assert status == 413
    status, _, answer = ask(house, "POST", "/v1/cache-clusters", "[" * (2 << 20), "application/json")
    assert status == 413 and json.loads(answer)["Code"]


def test_a_body_just_below_the_limit_is_read(house):
    body = form(Action="DescribeCacheClusters", Version=VERSION, CacheClusterId="x" * 1_000_000)
    assert query_fault(ask(house, "POST", "/", body))[0] in (400, 404)


def test_a_stalled_body_does_not_hold_the_service(house):
    """Forty clients that promise a body and never send it; others are served meanwhile, and they are cut off."""
    head = (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: 1000\r\n\r\nAction=")
    stalled = [socket.create_connection(("127.0.0.1", house.port)) for _ in range(40)]
    try:
        for s in stalled:
            s.sendall(head)
        begun = time.monotonic()
        assert house.describe("there")["CacheClusterId"] == "there"
        assert time.monotonic() - begun < 2

        def is_over(s):
            s.settimeout(0.05)
            try:
                return s.recv(65536) == b""
            except TimeoutError:
                return False
            except OSError:
                return True
        for s in stalled:
            wait_until(lambda s=s: is_over(s), "a stalled request is given up", timeout=90)
    finally:
        for s in stalled:
            s.close()


def test_what_is_no_http_at_all(house):
    for text in (b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"PING\r\n" * 100,
                 b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n"):
        with socket.create_connection(("127.0.0.1", house.port), timeout=10) as s:
            with contextlib.suppress(OSError):  # it may hang up at any of these words
                s.sendall(text)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
    assert house.describe("there")["CacheClusterStatus"] == "available"


# --- REST, by hand

RESTS = [
    ("GET", "/v1/nothing-of-the-kind", None, 404),
    ("GET", "/nowhere", None, 404),
    ("PUT", "/v1/cache-clusters", "{}", 405),
    ("POST", "/v1/cache-clusters", "{", 400),
    ("POST", "/v1/cache-clusters", "[]", 400),
    ("POST", "/v1/cache-clusters", "{}", 400),
    ("POST", "/v1/cache-clusters", '{"CacheClusterId":"x","Bogus":1}', 400),
    ("POST", "/v1/cache-clusters", '{"CacheClusterId":5}', 400),
    ("POST", "/v1/cache-clusters", '{"CacheClusterId":"x","NumCacheNodes":"1"}', 400),
    ("POST", "/v1/cache-clusters", '{"CacheClusterId":"x","NumCacheNodes":1.5}', 400),
    ("POST", "/v1/cache-clusters", '{"CacheClusterId":"x","CacheClusterId":"y"}', 400),
    ("POST", "/v1/cache-clusters", '{"a":' * 5000 + "1" + "}" * 5000, 400),
    ("POST", "/v1/cache-clusters", b'{"CacheClusterId":"\xff\xfe"}', 400),
    ("GET", "/v1/cache-clusters?MaxRecords=many", None, 400),
    ("GET", "/v1/cache-clusters?Bogus=1", None, 400),
    ("GET", "/v1/cache-clusters/nowhere", None, 404),
    ("DELETE", "/v1/cache-clusters/nowhere", None, 404),
]


@pytest.mark.parametrize("method, path, body, status", RESTS,
                         ids=[f"{r[0]} {r[1]} {str(r[2])[:30]}" for r in RESTS])
def test_a_resource_asked_for_by(house, method, path, body, status):
    got, headers, answer = ask(house, method, path, body, "application/json")
    assert got == status, answer
    if path.startswith("/v1"):
        fault = json.loads(answer)
        assert headers["Content-Type"].startswith("application/json")
        assert fault["Code"] and fault["Message"]


def test_a_body_of_another_kind_is_refused(house):
    assert ask(house, "POST", "/v1/cache-clusters", "<xml/>", "text/xml")[0] in (400, 415)


# --- many at once


def test_three_hundred_creates_at_once(new_service):
    service = new_service().start()
    client = service.client()
    names = [f"many-{i:03}" for i in range(300)]

    def create(name):
        client.create_cache_cluster(CacheClusterId=name, Engine="redis", CacheNodeType="cache.t4g.micro",
                                    NumCacheNodes=1)

    begun = time.monotonic()
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(create, names))
    answered = time.monotonic() - begun
    for name in names:
        service.wait_available(name, client)
    print(f"\n300 creates answered in {answered:.2f} s, all available after {time.monotonic() - begun:.2f} s")
    endpoints = [service.endpoints(name, client)[0] for name in names]
    assert len({(e["Address"], e["Port"]) for e in endpoints}) == 300
    assert redis_cli(endpoints[299], "PING") == "PONG"
    assert raised(create, name="one-too-many")[1] in ("NodeQuotaForCustomerExceeded",
                                                      "ClusterQuotaForCustomerExceeded")


def test_the_same_name_from_twenty_callers_is_made_once(house):
    client = house.client()

    def create(_):
        try:
            client.create_cache_cluster(CacheClusterId="contested", Engine="redis", CacheNodeType="cache.t4g.micro",
                                        NumCacheNodes=1)
            return "made"
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(20) as pool:
        results = sorted(pool.map(create, range(20)))
    assert results == ["CacheClusterAlreadyExists"] * 19 + ["made"]
    house.wait_available("contested")
    client.delete_cache_cluster(CacheClusterId="contested")
    house.wait_deleted("contested")


def test_capacity_runs_out_politely(new_service):
    service = new_service("--agents", "1", memory="2GB").start()
    client = service.client()
    made = 0
    with pytest.raises(ClientError) as caught:
        for number in range(20):
            client.create_cache_cluster(CacheClusterId=f"c{number}", Engine="redis", CacheNodeType="cache.t4g.micro",
                                        NumCacheNodes=1)
            made += 1
    assert caught.value.response["Error"]["Code"] == "InsufficientCacheClusterCapacity"
    assert 1 <= made <= 4
    service.wait_available("c0", client)
    client.delete_cache_cluster(CacheClusterId="c0")
    service.wait_deleted("c0", client)
    service.create("fits-again")
