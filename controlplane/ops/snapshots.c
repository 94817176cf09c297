/* Taking snapshots and beginning with them, for the handlers of clusters and groups alike. */
#include "controlplane/ops/snapshots.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/buckets.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/slots.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/store/snapshots.h"

#include <string.h>

#define DAY_MS (24 * 3600 * (int64_t)1000)

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)
#define VALUE(...)       fault(c, FAULT_INVALID_PARAMETER_VALUE, __VA_ARGS__)

const struct snapshot_family snapshots_of_nodes = {
    .owner = "",
    .noun = "Snapshot",
    .member = "SnapshotName",
    .per_day = SNAPSHOTS_PER_DAY,
    .not_found = FAULT_SNAPSHOT_NOT_FOUND,
    .exists = FAULT_SNAPSHOT_ALREADY_EXISTS,
    .quota = FAULT_SNAPSHOT_QUOTA_EXCEEDED,
    .state = FAULT_INVALID_SNAPSHOT_STATE,
};

const struct snapshot_family snapshots_of_serverless = {
    .owner = SNAPSHOT_OWNER_SERVERLESS,
    .noun = "ServerlessCacheSnapshot",
    .member = "ServerlessCacheSnapshotName",
    .per_day = SNAPSHOTS_PER_DAY_SERVERLESS,
    .limits_copies = true,
    .not_found = FAULT_SERVERLESS_CACHE_SNAPSHOT_NOT_FOUND,
    .exists = FAULT_SERVERLESS_CACHE_SNAPSHOT_ALREADY_EXISTS,
    .quota = FAULT_SERVERLESS_CACHE_SNAPSHOT_QUOTA_EXCEEDED,
    .state = FAULT_INVALID_SERVERLESS_CACHE_SNAPSHOT_STATE,
};

/* --- finding --- */

struct err snapshots_find(struct call *c, const struct snapshot_family *f, const char *name,
                          struct snapshot *out)
{
    const char *folded = name_fold(c->arena, name ? name : "");
    struct err e =
        store_snapshot_find(c->tx, c->caller->account, c->caller->region, f->owner, folded, out);

    if (err_is(e, ERR_NOT_FOUND))
        return fault(c, f->not_found, "%s not found: %s", f->noun, folded);
    return e;
}

struct err snapshots_find_available(struct call *c, const struct snapshot_family *f,
                                    const char *name, struct snapshot *out)
{
    struct snapshot s;

    TRY(snapshots_find(c, f, name, &s));
    if (strcmp(snapshot_status_word(&s), "available") != 0)
        return fault(c, f->state,
                     "Snapshot %s has status %s. Only available snapshots can be copied.", s.name,
                     snapshot_status_word(&s));
    *out = s;
    return OK;
}

/* --- taking --- */

static const char *arn_of(struct call *c, const char *type, const char *name)
{
    return arn_make(c->arena, c->caller->region, c->caller->account, type, name);
}

/* What users know the source as. */
static const char *source_arn(struct call *c, const struct owner *owner, const char *type,
                              const char *name)
{
    return owner->id ? arn_of(c, "serverlesscache", owner->name) : arn_of(c, type, name);
}

static struct err check_quota(struct call *c, const struct snapshot_family *f, int64_t group_id,
                              int64_t cluster_id)
{
    int64_t count = 0;

    TRY(store_snapshot_count(c->tx, group_id, cluster_id, c->now_ms - DAY_MS, &count));
    if (count < f->per_day)
        return OK;
    return fault(
        c, f->quota,
        "The maximum number of manual snapshots for this cluster taken within 24 hours has "
        "been reached");
}

/* The request's tags, else those of the source. */
static struct err put_tags(struct call *c, const struct ec_tag_list *in, const struct snapshot *s,
                           const char *source_arn)
{
    struct tag *tags = in ? tagging_from_wire(c, in) : NULL;
    size_t count = in ? in->count : 0;

    TRY(tags_check(c->arena, tags, count));
    TRY(tags_check_quota(NULL, 0, tags, count));
    if (count == 0)
        TRY(store_tag_list(c->tx, source_arn, &tags, &count));
    return tagging_put(c, snapshot_arn(c->arena, s), tags, count);
}

static struct err open_order(struct call *c, const struct snapshot_family *f,
                             const struct snapshot_wish *wish, struct snapshot_order *out)
{
    if (!wish->is_automatic)
        TRY(name_check(c->arena, f->member, wish->name, SNAPSHOT_NAME_MAX));
    *out = (struct snapshot_order){
        .name = name_fold(c->arena, wish->name),
        .owner = f->owner,
        .member_name = wish->member_name ? wish->member_name : "",
        .kms_key = member_has_text(wish->kms_key) ? wish->kms_key : "",
        .is_final = wish->is_final,
        .is_automatic = wish->is_automatic,
        .now_ms = c->now_ms,
    };
    return OK;
}

static struct err taken(struct call *c, const struct snapshot_family *f, struct err e,
                        const char *name)
{
    if (err_is(e, ERR_EXISTS))
        return fault(c, f->exists, "Snapshot with specified name already exists: %s", name);
    return e;
}

struct err snapshots_take_group(struct call *c, const struct replication_group *g,
                                const struct snapshot_wish *wish, struct snapshot *out)
{
    const struct owner *owner = &g->common.owner;
    const struct snapshot_family *f = owner->id ? &snapshots_of_serverless : &snapshots_of_nodes;
    struct snapshot_order order;

    TRY(open_order(c, f, wish, &order));
    if (!*order.kms_key && g->kms_key)
        order.kms_key = g->kms_key;
    if (!wish->is_automatic)
        TRY(check_quota(c, f, g->id, 0));
    TRY(taken(c, f, store_snapshot_take_group(c->tx, g, &order, out), order.name));
    return put_tags(c, wish->tags, out, source_arn(c, owner, "replicationgroup", g->name));
}

struct err snapshots_take_cluster(struct call *c, const struct cluster *cl,
                                  const struct snapshot_wish *wish, struct snapshot *out)
{
    const struct owner *owner = &cl->owner;
    const struct snapshot_family *f = owner->id ? &snapshots_of_serverless : &snapshots_of_nodes;
    struct snapshot_order order;

    TRY(open_order(c, f, wish, &order));
    if (!wish->is_automatic)
        TRY(check_quota(c, f, 0, cl->id));
    TRY(taken(c, f, store_snapshot_take_cluster(c->tx, cl, &order, out), order.name));
    return put_tags(c, wish->tags, out, source_arn(c, owner, "cluster", cl->name));
}

/* --- what is done with them --- */

struct err snapshots_copy(struct call *c, const struct snapshot_family *f,
                          const struct snapshot *from, const struct snapshot_wish *wish,
                          struct snapshot *out)
{
    struct snapshot_part_list parts;
    struct snapshot s = *from;

    if (f->limits_copies)
        TRY(check_quota(c, f, from->group_id, from->cluster_id));
    s.name = name_fold(c->arena, wish->name);
    s.kms_key = member_has_text(wish->kms_key) ? wish->kms_key : from->kms_key;
    s.is_copying = strcmp(s.kms_key, from->kms_key) != 0;
    s.is_automatic = s.is_final = s.is_restoring = s.is_exporting = false;
    s.created_ms = c->now_ms;
    s.expires_ms = 0;
    TRY(taken(c, f, store_snapshot_insert(c->tx, &s), s.name));
    TRY(store_part_list(c->tx, &from->id, 1, &parts));
    for (size_t i = 0; i < parts.count; i++) {
        parts.items[i].snapshot_id = s.id;
        TRY(store_part_insert(c->tx, &parts.items[i]));
    }
    *out = s;
    return put_tags(c, wish->tags, &s, snapshot_arn(c->arena, from));
}

struct err snapshots_export(struct call *c, const struct snapshot *from, const char *name,
                            const char *bucket)
{
    struct snapshot_export x = {.snapshot_id = from->id, .bucket = bucket, .name = name};

    if (!bucket_find(c->conf->buckets, bucket))
        return VALUE("Unable to validate the specified S3 bucket: %s. Please verify that it exists "
                     "and that permissions are granted.",
                     bucket);
    return store_export_insert(c->tx, &x, c->now_ms);
}

struct err snapshots_remove(struct call *c, const struct snapshot_family *f,
                            const struct snapshot *s)
{
    const char *status = snapshot_status_word(s);

    if (strcmp(status, "available") != 0 && strcmp(status, "failed") != 0)
        return fault(c, f->state, "Snapshot %s has status %s, and cannot be deleted now.", s->name,
                     status);
    return store_snapshot_remove(c->tx, s, snapshot_arn(c->arena, s));
}

/* --- restoring --- */

static struct err read_name(struct call *c, const struct snapshot_family *f, const char *name,
                            struct restore *r)
{
    struct err e = snapshots_find(c, f, name, &r->snapshot);

    if (err_is(e, f->not_found)) /* creates have no such fault */
        return VALUE("%s not found: %s", f->noun, name);
    TRY(e);
    if (r->snapshot.state != SNAPSHOT_AVAILABLE)
        return VALUE("Snapshot %s has status %s, and cannot be restored.", r->snapshot.name,
                     snapshot_status_word(&r->snapshot));
    return store_part_list(c->tx, &r->snapshot.id, 1, &r->parts);
}

static struct err read_arns(struct call *c, const struct ec_snapshot_arns_list *arns,
                            struct restore *r)
{
    struct snapshot_part *parts = arena_array(c->arena, arns->count, sizeof(*parts));

    for (size_t i = 0; i < arns->count; i++) {
        const char *text = arns->items[i] ? arns->items[i] : "", *path, *bucket, *key;
        if (!bucket_arn_parse(text, &path))
            return VALUE("Invalid SnapshotArn: %s. It must be of the form "
                         "arn:aws:s3:::bucket/key.",
                         text);
        bucket_path_split(c->arena, path, &bucket, &key);
        if (!bucket_find(c->conf->buckets, bucket))
            return VALUE("Unable to fetch metadata from S3 for bucket: %s and object: %s. Please "
                         "verify that both exist.",
                         bucket, key);
        parts[i] = (struct snapshot_part){.number = arena_printf(c->arena, "%04zu", i + 1),
                                          .slots = "",
                                          .cluster_name = "",
                                          .origin = path,
                                          .sha256 = ""};
    }
    r->parts = (struct snapshot_part_list){parts, arns->count};
    return OK;
}

struct err restore_read(struct call *c, const struct restore_wish *wish, struct restore *out)
{
    bool has_name = member_has_text(wish->snapshot_name);
    bool has_serverless = member_has_text(wish->serverless_name);
    bool has_arns = wish->arns && wish->arns->count > 0;

    *out = (struct restore){.has = has_name || has_serverless || has_arns};
    if (has_name + has_serverless + has_arns > 1)
        return COMBINATION("SnapshotName, ServerlessCacheSnapshotName and SnapshotArns cannot be "
                           "used together.");
    if (has_name)
        return read_name(c, &snapshots_of_nodes, wish->snapshot_name, out);
    if (has_serverless)
        return read_name(c, &snapshots_of_serverless, wish->serverless_name, out);
    return has_arns ? read_arns(c, wish->arns, out) : OK;
}

struct err restore_read_arns(struct call *c, const struct ec_snapshot_arns_list *arns,
                             struct restore *out)
{
    const char *first = arns->count > 0 && arns->items[0] ? arns->items[0] : "";
    struct restore_wish wish = {.arns = arns};
    struct arn arn;

    if (arns->count != 1 || err_failed(arn_parse(c->arena, first, &arn)))
        return restore_read(c, &wish, out);
    wish = (struct restore_wish){0};
    if (strcmp(arn.type, "snapshot") == 0)
        wish.snapshot_name = arn.name;
    else if (strcmp(arn.type, "serverlesscachesnapshot") == 0)
        wish.serverless_name = arn.name;
    if ((!wish.snapshot_name && !wish.serverless_name) ||
        strcmp(arn.account, c->caller->account) != 0 || strcmp(arn.region, c->caller->region) != 0)
        return VALUE("Invalid ARN of a snapshot: %s", first);
    return restore_read(c, &wish, out);
}

/* An RDB file is smaller than what it becomes in memory: what is larger as a file than all memory
 * never fits. */
static struct err check_size(struct call *c, const struct restore *r, int64_t shard_bytes,
                             size_t shard_count)
{
    if (snapshot_bytes(&r->snapshot, &r->parts) / (int64_t)shard_count <= shard_bytes)
        return OK;
    return COMBINATION("The snapshot %s does not fit into %zu node groups with %lld bytes each.",
                       r->snapshot.name, shard_count, (long long)shard_bytes);
}

struct err restore_check(struct call *c, const struct restore *r,
                         const struct engine_version *version, int64_t shard_bytes,
                         size_t shard_count, bool is_clustered)
{
    const struct snapshot *s = &r->snapshot;

    if (!r->has || s->id == 0)
        return OK;
    const struct engine_version *from =
        engine_version_reported(s->source.engine, s->source.engine_version);
    if (!snapshot_is_readable(s->source.engine, from ? from->reported : s->source.engine_version,
                              version->engine, version->reported))
        return COMBINATION("Snapshot %s is of %s %s, which cannot be restored to %s %s.", s->name,
                           s->source.engine, s->source.engine_version, version->engine,
                           version->reported);
    if (s->mode == CLUSTER_MODE_ENABLED && !is_clustered)
        return COMBINATION("Snapshot %s is of a replication group with cluster mode enabled, and "
                           "cannot be restored with cluster mode disabled.",
                           s->name);
    return check_size(c, r, shard_bytes, shard_count);
}

/* Its own name: nobody sees it. */
struct err restore_record(struct call *c, struct restore *r)
{
    if (!r->has || r->snapshot.id != 0)
        return OK;
    r->snapshot = (struct snapshot){
        .owner = SNAPSHOT_OWNER_IMPORT,
        .account = c->caller->account,
        .region = c->caller->region,
        .name = c->caller->request_id,
        .state = SNAPSHOT_CREATING,
        .why = "",
        .group_name = "",
        .description = "",
        .cluster_name = "",
        .source = {.engine = "",
                   .engine_version = "",
                   .node_type = "",
                   .parameter_group = "",
                   .subnet_group = "",
                   .maintenance_window = "",
                   .snapshot_window = "",
                   .notification_topic = "",
                   .preferred_zone = ""},
        .created_ms = c->now_ms,
    };
    TRY(store_snapshot_insert(c->tx, &r->snapshot));
    for (size_t i = 0; i < r->parts.count; i++) {
        r->parts.items[i].snapshot_id = r->snapshot.id;
        TRY(store_part_insert(c->tx, &r->parts.items[i]));
    }
    return OK;
}

static bool is_needed(const struct snapshot_part *p, const char *slots)
{
    struct slot_map both = {0};

    if (!*slots || !*p->slots)
        return true;
    return !slots_add(&both, slots) || !slots_add(&both, p->slots); /* they share some */
}

struct err restore_seed(struct call *c, const struct restore *r, int64_t node_id, const char *slots)
{
    for (size_t i = 0; i < r->parts.count; i++) {
        const struct snapshot_part *p = &r->parts.items[i];
        bool is_same = strcmp(p->slots, slots) == 0;
        if (is_needed(p, slots))
            TRY(store_seed_insert(c->tx, node_id, p->id, is_same ? "" : slots));
    }
    return OK;
}

struct err restore_tags(struct call *c, const struct restore *r, struct tag **tags, size_t *count)
{
    if (!r->has || r->snapshot.id == 0 || strcmp(r->snapshot.owner, SNAPSHOT_OWNER_IMPORT) == 0 ||
        *count > 0)
        return OK;
    return store_tag_list(c->tx, snapshot_arn(c->arena, &r->snapshot), tags, count);
}
