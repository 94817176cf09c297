"""What is sent: redis-benchmark for RESP, a small epoll client for memcached's protocols, and quick fills."""

import os
import random
import select
import struct
import subprocess
import threading

from enginebench.procs import cores, settled

VALUE = b"x" * 64


def resp(*args):
    out = b"*%d\r\n" % len(args)
    for arg in args:
        arg = arg if isinstance(arg, bytes) else str(arg).encode()
        out += b"$%d\r\n%s\r\n" % (len(arg), arg)
    return out


def call(server, *args):
    """One command; returns the first bytes of its reply."""
    with server.connect() as sock:
        sock.sendall(resp(*args))
        return sock.recv(1 << 16)


class Listeners:
    """Subscribers to the channel "news", read by a thread."""

    def __init__(self, server, count):
        self.socks = [server.connect() for _ in range(count)]
        self.is_over = False
        self.thread = threading.Thread(target=self.read, daemon=True)

    def read(self):
        poll = select.epoll()
        by_fd = {s.fileno(): s for s in self.socks}
        for fd in by_fd:
            poll.register(fd, select.EPOLLIN)
        while not self.is_over:
            for fd, _ in poll.poll(0.05):
                by_fd[fd].recv(1 << 20)
        poll.close()

    def __enter__(self):
        for s in self.socks:
            s.sendall(resp("subscribe", "news"))
        if self.socks:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        if self.socks:
            self.thread.join()
        for s in self.socks:
            s.close()


def redis_benchmark(server, words, count, pipeline, keys, clients=50, ca=None):
    """With `ca`, the file of an authority: over TLS."""
    port = ["-p", server.tls_port, "--tls", "--cacert", ca] if ca else ["-p", server.port]
    argv = ["redis-benchmark", *port, "-n", count, "-P", pipeline, "-c", clients, "-r", keys, "-q"] + list(words)
    done = subprocess.run(settled(cores()[1], argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode or b"requests per second" not in done.stdout:
        raise SystemExit("redis-benchmark %s against %s failed:\n%s" % (words, server.kind, done.stdout[-500:].decode()))


def stream(server, chunks, reply_bytes_of, is_done):
    """Sends chunks while reading replies, keeping both directions busy."""
    sock = server.connect()
    sock.setblocking(False)
    poll, pending, view = select.poll(), None, b""
    got, want = 0, 0
    poll.register(sock, select.POLLIN | select.POLLOUT)
    try:
        while pending is not False or got < want:
            for _, event in poll.poll(30000):
                if event & select.POLLIN:
                    data = sock.recv(1 << 20)
                    if not data:
                        raise SystemExit("%s closed the connection during a fill" % server.kind)
                    got += len(data)
                    is_done(data)
                if event & select.POLLOUT and pending is not False:
                    if not view:
                        pending = next(chunks, False)
                        if pending is False:
                            poll.modify(sock, select.POLLIN)
                            continue
                        want += reply_bytes_of(pending)
                        view = memoryview(pending[0])
                    view = view[sock.send(view):]
    finally:
        sock.close()


def fill(server, commands, reply):
    """Sends (bytes, count) chunks, each command of which must answer with `reply`."""
    def look(data):
        if data[:1] in b"-E" or (len(data) >= len(reply) and reply not in data):
            raise SystemExit("%s refuses a fill: %r" % (server.kind, data[:200]))
    stream(server, commands, lambda chunk: chunk[1] * len(reply), look)


def sets(first, count, size, ttl=None, chunk=5000):
    """SET key:%012d ... in chunks."""
    value = b"x" * size
    head, tail = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:", b"\r\n$%d\r\n%s\r\n" % (size, value)
    if ttl:
        head = b"*5" + head[2:]
        tail += b"$2\r\nEX\r\n$%d\r\n%d\r\n" % (len(str(ttl)), ttl)
    for at in range(first, first + count, chunk):
        n = min(chunk, first + count - at)
        yield b"".join(b"%s%012d%s" % (head, i, tail) for i in range(at, at + n)), n


def mc_sets(count, size, chunk=5000):
    value = b"x" * size
    for at in range(0, count, chunk):
        n = min(chunk, count - at)
        yield b"".join(b"set key:%012d 0 0 %d\r\n%s\r\n" % (i, size, value) for i in range(at, at + n)), n


def memcached_load(server, command, count, pipeline, keys, clients=50):
    """`command` is "get", "set" or "mget", or one of the binary protocol; replies have one length, so that counting bytes
    suffices."""
    rng = random.Random(1)
    one = {"get": len(b"VALUE key:000000000000 0 64\r\n\r\nEND\r\n") + 64, "set": len(b"STORED\r\n"),
           "binary get": 24 + 4 + 64, "binary set": 24,
           "mget": 16 * (len(b"VALUE key:000000000000 0 64\r\n\r\n") + 64) + len(b"END\r\n")}[command]

    def key():
        return b"key:%012d" % rng.randrange(keys)

    def request():
        if command == "binary get":
            return binary(0x00, key())
        if command == "binary set":
            return binary(0x01, key(), bytes(8), VALUE)
        if command == "get":
            return b"get %s\r\n" % key()
        if command == "set":
            return b"set %s 0 0 64\r\n%s\r\n" % (key(), VALUE)
        return b"get %s\r\n" % b" ".join(key() for _ in range(16))
    batches = [b"".join(request() for _ in range(pipeline)) for _ in range(4000 // pipeline + 200)]
    drive(server, batches, one * pipeline, count // pipeline, clients)


def binary(opcode, key, extras=b"", value=b""):
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(extras + key + value), 0, 0) + extras + key + value


def drive(server, batches, reply_bytes, rounds, clients):
    """Each client sends a batch, awaits its whole reply, sends the next."""
    socks = {}
    poll = select.epoll()
    for _ in range(clients):
        sock = server.connect()
        socks[sock.fileno()] = [sock, reply_bytes]
        poll.register(sock.fileno(), select.EPOLLIN)
    core = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cores()[1]})
    try:
        sent = done = 0
        for sock, _ in socks.values():
            sock.sendall(batches[sent % len(batches)])
            sent += 1
        while done < sent:
            for fd, _ in poll.poll(30):
                entry = socks[fd]
                data = entry[0].recv(1 << 18)
                if not data:
                    raise SystemExit("%s closed the connection under load" % server.kind)
                entry[1] -= len(data)
                if entry[1] < 0:
                    raise SystemExit("%s answers more than it should: %r" % (server.kind, data[-200:]))
                if entry[1] == 0:
                    done += 1
                    if sent < rounds:
                        entry[0].sendall(batches[sent % len(batches)])
                        entry[1] = reply_bytes
                        sent += 1
    finally:
        os.sched_setaffinity(0, core)
        poll.close()
        for sock, _ in socks.values():
            sock.close()


def is_served(server, command):
    """True when the server knows this RESP command."""
    return b"unknown command" not in call(server, command)


__all__ = ["call", "drive", "fill", "is_served", "memcached_load", "mc_sets", "redis_benchmark", "resp", "sets"]
