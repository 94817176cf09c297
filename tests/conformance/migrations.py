"""What tests of slots that move have in common: clients that follow redirections, links that break, and how long a node
keeps others waiting."""

import re
import select
import socket
import threading
import time

import clusters
from wire import Conn, Error, command


class Client:
    """Follows redirections, one command after the other, as cluster clients do."""

    def __init__(self, cluster):
        self.cluster, self.conns = cluster, {}
        self.port = cluster.nodes[0].port

    def conn(self, port):
        if port not in self.conns:
            node = next(n for n in self.cluster.nodes if n.port == port)
            self.conns[port] = node.conn()
        return self.conns[port]

    def call(self, *words):
        for _ in range(50):
            answer = self.conn(self.port).call(*words)
            if isinstance(answer, Error) and answer.startswith("MOVED "):
                self.port = int(answer.rsplit(":", 1)[1])
                continue
            return answer
        raise AssertionError("redirected for ever: %r" % (words,))

    def close(self):
        for conn in self.conns.values():
            conn.close()


class Relay:
    """A TCP relay to a port that cuts a connection after a number of bytes (`budget`), and then takes no more while
    `stays_cut`; it takes its time with each 16 KB."""

    def __init__(self, port, delay_s=0):
        self.port, self.budget, self.cuts, self.stays_cut, self.delay_s = port, None, 0, False, delay_s
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.pairs, self.is_open = [], True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.is_open:
            socks = [s for pair in self.pairs for s in pair]
            ready, _, _ = select.select([self.listener, *socks], [], [], 0.05)
            for s in ready:
                self.serve(s)

    def serve(self, s):
        if s is self.listener:
            end = s.accept()[0]
            if self.stays_cut and self.cuts:
                end.close()
            else:
                self.pairs.append((end, socket.create_connection(("127.0.0.1", self.port))))
            return
        pair = next((p for p in self.pairs if s in p), None)
        if pair is None:
            return
        try:
            data = s.recv(16384)
            if self.delay_s and s is pair[0]:
                time.sleep(self.delay_s)
            if self.budget is not None and s is pair[0]:
                data, self.budget = data[:self.budget], self.budget - len(data)
            if data:
                pair[1 if s is pair[0] else 0].sendall(data)
            is_over = not data or (self.budget is not None and self.budget <= 0)
        except OSError:
            is_over = True
        if is_over:
            self.cuts += 1
            self.budget = None
            self.pairs.remove(pair)
            for end in pair:
                end.close()

    def close(self):
        self.is_open = False
        self.thread.join()
        self.listener.close()
        for pair in self.pairs:
            for end in pair:
                end.close()


def slots_of(*tags):
    with_redis = {}
    for tag in tags:
        crc = 0
        for byte in tag.encode():
            crc ^= byte << 8
            for _ in range(8):
                crc = (crc << 1 ^ 0x1021) & 0xffff if crc & 0x8000 else crc << 1 & 0xffff
        with_redis[tag] = crc % clusters.SLOTS
    return with_redis


def pings(node, gaps, stop):
    """Notes how long the slowest of many PINGs took."""
    with node.conn() as conn:
        while not stop.is_set():
            begun = time.monotonic()
            conn.call("PING")
            gaps[node.number] = max(gaps.get(node.number, 0), time.monotonic() - begun)
            time.sleep(0.0005)


def said(conn, *words):
    """All bytes of an answer, however long it is: nothing of it is parsed."""
    end = b"$20\r\nthat is all of it so\r\n"
    conn.send(command(*words) + command("ECHO", "that is all of it so"))
    parts, tail = [], b""
    while not tail.endswith(end):
        part = conn.sock.recv(1 << 20)
        assert part, "the connection was closed"
        parts.append(part)
        tail = (tail + part)[-len(end):]
    return b"".join(parts)[:-len(end)]


def whole_stream(node, name):
    """Everything that XINFO says of a stream, but how its entries are packed; by the owner's socket, so that it does
    not matter whose the slot is."""
    with Conn(node.admin_path, timeout=60) as conn:
        text = said(conn, "XINFO", "STREAM", name, "FULL", "COUNT", 0)
    return re.sub(rb"(radix-tree-\w+\r\n):\d+", rb"\1", text)
