"""CPU to write all keys to a snapshot and to load it again, per key.

SAVE, because the writer's time is then the server's own, to the nanosecond; what BGSAVE adds, the fork, is small and
the same for all. Loading is DEBUG RELOAD NOSAVE into an empty server: nothing else is measured, no start and no
freeing of what was there.
"""

import os

from enginebench import load

NAMES = {"save_rdb": 0.8, "load_rdb": 0.8}


def filled(fleet, kind, keys):
    server = fleet.start(kind, tls=("--enable-debug-command", "yes"))
    load.fill(server, load.sets(0, keys, 64), b"+OK\r\n")
    return server


def spent(server, *words):
    before = server.cpu_ns()
    load.call(server, *words)
    return server.cpu_ns() - before


def measure(fleet, names, opts, out, summary, better):
    keys = opts.fill
    servers = [filled(fleet, kind, keys) for kind in fleet.kinds()]
    values = {name: {} for name in NAMES}
    try:
        for round_ in range(min(opts.rounds, 5)):
            turn = round_ % len(servers)
            for server in servers[turn:] + servers[:turn]:
                us = spent(server, "SAVE") / keys / 1000.0
                values["save_rdb"].setdefault(server.kind, []).append(us)
                load.call(server, "FLUSHALL", "SYNC")
                us = spent(server, "DEBUG", "RELOAD", "NOSAVE") / keys / 1000.0
                values["load_rdb"].setdefault(server.kind, []).append(us)
                os.remove(os.path.join(server.dir, "dump.rdb"))
    finally:
        for server in servers:
            server.stop()
    for name in names:
        out[name] = summary(values[name], better, NAMES[name], "us/key")
        yield name
