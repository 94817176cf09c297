/* The names that the embedded server knows. */
#include "base/arena.h"
#include "nameserver/zone.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct net_addr address(const char *text)
{
    struct net_addr a;

    cr_assert(net_addr_parse_host(str_of(text), &a));
    return a;
}

static enum zone_match match(struct zone *z, const char *name)
{
    struct arena a = {0};
    struct zone_addresses found;
    enum zone_match m = zone_find(z, &a, name, &found);

    arena_fini(&a);
    return m;
}

Test(zone, tells_what_exists_what_lies_between_and_what_is_foreign)
{
    struct zone *z = zone_new("cache.test", 1);
    struct net_addr one = address("127.0.0.1");

    cr_assert_eq(zone_upsert(z, "a.b.c.cache.test", &one, 1, 5).code, ERR_OK);
    static const struct {
        const char *name;
        enum zone_match match;
    } rows[] = {
        {"cache.test",         ZONE_APEX   },
        {"ns.cache.test",      ZONE_SERVER },
        {"a.b.c.cache.test",   ZONE_NAME   },
        {"b.c.cache.test",     ZONE_BETWEEN},
        {"c.cache.test",       ZONE_BETWEEN},
        {"x.c.cache.test",     ZONE_MISSING},
        {"x.a.b.c.cache.test", ZONE_MISSING},
        {"test",               ZONE_OUTSIDE},
        {"mycache.test",       ZONE_OUTSIDE},
        {"",                   ZONE_OUTSIDE},
    };
    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(match(z, rows[i].name), rows[i].match, "%s", rows[i].name);
    zone_free(z);
}

Test(zone, names_between_vanish_with_the_last_name_below_them)
{
    struct zone *z = zone_new("cache.test", 1);
    struct net_addr one = address("127.0.0.1");

    cr_assert_eq(zone_upsert(z, "a.c.cache.test", &one, 1, 5).code, ERR_OK);
    cr_assert_eq(zone_upsert(z, "b.c.cache.test", &one, 1, 5).code, ERR_OK);
    cr_assert_eq(zone_upsert(z, "c.cache.test", &one, 1, 5).code, ERR_OK);
    zone_remove(z, "a.c.cache.test");
    zone_remove(z, "a.c.cache.test");
    cr_expect_eq(match(z, "c.cache.test"), ZONE_NAME);
    zone_remove(z, "c.cache.test");
    cr_expect_eq(match(z, "c.cache.test"), ZONE_BETWEEN);
    zone_remove(z, "b.c.cache.test");
    cr_expect_eq(match(z, "c.cache.test"), ZONE_MISSING);
    zone_free(z);
}

Test(zone, an_upsert_replaces_the_whole_set_and_the_serial_grows)
{
    struct zone *z = zone_new("cache.test", 7);
    struct net_addr two[] = {address("127.0.0.1"), address("127.0.0.2")};
    struct net_addr other = address("::1");
    struct arena a = {0};
    struct zone_addresses found;

    cr_assert_eq(zone_upsert(z, "n.cache.test", two, 2, 5).code, ERR_OK);
    cr_assert_eq(zone_upsert(z, "n.cache.test", &other, 1, 9).code, ERR_OK);
    cr_assert_eq(zone_find(z, &a, "n.cache.test", &found), ZONE_NAME);
    cr_expect_eq(found.count, 1);
    cr_expect_eq(found.ttl_s, 9);
    cr_expect_str_eq(net_addr_host_text(&a, &found.items[0]), "::1");
    cr_expect_eq(zone_serial(z), 9);
    zone_remove(z, "unknown.cache.test");
    cr_assert_eq(zone_upsert(z, "n.cache.test", &other, 1, 9).code, ERR_OK);
    cr_expect_eq(zone_serial(z), 9, "what changes nothing leaves the serial alone");
    cr_assert_eq(zone_upsert(z, "n.cache.test", &other, 1, 8).code, ERR_OK);
    cr_expect_eq(zone_serial(z), 10);
    arena_fini(&a);
    zone_free(z);
}

Test(zone, each_address_comes_first_in_its_turn)
{
    struct zone *z = zone_new("cache.test", 1);
    struct net_addr three[] = {address("127.0.0.1"), address("127.0.0.2"), address("127.0.0.3")};
    struct arena a = {0};
    int firsts[4] = {0};

    cr_assert_eq(zone_upsert(z, "n.cache.test", three, 3, 5).code, ERR_OK);
    for (int i = 0; i < 9; i++) {
        struct zone_addresses found;
        zone_find(z, &a, "n.cache.test", &found);
        const char *text = net_addr_host_text(&a, &found.items[0]);
        firsts[text[strlen(text) - 1] - '0']++;
    }
    for (int i = 1; i <= 3; i++)
        cr_expect_eq(firsts[i], 3);
    arena_fini(&a);
    zone_free(z);
}

Test(zone, keeps_its_own_names_to_itself)
{
    struct zone *z = zone_new("cache.test", 1);
    struct net_addr one = address("127.0.0.1");

    cr_expect_eq(zone_upsert(z, "ns.cache.test", &one, 1, 5).code, ERR_INVALID);
    cr_expect_eq(zone_upsert(z, "cache.test", &one, 1, 5).code, ERR_INVALID);
    zone_free(z);
}

struct race {
    struct zone *zone;
    atomic_bool must_stop;
};

static void *flip(void *arg)
{
    struct race *race = arg;
    struct net_addr low[] = {address("127.0.0.1"), address("127.0.0.1")};
    struct net_addr high[] = {address("127.0.0.2"), address("127.0.0.2"), address("127.0.0.2")};

    while (!atomic_load(&race->must_stop)) {
        cr_assert_eq(zone_upsert(race->zone, "n.cache.test", low, 2, 2).code, ERR_OK);
        cr_assert_eq(zone_upsert(race->zone, "n.cache.test", high, 3, 3).code, ERR_OK);
    }
    return NULL;
}

Test(zone, who_looks_while_a_set_is_replaced_sees_the_old_or_the_new_one)
{
    struct race race = {.zone = zone_new("cache.test", 1)};
    struct net_addr low[] = {address("127.0.0.1"), address("127.0.0.1")};
    struct arena a = {0};
    pthread_t thread;

    cr_assert_eq(zone_upsert(race.zone, "n.cache.test", low, 2, 2).code, ERR_OK);
    pthread_create(&thread, NULL, flip, &race);
    for (int i = 0; i < 5000; i++) {
        struct zone_addresses found;
        cr_assert_eq(zone_find(race.zone, &a, "n.cache.test", &found), ZONE_NAME);
        cr_assert_eq((size_t)found.ttl_s, found.count);
        const char *want = found.count == 2 ? "127.0.0.1" : "127.0.0.2";
        for (size_t n = 0; n < found.count; n++)
            cr_assert_str_eq(net_addr_host_text(&a, &found.items[n]), want);
        arena_reset(&a);
    }
    atomic_store(&race.must_stop, true);
    pthread_join(thread, NULL);
    arena_fini(&a);
    zone_free(race.zone);
}

/* Copies of a zone. */

static void put(struct zone *z, const char *name, const char *where)
{
    struct net_addr one = address(where);

    cr_assert_eq(zone_upsert(z, name, &one, 1, 5).code, ERR_OK);
}

/* Brings the copy up to date; how many names it was told of, or -1 for the whole zone. */
static int catch_up(struct zone *from, struct zone *copy)
{
    struct arena a = {0};
    struct zone_changes changes;
    uint32_t since = zone_serial(copy);

    zone_changes(from, &a, &since, &changes);
    zone_apply(copy, &changes);
    int told = changes.is_whole ? -1 : (int)changes.count;
    arena_fini(&a);
    return told;
}

Test(zone, a_copy_gets_the_whole_at_first_and_then_what_changed)
{
    struct zone *z = zone_new("cache.test", 100), *copy = zone_new("cache.test", 0);

    put(z, "a.x.cache.test", "127.0.0.1");
    put(z, "b.cache.test", "127.0.0.2");
    put(copy, "old.cache.test", "127.0.0.9");
    cr_expect_eq(catch_up(z, copy), -1);
    cr_expect_eq(zone_serial(copy), 102);
    cr_expect_eq(match(copy, "a.x.cache.test"), ZONE_NAME);
    cr_expect_eq(match(copy, "x.cache.test"), ZONE_BETWEEN);
    cr_expect_eq(match(copy, "old.cache.test"), ZONE_MISSING);

    put(z, "b.cache.test", "127.0.0.3");
    put(z, "b.cache.test", "127.0.0.4");
    zone_remove(z, "a.x.cache.test");
    cr_expect_eq(catch_up(z, copy), 2, "each name once");
    cr_expect_eq(zone_serial(copy), 105);
    cr_expect_eq(match(copy, "x.cache.test"), ZONE_MISSING);
    cr_expect_eq(catch_up(z, copy), 0);
    cr_expect_eq(zone_serial(copy), 105);

    struct arena a = {0};
    struct zone_addresses found;
    cr_assert_eq(zone_find(copy, &a, "b.cache.test", &found), ZONE_NAME);
    cr_expect_str_eq(net_addr_host_text(&a, &found.items[0]), "127.0.0.4");
    arena_fini(&a);
    zone_free(copy);
    zone_free(z);
}

Test(zone, a_copy_that_fell_behind_gets_the_whole_again)
{
    struct zone *z = zone_new("cache.test", UINT32_MAX - 10), *copy = zone_new("cache.test", 0);
    char where[32];

    put(z, "kept.cache.test", "127.0.0.1");
    catch_up(z, copy);
    for (int i = 0; i < ZONE_REMEMBERED; i++) {
        snprintf(where, sizeof(where), "127.1.%d.%d", i / 256, i % 256);
        put(z, "a.cache.test", where);
    }
    cr_expect_eq(catch_up(z, copy), 1, "all of it is remembered, though serials went round");
    for (int i = 0; i <= ZONE_REMEMBERED; i++) {
        snprintf(where, sizeof(where), "127.2.%d.%d", i / 256, i % 256);
        put(z, "a.cache.test", where);
    }
    cr_expect_eq(catch_up(z, copy), -1);
    cr_expect_eq(zone_serial(copy), zone_serial(z));
    cr_expect_eq(match(copy, "kept.cache.test"), ZONE_NAME);
    zone_free(copy);
    zone_free(z);
}

Test(zone, serials_pass_those_that_a_copy_has_had)
{
    struct zone *z = zone_new("cache.test", 100);

    zone_pass_serial(z, 99);
    cr_expect_eq(zone_serial(z), 100);
    zone_pass_serial(z, 100);
    cr_expect_eq(zone_serial(z), 101);
    zone_pass_serial(z, 500);
    cr_expect_eq(zone_serial(z), 501);
    cr_expect(zone_serial_is_later(3, UINT32_MAX));
    cr_expect_not(zone_serial_is_later(UINT32_MAX, 3));
    cr_expect_not(zone_serial_is_later(3, 3));
    zone_free(z);
}
