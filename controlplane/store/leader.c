/* One row, and a number in it that tells instances apart: an epoch may be raised by who leads. */
#include "controlplane/store/leader.h"

#include "base/arena.h"
#include "base/fs.h"
#include "base/log.h"
#include "controlplane/store/db.h"

/* --- without a store --- */

static struct err has_table(struct db *db, struct arena *a, bool *out)
{
    int64_t tables = 0;

    TRY(db_number(db, a, "SELECT count(*) FROM sqlite_schema WHERE name = 'leader'", &tables));
    *out = tables > 0;
    return OK;
}

static struct err read_row(struct db *db, struct arena *a, struct leader *out)
{
    static const char sql[] = "SELECT epoch, instance, process, has_lock, deposed_by FROM leader";
    sqlite3_stmt *statement;
    struct err e = OK;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return db_error(db, a, "reading who leads");
    if (sqlite3_step(statement) == SQLITE_ROW)
        *out = (struct leader){
            .epoch = sqlite3_column_int64(statement, 0),
            .instance = sqlite3_column_int64(statement, 1),
            .process = arena_strdup(a, (const char *)sqlite3_column_text(statement, 2)),
            .has_lock = sqlite3_column_int(statement, 3) != 0,
            .deposed_by = sqlite3_column_int64(statement, 4),
        };
    else
        e = db_error(db, a, "reading who leads");
    sqlite3_finalize(statement);
    return e;
}

struct err leader_peek(struct arena *a, const char *path, struct leader *out)
{
    struct db *db;
    bool is_there;

    if (!fs_exists(path))
        return err_make(ERR_NOT_FOUND, "there is no database yet");
    TRY(db_open(a, path, &db));
    /* The leader may be dead: whoever follows it is not to wait for its log to be brought home. */
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    struct err e = has_table(db, a, &is_there);
    if (!err_failed(e) && !is_there)
        e = err_make(ERR_NOT_FOUND, "nobody has led yet");
    if (!err_failed(e))
        e = read_row(db, a, out);
    db_close(db);
    return e;
}

/* --- claims --- */

static struct err raise(struct db *db, struct arena *a, const struct leader_claim *claim,
                        int64_t *out_epoch)
{
    static const char sql[] =
        "UPDATE leader SET epoch = epoch + 1, instance = ?1, process = ?2, has_lock = ?3, "
        "deposed_by = 0 WHERE instance = ?4 RETURNING epoch";
    sqlite3_stmt *statement;
    struct err e = OK;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return db_error(db, a, "raising the epoch");
    sqlite3_bind_int64(statement, 1, claim->instance);
    sqlite3_bind_text(statement, 2, claim->process, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 3, claim->has_lock);
    sqlite3_bind_int64(statement, 4, claim->over);
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *out_epoch = sqlite3_column_int64(statement, 0);
    else if (result == SQLITE_DONE)
        e = err_make(ERR_CONFLICT, "another control plane has taken the lead meanwhile");
    else
        e = db_error(db, a, "raising the epoch");
    while (result == SQLITE_ROW)
        result = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return e;
}

static struct err claim_row(struct db *db, struct arena *a, const struct leader_claim *claim,
                            int64_t *out_epoch)
{
    TRY(db_exec(db, a, "BEGIN IMMEDIATE"));
    struct err e = raise(db, a, claim, out_epoch);
    if (!err_failed(e))
        e = db_exec(db, a, "COMMIT");
    if (err_failed(e) && !sqlite3_get_autocommit(db->handle))
        err_ignore(db_exec(db, a, "ROLLBACK"), "the first error is the one to tell");
    return e;
}

struct err leader_take(struct db *db, struct arena *a, const struct leader_claim *claim,
                       int64_t *out_epoch)
{
    bool is_there;

    if (claim->wait_ms)
        sqlite3_busy_timeout(db->handle, claim->wait_ms);
    struct err e = has_table(db, a, &is_there);
    if (!err_failed(e) && is_there)
        e = claim_row(db, a, claim, out_epoch);
    sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
    return e;
}

/* --- within transactions --- */

struct err leader_read_instance(struct store_tx *tx, int64_t *out)
{
    static const char sql[] = "SELECT instance FROM leader";
    struct query q;

    *out = 0;
    TRY(query_start(&q, tx, sql, ""));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

struct err store_leader_check(struct store *s, struct arena *a)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    return store_begin(s, STORE_READ, a, &tx);
}

struct err store_leader_locks(struct store *s, struct arena *a)
{
    static const char sql[] = "UPDATE leader SET has_lock = 1";
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(s, STORE_WRITE, a, &tx));
    TRY(query_run(tx, sql, ""));
    return store_commit(&tx);
}

struct err leader_write_epoch(struct store_tx *tx, int64_t above, int64_t *out)
{
    static const char sql[] = "UPDATE leader SET epoch = max(epoch, ?) + 1 RETURNING epoch";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", above));
    if (query_next(&q))
        *out = query_int(&q, 0);
    return query_end(&q);
}

struct err leader_write_deposed(struct store_tx *tx, int64_t by)
{
    static const char sql[] = "UPDATE leader SET deposed_by = ?";

    return query_run(tx, sql, "i", by);
}
