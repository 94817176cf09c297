/* The status words that users see, computed from what is wanted, under way and seen. Pure. */
#ifndef LARDER_CONTROLPLANE_MODEL_STATUS_H
#define LARDER_CONTROLPLANE_MODEL_STATUS_H

#include "controlplane/model/group.h"

enum cluster_status {
    CLUSTER_CREATING,
    CLUSTER_AVAILABLE,
    CLUSTER_MODIFYING,
    CLUSTER_REBOOTING,
    CLUSTER_DELETING,
    CLUSTER_CREATE_FAILED,
    CLUSTER_RESTORE_FAILED,
    CLUSTER_SNAPSHOTTING,
};

/* `newest` is the cluster's newest operation, NULL when it has none. */
enum cluster_status cluster_status(const struct cluster *c, const struct operation *newest);

/* The same of a member of a replication group, whose newest operation is `group_newest`. */
enum cluster_status cluster_member_status(const struct cluster *c, const struct operation *newest,
                                          const struct replication_group *g,
                                          const struct group_operation *group_newest);

/* "available", "rebooting cluster nodes" ... */
const char *cluster_status_word(enum cluster_status status);

/* Whether a cluster in this state may be modified or rebooted; whether it may be deleted. */
bool cluster_status_may_change(enum cluster_status status);
bool cluster_status_may_delete(enum cluster_status status);

/* Endpoints appear when a cluster leaves `creating`. */
bool cluster_status_has_endpoints(enum cluster_status status);

/* "creating", "available", "rebooting" or "deleting". `status` is that of the node's cluster. */
const char *node_status_word(const struct node *n, enum cluster_status status,
                             const struct operation *newest);

/* Whether an engine has the values of its parameter group. */
enum parameter_status { PARAMETERS_IN_SYNC, PARAMETERS_PENDING_REBOOT, PARAMETERS_APPLYING };

/* "in-sync", "applying" or "pending-reboot". */
const char *parameter_status_word(enum parameter_status status);

/* Of a node of the cluster. One that does not run is to begin with them. */
enum parameter_status node_parameter_status(const struct cluster *c, const struct node *n);

/* Of all nodes that are to stay: what one lacks, the cluster lacks. */
enum parameter_status cluster_parameter_status(const struct cluster *c,
                                               const struct node_list *nodes);

/* Whether who may enter is as it should be at a node. One that does not run is to begin with it. */
bool node_entry_is_settled(const struct cache_entry *e, const struct node *n);

/* "ROTATING" or "SETTING" while nodes have not taken on a change of the AUTH token; else NULL. */
const char *entry_token_word(const struct cache_entry *e, const struct node_list *nodes);

#endif
