/* Tables snapshot and snapshot_part: what was taken, and who is to give what. */
#include "controlplane/store/snapshots.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/network.h"

#include <string.h>

/* --- snapshots --- */

#define RUNNING_CREATE                                                                    \
    "(EXISTS (SELECT 1 FROM operation o WHERE o.cluster_id = c.id AND o.kind = 'create' " \
    "AND o.state = 'running') OR EXISTS (SELECT 1 FROM group_operation o "                \
    "WHERE o.group_id = c.group_id AND o.kind = 'create' AND o.state = 'running'))"

/* An automatic one is kept as its source says now; of a source that is gone, no longer. */
#define EXPIRES                                                                               \
    "iif(is_automatic, created_ms + 86400000 * coalesce((SELECT g.snapshot_retention "        \
    "FROM replication_group g WHERE g.id = snapshot.group_id), (SELECT c.snapshot_retention " \
    "FROM cache_cluster c WHERE c.id = snapshot.cluster_id), 0), 0)"

#define SNAPSHOT_SELECT                                                                                                                                                      \
    "SELECT id, owner, account, region, name, is_automatic, is_final, state, why, group_id, "                                                                                \
    "cluster_id, group_name, description, cluster_name, cluster_mode, has_failover, "                                                                                        \
    "is_encrypted_at_rest, engine, engine_version, node_type, port, parameter_group, "                                                                                       \
    "subnet_group, maintenance_window, snapshot_window, snapshot_retention, auto_minor_upgrade, "                                                                            \
    "notification_topic, preferred_zone, source_created_ms, created_ms, "                                                                                                    \
    "EXISTS (SELECT 1 FROM snapshot_part p JOIN node_seed d ON d.part_id = p.id "                                                                                            \
    "JOIN cache_node n ON n.id = d.node_id JOIN cache_cluster c ON c.id = n.cluster_id "                                                                                     \
    "WHERE p.snapshot_id = snapshot.id AND " RUNNING_CREATE "), "                                                                                                            \
    "EXISTS (SELECT 1 FROM snapshot_export x WHERE x.snapshot_id = snapshot.id), " EXPIRES                                                                                   \
    ", kms_key, vpc_id, EXISTS (SELECT 1 FROM snapshot_part p JOIN snapshot_file f ON f.id = p.file_id WHERE p.snapshot_id = snapshot.id AND f.kms_key <> snapshot.kms_key)" \
    " FROM snapshot "

static void row_to_snapshot(struct query *q, struct snapshot *out)
{
    *out = (struct snapshot){
        .id = query_int(q, 0),
        .owner = query_text(q, 1),
        .account = query_text(q, 2),
        .region = query_text(q, 3),
        .name = query_text(q, 4),
        .is_automatic = query_int(q, 5) != 0,
        .is_final = query_int(q, 6) != 0,
        .why = query_text(q, 8),
        .group_id = query_int(q, 9),
        .cluster_id = query_int(q, 10),
        .group_name = query_text(q, 11),
        .description = query_text(q, 12),
        .cluster_name = query_text(q, 13),
        .has_failover = query_int(q, 15) != 0,
        .is_encrypted_at_rest = query_int(q, 16) != 0,
        .source = {.engine = query_text(q, 17),
                   .engine_version = query_text(q, 18),
                   .node_type = query_text(q, 19),
                   .port = (int)query_int(q, 20),
                   .parameter_group = query_text(q, 21),
                   .subnet_group = query_text(q, 22),
                   .maintenance_window = query_text(q, 23),
                   .snapshot_window = query_text(q, 24),
                   .snapshot_retention = (int)query_int(q, 25),
                   .auto_minor_upgrade = query_int(q, 26) != 0,
                   .notification_topic = query_text(q, 27),
                   .preferred_zone = query_text(q, 28),
                   .created_ms = query_int(q, 29)},
        .created_ms = query_int(q, 30),
        .is_restoring = query_int(q, 31) != 0,
        .is_exporting = query_int(q, 32) != 0,
        .expires_ms = query_int(q, 33),
        .kms_key = query_text(q, 34),
        .vpc_id = query_text(q, 35),
        .is_copying = query_int(q, 36) != 0,
    };
    if (!snapshot_state_parse(query_text(q, 7), &out->state) ||
        !cluster_mode_parse(query_text(q, 14), &out->mode))
        q->error = err_make(ERR_CORRUPT, "a snapshot has an unknown state or mode");
}

struct err store_snapshot_insert(struct store_tx *tx, struct snapshot *s)
{
    static const char sql[] =
        "INSERT INTO snapshot (owner, account, region, name, is_automatic, is_final, state, why, "
        "group_id, cluster_id, group_name, description, cluster_name, cluster_mode, has_failover, "
        "is_encrypted_at_rest, engine, engine_version, node_type, port, parameter_group, "
        "subnet_group, maintenance_window, snapshot_window, snapshot_retention, "
        "auto_minor_upgrade, notification_topic, preferred_zone, source_created_ms, created_ms, "
        "kms_key, vpc_id) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?) RETURNING id";
    const struct cluster *c = &s->source;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttttbbttiittttbbtttittttibttiitt", s->owner, s->account,
                    s->region, s->name, s->is_automatic, s->is_final, snapshot_state_name(s->state),
                    s->why, s->group_id, s->cluster_id, s->group_name, s->description,
                    s->cluster_name, cluster_mode_name(s->mode), s->has_failover,
                    s->is_encrypted_at_rest, c->engine, c->engine_version, c->node_type,
                    (int64_t)c->port, c->parameter_group, c->subnet_group, c->maintenance_window,
                    c->snapshot_window, (int64_t)c->snapshot_retention, c->auto_minor_upgrade,
                    c->notification_topic, c->preferred_zone, c->created_ms, s->created_ms,
                    s->kms_key ? s->kms_key : "", s->vpc_id ? s->vpc_id : ""));
    if (query_next(&q))
        s->id = query_int(&q, 0);
    store_touch_snapshots(tx);
    return query_end(&q);
}

static struct err one_snapshot(struct query *q, struct snapshot *out)
{
    bool is_found = query_next(q);

    if (is_found)
        row_to_snapshot(q, out);
    TRY(query_end(q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such snapshot");
}

struct err store_snapshot_find(struct store_tx *tx, const char *account, const char *region,
                               const char *owner, const char *name, struct snapshot *out)
{
    static const char sql[] =
        SNAPSHOT_SELECT "WHERE account = ? AND region = ? AND owner = ? AND name = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "tttt", account, region, owner, name));
    return one_snapshot(&q, out);
}

struct err store_snapshot_get(struct store_tx *tx, int64_t id, struct snapshot *out)
{
    static const char sql[] = SNAPSHOT_SELECT "WHERE id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", id));
    return one_snapshot(&q, out);
}

static struct err all_snapshots(struct query *q, struct snapshot **out, size_t *out_count)
{
    vec_of(struct snapshot) all = VEC_EMPTY;

    while (query_next(q))
        row_to_snapshot(q, vec_add(q->tx->arena, &all));
    TRY(query_end(q));
    *out = all.items;
    *out_count = all.count;
    return OK;
}

struct err store_snapshot_list(struct store_tx *tx, const struct snapshot_query *q,
                               struct snapshot **out, size_t *out_count)
{
    static const char sql[] = SNAPSHOT_SELECT
        "WHERE account = ?1 AND region = ?2 AND owner = ?3 AND name > ?4 AND (?5 = '' OR name = ?5) "
        "AND (?6 = '' OR group_name = ?6) AND (?7 = '' OR cluster_name = ?7 OR id IN "
        "(SELECT snapshot_id FROM snapshot_part WHERE cluster_name = ?7)) "
        "AND (?8 = '' OR is_automatic = (?8 = 'system')) ORDER BY name LIMIT ?9";
    struct query rows;

    TRY(query_start(&rows, tx, sql,
                    "ttttttt"
                    "ti",
                    q->account, q->region, q->owner, q->after, q->name, q->group_name,
                    q->cluster_name, q->source, (int64_t)q->limit));
    return all_snapshots(&rows, out, out_count);
}

struct err store_snapshot_creating(struct store_tx *tx, struct snapshot **out, size_t *out_count)
{
    static const char sql[] = SNAPSHOT_SELECT
        "WHERE state = 'creating' AND owner <> '" SNAPSHOT_OWNER_IMPORT "' ORDER BY id";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    return all_snapshots(&q, out, out_count);
}

struct err store_snapshot_set_state(struct store_tx *tx, int64_t id, enum snapshot_state state,
                                    const char *why)
{
    static const char sql[] = "UPDATE snapshot SET state = ?, why = ? WHERE id = ?";

    store_touch_snapshots(tx);
    return query_run(tx, sql, "tti", snapshot_state_name(state), why, id);
}

struct err store_snapshot_remove(struct store_tx *tx, const struct snapshot *s, const char *arn)
{
    static const char sql[] = "DELETE FROM snapshot WHERE id = ?";

    store_touch_snapshots(tx);
    TRY(store_tag_clear(tx, arn));
    return query_run(tx, sql, "i", s->id);
}

struct err store_snapshot_count(struct store_tx *tx, int64_t group_id, int64_t cluster_id,
                                int64_t since_ms, int64_t *out)
{
    static const char sql[] = "SELECT count(*) FROM snapshot WHERE group_id = ? AND cluster_id = ? "
                              "AND NOT is_automatic AND created_ms > ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "iii", group_id, cluster_id, since_ms));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

struct err store_snapshot_expired(struct store_tx *tx, int64_t now_ms, struct snapshot **out,
                                  size_t *out_count)
{
    static const char sql[] =
        SNAPSHOT_SELECT "WHERE is_automatic AND state = 'available' AND " EXPIRES " <= ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", now_ms));
    return all_snapshots(&q, out, out_count);
}

/* --- parts --- */

#define PART_COLUMNS                                                                              \
    "p.id, p.snapshot_id, p.number, p.slots, p.cluster_name, p.replicas, p.shard_id, p.node_id, " \
    "p.task_id, p.node_created_ms, p.attempts, p.taken_ms, p.origin, coalesce(p.file_id, 0), "    \
    "coalesce(f.bytes, 0), coalesce(f.sha256, ''), coalesce(f.data_key, '') "

#define PART_SELECT \
    "SELECT " PART_COLUMNS "FROM snapshot_part p LEFT JOIN snapshot_file f ON f.id = p.file_id "

static void row_to_part(const struct query *q, int at, struct snapshot_part *out)
{
    *out = (struct snapshot_part){
        .id = query_int(q, at),
        .snapshot_id = query_int(q, at + 1),
        .number = query_text(q, at + 2),
        .slots = query_text(q, at + 3),
        .cluster_name = query_text(q, at + 4),
        .replicas = query_int(q, at + 5),
        .shard_id = query_int(q, at + 6),
        .node_id = query_int(q, at + 7),
        .task_id = query_int(q, at + 8),
        .node_created_ms = query_int(q, at + 9),
        .attempts = (int)query_int(q, at + 10),
        .taken_ms = query_int(q, at + 11),
        .origin = query_text(q, at + 12),
        .file_id = query_int(q, at + 13),
        .bytes = query_int(q, at + 14),
        .sha256 = query_text(q, at + 15),
        .data_key = query_text(q, at + 16),
    };
}

struct err store_part_insert(struct store_tx *tx, struct snapshot_part *p)
{
    static const char sql[] =
        "INSERT INTO snapshot_part (snapshot_id, number, slots, cluster_name, replicas, shard_id, "
        "node_created_ms, taken_ms, origin, file_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "nullif(?, 0)) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "itttiiiiti", p->snapshot_id, p->number, p->slots, p->cluster_name,
                    p->replicas, p->shard_id, p->node_created_ms, p->taken_ms, p->origin,
                    p->file_id));
    if (query_next(&q))
        p->id = query_int(&q, 0);
    return query_end(&q);
}

static struct err all_parts(struct query *q, struct snapshot_part_list *out)
{
    vec_of(struct snapshot_part) all = VEC_EMPTY;

    while (query_next(q))
        row_to_part(q, 0, vec_add(q->tx->arena, &all));
    TRY(query_end(q));
    *out = (struct snapshot_part_list){all.items, all.count};
    return OK;
}

static struct err one_part(struct query *q, struct snapshot_part *out)
{
    bool is_found = query_next(q);

    if (is_found)
        row_to_part(q, 0, out);
    TRY(query_end(q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such part of a snapshot");
}

struct err store_part_list(struct store_tx *tx, const int64_t *snapshot_ids, size_t count,
                           struct snapshot_part_list *out)
{
    static const char sql[] = PART_SELECT
        "WHERE p.snapshot_id IN (SELECT value FROM json_each(?)) ORDER BY p.snapshot_id, p.number";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, snapshot_ids, count)));
    return all_parts(&q, out);
}

struct err store_part_get(struct store_tx *tx, int64_t id, struct snapshot_part *out)
{
    static const char sql[] = PART_SELECT "WHERE p.id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", id));
    return one_part(&q, out);
}

struct err store_part_assign(struct store_tx *tx, const struct snapshot_part *p)
{
    static const char sql[] =
        "UPDATE snapshot_part SET node_id = ?, task_id = ?, attempts = ?, cluster_name = ?, "
        "node_created_ms = ? WHERE id = ?";

    return query_run(tx, sql, "iiitii", p->node_id, p->task_id, (int64_t)p->attempts,
                     p->cluster_name, p->node_created_ms, p->id);
}

struct err store_part_of_task(struct store_tx *tx, int64_t task_id, struct snapshot_part *out)
{
    static const char sql[] = PART_SELECT "WHERE p.task_id = ? AND p.task_id <> 0 "
                                          "AND p.file_id IS NULL";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", task_id));
    return one_part(&q, out);
}

struct err store_part_wanted(struct store_tx *tx, struct snapshot_part_list *out)
{
    static const char sql[] = PART_SELECT "JOIN snapshot s ON s.id = p.snapshot_id "
                                          "WHERE p.origin <> '' AND p.file_id IS NULL "
                                          "AND s.state = 'creating' ORDER BY p.id";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    return all_parts(&q, out);
}

struct err store_part_miskeyed(struct store_tx *tx, struct snapshot_part_list *out)
{
    static const char sql[] = PART_SELECT "JOIN snapshot s ON s.id = p.snapshot_id "
                                          "WHERE f.kms_key <> s.kms_key "
                                          "AND s.state = 'available' ORDER BY p.id";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    return all_parts(&q, out);
}

/* --- taking one --- */

static struct err vpc_of(struct store_tx *tx, const struct snapshot *s, const char **out)
{
    struct subnet_group g;
    struct err e = store_subnet_group_find(tx, s->account, s->region, s->source.subnet_group, &g);

    *out = err_failed(e) ? "" : g.vpc_id;
    return err_is(e, ERR_NOT_FOUND) ? OK : e;
}

static struct err take(struct store_tx *tx, const struct snapshot_order *order, struct snapshot *s)
{
    TRY(vpc_of(tx, s, &s->vpc_id));
    s->kms_key = order->kms_key ? order->kms_key : "";
    s->owner = order->owner;
    s->name = order->name;
    s->is_automatic = order->is_automatic;
    s->is_final = order->is_final;
    s->state = SNAPSHOT_CREATING;
    s->why = "";
    s->created_ms = order->now_ms;
    return store_snapshot_insert(tx, s);
}

static struct err add_shards(struct store_tx *tx, const struct replication_group *g,
                             const struct snapshot_order *order, const struct snapshot *s)
{
    struct shard_list shards;
    struct cluster *members;
    size_t count;

    TRY(store_shard_list(tx, &g->id, 1, &shards));
    TRY(store_group_members(tx, &g->id, 1, &members, &count));
    for (size_t i = 0; i < shards.count; i++) {
        const struct shard *shard = &shards.items[i];
        struct snapshot_part p = {.snapshot_id = s->id,
                                  .number = shard->number,
                                  .slots = g->mode == CLUSTER_MODE_ENABLED ? shard->slots : "",
                                  .cluster_name = order->member_name,
                                  .shard_id = shard->id,
                                  .replicas = -1,
                                  .origin = ""};
        if (!shard->is_wanted)
            continue;
        for (size_t k = 0; k < count; k++)
            p.replicas += members[k].is_wanted && members[k].shard_id == shard->id;
        TRY(store_part_insert(tx, &p));
    }
    return OK;
}

struct err store_snapshot_take_group(struct store_tx *tx, const struct replication_group *g,
                                     const struct snapshot_order *order, struct snapshot *out)
{
    struct snapshot s = {
        .account = g->account,
        .region = g->region,
        .group_id = g->id,
        .group_name = g->common.owner.id ? g->common.owner.name : g->name,
        .description = g->description,
        .cluster_name = "",
        .mode = g->mode,
        .has_failover = g->has_failover,
        .is_encrypted_at_rest = g->is_encrypted_at_rest,
        .source = g->common,
    };
    struct group_operation o = {.kind = GROUP_SNAPSHOT,
                                .group_id = g->id,
                                .state = OPERATION_RUNNING,
                                .why = "",
                                .created_ms = order->now_ms,
                                .deadline_ms = INT64_MAX};

    s.source.preferred_zone = "";
    s.source.created_ms = g->created_ms;
    TRY(take(tx, order, &s));
    TRY(add_shards(tx, g, order, &s));
    o.data = arena_printf(tx->arena, "%lld", (long long)s.id);
    if (!order->is_final)
        TRY(store_group_operation_insert(tx, &o));
    *out = s;
    return OK;
}

/* That was asked for, or that its node is in. */
static struct err zone_of(struct store_tx *tx, const struct cluster *c, const char **out)
{
    struct node_list nodes;

    *out = c->preferred_zone;
    if (**out)
        return OK;
    TRY(store_node_list(tx, c->id, &nodes));
    for (size_t i = 0; i < nodes.count && !**out; i++)
        *out = nodes.items[i].host_zone;
    return OK;
}

struct err store_snapshot_take_cluster(struct store_tx *tx, const struct cluster *c,
                                       const struct snapshot_order *order, struct snapshot *out)
{
    struct snapshot s = {
        .account = c->account,
        .region = c->region,
        .cluster_id = c->id,
        .group_name = c->owner.id ? c->owner.name : "",
        .description = "",
        .cluster_name = c->owner.id ? "" : c->name,
        .source = *c,
    };
    struct operation o = {.kind = OPERATION_SNAPSHOT,
                          .cluster_id = c->id,
                          .state = OPERATION_RUNNING,
                          .why = "",
                          .created_ms = order->now_ms,
                          .deadline_ms = INT64_MAX};

    TRY(zone_of(tx, c, &s.source.preferred_zone));
    TRY(take(tx, order, &s));
    struct snapshot_part p = {
        .snapshot_id = s.id, .number = "", .slots = "", .cluster_name = c->name, .origin = ""};
    TRY(store_part_insert(tx, &p));
    o.data = arena_printf(tx->arena, "%lld", (long long)s.id);
    if (!order->is_final)
        TRY(store_operation_insert(tx, &o));
    store_touch_cluster(tx, c->id);
    *out = s;
    return OK;
}
