/* Writes what was decided; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_APPLY_H
#define LARDER_CONTROLPLANE_RECONCILE_APPLY_H

#include "controlplane/reconcile/decide.h"

struct store_tx;

/* Applies all decisions about the cluster in the view; `*out_goals` becomes true when any host's
 * goals changed, and `*out_removed` when the cluster is gone. */
must_use struct err apply_decisions(struct store_tx *tx, const struct view *v,
                                    const struct decisions *d, bool *out_goals, bool *out_removed);

#endif
