/* Which webhook stands behind a topic: the operator's file, one `ARN URL` a line. */
#ifndef LARDER_CONTROLPLANE_NOTIFY_TOPICS_H
#define LARDER_CONTROLPLANE_NOTIFY_TOPICS_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

struct arena;

struct topic {
    const char *arn;
    const char *url; /* http or https */
};

struct topics {
    struct topic *items; /* several may have the same ARN: each is told */
    size_t count;
};

/* Reads the file's text: a topic's ARN and a URL on each line, '#' begins a comment. ERR_INVALID
 * with a sentence that names the line. The list lives in `a`. */
must_use struct err topics_parse(struct arena *a, struct str text, struct topics *out);

#endif
