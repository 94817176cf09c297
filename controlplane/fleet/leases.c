/* Between the store's words for leases and the agents'. */
#include "controlplane/fleet/leases.h"

#include "base/arena.h"
#include "base/str.h"
#include "contract/agent.h"
#include "controlplane/model/leases.h"
#include "controlplane/store/leases.h"
#include "controlplane/store/store.h"

#include <string.h>

static bool has_lease(const struct host_node *n)
{
    return n->lease.voters && *n->lease.voters;
}

struct agent_role_lease *lease_of_node(struct arena *a, const struct host_node *n)
{
    if (!has_lease(n))
        return NULL;
    struct agent_role_lease *lease = arena_new(a, struct agent_role_lease);
    struct agent_voter_list *voters = &lease->voters;

    lease->shard_id = INT_OF(n->shard_id);
    lease->ms = INT_OF(shard_lease_ms(&n->lease));
    lease->most_ms = INT_OF(shard_lease_most_ms(&n->lease));
    voters->has = true;
    voters->items = arena_array(a, voters_count(n->lease.voters), sizeof(*voters->items));
    for (struct str rest = str_of(n->lease.voters); rest.len > 0; voters->count++)
        voters->items[voters->count] = (struct agent_voter){
            .host_id = str_dup(a, str_cut(&rest, ' ')), .address = "", .port = INT_OF(0)};
    return lease;
}

/* --- places --- */

static const char *all_voters(struct arena *a, const struct agent_node_goal_list *goals)
{
    const char *all = "";

    for (size_t i = 0; i < goals->count; i++) {
        const struct agent_node_role *role = goals->items[i].role;
        for (size_t k = 0; role && role->lease && k < role->lease->voters.count; k++)
            if (!voters_have(all, role->lease->voters.items[k].host_id))
                all = voters_with(a, all, role->lease->voters.items[k].host_id);
    }
    return all;
}

static void locate(struct agent_voter *v, const struct vote_place *own,
                   const struct voter_place *places, size_t count)
{
    if (strcmp(v->host_id, CONTROL_PLANE_VOTER) == 0 && own->address) {
        v->address = own->address;
        v->port = INT_OF(own->port);
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(v->host_id, places[i].host_id) == 0) {
            v->address = places[i].address;
            v->port = INT_OF(places[i].port);
        }
}

struct err leases_locate(struct store_tx *tx, const struct vote_place *own,
                         struct agent_node_goal_list *goals)
{
    const char *all = all_voters(store_arena(tx), goals);
    struct voter_place *places;
    size_t count;

    if (!*all)
        return OK;
    TRY(store_voter_places(tx, all, &places, &count));
    for (size_t i = 0; i < goals->count; i++) {
        struct agent_node_role *role = goals->items[i].role;
        for (size_t k = 0; role && role->lease && k < role->lease->voters.count; k++)
            locate(&role->lease->voters.items[k], own, places, count);
    }
    return OK;
}

/* --- promises --- */

struct err leases_promises(struct store_tx *tx, const char *host_id, struct agent_promise_list *out)
{
    struct promise_list asked;

    TRY(store_promises_asked(tx, host_id, &asked));
    out->has = asked.count > 0;
    out->count = asked.count;
    out->items = arena_array(store_arena(tx), asked.count, sizeof(*out->items));
    for (size_t i = 0; i < asked.count; i++)
        out->items[i] = (struct agent_promise){.shard_id = INT_OF(asked.items[i].shard_id),
                                               .term = INT_OF(asked.items[i].term)};
    return OK;
}

struct err leases_record(struct store_tx *tx, const char *host_id,
                         const struct agent_promise_list *promised)
{
    struct promise *promises = arena_array(store_arena(tx), promised->count, sizeof(*promises));

    for (size_t i = 0; i < promised->count; i++)
        promises[i] = (struct promise){host_id, promised->items[i].shard_id.value,
                                       promised->items[i].term.value};
    return store_promises_set(tx, host_id, promises, promised->count);
}
