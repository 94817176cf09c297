/* From facts to the answer's structures. Clients take a missing member for a difference, so
 * whatever has a value is always told. */
#include "controlplane/ops/wire.h"

#include "base/arena.h"
#include "base/str.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/parked.h"
#include "controlplane/model/scaling.h"
#include "controlplane/ops/group_facts.h"
#include "controlplane/ops/logs.h"

#include <string.h>

/* Where the hosted service's clients for auto discovery are offered. */
#define CLIENT_DOWNLOAD_PAGE "https://console.aws.amazon.com/elasticache/home#client-download:"

/* --- endpoints --- */

static struct endpoint_naming naming_of(const struct call *c, const struct cluster *cl)
{
    return (struct endpoint_naming){c->caller->account, c->caller->region, c->conf->dns_zone,
                                    .is_encrypted = cl->tls != TLS_OFF};
}

static struct ec_endpoint *endpoint_new(struct call *c, const char *address, int port)
{
    struct ec_endpoint *e = arena_new(c->arena, struct ec_endpoint);

    *e = (struct ec_endpoint){address, INT_OF(port)};
    return e;
}

/* NULL while the node has no place. */
static struct ec_endpoint *node_endpoint(struct call *c, const struct cluster_facts *f,
                                         const struct node *n)
{
    const struct cluster *cl = &f->cluster;
    struct endpoint_naming naming = naming_of(c, cl);

    if (!n->goal.has)
        return NULL;
    if (c->conf->endpoint_mode == ENDPOINT_ADDRESS)
        return endpoint_new(c, goal_address(&n->goal, cl->reach.discovery), n->goal.port);
    return endpoint_new(
        c,
        f->group ? endpoint_member_name(c->arena, &naming, f->group->name, cl->name, n->number)
                 : endpoint_node_name(c->arena, &naming, cl->name, n->number),
        n->goal.port);
}

/* Without names, the first node's address stands for all: every node can tell of the others. */
static struct ec_endpoint *configuration_endpoint(struct call *c, const struct cluster_facts *f)
{
    struct endpoint_naming naming = naming_of(c, &f->cluster);

    for (size_t i = 0; i < f->nodes.count; i++) {
        const struct node *n = &f->nodes.items[i];
        if (!n->is_wanted || !n->goal.has)
            continue;
        if (c->conf->endpoint_mode == ENDPOINT_ADDRESS)
            return endpoint_new(c, goal_address(&n->goal, f->cluster.reach.discovery),
                                n->goal.port);
        return endpoint_new(c, endpoint_configuration_name(c->arena, &naming, f->cluster.name),
                            n->goal.port);
    }
    return NULL;
}

/* --- nodes --- */

/* Only nodes that can be reached are told of: clients take every node for one with an endpoint. */
static void wire_nodes(struct call *c, const struct cluster_facts *f,
                       struct ec_cache_node_list *out)
{
    out->has = true;
    out->items = arena_array(c->arena, f->nodes.count, sizeof(*out->items));
    for (size_t i = 0; i < f->nodes.count; i++) {
        const struct node *n = &f->nodes.items[i];
        struct ec_endpoint *endpoint = node_endpoint(c, f, n);
        if (!endpoint || !cluster_status_has_endpoints(f->status))
            continue;
        out->items[out->count++] = (struct ec_cache_node){
            .cache_node_id = n->number,
            .cache_node_status = node_status_word(n, f->status, f->newest),
            .cache_node_create_time = TIME_OF(n->created_ms),
            .endpoint = endpoint,
            .parameter_group_status = parameter_status_word(node_parameter_status(&f->cluster, n)),
            .customer_availability_zone = *n->host_zone ? n->host_zone : n->zone,
        };
    }
}

/* "Multiple", the zone that was asked for, or the one that placement chose; NULL until then. A
 * single node is in one zone, whatever mode further nodes will follow. */
static const char *preferred_zone(const struct cluster_facts *f)
{
    bool is_multiple = strcmp(f->cluster.preferred_zone, "Multiple") == 0;

    if (*f->cluster.preferred_zone && !(is_multiple && facts_node_count(f) == 1))
        return f->cluster.preferred_zone;
    for (size_t i = 0; i < f->nodes.count; i++)
        if (f->nodes.items[i].is_wanted && *f->nodes.items[i].host_zone)
            return f->nodes.items[i].host_zone;
    return NULL;
}

/* --- what is under way --- */

static void wire_removals(struct call *c, const struct cluster_facts *f,
                          struct ec_cache_node_ids_list *out)
{
    out->items = arena_array(c->arena, f->nodes.count, sizeof(*out->items));
    for (size_t i = 0; i < f->nodes.count; i++)
        if (!f->nodes.items[i].is_wanted)
            out->items[out->count++] = f->nodes.items[i].number;
    out->has = out->count > 0;
}

static struct ec_scale_config *wire_scale(struct call *c, int64_t percent, int64_t minutes)
{
    struct ec_scale_config *scale = arena_new(c->arena, struct ec_scale_config);

    scale->scale_percentage = INT_OF(percent);
    scale->scale_interval_minutes = INT_OF(minutes);
    return scale;
}

/* Until the last node has its new type, the cluster has the old one. */
static void wire_scaling(struct call *c, const struct cluster_facts *f, const char *data,
                         struct ec_cache_cluster *out)
{
    struct ec_pending_modified_values *pending = out->pending_modified_values;
    struct scaling scaling;
    int64_t before;

    if (!scaling_parse(c->arena, data, &before, &scaling))
        return;
    out->cache_node_type = scaling.type_before;
    pending->cache_node_type = f->cluster.node_type;
    pending->scale_config = wire_scale(c, scaling.percent, scaling.minutes);
}

/* What waits for the maintenance window: of a member, what its group waits with. */
static void wire_parked(struct call *c, const struct cluster *cl,
                        struct ec_pending_modified_values *out)
{
    struct parked parked;

    parked_parse(c->arena, cl->parked, &parked);
    out->engine_version = *parked.engine_version ? parked.engine_version : NULL;
    out->cache_node_type = *parked.node_type ? parked.node_type : NULL;
    if (parked.scale_percent > 0)
        out->scale_config = wire_scale(c, parked.scale_percent, parked.scale_minutes);
    if (parked.node_count == 0)
        return;
    out->num_cache_nodes = INT_OF(parked.node_count);
    struct ec_cache_node_ids_list *removals = &out->cache_node_ids_to_remove;
    removals->items = arena_array(c->arena, strlen(parked.removals) + 1, sizeof(*removals->items));
    for (struct str rest = str_of(parked.removals); rest.len > 0;)
        removals->items[removals->count++] = str_dup(c->arena, str_cut(&rest, ','));
    removals->has = removals->count > 0;
}

/* While the number of nodes changes, the cluster has the old number and the new one is pending. */
static void wire_node_count(struct call *c, const struct cluster_facts *f,
                            struct ec_cache_cluster *out)
{
    struct ec_pending_modified_values *pending =
        arena_new(c->arena, struct ec_pending_modified_values);
    int64_t count = facts_node_count(f), before = count;

    wire_parked(c, &f->cluster, pending);
    if (f->status == CLUSTER_DELETING)
        before = (int64_t)f->nodes.count;
    const char *text = f->status == CLUSTER_MODIFYING && f->newest ? f->newest->data : "";
    struct str data = str_of(text);
    if (str_to_i64(str_cut(&data, ' '), &before) && before != count) {
        pending->num_cache_nodes = INT_OF(count);
        wire_removals(c, f, &pending->cache_node_ids_to_remove);
    }
    out->num_cache_nodes = INT_OF(before);
    out->pending_modified_values = pending;
    wire_scaling(c, f, text, out);
}

/* --- groups --- */

static void wire_reboots(struct call *c, const struct cluster_facts *f,
                         struct ec_cache_node_ids_list *out)
{
    out->has = true;
    out->items = arena_array(c->arena, f->nodes.count, sizeof(*out->items));
    for (size_t i = 0; i < f->nodes.count; i++) {
        const struct node *n = &f->nodes.items[i];
        if (n->is_wanted && node_parameter_status(&f->cluster, n) == PARAMETERS_PENDING_REBOOT)
            out->items[out->count++] = n->number;
    }
}

static struct ec_cache_parameter_group_status *wire_parameter_group(struct call *c,
                                                                    const struct cluster_facts *f)
{
    struct ec_cache_parameter_group_status *group =
        arena_new(c->arena, struct ec_cache_parameter_group_status);

    group->cache_parameter_group_name = f->cluster.parameter_group;
    group->parameter_apply_status =
        parameter_status_word(cluster_parameter_status(&f->cluster, &f->nodes));
    wire_reboots(c, f, &group->cache_node_ids_to_reboot);
    return group;
}

static void wire_security_groups(struct call *c, const struct cluster *cl,
                                 struct ec_security_group_membership_list *out)
{
    size_t most = 1;

    for (const char *p = cl->security_groups; *p; p++)
        most += *p == ',';
    out->has = true;
    out->items = arena_array(c->arena, most, sizeof(*out->items));
    for (struct str rest = str_of(cl->security_groups); rest.len > 0;)
        out->items[out->count++] =
            (struct ec_security_group_membership){str_dup(c->arena, str_cut(&rest, ',')), "active"};
}

/* NULL when nobody is told. */
static struct ec_notification_configuration *wire_topic(struct call *c, const struct cluster *cl)
{
    struct ec_notification_configuration *topic =
        arena_new(c->arena, struct ec_notification_configuration);

    topic->topic_arn = cl->notification_topic;
    topic->topic_status = cl->notification_status;
    return *cl->notification_topic ? topic : NULL;
}

/* What only one kind of engine has. */
static void wire_engine_members(struct call *c, const struct cluster_facts *f,
                                struct ec_cache_cluster *out)
{
    if (engine_is_redis_like(f->cluster.engine)) {
        out->snapshot_retention_limit = INT_OF(f->cluster.snapshot_retention);
        out->snapshot_window = f->cluster.snapshot_window;
        return;
    }
    out->client_download_landing_page = CLIENT_DOWNLOAD_PAGE;
    if (cluster_status_has_endpoints(f->status))
        out->configuration_endpoint = configuration_endpoint(c, f);
}

/* A member has what it had until its group's change of encryption is in force everywhere. */
static void wire_encryption(struct call *c, const struct cluster_facts *f,
                            struct ec_cache_cluster *out)
{
    enum tls_mode now = f->cluster.tls, shown = now;
    struct group_pending pending;

    if (f->group && f->status == CLUSTER_MODIFYING) {
        pending = group_facts_pending(c, GROUP_STATUS_MODIFYING, f->group_newest);
        shown = pending.changes_tls ? pending.tls_before : now;
    }
    out->transit_encryption_enabled = BOOL_OF(shown != TLS_OFF);
    out->transit_encryption_mode = shown != TLS_OFF ? tls_mode_name(shown) : NULL;
    if (shown == now)
        return;
    out->pending_modified_values->transit_encryption_enabled = BOOL_OF(now != TLS_OFF);
    out->pending_modified_values->transit_encryption_mode =
        now != TLS_OFF ? tls_mode_name(now) : NULL;
}

/* Members are entered as their replication group is. */
static void wire_entry(const struct cluster_facts *f, struct ec_cache_cluster *out)
{
    const struct cache_entry *entry = f->group ? &f->group->entry : &f->cluster.entry;

    out->auth_token_enabled = BOOL_OF(entry->has_token);
    if (entry->token_modified_ms > 0)
        out->auth_token_last_modified_date = TIME_OF(entry->token_modified_ms);
    if (f->status == CLUSTER_MODIFYING)
        out->pending_modified_values->auth_token_status = entry_token_word(entry, &f->nodes);
}

/* Engines of the hosts may be replaced by later ones there: what runs is what is said. */
static const char *version_that_runs(const struct cluster_facts *f)
{
    bool is_bundled = driver_is_bundled(f->cluster.driver);

    for (size_t i = 0; i < f->nodes.count && !is_bundled; i++) {
        const struct node *n = &f->nodes.items[i];
        if (n->is_wanted && n->saw.has && n->saw.build && *n->saw.build)
            return n->saw.build;
    }
    return f->cluster.engine_version;
}

void wire_cluster(struct call *c, const struct cluster_facts *f, bool shows_nodes,
                  struct ec_cache_cluster *out)
{
    const struct cluster *cl = &f->cluster;

    *out = (struct ec_cache_cluster){
        .cache_cluster_id = cl->name,
        .cache_node_type = cl->node_type,
        .engine = cl->engine,
        .engine_version = version_that_runs(f),
        .cache_cluster_status = cluster_status_word(f->status),
        .preferred_availability_zone = preferred_zone(f),
        .cache_cluster_create_time = TIME_OF(cl->created_ms),
        .preferred_maintenance_window = cl->maintenance_window,
        .notification_configuration = wire_topic(c, cl),
        .cache_security_groups = {.has = true},
        .cache_parameter_group = wire_parameter_group(c, f),
        .cache_subnet_group_name = cl->subnet_group,
        .auto_minor_version_upgrade = BOOL_OF(cl->auto_minor_upgrade),
        .at_rest_encryption_enabled = BOOL_OF(cl->data_key && *cl->data_key),
        .arn = arn_make(c->arena, cl->region, cl->account, "cluster", cl->name),
        .replication_group_log_delivery_enabled =
            BOOL_OF(logs_of_group_enabled(f->logs, cl->group_id)),
        .network_type = network_type_name(cl->reach.network),
        .ip_discovery = ip_family_name(cl->reach.discovery),
    };
    if (f->group)
        out->replication_group_id = f->group->name;
    wire_node_count(c, f, out);
    wire_encryption(c, f, out);
    wire_entry(f, out);
    logs_to_wire(c, cl->group_id ? 0 : cl->id, cl->group_id, f->logs, f, 1,
                 &out->log_delivery_configurations,
                 &out->pending_modified_values->log_delivery_configurations);
    wire_security_groups(c, cl, &out->security_groups);
    wire_engine_members(c, f, out);
    if (shows_nodes)
        wire_nodes(c, f, &out->cache_nodes);
}

struct ec_cache_cluster *wire_cluster_new(struct call *c, const struct cluster_facts *f)
{
    struct ec_cache_cluster *out = arena_new(c->arena, struct ec_cache_cluster);

    wire_cluster(c, f, false, out);
    return out;
}
