"""Scripts and functions answer as redis-server's do, in both protocols: values of both languages, errors with their
places, the libraries of the sandbox; and a script that takes long is ended, while others are told that it is busy."""

import re
import threading

import pytest
import servers
from wire import Closed, command

# One script a line; {n} is a line feed. What must be the same byte for byte.
SCRIPTS = r"""
return 1
return 3.99
return -3.99
return 'text'
return ''
return true
return false
return nil
return {}
return {1, 2, nil, 4}
return {1, 'a', {2, {3}}, true, false}
return {ok = 'fine'}
return {ok = 'two\r\nlines'}
return {err = 'MYERR words'}
return {err = 'words'}
return {double = 1.5}
return {double = 3}
return {double = 1/0}
return {big_number = '123456789012345678901234567890'}
return {big_number = '12\r\n34'}
return {verbatim_string = {format = 'txt', string = 'words'}}
return {verbatim_string = {format = 'txt'}}
return {map = {a = 1}}
return {set = {a = true}}
return {map = {}}
redis.setresp(3) return true
redis.setresp(3) return false
redis.setresp(3) return nil
redis.setresp(3) return {true, false}
return redis.error_reply('ERR words')
return redis.error_reply('CODE words')
return redis.error_reply('-CODE words')
return redis.error_reply('words')
return redis.error_reply(1)
return redis.status_reply('fine')
return redis.status_reply()
return function() end
return 9007199254740993
return 1e18
return -1e18
return {KEYS[1], KEYS[2], ARGV[1], #KEYS, #ARGV}
return redis.call('ping')
return redis.call('echo', 'x')
return redis.call('set', 'k', 'v')
return redis.call('get', 'none')
return redis.call('lrange', 'list', 0, -1)
return redis.call('hgetall', 'hash')
redis.setresp(3) return redis.call('hgetall', 'hash')
redis.setresp(3) return redis.call('hgetall', 'hash')['map']['f']
redis.setresp(3) return redis.call('smembers', 'set')
redis.setresp(3) return redis.call('smembers', 'set')['set']['m']
redis.setresp(3) return redis.call('zscore', 'zset', 'm')
redis.setresp(3) return redis.call('zscore', 'zset', 'm')['double'] * 2
redis.setresp(3) return redis.call('get', 'none')
redis.setresp(3) return type(redis.call('get', 'none'))
redis.setresp(2) return type(redis.call('get', 'none'))
redis.setresp(4)
redis.setresp()
redis.setresp(2, 3)
return redis.call('incr', 'list')
return redis.pcall('incr', 'list')
return redis.pcall('incr', 'list')['err']
local r = redis.pcall('nope') return type(r) .. r.err
return redis.call('nope')
return redis.pcall('nope', 'a')
return redis.call('get')
return redis.call('multi')
return redis.call('eval', 'return 1', 0)
return redis.call('config', 'get', 'x')
return redis.call('acl', 'nope')
return redis.call()
return redis.call(nil)
return redis.call('get', {})
return redis.call('get', true)
return redis.call('echo', 1)
return redis.call('echo', 1.0)
return redis.call('echo', 1e15)
return redis.call('echo', 0.5)
return redis.call('echo', 12345678901234)
redis.call('select', 5) redis.call('set', 'in5', 'v') return redis.call('exists', 'in5')
return redis.call('exists', 'in5')
return {redis.call('set', 'a', 1), redis.call('incrby', 'a', 2), redis.call('del', 'a')}
local ok, e = pcall(redis.call, 'incr', 'list') return {ok, e}
local ok, e = pcall(function() error({err = 'X y'}) end) return {ok, e}
local ok, e = pcall(function() error('words') end) return {ok, e}
local ok, e = pcall(function() error({1, 2}) end) return e
return {xpcall(function() error('x') end, function(m) return 'handled ' .. m end)}
error('words')
error({err = 'CODE words'})
error({err = 'words'})
error()
error('words', 0)
error('words', 2)
{n}{n}error('third line')
local function f() error('deep') end{n}local function g() f() end{n}g()
return 1 + nil
return nil .. 'x'
return ('x')()
return #5
return foo
foo = 1
return foo.bar
local a = b
_G.foo = 1
return _G.foo
rawset(_G, 'foo', 1)
setmetatable(_G, {})
getmetatable(_G).__index = 1
redis.call = 1
redis = 1
string.format = 1
rawset(redis, 'call', 1)
setmetatable(redis, {})
cjson.encode = 1
cmsgpack.pack = 1
bit.band = 1
struct.pack = 1
table.insert(redis, 1)
_G = {}
KEYS = 1
KEYS[1] = 'changed' return KEYS
ARGV = {}
return type(_G)
return type(redis.call)
return getmetatable(redis)
return type(getmetatable(_G))
return tostring(nil) .. tostring(true) .. tostring(1.5)
return io
return dofile
return loadfile
return print
return require
return debug
return package
return module
return loadstring('return 5')()
return type(loadstring('return return'))
return select(2, loadstring('return return'))
return loadstring(string.dump(loadstring('return 1')))
local i = 0 return load(function() i = i + 1 return ({'return ', '7'})[i] end)()
return select('#', 1, 2, 3)
return select(-1, 1, 2, 3)
return {unpack({1, 2, 3}, 2)}
return tonumber('0x10')
return tonumber('zz', 36)
return #string.rep('x', 1000)
return ('%5.2f|%d|%s|%q'):format(1.5, 7, 'x', 'a"b')
return ('hello'):gsub('l', 'L')
return {('k=v'):match('(%w+)=(%w+)')}
return table.concat({1, 2, 3}, ',')
local t = {3, 1, 2} table.sort(t) return t
local t = {1, 2} table.insert(t, 3) table.insert(t, 1, 0) table.remove(t) return t
return table.getn({1, 2, 3})
return {math.floor(1.7), math.max(1, 5), math.huge > 1}
math.randomseed(10) return {math.random(1000), math.random(1000), math.random(5, 10)}
return math.random(0)
return math.random(1, 2, 3)
return redis.sha1hex('')
return redis.sha1hex('x')
return redis.sha1hex()
return redis.replicate_commands()
return redis.breakpoint()
redis.set_repl(redis.REPL_ALL)
redis.set_repl(redis.REPL_NONE) redis.set_repl(redis.REPL_AOF) return redis.REPL_REPLICA
redis.set_repl(99)
return {redis.LOG_DEBUG, redis.LOG_VERBOSE, redis.LOG_NOTICE, redis.LOG_WARNING}
redis.log(redis.LOG_DEBUG, 'x') return 1
redis.log(1)
redis.log('x', 'y')
redis.log(10, 'y')
return redis.acl_check_cmd('set', 'k', 'v')
return redis.acl_check_cmd('nope')
return redis.acl_check_cmd()
return redis.register_function
return cjson.encode({1, 2, 3})
return cjson.encode({a = 1})
return cjson.encode({})
return cjson.encode({1.5, 'x', true, cjson.null})
return cjson.encode({[1] = 1, [3] = 3})
return cjson.encode({[1] = 1, [100] = 3})
return cjson.encode(0.1)
return cjson.encode('\0\1"\\/\n\127')
return cjson.encode(1/0)
return cjson.encode(function() end)
return cjson.encode({[true] = 1})
local t = {} t[1] = t return cjson.encode(t)
return cjson.decode('[1, 2, {"a": [true, false, null]}]')[3].a
return cjson.decode('{"a": 1.5e3}').a
return cjson.decode('"\\u00e9\\ud83d\\ude00"')
return cjson.decode('')
return cjson.decode('{')
return cjson.decode('[1, 2')
return cjson.decode('nope')
return cjson.decode('[1] x')
return cjson.decode('"\\x"')
return cjson.decode('0x10')
return cjson.decode(string.rep('[', 2000))
return cjson.decode(nil)
return cjson.null == cjson.decode('null')
return tostring(cjson.decode('[null]')[1])
return cmsgpack.pack(1, -1, 300, -300, 70000, -70000, 2^40, -2^40, 0.5, 0.1)
return cmsgpack.pack('x', string.rep('y', 40), string.rep('z', 300))
return cmsgpack.pack(nil, true, false, {}, {1, 2}, {a = 1}, {[1] = 1, [3] = 3})
return cmsgpack.pack({{{{{{{{{{{{{{{{{{1}}}}}}}}}}}}}}}}}})
return cmsgpack.pack()
return cmsgpack.pack(function() end)
return {cmsgpack.unpack(cmsgpack.pack(1, -1, 300, 'x', {1, {2}}, true, nil, 5))}
return cmsgpack.unpack('\146\1')
return cmsgpack.unpack('\193')
return cmsgpack.unpack('')
return {cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3))}
return {cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3), 1)}
return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2)}
return cmsgpack.unpack_one('a', 7)
return cmsgpack.unpack_one('a', -1)
return cmsgpack._VERSION .. cmsgpack._NAME
return struct.pack('>I2<I4', 1, 2)
return struct.pack('bBhHiIlLT', -1, 1, -2, 2, -3, 3, -4, 4, 5)
return struct.pack('>fd', 1.5, 2.25)
return struct.pack('!4 b i4', 1, 2)
return struct.pack('sc3c0', 'abc', 'xyz', 'whole')
return struct.pack('x b', 1)
return struct.pack('c5', 'abc')
return struct.pack('i33', 1)
return struct.pack('q', 1)
return struct.pack('b')
return {struct.unpack('>I2<I4', '\0\1\2\0\0\0')}
return {struct.unpack('bc0', '\3abc')}
return {struct.unpack('s', 'abc\0def')}
return {struct.unpack('>i3', '\255\255\254')}
return {struct.unpack('I2', 'abcd', 3)}
return struct.unpack('I4', 'abc')
return struct.unpack('s', 'abc')
return struct.unpack('I4', 'abcd', 0)
return struct.unpack('c0', 'abc')
return struct.size('!8 b i d')
return struct.size('s')
return struct.size('c0')
return {bit.tobit(2^31), bit.bnot(0), bit.band(7, 3), bit.bor(1, 2), bit.bxor(1, 3)}
return {bit.lshift(1, 31), bit.rshift(-1, 1), bit.arshift(-8, 1), bit.rol(1, 33), bit.ror(1, 1), bit.bswap(1)}
return {bit.tohex(255), bit.tohex(255, 4), bit.tohex(255, -4), bit.tohex(65535, -2147483648)}
return bit.band()
return bit.band('x')
local function r(n) return 1 + r(n + 1) end return r(1)
local t = {} t[1] = t return #tostring(t) > 0
local t = {} for i = 1, 10000 do t[i] = i end return #t
local t = {} for i = 1, 7000 do t[i] = 'x' end return redis.call('rpush', 'many', unpack(t))
return string.rep('x', -1)
return string.format('%d', 'x')
local co = coroutine.wrap(function() coroutine.yield(1) return 2 end) return {co(), co()}
local co = coroutine.create(function() error('x') end) return {coroutine.resume(co)}
return coroutine.wrap(function() return redis.call('ping') end)()
local t = setmetatable({}, {__index = function(t, k) return k .. '!' end}) return t.x
local t = setmetatable({}, {__call = function(t, a) return a + 1 end}) return t(1)
local n = 0 for k in pairs(string) do n = n + 1 end return n > 10
local n = 0 for i, v in ipairs({1, 2, 3}) do n = n + v end return n
return next({})
return rawequal(redis, redis)
return rawget(_G, 'foo')
return type(rawget(_G, 'redis'))
return collectgarbage('count') > 0
return type(gcinfo())
return _VERSION
#!lua{n}return 1
#!lua flags=no-writes{n}return redis.call('set', 'k', 'v')
#!lua flags=no-writes,allow-stale{n}return redis.call('get', 'k')
#!lua flags=bad{n}return 1
#!lua name=x{n}return 1
#!js{n}return 1
#!lua
#!lua flags={n}return 1
return return
return 'unfinished
"""

LIBRARIES = [
    "redis.register_function('f', function(keys, args) return {keys[1], args[1], #keys, #args} end)",
    "redis.register_function{function_name='f', callback=function() return 1 end, flags={'no-writes'}, description='d'}",
    "redis.register_function('f', function() return redis.call('set', 'k', 'v') end)",
    "redis.register_function{function_name='f', callback=function() return redis.call('set', 'k', 'v') end, flags={'no-writes'}}",
    "redis.register_function('f', function() return redis.call('nope') end)",
    "redis.register_function('f', function() error('words') end)",
    "redis.register_function('f', function() x = 1 end)",
    "redis.register_function('f', function() return KEYS end)",
    "redis.register_function('f', function() return redis.register_function('g', function() end) end)",
    "local n = 0{n}redis.register_function('f', function() n = n + 1 return n end)",
    "local function helper() return 7 end{n}redis.register_function('f', helper)",
    "redis.register_function('f', function() end){n}redis.register_function('f', function() end)",
    "redis.register_function('f', function() end, 'x')",
    "redis.register_function()",
    "redis.register_function('f')",
    "redis.register_function(1, function() end)",
    "redis.register_function('f', 'x')",
    "redis.register_function('f-g', function() end)",
    "redis.register_function{function_name='f'}",
    "redis.register_function{callback=function() end}",
    "redis.register_function{function_name='f', callback=1}",
    "redis.register_function{function_name='f', callback=function() end, flags={'bad'}}",
    "redis.register_function{function_name='f', callback=function() end, flags='no-writes'}",
    "redis.register_function{function_name='f', callback=function() end, nope=1}",
    "redis.register_function{function_name=1, callback=function() end, description=2}",
    "redis.register_function{1}",
    "redis.call('ping')",
    "redis.setresp(3)",
    "return math.random()",
    "x = 1",
    "return x",
    "error('words')",
    "error({err = 'CODE words'})",
    "return return",
    "",
]

COMMANDS = [
    "EVAL|return 1", "EVAL|return 1|x", "EVAL|return 1|-1", "EVAL|return 1|2|a", "EVAL|return {KEYS, ARGV}|2|a|b|c",
    "EVAL_RO|return redis.call('get', 'k')|0", "EVAL_RO|return redis.call('set', 'k', 'v')|0", "EVALSHA|x|0",
    "EVALSHA|ffffffffffffffffffffffffffffffffffffffff|0", "EVALSHA_RO|ffffffffffffffffffffffffffffffffffffffff|0",
    "SCRIPT|LOAD|return 7", "SCRIPT|LOAD|return return", "EVALSHA|e0e1f9fabfc9d4800c877a703b823ac0578ff8db|0",
    "SCRIPT|EXISTS|x|y", "SCRIPT|EXISTS", "SCRIPT|LOAD", "SCRIPT|FLUSH|NOW", "SCRIPT|FLUSH|SYNC|x", "SCRIPT|KILL",
    "SCRIPT|NOPE", "SCRIPT", "SCRIPT|FLUSH|ASYNC", "FUNCTION|LOAD|x", "FUNCTION|LOAD|#!lua", "FUNCTION|LOAD|#!lua\nx",
    "FUNCTION|LOAD|#!lua name=a name=b\nx", "FUNCTION|LOAD|#!lua name=a-b\nx", "FUNCTION|LOAD|#!js name=a\nx",
    "FUNCTION|LOAD|#!lua name=a foo=bar\nx", "FUNCTION|LOAD|NOPE|x", "FUNCTION|LOAD|REPLACE", "FUNCTION|LOAD",
    "FUNCTION|DELETE|nope", "FUNCTION|DELETE", "FUNCTION|FLUSH|NOW", "FUNCTION|FLUSH|SYNC|x", "FUNCTION|KILL",
    "FUNCTION|LIST|NOPE", "FUNCTION|LIST|LIBRARYNAME", "FUNCTION|LIST|LIBRARYNAME|*|WITHCODE|x", "FUNCTION|STATS",
    "FUNCTION|RESTORE|x", "FUNCTION|RESTORE|x|NOPE", "FUNCTION|RESTORE|x|FLUSH|y", "FUNCTION|NOPE", "FUNCTION",
    "FCALL|nope|0", "FCALL|nope|x", "FCALL_RO|nope|0", "FCALL|nope", "FUNCTION|LIST", "FUNCTION|STATS|x",
]


def script_lines():
    return [line.replace("{n}", "\n") for line in SCRIPTS.strip().splitlines()]


def prepare(conn):
    for words in (("FLUSHALL",), ("FUNCTION", "FLUSH"), ("RPUSH", "list", "a", "b"), ("HSET", "hash", "f", "v"),
                  ("SADD", "set", "m"), ("ZADD", "zset", "1.5", "m")):
        conn.call(*words)


@pytest.fixture(params=[False, True], ids=["RESP2", "RESP3"])
def both(request, shared_engine, shared_reference):
    with shared_reference.get().conn(resp3=request.param) as ref, shared_engine.get().conn(resp3=request.param) as ours:
        prepare(ref)
        prepare(ours)
        yield ref, ours
        for conn in (ref, ours):
            conn.call("FUNCTION", "FLUSH")
            conn.call("SCRIPT", "FLUSH")
            conn.call("FLUSHALL")


def differences(both, requests):
    ref, ours = both
    return [(words, want, got) for words in requests
            for want, got in [(ref.raw(*words), ours.raw(*words))] if want != got]


def must_be_equal(found):
    assert not found, "%d differ\n" % len(found) + "\n".join(
        "%r\n  redis-server  %r\n  larder-engine %r" % (words, want[:300], got[:300]) for words, want, got in found[:20])


def test_scripts_answer_as_the_reference_does(both):
    must_be_equal(differences(both, [("EVAL", text, "2", "k1", "k2", "a1") for text in script_lines()]))


WRITING = "#!lua{n}return 1", "#!lua flags=allow-oom{n}return 1", "#!lua flags=no-writes{n}return 1", "return 1"


@pytest.mark.parametrize("text", WRITING)
def test_a_queued_script_that_may_write_ends_the_transaction_of_a_replica(both, shared_engine, shared_reference, text):
    text = text.replace("{n}", "\n")
    sha1 = [conn.call("SCRIPT", "LOAD", text) for conn in both][0]
    with shared_reference.get().conn() as ref, shared_engine.get().conn() as ours:
        for words in (("EVAL", text, 0), ("EVALSHA", sha1, 0)):
            found = differences(both, [("MULTI",), words])
            found += differences((ref, ours), [("REPLICAOF", "127.0.0.1", 1)])
            found += differences(both, [("EXEC",), words, ("MULTI",), words, ("EXEC",)])
            found += differences((ref, ours), [("REPLICAOF", "NO", "ONE")])
            must_be_equal(found)


FAILURES = ("return redis.call('select', 99)", "return redis.pcall('select', 99)", "redis.pcall('select', 99) return 1",
            "return redis.error_reply('OWN')", "return redis.call('nosuch')", "return 1")


@pytest.mark.parametrize("text", FAILURES)
def test_a_script_fails_by_what_it_answers(both, text):
    counted = []
    for conn in both:
        conn.call("CONFIG", "RESETSTAT")
        conn.call("EVAL", text, 0)
        conn.batch([["MULTI"], ["EVAL", text, 0], ["EXEC"]])
        lines = re.findall(rb"cmdstat_(eval|exec|select):calls=(\d+).*(rejected_calls=.*)", conn.call("INFO", "commandstats"))
        counted.append((sorted(lines), sorted(re.findall(rb"errorstat_.*", conn.call("INFO", "errorstats")))))
    assert counted[1] == counted[0]


def test_scripts_that_were_evicted_are_counted(quick):
    with quick.conn() as conn:
        conn.call("SCRIPT", "FLUSH")
        conn.call("CONFIG", "RESETSTAT")
        conn.batch([["EVAL", "return %d" % i, 0] for i in range(503)])
        assert b"evicted_scripts:3\r\n" in conn.call("INFO", "stats")
        conn.call("CONFIG", "RESETSTAT")
        assert b"evicted_scripts:0\r\n" in conn.call("INFO", "stats")


def test_commands_on_scripts_and_functions_do(both):
    must_be_equal(differences(both, [tuple(line.split("|")) for line in COMMANDS]))


def test_the_text_of_a_script_is_shown(quick):
    """As level 8.0 does."""
    text = b"return 'shown'"
    with quick.conn() as conn:
        sha1 = conn.call("SCRIPT", "LOAD", text)
        assert conn.call("SCRIPT", "SHOW", sha1) == text
        assert conn.call("SCRIPT", "SHOW", sha1.upper()) == text
        assert conn.call("SCRIPT", "FLUSH") == b"OK"
        assert conn.call("SCRIPT", "SHOW", sha1) == "NOSCRIPT No matching script. Please use EVAL."


def test_functions_do(both):
    requests = []
    for body in LIBRARIES:
        requests += [("FUNCTION", "LOAD", "REPLACE", "#!lua name=lib\n" + body.replace("{n}", "\n")),
                     ("FCALL", "f", "1", "k", "a"), ("FCALL", "F", "0"), ("FCALL_RO", "f", "0"),
                     ("FUNCTION", "LIST", "WITHCODE"), ("FUNCTION", "FLUSH")]
    must_be_equal(differences(both, requests))


def test_libraries_go_from_one_server_to_the_other(both):
    ref, ours = both  # what ours writes is of level 7.2, which the reference cannot read
    text = "#!lua name=lib\nredis.register_function('f', function() return 'moved' end)"
    for source, target in ((ref, ours), (ours, ours)):
        source.call("FUNCTION", "LOAD", "REPLACE", text)
        payload = source.call("FUNCTION", "DUMP")
        target.call("FUNCTION", "FLUSH")
        assert target.call("FUNCTION", "RESTORE", payload) == b"OK"
        assert target.call("FCALL", "f", "0") == b"moved"
        assert "already exists" in target.call("FUNCTION", "RESTORE", payload)
        assert target.call("FUNCTION", "RESTORE", payload, "REPLACE") == b"OK"
        assert target.call("FUNCTION", "RESTORE", payload, "FLUSH") == b"OK"


def run_endless(server, *words):
    """Runs a script that does not end by itself; what it answers is in the list that is returned."""
    said = []

    def run():
        with server.conn(timeout=60) as conn:
            said.append(conn.call(*words))
    thread = threading.Thread(target=run)
    thread.start()
    return thread, said


def wait_busy(conn):
    servers.wait_for(lambda: "BUSY" in str(conn.call("GET", "k")), "the script is busy")


@pytest.fixture(scope="module")
def quick():
    """An engine in which scripts are slow after 10 ms."""
    with servers.engine(lua_time_limit="10") as server:
        yield server


ENDLESS = {
    "plain": "while true do end",
    "catching": "while true do pcall(function() while true do end end) end",
    "calling": "while true do pcall(redis.call, 'ping') end",
    "resuming": "while true do coroutine.wrap(function() while true do end end)() end",
    "handling": "while true do xpcall(function() while true do end end, function() end) end",
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_a_script_that_does_not_end_is_ended(quick, text):
    with quick.conn() as conn:
        thread, said = run_endless(quick, "EVAL", text, "0")
        wait_busy(conn)
        assert "FUNCTION KILL" not in conn.call("GET", "k")
        assert conn.call("FUNCTION", "KILL").startswith("BUSY")
        assert conn.call("SCRIPT", "KILL") == b"OK"
        thread.join(20)
        assert said and "Script killed by user with SCRIPT KILL" in said[0]
        assert conn.call("GET", "k") is None


def test_a_function_that_does_not_end_is_shown_and_ended(quick):
    with quick.conn() as conn:
        conn.call("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() while true do end end)")
        thread, said = run_endless(quick, "FCALL", "f", "0")
        wait_busy(conn)
        stats = conn.call("FUNCTION", "STATS")
        assert stats[1][:4] == [b"name", b"f", b"command", [b"FCALL", b"f", b"0"]]
        assert conn.call("SCRIPT", "KILL").startswith("BUSY")
        assert conn.call("FUNCTION", "KILL") == b"OK"
        thread.join(20)
        assert said and "Script killed by user with FUNCTION KILL" in said[0]
        conn.call("FUNCTION", "FLUSH")


def test_who_sent_more_at_once_gets_it_in_order(quick):
    with quick.conn() as conn, quick.conn() as other:
        for c in (conn, other):
            c.call("PING")
        thread, said = run_endless(quick, "EVAL", "for i = 1, 60000000 do end return 'done'", "0")
        wait_busy(conn)
        got = other.batch([("SET", "a", "1"), ("PING",), ("GET", "a")])
        assert all("BUSY" in str(g) for g in got)
        thread.join(30)
        assert said == [b"done"]


AMID = """
redis.call('lpush', KEYS[1], 'first')
while not string.find(redis.call('client', 'list'), 'name=enough') do end
redis.call('lpush', KEYS[1], 'last')
"""


def test_nobody_is_served_amid_a_script():
    """A command that may run while a script is slow does not hand on what the script has put there so far."""
    with servers.engine(lua_time_limit="10", enable_debug_command="yes") as server:
        with server.conn() as conn, server.conn() as waits, server.conn() as script, server.conn() as other:
            conn.call("DEBUG", "SET-DISABLE-DENY-SCRIPTS", 1)
            waits.send(command("BLPOP", "x", 0))
            servers.wait_for(lambda: b"blocked_clients:1" in conn.call("INFO", "clients"), "one waits")
            other.call("PING")
            script.send(command("EVAL", AMID, 1, "x"))
            wait_busy(conn)
            other.call("HELLO", 2, "SETNAME", "enough")
            assert waits.call() == [b"x", b"last"]


def test_one_that_has_written_goes_on_until_the_end_of_the_server():
    with servers.engine(lua_time_limit="10") as server, server.conn() as conn:
        thread, said = run_endless_quietly(server, "EVAL", "redis.call('set', 'k', 'v') while true do end", "0")
        wait_busy(conn)
        assert conn.call("SCRIPT", "KILL").startswith("UNKILLABLE")
        assert conn.call("SHUTDOWN").startswith("BUSY")
        conn.send(b"SHUTDOWN NOSAVE\r\n")
        server.proc.wait(20)
        thread.join(20)


def run_endless_quietly(server, *words):
    """The same where the connection may break before the answer."""
    said = []

    def run():
        try:
            with server.conn(timeout=60) as conn:
                said.append(conn.call(*words))
        except (OSError, Closed):
            said.append(None)
    thread = threading.Thread(target=run)
    thread.start()
    return thread, said


def test_memory_of_scripts_is_limited_and_counted():
    with servers.engine(larder_script_memory_max="4mb") as server, server.conn() as conn:
        assert "more memory" in conn.call("EVAL", "local t = {} while true do t[#t + 1] = {} end", "0")
        assert conn.call("EVAL", "return #string.rep('x', 1000000)", "0") == 1000000
        info = conn.call("INFO", "memory").decode()
        vm = int(re.search(r"used_memory_vm_eval:(\d+)", info).group(1))
        assert 0 < vm < 4 << 20
        assert "number_of_cached_scripts:2" in info
        assert conn.call("SCRIPT", "FLUSH") == b"OK"
        assert "used_memory_vm_eval:0" in conn.call("INFO", "memory").decode()


def test_libraries_survive_a_restart(tmp_path):
    with servers.engine(dir=str(tmp_path)) as server, server.conn() as conn:
        conn.call("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return 'here' end)")
        assert conn.call("SAVE") == b"OK"
    with servers.engine(dir=str(tmp_path)) as server, server.conn() as conn:
        assert conn.call("FCALL", "f", "0") == b"here"


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_scripts_and_libraries_are_in_the_append_only_file(tmp_path, preamble):
    options = {"dir": str(tmp_path), "appendonly": "yes", "appendfsync": "always", "aof_use_rdb_preamble": preamble}
    with servers.engine(**options) as server, server.conn() as conn:
        conn.call("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return 'here' end)")
        conn.call("EVAL", "redis.call('set', KEYS[1], ARGV[1]) redis.call('rpush', 'list', 1, 2)", "1", "k", "v")
        if preamble == "no":
            conn.call("BGREWRITEAOF")
            servers.wait_for(lambda: b"aof_rewrite_in_progress:0" in conn.call("INFO", "persistence")
                             and b"aof_rewrite_scheduled:0" in conn.call("INFO", "persistence"), "the rewrite has ended")
        conn.call("EVALSHA", conn.call("SCRIPT", "LOAD", "return redis.call('incr', 'n')"), "0")
    with servers.engine(**options) as server, server.conn() as conn:
        assert conn.call("FCALL", "f", "0") == b"here"
        assert conn.call("MGET", "k", "n") == [b"v", b"1"]
        assert conn.call("LLEN", "list") == 2
