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
