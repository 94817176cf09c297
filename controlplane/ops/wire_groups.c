/* From facts to the answer's structures. What cluster mode hides is left out: who is the primary of
 * a shard is the cluster clients' own business. */
#include "controlplane/ops/wire_groups.h"

#include "base/arena.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/access.h"
#include "controlplane/ops/durability.h"
#include "controlplane/ops/logs.h"

#include <string.h>

/* --- endpoints --- */

typedef char *(*name_fn)(struct arena *a, const struct endpoint_naming *n, const char *group);

static struct endpoint_naming naming_of(const struct call *c, const struct group_facts *f)
{
    return (struct endpoint_naming){c->caller->account, c->caller->region, c->conf->dns_zone,
                                    .is_encrypted = f->group.common.tls != TLS_OFF};
}

static struct ec_endpoint *endpoint_new(struct call *c, const char *address, int port)
{
    struct ec_endpoint *e = arena_new(c->arena, struct ec_endpoint);

    *e = (struct ec_endpoint){address, INT_OF(port)};
    return e;
}

static const struct node *placed_node(const struct cluster_facts *m)
{
    return m->nodes.count > 0 && m->nodes.items[0].goal.has ? &m->nodes.items[0] : NULL;
}

/* The member that stands for an endpoint where there are no names; NULL for none. */
typedef bool (*pick_fn)(const struct group_facts *f, const struct cluster_facts *m);

static bool is_primary(const struct group_facts *f, const struct cluster_facts *m)
{
    return group_facts_is_primary(f, m);
}

static bool is_reader(const struct group_facts *f, const struct cluster_facts *m)
{
    return !group_facts_is_primary(f, m) && m->nodes.items[0].saw.has &&
           m->nodes.items[0].saw.is_link_up;
}

static const struct node *pick(const struct group_facts *f, pick_fn is_meant)
{
    for (size_t i = 0; i < f->member_count; i++) {
        const struct cluster_facts *m = &f->members[i];
        if (m->cluster.is_wanted && placed_node(m) && is_meant(f, m))
            return placed_node(m);
    }
    return NULL;
}

/* The endpoint's own address where its shard has one, else that of whoever it leads to. */
static const char *address_of(const struct group_facts *f, const struct node *n, const char *own)
{
    return own && *own ? own : goal_address(&n->goal, f->group.common.reach.discovery);
}

/* NULL until there is somebody to lead to. */
static struct ec_endpoint *endpoint(struct call *c, const struct group_facts *f, name_fn name,
                                    pick_fn is_meant, const char *own)
{
    struct endpoint_naming naming = naming_of(c, f);
    const struct node *n = pick(f, is_meant);

    if (!n)
        n = pick(f, is_primary);
    if (!n)
        return NULL;
    if (c->conf->endpoint_mode == ENDPOINT_ADDRESS)
        return endpoint_new(c, address_of(f, n, own), n->goal.port);
    return endpoint_new(c, name(c->arena, &naming, f->group.name), n->goal.port);
}

static struct ec_endpoint *member_endpoint(struct call *c, const struct group_facts *f,
                                           const struct cluster_facts *m)
{
    struct endpoint_naming naming = naming_of(c, f);
    const struct node *n = placed_node(m);

    if (!n)
        return NULL;
    if (c->conf->endpoint_mode == ENDPOINT_ADDRESS)
        return endpoint_new(c, goal_address(&n->goal, m->cluster.reach.discovery), n->goal.port);
    return endpoint_new(
        c, endpoint_member_name(c->arena, &naming, f->group.name, m->cluster.name, n->number),
        n->goal.port);
}

/* --- shards --- */

static const char *zone_of(const struct cluster_facts *m)
{
    const struct node *n = m->nodes.count > 0 ? &m->nodes.items[0] : NULL;

    if (n && *n->host_zone)
        return n->host_zone;
    return n && *n->zone ? n->zone : NULL;
}

static void wire_member(struct call *c, const struct group_facts *f, const struct cluster_facts *m,
                        struct ec_node_group_member *out)
{
    *out = (struct ec_node_group_member){
        .cache_cluster_id = m->cluster.name,
        .cache_node_id = "0001",
        .preferred_availability_zone = zone_of(m),
    };
    if (f->group.mode == CLUSTER_MODE_ENABLED)
        return;
    out->current_role = group_facts_is_primary(f, m) ? "primary" : "replica";
    if (cluster_status_has_endpoints(m->status))
        out->read_endpoint = member_endpoint(c, f, m);
}

static void wire_shard(struct call *c, const struct group_facts *f, const struct shard *s,
                       struct ec_node_group *out)
{
    *out = (struct ec_node_group){
        .node_group_id = s->number,
        .status =
            f->status == GROUP_STATUS_CREATE_FAILED ? "creating" : group_status_word(f->status),
        .slots = f->group.mode == CLUSTER_MODE_ENABLED && *s->slots ? s->slots : NULL,
        .node_group_members = {.has = true},
    };
    if (f->group.mode != CLUSTER_MODE_ENABLED && group_status_has_endpoints(f->status)) {
        out->primary_endpoint =
            endpoint(c, f, endpoint_primary_name, is_primary, s->endpoints.address);
        out->reader_endpoint =
            endpoint(c, f, endpoint_reader_name, is_reader, s->endpoints.reader_address);
    }
    out->node_group_members.items =
        arena_array(c->arena, f->member_count, sizeof(*out->node_group_members.items));
    for (size_t i = 0; i < f->member_count; i++)
        if (group_facts_is_in(&f->members[i], s))
            wire_member(c, f, &f->members[i],
                        &out->node_group_members.items[out->node_group_members.count++]);
}

static void wire_shards(struct call *c, const struct group_facts *f, struct ec_node_group_list *out)
{
    out->has = true;
    out->items = arena_array(c->arena, f->shard_count, sizeof(*out->items));
    for (size_t i = 0; i < f->shard_count; i++)
        if (f->shards[i].is_wanted)
            wire_shard(c, f, &f->shards[i], &out->items[out->count++]);
}

static void wire_member_names(struct call *c, const struct group_facts *f,
                              struct ec_cluster_id_list *out)
{
    out->has = true;
    out->items = arena_array(c->arena, f->member_count, sizeof(*out->items));
    for (size_t i = 0; i < f->member_count; i++)
        if (f->members[i].cluster.is_wanted)
            out->items[out->count++] = f->members[i].cluster.name;
}

static void wire_entry(struct call *c, const struct replication_group *g,
                       struct ec_replication_group *out)
{
    out->user_group_ids.has = true;
    if (*g->entry.user_group) {
        out->user_group_ids.count = 1;
        out->user_group_ids.items = arena_array(c->arena, 1, sizeof(const char *));
        out->user_group_ids.items[0] = g->entry.user_group;
    }
    if (g->entry.token_modified_ms > 0)
        out->auth_token_last_modified_date = TIME_OF(g->entry.token_modified_ms);
}

static void wire_progress(struct call *c, const struct group_facts *f,
                          struct ec_replication_group_pending_modified_values *out)
{
    out->resharding = arena_new(c->arena, struct ec_resharding_status);
    out->resharding->slot_migration = arena_new(c->arena, struct ec_slot_migration);
    out->resharding->slot_migration->progress_percentage =
        (struct opt_double){true, f->moved_percent};
}

static void wire_mode(struct call *c, const struct group_facts *f,
                      struct ec_replication_group_pending_modified_values *out)
{
    enum cluster_mode aim;
    const char *before;

    if (cluster_mode_change_parse(c->arena, f->newest->data, &aim, &before))
        out->cluster_mode = cluster_mode_name(aim);
}

static void wire_global(struct call *c, const struct group_facts *f,
                        struct ec_replication_group *out)
{
    if (!f->global)
        return;
    out->global_replication_group_info =
        arena_new(c->arena, struct ec_global_replication_group_info);
    *out->global_replication_group_info = (struct ec_global_replication_group_info){
        .global_replication_group_id = f->global->datastore,
        .global_replication_group_member_role = global_role_word(f->global->role),
    };
}

/* Until a change of encryption is in force everywhere, the group has what it had. */
static void wire_pending(struct call *c, const struct group_facts *f,
                         struct ec_replication_group *out)
{
    struct group_pending pending = group_facts_pending(c, f->status, f->newest);
    struct ec_replication_group_pending_modified_values *values = out->pending_modified_values;
    enum tls_mode now = f->group.common.tls, shown = pending.changes_tls ? pending.tls_before : now;

    out->transit_encryption_enabled = BOOL_OF(shown != TLS_OFF);
    out->transit_encryption_mode = shown != TLS_OFF ? tls_mode_name(shown) : NULL;
    if (pending.changes_tls) {
        values->transit_encryption_enabled = BOOL_OF(now != TLS_OFF);
        values->transit_encryption_mode = now != TLS_OFF ? tls_mode_name(now) : NULL;
    }
    values->primary_cluster_id = *pending.primary ? pending.primary : NULL;
    access_pending_to_wire(c, &pending, values);
}

/* --- all of it --- */

void wire_group(struct call *c, const struct group_facts *f, struct ec_replication_group *out)
{
    const struct replication_group *g = &f->group;

    *out = (struct ec_replication_group){
        .replication_group_id = g->name,
        .description = g->description,
        .status = group_status_word(f->status),
        .pending_modified_values =
            arena_new(c->arena, struct ec_replication_group_pending_modified_values),
        .snapshotting_cluster_id = *g->snapshotting_cluster ? g->snapshotting_cluster : NULL,
        .automatic_failover = g->has_failover ? "enabled" : "disabled",
        .multi_az = g->is_multi_az ? "enabled" : "disabled",
        .snapshot_retention_limit = INT_OF(g->common.snapshot_retention),
        .snapshot_window = g->common.snapshot_window,
        .cluster_enabled = BOOL_OF(g->mode != CLUSTER_MODE_DISABLED),
        .cache_node_type = g->common.node_type,
        .auth_token_enabled = BOOL_OF(g->entry.has_token),
        .at_rest_encryption_enabled = BOOL_OF(g->is_encrypted_at_rest),
        .kms_key_id = *g->kms_key ? g->kms_key : NULL,
        .arn = arn_make(c->arena, g->region, g->account, "replicationgroup", g->name),
        .replication_group_create_time = TIME_OF(g->created_ms),
        .data_tiering = "disabled",
        .auto_minor_version_upgrade = BOOL_OF(g->common.auto_minor_upgrade && !f->global),
        .network_type = network_type_name(g->common.reach.network),
        .ip_discovery = ip_family_name(g->common.reach.discovery),
        .cluster_mode = cluster_mode_name(g->mode),
        .engine = g->common.engine,
        .durability = durability_name(g->durability),
        .effective_durability = durability_name(durability_in_force(f)),
    };
    wire_entry(c, g, out);
    wire_global(c, f, out);
    logs_to_wire(c, 0, g->id, f->member_count ? f->members[0].logs : NULL, f->members,
                 f->member_count, &out->log_delivery_configurations,
                 &out->pending_modified_values->log_delivery_configurations);
    wire_pending(c, f, out);
    if (f->status == GROUP_STATUS_MODIFYING && f->newest->kind == GROUP_RESHARD)
        wire_progress(c, f, out->pending_modified_values);
    if (f->status == GROUP_STATUS_MODIFYING && f->newest->kind == GROUP_MODE)
        wire_mode(c, f, out->pending_modified_values);
    wire_member_names(c, f, &out->member_clusters);
    wire_shards(c, f, &out->node_groups);
    if (g->mode != CLUSTER_MODE_DISABLED && group_status_has_endpoints(f->status))
        out->configuration_endpoint =
            endpoint(c, f, endpoint_cluster_name, is_primary, f->shards[0].endpoints.address);
}

struct ec_replication_group *wire_group_new(struct call *c, const struct group_facts *f)
{
    struct ec_replication_group *out = arena_new(c->arena, struct ec_replication_group);

    wire_group(c, f, out);
    return out;
}
