/*
 * Opening and migrating the database, transactions, and waking those who wait for a change.
 *
 * One connection writes; a mutex queues its users in order of arrival. Readers take an idle
 * connection from a list, or open one more: WAL gives each a snapshot without blocking the writer.
 */
#include "controlplane/store/store.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "controlplane/model/naming.h"
#include "controlplane/store/checkpointer.h"
#include "controlplane/store/db.h"
#include "controlplane/store/leader.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/store/wall_clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define APPLICATION_ID 0x4c524452 /* "LRDR": tells our file from another program's */
#define MAX_IDLE       16
#define TOLD_MOST      16384
#define CONFIRMED_MS   500 /* who leads asks several times in that time; see controlplane/lead */

struct migration {
    const char *name;
    const char *sql;
};

#include "store/migrations.inc"

struct store {
    char *path;

    pthread_mutex_t writer_lock; /* who holds it may use `writer` */
    struct db *writer;
    struct wall_clock wall; /* the writer's */
    struct checkpointer *checkpointer;
    bool is_hasty;                 /* its commits do not wait for the disk: STORE_NOTE */
    atomic_uint_fast64_t revision; /* odd while a commit that changes something is on its way */

    atomic_uint_fast64_t hosts_version;

    int64_t before;   /* the instance that it has succeeded */
    int64_t instance; /* by which it leads; 0: it belongs to nobody */
    atomic_int_fast64_t epoch;
    atomic_bool is_deposed;           /* another one leads */
    atomic_int_fast64_t confirmed_ms; /* boot time at which it surely led, not long ago */
    void (*on_deposed)(void *context);
    void *deposed_context;

    pthread_mutex_t readers_lock; /* guards `idle` */
    struct db *idle;
    int idle_count;

    pthread_mutex_t wake_lock; /* guards all below */
    pthread_cond_t woken;
    uint64_t generation;
    int64_t *touched;
    size_t touched_count, touched_capacity;
    int64_t *touched_later;
    size_t later_count, later_capacity;
    bool is_all_touched, is_access_touched, is_snapshots_touched, is_files_touched;
    uint64_t *told; /* keys of hosts, TOLD_MOST at most */
    size_t told_count;
    bool are_all_told;
    uint64_t told_first[TOLD_FIRST_MOST];
    size_t told_first_count;
};

/* --- opening --- */

static struct err check_health(struct db *db, struct arena *a)
{
    sqlite3_stmt *statement;
    struct err e = OK;

    if (sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK)
        return db_error(db, a, "checking the database");
    if (sqlite3_step(statement) != SQLITE_ROW)
        e = db_error(db, a, "checking the database");
    else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
        e = err_format(a, ERR_CORRUPT, "the database is damaged: %s",
                       (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return e;
}

static struct err apply_from(struct db *db, struct arena *a, int64_t version)
{
    for (; version < (int64_t)countof(migrations); version++)
        TRY(db_exec(db, a, migrations[version].sql));
    return db_exec(db, a,
                   arena_printf(a, "PRAGMA user_version = %lld; PRAGMA application_id = %d",
                                (long long)version, APPLICATION_ID));
}

/* All of them or none: no program ever works with a schema between two versions. */
static struct err migrate(struct db *db, struct arena *a, int64_t version)
{
    if (version == (int64_t)countof(migrations))
        return OK;
    TRY(db_exec(db, a, "BEGIN IMMEDIATE"));
    struct err e = apply_from(db, a, version);
    if (!err_failed(e))
        e = db_exec(db, a, "COMMIT");
    if (err_failed(e))
        err_ignore(db_exec(db, a, "ROLLBACK"), "the first error is the one to tell");
    return e;
}

/* Whether it is ours to write, by this program. */
static struct err check_kind(struct db *db, struct arena *a, int64_t *out_version)
{
    int64_t version = 0, application = 0, tables = 0;
    int64_t newest = (int64_t)countof(migrations);

    TRY(db_number(db, a, "PRAGMA user_version", &version));
    TRY(db_number(db, a, "PRAGMA application_id", &application));
    TRY(db_number(db, a, "SELECT count(*) FROM sqlite_schema", &tables));
    if (tables > 0 && application != APPLICATION_ID)
        return err_make(ERR_CORRUPT, "the file is a database of another program");
    if (version > newest)
        return err_format(
            a, ERR_UNSUPPORTED,
            "the database has schema %lld, made by a newer larderd; this one knows up to %lld",
            (long long)version, (long long)newest);
    if (sqlite3_db_readonly(db->handle, "main") == 1)
        return err_make(ERR_IO, "the database is read-only");
    *out_version = version;
    return OK;
}

/* The epoch comes before all changes: a leader of before that is still there makes none any more
 * while the schema is another one. */
static struct err prepare(struct db *db, struct arena *a, const struct leader_claim *claim,
                          int64_t *out_epoch)
{
    int64_t version = 0;

    TRY(check_kind(db, a, &version));
    if (!claim || !claim->is_checked)
        TRY(check_health(db, a));
    if (claim)
        TRY(leader_take(db, a, claim, out_epoch));
    TRY(migrate(db, a, version));
    return claim && *out_epoch == 0 ? leader_take(db, a, claim, out_epoch) : OK;
}

static struct err open_as(struct arena *a, const char *path, const struct leader_claim *claim,
                          struct store **out)
{
    struct db *writer;
    int64_t epoch = 0;

    TRY(db_open(a, path, &writer));
    struct err e = prepare(writer, a, claim, &epoch);
    if (err_failed(e)) {
        db_close(writer);
        return e;
    }

    struct store *s = calloc(1, sizeof(*s));
    check(s != NULL);
    s->path = strdup(path);
    check(s->path != NULL);
    s->writer = writer;
    s->checkpointer = checkpointer_new(s->path);
    s->generation = 1;
    s->instance = claim ? claim->instance : 0;
    s->before = claim ? claim->over : 0;
    atomic_init(&s->epoch, epoch);
    atomic_init(&s->is_deposed, false);
    atomic_init(&s->confirmed_ms, INT64_MIN / 2);
    atomic_init(&s->revision, 2);
    atomic_init(&s->hosts_version, 1);
    s->is_all_touched = s->is_access_touched = true;
    s->is_snapshots_touched = s->is_files_touched = true;
    pthread_mutex_init(&s->writer_lock, NULL);
    pthread_mutex_init(&s->readers_lock, NULL);
    pthread_mutex_init(&s->wake_lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->woken, &attr);
    pthread_condattr_destroy(&attr);
    *out = s;
    return OK;
}

struct err store_open(struct arena *a, const char *path, struct store **out)
{
    return open_as(a, path, NULL, out);
}

struct err store_open_leading(struct arena *a, const char *path, const struct leader_claim *claim,
                              struct store **out)
{
    return open_as(a, path, claim, out);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    while (s->idle) {
        struct db *db = s->idle;
        s->idle = db->next;
        db_close(db);
    }
    checkpointer_free(s->checkpointer);
    db_close(s->writer);
    pthread_mutex_destroy(&s->writer_lock);
    pthread_mutex_destroy(&s->readers_lock);
    pthread_mutex_destroy(&s->wake_lock);
    pthread_cond_destroy(&s->woken);
    free(s->touched);
    free(s->touched_later);
    free(s->wall.boot_id);
    free(s->told);
    free(s->path);
    free(s);
}

/* --- transactions --- */

static struct err reader_take(struct store *s, struct arena *a, struct db **out)
{
    pthread_mutex_lock(&s->readers_lock);
    struct db *db = s->idle;
    if (db) {
        s->idle = db->next;
        s->idle_count--;
    }
    pthread_mutex_unlock(&s->readers_lock);
    if (!db)
        return db_open(a, s->path, out);
    *out = db;
    return OK;
}

static void reader_give(struct store *s, struct db *db)
{
    pthread_mutex_lock(&s->readers_lock);
    bool is_kept = s->idle_count < MAX_IDLE;
    if (is_kept) {
        db->next = s->idle;
        s->idle = db;
        s->idle_count++;
    }
    pthread_mutex_unlock(&s->readers_lock);
    if (!is_kept)
        db_close(db);
}

static void release(struct store_tx *tx)
{
    if (tx->mode == STORE_READ)
        reader_give(tx->store, tx->db);
    else
        pthread_mutex_unlock(&tx->store->writer_lock);
}

/* Of a log that is written ahead, NORMAL waits for the disk at checkpoints alone. */
static struct err set_haste(struct store *s, struct arena *a, bool is_hasty)
{
    if (s->is_hasty == is_hasty)
        return OK;
    TRY(db_exec(s->writer, a,
                is_hasty ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL"));
    s->is_hasty = is_hasty;
    return OK;
}

static struct err begin(struct store_tx *tx)
{
    static const char begin_read[] = "BEGIN";
    static const char begin_write[] = "BEGIN IMMEDIATE";

    if (tx->mode == STORE_READ)
        return query_run(tx, begin_read, "");
    TRY(set_haste(tx->store, tx->arena, tx->mode == STORE_NOTE));
    return query_run(tx, begin_write, "");
}

static void depose(struct store *s, const char *why)
{
    if (atomic_exchange(&s->is_deposed, true))
        return;
    log_error("this control plane leads no longer", f_str("why", why),
              f_int("epoch", store_epoch(s)));
    if (s->on_deposed)
        s->on_deposed(s->deposed_context);
}

/* A writer has the lock by now: nobody takes the lead before it ends. A reader sees who led when
 * its snapshot was taken. */
static struct err check_leader(struct store_tx *tx)
{
    struct store *s = tx->store;
    int64_t instance, now_ms = clock_boot_ms(&clock_system);

    if (s->instance == 0)
        return OK;
    if (!atomic_load(&s->is_deposed)) {
        TRY(leader_read_instance(tx, &instance));
        if (instance == s->instance) {
            atomic_store(&s->confirmed_ms, now_ms);
            return OK;
        }
        depose(s, "another one has taken the lead over this database");
    }
    return err_make(ERR_UNAVAILABLE, "this control plane leads no longer");
}

struct err store_begin(struct store *s, enum store_mode mode, struct arena *a,
                       struct store_tx **out)
{
    struct store_tx *tx = arena_new(a, struct store_tx);

    *tx = (struct store_tx){.store = s, .mode = mode, .arena = a};
    if (mode == STORE_READ) {
        TRY(reader_take(s, a, &tx->db));
    } else {
        pthread_mutex_lock(&s->writer_lock);
        tx->db = s->writer;
    }
    struct err e = begin(tx);
    if (err_failed(e)) {
        release(tx);
        return e;
    }
    tx->changes_before = db_changes(tx->db);
    *out = tx;
    e = check_leader(tx);
    if (!err_failed(e) && mode != STORE_READ)
        e = wall_clock_begin(tx, &s->wall);
    if (err_failed(e))
        store_rollback(out);
    return e;
}

struct err store_watch_clock(struct store *s, struct arena *a, const struct clock *clock,
                             const char *boot_id)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    s->wall.boot_id = strdup(boot_id);
    check(s->wall.boot_id != NULL);
    TRY(store_begin(s, STORE_WRITE, a, &tx));
    s->wall.clock = clock;
    struct err e = wall_clock_open(tx, &s->wall);
    if (!err_failed(e))
        e = store_commit(&tx);
    if (err_failed(e))
        s->wall.clock = NULL;
    return e;
}

static void publish_told(struct store *s, const struct store_tx *tx)
{
    for (size_t i = 0; i < tx->told_first_count && s->told_first_count < TOLD_FIRST_MOST; i++)
        s->told_first[s->told_first_count++] = tx->told_first[i];
    if (!s->told) {
        s->told = calloc(TOLD_MOST, sizeof(*s->told));
        check(s->told != NULL);
    }
    if (s->told_count + tx->told_count > TOLD_MOST) {
        s->are_all_told = true;
        s->told_count = 0;
        return;
    }
    memcpy(s->told + s->told_count, tx->told, tx->told_count * sizeof(*s->told));
    s->told_count += tx->told_count;
}

static void add_ids(int64_t **ids, size_t *count, size_t *capacity, const int64_t *added,
                    size_t added_count)
{
    if (*count + added_count > *capacity) {
        *capacity = (*count + added_count) * 2;
        *ids = realloc(*ids, *capacity * sizeof(**ids));
        check(*ids != NULL);
    }
    if (added_count)
        memcpy(*ids + *count, added, added_count * sizeof(**ids));
    *count += added_count;
}

static bool wakes(const struct store_tx *tx)
{
    return tx->touched_count > 0 || tx->is_all_touched || tx->is_access_touched ||
           tx->is_snapshots_touched || tx->has_notice || tx->has_wish;
}

static void publish_touched(struct store *s, const struct store_tx *tx)
{
    add_ids(&s->touched, &s->touched_count, &s->touched_capacity, tx->touched, tx->touched_count);
    s->is_all_touched |= tx->is_all_touched;
    s->is_access_touched |= tx->is_access_touched;
    s->is_snapshots_touched |= tx->is_snapshots_touched;
    s->is_files_touched |= tx->is_snapshots_touched;
}

/* Hands what the transaction touched to the reconciler and wakes everybody. */
static void publish(struct store_tx *tx)
{
    struct store *s = tx->store;
    if (!wakes(tx) && tx->told_count == 0 && tx->later_count == 0)
        return;

    pthread_mutex_lock(&s->wake_lock);
    if (tx->told_count)
        publish_told(s, tx);
    bool is_first_later = tx->later_count > 0 && s->later_count == 0;
    add_ids(&s->touched_later, &s->later_count, &s->later_capacity, tx->touched_later,
            tx->later_count);
    if (wakes(tx) || is_first_later) {
        publish_touched(s, tx);
        s->generation++;
        pthread_cond_broadcast(&s->woken);
    }
    pthread_mutex_unlock(&s->wake_lock);
}

struct err store_commit(struct store_tx **held)
{
    static const char commit[] = "COMMIT";
    static const char rollback[] = "ROLLBACK";
    struct store_tx *tx = *held;
    struct store *s = tx->store;
    bool is_change = db_changes(tx->db) != tx->changes_before;

    *held = NULL;
    if (is_change)
        atomic_fetch_add(&s->revision, 1);
    struct err e = query_run(tx, commit, "");
    if (is_change)
        atomic_fetch_add(&s->revision, 1);
    if (err_failed(e) && !sqlite3_get_autocommit(tx->db->handle))
        err_ignore(query_run(tx, rollback, ""), "the commit's error is the one to tell");
    if (!err_failed(e) && tx->mode != STORE_READ)
        wall_clock_commit(&s->wall);
    if (tx->has_host)
        atomic_fetch_add(&s->hosts_version, 1); /* before the next writer can ask */
    if (tx->mode != STORE_READ && tx->db->log_pages >= CHECKPOINT_PAGES)
        checkpointer_poke(s->checkpointer);
    release(tx);
    if (!err_failed(e))
        publish(tx);
    return e;
}

void store_rollback(struct store_tx **held)
{
    static const char rollback[] = "ROLLBACK";
    struct store_tx *tx = *held;
    if (!tx)
        return;
    *held = NULL;
    if (!sqlite3_get_autocommit(tx->db->handle)) {
        struct err e = query_run(tx, rollback, "");
        if (err_failed(e))
            log_error("rollback failed", f_err(e));
    }
    release(tx);
}

/* --- who leads --- */

int64_t store_epoch(struct store *s)
{
    return atomic_load(&s->epoch);
}

int64_t store_instance(struct store *s)
{
    return s->instance;
}

int64_t store_instance_before(struct store *s)
{
    return s->before;
}

void store_on_deposed(struct store *s, void (*on_deposed)(void *context), void *context)
{
    s->deposed_context = context;
    s->on_deposed = on_deposed;
}

struct err store_leader_outgrow(struct store *s, struct arena *a, int64_t epoch)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    int64_t raised = 0;

    TRY(store_begin(s, STORE_WRITE, a, &tx));
    if (store_epoch(s) > epoch) /* somebody was here before */
        return OK;
    TRY(leader_write_epoch(tx, epoch, &raised));
    TRY(store_commit(&tx));
    atomic_store(&s->epoch, raised);
    log_warn("hosts obeyed an epoch above this control plane's: it goes beyond that",
             f_int("theirs", epoch), f_int("epoch", raised));
    return OK;
}

static struct err write_yield(struct store *s, struct arena *a, int64_t epoch)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(s, STORE_WRITE, a, &tx));
    TRY(leader_write_deposed(tx, epoch));
    return store_commit(&tx);
}

void store_leader_yield(struct store *s, struct arena *a, int64_t epoch)
{
    struct err e = write_yield(s, a, epoch);

    if (err_failed(e) && !atomic_load(&s->is_deposed))
        log_error("that another one is obeyed cannot be written down", f_err(e));
    depose(s, "hosts obey one of a higher epoch, which works with another database");
}

/* --- what changed --- */

uint64_t store_revision(struct store *s)
{
    uint64_t revision = atomic_load(&s->revision);
    bool is_known = s->instance == 0 ||
                    clock_boot_ms(&clock_system) - atomic_load(&s->confirmed_ms) < CONFIRMED_MS;

    return revision % 2 == 0 && is_known ? revision : 0;
}

uint64_t store_hosts_version(struct store *s)
{
    return atomic_load(&s->hosts_version);
}

struct arena *store_arena(const struct store_tx *tx)
{
    return tx->arena;
}

/* --- waking --- */

uint64_t store_generation(struct store *s)
{
    pthread_mutex_lock(&s->wake_lock);
    uint64_t generation = s->generation;
    pthread_mutex_unlock(&s->wake_lock);
    return generation;
}

void store_wait(struct store *s, uint64_t seen, int64_t deadline_boot_ms)
{
    int64_t left_ms = deadline_boot_ms - clock_boot_ms(&clock_system);
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    if (left_ms > 0) {
        until.tv_sec += left_ms / 1000;
        until.tv_nsec += left_ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
    }
    pthread_mutex_lock(&s->wake_lock);
    while (s->generation == seen && pthread_cond_timedwait(&s->woken, &s->wake_lock, &until) == 0)
        continue;
    pthread_mutex_unlock(&s->wake_lock);
}

void store_wake(struct store *s)
{
    pthread_mutex_lock(&s->wake_lock);
    s->generation++;
    pthread_cond_broadcast(&s->woken);
    pthread_mutex_unlock(&s->wake_lock);
}

static void touch(struct arena *a, int64_t **ids, size_t *count, size_t *capacity, int64_t id)
{
    if (*count == *capacity) {
        size_t wider = *capacity ? *capacity * 2 : 8;
        int64_t *grown = arena_array(a, wider, sizeof(*grown));
        if (*count)
            memcpy(grown, *ids, *count * sizeof(*grown));
        *ids = grown;
        *capacity = wider;
    }
    (*ids)[(*count)++] = id;
}

void store_touch_cluster(struct store_tx *tx, int64_t cluster_id)
{
    touch(tx->arena, &tx->touched, &tx->touched_count, &tx->touched_capacity, cluster_id);
}

void store_touch_cluster_later(struct store_tx *tx, int64_t cluster_id)
{
    touch(tx->arena, &tx->touched_later, &tx->later_count, &tx->later_capacity, cluster_id);
}

void store_touch_all(struct store_tx *tx)
{
    tx->is_all_touched = true;
}

void store_touch_access(struct store_tx *tx)
{
    tx->is_access_touched = true;
}

/* Reads a mark and takes it off. */
static bool take_mark(struct store *s, bool *mark)
{
    pthread_mutex_lock(&s->wake_lock);
    bool is_touched = *mark;
    *mark = false;
    pthread_mutex_unlock(&s->wake_lock);
    return is_touched;
}

bool store_take_access(struct store *s)
{
    return take_mark(s, &s->is_access_touched);
}

void store_touch_snapshots(struct store_tx *tx)
{
    tx->is_snapshots_touched = true;
}

bool store_take_snapshots(struct store *s)
{
    return take_mark(s, &s->is_snapshots_touched);
}

bool store_take_files(struct store *s)
{
    return take_mark(s, &s->is_files_touched);
}

void store_leave_files(struct store *s)
{
    pthread_mutex_lock(&s->wake_lock);
    s->is_files_touched = true;
    pthread_mutex_unlock(&s->wake_lock);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void store_take_told_first(struct store *s, struct arena *a, uint64_t **out_keys, size_t *out_count)
{
    pthread_mutex_lock(&s->wake_lock);
    *out_count = s->told_first_count;
    *out_keys = arena_memdup(a, s->told_first, s->told_first_count * sizeof(**out_keys));
    s->told_first_count = 0;
    pthread_mutex_unlock(&s->wake_lock);
    if (*out_count)
        qsort(*out_keys, *out_count, sizeof(**out_keys), by_key);
}

void store_take_told(struct store *s, struct arena *a, uint64_t **out_keys, size_t *out_count,
                     bool *out_all)
{
    pthread_mutex_lock(&s->wake_lock);
    size_t count = s->told_count, kept = 0;
    uint64_t *keys = arena_array(a, count, sizeof(*keys));
    if (count)
        memcpy(keys, s->told, count * sizeof(*keys));
    *out_all = s->are_all_told;
    s->told_count = 0;
    s->are_all_told = false;
    pthread_mutex_unlock(&s->wake_lock);

    if (count)
        qsort(keys, count, sizeof(*keys), by_key);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || keys[kept - 1] != keys[i])
            keys[kept++] = keys[i];
    *out_keys = keys;
    *out_count = kept;
}

uint64_t store_host_key(const char *host_id)
{
    return name_hash(host_id);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Each once; `ids` are changed. */
static size_t keep_distinct(int64_t *ids, size_t count)
{
    size_t kept = 0;

    if (count)
        qsort(ids, count, sizeof(*ids), by_value);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

void store_take_touched(struct store *s, struct arena *a, int64_t **out_ids, size_t *out_count,
                        bool *out_all)
{
    pthread_mutex_lock(&s->wake_lock);
    size_t count = s->touched_count;
    *out_ids = arena_array(a, count, sizeof(**out_ids));
    if (count)
        memcpy(*out_ids, s->touched, count * sizeof(**out_ids));
    s->touched_count = 0;
    *out_all = s->is_all_touched;
    s->is_all_touched = false;
    pthread_mutex_unlock(&s->wake_lock);
    *out_count = keep_distinct(*out_ids, count);
}

bool store_has_touched_later(struct store *s)
{
    pthread_mutex_lock(&s->wake_lock);
    bool has_some = s->later_count > 0;
    pthread_mutex_unlock(&s->wake_lock);
    return has_some;
}

void store_take_touched_later(struct store *s, struct arena *a, int64_t **out_ids,
                              size_t *out_count)
{
    pthread_mutex_lock(&s->wake_lock);
    size_t count = s->later_count;
    *out_ids = arena_array(a, count, sizeof(**out_ids));
    if (count)
        memcpy(*out_ids, s->touched_later, count * sizeof(**out_ids));
    s->later_count = 0;
    pthread_mutex_unlock(&s->wake_lock);
    *out_count = keep_distinct(*out_ids, count);
}
