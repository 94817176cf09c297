/* Patience and held polls, with hooks in place of sockets and a clock that stands still. */
#include "base/clock.h"
#include "base/err.h"
#include "controlplane/front/conn.h"

#include <criterion/criterion.h>

#define STALL 1000
#define IDLE  5000

static struct conns all;
static struct clock_manual manual;
static struct conn *suspended, *resumed, *expired;
static enum conn_phase expired_was;
static int resumes, expiries;

static void on_suspend(struct conn *c)
{
    suspended = c;
}

static void on_resume(struct conn *c)
{
    resumed = c;
    resumes++;
}

static void on_expire(struct conn *c, enum conn_phase was, void *context)
{
    cr_assert_eq(context, &all);
    expired = c;
    expired_was = was;
    expiries++;
}

static void setup(void)
{
    clock_manual_init(&manual, 0, 100000);
    conns_init(&all, &(struct conns_conf){.clock = &manual.clock,
                                          .max = 8,
                                          .stall_ms = STALL,
                                          .idle_ms = IDLE,
                                          .suspend = on_suspend,
                                          .resume = on_resume,
                                          .expire = on_expire,
                                          .context = &all});
}

static void teardown(void)
{
    conns_fini(&all);
}

TestSuite(conn, .init = setup, .fini = teardown);

static void tick_after(int64_t ms)
{
    clock_manual_advance(&manual, ms);
    conns_tick(&all);
}

Test(conn, who_connects_and_says_nothing_is_given_up_after_the_stall)
{
    struct conn *c = conn_open(&all, NULL, -1);

    tick_after(STALL - 1);
    cr_expect_null(expired);
    tick_after(1);
    cr_expect_eq(expired, c);
    cr_expect_eq(expired_was, CONN_IDLE);
    tick_after(STALL);
    cr_expect_eq(expiries, 1, "once is enough");
    conn_close(c);
}

Test(conn, between_requests_there_may_be_a_longer_pause)
{
    struct conn *c = conn_open(&all, NULL, -1);

    conn_request_begin(c, "/");
    cr_assert(conn_work_begin(c));
    cr_assert(conn_reply_begin(c));
    conn_request_end(c);
    tick_after(IDLE - 1);
    cr_expect_null(expired);
    tick_after(1);
    cr_expect_eq(expired, c);
    conn_close(c);
}

Test(conn, a_request_lives_while_bytes_come_but_not_for_ever)
{
    struct conn *c = conn_open(&all, NULL, -1);

    conn_request_begin(c, "/x");
    for (int i = 0; i < 5; i++) {
        tick_after(STALL - 1);
        cr_assert_null(expired);
        conn_progress(c);
    }
    tick_after(STALL - 1);
    cr_expect_null(expired);
    conn_progress(c);
    tick_after(6);
    cr_expect_eq(expired, c, "six stalls in all are enough");
    cr_expect_eq(expired_was, CONN_RECEIVING);
    cr_expect_not(conn_work_begin(c), "too late");
    conn_close(c);
}

Test(conn, a_request_that_stalls_is_given_up)
{
    struct conn *c = conn_open(&all, NULL, -1);

    conn_request_begin(c, "/x");
    tick_after(STALL);
    cr_expect_eq(expired, c);
    conn_request_end(c);
    conn_request_begin(c, "/again");
    cr_expect_not(conn_reply_begin(c), "an expired connection serves nothing any more");
    conn_close(c);
}

Test(conn, work_is_never_cut_off_but_a_reply_that_nobody_reads_is)
{
    struct conn *c = conn_open(&all, NULL, -1);

    conn_request_begin(c, "/");
    cr_assert(conn_work_begin(c));
    tick_after(1000 * STALL);
    cr_expect_null(expired);
    cr_assert(conn_reply_begin(c));
    tick_after(6 * STALL - 1);
    cr_expect_null(expired);
    tick_after(1);
    cr_expect_eq(expired, c);
    cr_expect_eq(expired_was, CONN_REPLYING);
    conn_close(c);
}

Test(conn, when_there_are_too_many_the_idle_ones_go_first)
{
    struct conn *conns[8];

    for (size_t i = 0; i < countof(conns); i++)
        conns[i] = conn_open(&all, NULL, -1);
    conn_request_begin(conns[0], "/");
    cr_assert(conn_work_begin(conns[0]));
    cr_assert(conn_reply_begin(conns[0]));
    conn_request_end(conns[0]);
    cr_expect(conns_is_full(&all));
    tick_after(1000);
    cr_expect_eq(expiries, 8, "the one between requests too");
    for (size_t i = 0; i < countof(conns); i++)
        conn_close(conns[i]);
    cr_expect_not(conns_is_full(&all));
}

static struct conn *hold_poll(int64_t wait_ms)
{
    struct conn *c = conn_open(&all, NULL, -1);

    conn_request_begin(c, "/agent/v1/sync");
    cr_assert(conn_work_begin(c));
    cr_assert(conn_wait(c, atomic_load(&all.wakes), 7, clock_boot_ms(&manual.clock) + wait_ms));
    cr_assert_eq(suspended, c);
    return c;
}

Test(conn, a_held_poll_resumes_when_its_time_is_over_and_not_before)
{
    struct conn *c = hold_poll(20 * STALL);

    tick_after(20 * STALL - 1);
    cr_expect_null(resumed);
    cr_expect_null(expired);
    tick_after(1);
    cr_expect_eq(resumed, c);
    tick_after(1);
    cr_expect_eq(resumes, 1);
    cr_expect(conn_work_begin(c));
    conn_close(c);
}

Test(conn, a_wake_resumes_every_held_poll_and_no_other_connection)
{
    struct conn *a = hold_poll(20000), *b = hold_poll(20000), *c = conn_open(&all, NULL, -1);

    conns_wake(&all, NULL, 0);
    cr_expect_eq(resumes, 2);
    conns_wake(&all, NULL, 0);
    cr_expect_eq(resumes, 2);
    conn_close(a);
    conn_close(b);
    conn_close(c);
}

Test(conn, a_wake_by_keys_resumes_only_who_waits_for_one_of_them)
{
    static const uint64_t others[] = {3, 9}, with_it[] = {3, 7, 9};
    struct conn *c = hold_poll(20000);

    conns_wake(&all, others, countof(others));
    cr_expect_eq(resumes, 0);
    conns_wake(&all, with_it, countof(with_it));
    cr_expect_eq(resumes, 1);
    cr_expect_eq(resumed, c);
    conn_close(c);
}

Test(conn, a_wake_between_looking_and_waiting_is_not_lost)
{
    struct conn *c = conn_open(&all, NULL, -1);
    uint64_t seen = atomic_load(&all.wakes);

    conn_request_begin(c, "/agent/v1/sync");
    cr_assert(conn_work_begin(c));
    conns_wake(&all, NULL, 0);
    cr_expect_not(conn_wait(c, seen, 7, INT64_MAX));
    cr_expect_null(suspended);
    conn_close(c);
}

Test(conn, after_the_stop_nobody_waits)
{
    struct conn *c = hold_poll(20000);

    conns_stop(&all);
    cr_expect_eq(resumed, c);
    cr_expect(conns_is_stopping(&all));
    cr_expect_not(conn_wait(c, atomic_load(&all.wakes), 7, INT64_MAX));
    conn_close(c);
}

Test(conn, the_next_tick_is_due_when_the_first_poll_ends)
{
    struct conn *c = hold_poll(37);

    cr_expect_eq(conns_tick(&all), clock_boot_ms(&manual.clock) + 37);
    conn_close(c);
    cr_expect_eq(conns_tick(&all), INT64_MAX, "nothing to do while nobody is there");
}

Test(conn, large_requests_do_not_leave_their_memory_behind)
{
    struct conn *c = conn_open(&all, NULL, -1);

    conn_request_begin(c, "/");
    buf_reserve(&c->body, 1 << 20);
    arena_alloc(&c->arena, 1 << 20);
    cr_assert(conn_work_begin(c));
    cr_assert(conn_reply_begin(c));
    conn_request_end(c);
    cr_expect_eq(c->body.cap, 0);
    cr_expect_null(c->arena.head);
    conn_close(c);
}
