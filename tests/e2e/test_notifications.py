"""Topics of clusters: the webhook that stands behind one hears what happened."""
import http.server
import json
import threading

import pytest
from botocore.exceptions import ClientError

from conftest import wait_until

TOPIC = "arn:aws:sns:us-east-1:000000000000:caches"


@pytest.fixture
def webhook():
    """What was posted, in order; the first request is refused."""
    heard = []

    class Handler(http.server.BaseHTTPRequestHandler):
        refuses = True

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            refused, Handler.refuses = Handler.refuses, False
            if not refused:
                heard.append((self.headers, json.loads(body)))
            self.send_response(503 if refused else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    server.server_close()


def told(heard):
    return [json.loads(body["Message"]) for _, body in heard]


def test_a_topic_hears_of_its_cluster(new_service, webhook, tmp_path):
    url, heard = webhook
    topics = tmp_path / "topics"
    topics.write_text(f"# who hears of caches\n{TOPIC} {url}\n")
    service = new_service("--topics", str(topics)).start()
    client = service.client()

    with pytest.raises(ClientError) as refused:
        client.create_cache_cluster(CacheClusterId="c", Engine="redis", CacheNodeType="cache.t4g.micro", NumCacheNodes=1,
                                    NotificationTopicArn=TOPIC.replace("us-east-1", "us-east-2"))
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    service.create("c", NotificationTopicArn=TOPIC)
    assert service.describe("c")["NotificationConfiguration"] == {"TopicArn": TOPIC, "TopicStatus": "active"}
    wait_until(lambda: {"ElastiCache:CacheClusterProvisioningComplete": "c"} in told(heard), "the news of the creation")
    headers, body = heard[-1]
    assert body["Type"] == "Notification" and body["TopicArn"] == TOPIC
    assert headers["x-amz-sns-message-id"] == body["MessageId"]

    client.modify_cache_cluster(CacheClusterId="c", NotificationTopicStatus="inactive")
    assert service.describe("c")["NotificationConfiguration"]["TopicStatus"] == "inactive"
    client.reboot_cache_cluster(CacheClusterId="c", CacheNodeIdsToReboot=["0001"])
    service.wait_available("c")
    client.modify_cache_cluster(CacheClusterId="c", NotificationTopicStatus="active")
    client.delete_cache_cluster(CacheClusterId="c")
    wait_until(lambda: {"ElastiCache:DeleteCacheClusterComplete": "c"} in told(heard), "the news of the end")
    assert {"ElastiCache:CacheNodesRebooted": "c"} not in told(heard), "an inactive topic hears nothing"
