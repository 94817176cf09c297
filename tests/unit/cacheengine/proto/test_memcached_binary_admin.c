#include "cacheengine/proto/memcached_binary.h"
#include "memcached_fixture.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <unistd.h>

static struct mc_fixture f;

static void open_it(void)
{
    mc_open(&f, NULL);
}

static void close_it(void)
{
    mc_close(&f);
}

TestSuite(memcached_binary_admin, .init = open_it, .fini = close_it);

static void ask(uint8_t opcode, const char *key, struct str value)
{
    mc_ask_binary(&f, &(struct mc_binary){.opcode = opcode, .key = str_of(key), .value = value});
}

Test(memcached_binary_admin, statistics_end_with_a_packet_that_is_empty)
{
    ask(0x10, "", STR(""));
    cr_assert_gt(f.out.len, 1000);
    cr_assert_eq(f.out.ptr[f.out.len - MCB_HEAD + 1], 0x10);
    cr_assert_eq(mcb_u32(f.out.ptr + f.out.len - MCB_HEAD + 8), 0);
    ask(0x10, "nosuch", STR(""));
    cr_assert_eq(mc_status(&f), MCB_NOT_FOUND);
}

Test(memcached_binary_admin, a_flush_can_be_forbidden)
{
    ask(0x08, "", STR(""));
    cr_assert_eq(mc_status(&f), MCB_OK);
    f.engine.settings.memcached_may_flush = false;
    ask(0x08, "", STR(""));
    cr_assert_eq(mc_status(&f), MCB_AUTH_ERROR);
    cr_assert_not(f.client.is_closing);
}

Test(memcached_binary_admin, the_clusters_configuration_is_told_with_its_flags)
{
    ask(0x60, "cluster", STR(""));
    cr_assert_eq(mc_status(&f), MCB_NOT_FOUND);
    ask(0x64, "cluster", STR("1\na|b|1\n"));
    cr_assert_eq(mc_status(&f), MCB_OK);
    ask(0x60, "cluster", STR(""));
    cr_assert(str_eq(mc_body(&f), (struct str){"\0\0\0\0"
                                               "1\na|b|1\n",
                                               12}));
    f.engine.settings.is_restricted = true;
    ask(0x66, "cluster", STR(""));
    cr_assert_eq(mc_status(&f), MCB_UNKNOWN);
}

Test(memcached_binary_admin, a_login_is_a_matter_of_the_connection)
{
    char path[] = "/tmp/larder-sasl-XXXXXX";
    int fd = mkstemp(path);

    cr_assert_eq(write(fd, "ann:secret\n", 11), 11);
    close(fd);
    f.engine.settings.memcached_sasl_users = path;
    ask(0x20, "", STR(""));
    cr_assert(str_eq(mc_body(&f), STR("PLAIN")));
    ask(0x22, "PLAIN", (struct str){"\0ann\0secret", 11});
    cr_assert_eq(mc_status(&f), MCB_AUTH_ERROR, "nothing was begun");
    ask(0x21, "plain", (struct str){"\0ann\0secret", 11});
    cr_assert_eq(mc_status(&f), MCB_OK);
    ask(0x0a, "", STR(""));
    cr_assert_eq(mc_status(&f), MCB_OK);
    ask(0x21, "PLAIN", (struct str){"\0ann\0wrong", 10});
    cr_assert_eq(mc_status(&f), MCB_AUTH_ERROR);
    ask(0x0a, "", STR(""));
    cr_assert_eq(mc_status(&f), MCB_AUTH_ERROR);
    cr_assert(f.client.is_closing);
    unlink(path);
}
