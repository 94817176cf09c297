/* From facts to the answer's structures. What was not asked for and is not chosen by the service is
 * left out: provisioning tools take what they read for what they wrote. */
#include "controlplane/ops/wire_serverless.h"

#include "base/arena.h"
#include "base/str.h"
#include "controlplane/model/naming.h"

#include <string.h>

/* --- endpoints --- */

static struct ec_endpoint *endpoint(struct call *c, const struct serverless_facts *f,
                                    const struct node *n, const struct reach *reach, int port)
{
    struct endpoint_naming naming = {c->caller->account, c->caller->region, c->conf->dns_zone,
                                     .is_encrypted = true};
    struct ec_endpoint *e = arena_new(c->arena, struct ec_endpoint);

    *e = (struct ec_endpoint){goal_address(&n->goal, reach->discovery), INT_OF(port)};
    if (c->conf->endpoint_mode != ENDPOINT_ADDRESS)
        e->address = endpoint_serverless_name(c->arena, &naming, f->cache.name, f->cache.id);
    return e;
}

static void wire_endpoints(struct call *c, const struct serverless_facts *f,
                           struct ec_serverless_cache *out)
{
    const struct cluster *owned = f->group ? &f->group->group.common : &f->cluster->cluster;
    const struct node *entry = serverless_entry(f), *reader = serverless_reader(f);
    const char *status = serverless_status(f);

    if (!entry || strcmp(status, "creating") == 0 || strcmp(status, "create-failed") == 0)
        return;
    out->endpoint = endpoint(c, f, entry, &owned->reach, owned->port);
    out->reader_endpoint = endpoint(c, f, reader, &owned->reach, cluster_reader_port(owned));
}

/* --- limits --- */

static struct opt_int given(int64_t limit)
{
    return (struct opt_int){limit != 0, limit};
}

static void wire_limits(struct call *c, const struct serverless_limits *l,
                        struct ec_serverless_cache *out)
{
    bool has_storage = l->storage_least_gb || l->storage_most_gb;
    bool has_work = l->work_least || l->work_most;

    if (!has_storage && !has_work)
        return;
    out->cache_usage_limits = arena_new(c->arena, struct ec_cache_usage_limits);
    if (has_storage) {
        struct ec_data_storage *s = arena_new(c->arena, struct ec_data_storage);
        *s = (struct ec_data_storage){given(l->storage_most_gb), given(l->storage_least_gb), "GB"};
        out->cache_usage_limits->data_storage = s;
    }
    if (has_work) {
        struct ec_ecpu_per_second *w = arena_new(c->arena, struct ec_ecpu_per_second);
        *w = (struct ec_ecpu_per_second){given(l->work_most), given(l->work_least)};
        out->cache_usage_limits->ecpu_per_second = w;
    }
}

/* --- all of it --- */

static const char **split(struct call *c, const char *joined, size_t *out_count)
{
    const char **items = arena_array(c->arena, strlen(joined) / 2 + 1, sizeof(*items));
    size_t count = 0;

    for (struct str rest = str_of(joined); rest.len > 0;)
        items[count++] = str_dup(c->arena, str_cut(&rest, ','));
    *out_count = count;
    return items;
}

/* While nothing stands behind it any more nobody can say. */
static struct reach reach_of(const struct serverless_facts *f)
{
    if (f->group)
        return f->group->group.common.reach;
    return f->cluster ? f->cluster->cluster.reach : (struct reach){0};
}

void wire_serverless(struct call *c, const struct serverless_facts *f,
                     struct ec_serverless_cache *out)
{
    const struct serverless_cache *s = &f->cache;

    *out = (struct ec_serverless_cache){
        .serverless_cache_name = s->name,
        .description = s->description,
        .create_time = TIME_OF(s->created_ms),
        .status = serverless_status(f),
        .engine = s->engine,
        .major_engine_version = serverless_major(c->arena, s->engine, s->engine_version),
        .full_engine_version = s->engine_version,
        .security_group_ids = {.has = true},
        .arn = arn_make(c->arena, s->region, s->account, "serverlesscache", s->name),
        .subnet_ids = {.has = true},
    };
    out->security_group_ids.items = split(c, s->security_groups, &out->security_group_ids.count);
    out->subnet_ids.items = split(c, s->subnets, &out->subnet_ids.count);
    wire_limits(c, &s->limits, out);
    out->snapshot_retention_limit = INT_OF(s->snapshot_retention);
    out->daily_snapshot_time = *s->snapshot_time ? s->snapshot_time : NULL;
    out->kms_key_id = *s->kms_key ? s->kms_key : NULL;
    if (f->group && *f->group->group.entry.user_group)
        out->user_group_id = f->group->group.entry.user_group;
    if (f->group || f->cluster)
        wire_endpoints(c, f, out);
    out->network_type = network_type_name(reach_of(f).network);
}

struct ec_serverless_cache *wire_serverless_new(struct call *c, const struct serverless_facts *f)
{
    struct ec_serverless_cache *out = arena_new(c->arena, struct ec_serverless_cache);

    wire_serverless(c, f, out);
    return out;
}
