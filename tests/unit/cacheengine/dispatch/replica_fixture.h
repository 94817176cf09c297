/* A replica whose primary is the test: what it reads is said to it, what it writes is kept. */
#ifndef LARDER_TESTS_REPLICA_FIXTURE_H
#define LARDER_TESTS_REPLICA_FIXTURE_H

#include "../proto/resp_fixture.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/persist/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct replica_play {
    struct resp_fixture f;
    struct link link;
    bool is_dialled; /* the link is there */
    unsigned dials;
    struct buf in; /* what it is still to read */
    bool is_woken; /* it asked to be told again */
    bool is_ended; /* and then the connection is at its end */
    size_t step;   /* of a read at most */
    struct buf out;
    struct resp_client primary; /* once the link is adopted */
    bool is_adopted;
};

static inline struct replica_play *play_of(const struct link *l)
{
    return container_of(l, struct replica_play, link);
}

static inline struct err play_read(struct link *l, void *to, size_t max, size_t *got)
{
    struct replica_play *p = play_of(l);
    size_t part = p->in.len < max ? p->in.len : max;

    part = part < p->step ? part : p->step;
    *got = part;
    if (part == 0)
        return p->is_ended ? err_make(ERR_UNAVAILABLE, "the end") : OK;
    memcpy(to, p->in.ptr, part);
    buf_consume(&p->in, part);
    return OK;
}

static inline void play_write(struct link *l, const void *bytes, size_t len)
{
    buf_add(&play_of(l)->out, bytes, len);
}

static inline size_t play_pending(const struct link *l)
{
    (void)l;
    return 0;
}

static inline void play_listen(struct link *l, bool is_listening)
{
    (void)l, (void)is_listening;
}

static inline void play_wake_in(struct link *l, int64_t ms)
{
    play_of(l)->is_woken = ms >= 0;
}

static inline struct client *play_adopt(struct link *l, struct str rest)
{
    struct replica_play *p = play_of(l);

    p->is_dialled = false;
    p->is_adopted = true;
    resp_client_open(&p->f, &p->primary, false);
    buf_add_str(&p->primary.input, rest);
    buf_add(&p->primary.input, p->in.ptr, p->in.len);
    buf_clear(&p->in);
    return &p->primary.client;
}

static inline void play_hang_up(struct link *l)
{
    play_of(l)->is_dialled = false;
}

static const struct link_host play_host = {
    .read = play_read,
    .write = play_write,
    .pending = play_pending,
    .listen = play_listen,
    .wake_in = play_wake_in,
    .adopt = play_adopt,
    .close = play_hang_up,
};

static inline struct link *play_dial(void *ctx, const struct link_target *to,
                                     const struct link_user *user, void *owner)
{
    struct replica_play *p = ctx;

    (void)to;
    p->is_dialled = true;
    p->is_ended = false;
    p->dials++;
    buf_clear(&p->in);
    buf_clear(&p->out);
    p->link = (struct link){&play_host, user, owner};
    return &p->link;
}

static inline void play_open(struct replica_play *p, const char *const *options)
{
    *p = (struct replica_play){.step = SIZE_MAX};
    resp_open(&p->f, options);
    p->f.engine.dialer = (struct link_dialer){p, play_dial};
}

/* The primary's connection goes. */
static inline void play_lose(struct replica_play *p)
{
    if (p->is_adopted)
        resp_client_close(&p->f, &p->primary);
    p->is_adopted = false;
}

static inline void play_close(struct replica_play *p)
{
    replica_stop(&p->f.engine);
    play_lose(p);
    resp_close(&p->f);
    buf_fini(&p->in);
    buf_fini(&p->out);
}

/* Lets the link do what it was woken for; false when it was not. */
static inline bool play_woken(struct replica_play *p)
{
    bool was_woken = p->is_dialled && p->is_woken;

    while (p->is_dialled && p->is_woken) {
        p->is_woken = false;
        p->link.user->due(&p->link);
    }
    return was_woken;
}

/* Says bytes to the link, as often as it is told of them before they are read; then lets time do
 * its work. */
static inline void play_say(struct replica_play *p, const char *bytes, size_t len)
{
    buf_add(&p->in, bytes, len);
    do { /* a slice of time may end before all is read: then it is woken, and told once more */
        size_t left = SIZE_MAX;
        while (p->is_dialled && p->in.len > 0 && p->in.len < left) {
            left = p->in.len;
            p->link.user->readable(&p->link);
        }
    } while (play_woken(p));
    /* The old data is freed by another thread first, and what follows may wake the link again. */
    for (int i = 0; i < 50000 && (replica_tick(&p->f.engine) <= 1 || play_woken(p)); i++)
        usleep(50);
}

/* Says bytes of the stream. */
static inline void play_stream(struct replica_play *p, const char *bytes)
{
    resp_send(&p->f, &p->primary, bytes, strlen(bytes));
}

struct memory_sink {
    struct sink sink;
    struct buf *to;
};

static inline struct err play_keep(struct sink *s, const void *bytes, size_t len)
{
    buf_add(container_of(s, struct memory_sink, sink)->to, bytes, len);
    return OK;
}

/* What the engine holds now, as a snapshot. */
static inline void play_snapshot(struct replica_play *p, struct buf *out)
{
    struct memory_sink sink = {{play_keep}, out};
    struct snapshot_options o = {.version = RECORD_VERSION, .compresses = true, .sums = true};

    check(!err_failed(snapshot_save(&p->f.engine.keyspace, &sink.sink, &o)));
}

#endif
