"""Sorted sets."""

import compare
from gen.atoms import (Gen, any_order, case, counted, glob, integer, maybe, member, one_of, positive, score, some,
                       zset_key)
from gen.lists import timeout

MEMBERS = "abcdefghij"
FILL = [["ZADD", "z0", "1", "a", "2", "b"], ["ZADD", "z1", "3", "c"], ["ZADD", "z2", "1", "x"], ["ZADD", "z3", "1", "y"]]
filled = one_of("z0", "z1", "z2", "z3", "s0")
flags = any_order(maybe(case("NX"), p=0.15), maybe(case("XX"), p=0.15), maybe(case("GT"), p=0.15),
                  maybe(case("LT"), p=0.15), maybe(case("CH"), p=0.25), maybe(case("INCR"), p=0.1))


def score_bound(rng):
    bound = rng.choice(["-inf", "+inf", "inf", rng.randint(-5, 20), rng.randint(-5, 20), "x", "nan", "1.5"])
    return "(%s" % bound if rng.random() < 0.3 else bound


def lex_bound(rng):
    if rng.random() < 0.3:
        return rng.choice(["-", "+", "-", "+", "", "x", "[", "("])
    return rng.choice("[(") + rng.choice(MEMBERS)


# Ranges by member mean something only where all scores are equal: they get a key of their own.
LEX_FILL = [["ZADD", "lex", *(arg for m in MEMBERS for arg in ("0", m))]]
limit = maybe("LIMIT", integer, integer, p=0.4)
with_scores = maybe(case("WITHSCORES"), p=0.4)
zrange_tail = any_order(maybe(case("REV"), p=0.3), limit, with_scores)
zrange = one_of([integer, integer, zrange_tail], [score_bound, score_bound, "BYSCORE", zrange_tail])
zrange_lex = [lex_bound, lex_bound, "BYLEX", zrange_tail]
aggregate = any_order(maybe("WEIGHTS", some(score, 1, 3), p=0.4), maybe("AGGREGATE", one_of("SUM", "MIN", "max", "AVG"), p=0.4))
source = one_of(zset_key, zset_key, "t0", "t1")
pop_count = maybe("COUNT", one_of(1, 2, 100, 0, -1, "x"))
end = one_of("MIN", "MAX", "min", "MID")
random_pick = compare.either(compare.pairs, compare.unordered, compare.shape)


def scored(*args, **options):
    """A command whose reply may hold scores."""
    return Gen(*args, compare=compare.scores(), **options)



TABLE = {
    "zadd": scored(zset_key, flags, some([score, member], 1, 5), weight=3),
    "zincrby": scored(zset_key, score, member),
    "zrem": Gen(zset_key, some(member)),
    "zscore": scored(zset_key, member),
    "zmscore": scored(zset_key, some(member)),
    "zcard": Gen(zset_key),
    "zcount": Gen(zset_key, score_bound, score_bound),
    "zlexcount": Gen("lex", lex_bound, lex_bound, setup=LEX_FILL, is_safe=False),
    # WITHSCORE came with 7.2, so an argument too many is another error there.
    "zrank": Gen(zset_key, member, is_safe=False),
    "zrevrank": Gen(zset_key, member, is_safe=False),
    "zrange": scored(one_of([zset_key, zrange], [zset_key, zrange], ["lex", zrange_lex]), weight=2, setup=LEX_FILL, is_safe=False),
    "zrangestore": Gen("z3", one_of([zset_key, zrange], ["lex", zrange_lex]), setup=LEX_FILL, is_safe=False),
    "zrevrange": scored(zset_key, integer, integer, with_scores),
    "zrangebyscore": scored(zset_key, score_bound, score_bound, any_order(limit, with_scores)),
    "zrevrangebyscore": scored(zset_key, score_bound, score_bound, any_order(limit, with_scores)),
    "zrangebylex": Gen("lex", lex_bound, lex_bound, limit, setup=LEX_FILL, is_safe=False),
    "zrevrangebylex": Gen("lex", lex_bound, lex_bound, limit, setup=LEX_FILL, is_safe=False),
    "zremrangebyrank": Gen(zset_key, integer, integer),
    "zremrangebyscore": Gen(zset_key, score_bound, score_bound),
    "zremrangebylex": Gen("lex", lex_bound, lex_bound, setup=LEX_FILL, is_safe=False),
    "zpopmin": scored(zset_key, maybe(positive)),
    "zpopmax": scored(zset_key, maybe(positive)),
    "zmpop": scored(counted(zset_key), end, pop_count),
    "bzpopmin": scored(some(filled, 1, 3), timeout, setup=FILL, is_safe=False),
    "bzpopmax": scored(some(filled, 1, 3), timeout, setup=FILL, is_safe=False),
    "bzmpop": scored(timeout, counted(filled), end, pop_count, setup=FILL, is_safe=False),
    "zunion": scored(counted(source), aggregate, with_scores),
    "zinter": scored(counted(source), aggregate, with_scores),
    "zdiff": scored(counted(source), with_scores),
    "zunionstore": Gen("z3", counted(source), aggregate),
    "zinterstore": Gen("z3", counted(source), aggregate),
    "zdiffstore": Gen("z3", counted(source)),
    "zintercard": Gen(counted(source), maybe("LIMIT", integer)),
    "zrandmember": Gen(zset_key, maybe(one_of(0, 1, 1000, -5, "x"), maybe(one_of("WITHSCORES", "x"))),
                       compare=random_pick, is_safe=False),
    "zscan": Gen(zset_key, 0, any_order(maybe("MATCH", glob), maybe("COUNT", one_of(10000, 0, "x"), p=0.9)),
                 compare=compare.score_pages),
}
