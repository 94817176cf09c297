/* Table reservation. */
#include "controlplane/store/reservations.h"

#include "base/vec.h"
#include "controlplane/store/db.h"

#define COLUMNS                                                                                \
    "account, region, name, offering_id, node_type, product, type, duration_s, fixed_micros, " \
    "recurring_micros, count, start_ms"

static void row_to_reservation(const struct query *q, struct reservation *out)
{
    *out = (struct reservation){
        .account = query_text(q, 0),
        .region = query_text(q, 1),
        .name = query_text(q, 2),
        .offering = {.id = query_text(q, 3),
                     .node_type = query_text(q, 4),
                     .product = query_text(q, 5),
                     .type = query_text(q, 6),
                     .duration_s = query_int(q, 7),
                     .fixed_micros = query_int(q, 8),
                     .recurring_micros = query_int(q, 9)},
        .count = query_int(q, 10),
        .start_ms = query_int(q, 11),
    };
}

struct err store_reservation_insert(struct store_tx *tx, const struct reservation *r)
{
    static const char sql[] = "INSERT INTO reservation (" COLUMNS ") "
                              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const struct offering *o = &r->offering;

    return query_run(tx, sql, "tttttttiiiii", r->account, r->region, r->name, o->id, o->node_type,
                     o->product, o->type, o->duration_s, o->fixed_micros, o->recurring_micros,
                     r->count, r->start_ms);
}

struct err store_reservation_find(struct store_tx *tx, const char *account, const char *region,
                                  const char *name, struct reservation *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM reservation WHERE account = ? AND region = ? AND name = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    bool is_found = query_next(&q);
    if (is_found)
        row_to_reservation(&q, out);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such reservation");
}

struct err store_reservation_list(struct store_tx *tx, const char *account, const char *region,
                                  struct reservation **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM reservation WHERE account = ? AND region = ? ORDER BY name";
    vec_of(struct reservation) all = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    while (query_next(&q))
        row_to_reservation(&q, vec_add(tx->arena, &all));
    TRY(query_end(&q));
    *out = all.items;
    *out_count = all.count;
    return OK;
}
