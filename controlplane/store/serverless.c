/* Table serverless_cache. What a cache owns is asked for where its own tables are: groups.c,
 * clusters.c. */
#include "controlplane/store/serverless.h"

#include "base/vec.h"
#include "controlplane/store/db.h"

#define COLUMNS                                                                   \
    "id, account, region, name, description, engine, engine_version, "            \
    "storage_least_gb, storage_most_gb, work_least, work_most, security_groups, " \
    "subnets, snapshot_retention, snapshot_time, created_ms, kms_key"

static void row_to_serverless(const struct query *q, struct serverless_cache *out)
{
    *out = (struct serverless_cache){
        .id = query_int(q, 0),
        .account = query_text(q, 1),
        .region = query_text(q, 2),
        .name = query_text(q, 3),
        .description = query_text(q, 4),
        .engine = query_text(q, 5),
        .engine_version = query_text(q, 6),
        .limits = {query_int(q, 7), query_int(q, 8), query_int(q, 9), query_int(q, 10)},
        .security_groups = query_text(q, 11),
        .subnets = query_text(q, 12),
        .snapshot_retention = (int)query_int(q, 13),
        .snapshot_time = query_text(q, 14),
        .created_ms = query_int(q, 15),
        .kms_key = query_text(q, 16),
    };
}

struct err store_serverless_insert(struct store_tx *tx, struct serverless_cache *s)
{
    static const char sql[] =
        "INSERT INTO serverless_cache (account, region, name, description, engine, engine_version, "
        "storage_least_gb, storage_most_gb, work_least, work_most, security_groups, subnets, "
        "snapshot_retention, snapshot_time, created_ms, kms_key) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
    const struct serverless_limits *l = &s->limits;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttttttiiiittitit", s->account, s->region, s->name, s->description,
                    s->engine, s->engine_version, l->storage_least_gb, l->storage_most_gb,
                    l->work_least, l->work_most, s->security_groups, s->subnets,
                    (int64_t)s->snapshot_retention, s->snapshot_time, s->created_ms,
                    s->kms_key ? s->kms_key : ""));
    if (query_next(&q))
        s->id = query_int(&q, 0);
    return query_end(&q);
}

struct err store_serverless_find(struct store_tx *tx, const char *account, const char *region,
                                 const char *name, struct serverless_cache *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM serverless_cache WHERE account = ? AND region = ? AND name = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    bool is_found = query_next(&q);
    if (is_found)
        row_to_serverless(&q, out);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such serverless cache");
}

static struct err all_of(struct query *q, struct serverless_cache **out, size_t *out_count)
{
    vec_of(struct serverless_cache) caches = VEC_EMPTY;

    while (query_next(q))
        row_to_serverless(q, vec_add(q->tx->arena, &caches));
    TRY(query_end(q));
    *out = caches.items;
    *out_count = caches.count;
    return OK;
}

struct err store_serverless_list(struct store_tx *tx, const char *account, const char *region,
                                 const char *after, int limit, struct serverless_cache **out,
                                 size_t *out_count)
{
    static const char sql[] = "SELECT " COLUMNS " FROM serverless_cache WHERE account = ? AND "
                              "region = ? AND name > ? ORDER BY name LIMIT ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttti", account, region, after, (int64_t)limit));
    return all_of(&q, out, out_count);
}

struct err store_serverless_all(struct store_tx *tx, struct serverless_cache **out,
                                size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM serverless_cache WHERE engine <> 'memcached' ORDER BY id";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    return all_of(&q, out, out_count);
}

struct err store_serverless_update(struct store_tx *tx, const struct serverless_cache *s)
{
    static const char sql[] =
        "UPDATE serverless_cache SET description = ?, engine = ?, engine_version = ?, "
        "storage_least_gb = ?, storage_most_gb = ?, work_least = ?, work_most = ?, "
        "security_groups = ?, subnets = ?, snapshot_retention = ?, snapshot_time = ? WHERE id = ?";
    const struct serverless_limits *l = &s->limits;

    TRY(query_run(tx, sql, "tttiiiittiti", s->description, s->engine, s->engine_version,
                  l->storage_least_gb, l->storage_most_gb, l->work_least, l->work_most,
                  s->security_groups, s->subnets, (int64_t)s->snapshot_retention, s->snapshot_time,
                  s->id));
    return query_changes(tx) ? OK : err_make(ERR_NOT_FOUND, "no such serverless cache");
}

struct err store_serverless_count(struct store_tx *tx, const char *account, const char *region,
                                  int64_t *out)
{
    static const char sql[] =
        "SELECT count(*) FROM serverless_cache WHERE account = ? AND region = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

struct err store_serverless_remove(struct store_tx *tx, int64_t id, const char *arn)
{
    static const char tags[] = "DELETE FROM tag WHERE arn = ?";
    static const char cache[] = "DELETE FROM serverless_cache WHERE id = ?";

    TRY(query_run(tx, tags, "t", arn));
    return query_run(tx, cache, "i", id);
}
