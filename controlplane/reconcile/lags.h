/* Replicas that do not reach a primary that is well: private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_LAGS_H
#define LARDER_CONTROLPLANE_RECONCILE_LAGS_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

/* Tells once of each replica of the shard that has lost its primary for longer than a moment, and
 * once when it follows again. */
void lags_look(struct group_view *g, struct shard *s, struct decisions *d);

/* Whether the member is known to lack what its primary wrote for a while: one that had lost its
 * primary long before that one's end. */
bool member_lags(const struct view *m);

/* Tells, a little later than `since_ms` and once, that the shard has no primary because no member
 * followed the last one to its end. */
void lags_tell_waiting(struct group_view *g, struct shard *s, int64_t since_ms,
                       struct decisions *d);

/* Tells how much of what the lost primary had its successor does not have, as far as is known. */
void lags_tell_lost(struct group_view *g, const struct view *lost, const struct view *successor,
                    struct decisions *d);

#endif
