/* When a dead primary is not replaced at once: private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_RESTRAINT_H
#define LARDER_CONTROLPLANE_RECONCILE_RESTRAINT_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

/* Whether the shard may have another primary now. Where not, an event tells so, once. A switch that
 * was asked for since always may. */
bool restraint_allows(const struct group_view *g, struct shard *s, struct decisions *d);

/* Whether the shard's dead primary stays without a successor for now. */
bool restraint_holds(const struct group_view *g, const struct shard *s);

/* The shard gets another primary, because its own ended; to be written with the goal. One that had
 * only been named and got no lease has done nothing, and does not count. */
void restraint_count(const struct group_view *g, struct shard *s);

/* A shard that is whole again, and has been left alone for a while, begins anew. */
void restraint_rest(struct group_view *g, struct shard *s, struct decisions *d);

/* Whether more than half of the region's hosts are not heard of. Then it is as likely that we are
 * the one who is cut off, and nothing is done that is not certain. */
bool restraint_is_in_doubt(const struct region_view *region);

/* The same as soon as it may be so: nobody is counted as lost for what was heard a moment ago. */
bool restraint_is_cut_off(const struct region_view *region);

#endif
