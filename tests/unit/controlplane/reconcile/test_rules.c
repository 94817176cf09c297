#include "contract/node_states.h"
#include "controlplane/model/serverless.h"
#include "controlplane/reconcile/rules.h"
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

TestSuite(rules, .init = open_scene, .fini = close_scene);

Test(rules, a_wanted_node_without_a_host_is_placed_and_started)
{
    scene_decide(&s);
    const struct decision *d = scene_last(&s, DECISION_GOAL);
    cr_assert_not_null(d);
    cr_assert_eq(d->goal.state, NODE_RUNNING);
    cr_assert_eq(d->goal.port, 6379);
    cr_assert_gt(d->goal.memory_bytes, 0);
    cr_assert_str_neq(s.nodes[0].host_zone, "");
}

Test(rules, a_node_that_fits_nowhere_waits_without_a_goal)
{
    s.hosts[0].memory_bytes = s.hosts[1].memory_bytes = 1000;
    scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);
}

Test(rules, silent_hosts_get_no_new_nodes)
{
    s.hosts[0].is_silent = true;
    scene_decide(&s);
    cr_assert_str_eq(scene_last(&s, DECISION_GOAL)->goal.host_id, "h2");
    s.hosts[1].is_silent = true;
    s.nodes[0].goal.has = false;
    scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);
}

Test(rules, a_settled_cluster_is_left_alone)
{
    scene_run(&s, &s.nodes[0]);
    scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0, "reconciling an unchanged state sends nothing");
}

Test(rules, other_parameters_are_told_to_the_host_once)
{
    scene_run(&s, &s.nodes[0]);
    s.view.cluster.parameter_revision++;
    scene_decide(&s);
    cr_assert_eq(scene_count(&s, DECISION_GOAL), 1);
    cr_assert_eq(scene_last(&s, DECISION_GOAL)->goal.boot_count, 1, "nothing is started again");
    scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);
}

Test(rules, an_unwanted_node_is_sent_away_before_it_is_forgotten)
{
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].is_wanted = false;
    scene_decide(&s);
    cr_assert_eq(scene_last(&s, DECISION_GOAL)->goal.state, NODE_ABSENT);
    cr_assert_eq(scene_count(&s, DECISION_GOAL_REMOVE), 0, "its engine still runs");
    cr_assert_eq(s.view.nodes.count, 1);

    s.nodes[0].saw.state = NODE_ABSENT;
    scene_decide(&s);
    cr_assert_eq(scene_count(&s, DECISION_GOAL_REMOVE), 1);
    cr_assert_eq(scene_count(&s, DECISION_NODE_REMOVE), 1);
    cr_assert(scene_told(&s, "Removed cache node 0001"));
    cr_assert_eq(s.view.nodes.count, 0);
}

Test(rules, a_silent_host_does_not_keep_a_deleted_node_for_ever)
{
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].is_wanted = false;
    s.hosts[0].is_silent = true;
    scene_decide(&s);
    cr_assert_eq(s.view.nodes.count, 0);
}

Test(rules, a_raised_boot_count_becomes_the_goal)
{
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].boot_count = 2;
    scene_decide(&s);
    cr_assert_eq(scene_last(&s, DECISION_GOAL)->goal.boot_count, 2);
    scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);
}

Test(rules, a_crash_and_its_recovery_are_each_told_once)
{
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].saw.crashes = 1;
    s.nodes[0].saw.state = NODE_STARTING;
    scene_decide(&s);
    cr_assert(scene_told(&s, "Recovering cache nodes 0001"));
    cr_assert_not(scene_told(&s, "Finished recovery for cache nodes 0001"));

    scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);

    s.nodes[0].saw.state = NODE_RUNNING;
    scene_decide(&s);
    cr_assert(scene_told(&s, "Finished recovery for cache nodes 0001"));
    scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);
}

Test(rules, a_crash_that_was_over_before_we_looked_is_told_whole)
{
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].saw.crashes = 3;
    scene_decide(&s);
    cr_assert(scene_told(&s, "Recovering cache nodes 0001"));
    cr_assert(scene_told(&s, "Finished recovery for cache nodes 0001"));
    cr_assert_eq(s.nodes[0].goal.crashes_told, 3);
}

Test(rules, silence_and_its_end_are_each_told_once)
{
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].saw.is_silent = true;
    s.nodes[0].saw.why = "it is busy and does not answer";
    scene_decide(&s);
    cr_assert(scene_told(&s, "Cache node 0001 is not responding: it is busy and does not answer"));
    scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);
    s.nodes[0].saw.is_silent = false;
    scene_decide(&s);
    cr_assert(scene_told(&s, "Cache node 0001 is responding again"));
    scene_decide(&s);
    cr_assert_eq(s.decisions.list.count, 0);
}

Test(rules, one_that_was_silent_and_ended_does_not_respond_again)
{
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].saw.is_silent = true;
    scene_decide(&s);
    s.nodes[0].saw.is_silent = false;
    s.nodes[0].saw.state = NODE_STOPPED;
    s.nodes[0].saw.crashes = 1;
    scene_decide(&s);
    cr_assert_not(scene_told(&s, "Cache node 0001 is responding again"));
    cr_assert_not(s.nodes[0].goal.is_told_silent);
}

/* Every state that a node can be seen in, with every goal that the rules set from there: the agent
 * must know the way. */
#define GIB ((int64_t)1 << 30)

Test(rules, the_room_of_an_owned_node_follows_what_it_uses_as_far_as_its_host_goes)
{
    s.view.cluster.owner = (struct owner){1, "one"};
    s.view.cluster.allotment = (struct allotment){GIB / 2, 64 * GIB, 0};
    scene_decide(&s);
    cr_assert_eq(s.nodes[0].goal.memory_bytes, allotment_host_bytes(GIB / 2));
    scene_run(&s, &s.nodes[0]);
    s.nodes[0].saw.used_bytes = GIB / 2 - 1;
    scene_decide(&s);
    cr_assert_eq(scene_last(&s, DECISION_GOAL)->goal.memory_bytes, allotment_host_bytes(GIB));
    s.nodes[0].saw.used_bytes = 60 * GIB;
    scene_decide(&s);
    cr_assert_eq(scene_count(&s, DECISION_GOAL), 0, "the host has no more");
    s.nodes[0].saw.used_bytes = -1;
    scene_decide(&s);
    cr_assert_eq(scene_count(&s, DECISION_GOAL), 0, "nobody knows what it needs");
    s.nodes[0].saw.used_bytes = 1;
    scene_decide(&s);
    cr_assert_eq(scene_last(&s, DECISION_GOAL)->goal.memory_bytes, allotment_host_bytes(GIB / 2));
    s.view.cluster.allotment = (struct allotment){GIB / 4, GIB / 4, 0};
    s.nodes[0].saw.used_bytes = GIB / 4;
    scene_decide(&s);
    cr_assert_eq(scene_last(&s, DECISION_GOAL)->goal.memory_bytes, allotment_host_bytes(GIB / 4));
}

Test(rules, what_happens_to_an_owned_cluster_is_told_of_its_owner)
{
    s.view.cluster.owner = (struct owner){1, "one"};
    scene_operate(&s, OPERATION_CREATE, "");
    scene_decide(&s);
    scene_run(&s, &s.nodes[0]);
    scene_decide(&s);
    cr_assert(scene_told(&s, "Serverless cache created"));
    cr_assert_eq(scene_count(&s, DECISION_EVENT), 1);
}

Test(rules, the_agent_has_an_edge_to_every_goal_from_every_state)
{
    for (int state = 0; state < NODE_STATE_COUNT; state++) {
        for (int is_wanted = 0; is_wanted < 2; is_wanted++) {
            scene_close(&s);
            scene_open(&s);
            scene_run(&s, &s.nodes[0]);
            s.nodes[0].saw.state = (enum node_state)state;
            s.nodes[0].is_wanted = is_wanted;
            scene_decide(&s);
            enum node_state goal = s.view.nodes.count ? s.nodes[0].goal.state : NODE_ABSENT;
            cr_assert(node_state_is_goal(goal));
            cr_assert(goal == (enum node_state)state ||
                          node_edge_find((enum node_state)state, goal) != NULL,
                      "no edge from %s to %s", node_state_name((enum node_state)state),
                      node_state_name(goal));
        }
    }
}

Test(rules, every_row_has_a_name_and_a_reason)
{
    for (size_t i = 0; i < node_rule_count; i++) {
        cr_assert_not_null(node_rules[i].name);
        cr_assert_not_null(node_rules[i].why);
    }
}
