/* Builds of the service's own engine that hosts come with: private to fleet/. */
#ifndef LARDER_CONTROLPLANE_FLEET_BUILDS_H
#define LARDER_CONTROLPLANE_FLEET_BUILDS_H

#include "controlplane/store/store.h"

/* What the host offered until now; "" for a new one. Lives in the transaction's arena. */
must_use struct err builds_offered_before(struct store_tx *tx, const char *host_id,
                                          const char **out);

/* The host, which is stored, offers what it offers: another build is an update for nodes that run
 * an older one, and where the host did not have it before, their owners are told so. */
must_use struct err builds_record(struct store_tx *tx, const struct host *h,
                                  const char *offered_before);

#endif
