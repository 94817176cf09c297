#include "controlplane/ops/series.h"
#include "numbers.h"
#include "world.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(cw_list, .init = world_open, .fini = world_close, .timeout = 60);

static size_t count(struct cw_list_metrics_in in)
{
    struct cw_list_metrics_out out;

    must(run_cw_list_metrics(&in, &out));
    return out.metrics.count;
}

Test(cw_list, filters_narrow_the_list)
{
    struct cw_dimension_filter by_name = {"CacheNodeId", NULL}, by_value = {"CacheNodeId", "0002"};

    world_memcached("m1", 2);
    put_number("m1", "0001", 0, "GetHits", 1);
    put_number("m1", "0002", 0, "GetHits", 1);
    put_number("m1", "0002", 0, "CmdGet", 1);
    cr_assert_eq(count((struct cw_list_metrics_in){0}), 4, "one for all that node 0001 has");
    cr_assert_eq(count((struct cw_list_metrics_in){.namespace = "AWS/ElastiCache"}), 4);
    cr_assert_eq(count((struct cw_list_metrics_in){.namespace = "AWS/EC2"}), 0);
    cr_assert_eq(count((struct cw_list_metrics_in){.metric_name = "CmdGet"}), 1);
    cr_assert_eq(count((struct cw_list_metrics_in){
                     .dimensions = {true, 1, &by_name}
    }),
                 3);
    cr_assert_eq(count((struct cw_list_metrics_in){
                     .dimensions = {true, 1, &by_value}
    }),
                 2);
    cr_assert_eq(count((struct cw_list_metrics_in){.owning_account = "111111111111"}), 0);
}

Test(cw_list, what_had_no_point_for_long_is_not_recent)
{
    world_redis("c1");
    put_number("c1", "0001", 0, "CacheHits", 1);
    cr_assert_eq(count((struct cw_list_metrics_in){.recently_active = "PT3H"}), 2);
    clock_manual_advance(&world.clock, 3 * 3600 * 1000);
    cr_assert_eq(count((struct cw_list_metrics_in){.recently_active = "PT3H"}), 0);
    cr_assert_eq(count((struct cw_list_metrics_in){0}), 2);
    clock_manual_advance(&world.clock, SERIES_LISTED_MS);
    cr_assert_eq(count((struct cw_list_metrics_in){0}), 0);
}

Test(cw_list, pages_follow_each_other)
{
    struct cw_list_metrics_in in = {0};
    struct cw_list_metrics_out out;
    size_t total = 0, pages = 0;

    world_memcached("m1", 6);
    for (int node = 1; node <= 6; node++) {
        char number[8];
        snprintf(number, sizeof(number), "%04d", node);
        for (size_t i = 0; i < 100; i++)
            put_number("m1", number, 0, metrics[i].name, 1);
    }
    do {
        must(run_cw_list_metrics(&in, &out));
        total += out.metrics.count;
        pages++;
        in.next_token = out.next_token;
    } while (in.next_token);
    cr_assert_eq(total, 700, "%zu: those of the cluster, and of each node", total);
    cr_assert_eq(pages, 2);
    in.next_token = "nonsense!";
    expect(run_cw_list_metrics(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
}
