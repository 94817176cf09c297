/* Parameter groups with all that they set; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_PARAMETERS_H
#define LARDER_CONTROLPLANE_OPS_PARAMETERS_H

#include "controlplane/model/cluster.h"
#include "controlplane/model/parameters.h"
#include "controlplane/ops/call.h"

struct parameter_facts {
    struct parameter_group group;
    const struct parameter_family *family;
    struct parameter_value_list values; /* that differ from the family by somebody's wish */
};

/* One of the caller's own or a default one, by name in any case;
 * FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND.
 */
must_use struct err parameters_find(struct call *c, const char *name, struct parameter_facts *out);

/* The group for caches of that version and node type, the default one when `name` is NULL or empty.
 * Beside the fault above FAULT_INVALID_PARAMETER_COMBINATION: another family, or values that such
 * nodes cannot have. Whether it turns cluster mode on is for the caller to ask:
 * parameter_values_are_clustered(&out->values). */
must_use struct err parameters_choose(struct call *c, const char *name,
                                      const struct engine_version *v, const struct node_type *t,
                                      struct parameter_facts *out);

/* Whether caches that use one group may go over to another one: what was fixed when they were made
 * must be the same in both. FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err parameters_check_swap(struct call *c, const struct parameter_facts *from,
                                          const struct parameter_facts *to);

/* The ARN of a group, also of a default one. */
const char *parameters_arn(struct call *c, const struct parameter_group *g);

#endif
