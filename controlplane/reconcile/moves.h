/* Slots on their way from shard to shard (model/slot_moves.h), by tasks of the shards' primaries.
 * Pure; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_MOVES_H
#define LARDER_CONTROLPLANE_RECONCILE_MOVES_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/failpoint.h"
#include "controlplane/reconcile/group_view.h"

/* Looks what became of moves that were begun: slots that have changed hands are their new shard's,
 * and what broke off is asked about. */
void moves_look(struct group_view *g, struct decisions *d);

/* Begins those that can be: a shard gives to one other at a time. */
void moves_begin(struct group_view *g, struct decisions *d);

/* Whether all are done; whether nobody is at any. */
bool moves_are_done(const struct group_view *g);
bool moves_are_idle(const struct group_view *g);

/* Whether a shard is at giving slots, as far as is known. */
bool moves_are_giving(const struct group_view *g);

/* Why the first that waits does, in a sentence; NULL: nothing is known. */
const char *moves_why_waiting(const struct group_view *g);

/* The names of their steps. */
void moves_name(struct arena *a, struct failpoint_names *out);

#endif
