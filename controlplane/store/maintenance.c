/* Questions across accounts and regions, for what happens without a request. */
#include "controlplane/store/maintenance.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/db.h"

static struct err read_due(struct store_tx *tx, const char *sql, struct due **out,
                           size_t *out_count)
{
    vec_of(struct due) list = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    while (query_next(&q))
        *vec_add(tx->arena, &list) = (struct due){
            .kind = (enum due_kind)query_int(&q, 0),
            .account = query_text(&q, 2),
            .region = query_text(&q, 3),
            .name = query_text(&q, 4),
            .window = query_text(&q, 5),
            .topic = query_text(&q, 6),
            .last_ms = query_int(&q, 7),
        };
    TRY(query_end(&q));
    *out = list.items;
    *out_count = list.count;
    return OK;
}

#define TOPIC "iif(notification_status = 'active', notification_topic, '')"

struct err store_parked_list(struct store_tx *tx, struct due **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT * FROM (SELECT 0 AS kind, id, account, region, name, maintenance_window, " TOPIC
        ", 0 FROM cache_cluster "
        "WHERE parked <> '' AND group_id IS NULL AND owner_id IS NULL AND is_wanted "
        "UNION ALL SELECT 1, id, account, region, name, maintenance_window, " TOPIC
        ", 0 FROM replication_group "
        "WHERE parked <> '' AND owner_id IS NULL AND is_wanted) ORDER BY kind, id";

    return read_due(tx, sql, out, out_count);
}

struct err store_backup_list(struct store_tx *tx, struct due **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT * FROM (SELECT iif(c.owner_id IS NULL, 0, 2) AS kind, c.id AS id, c.account, "
        "c.region, iif(c.owner_id IS NULL, c.name, o.name), c.snapshot_window, " TOPIC
        ", coalesce((SELECT max(s.created_ms) FROM snapshot s WHERE s.is_automatic "
        "AND s.group_id = 0 AND s.cluster_id = c.id), 0) FROM cache_cluster c "
        "LEFT JOIN serverless_cache o ON o.id = c.owner_id "
        "WHERE c.snapshot_retention > 0 AND group_id IS NULL AND is_wanted "
        "UNION ALL SELECT iif(g.owner_id IS NULL, 1, 2), g.id, g.account, g.region, "
        "iif(g.owner_id IS NULL, g.name, o.name), g.snapshot_window, " TOPIC
        ", coalesce((SELECT max(s.created_ms) FROM snapshot s WHERE s.is_automatic "
        "AND s.group_id = g.id), 0) FROM replication_group g LEFT JOIN serverless_cache o "
        "ON o.id = g.owner_id WHERE g.snapshot_retention > 0 AND is_wanted) ORDER BY kind, id";

    return read_due(tx, sql, out, out_count);
}
