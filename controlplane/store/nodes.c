/* Tables cache_node, node_goal and node_saw: what each node should be, will be next, and is. */
#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/model/settings.h"
#include "controlplane/store/db.h"
#include "controlplane/store/store.h"

#include <string.h>

/* A word of the schema to a state; damaged data is told apart from an absent node. */
static enum node_state state_of(struct query *q, int column)
{
    enum node_state state = NODE_ABSENT;
    if (!node_state_parse(query_text(q, column), &state))
        q->error = err_make(ERR_CORRUPT, "a node has an unknown state");
    return state;
}

/* --- want --- */

struct err store_node_insert(struct store_tx *tx, struct node *n)
{
    static const char sql[] =
        "INSERT INTO cache_node (cluster_id, number, zone, is_wanted, boot_count, created_ms, "
        "engine_id) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "ittbiit", n->cluster_id, n->number, n->zone, n->is_wanted,
                    n->boot_count, n->created_ms, n->engine_id ? n->engine_id : ""));
    if (query_next(&q))
        n->id = query_int(&q, 0);
    return query_end(&q);
}

#define NODE_SELECT                                                                                                                                                                                                                                                                                                                                                                                                                           \
    "SELECT n.id, n.cluster_id, n.number, n.zone, n.is_wanted, n.boot_count, n.created_ms, "                                                                                                                                                                                                                                                                                                                                                  \
    "g.host_id, g.address, g.port, g.state, g.boot_count, g.memory_bytes, g.crashes_told, "                                                                                                                                                                                                                                                                                                                                                   \
    "g.is_told_down, g.parameters, s.host_id, s.state, s.boot_count, s.pid, s.crashes, "                                                                                                                                                                                                                                                                                                                                                      \
    "s.crashed_ms, s.last_exit, s.why, s.applied_settings, s.is_reboot_pending, s.role, "                                                                                                                                                                                                                                                                                                                                                     \
    "s.term, s.replication_offset, s.is_link_up, s.build, s.used_bytes, s.has_bad_seed, s.followed_term, h.zone, n.engine_id, coalesce(g.tls_mode, ''), g.is_clustered, g.second_address, n.node_type, coalesce(s.lineage, 0), coalesce(s.is_killed, 0), coalesce(s.is_silent, 0), coalesce(s.is_unleased, 0), coalesce(g.is_told_silent, 0), coalesce(s.unlinked_ms, 0), coalesce(g.is_lagging, 0), coalesce(g.vcpus, 0) FROM cache_node n " \
    "LEFT JOIN node_goal g ON g.node_id = n.id LEFT JOIN node_saw s ON s.node_id = n.id "                                                                                                                                                                                                                                                                                                                                                     \
    "LEFT JOIN host h ON h.id = g.host_id "

static void row_to_goal(struct query *q, int at, struct node_goal *out)
{
    *out = (struct node_goal){
        .has = !query_is_null(q, at), .host_id = "", .address = "", .second_address = ""};
    if (!out->has)
        return;
    out->host_id = query_text(q, at);
    out->address = query_text(q, at + 1);
    out->port = (int)query_int(q, at + 2);
    out->state = state_of(q, at + 3);
    out->boot_count = query_int(q, at + 4);
    out->memory_bytes = query_int(q, at + 5);
    out->crashes_told = query_int(q, at + 6);
    out->is_told_down = query_int(q, at + 7) != 0;
    out->parameters = query_int(q, at + 8);
}

static void row_to_saw(struct query *q, int at, struct node_saw *out)
{
    *out = (struct node_saw){.has = !query_is_null(q, at),
                             .host_id = "",
                             .last_exit = "",
                             .why = "",
                             .applied_settings = "",
                             .role = "",
                             .build = ""};
    if (!out->has)
        return;
    out->host_id = query_text(q, at);
    out->state = state_of(q, at + 1);
    out->boot_count = query_int(q, at + 2);
    out->pid = (int)query_int(q, at + 3);
    out->crashes = query_int(q, at + 4);
    out->crashed_ms = query_int(q, at + 5);
    out->last_exit = query_text(q, at + 6);
    out->why = query_text(q, at + 7);
    out->applied_settings = query_text(q, at + 8);
    out->is_reboot_pending = query_int(q, at + 9) != 0;
    out->role = query_text(q, at + 10);
    out->term = query_int(q, at + 11);
    out->offset = query_int(q, at + 12);
    out->is_link_up = query_int(q, at + 13) != 0;
    out->build = query_text(q, at + 14);
    out->used_bytes = query_int(q, at + 15);
    out->has_bad_seed = query_int(q, at + 16) != 0;
    out->followed_term = query_int(q, at + 17);
}

static void row_to_troubles(struct query *q, int at, struct node_saw *out)
{
    out->is_killed = query_int(q, at) != 0;
    out->is_silent = query_int(q, at + 1) != 0;
    out->is_unleased = query_int(q, at + 2) != 0;
}

static void row_to_node(struct query *q, struct node *out)
{
    *out = (struct node){
        .id = query_int(q, 0),
        .cluster_id = query_int(q, 1),
        .number = query_text(q, 2),
        .zone = query_text(q, 3),
        .is_wanted = query_int(q, 4) != 0,
        .boot_count = query_int(q, 5),
        .created_ms = query_int(q, 6),
    };
    row_to_goal(q, 7, &out->goal);
    row_to_saw(q, 16, &out->saw);
    out->host_zone = query_text(q, 34);
    out->engine_id = query_text(q, 35);
    out->goal.is_clustered = query_int(q, 37) != 0;
    out->goal.second_address = query_text(q, 38);
    out->node_type = query_text(q, 39);
    out->saw.lineage = query_int(q, 40);
    row_to_troubles(q, 41, &out->saw);
    out->goal.is_told_silent = query_int(q, 44) != 0;
    out->saw.unlinked_ms = query_int(q, 45);
    out->goal.is_lagging = query_int(q, 46) != 0;
    out->goal.vcpus = query_int(q, 47);
    if (!tls_mode_parse(query_text(q, 36), &out->goal.tls))
        q->error = err_make(ERR_CORRUPT, "a node has an unknown mode of encryption");
}

static struct err all_nodes(struct query *q, struct node_list *out)
{
    vec_of(struct node) nodes = VEC_EMPTY;
    while (query_next(q))
        row_to_node(q, vec_add(q->tx->arena, &nodes));
    TRY(query_end(q));
    *out = (struct node_list){nodes.items, nodes.count};
    return OK;
}

struct err store_node_list(struct store_tx *tx, int64_t cluster_id, struct node_list *out)
{
    static const char sql[] = NODE_SELECT "WHERE n.cluster_id = ? ORDER BY n.number";
    struct query q;
    TRY(query_start(&q, tx, sql, "i", cluster_id));
    return all_nodes(&q, out);
}

struct err store_node_list_of(struct store_tx *tx, const int64_t *cluster_ids, size_t count,
                              struct node_list *out)
{
    static const char sql[] = NODE_SELECT "WHERE n.cluster_id IN (SELECT value FROM json_each(?)) "
                                          "ORDER BY n.cluster_id, n.number";
    struct query q;
    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, cluster_ids, count)));
    return all_nodes(&q, out);
}

struct err store_node_unplaced(struct store_tx *tx, const char *region, struct unplaced_node **out,
                               size_t *out_count)
{
    static const char sql[] =
        "SELECT n.id, n.cluster_id, n.zone, c.node_type, c.engine, c.port, c.az_mode = 'cross-az', "
        "coalesce(c.node_group_id, 0), coalesce(c.owner_id, 0), c.memory_least, c.memory_most, "
        "c.work_most, c.network_type, c.engine_version, c.driver FROM cache_node n JOIN cache_cluster c ON c.id = n.cluster_id "
        "LEFT JOIN node_goal g ON g.node_id = n.id "
        "WHERE c.region = ? AND n.is_wanted AND g.node_id IS NULL ORDER BY n.id";
    vec_of(struct unplaced_node) nodes = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", region));
    while (query_next(&q)) {
        struct unplaced_node *n = vec_add(tx->arena, &nodes);
        *n = (struct unplaced_node){
            .node_id = query_int(&q, 0),
            .cluster_id = query_int(&q, 1),
            .zone = query_text(&q, 2),
            .node_type = query_text(&q, 3),
            .engine = query_text(&q, 4),
            .port = (int)query_int(&q, 5),
            .is_cross_az = query_int(&q, 6) != 0,
            .shard_id = query_int(&q, 7),
            .owner = {query_int(&q, 8),   "" },
            .allotment = { query_int(&q, 9), query_int(&q, 10), query_int(&q, 11)},
        };
        n->engine_version = query_text(&q, 13);
        n->driver = query_text(&q, 14);
        if (!network_type_parse(query_text(&q, 12), &n->network))
            q.error = err_make(ERR_CORRUPT, "a cache cluster has an unknown type of network");
    }
    TRY(query_end(&q));
    *out = nodes.items;
    *out_count = nodes.count;
    return OK;
}

struct err store_node_want(struct store_tx *tx, int64_t node_id, bool is_wanted)
{
    static const char sql[] = "UPDATE cache_node SET is_wanted = ? WHERE id = ?";
    return query_run(tx, sql, "bi", is_wanted, node_id);
}

struct err store_node_keep_type(struct store_tx *tx, int64_t cluster_id, const char *type)
{
    static const char sql[] =
        "UPDATE cache_node SET node_type = ? WHERE cluster_id = ? AND is_wanted";
    return query_run(tx, sql, "ti", type, cluster_id);
}

struct err store_node_take_type(struct store_tx *tx, int64_t node_id)
{
    static const char sql[] =
        "UPDATE cache_node SET node_type = '' WHERE id = ? RETURNING cluster_id";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", node_id));
    while (query_next(&q))
        store_touch_cluster(tx, query_int(&q, 0));
    return query_end(&q);
}

struct err store_node_boot(struct store_tx *tx, int64_t node_id, int64_t now_ms)
{
    static const char sql[] =
        "UPDATE cache_node SET boot_count = boot_count + 1, booted_ms = ? WHERE id = ?";
    return query_run(tx, sql, "ii", now_ms, node_id);
}

struct err store_node_identify(struct store_tx *tx, int64_t node_id, const char *engine_id)
{
    static const char sql[] = "UPDATE cache_node SET engine_id = ? WHERE id = ? AND engine_id = ''";
    return query_run(tx, sql, "ti", engine_id, node_id);
}

struct err store_node_remove(struct store_tx *tx, int64_t node_id)
{
    static const char sql[] = "DELETE FROM cache_node WHERE id = ?";
    return query_run(tx, sql, "i", node_id);
}

struct err store_node_count(struct store_tx *tx, const char *account, const char *region,
                            int64_t *out)
{
    static const char sql[] =
        "SELECT count(*) FROM cache_node n JOIN cache_cluster c ON c.id = n.cluster_id "
        "WHERE c.account = ? AND c.region = ? AND n.is_wanted AND c.owner_id IS NULL";
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

/* --- goal --- */

/* Nothing of it may be left out for an agent that holds an older one. */
static struct err raise_whole(struct store_tx *tx, const char *host_id)
{
    static const char sql[] =
        "INSERT INTO host_goal (host_id, generation, whole) VALUES (?, 1, 1) "
        "ON CONFLICT (host_id) DO UPDATE SET " RAISED_WHOLE " RETURNING host_id";
    return query_tell(tx, sql, "t", host_id);
}

/* The host that a node is placed on, "" for none. */
static struct err host_of(struct store_tx *tx, int64_t node_id, const char **out)
{
    static const char sql[] = "SELECT host_id FROM node_goal WHERE node_id = ?";
    struct query q;

    *out = "";
    TRY(query_start(&q, tx, sql, "i", node_id));
    if (query_next(&q))
        *out = query_text(&q, 0);
    return query_end(&q);
}

/* The generations of hosts were raised for these nodes. */
#define MARK_CHANGED                                                                          \
    "UPDATE node_goal SET changed = (SELECT h.generation FROM host_goal h WHERE h.host_id = " \
    "node_goal.host_id) WHERE node_id "

struct err host_raise_of_node(struct store_tx *tx, int64_t node_id)
{
    static const char raise[] =
        "INSERT INTO host_goal (host_id, generation) SELECT host_id, 1 FROM node_goal "
        "WHERE node_id = ? " RAISED " RETURNING host_id";
    static const char mark[] = MARK_CHANGED "= ?";

    TRY(query_tell(tx, raise, "i", node_id));
    return query_run(tx, mark, "i", node_id);
}

struct err hosts_raise(struct store_tx *tx, int64_t group_id)
{
    static const char raise[] =
        "INSERT INTO host_goal (host_id, generation) SELECT DISTINCT g.host_id, 1 "
        "FROM cache_cluster c JOIN cache_node n ON n.cluster_id = c.id "
        "JOIN node_goal g ON g.node_id = n.id WHERE c.group_id = ? " RAISED " RETURNING host_id";
    static const char mark[] =
        MARK_CHANGED "IN (SELECT n.id FROM cache_cluster c JOIN cache_node n "
                     "ON n.cluster_id = c.id WHERE c.group_id = ?)";

    TRY(query_tell(tx, raise, "i", group_id));
    return query_run(tx, mark, "i", group_id);
}

struct err hosts_raise_of_shard(struct store_tx *tx, int64_t shard_id)
{
    static const char raise[] =
        "INSERT INTO host_goal (host_id, generation) SELECT DISTINCT g.host_id, 1 "
        "FROM cache_cluster c JOIN cache_node n ON n.cluster_id = c.id "
        "JOIN node_goal g ON g.node_id = n.id WHERE c.node_group_id = ? " RAISED
        " RETURNING host_id";
    static const char mark[] =
        MARK_CHANGED "IN (SELECT n.id FROM cache_cluster c JOIN cache_node n "
                     "ON n.cluster_id = c.id WHERE c.node_group_id = ?)";

    TRY(query_tell(tx, raise, "i", shard_id));
    return query_run(tx, mark, "i", shard_id);
}

/* One that comes is news to the others of its shard, too: they are not alone any more. */
static struct err raise_of_newcomer(struct store_tx *tx, int64_t node_id)
{
    static const char sql[] = "SELECT coalesce(c.node_group_id, 0) FROM cache_node n "
                              "JOIN cache_cluster c ON c.id = n.cluster_id WHERE n.id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", node_id));
    int64_t shard_id = query_next(&q) ? query_int(&q, 0) : 0;
    TRY(query_end(&q));
    return shard_id ? hosts_raise_of_shard(tx, shard_id) : host_raise_of_node(tx, node_id);
}

struct err store_goal_set(struct store_tx *tx, int64_t node_id, const struct node_goal *g)
{
    static const char sql[] =
        "INSERT INTO node_goal (node_id, host_id, address, port, state, boot_count, memory_bytes, "
        "crashes_told, is_told_down, parameters, tls_mode, is_clustered, second_address, "
        "vcpus) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (node_id) DO UPDATE SET host_id = excluded.host_id, address = excluded.address, "
        "port = excluded.port, state = excluded.state, boot_count = excluded.boot_count, "
        "memory_bytes = excluded.memory_bytes, crashes_told = excluded.crashes_told, "
        "is_told_down = excluded.is_told_down, parameters = excluded.parameters, "
        "tls_mode = excluded.tls_mode, is_clustered = excluded.is_clustered, "
        "second_address = excluded.second_address, vcpus = excluded.vcpus";
    const char *before;

    TRY(host_of(tx, node_id, &before));
    TRY(query_run(tx, sql, "ittitiiibitbti", node_id, g->host_id, g->address, (int64_t)g->port,
                  node_state_name(g->state), g->boot_count, g->memory_bytes, g->crashes_told,
                  g->is_told_down, g->parameters, tls_mode_name(g->tls), g->is_clustered,
                  g->second_address ? g->second_address : "", g->vcpus));
    if (!*before)
        return raise_of_newcomer(tx, node_id);
    if (strcmp(before, g->host_id) != 0)
        TRY(raise_whole(tx, before));
    return host_raise_of_node(tx, node_id);
}

struct err store_goal_told(struct store_tx *tx, int64_t node_id, const struct node_goal *goal)
{
    static const char sql[] = "UPDATE node_goal SET crashes_told = ?, is_told_down = ?, "
                              "is_told_silent = ?, is_lagging = ? WHERE node_id = ?";
    return query_run(tx, sql, "ibbbi", goal->crashes_told, goal->is_told_down, goal->is_told_silent,
                     goal->is_lagging, node_id);
}

struct err store_goal_remove(struct store_tx *tx, int64_t node_id)
{
    static const char sql[] = "DELETE FROM node_goal WHERE node_id = ?";
    const char *host_id;

    TRY(host_of(tx, node_id, &host_id));
    TRY(query_run(tx, sql, "i", node_id));
    return *host_id ? raise_whole(tx, host_id) : OK;
}

static struct err read_of_host(struct store_tx *tx, const char *sql, const char *host_id,
                               int64_t *out)
{
    struct query q;

    *out = 0;
    TRY(query_start(&q, tx, sql, "t", host_id));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

struct err store_host_generation(struct store_tx *tx, const char *host_id, int64_t *out)
{
    static const char sql[] = "SELECT generation FROM host_goal WHERE host_id = ?";
    return read_of_host(tx, sql, host_id, out);
}

struct err store_host_whole(struct store_tx *tx, const char *host_id, int64_t *out)
{
    static const char sql[] = "SELECT whole FROM host_goal WHERE host_id = ?";
    return read_of_host(tx, sql, host_id, out);
}

/* What a member of a replication group has from there. */
static void row_to_membership(const struct query *q, int at, struct host_node *out)
{
    out->role = (struct shard_goal){
        .has = !query_is_null(q, at),
        .term = query_int(q, at),
        .primary_id = query_int(q, at + 1),
        .fenced_id = query_int(q, at + 2),
        .fence_term = query_int(q, at + 3),
        .after_offset = query_int(q, at + 4),
    };
    out->primary_address = query_text(q, at + 5);
    out->primary_port = (int)query_int(q, at + 6);
    out->replication_user = query_text(q, at + 7);
    out->replication_password = query_text(q, at + 8);
    out->epoch = query_int(q, at + 9);
    out->group_id = query_int(q, at + 10);
    out->has_siblings = query_int(q, at + 11) != 0;
}

struct err store_host_nodes(struct store_tx *tx, const char *host_id, int64_t since,
                            struct host_node **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT g.node_id, c.name, n.number, c.engine, c.engine_version, "
        "coalesce(nullif(n.node_type, ''), c.node_type), g.host_id, "
        "g.address, g.port, g.state, g.boot_count, g.memory_bytes, g.crashes_told, g.is_told_down, "
        "g.parameters, n.engine_id, c.id, r.term, r.primary_id, r.fenced_id, r.fence_term, r.after_offset, "
        "pg.address, pg.port, rg.replication_user, rg.replication_password, t.epoch, c.group_id, "
        "EXISTS (SELECT 1 FROM cache_cluster o WHERE o.group_id = c.group_id AND "
        "o.node_group_id = c.node_group_id AND o.id <> c.id), c.parameter_group, p.id, p.revision, "
        "c.data_key, c.tls_mode, e.certificate, e.private_key, e.revision, g.is_clustered, "
        "coalesce(c.node_group_id, 0), rg.cluster_mode = 'enabled', "
        "coalesce(c.owner_id, 0), c.memory_least, c.memory_most, c.work_most, g.second_address, c.driver, "
        "coalesce(cd.nodes, ''), c.configuration_version, r.life, r.fence_life, "
        "coalesce(r.address, ''), coalesce(r.reader_address, ''), coalesce(r.reader_id, 0), "
        "coalesce(r.reader_turn, 0), r.acks_ordered, r.is_bounded, r.offsets_asked, "
        "coalesce(r.voters, ''), r.voters_number, r.yields_to, r.yields, sg.address, sg.port, "
        "r.lease_ms, r.lease_most_ms "
        "FROM node_goal g JOIN cache_node n ON n.id = g.node_id "
        "JOIN cache_cluster c ON c.id = n.cluster_id "
        "LEFT JOIN node_group_goal r ON r.node_group_id = c.node_group_id "
        "LEFT JOIN cache_node pn ON pn.cluster_id = r.primary_id "
        "LEFT JOIN node_goal pg ON pg.node_id = pn.id "
        "LEFT JOIN cache_node sn ON sn.cluster_id = r.yields_to "
        "LEFT JOIN node_goal sg ON sg.node_id = sn.id "
        "LEFT JOIN replication_group rg ON rg.id = c.group_id "
        "LEFT JOIN group_goal t ON t.group_id = c.group_id "
        "LEFT JOIN node_certificate e ON e.node_id = n.id "
        "LEFT JOIN cluster_discovery cd ON cd.cluster_id = c.id "
        "LEFT JOIN parameter_group p ON p.account = c.account AND p.region = c.region "
        "AND p.name = c.parameter_group WHERE g.host_id = ? AND g.changed > ? ORDER BY g.node_id";
    vec_of(struct host_node) nodes = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "ti", host_id, since));
    while (query_next(&q)) {
        struct host_node *n = vec_add(tx->arena, &nodes);
        *n = (struct host_node){
            .node_id = query_int(&q, 0),
            .cluster = query_text(&q, 1),
            .number = query_text(&q, 2),
            .engine = query_text(&q, 3),
            .engine_version = query_text(&q, 4),
            .node_type = query_text(&q, 5),
            .engine_id = query_text(&q, 15),
            .cluster_id = query_int(&q, 16),
            .parameter_group = query_text(&q, 29),
            .parameter_group_id = query_int(&q, 30),
            .parameter_revision = query_int(&q, 31),
            .data_key = query_text(&q, 32),
        };
        row_to_goal(&q, 6, &n->goal);
        row_to_membership(&q, 17, n);
        n->role.life = query_int(&q, 48);
        n->role.fence_life = query_int(&q, 49);
        n->role.yields_to = query_int(&q, 59);
        n->role.yields = query_int(&q, 60);
        n->successor_address = query_text(&q, 61);
        n->successor_port = (int)query_int(&q, 62);
        n->endpoints = (struct shard_endpoints){query_text(&q, 50), query_text(&q, 51),
                                                query_int(&q, 52), query_int(&q, 53)};
        n->role.acks = (struct shard_acks){.ordered = query_int(&q, 54),
                                           .is_bounded = query_int(&q, 55) != 0,
                                           .asked = (int)query_int(&q, 56)};
        n->lease = (struct shard_lease){.voters = query_text(&q, 57),
                                        .number = query_int(&q, 58),
                                        .ms = (int)query_int(&q, 63),
                                        .most_ms = (int)query_int(&q, 64)};
        n->goal.is_clustered = query_int(&q, 37) != 0;
        n->goal.second_address = query_text(&q, 44);
        n->driver = query_text(&q, 45);
        n->nodes = query_text(&q, 46);
        n->nodes_version = query_int(&q, 47);
        n->is_enabled = query_int(&q, 39) != 0;
        if (!tls_mode_parse(query_text(&q, 33), &n->tls))
            q.error = err_make(ERR_CORRUPT, "a cache cluster has an unknown mode of encryption");
        n->certificate = (struct node_certificate){.node_id = n->node_id,
                                                   .names = "",
                                                   .certificate = query_text(&q, 34),
                                                   .private_key = query_text(&q, 35),
                                                   .revision = query_int(&q, 36)};
        n->shard_id = query_int(&q, 38);
        n->owner = (struct owner){query_int(&q, 40), ""};
        n->allotment = (struct allotment){query_int(&q, 41), query_int(&q, 42), query_int(&q, 43)};
    }
    TRY(query_end(&q));
    *out = nodes.items;
    *out_count = nodes.count;
    return OK;
}

/* Readers of what has an owner come to the port behind its own. */
struct err store_address_is_used(struct store_tx *tx, const char *address, int port, bool *out)
{
    static const char at_all[] =
        "SELECT EXISTS (SELECT 1 FROM node_goal WHERE address = ?1) OR "
        "EXISTS (SELECT 1 FROM node_goal WHERE second_address = ?1 AND second_address <> '')";
    static const char with_port[] =
        "WITH at AS (SELECT node_id, port FROM node_goal WHERE address = ?1 UNION ALL "
        "SELECT node_id, port FROM node_goal WHERE second_address = ?1 AND second_address <> '') "
        "SELECT EXISTS (SELECT 1 FROM at WHERE port = ?2) OR EXISTS (SELECT 1 FROM at "
        "JOIN cache_node n ON n.id = at.node_id JOIN cache_cluster c ON c.id = n.cluster_id "
        "WHERE at.port = ?2 - 1 AND c.owner_id IS NOT NULL)";
    struct query q;

    TRY(port == 0 ? query_start(&q, tx, at_all, "t", address)
                  : query_start(&q, tx, with_port, "ti", address, (int64_t)port));
    *out = query_next(&q) && query_int(&q, 0) != 0;
    return query_end(&q);
}

/* --- saw --- */

static bool is_same_process(const struct node_saw *a, const struct node_saw *b)
{
    return a->has && b->has && a->state == b->state && a->boot_count == b->boot_count &&
           a->pid == b->pid && a->crashes == b->crashes && a->crashed_ms == b->crashed_ms &&
           strcmp(a->host_id, b->host_id) == 0 && strcmp(a->last_exit, b->last_exit) == 0 &&
           strcmp(a->why, b->why) == 0;
}

/* An offset that grew says nothing new, but for the first time: else a busy cache would be written
 * down without end. */
/* What is news here is news to fleet/sights.c, too. */
static bool is_same_sight(const struct node_saw *a, const struct node_saw *b)
{
    return is_same_process(a, b) && a->is_reboot_pending == b->is_reboot_pending &&
           a->has_bad_seed == b->has_bad_seed && a->term == b->term &&
           a->is_link_up == b->is_link_up && a->lineage == b->lineage &&
           a->is_killed == b->is_killed && a->is_silent == b->is_silent &&
           a->is_unleased == b->is_unleased && (a->offset > 0) == (b->offset > 0) &&
           (!b->build || !*b->build || strcmp(a->build, b->build) == 0) &&
           strcmp(a->applied_settings, b->applied_settings) == 0 && strcmp(a->role, b->role) == 0 &&
           memory_is_about(a->used_bytes, b->used_bytes);
}

static bool is_same_life(const struct node_saw *before, const struct node_saw *now)
{
    return before->has && strcmp(before->host_id, now->host_id) == 0 &&
           before->crashes == now->crashes && before->boot_count == now->boot_count;
}

/* A link that was up once has brought what there was; a process that began anew forgot it. */
static int64_t followed_term(const struct node_saw *before, const struct node_saw *now)
{
    if (now->is_link_up)
        return now->term;
    return is_same_life(before, now) ? before->followed_term : 0;
}

/* By our clock, as all that is waited for. */
static int64_t unlinked_ms(const struct node_saw *before, const struct node_saw *now)
{
    if (now->is_link_up || !is_same_life(before, now))
        return 0;
    return before->is_link_up ? now->seen_ms : before->unlinked_ms;
}

/* The node's cluster, where it is to be, and what was seen of it before; ERR_NOT_FOUND when there
 * is no such node. */
static struct err sight_before(struct store_tx *tx, int64_t node_id, int64_t *out_cluster,
                               const char **out_host, struct node_saw *out)
{
    static const char sql[] =
        "SELECT n.cluster_id, g.host_id, s.host_id, s.state, s.boot_count, s.pid, s.crashes, s.crashed_ms, "
        "s.last_exit, s.why, s.applied_settings, s.is_reboot_pending, s.role, s.term, "
        "s.replication_offset, s.is_link_up, s.build, s.used_bytes, s.has_bad_seed, s.followed_term, "
        "coalesce(s.lineage, 0), coalesce(s.is_killed, 0), coalesce(s.is_silent, 0), "
        "coalesce(s.is_unleased, 0), coalesce(s.unlinked_ms, 0) FROM cache_node n "
        "LEFT JOIN node_saw s ON s.node_id = n.id "
        "LEFT JOIN node_goal g ON g.node_id = n.id WHERE n.id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", node_id));
    bool is_found = query_next(&q);
    if (is_found) {
        *out_cluster = query_int(&q, 0);
        *out_host = query_text(&q, 1); /* "" without a goal */
        row_to_saw(&q, 2, out);
        out->lineage = query_int(&q, 20);
        row_to_troubles(&q, 21, out);
        out->unlinked_ms = query_int(&q, 24);
    }
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such node");
}

static struct err has_operation(struct store_tx *tx, int64_t cluster_id, bool *out)
{
    static const char sql[] = "SELECT EXISTS (SELECT 1 FROM group_operation o JOIN cache_cluster c "
                              "ON c.group_id = o.group_id WHERE c.id = ? AND o.state = 'running')";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", cluster_id));
    *out = query_next(&q) && query_int(&q, 0) != 0;
    return query_end(&q);
}

/* That a node has taken on a topology is waited for by operations alone; and all nodes of a group
 * say so one after the other. */
static struct err touch_seen(struct store_tx *tx, int64_t cluster_id, const struct node_saw *before,
                             const struct node_saw *now)
{
    struct node_saw same = *before;
    bool is_waited_for = true;

    same.applied_settings = now->applied_settings;
    if (!now->is_news && is_same_sight(&same, now) &&
        settings_differ_in_epoch(before->applied_settings, now->applied_settings))
        TRY(has_operation(tx, cluster_id, &is_waited_for));
    if (is_waited_for)
        store_touch_cluster(tx, cluster_id);
    else
        store_touch_cluster_later(tx, cluster_id);
    return OK;
}

struct err store_saw_set(struct store_tx *tx, int64_t node_id, const struct node_saw *saw,
                         bool *out_changed)
{
    static const char sql[] =
        "INSERT INTO node_saw (node_id, host_id, state, boot_count, pid, crashes, crashed_ms, "
        "last_exit, why, applied_settings, is_reboot_pending, role, term, replication_offset, "
        "is_link_up, build, used_bytes, build_ms, has_bad_seed, followed_term, lineage, is_killed, "
        "is_silent, is_unleased, unlinked_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (node_id) DO UPDATE SET host_id = excluded.host_id, state = excluded.state, "
        "boot_count = excluded.boot_count, pid = excluded.pid, crashes = excluded.crashes, "
        "crashed_ms = excluded.crashed_ms, last_exit = excluded.last_exit, why = excluded.why, "
        "applied_settings = excluded.applied_settings, "
        "is_reboot_pending = excluded.is_reboot_pending, role = excluded.role, "
        "term = excluded.term, replication_offset = excluded.replication_offset, "
        "is_link_up = excluded.is_link_up, used_bytes = excluded.used_bytes, "
        "has_bad_seed = excluded.has_bad_seed, followed_term = excluded.followed_term, "
        "lineage = excluded.lineage, is_killed = excluded.is_killed, "
        "is_silent = excluded.is_silent, is_unleased = excluded.is_unleased, "
        "unlinked_ms = excluded.unlinked_ms, "
        /* a node that is down keeps its build */
        "build_ms = iif(excluded.build IN ('', build), build_ms, excluded.build_ms), "
        "build = iif(excluded.build = '', build, excluded.build)";
    struct node_saw before, now = *saw;
    const char *host_id;
    int64_t cluster_id;

    *out_changed = false;
    struct err e = sight_before(tx, node_id, &cluster_id, &host_id, &before);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    if (*host_id && strcmp(host_id, saw->host_id) != 0)
        return OK; /* it got another place meanwhile: this one is what was left behind */
    if (now.used_bytes < 0)
        now.used_bytes = before.has ? before.used_bytes : -1;
    if (before.has && before.crashes == now.crashes)
        now.crashed_ms = before.crashed_ms;
    else
        now.crashed_ms = saw->seen_ms; /* our clock: the host's may be set to anything */
    now.followed_term = followed_term(&before, &now);
    now.unlinked_ms = unlinked_ms(&before, &now);
    if (is_same_sight(&before, &now) && !saw->is_news)
        return OK;
    TRY(query_run(tx, sql, "ittiiiitttbtiibtiibiibbbi", node_id, saw->host_id,
                  node_state_name(saw->state), saw->boot_count, (int64_t)saw->pid, saw->crashes,
                  now.crashed_ms, saw->last_exit, saw->why, saw->applied_settings,
                  saw->is_reboot_pending, saw->role, saw->term, saw->offset, saw->is_link_up,
                  saw->build ? saw->build : "", now.used_bytes, saw->seen_ms, saw->has_bad_seed,
                  now.followed_term, saw->lineage, saw->is_killed, saw->is_silent, saw->is_unleased,
                  now.unlinked_ms));
    *out_changed = true;
    return touch_seen(tx, cluster_id, &before, &now);
}

struct err store_saw_offset(struct store_tx *tx, int64_t node_id, int64_t offset)
{
    static const char sql[] = "UPDATE node_saw SET replication_offset = ? WHERE node_id = ?";
    return query_run(tx, sql, "ii", offset, node_id);
}

struct err store_saw_of_host(struct store_tx *tx, const char *host_id, int64_t **out,
                             size_t *out_count)
{
    static const char sql[] = "SELECT node_id FROM node_saw WHERE host_id = ? ORDER BY node_id";
    vec_of(int64_t) ids = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", host_id));
    while (query_next(&q))
        *vec_add(tx->arena, &ids) = query_int(&q, 0);
    TRY(query_end(&q));
    *out = ids.items;
    *out_count = ids.count;
    return OK;
}

struct err store_saw_remove(struct store_tx *tx, int64_t node_id)
{
    static const char sql[] = "DELETE FROM node_saw WHERE node_id = ?";
    const char *host_id;
    struct node_saw before;
    int64_t cluster_id;

    struct err e = sight_before(tx, node_id, &cluster_id, &host_id, &before);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    store_touch_cluster(tx, cluster_id);
    return query_run(tx, sql, "i", node_id);
}
