/* Service updates and what they concern; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_UPDATES_H
#define LARDER_CONTROLPLANE_OPS_UPDATES_H

#include "controlplane/model/updates.h"
#include "controlplane/ops/call.h"
#include "controlplane/store/updates.h"

#define UPDATE_ESTIMATED_TIME "1 minute per node"

/* The updates of the caller's region. */
struct update_list {
    struct service_update *items;
    size_t count;
};
must_use struct err updates_read(struct call *c, struct update_list *out);

/* By name; FAULT_SERVICE_UPDATE_NOT_FOUND. */
must_use struct err updates_find(struct call *c, const char *name, struct service_update *out);

/* A cluster outside of groups, or a group, with its nodes. */
struct update_target {
    const struct built_node *nodes;
    size_t count;
};

/* Those of the caller, groups behind the others. */
must_use struct err updates_targets(struct call *c, struct update_target **out, size_t *out_count);

/* By when the update is to be applied. */
int64_t updates_apply_by_ms(const struct call *c, const struct service_update *u);

/* How far it is on the target. */
struct update_progress updates_progress(const struct call *c, const struct update_target *t,
                                        const struct service_update *u);

/* What was asked for, or NULL. */
const struct update_action *updates_action(const struct update_action *list, size_t count,
                                           const struct update_target *t,
                                           const struct service_update *u);

/* Begins to restart the nodes of the target one after another, and sets down the action. Faults of
 * those that are busy. */
must_use struct err updates_apply(struct call *c, const struct update_target *t,
                                  const struct service_update *u, bool is_automatic);

/* --- what is applied unasked --- */

/* An update that has waited for long enough, and may go on. */
struct overdue {
    const struct service_update *update;
    const struct update_target *target;
    const struct update_action *action; /* NULL: none yet */
    bool is_in_window;
};

struct overdue_list {
    struct overdue *items;
    size_t count;
    size_t new_count; /* of those with something to do now */
};

/* All of the caller's account and region; of a target's updates the newest one alone. */
must_use struct err updates_overdue(struct call *c, struct overdue_list *out);

/* Sets them down for their windows, and applies those whose window is open and that are free. */
must_use struct err updates_force(struct call *c, const struct overdue_list *list);

#endif
