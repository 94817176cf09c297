"""The server's own commands: what they say about it differs, its shape does not."""

import compare
from gen.atoms import Gen, any_key, maybe, one_of, own_test

section = one_of("server", "clients", "memory", "persistence", "stats", "replication", "cpu", "commandstats",
                 "latencystats", "errorstats", "cluster", "keyspace", "all", "default", "everything", "none")
known = one_of("get", "set", "SET", "nosuch", "ping", "expire", "del", "mget", "config|get")
# Directives that both servers answer with one text when nobody has changed them.
directive = one_of("maxmemory-policy", "databases", "timeout", "maxmemory-samples", "proto-max-bulk-len",
                   "hash-max-listpack-entries", "hash-max-ziplist-entries", "hash-max-listpack-value",
                   "zset-max-listpack-entries", "zset-max-ziplist-value", "set-max-intset-entries",
                   "list-max-listpack-size", "list-max-ziplist-size", "list-compress-depth", "lfu-log-factor",
                   "lfu-decay-time", "maxclients", "slowlog-max-len", "slowlog-log-slower-than", "nosuch",
                   "client-output-buffer-limit", "MAXMEMORY", "tcp-keepalive", "lazyfree-lazy-*", "notify-keyspace-events")
setting = one_of(["lfu-log-factor", one_of(10, -1, "x", "")], ["maxmemory-policy", one_of("noeviction", "nosuch")],
                 ["nosuch", "1"], ["lfu-log-factor", "10", "nosuch", "1"], ["timeout", "0", "timeout", "0"], ["timeout"], ["databases", "4"],
                 ["hash-max-listpack-entries", one_of(128, "x", -1)], ["maxmemory-samples", one_of(5, 0, "x")],
                 ["set-max-intset-entries", 512], ["slowlog-max-len", one_of(128, -1)],
                 ["lazyfree-lazy-expire", one_of("no", "maybe")], ["list-max-listpack-size", -2],
                 ["notify-keyspace-events", ""], ["maxmemory", one_of(0, "x", "1zb", -1)],
                 ["maxmemory", "0", "timeout", "x"], ["timeout", one_of(0, -1)])

TABLE = {
    "time": Gen(compare=compare.shape),
    "info": Gen(maybe(section), compare=compare.sections),
    "command": own_test("test_differential.py: COMMAND INFO"),
    "command|count": Gen(compare=compare.kind, is_safe=False),
    "command|list": Gen(maybe("FILTERBY", one_of(["MODULE", "x"], ["ACLCAT", "nosuch"], ["PATTERN", "nosuch*"], ["x", "y"]), p=0.9),
                        compare=compare.kind, is_safe=False),
    "command|info": own_test("test_differential.py: COMMAND INFO"),
    "command|docs": own_test("test_differential.py: COMMAND INFO"),
    "command|getkeys": Gen(one_of(["GET", any_key], ["MSET", "a", "1", "b", "2"], ["PING"], ["NOSUCH", "a"], ["GET"],
                                  ["DEL", "a", "b"], ["SET", "k", "v", "GET"]), is_safe=False),
    "command|getkeysandflags": Gen(one_of(["GET", any_key], ["SET", "k", "v"], ["MSET", "a", "1", "b", "2"], ["PING"]), is_safe=False),
    "command|help": Gen(compare=compare.starts_alike, is_safe=False),
    "config|get": Gen(directive, maybe(directive, p=0.2), compare=compare.pairs),
    "config|set": Gen(setting, is_safe=False),
    "config|resetstat": Gen(weight=0.1),
    "config|rewrite": own_test("test_process.py"),
    "config|help": Gen(compare=compare.starts_alike),
    "debug": own_test("edges/generic.txt"),
    "latency|latest": Gen(),
    "latency|history": Gen(one_of("command", "nosuch")),
    "latency|reset": Gen(maybe("command")),
    "latency|graph": Gen("nosuch"),
    "latency|doctor": Gen(compare=compare.kind),
    "latency|histogram": Gen(maybe("nosuch"), compare=compare.kind),
    "latency|help": Gen(compare=compare.starts_alike),
    "slowlog|get": Gen(maybe(one_of(0, 1, -1, -2, "x")), compare=compare.kind),
    "slowlog|len": Gen(compare=compare.kind),
    "slowlog|reset": Gen(),
    "slowlog|help": Gen(compare=compare.starts_alike),
    "acl|whoami": Gen(),
    "acl|cat": Gen(maybe(one_of("nosuch", "string"), p=0.9), compare=compare.kind),
    "acl|users": Gen(),
    "acl|list": Gen(compare=compare.kind),
    "acl|getuser": Gen(one_of("default", "nobody"), compare=compare.kind),
    "acl|genpass": Gen(maybe(one_of(8, 0, -1, 5000, "x")), compare=compare.kind),
    "acl|help": Gen(compare=compare.starts_alike),
    "lastsave": Gen(compare=compare.kind),
    "role": Gen(),
    "shutdown": own_test("test_process.py"),
    "save": own_test("test_process.py"),
    "monitor": own_test("test_process.py"),
}
