/* The parts of GROUP_SCALE that are its own: members go over to another node type, some of them on
 * other hosts; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_SCALE_STEPS_H
#define LARDER_CONTROLPLANE_RECONCILE_SCALE_STEPS_H

#include "controlplane/reconcile/group_steps.h"

/* Members that grow where they stand have the room for it before anybody else is placed. */
void scale_keep_room(struct group_view *g, struct decisions *d);

/* --- steps, around those of a switch: see switch_steps.c --- */

enum step_result scale_await_room(struct group_view *g, struct decisions *d);

/* Shard by shard: plans the switch to a stand-in, or, where none is needed any more, puts all
 * stand-ins in the places of those they stand in for. OVER when nothing is left to be done. */
enum step_result scale_move_on(struct group_view *g, struct decisions *d);

enum step_result scale_again(struct group_view *g, struct decisions *d);

/* --- ends --- */

/* Whether some members have moved, or their data has: what is left is done, however long that
 * takes. */
bool scale_is_past_return(struct arena *a, const struct group_view *g);

/* What was waited for did not come about in time: it is tried from the beginning. */
void scale_go_on(struct group_view *g, struct decisions *d);

/* All is as it was: stand-ins go, and the type is the one of before. */
void scale_give_up(struct group_view *g, struct decisions *d);

#endif
