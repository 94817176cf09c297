/*
 * Compact: the runs of elements that Redis keeps small collections in and that its files carry as
 * one string each.
 *
 *     listpack  bytes (4), count (2), elements, 0xff; an element is its form, its bytes and its
 * size ziplist   bytes (4), place of the last (4), count (2), elements, 0xff; an element is the
 * size of the one before it, its form and its bytes (before Redis 7) zipmap    count (1), pairs,
 * 0xff; a field or value is its length and bytes (before Redis 2.6)
 *
 * All three are read, element by element, as what they are: bytes of anybody's making. Listpacks
 * are written too. They are described in redis's listpack.c, ziplist.c and zipmap.c.
 */
#ifndef LARDER_TYPES_COMPACT_H
#define LARDER_TYPES_COMPACT_H

#include "cacheengine/types/packed.h"

enum compact_kind { COMPACT_LISTPACK, COMPACT_ZIPLIST, COMPACT_ZIPMAP };

/* A run being read. */
struct compact {
    const uint8_t *at, *end; /* elements that are left; end is where 0xff stands */
    uint64_t count;          /* elements read */
    uint32_t told;           /* as many the head promised */
    uint32_t told_max;       /* a head that says this does not know */
    uint64_t last_size;      /* ziplists: of the element before `at` */
    const uint8_t *last;     /* ziplists: where the head says that the last one begins */
    const uint8_t *begun;    /* where the element that was read last begins */
    uint8_t kind;            /* enum compact_kind */
    bool is_broken;
};

/* Begins to read; a head that cannot be right makes it broken. The bytes outlive the reading. */
void compact_begin(struct compact *c, enum compact_kind kind, struct str bytes);

/* The next element, which borrows the bytes; false at the end and when it is broken. */
bool compact_next(struct compact *c, struct packed_item *out);

/* After the end: true when everything was as it must be. */
bool compact_is_sound(const struct compact *c);

/* ---- writing listpacks ---- */

#define LISTPACK_HEAD 6
#define LISTPACK_END  1

/* An element takes at most so many bytes more than its text. */
#define LISTPACK_AROUND 10

/* A listpack of the elements of a packed run takes at most this: reals become up to 24 digits. */
#define LISTPACK_OF_RUN(len) ((size_t)(len)*4 + LISTPACK_HEAD + LISTPACK_END + LISTPACK_AROUND)

/* Writes an element; returns the place behind it. */
uint8_t *listpack_put(uint8_t *at, const struct packed_item *item);

/* Reads an element of a listpack that is known to be sound; returns the place behind it. */
const uint8_t *listpack_get(const uint8_t *at, struct packed_item *out);

/* The place behind an element of a sound listpack. */
const uint8_t *listpack_skip(const uint8_t *at);

/* The place of the element that ends at a place of a sound listpack. */
const uint8_t *listpack_before(const uint8_t *at);

/* Writes head and end around elements that stand from listpack + LISTPACK_HEAD to `at`; returns all
 * bytes. */
size_t listpack_close(uint8_t *listpack, uint8_t *at, uint64_t count);

/* Writes the elements of a packed run as a listpack; returns its bytes. */
size_t listpack_of_run(uint8_t *listpack, const void *run, size_t len);

#endif
