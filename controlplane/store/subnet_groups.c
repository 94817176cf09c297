/* Tables subnet_group and subnet_group_subnet, and the nodes that stand in subnets. */
#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/network.h"

#define COLUMNS "id, account, region, name, description, vpc_id, created_ms"

static void row_to_subnet_group(const struct query *q, struct subnet_group *out)
{
    *out = (struct subnet_group){
        .id = query_int(q, 0),
        .account = query_text(q, 1),
        .region = query_text(q, 2),
        .name = query_text(q, 3),
        .description = query_text(q, 4),
        .vpc_id = query_text(q, 5),
        .created_ms = query_int(q, 6),
    };
}

static struct subnet_group *group_by_id(struct subnet_group *groups, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (groups[i].id == id)
            return &groups[i];
    return NULL;
}

/* The subnets of all the groups, by one query. */
static struct err fill_subnets(struct store_tx *tx, struct subnet_group *groups, size_t count)
{
    static const char sql[] = "SELECT group_id, subnet_id FROM subnet_group_subnet "
                              "WHERE group_id IN (SELECT value FROM json_each(?)) "
                              "ORDER BY group_id, position";
    int64_t *ids = arena_array(tx->arena, count, sizeof(*ids));
    struct query q;

    for (size_t i = 0; i < count; i++) {
        ids[i] = groups[i].id;
        groups[i].subnets = arena_array(tx->arena, SUBNET_GROUP_SUBNETS_MAX, sizeof(const char *));
    }
    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, ids, count)));
    while (query_next(&q)) {
        struct subnet_group *g = group_by_id(groups, count, query_int(&q, 0));
        if (g && g->subnet_count < SUBNET_GROUP_SUBNETS_MAX)
            g->subnets[g->subnet_count++] = query_text(&q, 1);
    }
    return query_end(&q);
}

static struct err write_subnets(struct store_tx *tx, const struct subnet_group *g)
{
    static const char clear[] = "DELETE FROM subnet_group_subnet WHERE group_id = ?";
    static const char add[] =
        "INSERT INTO subnet_group_subnet (group_id, position, subnet_id) VALUES (?, ?, ?)";

    TRY(query_run(tx, clear, "i", g->id));
    for (size_t i = 0; i < g->subnet_count; i++)
        TRY(query_run(tx, add, "iit", g->id, (int64_t)i, g->subnets[i]));
    return OK;
}

struct err store_subnet_group_insert(struct store_tx *tx, struct subnet_group *g)
{
    static const char sql[] =
        "INSERT INTO subnet_group (account, region, name, description, vpc_id, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttttti", g->account, g->region, g->name, g->description,
                    g->vpc_id, g->created_ms));
    if (query_next(&q))
        g->id = query_int(&q, 0);
    TRY(query_end(&q));
    return write_subnets(tx, g);
}

struct err store_subnet_group_update(struct store_tx *tx, const struct subnet_group *g)
{
    static const char sql[] = "UPDATE subnet_group SET description = ? WHERE id = ?";

    TRY(query_run(tx, sql, "ti", g->description, g->id));
    if (!query_changes(tx))
        return err_make(ERR_NOT_FOUND, "no such subnet group");
    return write_subnets(tx, g);
}

struct err store_subnet_group_find(struct store_tx *tx, const char *account, const char *region,
                                   const char *name, struct subnet_group *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM subnet_group WHERE account = ? AND region = ? AND name = ?";
    struct subnet_group g;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    bool is_found = query_next(&q);
    if (is_found)
        row_to_subnet_group(&q, &g);
    TRY(query_end(&q));
    if (!is_found)
        return err_make(ERR_NOT_FOUND, "no such subnet group");
    TRY(fill_subnets(tx, &g, 1));
    *out = g;
    return OK;
}

struct err store_subnet_group_list(struct store_tx *tx, const char *account, const char *region,
                                   const char *after, int limit, struct subnet_group **out,
                                   size_t *out_count)
{
    static const char sql[] = "SELECT " COLUMNS " FROM subnet_group WHERE account = ? "
                              "AND region = ? AND name > ? ORDER BY name LIMIT ?";
    vec_of(struct subnet_group) groups = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttti", account, region, after, (int64_t)limit));
    while (query_next(&q))
        row_to_subnet_group(&q, vec_add(tx->arena, &groups));
    TRY(query_end(&q));
    if (groups.count > 0)
        TRY(fill_subnets(tx, groups.items, groups.count));
    *out = groups.items;
    *out_count = groups.count;
    return OK;
}

struct err store_subnet_group_count(struct store_tx *tx, const char *account, const char *region,
                                    int64_t *out)
{
    static const char sql[] = "SELECT count(*) FROM subnet_group WHERE account = ? AND region = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

struct err store_subnet_group_remove(struct store_tx *tx, int64_t id, const char *arn)
{
    static const char tags[] = "DELETE FROM tag WHERE arn = ?";
    static const char group[] = "DELETE FROM subnet_group WHERE id = ?";

    TRY(query_run(tx, tags, "t", arn));
    return query_run(tx, group, "i", id);
}

static struct err one_bool(struct query *q, bool *out)
{
    if (query_next(q))
        *out = query_int(q, 0) != 0;
    return query_end(q);
}

struct err store_subnet_group_is_used(struct store_tx *tx, const char *account, const char *region,
                                      const char *name, bool *out)
{
    static const char sql[] =
        "SELECT EXISTS (SELECT 1 FROM cache_cluster WHERE account = ?1 AND region = ?2 "
        "AND subnet_group = ?3) OR EXISTS (SELECT 1 FROM replication_group WHERE account = ?1 "
        "AND region = ?2 AND subnet_group = ?3)";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    return one_bool(&q, out);
}

struct err store_security_group_is_used(struct store_tx *tx, const char *account,
                                        const char *region, const char *id, bool *out)
{
    static const char sql[] =
        "SELECT EXISTS (SELECT 1 FROM cache_cluster WHERE account = ?1 AND region = ?2 "
        "AND instr(',' || security_groups || ',', ',' || ?3 || ',') > 0) "
        "OR EXISTS (SELECT 1 FROM replication_group WHERE account = ?1 AND region = ?2 "
        "AND instr(',' || security_groups || ',', ',' || ?3 || ',') > 0)";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, id));
    return one_bool(&q, out);
}

struct err store_subnet_is_grouped(struct store_tx *tx, const char *account, const char *region,
                                   const char *subnet, bool *out)
{
    static const char sql[] =
        "SELECT EXISTS (SELECT 1 FROM subnet_group g JOIN subnet_group_subnet s "
        "ON s.group_id = g.id WHERE g.account = ?1 AND g.region = ?2 AND s.subnet_id = ?3) "
        "OR EXISTS (SELECT 1 FROM serverless_cache WHERE account = ?1 AND region = ?2 "
        "AND instr(',' || subnets || ',', ',' || ?3 || ',') > 0)";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, subnet));
    return one_bool(&q, out);
}

struct err store_network_node_list(struct store_tx *tx, const char *account, const char *region,
                                   const char *subnet_group, struct network_node **out,
                                   size_t *out_count)
{
    static const char sql[] =
        "SELECT n.id, c.name, n.number, c.subnet_group, c.security_groups, h.zone, g.address, "
        "n.created_ms, g.second_address FROM cache_cluster c JOIN cache_node n ON n.cluster_id = c.id "
        "JOIN node_goal g ON g.node_id = n.id JOIN host h ON h.id = g.host_id "
        "WHERE c.account = ?1 AND c.region = ?2 AND (?3 = '' OR c.subnet_group = ?3) "
        "AND c.owner_id IS NULL ORDER BY n.id";
    vec_of(struct network_node) nodes = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, subnet_group));
    while (query_next(&q))
        *vec_add(tx->arena, &nodes) = (struct network_node){
            .node_id = query_int(&q, 0),
            .cluster = query_text(&q, 1),
            .number = query_text(&q, 2),
            .subnet_group = query_text(&q, 3),
            .security_groups = query_text(&q, 4),
            .zone = query_text(&q, 5),
            .address = query_text(&q, 6),
            .created_ms = query_int(&q, 7),
            .second_address = query_text(&q, 8),
        };
    TRY(query_end(&q));
    *out = nodes.items;
    *out_count = nodes.count;
    return OK;
}
