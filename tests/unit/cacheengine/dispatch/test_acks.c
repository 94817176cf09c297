#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/guard.h"
#include "dispatch_test.h"

#include <sys/uio.h>

static const char *const one_ack[] = {"larder-write-acks 1", "larder-write-acks-timeout 1000",
                                      NULL};

/* Runs a request without sending what it says; the stream has grown by 10 bytes if it writes. */
static void run(struct resp_fixture *f, struct resp_client *c, const char *line, bool is_write)
{
    struct parse_room room = {.arena = &f->batch};
    struct cmd_call call = {.reply = &c->client.reply,
                            .ks = &f->engine.keyspace,
                            .db = f->engine.keyspace.dbs,
                            .client = &c->client,
                            .engine = &f->engine,
                            .scratch = &f->engine.scratch};
    struct parse_state state = {0};
    struct buf text = BUF_EMPTY;
    size_t used;

    f->engine.stream.offset += is_write ? 10 : 0;
    buf_printf(&text, "%s\r\n", line);
    cr_assert_eq(
        protocol_resp.parse(&c->client, &f->engine, &state, buf_str(&text), &room, &call, &used),
        PARSE_CALL);
    call.run(&call);
    buf_fini(&text);
}

/* What may be sent now, as a text, taken off the reply. */
static const char *sent(struct resp_fixture *f, struct resp_client *c)
{
    size_t left = acks_sendable(&c->client);
    struct iovec iov;

    buf_clear(&f->out);
    while (left > 0 && reply_gather(&c->client.reply, &iov, 1) == 1) {
        size_t len = iov.iov_len < left ? iov.iov_len : left;

        buf_add(&f->out, iov.iov_base, len);
        reply_sent(&c->client.reply, len);
        left -= len;
    }
    reply_settle(&c->client.reply);
    return buf_cstr(&f->out);
}

#define sends(c, text) cr_assert_str_eq(sent(&f, (c)), (text))

Test(acks, replies_of_writes_wait_and_keep_their_place)
{
    struct resp_fixture f;
    struct resp_client other;

    resp_open(&f, one_ack);
    resp_client_open(&f, &other, false);
    run(&f, &f.main, "PING", false);
    run(&f, &f.main, "SET k v", true);
    run(&f, &f.main, "GET k", false);
    run(&f, &f.main, "SET k w", true);
    sends(&f.main, "+PONG\r\n");
    run(&f, &other, "GET k", false);
    sends(&other, "$1\r\nw\r\n");
    cr_assert_eq(acks_held(&f.engine), 2);
    acks_reached(&f.engine, 7, 10);
    sends(&f.main, "+OK\r\n$1\r\nv\r\n");
    acks_reached(&f.engine, 7, 20);
    sends(&f.main, "+OK\r\n");
    cr_assert_eq(acks_held(&f.engine), 0);
    resp_client_close(&f, &other);
    resp_close(&f);
}

Test(acks, so_many_replicas_are_needed_as_were_asked_for)
{
    static const char *const two_acks[] = {"larder-write-acks 2", NULL};
    struct resp_fixture f;

    resp_open(&f, two_acks);
    run(&f, &f.main, "SET k v", true);
    run(&f, &f.main, "SET k v", true);
    acks_reached(&f.engine, 1, 20);
    sends(&f.main, "");
    acks_reached(&f.engine, 2, 10);
    sends(&f.main, "+OK\r\n");
    acks_lost(&f.engine, 1);
    acks_reached(&f.engine, 2, 20);
    sends(&f.main, "");
    acks_reached(&f.engine, 3, 25);
    sends(&f.main, "+OK\r\n");
    resp_close(&f);
}

Test(acks, an_offset_that_goes_back_counts_for_nothing)
{
    struct resp_fixture f;

    resp_open(&f, one_ack);
    acks_reached(&f.engine, 1, 15);
    acks_reached(&f.engine, 1, 5);
    run(&f, &f.main, "SET k v", true);
    sends(&f.main, "");
    acks_settle(&f.engine);
    sends(&f.main, "+OK\r\n");
    resp_close(&f);
}

Test(acks, what_is_not_confirmed_in_time_is_an_error_in_its_place)
{
    struct resp_fixture f;

    resp_open(&f, one_ack);
    run(&f, &f.main, "MULTI", false);
    run(&f, &f.main, "SET k v", false);
    run(&f, &f.main, "INCR n", false);
    run(&f, &f.main, "EXEC", true);
    run(&f, &f.main, "GET k", false);
    resp_advance(&f, 500);
    run(&f, &f.main, "SET k w", true);
    sends(&f.main, "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
    cr_assert_eq(acks_expire(&f.engine), 500);
    resp_advance(&f, 500);
    cr_assert_eq(acks_expire(&f.engine), 500);
    sends(&f.main, "-UNCONFIRMED the write was made here, but within 1000 ms not acknowledged by 1 "
                   "replica(s)\r\n$1\r\nv\r\n");
    acks_reached(&f.engine, 1, 20);
    sends(&f.main, "+OK\r\n");
    resp_close(&f);
}

Test(acks, none_needed_none_held)
{
    struct resp_fixture f;

    resp_open(&f, one_ack);
    run(&f, &f.main, "SET k v", true);
    sends(&f.main, "");
    f.engine.settings.write_acks = 0;
    acks_settle(&f.engine);
    sends(&f.main, "+OK\r\n");
    cr_assert_not(f.engine.watches_writes);
    run(&f, &f.main, "SET k v", true);
    sends(&f.main, "+OK\r\n");
    resp_close(&f);
}

Test(acks, a_write_that_changes_nothing_is_answered_at_once)
{
    struct resp_fixture f;

    resp_open(&f, one_ack);
    run(&f, &f.main, "DEL none", false);
    sends(&f.main, ":0\r\n");
    run(&f, &f.main, "CLIENT REPLY OFF", false);
    run(&f, &f.main, "SET k v", true);
    cr_assert_eq(acks_held(&f.engine), 0);
    resp_close(&f);
}

Test(acks, who_goes_leaves_nothing_behind)
{
    struct resp_fixture f;
    struct resp_client c, other;

    resp_open(&f, one_ack);
    resp_client_open(&f, &c, false);
    resp_client_open(&f, &other, false);
    for (int i = 0; i < 1000; i++) {
        run(&f, &c, "INCR n", true);
        run(&f, &other, "INCR n", true);
    }
    resp_client_close(&f, &c);
    cr_assert_eq(acks_held(&f.engine), 2000);
    acks_reached(&f.engine, 1, f.engine.stream.offset);
    cr_assert_eq(acks_held(&f.engine), 0);
    cr_assert_eq(other.client.held_count, 0);
    cr_assert_eq(acks_sendable(&other.client), reply_pending(&other.client.reply));
    resp_client_close(&f, &other);
    resp_close(&f);
}

Test(acks, too_much_that_is_held_refuses_further_writes)
{
    static const char *const little[] = {"larder-write-acks 1", "larder-write-acks-memory 64kb",
                                         NULL};
    struct resp_fixture f;

    resp_open(&f, little);
    for (int i = 0; i < 2000 && !(f.engine.guards & GUARD_ACKS); i++)
        run(&f, &f.main, "INCR n", true);
    cr_assert(f.engine.guards & GUARD_ACKS);
    int64_t before = f.engine.stream.offset;
    run(&f, &f.main, "INCR n", false);
    acks_reached(&f.engine, 1, before);
    cr_assert_not(f.engine.guards & GUARD_ACKS);
    cr_assert(strstr(sent(&f, &f.main), "-NOREPLICAS Too much is waiting"));
    run(&f, &f.main, "INCR n", true);
    cr_assert_eq(acks_held(&f.engine), 1);
    resp_close(&f);
}

Test(acks, replicas_are_asked_once_for_what_is_held)
{
    struct resp_fixture f;

    resp_open(&f, one_ack);
    cr_assert_not(acks_want_asking(&f.engine));
    run(&f, &f.main, "SET k v", true);
    cr_assert(acks_want_asking(&f.engine));
    cr_assert_not(acks_want_asking(&f.engine));
    run(&f, &f.main, "SET k v", true);
    cr_assert(acks_want_asking(&f.engine));
    resp_close(&f);
}

Test(acks, the_owner_is_never_held_back)
{
    struct resp_fixture f;
    struct resp_client owner;

    resp_open(&f, one_ack);
    resp_client_open(&f, &owner, true);
    run(&f, &owner, "SET k v", true);
    sends(&owner, "+OK\r\n");
    resp_client_close(&f, &owner);
    resp_close(&f);
}

Test(acks, a_wait_that_ends_with_a_write_is_held_too)
{
    struct resp_fixture f;
    struct resp_client c;

    resp_open(&f, one_ack);
    resp_client_open(&f, &c, false);
    run(&f, &c, "BLPOP l 0", false);
    run(&f, &f.main, "RPUSH l a", true);
    sends(&f.main, "");
    sends(&c, "");
    acks_reached(&f.engine, 1, 10);
    sends(&c, "*2\r\n$1\r\nl\r\n$1\r\na\r\n");
    sends(&f.main, ":1\r\n");
    resp_client_close(&f, &c);
    resp_close(&f);
}

Test(acks, what_replicas_do_not_have_in_time_is_told)
{
    struct resp_fixture f;
    struct resp_client writer;

    resp_open(&f, one_ack);
    resp_client_open(&f, &writer, false);
    shows(&f, "INFO replication", "larder_durability_lag_ms:0\r\nlarder_durability_refused:0\r");
    run(&f, &writer, "SET k v", true);
    resp_advance(&f, 400);
    shows(&f, "INFO replication", "larder_durability_lag_ms:400\r\nlarder_durability_refused:0\r");
    resp_advance(&f, 600);
    acks_expire(&f.engine);
    shows(&f, "INFO replication", "larder_durability_lag_ms:1000\r\nlarder_durability_refused:1\r");
    acks_reached(&f.engine, 1, 10);
    shows(&f, "INFO replication", "larder_durability_lag_ms:0\r\nlarder_durability_refused:1\r");
    says(&f, "CONFIG RESETSTAT", "+OK\r\n");
    shows(&f, "INFO replication", "larder_durability_lag_ms:0\r\nlarder_durability_refused:0\r");
    f.engine.settings.write_acks = 0;
    acks_settle(&f.engine);
    hides(&f, "INFO replication", "larder_durability");
    resp_client_close(&f, &writer);
    resp_close(&f);
}
