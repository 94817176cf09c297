/*
 * Where in the network a cache stands: its group of subnets, the zones that these are in, and its
 * security groups; private to ops/. One function for clusters, replication groups and all else that
 * is made of nodes.
 */
#ifndef LARDER_CONTROLPLANE_OPS_SITING_H
#define LARDER_CONTROLPLANE_OPS_SITING_H

#include "contract/elasticache.h"
#include "controlplane/model/network.h"
#include "controlplane/ops/call.h"

struct siting {
    const char *subnet_group; /* in lower case, as stored */
    const char *vpc_id;
    const char *security_groups; /* ids, comma separated */
    const char **zones;          /* of the subnets, each once, in their order */
    size_t zone_count;
    bool has_ipv4, has_ipv6; /* what every subnet of the group can carry */
};

/*
 * Chooses for a new cache: `subnet_group` as asked for (NULL or "" for the default one, which is
 * made of the default VPC's subnets when it is first used), and the security groups (the VPC's
 * default group where none is asked for). FAULT_CACHE_SUBNET_GROUP_NOT_FOUND,
 * FAULT_INVALID_PARAMETER_VALUE and FAULT_INVALID_PARAMETER_COMBINATION. Needs a write transaction.
 */
must_use struct err siting_choose(struct call *c, const char *subnet_group,
                                  const struct ec_security_group_ids_list *security_groups,
                                  struct siting *out);

/* The same for a cache that is there: `security_groups` NULL keeps `current`. */
must_use struct err siting_change(struct call *c, const char *subnet_group, const char *current,
                                  const struct ec_security_group_ids_list *security_groups,
                                  struct siting *out);

/*
 * The same for a cache that names its subnets itself: those of the default VPC, three at most,
 * where there are none (`count` 0). `*out_subnets` are their ids, comma separated.
 */
must_use struct err siting_choose_subnets(struct call *c, const char **ids, size_t count,
                                          const struct ec_security_group_ids_list *security_groups,
                                          struct siting *out, const char **out_subnets);

/* Where a cache in those subnets stands, with its security groups. */
must_use struct err siting_of_subnets(struct call *c, const char *subnets, const char *current,
                                      struct siting *out);

/* Other security groups for a cache in those subnets. */
must_use struct err siting_change_groups(struct call *c, const char *subnets,
                                         const struct ec_security_group_ids_list *security_groups,
                                         struct siting *out);

bool siting_has_zone(const struct siting *s, const char *zone);

#endif
