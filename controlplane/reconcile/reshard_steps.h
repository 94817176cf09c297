/* The steps by which shards come and go, and slots change hands; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_RESHARD_STEPS_H
#define LARDER_CONTROLPLANE_RECONCILE_RESHARD_STEPS_H

#include "controlplane/reconcile/group_steps.h"

#define RESHARD_LIMIT_MS 600000 /* for slots to change hands */

extern const struct step group_reshard_steps[7];

/* The same, as the primary of the global datastore does it. */
extern const struct step group_align_steps[5];

/* Members of shards that are not wanted are not wanted either. */
void group_release_members(struct group_view *g, struct decisions *d);

#endif
