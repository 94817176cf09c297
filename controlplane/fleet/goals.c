/* From the store's rows to the agent's words. */
#include "controlplane/fleet/goals.h"

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include "contract/agent.h"
#include "controlplane/fleet/leases.h"
#include "controlplane/fleet/seeds.h"
#include "controlplane/fleet/tasks.h"
#include "controlplane/fleet/users.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/effective.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/serverless.h"
#include "controlplane/model/settings.h"
#include "controlplane/store/certificates.h"
#include "controlplane/store/log_delivery.h"
#include "controlplane/store/parameters.h"
#include "controlplane/store/sources.h"

#include <string.h>

#define YIELD_MS 500 /* so long writes wait at most for a successor to come level */

/* --- parameters --- */

/* The values of all groups that nodes of a host use. */
struct group_values {
    struct parameter_group_values *items;
    size_t count;
};

static struct err load_values(struct store_tx *tx, const struct host_node *nodes, size_t count,
                              struct group_values *out)
{
    int64_t *ids = arena_array(store_arena(tx), count, sizeof(*ids));

    for (size_t i = 0; i < count; i++)
        ids[i] = nodes[i].parameter_group_id;
    return store_parameter_values_of(tx, ids, count, &out->items, &out->count);
}

static const struct parameter_value_list *values_of(const struct group_values *values,
                                                    const struct host_node *n)
{
    static const struct parameter_value_list nothing_set = {0};

    for (size_t i = 0; i < values->count; i++)
        if (values->items[i].group_id == n->parameter_group_id)
            return &values->items[i].values;
    return &nothing_set;
}

static void add_parameters(struct arena *a, const struct effective_parameters *effective,
                           struct agent_node_goal *out)
{
    struct agent_parameter_list *list = &out->parameters;

    out->maxmemory_bytes = INT_OF(effective->maxmemory_bytes);
    list->has = true;
    list->count = effective->count;
    list->items = arena_array(a, list->count, sizeof(*list->items));
    for (size_t i = 0; i < list->count; i++) {
        const struct effective_value *p = &effective->items[i];
        list->items[i] = (struct agent_parameter){.name = p->name, .value = p->value};
        if (p->is_static)
            list->items[i].is_static = BOOL_OF(true);
    }
}

/* Writes depend on a replica, whatever the group of parameters says: by the lag that stands there,
 * unless that is none. Families name them differently. */
static void bound_lag(struct agent_parameter_list *list)
{
    static const struct {
        const char *name, *off, *value;
    } bounds[] = {
        {"min-replicas-to-write", "0", "1"             },
        {"min-slaves-to-write",   "0", "1"             },
        {"min-replicas-max-lag",  "0", DURABILITY_LAG_S},
        {"min-slaves-max-lag",    "0", DURABILITY_LAG_S},
    };

    for (size_t i = 0; i < list->count; i++)
        for (size_t k = 0; k < countof(bounds); k++)
            if (strcmp(list->items[i].name, bounds[k].name) == 0 &&
                strcmp(list->items[i].value, bounds[k].off) == 0)
                list->items[i].value = bounds[k].value;
}

/* --- members of replication groups --- */

/* They are asked how far they are before one of them is chosen: none is a primary, none follows. */
static bool is_asked(const struct host_node *n)
{
    return n->role.acks.asked != OFFSETS_NOT_ASKED;
}

static bool is_fenced(const struct host_node *n)
{
    return n->role.fenced_id != 0 && n->role.fenced_id == n->cluster_id;
}

static bool is_primary(const struct host_node *n)
{
    return (n->role.primary_id == n->cluster_id && !is_asked(n)) || is_fenced(n);
}

/* As the primary of its shard it follows somebody outside of the group. */
static bool is_sourced(const struct host_node *n)
{
    return n->role.primary_id == n->cluster_id && !is_fenced(n) && n->role.source.port > 0;
}

/* Whose shards follow somebody: few have that. */
static struct err add_sources(struct store_tx *tx, const char *host_id, struct host_node *nodes,
                              size_t count)
{
    struct source_row *rows;
    size_t row_count;

    TRY(store_source_list_of_host(tx, host_id, &rows, &row_count));
    for (size_t i = 0; i < count && row_count > 0; i++)
        nodes[i].role.source = source_of_shard(rows, row_count, nodes[i].shard_id);
    return OK;
}

static void follow_outside(const struct shard_source *source, struct agent_node_role *role)
{
    role->is_outside = BOOL_OF(true);
    role->primary_address = source->address;
    role->primary_port = INT_OF(source->port);
    if (*source->user) {
        role->outside_user = source->user;
        role->outside_password = source->password;
    }
}

/* On which it listens, too. Where its shard has none nothing is said of them. */
static void add_endpoints(struct arena *a, const struct host_node *n, struct agent_node_role *role)
{
    int held = shard_endpoints_of(&n->endpoints, &n->role, n->cluster_id);
    struct agent_word_list *list = &role->endpoints;

    list->has = *n->endpoints.address || *n->endpoints.reader_address;
    list->items = arena_array(a, 2, sizeof(*list->items));
    if (held & ENDPOINT_PRIMARY)
        list->items[list->count++] = n->endpoints.address;
    if (held & ENDPOINT_READER)
        list->items[list->count++] = n->endpoints.reader_address;
}

/* Its DeclinedVersion comes with the settings. */
static struct agent_yield *yield_new(struct arena *a, const struct host_node *n)
{
    struct agent_yield *yield = arena_new(a, struct agent_yield);

    yield->number = INT_OF(n->role.yields);
    yield->ms = INT_OF(YIELD_MS);
    yield->address = n->successor_address;
    yield->port = INT_OF(n->successor_port);
    return yield;
}

static struct agent_node_role *role_new(struct arena *a, const struct host_node *n)
{
    struct agent_node_role *role = arena_new(a, struct agent_node_role);

    role->user = n->replication_user;
    role->password = n->replication_password;
    role->lease = lease_of_node(a, n);
    role->term = INT_OF(is_fenced(n) ? n->role.fence_term : n->role.term);
    role->is_primary = BOOL_OF(is_primary(n) && !is_sourced(n));
    role->is_fenced = BOOL_OF(is_fenced(n));
    if (is_sourced(n)) {
        follow_outside(&n->role.source, role);
    } else if (is_primary(n)) {
        role->life = INT_OF(is_fenced(n) ? n->role.fence_life : n->role.life);
    } else if (!is_asked(n)) {
        role->primary_address = n->primary_address;
        role->primary_port = INT_OF(n->primary_port);
    }
    if ((is_primary(n) || n->role.source.port) && !is_fenced(n) && n->role.after_offset > 0)
        role->after_offset = INT_OF(n->role.after_offset);
    if (is_fenced(n) && n->role.yields_to && *n->successor_address)
        role->yield = yield_new(a, n);
    add_endpoints(a, n, role);
    if (n->role.acks.ordered > 0)
        role->write_acks = INT_OF(n->role.acks.ordered);
    return role;
}

/* The node itself; what all nodes of the group know alike comes by topologies_tell. */
static struct agent_node_topology *topology_new(struct arena *a, const struct host_node *n)
{
    struct agent_node_topology *topology = arena_new(a, struct agent_node_topology);

    topology->epoch = INT_OF(n->epoch);
    topology->group_id = INT_OF(n->group_id);
    topology->words.has = true;
    topology->words.items = arena_memdup(a, &n->engine_id, sizeof(n->engine_id));
    topology->words.count = 1;
    topology->opens_replicas = BOOL_OF(!n->is_enabled);
    return topology;
}

/* A crashed primary is not to come back empty and be followed by its replicas: what becomes of it
 * is decided. Who stands alone has nothing to lose any more. */
static void add_membership(struct arena *a, const struct host_node *n, struct agent_node_goal *out)
{
    if (!n->role.has)
        return;
    out->role = role_new(a, n);
    out->restarts_after_exit = BOOL_OF(!(is_primary(n) && n->has_siblings));
    if (n->epoch > 0 && n->goal.is_clustered)
        out->topology = topology_new(a, n);
}

/* --- who may enter --- */

/* The revision of the users. */
static int64_t add_users(struct arena *a, const struct host_users *users, const struct host_node *n,
                         struct agent_node_goal *out)
{
    bool is_bundled = driver_is_bundled(out->driver);
    int64_t revision = 0;

    if (engine_is_redis_like(n->engine))
        out->users = host_users_of(a, users, n->cluster_id, is_bundled, &revision);
    return revision;
}

/* --- encryption in transit --- */

static struct err load_authority(struct store_tx *tx, const struct host_node *nodes, size_t count,
                                 struct authority *out)
{
    for (size_t i = 0; i < count; i++)
        if (nodes[i].tls != TLS_OFF)
            return store_authority_get(tx, out);
    return OK;
}

/* Without its certificate a node must not serve at all: connections would be plain. */
static void add_tls(struct arena *a, const struct host_node *n, const struct authority *authority,
                    struct agent_node_goal *out)
{
    if (n->tls == TLS_OFF)
        return;
    if (n->certificate.revision == 0) {
        if (n->goal.state == NODE_RUNNING)
            out->state = node_state_name(NODE_STOPPED);
        return;
    }
    out->tls = arena_new(a, struct agent_node_tls);
    out->tls->mode = tls_mode_name(n->tls);
    out->tls->certificate = n->certificate.certificate;
    out->tls->private_key = n->certificate.private_key;
    out->tls->authority = authority->certificate;
}

/* --- encryption at rest --- */

static void add_seal(struct arena *a, const struct host_node *n, struct agent_node_goal *out)
{
    if (!*n->data_key)
        return;
    out->seal = arena_new(a, struct agent_node_seal);
    out->seal->data_key = n->data_key;
}

/* --- logs --- */

/* What of it has somewhere to go; the newest revision of all that the cluster has. */
static int64_t add_logs(struct arena *a, const struct log_delivery_list *logs, int64_t cluster_id,
                        struct agent_node_goal *out)
{
    struct agent_node_log_list *list = &out->logs;
    int64_t newest = 0;

    list->items = arena_array(a, logs->count, sizeof(*list->items));
    for (size_t i = 0; i < logs->count; i++) {
        const struct log_delivery *d = &logs->items[i];
        if (d->cluster_id != cluster_id)
            continue;
        newest = d->revision > newest ? d->revision : newest;
        if (d->is_enabled && *d->url)
            list->items[list->count++] = (struct agent_node_log){d->log_type, d->format, d->url};
    }
    list->has = list->count > 0;
    return newest;
}

/* --- all of it --- */

/* What the owner of a node says in the place of its type. One that loads what it begins with is
 * held to no less than the most: nobody knows yet how much room that needs, and nothing of it is to
 * be evicted. */
static void add_allotment(const struct host_node *n, struct agent_node_goal *out)
{
    const struct cluster cluster = {.port = n->goal.port, .owner = n->owner};

    if (n->allotment.most_bytes == 0)
        return;
    out->maxmemory_bytes =
        INT_OF(n->is_seeded ? n->allotment.most_bytes : allotment_data_bytes(n->goal.memory_bytes));
    out->reader_port = INT_OF(cluster_reader_port(&cluster));
    out->is_serverless = BOOL_OF(true);
    out->watches_memory = BOOL_OF(true);
    out->work_per_second = INT_OF(n->allotment.work_most);
}

static void add_settings(struct arena *a, const struct host_node *n, int64_t users, int64_t logs,
                         struct agent_node_goal *out)
{
    const struct cluster cluster = {
        .engine_version = n->engine_version,
        .node_type = n->node_type,
        .parameter_group = n->parameter_group,
        .parameter_revision = n->parameter_revision,
        .allotment = n->allotment,
    };
    struct settings_version v = {
        .parameters = parameters_number(&cluster),
        .users = users,
        .epoch = n->goal.is_clustered ? n->epoch : 0,
        .opens_replicas = n->goal.is_clustered && n->epoch > 0 && !n->is_enabled,
        .tls = n->tls,
        .certificate = n->certificate.revision,
        .logs = logs,
        .nodes = *n->nodes ? n->nodes_version : 0,
        .room_bytes = n->allotment.most_bytes ? out->maxmemory_bytes.value : 0,
        .voters = n->lease.number,
    };

    settings_take_role(&v, &n->role, &n->endpoints, n->cluster_id);
    out->settings_version = settings_version_text(a, &v);
    if (!out->role || !out->role->yield)
        return;
    v.is_fenced = false;
    v.has_declined = true;
    out->role->yield->declined_version = settings_version_text(a, &v);
}

static void goal_to_wire(struct arena *a, const struct host_node *n,
                         const struct group_values *values, const struct host_users *users,
                         const struct authority *authority, const struct log_delivery_list *logs,
                         struct agent_node_goal *out)
{
    const struct node_type *type = node_type_find(n->node_type);
    const struct engine_version *version = engine_version_reported(n->engine, n->engine_version);

    struct effective_parameters effective;

    check(type != NULL && version != NULL); /* the catalogue never loses a row */
    parameters_effective(a, values_of(values, n), version, type, &effective);
    *out = (struct agent_node_goal){
        .node_id = INT_OF(n->node_id),
        .state = node_state_name(n->goal.state),
        .cluster = n->cluster,
        .cache_node_id = n->number,
        .engine = n->engine,
        .engine_version = n->engine_version,
        .driver = driver_name(n->driver),
        .address = n->goal.address,
        .second_address =
            n->goal.second_address && *n->goal.second_address ? n->goal.second_address : NULL,
        .port = INT_OF(n->goal.port),
        .boot_count = INT_OF(n->goal.boot_count),
        .restarts_after_exit = BOOL_OF(true), /* nodes without replicas come back empty */
        .keeps_data = BOOL_OF(engine_is_redis_like(n->engine)), /* over a clean stop, that is */
    };
    add_membership(a, n, out);
    add_seal(a, n, out);
    add_tls(a, n, authority, out);
    add_parameters(a, &effective, out);
    if (n->role.has && n->role.acks.is_bounded)
        bound_lag(&out->parameters);
    int64_t logged = add_logs(a, logs, n->cluster_id, out);
    add_allotment(n, out);
    if (*n->nodes)
        out->cluster_nodes = arena_printf(a, "%lld\n%s\n", (long long)n->nodes_version, n->nodes);
    add_settings(a, n, add_users(a, users, n, out), logged, out);
}

struct err goals_of_host(struct store_tx *tx, const char *host_id, int64_t since,
                         struct agent_node_goal_list *out)
{
    struct arena *a = store_arena(tx);
    struct group_values values;
    struct host_users users;
    struct authority authority = {0};
    struct log_delivery_list logs;
    struct host_seeds seeds;
    struct host_node *nodes;
    size_t count;

    TRY(store_host_nodes(tx, host_id, since, &nodes, &count));
    TRY(add_sources(tx, host_id, nodes, count));
    TRY(load_values(tx, nodes, count, &values));
    TRY(host_users_load(tx, host_id, &users));
    TRY(load_authority(tx, nodes, count, &authority));
    TRY(seeds_load(tx, host_id, &seeds));
    TRY(store_log_delivery_of_host(tx, host_id, &logs));
    out->has = true;
    out->count = count;
    out->items = arena_array(a, count, sizeof(*out->items));
    for (size_t i = 0; i < count; i++) {
        nodes[i].is_seeded = seeds_has(&seeds, nodes[i].node_id);
        goal_to_wire(a, &nodes[i], &values, &users, &authority, &logs, &out->items[i]);
    }
    seeds_add(a, &seeds, out);
    return tasks_add(tx, host_id, out);
}
