/* Tables replication_group and group_goal; how a group is entered is written by access.c. */
#include "controlplane/store/groups.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/store/db.h"
#include "controlplane/store/serverless.h"

#define COLUMNS                                                                            \
    "id, account, region, name, description, cluster_mode, has_failover, is_multi_az, "    \
    "is_encrypted_at_rest, replication_user, replication_password, snapshotting_cluster, " \
    "next_shard, engine, engine_version, node_type, port, parameter_group, subnet_group, " \
    "security_groups, maintenance_window, snapshot_window, snapshot_retention, "           \
    "auto_minor_upgrade, notification_topic, notification_status, is_wanted, created_ms, " \
    "user_group, token_digests, token_modified_ms, access_revision, tls_mode, "            \
    "coalesce(owner_id, 0), owner_name, memory_least, memory_most, work_most, data_key, "  \
    "kms_key, parked, network_type, ip_discovery, is_token_rotated, driver, durability"

static void row_to_common(const struct query *q, int at, struct cluster *out)
{
    *out = (struct cluster){
        .account = query_text(q, 1),
        .region = query_text(q, 2),
        .name = query_text(q, 3),
        .engine = query_text(q, at),
        .engine_version = query_text(q, at + 1),
        .node_type = query_text(q, at + 2),
        .port = (int)query_int(q, at + 3),
        .az_mode = "cross-az",
        .preferred_zone = "",
        .parameter_group = query_text(q, at + 4),
        .subnet_group = query_text(q, at + 5),
        .security_groups = query_text(q, at + 6),
        .maintenance_window = query_text(q, at + 7),
        .snapshot_window = query_text(q, at + 8),
        .snapshot_retention = (int)query_int(q, at + 9),
        .auto_minor_upgrade = query_int(q, at + 10) != 0,
        .notification_topic = query_text(q, at + 11),
        .notification_status = query_text(q, at + 12),
    };
}

static void row_to_group(struct query *q, struct replication_group *out)
{
    *out = (struct replication_group){
        .id = query_int(q, 0),
        .account = query_text(q, 1),
        .region = query_text(q, 2),
        .name = query_text(q, 3),
        .description = query_text(q, 4),
        .has_failover = query_int(q, 6) != 0,
        .is_multi_az = query_int(q, 7) != 0,
        .is_encrypted_at_rest = query_int(q, 8) != 0,
        .user = query_text(q, 9),
        .password = query_text(q, 10),
        .snapshotting_cluster = query_text(q, 11),
        .next_shard = query_int(q, 12),
        .is_wanted = query_int(q, 26) != 0,
        .created_ms = query_int(q, 27),
        .entry = {.user_group = query_text(q, 28),
                  .has_token = *query_text(q, 29) != '\0',
                  .is_token_rotated = query_int(q, 43) != 0,
                  .token_modified_ms = query_int(q, 30),
                  .revision = query_int(q, 31)},
        .kms_key = query_text(q, 39),
    };
    row_to_common(q, 13, &out->common);
    out->common.data_key = query_text(q, 38);
    out->common.owner = (struct owner){query_int(q, 33), query_text(q, 34)};
    out->common.allotment =
        (struct allotment){query_int(q, 35), query_int(q, 36), query_int(q, 37)};
    out->common.parked = query_text(q, 40);
    query_reach(q, 41, &out->common.reach);
    out->common.driver = query_text(q, 44);
    if (!durability_parse(query_text(q, 45), &out->durability))
        q->error = err_make(ERR_CORRUPT, "a replication group has an unknown durability");
    if (!tls_mode_parse(query_text(q, 32), &out->common.tls))
        q->error = err_make(ERR_CORRUPT, "a replication group has an unknown mode of encryption");
    if (!cluster_mode_parse(query_text(q, 5), &out->mode))
        q->error = err_make(ERR_CORRUPT, "a replication group has an unknown cluster mode");
}

struct err store_group_insert(struct store_tx *tx, struct replication_group *g)
{
    static const char sql[] =
        "INSERT INTO replication_group (account, region, name, description, cluster_mode, "
        "has_failover, is_multi_az, is_encrypted_at_rest, replication_user, replication_password, "
        "snapshotting_cluster, next_shard, engine, engine_version, node_type, port, "
        "parameter_group, subnet_group, security_groups, maintenance_window, snapshot_window, "
        "snapshot_retention, auto_minor_upgrade, notification_topic, notification_status, "
        "is_wanted, created_ms, tls_mode, owner_id, memory_least, memory_most, work_most, "
        "data_key, kms_key, network_type, ip_discovery, driver, durability) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
    const struct cluster *c = &g->common;
    struct query q;

    TRY(query_start(
        &q, tx, sql,
        "ttttt"
        "bbb"
        "ttti"
        "ttti"
        "ttttt"
        "ib"
        "tt"
        "bit"
        "iiii"
        "tttttt",
        g->account, g->region, g->name, g->description, cluster_mode_name(g->mode), g->has_failover,
        g->is_multi_az, g->is_encrypted_at_rest, g->user, g->password, g->snapshotting_cluster,
        g->next_shard, c->engine, c->engine_version, c->node_type, (int64_t)c->port,
        c->parameter_group, c->subnet_group, c->security_groups, c->maintenance_window,
        c->snapshot_window, (int64_t)c->snapshot_retention, c->auto_minor_upgrade,
        c->notification_topic, c->notification_status, g->is_wanted, g->created_ms,
        tls_mode_name(c->tls), c->owner.id, c->allotment.least_bytes, c->allotment.most_bytes,
        c->allotment.work_most, c->data_key ? c->data_key : "", g->kms_key ? g->kms_key : "",
        network_type_name(c->reach.network), ip_family_name(c->reach.discovery),
        driver_name(c->driver), durability_name(g->durability)));
    if (query_next(&q))
        g->id = query_int(&q, 0);
    return query_end(&q);
}

struct err store_group_update(struct store_tx *tx, const struct replication_group *g)
{
    static const char sql[] =
        "UPDATE replication_group SET description = ?, cluster_mode = ?, has_failover = ?, "
        "is_multi_az = ?, is_encrypted_at_rest = ?, snapshotting_cluster = ?, next_shard = ?, "
        "engine = ?, engine_version = ?, node_type = ?, port = ?, parameter_group = ?, "
        "subnet_group = ?, security_groups = ?, maintenance_window = ?, snapshot_window = ?, "
        "snapshot_retention = ?, auto_minor_upgrade = ?, notification_topic = ?, "
        "notification_status = ?, is_wanted = ?, tls_mode = ?, memory_least = ?, memory_most = ?, "
        "work_most = ?, parked = ?, ip_discovery = ?, durability = ? WHERE id = ?";
    const struct cluster *c = &g->common;

    tx->has_wish = true;
    TRY(query_run(tx, sql,
                  "tt"
                  "bbb"
                  "ti"
                  "ttti"
                  "ttttt"
                  "ib"
                  "tt"
                  "bt"
                  "iiittti",
                  g->description, cluster_mode_name(g->mode), g->has_failover, g->is_multi_az,
                  g->is_encrypted_at_rest, g->snapshotting_cluster, g->next_shard, c->engine,
                  c->engine_version, c->node_type, (int64_t)c->port, c->parameter_group,
                  c->subnet_group, c->security_groups, c->maintenance_window, c->snapshot_window,
                  (int64_t)c->snapshot_retention, c->auto_minor_upgrade, c->notification_topic,
                  c->notification_status, g->is_wanted, tls_mode_name(c->tls),
                  c->allotment.least_bytes, c->allotment.most_bytes, c->allotment.work_most,
                  c->parked ? c->parked : "", ip_family_name(c->reach.discovery),
                  durability_name(g->durability), g->id));
    return query_changes(tx) ? OK : err_make(ERR_NOT_FOUND, "no such replication group");
}

/* Ends a query that gives one row or none. */
static struct err one_group(struct query *q, struct replication_group *out)
{
    bool is_found = query_next(q);
    if (is_found)
        row_to_group(q, out);
    TRY(query_end(q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such replication group");
}

struct err store_group_find(struct store_tx *tx, const char *account, const char *region,
                            const char *name, struct replication_group *out)
{
    static const char sql[] =
        "SELECT " COLUMNS
        " FROM replication_group_view WHERE account = ? AND region = ? AND name = ? "
        "AND owner_id IS NULL";
    struct query q;
    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    return one_group(&q, out);
}

struct err store_group_get(struct store_tx *tx, int64_t id, struct replication_group *out)
{
    static const char sql[] = "SELECT " COLUMNS " FROM replication_group_view WHERE id = ?";
    struct query q;
    TRY(query_start(&q, tx, sql, "i", id));
    return one_group(&q, out);
}

static struct err all_groups(struct query *q, struct replication_group **out, size_t *out_count)
{
    vec_of(struct replication_group) groups = VEC_EMPTY;

    while (query_next(q))
        row_to_group(q, vec_add(q->tx->arena, &groups));
    TRY(query_end(q));
    *out = groups.items;
    *out_count = groups.count;
    return OK;
}

struct err store_group_list(struct store_tx *tx, const char *account, const char *region,
                            const char *after, int limit, struct replication_group **out,
                            size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM replication_group_view WHERE account = ? AND "
        "region = ? AND name > ? AND owner_id IS NULL ORDER BY name LIMIT ?";
    struct query q;
    TRY(query_start(&q, tx, sql, "ttti", account, region, after, (int64_t)limit));
    return all_groups(&q, out, out_count);
}

struct err store_group_list_of(struct store_tx *tx, const int64_t *ids, size_t count,
                               struct replication_group **out, size_t *out_count)
{
    static const char sql[] = "SELECT " COLUMNS " FROM replication_group_view WHERE id IN "
                              "(SELECT value FROM json_each(?)) ORDER BY id";
    struct query q;
    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, ids, count)));
    return all_groups(&q, out, out_count);
}

struct err store_group_list_owned(struct store_tx *tx, const int64_t *owners, size_t count,
                                  struct replication_group **out, size_t *out_count)
{
    static const char sql[] = "SELECT " COLUMNS " FROM replication_group_view WHERE owner_id IN "
                              "(SELECT value FROM json_each(?)) ORDER BY owner_id";
    struct query q;
    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, owners, count)));
    return all_groups(&q, out, out_count);
}

struct err store_group_remove(struct store_tx *tx, int64_t id, const char *arn)
{
    static const char tags[] = "DELETE FROM tag WHERE arn = ?";
    static const char group[] = "DELETE FROM replication_group WHERE id = ?";

    TRY(query_run(tx, tags, "t", arn));
    return query_run(tx, group, "i", id);
}

/* --- goals --- */

struct err store_topology_get(struct store_tx *tx, int64_t group_id, struct topology *out)
{
    static const char sql[] =
        "SELECT epoch, topology, told_ms, due_ms FROM group_goal WHERE group_id = ?";
    struct query q;

    *out = (struct topology){.words = ""};
    TRY(query_start(&q, tx, sql, "i", group_id));
    if (query_next(&q))
        *out = (struct topology){.epoch = query_int(&q, 0),
                                 .words = query_text(&q, 1),
                                 .told_ms = query_int(&q, 2),
                                 .due_ms = query_int(&q, 3)};
    return query_end(&q);
}

struct err store_topology_set(struct store_tx *tx, int64_t group_id, const struct topology *t)
{
    static const char sql[] =
        "INSERT INTO group_goal (group_id, epoch, topology, told_ms, due_ms) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (group_id) DO UPDATE SET epoch = excluded.epoch, topology = excluded.topology, "
        "told_ms = excluded.told_ms, due_ms = excluded.due_ms";

    TRY(query_run(tx, sql, "iitii", group_id, t->epoch, t->words, t->told_ms, t->due_ms));
    return t->due_ms ? OK : hosts_raise(tx, group_id);
}
