/* Builds of the service's own engine, where they run, and what was asked for with them. Like
 * store.h. */
#ifndef LARDER_CONTROLPLANE_STORE_UPDATES_H
#define LARDER_CONTROLPLANE_STORE_UPDATES_H

#include "controlplane/model/updates.h"
#include "controlplane/store/store.h"

/* A host of the region offers this build. Known ones are left as they are. (writer: fleet) */
must_use struct err store_build_put(struct store_tx *tx, const char *region, const char *build,
                                    int64_t now_ms);

/* The updates of a region, by id; the first build that was ever offered is none. */
must_use struct err store_update_list(struct store_tx *tx, const char *region,
                                      struct service_update **out, size_t *out_count);

/* Accounts and regions in which updates may concern somebody. */
struct updated_place {
    const char *account, *region;
};
must_use struct err store_updated_places(struct store_tx *tx, struct updated_place **out,
                                         size_t *out_count);

/* A wanted node on a host, of which the build is known; topic "" where nobody is told. */
struct node_on_host {
    const char *account, *region, *cluster, *topic;
    const char *number, *build;
};
must_use struct err store_built_nodes_of_host(struct store_tx *tx, const char *host_id,
                                              struct node_on_host **out, size_t *out_count);

/* A wanted node of which the build is known, with what it belongs to. */
struct built_node {
    int64_t cluster_id, group_id; /* group_id 0: none */
    const char *cluster, *group;  /* names; "" for no group */
    const char *engine;
    const char *shard; /* "" for no group */
    const char *number;
    const char *build;
    bool has_begun;      /* it is being restarted */
    int64_t began_ms;    /* when it was last told to begin anew; 0: never */
    int64_t build_ms;    /* since when it runs this build; 0: since before that was written down */
    const char *offered; /* by its host, see build_offered */
    /* Of the group, or of a cluster outside of groups. */
    const char *window; /* maintenance window */
    int64_t created_ms;
    const char *engine_version;
    bool takes_minor; /* AutoMinorVersionUpgrade, which members of global datastores lack */
};

/* All of an account and region that no serverless cache owns: those in groups behind the others, by
 * group, shard, cluster, number. */
must_use struct err store_built_nodes(struct store_tx *tx, const char *account, const char *region,
                                      struct built_node **out, size_t *out_count);

/* Every action of an account and region. */
must_use struct err store_action_list(struct store_tx *tx, const char *account, const char *region,
                                      struct update_action **out, size_t *out_count);

/* In the place of the action that the cluster or group had with that update, if any. */
must_use struct err store_action_put(struct store_tx *tx, const struct update_action *a);
must_use struct err store_action_stop(struct store_tx *tx, int64_t id, int64_t now_ms);

#endif
