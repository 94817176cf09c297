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
