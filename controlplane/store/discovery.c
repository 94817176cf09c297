/* Table cluster_discovery; it is read with the goals of a host. */
#include "controlplane/store/discovery.h"

#include "controlplane/store/db.h"

#include <string.h>

static struct err read_nodes(struct store_tx *tx, int64_t cluster_id, const char **out)
{
    static const char sql[] = "SELECT nodes FROM cluster_discovery WHERE cluster_id = ?";
    struct query q;

    *out = NULL;
    TRY(query_start(&q, tx, sql, "i", cluster_id));
    if (query_next(&q))
        *out = query_text(&q, 0);
    return query_end(&q);
}

static struct err raise_hosts(struct store_tx *tx, int64_t cluster_id)
{
    static const char sql[] =
        "INSERT INTO host_goal (host_id, generation) SELECT DISTINCT g.host_id, 1 "
        "FROM cache_node n JOIN node_goal g ON g.node_id = n.id WHERE n.cluster_id = ? "
        "ON CONFLICT (host_id) DO UPDATE SET " RAISED_WHOLE " RETURNING host_id";
    return query_tell(tx, sql, "i", cluster_id);
}

struct err store_discovery_set(struct store_tx *tx, int64_t cluster_id, const char *nodes,
                               bool *out_changed)
{
    static const char put[] = "INSERT OR REPLACE INTO cluster_discovery (cluster_id, nodes) "
                              "VALUES (?, ?)";
    static const char count[] = "UPDATE cache_cluster SET configuration_version = "
                                "configuration_version + 1 WHERE id = ?";
    const char *before;

    TRY(read_nodes(tx, cluster_id, &before));
    if (before && strcmp(before, nodes) == 0)
        return OK;
    *out_changed = true;
    TRY(query_run(tx, put, "it", cluster_id, nodes));
    if (before)
        TRY(query_run(tx, count, "i", cluster_id));
    return raise_hosts(tx, cluster_id);
}
