/* What the files of the set type share. */
#ifndef LARDER_TYPES_SET_H
#define LARDER_TYPES_SET_H

#include "cacheengine/keyspace/call.h"
#include "cacheengine/types/collection.h"

/* The set in argument `arg` for reading or for writing. False when there is none; *ok is false
 * after WRONGTYPE was sent. */
bool set_read(struct cmd_call *c, uint32_t arg, struct collection *s, bool *ok);
bool set_find(struct cmd_call *c, uint32_t arg, struct collection *s, bool *ok);

/* Begins a set for a key that is not there and that gets about `count` members, of which `first` is
 * one. `buffer` is COLLECTION_BUFFER bytes. */
void set_begin(struct cmd_call *c, uint32_t arg, struct collection *s, struct str first,
               uint64_t count, uint8_t *buffer);

/* Removes the key of a set that has no members left, and tells. */
void set_end_if_empty(struct cmd_call *c, struct collection *s);

/* Says a set: head and members. */
void set_reply(struct cmd_call *c, const struct collection *s);

/* Asks the processor for what a look at the members in arguments from `first` on will touch. */
void set_prefetch(const struct cmd_call *c, const struct collection *s, uint32_t first);

#endif
