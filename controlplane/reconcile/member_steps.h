/* The steps of members: a group is made, gets others or other settings, is kept, and goes; private
 * to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_MEMBER_STEPS_H
#define LARDER_CONTROLPLANE_RECONCILE_MEMBER_STEPS_H

#include "controlplane/reconcile/group_steps.h"

extern const struct step group_create_steps[4], group_replicas_steps[2], group_modify_steps[2],
    group_snapshot_steps[1], group_delete_steps[3];

/* All wanted members are ready, and nothing is left of the others. */
bool group_is_settled(const struct group_view *g);

/* Engines have taken on the new parameters, of which the size is one. */
bool group_has_settings(const struct group_view *g);

/* --- steps that others have, too --- */

/* Until the group is settled. */
enum step_result group_await_members(struct group_view *g, struct decisions *d);

/* Events of the members that the operation made. */
enum step_result group_tell_replicas(struct group_view *g, struct decisions *d);

/*
 * Primaries that follow somebody outside have what that one has. Their replicas are then asked
 * anew, by a higher term: what they said of their links may be of a stream that is over.
 */
enum step_result group_await_sources(struct group_view *g, struct decisions *d);

#endif
