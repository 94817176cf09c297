#include "builds.h"

#include "controlplane/store/updates.h"

#include <criterion/criterion.h>

void builds_report(const char *build)
{
    struct store_tx *tx = fixture_begin(&world.f, STORE_WRITE);
    struct cluster *clusters;
    size_t count;

    must(store_cluster_list(tx, world.caller.account, world.caller.region, "", 100, &clusters,
                            &count));
    for (size_t i = 0; i < count; i++) {
        struct node_list nodes;
        bool is_changed;
        must(store_node_list(tx, clusters[i].id, &nodes));
        for (size_t k = 0; k < nodes.count; k++) {
            nodes.items[k].saw.build = build;
            must(store_saw_set(tx, nodes.items[k].id, &nodes.items[k].saw, &is_changed));
        }
    }
    fixture_commit(&world.f);
}

void builds_offer(const char *build)
{
    struct store_tx *tx = fixture_begin(&world.f, STORE_WRITE);
    struct host_list hosts;

    must(store_host_list(tx, "us-east-1", &hosts));
    for (size_t i = 0; i < hosts.count; i++) {
        hosts.items[i].engines = arena_printf(&world.f.arena, "bundled=%s redis=7.0.15", build);
        must(store_host_put(tx, &hosts.items[i]));
    }
    must(store_build_put(tx, "us-east-1", build, WORLD_NOW_MS));
    fixture_commit(&world.f);
}

void builds_open(void)
{
    world_open();
    builds_offer("0.1.0");
    world_redis("c1");
    world_group("rg", 2);
    builds_report("0.1.0");
    builds_offer("0.1.1");
}

struct ec_update_action *builds_actions(struct ec_describe_update_actions_in in, size_t count)
{
    struct ec_describe_update_actions_out out;

    must(run_ec_describe_update_actions(&in, &out));
    cr_assert_eq(out.update_actions.count, count, "%zu", out.update_actions.count);
    return out.update_actions.items;
}
