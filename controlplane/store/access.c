/* Table cache_access. */
#include "controlplane/store/access.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/db.h"

struct err store_access_get(struct store_tx *tx, int64_t replication_group_id, int64_t cluster_id,
                            struct cache_access *out)
{
    static const char sql[] =
        "SELECT coalesce(user_group_id, 0), token_digests, is_token_optional, token_modified_ms, "
        "revision FROM cache_access WHERE replication_group_id = ?1 OR cluster_id = ?2";
    struct query q;

    *out = (struct cache_access){.replication_group_id = replication_group_id,
                                 .cluster_id = cluster_id,
                                 .token = {.digests = ""}};
    TRY(query_start(&q, tx, sql, "ii", replication_group_id, cluster_id));
    if (query_next(&q)) {
        out->user_group_id = query_int(&q, 0);
        out->token.digests = query_text(&q, 1);
        out->token.is_optional = query_int(&q, 2) != 0;
        out->token.modified_ms = query_int(&q, 3);
        out->revision = query_int(&q, 4);
    }
    return query_end(&q);
}

#define SET                                                                            \
    "user_group_id = excluded.user_group_id, token_digests = excluded.token_digests, " \
    "is_token_optional = excluded.is_token_optional, "                                 \
    "token_modified_ms = excluded.token_modified_ms, revision = excluded.revision"

struct err store_access_put(struct store_tx *tx, const struct cache_access *x)
{
    static const char sql[] =
        "INSERT INTO cache_access (replication_group_id, cluster_id, user_group_id, token_digests, "
        "is_token_optional, token_modified_ms, revision) "
        "VALUES (nullif(?, 0), nullif(?, 0), nullif(?, 0), ?, ?, ?, ?) "
        "ON CONFLICT (replication_group_id) DO UPDATE SET " SET
        " ON CONFLICT (cluster_id) DO UPDATE SET " SET;

    return query_run(tx, sql, "iiitbii", x->replication_group_id, x->cluster_id, x->user_group_id,
                     x->token.digests, x->token.is_optional, x->token.modified_ms, x->revision);
}

struct err store_access_to_group(struct store_tx *tx, int64_t cluster_id,
                                 int64_t replication_group_id)
{
    static const char sql[] =
        "UPDATE cache_access SET replication_group_id = ?2, cluster_id = NULL "
        "WHERE cluster_id = ?1";

    return query_run(tx, sql, "ii", cluster_id, replication_group_id);
}

struct err store_access_to_cluster(struct store_tx *tx, int64_t replication_group_id,
                                   int64_t cluster_id)
{
    static const char sql[] =
        "UPDATE cache_access SET cluster_id = ?2, replication_group_id = NULL "
        "WHERE replication_group_id = ?1";

    return query_run(tx, sql, "ii", replication_group_id, cluster_id);
}

struct err store_access_attachments(struct store_tx *tx, const int64_t *user_group_ids,
                                    size_t count, struct attachment **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT a.user_group_id, coalesce(r.id, 0), coalesce(c.id, 0), coalesce(r.name, c.name), "
        "coalesce(r.engine, c.engine), coalesce(r.engine_version, c.engine_version), "
        "coalesce(s.id, 0), coalesce(s.name, '') FROM cache_access a "
        "LEFT JOIN replication_group r ON r.id = a.replication_group_id "
        "LEFT JOIN cache_cluster c ON c.id = a.cluster_id "
        "LEFT JOIN serverless_cache s ON s.id = r.owner_id "
        "WHERE a.user_group_id IN (SELECT value FROM json_each(?)) ORDER BY a.user_group_id, 4";
    vec_of(struct attachment) attachments = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, user_group_ids, count)));
    while (query_next(&q))
        *vec_add(tx->arena, &attachments) = (struct attachment){
            .user_group_id = query_int(&q, 0),
            .replication_group_id = query_int(&q, 1),
            .cluster_id = query_int(&q, 2),
            .cache = query_text(&q, 3),
            .engine = query_text(&q, 4),
            .engine_version = query_text(&q, 5),
            .owner = {query_int(&q, 6), query_text(&q, 7)},
        };
    TRY(query_end(&q));
    *out = attachments.items;
    *out_count = attachments.count;
    return OK;
}

/* --- telling hosts --- */

/* What a cache should have in force: its own revision, or the later one of its user group. */
#define REVISION "max(a.revision, coalesce(u.revision, 0))"

struct err store_access_tell(struct store_tx *tx, bool *out_any)
{
    static const char hosts[] =
        "INSERT INTO host_goal (host_id, generation) SELECT DISTINCT g.host_id, 1 "
        "FROM cache_access a LEFT JOIN user_group u ON u.id = a.user_group_id "
        "JOIN cache_cluster c ON c.group_id = a.replication_group_id OR c.id = a.cluster_id "
        "JOIN cache_node n ON n.cluster_id = c.id JOIN node_goal g ON g.node_id = n.id "
        "WHERE a.told_revision < " REVISION " ON CONFLICT (host_id) DO UPDATE SET " RAISED_WHOLE
        " RETURNING host_id";
    static const char told[] = "UPDATE cache_access AS a SET told_revision = (SELECT " REVISION
                               " FROM (SELECT 1) LEFT JOIN user_group u ON u.id = a.user_group_id) "
                               "WHERE told_revision < (SELECT " REVISION
                               " FROM (SELECT 1) LEFT JOIN user_group u ON u.id = a.user_group_id)";

    TRY(query_tell(tx, hosts, ""));
    TRY(query_run(tx, told, ""));
    if (query_changes(tx) > 0)
        *out_any = true;
    return OK;
}

struct err store_access_sights(struct store_tx *tx, int64_t user_group_id,
                               struct access_sight **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT c.name, n.number, " REVISION ", s.applied_settings FROM cache_access a "
        "JOIN user_group u ON u.id = a.user_group_id "
        "JOIN cache_cluster c ON c.group_id = a.replication_group_id OR c.id = a.cluster_id "
        "JOIN cache_node n ON n.cluster_id = c.id JOIN node_goal g ON g.node_id = n.id "
        "JOIN host h ON h.id = g.host_id JOIN node_saw s ON s.node_id = n.id "
        "AND s.host_id = g.host_id WHERE a.user_group_id = ? AND n.is_wanted "
        "AND g.state = 'running' AND s.state = 'running' AND NOT h.is_silent ORDER BY n.id";
    vec_of(struct access_sight) sights = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "i", user_group_id));
    while (query_next(&q))
        *vec_add(tx->arena, &sights) = (struct access_sight){
            .cluster = query_text(&q, 0),
            .number = query_text(&q, 1),
            .revision = query_int(&q, 2),
            .applied_settings = query_text(&q, 3),
        };
    TRY(query_end(&q));
    *out = sights.items;
    *out_count = sights.count;
    return OK;
}

struct err store_host_access(struct store_tx *tx, const char *host_id, struct host_access **out,
                             size_t *out_count)
{
    static const char sql[] =
        "SELECT DISTINCT c.id, coalesce(a.user_group_id, 0), a.token_digests, a.is_token_optional, "
        "a.token_modified_ms, " REVISION " FROM node_goal g JOIN cache_node n ON n.id = g.node_id "
        "JOIN cache_cluster c ON c.id = n.cluster_id "
        "JOIN cache_access a ON a.replication_group_id = c.group_id OR a.cluster_id = c.id "
        "LEFT JOIN user_group u ON u.id = a.user_group_id WHERE g.host_id = ? ORDER BY c.id";
    vec_of(struct host_access) list = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", host_id));
    while (query_next(&q))
        *vec_add(tx->arena, &list) = (struct host_access){
            .cluster_id = query_int(&q, 0),
            .user_group_id = query_int(&q, 1),
            .token = {.digests = query_text(&q, 2),
                      .is_optional = query_int(&q, 3) != 0,
                      .modified_ms = query_int(&q, 4)},
            .revision = query_int(&q, 5),
        };
    TRY(query_end(&q));
    *out = list.items;
    *out_count = list.count;
    return OK;
}

struct err store_node_entry(struct store_tx *tx, int64_t node_id, const char *host_id,
                            struct node_entry *out)
{
    static const char sql[] =
        "SELECT c.account, c.region, coalesce(s.name, r.name, c.name), a.user_group_id, "
        "s.id IS NOT NULL FROM node_goal g "
        "JOIN cache_node n ON n.id = g.node_id JOIN cache_cluster c ON c.id = n.cluster_id "
        "JOIN cache_access a ON a.replication_group_id = c.group_id OR a.cluster_id = c.id "
        "LEFT JOIN replication_group r ON r.id = c.group_id "
        "LEFT JOIN serverless_cache s ON s.id = r.owner_id "
        "WHERE g.node_id = ? AND g.host_id = ? AND a.user_group_id IS NOT NULL";
    struct query q;

    TRY(query_start(&q, tx, sql, "it", node_id, host_id));
    bool is_found = query_next(&q);
    if (is_found)
        *out = (struct node_entry){.account = query_text(&q, 0),
                                   .region = query_text(&q, 1),
                                   .cache = query_text(&q, 2),
                                   .user_group_id = query_int(&q, 3),
                                   .is_serverless = query_int(&q, 4) != 0};
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no node of a cache with users");
}
