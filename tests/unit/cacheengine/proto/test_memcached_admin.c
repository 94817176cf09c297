#include "memcached_fixture.h"

#include <criterion/criterion.h>

static struct mc_fixture f;

static void open_plain(void)
{
    mc_open(&f, NULL);
}

static void close_it(void)
{
    mc_close(&f);
}

TestSuite(memcached_admin, .init = open_plain, .fini = close_it);

Test(memcached_admin, a_delayed_flush_takes_what_stands_at_its_moment)
{
    mc_ask(&f, "set a 0 0 1\r\nx\r\nflush_all 10\r\nset b 0 0 1\r\ny\r\n");
    mc_advance(&f, 9999);
    cr_assert_str_eq(mc_ask(&f, "get a b\r\n"), "VALUE a 0 1\r\nx\r\nVALUE b 0 1\r\ny\r\nEND\r\n");
    mc_advance(&f, 1);
    cr_assert_str_eq(mc_ask(&f, "get a b\r\nset c 0 0 1\r\nz\r\nget c\r\n"),
                     "END\r\nSTORED\r\nVALUE c 0 1\r\nz\r\nEND\r\n");
}

Test(memcached_admin, a_flush_now_takes_the_place_of_a_delayed_one)
{
    mc_ask(&f, "flush_all 10\r\nflush_all\r\nset a 0 0 1\r\nx\r\n");
    mc_advance(&f, 20000);
    cr_assert_str_eq(mc_ask(&f, "get a\r\n"), "VALUE a 0 1\r\nx\r\nEND\r\n");
}

Test(memcached_admin, the_memory_limit_can_be_moved_within_bounds)
{
    cr_assert_str_eq(mc_ask(&f, "cache_memlimit 64\r\n"), "OK\r\n");
    cr_assert_eq(f.engine.settings.max_memory, 64 << 20);
    cr_assert_str_eq(mc_ask(&f, "cache_memlimit 7\r\n"),
                     "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n");
    f.engine.settings.is_restricted = true;
    cr_assert_str_eq(mc_ask(&f, "cache_memlimit 128\r\n"), "ERROR\r\n");
    cr_assert_eq(f.engine.settings.max_memory, 64 << 20);
}
