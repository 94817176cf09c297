/*
 * The snapshot of a full sync as it comes over the wire: so many bytes, or all up to a mark of 40
 * random ones. A filter: raw bytes are read from wherever they come, and what it passes on is the
 * snapshot alone.
 */
#ifndef LARDER_REPL_PAYLOAD_H
#define LARDER_REPL_PAYLOAD_H

#include "cacheengine/repl/greeting.h"

#include <stddef.h>

struct payload {
    int64_t left; /* to come; -1: it ends with the mark */
    char mark[REPL_ID_LEN];
    char tail[REPL_ID_LEN]; /* the last bytes that came: the mark, if it ends here */
    size_t tail_len;
    uint64_t passed; /* bytes of the snapshot passed on */
};

void payload_begin(struct payload *p, const struct greeting *h);

/* How many raw bytes may be read at once into a buffer of `max`: none that belong to what follows.
 * 0: it is whole. */
size_t payload_wants(const struct payload *p, size_t max);

/*
 * Filters `len` raw bytes at `bytes`, where there is room for REPL_ID_LEN more: the snapshot's
 * bytes among them and those held back before take their place. Returns how many those are.
 */
size_t payload_pass(struct payload *p, char *bytes, size_t len);

bool payload_is_whole(const struct payload *p);

#endif
