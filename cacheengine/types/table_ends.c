/*
 * Entries that end. The one idea: each group notes when the first of its entries ends, so finding
 * what is due is a walk over numbers that stand side by side. A note is made when an end is set and
 * never undone: one that is too early is found out, and corrected, when its time has come.
 */
#include "base/err.h"
#include "cacheengine/types/table_internal.h"

const uint8_t *table_set_end(struct db *db, struct table *t, uint64_t hash, const uint8_t *at,
                             int64_t end_ms)
{
    uint32_t group = table_group(t, hash);
    uint32_t *slot = table_slot(db, t, group);
    struct table_run *run = run_at(db, *slot);
    size_t entry = (size_t)(at - run->packed), value = entry + packed_size(at);
    size_t had = packed_end(run->packed + value) == PACKED_NO_END ? 0 : PACKED_END_SIZE;
    size_t wants = end_ms == PACKED_NO_END ? 0 : PACKED_END_SIZE;

    check(t->has_ends && at > run->packed && at < run_end(run));
    if (wants > had)
        run = run_fit(db, t, slot, run->len + wants);
    run->len = (uint32_t)packed_gap(run->packed, run->len, value, had, wants);
    if (wants)
        packed_put_end(run->packed + value, end_ms);
    else if (had)
        run = run_fit(db, t, slot, run->len);
    t->bytes += wants;
    t->bytes -= had;
    t->ends += wants > 0;
    t->ends -= had > 0;
    note_end(db, t, group, end_ms);
    if (end_ms < t->next_ms)
        t->next_ms = end_ms;
    return run->packed + entry;
}

/* The first entry of a group that has ended, or NULL; *next is then when the first one will. */
static const uint8_t *first_ended(const struct db *db, const struct table *t, uint32_t group,
                                  int64_t now_ms, int64_t *next)
{
    uint32_t ref = *table_slot(db, t, group);

    *next = PACKED_NO_END;
    if (!ref)
        return NULL;
    const struct table_run *run = run_at(db, ref);
    for (const uint8_t *at = packed_first(run->packed); at < run_end(run);) {
        const uint8_t *value = packed_next(at);
        int64_t end_ms = packed_end(value);

        if (end_ms <= now_ms)
            return at;
        if (end_ms < *next)
            *next = end_ms;
        at = packed_next(value);
    }
    return NULL;
}

uint64_t table_count_ended(const struct db *db, const struct table *t, int64_t now_ms)
{
    uint64_t count = 0;

    if (t->next_ms > now_ms)
        return 0;
    for (uint32_t group = 0; group < t->groups; group++) {
        uint32_t ref = *table_note(db, t, group) <= now_ms ? *table_slot(db, t, group) : 0;
        const uint8_t *at = ref ? packed_first(run_at(db, ref)->packed) : NULL;

        while (ref && at < run_end(run_at(db, ref))) {
            at = packed_next(at);
            count += packed_end(at) <= now_ms;
            at = packed_next(at);
        }
    }
    return count;
}

/* Removes what has ended of a group; false when the budget was spent first. Groups may go on the
 * way, this one too: what is left of it has another's note then. */
static bool sweep_group(struct db *db, struct table *t, uint32_t group, struct table_sweep *s)
{
    struct packed_item member;
    const uint8_t *at;
    int64_t next = PACKED_NO_END;

    while (group < t->groups && (at = first_ended(db, t, group, s->now_ms, &next))) {
        if (s->budget == 0)
            return false;
        s->budget--;
        s->gone(s->ctx, at);
        packed_get(at, &member);
        table_remove(db, t, table_hash(db, &member), at);
    }
    if (group < t->groups)
        *table_note(db, t, group) = next;
    return true;
}

static int64_t first_note(const struct db *db, const struct table *t)
{
    int64_t first = PACKED_NO_END;

    for (uint32_t group = 0; group < t->groups; group++)
        if (*table_note(db, t, group) < first)
            first = *table_note(db, t, group);
    return first;
}

bool table_sweep(struct db *db, struct table *t, struct table_sweep *s)
{
    while (t->next_ms <= s->now_ms) {
        for (uint32_t group = (uint32_t)t->sweep_page << TABLE_PAGE_BITS; group < t->groups;
             group++) {
            if (*table_note(db, t, group) > s->now_ms || sweep_group(db, t, group, s))
                continue;
            uint32_t page = group >> TABLE_PAGE_BITS;
            t->sweep_page = page < UINT16_MAX ? (uint16_t)page : UINT16_MAX;
            return false;
        }
        t->sweep_page = 0;
        t->next_ms = first_note(db, t);
    }
    return true;
}
