/* Certificates follow placed nodes, like names; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_CERTIFICATES_H
#define LARDER_CONTROLPLANE_RECONCILE_CERTIFICATES_H

#include "controlplane/model/group.h"
#include "controlplane/reconcile/view.h"

struct certifier {
    const struct authority *authority;
    const char *dns_zone;
};

/* What a node has of its replication group. */
struct membership {
    const char *group; /* its name */
    const struct shard_endpoints *endpoints;
};

/*
 * Gives each placed node of a cluster with encryption in transit a certificate for its address and
 * for every name and address that leads to it (`of` is NULL for one outside of groups);
 * another one when these differ or its end is near. `*out_issued` becomes true when one was issued,
 * `*wake_ms` (wall time) is lowered to when the next is due. ERR_INVALID when the authority is
 * none.
 */
must_use struct err certificates_look(struct store_tx *tx, const struct certifier *by,
                                      const struct view *v, const struct membership *of,
                                      bool *out_issued, int64_t *wake_ms);

#endif
