/* Calls for cache clusters, where the cluster is a member of a replication group; private to ops/.
 */
#ifndef LARDER_CONTROLPLANE_OPS_MEMBER_CLUSTERS_H
#define LARDER_CONTROLPLANE_OPS_MEMBER_CLUSTERS_H

#include "contract/elasticache.h"
#include "controlplane/ops/facts.h"

/* CreateCacheCluster with a ReplicationGroupId: one more replica of a group without cluster mode.
 */
must_use struct err member_cluster_create(struct call *c,
                                          const struct ec_create_cache_cluster_in *in,
                                          struct ec_create_cache_cluster_out *out);

/* DeleteCacheCluster of a member: a replica goes, a primary does not. */
must_use struct err member_cluster_delete(struct call *c, const struct cluster_facts *m,
                                          const struct ec_delete_cache_cluster_in *in,
                                          struct ec_delete_cache_cluster_out *out);

/* What belongs to the group is changed there: FAULT_INVALID_PARAMETER_COMBINATION for a member. */
must_use struct err member_cluster_refuse_modify(struct call *c, const struct cluster_facts *f);

/* A member of a group in cluster mode is not rebooted: FAULT_INVALID_CACHE_CLUSTER_STATE. */
must_use struct err member_cluster_refuse_reboot(struct call *c, const struct cluster_facts *f);

#endif
