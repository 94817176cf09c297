/*
 * A task's row holds the members of its kind as they stand on the wire, so that a new kind needs
 * nothing here.
 */
#include "controlplane/fleet/tasks.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/shape_json.h"
#include "base/vec.h"
#include "contract/agent.h"
#include "controlplane/store/store.h"
#include "controlplane/store/tasks.h"

static struct agent_node_goal *goal_of(struct agent_node_goal_list *goals, int64_t node_id)
{
    for (size_t i = 0; i < goals->count; i++)
        if (goals->items[i].node_id.value == node_id)
            return &goals->items[i];
    return NULL;
}

/* A row that cannot be read is passed over: its waiter's patience ends it. */
static bool read_detail(struct arena *a, const struct node_task *t, struct agent_node_task *out)
{
    *out = (struct agent_node_task){0};
    struct err e =
        shape_json_parse(a, &agent_shape_node_task, str_of(t->detail), SHAPE_UNKNOWN_IGNORE, out);
    if (err_failed(e)) {
        log_error("a task cannot be read", f_int("task", t->id), f_str("kind", t->kind), f_err(e));
        return false;
    }
    out->task_id = INT_OF(t->id);
    out->kind = t->kind;
    return true;
}

/* The tasks of one node, which stand together in `tasks`. */
static void add_to_goal(struct arena *a, const struct node_task *tasks, size_t count,
                        struct agent_node_goal *goal)
{
    struct agent_node_task_list *list = &goal->tasks;

    list->has = true;
    list->items = arena_array(a, count, sizeof(*list->items));
    for (size_t i = 0; i < count; i++)
        if (read_detail(a, &tasks[i], &list->items[list->count]))
            list->count++;
}

struct err tasks_add(struct store_tx *tx, const char *host_id, struct agent_node_goal_list *goals)
{
    struct node_task *tasks;
    size_t count;

    TRY(store_task_list_of_host(tx, host_id, &tasks, &count));
    for (size_t i = 0, end; i < count; i = end) {
        struct agent_node_goal *goal = goal_of(goals, tasks[i].node_id);
        for (end = i + 1; end < count && tasks[end].node_id == tasks[i].node_id;)
            end++;
        if (goal)
            add_to_goal(store_arena(tx), &tasks[i], end - i, goal);
    }
    return OK;
}

struct err tasks_record(struct store_tx *tx, const struct agent_node_report *report)
{
    for (size_t i = 0; i < report->tasks.count; i++) {
        const struct agent_node_task_report *t = &report->tasks.items[i];
        enum task_state state;
        if (!t->state || !task_state_parse(t->state, &state))
            return err_format(store_arena(tx), FAULT_INVALID_PARAMETER_VALUE,
                              "'%s' is not a state of a task", t->state ? t->state : "");
        TRY(store_task_saw(tx, report->node_id.value, t->task_id.value, state, t->why ? t->why : "",
                           (int)t->percent.value));
    }
    return OK;
}
