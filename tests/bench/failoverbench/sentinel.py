"""Three redis-servers with a Sentinel beside each, on the same machine."""

import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from enginebench.procs import free_port
from failoverbench.house import MEMBERS, Client, House, is_whole
from failoverbench.waiting import CONNECT_S, OPERATION_S, WHOLE_S, ask, wait_for
from hosts import PLACES

DOWN_AFTER_MS, FAILOVER_TIMEOUT_MS = 1000, 3000
QUORUM = 2


class Spot:
    """A host: one redis-server and one Sentinel."""

    def __init__(self, network, place):
        self.place = place
        self.address = network.address(place) if network else "127.0.0.1"
        self.server, self.sentinel = [(self.address, port) for port in ((6379, 26379) if network else (free_port(), free_port()))]


class SentinelClient(Client):
    """Asks the Sentinels one after the other; who answered is asked first the next time, who did not is asked last."""

    def __init__(self, sentinels, enter=None):
        super().__init__(self.find, enter)
        self.sentinels = list(sentinels)

    def find(self):
        for sentinel in list(self.sentinels):
            try:
                said = ask(sentinel, "SENTINEL get-master-addr-by-name g", connect_s=CONNECT_S, timeout_s=OPERATION_S)
                words = said.split("\r\n")
                return (words[2], int(words[4]))
            except (OSError, LookupError, ValueError):
                self.sentinels.remove(sentinel)
                self.sentinels.append(sentinel)
        raise LookupError("no Sentinel answers")


class Sentinel(House):
    name = "sentinel"

    def __init__(self, network, server):
        super().__init__(network)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="larder-sentinel-"))
        self.program, self.procs = server, {}
        self.spots = [Spot(network, place) for place in PLACES[:MEMBERS]]

    def open(self):
        first = self.spots[0].server
        for spot in self.spots:
            self.start_server(spot, None if spot.server == first else first)
        wait_for(lambda: is_whole(first), "the replicas of Redis follow")
        for spot in self.spots:
            self.conf(spot).write_text(
                f"port {spot.sentinel[1]}\nbind {spot.address}\nprotected-mode no\n"
                f"sentinel monitor g {first[0]} {first[1]} {QUORUM}\n"
                f"sentinel down-after-milliseconds g {DOWN_AFTER_MS}\nsentinel failover-timeout g {FAILOVER_TIMEOUT_MS}\n")
            self.start_sentinel(spot)
        wait_for(self.is_guarded, "the Sentinels know each other")

    def conf(self, spot):
        return self.dir / f"sentinel-{spot.place}.conf"

    def run(self, spot, what, argv):
        argv = [self.program, *argv, "--dir", str(self.dir)]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.procs[what] = self.network.start(spot.place, argv, **quiet) if self.network else subprocess.Popen(argv, **quiet)

    def start_server(self, spot, primary):
        follow = ["--replicaof", primary[0], str(primary[1])] if primary else []
        self.run(spot, spot.server,
                 ["--port", str(spot.server[1]), "--bind", spot.address, "--protected-mode", "no", "--save", "", "--maxclients",
                  "15000", "--repl-diskless-sync-delay", "0", "--dbfilename", f"{spot.place}.rdb", *follow])

    def start_sentinel(self, spot):
        self.run(spot, spot.sentinel, [str(self.conf(spot)), "--sentinel"])

    def is_guarded(self):
        return all("slaves=2,sentinels=3" in ask(spot.sentinel, "INFO", "sentinel") for spot in self.spots)

    def client(self, place=None):
        mine = sorted(self.spots, key=lambda spot: spot.place != place)
        return SentinelClient([spot.sentinel for spot in mine], place and (lambda: self.network.enter(place)))

    def wait_whole(self):
        """Who was killed comes back as a replica."""
        primary = wait_for(self.find_primary, "there is a primary")
        for spot in self.spots:
            self.procs[spot.server].send_signal(signal.SIGCONT)
            if self.procs[spot.server].poll() is not None:
                self.start_server(spot, primary)
        wait_for(lambda: is_whole(self.find_primary()) and self.is_guarded(), "the group of Redis is whole", WHOLE_S)

    def settle(self):
        """A Sentinel waits so long before it tries again; one that stood still does not trust itself for half a minute."""
        time.sleep(2 * FAILOVER_TIMEOUT_MS / 1000 + 0.5)
        wait_for(lambda: all("sentinel_tilt:0" in ask(spot.sentinel, "INFO", "sentinel") for spot in self.spots),
                 "the Sentinels trust themselves")

    def start_host(self, place):
        spot = next(s for s in self.spots if s.place == place)
        self.start_sentinel(spot)  # its server: wait_whole

    def turn_by_hand(self):
        pass

    def turn_back(self):
        pass

    def switch(self, _):
        wait_for(lambda: ask(self.spots[0].sentinel, "SENTINEL failover g").startswith("+OK"), "a Sentinel begins the switch")

    def close(self):
        for proc in self.procs.values():
            proc.kill()
        for proc in self.procs.values():
            proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
