/* Seeds are a matter of the first start: they are told until the cache is made. */
#include "controlplane/fleet/seeds.h"

#include "base/arena.h"
#include "contract/agent.h"
#include "contract/node_states.h"
#include "controlplane/store/snapshots.h"

#include <string.h>

static struct agent_node_goal *goal_of(struct agent_node_goal_list *goals, int64_t node_id)
{
    for (size_t i = 0; i < goals->count; i++)
        if (goals->items[i].node_id.value == node_id)
            return &goals->items[i];
    return NULL;
}

/* The seeds of one node, which stand together. */
static void add_to_goal(struct arena *a, const struct node_seed *seeds, size_t count,
                        struct agent_node_goal *goal)
{
    struct agent_node_seeds *out = arena_new(a, struct agent_node_seeds);

    out->parts.has = true;
    out->parts.items = arena_array(a, count, sizeof(*out->parts.items));
    for (size_t i = 0; i < count; i++) {
        const struct snapshot_part *p = &seeds[i].part;
        if (p->file_id == 0 && strcmp(goal->state, node_state_name(NODE_RUNNING)) == 0)
            goal->state = node_state_name(NODE_STOPPED);
        out->parts.items[out->parts.count++] = (struct agent_node_seed){
            .part_id = INT_OF(p->id), .bytes = INT_OF(p->bytes), .sha256 = p->sha256};
        if (*seeds[i].slots)
            out->slots = seeds[i].slots;
    }
    goal->seeds = out;
    /* What is in memory can be fetched once more: it comes back as it was. */
    goal->restarts_after_exit = BOOL_OF(true);
}

struct err seeds_load(struct store_tx *tx, const char *host_id, struct host_seeds *out)
{
    return store_seed_list_of_host(tx, host_id, &out->items, &out->count);
}

bool seeds_has(const struct host_seeds *seeds, int64_t node_id)
{
    for (size_t i = 0; i < seeds->count; i++)
        if (seeds->items[i].node_id == node_id)
            return true;
    return false;
}

void seeds_add(struct arena *a, const struct host_seeds *seeds, struct agent_node_goal_list *goals)
{
    const struct node_seed *items = seeds->items;

    for (size_t i = 0, end; i < seeds->count; i = end) {
        struct agent_node_goal *goal = goal_of(goals, items[i].node_id);
        for (end = i + 1; end < seeds->count && items[end].node_id == items[i].node_id;)
            end++;
        if (goal)
            add_to_goal(a, &items[i], end - i, goal);
    }
}
