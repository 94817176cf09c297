/*
 * Two ways, by how much of the whole is wanted: a walk that takes each member with the chance that
 * is still right (much, or a small collection), or draws that are repeated when they hit what was
 * drawn before (little of a big one).
 */
#include "cacheengine/types/sample.h"

/* Draws are better below one third of all. */
#define WALK_SHARE 3

/* How often sample_any looks at what waits for the client. */
#define LOOK_EVERY 1024

void sample_any(const struct collection *c, const struct sample *s, uint64_t count,
                const struct reply *reply)
{
    uint64_t limit = (uint64_t)c->db->ks->settings->output_limits[OUTPUT_NORMAL].hard_bytes;

    for (uint64_t i = 0; i < count; i++) {
        struct packed_item member;
        const uint8_t *rest = NULL;

        if (limit && i % LOOK_EVERY == 0 && reply_held_bytes(reply) > limit)
            return;
        collection_random(c, s->rng, &member, &rest);
        s->draw(s->ctx, &member, rest);
    }
}

static void sample_by_walk(const struct collection *c, const struct sample *s, uint64_t count)
{
    struct collection_walk walk = {0};
    struct packed_item member;
    uint64_t left = collection_count_shown(c);

    while (count > 0 && collection_next(c, &walk, &member)) {
        if (rng_below(s->rng, left--) >= count)
            continue;
        s->draw(s->ctx, &member, walk.rest);
        count--;
    }
}

/* Places drawn already; open addressing, at most half full. */
struct seen {
    const uint8_t **slots;
    uint64_t mask;
};

static bool seen_before(struct seen *seen, const uint8_t *place)
{
    uint64_t at = ((uintptr_t)place * 0x9E3779B97F4A7C15ULL) >> 20;

    for (at &= seen->mask; seen->slots[at]; at = (at + 1) & seen->mask)
        if (seen->slots[at] == place)
            return true;
    seen->slots[at] = place;
    return false;
}

static void sample_by_draws(const struct collection *c, const struct sample *s, uint64_t count)
{
    struct seen seen = {.mask = 15};

    while (seen.mask < 2 * count)
        seen.mask = seen.mask * 2 + 1;
    seen.slots = arena_array(s->scratch, seen.mask + 1, sizeof(*seen.slots));
    while (count > 0) {
        const uint8_t *at = table_random(c->db, c->table, s->rng);
        struct packed_item member;

        if (table_end(c->table, at) <= c->hides_ms || seen_before(&seen, at))
            continue;
        const uint8_t *rest = packed_get(at, &member);
        s->draw(s->ctx, &member, rest);
        count--;
    }
}

void sample_draw(const struct collection *c, const struct sample *s, uint64_t count)
{
    uint64_t all = collection_count(c), shown = collection_count_shown(c);

    if (c->table && count < all / WALK_SHARE && shown >= all / 2)
        sample_by_draws(c, s, count);
    else
        sample_by_walk(c, s, count);
}
