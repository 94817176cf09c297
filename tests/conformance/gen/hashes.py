"""Hashes."""

import compare
from gen.atoms import Gen, any_order, field, floating, glob, hash_key, integer, maybe, one_of, own_test, some, value

TABLE = {
    "hset": Gen(hash_key, some([field, value], 1, 5), weight=2),
    "hmset": Gen(hash_key, some([field, value])),
    "hsetnx": Gen(hash_key, field, value),
    "hget": Gen(hash_key, field),
    "hmget": Gen(hash_key, some(field)),
    "hdel": Gen(hash_key, some(field)),
    "hexists": Gen(hash_key, field),
    "hlen": Gen(hash_key),
    "hstrlen": Gen(hash_key, field),
    "hincrby": Gen(hash_key, field, integer),
    "hincrbyfloat": Gen(hash_key, field, floating),
    "hkeys": Gen(hash_key, compare=compare.unordered),
    "hvals": Gen(hash_key, compare=compare.unordered),
    "hgetall": Gen(hash_key, compare=compare.pairs),
    "hrandfield": Gen(hash_key, maybe(one_of(0, 1, 1000, -3, "x"), maybe(one_of("WITHVALUES", "x"))),
                      compare=compare.either(compare.pairs, compare.unordered, compare.shape), is_safe=False),
    "hscan": Gen(hash_key, 0, any_order(maybe("MATCH", glob), maybe("COUNT", one_of(10000, 0, "x"), p=0.9)),
                 compare=compare.scan(of_pairs=True)),
}

for name in ("hexpire", "hpexpire", "hexpireat", "hpexpireat", "httl", "hpttl", "hexpiretime", "hpexpiretime", "hpersist",
             "hgetex", "hsetex", "hgetdel"):
    TABLE[name] = own_test("test_hash_fields.py: level 7.0 does not know it")
