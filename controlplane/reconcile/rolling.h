/* Nodes that begin anew one after another: which comes next. Pure; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_ROLLING_H
#define LARDER_CONTROLPLANE_RECONCILE_ROLLING_H

#include "controlplane/reconcile/group_view.h"

/* Whether the engine has taken on what it can take on while it runs, the version's parameters too.
 */
bool rolling_is_settled(const struct cluster *c, const struct node *n);

/* Whether a settled node runs something else than it would if it began now. */
bool rolling_is_outdated(const struct view *v, const struct node *n);

/* A replica that is outdated, or NULL. */
struct view *rolling_replica(const struct group_view *g);

/* A shard whose primary is outdated, or NULL; `*out_heir` is the replica that takes its place, the
 * furthest in the stream, or NULL where there is none. */
struct shard *rolling_shard(const struct group_view *g, struct view **out_heir);

#endif
