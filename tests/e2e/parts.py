"""A control plane and three hosts as processes of their own, so that a test can end and start each as it likes."""
import contextlib
import os
import signal
import subprocess
import uuid

import boto3
from botocore.config import Config

from conftest import BIN, MARK, STOP_TIMEOUT_S, free_port, processes_marked, wait_until

ZONES = "abc"


class Parts:
    """`larderd` and three `larder-agent`s; engines outlive all of them."""

    def __init__(self, pool, base):
        second, third = pool.split("/")[0].split(".")[1:3]
        self.pools = [f"127.{second}.{int(third) + i}.0/24" for i in range(len(ZONES))]
        self.base, self.mark, self.port = base, uuid.uuid4().hex, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.plane, self.agents = None, []
        self.log = base / "larderd.log"

    def spawn(self, log, *words, **environment):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LARDER_"))}
        with open(log, "ab") as out:
            # A limit of a file's size is told by an error, not by a signal.
            return subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=out,
                                    text=True, env={**clean, MARK: self.mark, **environment},
                                    preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))

    def start(self, failpoint=None):
        more = {"LARDER_FAILPOINT": failpoint} if failpoint else {}
        self.plane = self.spawn(self.log, BIN / "larderd", "--state-dir", self.base / "plane", "--listen",
                                f"127.0.0.1:{self.port}", "--dns", "off", "--auth", "open", "--network", "open", **more)
        assert self.plane.stdout.readline().startswith("ready "), self.log.read_text()
        return self

    def start_hosts(self):
        for zone, pool in zip(ZONES, self.pools):
            folder = self.base / f"host-{zone}"
            self.agents.append(self.spawn(self.base / f"agent-{zone}.log", BIN / "larder-agent", "--control-plane", self.url,
                                          "--state-dir", folder, "--pool", pool, "--zone", f"us-east-1{zone}",
                                          "--name", f"h{zone}", "--memory", "4GB", "--drivers", "bundled",
                                          "--stop-engines-on-exit"))
        return self

    def await_death(self):
        """The fault that was asked for has happened."""
        status = self.plane.wait(STOP_TIMEOUT_S)
        assert status == -signal.SIGKILL, self.log.read_text()[-3000:]
        self.plane.stdout.close()

    def stop_plane(self):
        self.plane.terminate()
        assert self.plane.wait(STOP_TIMEOUT_S) == 0
        self.plane.stdout.close()

    def close(self):
        for process in [*self.agents, self.plane]:
            if process and process.poll() is None:
                process.terminate()
        for process in [*self.agents, self.plane]:
            if process:
                process.wait(STOP_TIMEOUT_S)
                process.stdout.close()
        left = processes_marked(self.mark)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert left == {}

    def client(self):
        return boto3.client("elasticache", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="000000000000",
                            aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}, read_timeout=30))

    def pids(self, program):
        return sorted(pid for pid, name in processes_marked(self.mark).items() if name == program)

    def engine_count_is(self, count):
        wait_until(lambda: len(self.pids("larder-engine")) == count and len(self.pids("larder-shim")) == count,
                   f"{count} engines run, each under its shim")
