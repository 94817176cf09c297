/* The only file that speaks SQLite's C interface: connections, cached statements, error codes. */
#include "controlplane/store/db.h"

#include "base/arena.h"
#include "base/buf.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int code_of(int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_CONSTRAINT:
        return sqlite_code == SQLITE_CONSTRAINT_UNIQUE ||
                       sqlite_code == SQLITE_CONSTRAINT_PRIMARYKEY
                   ? ERR_EXISTS
                   : ERR_INTERNAL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM: return ERR_IO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_UNAVAILABLE;
    default: return ERR_INTERNAL;
    }
}

struct err db_error(struct db *db, struct arena *a, const char *doing)
{
    return err_format(a, code_of(sqlite3_extended_errcode(db->handle)), "%s: %s", doing,
                      sqlite3_errmsg(db->handle));
}

/* SQLite counts its memory under one lock of the process, at which readers would queue. */
static void forget_memory_statistics(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* In the place of SQLite's own, which checkpoints at CHECKPOINT_PAGES, within a commit. */
static int on_log(void *context, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = context;

    db->log_pages = pages;
    return pages >= CHECKPOINT_PAGES_MOST
               ? sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL)
               : SQLITE_OK;
}

struct err db_open(struct arena *a, const char *path, struct db **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, forget_memory_statistics);
    struct db *db = calloc(1, sizeof(*db));
    check(db != NULL);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    struct err e = OK;

    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK)
        e = db_error(db, a, "cannot open the database");
    else
        sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
    if (!err_failed(e))
        e = db_exec(
            db, a,
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
            "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000");
    if (err_failed(e)) {
        db_close(db);
        return e;
    }
    sqlite3_wal_hook(db->handle, on_log, db);
    *out = db;
    return OK;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < DB_STATEMENTS; i++)
        sqlite3_finalize(db->cache[i].statement);
    sqlite3_close(db->handle);
    free(db);
}

struct err db_checkpoint(struct db *db, struct arena *a)
{
    if (sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) !=
        SQLITE_OK)
        return db_error(db, a, "bringing the log to its place");
    return OK;
}

struct err db_exec(struct db *db, struct arena *a, const char *sql)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_error(db, a, "database");
    return OK;
}

struct err db_number(struct db *db, struct arena *a, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement;
    struct err e = OK;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return db_error(db, a, "reading the database");
    if (sqlite3_step(statement) == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    else
        e = db_error(db, a, "reading the database");
    sqlite3_finalize(statement);
    return e;
}

/* The prepared statement of `sql`, made at its first use. */
static struct err statement_of(struct store_tx *tx, const char *sql, sqlite3_stmt **out)
{
    struct db *db = tx->db;
    size_t i = ((uintptr_t)sql >> 4) * 0x9e3779b97f4a7c15 >> 32 & (DB_STATEMENTS - 1);
    size_t probes = 0;

    for (; db->cache[i].sql && db->cache[i].sql != sql; i = (i + 1) & (DB_STATEMENTS - 1))
        check(++probes < DB_STATEMENTS);
    if (!db->cache[i].sql) {
        if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                               &db->cache[i].statement, NULL) != SQLITE_OK)
            return db_error(db, tx->arena, "preparing a statement");
        db->cache[i].sql = sql;
    }
    *out = db->cache[i].statement;
    return OK;
}

static struct err bind_all(struct query *q, const char *types, va_list ap)
{
    int result = SQLITE_OK;

    for (int i = 1; *types && result == SQLITE_OK; types++, i++) {
        if (*types == 't') {
            const char *text = va_arg(ap, const char *);
            check(text != NULL);
            result = sqlite3_bind_text(q->statement, i, text, -1, SQLITE_TRANSIENT);
        } else if (*types == 'b') {
            result = sqlite3_bind_int(q->statement, i, va_arg(ap, int) != 0);
        } else if (*types == 's') {
            struct str bytes = va_arg(ap, struct str);
            result = sqlite3_bind_blob64(q->statement, i, bytes.len ? bytes.ptr : "", bytes.len,
                                         SQLITE_STATIC);
        } else {
            check(*types == 'i');
            result = sqlite3_bind_int64(q->statement, i, va_arg(ap, int64_t));
        }
    }
    return result == SQLITE_OK ? OK : db_error(q->tx->db, q->tx->arena, "binding a value");
}

static struct err start(struct query *q, struct store_tx *tx, const char *sql, const char *types,
                        va_list ap)
{
    *q = (struct query){.tx = tx};
    TRY(statement_of(tx, sql, &q->statement));
    struct err e = bind_all(q, types, ap);
    if (err_failed(e))
        sqlite3_reset(q->statement);
    return e;
}

struct err query_start(struct query *q, struct store_tx *tx, const char *sql, const char *types,
                       ...)
{
    va_list ap;
    va_start(ap, types);
    struct err e = start(q, tx, sql, types, ap);
    va_end(ap);
    return e;
}

bool query_next(struct query *q)
{
    if (err_failed(q->error))
        return false;
    int result = sqlite3_step(q->statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        q->error = db_error(q->tx->db, q->tx->arena, "running a statement");
    return result == SQLITE_ROW;
}

struct err query_end(struct query *q)
{
    sqlite3_reset(q->statement);
    sqlite3_clear_bindings(q->statement);
    return q->error;
}

struct err query_run(struct store_tx *tx, const char *sql, const char *types, ...)
{
    struct query q;
    va_list ap;

    va_start(ap, types);
    struct err e = start(&q, tx, sql, types, ap);
    va_end(ap);
    TRY(e);
    while (query_next(&q))
        continue;
    return query_end(&q);
}

static void tell_host(struct store_tx *tx, uint64_t key)
{
    if (tx->told_count == tx->told_capacity) {
        size_t wider = tx->told_capacity ? tx->told_capacity * 2 : 8;
        uint64_t *grown = arena_array(tx->arena, wider, sizeof(*grown));
        if (tx->told_count)
            memcpy(grown, tx->told, tx->told_count * sizeof(*grown));
        tx->told = grown;
        tx->told_capacity = wider;
    }
    tx->told[tx->told_count++] = key;
}

struct err query_tell(struct store_tx *tx, const char *sql, const char *types, ...)
{
    struct query q;
    va_list ap;

    va_start(ap, types);
    struct err e = start(&q, tx, sql, types, ap);
    va_end(ap);
    TRY(e);
    while (query_next(&q))
        tell_host(tx, store_host_key((const char *)sqlite3_column_text(q.statement, 0)));
    return query_end(&q);
}

int64_t query_int(const struct query *q, int column)
{
    return sqlite3_column_int64(q->statement, column);
}

const char *query_text(const struct query *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q->statement, column);
    if (!text || !*text) /* columns are often empty, and those need no memory */
        return "";
    return arena_strndup(q->tx->arena, text, (size_t)sqlite3_column_bytes(q->statement, column));
}

struct str query_blob(const struct query *q, int column)
{
    const char *bytes = sqlite3_column_blob(q->statement, column);
    return (struct str){bytes ? bytes : "", (size_t)sqlite3_column_bytes(q->statement, column)};
}

bool query_is_null(const struct query *q, int column)
{
    return sqlite3_column_type(q->statement, column) == SQLITE_NULL;
}

void query_reach(struct query *q, int at, struct reach *out)
{
    if (!network_type_parse(query_text(q, at), &out->network) ||
        !ip_family_parse(query_text(q, at + 1), &out->discovery))
        q->error = err_make(ERR_CORRUPT, "a cache has an unknown type of network");
}

const char *query_id_list(const struct store_tx *tx, const int64_t *ids, size_t count)
{
    scoped(buf_fini) struct buf list = BUF_EMPTY;
    buf_putc(&list, '[');
    for (size_t i = 0; i < count; i++)
        buf_printf(&list, i ? ",%lld" : "%lld", (long long)ids[i]);
    buf_putc(&list, ']');
    return arena_strndup(tx->arena, list.ptr, list.len);
}

int64_t query_changes(const struct store_tx *tx)
{
    return sqlite3_changes(tx->db->handle);
}

int64_t db_changes(const struct db *db)
{
    return sqlite3_total_changes64(db->handle);
}
