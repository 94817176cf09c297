#include "base/arena.h"
#include "base/cidr.h"

#include <criterion/criterion.h>

Test(cidr, blocks_are_read_and_sized)
{
    struct cidr c;
    cr_assert(cidr_parse(STR("127.77.64.0/18"), &c));
    cr_assert_eq(cidr_size(&c), 16384);
    cr_assert(cidr_parse(STR("10.0.0.5"), &c));
    cr_assert_eq(cidr_size(&c), 1);
    cr_assert(cidr_parse(STR("0.0.0.0/0"), &c));
    cr_assert_eq(cidr_size(&c), 1ull << 32);
}

Test(cidr, malformed_blocks_are_refused)
{
    static const char *const bad[] = {"",           "127.0.0.1/33", "127.0.0.1/",  "127.0.0.1/8",
                                      "127.0.0/24", "127.0.0.256",  "::1/128",     "a.b.c.d",
                                      "1.2.3.4/-1", "1.2.3.4/08x",  " 1.2.3.4/32", "1.2.3.4/32/1"};
    struct cidr c;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(cidr_parse(str_of(bad[i]), &c), "%s", bad[i]);
}

Test(cidr, addresses_and_indexes_are_each_others_inverse)
{
    struct arena a = {0};
    struct cidr c;
    uint64_t index;

    cr_assert(cidr_parse(STR("127.77.0.0/16"), &c));
    cr_assert_str_eq(cidr_address(&a, &c, 258), "127.77.1.2");
    cr_assert(cidr_index(&c, STR("127.77.1.2"), &index));
    cr_assert_eq(index, 258);
    cr_assert_not(cidr_index(&c, STR("127.78.0.0"), &index));
    cr_assert_not(cidr_index(&c, STR("127.76.255.255"), &index));
    arena_fini(&a);
}

Test(cidr, blocks_hold_and_meet_each_other)
{
    struct arena a = {0};
    struct cidr vpc, zone, other;

    cr_assert(cidr_parse(STR("172.31.0.0/16"), &vpc));
    cr_assert(cidr_parse(STR("172.31.16.0/20"), &zone));
    cr_assert(cidr_parse(STR("172.30.0.0/16"), &other));
    cr_assert(cidr_holds(&vpc, &zone));
    cr_assert_not(cidr_holds(&zone, &vpc));
    cr_assert_not(cidr_holds(&vpc, &other));
    cr_assert(cidr_overlaps(&zone, &vpc));
    cr_assert_not(cidr_overlaps(&zone, &other));
    cr_assert_str_eq(cidr_text(&a, &zone), "172.31.16.0/20");
    arena_fini(&a);
}

Test(cidr, blocks_of_ipv6)
{
    static const char *const bad[] = {
        "",           "2001:db8::",   "2001:db8::1/56", "2001:db8::/129",
        "10.0.0.0/8", "2001:db8::/x", "g::/8"};
    struct arena a = {0};
    struct cidr6 outer, inner, c;

    cr_assert(cidr6_parse(STR("2001:db8:0:0::/56"), &outer));
    cr_assert(cidr6_parse(STR("2001:db8:0:ff::/64"), &inner));
    cr_assert(cidr6_holds(&outer, &inner));
    cr_assert_not(cidr6_holds(&inner, &outer));
    cr_assert(cidr6_parse(STR("2001:db8:0:100::/64"), &inner));
    cr_assert_not(cidr6_holds(&outer, &inner));
    cr_assert_str_eq(cidr6_text(&a, &outer), "2001:db8::/56");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(cidr6_parse(str_of(bad[i]), &c), "%s", bad[i]);
    arena_fini(&a);
}
