/* What is due in windows, over all accounts. Like store.h. */
#ifndef LARDER_CONTROLPLANE_STORE_MAINTENANCE_H
#define LARDER_CONTROLPLANE_STORE_MAINTENANCE_H

#include "controlplane/store/store.h"

/* A cluster outside of groups, or a replication group, with changes that wait. */
struct parked_change {
    bool is_group;
    const char *account, *region, *name;
    const char *window;
    const char *topic; /* "" for none */
};

/* Those that nobody else owns, clusters first, by id. */
must_use struct err store_parked_list(struct store_tx *tx, struct parked_change **out,
                                      size_t *out_count);

/* A cluster outside of groups, or a replication group, of which automatic snapshots are kept. */
struct backup_source {
    bool is_group;
    const char *account, *region, *name;
    const char *window;
    int64_t last_ms; /* when the newest of them was begun; 0: there is none */
};

/* Those that nobody else owns, clusters first, by id. */
must_use struct err store_backup_list(struct store_tx *tx, struct backup_source **out,
                                      size_t *out_count);

#endif
