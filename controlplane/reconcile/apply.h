/* Writes what was decided; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_APPLY_H
#define LARDER_CONTROLPLANE_RECONCILE_APPLY_H

#include "controlplane/reconcile/decide.h"

struct store_tx;

/* Applies all decisions; `*out_goals` becomes true when any host's goals changed. */
must_use struct err apply_decisions(struct store_tx *tx, const struct decisions *d, int64_t now_ms,
                                    bool *out_goals);

#endif
