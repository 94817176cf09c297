"""Lists. The blocking forms are drawn only where they need not wait; waiting is tested in test_blocking.py."""

from gen.atoms import Gen, any_order, counted, integer, list_key, maybe, one_of, positive, some, value

side = one_of("LEFT", "RIGHT", "left", "UP")
# A filled list first, so that a blocking command is answered at once.
FILL = [["RPUSH", "l0", "a", "b"], ["RPUSH", "l1", "c", "d"], ["RPUSH", "l2", "e"], ["RPUSH", "l3", "f"]]
filled = one_of("l0", "l1", "l2", "l3", "s0")
timeout = one_of("0.01", "0.02", "1e-2", -1, "x")  # overflow has other words in 7.2


def count(rng):
    """The least integer is refused by level 7.2 alone."""
    v = integer(rng)
    return 3 if v == -2**63 else v


pop_count = maybe("COUNT", one_of(1, 2, 100, 0, -1, "x"))

TABLE = {
    "lpush": Gen(list_key, some(value), weight=2),
    "rpush": Gen(list_key, some(value), weight=2),
    "lpushx": Gen(list_key, some(value)),
    "rpushx": Gen(list_key, some(value)),
    "lpop": Gen(list_key, maybe(positive)),
    "rpop": Gen(list_key, maybe(positive)),
    "llen": Gen(list_key),
    "lrange": Gen(list_key, integer, integer, weight=2),
    "lindex": Gen(list_key, integer),
    "lset": Gen(list_key, integer, value),
    "linsert": Gen(list_key, one_of("BEFORE", "AFTER", "after", "IN"), value, value),
    "lrem": Gen(list_key, count, value),
    "ltrim": Gen(list_key, integer, integer),
    "lpos": Gen(list_key, value, any_order(maybe("RANK", count), maybe("COUNT", integer), maybe("MAXLEN", integer))),
    "lmove": Gen(list_key, list_key, side, side),
    "rpoplpush": Gen(list_key, list_key),
    "lmpop": Gen(counted(list_key), side, pop_count),
    "blpop": Gen(some(filled, 1, 3), timeout, setup=FILL, is_safe=False),
    "brpop": Gen(some(filled, 1, 3), timeout, setup=FILL, is_safe=False),
    "blmove": Gen(filled, list_key, side, side, timeout, setup=FILL, is_safe=False),
    "brpoplpush": Gen(filled, list_key, timeout, setup=FILL, is_safe=False),
    "blmpop": Gen(timeout, counted(filled), side, pop_count, setup=FILL, is_safe=False),
}
