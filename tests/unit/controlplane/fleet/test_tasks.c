#include "../store/fixture.h"
#include "contract/agent.h"
#include "controlplane/fleet/goals.h"
#include "controlplane/fleet/tasks.h"
#include "controlplane/store/tasks.h"

#include <criterion/criterion.h>

#include <string.h>

static struct fixture f;
static struct host h;
static struct node nodes[2];

static void begin(void)
{
    fixture_open(&f);
    fixture_begin(&f, STORE_WRITE);
    h = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    for (int i = 0; i < 2; i++) {
        nodes[i] = fixture_node(&f, c.id, i ? "0002" : "0001");
        must(store_goal_set(f.tx, nodes[i].id,
                            &(struct node_goal){.host_id = h.id,
                                                .address = i ? "127.77.0.2" : "127.77.0.1",
                                                .port = 6379,
                                                .state = NODE_RUNNING}));
    }
}

static void end(void)
{
    fixture_close(&f);
}

TestSuite(fleet_tasks, .init = begin, .fini = end);

static struct node_task task(const struct node *n, const char *detail)
{
    struct node_task t = {.node_id = n->id, .kind = "fetch", .detail = detail};
    must(store_task_insert(f.tx, &t));
    return t;
}

Test(fleet_tasks, each_goal_has_those_of_its_node)
{
    struct agent_node_goal_list goals = {0};

    struct node_task first = task(&nodes[1], "{}"), second = task(&nodes[1], "{}");
    must(goals_of_host(f.tx, h.id, SINCE_EVER, &goals));
    cr_assert_eq(goals.count, 2);
    cr_assert_eq(goals.items[0].tasks.count, 0);
    cr_assert_eq(goals.items[1].tasks.count, 2);
    cr_assert_eq(goals.items[1].tasks.items[0].task_id.value, first.id);
    cr_assert_eq(goals.items[1].tasks.items[1].task_id.value, second.id);
    cr_assert_str_eq(goals.items[1].tasks.items[0].kind, "fetch");
}

Test(fleet_tasks, one_that_cannot_be_read_is_passed_over)
{
    struct agent_node_goal_list goals = {0};

    task(&nodes[0], "{");
    task(&nodes[0], "{}");
    must(goals_of_host(f.tx, h.id, SINCE_EVER, &goals));
    cr_assert_eq(goals.items[0].tasks.count, 1);
}

Test(fleet_tasks, reports_are_recorded_and_nonsense_is_refused)
{
    struct node_task t = task(&nodes[0], "{}"), read;
    struct agent_node_task_report said = {
        .task_id = INT_OF(t.id), .state = "running", .percent = INT_OF(30)};
    struct agent_node_report report = {
        .node_id = INT_OF(nodes[0].id), .tasks = {.has = true, .items = &said, .count = 1}
    };

    must(tasks_record(f.tx, &report));
    must(store_task_get(f.tx, t.id, &read));
    cr_assert_eq(read.percent, 30);
    said.state = "failed";
    said.why = "no room";
    must(tasks_record(f.tx, &report));
    must(store_task_get(f.tx, t.id, &read));
    cr_assert_eq(read.state, TASK_FAILED);
    cr_assert_str_eq(read.why, "no room");
    said.state = "odd";
    cr_assert(err_is(tasks_record(f.tx, &report), FAULT_INVALID_PARAMETER_VALUE));
}
