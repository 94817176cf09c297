/* Table node_task. */
#include "controlplane/store/tasks.h"

#include "base/vec.h"
#include "controlplane/store/db.h"

#include <string.h>

#define COLUMNS "t.id, t.node_id, t.kind, t.detail, t.created_ms, t.state, t.why, t.percent"

static void row_to_task(struct query *q, struct node_task *out)
{
    *out = (struct node_task){
        .id = query_int(q, 0),
        .node_id = query_int(q, 1),
        .kind = query_text(q, 2),
        .detail = query_text(q, 3),
        .created_ms = query_int(q, 4),
        .why = query_text(q, 6),
        .percent = (int)query_int(q, 7),
    };
    if (!task_state_parse(query_text(q, 5), &out->state))
        q->error = err_make(ERR_CORRUPT, "a task has an unknown state");
}

struct err store_task_insert(struct store_tx *tx, struct node_task *t)
{
    static const char sql[] = "INSERT INTO node_task (node_id, kind, detail, created_ms) "
                              "VALUES (?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "itti", t->node_id, t->kind, t->detail, t->created_ms));
    if (query_next(&q))
        t->id = query_int(&q, 0);
    TRY(query_end(&q));
    return host_raise_of_node(tx, t->node_id);
}

struct err store_task_get(struct store_tx *tx, int64_t id, struct node_task *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM node_task t WHERE t.id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", id));
    bool is_found = query_next(&q);
    if (is_found)
        row_to_task(&q, out);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such task");
}

static struct err all_tasks(struct query *q, struct node_task **out, size_t *out_count)
{
    vec_of(struct node_task) tasks = VEC_EMPTY;

    while (query_next(q))
        row_to_task(q, vec_add(q->tx->arena, &tasks));
    TRY(query_end(q));
    *out = tasks.items;
    *out_count = tasks.count;
    return OK;
}

struct err store_task_list(struct store_tx *tx, int64_t node_id, struct node_task **out,
                           size_t *out_count)
{
    static const char sql[] = "SELECT " COLUMNS " FROM node_task t WHERE t.node_id = ? "
                              "ORDER BY t.id";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", node_id));
    return all_tasks(&q, out, out_count);
}

struct err store_task_list_of_host(struct store_tx *tx, const char *host_id, struct node_task **out,
                                   size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM node_goal g JOIN node_task t ON t.node_id = g.node_id "
        "WHERE g.host_id = ? AND t.state = 'running' ORDER BY t.node_id, t.id";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", host_id));
    return all_tasks(&q, out, out_count);
}

struct err store_task_remove(struct store_tx *tx, int64_t id)
{
    static const char sql[] = "DELETE FROM node_task WHERE id = ?";
    struct node_task task;

    struct err e = store_task_get(tx, id, &task);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    TRY(query_run(tx, sql, "i", id));
    return host_raise_of_node(tx, task.node_id);
}

static struct err touch_cluster_of(struct store_tx *tx, int64_t node_id)
{
    static const char sql[] = "SELECT cluster_id FROM cache_node WHERE id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", node_id));
    if (query_next(&q))
        store_touch_cluster(tx, query_int(&q, 0));
    return query_end(&q);
}

struct err store_task_saw(struct store_tx *tx, int64_t node_id, int64_t id, enum task_state state,
                          const char *why, int percent)
{
    static const char sql[] = "UPDATE node_task SET state = ?, why = ?, percent = ? WHERE id = ?";
    struct node_task before;

    struct err e = store_task_get(tx, id, &before);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    if (before.node_id != node_id || before.state != TASK_RUNNING)
        return OK;
    if (before.state == state && before.percent == percent && strcmp(before.why, why) == 0)
        return OK;
    TRY(query_run(tx, sql, "ttii", task_state_name(state), why, (int64_t)percent, id));
    TRY(touch_cluster_of(tx, node_id));
    return state == TASK_RUNNING ? OK : host_raise_of_node(tx, node_id);
}
