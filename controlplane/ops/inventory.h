/* What the EC2 calls look at: the network with the tags of all that is in it; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_INVENTORY_H
#define LARDER_CONTROLPLANE_OPS_INVENTORY_H

#include "contract/ec2.h"
#include "controlplane/model/cluster.h"
#include "controlplane/model/network.h"
#include "controlplane/ops/call.h"

struct arn_tag;

struct inventory {
    struct network net;
    struct security_rules rules;
    struct arn_tag *tags; /* by ARN, then key */
    size_t tag_count;
};

/* Reads all of it; ops_run has seen to it that the account's defaults are there. */
must_use struct err inventory_load(struct call *c, struct inventory *out);

/* "arn:aws:ec2:us-east-1:000000000000:vpc/vpc-0a1b"; NULL for an id of no known kind. */
const char *inventory_arn(struct call *c, const char *id);

/* "vpc", "security-group" ... by the id's prefix; NULL for an unknown one. */
const char *inventory_kind(const char *id);

/* Ids of what each VPC has without being asked for. */
const char *inventory_acl_id(struct call *c, const struct vpc *v);
const char *inventory_route_table_id(struct call *c, const struct vpc *v);

/* Whether something of that id is there and may have tags. */
bool inventory_has(struct call *c, const struct inventory *inv, const char *id);

/* The tags of a resource, for the answer. */
void inventory_wire_tags(struct call *c, const struct inventory *inv, const char *id,
                         struct ec2_tag_list *out);

/* Checks the tags that a request has for a new resource of that kind, and writes them.
 * FAULT_TAG_LIMIT_EXCEEDED, FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err inventory_tag_new(struct call *c, const struct ec2_tag_specification_list *in,
                                      const char *kind, const char *id);

/* --- pages --- */

struct id_page {
    const char *after; /* the last id of the page before, "" */
    int64_t limit;
};

must_use struct err id_page_open(struct call *c, struct opt_int max_results, const char *token,
                                 struct id_page *out);

/* True when the item of that id is on the page, which then has one place less. `*token` is set
 * where one more is left over. Ids must come in order. */
bool id_page_takes(struct call *c, struct id_page *page, const char *id, const char **last,
                   const char **token);

/* --- ids in requests --- */

/* True when no ids are given, or this one is among them. */
bool ids_take(const char *const *ids, size_t count, const char *id);

#endif
