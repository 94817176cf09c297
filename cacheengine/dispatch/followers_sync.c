/*
 * Snapshots for replicas. The one idea: from the instant of the fork on, a replica has a reader in
 * the stream; however long its snapshot takes, what it will need next is being kept, once for all.
 *
 * Through a pipe all replicas of a snapshot get the same chunk, and the next one is read when the
 * last of them has it; so it takes the memory of one chunk, and as long as the slowest needs.
 */
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/keyspace/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

static bool gets_pipe(const struct follower *r)
{
    return r->state == FOLLOWER_RECEIVES && r->file_fd < 0;
}

/* ---- who is served ---- */

/* All that wait and want what the first of them wants. */
struct group {
    uint32_t count;
    unsigned wants;
    bool all_know_eof;
    int64_t version; /* the oldest */
    int64_t since_ms;
};

static bool is_of(const struct group *g, const struct follower *r)
{
    return r->state == FOLLOWER_WAITS && !r->client->is_killed && r->wants == g->wants;
}

static struct group group_of(const struct followers *rs)
{
    struct group g = {.all_know_eof = true, .version = INT64_MAX, .since_ms = INT64_MAX};

    for (const struct follower *r = rs->first; r; r = r->next) {
        if (g.count == 0)
            g.wants = r->wants;
        if (!is_of(&g, r))
            continue;
        g.count++;
        g.all_know_eof &= r->knows_eof;
        g.version = r->version < g.version ? r->version : g.version;
        g.since_ms = r->since_ms < g.since_ms ? r->since_ms : g.since_ms;
    }
    return g;
}

static bool is_due(const struct followers *rs, const struct group *g)
{
    const struct settings *s = &rs->engine->settings;

    if (!s->syncs_diskless || !g->all_know_eof || s->sync_delay_s == 0)
        return true;
    if (s->sync_max_replicas > 0 && g->count >= (uint64_t)s->sync_max_replicas)
        return true;
    return rs->engine->keyspace.passed_ms - g->since_ms >= s->sync_delay_s * 1000;
}

/* The stream goes on for it behind the snapshot that is forked now, or was at `offset`. */
static void begin_for(struct follower *r, enum follower_state state, int64_t offset)
{
    struct engine *e = r->engine;
    char text[96];

    r->state = state;
    r->progress_ms = e->keyspace.passed_ms;
    if (!r->wants_only_keys)
        repl_reader_open(&e->stream, &r->reader, offset + 1);
    if (!r->is_old)
        follower_say(r, text,
                     (size_t)snprintf(text, sizeof(text), "+FULLRESYNC %s %lld\r\n", e->stream.id,
                                      (long long)offset));
}

static void refuse_group(struct followers *rs, const struct group *g, struct err why)
{
    static const char text[] = "-ERR BGSAVE failed, replication can't continue\r\n";

    log_warn("BGSAVE for replication failed", f_err(why));
    for (struct follower *r = rs->first; r; r = r->next)
        if (is_of(g, r)) {
            r->state = FOLLOWER_SERVED;
            follower_say(r, text, sizeof(text) - 1);
            r->client->host->wake(r->client);
        }
}

/* ---- through a pipe ---- */

static void drop_receivers(struct followers *rs)
{
    for (struct follower *r = rs->first; r; r = r->next)
        if (gets_pipe(r))
            r->client->host->kill(r->client);
}

static void unwatch_pipe(struct followers *rs)
{
    struct followers_sync *s = &rs->sync;

    if (s->is_watched && rs->engine->host)
        rs->engine->host->unwatch(rs->engine, &s->pipe);
    s->is_watched = false;
}

static void watch_pipe(struct followers *rs)
{
    struct followers_sync *s = &rs->sync;
    const struct engine_host *host = rs->engine->host;

    if (s->is_watched || s->pipe.fd < 0 || !host)
        return;
    struct err e = host->watch(rs->engine, &s->pipe, EPOLLIN);
    s->is_watched = !err_failed(e);
    if (err_failed(e)) {
        log_warn("replicas dropped in the midst of their snapshot", f_err(e));
        drop_receivers(rs);
    }
}

static void close_pipe(struct followers *rs)
{
    struct followers_sync *s = &rs->sync;

    unwatch_pipe(rs);
    if (s->pipe.fd >= 0)
        close(s->pipe.fd);
    s->pipe.fd = -1;
    if (s->chunk)
        account_sub(&rs->engine->keyspace.account, FOLLOWERS_CHUNK);
    free(s->chunk);
    s->chunk = NULL;
    s->chunk_len = 0;
}

/* All is sent, and the child says that it was all: the mark closes it. */
static void finish_pipe(struct followers *rs)
{
    struct followers_sync *s = &rs->sync;
    unsigned count = 0;
    char text[96];

    if (s->pipe.fd >= 0 || !s->child_is_done)
        return;
    for (const struct follower *r = rs->first; r; r = r->next)
        count += gets_pipe(r) && !r->client->is_killed;
    snprintf(text, sizeof(text),
             "Diskless rdb transfer, done reading from pipe, %u replicas still up", count);
    log_info(text);
    for (struct follower *r = rs->first; r; r = r->next) {
        if (!gets_pipe(r))
            continue;
        follower_say(r, s->mark, sizeof(s->mark));
        follower_has_snapshot(r, true);
        r->client->host->wake(r->client);
    }
    s->is_piped = false;
}

static void read_chunk(struct followers *rs)
{
    struct followers_sync *s = &rs->sync;
    ssize_t got = read(s->pipe.fd, s->chunk, FOLLOWERS_CHUNK);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_pipe(rs);
        if (got < 0)
            drop_receivers(rs);
        finish_pipe(rs);
        return;
    }
    s->chunk_len = (size_t)got;
    unwatch_pipe(rs);
    for (struct follower *r = rs->first; r; r = r->next)
        if (gets_pipe(r))
            r->chunk_at = 0;
    for (struct follower *r = rs->first; r; r = r->next)
        if (gets_pipe(r))
            r->client->host->wake(r->client);
}

static void pipe_ready(struct fd_watch *w, uint32_t events)
{
    struct followers_sync *s = container_of(w, struct followers_sync, pipe);
    struct followers *rs = container_of(s, struct followers, sync);

    (void)events;
    /* It may have been taken back within this very round. */
    if (s->is_watched && s->chunk_len == 0)
        read_chunk(rs);
}

void followers_sync_go_on(struct followers *rs)
{
    struct followers_sync *s = &rs->sync;
    uint32_t receivers = 0;

    if (!s->is_piped)
        return;
    for (const struct follower *r = rs->first; r; r = r->next) {
        if (!gets_pipe(r) || r->client->is_killed)
            continue;
        receivers++;
        if (r->chunk_at < s->chunk_len)
            return;
    }
    if (receivers == 0) {
        log_warn("Diskless rdb transfer, last replica dropped, killing fork child");
        followers_sync_stop(rs);
        return;
    }
    s->chunk_len = 0;
    for (struct follower *r = rs->first; r; r = r->next)
        r->chunk_at = 0;
    watch_pipe(rs);
}

static void pipe_ended(void *ctx, struct engine *e, enum child_state how)
{
    struct followers *rs = ctx;

    (void)e;
    rs->sync.is_running = false;
    if (how == CHILD_DONE) {
        rs->sync.child_is_done = true;
        finish_pipe(rs);
        return;
    }
    log_warn("Background RDB transfer error");
    drop_receivers(rs);
    close_pipe(rs);
    rs->sync.is_piped = false;
}

void followers_sync_lost(struct followers *rs)
{
    if (rs->sync.is_piped) {
        followers_sync_go_on(rs);
        return;
    }
    if (!rs->sync.is_running || rs->engine->settings.save_point_count > 0)
        return;
    for (const struct follower *r = rs->first; r; r = r->next)
        if (r->state == FOLLOWER_PREPARES && !r->client->is_killed)
            return;
    log_info("Killing the child whose file no replica waits for",
             f_int("pid", rs->engine->saving->child.pid));
    saving_stop(rs->engine->saving);
}

void followers_sync_stop(struct followers *rs)
{
    if (!rs->sync.is_piped)
        return;
    if (rs->sync.is_running)
        saving_stop(rs->engine->saving);
    close_pipe(rs);
    rs->sync.is_piped = false;
}

static struct err begin_pipe(struct followers *rs, const struct group *g)
{
    struct followers_sync *s = &rs->sync;
    unsigned char bytes[sizeof(s->mark) / 2];
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(errno, "no pipe is to be had");
    (void)fcntl(ends[1], F_SETPIPE_SZ, FOLLOWERS_CHUNK);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    struct err e = saving_begin_stream(rs->engine->saving, ends[1], pipe_ended, rs);
    close(ends[1]);
    if (err_failed(e)) {
        close(ends[0]);
        return e;
    }
    *s = (struct followers_sync){
        .is_running = true,
        .is_piped = true,
        .pipe = {.fd = ends[0], .ready = pipe_ready},
        .chunk = malloc(FOLLOWERS_CHUNK)
    };
    check(s->chunk);
    account_add(&rs->engine->keyspace.account, FOLLOWERS_CHUNK);
    rng_system_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        s->mark[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        s->mark[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    for (struct follower *r = rs->first; r; r = r->next)
        if (is_of(g, r)) {
            begin_for(r, FOLLOWER_RECEIVES, rs->engine->stream.offset);
            follower_say(r, "$EOF:", 5);
            follower_say(r, s->mark, sizeof(s->mark));
            follower_say(r, "\r\n", 2);
            r->client->host->wake(r->client);
        }
    watch_pipe(rs);
    return OK;
}

/* ---- through the file ---- */

static void begin_prepared(struct follower *r, int64_t offset)
{
    begin_for(r, FOLLOWER_PREPARES, offset);
    r->client->host->wake(r->client);
}

static struct err open_file(struct follower *r)
{
    const char *name = r->engine->settings.dump_file;
    struct stat st;
    char text[32];

    r->file_fd = open(name, O_RDONLY | O_CLOEXEC);
    if (r->file_fd < 0 || fstat(r->file_fd, &st) != 0)
        return err_sys(errno, "the snapshot's file cannot be opened");
    r->file_at = 0;
    r->file_end = st.st_size;
    r->state = FOLLOWER_RECEIVES;
    follower_say(r, text,
                 (size_t)snprintf(text, sizeof(text), "$%lld\r\n", (long long)r->file_end));
    return OK;
}

static void send_file(struct follower *r)
{
    struct err e = open_file(r);

    r->progress_ms = r->engine->keyspace.passed_ms;
    if (!err_failed(e)) {
        r->client->host->wake(r->client);
        return;
    }
    log_warn("replica dropped", f_int("id", (int64_t)r->client->id), f_err(e));
    r->client->host->kill(r->client);
}

static void file_ended(void *ctx, struct engine *e, enum child_state how)
{
    struct followers *rs = ctx;

    (void)e;
    rs->sync.is_running = false;
    for (struct follower *r = rs->first; r; r = r->next) {
        if (r->state != FOLLOWER_PREPARES || r->client->is_killed)
            continue;
        if (how == CHILD_DONE)
            send_file(r);
        else
            r->client->host->kill(r->client);
    }
}

static struct err begin_file(struct followers *rs, const struct group *g)
{
    if (rs->engine->settings.is_sealed)
        return err_make(ERR_UNSUPPORTED, "files are sealed, and a replica knows no other way");
    TRY(saving_begin_file(rs->engine->saving, file_ended, rs));
    rs->sync = (struct followers_sync){.is_running = true, .pipe = {.fd = -1}};
    rs->made_file = true;
    for (struct follower *r = rs->first; r; r = r->next)
        if (is_of(g, r))
            begin_prepared(r, rs->engine->stream.offset);
    return OK;
}

/* ---- beginning ---- */

/* What every one of the group can read. */
static int version_for(const struct group *g)
{
    return g->version >= 0x070200 ? RECORD_VERSION : RECORD_VERSION_7_0;
}

static bool is_piped(const struct followers *rs, const struct group *g)
{
    const struct settings *s = &rs->engine->settings;

    /* A file that is sealed is for this node alone. */
    return (s->syncs_diskless || s->is_sealed || g->wants) && g->all_know_eof;
}

void followers_sync_begin_due(struct followers *rs)
{
    struct saving *saving = rs->engine->saving;

    if (saving_runs(saving) || rs->sync.is_piped)
        return;
    struct group g = group_of(rs);
    if (g.count == 0 || !is_due(rs, &g) || !saving_is_ready(saving))
        return;
    /* The stream that follows begins without a memory of what was selected before. */
    rs->engine->stream.selected = EFFECT_ANY_DB;
    saving->reader_version = version_for(&g);
    saving->leaves_out_keys = g.wants & WANTS_NO_KEYS;
    struct err e = is_piped(rs, &g) ? begin_pipe(rs, &g) : begin_file(rs, &g);
    saving->reader_version = 0;
    saving->leaves_out_keys = false;
    if (err_failed(e))
        refuse_group(rs, &g, e);
    else
        log_info(rs->sync.is_piped ? "Background RDB transfer started by pid"
                                   : "Starting BGSAVE for SYNC with target: disk",
                 f_int("pid", saving->child.pid), f_int("replicas", g.count));
}

void followers_sync_join(struct followers *rs, struct follower *r)
{
    const struct follower *o = rs->first;

    while (o && (o == r || o->state != FOLLOWER_PREPARES || !repl_reader_is_open(&o->reader) ||
                 o->wants != r->wants))
        o = o->next;
    /* A snapshot for one that knows less serves this one too, but not the other way round. */
    if (o && (r->knows_eof || !o->knows_eof) && (r->knows_psync2 || !o->knows_psync2) &&
        r->version >= o->version)
        begin_prepared(r, o->reader.next - 1);
    else
        followers_sync_begin_due(rs);
}
