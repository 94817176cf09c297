/*
 * The engine's own allocator: size classes in slabs of 64 KiB, addressed by 32-bit references.
 *
 * A heap is one reserved run of addresses, of which only what is used is backed by memory. A
 * reference counts granules of 16 bytes from its start, so one heap (one database) holds at most
 * 64 GiB (HEAP_REACH_BYTES); where the system refuses to reserve that much, a heap is smaller.
 * Classes step by 16 bytes up to 1 KiB and then so that slabs divide without a rest (at most a
 * quarter, mostly a tenth); items whose class is a multiple of 64 are aligned to cache lines. Items
 * above HEAP_ITEM_MAX take whole slabs, which suits very long keys; big values live outside, as
 * blobs (blob.h).
 *
 * Every byte handed out is counted at its class's size in the account, so fragmentation is what
 * heap_backed_bytes shows above it. Slabs that fall empty can be given back to the system. Since
 * nothing but references point into a heap, an item can be moved by patching one 32-bit word.
 *
 * A heap belongs to one thread. heap_close needs no walk, so a detached heap can be closed by
 * another.
 */
#ifndef LARDER_KEYSPACE_HEAP_H
#define LARDER_KEYSPACE_HEAP_H

#include "base/err.h"
#include "cacheengine/keyspace/account.h"

#include <stddef.h>
#include <stdint.h>

#define HEAP_GRANULE     16
#define HEAP_SLAB_BYTES  65536
#define HEAP_ITEM_MAX    16384
#define HEAP_REACH_BYTES (64ULL << 30)
#define HEAP_CLASSES     96 /* room for the classes; heap.c fills what it needs */

struct heap_slab;

/* Told of addresses that will be used soon: another thread may have the system back them with
 * memory (heap_populate), which may take milliseconds. */
typedef void (*heap_ahead_fn)(void *ctx, void *at, size_t bytes);

struct heap {
    char *base; /* address of reference 0, which is never handed out; NULL while closed */
    struct heap_slab *slabs; /* one per 64 KiB of the run */
    struct account *account;
    size_t used_bytes;   /* of this heap alone */
    uint32_t slab_limit; /* slabs that fit in the reserved run */
    uint32_t slab_top;   /* slabs ever used: what lies above was never touched */
    uint32_t slab_ready; /* slabs that may be used: the run is taken into use in steps */
    uint32_t slab_open;  /* slabs that may be written to: all, or a step ahead in a big heap */
    heap_ahead_fn ahead; /* set by the owner; NULL: nobody looks ahead */
    void *ahead_ctx;
    uint32_t warm_head; /* empty slabs with memory behind them, a list; 0 = none */
    uint32_t warm_count;
    uint32_t cold_head; /* empty slabs whose memory was given back */
    uint32_t cold_count;
    uint32_t run_head;              /* freed items of several slabs, a list */
    uint32_t run_slabs;             /* slabs in it */
    uint32_t partial[HEAP_CLASSES]; /* per class: slabs with room, a list; 0 = none */
};

/* Reserves the addresses. ERR_LIMIT when the system grants not even a small run. */
must_use struct err heap_open(struct heap *h, struct account *account);

/* Has the system back addresses with memory; whatever stands there stays. For any thread, even when
 * the heap is closed meanwhile. */
void heap_populate(void *at, size_t bytes);

/* Gives everything back at once and takes it out of the account. Accepts a zeroed heap. */
void heap_close(struct heap *h);

/* Books the heap to another account from now on, for a heap that another thread closes. */
void heap_rebook(struct heap *h, struct account *account);

/* A reference to `size` bytes (at least 1), not zeroed. Aborts when the run is exhausted:
 * ask heap_room first. */
uint32_t heap_alloc(struct heap *h, size_t size);

void heap_free(struct heap *h, uint32_t ref);

/* Gives the memory of one empty slab back to the system; false when so few are left that they are
 * kept. It is no part of heap_free, as it may take the system half a millisecond. */
bool heap_cool(struct heap *h);

/* True when the item's slab is better emptied: others of its class have room, and it wastes an
 * eighth or more. */
bool heap_is_sparse(const struct heap *h, uint32_t ref);

/* Moves an item of a sparse slab to where items of its class are put at present, and returns where
 * it stands now. What refers to it is the caller's to change. */
uint32_t heap_move(struct heap *h, uint32_t ref);

/* Bytes that an item of `size` really takes: its class. */
size_t heap_class_bytes(size_t size);

/* Bytes that the item of a reference really takes. */
size_t heap_item_bytes(const struct heap *h, uint32_t ref);

/* Gives the memory of all empty slabs back to the system. */
void heap_purge(struct heap *h);

/* True while at least 1/64 of the run is free; writes that add data are refused without it. */
bool heap_has_room(const struct heap *h);

/* Memory behind the heap: at least used_bytes, the rest is fragmentation. */
size_t heap_backed_bytes(const struct heap *h);

/* What of it stands between items: not used, and not in empty slabs kept for the next ones. */
size_t heap_wasted_bytes(const struct heap *h);

/* Where the item stands; holds until it is freed or moved. */
static inline void *heap_at(const struct heap *h, uint32_t ref)
{
    return h->base + ((uint64_t)ref << 4);
}

/* The reference of an item by its address. */
static inline uint32_t heap_ref(const struct heap *h, const void *item)
{
    return (uint32_t)((uint64_t)((const char *)item - h->base) >> 4);
}

#endif
