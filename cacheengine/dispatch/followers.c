/* The replicas as a list: coming and going, what they acknowledge, what is due, what is shown. */
#include "cacheengine/dispatch/followers.h"

#include "base/log.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/dispatch/unkept.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND_MS 1000

/* What stands in the head of every snapshot while there is a stream: where it goes on. */
static size_t snapshot_fields(void *ctx, struct snapshot_field *out, size_t max)
{
    struct followers *rs = ctx;
    const struct repl_stream *s = &rs->engine->stream;

    if (!s->is_open || max < 3)
        return 0;
    int db = rs->engine->replica ? replica_stream_db(rs->engine->replica)
             : s->selected < 0   ? 0
                                 : s->selected;
    snprintf(rs->field_text[0], sizeof(rs->field_text[0]), "%d", db);
    snprintf(rs->field_text[1], sizeof(rs->field_text[1]), "%lld", (long long)s->offset);
    out[0] = (struct snapshot_field){"repl-stream-db", str_of(rs->field_text[0])};
    out[1] = (struct snapshot_field){"repl-id", str_of(s->id)};
    out[2] = (struct snapshot_field){"repl-offset", str_of(rs->field_text[1])};
    return 3;
}

void followers_init(struct engine *e)
{
    struct followers *rs = calloc(1, sizeof(*rs));

    check(rs);
    *rs = (struct followers){.engine = e, .sync = {.pipe = {.fd = -1}}};
    e->followers = rs;
    e->saving->fields = snapshot_fields;
    e->saving->fields_ctx = rs;
}

static void drop_window(struct followers *rs)
{
    if (rs->window)
        account_sub(&rs->engine->keyspace.account, FOLLOWERS_WINDOW);
    free(rs->window);
    rs->window = NULL;
}

void followers_fini(struct engine *e)
{
    if (!e->followers)
        return;
    followers_sync_stop(e->followers);
    drop_window(e->followers);
    free(e->followers);
    e->followers = NULL;
}

/* ---- coming and going ---- */

struct follower *followers_of(struct engine *e, struct client *c)
{
    if (!c->follower) {
        c->follower = calloc(1, sizeof(*c->follower));
        check(c->follower);
        *c->follower = (struct follower){.engine = e, .client = c, .file_fd = -1};
        account_add(&e->keyspace.account, sizeof(*c->follower));
        follower_feed_init(c->follower);
    }
    return c->follower;
}

static void attach(struct engine *e, struct follower *r, enum follower_state state)
{
    struct follower **at = &e->followers->first;

    while (*at)
        at = &(*at)->next;
    *at = r;
    r->next = NULL;
    r->state = state;
    r->since_ms = r->ack_ms = e->keyspace.passed_ms;
    r->client->feed = &r->feed;
    e->followers->count++;
}

void followers_add(struct engine *e, struct follower *r)
{
    attach(e, r, FOLLOWER_WAITS);
    e->followers->full_syncs++;
    /* A stream that nobody has followed has no history that anybody could continue; one that nobody
     * may follow has none at all. */
    if (!e->stream.is_open && !unkept_is(e)) {
        repl_stream_renew(&e->stream);
        repl_stream_open(&e->stream);
    }
    followers_sync_join(e->followers, r);
}

void followers_continue(struct engine *e, struct follower *r, int64_t next)
{
    char text[64];
    int len = r->knows_psync2 ? snprintf(text, sizeof(text), "+CONTINUE %s\r\n", e->stream.id)
                              : snprintf(text, sizeof(text), "+CONTINUE\r\n");

    attach(e, r, FOLLOWER_ONLINE);
    e->followers->partial_syncs++;
    follower_say(r, text, (size_t)len);
    repl_reader_open(&e->stream, &r->reader, next);
    log_info("Partial resynchronization request accepted", f_int("id", (int64_t)r->client->id),
             f_int("offset", next));
    followers_apply_settings(e);
    r->client->host->wake(r->client);
}

static void detach(struct engine *e, struct follower *r)
{
    struct followers *rs = e->followers;
    struct follower **at = &rs->first;
    bool was_syncing = r->state == FOLLOWER_PREPARES || r->state == FOLLOWER_RECEIVES;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    r->client->feed = NULL;
    repl_reader_close(&e->stream, &r->reader);
    follower_close_file(r);
    log_info("Connection with replica lost", f_int("id", (int64_t)r->client->id),
             f_int("offset", r->ack_offset));
    if (--rs->count == 0) {
        rs->alone_since_ms = e->keyspace.passed_ms;
        drop_window(rs);
    }
    acks_lost(e, r->client->id);
    yield_look(e);
    if (was_syncing)
        followers_sync_lost(rs);
    followers_apply_settings(e);
}

void followers_forget(struct engine *e, struct client *c)
{
    struct follower *r = c->follower;

    if (!r)
        return;
    if (follower_is_attached(r))
        detach(e, r);
    c->follower = NULL;
    account_sub(&e->keyspace.account, sizeof(*r));
    free(r->address);
    free(r);
}

void followers_let_go(struct engine *e, struct client *c)
{
    repl_reader_close(&e->stream, &c->follower->reader);
    yield_look(e);
}

void followers_drop_all(struct engine *e)
{
    for (struct follower *r = e->followers->first; r; r = r->next) {
        repl_reader_close(&e->stream, &r->reader);
        follower_close_file(r);
        r->state = FOLLOWER_SERVED;
        r->client->host->kill(r->client);
    }
    followers_sync_lost(e->followers);
}

/* ---- how far they are ---- */

static uint32_t count_good(const struct engine *e)
{
    int64_t lag_ms = e->settings.min_replicas_lag_s * 1000;
    uint32_t good = 0;

    for (const struct follower *r = e->followers->first; r; r = r->next)
        good += r->state == FOLLOWER_ONLINE &&
                (e->keyspace.passed_ms - r->ack_ms) / 1000 * 1000 <= lag_ms;
    return good;
}

void followers_apply_settings(struct engine *e)
{
    const struct settings *s = &e->settings;
    bool counts = s->min_replicas > 0 && s->min_replicas_lag_s > 0;

    durability_settle(e);
    e->followers->good_count = counts ? count_good(e) : 0;
    guard_set(e, GUARD_FEW_REPLICAS,
              counts && !e->stream.is_following && e->followers->good_count < s->min_replicas);
}

void followers_acknowledge(struct engine *e, struct follower *r, int64_t offset,
                           int64_t file_offset)
{
    if (offset > r->ack_offset)
        r->ack_offset = offset;
    if (file_offset > r->ack_file_offset)
        r->ack_file_offset = file_offset;
    r->ack_ms = e->keyspace.passed_ms;
    if (r->state == FOLLOWER_ONLINE && r->waits_for_ack) {
        r->waits_for_ack = false;
        r->client->host->wake(r->client);
    }
    if (e->guards & GUARD_FEW_REPLICAS)
        followers_apply_settings(e);
    if (r->state == FOLLOWER_ONLINE)
        acks_reached(e, r->client->id, r->ack_offset);
    blocks_serve_keyless(e);
}

uint32_t followers_reached(const struct engine *e, int64_t offset)
{
    uint32_t count = 0;

    for (const struct follower *r = e->followers->first; r; r = r->next)
        count += r->state == FOLLOWER_ONLINE && r->ack_offset >= offset;
    return count;
}

bool followers_all_have(const struct engine *e, int64_t offset)
{
    for (const struct follower *r = e->followers->first; r; r = r->next)
        if (r->state == FOLLOWER_ONLINE && !r->is_old && r->ack_offset < offset)
            return false;
    return true;
}

uint32_t followers_saved(const struct engine *e, int64_t offset)
{
    uint32_t count = 0;

    for (const struct follower *r = e->followers->first; r; r = r->next)
        count += r->state == FOLLOWER_ONLINE && r->ack_file_offset >= offset;
    return count;
}

void followers_ask(struct engine *e)
{
    e->followers->wants_acks = true;
}

/* ---- the loop ---- */

void followers_flush_slow(struct engine *e)
{
    const struct output_limit *limit = &e->settings.output_limits[OUTPUT_REPLICA];

    if (e->followers->wants_acks || acks_want_asking(e))
        repl_stream_say(&e->stream, STR("*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"));
    e->followers->wants_acks = false;
    if (e->stream.offset == e->followers->flushed)
        return;
    e->followers->flushed = e->stream.offset;
    for (struct follower *r = e->followers->first; r; r = r->next) {
        if (r->client->is_killed || !repl_reader_is_open(&r->reader))
            continue;
        /* Those that take nothing yet are looked at too: what is kept for them grows. */
        if (r->state == FOLLOWER_ONLINE ||
            (limit->hard_bytes && repl_reader_left(&e->stream, &r->reader) > limit->hard_bytes))
            r->client->host->wake(r->client);
    }
}

static bool has_timed_out(const struct engine *e, const struct follower *r)
{
    int64_t since_ms = r->state == FOLLOWER_ONLINE ? r->ack_ms : r->progress_ms;

    if (r->state != FOLLOWER_ONLINE && r->state != FOLLOWER_RECEIVES)
        return false;
    if (r->is_old && r->state == FOLLOWER_ONLINE)
        return false;
    return e->keyspace.passed_ms - since_ms > e->settings.repl_timeout_s * 1000;
}

/* Those that wait for a snapshot hear of us: a line feed means nothing. */
static void keep_alive(struct engine *e)
{
    for (struct follower *r = e->followers->first; r; r = r->next) {
        if (has_timed_out(e, r)) {
            log_warn(r->state == FOLLOWER_ONLINE ? "Disconnecting timedout replica (streaming sync)"
                                                 : "Disconnecting timedout replica (full sync)",
                     f_int("id", (int64_t)r->client->id));
            r->client->host->kill(r->client);
        } else if ((r->state == FOLLOWER_WAITS || r->state == FOLLOWER_PREPARES) &&
                   r->head_len == 0) {
            follower_say(r, "\n", 1);
            r->client->host->wake(r->client);
        }
    }
}

/* Without replicas for long, nobody will continue: the stream is not kept any more. */
static void forget_stream(struct engine *e)
{
    struct followers *rs = e->followers;
    int64_t ttl_ms = e->settings.repl_backlog_ttl_s * 1000;

    if (rs->count > 0 || !e->stream.is_open || e->stream.is_following || ttl_ms == 0)
        return;
    if (e->keyspace.passed_ms - rs->alone_since_ms <= ttl_ms)
        return;
    repl_stream_renew(&e->stream);
    repl_stream_close(&e->stream);
    log_info("replication backlog freed: there was no replica for long",
             f_int("seconds", e->settings.repl_backlog_ttl_s));
}

/* The file was made for replicas alone, and is to go when all have it. */
static void remove_file(struct followers *rs)
{
    const struct settings *s = &rs->engine->settings;

    if (!s->drops_sync_files)
        rs->made_file = false;
    if (!rs->made_file || s->save_point_count > 0)
        return;
    for (const struct follower *r = rs->first; r; r = r->next)
        if (r->state != FOLLOWER_ONLINE && r->state != FOLLOWER_SERVED)
            return;
    if (unlink(s->dump_file) == 0)
        log_info("snapshot's file removed: it was for replicas alone");
    rs->made_file = false;
}

/* The period counts as it is now: who makes it longer wants no more of them until then. */
static void ping(struct engine *e)
{
    struct followers *rs = e->followers;

    /* In a failover the stream must stand still. */
    if (e->failover.state != FAILOVER_NONE ||
        e->keyspace.passed_ms - rs->pinged_ms < e->settings.repl_ping_s * 1000)
        return;
    rs->pinged_ms = e->keyspace.passed_ms;
    if (rs->count > 0)
        repl_stream_say(&e->stream, STR("*1\r\n$4\r\nPING\r\n"));
}

void followers_tick(struct engine *e)
{
    struct followers *rs = e->followers;

    if (e->stream.is_open)
        repl_stream_trim(&e->stream);
    if (rs->count > 0)
        followers_sync_begin_due(rs);
    if (e->keyspace.passed_ms < rs->second_at_ms)
        return;
    rs->second_at_ms = e->keyspace.passed_ms + SECOND_MS;
    ping(e);
    keep_alive(e);
    forget_stream(e);
    if (rs->made_file)
        remove_file(rs);
    followers_apply_settings(e);
}

/* ---- what is shown ---- */

const char *follower_state_name(const struct follower *r)
{
    switch (r->state) {
    case FOLLOWER_WAITS:
    case FOLLOWER_PREPARES: return "wait_bgsave";
    case FOLLOWER_RECEIVES: return r->file_fd >= 0 ? "send_bulk" : "wait_bgsave";
    case FOLLOWER_ONLINE: return "online";
    default: return NULL;
    }
}

struct str follower_address(const struct follower *r, struct client_facts *room)
{
    if (r->address)
        return str_of(r->address);
    r->client->host->facts(r->client, room);
    struct str peer = str_of(room->peer);
    while (peer.len > 0 && peer.ptr[peer.len - 1] != ':')
        peer.len--;
    if (peer.len > 0)
        peer.len--;
    if (peer.len > 1 && peer.ptr[0] == '[')
        peer = (struct str){peer.ptr + 1, peer.len - 2};
    return peer;
}

static void put_replica(const struct engine *e, const struct follower *r, int number,
                        struct buf *out)
{
    const char *state = follower_state_name(r);
    bool is_online = r->state == FOLLOWER_ONLINE;
    struct client_facts facts;
    struct str address = follower_address(r, &facts);

    if (!state)
        return;
    buf_printf(out, "slave%d:ip=%.*s,port=%lld,state=%s,offset=%lld,lag=%lld", number,
               STR_ARG(address), (long long)r->port, state, (long long)r->ack_offset,
               is_online ? (long long)(e->keyspace.passed_ms - r->ack_ms) / 1000 : 0LL);
    if (e->settings.brand == BRAND_VALKEY)
        buf_puts(out, ",type=replica");
    buf_puts(out, "\r\n");
}

static void put_durability(const struct engine *e, struct buf *out)
{
    buf_printf(out, "larder_durability_lag_ms:%lld\r\nlarder_durability_refused:%llu\r\n",
               (long long)durability_lag_ms(&e->durability, e->keyspace.passed_ms),
               (unsigned long long)e->durability.refused);
}

/* Amid a script that takes long, those that have gone are not forgotten yet. */
static uint32_t count_connected(const struct engine *e)
{
    uint32_t count = 0;

    for (const struct follower *r = e->followers->first; r; r = r->next)
        count += !r->client->is_killed;
    return count;
}

void followers_info(const struct engine *e, struct buf *out)
{
    const struct repl_stream *s = &e->stream;
    int number = 0;

    buf_printf(out, "connected_slaves:%u\r\n", count_connected(e));
    if (e->settings.min_replicas > 0 && e->settings.min_replicas_lag_s > 0)
        buf_printf(out, "min_slaves_good_slaves:%u\r\n", e->followers->good_count);
    if (durability_asks(e) > 0)
        put_durability(e, out);
    for (const struct follower *r = e->followers->first; r; r = r->next)
        if (follower_state_name(r) && !r->client->is_killed)
            put_replica(e, r, number++, out);
    if (e->settings.brand == BRAND_VALKEY)
        buf_puts(out, "replicas_waiting_psync:0\r\n");
    buf_printf(out, "master_failover_state:%s\r\n", failover_state_name(e));
    buf_printf(out, "master_replid:%s\r\nmaster_replid2:%s\r\n", s->id, s->former_id);
    buf_printf(out, "master_repl_offset:%lld\r\nsecond_repl_offset:%lld\r\n", (long long)s->offset,
               (long long)s->former_end);
    int64_t lineage = repl_id_lineage(s->id);
    if (lineage > 0)
        buf_printf(out, "larder_lineage:%lld\r\n", (long long)lineage);
    buf_printf(out, "repl_backlog_active:%d\r\nrepl_backlog_size:%lld\r\n", s->is_open,
               (long long)e->settings.repl_backlog_bytes);
    buf_printf(out, "repl_backlog_first_byte_offset:%lld\r\nrepl_backlog_histlen:%lld\r\n",
               s->is_open ? (long long)s->first : 0LL, (long long)repl_stream_kept(s));
}
