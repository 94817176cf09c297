/* Snapshots: create, describe, copy, delete. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/buckets.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/serverless_facts.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/store/maintenance.h"
#include "controlplane/store/snapshots.h"

#include <string.h>

/* --- wire --- */

static struct ec_node_group_configuration *wire_shard(struct call *c, const struct snapshot_part *p)
{
    struct ec_node_group_configuration *out =
        arena_new(c->arena, struct ec_node_group_configuration);

    out->node_group_id = p->number;
    out->slots = *p->slots ? p->slots : NULL;
    out->replica_count = INT_OF(p->replicas);
    return out;
}

static void wire_part(struct call *c, const struct snapshot *s, const struct snapshot_part *p,
                      bool shows_shards, struct ec_node_snapshot *out)
{
    *out = (struct ec_node_snapshot){
        .cache_cluster_id = *p->cluster_name ? p->cluster_name : NULL,
        .node_group_id = *p->number ? p->number : NULL,
        .cache_node_id = "0001",
        .cache_size = snapshot_size_text(c->arena, p),
        .cache_node_create_time = {p->node_created_ms > 0, p->node_created_ms},
        .snapshot_create_time = TIME_OF(p->taken_ms ? p->taken_ms : s->created_ms),
    };
    if (shows_shards && s->group_id)
        out->node_group_configuration = wire_shard(c, p);
}

static void wire_parts(struct call *c, const struct snapshot *s,
                       const struct snapshot_part_list *parts, bool shows_shards,
                       struct ec_node_snapshot_list *out)
{
    out->has = true;
    out->items = arena_array(c->arena, parts->count, sizeof(*out->items));
    for (size_t i = 0; i < parts->count; i++)
        if (parts->items[i].snapshot_id == s->id)
            wire_part(c, s, &parts->items[i], shows_shards, &out->items[out->count++]);
}

static void wire_source(const struct snapshot *s, struct ec_snapshot *out)
{
    const struct cluster *cl = &s->source;
    out->cache_node_type = cl->node_type;
    out->engine = cl->engine;
    out->engine_version = cl->engine_version;
    out->port = INT_OF(cl->port);
    out->cache_parameter_group_name = cl->parameter_group;
    out->cache_subnet_group_name = cl->subnet_group;
    out->preferred_maintenance_window = cl->maintenance_window;
    out->snapshot_window = cl->snapshot_window;
    out->snapshot_retention_limit = INT_OF(cl->snapshot_retention);
    out->auto_minor_version_upgrade = BOOL_OF(cl->auto_minor_upgrade);
    out->topic_arn = *cl->notification_topic ? cl->notification_topic : NULL;
}

static void wire_snapshot(struct call *c, const struct snapshot *s,
                          const struct snapshot_part_list *parts, bool shows_shards,
                          struct ec_snapshot *out)
{
    *out = (struct ec_snapshot){
        .snapshot_name = s->name,
        .snapshot_status = snapshot_status_word(s),
        .snapshot_source = s->is_automatic ? "automated" : "manual",
        .arn = snapshot_arn(c->arena, s),
        .kms_key_id = *s->kms_key ? s->kms_key : NULL,
        .vpc_id = *s->vpc_id ? s->vpc_id : NULL,
        .data_tiering = "disabled",
    };
    wire_source(s, out);
    wire_parts(c, s, parts, shows_shards, &out->node_snapshots);
    if (s->group_id) {
        out->replication_group_id = s->group_name;
        out->replication_group_description = s->description;
        out->num_node_groups = INT_OF((int64_t)out->node_snapshots.count);
        out->automatic_failover = s->has_failover ? "enabled" : "disabled";
        return;
    }
    out->cache_cluster_id = s->cluster_name;
    out->num_cache_nodes = INT_OF(1);
    out->preferred_availability_zone = *s->source.preferred_zone ? s->source.preferred_zone : NULL;
    out->cache_cluster_create_time = TIME_OF(s->source.created_ms);
}

static struct err wire_new(struct call *c, const struct snapshot *s, struct ec_snapshot **out)
{
    struct snapshot_part_list parts;

    TRY(store_part_list(c->tx, &s->id, 1, &parts));
    *out = arena_new(c->arena, struct ec_snapshot);
    wire_snapshot(c, s, &parts, false, *out);
    return OK;
}

/* --- create --- */

static struct err refuse_engine(struct call *c, const struct cluster *cl)
{
    if (engine_is_redis_like(cl->engine))
        return OK;
    return fault(c, FAULT_SNAPSHOT_FEATURE_NOT_SUPPORTED,
                 "Snapshots are not supported for %s clusters.", cl->engine);
}

static struct err take_group(struct call *c, const char *id, struct snapshot_wish *wish,
                             struct snapshot *out)
{
    struct group_facts f;

    TRY(group_facts_find(c, id, &f));
    if (f.status != GROUP_STATUS_AVAILABLE)
        return fault(c, FAULT_INVALID_REPLICATION_GROUP_STATE,
                     "Replication group %s has status %s, and no snapshot can be taken of it now.",
                     f.group.name, group_status_word(f.status));
    return snapshots_take_group(c, &f.group, wish, out);
}

static struct err take_member(struct call *c, const struct cluster_facts *f,
                              struct snapshot_wish *wish, struct snapshot *out)
{
    if (f->group->mode == CLUSTER_MODE_ENABLED)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Cache cluster %s is part of the replication group %s with cluster mode "
                     "enabled. Use ReplicationGroupId.",
                     f->cluster.name, f->group->name);
    wish->member_name = f->cluster.name;
    return take_group(c, f->group->name, wish, out);
}

static struct err take_cluster(struct call *c, const char *id, struct snapshot_wish *wish,
                               struct snapshot *out)
{
    struct cluster_facts f;

    TRY(facts_find(c, id, &f));
    TRY(refuse_engine(c, &f.cluster));
    if (f.status != CLUSTER_AVAILABLE)
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s has status %s, and no snapshot can be taken of it now.",
                     f.cluster.name, cluster_status_word(f.status));
    return f.group ? take_member(c, &f, wish, out)
                   : snapshots_take_cluster(c, &f.cluster, wish, out);
}

struct err ec_create_snapshot(struct call *c, const struct ec_create_snapshot_in *in,
                              struct ec_create_snapshot_out *out)
{
    bool has_group = member_has_text(in->replication_group_id);
    bool has_cluster = member_has_text(in->cache_cluster_id);
    struct snapshot_wish wish = {
        .name = in->snapshot_name, .kms_key = in->kms_key_id, .tags = &in->tags};
    struct snapshot s;

    if (has_group == has_cluster)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Exactly one of ReplicationGroupId and CacheClusterId must be given.");
    TRY(member_need(c, "SnapshotName", in->snapshot_name));
    TRY(name_check(c->arena, "SnapshotName", in->snapshot_name, SNAPSHOT_NAME_MAX));
    TRY(has_group ? take_group(c, in->replication_group_id, &wish, &s)
                  : take_cluster(c, in->cache_cluster_id, &wish, &s));
    return wire_new(c, &s, &out->snapshot);
}

struct err snapshots_back_up(struct call *c, const struct due *source)
{
    struct snapshot_wish wish = {.name = snapshot_automatic_name(c->arena, source->name, c->now_ms),
                                 .is_automatic = true};
    struct serverless_facts cache;
    struct snapshot ignored;

    if (source->kind == DUE_CLUSTER)
        return take_cluster(c, source->name, &wish, &ignored);
    if (source->kind == DUE_GROUP)
        return take_group(c, source->name, &wish, &ignored);
    TRY(serverless_facts_for_change(c, source->name, &cache));
    return snapshots_take_cache(c, &cache, &wish, &ignored);
}

/* --- describe --- */

static struct err check_source(struct call *c, const char *source)
{
    if (!member_has_text(source) || strcmp(source, "system") == 0 || strcmp(source, "user") == 0)
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                 "Invalid value %s for SnapshotSource. It must be system or user.", source);
}

static const char *filter_of(struct call *c, const char *text)
{
    return member_has_text(text) ? name_fold(c->arena, text) : "";
}

/* A source that never was is told; one that is gone may have left snapshots. */
static struct err check_cluster(struct call *c, const char *name, size_t found)
{
    struct cluster_facts f;

    return *name && found == 0 ? facts_find(c, name, &f) : OK;
}

struct err ec_describe_snapshots(struct call *c, const struct ec_describe_snapshots_in *in,
                                 struct ec_describe_snapshots_out *out)
{
    struct snapshot_part_list parts;
    struct snapshot_query q;
    struct snapshot *list;
    struct page page;
    size_t count;

    TRY(page_open(c, in->max_records, in->marker, &page));
    TRY(check_source(c, in->snapshot_source));
    q = (struct snapshot_query){
        .account = c->caller->account,
        .region = c->caller->region,
        .owner = "",
        .after = page.after,
        .group_name = filter_of(c, in->replication_group_id),
        .cluster_name = filter_of(c, in->cache_cluster_id),
        .name = filter_of(c, in->snapshot_name),
        .source = member_has_text(in->snapshot_source) ? in->snapshot_source : "",
        .limit = page.limit + 1,
    };
    TRY(store_snapshot_list(c->tx, &q, &list, &count));
    if (*q.name && count == 0)
        return fault(c, FAULT_SNAPSHOT_NOT_FOUND, "Snapshot not found: %s", q.name);
    TRY(check_cluster(c, q.cluster_name, count));
    if (count > (size_t)page.limit) {
        count = (size_t)page.limit;
        out->marker = page_marker(c, list[count - 1].name);
    }
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));
    for (size_t i = 0; i < count; i++)
        ids[i] = list[i].id;
    TRY(store_part_list(c->tx, ids, count, &parts));
    out->snapshots.has = true;
    out->snapshots.count = count;
    out->snapshots.items = arena_array(c->arena, count, sizeof(*out->snapshots.items));
    for (size_t i = 0; i < count; i++)
        wire_snapshot(c, &list[i], &parts, in->show_node_group_config.value,
                      &out->snapshots.items[i]);
    return OK;
}

/* --- copy --- */

/* What is exported is for everybody to read. */
static struct err check_export_key(struct call *c, const struct ec_copy_snapshot_in *in)
{
    if (!member_has_text(in->target_bucket) || !member_has_text(in->kms_key_id))
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                 "KmsKeyId cannot be used together with TargetBucket.");
}

struct err ec_copy_snapshot(struct call *c, const struct ec_copy_snapshot_in *in,
                            struct ec_copy_snapshot_out *out)
{
    struct snapshot from, made;

    TRY(member_need(c, "SourceSnapshotName", in->source_snapshot_name));
    TRY(member_need(c, "TargetSnapshotName", in->target_snapshot_name));
    TRY(name_check(c->arena, "TargetSnapshotName", in->target_snapshot_name, SNAPSHOT_NAME_MAX));
    TRY(check_export_key(c, in));
    TRY(snapshots_find_available(c, &snapshots_of_nodes, in->source_snapshot_name, &from));
    if (member_has_text(in->target_bucket)) {
        made = from;
        made.name = name_fold(c->arena, in->target_snapshot_name);
        TRY(snapshots_export(c, &from, made.name, in->target_bucket));
        made.is_exporting = true;
        return wire_new(c, &made, &out->snapshot);
    }
    TRY(snapshots_copy(c, &snapshots_of_nodes, &from,
                       &(struct snapshot_wish){.name = in->target_snapshot_name,
                                               .kms_key = in->kms_key_id,
                                               .tags = &in->tags},
                       &made));
    TRY(wire_new(c, &made, &out->snapshot));
    out->snapshot->snapshot_status = "creating"; /* as a rule it is there with the answer */
    return OK;
}

/* --- delete --- */

struct err ec_delete_snapshot(struct call *c, const struct ec_delete_snapshot_in *in,
                              struct ec_delete_snapshot_out *out)
{
    struct snapshot s;

    TRY(member_need(c, "SnapshotName", in->snapshot_name));
    TRY(snapshots_find(c, &snapshots_of_nodes, in->snapshot_name, &s));
    TRY(wire_new(c, &s, &out->snapshot));
    out->snapshot->snapshot_status = "deleting";
    return snapshots_remove(c, &snapshots_of_nodes, &s);
}
