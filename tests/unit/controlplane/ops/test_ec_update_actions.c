#include "builds.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(update_actions, .init = builds_open, .fini = world_close, .timeout = 60);

Test(update_actions, whom_it_concerns_is_listed_and_filtered)
{
    struct ec_time_range_filter later = {.start_time = TIME_OF(WORLD_NOW_MS + 1)};

    struct ec_update_action *all = builds_actions((struct ec_describe_update_actions_in){0}, 2);
    cr_assert_str_eq(all[0].cache_cluster_id, "c1");
    cr_assert_str_eq(all[1].replication_group_id, "rg");
    cr_assert_str_eq(all[1].update_action_status, "not-applied");
    cr_assert_str_eq(all[1].nodes_updated, "0/2");
    cr_assert_str_eq(all[1].sla_met, "yes");
    builds_actions((struct ec_describe_update_actions_in){.service_update_name = "elc-1"}, 0);
    builds_actions((struct ec_describe_update_actions_in){.engine = "memcached"}, 0);
    builds_actions((struct ec_describe_update_actions_in){.engine = "Redis"}, 2);
    builds_actions((struct ec_describe_update_actions_in){.cache_cluster_ids = STRINGS("C1")}, 1);
    builds_actions((struct ec_describe_update_actions_in){.replication_group_ids = STRINGS("rg")},
                   1);
    builds_actions(
        (struct ec_describe_update_actions_in){.update_action_status = STRINGS("complete")}, 0);
    builds_actions(
        (struct ec_describe_update_actions_in){.service_update_status = STRINGS("available")}, 2);
    builds_actions((struct ec_describe_update_actions_in){.service_update_time_range = &later}, 0);
}

Test(update_actions, pages_follow_each_other)
{
    struct ec_describe_update_actions_in in = {.max_records = INT_OF(20)};
    struct ec_describe_update_actions_out out;
    size_t seen = 0;

    for (int i = 0; i < 9; i++)
        world_redis(arena_printf(&world.f.arena, "n%02d", i));
    builds_report("0.1.0");
    builds_offer("0.1.2"); /* each of eleven is concerned by two */
    do {
        must(run_ec_describe_update_actions(&in, &out));
        seen += out.update_actions.count;
        in.marker = out.marker;
    } while (out.marker && seen < 100);
    cr_assert_eq(seen, 22);
}
