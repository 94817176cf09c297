/*
 * Big values: bytes outside the heap, shared by counting. A key owns one share, an output queue
 * that still sends it another, so a reply needs no copy. Counting is for the executing thread only;
 * the last share can be freed by the background thread (lazyfree.h).
 */
#ifndef LARDER_KEYSPACE_BLOB_H
#define LARDER_KEYSPACE_BLOB_H

#include "base/str.h"
#include "cacheengine/keyspace/account.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob {
    uint32_t shares;
    uint32_t skip; /* bytes in front of the value: what a read buffer held before it */
    size_t len;    /* of the value */
    size_t room;   /* bytes behind `bytes` */
    size_t cost;   /* what the account carries for it */
    char bytes[];
};

/* One share; the value's bytes are not set. Aborts when out of memory. */
struct blob *blob_new(struct account *account, size_t len, size_t room);

static inline struct blob *blob_share(struct blob *b)
{
    __atomic_add_fetch(&b->shares, 1, __ATOMIC_RELAXED);
    return b;
}

static inline bool blob_is_shared(const struct blob *b)
{
    return __atomic_load_n(&b->shares, __ATOMIC_ACQUIRE) > 1;
}

/* Gives one share back; frees with the last one. Accepts NULL. */
void blob_drop(struct account *account, struct blob *b);

/* The same for another thread: returns what the account carries for it, 0 while others hold shares.
 */
size_t blob_release(struct blob *b);

/* The same blob with room for `room` bytes of value, maybe at another address. Needs to be the only
 * share. */
struct blob *blob_grow(struct account *account, struct blob *b, size_t room);

static inline char *blob_ptr(struct blob *b)
{
    return b->bytes + b->skip;
}

static inline struct str blob_str(const struct blob *b)
{
    return (struct str){b->bytes + b->skip, b->len};
}

#endif
