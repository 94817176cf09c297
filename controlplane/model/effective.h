/*
 * What parameters come down to on a node: every value that its engine is to have, whether a group
 * set it or the family has it by default, and the memory that is left for data. Pure.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_EFFECTIVE_H
#define LARDER_CONTROLPLANE_MODEL_EFFECTIVE_H

#include "controlplane/model/parameters.h"

#include <stdint.h>

struct cluster;

struct effective_value {
    const char *name, *value;
    bool is_static; /* a running engine keeps what it was started with */
};

struct effective_parameters {
    struct effective_value *items; /* in the catalogue's order */
    size_t count;
    int64_t maxmemory_bytes;
};

/* What a node of that version and type has with a group's values. Defaults are told as well: an
 * engine that had another value must find back. Values are borrowed; the list lives in `a`. */
void parameters_effective(struct arena *a, const struct parameter_value_list *set,
                          const struct engine_version *v, const struct node_type *t,
                          struct effective_parameters *out);

/* A number for all that decides the effective parameters of a cluster's nodes: another one whenever
 * they may differ. Never 0. */
int64_t parameters_number(const struct cluster *c);

#endif
