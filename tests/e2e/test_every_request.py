"""Random requests of the right shape for every operation, many at once: no answer is a failure of ours, every fault is one
that the operation may have, the database stays whole, and nothing is left when all is deleted.

LARDER_FUZZ_SECONDS makes it longer, LARDER_FUZZ_SEED begins elsewhere."""
import collections
import contextlib
import os
import re
import sqlite3
import threading
import time

from botocore.exceptions import ClientError

import spec
from conftest import wait_until

SECONDS = float(os.environ.get("LARDER_FUZZ_SECONDS", "8"))
SEED = int(os.environ.get("LARDER_FUZZ_SEED", str(int(time.time()))))
LINES = 4
LEFT_S = 90
RSS_MAX_KB = 100_000  # of larderd, whatever was asked of it


class Run:
    def __init__(self, port):
        self.port = port
        self.until = time.monotonic() + SECONDS
        self.answers = collections.Counter()
        self.served = collections.Counter()
        self.wrong = []

    def line(self, first_seed):
        line = spec.Line(self.port)
        seed = first_seed
        while time.monotonic() < self.until and len(self.wrong) < 5:
            operation, body = spec.random_form(seed)
            try:
                status, code, text = line.ask(body)
            except Exception as error:  # pylint: disable=broad-except
                self.wrong.append((seed, operation, body, repr(error)))
                return
            self.answers[status] += 1
            self.served[operation] += status == 200
            if status >= 500 or (status != 200 and code not in spec.codes_of(operation)):
                self.wrong.append((seed, operation, body, text))
            seed += LINES


def serverless_caches(line):
    """By a plain request, as older boto3 does not know of them."""
    return re.findall("<ServerlessCacheName>(.*?)</", line.ask(spec.form("DescribeServerlessCaches", {}))[2])


def delete_all(client, line):
    """Asks for every deletion that can be had now; true when nothing is left."""
    left = 0
    for c in client.describe_cache_clusters(ShowCacheClustersNotInReplicationGroups=True)["CacheClusters"]:
        left += 1
        with contextlib.suppress(ClientError):
            client.delete_cache_cluster(CacheClusterId=c["CacheClusterId"])
    for g in client.describe_replication_groups()["ReplicationGroups"]:
        left += 1
        with contextlib.suppress(ClientError):
            client.delete_replication_group(ReplicationGroupId=g["ReplicationGroupId"])
    for name in serverless_caches(line):
        left += 1
        line.ask(spec.form("DeleteServerlessCache", {"ServerlessCacheName": name}))
    for g in client.describe_global_replication_groups()["GlobalReplicationGroups"]:
        left += 1
        with contextlib.suppress(ClientError):
            client.delete_global_replication_group(GlobalReplicationGroupId=g["GlobalReplicationGroupId"],
                                                   RetainPrimaryReplicationGroup=True)
    return left == 0


def rss_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_random_requests_of_every_shape(service):
    run = Run(service.port)
    pid = service.larderd_pid()
    lines = [threading.Thread(target=run.line, args=(SEED + n,)) for n in range(LINES)]
    for line in lines:
        line.start()
    for line in lines:
        line.join()
    total = sum(run.answers.values())
    served = [operation for operation, count in run.served.items() if count]
    print(f"\nseed {SEED}: {total} requests, {total / SECONDS:.0f}/s, by status {dict(run.answers)}, "
          f"{len(served)} of {len(spec.OPERATIONS)} operations served, "
          f"larderd {rss_kb(pid)} kB")
    assert not run.wrong, "\n\n".join(f"seed {s} {o}\n{b}\n{t}" for s, o, b, t in run.wrong)
    assert service.larderd_pid() == pid, "larderd is the one that it was"
    assert run.answers[200] > total / 10 and len(served) > len(spec.OPERATIONS) / 2, "requests are to be served, too"
    assert rss_kb(pid) < RSS_MAX_KB
    client, line = service.client(), spec.Line(service.port)
    wait_until(lambda: delete_all(client, line), "all that was made is gone", LEFT_S, 0.3)
    wait_until(lambda: not service.pids("larder-engine"), "no engine is left", 20, 0.1)
    service.stop()
    with contextlib.closing(sqlite3.connect(next((service.state_dir / "larderd").glob("*.db")))) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert not db.execute("PRAGMA foreign_key_check").fetchall()
        for table in ("cache_cluster", "cache_node", "node_goal", "replication_group"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    service.start()
    assert client.describe_cache_clusters()["CacheClusters"] == []
