/*
 * The one idea: the keys of a group of slots stand in one run of the index (slot.h), so a walk goes
 * from run to run with the index's own cursor and sorts out the slots that only share the run.
 */
#include "cacheengine/keyspace/slot_walk.h"

#define STEP_KEYS 768 /* one place has at most a segment's entries */

static bool has_group(const struct slot_set *s, uint32_t group)
{
    for (uint32_t slot = group; slot < SLOT_COUNT; slot += SLOT_GROUPS)
        if (slot_set_has(s, slot))
            return true;
    return false;
}

/* The lowest and the highest hash that a group can have. */
static uint64_t group_first(uint32_t group)
{
    return (uint64_t)group << 56;
}

static uint64_t group_last(uint32_t group)
{
    return group_first(group) | 0x00ffffffffffffffULL;
}

/* Goes to the first group from `group` on that has any of the slots. */
static void enter_group(struct slot_walk *w, uint32_t group)
{
    while (group < SLOT_GROUPS && !has_group(w->slots, group))
        group++;
    w->group = group;
    w->cursor = group < SLOT_GROUPS ? index_cursor(group_first(group)) : 0;
}

void slot_walk_init(struct slot_walk *w, const struct slot_set *slots)
{
    *w = (struct slot_walk){.slots = slots};
    enter_group(w, 0);
}

struct step {
    struct db *db;
    uint32_t count;
    uint32_t refs[STEP_KEYS];
};

static void collect(void *ctx, uint32_t ref)
{
    struct step *s = ctx;

    prefetch(heap_at(&s->db->heap, ref));
    s->refs[s->count++] = ref;
}

void slot_walk_step(struct slot_walk *w, struct db *db, void (*visit)(void *ctx, struct entry *e),
                    void *ctx)
{
    struct step s = {.db = db};

    if (slot_walk_is_done(w))
        return;
    uint64_t next = index_scan(&db->index, w->cursor, collect, &s);
    for (uint32_t i = 0; i < s.count; i++) {
        struct entry *e = heap_at(&db->heap, s.refs[i]);
        struct str key = entry_key(e);
        uint32_t slot = slot_of_key(key.ptr, key.len);

        if (slot_group(slot) == w->group && slot_set_has(w->slots, slot))
            visit(ctx, e);
    }
    w->cursor = next;
    /* Groups may share the place where one ends and the other begins. */
    if (next == 0 || index_cursor_place(next) > index_place(group_last(w->group)))
        enter_group(w, w->group + 1);
}

bool slot_walk_is_past(const struct slot_walk *w, const struct db *db, uint64_t hash)
{
    uint32_t group = slot_group(slot_of_hash(hash));

    if (group != w->group)
        return group < w->group;
    return index_is_scanned(&db->index, w->cursor, hash);
}

uint64_t db_slots_count(const struct db *db, const struct slot_set *slots)
{
    uint32_t first, last = 0;
    uint64_t count = 0;

    for (uint32_t from = 0; slot_set_run(slots, from, &first, &last); from = last + 1)
        for (uint32_t slot = first; slot <= last; slot++)
            count += db_slot_count(db, slot);
    return count;
}
