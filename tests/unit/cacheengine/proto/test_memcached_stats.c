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

TestSuite(memcached_stats, .init = open_plain, .fini = close_it);

Test(memcached_stats, hits_and_misses_are_counted_until_reset)
{
    mc_ask(&f, "set a 0 0 1\r\n1\r\nget a b\r\nincr a 1\r\ndecr b 1\r\ndelete b\r\n");
    const char *text = mc_ask(&f, "stats\r\n");
    cr_assert_not_null(strstr(text, "STAT get_hits 1\r\n"));
    cr_assert_not_null(strstr(text, "STAT get_misses 1\r\n"));
    cr_assert_not_null(strstr(text, "STAT incr_hits 1\r\n"));
    cr_assert_not_null(strstr(text, "STAT decr_misses 1\r\n"));
    cr_assert_not_null(strstr(text, "STAT delete_misses 1\r\n"));
    cr_assert_not_null(strstr(text, "STAT curr_items 1\r\n"));
    cr_assert_str_eq(mc_ask(&f, "stats reset\r\n"), "RESET\r\n");
    text = mc_ask(&f, "stats\r\n");
    cr_assert_not_null(strstr(text, "STAT get_hits 0\r\n"));
    cr_assert_not_null(strstr(text, "STAT total_items 1\r\n"));
}

Test(memcached_stats, unknown_kinds_are_errors)
{
    cr_assert_str_eq(mc_ask(&f, "stats nosuch\r\nstats items\r\n"), "ERROR\r\nEND\r\n");
}

Test(memcached_stats, settings_show_the_item_limit)
{
    cr_assert_not_null(strstr(mc_ask(&f, "stats settings\r\n"), "STAT item_size_max 1048576\r\n"));
}

Test(memcached_stats, a_serverless_cache_tells_of_the_whole_alone)
{
    f.engine.settings.is_serverless = true;
    cr_assert_str_eq(mc_ask(&f,
                            "stats settings\r\nstats items\r\nstats conns\r\nstats detail on\r\n"
                            "stats cachedump 1 0\r\nstats reset\r\n"),
                     "ERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR\r\nRESET\r\n");
    cr_assert(strstr(mc_ask(&f, "stats\r\n"), "STAT curr_items 0\r\n"));
}
