/*
 * Shards of global datastores: those of secondaries have the slots that the primary's have. When
 * slots have changed hands there, each secondary first has all that the shard that got them has,
 * then answers reads of them in both places, and then takes the same step; until the last one has,
 * the shard that gave them keeps their keys, since who follows it may still be asked for them.
 * Private to reconcile/.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_GLOBAL_SHARDS_H
#define LARDER_CONTROLPLANE_RECONCILE_GLOBAL_SHARDS_H

#include "controlplane/reconcile/group_steps.h"

struct arena;

/* Of a secondary: takes slots as far as they may be taken, and lets shards go that the primary
 * does not have any more. */
void global_shards_align(struct group_view *g, struct decisions *d);

/* Of a secondary: the words by which nodes are told that shards answer reads of slots that they are
 * about to take; "" for none. */
const char *global_shards_readable(const struct group_view *g);

/* Of a secondary, a step: all is as it is there, and nothing more is under way. */
enum step_result global_shards_await(struct group_view *g, struct decisions *d);

/* Whether all secondaries have the slots that this group's shards have, and their nodes know; of
 * all that are no primary, that is so. */
bool global_shards_are_followed(const struct group_view *g);

/* The slots whose keys are to be kept by who had them, as text in `a`; "" for none. */
const char *global_shards_kept(const struct group_view *g, struct arena *a);

#endif
