/* Primaries whose host is lost or cut off: private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_LOSSES_H
#define LARDER_CONTROLPLANE_RECONCILE_LOSSES_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

/* Looks at the shard's primary, where it has a lease and its host is not heard of; and at what
 * becomes of one that was lost. */
void losses_look(struct group_view *g, struct shard *s, struct decisions *d);

#endif
