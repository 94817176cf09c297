/*
 * Whom hosts obey; private to fleet/. A host that obeys one with an epoch above this control
 * plane's would take no goals of it. Where that one works with the same database, the store knows
 * it (store/leader.h). Where it works with another one, it may be of the past, as this state was
 * restored from a backup: then this one goes above it. Or it is there now, as the state of this one
 * was copied and is led elsewhere: then this one does nothing any more, or nothing yet.
 */
#ifndef LARDER_CONTROLPLANE_FLEET_EPOCHS_H
#define LARDER_CONTROLPLANE_FLEET_EPOCHS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct presence_table;
struct store;

/* A host that was answered by another control plane less than that ago is not taken over. */
#define EPOCH_HEARD_MS 5000

struct epoch_word {
    const char *host_id;
    int64_t epoch; /* 0: it obeys nobody yet */
    int64_t leader;
    int64_t heard_ms; /* so long ago */
};

/* Whether messages of the host are for this control plane, as it obeys it or will do so when it is
 * answered. FAULT_SERVICE_UNAVAILABLE when they are not. */
must_use struct err epochs_judge(struct store *store, struct presence_table *present,
                                 struct arena *a, const struct epoch_word *word);

/* Whether what the host holds was told by this control plane or the one before it, from the same
 * database. Of others their numbers say nothing: the host is told everything. */
bool epochs_share_numbers(struct store *store, const struct epoch_word *word);

#endif
