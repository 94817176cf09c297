/* A cluster with all that is known of it; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_FACTS_H
#define LARDER_CONTROLPLANE_OPS_FACTS_H

#include "controlplane/model/cluster.h"
#include "controlplane/model/status.h"
#include "controlplane/ops/call.h"

struct log_facts;

struct cluster_facts {
    struct cluster cluster;
    struct node_list nodes;
    const struct operation *newest; /* NULL when there is none */
    enum cluster_status status;
    /* Of the replication group that it is a member of; NULL for none. */
    const struct replication_group *group;
    const struct group_operation *group_newest;
    const struct log_facts *logs; /* logs.h; those of other clusters are among them */
};

/* Fills nodes, operations and groups of clusters that were read, by one query each; a group that is
 * there already is not read again, nor what goes on with it. */
must_use struct err facts_fill(struct call *c, struct cluster_facts *list, size_t count);

/* By name in any case; FAULT_CACHE_CLUSTER_NOT_FOUND. */
must_use struct err facts_find(struct call *c, const char *name, struct cluster_facts *out);

/* The caller's clusters with names after `after`, by name, at most `limit`; the same few queries,
 * however many they are. With `skips_members` none of a replication group is among them. */
must_use struct err facts_list(struct call *c, const char *after, int limit, bool skips_members,
                               struct cluster_facts **out, size_t *out_count);

/* Reads nodes and operation again, after the handler changed them. */
must_use struct err facts_refresh(struct call *c, struct cluster_facts *f);

/* Nodes that are to stay. */
int facts_node_count(const struct cluster_facts *f);

/* The node of that number, or NULL; only those that are to stay. */
const struct node *facts_node(const struct cluster_facts *f, const char *number);

/* Records what the reconciler has to do for the cluster and wakes it; the operation may take ten
 * minutes. */
must_use struct err facts_operate(struct call *c, struct cluster_facts *f, enum operation_kind kind,
                                  const char *data);

#endif
