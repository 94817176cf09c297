/* What has an order for a whole group: each kind of operation as a table of steps, like steps.h;
 * private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_GROUP_STEPS_H
#define LARDER_CONTROLPLANE_RECONCILE_GROUP_STEPS_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

/* AGAIN: from the first step on. OVER: what follows is not needed. */
enum step_result { STEP_DONE, STEP_WAIT, STEP_FAILED, STEP_AGAIN, STEP_OVER };

/* One that fails may say why in the operation. */
struct step {
    const char *name;
    enum step_result (*run)(struct group_view *g, struct decisions *d);
};

/* All wanted members are ready, and nothing is left of the others. */
bool group_is_settled(const struct group_view *g);

/*
 * A step: primaries that follow somebody outside have what that one has. Their replicas are then
 * asked anew, by a higher term: what they said of their links may be of a stream that is over.
 */
enum step_result group_await_sources(struct group_view *g, struct decisions *d);

/* Members of shards that are not wanted are not wanted either. */
void group_release_members(struct group_view *g, struct decisions *d);

/* Takes the group's running operation as far as it goes. */
void group_steps_run(struct group_view *g, struct decisions *d);

#endif
