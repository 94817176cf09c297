/* Tables user_group and user_group_member. */
#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/user_rows.h"
#include "controlplane/store/users.h"

#define COLUMNS                                                                              \
    "id, account, region, name, engine, revision, settled_revision, revised_ms, is_wanted, " \
    "created_ms"

static void row_to_group(const struct query *q, struct user_group *out)
{
    *out = (struct user_group){
        .id = query_int(q, 0),
        .account = query_text(q, 1),
        .region = query_text(q, 2),
        .name = query_text(q, 3),
        .engine = query_text(q, 4),
        .revision = query_int(q, 5),
        .settled_revision = query_int(q, 6),
        .revised_ms = query_int(q, 7),
        .is_wanted = query_int(q, 8) != 0,
        .created_ms = query_int(q, 9),
    };
}

static struct err all_groups(struct query *q, struct user_group **out, size_t *out_count)
{
    vec_of(struct user_group) groups = VEC_EMPTY;

    while (query_next(q))
        row_to_group(q, vec_add(q->tx->arena, &groups));
    TRY(query_end(q));
    *out = groups.items;
    *out_count = groups.count;
    return OK;
}

struct err store_user_group_insert(struct store_tx *tx, struct user_group *g)
{
    static const char sql[] =
        "INSERT INTO user_group (account, region, name, engine, revision, settled_revision, "
        "revised_ms, is_wanted, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttttiiibi", g->account, g->region, g->name, g->engine,
                    g->revision, g->settled_revision, g->revised_ms, g->is_wanted, g->created_ms));
    if (query_next(&q))
        g->id = query_int(&q, 0);
    return query_end(&q);
}

struct err store_user_group_find(struct store_tx *tx, const char *account, const char *region,
                                 const char *name, struct user_group *out)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM user_group WHERE account = ? AND region = ? AND name = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, name));
    bool is_found = query_next(&q);
    if (is_found)
        row_to_group(&q, out);
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no such user group");
}

struct err store_user_group_list(struct store_tx *tx, const char *account, const char *region,
                                 const char *after, int limit, struct user_group **out,
                                 size_t *out_count)
{
    static const char sql[] = "SELECT " COLUMNS " FROM user_group WHERE account = ? AND region = ? "
                              "AND name > ? ORDER BY name LIMIT ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "ttti", account, region, after, (int64_t)limit));
    return all_groups(&q, out, out_count);
}

struct err store_user_group_list_of(struct store_tx *tx, const int64_t *ids, size_t count,
                                    struct user_group **out, size_t *out_count)
{
    static const char sql[] = "SELECT " COLUMNS " FROM user_group WHERE id IN "
                              "(SELECT value FROM json_each(?)) ORDER BY name";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, ids, count)));
    return all_groups(&q, out, out_count);
}

struct err store_user_group_count(struct store_tx *tx, const char *account, const char *region,
                                  int64_t *out)
{
    static const char sql[] = "SELECT count(*) FROM user_group WHERE account = ? AND region = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "tt", account, region));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

struct err store_user_group_update(struct store_tx *tx, const struct user_group *g)
{
    static const char sql[] = "UPDATE user_group SET engine = ?, revision = ?, revised_ms = ?, "
                              "is_wanted = ? WHERE id = ?";

    TRY(query_run(tx, sql, "tiibi", g->engine, g->revision, g->revised_ms, g->is_wanted, g->id));
    return query_changes(tx) ? OK : err_make(ERR_NOT_FOUND, "no such user group");
}

struct err store_user_group_revise(struct store_tx *tx, int64_t user_id, int64_t revision,
                                   int64_t now_ms)
{
    static const char sql[] =
        "UPDATE user_group SET revision = ?, revised_ms = ? WHERE id IN (SELECT group_id FROM "
        "user_group_member WHERE user_id = ? AND removed_revision = 0)";
    return query_run(tx, sql, "iii", revision, now_ms, user_id);
}

/* --- members --- */

struct err store_member_add(struct store_tx *tx, int64_t group_id, int64_t user_id,
                            int64_t revision)
{
    static const char sql[] =
        "INSERT INTO user_group_member (group_id, user_id, added_revision) VALUES (?, ?, ?)";
    return query_run(tx, sql, "iii", group_id, user_id, revision);
}

struct err store_member_drop(struct store_tx *tx, int64_t group_id, int64_t user_id,
                             int64_t revision)
{
    static const char sql[] =
        "UPDATE user_group_member SET removed_revision = ? WHERE group_id = ? AND user_id = ?";
    return query_run(tx, sql, "iii", revision, group_id, user_id);
}

struct err store_member_drop_all(struct store_tx *tx, int64_t user_id, int64_t revision)
{
    static const char sql[] = "UPDATE user_group_member SET removed_revision = ? WHERE user_id = ? "
                              "AND removed_revision = 0";
    return query_run(tx, sql, "ii", revision, user_id);
}

#define MEMBER_COLUMNS "m.group_id, g.name, g.engine, m.added_revision, m.removed_revision"
#define MEMBERS        "user_group_member m JOIN user_group g ON g.id = m.group_id"

/* The default user's row is made where a member has its id. */
struct err store_member_list(struct store_tx *tx, const int64_t *group_ids, size_t count,
                             struct member_list *out)
{
    /* clang-format off */
    static const char sql[] =
        "SELECT " MEMBER_COLUMNS ", " USER_COLUMNS("u") " FROM " MEMBERS
        " JOIN cache_user u ON u.id = m.user_id "
        "WHERE m.group_id IN (SELECT value FROM json_each(?1)) "
        "UNION ALL "
        "SELECT " MEMBER_COLUMNS ", p.id, g.account, g.region, p.name, p.login, p.engine, p.access, "
        "p.authentication, p.digests, p.revision, p.settled_revision, p.is_wanted, p.created_ms "
        "FROM " MEMBERS " JOIN (" USER_PRESET("''", "''") ") p "
        "WHERE m.user_id = 0 AND m.group_id IN (SELECT value FROM json_each(?1)) "
        "ORDER BY 1, 9";
    /* clang-format on */
    vec_of(struct member) members = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, group_ids, count)));
    while (query_next(&q)) {
        struct member *m = vec_add(tx->arena, &members);
        m->group_id = query_int(&q, 0);
        m->group = query_text(&q, 1);
        m->group_engine = query_text(&q, 2);
        m->added_revision = query_int(&q, 3);
        m->removed_revision = query_int(&q, 4);
        row_to_user(&q, 5, &m->user);
    }
    TRY(query_end(&q));
    *out = (struct member_list){members.items, members.count};
    return OK;
}

struct err store_membership_list(struct store_tx *tx, const char *account, const char *region,
                                 const int64_t *user_ids, size_t count, struct member_list *out)
{
    static const char sql[] =
        "SELECT " MEMBER_COLUMNS ", m.user_id FROM " MEMBERS
        " WHERE g.account = ? AND g.region = ? "
        "AND m.user_id IN (SELECT value FROM json_each(?)) ORDER BY m.user_id, g.name";
    vec_of(struct member) members = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "ttt", account, region, query_id_list(tx, user_ids, count)));
    while (query_next(&q))
        *vec_add(tx->arena, &members) = (struct member){
            .group_id = query_int(&q, 0),
            .group = query_text(&q, 1),
            .group_engine = query_text(&q, 2),
            .added_revision = query_int(&q, 3),
            .removed_revision = query_int(&q, 4),
            .user = {.id = query_int(&q, 5)},
        };
    TRY(query_end(&q));
    *out = (struct member_list){members.items, members.count};
    return OK;
}

/* --- what is in force --- */

struct err store_user_group_unsettled(struct store_tx *tx, struct user_group **out,
                                      size_t *out_count)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM user_group WHERE settled_revision < revision ORDER BY id";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    return all_groups(&q, out, out_count);
}

struct err store_user_group_settle(struct store_tx *tx, const struct user_group *g)
{
    static const char members[] =
        "DELETE FROM user_group_member WHERE group_id = ? AND removed_revision > 0";
    static const char group[] = "UPDATE user_group SET settled_revision = ? WHERE id = ?";

    TRY(query_run(tx, members, "i", g->id));
    return query_run(tx, group, "ii", g->revision, g->id);
}

struct err store_user_group_remove(struct store_tx *tx, int64_t id, const char *arn)
{
    static const char tags[] = "DELETE FROM tag WHERE arn = ?";
    static const char group[] = "DELETE FROM user_group WHERE id = ?";

    TRY(query_run(tx, tags, "t", arn));
    return query_run(tx, group, "i", id);
}
