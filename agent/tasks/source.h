/* What a server that data is to be moved from says of itself; private to tasks/. */
#ifndef LARDER_AGENT_TASKS_SOURCE_H
#define LARDER_AGENT_TASKS_SOURCE_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct arena;

/* Where it is, and what the node has that is to follow it. */
struct source_wish {
    const char *address; /* or a name */
    int port;
    int64_t memory_bytes;
    int64_t databases;
};

struct source_facts {
    int64_t offset; /* of its stream */
};

/* The answer to INFO: ERR_UNSUPPORTED, ERR_UNAVAILABLE or ERR_LIMIT when the source cannot be
 * followed, with why in a sentence. */
must_use struct err source_judge(struct arena *a, const struct source_wish *wish, struct str info,
                                 struct source_facts *out);

/*
 * Goes there, asks, and judges the answer. Blocks for up to `limit_ms`, and for as long as the
 * resolver takes: for a thread of its own. ERR_UNAVAILABLE when nobody answers, ERR_DENIED when a
 * password is asked for, and the errors of source_judge.
 */
must_use struct err source_ask(struct arena *a, const struct source_wish *wish, int64_t limit_ms,
                               struct source_facts *out);

#endif
