/* Tables log_delivery and log_error. */
#include "controlplane/store/log_delivery.h"

#include "base/vec.h"
#include "controlplane/store/db.h"

#include <string.h>

#define COLUMNS                                                                                    \
    "d.log_type, d.destination_type, d.destination, d.format, d.url, d.is_enabled, d.is_changed, " \
    "d.revision "

static struct log_delivery row_to_delivery(struct query *q)
{
    return (struct log_delivery){
        .cluster_id = query_int(q, 0),
        .group_id = query_int(q, 1),
        .log_type = query_text(q, 2),
        .destination_type = query_text(q, 3),
        .destination = query_text(q, 4),
        .format = query_text(q, 5),
        .url = query_text(q, 6),
        .is_enabled = query_int(q, 7) != 0,
        .is_changed = query_int(q, 8) != 0,
        .revision = query_int(q, 9),
    };
}

static struct err take_all(struct query *q, struct log_delivery_list *out)
{
    vec_of(struct log_delivery) list = VEC_EMPTY;

    while (query_next(q))
        *vec_add(q->tx->arena, &list) = row_to_delivery(q);
    TRY(query_end(q));
    *out = (struct log_delivery_list){list.items, list.count};
    return OK;
}

/* Raises the generation of every host that has a node of the owner. */
static struct err raise_hosts(struct store_tx *tx, const struct log_delivery *d)
{
    static const char sql[] =
        "INSERT INTO host_goal (host_id, generation) SELECT DISTINCT g.host_id, 1 "
        "FROM cache_cluster c JOIN cache_node n ON n.cluster_id = c.id "
        "JOIN node_goal g ON g.node_id = n.id "
        "WHERE (?1 <> 0 AND c.id = ?1) OR (?2 <> 0 AND c.group_id = ?2) "
        "ON CONFLICT (host_id) DO UPDATE SET " RAISED_WHOLE " RETURNING host_id";
    return query_tell(tx, sql, "ii", d->cluster_id, d->group_id);
}

struct err store_log_delivery_put(struct store_tx *tx, const struct log_delivery *d)
{
    static const char gone[] = "DELETE FROM log_delivery WHERE (cluster_id = nullif(?1, 0) OR "
                               "group_id = nullif(?2, 0)) AND log_type = ?3";
    static const char sql[] =
        "INSERT INTO log_delivery (cluster_id, group_id, log_type, destination_type, destination, "
        "format, url, is_enabled, is_changed, revision) "
        "VALUES (nullif(?1, 0), nullif(?2, 0), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    static const char newest[] = "SELECT coalesce(max(revision), 0) + 1 FROM log_delivery";
    int64_t revision = 1;
    struct query q;

    TRY(query_start(&q, tx, newest, ""));
    while (query_next(&q))
        revision = query_int(&q, 0);
    TRY(query_end(&q));
    TRY(query_run(tx, gone, "iit", d->cluster_id, d->group_id, d->log_type));
    TRY(query_run(tx, sql, "iitttttbbi", d->cluster_id, d->group_id, d->log_type,
                  d->destination_type, d->destination, d->format, d->url, d->is_enabled,
                  d->is_changed, revision));
    return raise_hosts(tx, d);
}

struct err store_log_delivery_to_group(struct store_tx *tx, int64_t cluster_id, int64_t group_id)
{
    static const char sql[] =
        "UPDATE log_delivery SET group_id = ?2, cluster_id = NULL WHERE cluster_id = ?1";

    return query_run(tx, sql, "ii", cluster_id, group_id);
}

struct err store_log_delivery_to_cluster(struct store_tx *tx, int64_t group_id, int64_t cluster_id)
{
    static const char sql[] =
        "UPDATE log_delivery SET cluster_id = ?2, group_id = NULL WHERE group_id = ?1";

    return query_run(tx, sql, "ii", group_id, cluster_id);
}

struct err store_log_delivery_list(struct store_tx *tx, const int64_t *cluster_ids,
                                   size_t cluster_count, const int64_t *group_ids,
                                   size_t group_count, struct log_delivery_list *out)
{
    static const char sql[] =
        "SELECT coalesce(d.cluster_id, 0), coalesce(d.group_id, 0), " COLUMNS
        "FROM log_delivery d WHERE d.cluster_id IN (SELECT value FROM json_each(?1)) "
        "OR d.group_id IN (SELECT value FROM json_each(?2)) "
        "ORDER BY d.group_id, d.cluster_id, d.log_type DESC";
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", query_id_list(tx, cluster_ids, cluster_count),
                    query_id_list(tx, group_ids, group_count)));
    return take_all(&q, out);
}

struct err store_log_delivery_of_host(struct store_tx *tx, const char *host_id,
                                      struct log_delivery_list *out)
{
    static const char sql[] =
        "SELECT DISTINCT c.id, coalesce(d.group_id, 0), " COLUMNS
        "FROM node_goal g JOIN cache_node n ON n.id = g.node_id "
        "JOIN cache_cluster c ON c.id = n.cluster_id "
        "JOIN log_delivery d ON d.cluster_id = c.id OR d.group_id = c.group_id "
        "WHERE g.host_id = ? ORDER BY c.id, d.log_type";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", host_id));
    return take_all(&q, out);
}

/* --- errors --- */

static struct err read_errors(struct query *q, struct log_error_list *out)
{
    vec_of(struct log_error) list = VEC_EMPTY;

    while (query_next(q))
        *vec_add(q->tx->arena, &list) = (struct log_error){query_int(q, 0), query_int(q, 1),
                                                           query_text(q, 2), query_text(q, 3)};
    TRY(query_end(q));
    *out = (struct log_error_list){list.items, list.count};
    return OK;
}

static bool is_same(const struct log_error_list *before, const struct log_error *errors,
                    size_t count)
{
    if (before->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(before->items[i].log_type, errors[i].log_type) != 0 ||
            strcmp(before->items[i].why, errors[i].why) != 0)
            return false;
    return true;
}

struct err store_log_errors_set(struct store_tx *tx, int64_t node_id,
                                const struct log_error *errors, size_t count)
{
    static const char now[] = "SELECT 0, node_id, log_type, why FROM log_error WHERE node_id = ? "
                              "ORDER BY log_type";
    static const char gone[] = "DELETE FROM log_error WHERE node_id = ?";
    static const char add[] = "INSERT OR REPLACE INTO log_error (node_id, log_type, why) "
                              "SELECT id, ?2, ?3 FROM cache_node WHERE id = ?1";
    struct log_error_list before;
    struct query q;

    TRY(query_start(&q, tx, now, "i", node_id));
    TRY(read_errors(&q, &before));
    if (is_same(&before, errors, count))
        return OK;
    TRY(query_run(tx, gone, "i", node_id));
    for (size_t i = 0; i < count; i++)
        TRY(query_run(tx, add, "itt", node_id, errors[i].log_type, errors[i].why));
    return OK;
}

struct err store_log_errors_of(struct store_tx *tx, const int64_t *cluster_ids, size_t count,
                               struct log_error_list *out)
{
    static const char sql[] =
        "SELECT n.cluster_id, e.node_id, e.log_type, e.why FROM log_error e "
        "JOIN cache_node n ON n.id = e.node_id "
        "WHERE n.cluster_id IN (SELECT value FROM json_each(?)) ORDER BY e.node_id, e.log_type";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, cluster_ids, count)));
    return read_errors(&q, out);
}
