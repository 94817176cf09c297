/* Table event, and the notices that go with new ones. */
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/store.h"

static struct err add_notice(struct store_tx *tx, const struct event *e)
{
    static const char sql[] =
        "INSERT INTO notice (topic, message, chance, at_ms, due_ms) "
        "VALUES (?1, json_object(?2, ?3), lower(hex(randomblob(16))), ?4, ?4)";
    tx->has_notice = true;
    return query_run(tx, sql, "ttti", e->topic, e->notice, e->source, e->at_ms);
}

struct err store_event_add(struct store_tx *tx, const struct event *e)
{
    static const char sql[] =
        "INSERT INTO event (account, region, source_type, source, message, at_ms) "
        "VALUES (?, ?, ?, ?, ?, ?)";
    TRY(query_run(tx, sql, "ttttti", e->account, e->region, e->source_type, e->source, e->message,
                  e->at_ms));
    return e->notice && e->topic && *e->topic ? add_notice(tx, e) : OK;
}

struct err store_event_list(struct store_tx *tx, const struct event_query *ask, struct event **out,
                            size_t *out_count)
{
    static const char sql[] =
        "SELECT id, account, region, source_type, source, message, at_ms FROM event "
        "WHERE account = ?1 AND region = ?2 AND at_ms >= ?3 AND at_ms < ?4 "
        "AND (?5 = '' OR source_type = ?5) AND (?6 = '' OR source = ?6) AND (?7 = 0 OR id < ?7) "
        "ORDER BY id DESC LIMIT ?8";
    vec_of(struct event) events = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttiittii", ask->account, ask->region, ask->from_ms, ask->to_ms,
                    ask->source_type, ask->source, ask->before_id, (int64_t)ask->limit));
    while (query_next(&q))
        *vec_add(tx->arena, &events) = (struct event){
            .id = query_int(&q, 0),
            .account = query_text(&q, 1),
            .region = query_text(&q, 2),
            .source_type = query_text(&q, 3),
            .source = query_text(&q, 4),
            .message = query_text(&q, 5),
            .at_ms = query_int(&q, 6),
        };
    TRY(query_end(&q));
    *out = events.items;
    *out_count = events.count;
    return OK;
}

struct err store_event_prune(struct store_tx *tx, int64_t before_ms)
{
    static const char sql[] = "DELETE FROM event WHERE at_ms < ?";
    return query_run(tx, sql, "i", before_ms);
}
