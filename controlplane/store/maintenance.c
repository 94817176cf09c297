/* Questions across accounts and regions, for what happens without a request. */
#include "controlplane/store/maintenance.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/db.h"

struct err store_parked_list(struct store_tx *tx, struct parked_change **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT * FROM (SELECT 0 AS is_group, id, account, region, name, maintenance_window, "
        "iif(notification_status = 'active', notification_topic, '') FROM cache_cluster "
        "WHERE parked <> '' AND group_id IS NULL AND owner_id IS NULL AND is_wanted "
        "UNION ALL SELECT 1, id, account, region, name, maintenance_window, "
        "iif(notification_status = 'active', notification_topic, '') FROM replication_group "
        "WHERE parked <> '' AND owner_id IS NULL AND is_wanted) ORDER BY is_group, id";
    vec_of(struct parked_change) list = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    while (query_next(&q))
        *vec_add(tx->arena, &list) = (struct parked_change){
            .is_group = query_int(&q, 0) != 0,
            .account = query_text(&q, 2),
            .region = query_text(&q, 3),
            .name = query_text(&q, 4),
            .window = query_text(&q, 5),
            .topic = query_text(&q, 6),
        };
    TRY(query_end(&q));
    *out = list.items;
    *out_count = list.count;
    return OK;
}

#define NEWEST(of)                                                                              \
    "coalesce((SELECT max(s.created_ms) FROM snapshot s WHERE s.is_automatic AND s.owner = '' " \
    "AND s." of "), 0) "

struct err store_backup_list(struct store_tx *tx, struct backup_source **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT * FROM (SELECT 0 AS is_group, c.id AS id, c.account, c.region, c.name, "
        "c.snapshot_window, " NEWEST(
            "group_id = 0 AND s.cluster_id = c.id") "FROM cache_cluster c WHERE c.snapshot_retention > 0 AND c.group_id IS NULL "
                                                    "AND c.owner_id IS NULL AND c.is_wanted "
                                                    "UNION ALL SELECT 1, g.id, g.account, g.region, g.name, "
                                                    "g.snapshot_window, " NEWEST(
                                                        "group_id = g.id") "FROM replication_group g WHERE g.snapshot_retention > 0 AND g.owner_id IS NULL "
                                                                           "AND g.is_wanted) ORDER BY is_group, id";
    vec_of(struct backup_source) list = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    while (query_next(&q))
        *vec_add(tx->arena, &list) = (struct backup_source){
            .is_group = query_int(&q, 0) != 0,
            .account = query_text(&q, 2),
            .region = query_text(&q, 3),
            .name = query_text(&q, 4),
            .window = query_text(&q, 5),
            .last_ms = query_int(&q, 6),
        };
    TRY(query_end(&q));
    *out = list.items;
    *out_count = list.count;
    return OK;
}
