/* What a node has taken on: kept account of, told, and waited for. */
#include "agent/steps/machine.h"
#include "agent/supervise/supervise.h"
#include "base/arena.h"
#include "base/clock.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static struct arena arena;
static char folder[64];
static struct clock_manual manual;
static struct loop *loop;
static struct nodes nodes;
static struct driver_program program = {.path = "/bin/larder-engine", .version = "0.1.0"};
static struct driver_host host = {.programs = &program, .program_count = 1};
static struct steps steps;
static struct node *n;
static int changes;

static void on_change(void *context, struct node *changed)
{
    (void)context;
    (void)changed;
    changes++;
}

static struct agent_node_goal goal = {
    .node_id = {true, 1   },
    .state = "running",
    .engine = "redis",
    .engine_version = "7.1.0",
    .address = "127.1.0.1",
    .port = {true, 6379},
    .settings_version = "p1",
};

static void begin(void)
{
    strcpy(folder, "/tmp/larder-set-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    clock_manual_init(&manual, 1700000000000, 1000000);
    cr_assert_not(err_failed(loop_open(&manual.clock, &loop)));
    program.driver = &driver_bundled;
    nodes_init(&nodes, folder, "boot-1");
    steps = (struct steps){
        .conf = {.loop = loop, .nodes = &nodes, .host = &host, .on_change = on_change}
    };
    n = nodes_add(&nodes, 1);
    n->steps = &steps;
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    cr_assert(node_set_goal(n, &goal));
    n->state = NODE_RUNNING;
    n->run.pid = 7;
}

static void end(void)
{
    loop_timer_stop(loop, &steps.save_timer);
    nodes_fini(&nodes);
    loop_close(loop);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(settings, .init = begin, .fini = end);

static struct agent_node_report told(void)
{
    struct agent_node_report report;

    node_report(n, &report);
    return report;
}

Test(settings, what_is_in_force_is_told_and_is_that_of_its_process_alone)
{
    cr_assert_null(told().applied_settings);
    steps_obeys(&steps, n, "p0", 3);
    cr_assert_str_eq(told().applied_settings, "p0");
    cr_assert_not(n->is_applied, "the goal is another one");
    steps_obeys(&steps, n, "p1", 4);
    cr_assert(n->is_applied);
    cr_assert_eq(told().term.value, 4);
    node_forget_settings(n);
    cr_assert_null(told().applied_settings);
    cr_assert_not(told().term.has);
}

Test(settings, a_refusal_is_why_until_they_are_in_force)
{
    steps_refuses(&steps, n, "the engine refuses users: ERR no", false);
    cr_assert_str_eq(told().why, "the engine refuses users: ERR no");
    int before = changes;
    steps_refuses(&steps, n, "the engine refuses users: ERR no", false);
    cr_assert_eq(changes, before, "it is told once");
    steps_obeys(&steps, n, "p1", 0);
    cr_assert_null(told().why);
}

static int stops;

static void note_stop(struct supervisor *s, struct node *stopped, int64_t grace_ms)
{
    (void)s, (void)stopped, (void)grace_ms;
    stops++;
}

Test(settings, a_start_is_ended_by_the_refusal_of_what_it_cannot_do_without)
{
    struct supervisor supervisor = {.stop = note_stop};

    steps.conf.supervisor = &supervisor;
    steps_refuses(&steps, n, "the engine refuses data key: ERR no", true);
    cr_assert_eq(stops, 0, "one that runs is left alone");
    n->state = NODE_STARTING;
    steps_refuses(&steps, n, "the engine refuses data key: ERR no", true);
    cr_assert_eq(stops, 1);
    cr_assert_str_eq(told().why, "the engine refuses data key: ERR no");
    cr_assert_not(n->has_bad_seed);
}

Test(settings, what_it_was_given_and_cannot_load_behind_its_key_is_told)
{
    static const char why[] = "the engine refuses data key: ERR Fatal error loading the DB: bad";
    struct supervisor supervisor = {.stop = note_stop};
    struct agent_node_seeds seeds = {0};
    const struct agent_node_goal *plain = n->goal;
    struct agent_node_goal seeded = plain ? *plain : (struct agent_node_goal){0};

    steps.conf.supervisor = &supervisor;
    n->state = NODE_STARTING;
    steps_refuses(&steps, n, why, true);
    cr_assert_not(n->has_bad_seed, "it is what it kept itself");
    seeded.seeds = &seeds;
    n->goal = &seeded;
    steps_refuses(&steps, n, why, true);
    cr_assert(n->has_bad_seed);
    n->goal = plain;
}

Test(settings, a_term_is_on_the_disk_before_it_is_used_and_a_lower_one_is_refused)
{
    struct nodes again = {0};
    struct node_past past;

    cr_assert_not(err_failed(steps_take_term(&steps, &arena, n, 5)));
    nodes_init(&again, folder, "boot-1");
    struct node *read = nodes_add(&again, 1);
    cr_assert_not(err_failed(node_load(&again, read, &past)));
    cr_assert_eq(read->highest_term, 5);
    nodes_fini(&again);

    cr_assert_not(err_failed(steps_take_term(&steps, &arena, n, 5)));
    struct err e = steps_take_term(&steps, &arena, n, 4);
    cr_assert(err_is(e, ERR_CONFLICT));
    cr_assert_str_eq(e.why, "the role is of term 4, and this node has seen term 5");
}

Test(settings, a_term_that_cannot_be_written_down_is_not_used)
{
    cr_assert_not(err_failed(fs_remove_tree(n->dir)));
    cr_assert(err_failed(steps_take_term(&steps, &arena, n, 5)));
    cr_assert_eq(n->highest_term, 0);
}

Test(settings, a_role_and_a_link_are_told_at_once_and_offsets_with_the_beat)
{
    struct driver_stats stats = {.role = DRIVER_REPLICA, .replication_offset = 10};

    changes = 0;
    steps_sees(&steps, n, &stats);
    cr_assert_eq(changes, 1);
    stats.replication_offset = 20;
    steps_sees(&steps, n, &stats);
    cr_assert_eq(changes, 1);
    cr_assert_eq(told().replication_offset.value, 20);
    cr_assert(told().is_link_up.has && !told().is_link_up.value);
    stats.is_link_up = true;
    steps_sees(&steps, n, &stats);
    cr_assert_eq(changes, 2);
    stats.role = DRIVER_PRIMARY;
    steps_sees(&steps, n, &stats);
    cr_assert_str_eq(told().role, "primary");
    cr_assert_not(told().is_link_up.has, "a primary follows nobody");
}

Test(settings, a_start_that_would_be_another_one_is_a_pending_reboot)
{
    struct agent_parameter given[] = {
        {.name = "databases", .value = "3", .is_static = {true, true}},
        {.name = "timeout",                   .value = "9"              },
    };
    struct driver_launch launch;

    cr_assert_not(told().is_reboot_pending.has, "unknown");
    cr_assert_not(err_failed(driver_bundled.prepare(&arena, &host, &goal, &launch)));
    node_set_statics(n, launch.statics);
    settings_compare(&steps, n);
    cr_assert(told().is_reboot_pending.has && !told().is_reboot_pending.value);

    struct agent_node_goal next = goal;
    next.parameters = (struct agent_parameter_list){true, 1, given + 1};
    node_set_goal(n, &next);
    settings_compare(&steps, n);
    cr_assert_not(told().is_reboot_pending.value, "this one can change live");
    next.parameters = (struct agent_parameter_list){true, 2, given};
    node_set_goal(n, &next);
    settings_compare(&steps, n);
    cr_assert(told().is_reboot_pending.value);
    node_set_goal(n, &goal);
    settings_compare(&steps, n);
    cr_assert_not(told().is_reboot_pending.value);
}

Test(settings, what_a_process_was_started_with_is_known_to_the_next_agent)
{
    cr_assert_not(err_failed(settings_write_statics(&arena, n, "a 1\nb 2\n")));
    settings_read_statics(n);
    cr_assert_str_eq(n->statics, "a 1\nb 2\n");
    cr_assert_not(err_failed(fs_remove(fs_join(&arena, n->dir, "started-with"))));
    settings_read_statics(n);
    cr_assert_null(n->statics);
}
