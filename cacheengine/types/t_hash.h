/* What the files of the hash type share. */
#ifndef LARDER_TYPES_HASH_H
#define LARDER_TYPES_HASH_H

#include "cacheengine/keyspace/call.h"
#include "cacheengine/types/collection.h"

/* The hash in argument 1 for reading. False when there is none; *ok is false after WRONGTYPE was
 * sent. */
bool hash_read(struct cmd_call *c, struct collection *h, bool *ok);

/* The same for changing what is there. */
bool hash_find(struct cmd_call *c, struct collection *h, bool *ok);

/* The hash in argument 1 for writing, or a new one in `buffer` (COLLECTION_BUFFER bytes). False
 * after WRONGTYPE was sent. */
bool hash_write(struct cmd_call *c, struct collection *h, uint8_t *buffer);

/* What follows writing: a new hash becomes a key, and others are told. */
void hash_written(struct cmd_call *c, struct collection *h, uint64_t changes, const char *event);

/* What follows removing fields of a hash that was found: the key goes when none is left, and others
 * are told. */
void hash_removed(struct cmd_call *c, struct collection *h, uint64_t changes, const char *event);

/* Fields and values from an argument on that are too many or too long for a small hash make a table
 * of it before they are set. */
void hash_spread_for(struct cmd_call *c, struct collection *h, uint32_t first);

/* Sets the field in an argument to the value behind it, without an end; true when it is new. */
bool hash_set_pair(struct cmd_call *c, struct collection *h, uint32_t arg);

/* Asks the processor for some fields: every `step`th argument from `first` on. */
void hash_prefetch_fields(const struct cmd_call *c, const struct collection *h, uint32_t first,
                          uint32_t step);

/* Says the value of the field in an argument, or null. */
void hash_reply_field(struct cmd_call *c, const struct collection *h, uint32_t arg);

#endif
