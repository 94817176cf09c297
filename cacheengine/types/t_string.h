/* What the files of the string type share. */
#ifndef LARDER_TYPES_STRING_H
#define LARDER_TYPES_STRING_H

#include "cacheengine/types/deadline.h"

/* The options of SET and GETEX. */
struct set_options {
    bool if_absent, if_present, wants_old, keeps_deadline, is_persist;
    uint32_t deadline_arg; /* the argument with the time; 0 = none */
    struct deadline_unit unit;
};

enum set_options_of { SET_FOR_SET, SET_FOR_GETEX };

/* Reads them from argument `from` on; false after the syntax error was sent. */
bool set_options_parse(struct cmd_call *c, uint32_t from, enum set_options_of whose,
                       struct set_options *out);

/* Makes the string of `e` (NULL: a new one) `len` bytes long and gives the bytes, to be changed in
 * part: the old ones are kept, those behind them are unset. */
char *string_edit(struct cmd_call *c, struct key k, struct entry *e, size_t len);

/* A string value as a bulk string. */
void reply_string(struct reply *r, const struct entry *e);

#endif
