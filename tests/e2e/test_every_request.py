"""Random requests of the right shape for every operation and in every form, many at once: no answer is a failure of ours,
every fault is one that the operation may have, the database stays whole, and nothing is left when all is deleted; not
even when the control plane is killed again and again meanwhile.

LARDER_FUZZ_SECONDS makes it longer, LARDER_FUZZ_SEED begins elsewhere."""
import collections
import contextlib
import http.client
import os
import random
import re
import signal
import sqlite3
import threading
import time

from botocore.exceptions import ClientError

import dialects
import spec
from conftest import wait_until

SECONDS = float(os.environ.get("LARDER_FUZZ_SECONDS", "8"))
SEED = int(os.environ.get("LARDER_FUZZ_SEED", str(int(time.time()))))
LINES = 4
LEFT_S = 90
RSS_MAX_KB = 100_000  # of larderd, whatever was asked of it
BACK_S = 20


class Run:
    """Lines of requests, one after the other on each; what is wrong with an answer is kept, with all that repeats it."""

    def __init__(self, port, seconds, may_break=False):
        self.port, self.may_break = port, may_break
        self.until = time.monotonic() + seconds
        self.answers = collections.Counter()
        self.served = collections.Counter()
        self.broken = 0
        self.wrong = []

    def start(self):
        self.lines = [threading.Thread(target=self.line, args=(SEED + n,)) for n in range(LINES)]
        for line in self.lines:
            line.start()

    def join(self):
        for line in self.lines:
            line.join()

    def line(self, first_seed):
        line = dialects.Line(self.port)
        seed = first_seed
        while time.monotonic() < self.until and len(self.wrong) < 5:
            call = dialects.random_call(seed)
            try:
                status, code, text = line.ask(call)
            except (OSError, http.client.HTTPException) as error:
                if not self.may_break:
                    self.wrong.append((seed, call, repr(error)))
                    return
                self.broken += 1
                line = dialects.Line(self.port)
                time.sleep(0.02)
                continue
            self.answers[status] += 1
            self.served[call.operation] += status == 200
            if status >= 500 or (status != 200 and code not in call.codes):
                self.wrong.append((seed, call, f"{status} {text}"))
            seed += LINES

    def told(self):
        return "\n\n".join(f"seed {seed} {call}\n{text}" for seed, call, text in self.wrong)


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


def delete_everything(service):
    """Nothing of it may be left: not in answers, not among processes, not in the database."""
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


def test_random_requests_of_every_shape(service):
    run = Run(service.port, SECONDS)
    pid = service.larderd_pid()
    run.start()
    run.join()
    total = sum(run.answers.values())
    served = [operation for operation in spec.OPERATIONS if run.served[operation]]
    print(f"\nseed {SEED}: {total} requests, {total / SECONDS:.0f}/s, by status {dict(run.answers)}, "
          f"{len(served)} of {len(spec.OPERATIONS)} operations served, "
          f"larderd {rss_kb(pid)} kB")
    assert not run.wrong, run.told()
    assert service.larderd_pid() == pid, "larderd is the one that it was"
    assert run.answers[200] > total / 10 and len(served) > len(spec.OPERATIONS) / 2, "requests are to be served, too"
    assert rss_kb(pid) < RSS_MAX_KB
    delete_everything(service)


def kill_and_wait(service, line):
    pid = service.larderd_pid()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: service.larderd_pid() not in (None, pid), "another larderd is there", BACK_S)

    def is_back():
        with contextlib.suppress(OSError, http.client.HTTPException):
            return line.ask(dialects.Call("", [], "GET", "/readyz"))[0] == 200
        line.connection.close()
        return False
    wait_until(is_back, "it answers", BACK_S)


def test_random_requests_while_the_control_plane_is_killed(service):
    run = Run(service.port, SECONDS, may_break=True)
    pauses = random.Random(SEED)
    kills = 0
    run.start()
    while time.monotonic() < run.until:
        time.sleep(pauses.uniform(0.2, 2))
        kill_and_wait(service, dialects.Line(service.port))
        kills += 1
    run.join()
    print(f"\nseed {SEED}: killed {kills} times, by status {dict(run.answers)}, {run.broken} requests without an answer")
    assert not run.wrong, run.told()
    assert kills >= 2 and run.answers[200] > 0
    delete_everything(service)
