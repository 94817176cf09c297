/*
 * The thread: takes the clusters that changed, looks at each in a write transaction, and sleeps
 * until the next commit, report or deadline. Clusters are taken in batches, so that a restart with
 * thousands of them does not keep handlers waiting.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "controlplane/dns/dns.h"
#include "controlplane/reconcile/access.h"
#include "controlplane/reconcile/apply.h"
#include "controlplane/reconcile/certificates.h"
#include "controlplane/reconcile/discovery.h"
#include "controlplane/reconcile/endpoints.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/names.h"
#include "controlplane/reconcile/reconcile.h"
#include "controlplane/reconcile/rules.h"
#include "controlplane/reconcile/snapshots.h"
#include "controlplane/store/points.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BATCH            64
#define PRUNE_EVERY_MS   (3600 * 1000LL)
#define EXPIRE_EVERY_MS  (15 * 60 * 1000LL)
#define POINTS_MAX_BYTES (4LL << 30) /* beyond that the oldest points go before their time */
#define RETRY_MS         500         /* after the store refused (a full disk): look again */
#define SLEEP_AT_MOST_MS (3600 * 1000LL)

struct reconciler {
    struct store *store;
    struct reconcile_conf conf;
    struct arena arena; /* of one pass */
    pthread_t thread;
    bool has_thread;
    atomic_bool is_stopping;
    bool is_well; /* the last pass was */

    /* By the boot clock: a wall clock that is set back wakes nobody late. */
    int64_t began_boot_ms;
    int64_t wake_boot_ms; /* the earliest deadline of any cluster looked at */
    int64_t pruned_boot_ms;
    uint32_t told_serial; /* of the zone, when agents were last waken for it */

    bool is_access_pending;      /* a change of access waits for reports */
    int64_t access_wake_boot_ms; /* and no longer than this */

    bool are_snapshots_pending;     /* one waits for reports */
    int64_t snapshots_wake_boot_ms; /* when they are to be looked at without one */
};

/* --- time --- */

static int64_t boot_now(const struct reconciler *r)
{
    return clock_boot_ms(r->conf.clock);
}

/* When the boot clock will be there, if the wall clock goes on as it does. */
static int64_t boot_of(const struct reconciler *r, int64_t wall_ms)
{
    return wall_ms == INT64_MAX ? INT64_MAX
                                : boot_now(r) + (wall_ms - clock_wall_ms(r->conf.clock));
}

static void wake_at(struct reconciler *r, int64_t wall_ms)
{
    int64_t at_ms = boot_of(r, wall_ms);

    if (at_ms < r->wake_boot_ms)
        r->wake_boot_ms = at_ms;
}

/* --- one look --- */

/* Every commit of what was decided is made here. */
static struct err commit(struct reconciler *r, struct store_tx **tx)
{
    TRY(failpoint_before_commit(r->conf.failpoint));
    TRY(store_commit(tx));
    return failpoint_after_commit(r->conf.failpoint);
}

/* One look at one cluster, or at a group with all members; what it did is kept for after the
 * commit. */
struct look {
    struct view *clusters;
    struct node_list *before; /* of each */
    size_t count;
    struct group_view *group; /* NULL for a cluster outside of groups */
};

static void remember_nodes(struct arena *a, struct look *look)
{
    look->before = arena_array(a, look->count, sizeof(*look->before));
    for (size_t i = 0; i < look->count; i++) {
        const struct node_list *nodes = &look->clusters[i].nodes;
        look->before[i].count = nodes->count;
        look->before[i].items = arena_memdup(a, nodes->items, nodes->count * sizeof(*nodes->items));
    }
}

static struct err look_load(struct reconciler *r, struct store_tx *tx, const struct cluster *c,
                            struct region_view **regions, struct look *out)
{
    struct arena *a = store_arena(tx);
    int64_t now_ms = clock_wall_ms(r->conf.clock);

    *out = (struct look){0};
    if (c->group_id) {
        out->group = arena_new(a, struct group_view);
        TRY(group_view_load(tx, c->group_id, now_ms, regions, out->group));
        out->group->began_ms = now_ms - (boot_now(r) - r->began_boot_ms);
        if (r->conf.endpoint_pool)
            TRY(endpoints_load(tx, r->conf.endpoint_pool, out->group));
        out->clusters = out->group->members;
        out->count = out->group->member_count;
    } else {
        out->clusters = arena_new(a, struct view);
        TRY(view_load(tx, c->id, now_ms, regions, out->clusters));
        out->count = 1;
    }
    remember_nodes(a, out);
    return OK;
}

static struct err certify(struct reconciler *r, struct store_tx *tx, const struct look *look,
                          bool *goals)
{
    struct certifier by = {r->conf.authority, r->conf.dns_zone};
    int64_t wake_ms = INT64_MAX;

    for (size_t i = 0; i < look->count; i++) {
        const struct view *v = &look->clusters[i];
        bool is_member = look->group && v->cluster.shard_id;
        struct membership of = {
            .group = is_member ? look->group->group.name : NULL,
            .endpoints = is_member ? &member_shard(look->group, v)->endpoints : NULL,
        };
        TRY(certificates_look(tx, &by, v, is_member ? &of : NULL, goals, &wake_ms));
    }
    wake_at(r, wake_ms);
    return OK;
}

static struct err tell_nodes(struct reconciler *r, struct store_tx *tx, const struct look *look,
                             bool *goals)
{
    const char *zone = r->conf.tells_names ? r->conf.dns_zone : NULL;

    for (size_t i = 0; i < look->count; i++)
        TRY(discovery_look(tx, zone, &look->clusters[i], goals));
    return OK;
}

static struct err look_at(struct reconciler *r, struct store_tx *tx, const struct cluster *c,
                          struct region_view **regions, struct look *look, bool *goals)
{
    struct decisions decisions;

    TRY(look_load(r, tx, c, regions, look));
    decisions_init(&decisions, store_arena(tx));
    decisions.failpoint = r->conf.failpoint;
    if (look->group)
        groups_decide(look->group, &decisions);
    else
        rules_decide(look->clusters, &decisions);
    wake_at(r, decisions.wake_ms);
    TRY(apply_decisions(tx, &decisions, clock_wall_ms(r->conf.clock), goals));
    TRY(certify(r, tx, look, goals));
    return tell_nodes(r, tx, look, goals);
}

/* A group is looked at once, however many of its members were touched. */
static bool is_looked_at(const struct look *looks, size_t count, const struct cluster *c)
{
    for (size_t i = 0; i < count && c->group_id; i++)
        if (looks[i].group && looks[i].group->group.id == c->group_id)
            return true;
    return false;
}

static void publish_names(struct dns *dns, struct arena *a, const struct look *look)
{
    for (size_t i = 0; i < look->count; i++)
        names_publish(dns, a, &look->clusters[i], &look->before[i]);
    if (look->group)
        names_publish_group(dns, a, look->group);
}

/* Agents with a copy of the zone wait for its changes as they do for goals. */
static void tell_copies(struct reconciler *r)
{
    uint32_t serial = r->conf.dns ? dns_serial(r->conf.dns) : 0;

    if (serial == r->told_serial)
        return;
    r->told_serial = serial;
    if (r->conf.on_goals)
        r->conf.on_goals(r->conf.context);
}

/* Looks at up to BATCH clusters in one transaction and tells the world after its commit. */
static struct err run_batch(struct reconciler *r, struct arena *a, const int64_t *ids, size_t count)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct region_view *regions = NULL;
    struct look *looks = arena_array(a, count, sizeof(*looks));
    size_t looked = 0;
    bool has_goals = false;

    TRY(store_begin(r->store, STORE_WRITE, a, &tx));
    for (size_t i = 0; i < count; i++) {
        struct cluster c;
        struct err e = store_cluster_get(tx, ids[i], &c);
        if (err_is(e, ERR_NOT_FOUND))
            continue; /* deleted meanwhile */
        TRY(e);
        if (!is_looked_at(looks, looked, &c))
            TRY(look_at(r, tx, &c, &regions, &looks[looked++], &has_goals));
    }
    TRY(commit(r, &tx));
    if (has_goals && r->conf.on_goals)
        r->conf.on_goals(r->conf.context);
    for (size_t i = 0; i < looked && r->conf.dns; i++)
        publish_names(r->conf.dns, a, &looks[i]);
    tell_copies(r);
    return OK;
}

static struct err all_ids(struct reconciler *r, struct arena *a, int64_t **out, size_t *out_count)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    TRY(store_begin(r->store, STORE_READ, a, &tx));
    return store_cluster_ids(tx, out, out_count);
}

static struct err run_pass(struct reconciler *r, bool is_all, int64_t *ids, size_t count,
                           struct arena *a)
{
    if (is_all)
        TRY(all_ids(r, a, &ids, &count));
    for (size_t i = 0; i < count; i += BATCH) {
        scoped(arena_fini) struct arena batch = {0};
        struct err e = run_batch(r, &batch, ids + i, count - i < BATCH ? count - i : (size_t)BATCH);
        if (err_failed(e))
            return err_keep(a, e);
    }
    if (is_all && r->conf.dns)
        dns_settle(r->conf.dns);
    tell_copies(r);
    return OK;
}

/* Changes of who may enter caches: looked at when there are new ones, and at every report while
 * some wait for reports. */
static struct err run_access(struct reconciler *r, struct arena *a)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    bool has_goals = false, is_pending;
    int64_t wake_ms;

    if (!store_take_access(r->store) && !r->is_access_pending)
        return OK;
    r->is_access_pending = true; /* if this fails it is tried again */
    TRY(store_begin(r->store, STORE_WRITE, a, &tx));
    TRY(access_look(tx, clock_wall_ms(r->conf.clock), &has_goals, &is_pending, &wake_ms));
    failpoint_reach(r->conf.failpoint, "access", "change", "look");
    TRY(commit(r, &tx));
    r->is_access_pending = is_pending;
    r->access_wake_boot_ms = boot_of(r, wake_ms);
    if (has_goals && r->conf.on_goals)
        r->conf.on_goals(r->conf.context);
    return OK;
}

/* Snapshots: looked at when something changed, at every report while one is under way, and now and
 * then, for the old ones. */
static struct err run_snapshots(struct reconciler *r, struct arena *a)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    int64_t now_ms = clock_wall_ms(r->conf.clock), wake_ms;
    bool has_goals = false, is_pending;

    if (!store_take_snapshots(r->store) && !r->are_snapshots_pending &&
        boot_now(r) < r->snapshots_wake_boot_ms)
        return OK;
    r->are_snapshots_pending = true; /* if this fails it is tried again */
    TRY(store_begin(r->store, STORE_WRITE, a, &tx));
    TRY(snapshots_look(tx, now_ms, r->conf.failpoint, &has_goals, &is_pending, &wake_ms));
    TRY(commit(r, &tx));
    r->are_snapshots_pending = is_pending;
    r->snapshots_wake_boot_ms =
        boot_of(r, wake_ms < now_ms + EXPIRE_EVERY_MS ? wake_ms : now_ms + EXPIRE_EVERY_MS);
    if (has_goals && r->conf.on_goals)
        r->conf.on_goals(r->conf.context);
    return OK;
}

static void prune(struct reconciler *r, struct arena *a)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    int64_t now_ms = clock_wall_ms(r->conf.clock);

    if (boot_now(r) < r->pruned_boot_ms + PRUNE_EVERY_MS)
        return;
    r->pruned_boot_ms = boot_now(r);
    struct err e = store_begin(r->store, STORE_WRITE, a, &tx);
    if (!err_failed(e))
        e = store_event_prune(tx, now_ms - EVENT_KEEP_MS);
    if (!err_failed(e))
        e = store_point_prune(tx, now_ms - POINTS_KEEP_MS, POINTS_MAX_BYTES);
    if (!err_failed(e))
        e = store_commit(&tx);
    if (err_failed(e))
        log_warn("old events and points could not be removed", f_err(e));
}

/* Everything that changed, or all clusters when a deadline came; true when it went well. */
static bool run_once(struct reconciler *r, struct arena *a, bool is_all_due)
{
    bool is_all;
    int64_t *ids;
    size_t count;

    store_take_touched(r->store, a, &ids, &count, &is_all);
    is_all |= is_all_due;
    if (is_all)
        r->wake_boot_ms = INT64_MAX;
    struct err e = run_pass(r, is_all, ids, count, a);
    if (!err_failed(e))
        e = run_access(r, a);
    if (!err_failed(e))
        e = run_snapshots(r, a);
    if (err_failed(e))
        log_error("reconciling failed; trying again", f_err(e));
    prune(r, a);
    return !err_failed(e);
}

static int64_t next_boot_ms(const struct reconciler *r)
{
    int64_t next_ms = boot_now(r) + SLEEP_AT_MOST_MS;

    if (!r->is_well)
        return boot_now(r) + RETRY_MS;
    if (r->wake_boot_ms < next_ms)
        next_ms = r->wake_boot_ms;
    if (r->access_wake_boot_ms < next_ms)
        next_ms = r->access_wake_boot_ms;
    return r->snapshots_wake_boot_ms < next_ms ? r->snapshots_wake_boot_ms : next_ms;
}

int64_t reconcile_pass(struct reconciler *r)
{
    arena_reset(&r->arena);
    r->is_well = run_once(r, &r->arena, !r->is_well || boot_now(r) >= r->wake_boot_ms);
    return next_boot_ms(r);
}

static void *run(void *context)
{
    struct reconciler *r = context;

    while (!atomic_load(&r->is_stopping)) {
        uint64_t seen = store_generation(r->store);
        store_wait(r->store, seen, reconcile_pass(r));
    }
    return NULL;
}

/* --- from outside --- */

struct failpoint_names reconcile_failpoints(struct arena *a)
{
    struct failpoint_names names = {0};

    rules_name(a, &names);
    groups_name(a, &names);
    snapshots_name(a, &names);
    failpoint_names_add(a, &names, "access", "change", "look");
    return names;
}

struct reconciler *reconcile_new(struct store *store, const struct reconcile_conf *conf)
{
    struct reconciler *r = calloc(1, sizeof(*r));

    check(r != NULL);
    r->store = store;
    r->conf = *conf;
    r->is_well = true;
    r->began_boot_ms = boot_now(r);
    r->wake_boot_ms = r->access_wake_boot_ms = INT64_MAX;
    r->pruned_boot_ms = -PRUNE_EVERY_MS;
    return r;
}

struct err reconcile_start(struct store *store, const struct reconcile_conf *conf,
                           struct reconciler **out)
{
    struct reconciler *r = reconcile_new(store, conf);

    if (pthread_create(&r->thread, NULL, run, r) != 0) {
        free(r);
        return err_make(ERR_LIMIT, "no thread for the reconciler");
    }
    r->has_thread = true;
    *out = r;
    return OK;
}

void reconcile_stop(struct reconciler *r)
{
    if (!r)
        return;
    atomic_store(&r->is_stopping, true);
    store_wake(r->store);
    if (r->has_thread)
        pthread_join(r->thread, NULL);
    arena_fini(&r->arena);
    free(r);
}
