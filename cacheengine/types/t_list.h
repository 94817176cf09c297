/* What the files of the list type share. */
#ifndef LARDER_TYPES_LIST_H
#define LARDER_TYPES_LIST_H

#include "cacheengine/keyspace/call.h"
#include "cacheengine/types/sequence.h"

/* The list in argument `arg` for reading or for writing. False when there is none; *ok is false
 * after WRONGTYPE was sent. */
bool list_read(struct cmd_call *c, uint32_t arg, struct sequence *s, bool *ok);
bool list_find(struct cmd_call *c, uint32_t arg, struct sequence *s, bool *ok);

/* After elements were removed: tells, `changes` of them by this event, and removes the key of a
 * list that has none left. */
void list_shrank(struct cmd_call *c, struct sequence *s, const char *event, uint64_t changes);

/* An argument that says an end: LEFT or RIGHT; false after the error was sent. */
bool list_parse_end(struct cmd_call *c, uint32_t arg, bool *is_left);

/* Where a place that may be counted from the end (-1 is the last) is; negative: before the first.
 */
static inline int64_t list_index(uint64_t count, int64_t index)
{
    return index < 0 ? index + (int64_t)count : index;
}

#endif
