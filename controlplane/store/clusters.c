/* Table cache_cluster; how a cluster is entered is written by access.c. */
#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/store/db.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/serverless.h"

#define COLUMNS                                                                                     \
    "id, account, region, name, engine, engine_version, node_type, port, az_mode, preferred_zone, " \
    "parameter_group, subnet_group, security_groups, maintenance_window, snapshot_window, "         \
    "snapshot_retention, auto_minor_upgrade, notification_topic, notification_status, "             \
    "configuration_version, next_node, is_wanted, created_ms, coalesce(group_id, 0), "              \
    "coalesce(node_group_id, 0), coalesce((SELECT p.revision FROM parameter_group p "               \
    "WHERE p.account = v.account AND p.region = v.region "                                          \
    "AND p.name = v.parameter_group), 0), tls_mode, coalesce(owner_id, 0), "                        \
    "coalesce((SELECT s.name FROM serverless_cache s WHERE s.id = v.owner_id), ''), "               \
    "memory_least, memory_most, work_most, data_key, parked, network_type, ip_discovery, "          \
    "user_group, token_digests, is_token_rotated, token_modified_ms, access_revision, driver"

static void row_to_cluster(struct query *q, struct cluster *out)
{
    *out = (struct cluster){
        .id = query_int(q, 0),
        .account = query_text(q, 1),
        .region = query_text(q, 2),
        .name = query_text(q, 3),
        .engine = query_text(q, 4),
        .engine_version = query_text(q, 5),
        .node_type = query_text(q, 6),
        .port = (int)query_int(q, 7),
        .az_mode = query_text(q, 8),
        .preferred_zone = query_text(q, 9),
        .parameter_group = query_text(q, 10),
        .subnet_group = query_text(q, 11),
        .security_groups = query_text(q, 12),
        .maintenance_window = query_text(q, 13),
        .snapshot_window = query_text(q, 14),
        .snapshot_retention = (int)query_int(q, 15),
        .auto_minor_upgrade = query_int(q, 16) != 0,
        .notification_topic = query_text(q, 17),
        .notification_status = query_text(q, 18),
        .configuration_version = query_int(q, 19),
        .next_node = query_int(q, 20),
        .is_wanted = query_int(q, 21) != 0,
        .created_ms = query_int(q, 22),
        .group_id = query_int(q, 23),
        .shard_id = query_int(q, 24),
        .parameter_revision = query_int(q, 25),
        .owner = {query_int(q,  27), query_text(q, 28)},
        .allotment = { query_int(q, 29), query_int(q,  30), query_int(q, 31)},
        .data_key = query_text(q, 32),
        .parked = query_text(q, 33),
        .driver = query_text(q, 41),
    };
    out->entry = (struct cache_entry){
        .user_group = query_text(q, 36),
        .has_token = *query_text(q, 37) != '\0',
        .is_token_rotated = query_int(q, 38) != 0,
        .token_modified_ms = query_int(q, 39),
        .revision = query_int(q, 40),
    };
    if (!tls_mode_parse(query_text(q, 26), &out->tls))
        q->error = err_make(ERR_CORRUPT, "a cache cluster has an unknown mode of encryption");
    query_reach(q, 34, &out->reach);
}

struct err store_cluster_insert(struct store_tx *tx, struct cluster *c)
{
    static const char sql[] =
        "INSERT INTO cache_cluster (account, region, name, engine, engine_version, node_type, port, "
        "az_mode, preferred_zone, parameter_group, subnet_group, security_groups, "
        "maintenance_window, snapshot_window, snapshot_retention, auto_minor_upgrade, "
        "notification_topic, notification_status, configuration_version, next_node, is_wanted, "
        "created_ms, group_id, node_group_id, tls_mode, owner_id, memory_least, memory_most, "
        "work_most, data_key, parked, network_type, ip_discovery, driver) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), "
        "nullif(?, 0), ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql,
                    "tttttt"
                    "i"
                    "ttttttt"
                    "ib"
                    "tt"
                    "iibiiit"
                    "iiii"
                    "ttttt",
                    c->account, c->region, c->name, c->engine, c->engine_version, c->node_type,
                    (int64_t)c->port, c->az_mode, c->preferred_zone, c->parameter_group,
                    c->subnet_group, c->security_groups, c->maintenance_window, c->snapshot_window,
                    (int64_t)c->snapshot_retention, c->auto_minor_upgrade, c->notification_topic,
                    c->notification_status, c->configuration_version, c->next_node, c->is_wanted,
                    c->created_ms, c->group_id, c->shard_id, tls_mode_name(c->tls), c->owner.id,
                    c->allotment.least_bytes, c->allotment.most_bytes, c->allotment.work_most,
                    c->data_key ? c->data_key : "", c->parked ? c->parked : "",
                    network_type_name(c->reach.network), ip_family_name(c->reach.discovery),
                    driver_name(c->driver)));
    if (query_next(&q))
        c->id = query_int(&q, 0);
    return query_end(&q);
}

/* Ends a query that gives one row or none. */
static struct err one_cluster(struct query *q, struct cluster *out)
{
    bool is_found = query_next(q);
    if (is_found)
        row_to_cluster(q, out);
    TRY(query_end(q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such cache cluster");
}

struct err store_cluster_find(struct store_tx *tx, const char *account, const char *region,
                              const char *name, struct cluster *out)
{
    static const char sql[] =
        "SELECT " COLUMNS
        " FROM cache_cluster_view v WHERE account = ? AND region = ? AND name = ? "
        "AND owner_id IS NULL";
    struct query q;
    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    return one_cluster(&q, out);
}

struct err store_cluster_get(struct store_tx *tx, int64_t id, struct cluster *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM cache_cluster_view v WHERE id = ?";
    struct query q;
    TRY(query_start(&q, tx, sql, "i", id));
    return one_cluster(&q, out);
}

static struct err all_clusters(struct query *q, struct cluster **out, size_t *out_count)
{
    vec_of(struct cluster) clusters = VEC_EMPTY;

    while (query_next(q))
        row_to_cluster(q, vec_add(q->tx->arena, &clusters));
    TRY(query_end(q));
    *out = clusters.items;
    *out_count = clusters.count;
    return OK;
}

struct err store_cluster_list(struct store_tx *tx, const char *account, const char *region,
                              const char *after, int limit, struct cluster **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM cache_cluster_view v WHERE account = ? AND region = ? "
        "AND name > ? AND owner_id IS NULL ORDER BY name LIMIT ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttti", account, region, after, (int64_t)limit));
    return all_clusters(&q, out, out_count);
}

struct err store_cluster_list_single(struct store_tx *tx, const char *account, const char *region,
                                     const char *after, int limit, struct cluster **out,
                                     size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM cache_cluster_view v WHERE account = ? AND region = ? "
        "AND name > ? AND group_id IS NULL AND owner_id IS NULL ORDER BY name LIMIT ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttti", account, region, after, (int64_t)limit));
    return all_clusters(&q, out, out_count);
}

static struct err all_ids(struct store_tx *tx, const char *sql, int64_t **out, size_t *out_count)
{
    vec_of(int64_t) ids = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    while (query_next(&q))
        *vec_add(tx->arena, &ids) = query_int(&q, 0);
    TRY(query_end(&q));
    *out = ids.items;
    *out_count = ids.count;
    return OK;
}

struct err store_cluster_ids(struct store_tx *tx, int64_t **out, size_t *out_count)
{
    static const char sql[] = "SELECT id FROM cache_cluster ORDER BY id";
    return all_ids(tx, sql, out, out_count);
}

struct err store_cluster_firsts(struct store_tx *tx, int64_t **out, size_t *out_count)
{
    static const char sql[] = "SELECT min(id) FROM cache_cluster "
                              "GROUP BY coalesce(group_id, -id) ORDER BY 1";
    return all_ids(tx, sql, out, out_count);
}

struct err store_group_members(struct store_tx *tx, const int64_t *ids, size_t count,
                               struct cluster **out, size_t *out_count)
{
    static const char sql[] = "SELECT " COLUMNS " FROM cache_cluster_view v WHERE group_id IN "
                              "(SELECT value FROM json_each(?)) ORDER BY group_id, name";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, ids, count)));
    return all_clusters(&q, out, out_count);
}

struct err store_cluster_list_owned(struct store_tx *tx, const int64_t *owners, size_t count,
                                    struct cluster **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM cache_cluster_view v WHERE group_id IS NULL AND "
        "owner_id IN (SELECT value FROM json_each(?)) ORDER BY owner_id";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, owners, count)));
    return all_clusters(&q, out, out_count);
}

struct err store_cluster_update(struct store_tx *tx, const struct cluster *c)
{
    static const char sql[] =
        "UPDATE cache_cluster SET engine = ?, engine_version = ?, node_type = ?, port = ?, az_mode = ?, "
        "preferred_zone = ?, parameter_group = ?, subnet_group = ?, security_groups = ?, "
        "maintenance_window = ?, snapshot_window = ?, snapshot_retention = ?, "
        "auto_minor_upgrade = ?, notification_topic = ?, notification_status = ?, "
        "configuration_version = ?, next_node = ?, is_wanted = ?, group_id = nullif(?, 0), "
        "node_group_id = nullif(?, 0), tls_mode = ?, memory_least = ?, memory_most = ?, "
        "work_most = ?, data_key = ?, parked = ?, ip_discovery = ? WHERE id = ?";

    tx->has_wish = true;
    TRY(query_run(tx, sql,
                  "ttti"
                  "ttttttt"
                  "ib"
                  "tt"
                  "iibiit"
                  "iiittti",
                  c->engine, c->engine_version, c->node_type, (int64_t)c->port, c->az_mode,
                  c->preferred_zone, c->parameter_group, c->subnet_group, c->security_groups,
                  c->maintenance_window, c->snapshot_window, (int64_t)c->snapshot_retention,
                  c->auto_minor_upgrade, c->notification_topic, c->notification_status,
                  c->configuration_version, c->next_node, c->is_wanted, c->group_id, c->shard_id,
                  tls_mode_name(c->tls), c->allotment.least_bytes, c->allotment.most_bytes,
                  c->allotment.work_most, c->data_key ? c->data_key : "",
                  c->parked ? c->parked : "", ip_family_name(c->reach.discovery), c->id));
    return query_changes(tx) ? OK : err_make(ERR_NOT_FOUND, "no such cache cluster");
}

/* No name is that of two at any time. */
struct err store_cluster_exchange_names(struct store_tx *tx, const struct cluster *a,
                                        const struct cluster *b)
{
    static const char sql[] = "UPDATE cache_cluster SET name = ? WHERE id = ?";

    tx->has_wish = true;
    TRY(query_run(tx, sql, "ti", arena_printf(tx->arena, "~%s", a->name), a->id));
    TRY(query_run(tx, sql, "ti", a->name, b->id));
    TRY(query_run(tx, sql, "ti", b->name, a->id));
    store_touch_cluster(tx, a->id);
    return a->shard_id ? hosts_raise_of_shard(tx, a->shard_id) : OK; /* their goals have names */
}

struct err store_cluster_remove(struct store_tx *tx, int64_t id, const char *arn)
{
    static const char nodes[] = "DELETE FROM cache_node WHERE cluster_id = ?";
    static const char tags[] = "DELETE FROM tag WHERE arn = ?";
    static const char cluster[] = "DELETE FROM cache_cluster WHERE id = ?";

    TRY(query_run(tx, nodes, "i", id));
    TRY(query_run(tx, tags, "t", arn));
    return query_run(tx, cluster, "i", id);
}
