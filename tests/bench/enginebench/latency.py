"""How long a quiet client waits while the server is busy with itself: growing, expiring, evicting."""

import subprocess
import time

from enginebench import load
from enginebench.procs import build, cores, settled

INTERVAL_US = 1000
CHUNK, REST_S = 200, 0.0005  # the writer leaves the probe room: what is measured is the server, not the queue
EVICT_BYTES = 100 << 20


class Probe:
    """Sends a GET every millisecond until it is asked for its result."""

    def __init__(self, server):
        argv = settled(cores()[1], [build("probe"), server.port, INTERVAL_US, "GET", "key:000000000001"])
        self.proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def result(self):
        """{"count", "p50", "p99", "p99.9", "max"} in microseconds."""
        out, _ = self.proc.communicate(b"\n")
        if self.proc.returncode:
            raise SystemExit("the probe failed")
        return dict(zip(("count", "p50", "p99", "p99.9", "max"), map(float, out.split())))


def rested(chunks):
    """The chunks with a little rest between them."""
    for chunk in chunks:
        time.sleep(REST_S)
        yield chunk


def resize(server, keys):
    """Filling one key after another, from nothing to `keys`: every growth of the tables is on the way."""
    probe = Probe(server)
    load.fill(server, rested(load.sets(0, keys, 16, chunk=CHUNK)), b"+OK\r\n")
    return probe.result()


def expire(server, keys):
    """A tenth of the keys end at one instant, the rest stay."""
    load.fill(server, load.sets(0, keys, 16), b"+OK\r\n")
    due = int(time.time() * 1000) + 3000 + keys // 100
    load.fill(server, deadlines(keys // 10, keys, due), b"+OK\r\n")
    while time.time() * 1000 < due - 500:
        time.sleep(0.05)
    probe = Probe(server)
    deadline = time.monotonic() + 60
    while load.call(server, "DBSIZE") != b":%d\r\n" % keys and time.monotonic() < deadline:
        time.sleep(0.05)
    return probe.result()


def deadlines(count, first, due_ms, chunk=2000):
    for at in range(0, count, chunk):
        n = min(chunk, count - at)
        yield b"".join(load.resp("SET", "key:%012d" % (first + i), "x" * 16, "PXAT", due_ms)
                       for i in range(at, at + n)), n


def evict(server, keys):
    """Writing three times what fits."""
    load.call(server, "CONFIG", "SET", "maxmemory", str(EVICT_BYTES), "maxmemory-policy", "allkeys-lru")
    count = min(keys, EVICT_BYTES // 40)
    load.fill(server, load.sets(0, count, 64), b"+OK\r\n")
    probe = Probe(server)
    load.fill(server, rested(load.sets(count, count, 64, chunk=CHUNK)), b"+OK\r\n")
    return probe.result()


SCENES = {"p999_resize": resize, "p999_expire": expire, "p999_evict": evict}
