#include "cacheengine/keyspace/wait.h"
#include "keyspace_fixture.h"

/* A call with one argument and a reply to look at. */
struct wait_fixture {
    struct fixture f;
    struct reply_pool pool;
    struct reply reply;
    struct str argv[2];
    struct cmd_call call;
    int waits;
};

static void begin(struct wait_fixture *t, const char *seconds)
{
    fixture_begin(&t->f);
    reply_pool_init(&t->pool, &t->f.ks.account);
    reply_init(&t->reply, &t->pool);
    t->reply.resp = 2;
    t->waits = 0;
    t->argv[0] = str_of("cmd");
    t->argv[1] = str_of(seconds);
    t->call = (struct cmd_call){
        .argv = t->argv, .argc = 2, .reply = &t->reply, .db = t->f.db, .ks = &t->f.ks};
}

static void end(struct wait_fixture *t)
{
    reply_fini(&t->reply);
    reply_pool_fini(&t->pool);
    fixture_end(&t->f);
}

Test(wait, times_are_seconds_from_now_rounded_up_to_milliseconds)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1",      1000   },
        {"0.5",    500    },
        {"0.0001", 1      },
        {"1e3",    1000000},
        {"2.0005", 2001   }
    };
    struct wait_fixture t;
    int64_t until_ms = 0;

    for (size_t i = 0; i < countof(rows); i++) {
        begin(&t, rows[i].text);
        cr_assert(call_timeout(&t.call, 1, &until_ms));
        cr_expect_eq(until_ms, t.f.ks.passed_ms + rows[i].ms, "%s", rows[i].text);
        end(&t);
    }
    begin(&t, "0");
    cr_assert(call_timeout(&t.call, 1, &until_ms));
    cr_expect_eq(until_ms, NO_DEADLINE);
    end(&t);
}

Test(wait, times_that_are_none_are_refused)
{
    static const char *const texts[] = {"x", "", "-1", "1e300", "inf", "nan", "1e16"};

    for (size_t i = 0; i < countof(texts); i++) {
        struct wait_fixture t;
        int64_t until_ms = 0;

        begin(&t, texts[i]);
        cr_expect_not(call_timeout(&t.call, 1, &until_ms), "%s", texts[i]);
        cr_expect_eq(t.reply.errors, 1);
        end(&t);
    }
}

static void note_wait(void *ctx, struct cmd_call *c, const struct wait *w)
{
    struct wait_fixture *t = ctx;

    t->waits += w->first == 1 && c == &t->call;
}

Test(wait, where_nobody_can_wait_the_time_is_up_at_once)
{
    struct wait_fixture t;
    struct wait w = {TYPE_LIST, 1, 1, NO_DEADLINE, reply_null_array, false};

    begin(&t, "key");
    call_wait(&t.call, &w);
    cr_expect_eq(reply_pending(&t.reply), 5);
    t.f.ks.hooks = (struct keyspace_hooks){.ctx = &t, .wait = note_wait};
    call_wait(&t.call, &w);
    cr_expect_eq(t.waits, 1);
    cr_expect_eq(reply_pending(&t.reply), 5);
    t.call.is_inner = true;
    call_wait(&t.call, &w);
    cr_expect_eq(t.waits, 1);
    cr_expect_eq(reply_pending(&t.reply), 10);
    end(&t);
}
