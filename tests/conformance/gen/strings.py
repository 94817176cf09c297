"""Strings and bitmaps."""

from compare import judged_first
from gen.atoms import (Gen, any_order, case, expiry, floating, future_ms, future_s, integer, maybe, one_of,
                       small_int, some, string_key, value)

set_options = any_order(maybe(one_of(case("NX"), case("XX")), p=0.3), maybe(case("GET"), p=0.3),
                        maybe(one_of(expiry, case("KEEPTTL")), p=0.4))
offset = one_of(0, 1, 3, 10, 100, -1, "x", 2**63 - 1)
bit_offset = one_of(0, 1, 7, 8, 63, 64, 1000, -1, "x", 2**32, 2**63 - 1)
bit_type = one_of("u1", "u8", "i8", "i16", "u31", "i64", "u63", "u64", "i65", "i0", "x")
bit_place = one_of(0, 3, 8, "#0", "#1", "#7", "-1", "#x")
bit_step = one_of(["GET", bit_type, bit_place], ["SET", bit_type, bit_place, integer],
                  ["INCRBY", bit_type, bit_place, integer], ["OVERFLOW", one_of("WRAP", "SAT", "FAIL", "NONE")])
bit_end = maybe(one_of("BYTE", "BIT", "bit", "x"))
bit_range = maybe(small_int, maybe(small_int, bit_end))
# Level 8.0 takes a range without its end.
count_range = maybe(small_int, small_int, bit_end)

TABLE = {
    "set": Gen(string_key, value, set_options, weight=3),
    "setnx": Gen(string_key, value),
    "setex": Gen(string_key, future_s, value),
    "psetex": Gen(string_key, future_ms, value),
    "get": Gen(string_key, weight=2),
    "getset": Gen(string_key, value),
    "getdel": Gen(string_key),
    "getex": Gen(string_key, maybe(one_of(expiry, "PERSIST"))),
    "mget": Gen(some(string_key, 1, 6)),
    "mset": Gen(some([string_key, value])),
    "msetnx": Gen(some([string_key, value], 1, 2)),
    "incr": Gen(string_key),
    "decr": Gen(string_key),
    "incrby": Gen(string_key, integer),
    "decrby": Gen(string_key, integer),
    "incrbyfloat": Gen(string_key, floating),
    "append": Gen(string_key, value),
    "strlen": Gen(string_key),
    "getrange": Gen(string_key, integer, integer),
    "substr": Gen(string_key, integer, integer),
    "setrange": Gen(string_key, offset, value, is_safe=False),
    "lcs": Gen(string_key, string_key, any_order(maybe("LEN", p=0.3), maybe("IDX"), maybe("MINMATCHLEN", integer, p=0.3),
                                                 maybe("WITHMATCHLEN", p=0.3))),
    "setbit": Gen(string_key, bit_offset, one_of(0, 1, 2, "x"), is_safe=False),
    "getbit": Gen(string_key, bit_offset),
    "bitcount": Gen(string_key, count_range, compare=judged_first, is_safe=False),
    "bitpos": Gen(string_key, one_of(0, 1, 2), bit_range, compare=judged_first),
    "bitop": Gen(one_of("AND", "OR", "XOR", "not", "DIFF"), string_key, some(string_key, 1, 3)),
    "bitfield": Gen(string_key, some(bit_step, 0, 4), is_safe=False),
    "bitfield_ro": Gen(string_key, some(one_of(["GET", bit_type, bit_place], ["SET", "u8", 0, 1]), 0, 3)),
}
