/* Table node_group_source. */
#include "controlplane/store/sources.h"

#include "base/vec.h"
#include "controlplane/store/db.h"

#define COLUMNS "o.node_group_id, o.address, o.port, o.user, o.password"

struct err store_source_set(struct store_tx *tx, int64_t shard_id,
                            const struct shard_source *source)
{
    static const char remove[] = "DELETE FROM node_group_source WHERE node_group_id = ?";
    static const char put[] =
        "INSERT INTO node_group_source (node_group_id, address, port, user, password) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (node_group_id) DO UPDATE SET "
        "address = excluded.address, port = excluded.port, user = excluded.user, "
        "password = excluded.password";

    if (source->port > 0)
        TRY(query_run(tx, put, "ititt", shard_id, source->address, (int64_t)source->port,
                      source->user, source->password));
    else
        TRY(query_run(tx, remove, "i", shard_id));
    bool is_other = source->port > 0 || query_changes(tx) > 0;
    return is_other ? hosts_raise_of_shard(tx, shard_id) : OK;
}

static struct err all_sources(struct query *q, struct source_row **out, size_t *out_count)
{
    vec_of(struct source_row) rows = VEC_EMPTY;

    while (query_next(q))
        *vec_add(q->tx->arena, &rows) = (struct source_row){
            .shard_id = query_int(q, 0),
            .source = {.address = query_text(q, 1),
                       .port = (int)query_int(q, 2),
                       .user = query_text(q, 3),
                       .password = query_text(q, 4)},
        };
    TRY(query_end(q));
    *out = rows.items;
    *out_count = rows.count;
    return OK;
}

struct err store_source_list(struct store_tx *tx, const int64_t *group_ids, size_t count,
                             struct source_row **out, size_t *out_count)
{
    static const char sql[] = "SELECT " COLUMNS " FROM node_group_source o "
                              "JOIN node_group s ON s.id = o.node_group_id "
                              "WHERE s.group_id IN (SELECT value FROM json_each(?))";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, group_ids, count)));
    return all_sources(&q, out, out_count);
}

struct err store_source_list_of_host(struct store_tx *tx, const char *host_id,
                                     struct source_row **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT DISTINCT " COLUMNS " FROM node_group_source o "
        "JOIN cache_cluster c ON c.node_group_id = o.node_group_id "
        "JOIN cache_node n ON n.cluster_id = c.id JOIN node_goal g ON g.node_id = n.id "
        "WHERE g.host_id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", host_id));
    return all_sources(&q, out, out_count);
}

struct shard_source source_of_shard(const struct source_row *rows, size_t count, int64_t shard_id)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].shard_id == shard_id)
            return rows[i].source;
    return (struct shard_source){.address = "", .user = "", .password = ""};
}
