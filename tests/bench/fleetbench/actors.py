"""The agents of many hosts, played by fleet_actors (fleet.c) against one larderd."""

import json
import queue
import subprocess
import threading
import time
import urllib.parse


class Actors:
    """The agents, and what they tell."""

    def __init__(self, folder, url, count, jitter=0, loss=0):
        where = urllib.parse.urlparse(url)
        self.stats, self.failovers = queue.Queue(), queue.Queue()
        self.proc = subprocess.Popen(
            [folder.parent / "bench" / "fleet_actors", where.hostname, str(where.port), str(count), "3", str(64 << 30),
             str(jitter), str(loss)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.proc.stdout:
            word, _, rest = line.partition(" ")
            if word == "stat":
                self.stats.put(json.loads(rest))
            elif word == "failover":
                self.failovers.put(int(rest) / 1000)

    def order(self, line):
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()

    def stat(self):
        self.order("stat")
        return self.stats.get(timeout=60)

    def cpu_s(self):
        return time.clock_gettime((~self.proc.pid << 3) | 2)

    def crash(self, count, gap_ms):
        """The times of so many failovers; fewer, when some did not come."""
        self.order(f"crash {count} {gap_ms}")
        seen = []
        try:
            while len(seen) < count:
                seen.append(self.failovers.get(timeout=15 + gap_ms / 1000))
        except queue.Empty:
            pass
        return seen

    def stop(self):
        self.proc.stdin.close()
        self.proc.wait(10)
