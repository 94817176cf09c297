#include "memcached_fixture.h"

#include <criterion/criterion.h>

#include <stdio.h>

static struct mc_fixture f;

static void open_it(void)
{
    mc_open(&f, NULL);
}

static void close_it(void)
{
    mc_close(&f);
}

TestSuite(memcached_crawl, .init = open_it, .fini = close_it);

Test(memcached_crawl, a_key_is_escaped_as_in_a_uri)
{
    char out[32];

    *mc_escape_key(out, (struct str){"a/%\xff~\0", 6}) = '\0';
    cr_assert_str_eq(out, "a%2F%25%FF~%00");
}

Test(memcached_crawl, a_dump_names_every_item_and_goes_on_until_its_end)
{
    char line[64];
    size_t lines = 0;

    for (int i = 0; i < 3000; i++) {
        snprintf(line, sizeof(line), "set key%d 0 0 1 noreply\r\nx\r\n", i);
        mc_ask(&f, line);
    }
    for (const char *at = mc_ask(&f, "lru_crawler metadump all\r\n"); (at = strstr(at, "key=key"));
         at++)
        lines++;
    cr_assert_eq(lines, 3000);
    cr_assert(str_ends(buf_str(&f.out), "\nEND\r\n"));
}

Test(memcached_crawl, a_dump_does_not_begin_behind_other_replies)
{
    mc_ask(&f, "set a 0 0 1\r\nx\r\n");
    cr_assert_str_eq(mc_ask(&f, "mg none v\r\nlru_crawler metadump all\r\n"),
                     "EN\r\nERROR cannot pipeline other commands before metadump\r\n");
}

Test(memcached_crawl, a_crawl_takes_what_has_expired)
{
    mc_ask(&f, "set a 0 1 1\r\nx\r\nset b 0 0 1\r\nx\r\n");
    mc_advance(&f, 2000);
    cr_assert_str_eq(mc_ask(&f, "lru_crawler crawl all\r\n"), "OK\r\n");
    cr_assert_null(mc_entry(&f, "a"));
    cr_assert_eq(keyspace_count(&f.engine.keyspace), 1);
}

Test(memcached_crawl, an_empty_cache_is_not_crawled)
{
    cr_assert_str_eq(mc_ask(&f, "lru_crawler crawl 1\r\nlru_crawler crawl 0\r\n"),
                     "NOTSTARTED no items to crawl\r\nBADCLASS invalid class id\r\n");
}
