#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/throttle.h"
#include "dispatch_test.h"

static struct resp_fixture f;
static struct resp_client c;

static void open_all(void)
{
    resp_open(&f, NULL);
    resp_client_open(&f, &c, false);
}

static void close_all(void)
{
    resp_client_close(&f, &c);
    resp_close(&f);
}

TestSuite(throttle, .init = open_all, .fini = close_all);

static struct cmd_call call_of(struct client *client)
{
    return (struct cmd_call){.engine = &f.engine, .client = client};
}

/* Whether a call of the client is put off now; forgets it. */
static bool is_put_off(void)
{
    struct cmd_call call = call_of(&c.client);
    bool is = throttle_takes(&call);

    c.client.is_postponed = false;
    return is;
}

static void spend(int units)
{
    for (int i = 0; i < units; i++)
        throttle_count(&f.engine, &c.client, 10, 0);
}

Test(throttle, a_simple_command_is_one_unit_and_more_is_paid_by_the_kb_or_by_time)
{
    cr_assert_eq(throttle_price(0, 0), 1);
    cr_assert_eq(throttle_price(1024, 0), 1);
    cr_assert_eq(throttle_price(1025, 0), 2);
    cr_assert_eq(throttle_price(10, 200), 10);
    cr_assert_eq(throttle_price(1 << 20, 200), 1024);
}

Test(throttle, what_is_over_the_limit_waits_until_it_is_paid_for)
{
    says(&f, "CONFIG SET larder-ecpus-per-second 1000", "+OK\r\n");
    resp_advance(&f, 1000);
    cr_assert_not(is_put_off());
    spend(100); /* a tenth of a second's units is all that was saved up */
    cr_assert_not(is_put_off());
    spend(50);
    cr_assert(is_put_off());
    cr_assert_eq(throttle_tick(&f.engine), 51);
    resp_advance(&f, 49);
    cr_assert(is_put_off());
    resp_advance(&f, 2);
    cr_assert_eq(throttle_tick(&f.engine), 0);
    cr_assert_not(is_put_off());
    cr_assert_eq(f.engine.stats.work, 150);
    cr_assert_eq(f.engine.stats.throttled, 2);
}

Test(throttle, who_waits_goes_on_when_the_limit_is_taken_away)
{
    says(&f, "CONFIG SET larder-ecpus-per-second 1000", "+OK\r\n");
    cr_assert_not(is_put_off());
    spend(5000);
    struct cmd_call call = call_of(&c.client);
    cr_assert(throttle_takes(&call));
    says(&f, "CONFIG SET larder-ecpus-per-second 0", "+OK\r\n");
    cr_assert_eq(throttle_tick(&f.engine), 0);
    cr_assert_not(c.client.is_postponed);
    cr_assert_not(is_put_off());
}

Test(throttle, the_owner_and_who_replicates_are_not_counted)
{
    says(&f, "CONFIG SET larder-ecpus-per-second 1000", "+OK\r\n");
    cr_assert_not(is_put_off());
    spend(5000);
    c.client.is_admin = true;
    cr_assert_not(is_put_off());
    throttle_count(&f.engine, &c.client, 10, 0);
    cr_assert_eq(f.engine.stats.work, 5000);
    c.client.is_admin = false;
}

/* --- a replica --- */

/* The client says that it is one. */
static struct follower *follow(void)
{
    struct follower *r = followers_of(&f.engine, &c.client);

    f.engine.followers->first = r;
    r->state = FOLLOWER_WAITS;
    return r;
}

static void leave(struct follower *r)
{
    f.engine.followers->first = NULL;
    r->state = FOLLOWER_NONE;
}

Test(throttle, what_a_replica_does_is_taken_from_the_limit_but_never_more_than_half)
{
    struct follower *r = follow();

    says(&f, "CONFIG SET larder-ecpus-per-second 1000", "+OK\r\n");
    resp_advance(&f, 1000);
    throttle_lend(&f.engine, r, 5000);
    cr_assert_eq(r->work_rate, 0, "nobody knows since when it did that");
    resp_advance(&f, 100);
    throttle_lend(&f.engine, r, 5100);
    cr_assert_eq(r->work, 5000, "too soon");
    resp_advance(&f, 900);
    throttle_lend(&f.engine, r, 5200);
    cr_assert_eq(f.engine.throttle.lent, 200);
    cr_assert_not(is_put_off());
    spend(180); /* 80 are saved up */
    cr_assert(is_put_off());
    cr_assert_eq(throttle_tick(&f.engine), 126, "100 at 800 a second");
    resp_advance(&f, 1000);
    throttle_lend(&f.engine, r, 15200);
    cr_assert_not(is_put_off());
    spend(150); /* 50 are saved up */
    cr_assert(is_put_off());
    cr_assert_eq(throttle_tick(&f.engine), 201, "it is half of the limit at least");
    resp_advance(&f, 5000);
    cr_assert_not(is_put_off(), "a replica that says nothing does nothing");
    cr_assert_eq(f.engine.throttle.purse, 100 * 1000);
    leave(r);
}

Test(throttle, a_replica_says_with_its_acknowledgements_what_it_did)
{
    struct follower *r = follow();

    resp_advance(&f, 1000);
    cr_assert_str_eq(resp_ask_of(&f, &c, "REPLCONF ACK 0 LARDER-WORK 70"), "");
    cr_assert_eq(r->work, 70);
    resp_advance(&f, 1000);
    cr_assert_str_eq(resp_ask_of(&f, &c, "REPLCONF ACK 0 FACK 0 LARDER-WORK 90"), "");
    cr_assert_eq(f.engine.throttle.lent, 20);
    leave(r);
}
