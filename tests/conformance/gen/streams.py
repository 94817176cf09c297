"""Streams. Names are drawn where both servers find the same ones: never from the clock."""

import compare
from gen.atoms import Gen, any_order, case, count, field, key_of, maybe, one_of, own_test, some, value

stream_key = key_of("x")
group = one_of("g", "h", "i")
consumer = one_of("Alice", "Bob", "c")


def known_id(rng):
    return "5-%d" % rng.randrange(25)


any_id = one_of(known_id, known_id, known_id, "0", "0-0", "5", "6-3", "9999-1", "18446744073709551615-18446744073709551615",
                "1-x", "x", "-", "+", "", "5-", "-5", "1-2-3", "05-01", "18446744073709551616")
new_id = one_of("5-*", "5-*", "5-*", "5-*", "6-*", known_id, any_id)
bound = one_of(known_id, known_id, any_id, "-", "+", ["("], lambda rng: "(" + known_id(rng), "(-", "(5", "(0-0",
               "(18446744073709551615-18446744073709551615")
rough = maybe(one_of("~", "=", "~"))
trim = one_of([case("MAXLEN"), rough, count], [case("MINID"), rough, any_id])
trimmed = [trim, maybe("LIMIT", count, p=0.2)]
entries_read = maybe("ENTRIESREAD", one_of(0, 3, -1, -2, "x", 100), p=0.2)
reads = any_order(maybe("COUNT", count))
claim_options = any_order(maybe("IDLE", one_of(0, 10, "x"), p=0.2), maybe("TIME", one_of(0, 1000, "x"), p=0.2),
                          maybe("RETRYCOUNT", one_of(0, 7, -1, "x"), p=0.3), maybe("FORCE", p=0.4),
                          maybe("JUSTID", p=0.4), maybe("LASTID", any_id, p=0.2), maybe("NONSENSE", p=0.05))


def streams(ids):
    """STREAMS with as many keys as ids, now and then one more."""
    def draw(rng):
        n = rng.choice([1, 1, 1, 2, 3])
        keys = [stream_key(rng) for _ in range(n)]
        wanted = n if rng.random() < 0.95 else n + 1
        return ["STREAMS", *keys, *[ids(rng) for _ in range(wanted)]]
    return draw


def no_idle(ref, ours, args):
    """XPENDING: the same, but for the milliseconds that have passed."""
    def without(raw):
        items = compare.parse(raw)
        return [item[:2] + item[3:] if isinstance(item, list) and len(item) == 4 else item for item in items]
    return compare.head(ref) == compare.head(ours) and without(ref) == without(ours)


def no_tree(ref, ours, args):
    """XINFO STREAM: how many nodes a tree elsewhere has is nobody's business."""
    def without(raw):
        pairs = compare.as_pairs(compare.parse(raw))
        return [(name, value) for name, value in pairs if name != b"radix-tree-nodes"]
    return compare.head(ref) == compare.head(ours) and without(ref) == without(ours)


def no_consumers(ref, ours, args):
    """XINFO GROUPS: level 7.2 makes a consumer that asks, level 7.0 only one that gets something."""
    def without(raw):
        return [[(k, v) for k, v in compare.as_pairs(g) if k != b"consumers"] for g in compare.parse(raw)]
    return compare.head(ref) == compare.head(ours) and without(ref) == without(ours)


def newer_words(ref, ours, args):
    """Level 7.2 names the command in another way where keys and ids are not as many."""
    return ref.startswith(b"-ERR Unbalanced ") and ours.startswith(b"-ERR Unbalanced ")


def last_entry(ref, ours, args):
    """Level 8.0 knows + in XREAD: the last entry."""
    return newer_words(ref, ours, args) or (b"+" in args and ref.startswith(b"-ERR Invalid stream ID"))


def meaningless(ref, ours, args):
    return newer_words(ref, ours, args) or (b"+" in args and b"The + ID is meaningless" in ours)


TABLE = {
    "xadd": Gen(stream_key, maybe(case("NOMKSTREAM"), p=0.1), maybe(trimmed, p=0.2), new_id, some([field, value], 1, 3),
                weight=3, is_safe=False),
    "xlen": Gen(stream_key),
    "xrange": Gen(stream_key, bound, bound, maybe("COUNT", count)),
    "xrevrange": Gen(stream_key, bound, bound, maybe("COUNT", count)),
    "xdel": Gen(stream_key, some(known_id, 1, 4)),
    "xtrim": Gen(stream_key, trimmed, weight=0.5),
    "xsetid": Gen(stream_key, any_id, any_order(maybe("ENTRIESADDED", one_of(0, 30, -1, "x"), p=0.3),
                                                maybe("MAXDELETEDID", any_id, p=0.3)), weight=0.3),
    "xread": Gen(reads, streams(one_of(known_id, "0", "$", any_id)), compare=last_entry, is_safe=False),
    "xreadgroup": Gen("GROUP", group, consumer, reads, maybe("NOACK", p=0.2), streams(one_of(">", ">", ">", "0", any_id)),
                      compare=meaningless, weight=2, is_safe=False),
    "xack": Gen(stream_key, group, some(known_id, 1, 3)),
    "xpending": Gen(stream_key, group, maybe(maybe("IDLE", one_of(0, "x"), p=0.2), bound, bound, count, maybe(consumer)),
                    compare=no_idle),
    "xclaim": Gen(stream_key, group, consumer, one_of(0, 0, 0, -5, 3600000, "x"), some(known_id, 1, 3), claim_options),
    "xautoclaim": Gen(stream_key, group, consumer, one_of(0, 0, 0, -5, 3600000, "x"), bound,
                      any_order(maybe("COUNT", count), maybe("JUSTID"))),
    "xgroup|create": Gen(stream_key, group, one_of("$", "0", any_id), maybe(case("MKSTREAM"), p=0.3), entries_read),
    "xgroup|setid": Gen(stream_key, group, one_of("$", "0", any_id), entries_read, weight=0.5),
    "xgroup|destroy": Gen(stream_key, group, weight=0.3),
    "xgroup|createconsumer": Gen(stream_key, group, consumer, compare=compare.kind),
    "xgroup|delconsumer": Gen(stream_key, group, consumer, weight=0.4),
    "xgroup|help": Gen(compare=compare.starts_alike),
    "xinfo|stream": Gen(stream_key, compare=no_tree),
    "xinfo|groups": Gen(stream_key, compare=no_consumers),
    "xinfo|consumers": own_test("test_streams.py: level 7.2 says more"),
    "xinfo|help": Gen(compare=compare.starts_alike),
}
