/* Who votes on the lease of a shard's primary: private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_VOTERS_H
#define LARDER_CONTROLPLANE_RECONCILE_VOTERS_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

/* Brings the shard's voters one step nearer to those that it should have, and takes note of a
 * primary that goes by them. */
void voters_look(struct group_view *g, struct shard *s, struct decisions *d);

#endif
