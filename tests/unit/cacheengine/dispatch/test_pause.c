#include "cacheengine/dispatch/pause.h"
#include "cacheengine/dispatch/scripting.h"
#include "dispatch_test.h"

#define asks(f, c, line, answer) cr_assert_str_eq(resp_ask_of((f), (c), (line)), (answer))

/* Whether the last call of the client was put off; forgets it, as the loop does that runs it anew.
 */
static bool is_put_off(struct resp_client *c)
{
    bool was = c->client.is_postponed;

    c->client.is_postponed = false;
    buf_clear(&c->input);
    return was;
}

Test(pause, all_is_put_off_or_only_what_writes)
{
    struct resp_fixture f;
    struct resp_client c;

    resp_open(&f, NULL);
    resp_client_open(&f, &c, false);
    says(&f, "SET a 1", "+OK\r\n");
    says(&f, "CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    asks(&f, &c, "GET a", "$1\r\n1\r\n");
    asks(&f, &c, "SET a 2", "");
    cr_assert(is_put_off(&c));
    asks(&f, &c, "MULTI", "+OK\r\n");
    asks(&f, &c, "GET a", "+QUEUED\r\n");
    asks(&f, &c, "EXEC", "*1\r\n$1\r\n1\r\n");
    says(&f, "CLIENT PAUSE 2000 ALL", "+OK\r\n");
    asks(&f, &c, "PING", "");
    cr_assert(is_put_off(&c));
    resp_advance(&f, 1500);
    pause_tick(&f.engine);
    asks(&f, &c, "PING", "");
    cr_assert(is_put_off(&c));
    resp_advance(&f, 600);
    pause_tick(&f.engine);
    asks(&f, &c, "SET a 2", "+OK\r\n");
    cr_assert_not(f.engine.keyspace.stands_still);
    resp_client_close(&f, &c);
    resp_close(&f);
}

/* A script on several lines, as an array. */
static bool runs(struct resp_fixture *f, struct resp_client *c, const char *verb, const char *text)
{
    struct buf line = BUF_EMPTY;

    buf_printf(&line, "*3\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n$1\r\n0\r\n", strlen(verb), verb,
               strlen(text), text);
    bool is_run = str_is(resp_send(f, c, line.ptr, line.len), ":7\r\n");
    cr_assert_eq(is_put_off(c), !is_run);
    buf_fini(&line);
    return is_run;
}

Test(pause, scripts_that_say_that_they_do_not_write_run)
{
    struct resp_fixture f;
    struct resp_client c;
    char sha[SCRIPT_SHA_HEX + 1];

    resp_open(&f, NULL);
    resp_client_open(&f, &c, false);
    cr_assert(runs(&f, &c, "EVAL", "#!lua flags=no-writes\nreturn 7"));
    cr_assert(runs(&f, &c, "EVAL", "return 7"));
    says(&f,
         "FUNCTION LOAD \"#!lua name=l\\nredis.register_function{function_name='reads', "
         "callback=function() return 7 end, flags={'no-writes'}} "
         "redis.register_function('any', function() return 7 end)\"",
         "$1\r\nl\r\n");
    memcpy(sha, resp_ask(&f, "SCRIPT LOAD \"#!lua flags=no-writes\\nreturn 7\"") + 5,
           SCRIPT_SHA_HEX);
    sha[SCRIPT_SHA_HEX] = 0;
    says(&f, "CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    cr_expect(runs(&f, &c, "EVAL", "#!lua flags=no-writes\nreturn 3 + 4"));
    cr_expect(runs(&f, &c, "EVALSHA", sha));
    cr_expect(runs(&f, &c, "FCALL", "reads"));
    cr_expect_not(runs(&f, &c, "EVAL", "return 7"));
    cr_expect_not(runs(&f, &c, "EVAL", "#!lua flags=no-writes,what\nreturn 7"));
    cr_expect_not(runs(&f, &c, "EVALSHA", "1234567890123456789012345678901234567890"));
    cr_expect_not(runs(&f, &c, "FCALL", "any"));
    cr_expect_not(runs(&f, &c, "FCALL", "none"));
    asks(&f, &c, "MULTI", "+OK\r\n");
    asks(&f, &c, "FCALL reads 0", "+QUEUED\r\n");
    asks(&f, &c, "EXEC", "*1\r\n:7\r\n");
    asks(&f, &c, "MULTI", "+OK\r\n");
    asks(&f, &c, "FCALL reads 0", "+QUEUED\r\n");
    cr_expect_not(is_put_off(&c));
    asks(&f, &c, "EVAL \"return 7\" 0", "");
    cr_expect(is_put_off(&c));
    resp_client_close(&f, &c);
    resp_close(&f);
}

Test(pause, it_ends_by_command_and_nothing_goes_meanwhile)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "SET a 1 PX 10", "+OK\r\n");
    says(&f, "CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    resp_advance(&f, 20);
    says(&f, "GET a", "$-1\r\n");
    says(&f, "DBSIZE", ":1\r\n");
    keyspace_expire_some(&f.engine.keyspace, 1000);
    says(&f, "DBSIZE", ":1\r\n");
    says(&f, "CLIENT UNPAUSE", "+OK\r\n");
    says(&f, "GET a", "$-1\r\n");
    says(&f, "DBSIZE", ":0\r\n");
    resp_close(&f);
}

Test(pause, that_of_one_owner_does_not_end_that_of_another)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    pause_begin(&f.engine, PAUSE_OF_FAILOVER, true, NO_DEADLINE);
    says(&f, "CLIENT PAUSE 1000", "+OK\r\n");
    pause_end(&f.engine, PAUSE_OF_CLIENT);
    says(&f, "SET a 1", "");
    cr_assert(is_put_off(&f.main));
    pause_end(&f.engine, PAUSE_OF_FAILOVER);
    says(&f, "SET a 1", "+OK\r\n");
    says(&f, "CLIENT PAUSE x", "-ERR timeout is not an integer or out of range\r\n");
    says(&f, "CLIENT PAUSE -1", "-ERR timeout is negative\r\n");
    says(&f, "CLIENT PAUSE 1 some", "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n");
    says(&f, "CLIENT PAUSE 0", "+OK\r\n");
    says(&f, "SET a 1", "+OK\r\n");
    resp_close(&f);
}
