/* What the commands on bits of strings share. */
#ifndef LARDER_TYPES_BITMAP_H
#define LARDER_TYPES_BITMAP_H

#include "cacheengine/keyspace/call.h"

/* An argument as the number of a bit; with `width` (0: not allowed) "#3" is the third number of
 * that width. False after the error was sent. */
bool bitmap_offset(struct cmd_call *c, uint32_t arg, unsigned width, uint64_t *out);

/* The bytes of the string of `e` (NULL: a new one), which is made to have the bit `last`, with
 * zeros behind what it had; *has_grown says whether that was needed. */
char *bitmap_edit(struct cmd_call *c, struct key k, struct entry *e, uint64_t last, size_t *len,
                  bool *has_grown);

#endif
