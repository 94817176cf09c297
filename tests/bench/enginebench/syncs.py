"""CPU of replication, each kind of server among its own.

sync_primary, sync_replica: a full sync from memory to memory, per key, on either side. The primary's time includes that
of the child that writes the snapshot, which is known to 10 ms.
replicated_set: a primary's time per SET at pipeline 16 while two replicas get it, too.
"""

import time

from enginebench import load
from enginebench.procs import cores

FULL, WRITES = ["sync_primary", "sync_replica"], ["replicated_set"]
NAMES = {"sync_primary": 0.8, "sync_replica": 0.8, "replicated_set": 0.9}
DIRECTIVES = ("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", "--repl-diskless-load", "on-empty-db")
SET = ["set", "key:__rand_int__", "x" * 64]
COUNT = 400_000


def start(fleet, kind, core=None):
    return fleet.start(kind, tls=DIRECTIVES, core=core)


def replica_of(fleet, primary):
    """One that is still empty, on the clients' core."""
    return start(fleet, primary.kind, cores()[1])


def follow(primary, replicas):
    """Returns once all its replicas have what the primary has, and its child has ended."""
    for replica in replicas:
        load.call(replica, "REPLICAOF", "127.0.0.1", str(primary.port))
    deadline = time.monotonic() + 300
    while not (load.call(primary, "INFO", "replication").count(b"state=online") == len(replicas)
               and b"rdb_bgsave_in_progress:0" in load.call(primary, "INFO", "persistence")):
        if time.monotonic() > deadline:
            raise SystemExit("the replicas of %s do not come online" % primary.kind)
        time.sleep(0.05)


def full_syncs(fleet, rounds, keys):
    """{name: {kind: [microseconds per key, one per round]}}."""
    values = {name: {} for name in FULL}
    primaries = [start(fleet, kind) for kind in fleet.kinds()]
    try:
        for primary in primaries:
            load.fill(primary, load.sets(0, keys, 64), b"+OK\r\n")
        for round_ in range(rounds):
            turn = round_ % len(primaries)
            for primary in primaries[turn:] + primaries[:turn]:
                replica = replica_of(fleet, primary)
                try:
                    before = primary.cpu_ns() + primary.children_cpu_ns(), replica.cpu_ns()
                    follow(primary, [replica])
                    after = primary.cpu_ns() + primary.children_cpu_ns(), replica.cpu_ns()
                finally:
                    replica.stop()
                for name, was, now in zip(FULL, before, after):
                    values[name].setdefault(primary.kind, []).append((now - was) / keys / 1000.0)
    finally:
        for primary in primaries:
            primary.stop()
    return values


def replicated_sets(fleet, rounds, keys, count):
    values, servers = {}, []
    try:
        primaries = []
        for kind in fleet.kinds():
            primaries.append(start(fleet, kind))
            servers.append(primaries[-1])
            load.fill(primaries[-1], load.sets(0, keys, 64), b"+OK\r\n")
            replicas = [replica_of(fleet, primaries[-1]) for _ in range(2)]
            servers += replicas
            follow(primaries[-1], replicas)
        for round_ in range(rounds):
            turn = round_ % len(primaries)
            for primary in primaries[turn:] + primaries[:turn]:
                before = primary.cpu_ns()
                load.redis_benchmark(primary, SET, count, 16, keys)
                values.setdefault(primary.kind, []).append((primary.cpu_ns() - before) / count / 1000.0)
    finally:
        for server in servers:
            server.stop()
    return values


def measure(fleet, names, opts, out, summary, better):
    if any(name in FULL for name in names):
        values = full_syncs(fleet, min(opts.rounds, 5), opts.fill)
        for name in [n for n in FULL if n in names]:
            out[name] = summary(values[name], better, NAMES[name], "us/key")
            yield name
    if "replicated_set" in names:
        # Each of nine servers has all keys.
        values = replicated_sets(fleet, opts.rounds, opts.keys, COUNT // 8 if opts.quick else COUNT)
        out["replicated_set"] = summary(values, "redis", NAMES["replicated_set"], "us/op")
        yield "replicated_set"
