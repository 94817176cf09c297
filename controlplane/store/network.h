/*
 * The network inventory and the groups of subnets. (writer: ops) Everything is kept apart by
 * account and region, which come first in every call. Results live in the arena of the transaction.
 *
 * Errors as in store.h: ERR_EXISTS where an id or name is taken, ERR_NOT_FOUND where a row to
 * change is not there.
 */
#ifndef LARDER_CONTROLPLANE_STORE_NETWORK_H
#define LARDER_CONTROLPLANE_STORE_NETWORK_H

#include "base/err.h"
#include "controlplane/model/cluster.h"
#include "controlplane/model/network.h"

struct store_tx;

/* VPCs, subnets and security groups, each by id; three queries. */
must_use struct err store_network_load(struct store_tx *tx, const char *account, const char *region,
                                       struct network *out);

must_use struct err store_vpc_insert(struct store_tx *tx, const char *account, const char *region,
                                     const struct vpc *v);
must_use struct err store_vpc_update(struct store_tx *tx, const char *account, const char *region,
                                     const struct vpc *v);
must_use struct err store_vpc_remove(struct store_tx *tx, const char *account, const char *region,
                                     const char *id);

must_use struct err store_subnet_insert(struct store_tx *tx, const char *account,
                                        const char *region, const struct subnet *s);
must_use struct err store_subnet_update(struct store_tx *tx, const char *account,
                                        const char *region, const struct subnet *s);
must_use struct err store_subnet_remove(struct store_tx *tx, const char *account,
                                        const char *region, const char *id);

must_use struct err store_security_group_insert(struct store_tx *tx, const char *account,
                                                const char *region, const struct security_group *g);
must_use struct err store_security_group_update(struct store_tx *tx, const char *account,
                                                const char *region, const struct security_group *g);
must_use struct err store_security_group_remove(struct store_tx *tx, const char *account,
                                                const char *region, const char *id);

/* Rules of one group, or of all ("" ), by group, then id. They go with their group. */
must_use struct err store_security_rule_list(struct store_tx *tx, const char *account,
                                             const char *region, const char *group_id,
                                             struct security_rules *out);
must_use struct err store_security_rule_insert(struct store_tx *tx, const char *account,
                                               const char *region, const struct security_rule *r);
must_use struct err store_security_rule_update(struct store_tx *tx, const char *account,
                                               const char *region, const struct security_rule *r);
must_use struct err store_security_rule_remove(struct store_tx *tx, const char *account,
                                               const char *region, const char *id);

/* Rows that were declared count as made from now on; in all accounts. */
must_use struct err store_network_undeclare(struct store_tx *tx);

/* Zones with a host, without doubles, by name. */
must_use struct err store_zone_list(struct store_tx *tx, const char *region, const char ***out,
                                    size_t *out_count);

/* Zones that the account was given a default subnet in, by name. */
must_use struct err store_zone_given(struct store_tx *tx, const char *account, const char *region,
                                     const char ***out, size_t *out_count);
must_use struct err store_zone_give(struct store_tx *tx, const char *account, const char *region,
                                    const char *zone);

/* --- groups of subnets --- */

/* Inserts and sets g->id; ERR_EXISTS. */
must_use struct err store_subnet_group_insert(struct store_tx *tx, struct subnet_group *g);

/* Writes the description and the subnets. */
must_use struct err store_subnet_group_update(struct store_tx *tx, const struct subnet_group *g);

/* By name in lower case; ERR_NOT_FOUND. */
must_use struct err store_subnet_group_find(struct store_tx *tx, const char *account,
                                            const char *region, const char *name,
                                            struct subnet_group *out);

/* Those whose names come after `after`, by name, at most `limit`; two queries. */
must_use struct err store_subnet_group_list(struct store_tx *tx, const char *account,
                                            const char *region, const char *after, int limit,
                                            struct subnet_group **out, size_t *out_count);
must_use struct err store_subnet_group_count(struct store_tx *tx, const char *account,
                                             const char *region, int64_t *out);

/* Removes a group with the tags of `arn`. */
must_use struct err store_subnet_group_remove(struct store_tx *tx, int64_t id, const char *arn);

/* Whether some cache is in the group. */
must_use struct err store_subnet_group_is_used(struct store_tx *tx, const char *account,
                                               const char *region, const char *name, bool *out);

/* Whether some cache is in the security group. */
must_use struct err store_security_group_is_used(struct store_tx *tx, const char *account,
                                                 const char *region, const char *id, bool *out);

/* Whether some group of subnets holds the subnet. */
must_use struct err store_subnet_is_grouped(struct store_tx *tx, const char *account,
                                            const char *region, const char *subnet, bool *out);

/* A placed node as the network sees it. */
struct network_node {
    int64_t node_id;
    const char *cluster, *number, *subnet_group, *security_groups;
    const char *zone;                     /* of its host */
    const char *address, *second_address; /* see node_goal */
    int64_t created_ms;
};

/* Nodes that have a host: of one subnet group, or of all (""), by id. */
must_use struct err store_network_node_list(struct store_tx *tx, const char *account,
                                            const char *region, const char *subnet_group,
                                            struct network_node **out, size_t *out_count);

#endif
