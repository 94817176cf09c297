"""Clients as the acceptance table describes them: 200 ms to connect, 300 ms for an operation, and the primary is looked
up anew at each reconnect. Each remembers what was acknowledged, when, and by whom."""

import collections
import socket
import threading
import time

from failoverbench.waiting import CONNECT_S, OPERATION_S

PAUSE_S = 0.004  # between writes, and between attempts: four writers make about 1000 writes a second
OUTSIDE = 4  # writers that are not on the primary's host

Ack = collections.namedtuple("Ack", "received sent key where")


class Writer(threading.Thread):
    """One connection at a time."""

    def __init__(self, client, prefix):
        super().__init__(daemon=True)
        self.client, self.prefix = client, prefix
        self.acknowledged = []
        self.is_ended = threading.Event()

    def run(self):
        if self.client.enter:
            self.client.enter()
        while not self.is_ended.is_set():
            try:
                where = self.client.find_primary()
                with socket.create_connection(where, timeout=CONNECT_S) as link:
                    link.settimeout(OPERATION_S)
                    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    while not self.is_ended.is_set() and self.write(link, where):
                        time.sleep(PAUSE_S)
            except (OSError, LookupError, ValueError):
                pass
            time.sleep(PAUSE_S)

    def write(self, link, where):
        """False when somebody else is the primary: READONLY, LOADING and their like."""
        if self.client.is_halted:
            return True
        key, sent = f"{self.prefix}:{len(self.acknowledged)}:{time.monotonic()}", time.monotonic()
        link.sendall(f"SET {key} 1\r\n".encode())
        if link.recv(256) != b"+OK\r\n":
            return False
        self.acknowledged.append(Ack(time.monotonic(), sent, key, where))
        return True


class Writers:
    """Some of them together; what they saw of a fault. One may be beside the primary: how long that one waits does not count, but
    what it was promised does."""

    def __init__(self, clients, prefix, beside=None):
        self.outside = [Writer(client, f"{prefix}:{n}") for n, client in enumerate(clients)]
        self.all = self.outside + ([Writer(beside, f"{prefix}:beside")] if beside else [])

    def __enter__(self):
        for writer in self.all:
            writer.start()
        return self

    def __exit__(self, *_):
        for writer in self.all:
            writer.is_ended.set()
        for writer in self.all:
            writer.join()

    def count(self):
        return min(len(writer.acknowledged) for writer in self.outside)

    def last_by(self):
        """Who acknowledged last, of each writer."""
        return {writer.acknowledged[-1].where for writer in self.outside if writer.acknowledged}

    def gap_s(self):
        """The longest time for which one of them had nothing acknowledged."""
        return max(b.received - a.received for w in self.outside for a, b in zip(w.acknowledged, w.acknowledged[1:]))

    def split(self):
        """Sent to one primary, and acknowledged by it, after a later one had acknowledged something."""
        seen = sorted(ack for writer in self.all for ack in writer.acknowledged)
        first_s = {}
        for ack in seen:
            first_s.setdefault(ack.where, ack.received)
        until_s = {where: min((later for later in first_s.values() if later > first), default=float("inf"))
                   for where, first in first_s.items()}
        return sum(1 for ack in seen if ack.sent > until_s[ack.where])

    def lost(self, where):
        """Acknowledged, and not to be found at the primary of now."""
        keys = [ack.key for writer in self.all for ack in writer.acknowledged]
        lost = 0
        with socket.create_connection(where, timeout=5) as link:
            reader = link.makefile("rb")
            for at in range(0, len(keys), 500):
                part = keys[at:at + 500]
                link.sendall("".join(f"EXISTS {key}\r\n" for key in part).encode())
                lost += sum(1 for _ in part if reader.readline() != b":1\r\n")
        return lost
