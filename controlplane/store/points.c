/*
 * Tables point_source, point_hour and point_room. A minute is added by unpacking its hour, which is
 * a few kilobytes, and packing it again: so nothing but whole hours is ever on the disk.
 */
#include "controlplane/store/points.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "controlplane/store/db.h"

#include <string.h>

/* --- sources --- */

static struct err source_id(struct store_tx *tx, int64_t node_id, struct point_source *out)
{
    static const char add[] =
        "INSERT INTO point_source (account, region, cluster, number, replication_group) "
        "SELECT c.account, c.region, c.name, n.number, coalesce(g.name, '') FROM cache_node n "
        "JOIN cache_cluster c ON c.id = n.cluster_id "
        "LEFT JOIN replication_group g ON g.id = c.group_id WHERE n.id = ? "
        "ON CONFLICT (account, region, cluster, number, replication_group) "
        "DO UPDATE SET last_ms = last_ms RETURNING id, metrics, last_ms";
    struct query q;
    bool is_found = false;

    TRY(query_start(&q, tx, add, "i", node_id));
    while (query_next(&q)) {
        is_found = true;
        *out = (struct point_source){
            .id = query_int(&q, 0), .metrics = query_text(&q, 1), .last_ms = query_int(&q, 2)};
    }
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "there is no such node");
}

static bool has_number(const char *list, int number, char word[16])
{
    snprintf(word, 16, " %d ", number);
    return strstr(list, word) != NULL;
}

/* Most samples bring nothing new but the time. */
static struct err note_metrics(struct store_tx *tx, const struct point_source *s, int64_t at_ms,
                               const struct point_value *values, size_t count)
{
    static const char sql[] = "UPDATE point_source SET metrics = ?2, last_ms = max(last_ms, ?3) "
                              "WHERE id = ?1";
    scoped(buf_fini) struct buf list = BUF_EMPTY;
    char word[16];

    buf_puts(&list, *s->metrics ? s->metrics : " ");
    for (size_t i = 0; i < count; i++)
        if (!has_number(buf_cstr(&list), values[i].metric->number, word))
            buf_puts(&list, word + 1);
    return query_run(tx, sql, "iti", s->id, buf_cstr(&list), at_ms);
}

struct err store_point_sources(struct store_tx *tx, const struct point_source_query *ask,
                               struct point_source **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT id, cluster, number, replication_group, metrics, last_ms FROM point_source "
        "WHERE account = ?1 AND region = ?2 AND last_ms >= ?3 AND (?4 = '' OR cluster = ?4) "
        "AND (?5 = '' OR number = ?5) AND (?6 = '' OR replication_group = ?6) "
        "ORDER BY cluster, number, id";
    vec_of(struct point_source) sources = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttittt", ask->account, ask->region, ask->since_ms,
                    ask->cluster ? ask->cluster : "", ask->number ? ask->number : "",
                    ask->replication_group ? ask->replication_group : ""));
    while (query_next(&q))
        *vec_add(tx->arena, &sources) = (struct point_source){
            .id = query_int(&q, 0),
            .cluster = query_text(&q, 1),
            .number = query_text(&q, 2),
            .replication_group = query_text(&q, 3),
            .metrics = query_text(&q, 4),
            .last_ms = query_int(&q, 5),
        };
    TRY(query_end(&q));
    *out = sources.items;
    *out_count = sources.count;
    return OK;
}

/* --- hours --- */

struct err store_point_hours(struct store_tx *tx, int64_t source, int64_t from_hour,
                             int64_t to_hour, point_hour_fn take, void *context)
{
    static const char sql[] = "SELECT hour, packed FROM point_hour "
                              "WHERE source_id = ? AND hour >= ? AND hour < ? ORDER BY hour";
    struct err taken = OK;
    struct query q;

    TRY(query_start(&q, tx, sql, "iii", source, from_hour, to_hour));
    while (!err_failed(taken) && query_next(&q))
        taken = take(context, query_int(&q, 0), query_blob(&q, 1));
    TRY(query_end(&q));
    return taken;
}

struct unpacking {
    struct arena *arena;
    struct points points;
    int64_t bytes;
};

static struct err unpack(void *context, int64_t hour, struct str packed)
{
    struct unpacking *u = context;

    (void)hour;
    u->bytes = (int64_t)packed.len;
    return points_unpack(u->arena, packed, &u->points);
}

static struct err write_hour(struct store_tx *tx, int64_t source, int64_t hour, struct str packed,
                             int64_t bytes_before)
{
    static const char sql[] =
        "INSERT INTO point_hour (source_id, hour, packed) VALUES (?, ?, ?) "
        "ON CONFLICT (source_id, hour) DO UPDATE SET packed = excluded.packed";
    static const char room[] = "INSERT INTO point_room (hour, bytes) VALUES (?, ?) "
                               "ON CONFLICT (hour) DO UPDATE SET bytes = bytes + excluded.bytes";
    struct query q;

    TRY(query_start(&q, tx, sql, "iis", source, hour, packed));
    while (query_next(&q))
        continue;
    TRY(query_end(&q));
    return query_run(tx, room, "ii", hour, (int64_t)packed.len - bytes_before);
}

/* A replaced minute keeps nothing of what it was. */
static void clear_minute(struct points *p, int minute)
{
    for (int number = 1; number <= METRIC_MAX; number++)
        if (p->columns[number])
            p->columns[number]->minutes &= ~((uint64_t)1 << minute);
}

struct err store_point_add(struct store_tx *tx, int64_t node_id, int64_t at_ms,
                           const struct point_value *values, size_t count)
{
    scoped(arena_fini) struct arena a = {0}; /* many samples may be in one transaction */
    scoped(buf_fini) struct buf packed = BUF_EMPTY;
    struct unpacking hour = {.arena = &a};
    int64_t number = at_ms / POINTS_HOUR_MS;
    int minute = (int)(at_ms % POINTS_HOUR_MS / POINTS_MINUTE_MS);
    struct point_source s = {0};

    TRY(source_id(tx, node_id, &s));
    struct err e = store_point_hours(tx, s.id, number, number + 1, unpack, &hour);
    if (err_is(e, ERR_CORRUPT)) /* an hour is not worth more than all that come */
        hour.points = (struct points){0};
    else
        TRY(e);
    clear_minute(&hour.points, minute);
    for (size_t i = 0; i < count; i++)
        points_set(&a, &hour.points, values[i].metric, minute, values[i].value);
    points_pack(&hour.points, &packed);
    TRY(write_hour(tx, s.id, number, buf_str(&packed), hour.bytes));
    return note_metrics(tx, &s, at_ms, values, count);
}

/* --- an end to it --- */

struct err store_point_room(struct store_tx *tx, int64_t *out_bytes)
{
    static const char sql[] = "SELECT coalesce(sum(bytes), 0) FROM point_room";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    while (query_next(&q))
        *out_bytes = query_int(&q, 0);
    return query_end(&q);
}

/* The first hour that fits, together with all behind it. */
static struct err first_that_fits(struct store_tx *tx, int64_t max_bytes, int64_t *out_hour)
{
    static const char sql[] = "SELECT hour, bytes FROM point_room ORDER BY hour DESC";
    int64_t sum = 0;
    struct query q;

    *out_hour = 0;
    TRY(query_start(&q, tx, sql, ""));
    while (*out_hour == 0 && query_next(&q)) {
        sum += query_int(&q, 1);
        if (sum > max_bytes)
            *out_hour = query_int(&q, 0) + 1;
    }
    return query_end(&q);
}

struct err store_point_prune(struct store_tx *tx, int64_t before_ms, int64_t max_bytes)
{
    static const char hours[] = "DELETE FROM point_hour WHERE hour < ?";
    static const char room[] = "DELETE FROM point_room WHERE hour < ?";
    static const char sources[] = "DELETE FROM point_source WHERE last_ms < ?";
    int64_t first = before_ms / POINTS_HOUR_MS, fitting;

    TRY(first_that_fits(tx, max_bytes, &fitting));
    if (fitting > first)
        first = fitting;
    TRY(query_run(tx, hours, "i", first));
    TRY(query_run(tx, room, "i", first));
    return query_run(tx, sources, "i", before_ms);
}
