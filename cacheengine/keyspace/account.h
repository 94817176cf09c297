/* What memory is in use, exact to the byte, as `used_memory` shows it and as maxmemory holds it. */
#ifndef LARDER_KEYSPACE_ACCOUNT_H
#define LARDER_KEYSPACE_ACCOUNT_H

#include <stddef.h>

struct account {
    size_t used_bytes;   /* everything that the engine asked for */
    size_t peak_bytes;   /* the most it ever was, as of the last account_peak */
    size_t client_bytes; /* of which: buffers of clients */
    size_t exempt_bytes; /* of which: what eviction is not to make up for, as it would make more */
};

static inline void account_add(struct account *a, size_t bytes)
{
    a->used_bytes += bytes;
}

static inline void account_sub(struct account *a, size_t bytes)
{
    a->used_bytes -= bytes;
}

static inline size_t account_peak(struct account *a)
{
    if (a->used_bytes > a->peak_bytes)
        a->peak_bytes = a->used_bytes;
    return a->peak_bytes;
}

#endif
