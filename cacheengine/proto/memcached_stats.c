/*
 * stats: the general ones, and which others there are. Names and order are memcached's, so that
 * monitoring finds what it looks for.
 */
#include "cacheengine/dispatch/files.h"
#include "cacheengine/proto/memcached_binary.h"

#include <inttypes.h>
#include <stdarg.h>
#include <sys/resource.h>

void mc_stat(struct cmd_call *c, const char *name, const char *fmt, ...)
{
    char value[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (mc_session(c)->is_binary) {
        mcb_stat(c, name, value);
        return;
    }
    reply_literal(c->reply, "STAT ");
    reply_raw(c->reply, name, strlen(name));
    reply_literal(c->reply, " ");
    mc_line(c, value);
}

void mc_stat_number(struct cmd_call *c, const char *name, uint64_t v)
{
    mc_stat(c, name, "%" PRIu64, v);
}

static void stat_times(struct cmd_call *c)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    mc_stat(c, "rusage_user", "%ld.%06ld", (long)used.ru_utime.tv_sec, (long)used.ru_utime.tv_usec);
    mc_stat(c, "rusage_system", "%ld.%06ld", (long)used.ru_stime.tv_sec,
            (long)used.ru_stime.tv_usec);
}

static void stats_process(struct cmd_call *c)
{
    const struct engine *e = c->engine;
    const struct engine_stats *since = &mc_state(c)->reset_stats;

    mc_stat_number(c, "pid", (uint64_t)e->pid);
    mc_stat_number(c, "uptime", (uint64_t)(c->ks->passed_ms - e->started_boot_ms) / 1000);
    mc_stat_number(c, "time", (uint64_t)c->ks->now_ms / 1000);
    mc_stat(c, "version", "%s", e->settings.memcached_version);
    mc_stat_number(c, "pointer_size", 8 * sizeof(void *));
    stat_times(c);
    mc_stat_number(c, "max_connections", (uint64_t)e->settings.max_clients);
    mc_stat_number(c, "curr_connections", e->client_count);
    mc_stat_number(c, "total_connections", e->stats.connections - since->connections);
    mc_stat_number(c, "rejected_connections",
                   e->stats.rejected_connections - since->rejected_connections);
    mc_stat_number(c, "connection_structures", e->client_count);
    mc_stat_number(c, "response_obj_oom", 0);
    mc_stat_number(c, "response_obj_count", e->client_count);
    mc_stat_number(c, "response_obj_bytes", c->ks->account.client_bytes);
    mc_stat_number(c, "read_buf_count", e->client_count);
    mc_stat_number(c, "read_buf_bytes", c->ks->account.client_bytes);
    mc_stat_number(c, "read_buf_bytes_free", 0);
    mc_stat_number(c, "read_buf_oom", e->stats.query_limit_kills - since->query_limit_kills);
    mc_stat_number(c, "reserved_fds", FILES_RESERVED);
}

static void stats_commands(struct cmd_call *c)
{
    const struct mc_counters *n = &mc_state(c)->counters;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"cmd_get",         n->cmd_get      },
        {"cmd_set",         n->cmd_set      },
        {"cmd_flush",       n->cmd_flush    },
        {"cmd_touch",       n->cmd_touch    },
        {"cmd_meta",        n->cmd_meta     },
        {"get_hits",        n->get_hits     },
        {"get_misses",      n->get_misses   },
        {"get_expired",     0               },
        {"get_flushed",     0               },
        {"delete_misses",   n->delete_misses},
        {"delete_hits",     n->delete_hits  },
        {"incr_misses",     n->incr_misses  },
        {"incr_hits",       n->incr_hits    },
        {"decr_misses",     n->decr_misses  },
        {"decr_hits",       n->decr_hits    },
        {"cas_misses",      n->cas_misses   },
        {"cas_hits",        n->cas_hits     },
        {"cas_badval",      n->cas_badval   },
        {"touch_hits",      n->touch_hits   },
        {"touch_misses",    n->touch_misses },
        {"store_too_large", n->too_large    },
        {"store_no_memory", n->no_memory    },
        {"auth_cmds",       n->auth_cmds    },
        {"auth_errors",     n->auth_errors  },
    };

    for (size_t i = 0; i < countof(rows); i++)
        mc_stat_number(c, rows[i].name, rows[i].value);
}

uint64_t mc_evicted(const struct cmd_call *c)
{
    return c->ks->stats.evicted - mc_state(c)->reset_evicted;
}

static void stats_general(struct cmd_call *c)
{
    const struct engine *e = c->engine;
    const struct engine_stats *since = &mc_state(c)->reset_stats;

    stats_process(c);
    stats_commands(c);
    if (e->settings.idle_timeout_s > 0)
        mc_stat_number(c, "idle_kicks", e->stats.idle_kills - since->idle_kills);
    mc_stat_number(c, "bytes_read", e->stats.bytes_in - since->bytes_in);
    mc_stat_number(c, "bytes_written", e->stats.bytes_out - since->bytes_out);
    mc_stat_number(c, "limit_maxbytes", (uint64_t)e->settings.max_memory);
    mc_stat_number(c, "accepting_conns", 1);
    mc_stat_number(c, "listen_disabled_num", 0);
    mc_stat_number(c, "time_in_listen_disabled_us", 0);
    mc_stat_number(c, "threads", 1);
    mc_stat_number(c, "conn_yields", 0);
    mc_stat_number(c, "hash_bytes", index_directory_bytes(&c->db->index));
    mc_stat_number(c, "hash_is_expanding", 0);
    mc_stat_number(c, "malloc_fails", 0);
    mc_stat_number(c, "log_worker_dropped", 0);
    mc_stat_number(c, "log_worker_written", mc_state(c)->watchers.last_id);
    mc_stat_number(c, "log_watcher_skipped", mc_state(c)->watchers.skipped);
    mc_stat_number(c, "log_watcher_sent", mc_state(c)->watchers.sent);
    mc_stat_number(c, "log_watchers", mc_state(c)->watchers.count);
    mc_stat_number(c, "bytes", keyspace_used_bytes(c->ks));
    mc_stat_number(c, "curr_items", keyspace_count(c->ks));
    mc_stat_number(c, "total_items", mc_state(c)->counters.total_items);
    mc_stat_number(c, "expired_unfetched", 0);
    mc_stat_number(c, "evicted_unfetched", 0);
    mc_stat_number(c, "evictions", mc_evicted(c));
    mc_stat_number(c, "reclaimed", c->ks->stats.expired);
    mc_stat_number(c, "crawler_reclaimed", 0);
    mc_stat_number(c, "crawler_items_checked", 0);
    mc_stat_number(c, "lrutail_reflocked", 0);
}

void mc_stats_reset(struct cmd_call *c)
{
    struct mc_state *s = mc_state(c);
    uint64_t total_items = s->counters.total_items;

    s->counters = (struct mc_counters){.total_items = total_items};
    s->reset_stats = c->engine->stats;
    s->reset_evicted = c->ks->stats.evicted;
    mc_prefixes_free(s->prefixes);
    s->prefixes = NULL;
}

static const struct {
    const char *name;
    void (*show)(struct cmd_call *c);
} kinds[] = {
    {"",              stats_general        },
    {"settings",      mc_stats_settings    },
    {"items",         mc_stats_items       },
    {"slabs",         mc_stats_slabs       },
    {"sizes",         mc_stats_sizes       },
    {"sizes_enable",  mc_stats_sizes_enable},
    {"sizes_disable", mc_stats_sizes       },
    {"conns",         mc_stats_conns       },
};

bool mc_stats_show(struct cmd_call *c, struct str kind)
{
    for (size_t i = 0; i < countof(kinds); i++) {
        if (!str_is(kind, kinds[i].name))
            continue;
        kinds[i].show(c);
        return true;
    }
    return false;
}

/* A serverless cache has those that tell of the whole, and nothing of its inside. */
static bool is_there(const struct cmd_call *c, struct str kind)
{
    return kind.len == 0 || str_is(kind, "reset") || !mc_is_serverless(c->engine, c->client);
}

void mc_run_stats(struct cmd_call *c)
{
    struct str kind = c->argc > 1 ? c->argv[1] : STR("");

    mc_begin(c);
    if (!is_there(c, kind)) {
        mc_line(c, "ERROR");
    } else if (str_is(kind, "detail")) {
        mc_run_stats_detail(c);
    } else if (str_is(kind, "cachedump")) {
        mc_run_cachedump(c);
    } else if (str_is(kind, "reset")) {
        mc_stats_reset(c);
        mc_line(c, "RESET");
    } else {
        mc_line(c, mc_stats_show(c, kind) ? "END" : "ERROR");
    }
    mc_end(c);
}
