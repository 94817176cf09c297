"""When two raw replies count as the same.

Byte equality always does, and is the only rule for most commands. The others here are for replies that
legitimately differ between two correct servers: order without meaning, clocks, chance, and texts that
describe the server itself. Each takes the reference's reply and ours, and the command that was sent.
"""

import re

from wire import AGGREGATES, Error, parse


def same(ref, ours, args):
    return ref == ours


def skeleton(value):
    """The value with all contents replaced by their types."""
    if isinstance(value, list):
        return [skeleton(v) for v in value]
    if isinstance(value, tuple):
        return tuple(skeleton(v) for v in value)
    return str(value) if isinstance(value, Error) else type(value).__name__


def head(raw):
    return raw[:raw.index(b"\r\n")]


def shape(ref, ours, args):
    """Same wire type, same nesting, same counts; the contents are chance or describe the server."""
    return ref[:1] == ours[:1] and skeleton(parse(ref)) == skeleton(parse(ours))


def kind(ref, ours, args):
    """Same wire type of the outermost reply; errors must be equal."""
    return ref[:1] == ours[:1] and ref[:1] != b"-" and (ref[:3] == b"$-1") == (ours[:3] == b"$-1")


def canon(value):
    return sorted(map(repr, value))


def unordered(ref, ours, args):
    """The same items in any order."""
    if head(ref) != head(ours) or ref[:1] not in AGGREGATES:
        return False
    return canon(parse(ref)) == canon(parse(ours))


def pairs(ref, ours, args):
    """The same field-value pairs in any order, flat (RESP2) or as a map (RESP3)."""
    if head(ref) != head(ours) or ref[:1] not in AGGREGATES:
        return False
    return canon(as_pairs(parse(ref))) == canon(as_pairs(parse(ours)))


def as_pairs(items):
    if items and isinstance(items[0], (tuple, list)):
        return items
    return list(zip(items[::2], items[1::2]))


def near(tolerance):
    """Integers that depend on the clock, not further apart than this."""
    def compare(ref, ours, args):
        if ref[:1] != b":" or ours[:1] != b":":
            return False
        a, b = parse(ref), parse(ours)
        return a >= 0 and b >= 0 and abs(a - b) <= tolerance
    return compare


def scan(of_pairs=False):
    """A SCAN that was given a count beyond the size: a cursor of 0 and the same items in any order; a
    page of a longer scan may be cut anywhere."""
    def compare(ref, ours, args):
        if ref[:3] != b"*2\r" or ours[:3] != b"*2\r":
            return False
        begun = args[1 if args[0].lower() == b"scan" else 2]
        if begun.strip(b"+-0"):
            return True  # a cursor of nobody's making: where it leads is the server's own
        (cursor_ref, items_ref), (cursor, items) = parse(ref), parse(ours)
        if cursor_ref != b"0" or cursor != b"0":
            return True
        return canon(as_pairs(items_ref)) == canon(as_pairs(items)) if of_pairs else canon(items_ref) == canon(items)
    return compare


def shortest(value):
    """A double as level 7.2 writes it: the fewest digits that read back, integers up to 2^62 in full."""
    if abs(value) <= 2.0**62 and value == int(value):
        return "-0" if str(value) == "-0.0" else str(int(value))
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, part = mantissa.partition(".")
    point = len(whole) + int(power or 0)
    digits = (whole + part).lstrip("0")
    point -= len(whole + part) - len(digits)
    digits = digits.rstrip("0")
    return ("-" if value < 0 else "") + layout(digits, point)


def layout(digits, point):
    """These digits with the decimal point behind `point` of them."""
    places, exponent = len(digits) - point, point - 1
    if places <= 0 and point < len(digits) + 8:
        return digits + "0" * -places
    if places > 0 and (places < 7 or abs(exponent) < 4):
        return digits[:point] + "." + digits[point:] if point > 0 else "0." + "0" * -point + digits
    return digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + "e%+d" % exponent


FLOATS = re.compile(rb"\$(\d+)\r\n(-?\d[-+.e\d]*)\r\n|,(-?\d[-+.e\d]*)\r\n")


def scores(rule=same):
    """Level 7.0 writes 17 digits of a double: what it says is put in level 7.2's words first."""
    def rewrite(match):
        text = match.group(2) or match.group(3)
        try:
            value = float(text)
        except ValueError:
            return match.group(0)
        if match.group(2) and int(match.group(1)) != len(text) or b"%.17g" % value != text:
            return match.group(0)
        new = shortest(value).encode()
        return b"$%d\r\n%s\r\n" % (len(new), new) if match.group(2) else b",%s\r\n" % new

    def compare(ref, ours, args):
        return rule(FLOATS.sub(rewrite, ref), ours, args)
    return compare


def score_pages(ref, ours, args):
    """ZSCAN to the end: the same members, and scores that are the same numbers in whatever digits."""
    (cursor_ref, items_ref), (cursor, items) = parse(ref), parse(ours)
    if cursor_ref != b"0" or cursor != b"0":
        return True

    def numbers(flat):
        return sorted((member, float(score)) for member, score in as_pairs(flat))
    return numbers(items_ref) == numbers(items)


# Sections that the engine does not have (yet).
SECTIONS_MISSING = {"Latencystats"}


def sections(ref, ours, args):
    """INFO: the same sections; the fields have a test of their own."""
    def names(raw):
        found = re.findall(r"^# (\w+)\r$", parse(raw).decode(), re.M)
        return [name for name in found if name not in SECTIONS_MISSING]
    return ref[:1] == ours[:1] and ref[:1] in b"$=" and names(ref) == names(ours)


def client_line(ref, ours, args):
    """CLIENT LIST and INFO: each line has at least the reference's fields, in its order."""
    if ref[:1] != ours[:1] or ref[:1] not in b"$=":
        return False

    def fields(raw):
        return [re.findall(r"(?:^| )([a-z-]+)=", line) for line in parse(raw).decode().splitlines()]
    ref_lines, our_lines = fields(ref), fields(ours)
    return len(ref_lines) == len(our_lines) and all(
        [f for f in b if f in a] == a for a, b in zip(ref_lines, our_lines))


def starts_alike(ref, ours, args):
    """HELP texts, status lines about the server: same type, same first item."""
    if ref[:1] != ours[:1]:
        return False
    a, b = parse(ref), parse(ours)
    return not isinstance(a, list) or (bool(a) == bool(b) and a[:1] == b[:1])


def hello(ref, ours, args):
    """HELLO: the same keys in the same order; version, id and server name are the server's own."""
    if head(ref) != head(ours) or ref[:1] not in AGGREGATES:
        return False
    a, b = (as_pairs(parse(r)) for r in (ref, ours))
    fixed = (b"proto", b"mode", b"role", b"modules")
    return [k for k, _ in a] == [k for k, _ in b] and all(
        x == y for x, y in zip(a, b) if x[0] in fixed)


def encoding(ref, ours, args):
    """OBJECT ENCODING: level 7.2 keeps small sets and lists as listpacks, which level 7.0 does not know; and the
    reference makes a sorted set a skiplist when it is read by SORT."""
    return ref in (b"$9\r\nhashtable\r\n", b"$9\r\nquicklist\r\n", b"$8\r\nskiplist\r\n") and ours == b"$8\r\nlistpack\r\n"


def judged_first(ref, ours, args):
    """Level 8.0 looks at the arguments before the key: it sees what is wrong with them whatever the key holds."""
    return ref in (b":0\r\n", b":-1\r\n", WRONG_TYPE) and ours in (b"-ERR syntax error\r\n", NOT_INTEGER)


WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
NOT_INTEGER = b"-ERR value is not an integer or out of range\r\n"


def either(*rules):
    return lambda ref, ours, args: any(rule(ref, ours, args) for rule in rules)
