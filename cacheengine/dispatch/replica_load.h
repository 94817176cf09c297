/* How a replica takes a snapshot in (replica.h). */
#ifndef LARDER_DISPATCH_REPLICA_LOAD_H
#define LARDER_DISPATCH_REPLICA_LOAD_H

#include "cacheengine/dispatch/replica.h"

/* What INFO shows of it. */
struct replica_load_facts {
    int64_t total_bytes; /* 0: not known */
    uint64_t read_bytes;
    int64_t began_s;      /* wall time of the loading's beginning */
    uint64_t used_memory; /* of the primary, as its snapshot tells */
};

/* Begins; `rest` is what has come of it with its head. The link's events belong to it from here on.
 */
void replica_load_begin(struct replica *r, struct str rest);

/* The link has something. */
void replica_load_readable(struct replica *r);

/* A slice of loading a file; false when there is nothing to be done now. */
bool replica_load_some(struct replica *r);

/* True while the old data stays and is served. */
bool replica_load_is_beside(const struct replica *r);

/* True when it needs its link no more. */
bool replica_load_is_alone(const struct replica *r);

struct replica_load_facts replica_load_facts(const struct replica *r);

/* Gives it up. Nothing happens when there is none. */
void replica_load_end(struct replica *r);

#endif
