"""Numbers of caches, asked for as CloudWatch is: by Query, by JSON and by CBOR."""
import datetime
import json
import time
import urllib.error
import urllib.request

import cbor2
import pytest
from botocore.exceptions import ClientError

from conftest import memcached, redis_cli, wait_until

NAMESPACE = "AWS/ElastiCache"
TARGET = "GraniteServiceVersion20100801"


@pytest.fixture(scope="module")
def numbers(house):
    """A service with a redis cache, a memcached cache and a group, of which each node has had its first sample."""
    api = house.client()
    api.create_replication_group(ReplicationGroupId="rg", ReplicationGroupDescription="d", Engine="redis",
                                 CacheNodeType="cache.t4g.micro", NumCacheClusters=2, AutomaticFailoverEnabled=True)
    redis = house.create("c1")[0]
    nodes = house.create("m1", engine="memcached", nodes=2)
    house.wait_available("rg-002")
    for i in range(20):
        redis_cli(redis, "SET", f"k{i}", "v")
    redis_cli(redis, "GET", "k1")
    redis_cli(redis, "GET", "nothing")
    memcached(nodes[1], "set a 0 0 1\nx\n")
    memcached(nodes[1], "get a\n", until=b"END\r\n")
    house.cloudwatch = house.client("cloudwatch")
    for name, number in (("c1", "0001"), ("m1", "0001"), ("m1", "0002"), ("rg-001", "0001"), ("rg-002", "0001")):
        of_node = [{"Name": "CacheClusterId", "Value": name}, {"Name": "CacheNodeId", "Value": number}]
        wait_until(lambda: house.cloudwatch.list_metrics(Dimensions=of_node)["Metrics"],
                   f"{name} {number} has numbers", timeout=90, pause=0.25)
    return house


def statistics(house, metric, statistic, **dimensions):
    """The values of the last minutes, by time."""
    now = datetime.datetime.now(datetime.timezone.utc)
    got = house.cloudwatch.get_metric_statistics(
        Namespace=NAMESPACE, MetricName=metric, Period=60, Statistics=[statistic],
        StartTime=now - datetime.timedelta(minutes=10), EndTime=now,
        Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()])
    return [p[statistic] for p in sorted(got["Datapoints"], key=lambda p: p["Timestamp"])]


def test_what_a_cache_did_is_counted(numbers):
    assert sum(statistics(numbers, "SetTypeCmds", "Sum", CacheClusterId="c1", CacheNodeId="0001")) == 20
    assert sum(statistics(numbers, "CacheHits", "Sum", CacheClusterId="c1")) == 1
    assert sum(statistics(numbers, "CacheMisses", "Sum", CacheClusterId="c1")) == 1
    assert statistics(numbers, "CurrItems", "Maximum", CacheClusterId="c1")[-1] == 20
    assert statistics(numbers, "FreeableMemory", "Minimum", CacheClusterId="c1")[-1] > 0
    assert sum(statistics(numbers, "CacheHits", "Sum", CacheClusterId="nobody")) == 0


def test_nodes_of_memcached_are_told_apart_and_together(numbers):
    assert sum(statistics(numbers, "CmdSet", "Sum", CacheClusterId="m1", CacheNodeId="0001")) == 0
    assert sum(statistics(numbers, "CmdSet", "Sum", CacheClusterId="m1", CacheNodeId="0002")) == 1
    assert sum(statistics(numbers, "GetHits", "Sum", CacheClusterId="m1")) == 1
    assert set(statistics(numbers, "CurrItems", "SampleCount", CacheClusterId="m1")) <= {1, 2}


def test_a_group_is_told_by_the_roles_of_its_members(numbers):
    assert statistics(numbers, "IsMaster", "Average", ReplicationGroupId="rg", Role="Primary")[-1] == 1
    assert statistics(numbers, "IsMaster", "Average", ReplicationGroupId="rg", Role="Replica")[-1] == 0
    assert statistics(numbers, "ReplicationLag", "Maximum", ReplicationGroupId="rg", Role="Replica")[-1] < 10
    assert statistics(numbers, "ReplicationLag", "Maximum", ReplicationGroupId="rg", Role="Primary") == []


def test_metric_data_and_math(numbers):
    now = datetime.datetime.now(datetime.timezone.utc)
    query = {"Metric": {"Namespace": NAMESPACE, "MetricName": "CurrItems",
                        "Dimensions": [{"Name": "CacheClusterId", "Value": "c1"}]}, "Period": 60, "Stat": "p50"}
    ask = {"StartTime": now - datetime.timedelta(minutes=10), "EndTime": now, "ScanBy": "TimestampAscending"}
    got = numbers.cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "items", "MetricStat": query, "ReturnData": False},
                           {"Id": "tenfold", "Expression": "items * 10", "Label": "ten"}], **ask)["MetricDataResults"]
    assert [(r["Id"], r["Label"], r["StatusCode"]) for r in got] == [("tenfold", "ten", "Complete")]
    assert got[0]["Values"][-1] == 200
    with pytest.raises(ClientError) as refused:
        numbers.cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "a", "Expression": "SEARCH('x','Sum',60)"}], **ask)
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def post(house, path, body, headers):
    request = urllib.request.Request(house.url + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read()


def ask_cbor(house, operation, members):
    status, headers, body = post(house, f"/service/{TARGET}/operation/{operation}", cbor2.dumps(members),
                                 {"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"})
    assert headers["smithy-protocol"] == "rpc-v2-cbor" and headers["content-type"] == "application/cbor"
    return status, headers, cbor2.loads(body)


def test_cbor_and_json_answer_as_query_does(numbers):
    now = int(time.time())
    members = {"Namespace": NAMESPACE, "MetricName": "CurrItems", "Period": 60, "Statistics": ["Maximum"],
               "Dimensions": [{"Name": "CacheClusterId", "Value": "c1"}]}
    status, _, by_cbor = ask_cbor(numbers, "GetMetricStatistics", {
        **members, "StartTime": cbor2.CBORTag(1, now - 600), "EndTime": cbor2.CBORTag(1, now)})
    assert status == 200 and by_cbor["Label"] == "CurrItems"
    assert isinstance(by_cbor["Datapoints"][0]["Timestamp"], datetime.datetime)
    status, _, body = post(numbers, "/", json.dumps({**members, "StartTime": now - 600, "EndTime": now}).encode(),
                           {"Content-Type": "application/x-amz-json-1.0",
                            "X-Amz-Target": f"{TARGET}.GetMetricStatistics"})
    by_json = json.loads(body)
    assert status == 200
    assert [p["Timestamp"] for p in by_json["Datapoints"]] == [p["Timestamp"].timestamp() for p in by_cbor["Datapoints"]]
    assert [p["Maximum"] for p in by_json["Datapoints"]] == [p["Maximum"] for p in by_cbor["Datapoints"]]


def test_faults_are_those_of_the_protocol(numbers):
    status, headers, body = ask_cbor(numbers, "GetMetricStatistics", {})
    assert (status, body["__type"]) == (400, "MissingRequiredParameterException")
    assert headers["x-amzn-query-error"] == "MissingParameter;Sender"
    status, headers, body = ask_cbor(numbers, "PutMetricAlarm", {})
    assert (status, headers["x-amzn-query-error"]) == (400, "InvalidAction;Sender")
    with pytest.raises(ClientError) as refused:
        numbers.cloudwatch.list_metrics(NextToken="nonsense!")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_the_command_line_of_aws_lists_metrics(numbers):
    got = numbers.aws_json("cloudwatch", "list-metrics", "--namespace", NAMESPACE, "--metric-name", "GetHits")
    assert {d["Name"] for m in got["Metrics"] for d in m["Dimensions"]} == {"CacheClusterId", "CacheNodeId"}
