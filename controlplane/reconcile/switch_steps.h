/* The steps by which roles change by plan: a switch, a roll of all members with switches between, a
 * move of some to other hosts, and another cluster mode; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_SWITCH_STEPS_H
#define LARDER_CONTROLPLANE_RECONCILE_SWITCH_STEPS_H

#include "controlplane/reconcile/group_steps.h"

extern const struct step group_switch_steps[4], group_roll_steps[7], group_mode_steps[6],
    group_scale_steps[8];

/* Whoever was to be the primary: the one that was takes writes again. */
void switch_take_back(struct group_view *g, struct decisions *d);

/* Whether a successor was named, of whom nobody can say that it is none. */
bool switch_is_past_return(const struct group_view *g);

/* Whether the switch's shard gets no primary for now (restraint.h), which it is in the way of. */
bool switch_is_in_the_way(const struct group_view *g);

#endif
