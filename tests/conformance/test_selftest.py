"""The tester finds what it is there to find: a server that lies about one reply does not pass."""

import socket
import threading

import compare
import pytest
from differential import Side, Step, first_diff, split_array
from wire import Incomplete, frame_end, parse


class Liar:
    """Passes everything through to a server, but one text in its replies is exchanged for another."""

    def __init__(self, server, old, new):
        self.server, self.old, self.new = server, old, new
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            upstream = socket.create_connection(self.server.address)
            threading.Thread(target=self.pump, args=(client, upstream, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(upstream, client, True), daemon=True).start()

    def pump(self, source, sink, lies):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data.replace(self.old, self.new) if lies else data)
        except OSError:
            pass
        for end in (source, sink):
            end.close()

    def get(self):
        return self

    def is_alive(self):
        return True

    def output(self):
        return ""


@pytest.mark.parametrize("old,new,steps", [
    (b"+OK\r\n", b"+Ok\r\n", [["SET", "k", "v"]]),
    (b"$1\r\nv\r\n", b"$1\r\nw\r\n", [["SET", "a", "1"], ["SET", "k", "v"], ["GET", "a"], ["GET", "k"]]),
    (b"-ERR syntax error\r\n", b"-ERR Syntax error\r\n", [["SET", "k", "v", "X"]]),
    (b":2\r\n", b":3\r\n", [["MULTI"], ["RPUSH", "l", "a", "b"], ["EXEC"]]),
    (b"$5\r\nvalue\r\n", b"$5\r\nvalve\r\n", [["SET", "k", "value"]]),
])
def test_a_lie_is_found_and_shrunk(shared_reference, reference, old, new, steps):
    liar = Liar(reference, old, new)
    noise = [Step(["SET", "noise%d" % i, i], compare.kind) for i in range(30)]
    rules = [compare.kind if old == b"+OK\r\n" and s[0] != "SET" else compare.same for s in steps]
    diff = first_diff(Side(shared_reference, False), Side(liar, False), noise + [Step(s, r) for s, r in zip(steps, rules)])
    assert diff is not None
    assert len(diff.steps) <= len(steps) + 3, "not shrunk: %s" % diff


def test_equal_servers_show_no_difference(shared_reference):
    steps = [Step(["SET", "k", "v"]), Step(["GET", "k"]), Step(["LRANGE", "l", "0", "-1"])]
    assert first_diff(Side(shared_reference, False), Side(shared_reference, False), steps, is_read_back=False) is None


@pytest.mark.parametrize("rule,ref,ours,is_equal", [
    (compare.unordered, b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b"*2\r\n$1\r\nb\r\n$1\r\na\r\n", True),
    (compare.unordered, b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b"*2\r\n$1\r\nb\r\n$1\r\nb\r\n", False),
    (compare.unordered, b"*1\r\n$1\r\na\r\n", b"~1\r\n$1\r\na\r\n", False),
    (compare.pairs, b"*4\r\n+a\r\n+1\r\n+b\r\n+2\r\n", b"*4\r\n+b\r\n+2\r\n+a\r\n+1\r\n", True),
    (compare.pairs, b"*4\r\n+a\r\n+1\r\n+b\r\n+2\r\n", b"*4\r\n+b\r\n+1\r\n+a\r\n+2\r\n", False),
    (compare.near(1), b":100\r\n", b":99\r\n", True),
    (compare.near(1), b":100\r\n", b":98\r\n", False),
    (compare.near(1), b":-1\r\n", b":-2\r\n", False),
    (compare.shape, b"*1\r\n$1\r\na\r\n", b"*1\r\n$3\r\nabc\r\n", True),
    (compare.shape, b"*1\r\n$1\r\na\r\n", b"*1\r\n:1\r\n", False),
    (compare.kind, b"$-1\r\n", b"$1\r\na\r\n", False),
    (compare.kind, b"-ERR a\r\n", b"-ERR b\r\n", False),
])
def test_rules_of_comparison(rule, ref, ours, is_equal):
    assert rule(ref, ours, []) is is_equal


def test_frames_are_cut_exactly():
    raw = b"*3\r\n$1\r\na\r\n:5\r\n%1\r\n+k\r\n_\r\n"
    assert frame_end(raw + b"+next\r\n") == len(raw)
    assert split_array(raw) == [b"$1\r\na\r\n", b":5\r\n", b"%1\r\n+k\r\n_\r\n"]
    assert parse(raw) == [b"a", 5, [(b"k", None)]]
    for end in range(len(raw)):
        with pytest.raises(Incomplete):
            frame_end(raw[:end])
    with pytest.raises(ValueError):
        frame_end(b"hello\r\n")
