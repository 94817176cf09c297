/*
 * The thread: takes the clusters that changed and those whose deadline came, looks at each in a
 * write transaction, and sleeps until the next commit, report or deadline. When all are to be
 * looked at they go on a list from which a few are taken at a time, so that neither what changed
 * meanwhile nor handlers wait for thousands of them.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "controlplane/dns/dns.h"
#include "controlplane/reconcile/access.h"
#include "controlplane/reconcile/alarms.h"
#include "controlplane/reconcile/apply.h"
#include "controlplane/reconcile/certificates.h"
#include "controlplane/reconcile/discovery.h"
#include "controlplane/reconcile/endpoints.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/lease_length.h"
#include "controlplane/reconcile/names.h"
#include "controlplane/reconcile/reconcile.h"
#include "controlplane/reconcile/regions.h"
#include "controlplane/reconcile/rules.h"
#include "controlplane/reconcile/snapshots.h"
#include "controlplane/store/points.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/store/store.h"
#include "controlplane/vote/vote.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BATCH            64
#define BACKLOG_BATCH    8
#define ALL_EVERY_MS     (5 * 60 * 1000LL) /* should anything have been missed */
#define PRUNE_EVERY_MS   (3600 * 1000LL)
#define EXPIRE_EVERY_MS  (15 * 60 * 1000LL)
#define POINTS_MAX_BYTES (4LL << 30) /* beyond that the oldest points go before their time */
#define RETRY_MS         500         /* after the store refused (a full disk): look again */
#define LATER_MS         200         /* what nobody waits for is looked at together */
#define SLEEP_AT_MOST_MS (3600 * 1000LL)

struct reconciler {
    struct store *store;
    struct reconcile_conf conf;
    struct arena arena; /* of one pass */
    pthread_t thread;
    bool has_thread;
    atomic_bool is_stopping;
    bool is_well; /* the last pass was */

    struct regions regions;
    int64_t *backlog; /* clusters that are to be looked at when there is time */
    size_t backlog_count, backlog_done;

    /* By the boot clock: a wall clock that is set back wakes nobody late. */
    int64_t began_boot_ms;
    int64_t all_boot_ms;  /* when all clusters were put into the backlog */
    struct alarms alarms; /* what looks wait for */
    int64_t pruned_boot_ms;
    uint32_t told_serial; /* of the zone, when agents were last waken for it */

    int64_t
        later_boot_ms; /* when what was touched for later is looked at; INT64_MAX: nothing was */

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

static int64_t min_ms(int64_t a, int64_t b)
{
    return a < b ? a : b;
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
    struct subject about;
    struct view *clusters;
    struct node_list *before; /* of each */
    size_t count;
    struct group_view *group; /* NULL for a cluster outside of groups */
    int64_t vote_boot_ms;     /* when the own vote can be given */
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

static struct subject subject_of(const struct cluster *c)
{
    return c->group_id ? (struct subject){true, c->group_id} : (struct subject){false, c->id};
}

/* The control plane's own vote stands among the others'. Where it cannot be given yet, another look
 * is due. */
static void take_own_vote(struct reconciler *r, struct arena *a, struct look *look)
{
    struct group_view *g = look->group;

    g->has_vote = r->conf.vote != NULL;
    for (size_t i = 0; i < g->shards.count && g->has_vote; i++) {
        const struct shard *s = &g->shards.items[i];
        int64_t wait_ms;
        if (s->lease.asked_term == 0 || !voters_have(s->lease.voters, CONTROL_PLANE_VOTER))
            continue;
        if (vote_promise(r->conf.vote, s->id, s->lease.asked_term, &wait_ms))
            promises_add(a, &g->promises, CONTROL_PLANE_VOTER, s->id, s->lease.asked_term);
        else if (wait_ms != INT64_MAX && boot_now(r) + wait_ms < look->vote_boot_ms)
            look->vote_boot_ms = boot_now(r) + wait_ms;
    }
}

/* What it votes on is told to it after each commit: it grants nothing below what is in the store.
 */
static void tell_own_vote(struct reconciler *r, const struct group_view *g)
{
    for (size_t i = 0; i < g->shards.count && r->conf.vote; i++) {
        const struct shard *s = &g->shards.items[i];
        int64_t term = s->goal.term;
        if (s->lease.asked_term > term)
            term = s->lease.asked_term - 1; /* that one is promised when it may be */
        if (voters_have(s->lease.voters, CONTROL_PLANE_VOTER) && !g->is_removed)
            vote_know(r->conf.vote, s->id, term, shard_lease_most_ms(&s->lease));
        else
            vote_forget(r->conf.vote, s->id);
    }
}

static struct err look_load(struct reconciler *r, struct store_tx *tx, struct subject about,
                            struct look *out)
{
    struct arena *a = store_arena(tx);
    int64_t now_ms = clock_wall_ms(r->conf.clock);

    *out = (struct look){.about = about, .vote_boot_ms = INT64_MAX};
    if (about.is_group) {
        out->group = arena_new(a, struct group_view);
        TRY(group_view_load(tx, about.id, now_ms, &r->regions, out->group));
        out->group->began_ms = now_ms - (boot_now(r) - r->began_boot_ms);
        if (r->conf.endpoint_pool)
            TRY(endpoints_load(tx, r->conf.endpoint_pool, out->group));
        out->group->replace_after_ms = r->conf.replace_after_ms;
        out->group->lease_calm_ms = LEASE_CALM_MS;
        take_own_vote(r, a, out);
        out->clusters = out->group->members;
        out->count = out->group->member_count;
    } else {
        out->clusters = arena_new(a, struct view);
        TRY(view_load(tx, about.id, now_ms, &r->regions, out->clusters));
        out->count = 1;
    }
    remember_nodes(a, out);
    return OK;
}

static struct err certify(struct reconciler *r, struct store_tx *tx, const struct look *look,
                          bool *goals, int64_t *wake_ms)
{
    struct certifier by = {r->conf.authority, r->conf.dns_zone};

    for (size_t i = 0; i < look->count; i++) {
        const struct view *v = &look->clusters[i];
        bool is_member = look->group && v->cluster.shard_id;
        struct membership of = {
            .group = is_member ? look->group->group.name : NULL,
            .endpoints = is_member ? &member_shard(look->group, v)->endpoints : NULL,
        };
        TRY(certificates_look(tx, &by, v, is_member ? &of : NULL, goals, wake_ms));
    }
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

static struct err look_decide(struct reconciler *r, struct store_tx *tx, struct look *look,
                              bool *goals)
{
    struct decisions decisions;

    decisions_init(&decisions, store_arena(tx));
    decisions.failpoint = r->conf.failpoint;
    if (look->group)
        groups_decide(look->group, &decisions);
    else
        rules_decide(look->clusters, &decisions);
    TRY(apply_decisions(tx, &decisions, clock_wall_ms(r->conf.clock), goals));
    TRY(certify(r, tx, look, goals, &decisions.wake_ms));
    TRY(tell_nodes(r, tx, look, goals));
    alarms_set(&r->alarms, look->about, min_ms(boot_of(r, decisions.wake_ms), look->vote_boot_ms));
    return OK;
}

/* A group is looked at once, however many of its members were touched. */
static bool is_looked_at(const struct look *looks, size_t count, struct subject about)
{
    for (size_t i = 0; i < count; i++)
        if (looks[i].about.id == about.id && looks[i].about.is_group == about.is_group)
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

/* Whom writes wait for: before the names are looked at, and before all others are told. */
static void tell_primaries(struct reconciler *r, struct arena *a)
{
    uint64_t *keys;
    size_t count;

    store_take_told_first(r->store, a, &keys, &count);
    if (r->conf.on_goals && count > 0)
        r->conf.on_goals(r->conf.context, keys, count);
}

/* Hosts whose goals were changed by anybody's commit. */
static void tell_hosts(struct reconciler *r, struct arena *a)
{
    uint64_t *keys;
    size_t count;
    bool is_all;

    store_take_told(r->store, a, &keys, &count, &is_all);
    if (r->conf.on_goals && (is_all || count > 0))
        r->conf.on_goals(r->conf.context, is_all ? NULL : keys, count);
}

/* Agents with a copy of the zone wait for its changes as they do for goals. */
static void tell_copies(struct reconciler *r)
{
    uint32_t serial = r->conf.dns ? dns_serial(r->conf.dns) : 0;

    if (serial == r->told_serial)
        return;
    r->told_serial = serial;
    if (r->conf.on_names)
        r->conf.on_names(r->conf.context);
}

/* What is looked at in one transaction. */
struct pass {
    struct store_tx *tx;
    struct look *looks;
    size_t count;
    bool has_goals;
};

/* What was deleted meanwhile is passed over. */
static struct err pass_look(struct reconciler *r, struct pass *p, struct subject about)
{
    if (is_looked_at(p->looks, p->count, about))
        return OK;
    struct look *look = &p->looks[p->count];
    struct err e = look_load(r, p->tx, about, look);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    p->count++;
    return look_decide(r, p->tx, look, &p->has_goals);
}

static struct err pass_begin(struct reconciler *r, struct arena *a, struct pass *out)
{
    *out = (struct pass){.looks = arena_array(a, BATCH, sizeof(*out->looks))};
    TRY(store_begin(r->store, STORE_WRITE, a, &out->tx));
    regions_begin(&r->regions);
    return OK;
}

/* The world is told after the commit, and agents before all others. */
static struct err pass_end(struct reconciler *r, struct arena *a, struct pass *p)
{
    TRY(regions_error(&r->regions));
    TRY(commit(r, &p->tx));
    tell_primaries(r, a);
    for (size_t i = 0; i < p->count; i++)
        if (p->looks[i].group)
            tell_own_vote(r, p->looks[i].group);
    for (size_t i = 0; i < p->count && r->conf.dns; i++)
        publish_names(r->conf.dns, a, &p->looks[i]);
    tell_hosts(r, a);
    tell_copies(r);
    return OK;
}

static struct err pass_clusters(struct reconciler *r, struct pass *p, const int64_t *ids,
                                size_t count, size_t *done)
{
    for (; *done < count && p->count < BATCH; ++*done) {
        struct cluster c;
        struct err e = store_cluster_get(p->tx, ids[*done], &c);
        if (err_is(e, ERR_NOT_FOUND))
            continue; /* deleted meanwhile */
        TRY(e);
        TRY(pass_look(r, p, subject_of(&c)));
    }
    return OK;
}

/* Some of the clusters; `*done` of them were looked at before. */
static struct err run_clusters(struct reconciler *r, struct arena *a, const int64_t *ids,
                               size_t count, size_t *done)
{
    scoped(arena_fini) struct arena own = {0};
    struct pass p;

    struct err e = pass_begin(r, &own, &p);
    if (!err_failed(e))
        e = pass_clusters(r, &p, ids, count, done);
    if (!err_failed(e))
        e = pass_end(r, &own, &p);
    store_rollback(&p.tx);
    return err_keep(a, e);
}

static struct err pass_alarms(struct reconciler *r, struct pass *p)
{
    int64_t now_ms = boot_now(r);
    struct subject about;

    while (p->count < BATCH && alarms_take(&r->alarms, now_ms, &about))
        TRY(pass_look(r, p, about));
    return OK;
}

/* Those whose deadline came. */
static struct err run_alarms(struct reconciler *r, struct arena *a)
{
    scoped(arena_fini) struct arena own = {0};
    struct pass p;

    if (alarms_next_ms(&r->alarms) > boot_now(r))
        return OK;
    struct err e = pass_begin(r, &own, &p);
    if (!err_failed(e))
        e = pass_alarms(r, &p);
    if (!err_failed(e))
        e = pass_end(r, &own, &p);
    store_rollback(&p.tx);
    return err_keep(a, e);
}

/* --- all of them, when there is time --- */

static bool has_backlog(const struct reconciler *r)
{
    return r->backlog_done < r->backlog_count;
}

static struct err backlog_fill(struct reconciler *r, struct arena *a)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    int64_t *ids;
    size_t count;

    TRY(store_begin(r->store, STORE_READ, a, &tx));
    TRY(store_cluster_firsts(tx, &ids, &count)); /* a group is looked at with all its members */
    free(r->backlog);
    r->backlog = malloc((count + 1) * sizeof(*r->backlog));
    check(r->backlog != NULL);
    if (count)
        memcpy(r->backlog, ids, count * sizeof(*ids));
    r->backlog_count = count;
    r->backlog_done = 0;
    r->all_boot_ms = boot_now(r);
    if (count == 0 && r->conf.dns)
        dns_settle(r->conf.dns);
    return OK;
}

static struct err run_backlog(struct reconciler *r, struct arena *a)
{
    size_t left = r->backlog_count - r->backlog_done, done = 0;

    if (left == 0)
        return OK;
    size_t count = left < BACKLOG_BATCH ? left : BACKLOG_BATCH;
    TRY(run_clusters(r, a, r->backlog + r->backlog_done, count, &done));
    r->backlog_done += done;
    if (!has_backlog(r) && r->conf.dns)
        dns_settle(r->conf.dns);
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
    tell_hosts(r, a);
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
    tell_hosts(r, a);
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

static struct err run_all_of(struct reconciler *r, struct arena *a, const int64_t *ids,
                             size_t count)
{
    size_t done = 0;

    while (done < count)
        TRY(run_clusters(r, a, ids, count, &done));
    return OK;
}

/* What changed. */
static struct err run_touched(struct reconciler *r, struct arena *a, bool is_all_due)
{
    bool is_all;
    int64_t *ids;
    size_t count;

    store_take_touched(r->store, a, &ids, &count, &is_all);
    TRY(run_all_of(r, a, ids, count));
    return is_all || is_all_due ? backlog_fill(r, a) : OK;
}

static struct err run_touched_later(struct reconciler *r, struct arena *a)
{
    int64_t *ids;
    size_t count;

    if (r->later_boot_ms == INT64_MAX && store_has_touched_later(r->store))
        r->later_boot_ms = boot_now(r) + LATER_MS;
    if (boot_now(r) < r->later_boot_ms)
        return OK;
    r->later_boot_ms = INT64_MAX;
    store_take_touched_later(r->store, a, &ids, &count);
    return run_all_of(r, a, ids, count);
}

/* True when it went well. */
static bool run_once(struct reconciler *r, struct arena *a, bool is_all_due)
{
    tell_hosts(r, a);
    struct err e = run_touched(r, a, is_all_due);
    if (!err_failed(e))
        e = run_touched_later(r, a);
    if (!err_failed(e))
        e = run_alarms(r, a);
    if (!err_failed(e))
        e = run_backlog(r, a);
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
    if (has_backlog(r))
        return boot_now(r);
    next_ms = min_ms(next_ms, r->all_boot_ms + ALL_EVERY_MS);
    next_ms = min_ms(next_ms, alarms_next_ms(&r->alarms));
    next_ms = min_ms(next_ms, r->later_boot_ms);
    next_ms = min_ms(next_ms, r->access_wake_boot_ms);
    return min_ms(next_ms, r->snapshots_wake_boot_ms);
}

int64_t reconcile_pass(struct reconciler *r)
{
    arena_reset(&r->arena);
    r->is_well =
        run_once(r, &r->arena, !r->is_well || boot_now(r) >= r->all_boot_ms + ALL_EVERY_MS);
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
    r->access_wake_boot_ms = r->later_boot_ms = INT64_MAX;
    r->all_boot_ms = boot_now(r);
    regions_init(&r->regions, store, conf->cpu_overcommit);
    alarms_init(&r->alarms);
    r->pruned_boot_ms = -PRUNE_EVERY_MS;
    return r;
}

struct err reconcile_start(struct store *store, const struct reconcile_conf *conf,
                           struct reconciler **out)
{
    struct reconciler *r = reconcile_new(store, conf);

    if (pthread_create(&r->thread, NULL, run, r) != 0) {
        reconcile_stop(r);
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
    regions_fini(&r->regions);
    alarms_fini(&r->alarms);
    free(r->backlog);
    arena_fini(&r->arena);
    free(r);
}
