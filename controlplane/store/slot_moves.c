/* Table slot_move. */
#include "controlplane/store/slot_moves.h"

#include "base/vec.h"
#include "controlplane/store/db.h"

static void row_to_move(struct query *q, struct slot_move *out)
{
    *out = (struct slot_move){
        .id = query_int(q, 0),
        .group_id = query_int(q, 1),
        .from_id = query_int(q, 2),
        .to_id = query_int(q, 3),
        .slots = query_text(q, 4),
        .token = query_text(q, 5),
        .attempt = query_int(q, 7),
        .since_ms = query_int(q, 8),
        .task_id = query_int(q, 9),
        .task_percent = (int)query_int(q, 11),
        .task_why = query_text(q, 12),
    };
    if (!slot_move_state_parse(query_text(q, 6), &out->state) ||
        !task_state_parse(query_text(q, 10), &out->task_state))
        q->error = err_make(ERR_CORRUPT, "a move of slots has an unknown state");
}

struct err store_slot_move_insert(struct store_tx *tx, struct slot_move *m)
{
    static const char sql[] = "INSERT INTO slot_move (group_id, from_id, to_id, slots, token) "
                              "VALUES (?, ?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "iiitt", m->group_id, m->from_id, m->to_id, m->slots, m->token));
    if (query_next(&q))
        m->id = query_int(&q, 0);
    return query_end(&q);
}

struct err store_slot_move_list(struct store_tx *tx, const int64_t *group_ids, size_t count,
                                struct slot_move_list *out)
{
    static const char sql[] =
        "SELECT m.id, m.group_id, m.from_id, m.to_id, m.slots, m.token, m.state, m.attempt, "
        "m.since_ms, m.task_id, coalesce(t.state, 'failed'), coalesce(t.percent, 0), "
        "coalesce(t.why, 'its node is gone') FROM slot_move m "
        "LEFT JOIN node_task t ON t.id = m.task_id "
        "WHERE m.group_id IN (SELECT value FROM json_each(?)) ORDER BY m.group_id, m.id";
    vec_of(struct slot_move) moves = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, group_ids, count)));
    while (query_next(&q))
        row_to_move(&q, vec_add(tx->arena, &moves));
    TRY(query_end(&q));
    *out = (struct slot_move_list){moves.items, moves.count};
    return OK;
}

struct err store_slot_move_update(struct store_tx *tx, const struct slot_move *m)
{
    static const char sql[] =
        "UPDATE slot_move SET state = ?, attempt = ?, since_ms = ?, task_id = ? WHERE id = ?";
    return query_run(tx, sql, "tiiii", slot_move_state_name(m->state), m->attempt, m->since_ms,
                     m->task_id, m->id);
}

struct err store_slot_move_clear(struct store_tx *tx, int64_t group_id)
{
    static const char sql[] = "DELETE FROM slot_move WHERE group_id = ?";
    return query_run(tx, sql, "i", group_id);
}
