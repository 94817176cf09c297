"""Nobody waits while huge keys move: how long the loops of both sides stand still from the first piece to the last key
that is forgotten, beside an engine that has nothing to do."""

import json
import os
import signal
import subprocess
import sys
import time

import clusters
import servers
from migrations import slots_of

# A process of its own, since threads of this one would wait for each other. It asks at a pace of 1 ms, notes which
# replies took longest and when, and ends when its input does.
PROBE = """
import json, select, socket, sys, time
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
words = [b"PING\\r\\n", b"GET small{bar}\\r\\n"]
gaps, is_over = [], False
while not is_over:
    begun = time.monotonic()
    sock.sendall(words[len(gaps) % 2])
    got = b""
    while not got.endswith(b"\\r\\n"):
        got += sock.recv(4096)
    gaps.append((time.monotonic() - begun, begun))
    is_over = bool(select.select([sys.stdin], [], [], 0.001)[0])
gaps.sort(reverse=True)
print(json.dumps({"count": len(gaps), "worst": gaps[:5], "p99": gaps[len(gaps) // 100][0]}))
"""

FILL = {
    "hash{bar}": (1000000, "redis.call('hset', KEYS[1], 'field' .. i, i)"),
    "set{bar}": (1000000, "redis.call('sadd', KEYS[1], 'member' .. i)"),
    "zset{bar}": (1000000, "redis.call('zadd', KEYS[1], i, 'member' .. i)"),
    "list{bar}": (1000000, "redis.call('rpush', KEYS[1], 'element' .. i)"),
    "stream{bar}": (300000, "redis.call('xadd', KEYS[1], i .. '-1', 'field', 'value' .. i)"),
}
WAITING = 100000  # entries of the stream that wait for a consumer
READ_ALL = "redis.call('xgroup', 'create', KEYS[1], 'g', 0) " \
    "redis.call('xreadgroup', 'group', 'g', 'c', 'count', ARGV[1], 'streams', KEYS[1], '>')"


class Probes:
    """Of some nodes by their names, and of an engine that stands by."""

    def __init__(self, idle, **nodes):
        self.begun = time.monotonic()
        self.procs = {name: subprocess.Popen([sys.executable, "-c", PROBE, str(n.port)], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, text=True) for name, n in nodes.items()}
        self.procs["idle"] = subprocess.Popen([sys.executable, "-c", PROBE, str(idle.port)], stdin=subprocess.PIPE,
                                              stdout=subprocess.PIPE, text=True)

    def end(self):
        """Says what they saw; whoever kept them waiting much longer than the idle one did fails the test."""
        found = {name: json.loads(proc.communicate("\n", timeout=30)[0]) for name, proc in self.procs.items()}
        for name, result in found.items():
            print("  %s: %d questions, p99 %.1f ms, longest %s" % (name, result["count"], result["p99"] * 1000, ", ".join(
                "%.1f ms at %.2f s" % (gap * 1000, at - self.begun) for gap, at in result["worst"])))
        limit = 0.15 + 2 * found["idle"]["worst"][0][0]
        for name, result in found.items():
            assert result["worst"][0][0] < limit, name


def is_lazily_freed(node):
    return b"lazyfree_pending_objects:0\r" in node.admin("INFO", "memory")


def test_loops_go_on_while_huge_keys_move():
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2, enable_debug_command="yes") as c, servers.engine() as idle:
        source, target = c.nodes
        with source.conn(timeout=60) as conn:
            for key, (count, command) in FILL.items():
                conn.call("EVAL", "for i = 1, tonumber(ARGV[1]) do %s end" % command, 1, key, count)
            conn.call("EVAL", READ_ALL, 1, "stream{bar}", WAITING)
            conn.call("SETRANGE", "string{bar}", (200 << 20) - 3, "end")
            conn.call("SET", "small{bar}", "v")
            before = conn.call("DEBUG", "DIGEST-VALUE", *FILL)
        probes = Probes(idle, source=source, target=target)
        move = c.begin_move(slots, 0, 1)
        status = c.end_move(move, slots, 0, 1)
        servers.wait_for(lambda: source.admin("CLUSTER", "COUNTKEYSINSLOT", *slots) == 0, "the source forgets them")
        servers.wait_for(lambda: is_lazily_freed(source), "and frees them")
        print("huge keys: %d ms, %d MB, writes held for %d us" % (
            status[b"ms"], status[b"bytes"] >> 20, status[b"longest-pause-us"]))
        probes.end()
        assert target.admin("DEBUG", "DIGEST-VALUE", *FILL) == before
        assert target.admin("STRLEN", "string{bar}") == 200 << 20
        assert target.admin("XPENDING", "stream{bar}", "g")[0] == WAITING


def test_loops_go_on_when_much_has_waited_for_the_target():
    """200 MB of changes while it stands still: they are sent, acknowledged and forgotten little by little."""
    slots = set(slots_of("bar").values())
    with clusters.cluster(shards=2) as c, servers.engine() as idle:
        source, target = c.nodes
        with source.conn(timeout=60) as conn:
            conn.call("EVAL", "for i = 1, 300000 do redis.call('hset', KEYS[1], 'field' .. i, i) end", 1, "hash{bar}")
            move = c.begin_move(slots, 0, 1)
            servers.wait_for(lambda: c.status(source, move)[b"bytes"] > 0, "it is under way")
            os.kill(target.server.pid, signal.SIGSTOP)
            for i in range(50):
                conn.batch([["HSET", "hash{bar}", "big%d" % (4 * i + j), "x" * (1 << 20)] for j in range(4)])
        probes = Probes(idle, source=source)
        os.kill(target.server.pid, signal.SIGCONT)
        c.end_move(move, slots, 0, 1, within=40.0)
        print("200 MB that waited:")
        probes.end()
        assert target.admin("HLEN", "hash{bar}") == 300200
        assert target.admin("HSTRLEN", "hash{bar}", "big199") == 1 << 20
