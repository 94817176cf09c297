/*
 * Changes of who may enter caches: hosts are told, and the change is settled once every node that
 * can have it has it in force. Private to reconcile/.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_ACCESS_H
#define LARDER_CONTROLPLANE_RECONCILE_ACCESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct access_sight;
struct store_tx;

/* Longer than this nobody waits for nodes that do not take a change on. */
#define ACCESS_LIMIT_MS (60 * (int64_t)1000)

/* The first of the nodes that lacks its cache's revision, or NULL: all have it. Pure. */
const struct access_sight *access_laggard(const struct access_sight *sights, size_t count);

/* One look at all changes that are under way. `*out_goals` becomes true when hosts have to be told;
 * `*out_pending` tells whether something waits for reports, `*out_wake_ms` (wall time) until when.
 */
must_use struct err access_look(struct store_tx *tx, int64_t now_ms, bool *out_goals,
                                bool *out_pending, int64_t *out_wake_ms);

#endif
