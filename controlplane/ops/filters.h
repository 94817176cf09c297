/* Filters of the EC2 calls: an item is a bag of named texts, and passes when each filter has a
 * value that matches one of them; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_FILTERS_H
#define LARDER_CONTROLPLANE_OPS_FILTERS_H

#include "base/vec.h"
#include "contract/ec2.h"
#include "controlplane/ops/call.h"

struct trait {
    const char *name, *text;
};

struct traits {
    struct arena *arena;
    vec_of(struct trait) list;
};

void trait_add(struct traits *t, const char *name, const char *text);
void trait_add_bool(struct traits *t, const char *name, bool value);

/* "tag:KEY" and "tag-key" of each. */
void trait_add_tags(struct traits *t, const struct ec2_tag_list *tags);

/* FAULT_INVALID_PARAMETER_VALUE for a filter that is not among `names` (ended by NULL); filters on
 * tags always are. */
must_use struct err filters_check(struct call *c, const struct ec2_filter_list *filters,
                                  const char *const *names);

bool filters_pass(const struct ec2_filter_list *filters, const struct traits *t);

/* Text with * for any run and ? for any one character; a backslash takes the meaning of both. */
bool wildcard_match(const char *pattern, const char *text);

#endif
