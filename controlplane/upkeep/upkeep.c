/*
 * A change that waits is made by the very call that would make it now: ApplyImmediately, and
 * nothing else. So its checks are those of today, and whatever a handler learns to park, this
 * makes. A snapshot is due when none was begun since its window opened, so a restart takes none
 * twice and forgets none.
 */
#include "controlplane/upkeep/upkeep.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "contract/elasticache.h"
#include "contract/faults.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/windows.h"
#include "controlplane/ops/ops.h"
#include "controlplane/store/maintenance.h"
#include "controlplane/store/serverless.h"
#include "controlplane/store/updates.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MINUTE_MS        (60 * (int64_t)1000)
#define SLEEP_AT_MOST_MS (60 * MINUTE_MS)
#define HOLD_MS          (10 * MINUTE_MS) /* after a failure */
#define HOLDS            64               /* the oldest is forgotten: it is tried again sooner */
#define LOOK_EVERY_MS    1000             /* at most: windows are of minutes, commits of moments */
#define NODES_EVERY_MS   5000             /* all nodes are looked at: not with every commit */

/* What failed, and until when it is left alone. */
struct hold {
    uint64_t key;
    int64_t until_ms;
};

struct upkeep {
    struct store *store;
    struct upkeep_conf conf;
    pthread_t thread;
    atomic_bool is_stopping;
    struct hold holds[HOLDS];
    size_t next_hold;
    int64_t nodes_looked_ms;
    bool has_updates; /* that wait, as of then */
    bool has_growing; /* there are caches that may need more, as of then */
    bool is_behind;   /* something was committed since */
};

/* --- what failed --- */

static uint64_t key_of(struct arena *a, const struct due *p)
{
    static const char *const types[] = {
        [DUE_CLUSTER] = "cluster",
        [DUE_GROUP] = "replicationgroup",
        [DUE_SERVERLESS] = "serverlesscache",
    };

    return name_hash(arn_make(a, p->region, p->account, types[p->kind], p->name));
}

static uint64_t backup_key_of(struct arena *a, const struct due *s)
{
    return name_hash(arn_make(a, s->region, s->account, "snapshot", s->name)) + s->kind;
}

static void keep_off(struct upkeep *u, uint64_t key, int64_t now_ms)
{
    u->holds[u->next_hold++ % HOLDS] = (struct hold){key, now_ms + HOLD_MS};
}

static bool is_held(const struct upkeep *u, uint64_t key, int64_t now_ms)
{
    for (size_t i = 0; i < HOLDS; i++)
        if (u->holds[i].key == key && now_ms < u->holds[i].until_ms)
            return true;
    return false;
}

static struct err tell_failure(struct upkeep *u, struct arena *a, const struct due *p,
                               const char *why, int64_t now_ms)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct event_source source = {p->account, p->region, p->name};

    TRY(store_begin(u->store, STORE_WRITE, a, &tx));
    struct event event = event_of(a, &source, now_ms,
                                  p->kind == DUE_GROUP ? EVENT_GROUP_MAINTENANCE_FAILED
                                                       : EVENT_CLUSTER_MAINTENANCE_FAILED,
                                  why, NULL);
    event.topic = p->topic;
    TRY(store_event_add(tx, &event));
    return store_commit(&tx);
}

static struct err hold(struct upkeep *u, struct arena *a, const struct due *p, struct err why,
                       int64_t now_ms)
{
    keep_off(u, key_of(a, p), now_ms);
    log_warn("what waited for a maintenance window failed", f_str("name", p->name), f_err(why));
    return tell_failure(u, a, p, err_text(a, why), now_ms);
}

/* --- calls --- */

static struct err call(struct upkeep *u, struct arena *a, const struct due *p, const char *op_name,
                       const void *in, void *out)
{
    const struct caller who = {p->account, p->region, "", "maintenance"};
    const struct op_desc *op = service_op(&service_elasticache, op_name);

    check(op != NULL);
    return ops_run(u->conf.ops, a, &who, &service_elasticache, op, in, out);
}

static struct err apply(struct upkeep *u, struct arena *a, const struct due *p)
{
    const struct ec_modify_cache_cluster_in cluster = {.cache_cluster_id = p->name,
                                                       .apply_immediately = BOOL_OF(true)};
    const struct ec_modify_replication_group_in group = {.replication_group_id = p->name,
                                                         .apply_immediately = BOOL_OF(true)};
    struct ec_modify_cache_cluster_out cluster_out = {0};
    struct ec_modify_replication_group_out group_out = {0};

    log_info("what waited for a maintenance window is done", f_str("name", p->name));
    return p->kind == DUE_GROUP ? call(u, a, p, "ModifyReplicationGroup", &group, &group_out)
                                : call(u, a, p, "ModifyCacheCluster", &cluster, &cluster_out);
}

/* Busy ones come again with the commit that ends what they are busy with. */
static bool is_busy(struct err e)
{
    return err_is(e, FAULT_INVALID_CACHE_CLUSTER_STATE) ||
           err_is(e, FAULT_INVALID_REPLICATION_GROUP_STATE) ||
           err_is(e, FAULT_INVALID_SERVERLESS_CACHE_STATE);
}

/* --- looking --- */

typedef struct err (*list_fn)(struct store_tx *tx, struct due **out, size_t *out_count);

static struct err read_list(struct upkeep *u, struct arena *a, list_fn list, struct due **out,
                            size_t *out_count)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(u->store, STORE_READ, a, &tx));
    return list(tx, out, out_count);
}

static bool is_due(struct upkeep *u, struct arena *a, const struct due *p, int64_t now_ms)
{
    struct window w;

    if (err_failed(window_parse_maintenance(a, p->window, &w)))
        return false; /* nothing but windows is stored */
    return window_is_open(w, window_maintenance_opened(w, now_ms), now_ms) &&
           !is_held(u, key_of(a, p), now_ms);
}

static struct err look_at_parked(struct upkeep *u, struct arena *a, int64_t now_ms,
                                 size_t *out_count)
{
    struct due *parked = NULL;

    TRY(read_list(u, a, store_parked_list, &parked, out_count));
    for (size_t i = 0; i < *out_count && !atomic_load(&u->is_stopping); i++) {
        if (!is_due(u, a, &parked[i], now_ms))
            continue;
        struct err failure = apply(u, a, &parked[i]);
        if (err_failed(failure) && !is_busy(failure))
            TRY(hold(u, a, &parked[i], failure, now_ms));
    }
    return OK;
}

/* --- automatic snapshots --- */

/* Once while the window is open. */
static bool is_backup_due(struct upkeep *u, struct arena *a, const struct due *s, int64_t now_ms)
{
    struct window w;

    if (err_failed(window_parse_snapshot(a, s->window, &w)))
        return false; /* nothing but windows is stored */
    int64_t opened_ms = window_snapshot_opened(w, now_ms);
    return window_is_open(w, opened_ms, now_ms) && s->last_ms < opened_ms &&
           !is_held(u, backup_key_of(a, s), now_ms);
}

/* A snapshot that fails later tells so itself. */
static void back_up(struct upkeep *u, struct arena *a, const struct due *s, int64_t now_ms)
{
    const struct caller who = {s->account, s->region, "", "backup"};
    struct err e = ops_back_up(u->conf.ops, a, &who, s);

    if (!err_failed(e)) {
        log_info("automatic snapshot begun", f_str("name", s->name));
    } else if (!is_busy(e)) {
        log_warn("no automatic snapshot could be begun", f_str("name", s->name), f_err(e));
        keep_off(u, backup_key_of(a, s), now_ms);
    }
}

static struct err look_at_backups(struct upkeep *u, struct arena *a, int64_t now_ms,
                                  size_t *out_count)
{
    struct due *sources = NULL;

    TRY(read_list(u, a, store_backup_list, &sources, out_count));
    for (size_t i = 0; i < *out_count && !atomic_load(&u->is_stopping); i++)
        if (is_backup_due(u, a, &sources[i], now_ms))
            back_up(u, a, &sources[i], now_ms);
    return OK;
}

/* --- service updates --- */

static struct err list_places(struct upkeep *u, struct arena *a, struct updated_place **out,
                              size_t *out_count)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(u->store, STORE_READ, a, &tx));
    return store_updated_places(tx, out, out_count);
}

static struct err look_at_updates(struct upkeep *u, struct arena *a)
{
    struct updated_place *places = NULL;
    size_t count;

    u->has_updates = false;
    TRY(list_places(u, a, &places, &count));
    for (size_t i = 0; i < count && !atomic_load(&u->is_stopping); i++) {
        const struct caller who = {places[i].account, places[i].region, "", "updates"};
        bool waits;
        TRY(ops_update(u->conf.ops, a, &who, &waits));
        u->has_updates |= waits;
    }
    return OK;
}

/* --- serverless caches --- */

static struct err list_caches(struct upkeep *u, struct arena *a, struct serverless_cache **out,
                              size_t *out_count)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(u->store, STORE_READ, a, &tx));
    return store_serverless_all(tx, out, out_count);
}

static void grow(struct upkeep *u, struct arena *a, const struct serverless_cache *s,
                 int64_t now_ms)
{
    const struct caller who = {s->account, s->region, "", "growth"};
    uint64_t key = name_hash(arn_make(a, s->region, s->account, "growth", s->name));
    bool did;

    if (is_held(u, key, now_ms))
        return;
    struct err e = ops_grow(u->conf.ops, a, &who, s->name, &did);
    if (err_failed(e) && !err_is(e, FAULT_SERVERLESS_CACHE_NOT_FOUND)) {
        log_warn("a serverless cache cannot be given what it needs", f_str("name", s->name),
                 f_err(e));
        keep_off(u, key, now_ms);
    } else if (!err_failed(e) && did) {
        log_info("a serverless cache is given what it needs", f_str("name", s->name));
    }
}

static struct err look_at_growth(struct upkeep *u, struct arena *a, int64_t now_ms)
{
    struct serverless_cache *caches = NULL;
    size_t count;

    TRY(list_caches(u, a, &caches, &count));
    for (size_t i = 0; i < count && !atomic_load(&u->is_stopping); i++)
        grow(u, a, &caches[i], now_ms);
    u->has_growing = count > 0;
    return OK;
}

static struct err look_at_nodes(struct upkeep *u, struct arena *a, int64_t now_ms)
{
    u->is_behind = now_ms - u->nodes_looked_ms < NODES_EVERY_MS;
    if (u->is_behind)
        return OK;
    u->nodes_looked_ms = now_ms;
    TRY(look_at_updates(u, a));
    return look_at_growth(u, a, now_ms);
}

struct err upkeep_look(struct upkeep *u, bool *out_waits)
{
    scoped(arena_fini) struct arena a = {0};
    int64_t now_ms = clock_wall_ms(u->conf.clock);
    size_t parked = 0, backups = 0;

    struct err e = look_at_parked(u, &a, now_ms, &parked);
    if (!err_failed(e))
        e = look_at_backups(u, &a, now_ms, &backups);
    if (!err_failed(e))
        e = look_at_nodes(u, &a, now_ms);
    *out_waits = parked + backups > 0 || u->has_updates || u->has_growing;
    return err_failed(e) ? err_make(e.code, "what waits could not be looked at") : OK;
}

/* --- the thread --- */

static int64_t sleep_ms(const struct upkeep *u, bool waits)
{
    if (u->is_behind)
        return NODES_EVERY_MS;
    return waits ? MINUTE_MS - clock_wall_ms(u->conf.clock) % MINUTE_MS : SLEEP_AT_MOST_MS;
}

/* Commits that come meanwhile are seen by the next look. */
static void rest_until(struct upkeep *u, int64_t boot_ms)
{
    uint64_t seen = store_generation(u->store);

    while (!atomic_load(&u->is_stopping) && clock_boot_ms(&clock_system) < boot_ms) {
        store_wait(u->store, seen, boot_ms);
        seen = store_generation(u->store);
    }
}

static void *work(void *context)
{
    struct upkeep *u = context;

    while (!atomic_load(&u->is_stopping)) {
        int64_t began_ms = clock_boot_ms(&clock_system);
        uint64_t seen = store_generation(u->store);
        bool waits = true;
        struct err e = upkeep_look(u, &waits);
        if (err_failed(e))
            log_error("upkeep failed; trying again", f_err(e));
        if (!atomic_load(&u->is_stopping))
            store_wait(u->store, seen, clock_boot_ms(&clock_system) + sleep_ms(u, waits));
        rest_until(u, began_ms + LOOK_EVERY_MS);
    }
    return NULL;
}

struct upkeep *upkeep_new(struct store *store, const struct upkeep_conf *conf)
{
    struct upkeep *u = calloc(1, sizeof(*u));

    check(u != NULL);
    u->store = store;
    u->conf = *conf;
    return u;
}

void upkeep_free(struct upkeep *u)
{
    free(u);
}

struct err upkeep_start(struct store *store, const struct upkeep_conf *conf, struct upkeep **out)
{
    struct upkeep *u = upkeep_new(store, conf);

    if (pthread_create(&u->thread, NULL, work, u) != 0) {
        upkeep_free(u);
        return err_make(ERR_LIMIT, "no thread for the upkeep");
    }
    *out = u;
    return OK;
}

void upkeep_stop(struct upkeep *u)
{
    if (!u)
        return;
    atomic_store(&u->is_stopping, true);
    store_wake(u->store);
    pthread_join(u->thread, NULL);
    upkeep_free(u);
}
