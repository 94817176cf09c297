/*
 * Snapshots under way: who gives each part, whether all are there, what becomes of the source then.
 * Private to reconcile/.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_SNAPSHOTS_H
#define LARDER_CONTROLPLANE_RECONCILE_SNAPSHOTS_H

#include "base/err.h"
#include "controlplane/model/group.h"
#include "controlplane/model/snapshot.h"
#include "controlplane/reconcile/failpoint.h"

#include <stdbool.h>
#include <stdint.h>

struct store_tx;

/* Longer than this no snapshot waits for a node that could give a part of it. */
#define SNAPSHOT_WAIT_MS (60 * (int64_t)1000)

/* A node that may give a part. */
struct giver {
    int64_t node_id;
    const char *cluster_name;
    int64_t created_ms;
    bool is_running; /* and its host is heard */
    bool is_primary;
    bool is_in_sync; /* a replica that follows its primary */
};

/*
 * Whom a part is asked of: the one that is named, else a replica in sync, else the primary (which
 * comes first with `wants_primary`); one that failed before only where there is no other. NULL when
 * none can. Pure.
 */
const struct giver *giver_choose(const struct giver *givers, size_t count,
                                 const struct snapshot_part *part, bool wants_primary);

/* One look at all of them. `*out_goals` becomes true when hosts have to be told; `*out_pending`
 * tells whether something waits for reports, `*out_wake_ms` (wall time) until when. `failpoint` may
 * be NULL. */
must_use struct err snapshots_look(struct store_tx *tx, int64_t now_ms, struct failpoint *failpoint,
                                   bool *out_goals, bool *out_pending, int64_t *out_wake_ms);

/* The names of the steps of one. */
void snapshots_name(struct arena *a, struct failpoint_names *out);

#endif
