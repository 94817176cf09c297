/* Where memory is: what INFO and MEMORY STATS say. All in bytes. */
#ifndef LARDER_DISPATCH_MEMORY_H
#define LARDER_DISPATCH_MEMORY_H

#include "cacheengine/dispatch/engine.h"

struct memory_state {
    uint64_t used;     /* as maxmemory sees it */
    uint64_t peak;     /* of it */
    uint64_t resident; /* pages of the process that are in memory */
    uint64_t active;   /* used, and what is unused in slabs that are in use */
    uint64_t overhead; /* used for something else than data */
    uint64_t dataset;  /* the rest */
    uint64_t clients;
    uint64_t replication; /* the stream that is kept */
    uint64_t directories; /* of the indexes */
    uint64_t startup;     /* used while there are no data */
    uint64_t keys;
};

void memory_state(struct engine *e, struct memory_state *out);

/* The part of it that the index of a database takes. */
uint64_t memory_of_index(const struct db *db);

/* a / b; 0 where b is 0. */
static inline double memory_ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : 0;
}

#endif
