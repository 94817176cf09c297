/* Service updates and what they concern; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_UPDATES_H
#define LARDER_CONTROLPLANE_OPS_UPDATES_H

#include "controlplane/model/updates.h"
#include "controlplane/ops/call.h"
#include "controlplane/store/updates.h"

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

/* Nodes of the target that run the update's build or a newer one. */
int updates_done(const struct update_target *t, const struct service_update *u);

/* Whether one of its nodes is being restarted. */
bool updates_has_begun(const struct update_target *t);

/* What was asked for, or NULL. */
const struct update_action *updates_action(const struct update_action *list, size_t count,
                                           const struct update_target *t,
                                           const struct service_update *u);

#endif
