#include "cacheengine/dispatch/authority.h"
#include "cacheengine/dispatch/guard.h"
#include "dispatch_test.h"

#define LEASE_OVER \
    "-READONLY The lease of this primary is over: it takes no writes until it is renewed.\r\n"
#define FENCED \
    "-READONLY This node is fenced: it takes no writes until a higher term makes it primary.\r\n"

static void lease(struct engine *e, int64_t term, int64_t ms, int64_t sent_ms)
{
    authority_take_lease(e, term, &(struct lease){ms, sent_ms});
}

Test(authority, a_node_that_never_had_a_lease_is_free)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    cr_assert_eq(authority_left_ms(&f.engine), -1);
    cr_assert(authority_may_acknowledge(&f.engine));
    cr_assert_not(f.engine.watches_writes);
    resp_advance(&f, 1000000);
    says(&f, "SET k v", "+OK\r\n");
    resp_close(&f);
}

Test(authority, writes_end_with_the_lease_and_begin_again_with_the_next)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    lease(&f.engine, 1, 1000, 0);
    says(&f, "SET k v", "+OK\r\n");
    resp_advance(&f, 999);
    says(&f, "SET k v", "+OK\r\n");
    cr_assert_eq(authority_left_ms(&f.engine), 1);
    resp_advance(&f, 1);
    says(&f, "SET k v", LEASE_OVER);
    says(&f, "GET k", "$1\r\nv\r\n");
    cr_assert_eq(authority_left_ms(&f.engine), 0);
    lease(&f.engine, 1, 1000, 0);
    says(&f, "SET k v", "+OK\r\n");
    authority_drop_lease(&f.engine, 1);
    resp_advance(&f, 5000);
    says(&f, "SET k v", "+OK\r\n");
    resp_close(&f);
}

Test(authority, a_transaction_that_was_queued_before_is_refused_after)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    lease(&f.engine, 1, 1000, 0);
    says(&f, "MULTI", "+OK\r\n");
    says(&f, "SET k v", "+QUEUED\r\n");
    resp_advance(&f, 1000);
    shows(&f, "EXEC", "-EXECABORT Transaction discarded because of: READONLY The lease");
    says(&f, "EXISTS k", ":0\r\n");
    resp_close(&f);
}

/* Each row: when it was sent and when the socket was last seen empty, before now; what is left of
 * 1000 ms. */
Test(authority, a_lease_counts_from_when_it_was_sent_or_may_have_come)
{
    static const struct {
        int64_t sent_ago, heard_ago, left_ms;
    } rows[] = {
        {300,  50,   700 },
        {1000, 0,    0   },
        {5000, 0,    0   },
        {-200, 0,    1000}, /* from the future: from now */
        {0,    150,  850 },
        {0,    5000, 0   },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct resp_fixture f;

        resp_open(&f, NULL);
        resp_advance(&f, 100000);
        int64_t now_ms = f.engine.keyspace.passed_ms;
        f.engine.authority.heard_ms = now_ms - rows[i].heard_ago;
        lease(&f.engine, 1, 1000, rows[i].sent_ago ? now_ms - rows[i].sent_ago : 0);
        cr_assert_eq(authority_left_ms(&f.engine), rows[i].left_ms, "row %zu", i);
        resp_close(&f);
    }
}

Test(authority, terms_only_grow)
{
    struct authority au = {.term = 7};
    struct arena a = {0};

    cr_assert_not(err_failed(authority_accepts(&au, &a, 7)));
    cr_assert_not(err_failed(authority_accepts(&au, &a, 8)));
    struct err e = authority_accepts(&au, &a, 6);
    cr_assert(err_is(e, ERR_CONFLICT));
    cr_assert_str_eq(e.why, "STALETERM the order is of term 6, and this node has seen term 7");
    arena_fini(&a);
}

Test(authority, a_new_term_takes_the_lease_of_the_old_one)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    lease(&f.engine, 1, 1000, 0);
    authority_take_role(&f.engine, 2, true);
    says(&f, "SET k v", LEASE_OVER);
    lease(&f.engine, 2, 1000, 0);
    says(&f, "SET k v", "+OK\r\n");
    resp_close(&f);
}

Test(authority, only_a_primary_of_a_higher_term_lifts_a_fence)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    authority_fence(&f.engine, 5);
    says(&f, "SET k v", FENCED);
    lease(&f.engine, 5, 1000, 0);
    says(&f, "SET k v", FENCED);
    authority_take_role(&f.engine, 5, true);
    says(&f, "SET k v", FENCED);
    authority_take_role(&f.engine, 6, false);
    says(&f, "SET k v", FENCED);
    authority_take_role(&f.engine, 7, true);
    lease(&f.engine, 7, 1000, 0);
    says(&f, "SET k v", "+OK\r\n");
    resp_close(&f);
}

Test(authority, what_is_to_be_acknowledged_is_judged_by_the_clock_itself)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    lease(&f.engine, 1, 60000, 0);
    cr_assert(authority_may_acknowledge(&f.engine));
    /* The round still believes in it; the clock does not. */
    f.engine.authority.until_ms = f.engine.started_boot_ms;
    cr_assert_not(authority_may_acknowledge(&f.engine));
    cr_assert_not(f.engine.guards & GUARD_LEASE);
    resp_close(&f);
}
