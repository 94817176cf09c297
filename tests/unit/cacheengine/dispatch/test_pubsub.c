#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/keyspace/slot.h"
#include "dispatch_test.h"

Test(pubsub, who_subscribes_twice_subscribes_once)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    cr_assert(pubsub_subscribe(&f.engine, &f.main.client, PUBSUB_CHANNEL, STR("a")));
    cr_assert_not(pubsub_subscribe(&f.engine, &f.main.client, PUBSUB_CHANNEL, STR("a")));
    cr_assert_eq(pubsub_listeners(&f.engine, PUBSUB_CHANNEL, STR("a")), 1);
    cr_assert_eq(pubsub_listeners(&f.engine, PUBSUB_SHARD, STR("a")), 0);
    cr_assert(pubsub_unsubscribe(&f.engine, &f.main.client, PUBSUB_CHANNEL, STR("a")));
    cr_assert_not(pubsub_unsubscribe(&f.engine, &f.main.client, PUBSUB_CHANNEL, STR("a")));
    cr_assert_null(f.main.client.subscriber);
    cr_assert_eq(f.engine.guards, 0);
    resp_close(&f);
}

Test(pubsub, many_come_and_go_in_any_order)
{
    struct resp_fixture f;
    char name[16];

    resp_open(&f, NULL);
    size_t before = f.engine.keyspace.account.client_bytes;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "c%d", i * 7 % 1000);
        cr_assert(pubsub_subscribe(&f.engine, &f.main.client, i % 3, str_of(name)));
    }
    cr_assert_eq(pubsub_count_of(&f.main.client, PUBSUB_CHANNEL) +
                     pubsub_count_of(&f.main.client, PUBSUB_PATTERN) +
                     pubsub_count_of(&f.main.client, PUBSUB_SHARD),
                 1000);
    for (int i = 0; i < 1000; i += 2) {
        snprintf(name, sizeof(name), "c%d", i * 7 % 1000);
        cr_assert(pubsub_unsubscribe(&f.engine, &f.main.client, i % 3, str_of(name)));
    }
    pubsub_forget(&f.engine, &f.main.client);
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        cr_assert_eq(pubsub_count(&f.engine, kind), 0);
    cr_assert_eq(f.engine.keyspace.account.client_bytes, before,
                 "the tables went with the last of each");
    resp_close(&f);
}

Test(pubsub, channels_of_slots_that_went_are_left_with_a_word)
{
    struct slot_set gone = {0};
    struct resp_fixture f;

    resp_open(&f, NULL);
    slot_set_add(&gone, slot_of_key("a", 1));
    resp_ask(&f, "SSUBSCRIBE a b");
    pubsub_leave_slots(&f.engine, &gone);
    cr_assert_eq(pubsub_count_of(&f.main.client, PUBSUB_SHARD), 1);
    says(&f, "PING",
         "*3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:1\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    resp_close(&f);
}
