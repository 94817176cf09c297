"""Sets. Random choices are undone at once, so that both servers stay in one state."""

import compare
from gen.atoms import Gen, any_order, counted, glob, integer, maybe, member, one_of, set_key, some


def drop_key(rng, args):
    return [["DEL", args[1]]] if len(args) > 1 else []


random_pick = compare.either(compare.unordered, compare.shape)

TABLE = {
    "sadd": Gen(set_key, some(member, 1, 6), weight=3),
    "srem": Gen(set_key, some(member)),
    "sismember": Gen(set_key, member),
    "smismember": Gen(set_key, some(member)),
    "scard": Gen(set_key),
    "smembers": Gen(set_key, compare=compare.unordered),
    "smove": Gen(set_key, set_key, member),
    "spop": Gen(set_key, maybe(one_of(0, 1, 2, 1000, -1, "x")), compare=random_pick, after=drop_key, weight=0.5),
    "srandmember": Gen(set_key, maybe(one_of(0, 1, 3, 1000, -5, "x", -2**63)), compare=random_pick, is_safe=False),
    "sinter": Gen(some(set_key, 1, 3), compare=compare.unordered),
    "sunion": Gen(some(set_key, 1, 3), compare=compare.unordered),
    "sdiff": Gen(some(set_key, 1, 3), compare=compare.unordered),
    "sinterstore": Gen(set_key, some(set_key, 1, 3)),
    "sunionstore": Gen(set_key, some(set_key, 1, 3)),
    "sdiffstore": Gen(set_key, some(set_key, 1, 3)),
    "sintercard": Gen(counted(set_key), maybe("LIMIT", integer)),
    "sscan": Gen(set_key, 0, any_order(maybe("MATCH", glob), maybe("COUNT", one_of(10000, 0, "x"), p=0.9)),
                 compare=compare.scan()),
}
