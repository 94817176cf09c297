"""Scripts and functions: few of them, but with any keys and values, amid all other commands."""

import hashlib

import compare
from gen.atoms import Gen, any_key, maybe, one_of, own_test, some, value

READING = ["return redis.call('GET', KEYS[1])", "return redis.pcall('GET', KEYS[1])", "return redis.call('TYPE', KEYS[1])",
           "return redis.pcall('LRANGE', KEYS[1], 0, 2)", "return {KEYS[1], ARGV[1], #KEYS, #ARGV}",
           "return redis.call('EXISTS', unpack(KEYS))", "return redis.pcall('HGET', KEYS[1], ARGV[1])",
           "return redis.call('STRLEN', KEYS[1]) > 3", "return tonumber(ARGV[1])", "return redis.error_reply('MY ' .. KEYS[1])",
           "redis.setresp(3) return redis.pcall('ZSCORE', KEYS[1], ARGV[1])", "return redis.sha1hex(ARGV[1])",
           "return cjson.encode(KEYS)", "return nothing_of_this_name", "return return"]
WRITING = ["return redis.call('SET', KEYS[1], ARGV[1])", "return redis.call('RPUSH', KEYS[1], unpack(ARGV))",
           "redis.call('DEL', KEYS[1]) return redis.call('SADD', KEYS[1], ARGV[1])",
           "local had = redis.pcall('INCR', KEYS[1]) if type(had) == 'table' then return had.err end return had",
           "redis.call('SET', KEYS[1], 1) return redis.call('LPUSH', KEYS[1], 1)",
           "for i = 1, 3 do redis.pcall('HSET', KEYS[1], i, ARGV[1]) end return redis.pcall('HLEN', KEYS[1])",
           "#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], ARGV[1])",
           "return redis.call('COPY', KEYS[1], ARGV[1], 'REPLACE')"]
LIBRARY = """#!lua name=drawn
redis.register_function('writes', function(keys, args) return redis.call('SET', keys[1], args[1]) end)
redis.register_function{function_name='reads', flags={'no-writes'},
                        callback=function(keys, args) return redis.call('EXISTS', unpack(keys)) end}
"""

reading, writing = one_of(*READING), one_of(*READING, *WRITING)


def sha1_of(script):
    return lambda rng: hashlib.sha1(script(rng)[0].encode()).hexdigest()


arguments = one_of([1, any_key, value], [1, any_key, value], [2, any_key, any_key, value, value], [0], [3, any_key], [-1], ["x"])
sha1 = one_of(sha1_of(writing), "0" * 40, "x")
function = one_of("writes", "reads", "nobody")
loading = [["FUNCTION", "LOAD", "REPLACE", LIBRARY]]

TABLE = {
    "eval": Gen(writing, arguments, is_safe=False, weight=2),
    "eval_ro": Gen(writing, arguments, is_safe=False),
    "evalsha": Gen(sha1, arguments, is_safe=False),
    "evalsha_ro": Gen(sha1, arguments, is_safe=False),
    "script|load": Gen(writing),
    "script|exists": Gen(some(sha1, 1, 3)),
    "script|flush": Gen(maybe(one_of("ASYNC", "SYNC", "NOW")), weight=0.2),
    "script|kill": Gen(),
    "script|show": own_test("test_scripting.py: level 8.0 alone knows it"),
    "script|help": Gen(compare=compare.starts_alike),
    "fcall": Gen(function, arguments, setup=loading, is_safe=False),
    "fcall_ro": Gen(function, arguments, setup=loading, is_safe=False),
    "function|load": Gen(maybe(one_of("REPLACE", "NONSENSE")), one_of(LIBRARY, "#!lua name=empty\n", "no header"), weight=0.5),
    "function|delete": Gen(one_of("drawn", "nobody"), weight=0.5),
    "function|flush": Gen(maybe(one_of("ASYNC", "SYNC", "NOW")), weight=0.2),
    "function|list": own_test("test_scripting.py: the functions of a library have no order"),
    "function|dump": own_test("test_scripting.py: it says the version of the snapshot format"),
    "function|restore": own_test("test_scripting.py"),
    "function|stats": Gen(compare=compare.kind),
    "function|kill": Gen(),
    "function|help": Gen(compare=compare.starts_alike),
}
