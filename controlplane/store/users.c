/* Table cache_user, and the sequence of revisions. */
#include "controlplane/store/users.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/user_rows.h"

struct err store_revision_next(struct store_tx *tx, int64_t *out)
{
    static const char sql[] =
        "UPDATE access_sequence SET revision = revision + 1 RETURNING revision";
    struct query q;

    store_touch_access(tx);
    TRY(query_start(&q, tx, sql, ""));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

void row_to_user(struct query *q, int at, struct user *out)
{
    *out = (struct user){
        .id = query_int(q, at),
        .account = query_text(q, at + 1),
        .region = query_text(q, at + 2),
        .name = query_text(q, at + 3),
        .login = query_text(q, at + 4),
        .engine = query_text(q, at + 5),
        .access = query_text(q, at + 6),
        .digests = query_text(q, at + 8),
        .revision = query_int(q, at + 9),
        .settled_revision = query_int(q, at + 10),
        .is_wanted = query_int(q, at + 11) != 0,
        .created_ms = query_int(q, at + 12),
    };
    if (!authentication_parse(query_text(q, at + 7), &out->authentication))
        q->error = err_make(ERR_CORRUPT, "a user has an unknown kind of authentication");
}

struct err store_user_insert(struct store_tx *tx, struct user *u)
{
    static const char sql[] =
        "INSERT INTO cache_user (account, region, name, login, engine, access, authentication, "
        "digests, revision, settled_revision, is_wanted, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttttttttiibi", u->account, u->region, u->name, u->login,
                    u->engine, u->access, authentication_name(u->authentication), u->digests,
                    u->revision, u->settled_revision, u->is_wanted, u->created_ms));
    if (query_next(&q))
        u->id = query_int(&q, 0);
    return query_end(&q);
}

struct err store_user_find(struct store_tx *tx, const char *account, const char *region,
                           const char *name, struct user *out)
{
    static const char sql[] =
        "SELECT " USER_COLUMNS("u") " FROM (" USERS_OF("?1", "?2") ") u WHERE u.name = ?3";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    bool is_found = query_next(&q);
    if (is_found)
        row_to_user(&q, 0, out);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such user");
}

static struct err all_users(struct query *q, struct user_list *out)
{
    vec_of(struct user) users = VEC_EMPTY;

    while (query_next(q))
        row_to_user(q, 0, vec_add(q->tx->arena, &users));
    TRY(query_end(q));
    *out = (struct user_list){users.items, users.count};
    return OK;
}

struct err store_user_list(struct store_tx *tx, const char *account, const char *region,
                           const char *after, int limit, struct user_list *out)
{
    /* clang-format off */
    static const char sql[] =
        "SELECT " USER_COLUMNS("u") " FROM (" USERS_OF("?1", "?2") ") u "
        "WHERE u.name > ?3 ORDER BY u.name LIMIT ?4";
    /* clang-format on */
    struct query q;

    TRY(query_start(&q, tx, sql, "ttti", account, region, after, (int64_t)limit));
    return all_users(&q, out);
}

struct err store_user_count(struct store_tx *tx, const char *account, const char *region,
                            int64_t *out)
{
    static const char sql[] = "SELECT count(*) FROM cache_user WHERE account = ? AND region = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

struct err store_user_update(struct store_tx *tx, const struct user *u)
{
    static const char sql[] =
        "UPDATE cache_user SET engine = ?, access = ?, authentication = ?, digests = ?, "
        "revision = ?, is_wanted = ? WHERE id = ?";

    TRY(query_run(tx, sql, "ttttibi", u->engine, u->access, authentication_name(u->authentication),
                  u->digests, u->revision, u->is_wanted, u->id));
    return query_changes(tx) ? OK : err_make(ERR_NOT_FOUND, "no such user");
}

struct err store_user_remove(struct store_tx *tx, int64_t id, const char *arn)
{
    static const char tags[] = "DELETE FROM tag WHERE arn = ?";
    static const char user[] = "DELETE FROM cache_user WHERE id = ?";

    TRY(query_run(tx, tags, "t", arn));
    return query_run(tx, user, "i", id);
}

/* --- what is in force --- */

struct err store_user_settleable(struct store_tx *tx, struct user_list *out)
{
    static const char sql[] = "SELECT " USER_COLUMNS(
        "u") " FROM cache_user u WHERE u.settled_revision < u.revision "
             "AND NOT EXISTS (SELECT 1 FROM user_group_member m JOIN user_group g ON g.id = m.group_id "
             "WHERE m.user_id = u.id AND g.settled_revision < g.revision) ORDER BY u.id";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    return all_users(&q, out);
}

struct err store_user_settle(struct store_tx *tx, const struct user *u)
{
    static const char sql[] = "UPDATE cache_user SET settled_revision = ? WHERE id = ?";
    return query_run(tx, sql, "ii", u->revision, u->id);
}
