#include "cacheengine/dispatch/broadcast.h"
#include "cacheengine/dispatch/tracking.h"

#include <criterion/criterion.h>

#include <stdio.h>

static void expect(struct broadcast *b, uint32_t prefix, uint64_t without, const char *list)
{
    struct buf out = BUF_EMPTY;
    bool has_any = broadcast_list(b, &b->prefixes[prefix], without, &out);

    cr_assert_eq(has_any, list[0] != 0);
    cr_assert_str_eq(buf_cstr(&out), list);
    buf_fini(&out);
}

Test(broadcast, each_prefix_has_its_keys_in_order_and_once)
{
    struct account account = {0};
    struct broadcast b = {.account = &account};
    struct tracker one = {0}, two = {0};

    broadcast_join(&b, STR("b"), &one);
    broadcast_join(&b, STR("a:"), &one);
    broadcast_join(&b, STR("a:"), &two);
    cr_assert_eq(b.prefix_count, 2);
    cr_assert_not(broadcast_note(&b, STR("b"), 1));
    cr_assert_not(broadcast_note(&b, STR("a:2"), 1));
    cr_assert_not(broadcast_note(&b, STR("c"), 1));
    cr_assert_not(broadcast_note(&b, STR("a"), 1));
    cr_assert_not(broadcast_note(&b, STR("a:"), 2));
    cr_assert_not(broadcast_note(&b, STR("a:2"), 2));
    cr_assert_not(broadcast_note(&b, STR("a:2"), 3));
    cr_assert_eq(b.key_count, 4, "what nobody tracks is not kept");
    broadcast_settle(&b);
    expect(&b, 0, 0, "*2\r\n$2\r\na:\r\n$3\r\na:2\r\n");
    expect(&b, 1, 0, "*1\r\n$1\r\nb\r\n");
    expect(&b, 0, 2, "*1\r\n$3\r\na:2\r\n");
    expect(&b, 0, 3, "*1\r\n$2\r\na:\r\n");
    expect(&b, 1, 1, "");
    broadcast_clear(&b);
    expect(&b, 0, 0, "");
    broadcast_leave(&b, STR("a:"), &one);
    cr_assert_eq(b.prefix_count, 2);
    broadcast_leave(&b, STR("a:"), &two);
    broadcast_leave(&b, STR("b"), &one);
    cr_assert_eq(b.prefix_count, 0);
    broadcast_fini(&b);
    cr_assert_eq(account.used_bytes, 0);
    cr_assert_eq(account.client_bytes, 0);
}

Test(broadcast, the_empty_prefix_has_all_keys_even_the_empty_one)
{
    struct account account = {0};
    struct broadcast b = {.account = &account};
    struct tracker one = {0};

    broadcast_join(&b, STR(""), &one);
    broadcast_note(&b, STR(""), 0);
    broadcast_note(&b, STR("\xff"), 0);
    broadcast_settle(&b);
    expect(&b, 0, 0, "*2\r\n$0\r\n\r\n$1\r\n\xff\r\n");
    broadcast_fini(&b);
    cr_assert_eq(account.used_bytes, 0);
}

Test(broadcast, every_prefix_of_a_key_is_found_among_many)
{
    static const char *const letters = "ab";
    struct account account = {0};
    struct broadcast b = {.account = &account};
    struct tracker one = {0};
    uint32_t chance = 7;
    char text[10];

    for (int round = 0; round < 3000; round++) {
        size_t len = 0;

        chance = chance * 1664525 + 1013904223;
        for (len = 0; len < (chance >> 28 & 7) + (round % 3 ? 1 : 0); len++)
            text[len] = letters[chance >> len & 1];
        struct str s = {text, len};
        if (round < 60) {
            broadcast_join(&b, s, &one);
            if (round < 30)
                broadcast_leave(&b, s, &one);
            continue;
        }
        bool is_wanted = false;
        for (uint32_t i = 0; i < b.prefix_count; i++)
            is_wanted |=
                b.prefixes[i].len <= len && !memcmp(b.prefixes[i].text, text, b.prefixes[i].len);
        broadcast_note(&b, s, 0);
        cr_assert_eq(b.key_count, is_wanted);
        broadcast_settle(&b);
        for (uint32_t i = 0; i < b.prefix_count; i++) {
            bool is_prefix =
                b.prefixes[i].len <= len && !memcmp(b.prefixes[i].text, text, b.prefixes[i].len);

            cr_assert_eq(b.prefixes[i].has_news, is_prefix);
            b.prefixes[i].has_news = false;
        }
        broadcast_clear(&b);
    }
    broadcast_fini(&b);
    cr_assert_eq(account.used_bytes, 0);
}

Test(broadcast, it_says_when_it_has_gathered_much)
{
    struct account account = {0};
    struct broadcast b = {.account = &account};
    struct tracker one = {0};
    char name[16];
    int count = 0;

    broadcast_join(&b, STR("k"), &one);
    do
        snprintf(name, sizeof(name), "k%d", count % 3000);
    while (!broadcast_note(&b, str_of(name), 1) && ++count < 100000);
    cr_assert_eq(count + 1, BROADCAST_KEYS);
    broadcast_settle(&b);
    cr_assert_eq(b.key_count, 3000);
    broadcast_clear(&b);
    char *big = calloc(1, BROADCAST_BYTES);
    big[0] = 'k';
    cr_assert(broadcast_note(&b, (struct str){big, BROADCAST_BYTES}, 1));
    cr_assert_geq(account.used_bytes, BROADCAST_BYTES);
    free(big);
    broadcast_fini(&b);
    cr_assert_eq(account.used_bytes, 0);
}
