#include "base/arena.h"
#include "base/ip.h"

#include <criterion/criterion.h>

#define countof_rows(rows) (sizeof(rows) / sizeof((rows)[0]))

Test(ip, addresses_are_read_and_written_in_their_shortest_form)
{
    static const struct {
        const char *text, *shortest;
        bool is_v6;
    } rows[] = {
        {"127.77.0.1",       "127.77.0.1",      false},
        {"0.0.0.0",          "0.0.0.0",         false},
        {"255.255.255.255",  "255.255.255.255", false},
        {"::1",              "::1",             true },
        {"::",               "::",              true },
        {"fd00:0:0:0::0001", "fd00::1",         true },
        {"::ffff:127.0.0.1", "127.0.0.1",       false},
        {"fe80::ffff:1:2",   "fe80::ffff:1:2",  true },
        {"1:2:3:4:5:6:7:8",  "1:2:3:4:5:6:7:8", true },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof_rows(rows); i++) {
        struct ip ip;
        cr_assert(ip_parse(str_of(rows[i].text), &ip), "%s", rows[i].text);
        cr_expect_str_eq(ip_text(&a, &ip), rows[i].shortest);
        cr_expect_eq(ip_is_v6(&ip), rows[i].is_v6, "%s", rows[i].text);
    }
    arena_fini(&a);
}

Test(ip, what_is_no_address_is_refused)
{
    static const char *const bad[] = {"",
                                      "1.2.3",
                                      "1.2.3.256",
                                      "1.2.3.4/8",
                                      " ::1",
                                      ":::",
                                      "fd00:",
                                      "[::1]",
                                      "::1%lo",
                                      "localhost",
                                      "g::1",
                                      "1.2.3.4 ",
                                      "1111:2222:3333:4444:5555:6666:7777:8888:9999"};
    struct ip ip;

    for (size_t i = 0; i < countof_rows(bad); i++)
        cr_expect_not(ip_parse(str_of(bad[i]), &ip), "%s", bad[i]);
    cr_expect_not(ip_parse((struct str){"1.2.3.4\0", 8}, &ip));
}

Test(ip, blocks_are_read_and_counted)
{
    static const struct {
        const char *text, *first, *last;
        uint64_t count;
    } rows[] = {
        {"127.77.0.0/18", "127.77.0.1", "127.77.63.254",             16382           },
        {"10.0.0.0/30",   "10.0.0.1",   "10.0.0.2",                  2               },
        {"10.0.0.0/31",   "10.0.0.0",   "10.0.0.1",                  2               },
        {"10.0.0.9",      "10.0.0.9",   "10.0.0.9",                  1               },
        {"::1/128",       "::1",        "::1",                       1               },
        {"::1",           "::1",        "::1",                       1               },
        {"fd00::/120",    "fd00::1",    "fd00::fe",                  254             },
        {"fd00::/64",     "fd00::1",    "fd00::7fff:ffff:ffff:fffe", (1ull << 63) - 2},
        {"fd00::/8",      "fd00::1",    "fd00::7fff:ffff:ffff:fffe", (1ull << 63) - 2},
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof_rows(rows); i++) {
        struct ip_block block;
        cr_assert(ip_block_parse(str_of(rows[i].text), &block), "%s", rows[i].text);
        block = ip_block_usable(&block);
        struct ip first = ip_block_at(&block, 0), last = ip_block_at(&block, block.count - 1);
        cr_expect_eq(block.count, rows[i].count, "%s", rows[i].text);
        cr_expect_str_eq(ip_text(&a, &first), rows[i].first);
        cr_expect_str_eq(ip_text(&a, &last), rows[i].last);
        cr_expect(ip_block_holds(&block, &first) && ip_block_holds(&block, &last));
    }
    arena_fini(&a);
}

Test(ip, blocks_with_bits_behind_their_prefix_are_refused)
{
    static const char *const bad[] = {"127.77.0.1/16", "10.0.0.0/33", "10.0.0.0/",   "fd00::1/64",
                                      "fd00::/129",    "fd00::/x",    "::1/127",     "1::/8",
                                      "10.0.0.0/8/8",  "/8",          "fd00:1::/16", "10.0.0.0/-1"};
    struct ip_block block;

    for (size_t i = 0; i < countof_rows(bad); i++)
        cr_expect_not(ip_block_parse(str_of(bad[i]), &block), "%s", bad[i]);
}

Test(ip, a_block_holds_its_own_alone)
{
    static const struct {
        const char *block, *address;
        bool holds;
    } rows[] = {
        {"127.77.0.0/16", "127.77.255.255", true },
        {"127.77.0.0/16", "127.78.0.0",     false},
        {"127.77.0.0/16", "127.76.255.255", false},
        {"127.77.0.0/16", "::127.77.0.1",   false},
        {"fd00::/64",     "fd00::5",        true },
        {"fd00::/64",     "fd00:0:0:1::5",  false},
        {"0.0.0.0/0",     "fd00::1",        false},
    };

    for (size_t i = 0; i < countof_rows(rows); i++) {
        struct ip_block block;
        struct ip ip;
        cr_assert(ip_block_parse(str_of(rows[i].block), &block));
        cr_assert(ip_parse(str_of(rows[i].address), &ip));
        cr_expect_eq(ip_block_holds(&block, &ip), rows[i].holds, "%s", rows[i].address);
        cr_expect_eq(ip_is(&block.first, &ip), false);
    }
}
