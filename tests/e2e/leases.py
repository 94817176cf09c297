"""Voters on leases that a test plays: they grant whatever they are asked for, as long as the test lets them."""
import hashlib
import hmac
import socket
import struct
import threading
import time

RENEW, ANSWER = 1, 2
HEAD, ENTRY, MAC_BYTES = struct.Struct(">2sBBIQQ"), struct.Struct(">qqqI"), 32


def voter_number(host_id):
    return int.from_bytes(hashlib.sha256(host_id.encode()).digest()[:8], "big")


def pack(key, kind, voter, sequence, entries):
    head = HEAD.pack(b"LL", 1, kind, len(entries), voter, sequence)
    body = head + b"".join(ENTRY.pack(*e) for e in entries)
    return body + hmac.new(key, body, hashlib.sha256).digest()


def unpack(key, data):
    """(kind, voter, sequence, entries), or None for what is no datagram under the key."""
    body, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
    if not hmac.compare_digest(mac, hmac.new(key, body, hashlib.sha256).digest()):
        return None
    _, _, kind, count, voter, sequence = HEAD.unpack_from(body)
    return kind, voter, sequence, [ENTRY.unpack_from(body, HEAD.size + i * ENTRY.size) for i in range(count)]


class Voter:
    """One voter, by UDP; `is_away` is a network that loses everything."""

    def __init__(self, host_id, key):
        self.host_id, self.key = host_id, key
        self.is_away = False
        self.is_over = False
        self.renewals = []  # (shard, term, holder, ms), as they came
        self.answered = []  # time.monotonic() of each answer
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.is_over:
            data, source = self.socket.recvfrom(2048)
            said = unpack(self.key, data) if data else None
            if self.is_away or said is None:
                continue
            _, voter, sequence, entries = said
            assert voter == voter_number(self.host_id)
            self.renewals += entries
            self.socket.sendto(pack(self.key, ANSWER, voter, sequence, entries), source)
            self.answered.append(time.monotonic())

    def goal(self):
        """As goals name it."""
        return {"HostId": self.host_id, "Address": "127.0.0.1", "Port": self.socket.getsockname()[1]}

    def longest_pause(self, since):
        """Between two answers, from `since` on: a machine that was too slow shows here."""
        times = [t for t in self.answered if t >= since]
        return max((later - t for t, later in zip(times, times[1:])), default=0)

    def close(self):
        self.is_over = True
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()
