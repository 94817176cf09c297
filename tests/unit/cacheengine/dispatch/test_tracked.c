#include "cacheengine/dispatch/tracked.h"
#include "cacheengine/dispatch/tracking.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

/* Trackers are freed with their last key, if their client is gone. */
static struct tracker *tracker_of(struct client *c)
{
    struct tracker *t = calloc(1, sizeof(*t));

    t->client = c;
    return t;
}

static struct key key_of(const char *name)
{
    struct hash_seed seed = {0};
    size_t len = strlen(name);

    return (struct key){name, hash_bytes(&seed, name, len), (uint32_t)len};
}

static struct key numbered(char room[16], int i)
{
    snprintf(room, 16, "key:%d", i);
    return key_of(room);
}

Test(tracked, a_key_has_each_client_once)
{
    struct account account = {0};
    struct tracked t = {.account = &account};
    struct client clients[40] = {{0}};
    struct tracker *holders[40];

    for (int i = 0; i < 40; i++)
        holders[i] = tracker_of(&clients[i]);
    for (int i = 0; i < 120; i++)
        tracked_add(&t, key_of("k"), holders[i * 7 % 40]);
    cr_assert_eq(t.keys, 1);
    cr_assert_eq(t.items, 40);
    cr_assert_null(tracked_take(&t, key_of("j")));
    struct tracked_key *k = tracked_take(&t, key_of("k"));
    cr_assert_eq(k->count, 40);
    for (uint32_t i = 0; i < 40; i++) {
        cr_assert_eq(tracked_holder(k, i)->items, 1);
        for (uint32_t j = 0; j < i; j++)
            cr_assert_neq(tracked_holder(k, i), tracked_holder(k, j));
    }
    tracked_key_free(&t, k);
    cr_assert_eq(t.items, 0);
    tracked_clear(&t);
    cr_assert_eq(account.used_bytes, 0);
    for (int i = 0; i < 40; i++)
        free(holders[i]);
}

Test(tracked, the_table_grows_and_shrinks_and_is_booked)
{
    struct account account = {0};
    struct tracked t = {.account = &account};
    struct client c = {0};
    struct tracker *holder = tracker_of(&c);
    char name[16];

    for (int i = 0; i < 5000; i++)
        tracked_add(&t, numbered(name, i), holder);
    cr_assert_eq(t.keys, 5000);
    cr_assert_eq(holder->items, 5000);
    cr_assert_eq(account.used_bytes, t.bytes);
    cr_assert_eq(account.client_bytes, t.bytes);
    size_t heads = t.head_count;
    for (int i = 0; i < 4990; i++)
        tracked_key_free(&t, i % 2 ? tracked_take_any(&t, (uint64_t)i * 7919)
                                   : tracked_take_any(&t, UINT64_MAX - (uint64_t)i));
    cr_assert_eq(t.keys, 10);
    cr_assert_lt(t.head_count, heads / 8);
    tracked_clear(&t);
    cr_assert_null(tracked_take_any(&t, 0));
    cr_assert_eq(account.used_bytes, 0);
    cr_assert_eq(holder->items, 0);
    free(holder);
}

Test(tracked, who_is_gone_is_let_go_when_its_place_is_needed_or_by_the_sweep)
{
    struct account account = {0};
    struct tracked t = {.account = &account};
    struct client c = {0};
    struct tracker *stays = tracker_of(&c);
    char name[16];

    /* Clients that come, read the same key and go: the key has room for few all the time. */
    for (int i = 0; i < 1000; i++) {
        struct client passing = {0};
        struct tracker *holder = tracker_of(&passing);

        tracked_add(&t, key_of("hot"), stays);
        tracked_add(&t, key_of("hot"), holder);
        holder->client = NULL;
        t.gone_items += holder->items;
    }
    cr_assert_leq(t.items, 5);
    struct tracker *holder = tracker_of(&c);
    for (int i = 0; i < 1000; i++)
        tracked_add(&t, numbered(name, i), i % 10 ? holder : stays);
    holder->client = NULL;
    t.gone_items += holder->items;
    for (int i = 0; i < 100 && t.gone_items > 0; i++)
        tracked_sweep(&t, 100);
    cr_assert_eq(t.gone_items, 0);
    cr_assert_eq(t.keys, 101);
    cr_assert_eq(t.items, 101);
    tracked_clear(&t);
    free(stays);
    cr_assert_eq(account.used_bytes, 0);
}

Test(tracked, keys_of_slots_are_found)
{
    struct account account = {0};
    struct tracked t = {.account = &account};
    struct slot_set slots = {0};
    struct client c = {0};
    struct tracker *holder = tracker_of(&c);
    char name[16];
    size_t place = 0;
    int count = 0;

    for (int i = 0; i < 300; i++)
        tracked_add(&t, numbered(name, i), holder);
    for (int i = 0; i < 100; i++) {
        numbered(name, i);
        slot_set_add(&slots, slot_of_key(name, strlen(name)));
    }
    for (struct tracked_key *k; (k = tracked_take_of_slots(&t, &slots, &place)); count++)
        tracked_key_free(&t, k);
    cr_assert_geq(count, 100);
    cr_assert_lt(count, 110, "others share few of their slots");
    cr_assert_eq(t.keys, 300 - (uint64_t)count);
    tracked_clear(&t);
    free(holder);
}
