#include "cacheengine/keyspace/call.h"
#include "keyspace_fixture.h"

/* A call with arguments of its own and a reply to look at. */
struct call_fixture {
    struct fixture f;
    struct reply_pool pool;
    struct reply reply;
    struct str argv[8];
    struct cmd_call call;
};

static void begin(struct call_fixture *t, const char *a, const char *b, const char *c)
{
    fixture_begin(&t->f);
    reply_pool_init(&t->pool, &t->f.ks.account);
    reply_init(&t->reply, &t->pool);
    t->argv[0] = str_of(a);
    t->argv[1] = str_of(b);
    t->argv[2] = str_of(c);
    t->call = (struct cmd_call){
        .argv = t->argv, .argc = 3, .reply = &t->reply, .db = t->f.db, .ks = &t->f.ks};
}

static void end(struct call_fixture *t)
{
    reply_fini(&t->reply);
    reply_pool_fini(&t->pool);
    fixture_end(&t->f);
}

Test(call, integers_are_read_or_refused_with_an_error)
{
    struct call_fixture t;
    int64_t v = 0;

    begin(&t, "cmd", "42", "forty-two");
    cr_assert(call_int(&t.call, 1, &v));
    cr_assert_eq(v, 42);
    cr_assert_not(call_int(&t.call, 2, &v));
    cr_assert_eq(t.reply.errors, 1);
    cr_assert_not(call_int_within(&t.call, 1, 0, 41, NULL, &v));
    cr_assert(call_int_within(&t.call, 1, 0, 42, NULL, &v));
    end(&t);
}

Test(call, a_hash_made_by_the_parser_is_used_and_others_are_made)
{
    struct call_fixture t;
    uint64_t hash = 123;

    begin(&t, "cmd", "one", "two");
    t.call.hashes = &hash;
    t.call.key_first = t.call.key_step = t.call.key_count = 1;
    cr_assert_eq(call_key(&t.call, 1).hash, 123);
    cr_assert_eq(call_key(&t.call, 2).hash, keyspace_key(&t.f.ks, STR("two")).hash);
    end(&t);
}

Test(call, another_type_is_an_error_and_nothing_is_none)
{
    struct call_fixture t;
    bool ok;

    begin(&t, "cmd", "key", "none");
    set_text(&t.f, "key", "v");
    cr_assert(call_read(&t.call, call_key(&t.call, 1), TYPE_STRING, &ok) && ok);
    cr_assert_null(call_read(&t.call, call_key(&t.call, 2), TYPE_STRING, &ok));
    cr_assert(ok);
    cr_assert_null(call_read(&t.call, call_key(&t.call, 1), TYPE_HASH, &ok));
    cr_assert_not(ok);
    cr_assert_str_eq(t.reply.error_code, "WRONGTYPE");
    end(&t);
}

Test(call, a_big_argument_alone_in_its_buffer_is_taken_without_a_copy)
{
    struct call_fixture t;
    struct blob *b;

    begin(&t, "set", "key", "");
    b = blob_new(&t.f.ks.account, 0, 100040);
    memset(b->bytes, 'x', 100040);
    t.argv[2] = (struct str){b->bytes + 30, 100000};
    cr_assert_null(call_take(&t.call, 2));
    t.call.backing = b;
    struct blob *taken = call_take(&t.call, 2);
    cr_assert_eq(taken, b);
    cr_assert(blob_str(taken).ptr == b->bytes + 30 && blob_str(taken).len == 100000);
    cr_assert_null(call_take(&t.call, 2));
    blob_drop(&t.f.ks.account, taken);
    t.argv[2].len = 50000;
    cr_assert_null(call_take(&t.call, 2));
    blob_drop(&t.f.ks.account, b);
    end(&t);
}
