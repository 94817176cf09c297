/* How long the leases of a shard last: private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_LEASE_LENGTH_H
#define LARDER_CONTROLPLANE_RECONCILE_LEASE_LENGTH_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

#define LEASE_CALM_MS (30 * 60000)

/* From the moment in which the primary said that it goes by a set of voters and a length, until
 * nothing that was granted by those before can count any more. */
int64_t lease_settle_ms(const struct shard *s);

/* How long leases must last where renewals are so late. */
int lease_length_for(int64_t late_ms);

/* Whether they are to be of another length, now or once that is settled. */
bool lease_length_is_due(const struct group_view *g, const struct shard *s);

/* Takes one step there, of a shard that is settled. The caller gives the step a number. True when
 * hosts have to hear of it; else it has set a time for another look, where there is to be one. */
bool lease_length_look(struct group_view *g, struct shard *s, struct decisions *d);

#endif
