/* What the rules look at: one cluster with everything that bears on it; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_VIEW_H
#define LARDER_CONTROLPLANE_RECONCILE_VIEW_H

#include "base/err.h"
#include "controlplane/model/cluster.h"
#include "controlplane/model/place.h"

struct store_tx;

/* A region during one pass: shared by the views of its clusters, so that each placement sees those
 * before it. */
struct region_view {
    const char *region;
    struct host_list hosts;
    struct place *board;
    bool has_addresses; /* on the board; read when the first view has a node to place */
    struct region_view *next;
};

struct view {
    struct cluster cluster;
    struct node_list nodes; /* goals are kept as decided: later rules see what earlier ones set */
    bool has_operation;     /* one is running */
    struct operation operation;
    const struct region_view *region;
    int64_t now_ms;
    bool is_removed; /* it was decided that the cluster goes */
};

/* Reads the cluster; ERR_NOT_FOUND when it is gone. `regions` is a list that grows. Of members of
 * groups too: but these are looked at together, see group_view.h. */
must_use struct err view_load(struct store_tx *tx, int64_t cluster_id, int64_t now_ms,
                              struct region_view **regions, struct view *out);

/* The host of that id in the view's region, or NULL. */
const struct host *view_host(const struct view *v, const char *host_id);

#endif
