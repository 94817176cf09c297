/* Tags between requests, store and answers; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_TAGGING_H
#define LARDER_CONTROLPLANE_OPS_TAGGING_H

#include "contract/elasticache.h"
#include "controlplane/model/cluster.h"
#include "controlplane/ops/call.h"

/* The tags of a request, a missing key or value being "". As many as the list has. */
struct tag *tagging_from_wire(struct call *c, const struct ec_tag_list *in);

/* Sets tags of a resource, over equal keys. */
must_use struct err tagging_put(struct call *c, const char *arn, const struct tag *tags,
                                size_t count);

#endif
