/* Changes of a zone, told and understood. */
#include "base/arena.h"
#include "base/net.h"
#include "nameserver/told.h"
#include "nameserver/zone.h"

#include <criterion/criterion.h>

static struct arena arena;

static void end(void)
{
    arena_fini(&arena);
}

TestSuite(told, .fini = end);

static struct net_addr address(const char *text)
{
    struct net_addr a;

    cr_assert(net_addr_parse_host(str_of(text), &a));
    return a;
}

Test(told, what_is_told_is_what_is_understood)
{
    struct net_addr two[] = {address("127.0.0.9"), address("fd00::1")};
    struct zone_name names[] = {
        {.name = "a.cache.test", .addresses = {.items = two, .count = 2, .ttl_s = 5}},
        {.name = "gone.cache.test"                     },
    };
    struct zone_changes changes = {
        .serial = 4000000000, .is_whole = true, .names = names, .count = 2};
    struct zone_changes understood;
    struct agent_follow_names_out message;
    char zone[DNS_NAME_MAX];

    told_write(&arena, "cache.test", 77, &changes, &message);
    cr_expect(message.is_changed.value);
    cr_expect_eq(message.life.value, 77);
    cr_assert_eq(told_read(&arena, &message, zone, &understood).code, ERR_OK);
    cr_expect_str_eq(zone, "cache.test");
    cr_expect_eq(understood.serial, 4000000000);
    cr_expect(understood.is_whole);
    cr_assert_eq(understood.count, 2);
    cr_expect_str_eq(understood.names[0].name, "a.cache.test");
    cr_expect_eq(understood.names[0].addresses.ttl_s, 5);
    cr_assert_eq(understood.names[0].addresses.count, 2);
    cr_expect_str_eq(net_addr_host_text(&arena, &understood.names[0].addresses.items[0]),
                     "127.0.0.9");
    cr_expect_str_eq(net_addr_host_text(&arena, &understood.names[0].addresses.items[1]),
                     "fd00::1");
    cr_expect_eq(understood.names[1].addresses.count, 0);
}

static struct agent_follow_names_out message_of(const char *name, const char **where)
{
    struct agent_endpoint_name *one = arena_zalloc(&arena, sizeof(*one));

    *one = (struct agent_endpoint_name){
        .name = name,
        .addresses = {.has = true, .count = 1, .items = where},
        .ttl_seconds = INT_OF(5),
    };
    return (struct agent_follow_names_out){
        .is_changed = BOOL_OF(true),
        .zone = "cache.test",
        .life = INT_OF(1),
        .serial = INT_OF(2),
        .names = {.has = true, .count = 1, .items = one},
    };
}

static enum err_code understand(const struct agent_follow_names_out *message)
{
    struct zone_changes changes;
    char zone[DNS_NAME_MAX];

    return told_read(&arena, message, zone, &changes).code;
}

Test(told, what_cannot_be_served_is_not_believed)
{
    static const char *const names[] = {"a.other.test",   "cache.test", "ns.cache.test",
                                        "a b.cache.test", "",           NULL};
    const char *good = "127.0.0.1", *bad = "localhost";

    struct agent_follow_names_out m = message_of("a.cache.test", &good);
    cr_expect_eq(understand(&m), ERR_OK);
    for (size_t i = 0; i < countof(names); i++) {
        m = message_of(names[i], &good);
        cr_expect_eq(understand(&m), ERR_INVALID, "%s", names[i] ? names[i] : "none");
    }
    m = message_of("a.cache.test", &bad);
    cr_expect_eq(understand(&m), ERR_INVALID);
    m = message_of("a.cache.test", &good);
    m.names.items[0].ttl_seconds = INT_OF(-1);
    cr_expect_eq(understand(&m), ERR_INVALID);
    m = message_of("a.cache.test", &good);
    m.zone = NULL;
    cr_expect_eq(understand(&m), ERR_INVALID);
    m.zone = "cache.test";
    m.serial = INT_OF(1LL << 32);
    cr_expect_eq(understand(&m), ERR_INVALID);
    m.serial = INT_OF(2);
    m.life = INT_OF(0);
    cr_expect_eq(understand(&m), ERR_INVALID);
}
