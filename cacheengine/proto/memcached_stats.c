/*
 * stats: general, settings, items, slabs, sizes, reset. Names and order are memcached's, so that
 * monitoring finds what it looks for; the engine has one class of items (1) where memcached has
 * many.
 */
#include "cacheengine/proto/memcached_binary.h"

#include <inttypes.h>
#include <stdarg.h>
#include <sys/resource.h>

__attribute__((format(printf, 3, 4))) static void stat_line(struct cmd_call *c, const char *name,
                                                            const char *fmt, ...)
{
    char value[256];
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

static void stat_number(struct cmd_call *c, const char *name, uint64_t v)
{
    stat_line(c, name, "%" PRIu64, v);
}

static void stat_times(struct cmd_call *c)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    stat_line(c, "rusage_user", "%ld.%06ld", (long)used.ru_utime.tv_sec,
              (long)used.ru_utime.tv_usec);
    stat_line(c, "rusage_system", "%ld.%06ld", (long)used.ru_stime.tv_sec,
              (long)used.ru_stime.tv_usec);
}

static void stats_process(struct cmd_call *c)
{
    const struct engine *e = c->engine;
    const struct engine_stats *since = &mc_state(c)->reset_stats;

    stat_number(c, "pid", (uint64_t)e->pid);
    stat_number(c, "uptime", (uint64_t)(c->ks->passed_ms - e->started_boot_ms) / 1000);
    stat_number(c, "time", (uint64_t)c->ks->now_ms / 1000);
    stat_line(c, "version", "%s", e->settings.memcached_version);
    stat_number(c, "pointer_size", 8 * sizeof(void *));
    stat_times(c);
    stat_number(c, "max_connections", (uint64_t)e->settings.max_clients);
    stat_number(c, "curr_connections", e->client_count);
    stat_number(c, "total_connections", e->stats.connections - since->connections);
    stat_number(c, "rejected_connections",
                e->stats.rejected_connections - since->rejected_connections);
    stat_number(c, "connection_structures", e->client_count);
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
        stat_number(c, rows[i].name, rows[i].value);
}

static uint64_t evicted(const struct cmd_call *c)
{
    return c->ks->stats.evicted - mc_state(c)->reset_evicted;
}

static void stats_general(struct cmd_call *c)
{
    const struct engine *e = c->engine;
    const struct engine_stats *since = &mc_state(c)->reset_stats;

    stats_process(c);
    stats_commands(c);
    stat_number(c, "bytes_read", e->stats.bytes_in - since->bytes_in);
    stat_number(c, "bytes_written", e->stats.bytes_out - since->bytes_out);
    stat_number(c, "limit_maxbytes", (uint64_t)e->settings.max_memory);
    stat_number(c, "accepting_conns", 1);
    stat_number(c, "listen_disabled_num", 0);
    stat_number(c, "threads", 1);
    stat_number(c, "conn_yields", 0);
    stat_number(c, "hash_bytes", index_directory_bytes(&c->db->index));
    stat_number(c, "hash_is_expanding", 0);
    stat_number(c, "bytes", keyspace_used_bytes(c->ks));
    stat_number(c, "curr_items", keyspace_count(c->ks));
    stat_number(c, "total_items", mc_state(c)->counters.total_items);
    stat_number(c, "expired_unfetched", 0);
    stat_number(c, "evicted_unfetched", 0);
    stat_number(c, "evictions", evicted(c));
    stat_number(c, "reclaimed", c->ks->stats.expired);
}

static const char *binding_of(const struct settings *s)
{
    static const char *const names[] = {"auto-negotiate", "ascii", "binary"};

    return names[*s->memcached_sasl_users ? MC_BINDING_BINARY : s->memcached_binding];
}

static void stats_settings(struct cmd_call *c)
{
    const struct settings *s = &c->engine->settings;

    stat_number(c, "maxbytes", (uint64_t)s->max_memory);
    stat_number(c, "maxconns", (uint64_t)s->max_clients);
    stat_number(c, "tcpport", (uint64_t)s->port);
    stat_number(c, "udpport", 0);
    stat_line(c, "inter", "%s", s->bind && *s->bind ? s->bind : "NULL");
    stat_number(c, "verbosity", mc_state(c)->verbosity);
    stat_number(c, "oldest", 0);
    stat_line(c, "evictions", "%s", s->evict_policy == EVICT_NONE ? "off" : "on");
    stat_line(c, "domain_socket", "%s",
              s->unix_socket && *s->unix_socket ? s->unix_socket : "NULL");
    stat_line(c, "umask", "%" PRIo64, s->unix_socket_mode);
    stat_number(c, "num_threads", 1);
    stat_line(c, "cas_enabled", s->memcached_has_cas ? "yes" : "no");
    stat_number(c, "tcp_backlog", (uint64_t)s->backlog);
    stat_line(c, "binding_protocol", "%s", binding_of(s));
    stat_line(c, "auth_enabled_sasl", *s->memcached_sasl_users ? "yes" : "no");
    stat_line(c, "auth_enabled_ascii", "no");
    stat_number(c, "item_size_max", (uint64_t)s->memcached_item_max);
    stat_line(c, "maxconns_fast", "yes");
    stat_line(c, "flush_enabled", s->memcached_may_flush ? "yes" : "no");
    stat_line(c, "dump_enabled", "no");
    stat_number(c, "idle_timeout", (uint64_t)s->idle_timeout_s);
}

static void stats_items(struct cmd_call *c)
{
    uint64_t count = keyspace_count(c->ks);

    if (count == 0)
        return;
    stat_number(c, "items:1:number", count);
    stat_number(c, "items:1:age", 0);
    stat_number(c, "items:1:mem_requested", c->db->heap.used_bytes);
    stat_number(c, "items:1:evicted", evicted(c));
    stat_number(c, "items:1:evicted_nonzero", 0);
    stat_number(c, "items:1:evicted_time", 0);
    stat_number(c, "items:1:outofmemory", mc_state(c)->counters.no_memory);
    stat_number(c, "items:1:tailrepairs", 0);
    stat_number(c, "items:1:reclaimed", c->ks->stats.expired);
    stat_number(c, "items:1:expired_unfetched", 0);
    stat_number(c, "items:1:evicted_unfetched", 0);
}

static void stats_slabs(struct cmd_call *c)
{
    const struct mc_counters *n = &mc_state(c)->counters;
    uint64_t backed = heap_backed_bytes(&c->db->heap);
    bool is_used = keyspace_count(c->ks) > 0;

    if (is_used) {
        stat_number(c, "1:chunk_size", HEAP_GRANULE);
        stat_number(c, "1:chunks_per_page", HEAP_SLAB_BYTES / HEAP_GRANULE);
        stat_number(c, "1:total_pages", backed / HEAP_SLAB_BYTES);
        stat_number(c, "1:total_chunks", backed / HEAP_GRANULE);
        stat_number(c, "1:used_chunks", c->db->heap.used_bytes / HEAP_GRANULE);
        stat_number(c, "1:free_chunks", (backed - c->db->heap.used_bytes) / HEAP_GRANULE);
        stat_number(c, "1:free_chunks_end", 0);
        stat_number(c, "1:get_hits", n->get_hits);
        stat_number(c, "1:cmd_set", n->cmd_set);
        stat_number(c, "1:delete_hits", n->delete_hits);
        stat_number(c, "1:incr_hits", n->incr_hits);
        stat_number(c, "1:decr_hits", n->decr_hits);
        stat_number(c, "1:cas_hits", n->cas_hits);
        stat_number(c, "1:cas_badval", n->cas_badval);
        stat_number(c, "1:touch_hits", n->touch_hits);
    }
    stat_number(c, "active_slabs", is_used);
    stat_number(c, "total_malloced", backed);
}

static void stats_sizes(struct cmd_call *c)
{
    stat_line(c, "sizes_status", "disabled");
}

void mc_stats_reset(struct cmd_call *c)
{
    struct mc_state *s = mc_state(c);
    uint64_t total_items = s->counters.total_items;

    s->counters = (struct mc_counters){.total_items = total_items};
    s->reset_stats = c->engine->stats;
    s->reset_evicted = c->ks->stats.evicted;
}

static const struct {
    const char *name;
    void (*show)(struct cmd_call *c);
} kinds[] = {
    {"",         stats_general },
    {"settings", stats_settings},
    {"items",    stats_items   },
    {"slabs",    stats_slabs   },
    {"sizes",    stats_sizes   },
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

void mc_run_stats(struct cmd_call *c)
{
    struct str kind = c->argc > 1 ? c->argv[1] : STR("");

    mc_begin(c);
    if (str_is(kind, "reset")) {
        mc_stats_reset(c);
        mc_line(c, "RESET");
    } else {
        mc_line(c, mc_stats_show(c, kind) ? "END" : "ERROR");
    }
    mc_end(c);
}
