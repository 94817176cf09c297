/* What topics are still to be told of events. Rows come with store_event_add, when an event has
 * both a notice and a topic, and go when they were delivered or given up (writer: notify). */
#ifndef LARDER_CONTROLPLANE_STORE_NOTICES_H
#define LARDER_CONTROLPLANE_STORE_NOTICES_H

#include "controlplane/store/store.h"

struct notice {
    int64_t id;
    const char *topic;
    const char *message; /* JSON: {"ElastiCache:...":"identifier"} */
    const char *uuid;    /* the same at every attempt */
    int64_t at_ms;
    int64_t attempts; /* that failed */
};

/* The oldest notice of each topic whose time has come at `now_ms`, at most `limit` of them. Topics
 * are told in order: what is behind a notice that waits for another attempt waits, too.
 * `*out_next_ms` is when the next one is due, INT64_MAX when none waits. */
must_use struct err store_notice_due(struct store_tx *tx, int64_t now_ms, int limit,
                                     struct notice **out, size_t *out_count, int64_t *out_next_ms);

/* An attempt failed: another one at `due_ms`. */
must_use struct err store_notice_delay(struct store_tx *tx, int64_t id, int64_t due_ms);

must_use struct err store_notice_remove(struct store_tx *tx, int64_t id);

#endif
