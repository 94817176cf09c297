"""Commands for keys of any type."""

import compare
from gen.atoms import (Gen, any_key, any_order, case, count, future_at_ms, future_at_s, future_ms, future_s, glob,
                       integer, maybe, one_of, own_test, some)

condition = maybe(one_of(case("NX"), case("XX"), case("GT"), case("LT"), ["NX", "XX"], ["GT", "LT"], "ZZ"), p=0.4)
a_second, a_while = compare.near(1), compare.near(3000)
by = one_of(["BY", "nosort"], ["BY", "s*"], ["BY", "h*->a"], ["BY", "none*"], ["GET", "#"], ["GET", "s*"], ["GET", "h*->a"])
limit, direction = maybe("LIMIT", integer, integer, p=0.3), maybe(one_of("ASC", "DESC"), p=0.3)
sort_options = any_order(maybe(by, p=0.3), limit, direction, maybe("ALPHA"))
# What is stored is read back byte for byte, so that no order of equal weights may be part of it (see sort_order).
sort_stored = one_of(any_order(maybe(by), limit, direction), any_order(limit, direction, "ALPHA"))
sortable = one_of("l0", "l1", "l2", "t0", "t1", "z0", "z1", "s0", "none")


def sort_order(ref, ours, args):
    """Equal weights keep the order of a set's table, which means nothing; with LIMIT it also chooses. To the reference
    texts are equal, too, that differ only behind a zero byte: strcoll() sees no more of them."""
    words = [a.upper() for a in args]
    has_ties = b"BY" in words or (b"ALPHA" in words and b"\0" in ref)
    return has_ties and (compare.unordered(ref, ours, args) or (b"LIMIT" in words and compare.shape(ref, ours, args)))


TABLE = {
    "del": Gen(some(any_key, 1, 3)),
    "unlink": Gen(some(any_key, 1, 3)),
    "exists": Gen(some(any_key, 1, 3)),
    "touch": Gen(some(any_key, 1, 3)),
    "type": Gen(any_key),
    "ttl": Gen(any_key, compare=a_second),
    "pttl": Gen(any_key, compare=a_while),
    "expiretime": Gen(any_key, compare=a_second),
    "pexpiretime": Gen(any_key, compare=a_while),
    "expire": Gen(any_key, future_s, condition),
    "pexpire": Gen(any_key, future_ms, condition),
    "expireat": Gen(any_key, future_at_s, condition),
    "pexpireat": Gen(any_key, future_at_ms, condition),
    "persist": Gen(any_key),
    "rename": Gen(any_key, any_key),
    "renamenx": Gen(any_key, any_key),
    "copy": Gen(any_key, any_key, any_order(maybe("DB", one_of(0, 1, 15, 16, -1, "x"), p=0.3), maybe("REPLACE"))),
    "move": Gen(any_key, one_of(0, 1, 2, 16, -1, "x")),
    "keys": Gen(glob, compare=compare.unordered),
    "scan": Gen(0, any_order(maybe("MATCH", glob), maybe("TYPE", one_of("string", "list", "hash", "zset", "set", "x")),
                             maybe("COUNT", one_of(10000, 10000, 0, -1, "x"), p=0.95)), compare=compare.scan()),
    "randomkey": Gen(compare=compare.kind),
    "dump": Gen(any_key, compare=compare.kind),
    "restore": own_test("test_dump.py"),
    "restore-asking": own_test("test_cluster.py: it is for slots that come"),
    "sort": Gen(sortable, one_of([sort_options], [sort_options], [sort_stored, "STORE", "l3"]), compare=sort_order),
    "sort_ro": Gen(sortable, sort_options, compare=sort_order),
    "object|encoding": Gen(any_key, compare=compare.encoding),
    "object|refcount": Gen(any_key, compare=compare.kind),
    "object|idletime": Gen(any_key, compare=compare.kind),
    "object|freq": Gen(any_key),
    "object|help": Gen(compare=compare.starts_alike),
    "dbsize": Gen(),
    "flushdb": Gen(maybe(one_of("ASYNC", "SYNC", "NOW")), weight=0.1),
    "flushall": Gen(maybe(one_of("ASYNC", "SYNC", "NOW")), weight=0.1),
    "swapdb": Gen(one_of(0, 1, 2, 16, -1, "x"), one_of(0, 1, 2, 16, "x"), weight=0.2),
    "lolwut": Gen(one_of([], ["VERSION", 5, 1, 1, 1]), compare=compare.kind, is_safe=False),
    "memory|usage": Gen(any_key, maybe("SAMPLES", count), compare=compare.kind),
    "memory|doctor": Gen(compare=compare.kind),
    "memory|malloc-stats": Gen(compare=compare.kind),
    "memory|purge": Gen(),
    "memory|stats": Gen(compare=compare.kind),
    "memory|help": Gen(compare=compare.starts_alike),
}
