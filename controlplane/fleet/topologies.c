/* A number of a group has one place, where the last that came stays; beyond a size the others go in
 * turn. What is not there is read. */
#include "controlplane/fleet/topologies.h"

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include "contract/agent.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/store.h"

#include <stdlib.h>
#include <string.h>

void topologies_init(struct topologies *t)
{
    *t = (struct topologies){0};
    pthread_mutex_init(&t->lock, NULL);
}

void topologies_fini(struct topologies *t)
{
    for (size_t i = 0; i < TOPOLOGIES_SLOTS; i++)
        free(t->slots[i].words);
    pthread_mutex_destroy(&t->lock);
}

/* --- what was read before --- */

static struct topology_slot *slot_of(struct topologies *t, int64_t group_id)
{
    return &t->slots[(uint64_t)group_id % TOPOLOGIES_SLOTS];
}

/* A copy in `a`, or NULL. */
static const char *find(struct topologies *t, struct arena *a, int64_t group_id, int64_t epoch)
{
    const char *words = NULL;

    pthread_mutex_lock(&t->lock);
    const struct topology_slot *slot = slot_of(t, group_id);
    if (slot->words && slot->group_id == group_id && slot->epoch == epoch)
        words = arena_strndup(a, slot->words, slot->len);
    pthread_mutex_unlock(&t->lock);
    return words;
}

static void drop(struct topologies *t, struct topology_slot *slot)
{
    free(slot->words);
    t->bytes -= slot->len;
    *slot = (struct topology_slot){0};
}

/* Who still reads what was before puts it in nobody's place. */
static void keep(struct topologies *t, int64_t group_id, int64_t epoch, const char *words)
{
    size_t len = strlen(words);

    if (len > TOPOLOGIES_MOST_BYTES)
        return;
    pthread_mutex_lock(&t->lock);
    struct topology_slot *slot = slot_of(t, group_id);
    if (!slot->words || slot->group_id != group_id || slot->epoch < epoch) {
        drop(t, slot);
        while (t->bytes + len > TOPOLOGIES_MOST_BYTES)
            drop(t, &t->slots[t->hand++ % TOPOLOGIES_SLOTS]);
        *slot = (struct topology_slot){group_id, epoch, strdup(words), len};
        check(slot->words != NULL);
        t->bytes += len;
    }
    pthread_mutex_unlock(&t->lock);
}

static struct err words_of(struct topologies *t, struct store_tx *tx,
                           const struct agent_node_topology *named, const char **out)
{
    struct topology read;

    *out = find(t, store_arena(tx), named->group_id.value, named->epoch.value);
    if (*out)
        return OK;
    TRY(store_topology_get(tx, named->group_id.value, &read));
    keep(t, named->group_id.value, read.epoch, read.words);
    *out = read.words;
    return OK;
}

/* --- what is told --- */

struct told {
    int64_t group_id, epoch;
    const char *words;
    const char **items; /* the same one by one, for those that take them so */
    size_t count;
};

struct told_list {
    struct told *items;
    size_t count, capacity;
};

static struct err told_of(struct topologies *t, struct store_tx *tx, struct told_list *all,
                          const struct agent_node_topology *named, struct told **out)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].group_id == named->group_id.value) {
            *out = &all->items[i];
            return OK;
        }
    *out = vec_add(store_arena(tx), all);
    **out = (struct told){.group_id = named->group_id.value, .epoch = named->epoch.value};
    return words_of(t, tx, named, &(*out)->words);
}

static void split(struct arena *a, struct told *told)
{
    vec_of(const char *) items = VEC_EMPTY;

    if (told->items)
        return;
    for (struct str rest = str_of(told->words); rest.len > 0;)
        *vec_add(a, &items) = str_dup(a, str_cut(&rest, ' '));
    told->items = items.items;
    told->count = items.count;
}

/* The goal then says it all itself. */
static void spell_out(struct arena *a, struct told *told, struct agent_node_topology *topology)
{
    struct agent_word_list *list = &topology->words;

    split(a, told);
    const char **words = arena_array(a, list->count + told->count, sizeof(*words));
    memcpy(words, list->items, list->count * sizeof(*words));
    if (told->count)
        memcpy(words + list->count, told->items, told->count * sizeof(*words));
    list->items = words;
    list->count += told->count;
    topology->group_id = (struct opt_int){0};
}

static void list_all(struct arena *a, const struct told_list *all,
                     struct agent_group_topology_list *out)
{
    out->has = all->count > 0;
    out->count = all->count;
    out->items = arena_array(a, all->count, sizeof(*out->items));
    for (size_t i = 0; i < all->count; i++)
        out->items[i] = (struct agent_group_topology){
            INT_OF(all->items[i].group_id), INT_OF(all->items[i].epoch), all->items[i].words};
}

struct err topologies_tell(struct topologies *t, struct store_tx *tx, bool takes,
                           struct agent_node_goal_list *goals,
                           struct agent_group_topology_list *out)
{
    struct told_list all = {0};
    struct told *told;

    for (size_t i = 0; i < goals->count; i++) {
        struct agent_node_topology *topology = goals->items[i].topology;
        if (!topology || !topology->group_id.has)
            continue;
        TRY(told_of(t, tx, &all, topology, &told));
        if (!takes)
            spell_out(store_arena(tx), told, topology);
    }
    if (takes)
        list_all(store_arena(tx), &all, out);
    return OK;
}
