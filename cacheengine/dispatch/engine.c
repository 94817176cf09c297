/* The engine's beginning and end, its clock and its regular work. */
#include "cacheengine/dispatch/engine.h"

#include "base/clock.h"
#include "base/command.h"
#include "base/seal.h"
#include "cacheengine/cluster/cluster.h"
#include "cacheengine/dispatch/access.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/ending.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/herald.h"
#include "cacheengine/dispatch/iam.h"
#include "cacheengine/dispatch/monitor.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/notify.h"
#include "cacheengine/dispatch/own_expiries.h"
#include "cacheengine/dispatch/pause.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/dispatch/throttle.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/dispatch/transaction.h"
#include "cacheengine/types/types.h"

#include <stdlib.h>
#include <unistd.h>

#define EXPIRE_SLICE_US 1000 /* at most this long without a look at the sockets */
#define FREE_SLICE_US   500

/* While there is something to tidy. */
#define TIDY_SLICE_US  300
#define TIDY_PERIOD_MS 10
#define SAMPLE_MS      100

static void random_id(char out[41])
{
    unsigned char bytes[20];

    rng_system_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void on_change(void *ctx, struct db *db, struct key k, enum key_event kind, const char *name)
{
    struct engine *e = ctx;

    /* What makes a key says so itself, when the key is there. */
    if (kind != EVENT_NEW) {
        watches_note(e, db, k, kind);
        blocks_note(e, db, k, kind);
    }
    if (e->tracking)
        tracking_note(e, k, kind);
    if (e->notify_classes)
        notify_tell(e, db, k, kind, name);
}

void engine_observe(struct engine *e)
{
    e->keyspace.is_observed =
        watches_exist(e) || e->waiting_count > 0 || e->notify_classes != 0 || e->tracking;
}

int engine_end_waits(struct engine *e)
{
    return blocks_expire(e);
}

static void begin_cluster(struct engine *e)
{
    char node_id[41], shard_id[41];

    random_id(node_id);
    random_id(shard_id);
    e->cluster = malloc(sizeof(*e->cluster));
    check(e->cluster);
    cluster_init(e->cluster, node_id, shard_id);
    moving_init(e);
    account_add(&e->keyspace.account, sizeof(*e->cluster));
    guard_set(e, GUARD_CLUSTER, true);
}

void engine_init(struct engine *e)
{
    int64_t now_ms = clock_wall_ms(&clock_system);

    e->started_boot_ms = clock_boot_ms(&clock_system);
    if (e->settings.is_clustered)
        e->settings.databases = 1;
    keyspace_init(&e->keyspace, &e->settings, (int)e->settings.databases, now_ms);
    keyspace_set_passed(&e->keyspace, e->started_boot_ms);
    types_register(&e->keyspace);
    repl_stream_init(&e->stream, &e->keyspace);
    acl_init(&e->acl);
    acl_set_preset_password(&e->acl, str_of(e->settings.password));
    reply_pool_init(&e->replies, &e->keyspace.account);
    arena_init(&e->scratch);
    e->by_command = calloc(command_id_count, sizeof(*e->by_command));
    check(e->by_command);
    account_add(&e->keyspace.account,
                sizeof(*e) + command_id_count * sizeof(*e->by_command) + REPLY_SHARED_BYTES);
    e->saved_s = now_ms / 1000;
    e->saving = calloc(1, sizeof(*e->saving));
    check(e->saving);
    saving_init(e->saving, e);
    e->append = calloc(1, sizeof(*e->append));
    check(e->append);
    append_init(e->append, e);
    followers_init(e);
    e->ticks_at_start = engine_ticks();
    e->stats.sampled_at_ms = e->keyspace.passed_ms;
    e->next_client_id = 1;
    e->pid = (int)getpid();
    random_id(e->run_id);
    if (e->settings.is_clustered)
        begin_cluster(e);
    acks_settle(e);
    e->keyspace.hooks = (struct keyspace_hooks){
        e, on_change, blocks_wait, access_reads_all, guard_takes_writes, NULL};
    notify_apply(e);
}

void engine_fini(struct engine *e)
{
    moving_fini(e);
    if (e->append)
        append_fini(e->append);
    free(e->append);
    if (e->saving)
        saving_fini(e->saving);
    followers_fini(e);
    free(e->saving);
    seal_key_free(e->seal);
    watches_fini(e);
    pubsub_fini(e);
    blocks_fini(e);
    acks_fini(e);
    iam_fini(e);
    scripting_fini(e);
    acl_log_trim(&e->acl_log, 0);
    acl_fini(&e->acl);
    reply_pool_fini(&e->replies);
    replica_stop(e);
    own_expiries_fini(e);
    failover_fini(e);
    yield_fini(e);
    repl_stream_fini(&e->stream);
    keyspace_fini(&e->keyspace);
    arena_fini(&e->scratch);
    slowlog_trim(&e->slowlog, 0);
    logs_close(e);
    for (int i = 0; i < LATENCY_KINDS; i++)
        latency_forget(&e->latency, (enum latency_kind)i);
    for (size_t i = 0; e->by_command && i < command_id_count; i++)
        free(e->by_command[i].histogram);
    free(e->by_command);
    if (e->cluster)
        cluster_fini(e->cluster);
    free(e->cluster);
    config_fini(&e->config);
    *e = (struct engine){0};
}

void engine_set_now(struct engine *e, int64_t now_ms, int64_t passed_ms)
{
    if (__builtin_expect(!e->is_clock_held, 1))
        keyspace_set_now(&e->keyspace, now_ms + e->clock_ahead_ms);
    keyspace_set_passed(&e->keyspace, passed_ms);
    if (e->authority.is_leased)
        authority_look_slow(e);
}

uint64_t engine_ticks_ns(const struct engine *e, uint64_t ticks)
{
    if (!e->ticks_per_ms)
        return 0;
    return (uint64_t)((double)ticks * 1e6 / (double)e->ticks_per_ms);
}

void engine_apply_timing(struct engine *e)
{
    const struct settings *s = &e->settings;
    int64_t us = s->slowlog_slower_us >= 0 ? s->slowlog_slower_us : INT64_MAX;

    if (s->latency_threshold_ms > 0 && s->latency_threshold_ms < us / 1000)
        us = s->latency_threshold_ms * 1000;
    /* A little less than that: who looks closer computes with microseconds. */
    double ticks = ((double)us - 1) * (double)e->ticks_per_ms / 1000;
    e->slow_ticks = us == INT64_MAX ? UINT64_MAX : ticks > 0 ? (uint64_t)ticks : 0;
    for (size_t i = 0; !s->tracks_latency && i < command_id_count; i++) {
        free(e->by_command[i].histogram);
        e->by_command[i].histogram = NULL;
    }
}

void engine_apply_persistence(struct engine *e)
{
    const struct settings *s = &e->settings;
    bool appends = e->append && e->append->state != APPEND_OFF;

    guard_set(e, GUARD_UNSAVED,
              s->stops_on_save_error && s->save_point_count > 0 && e->saving->has_failed);
    guard_set(e, GUARD_UNWRITTEN,
              appends && (e->append->write_errno || atomic_load(&e->append->syncer.failure)));
}

void engine_note_stall(struct engine *e, enum latency_kind kind, uint64_t ticks)
{
    uint64_t ms = engine_ticks_us(e, ticks) / 1000;

    if (e->settings.latency_threshold_ms > 0 && ms >= (uint64_t)e->settings.latency_threshold_ms)
        latency_note(&e->latency, kind, e->keyspace.now_ms / 1000,
                     ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX);
}

uint64_t engine_ticks_us(const struct engine *e, uint64_t ticks)
{
    return e->ticks_per_ms ? ticks * 1000 / e->ticks_per_ms : 0;
}

/* ---- the regular work ---- */

static void calibrate(struct engine *e)
{
    int64_t passed_ms = clock_boot_ms(&clock_system) - e->started_boot_ms;

    if (passed_ms > 0)
        e->ticks_per_ms = (engine_ticks() - e->ticks_at_start) / (uint64_t)passed_ms;
    engine_apply_timing(e);
}

static double smooth(double old, uint64_t delta, int64_t passed_ms)
{
    double now = (double)delta * 1000.0 / (double)passed_ms;

    return old + (now - old) / 4;
}

static void sample(struct engine *e)
{
    struct engine_stats *s = &e->stats;
    int64_t passed_ms = e->keyspace.passed_ms - s->sampled_at_ms;

    if (passed_ms < SAMPLE_MS)
        return;
    s->commands_rate = smooth(s->commands_rate, s->commands - s->sampled_commands, passed_ms);
    s->in_rate = smooth(s->in_rate, s->bytes_in - s->sampled_in, passed_ms);
    s->out_rate = smooth(s->out_rate, s->bytes_out - s->sampled_out, passed_ms);
    s->rounds_rate = smooth(s->rounds_rate, s->rounds - s->sampled_rounds, passed_ms);
    s->ticks_rate = smooth(s->ticks_rate, s->round_ticks - s->sampled_ticks, passed_ms);
    s->repl_in_rate = smooth(s->repl_in_rate, s->repl_bytes_in - s->sampled_repl_in, passed_ms);
    s->repl_out_rate =
        smooth(s->repl_out_rate, e->followers->bytes_out - s->sampled_repl_out, passed_ms);
    s->sampled_repl_in = s->repl_bytes_in;
    s->sampled_repl_out = e->followers->bytes_out;
    s->sampled_at_ms = e->keyspace.passed_ms;
    s->sampled_rounds = s->rounds;
    s->sampled_ticks = s->round_ticks;
    s->sampled_commands = s->commands;
    s->sampled_in = s->bytes_in;
    s->sampled_out = s->bytes_out;
}

/* Removes keys that are due; false when the time was up. */
static bool sweep(struct engine *e)
{
    uint64_t before = engine_ticks();
    bool is_done = keyspace_expire_some(&e->keyspace, EXPIRE_SLICE_US * e->settings.expire_effort);
    uint64_t spent = engine_ticks() - before;

    e->stats.expire_ticks += spent;
    engine_note_stall(e, LATENCY_EXPIRE_CYCLE, spent);
    return is_done;
}

static int tick(struct engine *e)
{
    int period_ms = (int)(1000 / e->settings.hz);

    calibrate(e);
    if (e->guards & GUARD_PAUSED)
        pause_tick(e);
    if (e->is_work_paused)
        return period_ms;
    if (e->ending_signal)
        engine_end_by_signal(e, e->ending_signal);
    sample(e);
    account_peak(&e->keyspace.account);
    failover_tick(e);
    yield_tick(e);
    ending_tick(e);
    followers_tick(e);
    logs_flush(e);
    saving_tick(e->saving);
    append_tick(e->append);
    int replica_ms = replica_tick(e);
    if (replica_ms <= 1)
        return replica_ms;
    bool is_done = e->keyspace.stands_still || keyspace_make_room(&e->keyspace) != EVICT_LATER;
    is_done &= keyspace_free_some(&e->keyspace, FREE_SLICE_US);
    is_done &= !e->moving || moving_tick(e);
    is_done &= tracking_tick(e);
    own_expiries_tick(e);
    bool is_swept = sweep(e);
    e->stats.expire_capped += !is_swept;
    /* Who waits for a key may have to hear that it is gone. */
    if (e->waiting_count > 0)
        blocks_serve(e);
    if (!is_swept || !is_done)
        return 1;
    bool is_tidy = keyspace_tidy_some(&e->keyspace, TIDY_SLICE_US);
    return is_tidy || period_ms < TIDY_PERIOD_MS ? period_ms : TIDY_PERIOD_MS;
}

int engine_tick(struct engine *e)
{
    int64_t waits_ms = throttle_tick(e);
    int next_ms = tick(e);

    return waits_ms > 0 && waits_ms < next_ms ? (int)waits_ms : next_ms;
}

void engine_reset_stats(struct engine *e)
{
    struct engine_stats old = e->stats;

    e->stats = (struct engine_stats){.sampled_at_ms = old.sampled_at_ms};
    e->keyspace.stats = (struct keyspace_stats){0};
    atomic_store(&e->keyspace.lazyfree.freed, 0);
    for (size_t i = 0; i < command_id_count; i++)
        free(e->by_command[i].histogram);
    memset(e->by_command, 0, command_id_count * sizeof(*e->by_command));
    e->error_stat_count = 0;
    e->durability.refused = 0;
    memset(e->acl_log.refused, 0, sizeof(e->acl_log.refused));
    e->keyspace.account.peak_bytes = e->keyspace.account.used_bytes;
    e->saves = e->saving->forks = e->saving->fork_us = 0;
    e->append->rewrites = e->append->delayed = 0;
    struct followers *r = e->followers;
    r->full_syncs = r->partial_syncs = r->refused_partial_syncs = r->bytes_out = 0;
    struct eval_cache *evals = scripting_evals(e);
    if (evals)
        eval_cache_reset_stats(evals);
}

/* ---- sessions ---- */

void engine_client_add(struct engine *e, struct client *c, const struct client_host *host)
{
    c->id = e->next_client_id++;
    c->host = host;
    c->created_ms = c->active_ms = e->keyspace.passed_ms;
    access_begin(e, c);
    reply_init(&c->reply, &e->replies);
    if (e->settings.first_resp)
        c->reply.resp = (uint8_t)e->settings.first_resp;
    c->older = e->newest;
    c->newer = NULL;
    if (e->newest)
        e->newest->newer = c;
    else
        e->oldest = c;
    e->newest = c;
    e->client_count += !c->is_admin;
    e->admin_count += c->is_admin;
    e->stats.connections++;
    if (e->client_came)
        e->client_came(e, c);
}

void engine_client_remove(struct engine *e, struct client *c)
{
    if (e->client_gone)
        e->client_gone(e, c);
    moving_forget_client(e, c);
    transaction_free(e, c);
    blocks_forget(e, c);
    pubsub_forget(e, c);
    tracking_forget(e, c);
    monitor_forget(e, c);
    acks_forget(e, c);
    if (c->is_primary)
        replica_client_gone(e, c);
    iam_forget(e, c);
    herald_forget(e, c);
    followers_forget(e, c);
    if (c->newer)
        c->newer->older = c->older;
    else
        e->newest = c->older;
    if (c->older)
        c->older->newer = c->newer;
    else
        e->oldest = c->newer;
    e->client_count -= !c->is_admin;
    e->admin_count -= c->is_admin;
    reply_fini(&c->reply);
    free(c->name);
    free(c->lib_name);
    free(c->lib_version);
    free(c->protocol_state);
}

/* ---- errors ---- */

/* Where a code is counted; error_stat_count when it is new. */
static uint32_t place_of(const struct engine *e, const char *code)
{
    uint32_t i = 0;

    while (i < e->error_stat_count && strcmp(e->error_stats[i].code, code) != 0)
        i++;
    return i;
}

/* Beyond `limit` codes all new ones are one. */
static void count_code(struct engine *e, const char *code, uint32_t limit)
{
    uint32_t i = place_of(e, code);

    if (i == e->error_stat_count && i >= limit) {
        code = "ERRORSTATS_OVERFLOW";
        i = place_of(e, code);
    }
    if (i == e->error_stat_count) {
        e->error_stat_count++;
        e->error_stats[i] = (struct error_stat){0};
        memcpy(e->error_stats[i].code, code, strnlen(code, sizeof(e->error_stats[i].code) - 1));
    }
    e->error_stats[i].count++;
    e->stats.errors++;
}

void engine_count_error(struct engine *e, const char *code)
{
    count_code(e, code, ENGINE_ERROR_STATS - 1);
}

void engine_count_script_error(struct engine *e, const char *code)
{
    count_code(e, code, ENGINE_SCRIPT_ERRORS);
}
