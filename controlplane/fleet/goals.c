/* From the store's rows to the agent's words. */
#include "controlplane/fleet/goals.h"

#include "base/arena.h"
#include "contract/agent.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/place.h"
#include "controlplane/store/store.h"

/* What the default parameter groups set that a bundled engine would not do by itself. */
static void add_parameters(struct arena *a, const char *engine, struct agent_parameter_list *out)
{
    if (!engine_is_redis_like(engine))
        return;
    out->has = true;
    out->count = 1;
    out->items = arena_new(a, struct agent_parameter);
    out->items[0] = (struct agent_parameter){.name = "maxmemory-policy", .value = "volatile-lru"};
}

static void goal_to_wire(struct arena *a, const struct host_node *n, struct agent_node_goal *out)
{
    const struct node_type *type = node_type_find(n->node_type);
    const struct engine_version *version = engine_version_reported(n->engine, n->engine_version);

    check(type != NULL && version != NULL); /* the catalogue never loses a row */
    *out = (struct agent_node_goal){
        .node_id = INT_OF(n->node_id),
        .state = node_state_name(n->goal.state),
        .cluster = n->cluster,
        .cache_node_id = n->number,
        .engine = n->engine,
        .engine_version = n->engine_version,
        .driver = DRIVER_DEFAULT,
        .address = n->goal.address,
        .port = INT_OF(n->goal.port),
        .maxmemory_bytes = INT_OF(node_type_maxmemory(type, version)),
        .boot_count = INT_OF(n->goal.boot_count),
        .restarts_after_exit = BOOL_OF(true), /* nodes without replicas come back empty */
    };
    add_parameters(a, n->engine, &out->parameters);
}

struct err goals_of_host(struct store_tx *tx, const char *host_id, struct agent_node_goal_list *out)
{
    struct arena *a = store_arena(tx);
    struct host_node *nodes;
    size_t count;

    TRY(store_host_nodes(tx, host_id, &nodes, &count));
    out->has = true;
    out->count = count;
    out->items = arena_array(a, count, sizeof(*out->items));
    for (size_t i = 0; i < count; i++)
        goal_to_wire(a, &nodes[i], &out->items[i]);
    return OK;
}
