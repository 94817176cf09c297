"""The words of the argument language.

A pattern is a list; each part of it is a literal (sent as it is) or a function of the random source that
returns one argument or a list of arguments. So ["EX", seconds] reads as it is sent.
"""

import compare


class Gen:
    """How one command is drawn and compared.

    args      the pattern behind the command's name, or a function of the random source that gives it
    compare   a rule of compare.py
    after     commands sent behind it, to bring both servers to one state again after a random choice
    is_safe   False when a mutated argument could stop, block or empty the server
    weight    how often it is drawn, 1.0 being usual; 0 for commands that have tests of their own (`why`)
    setup     commands sent before it
    """

    def __init__(self, *args, compare=compare.same, after=None, is_safe=True, weight=1.0, why="", setup=None):
        self.args, self.compare, self.after = list(args), compare, after
        self.is_safe, self.weight, self.why, self.setup = is_safe, weight, why, setup

    def draw(self, rng, name):
        return [part.upper() if rng.random() < 0.7 else part for part in name.split("|")] + expand(rng, self.args)


def own_test(why):
    """An entry for a command that cannot be drawn at random; `why` names the test that covers it."""
    return Gen(weight=0, why=why, is_safe=False)


def expand(rng, part):
    if callable(part):
        return expand(rng, part(rng))
    if isinstance(part, (list, tuple)):
        return [arg for p in part for arg in expand(rng, p)]
    return [part]


def one_of(*parts):
    return lambda rng: expand(rng, rng.choice(parts))


def maybe(*parts, p=0.5):
    return lambda rng: expand(rng, list(parts)) if rng.random() < p else []


def some(part, least=1, most=4):
    return lambda rng: [arg for _ in range(rng.randint(least, most)) for arg in expand(rng, part)]


def any_order(*parts):
    """Options in random order, each there or not (parts are usually maybe())."""
    def draw(rng):
        shuffled = list(parts)
        rng.shuffle(shuffled)
        return expand(rng, shuffled)
    return draw


def counted(part, least=1, most=3):
    """numkeys key key ...; now and then the number is wrong."""
    def draw(rng):
        items = [expand(rng, part) for _ in range(rng.randint(least, most))]
        count = len(items) if rng.random() < 0.95 else rng.choice([0, -1, len(items) + 1, "x"])
        return [count] + [arg for item in items for arg in item]
    return draw


TYPES = "slhztx"  # string, list, hash, zset, set, stream: the first letter of a key says what it usually holds


def key_of(letter, stray=0.06):
    """Mostly a key of that type, now and then any other."""
    def draw(rng):
        first = rng.choice(TYPES) if rng.random() < stray else letter
        return "%s%d" % (first, rng.randrange(4))
    return draw


def any_key(rng):
    if rng.random() < 0.03:
        return rng.choice(["", "none", b"\x00\xff\r\n", "{tag}x", "k" * 300])
    return "%s%d" % (rng.choice(TYPES), rng.randrange(4))


string_key, list_key, hash_key, zset_key, set_key = (key_of(t) for t in "slhzt")

INT_EDGES = [0, 1, -1, 2, 7, 10, 100, -100, 2**31 - 1, 2**31, -2**31, 2**32, 2**53, 2**63 - 1, -2**63, 2**63 - 2,
             2**63, -2**63 - 1, 2**64 - 1, 2**64, "00", "01", "-0", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "",
             "abc", "99999999999999999999"]
# Those that are no short time: a deadline some milliseconds away is passed on one server before the other.
TIMELESS = [n for n in INT_EDGES if n not in (1, 2, 7, 10, 100, "01", "+1", " 1", "1 ")]
FLOAT_EDGES = ["0", "1", "-1", "0.1", "-0.1", "3.0e3", "1.5", "-0.0", "1e-5", "1e17", "1e21", "123456789.123456789",
               "0.000001", "1e308", "-1e308", "1.7976931348623157e308", "5e-324", "17.5", "3.14159265358979",
               "100000000000000000000", "0.30000000000000004", "2.220446049250313e-16", "0x1p3"]
FLOAT_BAD = ["nan", "NaN", "-nan", "inf", "+inf", "-inf", "infinity", "1e400", "abc", "", " 1", "1 ", "1,5", "--1", "1e"]
GLOBS = ["*", "s*", "l?", "[sl]*", "[^s]*", "s[0-2]", "\\s*", "nothing", "", "**", "*0", "[", "s[", "?", "[a-", "[3-0]*"]
BLOBS = ["", "a", "foo", "bar", "hello world", "0", "-1", "12345678901234567890", "x" * 44, "y" * 45, "z" * 63, "w" * 64,
         "v" * 65, "u" * 300, b"\x00\x01\x02", b"\xff\xfe\xfd", "line\r\nbreak", "žluťoučký"]


def int_edge(rng):
    return rng.choice(INT_EDGES)


def small_int(rng):
    return rng.randint(-12, 12)


def integer(rng):
    return small_int(rng) if rng.random() < 0.8 else int_edge(rng)


def count(rng):
    return rng.choice([0, 1, 2, 3, 5, 100]) if rng.random() < 0.9 else int_edge(rng)


def positive(rng):
    return rng.randint(1, 5) if rng.random() < 0.9 else rng.choice([0, -1, 2**63 - 1, "x", ""])


def floating(rng):
    if rng.random() < 0.5:
        return rng.choice(FLOAT_EDGES)
    if rng.random() < 0.1:
        return rng.choice(FLOAT_BAD)
    return repr(round(rng.uniform(-1000, 1000), rng.randrange(6)))


def score(rng):
    if rng.random() < 0.7:
        return rng.randint(-5, 20)
    return floating(rng)


def value(rng):
    pick = rng.random()
    if pick < 0.35:
        return rng.choice(BLOBS)
    if pick < 0.6:
        return rng.randint(-1000, 100000)
    if pick < 0.7:
        return int_edge(rng)
    if pick < 0.8:
        return floating(rng)
    return "v%d" % rng.randrange(1000)


def member(rng):
    if rng.random() < 0.5:
        return rng.choice("abcdefghij")
    return rng.randrange(30) if rng.random() < 0.7 else value(rng)


field = member


def glob(rng):
    return rng.choice(GLOBS)


def future_s(rng):
    """Seconds: far enough away not to end within the test, hardly ever twice the same (of two equal ones the
    clock decides which is later), or odd."""
    return rng.randint(100, 10**6) if rng.random() < 0.85 else rng.choice(TIMELESS)


def future_ms(rng):
    return rng.randint(10**5, 10**9) if rng.random() < 0.85 else rng.choice(TIMELESS)


def future_at_s(rng):
    return rng.choice([4102444800, 4102444801, 32503680000]) if rng.random() < 0.8 else rng.choice([1, 0, -1, 2**63 - 1, "x"])


def future_at_ms(rng):
    return rng.choice([4102444800000, 4102444800123]) if rng.random() < 0.8 else rng.choice([1, 0, -1, 2**63 - 1, "x"])


def case(word):
    """The word in the case of a careless client."""
    return lambda rng: rng.choice([word, word.lower(), word.capitalize()])


expiry = one_of(["EX", future_s], ["PX", future_ms], ["EXAT", future_at_s], ["PXAT", future_at_ms])
