/* What the rules look at: one cluster with everything that bears on it; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_VIEW_H
#define LARDER_CONTROLPLANE_RECONCILE_VIEW_H

#include "base/err.h"
#include "controlplane/model/cluster.h"
#include "controlplane/reconcile/regions.h"

struct store_tx;

struct view {
    struct cluster cluster;
    struct node_list nodes; /* goals are kept as decided: later rules see what earlier ones set */
    bool has_operation;     /* one is running */
    struct operation operation;
    const struct region_view *region;
    int64_t now_ms;
    bool is_removed; /* it was decided that the cluster goes */
};

/* Reads a cluster outside of groups; ERR_NOT_FOUND when it is gone. */
must_use struct err view_load(struct store_tx *tx, int64_t cluster_id, int64_t now_ms,
                              struct regions *regions, struct view *out);

/* The same of clusters that were read already, the members of a group: they are looked at together,
 * see group_view.h. */
must_use struct err views_load(struct store_tx *tx, const struct cluster *clusters, size_t count,
                               int64_t now_ms, struct regions *regions, struct view *out);

/* The host of that id in the view's region, or NULL. */
const struct host *view_host(const struct view *v, const char *host_id);

#endif
