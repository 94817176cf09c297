/* What is due in windows, over all accounts. Like store.h. */
#ifndef LARDER_CONTROLPLANE_STORE_MAINTENANCE_H
#define LARDER_CONTROLPLANE_STORE_MAINTENANCE_H

#include "controlplane/store/store.h"

enum due_kind { DUE_CLUSTER, DUE_GROUP, DUE_SERVERLESS };

/* A cluster outside of groups, a replication group or a serverless cache, for which something
 * happens in a window. */
struct due {
    enum due_kind kind;
    const char *account, *region, *name;
    const char *window;
    const char *topic; /* "" for none */
    int64_t last_ms;   /* when the newest automatic snapshot was begun; 0: there is none */
};

/* Those with changes that wait for their maintenance window, but those that somebody owns: clusters
 * first, by id. No last_ms. */
must_use struct err store_parked_list(struct store_tx *tx, struct due **out, size_t *out_count);

/* The same of those of which automatic snapshots are kept, with their snapshot windows; and, for
 * what a serverless cache owns, that cache. */
must_use struct err store_backup_list(struct store_tx *tx, struct due **out, size_t *out_count);

#endif
