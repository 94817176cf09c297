/*
 * Tidying: what deletions leave half empty is emptied, so that its memory goes back to the system.
 * The one idea: nothing but the index refers to keys, so a pass over the index moves those that
 * stand in sparse slabs to where new ones are put, and changes one word each. It looks at slabs'
 * records, not at keys, so what need not be moved costs next to nothing.
 *
 * Members of big collections stay where they are: their slabs fill up again as others come.
 */
#include "cacheengine/keyspace/internal.h"

#include <time.h>

#define WASTE_LEAST (16U << 20) /* less is left alone */
#define WASTE_PART  4           /* as is less than this part of what is used */
#define LOOK_MS     1000        /* between looks at whether there is waste */
#define REST_MS     300000      /* after a pass that helped little */

static bool is_wasteful(const struct heap *h)
{
    size_t wasted = h->base ? heap_wasted_bytes(h) : 0;

    return wasted > WASTE_LEAST && wasted > h->used_bytes / WASTE_PART;
}

/* Begins a pass where there is need; false when there is none. */
static bool begin(struct keyspace *ks)
{
    struct tidying *t = &ks->tidying;

    if (ks->passed_ms < t->rests_until_ms)
        return false;
    t->rests_until_ms = ks->passed_ms + LOOK_MS;
    for (int i = 0; i < ks->db_count; i++) {
        const struct heap *h = &ks->dbs[i].heap;

        if (!is_wasteful(h))
            continue;
        *t = (struct tidying){.is_running = true, .db = i, .wasted_before = heap_wasted_bytes(h)};
        return true;
    }
    return false;
}

static void end(struct keyspace *ks)
{
    struct tidying *t = &ks->tidying;
    const struct heap *h = &ks->dbs[t->db].heap;

    t->is_running = false;
    if (h->base && heap_wasted_bytes(h) > t->wasted_before - t->wasted_before / 8)
        t->rests_until_ms = ks->passed_ms + REST_MS;
}

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Gives back what has become empty. False when the time was up first. */
static bool cool(struct keyspace *ks, int64_t end_us)
{
    for (int i = 0; i < ks->db_count; i++)
        while (heap_cool(&ks->dbs[i].heap))
            if (now_us() >= end_us)
                return false;
    return true;
}

bool keyspace_tidy_some(struct keyspace *ks, int64_t budget_us)
{
    struct tidying *t = &ks->tidying;
    int64_t end_us = now_us() + budget_us;

    if (!cool(ks, end_us))
        return false;
    if (!t->is_running && !begin(ks))
        return true;
    do {
        t->place = index_tidy(&ks->dbs[t->db].index, t->place, &ks->stats.tidy_looked,
                              &ks->stats.tidy_moved);
        if (t->place == 0)
            end(ks);
    } while (t->is_running && now_us() < end_us);
    return !t->is_running && cool(ks, end_us);
}
