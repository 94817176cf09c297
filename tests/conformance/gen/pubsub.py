"""Messages to channels, and who is subscribed. Only who publishes is drawn: a subscriber's replies are not one to a
command, and in RESP2 hardly any other command may follow."""

import compare
from gen.atoms import Gen, maybe, one_of, own_test, some, value

channel = one_of("c0", "c1", "", "s0", "{tag}c", b"\x00\xff\r\n")
pattern = one_of("*", "c*", "[c]?", "nothing", "")

TABLE = {
    "publish": Gen(channel, value),
    "spublish": Gen(channel, value),
    "pubsub|channels": Gen(maybe(pattern), compare=compare.unordered),
    "pubsub|shardchannels": Gen(maybe(pattern), compare=compare.unordered),
    "pubsub|numpat": Gen(),
    "pubsub|numsub": Gen(some(channel, 0, 3)),
    "pubsub|shardnumsub": Gen(some(channel, 0, 3)),
    "pubsub|help": Gen(compare=compare.starts_alike),
    "subscribe": own_test("test_pubsub.py"),
    "unsubscribe": own_test("test_pubsub.py"),
    "psubscribe": own_test("test_pubsub.py"),
    "punsubscribe": own_test("test_pubsub.py"),
    "ssubscribe": own_test("test_pubsub.py"),
    "sunsubscribe": own_test("test_pubsub.py"),
}
