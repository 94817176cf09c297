#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/pause.h"
#include "cacheengine/dispatch/yield.h"
#include "dispatch_test.h"

static struct resp_fixture f;
static struct resp_client owner, replica, writer;
static bool has_replica;

#define ordered(line, answer) cr_assert_str_eq(resp_ask_of(&f, &owner, (line)), (answer))
#define TO                    " 500 10.0.0.2 6379"
#define NOT_LEVEL             "-NOTLEVEL the successor has not come level in time\r\n"

static void attach(struct resp_client *r, const char *address)
{
    char line[128];

    resp_client_open(&f, r, false);
    snprintf(line, sizeof(line), "REPLCONF listening-port 6379 ip-address %s", address);
    cr_assert_str_eq(resp_ask_of(&f, r, line), "+OK\r\n");
    snprintf(line, sizeof(line), "PSYNC %s %lld", f.engine.stream.id,
             (long long)f.engine.stream.offset + 1);
    resp_ask_of(&f, r, line);
    cr_assert_eq(r->client.follower->state, FOLLOWER_ONLINE);
}

static void begin(void)
{
    resp_open(&f, NULL);
    resp_client_open(&f, &owner, true);
    resp_client_open(&f, &writer, false);
    repl_stream_renew(&f.engine.stream);
    repl_stream_open(&f.engine.stream);
    attach(&replica, "10.0.0.2");
    has_replica = true;
    ordered("LARDER.ROLE 5 primary", "+OK\r\n");
    says(&f, "SET k v", "+OK\r\n");
}

static void end(void)
{
    resp_client_close(&f, &writer);
    if (has_replica)
        resp_client_close(&f, &replica);
    resp_client_close(&f, &owner);
    resp_close(&f);
}

static void acknowledge(int64_t offset)
{
    char line[64];

    snprintf(line, sizeof(line), "REPLCONF ACK %lld", (long long)offset);
    resp_ask_of(&f, &replica, line);
}

/* What was said to one that waited. */
static const char *heard(struct resp_client *c)
{
    resp_send(&f, c, "", 0);
    return buf_cstr(&f.out);
}

static void write_is_put_off(void)
{
    cr_assert_str_eq(resp_ask_of(&f, &writer, "SET k w"), "");
    cr_assert(writer.client.is_postponed);
    buf_clear(&writer.input);
}

TestSuite(cmd_yield, .init = begin, .fini = end);

Test(cmd_yield, writes_wait_until_the_successor_has_all_and_the_fence_ends_nobody)
{
    int64_t offset = f.engine.stream.offset;

    ordered("LARDER.YIELD 5 1" TO, "");
    write_is_put_off();
    says(&f, "GET k", "$1\r\nv\r\n");
    acknowledge(offset - 1);
    cr_assert_str_eq(heard(&owner), "");
    acknowledge(offset);
    cr_assert_str_eq(heard(&owner), "+OK\r\n");
    ordered("LARDER.YIELD 5 1" TO, "+OK\r\n");
    ordered("LARDER.FENCE 5", "+OK\r\n");
    cr_assert_not(f.main.is_killed);
    ordered("LARDER.YIELD 5 2" TO, "+OK\r\n"); /* it has */
    cr_assert(writer.client.is_postponed, "it waits on");
    cr_assert_eq(f.engine.stream.offset, offset);
    ordered("LARDER.ROLE 6 replica 10.0.0.2 6379", "+OK\r\n");
    cr_assert(f.main.is_killed);
    cr_assert(writer.is_killed);
    cr_assert_not(yield_is_on(&f.engine));
}

Test(cmd_yield, one_that_is_too_slow_gets_nothing_and_writes_go_on)
{
    ordered("LARDER.YIELD 5 1" TO, "");
    write_is_put_off();
    resp_advance(&f, 499);
    blocks_expire(&f.engine);
    yield_tick(&f.engine);
    cr_assert(writer.client.is_postponed);
    resp_advance(&f, 1);
    blocks_expire(&f.engine);
    cr_assert_str_eq(heard(&owner), NOT_LEVEL);
    cr_assert_not(writer.client.is_postponed);
    cr_assert_not(writer.is_killed);
    acknowledge(f.engine.stream.offset);
    ordered("LARDER.YIELD 5 1" TO, NOT_LEVEL);
    says(&f, "SET k x", "+OK\r\n");
    cr_assert_eq(f.engine.authority.term, 5);
    ordered("LARDER.YIELD 5 2" TO, ""); /* another one */
    acknowledge(f.engine.stream.offset);
    cr_assert_str_eq(heard(&owner), "+OK\r\n");
}

Test(cmd_yield, one_that_is_gone_is_waited_for_no_longer)
{
    ordered("LARDER.YIELD 5 1" TO, "");
    write_is_put_off();
    resp_client_close(&f, &replica);
    has_replica = false;
    cr_assert_not(writer.client.is_postponed);
    yield_tick(&f.engine);
    cr_assert_str_eq(heard(&owner), NOT_LEVEL);
    ordered("LARDER.YIELD 5 2" TO, NOT_LEVEL);
    ordered("LARDER.YIELD 5 3 500 10.0.0.3 6379", NOT_LEVEL);
    cr_assert_not(writer.client.is_postponed);
}

Test(cmd_yield, without_an_owner_nobody_waits_for_longer_than_its_time)
{
    ordered("LARDER.YIELD 5 1" TO, "");
    acknowledge(f.engine.stream.offset);
    cr_assert_str_eq(heard(&owner), "+OK\r\n");
    write_is_put_off();
    resp_advance(&f, 500);
    yield_tick(&f.engine);
    cr_assert_not(writer.client.is_postponed);
    cr_assert_not(writer.is_killed);
    says(&f, "SET k x", "+OK\r\n");
    /* A late fence is one as any other. */
    ordered("LARDER.FENCE 5", "+OK\r\n");
    cr_assert(writer.is_killed);
}

Test(cmd_yield, who_waits_behind_a_fence_is_ended_when_the_time_is_up)
{
    ordered("LARDER.YIELD 5 1" TO, "");
    acknowledge(f.engine.stream.offset);
    cr_assert_str_eq(heard(&owner), "+OK\r\n");
    ordered("LARDER.FENCE 5", "+OK\r\n");
    write_is_put_off();
    resp_advance(&f, 500);
    yield_tick(&f.engine);
    cr_assert(writer.is_killed);
    cr_assert(f.main.is_killed);
    cr_assert_not(replica.is_killed);
}

Test(cmd_yield, who_waits_behind_a_fence_is_ended_when_the_successor_takes_its_role)
{
    struct resp_client late;

    ordered("LARDER.YIELD 5 1" TO, "");
    acknowledge(f.engine.stream.offset);
    cr_assert_str_eq(heard(&owner), "+OK\r\n");
    ordered("LARDER.FENCE 5", "+OK\r\n");
    cr_assert_not(writer.is_killed);
    resp_client_close(&f, &replica);
    has_replica = false;
    cr_assert(writer.is_killed);
    cr_assert_not(owner.is_killed);
    resp_client_open(&f, &late, false);
    cr_assert_str_eq(resp_ask_of(&f, &late, "SET k w"), "");
    cr_assert(late.client.is_postponed, "it came too early");
    buf_clear(&late.input);
    ordered("LARDER.ROLE 6 replica 10.0.0.2 6379", "+OK\r\n");
    cr_assert(late.is_killed);
    resp_client_close(&f, &late);
}

Test(cmd_yield, a_fence_that_is_taken_back_lets_those_go_on_who_wait)
{
    ordered("LARDER.YIELD 5 1" TO, "");
    acknowledge(f.engine.stream.offset);
    cr_assert_str_eq(heard(&owner), "+OK\r\n");
    ordered("LARDER.FENCE 5", "+OK\r\n");
    write_is_put_off();
    ordered("LARDER.ROLE 6 primary", "+OK\r\n");
    cr_assert_not(writer.is_killed);
    cr_assert_not(writer.client.is_postponed);
    says(&f, "SET k x", "+OK\r\n");
}

Test(cmd_yield, nonsense_and_older_terms_change_nothing)
{
    static const char *const lines[] = {
        "LARDER.YIELD 4 1 500 h 1",   "LARDER.YIELD 5 0 500 h 1", "LARDER.YIELD 5 1 0 h 1",
        "LARDER.YIELD 5 1 60001 h 1", "LARDER.YIELD 5 1 500 h 0", "LARDER.YIELD 5 1 500 h",
        "LARDER.YIELD x 1 500 h 1",
    };

    for (size_t i = 0; i < countof(lines); i++)
        cr_assert_eq(resp_ask_of(&f, &owner, lines[i])[0], '-', "%s", lines[i]);
    cr_assert_eq(f.engine.yield.number, 0);
    ordered("LARDER.ROLE 6 replica 10.0.0.2 6379", "+OK\r\n");
    cr_assert_eq(resp_ask_of(&f, &owner, "LARDER.YIELD 6 1" TO)[0], '-');
}
