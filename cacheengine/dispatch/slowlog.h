/*
 * Commands that took long, newest first: SLOWLOG. Arguments are kept as far as a reader can use
 * them, and what is secret not at all.
 */
#ifndef LARDER_DISPATCH_SLOWLOG_H
#define LARDER_DISPATCH_SLOWLOG_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct cmd_call;

#define SLOWLOG_ARGS      32  /* of an entry; the last says how many more there were */
#define SLOWLOG_ARG_BYTES 128 /* of an argument, behind which stands how many more there were */

struct slowlog_entry {
    struct slowlog_entry *next; /* the older one */
    int64_t id;
    int64_t at_s; /* wall time */
    int64_t us;
    struct str peer, name; /* of the client */
    uint32_t argc;
    struct str argv[]; /* the texts stand behind */
};

struct slowlog {
    struct slowlog_entry *newest;
    size_t count;
    int64_t next_id;
};

/* Notes a call, and forgets the oldest beyond `max` entries. Returns its number. */
int64_t slowlog_add(struct slowlog *log, const struct cmd_call *call, int64_t us, size_t max);

/* Forgets all entries but the newest `keep`. */
void slowlog_trim(struct slowlog *log, size_t keep);

#endif
