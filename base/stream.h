/* Bytes on their way: where they go to, and where they come from. Embedded by who implements it: a
 * file, a socket, memory, or another one of them behind which they are changed. */
#ifndef LARDER_BASE_STREAM_H
#define LARDER_BASE_STREAM_H

#include "base/err.h"

#include <stddef.h>

struct sink {
    must_use struct err (*write)(struct sink *s, const void *bytes, size_t len);
};

struct source {
    /* Gives at least 1 and at most `max` bytes; *got is 0 at the end. */
    must_use struct err (*read)(struct source *s, void *to, size_t max, size_t *got);
};

#endif
