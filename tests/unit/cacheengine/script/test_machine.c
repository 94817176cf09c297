#include "script_fixture.h"

static void setup(void);
static void teardown(void);
static struct script_fixture f;

TestSuite(machine, .init = setup, .fini = teardown);

static void setup(void)
{
    script_open(&f, 8 << 20);
}

static void teardown(void)
{
    script_close(&f);
}

Test(machine, an_error_says_where_it_happened)
{
    fails(&f, "return 1\n+ nil",
          "-ERR user_script:2: attempt to perform arithmetic on a nil value");
    fails(&f, "\n\nerror('x')", ", on @user_script:3.\r\n");
    fails(&f, "error({err='MY words'})", "-MY words script: ");
    fails(&f, "redis.call('nope')", "-ERR no such command: nope of 1 script: ");
}

Test(machine, errors_that_are_caught_are_values)
{
    answers(&f, "return redis.pcall('nope')", "-ERR no such command: nope of 1\r\n");
    answers(&f, "local ok, e = pcall(redis.call, 'nope') return e",
            "$30\r\nERR no such command: nope of 1\r\n");
}

Test(machine, memory_beyond_the_limit_is_an_error_and_the_next_script_runs)
{
    fails(&f, "local t = {} while true do t[#t + 1] = string.rep('x', 1000) .. #t end",
          "-ERR the script needs more memory than scripts may have");
    fails(&f, "return string.rep('x', 1e9)", "-ERR the script needs more memory");
    answers(&f, "return 1", ":1\r\n");
}

Test(machine, recursion_without_end_is_an_error)
{
    fails(&f, "local function r() return 1 + r() end return r()", "stack overflow");
    fails(&f, "return string.find('aa', string.rep('a?', 20000))", "pattern too complex");
    fails(&f, "local t = {} t[1] = t return t", "reached lua stack limit");
    answers(&f, "return 1", ":1\r\n");
}

Test(machine, a_killed_script_ends_whatever_it_catches)
{
    f.kill_at = 2;
    fails(&f, "while true do pcall(function() while true do end end) end",
          "-ERR Script killed by user with SCRIPT KILL.");
    f.ticks = 0;
    fails(&f, "while true do coroutine.wrap(function() while true do end end)() end",
          "Script killed by user");
    f.kill_at = 0;
    answers(&f, "for i = 1, 1000000 do end return 1", ":1\r\n");
}

Test(machine, chance_repeats_with_its_seed)
{
    answers(&f,
            "math.randomseed(7) local a = math.random(1000) math.randomseed(7) "
            "return a == math.random(1000)",
            ":1\r\n");
}

Test(machine, words_go_to_the_log_with_their_level)
{
    answers(&f, "redis.log(redis.LOG_WARNING, 'a', 1)", "$-1\r\n");
    cr_assert_str_eq(buf_cstr(&f.logged), "3 a 1\n");
    fails(&f, "redis.log(9, 'a')", "-ERR Invalid log level.");
}
