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

TestSuite(memcached_binary, .init = open_it, .fini = close_it);

Test(memcached_binary, the_first_byte_of_a_connection_says_what_it_speaks)
{
    mc_ask_binary(&f, &(struct mc_binary){.opcode = 0x0a});
    cr_assert_eq(mc_status(&f), MCB_OK);
    mc_ask(&f, "version\r\n");
    cr_assert(f.client.is_closing);
}

Test(memcached_binary, text_is_never_taken_for_binary_later)
{
    cr_assert_str_eq(mc_ask(&f, "version\r\n"), "VERSION 1.6.18\r\n");
    cr_assert_str_eq(mc_ask(&f, "\x80\n"), "ERROR\r\n");
}

Test(memcached_binary, the_opaque_comes_back)
{
    mc_ask_binary(&f, &(struct mc_binary){.opcode = 0x0a});
    cr_assert_eq(f.out.len, MCB_HEAD);
    cr_assert_eq(mcb_u32(f.out.ptr + 12), 7);
    cr_assert_eq((uint8_t)f.out.ptr[0], MCB_REPLY);
}

Test(memcached_binary, an_opcode_without_a_command_has_no_row)
{
    cr_assert_null(mcb_command_of(0x1b));
    cr_assert_null(mcb_command_of(0xff));
    cr_assert_not_null(mcb_command_of(0x66));
    mc_ask_binary(&f, &(struct mc_binary){.opcode = 0x1b, .extras = STR("1234")});
    cr_assert_eq(mc_status(&f), MCB_UNKNOWN);
    cr_assert_not(f.client.is_closing);
}

Test(memcached_binary, what_has_another_shape_ends_the_connection)
{
    mc_ask_binary(&f, &(struct mc_binary){.opcode = 0x00});
    cr_assert_eq(mc_status(&f), MCB_INVALID);
    cr_assert(f.client.is_closing);
}

Test(memcached_binary, a_value_too_large_is_passed_over_as_it_comes)
{
    struct mc_binary set = {.opcode = 0x01,
                            .extras = STR("\0\0\0\0\0\0\0"),
                            .key = STR("k"),
                            .value = STR("0123456789")};

    set.extras.len = 8;
    f.engine.settings.memcached_item_max = 60;
    mc_ask_binary(&f, &set);
    cr_assert_eq(mc_status(&f), MCB_TOO_LARGE);
    mc_ask_binary(&f, &(struct mc_binary){.opcode = 0x0a});
    cr_assert_eq(mc_status(&f), MCB_OK);
}

Test(memcached_binary, a_head_is_written_in_network_order)
{
    struct str words[] = {STR("\x80\x05"), STR("")};
    struct cmd_call c = {.argv = words, .argc = 2};
    char head[32] = {(char)MCB_REQUEST, 5, [12] = 1, 2, 3, 4}, out[MCB_HEAD];

    words[0] = (struct str){head, MCB_HEAD};
    mcb_head(
        out, &c,
        &(struct mcb_answer){.status = MCB_UNKNOWN, .extras_len = 4, .value_len = 300, .cas = 1});
    cr_assert_arr_eq(out, "\x81\x05\0\0\x04\0\0\x81\0\0\x01\x30\x01\x02\x03\x04\0\0\0\0\0\0\0\x01",
                     MCB_HEAD);
}
