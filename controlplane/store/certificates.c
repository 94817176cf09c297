/* Tables authority and node_certificate. */
#include "controlplane/store/certificates.h"

#include "base/vec.h"
#include "controlplane/store/db.h"

struct err store_authority_get(struct store_tx *tx, struct authority *out)
{
    static const char sql[] = "SELECT certificate, private_key, not_after_ms FROM authority";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    bool is_found = query_next(&q);
    if (is_found)
        *out = (struct authority){query_text(&q, 0), query_text(&q, 1), query_int(&q, 2)};
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "there is no authority yet");
}

struct err store_authority_put(struct store_tx *tx, const struct authority *authority)
{
    static const char sql[] = "INSERT OR REPLACE INTO authority (id, certificate, private_key, "
                              "not_after_ms) VALUES (1, ?, ?, ?)";
    return query_run(tx, sql, "tti", authority->certificate, authority->private_key,
                     authority->not_after_ms);
}

struct err store_certificate_put(struct store_tx *tx, int64_t node_id,
                                 const struct node_certificate *c)
{
    static const char sql[] =
        "INSERT INTO node_certificate (node_id, names, certificate, private_key, not_after_ms, "
        "revision) VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT (node_id) DO UPDATE SET "
        "names = excluded.names, certificate = excluded.certificate, "
        "private_key = excluded.private_key, not_after_ms = excluded.not_after_ms, "
        "revision = revision + 1";

    TRY(query_run(tx, sql,
                  "itt"
                  "ti",
                  node_id, c->names, c->certificate, c->private_key, c->not_after_ms));
    return host_raise_of_node(tx, node_id);
}

struct err store_certificate_list(struct store_tx *tx, int64_t cluster_id,
                                  struct node_certificate **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT t.node_id, t.names, t.not_after_ms, t.revision FROM node_certificate t "
        "JOIN cache_node n ON n.id = t.node_id WHERE n.cluster_id = ? ORDER BY t.node_id";
    vec_of(struct node_certificate) list = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "i", cluster_id));
    while (query_next(&q))
        *vec_add(tx->arena, &list) = (struct node_certificate){
            .node_id = query_int(&q, 0),
            .names = query_text(&q, 1),
            .certificate = "",
            .private_key = "",
            .not_after_ms = query_int(&q, 2),
            .revision = query_int(&q, 3),
        };
    TRY(query_end(&q));
    *out = list.items;
    *out_count = list.count;
    return OK;
}
