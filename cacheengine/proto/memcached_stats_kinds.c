/*
 * stats settings, items, slabs, sizes, conns. The engine has one class of items (1) where memcached
 * has many, and no slabs: what they are told by is what stands for them here.
 */
#include "cacheengine/proto/memcached.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <sys/un.h>

#define LISTENERS_BELOW 256 /* descriptors of listeners: they are opened first */

static const char *yes_or_no(bool claim)
{
    return claim ? "yes" : "no";
}

static const char *binding_of(const struct settings *s)
{
    static const char *const names[] = {"auto-negotiate", "ascii", "binary"};

    return names[*s->memcached_sasl_users ? MC_BINDING_BINARY : s->memcached_binding];
}

static const char *or_null(const char *text)
{
    return text && *text ? text : "NULL";
}

/* ---- settings ---- */

static void settings_of_process(struct cmd_call *c)
{
    const struct settings *s = &c->engine->settings;

    mc_stat_number(c, "maxbytes", (uint64_t)s->max_memory);
    mc_stat_number(c, "maxconns", (uint64_t)s->max_clients);
    mc_stat_number(c, "tcpport", (uint64_t)s->port);
    mc_stat_number(c, "udpport", 0);
    mc_stat(c, "inter", "%s", or_null(s->bind));
    mc_stat_number(c, "verbosity", mc_state(c)->verbosity);
    mc_stat_number(c, "oldest", 0);
    mc_stat(c, "evictions", "%s", s->evict_policy == EVICT_NONE ? "off" : "on");
    mc_stat(c, "domain_socket", "%s", or_null(s->unix_socket));
    mc_stat(c, "umask", "%" PRIo64, s->unix_socket_mode);
    mc_stat(c, "shutdown_command", "%s", yes_or_no(s->memcached_may_shut_down));
    mc_stat_number(c, "num_threads", 1);
    mc_stat(c, "stat_key_prefix", "%s", s->memcached_delimiter);
    mc_stat(c, "detail_enabled", "%s", yes_or_no(mc_state(c)->counts_prefixes));
}

static void settings_of_protocol(struct cmd_call *c)
{
    const struct settings *s = &c->engine->settings;

    mc_stat(c, "cas_enabled", "%s", yes_or_no(s->memcached_has_cas));
    mc_stat_number(c, "tcp_backlog", (uint64_t)s->backlog);
    mc_stat(c, "binding_protocol", "%s", binding_of(s));
    mc_stat(c, "auth_enabled_sasl", "%s", yes_or_no(*s->memcached_sasl_users));
    mc_stat(c, "auth_enabled_ascii", "%s", *s->memcached_auth_file ? s->memcached_auth_file : "no");
    mc_stat_number(c, "item_size_max", (uint64_t)s->memcached_item_max);
    mc_stat(c, "maxconns_fast", "yes");
}

/* What is tuned of slabs and queues is kept and shown; there are none that it could change. */
static void settings_of_store(struct cmd_call *c)
{
    const struct mc_tuning *t = &mc_state(c)->tuning;

    mc_stat(c, "slab_reassign", "no");
    mc_stat_number(c, "slab_automove", t->slab_automove);
    mc_stat(c, "slab_automove_ratio", "%.2f", t->slab_automove_ratio);
    mc_stat(c, "lru_crawler", "%s", yes_or_no(t->has_crawler));
    mc_stat_number(c, "lru_crawler_sleep", t->crawl_sleep_us);
    mc_stat_number(c, "lru_crawler_tocrawl", t->crawl_most);
}

void mc_stats_settings(struct cmd_call *c)
{
    const struct settings *s = &c->engine->settings;
    const struct mc_tuning *t = &mc_state(c)->tuning;

    settings_of_process(c);
    settings_of_protocol(c);
    settings_of_store(c);
    mc_stat(c, "flush_enabled", "%s", yes_or_no(s->memcached_may_flush));
    mc_stat(c, "dump_enabled", "%s", yes_or_no(s->memcached_may_dump));
    mc_stat(c, "lru_maintainer_thread", "no");
    mc_stat(c, "lru_segmented", "no");
    mc_stat_number(c, "hot_lru_pct", t->hot_percent);
    mc_stat_number(c, "warm_lru_pct", t->warm_percent);
    mc_stat(c, "hot_max_factor", "%.2f", t->hot_factor);
    mc_stat(c, "warm_max_factor", "%.2f", t->warm_factor);
    mc_stat_number(c, "idle_timeout", (uint64_t)s->idle_timeout_s);
    mc_stat_number(c, "watcher_logbuf_size", (uint64_t)s->memcached_watcher_buffer);
    mc_stat_number(c, "worker_logbuf_size", (uint64_t)s->memcached_worker_buffer);
    mc_stat(c, "track_sizes", "no");
    mc_stat(c, "inline_ascii_response", "no");
}

/* ---- items, slabs, sizes ---- */

void mc_stats_items(struct cmd_call *c)
{
    uint64_t count = keyspace_count(c->ks);

    if (count == 0)
        return;
    mc_stat_number(c, "items:1:number", count);
    mc_stat_number(c, "items:1:age", 0);
    mc_stat_number(c, "items:1:mem_requested", c->db->heap.used_bytes);
    mc_stat_number(c, "items:1:evicted", mc_evicted(c));
    mc_stat_number(c, "items:1:evicted_nonzero", 0);
    mc_stat_number(c, "items:1:evicted_time", 0);
    mc_stat_number(c, "items:1:outofmemory", mc_state(c)->counters.no_memory);
    mc_stat_number(c, "items:1:tailrepairs", 0);
    mc_stat_number(c, "items:1:reclaimed", c->ks->stats.expired);
    mc_stat_number(c, "items:1:expired_unfetched", 0);
    mc_stat_number(c, "items:1:evicted_unfetched", 0);
}

void mc_stats_slabs(struct cmd_call *c)
{
    const struct mc_counters *n = &mc_state(c)->counters;
    uint64_t backed = heap_backed_bytes(&c->db->heap);
    bool is_used = keyspace_count(c->ks) > 0;

    if (is_used) {
        mc_stat_number(c, "1:chunk_size", HEAP_GRANULE);
        mc_stat_number(c, "1:chunks_per_page", HEAP_SLAB_BYTES / HEAP_GRANULE);
        mc_stat_number(c, "1:total_pages", backed / HEAP_SLAB_BYTES);
        mc_stat_number(c, "1:total_chunks", backed / HEAP_GRANULE);
        mc_stat_number(c, "1:used_chunks", c->db->heap.used_bytes / HEAP_GRANULE);
        mc_stat_number(c, "1:free_chunks", (backed - c->db->heap.used_bytes) / HEAP_GRANULE);
        mc_stat_number(c, "1:free_chunks_end", 0);
        mc_stat_number(c, "1:get_hits", n->get_hits);
        mc_stat_number(c, "1:cmd_set", n->cmd_set);
        mc_stat_number(c, "1:delete_hits", n->delete_hits);
        mc_stat_number(c, "1:incr_hits", n->incr_hits);
        mc_stat_number(c, "1:decr_hits", n->decr_hits);
        mc_stat_number(c, "1:cas_hits", n->cas_hits);
        mc_stat_number(c, "1:cas_badval", n->cas_badval);
        mc_stat_number(c, "1:touch_hits", n->touch_hits);
    }
    mc_stat_number(c, "active_slabs", is_used);
    mc_stat_number(c, "total_malloced", backed);
}

void mc_stats_sizes(struct cmd_call *c)
{
    mc_stat(c, "sizes_status", "disabled");
}

void mc_stats_sizes_enable(struct cmd_call *c)
{
    mc_stat(c, "sizes_status", "error");
    mc_stat(c, "sizes_error", "sizes_are_not_counted");
}

/* ---- conns ---- */

static void conn_stat(struct cmd_call *c, int fd, const char *name, const char *kind,
                      const char *value)
{
    mc_stat(c, arena_printf(c->scratch, "%d:%s", fd, name), "%s%s", kind, value);
}

/* An address as memcached shows it: the engine has its paths with a port of 0. */
static void address_stat(struct cmd_call *c, const struct client_facts *f, const char *name,
                         const char *address)
{
    struct str text = str_of(address);

    if (f->is_unix && str_ends(text, ":0"))
        text.len -= 2;
    conn_stat(c, f->fd, name, f->is_unix ? "unix:" : "tcp:", str_dup(c->scratch, text));
}

static const char *state_of(const struct cmd_call *c, const struct client *client,
                            const struct client_facts *f)
{
    if (client == c->client)
        return "conn_parse_cmd";
    if (client->is_closing)
        return "conn_closing";
    return f->input_bytes > 0 ? "conn_nread" : "conn_read";
}

static void show_client(struct cmd_call *c, const struct client *client)
{
    struct client_facts f;
    int64_t idle_s = (c->ks->passed_ms - client->active_ms) / 1000;

    client->host->facts(client, &f);
    address_stat(c, &f, "addr", f.is_unix ? "" : f.peer);
    address_stat(c, &f, "listen_addr", f.local);
    conn_stat(c, f.fd, "state", "", state_of(c, client, &f));
    conn_stat(c, f.fd, "secs_since_last_cmd", "",
              arena_printf(c->scratch, "%lld", (long long)(idle_s > 0 ? idle_s : 0)));
}

/* The descriptors that listen: nobody above the network knows them, so the kernel is asked. */
static void show_listener(struct cmd_call *c, int fd)
{
    struct client_facts f = {.fd = fd};
    struct sockaddr_un path = {0};
    socklen_t len = sizeof(path), flag_len = sizeof(int);
    int listens = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &flag_len) != 0 || !listens)
        return;
    if (getsockname(fd, (struct sockaddr *)&path, &len) != 0)
        return;
    f.is_unix = path.sun_family == AF_UNIX;
    const char *address = c->engine->settings.bind;
    if (f.is_unix && strcmp(path.sun_path, c->engine->settings.admin_socket) == 0)
        return;
    if (!f.is_unix)
        address = arena_printf(c->scratch, "%s:%lld", address, (long long)c->engine->settings.port);
    address_stat(c, &f, "addr", f.is_unix ? path.sun_path : address);
    conn_stat(c, fd, "state", "", "conn_listening");
    conn_stat(c, fd, "secs_since_last_cmd", "", "0");
}

void mc_stats_conns(struct cmd_call *c)
{
    for (int fd = 0; fd < LISTENERS_BELOW; fd++)
        show_listener(c, fd);
    for (const struct client *o = c->engine->oldest; o; o = o->newer)
        if (!o->is_admin && o->host && o->host->facts)
            show_client(c, o);
}
