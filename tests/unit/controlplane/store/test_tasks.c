#include "controlplane/store/tasks.h"
#include "fixture.h"

#include <criterion/criterion.h>

#include <string.h>

static struct host h;
static struct cluster c;
static struct node n;
static struct node_task t;

static void begin(void);
static void end(void);
static struct fixture f;

TestSuite(tasks, .init = begin, .fini = end);

static void begin(void)
{
    struct node_goal goal = {.address = "127.77.0.1", .port = 6379, .state = NODE_RUNNING};

    fixture_open(&f);
    fixture_begin(&f, STORE_WRITE);
    h = fixture_host(&f, "h1", "a", "127.77.0.0/24", 1 << 30);
    c = fixture_cluster(&f, "c1", "redis");
    n = fixture_node(&f, c.id, "0001");
    goal.host_id = h.id;
    must(store_goal_set(f.tx, n.id, &goal));
    t = (struct node_task){
        .node_id = n.id, .kind = "fetch", .detail = "{\"A\":1}", .created_ms = 5};
    must(store_task_insert(f.tx, &t));
}

static void end(void)
{
    fixture_close(&f);
}

static int64_t generation(void)
{
    int64_t generation;
    must(store_host_generation(f.tx, h.id, &generation));
    return generation;
}

static size_t count_of_host(void)
{
    struct node_task *list;
    size_t count;

    must(store_task_list_of_host(f.tx, h.id, &list, &count));
    return count;
}

Test(tasks, one_is_read_back_and_its_host_told)
{
    struct node_task read, *list;
    int64_t before = generation();
    size_t count;

    struct node_task second = {.node_id = n.id, .kind = "fetch", .detail = "{}"};
    must(store_task_insert(f.tx, &second));
    cr_assert_gt(generation(), before);
    must(store_task_get(f.tx, t.id, &read));
    cr_assert_eq(read.node_id, n.id);
    cr_assert_str_eq(read.kind, "fetch");
    cr_assert_str_eq(read.detail, "{\"A\":1}");
    cr_assert_eq(read.created_ms, 5);
    cr_assert_eq(read.state, TASK_RUNNING);
    must(store_task_list(f.tx, n.id, &list, &count));
    cr_assert(count == 2 && list[0].id == t.id && list[1].id == second.id);
    cr_assert_eq(count_of_host(), 2);
}

Test(tasks, what_agents_say_is_kept_until_it_is_over)
{
    struct node_task read;

    must(store_task_saw(f.tx, n.id, t.id, TASK_RUNNING, "", 40));
    must(store_task_get(f.tx, t.id, &read));
    cr_assert_eq(read.percent, 40);
    int64_t before = generation();
    must(store_task_saw(f.tx, n.id, t.id, TASK_FAILED, "no room", 40));
    cr_assert_gt(generation(), before, "the goal is without it");
    cr_assert_eq(count_of_host(), 0);
    must(store_task_saw(f.tx, n.id, t.id, TASK_DONE, "", 100));
    must(store_task_get(f.tx, t.id, &read));
    cr_assert_eq(read.state, TASK_FAILED, "what is over stays so");
    cr_assert_str_eq(read.why, "no room");
}

Test(tasks, nobody_speaks_for_another_node)
{
    struct node other = fixture_node(&f, c.id, "0002");
    struct node_task read;

    must(store_task_saw(f.tx, other.id, t.id, TASK_DONE, "", 0));
    must(store_task_saw(f.tx, n.id, t.id + 1, TASK_DONE, "", 0));
    must(store_task_get(f.tx, t.id, &read));
    cr_assert_eq(read.state, TASK_RUNNING);
}

Test(tasks, one_goes_when_it_is_removed_or_its_node_is)
{
    int64_t before = generation();

    struct node_task second = t;
    must(store_task_insert(f.tx, &second));
    must(store_task_remove(f.tx, second.id));
    cr_assert_eq(generation(), before + 2);
    must(store_task_remove(f.tx, second.id));
    must(store_node_remove(f.tx, n.id));
    cr_assert(err_is(store_task_get(f.tx, t.id, &second), ERR_NOT_FOUND));
}
