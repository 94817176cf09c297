"""Thousands of clients, each with a connection to the primary, who all look for the next one when it is gone.

One thread has them all, as one epoll loop. Each connects again at once, and after a failure after a while of its own; each
attempt has the acceptance table's times. They ask one resolver, which remembers an answer for as long as a machine would take
to ask again for many.
"""
import collections
import heapq
import random
import resource
import select
import socket
import time

CONNECT_S, OPERATION_S = 0.2, 0.3
RESOLVE_EACH_S = 0.01
RETRY_S = 0.1  # at most
NOT_AT_ONCE = 200  # while they come for the first time, that is not what is looked at


class Client:
    def __init__(self):
        self.link = None
        self.state = "away"  # connecting, asked, served
        self.attempt = 0
        self.served_s = None


class Storm:
    def __init__(self, find_primary, count):
        self.limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = self.limit[1]
        if most < count + 200:
            raise OSError(f"ulimit -n of {most} is too low for {count} clients")
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.find_primary, self.answer, self.asked_s = find_primary, None, 0
        self.clients = [Client() for _ in range(count)]
        self.by_fd, self.due, self.served = {}, [], 0
        self.poll = select.epoll()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.clients:
            self.drop(client)
        self.poll.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, self.limit)

    def arrive(self, timeout_s=60):
        """All have a connection that answers."""
        waiting = collections.deque(self.clients)
        deadline = time.monotonic() + timeout_s
        while self.served < len(self.clients) and time.monotonic() < deadline:
            while waiting and len(self.clients) - len(waiting) - self.served < NOT_AT_ONCE:
                self.connect(waiting.popleft())
            self.turn()
        return self.served == len(self.clients)

    def pass_over(self, timeout_s=60):
        """After the primary was struck: until all are served by another one. Seconds that each was without, from the strike."""
        struck_s = time.monotonic()
        deadline = struck_s + timeout_s
        while time.monotonic() < deadline:
            self.turn()
            if self.served == len(self.clients) and all(c.served_s > struck_s for c in self.clients):
                return [c.served_s - struck_s for c in self.clients]
        return [(c.served_s if c.state == "served" and c.served_s > struck_s else deadline) - struck_s for c in self.clients]

    # -- one turn of the loop

    def turn(self):
        """Nobody's time is over while answers lie here unread: it is this loop that is late then."""
        events = self.poll.poll(0.005)
        for fd, event in events:
            client = self.by_fd.get(fd)
            if client:
                self.step(client, event)
        if events:
            return
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            _, _, client, attempt = heapq.heappop(self.due)
            if client.attempt != attempt or client.state == "served":
                continue
            if client.state == "away":
                self.connect(client)
            else:
                self.fail(client)

    def step(self, client, event):
        try:
            if client.state == "connecting":
                error = client.link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error or event & (select.EPOLLERR | select.EPOLLHUP):
                    raise OSError(error, "connect")
                client.link.send(b"PING\r\n")
                client.state = "asked"
                self.poll.modify(client.link.fileno(), select.EPOLLIN)
                self.wait(client, OPERATION_S)
            elif client.link.recv(64) == b"+PONG\r\n" and client.state == "asked":
                client.state, client.served_s = "served", time.monotonic()
                self.served += 1
            else:
                raise OSError("cut off")
        except OSError:
            self.fail(client)

    def fail(self, client):
        was_served = client.state == "served"
        self.drop(client)
        if was_served:
            self.connect(client)
        else:
            self.wait(client, random.uniform(0, RETRY_S))

    def connect(self, client):
        client.attempt += 1
        try:
            where = self.resolve()
            client.link = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            client.link.connect_ex(where)
            client.state = "connecting"
            self.by_fd[client.link.fileno()] = client
            self.poll.register(client.link.fileno(), select.EPOLLOUT)
            self.wait(client, CONNECT_S)
        except (OSError, LookupError, ValueError):
            self.drop(client)
            self.wait(client, random.uniform(0, RETRY_S))

    def wait(self, client, seconds):
        client.attempt += 1
        heapq.heappush(self.due, (time.monotonic() + seconds, id(client), client, client.attempt))

    def drop(self, client):
        if client.state == "served":
            self.served -= 1
        client.state = "away"
        if client.link:
            self.by_fd.pop(client.link.fileno(), None)
            client.link.close()  # epoll forgets it
            client.link = None

    def resolve(self):
        now = time.monotonic()
        if self.answer is None or now > self.asked_s + RESOLVE_EACH_S:
            self.answer, self.asked_s = self.find_primary(), now
        return self.answer
