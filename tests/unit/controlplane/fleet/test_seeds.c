#include "../store/fixture.h"
#include "contract/agent.h"
#include "controlplane/fleet/goals.h"
#include "controlplane/fleet/seeds.h"
#include "controlplane/store/snapshots.h"

#include <criterion/criterion.h>

#include <string.h>

FIXTURE_SUITE(fleet_seeds);

Test(fleet_seeds, a_node_waits_for_what_it_begins_with)
{
    struct host h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    struct snapshot_order o = {.name = "s1", .owner = "", .member_name = "", .now_ms = 1000};
    struct agent_node_goal_list goals = {0};
    struct snapshot_part_list parts;
    struct snapshot s;
    int64_t file_id;

    must(store_goal_set(
        f.tx, n.id,
        &(struct node_goal){
            .host_id = h.id, .address = "127.77.0.1", .port = 6379, .state = NODE_RUNNING}));
    must(goals_of_host(f.tx, h.id, SINCE_EVER, &goals));
    cr_assert_null(goals.items[0].seeds);
    must(store_snapshot_take_cluster(f.tx, &c, &o, &s));
    must(store_part_list(f.tx, &s.id, 1, &parts));
    must(store_seed_insert(f.tx, n.id, parts.items[0].id, "5-9"));
    struct host_seeds seeds;
    must(seeds_load(f.tx, h.id, &seeds));
    cr_assert(seeds_has(&seeds, n.id) && !seeds_has(&seeds, n.id + 1));
    seeds_add(&f.arena, &seeds, &goals);
    cr_assert_str_eq(goals.items[0].state, "stopped", "it is not here yet");

    must(store_part_keep(f.tx, parts.items[0].id, &(struct kept_bytes){10, "ff", ""}, 2000,
                         &file_id));
    must(goals_of_host(f.tx, h.id, SINCE_EVER, &goals));
    const struct agent_node_goal *g = &goals.items[0];
    cr_assert_str_eq(g->state, "running");
    cr_assert(g->restarts_after_exit.value);
    cr_assert_str_eq(g->seeds->slots, "5-9");
    cr_assert_eq(g->seeds->parts.count, 1);
    cr_assert_eq(g->seeds->parts.items[0].part_id.value, parts.items[0].id);
    cr_assert_eq(g->seeds->parts.items[0].bytes.value, 10);
    cr_assert_str_eq(g->seeds->parts.items[0].sha256, "ff");
}
