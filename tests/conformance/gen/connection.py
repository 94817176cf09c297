"""The connection's own commands, and transactions."""

import compare
from gen.atoms import Gen, any_key, maybe, one_of, own_test, some, value

name = one_of("me", "you", "", "with space", "bad\nname", "x" * 100)
on_off = one_of("ON", "OFF", "on", "off", "maybe")

TABLE = {
    "ping": Gen(maybe(value)),
    "echo": Gen(value),
    "select": Gen(one_of(0, 1, 15, 16, -1, "x"), after=lambda rng, args: [["SELECT", 0]], weight=0.5),
    "hello": Gen(one_of([], [1], [4], ["x"], ["2", "AUTH", "default"], ["3", "SETNAME"], ["2", "NONSENSE"]),
                 compare=compare.hello, is_safe=False, weight=0.3),
    "auth": Gen(one_of(["pw"], ["default", "pw"], ["nobody", "pw"], ["a", "b", "c"]), is_safe=False, weight=0.3),
    "quit": own_test("test_connection.py"),
    "reset": own_test("test_connection.py"),
    "asking": Gen(weight=0.1),
    "readonly": Gen(weight=0.1),
    "readwrite": Gen(weight=0.1),
    "client|id": Gen(compare=compare.kind),
    "client|setname": Gen(name),
    "client|getname": Gen(),
    "client|list": Gen(maybe(one_of(["TYPE", one_of("normal", "master", "replica", "pubsub", "x")], ["ID", "99999"], "x")),
                       compare=compare.either(compare.client_line, compare.kind)),
    "client|info": Gen(compare=compare.client_line),
    "client|no-evict": Gen(on_off),
    "client|no-touch": Gen(on_off),
    "client|capa": Gen(one_of(["redirect"], ["other"], ["redirect", "other"])),
    "client|reply": own_test("test_connection.py"),
    "client|kill": own_test("test_connection.py"),
    "client|pause": own_test("test_connection.py"),
    "client|unpause": Gen(),
    "client|unblock": Gen(one_of(999999, "x"), maybe(one_of("TIMEOUT", "ERROR", "x"))),
    "client|setinfo": Gen(one_of(["LIB-NAME", "lib"], ["LIB-VER", "1.0"], ["x", "y"], ["LIB-NAME", "a b"]), is_safe=False),
    "client|getredir": Gen(),
    "client|trackinginfo": Gen(),
    "client|caching": Gen(one_of("YES", "NO", "x")),
    "client|tracking": Gen(one_of(["OFF"], ["x"], ["ON", "PREFIX", "a"], ["ON", "OPTIN", "OPTOUT"], ["ON", "REDIRECT", "999999"]), is_safe=False),
    "client|help": Gen(compare=compare.starts_alike),
    "multi": own_test("drawn as whole transactions in differential.py; test_edges.py"),
    "exec": Gen(weight=0.1),
    "discard": Gen(weight=0.1),
    "watch": Gen(some(any_key, 1, 2), weight=0.3),
    "unwatch": Gen(weight=0.3),
}
