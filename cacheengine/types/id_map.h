/*
 * Things in the order of their names (stream_id.h): nodes of a stream, entries that wait to be
 * acknowledged.
 *
 *     chunks   [ chunk chunk chunk ]                       an array, in order
 *     chunk    count  room  [ thing thing thing - - ]      up to ID_CHUNK_MAX, in order
 *
 * A thing is `width` bytes, a multiple of 8, and begins with its struct stream_id; a map has things
 * of one width. Most come at the end and go at the begin, which moves little or nothing; all else
 * moves one chunk.
 *
 * Places and pointers to things hold until the next insertion or removal.
 */
#ifndef LARDER_TYPES_ID_MAP_H
#define LARDER_TYPES_ID_MAP_H

#include "cacheengine/keyspace/account.h"
#include "cacheengine/types/stream_id.h"

#include <stddef.h>

#define ID_CHUNK_MAX 64

struct id_chunk {
    uint32_t count, room; /* things */
    uint64_t things[];
};

struct id_map {
    uint64_t count;
    size_t held; /* bytes that are booked for it */
    struct id_chunk **chunks;
    uint32_t first, chunk_count, room; /* of the array: where it begins, how many, of how many */
    uint32_t width;
};

/* Where a thing is; a place at the end has none. */
struct id_place {
    uint32_t chunk, index;
};

/* An empty map takes no memory. */
void id_map_init(struct id_map *m, uint32_t width);
void id_map_fini(struct account *a, struct id_map *m);

/* The thing at a place; NULL at the end. */
void *id_map_at(const struct id_map *m, struct id_place place);

/* The thing of this name, or NULL. */
void *id_map_find(const struct id_map *m, struct stream_id id);

/* The place of the first thing whose name is not below this one. */
struct id_place id_map_seek(const struct id_map *m, struct stream_id id);

struct id_place id_map_begin(const struct id_map *m);
struct id_place id_map_end(const struct id_map *m);

/* Moves the place of a thing to the next one, or to the end. */
void id_map_next(const struct id_map *m, struct id_place *place);

/* Moves a place back; false, with nothing changed, at the begin. */
bool id_map_previous(const struct id_map *m, struct id_place *place);

/* The thing of this name, which is made of zeros behind its name when it is not there. */
void *id_map_insert(struct account *a, struct id_map *m, struct stream_id id, bool *is_new);

/* Removes the thing at a place, which then is that of the next. */
void id_map_remove(struct account *a, struct id_map *m, struct id_place *place);

/* Removes the thing of a name; false when there is none. */
bool id_map_forget(struct account *a, struct id_map *m, struct stream_id id);

#endif
