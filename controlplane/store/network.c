/* Tables vpc, subnet, security_group, and the zones that accounts have a default subnet in. */
#include "controlplane/store/network.h"

#include "base/vec.h"
#include "controlplane/store/db.h"

static enum network_origin origin_of(struct query *q, int column)
{
    enum network_origin origin = NETWORK_DEFAULT;

    if (!network_origin_parse(query_text(q, column), &origin))
        q->error = err_make(ERR_CORRUPT, "a row of the network has an unknown origin");
    return origin;
}

/* For statements that must have changed a row. */
static struct err must_change(struct store_tx *tx, struct err e)
{
    TRY(e);
    return query_changes(tx) ? OK : err_make(ERR_NOT_FOUND, "no such row of the network");
}

/* --- VPCs --- */

static struct err load_vpcs(struct store_tx *tx, const char *account, const char *region,
                            struct network *out)
{
    static const char sql[] =
        "SELECT id, cidr, ipv6_cidr, tenancy, is_default, has_dns_support, has_dns_hostnames, "
        "has_address_metrics, origin FROM vpc WHERE account = ? AND region = ? ORDER BY id";
    vec_of(struct vpc) vpcs = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    while (query_next(&q))
        *vec_add(tx->arena, &vpcs) = (struct vpc){
            .id = query_text(&q, 0),
            .cidr = query_text(&q, 1),
            .ipv6_cidr = query_text(&q, 2),
            .tenancy = query_text(&q, 3),
            .is_default = query_int(&q, 4) != 0,
            .has_dns_support = query_int(&q, 5) != 0,
            .has_dns_hostnames = query_int(&q, 6) != 0,
            .has_address_metrics = query_int(&q, 7) != 0,
            .origin = origin_of(&q, 8),
        };
    out->vpcs = vpcs.items;
    out->vpc_count = vpcs.count;
    return query_end(&q);
}

struct err store_vpc_insert(struct store_tx *tx, const char *account, const char *region,
                            const struct vpc *v)
{
    static const char sql[] =
        "INSERT INTO vpc (account, region, id, cidr, ipv6_cidr, tenancy, is_default, "
        "has_dns_support, has_dns_hostnames, has_address_metrics, origin) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    return query_run(tx, sql, "ttttttbbbbt", account, region, v->id, v->cidr, v->ipv6_cidr,
                     v->tenancy, v->is_default, v->has_dns_support, v->has_dns_hostnames,
                     v->has_address_metrics, network_origin_name(v->origin));
}

struct err store_vpc_update(struct store_tx *tx, const char *account, const char *region,
                            const struct vpc *v)
{
    static const char sql[] =
        "UPDATE vpc SET cidr = ?, ipv6_cidr = ?, tenancy = ?, is_default = ?, has_dns_support = ?, "
        "has_dns_hostnames = ?, has_address_metrics = ?, origin = ? "
        "WHERE account = ? AND region = ? AND id = ?";
    return must_change(tx, query_run(tx, sql, "tttbbbbtttt", v->cidr, v->ipv6_cidr, v->tenancy,
                                     v->is_default, v->has_dns_support, v->has_dns_hostnames,
                                     v->has_address_metrics, network_origin_name(v->origin),
                                     account, region, v->id));
}

struct err store_vpc_remove(struct store_tx *tx, const char *account, const char *region,
                            const char *id)
{
    static const char sql[] = "DELETE FROM vpc WHERE account = ? AND region = ? AND id = ?";
    return must_change(tx, query_run(tx, sql, "ttt", account, region, id));
}

/* --- subnets --- */

static struct err load_subnets(struct store_tx *tx, const char *account, const char *region,
                               struct network *out)
{
    static const char sql[] =
        "SELECT id, vpc_id, zone, cidr, ipv6_cidr, is_default, maps_public_ip, assigns_ipv6, "
        "has_dns64, has_a_record, has_aaaa_record, hostname_type, origin FROM subnet "
        "WHERE account = ? AND region = ? ORDER BY id";
    vec_of(struct subnet) subnets = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    while (query_next(&q))
        *vec_add(tx->arena, &subnets) = (struct subnet){
            .id = query_text(&q, 0),
            .vpc_id = query_text(&q, 1),
            .zone = query_text(&q, 2),
            .cidr = query_text(&q, 3),
            .ipv6_cidr = query_text(&q, 4),
            .is_default = query_int(&q, 5) != 0,
            .maps_public_ip = query_int(&q, 6) != 0,
            .assigns_ipv6 = query_int(&q, 7) != 0,
            .has_dns64 = query_int(&q, 8) != 0,
            .has_a_record = query_int(&q, 9) != 0,
            .has_aaaa_record = query_int(&q, 10) != 0,
            .hostname_type = query_text(&q, 11),
            .origin = origin_of(&q, 12),
        };
    out->subnets = subnets.items;
    out->subnet_count = subnets.count;
    return query_end(&q);
}

struct err store_subnet_insert(struct store_tx *tx, const char *account, const char *region,
                               const struct subnet *s)
{
    static const char sql[] =
        "INSERT INTO subnet (account, region, id, vpc_id, zone, cidr, ipv6_cidr, is_default, "
        "maps_public_ip, assigns_ipv6, has_dns64, has_a_record, has_aaaa_record, hostname_type, "
        "origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    return query_run(tx, sql, "tttttttbbbbbbtt", account, region, s->id, s->vpc_id, s->zone,
                     s->cidr, s->ipv6_cidr, s->is_default, s->maps_public_ip, s->assigns_ipv6,
                     s->has_dns64, s->has_a_record, s->has_aaaa_record, s->hostname_type,
                     network_origin_name(s->origin));
}

struct err store_subnet_update(struct store_tx *tx, const char *account, const char *region,
                               const struct subnet *s)
{
    static const char sql[] =
        "UPDATE subnet SET vpc_id = ?, zone = ?, cidr = ?, ipv6_cidr = ?, is_default = ?, "
        "maps_public_ip = ?, assigns_ipv6 = ?, has_dns64 = ?, has_a_record = ?, "
        "has_aaaa_record = ?, hostname_type = ?, origin = ? "
        "WHERE account = ? AND region = ? AND id = ?";
    return must_change(tx, query_run(tx, sql, "ttttbbbbbbttttt", s->vpc_id, s->zone, s->cidr,
                                     s->ipv6_cidr, s->is_default, s->maps_public_ip,
                                     s->assigns_ipv6, s->has_dns64, s->has_a_record,
                                     s->has_aaaa_record, s->hostname_type,
                                     network_origin_name(s->origin), account, region, s->id));
}

struct err store_subnet_remove(struct store_tx *tx, const char *account, const char *region,
                               const char *id)
{
    static const char sql[] = "DELETE FROM subnet WHERE account = ? AND region = ? AND id = ?";
    return must_change(tx, query_run(tx, sql, "ttt", account, region, id));
}

/* --- security groups --- */

static struct err load_groups(struct store_tx *tx, const char *account, const char *region,
                              struct network *out)
{
    static const char sql[] = "SELECT id, vpc_id, name, description, origin FROM security_group "
                              "WHERE account = ? AND region = ? ORDER BY id";
    vec_of(struct security_group) groups = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    while (query_next(&q))
        *vec_add(tx->arena, &groups) = (struct security_group){
            .id = query_text(&q, 0),
            .vpc_id = query_text(&q, 1),
            .name = query_text(&q, 2),
            .description = query_text(&q, 3),
            .origin = origin_of(&q, 4),
        };
    out->groups = groups.items;
    out->group_count = groups.count;
    return query_end(&q);
}

struct err store_security_group_insert(struct store_tx *tx, const char *account, const char *region,
                                       const struct security_group *g)
{
    static const char sql[] = "INSERT INTO security_group (account, region, id, vpc_id, name, "
                              "description, origin) VALUES (?, ?, ?, ?, ?, ?, ?)";
    return query_run(tx, sql, "ttttttt", account, region, g->id, g->vpc_id, g->name, g->description,
                     network_origin_name(g->origin));
}

struct err store_security_group_update(struct store_tx *tx, const char *account, const char *region,
                                       const struct security_group *g)
{
    static const char sql[] =
        "UPDATE security_group SET vpc_id = ?, name = ?, description = ?, origin = ? "
        "WHERE account = ? AND region = ? AND id = ?";
    return must_change(tx, query_run(tx, sql, "ttttttt", g->vpc_id, g->name, g->description,
                                     network_origin_name(g->origin), account, region, g->id));
}

struct err store_security_group_remove(struct store_tx *tx, const char *account, const char *region,
                                       const char *id)
{
    static const char sql[] =
        "DELETE FROM security_group WHERE account = ? AND region = ? AND id = ?";
    return must_change(tx, query_run(tx, sql, "ttt", account, region, id));
}

struct err store_network_load(struct store_tx *tx, const char *account, const char *region,
                              struct network *out)
{
    struct network n = {0};

    TRY(load_vpcs(tx, account, region, &n));
    TRY(load_subnets(tx, account, region, &n));
    TRY(load_groups(tx, account, region, &n));
    *out = n;
    return OK;
}

struct err store_network_undeclare(struct store_tx *tx)
{
    static const char vpcs[] = "UPDATE vpc SET origin = 'made' WHERE origin = 'declared'";
    static const char subnets[] = "UPDATE subnet SET origin = 'made' WHERE origin = 'declared'";
    static const char groups[] =
        "UPDATE security_group SET origin = 'made' WHERE origin = 'declared'";

    TRY(query_run(tx, vpcs, ""));
    TRY(query_run(tx, subnets, ""));
    return query_run(tx, groups, "");
}

/* --- zones --- */

static struct err all_texts(struct query *q, const char ***out, size_t *out_count)
{
    vec_of(const char *) texts = VEC_EMPTY;

    while (query_next(q))
        *vec_add(q->tx->arena, &texts) = query_text(q, 0);
    TRY(query_end(q));
    *out = texts.items;
    *out_count = texts.count;
    return OK;
}

struct err store_zone_list(struct store_tx *tx, const char *region, const char ***out,
                           size_t *out_count)
{
    static const char sql[] = "SELECT DISTINCT zone FROM host WHERE region = ? ORDER BY zone";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", region));
    return all_texts(&q, out, out_count);
}

struct err store_zone_given(struct store_tx *tx, const char *account, const char *region,
                            const char ***out, size_t *out_count)
{
    static const char sql[] =
        "SELECT zone FROM network_zone WHERE account = ? AND region = ? ORDER BY zone";
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    return all_texts(&q, out, out_count);
}

struct err store_zone_give(struct store_tx *tx, const char *account, const char *region,
                           const char *zone)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO network_zone (account, region, zone) VALUES (?, ?, ?)";
    return query_run(tx, sql, "ttt", account, region, zone);
}
