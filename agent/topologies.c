/* Words are cut once for each topology; goals have pointers to them. */
#include "agent/topologies.h"

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include "contract/agent.h"

#include <string.h>

struct words {
    const char **items;
    size_t count, capacity;
};

static struct words cut(struct arena *a, const char *text)
{
    struct words words = {0};

    for (struct str rest = str_of(text ? text : ""); rest.len > 0;)
        *vec_add(a, &words) = str_dup(a, str_cut(&rest, ' '));
    return words;
}

static bool is_of(const struct agent_node_topology *t, const struct agent_group_topology *told)
{
    return t->group_id.has && t->group_id.value == told->group_id.value &&
           t->epoch.value == told->epoch.value;
}

static void add(struct arena *a, const struct words *more, struct agent_node_topology *t)
{
    const char **all = arena_array(a, t->words.count + more->count, sizeof(*all));

    if (t->words.count)
        memcpy(all, t->words.items, t->words.count * sizeof(*all));
    if (more->count)
        memcpy(all + t->words.count, more->items, more->count * sizeof(*all));
    t->words.items = all;
    t->words.count += more->count;
    t->group_id = (struct opt_int){0};
}

struct err topologies_resolve(struct arena *a, const struct agent_group_topology_list *told,
                              struct agent_node_goal_list *goals)
{
    for (size_t i = 0; i < told->count; i++) {
        const struct words words = cut(a, told->items[i].words);
        for (size_t k = 0; k < goals->count; k++)
            if (goals->items[k].topology && is_of(goals->items[k].topology, &told->items[i]))
                add(a, &words, goals->items[k].topology);
    }
    for (size_t k = 0; k < goals->count; k++)
        if (goals->items[k].topology && goals->items[k].topology->group_id.has)
            return err_make(ERR_INVALID, "a goal names a topology that is not told");
    return OK;
}
