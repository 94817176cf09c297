#include "memcached_fixture.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mc_fixture f;

static void close_it(void)
{
    mc_close(&f);
}

TestSuite(memcached_config, .fini = close_it);

Test(memcached_config, the_nodes_of_the_cluster_are_told_in_the_wire_format)
{
    mc_open(&f, NULL);
    cr_assert_str_eq(mc_ask(&f, "config get cluster\r\nget AmazonElastiCache:cluster\r\n"),
                     "END\r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "config set cluster 0 22\r\n3\nhost|10.0.0.1|11211\n\r\n"),
                     "STORED\r\n");
    cr_assert_str_eq(mc_ask(&f, "config get cluster\r\n"),
                     "CONFIG cluster 0 22\r\n3\nhost|10.0.0.1|11211\n\r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "get AmazonElastiCache:cluster\r\n"),
                     "VALUE AmazonElastiCache:cluster 0 22\r\n3\nhost|10.0.0.1|11211\n\r\nEND\r\n");
}

Test(memcached_config, the_owner_has_the_engine_tell_of_its_cluster)
{
    static const char *const options[] = {"larder-memcached-version 1.6.22", NULL};

    mc_open(&f, options);
    f.engine.settings.memcached_cluster = "7\nhost|10.0.0.1|11211\n";
    cr_assert_str_eq(mc_ask(&f, "config get cluster\r\nget AmazonElastiCache:cluster\r\n"),
                     "CONFIG cluster 0 22\r\n7\nhost|10.0.0.1|11211\n\r\nEND\r\n"
                     "VALUE AmazonElastiCache:cluster 0 22\r\n7\nhost|10.0.0.1|11211\n\r\nEND\r\n");
    cr_assert_str_eq(mc_ask(&f, "config get other\r\nversion\r\n"), "END\r\nVERSION 1.6.22\r\n");
    cr_assert(strstr(mc_ask(&f, "stats\r\n"), "STAT version 1.6.22\r\n"));
    cr_assert_str_eq(mc_ask(&f, "config set cluster 0 1\r\nx\r\nconfig get cluster\r\n"),
                     "STORED\r\nCONFIG cluster 0 1\r\nx\r\nEND\r\n");
}

Test(memcached_config, there_are_sixteen_entries_at_most)
{
    char text[64];

    mc_open(&f, NULL);
    for (int i = 0; i < MC_CONFIGS; i++) {
        snprintf(text, sizeof(text), "config set c%d 0 1\r\nx\r\n", i);
        cr_assert_str_eq(mc_ask(&f, text), "STORED\r\n");
    }
    cr_assert_str_eq(mc_ask(&f, "config set more 0 1\r\nx\r\n"),
                     "SERVER_ERROR too many configuration entries\r\n");
    cr_assert_str_eq(
        mc_ask(&f, "config set c3 0 1\r\ny\r\nconfig delete c5\r\nconfig set more 0 1\r\nx\r\n"),
        "STORED\r\nDELETED\r\nSTORED\r\n");
}

Test(memcached_config, only_an_administrator_changes_it_on_a_restricted_engine)
{
    static const char *const options[] = {"larder-restricted yes", NULL};

    mc_open(&f, options);
    cr_assert_str_eq(mc_ask(&f, "config set cluster 0 1\r\nx\r\nconfig delete cluster\r\n"),
                     "ERROR\r\nERROR\r\n");
    f.client.is_admin = true;
    cr_assert_str_eq(mc_ask(&f, "config set cluster 0 1\r\nx\r\n"), "STORED\r\n");
    f.client.is_admin = false;
    cr_assert_str_eq(mc_ask(&f, "config get cluster\r\n"), "CONFIG cluster 0 1\r\nx\r\nEND\r\n");
}
