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

TestSuite(memcached_tune, .init = open_it, .fini = close_it);

Test(memcached_tune, there_are_no_slabs_to_move)
{
    cr_assert_str_eq(mc_ask(&f, "slabs reassign 1 2\r\nslabs automove 1\r\nslabs automove 3\r\n"),
                     "CLIENT_ERROR slab reassignment disabled\r\nOK\r\nERROR\r\n");
}

Test(memcached_tune, shares_of_queues_have_bounds)
{
    cr_assert_str_eq(mc_ask(&f, "lru tune 50 50 1 1\r\nlru tune 5 5 0 1\r\nlru mode flat\r\n"),
                     "ERROR hot and warm pcts must not exceed 80\r\n"
                     "ERROR hot/warm age factors must be greater than 0\r\nERROR\r\n");
}

Test(memcached_tune, the_clock_is_set_where_that_is_allowed)
{
    cr_assert_str_eq(mc_ask(&f, "debugtime 100\r\n"), "ERROR\r\n");
    f.engine.settings.memcached_sets_clock = true;
    mc_ask(&f, "set a 0 50 1\r\nx\r\n");
    cr_assert_str_eq(mc_ask(&f, "debugtime p\r\n"), "OK\r\n");
    mc_advance(&f, 60000);
    cr_assert_not_null(mc_entry(&f, "a"));
    cr_assert_str_eq(mc_ask(&f, "debugtime 51\r\nget a\r\n"), "OK\r\nEND\r\n");
}

Test(memcached_tune, without_tls_there_are_no_certificates)
{
    cr_assert_str_eq(mc_ask(&f, "refresh_certs\r\n"), "Error TLS not enabled\r\n");
}
