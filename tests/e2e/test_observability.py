"""What an operator and a client generator look at: health, metrics, and the OpenAPI document."""
import http.client
import json
import os
import re
import signal

from conftest import wait_until


def get(service, path):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, response.headers["Content-Type"], body


def test_healthy_and_ready(house):
    assert get(house, "/healthz")[0] == 200
    assert get(house, "/readyz")[0] == 200


def test_metrics_count_operations(house):
    client = house.client()
    client.describe_cache_clusters()
    status, kind, before = get(house, "/metrics")
    assert status == 200 and kind.startswith("text/plain")
    for _ in range(5):
        client.describe_cache_clusters()
    after = get(house, "/metrics")[2]

    def count(text):
        return sum(float(v) for v in re.findall(
            r'^larder_[a-z_]*requests_total\{[^}]*DescribeCacheClusters[^}]*\} (\d+)', text, re.M))
    assert count(after) == count(before) + 5
    assert re.search(r'_bucket\{[^}]*DescribeCacheClusters[^}]*le="', after)
    assert re.search(r'^larder_hosts\{state="heard"\} 3$', after, re.M)
    for line in after.splitlines():
        assert re.fullmatch(r'#.*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})? [-+0-9.eEInfNa]+|', line), line


def test_the_document_describes_what_is_served(house):
    status, kind, body = get(house, "/v1/openapi.json")
    document = json.loads(body)
    assert status == 200 and kind.startswith("application/json")
    assert document["openapi"].startswith("3.1")
    operations = {o["operationId"] for path in document["paths"].values() for m, o in path.items()
                  if m in ("get", "post", "put", "patch", "delete")}
    assert {"CreateCacheCluster", "DescribeCacheClusters", "DeleteCacheCluster"} <= operations


def test_resources_speak_json(house):
    house.create("restful")
    status, kind, body = get(house, "/v1/cache-clusters/restful")
    assert status == 200 and kind.startswith("application/json")
    text = json.dumps(json.loads(body))
    assert '"CacheClusterId": "restful"' in text and '"CacheClusterStatus": "available"' in text


def test_silent_hosts_show_in_the_metrics(service):
    assert 'larder_hosts{state="heard"} 3' in get(service, "/metrics")[2]
    agent = service.pids("larder-agent")[0]
    os.kill(agent, signal.SIGSTOP)
    try:
        wait_until(lambda: 'larder_hosts{state="silent"} 1' in get(service, "/metrics")[2],
                   "a host that says nothing counts as silent", timeout=60, pause=0.2)
    finally:
        os.kill(agent, signal.SIGCONT)
    wait_until(lambda: 'larder_hosts{state="silent"} 0' in get(service, "/metrics")[2], "it is heard again",
               timeout=30, pause=0.1)
