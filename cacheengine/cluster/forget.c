/*
 * The one idea: nothing is remembered between slices. What is left is counted by slot anyway, and a
 * walk over slots that are empty by now is short.
 */
#include "cacheengine/cluster/forget.h"

#include "cacheengine/keyspace/effect.h"
#include "cacheengine/keyspace/slot_walk.h"

#include <time.h>

#define STEP_KEYS 1024

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct collected {
    struct db *db;
    uint32_t count;
    uint32_t refs[STEP_KEYS];
};

static void collect(void *ctx, struct entry *e)
{
    struct collected *c = ctx;

    if (c->count < STEP_KEYS)
        c->refs[c->count++] = heap_ref(&c->db->heap, e);
}

static void remove_collected(struct collected *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        struct entry *e = heap_at(&c->db->heap, c->refs[i]);
        struct key k = keyspace_key(c->db->ks, entry_key(e));

        effect_tell_gone(c->db, k, true);
        c->db->ks->dirty++;
        db_delete_entry(c->db, k, e, true);
    }
    c->count = 0;
}

/* The slots that have keys to be forgotten. */
static bool find_slots(const struct cluster *c, const struct db *db, struct slot_set *out)
{
    bool has_any = false;

    *out = (struct slot_set){{0}};
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (!slot_set_has(&c->foreign, slot) || slot_set_has(&c->importing, slot) ||
            slot_set_has(&c->topology->kept, slot) || db_slot_count(db, slot) == 0)
            continue;
        slot_set_add(out, slot);
        has_any = true;
    }
    return has_any;
}

bool cluster_forget_some(const struct cluster *c, struct db *db, int64_t budget_us)
{
    struct collected found = {.db = db};
    struct slot_set slots;
    struct slot_walk w;
    int64_t end_us = now_us() + budget_us;
    bool has_removed = false;

    if (slot_set_is_empty(&c->foreign) || !topology_self(c->topology)->is_primary ||
        !find_slots(c, db, &slots))
        return true;
    slot_walk_init(&w, &slots);
    /* Until something went at least, however slow the machine is: the walk begins with places that
     * were emptied before, and the next one would come no further than this one. */
    do {
        slot_walk_step(&w, db, collect, &found);
        has_removed |= found.count > 0;
        remove_collected(&found);
    } while (!slot_walk_is_done(&w) && (!has_removed || now_us() < end_us));
    return slot_walk_is_done(&w);
}
