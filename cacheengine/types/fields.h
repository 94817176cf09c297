/*
 * Fields of hashes that end by themselves.
 *
 * Nobody is shown a field that has ended. It is removed when a command opens its hash (unless the
 * hash is so big that this would take long), when a command writes to it, and by the regular work
 * of expiry; each time this is told as HDEL and as the event "hexpired". A replica removes none by
 * itself.
 */
#ifndef LARDER_TYPES_FIELDS_H
#define LARDER_TYPES_FIELDS_H

#include "cacheengine/keyspace/call.h"
#include "cacheengine/types/collection.h"

/* A hash of more groups than this is not searched for ended fields when it is opened. */
#define FIELDS_GROUPS_AT_ONCE 1024

/* After a hash with fields that end was opened for a command: hides what has ended, and removes it
 * where that may be. False when the key went with it. */
bool fields_meet_slow(struct collection *h);

static inline bool fields_meet(struct collection *h)
{
    return !h->table || __builtin_expect(!h->table->has_ends, 1) || fields_meet_slow(h);
}

/* Finds a field to be written to. One that has ended is removed; the place is then that of a failed
 * search. */
bool fields_seek(struct cmd_call *c, struct collection *h, const struct packed_item *field,
                 struct collection_place *place);

/* type_ops.expire_some of hashes. */
int64_t fields_expire_some(struct db *db, struct key k, struct entry *e, uint32_t budget);

#endif
