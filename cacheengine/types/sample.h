/* Different members of a hash or set by chance: HRANDFIELD, SRANDMEMBER. */
#ifndef LARDER_TYPES_SAMPLE_H
#define LARDER_TYPES_SAMPLE_H

#include "base/arena.h"
#include "base/rng.h"
#include "cacheengine/keyspace/reply.h"
#include "cacheengine/types/collection.h"

struct sample {
    struct rng *rng;
    struct arena *scratch;
    /* Told each member that was drawn and the place of its value. */
    void (*draw)(void *ctx, const struct packed_item *member, const uint8_t *rest);
    void *ctx;
};

/* Draws `count` members, each from all of them. Ends early when what is said to the client exceeds
 * what may wait for it: the client will be closed. */
void sample_any(const struct collection *c, const struct sample *s, uint64_t count,
                const struct reply *reply);

/* Draws `count` different members, at most as many as there are; any choice is equally likely. */
void sample_draw(const struct collection *c, const struct sample *s, uint64_t count);

#endif
