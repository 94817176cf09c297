"""HyperLogLogs: strings whose bytes are the same on both sides."""

from gen.atoms import Gen, integer, maybe, one_of, some, string_key

hll_key = one_of("hll0", "hll1", "hll2", string_key)


def element(rng):
    return "e%d" % rng.randrange(2000)


def elements(rng):
    """A handful mostly, now and then so many that the registers become dense ones."""
    return ["e%d" % rng.randrange(10**6) for _ in range(rng.choice([0, 1, 2, 5, 40, 3000] if rng.random() < 0.3 else [1, 3]))]


def look(rng, args):
    """What the key has now, byte for byte."""
    return [["GET", key] for key in args[1:2]]


# Damaged registers are found at other places: here before anything was changed.
TABLE = {
    "pfadd": Gen(hll_key, elements, weight=3, after=look),
    "pfcount": Gen(some(hll_key, 1, 3), weight=2),
    "pfmerge": Gen(hll_key, some(hll_key, 0, 3), after=look),
    "pfdebug": Gen(one_of("ENCODING", "DECODE", "GETREG", "TODENSE", "nosuch"), hll_key),
    # It takes the other side half a minute.
    "pfselftest": Gen(weight=0),
}
