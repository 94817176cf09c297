/* INFO: the state of the server in the words that monitoring tools read. */
#include "base/clock.h"
#include "base/command.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/loading.h"
#include "cacheengine/dispatch/memory.h"
#include "cacheengine/dispatch/own_expiries.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/dispatch/session.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/dispatch/transaction.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/keyspace/slot_walk.h"
#include "contract/command_procs.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

typedef void info_section(const struct engine *e, struct buf *out);

static void put(struct buf *out, const char *name, uint64_t v)
{
    buf_printf(out, "%s:%llu\r\n", name, (unsigned long long)v);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "%s:%s\r\n", name, text);
}

static void put_ratio(struct buf *out, const char *name, double v)
{
    buf_printf(out, "%s:%.2f\r\n", name, v);
}

static void put_difference(struct buf *out, const char *name, uint64_t a, uint64_t b)
{
    buf_printf(out, "%s:%lld\r\n", name, (long long)(a - b));
}

/* "1.50M" beside a number of bytes. */
static void put_bytes(struct buf *out, const char *name, uint64_t bytes)
{
    static const char units[] = "BKMGTPE";
    double v = (double)bytes;
    unsigned i = 0;

    put(out, name, bytes);
    while (v >= 1024 && i < sizeof(units) - 2) {
        v /= 1024;
        i++;
    }
    if (i == 0)
        buf_printf(out, "%s_human:%lluB\r\n", name, (unsigned long long)bytes);
    else
        buf_printf(out, "%s_human:%.2f%c\r\n", name, v, units[i]);
}

static int64_t uptime_s(const struct engine *e)
{
    return (clock_boot_ms(&clock_system) - e->started_boot_ms) / 1000;
}

static void info_server(const struct engine *e, struct buf *out)
{
    bool is_valkey = e->settings.brand == BRAND_VALKEY;
    struct utsname host = {0};

    uname(&host);
    put_text(out, "redis_version", is_valkey ? VALKEY_AS_REDIS : e->settings.engine_version);
    if (is_valkey) {
        put_text(out, "server_name", "valkey");
        put_text(out, "valkey_version", e->settings.engine_version);
    }
    put_text(out, "redis_git_sha1", "00000000");
    put(out, "redis_git_dirty", 0);
    put_text(out, "redis_build_id", "0");
    const char *mode = e->settings.is_clustered ? "cluster" : "standalone";
    bool says_server = is_valkey && !e->settings.says_redis;
    if (says_server)
        put_text(out, "server_mode", mode);
    if (!says_server || !settings_are_valkey_8(&e->settings))
        put_text(out, "redis_mode", mode);
    buf_printf(out, "os:%s %s %s\r\n", host.sysname, host.release, host.machine);
    put(out, "arch_bits", 8 * sizeof(void *));
    put_text(out, "larder_version", LARDER_VERSION);
    put_text(out, "atomicvar_api", "c11-builtin");
    put_text(out, "monotonic_clock", "POSIX clock_gettime");
    put_text(out, "multiplexing_api", "epoll");
    put_text(out, "gcc_version", __VERSION__);
    put(out, "process_id", (uint64_t)e->pid);
    put_text(out, "process_supervised", "no");
    put_text(out, "run_id", e->run_id);
    put(out, "tcp_port", (uint64_t)(e->settings.port ? e->settings.port : e->settings.tls_port));
    buf_printf(out, "server_time_usec:%lld\r\n", (long long)e->keyspace.now_ms * 1000);
    put(out, "uptime_in_seconds", (uint64_t)uptime_s(e));
    put(out, "uptime_in_days", (uint64_t)uptime_s(e) / 86400);
    put(out, "hz", (uint64_t)e->settings.hz);
    put(out, "configured_hz", (uint64_t)e->settings.hz);
    put(out, "lru_clock", e->keyspace.age_now);
    put_text(out, "executable", e->executable ? e->executable : "");
    put_text(out, "config_file", e->config_file ? e->config_file : "");
    put(out, "io_threads_active", 0);
    int64_t left_ms = e->ending.until_ms - e->keyspace.passed_ms;
    if (e->ending.is_on)
        put(out, "shutdown_in_milliseconds", left_ms > 0 ? (uint64_t)left_ms : 0);
}

static void info_clients(const struct engine *e, struct buf *out)
{
    uint64_t longest_in = 0, longest_out = 0, postponed = 0;

    for (const struct client *c = e->newest; c; c = c->older) {
        struct client_facts f;

        c->host->facts(c, &f);
        postponed += c->is_postponed;
        longest_in = f.input_bytes > longest_in ? f.input_bytes : longest_in;
        if (reply_pending(&c->reply) > longest_out)
            longest_out = reply_pending(&c->reply);
    }
    struct block_counts blocked = blocks_count(e);
    put(out, "connected_clients", e->client_count - e->followers->count);
    put(out, "cluster_connections", 0);
    put(out, "maxclients", (uint64_t)e->settings.max_clients);
    put(out, "client_recent_max_input_buffer", longest_in);
    put(out, "client_recent_max_output_buffer", longest_out);
    put(out, "blocked_clients", e->waiting_count + postponed);
    put(out, "tracking_clients", e->tracking ? e->tracking->count : 0);
    if (settings_are_valkey_8(&e->settings))
        put(out, "pubsub_clients", e->subscriber_count);
    put(out, "watching_clients", watches_clients(e));
    put(out, "clients_in_timeout_table", blocked.timed);
    put(out, "total_watched_keys", watches_keys(e));
    put(out, "total_blocking_keys", blocked.keys);
    put(out, "total_blocking_keys_on_nokey", blocked.gone_keys);
}

static uint64_t system_bytes(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static const char *policy_name(const struct engine *e)
{
    return config_find(STR("maxmemory-policy"))->words[e->settings.evict_policy];
}

static void put_scripts(const struct engine *e, struct buf *out)
{
    struct eval_cache_facts evals = eval_cache_facts(scripting_evals(e));
    struct libraries_facts functions = libraries_facts(scripting_libraries(e));

    put_bytes(out, "used_memory_lua", evals.machine_bytes);
    put(out, "used_memory_vm_eval", evals.machine_bytes);
    put(out, "used_memory_scripts_eval", evals.script_bytes);
    put(out, "number_of_cached_scripts", evals.scripts);
    put(out, "number_of_functions", functions.functions);
    put(out, "number_of_libraries", functions.libraries);
    put(out, "used_memory_vm_functions", functions.machine_bytes);
    put_bytes(out, "used_memory_vm_total", evals.machine_bytes + functions.machine_bytes);
    put(out, "used_memory_functions", functions.library_bytes);
    put_bytes(out, "used_memory_scripts", evals.script_bytes + functions.library_bytes);
}

static void info_memory(const struct engine *e, struct buf *out)
{
    const struct keyspace *ks = &e->keyspace;
    struct memory_state m;

    memory_state((struct engine *)e, &m);
    put_bytes(out, "used_memory", m.used);
    put_bytes(out, "used_memory_rss", m.resident);
    put_bytes(out, "used_memory_peak", m.peak);
    buf_printf(out, "used_memory_peak_perc:%.2f%%\r\n", 100 * memory_ratio(m.used, m.peak));
    put(out, "used_memory_overhead", m.overhead);
    put(out, "used_memory_startup", m.startup);
    put(out, "used_memory_dataset", m.dataset);
    buf_printf(out, "used_memory_dataset_perc:%.2f%%\r\n", 100 * memory_ratio(m.dataset, m.used));
    put(out, "allocator_allocated", m.used);
    put(out, "allocator_active", m.active);
    put(out, "allocator_resident", m.resident);
    put(out, "allocator_muzzy", 0);
    put_bytes(out, "total_system_memory", system_bytes());
    put_scripts(e, out);
    put_bytes(out, "maxmemory", (uint64_t)e->settings.max_memory);
    put_text(out, "maxmemory_policy", policy_name(e));
    put_ratio(out, "allocator_frag_ratio", memory_ratio(m.active, m.used));
    put(out, "allocator_frag_bytes", m.active - m.used);
    put_ratio(out, "allocator_rss_ratio", memory_ratio(m.resident, m.active));
    put_difference(out, "allocator_rss_bytes", m.resident, m.active);
    put_ratio(out, "rss_overhead_ratio", 1);
    put(out, "rss_overhead_bytes", 0);
    put_ratio(out, "mem_fragmentation_ratio", memory_ratio(m.resident, m.used));
    put_difference(out, "mem_fragmentation_bytes", m.resident, m.used);
    put(out, "mem_not_counted_for_evict", ks->account.exempt_bytes);
    /* What no replica waits for is let go of, some blocks at a time, and nobody's but the
     * backlog's. */
    size_t of_replicas = e->stream.reader_count > 0 ? repl_stream_excess(&e->stream) : 0;
    put(out, "mem_replication_backlog", m.replication - of_replicas);
    put(out, "mem_total_replication_buffers", m.replication);
    put(out, "mem_clients_slaves", of_replicas);
    put(out, "mem_clients_normal", m.clients);
    put(out, "mem_cluster_links", 0);
    put(out, "mem_aof_buffer", e->append->file.pending.cap);
    put_text(out, "mem_allocator", "larder");
    put(out, "mem_overhead_db_hashtable_rehashing", 0);
    put(out, "active_defrag_running", ks->tidying.is_running);
    put(out, "lazyfree_pending_objects", atomic_load(&ks->lazyfree.pending) + ks->leftover_count);
    put(out, "lazyfreed_objects", atomic_load(&ks->lazyfree.freed) + ks->stats.lazy_freed);
}

static void put_signed(struct buf *out, const char *name, int64_t v)
{
    buf_printf(out, "%s:%lld\r\n", name, (long long)v);
}

/* What the child that runs has told. */
static void put_child(const struct saving *s, struct buf *out)
{
    const struct child *c = &s->child;
    int64_t now_ms = clock_boot_ms(&clock_system);
    double share = s->keys_total ? (double)c->progress.keys / (double)s->keys_total : 0;

    put(out, "current_cow_peak", c->cow_peak);
    put(out, "current_cow_size", c->progress.cow_bytes);
    put(out, "current_cow_size_age", c->told_ms ? (uint64_t)(now_ms - c->told_ms) / 1000 : 0);
    put_ratio(out, "current_fork_perc", 100 * share);
    put(out, "current_save_keys_processed", c->progress.keys);
    put(out, "current_save_keys_total", s->keys_total);
}

/* For how long a child of these kinds runs; -1: none does. */
static int64_t running_s(const struct engine *e, bool runs)
{
    return runs ? e->keyspace.now_ms / 1000 - e->saving->began_s : -1;
}

static void put_append(const struct append *a, struct buf *out)
{
    put(out, "aof_current_size", append_bytes(a));
    put(out, "aof_base_size", a->rewritten_bytes);
    put(out, "aof_pending_rewrite", a->is_scheduled);
    put(out, "aof_buffer_length", a->file.pending.len);
    put(out, "aof_pending_bio_fsync", atomic_load(&a->syncer.pending));
    put(out, "aof_delayed_fsync", a->delayed);
}

/* How far a file that is being loaded is, or the primary's snapshot. */
static void put_loading(const struct engine *e, struct buf *out)
{
    struct loading_facts f = e->loading.facts;

    if (e->loading.report)
        f.used_memory = e->loading.report->used_memory;
    if (!e->loading.is_on && !replica_loading_facts(e, &f))
        return;
    loading_info(&f, e->keyspace.now_ms / 1000, out);
}

static void info_persistence(const struct engine *e, struct buf *out)
{
    const struct saving *s = e->saving;
    const struct append *a = e->append;
    bool rewrites = saving_runs_kind(s, SAVING_REWRITE);

    put(out, "loading", replica_is_loading(e, false) || e->loading.is_on);
    put(out, "async_loading", replica_is_loading(e, true));
    put_child(s, out);
    put(out, "rdb_changes_since_last_save", e->keyspace.dirty);
    put(out, "rdb_bgsave_in_progress", saving_is_snapshot(s));
    put(out, "rdb_last_save_time", (uint64_t)e->saved_s);
    put_text(out, "rdb_last_bgsave_status", s->has_failed ? "err" : "ok");
    put_signed(out, "rdb_last_bgsave_time_sec", s->lasted_s[SAVING_FILE]);
    put_signed(out, "rdb_current_bgsave_time_sec", running_s(e, saving_is_snapshot(s)));
    put(out, "rdb_saves", e->saves);
    put(out, "rdb_last_cow_size", s->cow_bytes[SAVING_FILE]);
    put(out, "rdb_last_load_keys_expired", e->loaded.expired);
    put(out, "rdb_last_load_keys_loaded", e->loaded.keys);
    put(out, "aof_enabled", a->state != APPEND_OFF);
    put(out, "aof_rewrite_in_progress", rewrites);
    put(out, "aof_rewrite_scheduled", a->is_scheduled);
    put_signed(out, "aof_last_rewrite_time_sec", s->lasted_s[SAVING_REWRITE]);
    put_signed(out, "aof_current_rewrite_time_sec", running_s(e, rewrites));
    put_text(out, "aof_last_bgrewrite_status", a->has_failed ? "err" : "ok");
    put(out, "aof_rewrites", a->rewrites);
    put(out, "aof_rewrites_consecutive_failures", a->failures_in_turn);
    put_text(out, "aof_last_write_status",
             a->write_errno || atomic_load(&a->syncer.failure) ? "err" : "ok");
    put(out, "aof_last_cow_size", s->cow_bytes[SAVING_REWRITE]);
    put(out, "module_fork_in_progress", 0);
    put(out, "module_fork_last_cow_size", 0);
    if (a->state != APPEND_OFF)
        put_append(a, out);
    put_loading(e, out);
}

/* What the loop did between its waits. */
static void put_rounds(const struct engine *e, struct buf *out)
{
    const struct engine_stats *s = &e->stats;
    uint64_t command_ticks = 0;

    for (size_t i = 0; i < command_id_count; i++)
        command_ticks += e->by_command[i].ticks;
    put(out, "eventloop_cycles", s->rounds);
    put(out, "eventloop_duration_sum", engine_ticks_us(e, s->round_ticks));
    put(out, "eventloop_duration_cmd_sum", engine_ticks_us(e, command_ticks));
    put(out, "instantaneous_eventloop_cycles_per_sec", (uint64_t)s->rounds_rate);
    put(out, "instantaneous_eventloop_duration_usec",
        s->rounds_rate > 0 ? engine_ticks_us(e, (uint64_t)(s->ticks_rate / s->rounds_rate)) : 0);
}

static void info_stats(const struct engine *e, struct buf *out)
{
    const struct engine_stats *s = &e->stats;
    const struct keyspace_stats *k = &e->keyspace.stats;

    put(out, "total_connections_received", s->connections);
    put(out, "total_commands_processed", s->commands);
    put(out, "instantaneous_ops_per_sec", (uint64_t)s->commands_rate);
    if (e->settings.work_limit >= 0) {
        put(out, "larder_ecpus", s->work);
        put(out, "larder_throttled_calls", s->throttled);
    }
    put(out, "total_net_input_bytes", s->bytes_in);
    put(out, "total_net_output_bytes", s->bytes_out);
    put(out, "total_net_repl_input_bytes", s->repl_bytes_in);
    put(out, "total_net_repl_output_bytes", e->followers->bytes_out);
    put_ratio(out, "instantaneous_input_kbps", s->in_rate / 1024);
    put_ratio(out, "instantaneous_output_kbps", s->out_rate / 1024);
    put_ratio(out, "instantaneous_input_repl_kbps", s->repl_in_rate / 1024);
    put_ratio(out, "instantaneous_output_repl_kbps", s->repl_out_rate / 1024);
    put(out, "rejected_connections", s->rejected_connections);
    put(out, "tls_handshakes", s->tls_handshakes);
    put(out, "tls_handshake_failures", s->tls_failures);
    put(out, "sync_full", e->followers->full_syncs);
    put(out, "sync_partial_ok", e->followers->partial_syncs);
    put(out, "sync_partial_err", e->followers->refused_partial_syncs);
    put(out, "expired_keys", k->expired);
    put(out, "expired_fields", k->expired_elements);
    put_text(out, "expired_stale_perc", "0.00");
    put(out, "expired_time_cap_reached_count", s->expire_capped);
    put(out, "expire_cycle_cpu_milliseconds", engine_ticks_us(e, s->expire_ticks) / 1000);
    put(out, "evicted_keys", k->evicted);
    put(out, "evicted_clients", s->evicted_clients);
    put(out, "evicted_scripts", eval_cache_facts(scripting_evals(e)).evicted);
    uint64_t over_ms =
        e->over_memory_since_ms ? (uint64_t)(e->keyspace.passed_ms - e->over_memory_since_ms) : 0;
    put(out, "total_eviction_exceeded_time", s->over_memory_ms + over_ms);
    put(out, "current_eviction_exceeded_time", over_ms);
    put(out, "keyspace_hits", k->hits);
    put(out, "keyspace_misses", k->misses);
    put(out, "pubsub_channels", pubsub_count(e, PUBSUB_CHANNEL));
    put(out, "pubsub_patterns", pubsub_count(e, PUBSUB_PATTERN));
    put(out, "pubsubshard_channels", pubsub_count(e, PUBSUB_SHARD));
    put(out, "latest_fork_usec", e->saving->fork_us);
    put(out, "total_forks", e->saving->forks);
    put(out, "migrate_cached_sockets", 0);
    put(out, "slave_expires_tracked_keys", own_expiries_count(e));
    put(out, "active_defrag_hits", e->keyspace.stats.tidy_moved);
    put(out, "active_defrag_misses", e->keyspace.stats.tidy_looked - e->keyspace.stats.tidy_moved);
    put(out, "active_defrag_key_hits", 0);
    put(out, "active_defrag_key_misses", 0);
    put(out, "total_active_defrag_time", 0);
    put(out, "current_active_defrag_time", 0);
    put(out, "tracking_total_keys", e->tracking ? e->tracking->keys.keys : 0);
    put(out, "tracking_total_items", e->tracking ? e->tracking->keys.items : 0);
    put(out, "tracking_total_prefixes", e->tracking ? e->tracking->broadcast.prefix_count : 0);
    put(out, "unexpected_error_replies", s->unexpected_errors);
    put(out, "acl_access_denied_auth", e->acl_log.refused[ACL_NO_LOGIN]);
    put(out, "acl_access_denied_cmd", e->acl_log.refused[ACL_NO_COMMAND]);
    put(out, "acl_access_denied_key", e->acl_log.refused[ACL_NO_KEY]);
    put(out, "acl_access_denied_channel", e->acl_log.refused[ACL_NO_CHANNEL]);
    put(out, "total_error_replies", s->errors);
    put(out, "dump_payload_sanitizations", 0);
    put(out, "total_reads_processed", s->reads);
    put(out, "total_writes_processed", s->writes);
    put(out, "io_threaded_reads_processed", 0);
    put(out, "io_threaded_writes_processed", 0);
    put(out, "reply_buffer_shrinks", 0);
    put(out, "reply_buffer_expands", 0);
    put(out, "client_query_buffer_limit_disconnections", s->query_limit_kills);
    put(out, "client_output_buffer_limit_disconnections", s->output_limit_kills);
    put_rounds(e, out);
}

static void info_replication(const struct engine *e, struct buf *out)
{
    if (e->replica)
        replica_info(e, out);
    else
        put_text(out, "role", "master");
    followers_info(e, out);
}

static void put_time(struct buf *out, const char *name, struct timeval t)
{
    buf_printf(out, "%s:%lld.%06ld\r\n", name, (long long)t.tv_sec, (long)t.tv_usec);
}

static void info_cpu(const struct engine *e, struct buf *out)
{
    struct rusage own = {0}, children = {0};

    (void)e;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    put_time(out, "used_cpu_sys", own.ru_stime);
    put_time(out, "used_cpu_user", own.ru_utime);
    put_time(out, "used_cpu_sys_children", children.ru_stime);
    put_time(out, "used_cpu_user_children", children.ru_utime);
    getrusage(RUSAGE_THREAD, &own);
    put_time(out, "used_cpu_sys_main_thread", own.ru_stime);
    put_time(out, "used_cpu_user_main_thread", own.ru_utime);
}

static void info_modules(const struct engine *e, struct buf *out)
{
    (void)e;
    (void)out;
}

static void info_commandstats(const struct engine *e, struct buf *out)
{
    for (size_t i = 0; i < command_id_count; i++) {
        const struct command_stats *s = &e->by_command[i];
        uint64_t us = engine_ticks_us(e, s->ticks);

        if (s->calls + s->rejected == 0)
            continue;
        buf_printf(out,
                   "cmdstat_%s:calls=%llu,usec=%llu,usec_per_call=%.2f,rejected_calls=%llu,"
                   "failed_calls=%llu\r\n",
                   engine_command_by_id(i)->name, (unsigned long long)s->calls,
                   (unsigned long long)us, s->calls ? (double)us / (double)s->calls : 0.0,
                   (unsigned long long)s->rejected, (unsigned long long)s->failed);
    }
}

static void info_errorstats(const struct engine *e, struct buf *out)
{
    for (uint32_t i = 0; i < e->error_stat_count; i++)
        buf_printf(out, "errorstat_%s:count=%llu\r\n", e->error_stats[i].code,
                   (unsigned long long)e->error_stats[i].count);
}

static void put_percentiles(const struct engine *e, const struct histogram *h, struct buf *out)
{
    struct str rest = str_of(e->settings.latency_percents);
    const char *between = "";

    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        double percent = 0;

        if (!number_parse_double(word, &percent))
            continue;
        buf_printf(out, "%sp%.*s=%.3f", between, STR_ARG(word),
                   (double)engine_ticks_ns(e, histogram_percentile(h, percent)) / 1000);
        between = ",";
    }
}

static void info_latencystats(const struct engine *e, struct buf *out)
{
    for (size_t i = 0; *e->settings.latency_percents && i < command_id_count; i++) {
        if (!e->by_command[i].histogram)
            continue;
        buf_printf(out, "latency_percentiles_usec_%s:", engine_command_by_id(i)->name);
        put_percentiles(e, e->by_command[i].histogram, out);
        buf_puts(out, "\r\n");
    }
}

static void info_cluster(const struct engine *e, struct buf *out)
{
    put(out, "cluster_enabled", e->settings.is_clustered);
}

static void info_keyspace(const struct engine *e, struct buf *out)
{
    for (int i = 0; i < e->keyspace.db_count; i++) {
        const struct db *db = &e->keyspace.dbs[i];

        if (db_shown_count(db) == 0)
            continue;
        buf_printf(out, "db%d:keys=%llu,expires=%llu,avg_ttl=%lld", i,
                   (unsigned long long)db_shown_count(db), (unsigned long long)db->with_deadline,
                   (long long)db->ttl_mean_ms);
        /* A word of Valkey 9, for who uses what it has. */
        if (db->with_ends > 0)
            buf_printf(out, ",keys_with_volatile_items=%llu", (unsigned long long)db->with_ends);
        buf_puts(out, "\r\n");
    }
}

static const struct {
    const char *name, *title;
    bool is_default;
    info_section *run;
} sections[] = {
    {"server",       "Server",       true,  info_server      },
    {"clients",      "Clients",      true,  info_clients     },
    {"memory",       "Memory",       true,  info_memory      },
    {"persistence",  "Persistence",  true,  info_persistence },
    {"stats",        "Stats",        true,  info_stats       },
    {"replication",  "Replication",  true,  info_replication },
    {"cpu",          "CPU",          true,  info_cpu         },
    {"modules",      "Modules",      true,  info_modules     },
    {"commandstats", "Commandstats", false, info_commandstats},
    {"errorstats",   "Errorstats",   true,  info_errorstats  },
    {"latencystats", "Latencystats", false, info_latencystats},
    {"cluster",      "Cluster",      true,  info_cluster     },
    {"keyspace",     "Keyspace",     true,  info_keyspace    },
};

/* True when the arguments ask for a section: by name, or by "default", "all", "everything". */
static bool is_wanted(const struct cmd_call *c, size_t section)
{
    bool is_wanted = c->argc == 1 && sections[section].is_default;

    for (uint32_t i = 1; i < c->argc; i++)
        is_wanted |= call_is(c, i, "all") || call_is(c, i, "everything") ||
                     call_is(c, i, sections[section].name) ||
                     (call_is(c, i, "default") && sections[section].is_default);
    return is_wanted;
}

void cmd_info(struct cmd_call *c)
{
    struct buf out = BUF_EMPTY;

    for (size_t i = 0; i < countof(sections); i++) {
        if (!is_wanted(c, i))
            continue;
        buf_printf(&out, "%s# %s\r\n", out.len ? "\r\n" : "", sections[i].title);
        sections[i].run(c->engine, &out);
    }
    reply_verbatim(c->reply, buf_str(&out), "txt");
    buf_fini(&out);
}
