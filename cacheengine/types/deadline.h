/* How commands say when a key ends: EX, PX, EXAT, PXAT and their like. */
#ifndef LARDER_TYPES_DEADLINE_H
#define LARDER_TYPES_DEADLINE_H

#include "cacheengine/keyspace/call.h"

struct deadline_unit {
    bool is_seconds;  /* else milliseconds */
    bool is_relative; /* from now on, else since 1970 */
};

static const struct deadline_unit deadline_seconds_from_now = {true, true};
static const struct deadline_unit deadline_millis_from_now = {false, true};
static const struct deadline_unit deadline_seconds_of_time = {true, false};
static const struct deadline_unit deadline_millis_of_time = {false, false};

/* Reads an argument that must lie in the future ("invalid expire time in '...' command" otherwise,
 * sent as the reply): the wall time in milliseconds. */
bool deadline_parse(struct cmd_call *c, uint32_t arg, struct deadline_unit unit, int64_t *out_ms);

/* The same for EXPIRE and its kin, where the past is allowed and means at once. */
bool deadline_parse_any(struct cmd_call *c, uint32_t arg, struct deadline_unit unit,
                        int64_t *out_ms);

/* NX, XX, GT and LT of EXPIRE and its kin. */
enum deadline_flag {
    DEADLINE_IF_NONE = 1,
    DEADLINE_IF_ANY = 2,
    DEADLINE_IF_LATER = 4,
    DEADLINE_IF_EARLIER = 8,
};

/* Reads these words from argument `first` to the one before `end`; false after the error was sent.
 */
bool deadline_flags(struct cmd_call *c, uint32_t first, uint32_t end, unsigned *out);

/* True when they allow what ends at `old_ms` (maybe NO_DEADLINE) to end at `new_ms`. */
bool deadline_flags_allow(unsigned flags, int64_t old_ms, int64_t new_ms);

/* How a time is said that something lasts or ends at: rounded, and at least 0. */
int64_t deadline_said(const struct cmd_call *c, struct deadline_unit unit, int64_t end_ms);

/* True when a key with such an end would be gone at once; a replica leaves that to its primary. */
bool deadline_is_past(const struct cmd_call *c, int64_t end_ms);

/* Removes a key because its end is given as past, and tells so in place of the command. */
void deadline_drop(struct cmd_call *c, struct key k, struct entry *e);

#endif
