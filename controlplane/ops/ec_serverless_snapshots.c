/*
 * Snapshots of serverless caches: those of the groups behind them, under names and faults of their
 * own. What they differ in from snapshots of nodes is a row (see snapshots.h); here are the calls.
 */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/serverless_facts.h"
#include "controlplane/ops/serverless_members.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/store/snapshots.h"

#include <string.h>

#define FAMILY (&snapshots_of_serverless)

/* --- wire --- */

static void wire(struct call *c, const struct snapshot *s, const struct snapshot_part_list *parts,
                 struct ec_serverless_cache_snapshot *out)
{
    struct ec_serverless_cache_configuration *of =
        arena_new(c->arena, struct ec_serverless_cache_configuration);

    *of = (struct ec_serverless_cache_configuration){
        .serverless_cache_name = s->group_name,
        .engine = s->source.engine,
        .major_engine_version =
            serverless_major(c->arena, s->source.engine, s->source.engine_version),
    };
    *out = (struct ec_serverless_cache_snapshot){
        .serverless_cache_snapshot_name = s->name,
        .arn = snapshot_arn(c->arena, s),
        .kms_key_id = *s->kms_key ? s->kms_key : NULL,
        .snapshot_type = s->is_automatic ? "automated" : "manual",
        .status = snapshot_status_word(s),
        .create_time = TIME_OF(s->created_ms),
        .expiry_time = {s->is_automatic, s->expires_ms},
        .serverless_cache_configuration = of,
    };
    if (s->state == SNAPSHOT_AVAILABLE)
        out->bytes_used_for_cache =
            arena_printf(c->arena, "%lld", (long long)snapshot_bytes(s, parts));
}

static struct err wire_new(struct call *c, const struct snapshot *s, const char *status,
                           struct ec_serverless_cache_snapshot **out)
{
    struct snapshot_part_list parts;

    TRY(store_part_list(c->tx, &s->id, 1, &parts));
    *out = arena_new(c->arena, struct ec_serverless_cache_snapshot);
    wire(c, s, &parts, *out);
    (*out)->status = status;
    return OK;
}

/* --- create --- */

struct err snapshots_take_cache(struct call *c, const struct serverless_facts *f,
                                const struct snapshot_wish *wish, struct snapshot *out)
{
    struct snapshot_wish keyed = *wish;

    if (!member_has_text(keyed.kms_key))
        keyed.kms_key = f->cache.kms_key;
    return f->group ? snapshots_take_group(c, &f->group->group, &keyed, out)
                    : snapshots_take_cluster(c, &f->cluster->cluster, &keyed, out);
}

struct err ec_create_serverless_cache_snapshot(
    struct call *c, const struct ec_create_serverless_cache_snapshot_in *in,
    struct ec_create_serverless_cache_snapshot_out *out)
{
    struct snapshot_wish wish = {
        .name = in->serverless_cache_snapshot_name, .kms_key = in->kms_key_id, .tags = &in->tags};
    struct serverless_facts cache;
    struct snapshot s;

    TRY(member_need(c, FAMILY->member, wish.name));
    TRY(name_check(c->arena, FAMILY->member, wish.name, SNAPSHOT_NAME_MAX));
    TRY(member_need(c, "ServerlessCacheName", in->serverless_cache_name));
    TRY(serverless_facts_for_change(c, in->serverless_cache_name, &cache));
    TRY(snapshots_take_cache(c, &cache, &wish, &s));
    return wire_new(c, &s, "creating", &out->serverless_cache_snapshot);
}

/* --- describe --- */

/* SnapshotType by the words of snapshots of nodes. */
static struct err read_type(struct call *c, const char *type, const char **out)
{
    *out = "";
    if (member_has_text(type) && strcmp(type, "manual") == 0)
        *out = "user";
    else if (member_has_text(type) && strcmp(type, "automated") == 0)
        *out = "system";
    else if (member_has_text(type))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %s for SnapshotType. It must be manual or automated.", type);
    return OK;
}

static const char *filter_of(struct call *c, const char *text)
{
    return member_has_text(text) ? name_fold(c->arena, text) : "";
}

/* What was asked for by name and is not there is told; a cache that is gone may have left some. */
static struct err check_found(struct call *c, const struct snapshot_query *q, size_t count)
{
    struct serverless_facts cache;
    struct snapshot s;

    if (count > 0 || *q->after)
        return OK;
    if (*q->name)
        TRY(snapshots_find(c, FAMILY, q->name, &s));
    return *q->group_name ? serverless_facts_find(c, q->group_name, &cache) : OK;
}

static struct err wire_all(struct call *c, const struct snapshot *list, size_t count,
                           struct ec_serverless_cache_snapshot_list *out)
{
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));
    struct snapshot_part_list parts;

    for (size_t i = 0; i < count; i++)
        ids[i] = list[i].id;
    TRY(store_part_list(c->tx, ids, count, &parts));
    out->has = true;
    out->count = count;
    out->items = arena_array(c->arena, count, sizeof(*out->items));
    for (size_t i = 0; i < count; i++)
        wire(c, &list[i], &parts, &out->items[i]);
    return OK;
}

struct err ec_describe_serverless_cache_snapshots(
    struct call *c, const struct ec_describe_serverless_cache_snapshots_in *in,
    struct ec_describe_serverless_cache_snapshots_out *out)
{
    struct snapshot_query q = {.account = c->caller->account,
                               .region = c->caller->region,
                               .owner = FAMILY->owner,
                               .group_name = filter_of(c, in->serverless_cache_name),
                               .cluster_name = "",
                               .name = filter_of(c, in->serverless_cache_snapshot_name)};
    struct snapshot *list;
    size_t count;
    int limit;

    TRY(read_type(c, in->snapshot_type, &q.source));
    TRY(serverless_page(c, in->max_results, in->next_token, &limit, &q.after));
    q.limit = limit + 1;
    TRY(store_snapshot_list(c->tx, &q, &list, &count));
    TRY(check_found(c, &q, count));
    if (count > (size_t)limit) {
        count = (size_t)limit;
        out->next_token = page_marker(c, list[count - 1].name);
    }
    return wire_all(c, list, count, &out->serverless_cache_snapshots);
}

/* --- copy, export, delete --- */

struct err ec_copy_serverless_cache_snapshot(struct call *c,
                                             const struct ec_copy_serverless_cache_snapshot_in *in,
                                             struct ec_copy_serverless_cache_snapshot_out *out)
{
    static const char source[] = "SourceServerlessCacheSnapshotName";
    static const char target[] = "TargetServerlessCacheSnapshotName";
    struct snapshot from, made;

    TRY(member_need(c, source, in->source_serverless_cache_snapshot_name));
    TRY(member_need(c, target, in->target_serverless_cache_snapshot_name));
    TRY(name_check(c->arena, target, in->target_serverless_cache_snapshot_name, SNAPSHOT_NAME_MAX));
    TRY(snapshots_find_available(c, FAMILY, in->source_serverless_cache_snapshot_name, &from));
    TRY(snapshots_copy(c, FAMILY, &from,
                       &(struct snapshot_wish){.name = in->target_serverless_cache_snapshot_name,
                                               .kms_key = in->kms_key_id,
                                               .tags = &in->tags},
                       &made));
    return wire_new(c, &made, "copying", &out->serverless_cache_snapshot);
}

struct err ec_export_serverless_cache_snapshot(
    struct call *c, const struct ec_export_serverless_cache_snapshot_in *in,
    struct ec_export_serverless_cache_snapshot_out *out)
{
    struct snapshot s;

    TRY(member_need(c, FAMILY->member, in->serverless_cache_snapshot_name));
    TRY(member_need(c, "S3BucketName", in->s3_bucket_name));
    TRY(snapshots_find_available(c, FAMILY, in->serverless_cache_snapshot_name, &s));
    TRY(snapshots_export(c, &s, s.name, in->s3_bucket_name));
    return wire_new(c, &s, "exporting", &out->serverless_cache_snapshot);
}

struct err ec_delete_serverless_cache_snapshot(
    struct call *c, const struct ec_delete_serverless_cache_snapshot_in *in,
    struct ec_delete_serverless_cache_snapshot_out *out)
{
    struct snapshot s;

    TRY(member_need(c, FAMILY->member, in->serverless_cache_snapshot_name));
    TRY(snapshots_find(c, FAMILY, in->serverless_cache_snapshot_name, &s));
    TRY(wire_new(c, &s, "deleting", &out->serverless_cache_snapshot));
    return snapshots_remove(c, FAMILY, &s);
}
