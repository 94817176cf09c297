/* Table tag. */
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/store.h"

struct err store_tag_put(struct store_tx *tx, const char *account, const char *region,
                         const char *arn, const char *key, const char *value)
{
    static const char sql[] =
        "INSERT INTO tag (account, region, arn, key, value) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (arn, key) DO UPDATE SET value = excluded.value";
    return query_run(tx, sql, "ttttt", account, region, arn, key, value);
}

struct err store_tag_remove(struct store_tx *tx, const char *arn, const char *key)
{
    static const char sql[] = "DELETE FROM tag WHERE arn = ? AND key = ?";
    TRY(query_run(tx, sql, "tt", arn, key));
    return query_changes(tx) ? OK : err_make(ERR_NOT_FOUND, "no such tag");
}

struct err store_tag_get(struct store_tx *tx, const char *arn, const char *key, const char **out)
{
    static const char sql[] = "SELECT value FROM tag WHERE arn = ? AND key = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", arn, key));
    *out = query_next(&q) ? query_text(&q, 0) : NULL;
    return query_end(&q);
}

struct err store_tag_list(struct store_tx *tx, const char *arn, struct tag **out, size_t *out_count)
{
    static const char sql[] = "SELECT key, value FROM tag WHERE arn = ? ORDER BY key";
    vec_of(struct tag) tags = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", arn));
    while (query_next(&q))
        *vec_add(tx->arena, &tags) = (struct tag){query_text(&q, 0), query_text(&q, 1)};
    TRY(query_end(&q));
    *out = tags.items;
    *out_count = tags.count;
    return OK;
}

struct err store_tag_range(struct store_tx *tx, const char *account, const char *region,
                           const char *first, const char *last, struct arn_tag **out,
                           size_t *out_count)
{
    static const char sql[] =
        "SELECT arn, key, value FROM tag WHERE arn >= ?1 AND arn < ?2 AND account = ?3 "
        "AND region = ?4 ORDER BY arn, key";
    vec_of(struct arn_tag) tags = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "tttt", first, last, account, region));
    while (query_next(&q))
        *vec_add(tx->arena, &tags) = (struct arn_tag){
            query_text(&q, 0), {query_text(&q, 1), query_text(&q, 2)}
        };
    TRY(query_end(&q));
    *out = tags.items;
    *out_count = tags.count;
    return OK;
}

struct err store_tag_clear(struct store_tx *tx, const char *arn)
{
    static const char sql[] = "DELETE FROM tag WHERE arn = ?";
    return query_run(tx, sql, "t", arn);
}
