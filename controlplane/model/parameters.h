/*
 * Parameter groups: the catalogue of families, what a group may set, and whether its values go
 * together. Pure. The tables are made from api-spec/parameters.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_PARAMETERS_H
#define LARDER_CONTROLPLANE_MODEL_PARAMETERS_H

#include "base/err.h"
#include "contract/parameters.h"

struct arena;
struct engine_version;
struct node_type;

#define PARAMETER_GROUP_NAME_MAX 255
#define PARAMETERS_PER_CALL      20

/* A group of somebody's own, or one of those that are there for everybody. Text is never NULL. */
struct parameter_group {
    int64_t id; /* 0: a default group, which is stored nowhere */
    const char *account, *region, *name, *family, *description;
    int64_t revision; /* raised by each change of a value, over that of every other group */
    int64_t created_ms;
};

struct parameter_value {
    const char *name, *value; /* as given */
};

struct parameter_value_list {
    struct parameter_value *items;
    size_t count;
};

/* By exact name, or NULL. */
const struct parameter_family *parameter_family_find(const char *name);

/* A parameter of the family by its name in lower case, or NULL. */
const struct parameter *parameter_find(const struct parameter_family *f, const char *name);

/* The order in which parameters are listed: by letters, as if hyphens were not there. */
int parameter_name_compare(const char *x, const char *y);

/* The value that the list has for a name, or NULL. */
const char *parameter_value_find(const struct parameter_value_list *set, const char *name);

/* What the list has, else the default: for a node type where it depends on it (NULL: then NULL). */
const char *parameter_value_or_default(const struct parameter *p,
                                       const struct parameter_value_list *set,
                                       const char *node_type);

/* --- default groups --- */

/* How many there are; the one at a place in the order of names (the texts live in `a`). */
size_t parameter_group_default_count(void);
void parameter_group_default_at(struct arena *a, size_t at, struct parameter_group *out);

/* A default group by its name in lower case; false when there is none. */
bool parameter_group_default_find(struct arena *a, const char *name, struct parameter_group *out);

/* What it sets: cluster-enabled, in those that turn cluster mode on. */
struct parameter_value_list parameter_group_default_values(const struct parameter_group *g);

/* True when a group's values turn cluster mode on. */
bool parameter_values_are_clustered(const struct parameter_value_list *set);

/* --- what a group may set --- */

/* Whether a group of the family can have the parameter set, and back on its default.
 * FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err parameter_check_name(struct arena *a, const struct parameter_family *f,
                                         const char *name, const struct parameter **out);
must_use struct err parameter_check_reset(struct arena *a, const struct parameter_family *f,
                                          const char *name, const struct parameter **out);

/* The parameter that says the same in another unit, NULL for most: who sets one takes back the
 * other.
 */
const char *parameter_alternative(const char *name);

/* Whether it takes the value; FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err parameter_check_value(struct arena *a, const struct parameter *p,
                                          const char *value);

/* Whether all values of a group go together, whatever nodes use it; and on nodes of that version
 * and type. FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err parameter_values_check(struct arena *a, const struct parameter_family *f,
                                           const struct parameter_value_list *set);
must_use struct err parameter_values_check_nodes(struct arena *a, const struct parameter_family *f,
                                                 const struct parameter_value_list *set,
                                                 const struct engine_version *v,
                                                 const struct node_type *t);

/* Why nodes do nothing with a parameter that a group may set; NULL when they obey it. */
const char *parameter_why_inert(const char *name);

#endif
