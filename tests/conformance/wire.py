"""A connection that keeps every reply as the exact bytes that came over the wire.

Replies are cut out of the stream by their frames alone; nothing is decoded unless a test asks for it,
so a stray space or a wrong type byte can not be lost on the way to the comparison.
"""

import socket


class Closed(Exception):
    """The other side closed the connection; what had arrived until then is in `data`."""

    def __init__(self, data=b""):
        super().__init__("connection closed after %r" % data[:200])
        self.data = data


class Incomplete(Exception):
    """The buffer does not hold a whole frame yet."""


AGGREGATES = {b"*": 1, b"~": 1, b">": 1, b"%": 2, b"|": 2}
BLOBS = (b"$", b"=", b"!")
LINES = (b"+", b"-", b":", b",", b"#", b"_", b"(")


def frame_end(buf, at=0):
    """Where the reply that starts at `at` ends; raises Incomplete, or ValueError for what is no RESP."""
    eol = buf.find(b"\r\n", at)
    if eol < 0:
        raise Incomplete
    kind, head, end = buf[at:at + 1], buf[at + 1:eol], eol + 2
    if kind in LINES:
        return end
    if kind in BLOBS:
        return blob_end(buf, end, int(head))
    if kind not in AGGREGATES:
        raise ValueError("no RESP type byte: %r" % buf[at:at + 80])
    for _ in range(max(int(head), 0) * AGGREGATES[kind]):
        end = frame_end(buf, end)
    return frame_end(buf, end) if kind == b"|" else end


def blob_end(buf, start, length):
    if length < 0:
        return start
    if len(buf) < start + length + 2:
        raise Incomplete
    if buf[start + length:start + length + 2] != b"\r\n":
        raise ValueError("bulk of %d bytes does not end in CRLF" % length)
    return start + length + 2


def parse(raw):
    """The value of one raw reply: bytes, int, list, dict-as-list-of-pairs, None; errors as Error."""
    value, end = _parse(raw, 0)
    if end != len(raw):
        raise ValueError("bytes behind the reply: %r" % raw[end:end + 80])
    return value


class Error(str):
    """An error reply."""


def _parse(buf, at):
    eol = buf.index(b"\r\n", at)
    kind, head, end = buf[at:at + 1], buf[at + 1:eol], eol + 2
    if kind in (b"$", b"="):
        size = int(head)
        return (None, end) if size < 0 else (buf[end:end + size], end + size + 2)
    if kind == b"!":
        return Error(buf[end:end + int(head)].decode("latin-1")), end + int(head) + 2
    if kind in AGGREGATES:
        return _parse_aggregate(buf, kind, int(head), end)
    return _parse_line(kind, head), end


def _parse_line(kind, head):
    if kind == b"-":
        return Error(head.decode("latin-1"))
    if kind in (b":", b"("):
        return int(head)
    if kind == b",":
        return float(head)
    if kind == b"#":
        return head == b"t"
    return None if kind == b"_" else head


def _parse_aggregate(buf, kind, count, end):
    if count < 0:
        return None, end
    items = []
    for _ in range(count * AGGREGATES[kind]):
        item, end = _parse(buf, end)
        items.append(item)
    if AGGREGATES[kind] == 2:
        items = list(zip(items[::2], items[1::2]))
    return items, end


def to_bytes(arg):
    return arg if isinstance(arg, bytes) else str(arg).encode("utf-8", "surrogateescape")


def command(*args):
    """The request as clients send it: an array of bulks."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        arg = to_bytes(arg)
        parts.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(parts)


class Conn:
    """One client connection to a server of either protocol."""

    def __init__(self, address, timeout=20.0, resp3=False):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        if family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b""
        if resp3:
            self.call("HELLO", "3")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def fill(self):
        try:
            more = self.sock.recv(1 << 18)
        except ConnectionResetError:
            more = b""
        if not more:
            raise Closed(self.buf)
        self.buf += more

    def read_until(self, end_of):
        """The first `end_of(buffer)` bytes, reading on while that raises Incomplete."""
        while True:
            try:
                end = end_of(self.buf)
                break
            except Incomplete:
                self.fill()
        raw, self.buf = self.buf[:end], self.buf[end:]
        return raw

    def read_reply(self):
        return self.read_until(frame_end)

    def read_line(self):
        """One line of a text protocol, with its CRLF."""
        def end_of(buf):
            eol = buf.find(b"\n")
            if eol < 0:
                raise Incomplete
            return eol + 1
        return self.read_until(end_of)

    def talk(self, data):
        """Sends the bytes, closes the sending side, and returns all that comes back."""
        self.send(data)
        self.sock.shutdown(socket.SHUT_WR)
        return self.read_to_close()

    def read_to_close(self, limit=1 << 26):
        """Everything until the server closes the connection."""
        got = bytearray()
        try:
            while len(got) < limit:
                self.fill()
                got += self.buf
                self.buf = b""
        except Closed as closed:
            self.buf = b""
            return bytes(got) + closed.data
        raise AssertionError("the server kept sending")

    def raw(self, *args):
        self.send(command(*args))
        return self.read_reply()

    def call(self, *args):
        return parse(self.raw(*args))

    def batch(self, commands):
        """Sends all commands at once and returns their raw replies; a closed connection ends the list
        with the text CLOSED."""
        self.send(b"".join(command(*c) for c in commands))
        replies, at = [], 0
        while len(replies) < len(commands):
            try:
                end = frame_end(self.buf, at)
            except Incomplete:
                # What was cut out goes before more comes, not with each reply: there may be thousands of them.
                self.buf, at = self.buf[at:], 0
                try:
                    self.fill()
                except Closed as closed:
                    return replies + [b"CLOSED" + closed.data]
                continue
            replies.append(self.buf[at:end])
            at = end
        self.buf = self.buf[at:]
        return replies
