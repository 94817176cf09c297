/* Certificates follow placed nodes, like names; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_CERTIFICATES_H
#define LARDER_CONTROLPLANE_RECONCILE_CERTIFICATES_H

#include "controlplane/reconcile/view.h"

struct certifier {
    const struct authority *authority;
    const char *dns_zone;
};

/*
 * Gives each placed node of a cluster with encryption in transit a certificate for its address and
 * for every name that leads to it (`group` is that of its replication group, NULL without one);
 * another one when these differ or its end is near. `*out_issued` becomes true when one was issued,
 * `*wake_ms` (wall time) is lowered to when the next is due. ERR_INVALID when the authority is
 * none.
 */
must_use struct err certificates_look(struct store_tx *tx, const struct certifier *by,
                                      const struct view *v, const char *group, bool *out_issued,
                                      int64_t *wake_ms);

#endif
