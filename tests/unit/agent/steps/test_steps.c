/* The machine of a node over a supervisor that only writes down what it is told. */
#include "agent/steps/machine.h"
#include "agent/steps/steps.h"
#include "agent/supervise/supervise.h"
#include "base/clock.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct arena arena;
static char folder[64];
static struct clock_manual manual;
static struct loop *loop;
static struct nodes nodes;
static struct steps *steps;
static struct driver_host host;
static int changes;
static const char *boot_id = "boot-1";

/* The fake: its processes live in these variables only. */
static struct {
    struct supervisor base;
    int starts, stops, taken;
    int64_t last_grace_ms;
    struct node_run run; /* of the last start */
    const char *refusal; /* of the next start */
    bool is_there;       /* for adoption */
} fake;

#define SHIM ((struct shim_link *)&fake) /* any address that is not NULL */

static struct err fake_start(struct supervisor *s, struct arena *a, struct node *n,
                             const struct launch *launch)
{
    (void)s;
    if (fake.refusal)
        return err_format(a, ERR_IO, "%s", fake.refusal);
    fake.starts++;
    fake.run = launch->run;
    n->shim = SHIM;
    return OK;
}

static struct err fake_adopt(struct supervisor *s, struct node *n)
{
    (void)s;
    if (!fake.is_there)
        return err_make(ERR_NOT_FOUND, "gone");
    n->shim = SHIM;
    return OK;
}

static void fake_stop(struct supervisor *s, struct node *n, int64_t grace_ms)
{
    (void)s;
    (void)n;
    fake.stops++;
    fake.last_grace_ms = grace_ms;
}

static void fake_take(struct supervisor *s, struct node *n)
{
    (void)s;
    (void)n;
    fake.taken++;
}

static void on_change(void *context, struct node *n)
{
    (void)context;
    n->is_untold = true;
    changes++;
}

static void open_steps(void)
{
    struct steps_conf conf = {.loop = loop,
                              .nodes = &nodes,
                              .supervisor = &fake.base,
                              .host = &host,
                              .on_change = on_change};

    cr_assert(ip_block_parse(STR("127.1.0.0/16"), &conf.pool));
    cr_assert(ip_block_parse(STR("fd00::/64"), &conf.pool6));
    nodes_init(&nodes, arena_printf(&arena, "%s/nodes", folder), boot_id);
    steps = steps_open(&conf);
}

static void begin(void)
{
    static struct driver_program program = {.path = "/bin/larder-engine", .version = "0.1.0"};

    strcpy(folder, "/tmp/larder-steps-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_not(err_failed(fs_make_dirs(arena_printf(&arena, "%s/nodes", folder), 0700)));
    clock_manual_init(&manual, 1700000000000, 1000000);
    cr_assert_not(err_failed(loop_open(&manual.clock, &loop)));
    program.driver = &driver_bundled;
    host = (struct driver_host){.programs = &program, .program_count = 1};
    fake.base = (struct supervisor){
        .start = fake_start, .adopt = fake_adopt, .stop = fake_stop, .take_exit = fake_take};
    open_steps();
}

static void close_steps(void)
{
    steps_close(steps);
    vec_each(at, &nodes)
        (*at)->shim = NULL;
    nodes_fini(&nodes);
}

static void end(void)
{
    close_steps();
    loop_close(loop);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(steps, .init = begin, .fini = end, .timeout = 60);

/* The agent dies and another one begins on the same folder. */
static void agent_restarts(bool is_engine_there)
{
    close_steps();
    fake.is_there = is_engine_there;
    open_steps();
    cr_assert_not(err_failed(steps_resume(steps)));
}

static void pass(int64_t ms)
{
    clock_manual_advance(&manual, ms);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 0);
}

/* Goals. */

static struct agent_node_goal goal = {
    .node_id = {true, 1   },
    .state = "running",
    .cluster = "c1",
    .engine = "redis",
    .engine_version = "7.1.0",
    .address = "127.1.0.1",
    .port = {true, 6379},
    .boot_count = {true, 1   },
    .restarts_after_exit = {true, true},
};

static struct node *want(void)
{
    struct agent_node_goal copy = goal;
    const struct agent_node_goal_list list = {true, 1, &copy};

    steps_set_goals(steps, &list);
    return nodes_find(&nodes, 1);
}

static struct node *want_state(const char *state)
{
    goal.state = state;
    return want();
}

/* Words of the shim. */

static struct shim_state state_of(const char *phase)
{
    static char tag[128];

    snprintf(tag, sizeof(tag), "%s %lld %s %d", fake.run.driver, (long long)fake.run.boot_count,
             fake.run.address, fake.run.port);
    return (struct shim_state){.phase = phase,
                               .tag = tag,
                               .pid = 100 + fake.starts,
                               .started_ms = 1700000000000 + fake.starts,
                               .last_line = ""};
}

static void says(struct node *n, const char *phase)
{
    struct shim_state state = state_of(phase);

    if (strcmp(phase, SHIM_READY) == 0)
        state.ready_ms = state.started_ms + 1;
    fake.base.on_state(fake.base.context, n, &state);
    if (n->is_ready && n->goal) /* an engine that serves obeys its orders, too */
        steps_obeys(steps, n, n->goal->settings_version ? n->goal->settings_version : "", 0);
}

static void exits(struct node *n, const char *kind, int number, const char *last_line)
{
    struct shim_state state = state_of(SHIM_EXITED);

    state.exit = kind;
    state.exit_number = number;
    state.exited_ms = clock_wall_ms(&manual.clock);
    state.last_line = last_line;
    fake.base.on_state(fake.base.context, n, &state);
    loop_turn(loop, 0); /* in which the exit is written down and taken */
}

/* It was killed, and is not gone. */
static void is_held(struct node *n)
{
    struct shim_state state = state_of(SHIM_READY);

    state.ready_ms = state.started_ms + 1;
    state.killed_ms = clock_wall_ms(&manual.clock);
    fake.base.on_state(fake.base.context, n, &state);
}

static struct agent_node_report report_of(const struct node *n)
{
    struct agent_node_report report;

    node_report(n, &report);
    return report;
}

static void goes(struct node *n)
{
    n->shim = NULL;
    fake.base.on_gone(fake.base.context, n);
}

static void ends(struct node *n, const char *kind, int number, const char *last_line)
{
    exits(n, kind, number, last_line);
    goes(n);
}

static void crashes(struct node *n)
{
    ends(n, SHIM_EXIT_SIGNAL, 9, "last words");
}

static struct node *running(void)
{
    struct node *n = want_state("running");

    says(n, SHIM_STARTING);
    says(n, SHIM_READY);
    cr_assert_eq(n->state, NODE_RUNNING);
    return n;
}

/* Plays. */

/* The walk along the table ends at the goal, from every state that has a way to it. */
Test(steps, the_table_leads_to_every_goal_from_where_it_leads_at_all)
{
    for (size_t i = 0; i < node_edge_count; i++) {
        const struct node_edge *edge = &node_edges[i];
        enum node_state at = edge->from;
        for (int left = NODE_STATE_COUNT; at != edge->goal && left > 0; left--) {
            const struct node_edge *next = node_edge_find(at, edge->goal);
            cr_assert_not_null(next, "no way from %s to %s", node_state_name(at),
                               node_state_name(edge->goal));
            at = next->next;
        }
        cr_expect_eq(at, edge->goal, "from %s", node_state_name(edge->from));
    }
}

Test(steps, every_step_of_the_table_has_a_function)
{
    for (size_t i = 0; i < node_edge_count; i++)
        cr_expect(step_function(node_edges[i].step) != NULL, "%s",
                  node_step_name(node_edges[i].step));
}

Test(steps, a_node_starts_becomes_ready_and_runs)
{
    struct node *n = want();

    cr_assert_eq(fake.starts, 1);
    cr_assert_eq(n->state, NODE_STARTING);
    cr_assert_str_eq(fake.run.driver, "bundled");
    cr_assert_str_eq(fake.run.address, "127.1.0.1");
    cr_assert(fs_exists(arena_printf(&arena, "%s/nodes/1/engine.conf", folder)));
    says(n, SHIM_STARTING);
    cr_assert_eq(n->state, NODE_STARTING);
    says(n, SHIM_READY);
    cr_assert_eq(n->state, NODE_RUNNING);
    cr_assert_eq(n->run.pid, 101);
    want();
    cr_assert_eq(fake.starts, 1, "the same goal again does nothing");
}

Test(steps, an_answer_while_it_loads_is_no_readiness)
{
    struct node *n = want();

    says(n, SHIM_STARTING);
    steps_alive(steps, n);
    cr_assert_not(n->is_ready, "this kind says it itself");
}

Test(steps, an_answer_to_a_probe_is_readiness_where_nothing_is_said)
{
    static const struct driver_program memcached = {&driver_memcached, NULL, "/bin/memcached",
                                                    "1.6.18"};

    host.programs = &memcached;
    goal.driver = goal.engine = "memcached";
    struct node *n = want();

    says(n, SHIM_STARTING);
    steps_alive(steps, n);
    cr_assert(n->is_ready);
    cr_assert_eq(n->state, NODE_STARTING, "it has to obey its orders first");
    steps_obeys(steps, n, "", 0);
    cr_assert_eq(n->state, NODE_RUNNING);
}

Test(steps, a_crash_is_counted_and_the_engine_started_again_at_once)
{
    struct node *n = running();

    exits(n, SHIM_EXIT_SIGNAL, 9, "");
    cr_assert_eq(n->crashes, 1);
    cr_assert_eq(n->crashed_ms, clock_wall_ms(&manual.clock));
    cr_assert_str_eq(n->last_exit, "signal 9 (Killed)");
    cr_assert_eq(n->state, NODE_STOPPED);
    cr_assert_eq(fake.taken, 1);
    cr_assert_eq(fake.starts, 1, "not before the old one has gone");
    goes(n);
    cr_assert_eq(fake.starts, 2);
    cr_assert_eq(n->state, NODE_STARTING);
}

Test(steps, how_far_one_had_come_is_told_after_its_end)
{
    goal.restarts_after_exit = BOOL_OF(false);
    struct node *n = running();

    n->replication_offset = 4711;
    crashes(n);
    cr_assert_eq(report_of(n).replication_offset.value, 4711);
    cr_assert_not(report_of(n).role);
}

Test(steps, crashes_in_a_row_make_restarts_rarer_until_one_life_was_long)
{
    static const int64_t delays[] = {0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};
    struct node *n = running();

    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        crashes(n);
        if (delays[i] > 0) {
            pass(delays[i] - 1);
            cr_assert_eq(fake.starts, (int)i + 1, "crash %zu", i);
            cr_assert_str_eq(n->why, "it crashed again and again: the next start waits");
            pass(1);
        }
        cr_assert_eq(fake.starts, (int)i + 2, "crash %zu", i);
        says(n, SHIM_READY);
        cr_assert_str_eq(n->why, "");
    }
    pass(10000);
    int before = fake.starts;
    crashes(n);
    cr_assert_eq(fake.starts, before + 1, "it lived for long: no delay");
}

Test(steps, the_delay_is_nothing_first_and_ten_seconds_at_most)
{
    cr_assert_eq(steps_restart_delay_ms(0), 0);
    cr_assert_eq(steps_restart_delay_ms(1), 0);
    cr_assert_eq(steps_restart_delay_ms(2), 100);
    cr_assert_eq(steps_restart_delay_ms(1000000), 10000);
}

Test(steps, an_engine_that_must_not_come_back_empty_waits_for_a_boot_count)
{
    goal.restarts_after_exit = BOOL_OF(false);
    struct node *n = running();

    crashes(n);
    pass(60000);
    cr_assert_eq(fake.starts, 1);
    cr_assert_eq(n->state, NODE_STOPPED);
    cr_assert(n->is_held);
    goal.maxmemory_bytes = INT_OF(1 << 20); /* some other change is no order */
    want();
    cr_assert_eq(fake.starts, 1);
    goal.boot_count = INT_OF(2);
    want();
    cr_assert_eq(fake.starts, 2);
    says(n, SHIM_READY);
    cr_assert_not(n->is_held);
}

Test(steps, that_it_waits_for_an_order_survives_the_agent)
{
    goal.restarts_after_exit = BOOL_OF(false);
    crashes(running());
    agent_restarts(false);
    pass(60000);
    struct node *n = want();
    cr_assert_eq(fake.starts, 1);
    cr_assert_eq(n->crashes, 1);
    cr_assert_eq(n->state, NODE_STOPPED);
}

Test(steps, a_higher_boot_count_is_a_graceful_stop_and_a_start)
{
    struct node *n = running();

    goal.boot_count = INT_OF(2);
    want();
    cr_assert_eq(n->state, NODE_STOPPING);
    cr_assert_eq(fake.stops, 1);
    cr_assert_gt(fake.last_grace_ms, 1000);
    cr_assert_eq(fake.starts, 1);
    exits(n, SHIM_EXIT_STATUS, 0, "");
    goes(n);
    cr_assert_eq(fake.starts, 2);
    cr_assert_eq(fake.run.boot_count, 2);
    says(n, SHIM_READY);
    cr_assert_eq(n->state, NODE_RUNNING);
    cr_assert_eq(n->crashes, 0);
}

Test(steps, a_lower_boot_count_costs_nobody_their_data)
{
    goal.boot_count = INT_OF(5);
    struct node *n = running();

    goal.boot_count = INT_OF(4);
    want();
    cr_assert_eq(n->state, NODE_RUNNING);
    cr_assert_eq(fake.stops, 0);
}

Test(steps, another_place_means_another_process_and_another_size_does_not)
{
    struct node *n = running();

    goal.maxmemory_bytes = INT_OF(1 << 20);
    want();
    cr_assert_eq(n->state, NODE_RUNNING);
    goal.port = INT_OF(6380);
    want();
    cr_assert_eq(n->state, NODE_STOPPING);
    ends(n, SHIM_EXIT_STATUS, 0, "");
    cr_assert_eq(fake.run.port, 6380);
}

Test(steps, a_failed_start_says_why_and_is_tried_again)
{
    struct node *n = want();

    exits(n, SHIM_EXIT_STATUS, 1, "2026-01-01T00:00:00.000Z larder-engine error: port is taken");
    cr_assert_eq(n->state, NODE_FAILED);
    cr_assert_str_eq(n->why, "port is taken");
    cr_assert_eq(n->crashes, 0);
    goes(n);
    pass(99);
    cr_assert_eq(fake.starts, 1);
    pass(1);
    cr_assert_eq(fake.starts, 2);
    cr_assert_eq(n->state, NODE_STARTING);
    ends(n, SHIM_EXIT_STATUS, 1, "");
    cr_assert_str_eq(n->why, "it ended while starting: exit status 1");
    pass(200);
    cr_assert_eq(fake.starts, 3);
    says(n, SHIM_READY);
    cr_assert_str_eq(n->why, "");
}

Test(steps, an_engine_that_cannot_load_what_it_is_given_says_so)
{
    struct agent_node_seeds seeds = {0};
    struct node *n = want();
    const struct agent_node_goal *plain = n->goal;
    struct agent_node_goal seeded = *plain;

    seeded.seeds = &seeds;
    exits(n, SHIM_EXIT_STATUS, 1, "larder-engine error: Fatal error loading the DB: it is damaged");
    cr_assert_not(n->has_bad_seed, "it was given nothing");
    goes(n);
    pass(100);
    n->goal = &seeded;
    exits(n, SHIM_EXIT_STATUS, 1, "larder-engine error: Fatal error loading the DB: it is damaged");
    cr_assert(n->has_bad_seed);
    goes(n);
    pass(200);
    cr_assert_not(n->has_bad_seed, "it is tried again");
    exits(n, SHIM_EXIT_STATUS, 1, "larder-engine error: port is taken");
    cr_assert_not(n->has_bad_seed);
    n->goal = plain;
}

Test(steps, a_start_that_cannot_even_be_made_is_tried_again)
{
    fake.refusal = "no more processes";
    struct node *n = want();

    cr_assert_eq(n->state, NODE_FAILED);
    cr_assert_str_eq(n->why, "no more processes");
    pass(100);
    cr_assert_eq(n->state, NODE_FAILED);
    fake.refusal = NULL;
    pass(100);
    cr_assert_eq(fake.starts, 0, "the delay has doubled");
    pass(100);
    cr_assert_eq(fake.starts, 1);
}

Test(steps, a_new_goal_is_tried_at_once_whatever_failed_before)
{
    fake.refusal = "no";
    for (int i = 0; i < 5; i++) {
        want();
        pass(2000);
    }
    fake.refusal = NULL;
    goal.port = INT_OF(6380);
    want();
    cr_assert_eq(fake.starts, 1);
}

Test(steps, an_engine_that_never_gets_ready_is_ended_and_tried_again)
{
    struct node *n = want();

    says(n, SHIM_STARTING);
    pass(29999);
    cr_assert_eq(fake.stops, 0);
    pass(1);
    cr_assert_eq(fake.stops, 1);
    cr_assert_eq(fake.last_grace_ms, 0);
    ends(n, SHIM_EXIT_SIGNAL, 15, "some words");
    cr_assert_eq(n->state, NODE_FAILED);
    cr_assert_str_eq(n->why, "it was not ready in time");
}

Test(steps, goals_that_cannot_be_met_fail_with_a_sentence)
{
    static const struct {
        const char *address, *driver, *engine;
        int64_t port, memory;
        const char *why;
    } rows[] = {
        {"127.2.0.1", NULL,        "redis",     6379,  0,  "address 127.2.0.1 is not in this host's pool"},
        {NULL,        NULL,        "redis",     6379,  0,  "address (none) is not in this host's pool"   },
        {"127.1.0.1", NULL,        "redis",     0,     0,  "the goal has no usable port"                 },
        {"127.1.0.1", NULL,        "redis",     65536, 0,  "the goal has no usable port"                 },
        {"127.1.0.1", NULL,        "redis",     6379,  -1, "the goal's memory is negative"               },
        {"127.1.0.1", "oracle",    "redis",     6379,  0,  "this agent knows no driver called oracle"    },
        {"127.1.0.1", "memcached", "memcached", 6379,  0,  "this host has no memcached"                  },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        goal.address = rows[i].address;
        goal.driver = rows[i].driver;
        goal.engine = rows[i].engine;
        goal.port = INT_OF(rows[i].port);
        goal.maxmemory_bytes = INT_OF(rows[i].memory);
        struct node *n = want();
        cr_expect_eq(n->state, NODE_FAILED, "row %zu", i);
        cr_expect_str_eq(n->why, rows[i].why);
    }
    cr_expect_eq(fake.starts, 0);
}

Test(steps, both_addresses_are_the_hosts)
{
    goal.second_address = "fd01::1";
    struct node *n = want();
    cr_expect_eq(n->state, NODE_FAILED);
    cr_expect_str_eq(n->why, "address fd01::1 is not in this host's pool");
    goal.second_address = "fd00::1";
    n = want();
    cr_expect_neq(n->state, NODE_FAILED);
    cr_expect_eq(fake.starts, 1);
}

Test(steps, an_absent_goal_stops_removes_and_forgets)
{
    struct node *n = running();

    want_state("absent");
    cr_assert_eq(n->state, NODE_STOPPING);
    ends(n, SHIM_EXIT_STATUS, 0, "");
    cr_assert_eq(n->state, NODE_ABSENT);
    cr_assert_not(fs_exists(n->dir));
    n->is_untold = false;
    steps_sweep(steps);
    cr_assert_not_null(nodes_find(&nodes, 1), "still named");
    steps_set_goals(steps, &(struct agent_node_goal_list){.has = true});
    n->is_untold = true;
    steps_sweep(steps);
    cr_assert_not_null(nodes_find(&nodes, 1), "not told yet");
    n->is_untold = false;
    steps_sweep(steps);
    cr_assert_null(nodes_find(&nodes, 1));
}

Test(steps, a_node_that_never_was_is_told_to_be_absent)
{
    changes = 0;
    struct node *n = want_state("absent");
    cr_assert_eq(n->state, NODE_ABSENT);
    cr_assert_geq(changes, 1);
    cr_assert_not(fs_exists(n->dir));
}

Test(steps, a_node_that_is_not_named_becomes_absent)
{
    struct node *n = running();

    steps_set_goals(steps, &(struct agent_node_goal_list){.has = true});
    cr_assert_eq(n->state, NODE_STOPPING);
    ends(n, SHIM_EXIT_STATUS, 0, "");
    cr_assert_eq(n->state, NODE_ABSENT);
}

Test(steps, of_changed_goals_those_that_are_not_named_stay)
{
    struct node *n = running();
    struct agent_node_goal other = goal;

    other.node_id = INT_OF(2);
    other.state = "stopped";
    steps_change_goals(steps, &(struct agent_node_goal_list){true, 1, &other});
    cr_assert_eq(n->state, NODE_RUNNING);
    cr_assert_not_null(nodes_find(&nodes, 2));
    goal.state = "stopped";
    steps_change_goals(steps, &(struct agent_node_goal_list){true, 1, &goal});
    cr_assert_eq(n->state, NODE_STOPPING);
}

Test(steps, a_goal_without_sense_is_passed_over)
{
    struct agent_node_goal bad[] = {goal, goal, goal};

    bad[0].state = "failed";
    bad[1].state = "dancing";
    bad[2].node_id = INT_OF(-1);
    steps_set_goals(steps, &(struct agent_node_goal_list){true, 3, bad});
    cr_assert_eq(nodes.count, 0);
}

Test(steps, a_stopped_goal_stops_and_stays)
{
    struct node *n = running();

    want_state("stopped");
    ends(n, SHIM_EXIT_STATUS, 0, "");
    cr_assert_eq(n->state, NODE_STOPPED);
    pass(60000);
    cr_assert_eq(fake.starts, 1);
    cr_assert(fs_exists(n->dir));
}

Test(steps, a_goal_that_changes_while_a_process_stops_is_met_afterwards)
{
    struct node *n = running();

    want_state("absent");
    want_state("running");
    cr_assert_eq(n->state, NODE_STOPPING);
    ends(n, SHIM_EXIT_STATUS, 0, "");
    cr_assert_eq(n->state, NODE_STARTING);
    cr_assert_eq(fake.starts, 2);
}

/* Agents come and go. */

Test(steps, an_engine_that_runs_is_taken_over_as_it_is)
{
    running();
    pass(30);
    agent_restarts(true);
    struct node *n = nodes_find(&nodes, 1);
    cr_assert_not(steps_are_settled(steps));
    cr_assert_eq(n->state, NODE_RUNNING);
    says(n, SHIM_READY);
    cr_assert(steps_are_settled(steps));
    cr_assert_eq(n->state, NODE_RUNNING);
    want();
    cr_assert(fake.starts == 1 && fake.stops == 0);
}

Test(steps, an_engine_whose_start_was_not_written_down_is_taken_over_too)
{
    want(); /* the agent dies before the record is written */
    const char *record = arena_printf(&arena, "%s/nodes/1/node.json", folder);
    close_steps();
    cr_assert_not(err_failed(fs_remove(record)));
    fake.is_there = true;
    open_steps();
    cr_assert_not(err_failed(steps_resume(steps)));
    struct node *n = nodes_find(&nodes, 1);
    says(n, SHIM_READY);
    cr_assert_eq(n->state, NODE_RUNNING);
    want();
    cr_assert(fake.starts == 1 && fake.stops == 0);
}

Test(steps, a_crash_in_between_is_counted_by_the_next_agent_once)
{
    running();
    pass(30);
    agent_restarts(true);
    exits(nodes_find(&nodes, 1), SHIM_EXIT_SIGNAL, 11, "");
    cr_assert_eq(nodes_find(&nodes, 1)->crashes, 1);
    agent_restarts(true); /* dies before the shim heard that its report was taken */
    struct node *n = nodes_find(&nodes, 1);
    exits(n, SHIM_EXIT_SIGNAL, 11, "");
    cr_assert_eq(n->crashes, 1);
    cr_assert_eq(fake.taken, 2);
    goes(n);
    cr_assert_eq(fake.starts, 2);
}

Test(steps, an_engine_that_was_ready_once_crashed_whatever_the_record_says)
{
    want();
    pass(30); /* written down as starting */
    agent_restarts(true);
    struct node *n = nodes_find(&nodes, 1);
    struct shim_state state = state_of(SHIM_EXITED);
    state.ready_ms = state.started_ms + 5;
    state.exit = SHIM_EXIT_SIGNAL;
    state.exit_number = 9;
    fake.base.on_state(fake.base.context, n, &state);
    cr_assert_eq(n->crashes, 1);
}

Test(steps, a_process_that_vanished_in_between_crashed)
{
    running();
    pass(30);
    agent_restarts(false);
    struct node *n = nodes_find(&nodes, 1);
    cr_assert_eq(n->crashes, 1);
    cr_assert_str_eq(n->last_exit, "ended while no agent was there");
    cr_assert_eq(n->state, NODE_STARTING);
    cr_assert_eq(fake.starts, 2, "without waiting for the control plane");
}

/* Nothing of before a restart of the machine is left, whatever files say; numbers of processes were
 * given anew. */
Test(steps, with_the_machine_all_have_ended)
{
    goal.restarts_after_exit = BOOL_OF(false);
    running();
    pass(30);
    boot_id = "boot-2";
    agent_restarts(false);
    struct node *n = nodes_find(&nodes, 1);
    cr_assert_eq(n->state, NODE_STOPPED);
    cr_assert_eq(n->crashes, 1);
    cr_assert_str_eq(n->last_exit, "ended with its host");
    cr_assert_str_eq(report_of(n).state, "stopped");
    cr_assert_not(report_of(n).pid.has, "it is of another process now");
    cr_assert(fake.starts == 1 && fake.stops == 0, "it may have been a primary");
    agent_restarts(false);
    cr_assert_eq(nodes_find(&nodes, 1)->crashes, 1, "it is counted once");
}

Test(steps, a_stop_that_an_agent_began_is_ended_by_the_next)
{
    running();
    want_state("absent");
    pass(30);
    agent_restarts(true);
    struct node *n = nodes_find(&nodes, 1);
    cr_assert_eq(n->state, NODE_STOPPING);
    int before = fake.stops;
    says(n, SHIM_READY);
    cr_assert_gt(fake.stops, before);
    ends(n, SHIM_EXIT_STATUS, 0, "");
    cr_assert_eq(n->state, NODE_ABSENT);
    cr_assert_eq(n->crashes, 0);
}

Test(steps, with_a_damaged_record_the_engine_is_left_alone_until_goals_come)
{
    running();
    pass(30);
    const char *record = arena_printf(&arena, "%s/nodes/1/node.json", folder);
    close_steps();
    cr_assert_not(err_failed(fs_write_atomic(record, STR("{broken"), 0600, FS_NO_SYNC)));
    fake.is_there = true;
    open_steps();
    cr_assert_not(err_failed(steps_resume(steps)));
    struct node *n = nodes_find(&nodes, 1);
    says(n, SHIM_READY);
    pass(60000);
    cr_assert_eq(n->state, NODE_RUNNING);
    cr_assert_eq(fake.stops, 0);
    want();
    cr_assert(fake.starts == 1 && fake.stops == 0);
}

Test(steps, a_shim_that_is_killed_takes_its_engine_along_which_is_a_crash)
{
    struct node *n = running();

    goes(n);
    cr_assert_eq(n->crashes, 1);
    cr_assert_str_eq(n->last_exit, "ended with its supervisor");
    cr_assert_eq(fake.starts, 2);
}

/* The end, and silence. */

Test(steps, at_the_end_all_stop_and_none_comes_back)
{
    struct node *n = running();

    steps_end_all(steps);
    cr_assert_eq(n->state, NODE_STOPPING);
    cr_assert_not(steps_are_idle(steps));
    ends(n, SHIM_EXIT_STATUS, 0, "");
    cr_assert(steps_are_idle(steps));
    cr_assert_eq(n->state, NODE_STOPPED);
    goal.boot_count = INT_OF(2);
    want();
    pass(60000);
    cr_assert_eq(fake.starts, 1);
}

static void write_kept(const struct node *n)
{
    cr_assert_not(err_failed(
        fs_write_atomic(fs_join(&arena, n->dir, DRIVER_KEPT), STR("data"), 0600, FS_NO_SYNC)));
}

Test(steps, data_that_could_not_be_written_is_a_loss_that_is_told_and_decided_on)
{
    goal.keeps_data = BOOL_OF(true);
    goal.restarts_after_exit = BOOL_OF(false);
    struct node *n = running();

    goal.boot_count = INT_OF(2);
    want();
    write_kept(n);
    ends(n, SHIM_EXIT_STATUS, 0, "");
    cr_assert_eq(fake.starts, 2, "it has what it had");
    says(n, SHIM_READY);
    cr_assert_not(fs_exists(fs_join(&arena, n->dir, DRIVER_KEPT)));

    steps_end_all(steps);
    ends(n, SHIM_EXIT_SIGNAL, 9, "");
    cr_assert_str_eq(n->why, "what was in memory could not be written when it was stopped");
    agent_restarts(false);
    cr_assert_eq(fake.starts, 2, "an empty start needs an order");
}

Test(steps, an_end_by_the_machine_that_kept_everything_is_no_loss)
{
    goal.keeps_data = BOOL_OF(true);
    goal.restarts_after_exit = BOOL_OF(false);
    struct node *n = running();

    pass(30);
    write_kept(n);
    agent_restarts(false);
    n = nodes_find(&nodes, 1);
    cr_assert_not(n->is_held);
    cr_assert_eq(fake.starts, 2);
    cr_assert(fs_exists(fs_join(&arena, n->dir, DRIVER_KEPT)));
    says(n, SHIM_STARTING);
    ends(n, SHIM_EXIT_STATUS, 1, "a damaged file");
    cr_assert_str_eq(n->why, "a damaged file");
    cr_assert(fs_exists(fs_join(&arena, n->dir, DRIVER_KEPT)), "it is left for who can mend it");
}

Test(steps, a_crash_loses_what_was_kept_before_it)
{
    goal.keeps_data = BOOL_OF(true);
    struct node *n = running();

    const struct timespec before_it[] = {{.tv_sec = 1}, {.tv_sec = 1}};

    write_kept(n);
    cr_assert_eq(utimensat(AT_FDCWD, fs_join(&arena, n->dir, DRIVER_KEPT), before_it, 0), 0);
    exits(n, SHIM_EXIT_SIGNAL, 11, "");
    cr_assert_not(fs_exists(fs_join(&arena, n->dir, DRIVER_KEPT)));
}

Test(steps, a_crashed_replica_comes_back_whatever_the_goal_says_of_crashes)
{
    struct agent_node_role role = {
        .term = {true, 1   },
          .primary_address = "127.1.0.9", .primary_port = {true, 6379}
    };

    goal.restarts_after_exit = BOOL_OF(false);
    goal.role = &role;
    crashes(running());
    cr_assert_eq(fake.starts, 2);
}

Test(steps, a_stop_at_the_end_is_no_crash_and_the_next_agent_starts_again)
{
    struct node *n = running();

    steps_end_all(steps);
    ends(n, SHIM_EXIT_STATUS, 0, "");
    agent_restarts(false);
    n = nodes_find(&nodes, 1);
    cr_assert_eq(n->crashes, 0);
    cr_assert_eq(fake.starts, 2);
}

Test(steps, silence_is_told_and_taken_back)
{
    struct node *n = running();

    steps_silent(steps, n, 1500, "it is busy");
    cr_assert_str_eq(n->why, "", "too short to speak of");
    steps_silent(steps, n, 2500, "it is busy");
    cr_assert_str_eq(n->why, "it is busy");
    cr_assert_eq(n->state, NODE_RUNNING);
    cr_assert(report_of(n).is_silent.value);
    steps_alive(steps, n);
    cr_assert_str_eq(n->why, "");
    cr_assert_not(report_of(n).is_silent.value);
}

Test(steps, silence_ends_with_the_one_that_was_silent)
{
    struct node *n = running();

    steps_silent(steps, n, 2500, "it is busy");
    ends(n, SHIM_EXIT_SIGNAL, 9, "");
    cr_assert_not(report_of(n).is_silent.value, "its successor has not been asked yet");
    cr_assert_not(n->is_silent);
    n = running();
    steps_silent(steps, n, 2500, "it is busy");
    is_held(n);
    cr_assert_not(n->is_silent, "what the kernel holds answers nobody ever again");
}

Test(steps, one_that_hangs_is_ended_and_that_is_a_crash)
{
    struct node *n = running();

    steps_hung(steps, n, "it hangs");
    cr_assert_eq(fake.stops, 1);
    exits(n, SHIM_EXIT_SIGNAL, 9, "");
    cr_assert_eq(n->crashes, 1);
    steps_hung(steps, n, "it hangs");
    cr_assert_eq(fake.stops, 1, "it has ended");
}

Test(steps, one_that_the_kernel_holds_has_ended_and_begins_anew_when_it_is_gone)
{
    struct node *n = running();
    int before = fake.starts;

    steps_hung(steps, n, "it hangs");
    is_held(n);
    cr_assert_eq(n->state, NODE_STOPPED);
    cr_assert_eq(n->crashes, 1);
    cr_assert(report_of(n).is_killed.value);
    cr_assert(fake.starts == before && n->shim, "its folder and its port are taken");
    cr_assert_str_eq(n->why, "the process before was killed, and the kernel holds it still");
    is_held(n);
    cr_assert_eq(n->crashes, 1, "it is said again");
    exits(n, SHIM_EXIT_SIGNAL, 9, "");
    cr_assert_eq(n->crashes, 1, "that was it");
    cr_assert_str_eq(n->last_exit, "signal 9 (Killed)");
    cr_assert_not(report_of(n).is_killed.value);
    goes(n);
    cr_assert_eq(fake.starts, before + 1);
}

Test(steps, one_that_the_kernel_holds_is_known_to_the_next_agent)
{
    is_held(running());
    pass(30);
    agent_restarts(true);
    struct node *n = nodes_find(&nodes, 1);
    is_held(n);
    cr_assert_eq(n->state, NODE_STOPPED);
    cr_assert_eq(n->crashes, 1);
    cr_assert(report_of(n).is_killed.value);
    agent_restarts(false);
    cr_assert_eq(nodes_find(&nodes, 1)->crashes, 1);
    cr_assert_eq(fake.starts, 2, "it has gone meanwhile");
}

Test(steps, a_stop_waits_for_one_that_the_kernel_holds)
{
    struct node *n = running();

    want_state("stopped");
    is_held(n);
    cr_assert_eq(n->state, NODE_STOPPING);
    cr_assert_eq(n->crashes, 0);
    ends(n, SHIM_EXIT_SIGNAL, 9, "");
    cr_assert_eq(n->state, NODE_STOPPED);
}

Test(steps, a_late_answer_does_not_bring_a_dead_engine_to_life)
{
    struct node *n = want();

    says(n, SHIM_STARTING);
    exits(n, SHIM_EXIT_STATUS, 1, "broken");
    steps_alive(steps, n);
    cr_assert_eq(n->state, NODE_FAILED);
}
