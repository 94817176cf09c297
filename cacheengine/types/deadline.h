/* How commands say when a key ends: EX, PX, EXAT, PXAT and their like. */
#ifndef LARDER_TYPES_DEADLINE_H
#define LARDER_TYPES_DEADLINE_H

#include "cacheengine/keyspace/call.h"

struct deadline_unit {
    bool is_seconds;  /* else milliseconds */
    bool is_relative; /* from now on, else since 1970 */
};

/* Reads an argument that must lie in the future ("invalid expire time in '...' command" otherwise,
 * sent as the reply): the wall time in milliseconds. */
bool deadline_parse(struct cmd_call *c, uint32_t arg, struct deadline_unit unit, int64_t *out_ms);

/* The same for EXPIRE and its kin, where the past is allowed and means at once. */
bool deadline_parse_any(struct cmd_call *c, uint32_t arg, struct deadline_unit unit,
                        int64_t *out_ms);

/* True when a key with such an end would be gone at once; a replica leaves that to its primary. */
bool deadline_is_past(const struct cmd_call *c, int64_t end_ms);

/* Removes a key because its end is given as past, and tells so in place of the command. */
void deadline_drop(struct cmd_call *c, struct key k, struct entry *e);

#endif
