#include "cacheengine/keyspace/slot.h"

#include <criterion/criterion.h>

/* The checksum bit by bit, as it is defined. */
static uint32_t plain_slot(const char *p, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum ^= (uint32_t)(unsigned char)p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            sum = (sum & 0x8000 ? sum << 1 ^ 0x1021 : sum << 1) & 0xffff;
    }
    return sum % SLOT_COUNT;
}

Test(slot, the_check_value_of_the_checksum_is_right)
{
    cr_assert_eq(slot_of_key("123456789", 9), 0x31c3);
    cr_assert_eq(slot_of_key("", 0), 0);
}

Test(slot, keys_of_any_length_have_the_slot_of_their_checksum)
{
    char key[100];

    for (size_t len = 0; len <= sizeof(key); len++) {
        for (size_t i = 0; i < len; i++)
            key[i] = (char)('A' + (i * 7 + len) % 50 % 30);
        cr_assert_eq(slot_of_key(key, len), plain_slot(key, len), "%zu", len);
    }
}

Test(slot, a_hash_tag_counts_alone)
{
    static const struct {
        const char *key, *counts;
    } rows[] = {
        {"{user1000}.following", "user1000"  },
        {"a{b}c{d}",             "b"         },
        {"foo{}{bar}",           "foo{}{bar}"},
        {"foo{{bar}}zap",        "{bar"      },
        {"{a",                   "{a"        },
        {"a}b{c",                "a}b{c"     },
        {"{a}",                  "a"         },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(slot_of_key(rows[i].key, strlen(rows[i].key)),
                     plain_slot(rows[i].counts, strlen(rows[i].counts)), "%s", rows[i].key);
}

Test(slot, a_pattern_has_a_slot_when_all_that_it_fits_has_it)
{
    static const struct {
        const char *pattern, *counts; /* NULL: none */
    } rows[] = {
        {"{a}by*",   "a"     },
        {"x{a}*{b}", "a"     },
        {"plain",    "plain" },
        {"a{}{b}",   "a{}{b}"},
        {"a{}{b}*",  NULL    },
        {"by*",      NULL    },
        {"*{a}",     NULL    },
        {"{a*}",     NULL    },
        {"?{a}",     NULL    },
        {"[ab]{a}",  NULL    },
        {"\\{a}",    NULL    },
        {"{a",       "{a"    },
        {"",         ""      },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *counts = rows[i].counts;
        int expected = counts ? (int)plain_slot(counts, strlen(counts)) : -1;

        cr_assert_eq(slot_of_pattern(rows[i].pattern, strlen(rows[i].pattern)), expected, "%s",
                     rows[i].pattern);
    }
}

Test(slot, a_hash_gives_its_slot_back_and_keeps_what_the_index_needs)
{
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot += 97) {
        uint64_t hash = slot_mix(0x123456789abcdef0ULL * (slot + 1), slot);

        cr_assert_eq(slot_of_hash(hash), slot);
        cr_assert_eq(hash >> 56, slot % SLOT_GROUPS);
        cr_assert_eq(hash & 0xffff, (0x123456789abcdef0ULL * (slot + 1)) & 0xffff);
    }
}

Test(slot, sets_say_their_runs)
{
    struct slot_set s = {{0}}, other = {{0}};
    uint32_t first, last;

    cr_assert_not(slot_set_run(&s, 0, &first, &last));
    for (uint32_t slot = 60; slot <= 200; slot++)
        slot_set_add(&s, slot);
    slot_set_add(&s, SLOT_COUNT - 1);
    cr_assert(slot_set_run(&s, 0, &first, &last));
    cr_assert(first == 60 && last == 200);
    cr_assert(slot_set_run(&s, 201, &first, &last));
    cr_assert(first == SLOT_COUNT - 1 && last == SLOT_COUNT - 1);
    cr_assert_not(slot_set_run(&s, SLOT_COUNT, &first, &last));
    cr_assert_eq(slot_set_count(&s), 142);

    slot_set_add(&other, 61);
    cr_assert(slot_set_meets(&s, &other));
    slot_set_subtract(&s, &other);
    cr_assert_not(slot_set_meets(&s, &other));
    cr_assert_not(slot_set_has(&s, 61));
    slot_set_join(&s, &other);
    cr_assert(slot_set_has(&s, 61));
    slot_set_remove(&s, 61);
    cr_assert_eq(slot_set_count(&s), 141);
    cr_assert_not(slot_set_is_empty(&s));
}
