#include "controlplane/model/effective.h"
#include "controlplane/model/serverless.h"
#include "controlplane/model/settings.h"
#include "controlplane/reconcile/steps.h"
#include "scene.h"

#include <criterion/criterion.h>

static struct scene s;

static void open_scene(void)
{
    scene_open(&s);
}

static void close_scene(void)
{
    scene_close(&s);
}

TestSuite(steps, .init = open_scene, .fini = close_scene);

Test(steps, a_create_is_done_when_every_node_runs)
{
    scene_add_node(&s, "0002");
    scene_operate(&s, OPERATION_CREATE, "");
    scene_decide(&s);
    cr_assert_eq(scene_count(&s, DECISION_GOAL), 2);
    cr_assert_eq(scene_count(&s, DECISION_OPERATION), 0);
    cr_assert_eq(s.decisions.wake_ms, 10000, "it looks again at the deadline");

    scene_run(&s, &s.nodes[0]);
    scene_decide(&s);
    cr_assert_eq(scene_count(&s, DECISION_OPERATION), 0);

    scene_run(&s, &s.nodes[1]);
    scene_decide(&s);
    cr_assert_eq(scene_last(&s, DECISION_OPERATION)->operation.state, OPERATION_DONE);
    cr_assert(scene_told(&s, "Added cache node 0002 in availability zone us-east-1a"));
    cr_assert(scene_told(&s, "Cache cluster created"));
}

Test(steps, a_create_past_its_deadline_fails_with_the_reason)
{
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].saw.state = NODE_FAILED;
    s.nodes[0].saw.why = "Failed listening on port 6379";
    scene_operate(&s, OPERATION_CREATE, "");
    s.view.now_ms = 10000;
    scene_decide(&s);
    cr_assert_eq(scene_last(&s, DECISION_OPERATION)->operation.state, OPERATION_FAILED);
    cr_assert(scene_told(&s, "Failed to create the cache cluster: Failed listening on port 6379"));
}

Test(steps, a_restore_from_what_cannot_be_loaded_fails_at_once)
{
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].saw.state = NODE_FAILED;
    s.nodes[0].saw.why = "the file is damaged";
    scene_operate(&s, OPERATION_CREATE, OPERATION_RESTORES);
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_RUNNING, "it may have been anything");
    s.nodes[0].saw.has_bad_seed = true;
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_FAILED);
    cr_assert(
        scene_told(&s, "Failed to restore the cache cluster from snapshot: the file is damaged"));
}

Test(steps, what_is_restored_is_there_when_it_has_the_room_that_it_needs)
{
    s.view.cluster.allotment = (struct allotment){512 << 20, 1LL << 40, 0};
    s.hosts[0].memory_bytes = s.hosts[1].memory_bytes = 1LL << 40;
    scene_operate(&s, OPERATION_CREATE, OPERATION_RESTORES);
    scene_decide(&s);
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].saw.used_bytes = -1;
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_RUNNING, "it has not said what it needs");
    s.nodes[0].saw.used_bytes = 600 << 20;
    scene_decide(&s);
    cr_assert_gt(s.nodes[0].goal.memory_bytes, 1200 << 20, "twice as much as it loaded");
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].saw.used_bytes = 600 << 20;
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
}

Test(steps, a_delete_ends_with_nothing_left)
{
    scene_run(&s, &s.nodes[0]);
    s.view.cluster.is_wanted = false;
    s.nodes[0].is_wanted = false;
    scene_operate(&s, OPERATION_DELETE, "");
    s.view.now_ms = 99999;
    scene_decide(&s);
    cr_assert_eq(scene_count(&s, DECISION_CLUSTER_REMOVE), 0,
                 "no deadline makes it forget a running engine");

    s.nodes[0].saw.state = NODE_ABSENT;
    scene_decide(&s);
    cr_assert_eq(scene_count(&s, DECISION_CLUSTER_REMOVE), 1);
    cr_assert(scene_told(&s, "Cache cluster deleted"));
    cr_assert_not(scene_told(&s, "Removed cache node 0001"));
}

Test(steps, a_reboot_waits_for_the_new_process)
{
    scene_add_node(&s, "0002");
    scene_run(&s, &s.nodes[0]);
    scene_run(&s, &s.nodes[1]);
    s.nodes[1].boot_count = 2;
    scene_operate(&s, OPERATION_REBOOT, "0002");
    scene_decide(&s);
    cr_assert(scene_told(&s, "Cache node 0002 shutdown"));
    cr_assert_not(scene_told(&s, "Cache node 0001 shutdown"));
    cr_assert_eq(scene_last(&s, DECISION_OPERATION)->operation.step, 1, "how far it got is stored");

    scene_decide(&s);
    cr_assert_not(scene_told(&s, "Cache node 0002 shutdown"));
    s.nodes[1].saw.boot_count = 2;
    scene_decide(&s);
    cr_assert(scene_told(&s, "Cache node 0002 restarted"));
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
}

Test(steps, a_change_of_nodes_tells_from_and_to)
{
    struct node *second = scene_add_node(&s, "0002");
    struct node *third = scene_add_node(&s, "0003");
    scene_run(&s, &s.nodes[0]);
    scene_run(&s, second);
    scene_run(&s, third);
    third->created_ms = 600;
    second->is_wanted = false;
    scene_operate(&s, OPERATION_MODIFY, "2");
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_RUNNING);

    second->saw.state = NODE_ABSENT;
    scene_decide(&s);
    cr_assert(scene_told(&s, "Removed cache node 0002"));
    cr_assert(scene_told(&s, "Added cache node 0003 in availability zone us-east-1a"));
    cr_assert(scene_told(&s, "Finished modifying number of nodes from 2 to 2"));
}

Test(steps, a_node_seen_on_another_host_does_not_count)
{
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].saw.host_id = "h2";
    scene_operate(&s, OPERATION_CREATE, "");
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_RUNNING);
}

/* It runs with the settings of its cluster as they are now. */
static void settle_node(struct node *n, bool is_outdated)
{
    const struct settings_version v = {.parameters = parameters_number(&s.view.cluster)};

    n->saw.boot_count = n->boot_count;
    n->saw.applied_settings = settings_version_text(&s.arena, &v);
    n->saw.is_reboot_pending = is_outdated;
}

Test(steps, another_version_restarts_nodes_one_after_another)
{
    struct node *second = scene_add_node(&s, "0002");
    scene_run(&s, &s.nodes[0]);
    scene_run(&s, second);
    scene_operate(&s, OPERATION_MODIFY, "2 roll");
    scene_decide(&s);
    cr_assert_eq(scene_count(&s, DECISION_BOOT), 0, "engines are told first");
    settle_node(&s.nodes[0], true);
    settle_node(second, true);
    scene_decide(&s);
    cr_assert_eq(s.nodes[0].boot_count, 2);
    cr_assert_eq(second->boot_count, 1);
    cr_assert_str_eq(s.view.operation.data, "2 roll 0001");
    cr_assert(scene_told(&s, "Cache node 0001 shutdown"));
    scene_decide(&s);
    cr_assert_eq(second->boot_count, 1);
    settle_node(&s.nodes[0], false);
    scene_decide(&s);
    cr_assert(scene_told(&s, "Cache node 0001 restarted"));
    cr_assert_eq(second->boot_count, 2);
    settle_node(second, false);
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
    cr_assert_not(scene_told(&s, "Finished modifying number of nodes from 2 to 2"));
}

Test(steps, a_round_that_is_stopped_waits_for_the_node_that_has_begun)
{
    struct node *second = scene_add_node(&s, "0002");
    scene_run(&s, &s.nodes[0]);
    scene_run(&s, second);
    scene_operate(&s, OPERATION_MODIFY, "2 roll");
    settle_node(&s.nodes[0], true);
    settle_node(second, true);
    scene_decide(&s);
    cr_assert_eq(s.nodes[0].boot_count, 2);
    s.view.operation.data = "2 stop";
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_RUNNING);
    settle_node(&s.nodes[0], false);
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
    cr_assert_eq(second->boot_count, 1);
}

Test(steps, another_size_waits_for_the_engines_and_restarts_none)
{
    scene_run(&s, &s.nodes[0]);
    scene_operate(&s, OPERATION_MODIFY, "1 size");
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_RUNNING);
    settle_node(&s.nodes[0], false);
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
    cr_assert_eq(s.nodes[0].boot_count, 1);
}

Test(steps, a_change_of_who_may_enter_is_done_when_the_engine_has_it)
{
    struct settings_version has = {.parameters = parameters_number(&s.view.cluster), .users = 4};

    scene_run(&s, &s.nodes[0]);
    s.view.cluster.entry.revision = 5;
    s.nodes[0].saw.applied_settings = settings_version_text(&s.arena, &has);
    scene_operate(&s, OPERATION_MODIFY, "1 " ENTRY_WORD);
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_RUNNING);
    has.users = 5;
    s.nodes[0].saw.applied_settings = settings_version_text(&s.arena, &has);
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
    cr_assert_eq(scene_count(&s, DECISION_CLUSTER), 0, "the number of nodes is what it was");
}

/* --- another type, batch by batch --- */

#define MINUTE_MS 60000

static void applies(struct node *n, bool is_reboot_pending)
{
    const struct cluster seen = cluster_of_node(&s.view.cluster, n);
    const struct settings_version v = {.parameters = parameters_number(&seen)};

    n->saw.applied_settings = settings_version_text(&s.arena, &v);
    n->saw.is_reboot_pending = is_reboot_pending;
    n->saw.boot_count = n->boot_count;
}

/* Three nodes that have the small type, of a cluster that has the large one. */
static void begin_scaling(const char *percent)
{
    scene_add_node(&s, "0002");
    scene_add_node(&s, "0003");
    s.view.cluster.node_type = "cache.t4g.small";
    for (int i = 0; i < 3; i++) {
        scene_run(&s, &s.nodes[i]);
        s.nodes[i].node_type = "cache.t4g.micro";
        applies(&s.nodes[i], false);
    }
    scene_operate(&s, OPERATION_MODIFY,
                  arena_printf(&s.arena, "3 scale %s 2 cache.t4g.micro 0 ", percent));
}

static bool has_old_type(int i)
{
    return *s.nodes[i].node_type != 0;
}

Test(steps, nodes_go_over_to_another_type_in_batches_with_time_between)
{
    begin_scaling("40"); /* of three are two, rounded up */
    scene_decide(&s);
    cr_assert(!has_old_type(0) && !has_old_type(1) && has_old_type(2));
    cr_assert_eq(scene_count(&s, DECISION_TYPE), 2);
    cr_assert_geq(s.nodes[2].goal.memory_bytes, cluster_host_bytes(&s.view.cluster),
                  "room is kept");
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_RUNNING, "the engines have not taken it on");
    applies(&s.nodes[0], false);
    applies(&s.nodes[1], false);
    s.view.now_ms += MINUTE_MS;
    scene_decide(&s);
    cr_assert(has_old_type(2), "it is not time yet");
    cr_assert_eq(s.decisions.wake_ms, 1000 + 2 * MINUTE_MS);
    s.view.now_ms += MINUTE_MS;
    scene_decide(&s);
    cr_assert_not(has_old_type(2));
    applies(&s.nodes[2], false);
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
    cr_assert_not(scene_told(&s, "Cache node 0001 shutdown"));
}

Test(steps, engines_that_cannot_change_while_they_run_begin_anew)
{
    begin_scaling("100");
    scene_decide(&s);
    for (int i = 0; i < 3; i++)
        applies(&s.nodes[i], i == 1);
    int64_t before = s.nodes[1].boot_count;
    scene_decide(&s);
    cr_assert(scene_told(&s, "Cache node 0002 shutdown"));
    cr_assert_eq(s.nodes[1].boot_count, before + 1);
    cr_assert_eq(s.view.operation.state, OPERATION_RUNNING);
    applies(&s.nodes[1], false);
    scene_decide(&s);
    cr_assert(scene_told(&s, "Cache node 0002 restarted"));
    cr_assert_not(scene_told(&s, "Cache node 0001 restarted"));
    cr_assert_eq(s.view.operation.state, OPERATION_DONE);
}

Test(steps, what_does_not_come_about_in_batches_is_not_left_half_done)
{
    begin_scaling("20");
    scene_decide(&s);
    cr_assert(has_old_type(1) && has_old_type(2));
    s.view.now_ms += 60 * MINUTE_MS;
    scene_decide(&s);
    cr_assert_eq(s.view.operation.state, OPERATION_FAILED);
    cr_assert_not(has_old_type(1) || has_old_type(2));
}
