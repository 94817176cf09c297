#include "script_fixture.h"

static void setup(void);
static void teardown(void);
static struct script_fixture f;

TestSuite(api, .init = setup, .fini = teardown);

static void setup(void)
{
    script_open(&f, 8 << 20);
}

static void teardown(void)
{
    script_close(&f);
}

Test(api, arguments_are_texts_and_numbers)
{
    answers(&f, "return redis.pcall('a', 1, 2.5, 'x')", "-ERR no such command: a of 4\r\n");
    answers(&f, "return redis.pcall(12345678901)", "-ERR no such command: 12345678901 of 1\r\n");
    answers(&f, "return redis.pcall(1e15)", "-ERR no such command: 1000000000000000 of 1\r\n");
    answers(&f, "return redis.pcall(0.5)", "-ERR no such command: 0.5 of 1\r\n");
    answers(&f, "return redis.pcall('a', {})",
            "-ERR Command arguments must be strings or integers\r\n");
    fails(&f, "redis.call('a', nil)",
          "-ERR Command arguments must be strings or integers script: ");
    fails(&f, "redis.call()", "Please specify at least one argument for this call");
    answers(&f, "local t = {} for i = 1, 5000 do t[i] = i end return redis.pcall(unpack(t))",
            "-ERR no such command: 1 of 5000\r\n");
}

Test(api, the_protocol_is_chosen_for_the_script_alone)
{
    answers(&f, "redis.setresp(3) return redis.call('version')", ":3\r\n");
    answers(&f, "return redis.call('version')", ":2\r\n");
    fails(&f, "redis.setresp(4)", "-ERR RESP version must be 2 or 3.");
    fails(&f, "redis.setresp()", "-ERR server.setresp() requires one argument.");
}

Test(api, permissions_can_be_asked_for)
{
    answers(&f, "return {redis.acl_check_cmd('allowed'), redis.acl_check_cmd('denied')}",
            "*2\r\n:1\r\n$-1\r\n");
    fails(&f, "redis.acl_check_cmd('unknown')",
          "-ERR Invalid command passed to server.acl_check_cmd()");
}

Test(api, tools)
{
    answers(&f, "return redis.sha1hex('')", "$40\r\nda39a3ee5e6b4b0d3255bfef95601890afd80709\r\n");
    answers(&f, "return redis.REDIS_VERSION", "$5\r\n7.2.4\r\n");
    answers(&f, "return redis.REDIS_VERSION_NUM", ":459268\r\n");
    answers(&f, "return server.VALKEY_VERSION_NUM", ":524289\r\n");
    answers(&f, "return redis.replicate_commands()", ":1\r\n");
    fails(&f, "redis.set_repl(77)", "-ERR Invalid replication flags.");
}
