/* Tables snapshot_file, node_seed and snapshot_export: what lies in files, and where it goes. */
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/snapshots.h"

static struct err all_ids(struct query *q, int64_t **out, size_t *out_count)
{
    vec_of(int64_t) ids = VEC_EMPTY;

    while (query_next(q))
        *vec_add(q->tx->arena, &ids) = query_int(q, 0);
    TRY(query_end(q));
    *out = ids.items;
    *out_count = ids.count;
    return OK;
}

/* --- files --- */

struct err store_part_keep(struct store_tx *tx, int64_t part_id, const struct kept_bytes *kept,
                           int64_t now_ms, int64_t *out_id)
{
    static const char insert[] =
        "INSERT INTO snapshot_file (bytes, sha256, data_key, kms_key) VALUES (?, ?, ?, coalesce("
        "(SELECT s.kms_key FROM snapshot_part p JOIN snapshot s ON s.id = p.snapshot_id "
        "WHERE p.id = ?), '')) RETURNING id";
    /* What is kept once more was taken when it was taken. */
    static const char update[] = "UPDATE snapshot_part SET taken_ms = iif(file_id IS NULL, ?2, "
                                 "taken_ms), file_id = ?1 WHERE id = ?3";
    struct query q;

    TRY(query_start(&q, tx, insert, "itti", kept->bytes, kept->sha256, kept->data_key, part_id));
    if (query_next(&q))
        *out_id = query_int(&q, 0);
    TRY(query_end(&q));
    store_touch_snapshots(tx);
    return query_run(tx, update, "iii", *out_id, now_ms, part_id);
}

struct err store_file_unused(struct store_tx *tx, int limit, int64_t **out, size_t *out_count)
{
    static const char sql[] = "SELECT f.id FROM snapshot_file f WHERE NOT EXISTS "
                              "(SELECT 1 FROM snapshot_part p WHERE p.file_id = f.id) LIMIT ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", (int64_t)limit));
    return all_ids(&q, out, out_count);
}

struct err store_file_remove(struct store_tx *tx, int64_t id)
{
    static const char sql[] = "DELETE FROM snapshot_file WHERE id = ?";
    return query_run(tx, sql, "i", id);
}

struct err store_file_ids(struct store_tx *tx, int64_t **out, size_t *out_count)
{
    static const char sql[] = "SELECT id FROM snapshot_file ORDER BY id";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    return all_ids(&q, out, out_count);
}

/* --- seeds --- */

struct err store_seed_insert(struct store_tx *tx, int64_t node_id, int64_t part_id,
                             const char *slots)
{
    static const char sql[] = "INSERT INTO node_seed (node_id, part_id, slots) VALUES (?, ?, ?)";

    store_touch_snapshots(tx);
    return query_run(tx, sql, "iit", node_id, part_id, slots);
}

struct err store_node_first_of_shard(struct store_tx *tx, int64_t shard_id, int64_t *out)
{
    static const char sql[] =
        "SELECT n.id FROM cache_cluster c JOIN cache_node n "
        "ON n.cluster_id = c.id WHERE c.node_group_id = ? ORDER BY c.id LIMIT 1";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", shard_id));
    bool is_found = query_next(&q);
    if (is_found)
        *out = query_int(&q, 0);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "the shard has no members");
}

struct err store_seed_list_of_host(struct store_tx *tx, const char *host_id, struct node_seed **out,
                                   size_t *out_count)
{
    static const char sql[] =
        "SELECT d.node_id, d.slots, p.id, coalesce(p.file_id, 0), coalesce(f.bytes, 0), "
        "coalesce(f.sha256, '') FROM node_goal g JOIN node_seed d ON d.node_id = g.node_id "
        "JOIN snapshot_part p ON p.id = d.part_id LEFT JOIN snapshot_file f ON f.id = p.file_id "
        "WHERE g.host_id = ? ORDER BY d.node_id, p.id";
    vec_of(struct node_seed) all = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", host_id));
    while (query_next(&q))
        *vec_add(tx->arena, &all) = (struct node_seed){
            .node_id = query_int(&q, 0),
            .slots = query_text(&q, 1),
            .part = {.id = query_int(&q, 2),
                     .file_id = query_int(&q, 3),
                     .bytes = query_int(&q, 4),
                     .sha256 = query_text(&q, 5)},
        };
    TRY(query_end(&q));
    *out = all.items;
    *out_count = all.count;
    return OK;
}

struct err store_seed_has(struct store_tx *tx, int64_t node_id, bool *out)
{
    static const char sql[] = "SELECT 1 FROM node_seed WHERE node_id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", node_id));
    *out = query_next(&q);
    return query_end(&q);
}

/* Nodes whose cache is made: what they were to begin with is in their memory. */
static struct err settled_nodes(struct store_tx *tx, int64_t **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT DISTINCT d.node_id FROM node_seed d JOIN cache_node n ON n.id = d.node_id "
        "JOIN cache_cluster c ON c.id = n.cluster_id WHERE NOT EXISTS (SELECT 1 FROM operation o "
        "WHERE o.cluster_id = c.id AND o.kind = 'create' AND o.state <> 'done') "
        "AND NOT EXISTS (SELECT 1 FROM group_operation o WHERE o.group_id = c.group_id "
        "AND o.kind = 'create' AND o.state <> 'done')";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    return all_ids(&q, out, out_count);
}

static struct err any_left(struct store_tx *tx, bool *out)
{
    static const char sql[] = "SELECT 1 FROM node_seed LIMIT 1";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    *out = query_next(&q);
    return query_end(&q);
}

struct err store_seed_settle(struct store_tx *tx, bool *out_is_left)
{
    static const char forget[] = "DELETE FROM node_seed WHERE node_id = ?";
    static const char imports[] =
        "DELETE FROM snapshot WHERE owner = '" SNAPSHOT_OWNER_IMPORT "' AND NOT EXISTS "
        "(SELECT 1 FROM snapshot_part p JOIN node_seed d ON d.part_id = p.id "
        "WHERE p.snapshot_id = snapshot.id)";
    int64_t *ids;
    size_t count;

    TRY(settled_nodes(tx, &ids, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(query_run(tx, forget, "i", ids[i]));
        TRY(host_raise_of_node(tx, ids[i]));
    }
    TRY(query_run(tx, imports, ""));
    if (count > 0)
        store_touch_snapshots(tx);
    return any_left(tx, out_is_left);
}

/* Ends the creates that wait for the snapshot: the reconciler tells why. */
struct err store_seed_fail(struct store_tx *tx, int64_t snapshot_id, const char *why)
{
    static const char clusters[] =
        "UPDATE operation SET deadline_ms = 0, why = ?2 WHERE kind = 'create' "
        "AND state = 'running' AND cluster_id IN (SELECT n.cluster_id FROM snapshot_part p "
        "JOIN node_seed d ON d.part_id = p.id JOIN cache_node n ON n.id = d.node_id "
        "WHERE p.snapshot_id = ?1)";
    static const char groups[] =
        "UPDATE group_operation SET deadline_ms = 0, why = ?2 WHERE kind = 'create' "
        "AND state = 'running' AND group_id IN (SELECT c.group_id FROM snapshot_part p "
        "JOIN node_seed d ON d.part_id = p.id JOIN cache_node n ON n.id = d.node_id "
        "JOIN cache_cluster c ON c.id = n.cluster_id WHERE p.snapshot_id = ?1)";

    TRY(query_run(tx, clusters, "it", snapshot_id, why));
    TRY(query_run(tx, groups, "it", snapshot_id, why));
    store_touch_all(tx);
    return store_snapshot_set_state(tx, snapshot_id, SNAPSHOT_FAILED, why);
}

struct err store_seed_arrived(struct store_tx *tx, int64_t part_id)
{
    static const char sql[] = "SELECT node_id FROM node_seed WHERE part_id = ?";
    struct query q;
    int64_t *ids;
    size_t count;

    TRY(query_start(&q, tx, sql, "i", part_id));
    TRY(all_ids(&q, &ids, &count));
    for (size_t i = 0; i < count; i++)
        TRY(host_raise_of_node(tx, ids[i]));
    store_touch_snapshots(tx);
    return OK;
}

/* --- exports --- */

struct err store_export_insert(struct store_tx *tx, const struct snapshot_export *x, int64_t now_ms)
{
    static const char sql[] = "INSERT INTO snapshot_export (snapshot_id, bucket, name, created_ms) "
                              "VALUES (?, ?, ?, ?)";

    store_touch_snapshots(tx);
    return query_run(tx, sql, "itti", x->snapshot_id, x->bucket, x->name, now_ms);
}

struct err store_export_next(struct store_tx *tx, struct snapshot_export *out)
{
    static const char sql[] =
        "SELECT id, snapshot_id, bucket, name FROM snapshot_export ORDER BY id LIMIT 1";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    bool is_found = query_next(&q);
    if (is_found)
        *out = (struct snapshot_export){query_int(&q, 0), query_int(&q, 1), query_text(&q, 2),
                                        query_text(&q, 3)};
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "nothing is to be exported");
}

struct err store_export_remove(struct store_tx *tx, int64_t id)
{
    static const char sql[] = "DELETE FROM snapshot_export WHERE id = ?";
    return query_run(tx, sql, "i", id);
}
