/* Tables parameter_group and parameter_value. */
#include "controlplane/store/parameters.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/db.h"

#define COLUMNS "id, account, region, name, family, description, revision, created_ms"

static void row_to_group(const struct query *q, struct parameter_group *out)
{
    *out = (struct parameter_group){
        .id = query_int(q, 0),
        .account = query_text(q, 1),
        .region = query_text(q, 2),
        .name = query_text(q, 3),
        .family = query_text(q, 4),
        .description = query_text(q, 5),
        .revision = query_int(q, 6),
        .created_ms = query_int(q, 7),
    };
}

/* --- groups --- */

struct err store_parameter_group_insert(struct store_tx *tx, struct parameter_group *g)
{
    static const char sql[] =
        "INSERT INTO parameter_group (account, region, name, family, description, revision, "
        "created_ms) SELECT ?, ?, ?, ?, ?, coalesce(max(revision), 0) + 1, ? FROM parameter_group "
        "RETURNING id, revision";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttttti", g->account, g->region, g->name, g->family,
                    g->description, g->created_ms));
    if (query_next(&q)) {
        g->id = query_int(&q, 0);
        g->revision = query_int(&q, 1);
    }
    return query_end(&q);
}

struct err store_parameter_group_find(struct store_tx *tx, const char *account, const char *region,
                                      const char *name, struct parameter_group *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM parameter_group WHERE account = ? AND region = ? AND name = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    bool is_found = query_next(&q);
    if (is_found)
        row_to_group(&q, out);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such parameter group");
}

struct err store_parameter_group_list(struct store_tx *tx, const char *account, const char *region,
                                      const char *after, int limit, struct parameter_group **out,
                                      size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM parameter_group WHERE account = ? AND region = ? AND name > ? "
        "ORDER BY name LIMIT ?";
    vec_of(struct parameter_group) groups = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttti", account, region, after, (int64_t)limit));
    while (query_next(&q))
        row_to_group(&q, vec_add(tx->arena, &groups));
    TRY(query_end(&q));
    *out = groups.items;
    *out_count = groups.count;
    return OK;
}

struct err store_parameter_group_count(struct store_tx *tx, const char *account, const char *region,
                                       int64_t *out)
{
    static const char sql[] =
        "SELECT count(*) FROM parameter_group WHERE account = ? AND region = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

struct err store_parameter_group_revise(struct store_tx *tx, struct parameter_group *g)
{
    static const char sql[] = "UPDATE parameter_group SET revision = "
                              "(SELECT max(revision) + 1 FROM parameter_group) WHERE id = ? "
                              "RETURNING revision";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", g->id));
    bool is_found = query_next(&q);
    if (is_found)
        g->revision = query_int(&q, 0);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such parameter group");
}

struct err store_parameter_group_remove(struct store_tx *tx, int64_t id, const char *arn)
{
    static const char tags[] = "DELETE FROM tag WHERE arn = ?";
    static const char group[] = "DELETE FROM parameter_group WHERE id = ?";

    TRY(query_run(tx, tags, "t", arn));
    return query_run(tx, group, "i", id);
}

struct err store_parameter_group_clusters(struct store_tx *tx, const char *account,
                                          const char *region, const char *name, int64_t **out,
                                          size_t *out_count)
{
    static const char sql[] = "SELECT id FROM cache_cluster WHERE account = ? AND region = ? "
                              "AND parameter_group = ? ORDER BY id";
    vec_of(int64_t) ids = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    while (query_next(&q))
        *vec_add(tx->arena, &ids) = query_int(&q, 0);
    TRY(query_end(&q));
    *out = ids.items;
    *out_count = ids.count;
    return OK;
}

struct err store_parameter_group_is_used(struct store_tx *tx, const char *account,
                                         const char *region, const char *name, bool *out)
{
    static const char sql[] =
        "SELECT EXISTS (SELECT 1 FROM cache_cluster WHERE account = ?1 AND region = ?2 "
        "AND parameter_group = ?3) OR EXISTS (SELECT 1 FROM replication_group "
        "WHERE account = ?1 AND region = ?2 AND parameter_group = ?3)";
    struct query q;

    *out = false;
    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    if (query_next(&q))
        *out = query_int(&q, 0) != 0;
    return query_end(&q);
}

/* --- values --- */

struct err store_parameter_values(struct store_tx *tx, int64_t group_id,
                                  struct parameter_value_list *out)
{
    static const char sql[] =
        "SELECT name, value FROM parameter_value WHERE group_id = ? ORDER BY name";
    vec_of(struct parameter_value) values = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "i", group_id));
    while (query_next(&q))
        *vec_add(tx->arena, &values) =
            (struct parameter_value){query_text(&q, 0), query_text(&q, 1)};
    TRY(query_end(&q));
    *out = (struct parameter_value_list){values.items, values.count};
    return OK;
}

struct err store_parameter_value_put(struct store_tx *tx, int64_t group_id, const char *name,
                                     const char *value)
{
    static const char sql[] =
        "INSERT INTO parameter_value (group_id, name, value) VALUES (?, ?, ?) "
        "ON CONFLICT (group_id, name) DO UPDATE SET value = excluded.value";
    return query_run(tx, sql, "itt", group_id, name, value);
}

struct err store_parameter_value_remove(struct store_tx *tx, int64_t group_id, const char *name)
{
    static const char sql[] = "DELETE FROM parameter_value WHERE group_id = ? AND name = ?";
    return query_run(tx, sql, "it", group_id, name);
}

struct err store_parameter_values_clear(struct store_tx *tx, int64_t group_id)
{
    static const char sql[] = "DELETE FROM parameter_value WHERE group_id = ?";
    return query_run(tx, sql, "i", group_id);
}

struct err store_parameter_values_of(struct store_tx *tx, const int64_t *group_ids, size_t count,
                                     struct parameter_group_values **out, size_t *out_count)
{
    static const char sql[] = "SELECT group_id, name, value FROM parameter_value WHERE group_id IN "
                              "(SELECT value FROM json_each(?)) ORDER BY group_id, name";
    vec_of(struct parameter_group_values) groups = VEC_EMPTY;
    vec_of(struct parameter_value) values = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, group_ids, count)));
    while (query_next(&q)) {
        int64_t id = query_int(&q, 0);
        if (groups.count == 0 || groups.items[groups.count - 1].group_id != id) {
            vec_add(tx->arena, &groups)->group_id = id;
            values = (typeof(values))VEC_EMPTY;
        }
        *vec_add(tx->arena, &values) =
            (struct parameter_value){query_text(&q, 1), query_text(&q, 2)};
        groups.items[groups.count - 1].values =
            (struct parameter_value_list){values.items, values.count};
    }
    TRY(query_end(&q));
    *out = groups.items;
    *out_count = groups.count;
    return OK;
}
