"""Logs of caches that are delivered: to files and webhooks, as text and as JSON, switched while the engines run."""
import http.server
import json
import re
import threading

import pytest
from botocore.exceptions import ClientError

from conftest import redis_cli, wait_until

NODE_TYPE = "cache.t4g.micro"


@pytest.fixture(scope="module")
def webhook():
    """What was posted; while `refuses` is set nothing is taken."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if not server.refuses:
                server.heard.append((dict(self.headers), body))
            self.send_response(503 if server.refuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.heard, server.refuses = [], False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def delivering(pool_slots, tmp_path_factory, webhook):
    from conftest import Service
    base = tmp_path_factory.mktemp("logs")
    destinations = base / "destinations"
    destinations.write_text(f"# where logs lead\nhooked http://127.0.0.1:{webhook.server_port}/in\n")
    service = Service(pool_slots.take(), base / "state", "--log-destinations", str(destinations)).start()
    yield service
    service.stop()


def to_group(log_type, group, form="json", **more):
    return {"LogType": log_type, "DestinationType": "cloudwatch-logs", "LogFormat": form,
            "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": group}}, **more}


def to_stream(log_type, stream, form="json"):
    return {"LogType": log_type, "DestinationType": "kinesis-firehose", "LogFormat": form,
            "DestinationDetails": {"KinesisFirehoseDetails": {"DeliveryStream": stream}}}


def statuses(service, name):
    return {c["LogType"]: c["Status"] for c in service.describe(name)["LogDeliveryConfigurations"]}


def delivered(service, group, kind="cloudwatch-logs"):
    path = service.state_dir / "delivered-logs" / kind / f"{group}.log"
    return path.read_text().splitlines() if path.exists() else []


def slow_command(endpoint):
    """A command that takes longer than any does."""
    said = redis_cli(endpoint, "EVAL", "local n = 0 while n < 12000000 do n = n + 1 end return n", "0")
    assert said == "12000000"


def slow_until(endpoint, condition, what):
    """An engine that has just begun does not know yet how long its commands take: one may be too few."""
    def is_so():
        slow_command(endpoint)
        return condition()
    return wait_until(is_so, what, pause=0.2)


def test_logs_of_a_cluster_are_delivered_to_files_and_changed_while_it_runs(delivering):
    api = delivering.client()
    endpoint = delivering.create("c1", LogDeliveryConfigurations=[to_group("slow-log", "slow"),
                                                                   to_stream("engine-log", "engine", "text")])[0]
    wait_until(lambda: statuses(delivering, "c1") == {"slow-log": "active", "engine-log": "active"}, "both are active")
    described = delivering.describe("c1")["LogDeliveryConfigurations"][0]
    assert (described["LogType"], described["DestinationType"], described["LogFormat"]) == ("slow-log", "cloudwatch-logs", "json")
    assert described["DestinationDetails"] == {"CloudWatchLogsDetails": {"LogGroup": "slow"}}
    line = slow_until(endpoint, lambda: delivered(delivering, "slow"), "a slow command is delivered")[0]
    entry = json.loads(line)
    assert (entry["CacheClusterId"], entry["CacheNodeId"]) == ("c1", "0001")
    assert entry["Command"].startswith("EVAL") and entry["Duration (us)"] > 10000 and "local" not in line

    api.modify_cache_cluster(CacheClusterId="c1", ApplyImmediately=True, LogDeliveryConfigurations=[
        to_group("slow-log", "slow-too", "text"), {"LogType": "engine-log", "Enabled": False}])
    wait_until(lambda: statuses(delivering, "c1") == {"slow-log": "active"}, "one is changed, the other gone")
    before = len(delivered(delivering, "slow"))
    # What was written before may not have been sent yet: it comes in the form that it was written in.
    texts = lambda: [line for line in delivered(delivering, "slow-too") if not line.startswith("{")]
    line = slow_until(endpoint, texts, "the slow log goes to the other group")[0]
    assert re.match(r"c1,0001,\d{10},\d+,EVAL", line)
    assert len(delivered(delivering, "slow")) == before


def test_the_engine_log_has_the_form_of_the_service(delivering):
    api = delivering.client()
    delivering.create("c2", LogDeliveryConfigurations=[to_stream("engine-log", "engine-text", "text")])
    wait_until(lambda: statuses(delivering, "c2") == {"engine-log": "active"}, "it is active")
    api.reboot_cache_cluster(CacheClusterId="c2", CacheNodeIdsToReboot=["0001"])
    lines = wait_until(lambda: delivered(delivering, "engine-text", "kinesis-firehose"), "the reboot is in the log")
    assert all(re.match(r"c2/0001:M \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} UTC [*#.-] \S", line) for line in lines)


def test_a_group_delivers_to_a_webhook_and_says_when_it_cannot(delivering, webhook):
    api = delivering.client()
    api.create_replication_group(ReplicationGroupId="rg", ReplicationGroupDescription="d", Engine="redis",
                                 CacheNodeType=NODE_TYPE, NumCacheClusters=2, AutomaticFailoverEnabled=True,
                                 LogDeliveryConfigurations=[to_group("slow-log", "hooked")])
    group = lambda: api.describe_replication_groups(ReplicationGroupId="rg")["ReplicationGroups"][0]
    status = lambda: [(c["Status"], c.get("Message")) for c in group()["LogDeliveryConfigurations"]]
    wait_until(lambda: group()["Status"] == "available" and status() == [("active", None)], "the group delivers")
    member = delivering.describe("rg-001")
    assert member["ReplicationGroupLogDeliveryEnabled"] is True
    webhook.refuses = True
    endpoint = group()["NodeGroups"][0]["PrimaryEndpoint"]
    slow_until(endpoint, lambda: status() == [("error", "the destination answers with status 503")], "the error is told")
    assert group()["Status"] == "available"
    webhook.refuses = False
    wait_until(lambda: status() == [("active", None)], "it delivers again")
    headers, body = webhook.heard[-1]
    assert headers["X-Log-Type"] == "slow-log" and headers["X-Cache-Cluster-Id"].startswith("rg-00")
    assert {json.loads(line)["Command"].split()[0] for line in body.splitlines()} == {"EVAL"}
    api.modify_replication_group(ReplicationGroupId="rg", ApplyImmediately=True,
                                 LogDeliveryConfigurations=[{"LogType": "slow-log", "Enabled": False}])
    wait_until(lambda: status() == [], "nothing is delivered any more")
    assert delivering.describe("rg-001")["ReplicationGroupLogDeliveryEnabled"] is False


@pytest.mark.parametrize("configurations, engine, code", [
    ([to_group("slow-log", "a"), to_group("slow-log", "b")], "redis", "InvalidParameterCombination"),
    ([{"DestinationType": "cloudwatch-logs"}], "redis", "InvalidParameterValue"),
    ([{"LogType": "slow-log", "LogFormat": "json"}], "redis", "InvalidParameterValue"),
    ([{**to_group("slow-log", "a"), "DestinationType": "kinesis-firehose"}], "redis", "InvalidParameterValue"),
    ([to_group("slow-log", "a")], "memcached", "InvalidParameterCombination"),
])
def test_what_cannot_be_asked_is_refused(delivering, configurations, engine, code):
    with pytest.raises(ClientError) as refused:
        delivering.client().create_cache_cluster(CacheClusterId="bad", Engine=engine, CacheNodeType=NODE_TYPE,
                                                 NumCacheNodes=1, LogDeliveryConfigurations=configurations)
    assert refused.value.response["Error"]["Code"] == code


def test_changes_are_made_at_once_or_not_at_all(delivering):
    delivering.create("c3")
    with pytest.raises(ClientError) as refused:
        delivering.client().modify_cache_cluster(CacheClusterId="c3",
                                                 LogDeliveryConfigurations=[to_group("slow-log", "a")])
    assert refused.value.response["Error"]["Code"] == "InvalidParameterCombination"
