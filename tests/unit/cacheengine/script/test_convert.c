#include "script_fixture.h"

static void setup(void);
static void teardown(void);
static struct script_fixture f;

TestSuite(convert, .init = setup, .fini = teardown);

static void setup(void)
{
    script_open(&f, 8 << 20);
}

static void teardown(void)
{
    script_close(&f);
}

Test(convert, replies_come_back_as_they_were)
{
    static const struct {
        const char *reply;
        int resp;
    } cases[] = {
        {":5\r\n",                        2},
        {"$3\r\na\nb\r\n",                2},
        {"$-1\r\n",                       2},
        {"+fine\r\n",                     2},
        {"*2\r\n:1\r\n*1\r\n$1\r\nx\r\n", 2},
        {"*0\r\n",                        2},
        {"%1\r\n$1\r\na\r\n:1\r\n",       3},
        {"~1\r\n$1\r\na\r\n",             3},
        {"#t\r\n",                        3},
        {"#f\r\n",                        3},
        {"_\r\n",                         3},
        {",1.5\r\n",                      3},
        {",inf\r\n",                      3},
        {"(12345678901234567890\r\n",     3},
        {"=7\r\ntxt:abc\r\n",             3},
    };

    for (size_t i = 0; i < countof(cases); i++) {
        f.reply.resp = (uint8_t)cases[i].resp;
        cr_expect_str_eq(
            script_ask_with(&f,
                            "redis.setresp(tonumber(KEYS[1])) return redis.call('resp', ARGV[1])",
                            cases[i].resp == 2 ? "2" : "3", cases[i].reply),
            cases[i].reply);
    }
}

Test(convert, attributes_are_passed_over)
{
    f.reply.resp = 3;
    cr_assert_str_eq(script_ask_with(&f, "redis.setresp(3) return redis.call('resp', ARGV[1])",
                                     NULL, "|1\r\n+a\r\n:1\r\n:7\r\n"),
                     ":7\r\n");
}

Test(convert, values_of_lua_become_replies)
{
    answers(&f, "return 3.99", ":3\r\n");
    answers(&f, "return -3.99", ":-3\r\n");
    answers(&f, "return true", ":1\r\n");
    answers(&f, "return false", "$-1\r\n");
    answers(&f, "return {1, 2, nil, 4}", "*2\r\n:1\r\n:2\r\n");
    answers(&f, "return {ok = 'a\\r\\nb'}", "+a  b\r\n");
    answers(&f, "return {err = 'X y'}", "-X y\r\n");
    answers(&f, "return redis.error_reply('My words')", "-My words\r\n");
    answers(&f, "return redis.error_reply('words')", "-ERR words\r\n");
    answers(&f, "return redis.status_reply('fine')", "+fine\r\n");
    answers(&f, "return {double = 1.5}", "$3\r\n1.5\r\n");
    answers(&f, "return {map = {a = 1}}", "*2\r\n$1\r\na\r\n:1\r\n");
    answers(&f, "return {set = {a = true}}", "*1\r\n$1\r\na\r\n");
    answers(&f, "return function() end", "$-1\r\n");
    answers(&f, "redis.setresp(3) return true", ":1\r\n");
    f.reply.resp = 3;
    answers(&f, "return true", ":1\r\n");
    answers(&f, "return false", "_\r\n");
    answers(&f, "redis.setresp(3) return false", "#f\r\n");
}
