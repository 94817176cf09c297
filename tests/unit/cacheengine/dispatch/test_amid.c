#include "cacheengine/dispatch/amid.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/host.h"
#include "dispatch_test.h"

/* A loop whose owner says one line whenever he is looked for. */
struct owned {
    struct resp_fixture f;
    struct resp_client owner;
    const char *line;
    struct buf answer; /* to the first time */
    int looks;
};

static void serve_owner(struct engine *e, const struct client *occupied)
{
    struct owned *o = e->host_ctx;
    struct buf own = o->f.out; /* of whose command runs */

    cr_assert_eq(occupied, &o->f.main.client);
    if (o->looks++ > 0)
        return;
    o->f.out = BUF_EMPTY;
    buf_puts(&o->answer, resp_ask_of(&o->f, &o->owner, o->line));
    buf_fini(&o->f.out);
    o->f.out = own;
}

static const struct engine_host host = {.serve_owner = serve_owner};

static void owned_open(struct owned *o, const char *line)
{
    *o = (struct owned){.line = line};
    resp_open(&o->f, NULL);
    resp_client_open(&o->f, &o->owner, true);
    o->f.engine.host = &host;
    o->f.engine.host_ctx = o;
    o->f.engine.ticks_per_ms = 1000000; /* roughly: it is told only while it runs */
    cr_assert_not_null(buf_cstr(&o->answer));
}

static void owned_close(struct owned *o)
{
    o->f.engine.host = NULL;
    buf_fini(&o->answer);
    resp_client_close(&o->f, &o->owner);
    resp_close(&o->f);
}

Test(amid, a_fence_ends_the_writes_of_a_script_that_has_written)
{
    struct owned o;

    owned_open(&o, "LARDER.FENCE 3");
    says(&o.f,
         "EVAL \"redis.call('set', 'a', '1') for i = 1, 3000000 do end "
         "redis.pcall('set', 'b', '2')\" 0",
         "");
    cr_assert(o.f.main.client.is_killed);
    cr_assert_str_eq(buf_cstr(&o.answer), "+OK\r\n");
    cr_assert_eq(o.f.engine.guards, GUARD_FENCE);
    cr_assert_str_eq(resp_ask_of(&o.f, &o.owner, "EXISTS a b"), ":1\r\n");
    owned_close(&o);
}

Test(amid, all_but_orders_waits_for_the_end)
{
    struct owned o;

    owned_open(&o, "GET a");
    says(&o.f, "EVAL \"for i = 1, 3000000 do end return 1\" 0", ":1\r\n");
    cr_assert_str_eq(buf_cstr(&o.answer), "");
    cr_assert_not(o.owner.client.is_postponed, "it is let go at the end");
    cr_assert_not(o.f.engine.owner_waits);
    owned_close(&o);
}

Test(amid, the_end_of_the_engine_waits_and_that_of_the_script_does_not)
{
    static const char *const lines[] = {"SHUTDOWN NOSAVE", "SCRIPT KILL"};

    for (int i = 0; i < 2; i++) {
        struct owned o;

        owned_open(&o, lines[i]);
        shows(&o.f, "EVAL \"for i = 1, 3000000 do end return 1\" 0", i ? "killed by user" : ":1");
        cr_assert_not(o.f.engine.is_ending);
        owned_close(&o);
    }
}

Test(amid, what_of_a_transaction_writes_behind_the_lease_is_refused)
{
    struct owned o;

    owned_open(&o, "LARDER.LEASE 3 1");
    resp_ask(&o.f, "MULTI");
    resp_ask(&o.f, "SET a 1");
    resp_ask(&o.f, "EVAL \"for i = 1, 3000000 do end return 1\" 0");
    resp_ask(&o.f, "SET b 2");
    resp_ask(&o.f, "GET a");
    says(&o.f, "EXEC",
         "*4\r\n+OK\r\n:1\r\n-READONLY The lease of this primary is over: it takes no writes until "
         "it is renewed.\r\n$1\r\n1\r\n");
    owned_close(&o);
}

Test(amid, a_lease_that_runs_out_ends_the_writes_and_reads_go_on)
{
    struct owned o;

    owned_open(&o, "LARDER.LEASE 3 1");
    says(&o.f,
         "EVAL \"redis.call('set', 'a', '1') for i = 1, 3000000 do end "
         "return {redis.pcall('set', 'b', '2'), redis.call('get', 'a')}\" 0",
         "*2\r\n-READONLY The lease of this primary is over: it takes no writes until it is "
         "renewed.\r\n$1\r\n1\r\n");
    says(&o.f, "EXISTS a b", ":1\r\n");
    owned_close(&o);
}
