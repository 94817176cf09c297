/*
 * Hosts sync and report; a thread notices those that fell silent. What a host is told depends on
 * nothing but the store, so that any larderd could answer.
 */
#include "controlplane/fleet/fleet.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/vec.h"
#include "contract/agent.h"
#include "controlplane/fleet/builds.h"
#include "controlplane/fleet/epochs.h"
#include "controlplane/fleet/goals.h"
#include "controlplane/fleet/hosts.h"
#include "controlplane/fleet/leases.h"
#include "controlplane/fleet/samples.h"
#include "controlplane/fleet/sights.h"
#include "controlplane/fleet/tasks.h"
#include "controlplane/fleet/topologies.h"
#include "controlplane/fleet/verify.h"
#include "controlplane/store/leader.h"
#include "controlplane/store/leases.h"
#include "controlplane/store/log_delivery.h"
#include "controlplane/store/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct fleet {
    struct store *store;
    struct fleet_conf conf;
    struct presence_table present;
    struct sights sights;
    struct topologies topologies;

    pthread_t watcher;
    pthread_mutex_t lock; /* guards is_stopping and is_fresh */
    pthread_cond_t changed;
    bool is_stopping;
    bool is_fresh; /* a host enrolled: the next moment of silence must be found anew */
};

static int64_t boot_now(const struct fleet *f)
{
    return clock_boot_ms(f->conf.clock);
}

/* --- silence --- */

static bool is_among(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

/* Whoever looks for why a shard waits finds it in the log. */
static struct err tell_regions(struct store_tx *tx, const char *const *before, size_t count)
{
    const char **after;
    size_t after_count;

    TRY(store_silent_regions(tx, &after, &after_count));
    for (size_t i = 0; i < after_count; i++)
        if (!is_among(after[i], before, count))
            log_warn("most hosts of a region are silent: only what is certain is acted on",
                     f_str("region", after[i]));
    return OK;
}

static struct err mark_one(struct fleet *f, struct store_tx *tx, const struct presence_change *c)
{
    if (c->level == PRESENCE_QUIET)
        return store_host_quiet(tx, c->host_id, true);
    log_warn("host is silent", f_str("host", c->host_id));
    TRY(store_host_silence(tx, c->host_id, true, clock_wall_ms(f->conf.clock)));
    store_touch_all(tx);
    return store_touch_host(tx, c->host_id);
}

/* How far its nodes came is no news while there is more to come. */
static struct err record_last_words(struct fleet *f, struct store_tx *tx, const char *host_id)
{
    int64_t *ids, offset;
    size_t count;

    TRY(store_saw_of_host(tx, host_id, &ids, &count));
    for (size_t i = 0; i < count; i++)
        if (sights_offset(&f->sights, host_id, ids[i], &offset))
            TRY(store_saw_offset(tx, ids[i], offset));
    return OK;
}

static struct err mark_unheard(struct fleet *f, struct arena *a,
                               const struct presence_change *changes, size_t count)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    const char **regions;
    size_t region_count;

    TRY(store_begin(f->store, STORE_WRITE, a, &tx));
    TRY(store_silent_regions(tx, &regions, &region_count));
    for (size_t i = 0; i < count; i++) {
        TRY(record_last_words(f, tx, changes[i].host_id));
        TRY(mark_one(f, tx, &changes[i]));
    }
    TRY(tell_regions(tx, regions, region_count));
    return store_commit(&tx);
}

/* Waits until `until_boot_ms`, a new host or the end; false at the end. */
static bool watcher_wait(struct fleet *f, int64_t until_boot_ms)
{
    struct timespec until;
    int64_t left_ms = until_boot_ms == INT64_MAX ? 3600 * 1000 : until_boot_ms - boot_now(f);

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += left_ms > 0 ? left_ms / 1000 : 0;
    until.tv_nsec += left_ms > 0 ? left_ms % 1000 * 1000000 : 0;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&f->lock);
    while (!f->is_stopping && !f->is_fresh &&
           pthread_cond_timedwait(&f->changed, &f->lock, &until) == 0)
        continue;
    f->is_fresh = false;
    bool goes_on = !f->is_stopping;
    pthread_mutex_unlock(&f->lock);
    return goes_on;
}

static void *watch(void *context)
{
    struct fleet *f = context;
    scoped(arena_fini) struct arena a = {0};
    int64_t next_ms;

    do {
        const struct presence_limits limits = {f->conf.quiet_ms, f->conf.silent_ms};
        struct presence_change *changes;
        size_t count;
        arena_reset(&a);
        presence_take_unheard(&f->present, &a, boot_now(f), &limits, &changes, &count, &next_ms);
        struct err e = count ? mark_unheard(f, &a, changes, count) : OK;
        if (err_failed(e))
            log_error("silence could not be recorded", f_err(e));
    } while (watcher_wait(f, next_ms));
    return NULL;
}

static void watcher_signal(struct fleet *f, bool is_stopping)
{
    pthread_mutex_lock(&f->lock);
    f->is_stopping |= is_stopping;
    f->is_fresh = true;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

/* Every host of the store counts as heard just now, so that a restart makes nobody silent. */
static struct err load_hosts(struct fleet *f)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct host_list hosts;

    struct err e = store_begin(f->store, STORE_READ, &a, &tx);
    if (!err_failed(e))
        e = store_host_list(tx, "", &hosts);
    if (err_failed(e))
        return err_make(e.code, "the known hosts cannot be read");
    for (size_t i = 0; i < hosts.count; i++) {
        const struct host *h = &hosts.items[i];
        presence_enrol(&f->present, h->id, h->incarnation, boot_now(f));
        presence_mark(&f->present, h->id,
                      h->is_silent  ? PRESENCE_SILENT
                      : h->is_quiet ? PRESENCE_QUIET
                                    : PRESENCE_HEARD);
    }
    return OK;
}

struct err fleet_start(struct store *store, const struct fleet_conf *conf, struct fleet **out)
{
    struct fleet *f = calloc(1, sizeof(*f));
    check(f != NULL);
    f->store = store;
    f->conf = *conf;
    presence_init(&f->present);
    sights_init(&f->sights);
    topologies_init(&f->topologies);
    struct err e = load_hosts(f);
    if (err_failed(e)) {
        presence_fini(&f->present);
        sights_fini(&f->sights);
        topologies_fini(&f->topologies);
        free(f);
        return e;
    }

    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, &attr);
    pthread_condattr_destroy(&attr);
    check(pthread_create(&f->watcher, NULL, watch, f) == 0);
    *out = f;
    return OK;
}

void fleet_stop(struct fleet *f)
{
    if (!f)
        return;
    watcher_signal(f, true);
    pthread_join(f->watcher, NULL);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->changed);
    presence_fini(&f->present);
    sights_fini(&f->sights);
    topologies_fini(&f->topologies);
    free(f);
}

/* --- what hosts say --- */

static bool is_given(const char *text)
{
    return text && *text;
}

static struct err check_host(struct arena *a, const struct agent_host *h)
{
    struct ip_block pool;

    if (!is_given(h->host_id) || !is_given(h->name) || !is_given(h->incarnation) ||
        !is_given(h->region) || !is_given(h->zone))
        return err_make(FAULT_INVALID_PARAMETER_VALUE,
                        "a host needs an id, a name, an incarnation, a region and a zone");
    if (h->memory_bytes.value <= 0)
        return err_make(FAULT_INVALID_PARAMETER_VALUE, "a host must offer some memory");
    if (!ip_block_parse(str_of(h->pool), &pool) || ip_is_v6(&pool.first))
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE, "'%s' is not a block of addresses",
                          h->pool ? h->pool : "");
    if (is_given(h->pool6) && (!ip_block_parse(str_of(h->pool6), &pool) || !ip_is_v6(&pool.first)))
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "'%s' is not a block of addresses of IPv6", h->pool6);
    return OK;
}

/* "bundled=0.1.0 redis=7.0.15" */
static const char *engines_text(struct arena *a, const struct agent_host_engine_list *engines)
{
    const char *text = "";
    for (size_t i = 0; i < engines->count; i++) {
        const struct agent_host_engine *e = &engines->items[i];
        text =
            arena_printf(a, "%s%s%s=%s", text, i ? " " : "",
                         is_given(e->engine) ? e->engine : e->driver, e->version ? e->version : "");
    }
    return text;
}

/* Who renews leases at this host is told when it votes elsewhere than before. */
static struct err tell_voter(struct store_tx *tx, const struct host *host)
{
    struct host before;
    struct err e = store_host_get(tx, host->id, &before);

    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    bool is_same =
        before.peer_port == host->peer_port && strcmp(before.peer_address, host->peer_address) == 0;
    return is_same ? OK : store_hosts_raise_all(tx);
}

/* Records a host or its new incarnation. */
static struct err enrol(struct fleet *f, struct store_tx *tx, const struct agent_host *in)
{
    struct arena *a = store_arena(tx);
    struct host host = {
        .id = in->host_id,
        .region = in->region,
        .zone = in->zone,
        .name = in->name,
        .incarnation = in->incarnation,
        .boot_id = in->boot_id,
        .agent_version = in->agent_version ? in->agent_version : "",
        .memory_bytes = in->memory_bytes.value,
        .vcpus = (int)in->v_cpus.value,
        .pool = in->pool,
        .pool6 = is_given(in->pool6) ? in->pool6 : "",
        .engines = engines_text(a, &in->engines),
        .peer_address = is_given(in->peer_address) ? in->peer_address : "",
        .peer_port = (int)in->peer_port.value,
        .enrolled_ms = clock_wall_ms(f->conf.clock),
    };

    const char *before;
    TRY(builds_offered_before(tx, host.id, &before));
    TRY(tell_voter(tx, &host));
    struct err e = store_host_put(tx, &host);
    if (err_is(e, ERR_EXISTS))
        return err_format(a, FAULT_HOST_NAME_TAKEN,
                          "another host of region %s is called '%s': give this one its own --name",
                          in->region, in->name);
    TRY(e);
    TRY(builds_record(tx, &host, before));
    store_touch_all(tx);
    log_info("host enrolled", f_str("host", in->name), f_str("region", in->region),
             f_str("zone", in->zone), f_str("pool", in->pool));
    return OK;
}

/* One node's report in the store's words. */
static struct err sight_of(struct arena *a, const char *host_id, const struct agent_node_report *in,
                           struct node_saw *out)
{
    *out = (struct node_saw){
        .has = true,
        .host_id = host_id,
        .boot_count = in->boot_count.value,
        .pid = (int)in->pid.value,
        .crashes = in->crashes.value,
        .last_exit = in->last_exit ? in->last_exit : "",
        .why = in->why ? in->why : "",
        .applied_settings = in->applied_settings ? in->applied_settings : "",
        .is_reboot_pending = in->is_reboot_pending.value,
        .has_bad_seed = in->has_bad_seed.value,
        .is_killed = in->is_killed.value,
        .is_silent = in->is_silent.value,
        .is_unleased = in->is_unleased.value,
        .build = in->build ? in->build : "",
        .role = in->role ? in->role : "",
        .term = in->term.value,
        .offset = in->replication_offset.value,
        .lineage = in->lineage.value,
        .is_link_up = in->is_link_up.value,
        .used_bytes = in->used_memory_bytes.has ? in->used_memory_bytes.value : -1,
    };
    if (!in->state || !node_state_parse(in->state, &out->state))
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE, "'%s' is not a state of a node",
                          in->state ? in->state : "");
    return OK;
}

static struct err log_errors_record(struct store_tx *tx, const struct agent_node_report *in)
{
    struct log_error *errors = arena_array(store_arena(tx), in->log_errors.count, sizeof(*errors));

    for (size_t i = 0; i < in->log_errors.count; i++) {
        errors[i].log_type = in->log_errors.items[i].log_type;
        errors[i].why = in->log_errors.items[i].why;
    }
    return store_log_errors_set(tx, in->node_id.value, errors, in->log_errors.count);
}

/* `is_back`: nothing was heard of the host for a while, and each word of it is news. */
static struct err record_nodes(struct fleet *f, struct store_tx *tx, const char *host_id,
                               const struct agent_node_report_list *nodes, bool is_back)
{
    for (size_t i = 0; i < nodes->count; i++) {
        struct node_saw saw;
        bool is_changed;
        TRY(sight_of(store_arena(tx), host_id, &nodes->items[i], &saw));
        saw.seen_ms = clock_wall_ms(f->conf.clock);
        saw.is_news = is_back;
        TRY(store_saw_set(tx, nodes->items[i].node_id.value, &saw, &is_changed));
        TRY(tasks_record(tx, &nodes->items[i]));
        TRY(log_errors_record(tx, &nodes->items[i]));
        if (is_changed)
            log_debug("node seen", f_int("node", nodes->items[i].node_id.value),
                      f_str("state", node_state_name(saw.state)), f_int("pid", saw.pid),
                      f_str("why", saw.why));
    }
    return OK;
}

static bool is_reported(const struct agent_node_report_list *nodes, int64_t node_id)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i].node_id.value == node_id)
            return true;
    return false;
}

/* A sync names every node of the host: what it does not name is gone from there. */
static struct err forget_the_rest(struct store_tx *tx, const char *host_id,
                                  const struct agent_node_report_list *nodes)
{
    int64_t *ids;
    size_t count;

    TRY(store_saw_of_host(tx, host_id, &ids, &count));
    for (size_t i = 0; i < count; i++)
        if (!is_reported(nodes, ids[i]))
            TRY(store_saw_remove(tx, ids[i]));
    return OK;
}

/* The host is not what it was marked as. */
static struct err record_return(struct store_tx *tx, const char *host_id,
                                enum presence_level before)
{
    if (before == PRESENCE_HEARD)
        return OK;
    if (before == PRESENCE_QUIET)
        return store_host_quiet(tx, host_id, false);
    log_info("host is back", f_str("host", host_id));
    TRY(store_host_silence(tx, host_id, false, 0));
    store_touch_all(tx);
    return store_touch_host(tx, host_id); /* those with nodes there come first */
}

/* How late renewals of leases are there. */
static int64_t late_ms(const struct agent_sync_in *in)
{
    return in->host->lease_late_ms.has ? in->host->lease_late_ms.value : -1;
}

/* Leases of its nodes may have to be longer. */
static struct err record_lateness(struct fleet *f, struct store_tx *tx,
                                  const struct agent_sync_in *in)
{
    const char *host_id = in->host->host_id;

    if (!presence_late_is_news(&f->present, host_id, late_ms(in)))
        return OK;
    TRY(store_host_late(tx, host_id, late_ms(in)));
    return store_touch_host(tx, host_id);
}

static struct err write_sync(struct fleet *f, struct arena *a, const struct agent_sync_in *in,
                             bool is_new, enum presence_level before, bool *out_counts)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(f->store, is_new ? STORE_WRITE : STORE_NOTE, a, &tx));
    if (is_new)
        TRY(enrol(f, tx, in->host));
    TRY(record_return(tx, in->host->host_id, before));
    *out_counts =
        is_new || presence_take_message(&f->present, in->host->host_id, in->message_number.value);
    if (*out_counts) {
        TRY(record_nodes(f, tx, in->host->host_id, &in->nodes, before != PRESENCE_HEARD));
        TRY(forget_the_rest(tx, in->host->host_id, &in->nodes));
        TRY(leases_record(tx, in->host->host_id, &in->promised));
        TRY(record_lateness(f, tx, in));
    }
    return store_commit(&tx);
}

/* A beat that says nothing new ends here. */
static struct err record_sync(struct fleet *f, struct arena *a, const struct agent_sync_in *in,
                              bool is_new, enum presence_level before)
{
    const char *host_id = in->host->host_id;
    bool counts;

    if (!is_new && before == PRESENCE_HEARD && in->promised.count == 0 &&
        !presence_late_is_news(&f->present, host_id, late_ms(in)) &&
        !sights_are_news(&f->sights, host_id, &in->nodes)) {
        (void)presence_take_message(&f->present, host_id, in->message_number.value);
        return OK;
    }
    sights_begin(&f->sights, host_id, is_new);
    presence_wait_begin(&f->present, host_id);
    struct err e = write_sync(f, a, in, is_new, before, &counts);
    presence_wait_end(&f->present, host_id, boot_now(f));
    if (err_failed(e))
        sights_fail(&f->sights, host_id);
    else
        sights_end(&f->sights, host_id, in->message_number.value, counts ? &in->nodes : NULL, true);
    if (!err_failed(e) && counts)
        presence_late_is_kept(&f->present, host_id, late_ms(in));
    return e;
}

static struct err superseded(void)
{
    return err_make(
        FAULT_HOST_SUPERSEDED,
        "another agent has taken this host's place: its state directory is in use twice");
}

/* --- what hosts hear --- */

static struct epoch_word word_of(const struct agent_sync_in *in)
{
    return (struct epoch_word){in->host->host_id, in->epoch.value, in->leader.value,
                               in->leader_heard_ms.value};
}

/* What the agent holds is what it was told here last: other generations may be of another store, as
 * from before a backup was played back. */
static struct err find_since(struct fleet *f, struct store_tx *tx, const struct agent_sync_in *in,
                             int64_t *out)
{
    const char *host_id = in->host->host_id;
    int64_t whole;

    TRY(store_host_whole(tx, host_id, &whole));
    const struct epoch_word word = word_of(in);
    bool is_known = in->takes_changes.value && epochs_share_numbers(f->store, &word) &&
                    presence_was_told(&f->present, host_id, in->seen_generation.value);
    *out = is_known && in->seen_generation.value - 1 >= whole ? in->seen_generation.value - 1
                                                              : SINCE_EVER;
    return OK;
}

static struct err write_goals(struct fleet *f, struct store_tx *tx, const struct agent_sync_in *in,
                              struct agent_sync_out *out)
{
    const struct vote_place own = {f->conf.vote_address, f->conf.vote_port};
    const char *host_id = in->host->host_id;
    int64_t since;

    TRY(find_since(f, tx, in, &since));
    if (since != SINCE_EVER)
        out->is_partial = BOOL_OF(true);
    TRY(goals_of_host(tx, host_id, since, &out->goals));
    TRY(topologies_tell(&f->topologies, tx, in->takes_topologies.value, &out->goals,
                        &out->topologies));
    TRY(leases_locate(tx, &own, &out->goals));
    out->lease_key = f->conf.lease_key;
    return leases_promises(tx, host_id, &out->promises);
}

static struct err answer(struct fleet *f, struct arena *a, const struct agent_sync_in *in,
                         bool may_wait, struct agent_sync_out *out, bool *out_is_same)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    int64_t generation;

    TRY(store_begin(f->store, STORE_READ, a, &tx));
    TRY(store_host_generation(tx, in->host->host_id, &generation));
    /* Generations begin at 1 on the wire: an agent that holds nothing sends 0 and must be told. */
    generation++;
    const struct epoch_word word = word_of(in);
    *out_is_same = in->seen_generation.value == generation && epochs_share_numbers(f->store, &word);
    if (*out_is_same && may_wait)
        return OK;
    out->generation = INT_OF(generation);
    out->epoch = INT_OF(store_epoch(f->store));
    out->leader = INT_OF(store_instance(f->store));
    out->is_changed = BOOL_OF(!*out_is_same);
    if (*out_is_same)
        return OK;
    TRY(write_goals(f, tx, in, out));
    presence_tell(&f->present, in->host->host_id, generation);
    return OK;
}

struct err fleet_sync(struct fleet *f, struct arena *a, const struct agent_sync_in *in,
                      bool is_again, bool may_wait, struct agent_sync_out *out,
                      int64_t *out_wait_ms)
{
    const struct agent_host *host = in->host;
    enum presence_level before = PRESENCE_HEARD;
    bool is_same;

    *out_wait_ms = 0;
    TRY(check_host(a, host));
    const struct epoch_word word = word_of(in);
    if (!is_again)
        TRY(epochs_judge(f->store, &f->present, a, &word));
    enum presence_answer who = is_again ? presence_of(&f->present, host->host_id, host->incarnation)
                                        : presence_hear(&f->present, host->host_id,
                                                        host->incarnation, boot_now(f), &before);
    if (who == PRESENCE_SUPERSEDED)
        return superseded();
    if (who == PRESENCE_NEW || !is_again)
        TRY(record_sync(f, a, in, who == PRESENCE_NEW, before));
    if (who == PRESENCE_NEW) {
        presence_enrol(&f->present, in->host->host_id, in->host->incarnation, boot_now(f));
        watcher_signal(f, false);
    }
    TRY(answer(f, a, in, may_wait, out, &is_same));
    if (is_same && may_wait) {
        int64_t asked_ms = in->wait_ms.has ? in->wait_ms.value : 0;
        *out_wait_ms = asked_ms < f->conf.beat_ms ? asked_ms : f->conf.beat_ms;
        if (*out_wait_ms <= 0)
            return fleet_sync(f, a, in, true, false, out, out_wait_ms);
    }
    return OK;
}

/* Whether the host may speak; `*out_before` tells what it was marked as. */
static struct err hear(struct fleet *f, const char *host_id, const char *incarnation,
                       enum presence_level *out_before)
{
    *out_before = PRESENCE_HEARD;
    enum presence_answer who =
        presence_hear(&f->present, host_id, incarnation, boot_now(f), out_before);

    if (who == PRESENCE_SUPERSEDED)
        return superseded();
    return who == PRESENCE_NEW ? err_make(FAULT_HOST_UNKNOWN, "this host has not synced yet") : OK;
}

static struct err write_report(struct fleet *f, struct arena *a, const struct agent_report_in *in,
                               enum presence_level before, bool *out_counts)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(f->store, STORE_NOTE, a, &tx)); /* the next sync says it again */
    TRY(record_return(tx, in->host_id, before));
    *out_counts = presence_take_message(&f->present, in->host_id, in->message_number.value);
    if (*out_counts) {
        TRY(record_nodes(f, tx, in->host_id, &in->nodes, before != PRESENCE_HEARD));
        TRY(leases_record(tx, in->host_id, &in->promised));
    }
    TRY(samples_record(tx, &in->samples, clock_wall_ms(f->conf.clock)));
    return store_commit(&tx);
}

struct err fleet_report(struct fleet *f, struct arena *a, const struct agent_report_in *in,
                        struct agent_report_out *out)
{
    enum presence_level before;
    bool counts;
    const struct epoch_word word = {in->host_id, in->epoch.value, in->leader.value,
                                    in->leader_heard_ms.value};

    (void)out;
    TRY(epochs_judge(f->store, &f->present, a, &word));
    TRY(hear(f, in->host_id, in->incarnation, &before));
    sights_begin(&f->sights, in->host_id, false);
    presence_wait_begin(&f->present, in->host_id);
    struct err e = write_report(f, a, in, before, &counts);
    presence_wait_end(&f->present, in->host_id, boot_now(f));
    if (err_failed(e))
        sights_fail(&f->sights, in->host_id);
    else
        sights_end(&f->sights, in->host_id, in->message_number.value, counts ? &in->nodes : NULL,
                   false);
    return e;
}

struct err fleet_verify_token(struct fleet *f, struct arena *a,
                              const struct agent_verify_token_in *in,
                              struct agent_verify_token_out *out)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    enum presence_level before;

    TRY(hear(f, in->host_id, in->incarnation, &before));
    TRY(store_begin(f->store, before == PRESENCE_HEARD ? STORE_READ : STORE_WRITE, a, &tx));
    TRY(verify_token(tx, &f->conf.keys, in, clock_wall_ms(f->conf.clock), out));
    if (before == PRESENCE_HEARD)
        return OK;
    TRY(record_return(tx, in->host_id, before));
    return store_commit(&tx);
}
