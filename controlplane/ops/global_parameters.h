/* Parameter groups of members of global datastores: each has one of its own, which the service
 * makes and keeps like the primary's; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_GLOBAL_PARAMETERS_H
#define LARDER_CONTROLPLANE_OPS_GLOBAL_PARAMETERS_H

#include "controlplane/ops/parameters.h"

/* What names of such groups begin with; nobody else's do. */
#define GLOBAL_PARAMETERS_PREFIX "global-datastore-"

bool global_parameters_is_own(const char *parameter_group);

/*
 * Makes the group of a member, by name in lower case, like another one, in the region of the call,
 * or changes it to be so: whoever uses it hears of that. `*out_name` is its name.
 */
must_use struct err global_parameters_copy(struct call *c, const char *member,
                                           const struct parameter_facts *from,
                                           const char **out_name);

/* FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE for a group that follows the primary's. */
must_use struct err global_parameters_check_change(struct call *c, const struct parameter_group *g);

/* The group's values have changed: where a primary uses it, the other members' change alike. */
must_use struct err global_parameters_spread(struct call *c, const struct parameter_group *g);

#endif
