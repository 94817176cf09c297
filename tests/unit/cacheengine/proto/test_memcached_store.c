#include "memcached_fixture.h"

#include <criterion/criterion.h>

static struct mc_fixture f;

static void close_it(void)
{
    mc_close(&f);
}

TestSuite(memcached_store, .fini = close_it);

Test(memcached_store, a_number_is_changed_where_it_stands)
{
    mc_open(&f, NULL);
    mc_ask(&f, "set n 0 0 2\r\n10\r\n");
    cr_assert_str_eq(mc_ask(&f, "incr n 5\r\n"), "15\r\n");
    cr_assert_eq(entry_form(mc_entry(&f, "n")), FORM_NUMBER);
    cr_assert_str_eq(mc_ask(&f, "decr n 10\r\nget n\r\n"), "5\r\nVALUE n 0 2\r\n5 \r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "incr n 5\r\nget n\r\n"), "10\r\nVALUE n 0 2\r\n10\r\nEND\r\n");
}

Test(memcached_store, numbers_have_64_bits_and_wrap_upwards_only)
{
    mc_open(&f, NULL);
    mc_ask(&f, "set n 4 0 20\r\n18446744073709551615\r\n");
    cr_assert_str_eq(mc_ask(&f, "incr n 2\r\ndecr n 5\r\n"), "1\r\n0\r\n");
    cr_assert_str_eq(mc_ask(&f, "get n\r\n"), "VALUE n 4 20\r\n0                   \r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "incr n -1\r\n"),
                     "CLIENT_ERROR invalid numeric delta argument\r\n");
}

Test(memcached_store, a_deadline_stays_over_incr_and_append)
{
    mc_open(&f, NULL);
    mc_ask(&f, "set n 0 10 1\r\n9\r\nincr n 1\r\nappend n 0 0 1\r\n0\r\n");
    cr_assert_str_eq(mc_ask(&f, "get n\r\n"), "VALUE n 0 3\r\n100\r\nEND\r\n");
    mc_advance(&f, 10000);
    cr_assert_str_eq(mc_ask(&f, "get n\r\n"), "END\r\n");
}

Test(memcached_store, noreply_silences_errors_too)
{
    mc_open(&f, NULL);
    cr_assert_str_eq(mc_ask(&f, "set k 0 0 x noreply\r\nincr k x noreply\r\ntouch k x noreply\r\n"),
                     "");
    cr_assert_str_eq(
        mc_ask(&f, "add k 0 0 1 noreply\r\na\r\nadd k 0 0 1 noreply\r\nb\r\nget k\r\n"),
        "VALUE k 0 1\r\na\r\nEND\r\n");
}

Test(memcached_store, a_full_cache_refuses_and_drops_what_was_to_be_overwritten)
{
    static const char *const options[] = {"maxmemory 1000", "maxmemory-policy noeviction", NULL};

    mc_open(&f, options);
    f.engine.settings.max_memory = 0;
    mc_ask(&f, "set k 0 0 1\r\na\r\n");
    f.engine.settings.max_memory = 1000;
    cr_assert_str_eq(mc_ask(&f, "add j 0 0 1\r\na\r\n"),
                     "SERVER_ERROR out of memory storing object\r\n");
    cr_assert_str_eq(mc_ask(&f, "append k 0 0 1\r\nb\r\nget k\r\n"),
                     "SERVER_ERROR out of memory storing object\r\nVALUE k 0 1\r\na\r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "set k 0 0 1\r\nb\r\nget k\r\n"),
                     "SERVER_ERROR out of memory storing object\r\nEND\r\n");
}

Test(memcached_store, the_item_limit_is_a_directive)
{
    static const char *const options[] = {"larder-memcached-item-max 2kb", NULL};

    mc_open(&f, options);
    cr_assert(mc_item_fits(&f.engine, 1, 0, 2048 - 56 - 1 - 1 - 2));
    cr_assert_not(mc_item_fits(&f.engine, 1, 0, 2048 - 56 - 1 - 1 - 1));
    cr_assert_not(mc_item_fits(&f.engine, 1, 5, 2048 - 56 - 1 - 1 - 2));
    cr_assert_str_eq(mc_ask(&f, "set k 0 0 3000\r\n"),
                     "SERVER_ERROR object too large for cache\r\n");
}
