/* Whether the hosts of the caller's region can take more nodes; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_CAPACITY_H
#define LARDER_CONTROLPLANE_OPS_CAPACITY_H

#include "controlplane/model/catalog.h"
#include "controlplane/model/cluster.h"
#include "controlplane/ops/call.h"
#include "controlplane/ops/siting.h"

struct address_lookup;
struct place;

struct capacity {
    struct host_list hosts;        /* of the region */
    struct place *board;           /* as it will be once everything wanted so far is placed */
    struct address_lookup *lookup; /* whom the board asks */
    const struct siting *siting; /* of the cache that wants more; its zones alone are open to it */
};

/* Nodes that a request wants to add. */
struct claim {
    int64_t cluster_id;  /* 0 for a cluster that is not there yet */
    const int64_t *keys; /* members of groups: the shard of each, see place_key; else NULL */
    bool is_multi_az;    /* with keys: each shard must stand in more than one zone */
    const struct node_type *type;
    int port;
    enum network_type network;
    const char *program; /* see place.h; NULL: the bundled engine */
    bool is_cross_az;
    int64_t memory_bytes; /* of each node; 0: as its type says */
    bool is_allotted;     /* its owner gives it processors, see cluster_vcpus */
    int second_port;      /* see place.h */
    const char **zones;   /* of each node; "" leaves it open */
    size_t count;
};

/* FAULT_NODE_QUOTA_FOR_CLUSTER_EXCEEDED when a cluster may not have so many nodes. */
must_use struct err capacity_check_cluster(struct call *c, int64_t node_count);

/* FAULT_NODE_QUOTA_FOR_CUSTOMER_EXCEEDED when the account may not have so many more in the region.
 */
must_use struct err capacity_check_region(struct call *c, int64_t added);

must_use struct err capacity_open(struct call *c, const struct siting *siting,
                                  struct capacity *out);

/* Says where a member of a shard that gets more of them stands already. */
void capacity_take_member(struct capacity *cap, int64_t key, const struct node_list *nodes);

/* Says where nodes of a cluster that gets more of them stand already. */
void capacity_take_nodes(struct capacity *cap, const struct node_list *nodes);

/* FAULT_INVALID_PARAMETER_VALUE when the region has hosts and none of them is in the zone, or when
 * the group of subnets does not reach it. */
must_use struct err capacity_check_zone(struct call *c, const struct capacity *cap,
                                        const char *zone);

/*
 * Checks that there is room for all nodes of the claim: FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY.
 * Nodes of a single-az cluster without a zone get one, the same for all, written to `zones`; and so
 * does every node where the group of subnets does not reach all zones that have hosts.
 */
must_use struct err capacity_claim(struct call *c, struct capacity *cap, const struct claim *claim);

#endif
