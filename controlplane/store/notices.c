/* Table notice. The head of a topic's queue is its lowest id; only heads are ever due. */
#include "controlplane/store/notices.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/db.h"

#define HEADS "SELECT min(id) FROM notice GROUP BY topic"

/* "8-4-4-4-12", with the version and variant of a random UUID (RFC 9562). */
static const char *uuid_text(struct arena *a, const char *digits)
{
    return arena_printf(a, "%.8s-%.4s-4%.3s-8%.3s-%.12s", digits, digits + 8, digits + 13,
                        digits + 17, digits + 20);
}

static struct err next_due(struct store_tx *tx, int64_t *out)
{
    static const char sql[] = "SELECT min(due_ms) FROM notice WHERE id IN (" HEADS ")";
    struct query q;

    *out = INT64_MAX;
    TRY(query_start(&q, tx, sql, ""));
    if (query_next(&q) && !query_is_null(&q, 0))
        *out = query_int(&q, 0);
    return query_end(&q);
}

struct err store_notice_due(struct store_tx *tx, int64_t now_ms, int limit, struct notice **out,
                            size_t *out_count, int64_t *out_next_ms)
{
    static const char sql[] =
        "SELECT id, topic, message, chance, at_ms, attempts FROM notice WHERE id IN (" HEADS
        ") AND due_ms <= ? ORDER BY due_ms, id LIMIT ?";
    vec_of(struct notice) notices = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "ii", now_ms, (int64_t)limit));
    while (query_next(&q))
        *vec_add(tx->arena, &notices) = (struct notice){
            .id = query_int(&q, 0),
            .topic = query_text(&q, 1),
            .message = query_text(&q, 2),
            .uuid = uuid_text(tx->arena, query_text(&q, 3)),
            .at_ms = query_int(&q, 4),
            .attempts = query_int(&q, 5),
        };
    TRY(query_end(&q));
    *out = notices.items;
    *out_count = notices.count;
    return next_due(tx, out_next_ms);
}

struct err store_notice_delay(struct store_tx *tx, int64_t id, int64_t due_ms)
{
    static const char sql[] = "UPDATE notice SET attempts = attempts + 1, due_ms = ? WHERE id = ?";
    return query_run(tx, sql, "ii", due_ms, id);
}

struct err store_notice_remove(struct store_tx *tx, int64_t id)
{
    static const char sql[] = "DELETE FROM notice WHERE id = ?";
    return query_run(tx, sql, "i", id);
}
