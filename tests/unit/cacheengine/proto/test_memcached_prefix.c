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

TestSuite(memcached_prefix, .init = open_it, .fini = close_it);

Test(memcached_prefix, what_stands_in_front_of_the_delimiter_is_counted_while_that_is_on)
{
    mc_ask(
        &f,
        "get a:1\r\nstats detail on\r\nset a:1 0 0 1\r\nx\r\nget a:1 a:2 none\r\ndelete a:9\r\n");
    cr_assert_str_eq(mc_ask(&f, "stats detail dump\r\n"),
                     "PREFIX a get 2 hit 1 set 1 del 1\r\nEND\r\n");
    mc_ask(&f, "stats detail off\r\nget a:1\r\n");
    cr_assert_str_eq(mc_ask(&f, "stats detail dump\r\n"),
                     "PREFIX a get 2 hit 1 set 1 del 1\r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "stats reset\r\nstats detail dump\r\n"), "RESET\r\nEND\r\n");
}

Test(memcached_prefix, clients_cannot_make_more_than_are_counted)
{
    char line[64];
    size_t lines = 0;
    size_t before = f.engine.keyspace.account.used_bytes;

    mc_ask(&f, "stats detail on\r\n");
    for (int i = 0; i < 5000; i++) {
        snprintf(line, sizeof(line), "get prefix%d:a\r\n", i);
        mc_ask(&f, line);
    }
    for (const char *at = mc_ask(&f, "stats detail dump\r\n"); (at = strstr(at, "PREFIX ")); at++)
        lines++;
    cr_assert_eq(lines, 4096);
    size_t with_them = f.engine.keyspace.account.used_bytes;
    cr_assert_gt(with_them, before);
    mc_ask(&f, "stats reset\r\n");
    cr_assert_leq(f.engine.keyspace.account.used_bytes, with_them - lines * sizeof(void *));
}
