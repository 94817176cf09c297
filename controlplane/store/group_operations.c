/* Table group_operation: what has an order for a whole group, and how far it got. */
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/groups.h"

#define COLUMNS "id, kind, group_id, step, state, data, why, created_ms, deadline_ms, pending"

static void row_to_operation(struct query *q, struct group_operation *out)
{
    *out = (struct group_operation){
        .id = query_int(q, 0),
        .group_id = query_int(q, 2),
        .step = (int)query_int(q, 3),
        .data = query_text(q, 5),
        .why = query_text(q, 6),
        .created_ms = query_int(q, 7),
        .deadline_ms = query_int(q, 8),
        .pending = query_text(q, 9),
    };
    if (!group_operation_kind_parse(query_text(q, 1), &out->kind) ||
        !operation_state_parse(query_text(q, 4), &out->state))
        q->error = err_make(ERR_CORRUPT, "an operation has an unknown kind or state");
}

struct err store_group_operation_insert(struct store_tx *tx, struct group_operation *o)
{
    static const char sql[] =
        "INSERT INTO group_operation (kind, group_id, step, state, data, why, created_ms, "
        "deadline_ms, pending) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "tiitttiit", group_operation_kind_name(o->kind), o->group_id,
                    (int64_t)o->step, operation_state_name(o->state), o->data, o->why,
                    o->created_ms, o->deadline_ms, o->pending ? o->pending : ""));
    if (query_next(&q))
        o->id = query_int(&q, 0);
    return query_end(&q);
}

struct err store_group_operation_update(struct store_tx *tx, const struct group_operation *o)
{
    static const char sql[] = "UPDATE group_operation SET step = ?, state = ?, data = ?, why = ?, "
                              "deadline_ms = ? WHERE id = ?";
    return query_run(tx, sql, "itttii", (int64_t)o->step, operation_state_name(o->state), o->data,
                     o->why, o->deadline_ms, o->id);
}

struct err store_group_operation_running(struct store_tx *tx, int64_t group_id,
                                         struct group_operation *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM group_operation WHERE group_id = ? AND state = 'running'";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", group_id));
    bool is_found = query_next(&q);
    if (is_found)
        row_to_operation(&q, out);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such operation");
}

struct err store_group_operation_newest(struct store_tx *tx, const int64_t *group_ids, size_t count,
                                        struct group_operation **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM group_operation WHERE id IN (SELECT max(o.id) FROM json_each(?) j "
        "JOIN group_operation o ON o.group_id = j.value GROUP BY j.value) ORDER BY group_id";
    vec_of(struct group_operation) operations = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, group_ids, count)));
    while (query_next(&q))
        row_to_operation(&q, vec_add(tx->arena, &operations));
    TRY(query_end(&q));
    *out = operations.items;
    *out_count = operations.count;
    return OK;
}

struct err store_group_switch_count(struct store_tx *tx, const char *account, const char *region,
                                    int64_t since_ms, int64_t *out)
{
    static const char sql[] =
        "SELECT count(*) FROM group_operation o JOIN replication_group g ON g.id = o.group_id "
        "WHERE g.account = ? AND g.region = ? AND o.kind = 'switch' AND o.created_ms >= ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "tti", account, region, since_ms));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}
