#include "cacheengine/proto/memcached_binary.h"
#include "memcached_fixture.h"

#include <criterion/criterion.h>

static struct mc_fixture f;

static void open_it(void)
{
    mc_open(&f, NULL);
}

static void close_it(void)
{
    mc_close(&f);
}

TestSuite(memcached_binary_item, .init = open_it, .fini = close_it);

#define EXTRAS(bytes) ((struct str){(bytes), sizeof(bytes) - 1})
#define NO_FLAGS      EXTRAS("\0\0\0\0\0\0\0\0")

static void store(uint8_t opcode, struct str value, uint64_t cas)
{
    mc_ask_binary(&f, &(struct mc_binary){opcode, NO_FLAGS, STR("k"), value, cas});
}

static void get(uint8_t opcode)
{
    mc_ask_binary(&f, &(struct mc_binary){.opcode = opcode, .key = STR("k")});
}

Test(memcached_binary_item, an_item_has_the_cas_that_its_store_told)
{
    store(0x01, STR("value"), 0);
    uint64_t cas = mc_reply_cas(&f);
    cr_assert_neq(cas, 0);
    get(0x00);
    cr_assert_eq(mc_reply_cas(&f), cas);
    cr_assert(str_eq(mc_body(&f), EXTRAS("\0\0\0\0value")));
}

Test(memcached_binary_item, a_quiet_store_costs_no_cas)
{
    store(0x11, STR("value"), 0);
    cr_assert_eq(f.out.len, 0);
    cr_assert_eq(entry_form(mc_entry(&f, "k")), FORM_PLAIN);
}

Test(memcached_binary_item, a_big_value_keeps_the_name_that_stood_in_front_of_it)
{
    static char big[40000];

    memset(big, 'x', sizeof(big));
    store(0x01, (struct str){big, sizeof(big)}, 0);
    uint64_t cas = mc_reply_cas(&f);
    get(0x0c);
    cr_assert_eq(mc_reply_cas(&f), cas);
    cr_assert_eq(mc_body(&f).len, 4 + 1 + sizeof(big));
    store(0x03, STR("small"), cas);
    cr_assert_eq(mc_status(&f), MCB_OK);
}

Test(memcached_binary_item, quiet_gets_tell_no_misses)
{
    get(0x09);
    cr_assert_eq(f.out.len, 0);
    get(0x0d);
    cr_assert_eq(f.out.len, 0);
    get(0x0c);
    cr_assert_eq(mc_status(&f), MCB_NOT_FOUND);
    cr_assert(str_eq(mc_body(&f), STR("k")));
}

Test(memcached_binary_item, a_touch_sets_the_end_and_shows_no_value)
{
    store(0x01, STR("value"), 0);
    mc_ask_binary(
        &f, &(struct mc_binary){.opcode = 0x1c, .extras = EXTRAS("\0\0\0\x0a"), .key = STR("k")});
    cr_assert_eq(mc_body(&f).len, 4);
    mc_advance(&f, 10001);
    get(0x00);
    cr_assert_eq(mc_status(&f), MCB_NOT_FOUND);
}

Test(memcached_binary_item, a_number_that_is_not_there_is_made_unless_its_end_says_no)
{
    struct mc_binary incr = {.opcode = 0x05,
                             .extras = EXTRAS("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x09\xff\xff\xff\xff"),
                             .key = STR("k")};

    mc_ask_binary(&f, &incr);
    cr_assert_eq(mc_status(&f), MCB_NOT_FOUND);
    incr.extras = EXTRAS("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x09\0\0\0\0");
    mc_ask_binary(&f, &incr);
    cr_assert(str_eq(mc_body(&f), EXTRAS("\0\0\0\0\0\0\0\x09")));
    incr.cas = mc_reply_cas(&f);
    mc_ask_binary(&f, &incr);
    cr_assert(str_eq(mc_body(&f), EXTRAS("\0\0\0\0\0\0\0\x0a")));
    mc_ask_binary(&f, &incr);
    cr_assert_eq(mc_status(&f), MCB_EXISTS);
}

Test(memcached_binary_item, a_delete_with_another_cas_leaves_the_item)
{
    store(0x01, STR("value"), 0);
    mc_ask_binary(&f, &(struct mc_binary){.opcode = 0x04, .key = STR("k"), .cas = 12345});
    cr_assert_eq(mc_status(&f), MCB_EXISTS);
    get(0x00);
    cr_assert_eq(mc_status(&f), MCB_OK);
}

Test(memcached_binary_item, where_there_is_no_cas_none_is_told_or_kept)
{
    f.engine.settings.memcached_has_cas = false;
    store(0x01, STR("value"), 0);
    cr_assert_eq(mc_reply_cas(&f), 0);
    get(0x00);
    cr_assert_eq(mc_reply_cas(&f), 0);
    cr_assert_eq(entry_form(mc_entry(&f, "k")), FORM_PLAIN);
}
