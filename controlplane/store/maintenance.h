/* What is due in windows, over all accounts. Like store.h. */
#ifndef LARDER_CONTROLPLANE_STORE_MAINTENANCE_H
#define LARDER_CONTROLPLANE_STORE_MAINTENANCE_H

#include "controlplane/store/store.h"

/* A cluster outside of groups, or a replication group, for which something happens in a window. */
struct due {
    bool is_group;
    const char *account, *region, *name;
    const char *window;
    const char *topic; /* "" for none */
    int64_t last_ms;   /* when the newest automatic snapshot was begun; 0: there is none */
};

/* Those with changes that wait for their maintenance window, but those that somebody owns: clusters
 * first, by id. No last_ms. */
must_use struct err store_parked_list(struct store_tx *tx, struct due **out, size_t *out_count);

/* The same of those of which automatic snapshots are kept, with their snapshot windows. */
must_use struct err store_backup_list(struct store_tx *tx, struct due **out, size_t *out_count);

#endif
