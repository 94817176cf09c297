#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/host.h"
#include "cacheengine/dispatch/scripting.h"
#include "dispatch_test.h"

/* A loop that lets one other client ask something whenever a script lets it. */
struct others {
    struct resp_fixture f;
    struct resp_client other;
    const char *line;
    struct buf answer;
};

static void serve_others(struct engine *e, const struct client *occupied)
{
    struct others *o = e->host_ctx;
    struct buf own = o->f.out; /* of who runs the script */

    cr_assert_eq(occupied, &o->f.main.client);
    o->f.out = BUF_EMPTY;
    buf_clear(&o->answer);
    buf_puts(&o->answer, resp_ask_of(&o->f, &o->other, o->line));
    buf_fini(&o->f.out);
    o->f.out = own;
    if (strcmp(o->line, "PING") == 0)
        o->line = "SCRIPT KILL";
}

static const struct engine_host host = {.serve_others = serve_others};

static void others_open(struct others *o, const char *line)
{
    static const char *const options[] = {"lua-time-limit 1", NULL};

    *o = (struct others){.line = line};
    resp_open(&o->f, options);
    resp_client_open(&o->f, &o->other, false);
    o->f.engine.host = &host;
    o->f.engine.host_ctx = o;
}

static void others_close(struct others *o)
{
    o->f.engine.host = NULL;
    buf_fini(&o->answer);
    resp_client_close(&o->f, &o->other);
    resp_close(&o->f);
}

Test(scripting, a_slow_script_is_ended_by_another_client)
{
    struct others o;

    others_open(&o, "PING");
    shows(&o.f, "EVAL \"while true do end\" 0", "-ERR Script killed by user with SCRIPT KILL.");
    cr_assert_str_eq(buf_cstr(&o.answer), "+OK\r\n");
    cr_assert_not(scripting_is_busy(&o.f.engine));
    cr_assert_eq(o.f.engine.guards, 0);
    says(&o.f, "EVAL \"return 1\" 0", ":1\r\n");
    others_close(&o);
}

Test(scripting, others_are_told_that_it_is_busy)
{
    struct others o;

    others_open(&o, "GET k");
    says(&o.f, "EVAL \"for i = 1, 20000000 do end return 1\" 0", ":1\r\n");
    cr_assert_str_eq(buf_cstr(&o.answer),
                     "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
                     "SHUTDOWN NOSAVE.\r\n");
    o.line = "FUNCTION KILL";
    says(&o.f, "EVAL \"for i = 1, 20000000 do end return 1\" 0", ":1\r\n");
    cr_assert(strncmp(buf_cstr(&o.answer), "-BUSY ", 6) == 0);
    others_close(&o);
}

Test(scripting, one_that_has_written_is_not_ended)
{
    struct others o;

    others_open(&o, "SCRIPT KILL");
    says(&o.f, "EVAL \"redis.call('set', 'k', 'v') for i = 1, 20000000 do end return 1\" 0",
         ":1\r\n");
    cr_assert(strncmp(buf_cstr(&o.answer), "-UNKILLABLE ", 12) == 0);
    others_close(&o);
}
