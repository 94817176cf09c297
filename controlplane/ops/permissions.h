/* Permissions of requests, which name many sources at once, and rules, which name one; private to
 * ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_PERMISSIONS_H
#define LARDER_CONTROLPLANE_OPS_PERMISSIONS_H

#include "contract/ec2.h"
#include "controlplane/model/network.h"
#include "controlplane/ops/call.h"

/* By id, or by name in the default VPC. FAULT_INVALID_GROUP_NOT_FOUND. */
must_use struct err group_find(struct call *c, const struct network *n, const char *id,
                               const char *name, struct security_group **out);

/* The members of the calls that name one source without a list. */
struct permission_flat {
    const char *protocol, *cidr, *group_name, *group_account;
    struct opt_int from_port, to_port;
};

/* One rule per source of all permissions, without ids, in the normal form: FAULT_* for what is not
 * well formed, FAULT_MISSING_PARAMETER where no source is named. */
must_use struct err permissions_read(struct call *c, const struct network *n,
                                     const struct security_group *g, bool is_egress,
                                     const struct ec2_ip_permission_list *list,
                                     const struct permission_flat *flat,
                                     struct security_rules *out);

/* Brings protocol and ports into the normal form. */
must_use struct err rule_normalize(struct call *c, const char *protocol, struct opt_int from,
                                   struct opt_int to, struct security_rule *r);

/* Checks the one source of a rule and brings it into the normal form. */
must_use struct err rule_check_source(struct call *c, const struct network *n,
                                      struct security_rule *r);

/* True when both let the same through, whatever they are called. */
bool rule_is_same(const struct security_rule *x, const struct security_rule *y);

/* "peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW" for sentences. */
const char *rule_text(struct call *c, const struct security_rule *r);

/* The rules of a group in one direction, those of one protocol and range put together. */
void permissions_wire(struct call *c, const struct security_rules *rules, const char *group_id,
                      bool is_egress, struct ec2_ip_permission_list *out);

#endif
