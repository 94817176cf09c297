"""Clients as the acceptance table describes them: 200 ms to connect, 300 ms for an operation, and the primary is looked
up anew at each reconnect. Each remembers what was acknowledged, when, and by whom."""

import socket
import threading
import time

CONNECT_S, OPERATION_S = 0.2, 0.3
PAUSE_S = 0.004  # between writes, and between attempts: four writers make about 1000 writes a second


class Writer(threading.Thread):
    """One connection at a time."""

    def __init__(self, find_primary, prefix):
        super().__init__(daemon=True)
        self.find_primary, self.prefix = find_primary, prefix
        self.acknowledged = []  # (monotonic time, key, address)
        self.is_ended = threading.Event()

    def run(self):
        number = 0
        while not self.is_ended.is_set():
            try:
                where = self.find_primary()
                with socket.create_connection(where, timeout=CONNECT_S) as link:
                    link.settimeout(OPERATION_S)
                    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    while not self.is_ended.is_set():
                        key = f"{self.prefix}:{number}"
                        number += 1
                        link.sendall(f"SET {key} {number}\r\n".encode())
                        if link.recv(256) != b"+OK\r\n":
                            break  # READONLY, LOADING and their like: somebody else is the primary
                        self.acknowledged.append((time.monotonic(), key, where))
                        time.sleep(PAUSE_S)
            except (OSError, LookupError):
                pass
            time.sleep(PAUSE_S)


class Writers:
    """Some of them together; what they saw of a fault."""

    def __init__(self, find_primary, prefix, count=4):
        self.all = [Writer(find_primary, f"{prefix}:{n}") for n in range(count)]

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
        return min(len(writer.acknowledged) for writer in self.all)

    def last_by(self):
        """Who acknowledged last, of each writer."""
        return {writer.acknowledged[-1][2] for writer in self.all if writer.acknowledged}

    def gap_s(self):
        """The longest time for which one of them had nothing acknowledged."""
        gaps = [b[0] - a[0] for w in self.all for a, b in zip(w.acknowledged, w.acknowledged[1:])]
        return max(gaps)

    def split(self):
        """Acknowledged by the primary of before, after the next one had acknowledged something."""
        seen = sorted(ack for writer in self.all for ack in writer.acknowledged)
        old = seen[0][2]
        first_new = next((i for i, ack in enumerate(seen) if ack[2] != old), len(seen))
        return sum(1 for ack in seen[first_new:] if ack[2] == old)

    def lost(self, where):
        """Acknowledged, and not to be found at the primary of now."""
        keys = [key for writer in self.all for _, key, _ in writer.acknowledged]
        lost = 0
        with socket.create_connection(where, timeout=5) as link:
            reader = link.makefile("rb")
            for at in range(0, len(keys), 500):
                part = keys[at:at + 500]
                link.sendall("".join(f"EXISTS {key}\r\n" for key in part).encode())
                lost += sum(1 for _ in part if reader.readline() != b":1\r\n")
        return lost


def ask(where, *words, timeout=1.0):
    """One command to one server; its whole answer as bytes, for answers that end where they seem to."""
    with socket.create_connection(where, timeout=timeout) as link:
        link.settimeout(timeout)
        link.sendall((" ".join(words) + "\r\n").encode())
        answer = link.recv(65536)
        if answer.startswith(b"$") and not answer.startswith(b"$-1"):
            size = int(answer[1:answer.index(b"\r\n")]) + answer.index(b"\r\n") + 4
            while len(answer) < size:
                piece = link.recv(65536)
                if not piece:
                    raise OSError("the answer was cut")
                answer += piece
        return answer.decode(errors="replace")


def wait_for(condition, what, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            value = condition()
        except (OSError, LookupError, ValueError):
            value = None
        if value:
            return value
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {timeout_s} s: {what}")
        time.sleep(0.02)


def facts(where):
    return dict(line.split(":", 1) for line in ask(where, "INFO").split("\r\n") if ":" in line)
