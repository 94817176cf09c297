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

TestSuite(memcached_stats_kinds, .init = open_it, .fini = close_it);

static const char *settings(void)
{
    return mc_ask(&f, "stats settings\r\n");
}

Test(memcached_stats_kinds, settings_show_what_is_tuned)
{
    mc_ask(&f, "lru_crawler sleep 77\r\nlru tune 11 22 0.5 1.5\r\nslabs automove 1\r\n");
    cr_assert(strstr(settings(), "STAT lru_crawler_sleep 77\r\n"));
    cr_assert(strstr(settings(), "STAT hot_lru_pct 11\r\n"));
    cr_assert(strstr(settings(), "STAT warm_max_factor 1.50\r\n"));
    cr_assert(strstr(settings(), "STAT slab_automove 1\r\n"));
}

Test(memcached_stats_kinds, sizes_are_not_counted)
{
    cr_assert_str_eq(mc_ask(&f, "stats sizes\r\n"), "STAT sizes_status disabled\r\nEND\r\n");
    cr_assert(strstr(mc_ask(&f, "stats sizes_enable\r\n"), "STAT sizes_status error\r\n"));
}

Test(memcached_stats_kinds, items_are_of_one_class)
{
    cr_assert_str_eq(mc_ask(&f, "stats items\r\n"), "END\r\n");
    mc_ask(&f, "set a 0 0 1\r\nx\r\n");
    cr_assert(strstr(mc_ask(&f, "stats items\r\n"), "STAT items:1:number 1\r\n"));
    cr_assert(strstr(mc_ask(&f, "stats slabs\r\n"), "STAT active_slabs 1\r\n"));
}
