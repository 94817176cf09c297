"""What it costs that a node may be told to stop writing, and that writes wait for a replica: SET at pipeline 16.

lease_set: CPU per operation of a primary under a lease, beside the same process without one.
acks_set: time per operation with one replica that must acknowledge, beside the same pair without that.
"""

import socket
import time

from enginebench import load

NAMES = {"lease_set": 1.02, "acks_set": 2.0}
SET = ["set", "key:__rand_int__", "x" * 64]
COUNT = 400_000


def order(path, *words):
    """One order over the admin socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        sock.sendall(load.resp(*words))
        if sock.recv(100) != b"+OK\r\n":
            raise SystemExit("%s was refused" % " ".join(map(str, words)))


def pair(fleet):
    """A primary and its replica, online."""
    primary = fleet.start("engine", tls=("--larder-admin-socket", "admin", "--repl-diskless-sync-delay", "0"))
    replica = fleet.start("engine")
    load.call(replica, "REPLICAOF", "127.0.0.1", str(primary.port))
    deadline = time.monotonic() + 60
    while b"state=online" not in load.call(primary, "INFO", "replication"):
        if time.monotonic() > deadline:
            raise SystemExit("the replica does not come online")
        time.sleep(0.05)
    return primary, replica


def spent(server, keys, count, by_clock):
    def now():
        return time.monotonic_ns() if by_clock else server.cpu_ns()
    before = now()
    load.redis_benchmark(server, SET, count, 16, keys)
    return (now() - before) / count / 1000.0


def lease_set(primary, rounds, keys, count):
    path, values = "%s/admin" % primary.dir, {"engine": [], "engine-free": []}
    for round_ in range(rounds):
        for kind in sorted(values, reverse=bool(round_ % 2)):
            order(path, "LARDER.LEASE", 1, 3600000 if kind == "engine" else "none")
            values[kind].append(spent(primary, keys, count, False))
    order(path, "LARDER.LEASE", 1, "none")
    return values


def acks_set(primary, rounds, keys, count):
    values = {"engine": [], "engine-free": []}
    for round_ in range(rounds):
        for kind in sorted(values, reverse=bool(round_ % 2)):
            load.call(primary, "CONFIG", "SET", "larder-write-acks", "1" if kind == "engine" else "0")
            values[kind].append(spent(primary, keys, count, True))
    return values


def measure(fleet, names, opts, out, summary):
    count = COUNT // 8 if opts.quick else COUNT
    servers = pair(fleet)
    try:
        for name, how in (("lease_set", lease_set), ("acks_set", acks_set)):
            if name in names:
                values = how(servers[0], opts.rounds, opts.keys, count)
                out[name] = summary(values, "engine-free", NAMES[name], "us/op")
                yield name
    finally:
        for server in servers:
            server.stop()
