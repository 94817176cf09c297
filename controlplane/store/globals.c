/* Tables global_datastore and global_member. */
#include "controlplane/store/globals.h"

#include "base/vec.h"
#include "controlplane/store/db.h"

#define COLUMNS "id, account, name, description, created_ms"

static void row_to_global(const struct query *q, struct global_datastore *out)
{
    *out = (struct global_datastore){
        .id = query_int(q, 0),
        .account = query_text(q, 1),
        .name = query_text(q, 2),
        .description = query_text(q, 3),
        .created_ms = query_int(q, 4),
    };
}

struct err store_global_insert(struct store_tx *tx, struct global_datastore *g)
{
    static const char sql[] =
        "INSERT INTO global_datastore (account, name, description, created_ms) "
        "VALUES (?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttti", g->account, g->name, g->description, g->created_ms));
    if (query_next(&q))
        g->id = query_int(&q, 0);
    return query_end(&q);
}

struct err store_global_find(struct store_tx *tx, const char *account, const char *name,
                             struct global_datastore *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM global_datastore WHERE account = ? AND name = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, name));
    bool is_found = query_next(&q);
    if (is_found)
        row_to_global(&q, out);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such global datastore");
}

struct err store_global_list(struct store_tx *tx, const char *account, const char *after, int limit,
                             struct global_datastore **out, size_t *out_count)
{
    static const char sql[] = "SELECT " COLUMNS " FROM global_datastore WHERE account = ? AND "
                              "name > ? ORDER BY name LIMIT ?";
    vec_of(struct global_datastore) all = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "tti", account, after, (int64_t)limit));
    while (query_next(&q))
        row_to_global(&q, vec_add(tx->arena, &all));
    TRY(query_end(&q));
    *out = all.items;
    *out_count = all.count;
    return OK;
}

struct err store_global_describe(struct store_tx *tx, int64_t id, const char *description)
{
    static const char sql[] = "UPDATE global_datastore SET description = ? WHERE id = ?";
    return query_run(tx, sql, "ti", description, id);
}

struct err store_global_remove(struct store_tx *tx, int64_t id)
{
    static const char sql[] = "DELETE FROM global_datastore WHERE id = ?";
    return query_run(tx, sql, "i", id);
}

/* --- members --- */

struct err store_global_member_set(struct store_tx *tx, int64_t datastore_id, int64_t group_id,
                                   enum global_role role)
{
    static const char sql[] =
        "INSERT INTO global_member (group_id, datastore_id, role) VALUES (?, ?, ?) "
        "ON CONFLICT (group_id) DO UPDATE SET role = excluded.role";

    TRY(query_run(tx, sql, "iit", group_id, datastore_id, global_role_name(role)));
    return store_touch_group(tx, group_id);
}

struct err store_global_member_remove(struct store_tx *tx, int64_t group_id)
{
    static const char sql[] = "DELETE FROM global_member WHERE group_id = ?";
    return query_run(tx, sql, "i", group_id);
}

#define MEMBER_SELECT                                                        \
    "SELECT m.group_id, m.datastore_id, m.role, d.name, g.name, g.region "   \
    "FROM global_member m JOIN global_datastore d ON d.id = m.datastore_id " \
    "JOIN replication_group g ON g.id = m.group_id "

static struct err all_members(struct query *q, struct global_member **out, size_t *out_count)
{
    vec_of(struct global_member) all = VEC_EMPTY;

    while (query_next(q)) {
        struct global_member *m = vec_add(q->tx->arena, &all);
        *m = (struct global_member){
            .group_id = query_int(q, 0),
            .datastore_id = query_int(q, 1),
            .datastore = query_text(q, 3),
            .group = query_text(q, 4),
            .region = query_text(q, 5),
        };
        if (!global_role_parse(query_text(q, 2), &m->role))
            q->error = err_make(ERR_CORRUPT, "a member of a global datastore has an unknown role");
    }
    TRY(query_end(q));
    *out = all.items;
    *out_count = all.count;
    return OK;
}

struct err store_global_members(struct store_tx *tx, const int64_t *ids, size_t count,
                                struct global_member **out, size_t *out_count)
{
    static const char sql[] =
        MEMBER_SELECT "WHERE m.datastore_id IN (SELECT value FROM json_each(?)) "
                      "ORDER BY m.datastore_id, g.region";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, ids, count)));
    return all_members(&q, out, out_count);
}

struct err store_global_members_of(struct store_tx *tx, const int64_t *group_ids, size_t count,
                                   struct global_member **out, size_t *out_count)
{
    static const char sql[] =
        MEMBER_SELECT "WHERE m.group_id IN (SELECT value FROM json_each(?)) ORDER BY m.group_id";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, group_ids, count)));
    return all_members(&q, out, out_count);
}

struct err store_global_members_using(struct store_tx *tx, const char *account, const char *region,
                                      const char *parameter_group, struct global_member **out,
                                      size_t *out_count)
{
    static const char sql[] = MEMBER_SELECT
        "WHERE g.account = ? AND g.region = ? AND g.parameter_group = ? ORDER BY m.group_id";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, parameter_group));
    return all_members(&q, out, out_count);
}

struct err store_touch_group(struct store_tx *tx, int64_t group_id)
{
    static const char sql[] = "SELECT id FROM cache_cluster WHERE group_id = ? LIMIT 1";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", group_id));
    if (query_next(&q))
        store_touch_cluster(tx, query_int(&q, 0));
    return query_end(&q);
}
