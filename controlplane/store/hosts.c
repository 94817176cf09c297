/* Table host, and counts over everything. */
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/store.h"

#define HOST_SELECT                                                                      \
    "SELECT h.id, h.region, h.zone, h.name, h.incarnation, h.boot_id, h.agent_version, " \
    "h.memory_bytes, h.vcpus, h.pool, h.engines, h.is_silent, h.enrolled_ms, "           \
    "h.used_bytes, h.node_count, h.pool6, "                                              \
    "h.peer_address, h.peer_port, h.is_quiet, h.silent_ms, h.used_vcpus, h.lease_late_ms FROM host h "

static void row_to_host(const struct query *q, struct host *out)
{
    *out = (struct host){
        .id = query_text(q, 0),
        .region = query_text(q, 1),
        .zone = query_text(q, 2),
        .name = query_text(q, 3),
        .incarnation = query_text(q, 4),
        .boot_id = query_text(q, 5),
        .agent_version = query_text(q, 6),
        .memory_bytes = query_int(q, 7),
        .vcpus = (int)query_int(q, 8),
        .pool = query_text(q, 9),
        .engines = query_text(q, 10),
        .is_silent = query_int(q, 11) != 0,
        .enrolled_ms = query_int(q, 12),
        .used_bytes = query_int(q, 13),
        .node_count = query_int(q, 14),
        .pool6 = query_text(q, 15),
        .peer_address = query_text(q, 16),
        .peer_port = (int)query_int(q, 17),
        .is_quiet = query_int(q, 18) != 0,
        .silent_ms = query_int(q, 19),
        .used_vcpus = query_int(q, 20),
        .lease_late_ms = query_int(q, 21),
    };
}

struct err store_host_put(struct store_tx *tx, const struct host *h)
{
    static const char sql[] =
        "INSERT INTO host (id, region, zone, name, incarnation, boot_id, agent_version, "
        "memory_bytes, vcpus, pool, engines, is_silent, enrolled_ms, pool6, peer_address, "
        "peer_port) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET region = excluded.region, zone = excluded.zone, "
        "name = excluded.name, incarnation = excluded.incarnation, boot_id = excluded.boot_id, "
        "agent_version = excluded.agent_version, memory_bytes = excluded.memory_bytes, "
        "vcpus = excluded.vcpus, pool = excluded.pool, engines = excluded.engines, "
        "is_silent = excluded.is_silent, is_quiet = excluded.is_silent, silent_ms = 0, pool6 = excluded.pool6, "
        "peer_address = excluded.peer_address, peer_port = excluded.peer_port";
    tx->has_host = true;
    return query_run(tx, sql, "tttttttiittbitti", h->id, h->region, h->zone, h->name,
                     h->incarnation, h->boot_id, h->agent_version, h->memory_bytes,
                     (int64_t)h->vcpus, h->pool, h->engines, h->is_silent, h->enrolled_ms,
                     h->pool6 ? h->pool6 : "", h->peer_address ? h->peer_address : "",
                     (int64_t)h->peer_port);
}

struct err store_host_get(struct store_tx *tx, const char *host_id, struct host *out)
{
    static const char sql[] = HOST_SELECT "WHERE h.id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", host_id));
    bool is_found = query_next(&q);
    if (is_found)
        row_to_host(&q, out);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such host");
}

static struct err all_hosts(struct query *q, struct host_list *out)
{
    vec_of(struct host) hosts = VEC_EMPTY;

    while (query_next(q))
        row_to_host(q, vec_add(q->tx->arena, &hosts));
    TRY(query_end(q));
    *out = (struct host_list){hosts.items, hosts.count};
    return OK;
}

struct err store_host_list(struct store_tx *tx, const char *region, struct host_list *out)
{
    static const char sql[] = HOST_SELECT "WHERE ?1 = '' OR h.region = ?1 "
                                          "ORDER BY h.zone, h.name";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", region));
    return all_hosts(&q, out);
}

struct err store_host_list_by_id(struct store_tx *tx, const char *region, struct host_list *out)
{
    static const char sql[] = HOST_SELECT "WHERE h.region = ? ORDER BY h.id";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", region));
    return all_hosts(&q, out);
}

struct err store_host_late(struct store_tx *tx, const char *host_id, int64_t late_ms)
{
    static const char sql[] = "UPDATE host SET lease_late_ms = ? WHERE id = ?";
    tx->has_host = true;
    return query_run(tx, sql, "it", late_ms, host_id);
}

struct err store_host_silence(struct store_tx *tx, const char *host_id, bool is_silent,
                              int64_t now_ms)
{
    static const char sql[] =
        "UPDATE host SET is_silent = ?1, is_quiet = ?1, silent_ms = iif(?1, ?2, 0) WHERE id = ?3";
    tx->has_host = true;
    return query_run(tx, sql, "bit", is_silent, now_ms, host_id);
}

struct err store_host_quiet(struct store_tx *tx, const char *host_id, bool is_quiet)
{
    static const char sql[] = "UPDATE host SET is_quiet = ? WHERE id = ?";

    tx->has_host = true;
    TRY(query_run(tx, sql, "bt", is_quiet, host_id));
    return store_touch_host(tx, host_id);
}

struct err store_touch_host(struct store_tx *tx, const char *host_id)
{
    static const char sql[] = "SELECT n.cluster_id FROM node_goal g "
                              "JOIN cache_node n ON n.id = g.node_id WHERE g.host_id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", host_id));
    while (query_next(&q))
        store_touch_cluster(tx, query_int(&q, 0));
    return query_end(&q);
}

struct err store_silent_regions(struct store_tx *tx, const char ***out, size_t *out_count)
{
    static const char sql[] = "SELECT region FROM host GROUP BY region "
                              "HAVING 2 * sum(is_silent) > count(*) ORDER BY region";
    vec_of(const char *) regions = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    while (query_next(&q))
        *vec_add(tx->arena, &regions) = query_text(&q, 0);
    TRY(query_end(&q));
    *out = regions.items;
    *out_count = regions.count;
    return OK;
}

static struct err count_nodes(struct store_tx *tx, struct store_counts *out)
{
    static const char sql[] = "SELECT coalesce(s.state, 'absent'), count(*) FROM cache_node n "
                              "LEFT JOIN node_saw s ON s.node_id = n.id GROUP BY 1";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    while (query_next(&q)) {
        enum node_state state;
        if (node_state_parse(query_text(&q, 0), &state))
            out->nodes[state] = query_int(&q, 1);
    }
    return query_end(&q);
}

struct err store_count(struct store_tx *tx, struct store_counts *out)
{
    static const char sql[] =
        "SELECT (SELECT count(*) FROM host), (SELECT count(*) FROM host WHERE is_silent), "
        "(SELECT count(*) FROM cache_cluster)";
    struct query q;

    *out = (struct store_counts){0};
    TRY(query_start(&q, tx, sql, ""));
    if (query_next(&q)) {
        out->hosts = query_int(&q, 0);
        out->silent_hosts = query_int(&q, 1);
        out->clusters = query_int(&q, 2);
    }
    TRY(query_end(&q));
    return count_nodes(tx, out);
}
