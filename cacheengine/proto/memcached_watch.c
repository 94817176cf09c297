/*
 * watch: what happens, as lines to those who asked for them. Nobody waits for a watcher: one that
 * does not read fast enough loses lines, and is told how many when there is room again. While
 * nobody watches, it costs one test where something happens.
 */
#include "cacheengine/proto/memcached_watch.h"

#include <inttypes.h>
#include <stdlib.h>

#define LINE_MAX_BYTES (3 * MC_KEY_MAX + 256)

static const struct {
    const char *name;
    unsigned kinds;
} words[] = {
    {"fetchers",    MC_FETCHERS  },
    {"mutations",   MC_MUTATIONS },
    {"evictions",   MC_EVICTIONS },
    {"connevents",  MC_CONNEVENTS},
 /* Nothing of these happens here, nor to a memcached without proxy and slabs. */
    {"rawcmds",     0            },
    {"sysevents",   0            },
    {"proxyreqs",   0            },
    {"proxyevents", 0            },
    {"proxyuser",   0            },
};

/* ---- lines ---- */

static void queue(struct client *client, const char *text, size_t len)
{
    reply_queue(&client->reply, text, len);
    if (client->host && client->host->post)
        client->host->post(client);
}

/* One watcher's share of a line. */
static void tell(struct mc_watch *w, struct mc_watcher *to, size_t limit, struct str line)
{
    char skipped[64];

    if (reply_pending(&to->client->reply) + line.len > limit) {
        to->skipped++;
        w->skipped++;
        return;
    }
    if (to->skipped > 0) {
        int len = snprintf(skipped, sizeof(skipped), "skipped=%" PRIu64 "\n", to->skipped);

        queue(to->client, skipped, (size_t)len);
        to->skipped = 0;
    }
    queue(to->client, line.ptr, line.len);
    w->sent++;
}

/* "ts=... gid=... " and what was made of the event, ended by a line feed. */
static void tell_all(struct engine *e, unsigned kind, const char *text)
{
    struct mc_watch *w = &mc_state_of(e)->watchers;
    int64_t now_ms = e->keyspace.now_ms;
    int64_t limit = e->settings.memcached_watcher_buffer + e->settings.memcached_worker_buffer;
    char line[LINE_MAX_BYTES + 128];
    int len =
        snprintf(line, sizeof(line), "ts=%lld.%lld gid=%" PRIu64 " %s\n",
                 (long long)(now_ms / 1000), (long long)(now_ms % 1000 * 1000), ++w->last_id, text);

    for (uint32_t i = 0; i < w->count; i++)
        if (w->all[i].kinds & kind)
            tell(w, &w->all[i], (size_t)limit, (struct str){line, (size_t)len});
}

/* Until a deadline, as memcached tells it: 0 without one. */
static int64_t seconds_until(int64_t deadline_ms, int64_t now_ms)
{
    return deadline_ms == NO_DEADLINE ? 0 : (deadline_ms - now_ms) / 1000;
}

static int descriptor_of(const struct client *client)
{
    struct client_facts f = {.fd = -1};

    if (client && client->host && client->host->facts)
        client->host->facts(client, &f);
    return f.fd;
}

static const char *shown(char *to, struct str key)
{
    *mc_escape_key(to, (struct str){key.ptr, key.len < MC_KEY_MAX ? key.len : MC_KEY_MAX}) = '\0';
    return to;
}

/* ---- what happens ---- */

void mc_watch_fetch_slow(struct cmd_call *c, struct key k)
{
    char key[3 * MC_KEY_MAX + 1], text[LINE_MAX_BYTES];
    struct entry *e = db_peek(c->db, k);
    struct item it = {0};

    if (e)
        item_read(e, &it);
    snprintf(text, sizeof(text), "type=item_get key=%s status=%s clsid=%d cfd=%d size=%zu",
             shown(key, (struct str){k.ptr, k.len}), e ? "found" : "not_found", e ? 1 : 0,
             descriptor_of(c->client), it.value.len);
    tell_all(c->engine, MC_FETCHERS, text);
}

void mc_watch_store_slow(struct cmd_call *c, const struct mc_stored_event *what)
{
    char key[3 * MC_KEY_MAX + 1], text[LINE_MAX_BYTES];
    int64_t left_s = seconds_until(what->deadline_ms, c->ks->now_ms);

    snprintf(text, sizeof(text),
             "type=item_store key=%s status=%s cmd=%s ttl=%lld clsid=1 cfd=%d size=%zu",
             shown(key, what->key), what->status, what->command, (long long)left_s,
             descriptor_of(c->client), what->size);
    tell_all(c->engine, MC_MUTATIONS, text);
}

/* The keyspace tells of each item that it lets go for want of memory. */
static void evicted(void *ctx, struct db *db, struct entry *e)
{
    struct engine *engine = ctx;
    char key[3 * MC_KEY_MAX + 1], text[LINE_MAX_BYTES];
    int64_t end_ms = entry_deadline(e);
    struct item it;

    item_read(e, &it);
    snprintf(text, sizeof(text), "type=eviction key=%s fetch=%s ttl=%lld la=%u clsid=1 size=%zu",
             shown(key, entry_key(e)), db_was_read(db, e) ? "yes" : "no",
             end_ms == NO_DEADLINE ? -1LL
                                   : (long long)seconds_until(end_ms, engine->keyspace.now_ms),
             db_unused_s(db, e), it.value.len);
    tell_all(engine, MC_EVICTIONS, text);
}

/* The peer's address and port as memcached writes them. */
static void peer_of(const struct client *client, char rip[64], unsigned *rport)
{
    struct client_facts f = {.is_unix = true};

    if (client->host && client->host->facts)
        client->host->facts(client, &f);
    struct str peer = str_of(f.peer);
    snprintf(rip, 64, "unix");
    *rport = 0;
    if (f.is_unix)
        return;
    for (size_t i = peer.len; i > 0; i--)
        if (peer.ptr[i - 1] == ':') {
            *rport = (unsigned)strtoul(peer.ptr + i, NULL, 10);
            peer.len = i - 1;
            break;
        }
    bool is_v6 = peer.len > 1 && peer.ptr[0] == '[';
    snprintf(rip, 64, "%.*s", (int)(peer.len - 2 * is_v6), peer.ptr + is_v6);
}

static void tell_connection(struct engine *e, struct client *client, const char *type,
                            const char *reason)
{
    char rip[64], text[LINE_MAX_BYTES];
    unsigned rport;

    peer_of(client, rip, &rport);
    snprintf(text, sizeof(text), "type=%s rip=%s rport=%u transport=%s%s%s cfd=%d", type, rip,
             rport, strcmp(rip, "unix") == 0 ? "local" : "tcp", *reason ? " reason=" : "", reason,
             descriptor_of(client));
    tell_all(e, MC_CONNEVENTS, text);
}

static void client_came(struct engine *e, struct client *client)
{
    if (__builtin_expect(mc_state_of(e)->watchers.kinds & MC_CONNEVENTS, 0))
        tell_connection(e, client, "conn_new", "");
}

static const char *reason_of(const struct engine *e, const struct client *client)
{
    const struct mc_session *s = client->protocol_state;
    int64_t idle_ms = e->keyspace.passed_ms - client->active_ms;

    if (e->is_ending)
        return "shutdown";
    if (s && s->is_at_fault)
        return "error";
    if (e->settings.idle_timeout_s > 0 && idle_ms > e->settings.idle_timeout_s * 1000)
        return "idle_timeout";
    return "normal";
}

static void client_gone(struct engine *e, struct client *client)
{
    mc_watch_forget(mc_state_of(e), client);
    if (__builtin_expect(mc_state_of(e)->watchers.kinds & MC_CONNEVENTS, 0))
        tell_connection(e, client, "conn_close", reason_of(e, client));
}

void mc_watch_init(struct engine *e)
{
    e->client_came = client_came;
    e->client_gone = client_gone;
}

/* ---- watchers ---- */

static void settle(struct engine *e)
{
    struct mc_watch *w = &mc_state_of(e)->watchers;

    w->kinds = 0;
    for (uint32_t i = 0; i < w->count; i++)
        w->kinds |= w->all[i].kinds;
    e->keyspace.hooks.on_evict = w->kinds & MC_EVICTIONS ? evicted : NULL;
}

void mc_watch_forget(struct mc_state *s, const struct client *client)
{
    struct mc_watch *w = &s->watchers;

    for (uint32_t i = 0; i < w->count; i++)
        if (w->all[i].client == client) {
            w->all[i] = w->all[--w->count];
            settle(w->engine);
            return;
        }
}

static bool add_kinds(struct str word, unsigned *kinds)
{
    for (size_t i = 0; i < countof(words); i++)
        if (str_is(word, words[i].name)) {
            *kinds |= words[i].kinds;
            return true;
        }
    return false;
}

static const char *watch(struct cmd_call *c)
{
    struct mc_watch *w = &mc_state(c)->watchers;
    unsigned kinds = c->argc == 1 ? MC_FETCHERS : 0;

    if (!c->engine->settings.memcached_may_watch)
        return "CLIENT_ERROR watch commands not allowed";
    if (reply_pending(c->reply) > 0)
        return "ERROR cannot pipeline other commands before watch";
    for (uint32_t i = 1; i < c->argc; i++)
        if (!add_kinds(c->argv[i], &kinds))
            return "ERROR";
    if (w->count == MC_WATCHERS)
        return "WATCHER_TOO_MANY log watcher limit reached";
    w->engine = c->engine;
    w->all[w->count++] = (struct mc_watcher){.client = c->client, .kinds = kinds};
    mc_session(c)->is_watcher = true;
    settle(c->engine);
    return "OK";
}

void mc_run_watch(struct cmd_call *c)
{
    mc_begin(c);
    mc_say(c, watch(c), false);
    mc_end(c);
}
