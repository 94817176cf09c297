/* Table security_rule. */
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/network.h"

struct err store_security_rule_list(struct store_tx *tx, const char *account, const char *region,
                                    const char *group_id, struct security_rules *out)
{
    static const char sql[] =
        "SELECT id, group_id, is_egress, protocol, from_port, to_port, cidr, ipv6_cidr, "
        "prefix_list, peer_group, peer_account, description FROM security_rule "
        "WHERE account = ?1 AND region = ?2 AND (?3 = '' OR group_id = ?3) ORDER BY group_id, id";
    vec_of(struct security_rule) rules = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, group_id));
    while (query_next(&q))
        *vec_add(tx->arena, &rules) = (struct security_rule){
            .id = query_text(&q, 0),
            .group_id = query_text(&q, 1),
            .is_egress = query_int(&q, 2) != 0,
            .protocol = query_text(&q, 3),
            .from_port = (int)query_int(&q, 4),
            .to_port = (int)query_int(&q, 5),
            .cidr = query_text(&q, 6),
            .ipv6_cidr = query_text(&q, 7),
            .prefix_list = query_text(&q, 8),
            .peer_group = query_text(&q, 9),
            .peer_account = query_text(&q, 10),
            .description = query_text(&q, 11),
        };
    TRY(query_end(&q));
    *out = (struct security_rules){rules.items, rules.count};
    return OK;
}

struct err store_security_rule_insert(struct store_tx *tx, const char *account, const char *region,
                                      const struct security_rule *r)
{
    static const char sql[] =
        "INSERT INTO security_rule (account, region, id, group_id, is_egress, protocol, from_port, "
        "to_port, cidr, ipv6_cidr, prefix_list, peer_group, peer_account, description) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    return query_run(tx, sql, "ttttbtiitttttt", account, region, r->id, r->group_id, r->is_egress,
                     r->protocol, (int64_t)r->from_port, (int64_t)r->to_port, r->cidr, r->ipv6_cidr,
                     r->prefix_list, r->peer_group, r->peer_account, r->description);
}

struct err store_security_rule_update(struct store_tx *tx, const char *account, const char *region,
                                      const struct security_rule *r)
{
    static const char sql[] =
        "UPDATE security_rule SET protocol = ?, from_port = ?, to_port = ?, cidr = ?, "
        "ipv6_cidr = ?, prefix_list = ?, peer_group = ?, peer_account = ?, description = ? "
        "WHERE account = ? AND region = ? AND id = ?";

    TRY(query_run(tx, sql, "tiittttttttt", r->protocol, (int64_t)r->from_port, (int64_t)r->to_port,
                  r->cidr, r->ipv6_cidr, r->prefix_list, r->peer_group, r->peer_account,
                  r->description, account, region, r->id));
    return query_changes(tx) ? OK : err_make(ERR_NOT_FOUND, "no such rule");
}

struct err store_security_rule_remove(struct store_tx *tx, const char *account, const char *region,
                                      const char *id)
{
    static const char sql[] =
        "DELETE FROM security_rule WHERE account = ? AND region = ? AND id = ?";

    TRY(query_run(tx, sql, "ttt", account, region, id));
    return query_changes(tx) ? OK : err_make(ERR_NOT_FOUND, "no such rule");
}
