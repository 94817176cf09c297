/* Tables engine_build and update_action. */
#include "controlplane/store/updates.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/db.h"

#include <string.h>

/* --- builds --- */

static struct err list_builds(struct store_tx *tx, const char *region, struct service_update **out,
                              size_t *out_count)
{
    static const char sql[] =
        "SELECT id, build, before, released_ms, EXISTS (SELECT 1 FROM host h WHERE "
        "h.region = b.region AND instr(' ' || h.engines || ' ', ' " UPDATE_DRIVER
        "=' || b.build || "
        "' ')) FROM engine_build b WHERE region = ? ORDER BY id";
    vec_of(struct service_update) builds = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", region));
    while (query_next(&q))
        *vec_add(tx->arena, &builds) = (struct service_update){
            .id = query_int(&q, 0),
            .build = query_text(&q, 1),
            .before = query_text(&q, 2),
            .released_ms = query_int(&q, 3),
            .is_offered = query_int(&q, 4) != 0,
        };
    TRY(query_end(&q));
    *out = builds.items;
    *out_count = builds.count;
    return OK;
}

struct err store_build_put(struct store_tx *tx, const char *region, const char *build,
                           int64_t now_ms)
{
    static const char sql[] = "INSERT INTO engine_build (region, build, before, released_ms) "
                              "VALUES (?, ?, ?, ?)";
    struct service_update *builds;
    const char *before = "";
    size_t count;

    TRY(list_builds(tx, region, &builds, &count));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(builds[i].build, build) == 0)
            return OK;
        if (!*before || build_is_older(before, builds[i].build))
            before = builds[i].build;
    }
    return query_run(tx, sql, "ttti", region, build, before, now_ms);
}

/* What is older than the newest one before it came with a host that was late, and is no update. */
struct err store_update_list(struct store_tx *tx, const char *region, struct service_update **out,
                             size_t *out_count)
{
    struct service_update *builds;
    size_t count, kept = 0;

    TRY(list_builds(tx, region, &builds, &count));
    for (size_t i = 0; i < count; i++)
        if (build_is_older(builds[i].before, builds[i].build))
            builds[kept++] = builds[i];
    for (size_t i = 0; i < kept; i++)
        for (size_t k = kept; k > 0; k--)
            if (build_is_older(builds[i].build, builds[k - 1].build))
                builds[i].replaced_ms = builds[k - 1].released_ms; /* the first of them stays */
    *out = builds;
    *out_count = kept;
    return OK;
}

struct err store_updated_places(struct store_tx *tx, struct updated_place **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT DISTINCT account, region FROM cache_cluster WHERE is_wanted AND owner_id IS NULL "
        "AND region IN (SELECT region FROM engine_build WHERE before <> '') "
        "ORDER BY account, region";
    vec_of(struct updated_place) places = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    while (query_next(&q))
        *vec_add(tx->arena, &places) =
            (struct updated_place){.account = query_text(&q, 0), .region = query_text(&q, 1)};
    TRY(query_end(&q));
    *out = places.items;
    *out_count = places.count;
    return OK;
}

/* --- nodes --- */

struct err store_built_nodes(struct store_tx *tx, const char *account, const char *region,
                             struct built_node **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT c.id, coalesce(r.id, 0), c.name, coalesce(r.name, ''), c.engine, "
        "coalesce(g.number, ''), n.number, s.build, s.boot_count < n.boot_count, n.booted_ms, "
        "s.build_ms, coalesce(h.engines, ''), "
        "coalesce(r.maintenance_window, c.maintenance_window), "
        "coalesce(r.created_ms, c.created_ms), c.engine_version, "
        "coalesce(r.auto_minor_upgrade, c.auto_minor_upgrade) AND NOT EXISTS "
        "(SELECT 1 FROM global_member m WHERE m.group_id = r.id) "
        "FROM cache_cluster c JOIN cache_node n ON n.cluster_id = c.id "
        "JOIN node_saw s ON s.node_id = n.id LEFT JOIN replication_group r ON r.id = c.group_id "
        "LEFT JOIN node_group g ON g.id = c.node_group_id "
        "LEFT JOIN node_goal o ON o.node_id = n.id LEFT JOIN host h ON h.id = o.host_id "
        "WHERE c.account = ? AND c.region = ? AND c.owner_id IS NULL AND c.is_wanted AND "
        "n.is_wanted AND s.build <> '' AND c.driver = '" UPDATE_DRIVER
        "' ORDER BY coalesce(r.name, ''), g.number, c.name, n.number";
    vec_of(struct built_node) nodes = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    while (query_next(&q))
        *vec_add(tx->arena, &nodes) = (struct built_node){
            .cluster_id = query_int(&q, 0),
            .group_id = query_int(&q, 1),
            .cluster = query_text(&q, 2),
            .group = query_text(&q, 3),
            .engine = query_text(&q, 4),
            .shard = query_text(&q, 5),
            .number = query_text(&q, 6),
            .build = query_text(&q, 7),
            .has_begun = query_int(&q, 8) != 0,
            .began_ms = query_int(&q, 9),
            .build_ms = query_int(&q, 10),
            .offered = build_offered(query_text(&q, 11)),
            .window = query_text(&q, 12),
            .created_ms = query_int(&q, 13),
            .engine_version = query_text(&q, 14),
            .takes_minor = query_int(&q, 15) != 0,
        };
    TRY(query_end(&q));
    *out = nodes.items;
    *out_count = nodes.count;
    return OK;
}

struct err store_built_nodes_of_host(struct store_tx *tx, const char *host_id,
                                     struct node_on_host **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT c.account, c.region, c.name, iif(c.notification_status = 'active', "
        "c.notification_topic, ''), n.number, s.build FROM node_goal g "
        "JOIN cache_node n ON n.id = g.node_id JOIN cache_cluster c ON c.id = n.cluster_id "
        "JOIN node_saw s ON s.node_id = n.id WHERE g.host_id = ? AND n.is_wanted AND c.is_wanted "
        "AND c.owner_id IS NULL AND s.build <> '' ORDER BY c.name, n.number";
    vec_of(struct node_on_host) nodes = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", host_id));
    while (query_next(&q))
        *vec_add(tx->arena, &nodes) = (struct node_on_host){
            .account = query_text(&q, 0),
            .region = query_text(&q, 1),
            .cluster = query_text(&q, 2),
            .topic = query_text(&q, 3),
            .number = query_text(&q, 4),
            .build = query_text(&q, 5),
        };
    TRY(query_end(&q));
    *out = nodes.items;
    *out_count = nodes.count;
    return OK;
}

/* --- actions --- */

struct err store_action_list(struct store_tx *tx, const char *account, const char *region,
                             struct update_action **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT a.id, a.build_id, coalesce(a.cluster_id, 0), coalesce(a.replication_group_id, 0), "
        "a.operation_id, a.applied_ms, a.stopped_ms, coalesce(o.state, p.state, '') = 'running', "
        "a.is_automatic "
        "FROM update_action a LEFT JOIN cache_cluster c ON c.id = a.cluster_id "
        "LEFT JOIN replication_group r ON r.id = a.replication_group_id "
        "LEFT JOIN operation o ON o.id = a.operation_id AND a.cluster_id IS NOT NULL "
        "LEFT JOIN group_operation p ON p.id = a.operation_id AND a.cluster_id IS NULL "
        "WHERE coalesce(c.account, r.account) = ? AND coalesce(c.region, r.region) = ? "
        "ORDER BY a.id";
    vec_of(struct update_action) actions = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    while (query_next(&q))
        *vec_add(tx->arena, &actions) = (struct update_action){
            .id = query_int(&q, 0),
            .update_id = query_int(&q, 1),
            .cluster_id = query_int(&q, 2),
            .group_id = query_int(&q, 3),
            .operation_id = query_int(&q, 4),
            .applied_ms = query_int(&q, 5),
            .stopped_ms = query_int(&q, 6),
            .is_running = query_int(&q, 7) != 0,
            .is_automatic = query_int(&q, 8) != 0,
        };
    TRY(query_end(&q));
    *out = actions.items;
    *out_count = actions.count;
    return OK;
}

struct err store_action_put(struct store_tx *tx, const struct update_action *a)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO update_action (build_id, cluster_id, replication_group_id, "
        "operation_id, applied_ms, is_automatic) VALUES (?, nullif(?, 0), nullif(?, 0), ?, ?, ?)";

    return query_run(tx, sql, "iiiiib", a->update_id, a->cluster_id, a->group_id, a->operation_id,
                     a->applied_ms, a->is_automatic);
}

struct err store_action_stop(struct store_tx *tx, int64_t id, int64_t now_ms)
{
    static const char sql[] = "UPDATE update_action SET stopped_ms = ? WHERE id = ?";

    return query_run(tx, sql, "ii", now_ms, id);
}
