/* Table operation: what has an order, and how far it got. */
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/store.h"

#define COLUMNS "id, kind, cluster_id, step, state, data, why, created_ms, deadline_ms"

static void row_to_operation(struct query *q, struct operation *out)
{
    *out = (struct operation){
        .id = query_int(q, 0),
        .cluster_id = query_int(q, 2),
        .step = (int)query_int(q, 3),
        .data = query_text(q, 5),
        .why = query_text(q, 6),
        .created_ms = query_int(q, 7),
        .deadline_ms = query_int(q, 8),
    };
    if (!operation_kind_parse(query_text(q, 1), &out->kind) ||
        !operation_state_parse(query_text(q, 4), &out->state))
        q->error = err_make(ERR_CORRUPT, "an operation has an unknown kind or state");
}

struct err store_operation_insert(struct store_tx *tx, struct operation *o)
{
    static const char sql[] =
        "INSERT INTO operation (kind, cluster_id, step, state, data, why, created_ms, deadline_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "tiitttii", operation_kind_name(o->kind), o->cluster_id,
                    (int64_t)o->step, operation_state_name(o->state), o->data, o->why,
                    o->created_ms, o->deadline_ms));
    if (query_next(&q))
        o->id = query_int(&q, 0);
    return query_end(&q);
}

static struct err one_operation(struct query *q, struct operation *out)
{
    bool is_found = query_next(q);
    if (is_found)
        row_to_operation(q, out);
    TRY(query_end(q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such operation");
}

struct err store_operation_running(struct store_tx *tx, int64_t cluster_id, struct operation *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM operation WHERE cluster_id = ? AND state = 'running' "
        "ORDER BY id DESC LIMIT 1";
    struct query q;
    TRY(query_start(&q, tx, sql, "i", cluster_id));
    return one_operation(&q, out);
}

/* What the statement, which has the ids as its one parameter, finds of these clusters. */
static struct err operations_of(struct store_tx *tx, const char *sql, const int64_t *cluster_ids,
                                size_t count, struct operation **out, size_t *out_count)
{
    vec_of(struct operation) operations = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, cluster_ids, count)));
    while (query_next(&q))
        row_to_operation(&q, vec_add(tx->arena, &operations));
    TRY(query_end(&q));
    *out = operations.items;
    *out_count = operations.count;
    return OK;
}

struct err store_operation_running_of(struct store_tx *tx, const int64_t *cluster_ids, size_t count,
                                      struct operation **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM operation WHERE state = 'running' AND cluster_id IN "
        "(SELECT value FROM json_each(?)) ORDER BY cluster_id, id";

    return operations_of(tx, sql, cluster_ids, count, out, out_count);
}

struct err store_operation_newest(struct store_tx *tx, int64_t cluster_id, struct operation *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM operation WHERE cluster_id = ? ORDER BY id DESC LIMIT 1";
    struct query q;
    TRY(query_start(&q, tx, sql, "i", cluster_id));
    return one_operation(&q, out);
}

struct err store_operation_update(struct store_tx *tx, const struct operation *o)
{
    static const char sql[] =
        "UPDATE operation SET step = ?, state = ?, data = ?, why = ?, deadline_ms = ? WHERE id = ?";
    return query_run(tx, sql, "itttii", (int64_t)o->step, operation_state_name(o->state), o->data,
                     o->why, o->deadline_ms, o->id);
}

struct err store_operation_newest_of(struct store_tx *tx, const int64_t *cluster_ids, size_t count,
                                     struct operation **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM operation WHERE id IN (SELECT max(o.id) FROM json_each(?) j "
        "JOIN operation o ON o.cluster_id = j.value GROUP BY j.value) ORDER BY cluster_id";

    return operations_of(tx, sql, cluster_ids, count, out, out_count);
}
