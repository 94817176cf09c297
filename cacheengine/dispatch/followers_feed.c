/*
 * What a replica's connection sends. The one idea: it is one sequence from three sources (a few
 * bytes of ours, the snapshot, the stream), and the connection only asks for what comes next.
 */
#include "base/log.h"
#include "cacheengine/dispatch/followers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static struct follower *follower_of(const struct client_feed *f)
{
    return container_of(f, struct follower, feed);
}

void follower_say(struct follower *r, const char *bytes, size_t len)
{
    check(r->head_len + len <= sizeof(r->head));
    memcpy(r->head + r->head_len, bytes, len);
    r->head_len += len;
}

/* ---- the snapshot ---- */

void follower_close_file(struct follower *r)
{
    if (r->file_fd >= 0)
        close(r->file_fd);
    r->file_fd = -1;
}

void follower_has_snapshot(struct follower *r, bool waits_for_ack)
{
    struct engine *e = r->engine;

    follower_close_file(r);
    r->ack_ms = e->keyspace.passed_ms;
    if (r->wants_only_keys) {
        r->state = FOLLOWER_SERVED;
        log_info("replica has its snapshot and wanted no more",
                 f_int("id", (int64_t)r->client->id));
    } else {
        r->state = FOLLOWER_ONLINE;
        r->waits_for_ack = waits_for_ack;
        log_info("Synchronization with replica succeeded", f_int("id", (int64_t)r->client->id),
                 f_int("offset", r->reader.next - 1));
    }
    followers_apply_settings(e);
}

static char *window_of(struct followers *rs)
{
    if (!rs->window) {
        rs->window = malloc(FOLLOWERS_WINDOW);
        check(rs->window);
        account_add(&rs->engine->keyspace.account, FOLLOWERS_WINDOW);
    }
    return rs->window;
}

/* The file's next bytes: they are read again when the socket did not take them all. */
static int gather_file(struct follower *r, struct iovec *out)
{
    char *window = window_of(r->engine->followers);
    size_t most = FOLLOWERS_WINDOW;

    if ((int64_t)most > r->file_end - r->file_at)
        most = (size_t)(r->file_end - r->file_at);
    ssize_t got = pread(r->file_fd, window, most, (off_t)r->file_at);
    if (got <= 0) {
        log_warn("replica dropped: the snapshot's file cannot be read",
                 f_int("id", (int64_t)r->client->id));
        r->client->host->kill(r->client);
        return 0;
    }
    *out = (struct iovec){window, (size_t)got};
    return 1;
}

static int gather_chunk(struct follower *r, struct iovec *out)
{
    const struct followers_sync *sync = &r->engine->followers->sync;

    if (r->chunk_at == sync->chunk_len)
        return 0;
    *out = (struct iovec){sync->chunk + r->chunk_at, sync->chunk_len - r->chunk_at};
    return 1;
}

/* ---- for the connection ---- */

static int gather(struct client_feed *f, struct iovec *out, int max)
{
    struct follower *r = follower_of(f);

    if (r->head_len > 0) {
        *out = (struct iovec){r->head, r->head_len};
        return 1;
    }
    if (r->state == FOLLOWER_RECEIVES)
        return r->file_fd >= 0 ? gather_file(r, out) : gather_chunk(r, out);
    if (r->state == FOLLOWER_ONLINE && !r->waits_for_ack)
        return repl_reader_gather(&r->reader, out, max);
    return 0;
}

static void sent_of_snapshot(struct follower *r, size_t bytes)
{
    struct followers *rs = r->engine->followers;

    r->progress_ms = r->engine->keyspace.passed_ms;
    if (r->file_fd >= 0) {
        r->file_at += (int64_t)bytes;
        if (r->file_at == r->file_end)
            follower_has_snapshot(r, false);
        return;
    }
    r->chunk_at += bytes;
    if (r->chunk_at == rs->sync.chunk_len)
        followers_sync_go_on(rs);
}

static void sent(struct client_feed *f, size_t bytes)
{
    struct follower *r = follower_of(f);

    r->engine->followers->bytes_out += bytes;
    if (r->head_len > 0) {
        r->head_len -= bytes;
        memmove(r->head, r->head + bytes, r->head_len);
        if (r->head_len == 0 && r->state == FOLLOWER_SERVED)
            r->client->host->kill(r->client);
    } else if (r->state == FOLLOWER_RECEIVES) {
        sent_of_snapshot(r, bytes);
        if (r->state == FOLLOWER_SERVED)
            r->client->host->kill(r->client);
    } else {
        repl_reader_move(&r->engine->stream, &r->reader, bytes);
    }
}

static size_t held_bytes(const struct client_feed *f)
{
    const struct follower *r = follower_of(f);

    return (size_t)repl_reader_left(&r->engine->stream, &r->reader);
}

void follower_feed_init(struct follower *r)
{
    r->feed = (struct client_feed){gather, sent, held_bytes};
}
