/* Two keyspaces, one to be saved and one to be loaded into, and a stream between them in memory. */
#ifndef LARDER_TESTS_PERSIST_FIXTURE_H
#define LARDER_TESTS_PERSIST_FIXTURE_H

#include "../types/types_play.h"
#include "cacheengine/persist/snapshot.h"

struct stream {
    struct sink sink;
    struct source source;
    struct buf bytes;
    size_t given;
};

static inline struct err stream_write(struct sink *s, const void *bytes, size_t len)
{
    buf_add(&container_of(s, struct stream, sink)->bytes, bytes, len);
    return OK;
}

static inline struct err stream_read(struct source *s, void *to, size_t max, size_t *got)
{
    struct stream *m = container_of(s, struct stream, source);

    *got = m->bytes.len - m->given;
    if (*got > max)
        *got = max;
    if (*got)
        memcpy(to, m->bytes.ptr + m->given, *got);
    m->given += *got;
    return OK;
}

struct pair {
    struct harness a, b;
    struct stream stream;
    struct arena arena;
    struct snapshot_options options;
    struct snapshot_loading loading;
};

static inline void pair_begin(struct pair *p)
{
    *p = (struct pair){
        .stream = {{stream_write},      {stream_read},                 BUF_EMPTY, 0},
        .options = {.version = RECORD_VERSION,                  .compresses = true,                                               .sums = true},
        .loading = {.drops_expired = true,.sums = true},
    };
    harness_begin(&p->a);
    harness_begin(&p->b);
    p->a.settings.engine_version = p->b.settings.engine_version = "7.2.4";
    p->loading.dbs = p->b.ks.dbs;
}

static inline void pair_end(struct pair *p)
{
    harness_end(&p->a);
    harness_end(&p->b);
    buf_fini(&p->stream.bytes);
    arena_fini(&p->arena);
}

static inline void pair_save(struct pair *p)
{
    buf_clear(&p->stream.bytes);
    cr_assert_not(err_failed(snapshot_save(&p->a.ks, &p->stream.sink, &p->options)));
}

static inline struct err pair_load(struct pair *p)
{
    p->stream.given = 0;
    return snapshot_load(&p->b.ks, &p->stream.source, &p->loading, &p->arena);
}

/* Puts something of every kind into the first keyspace. */
static inline void pair_fill(struct pair *p)
{
    char line[100];

    play_line(&p->a, "SET text hello");
    play_line(&p->a, "SET number 12345");
    play_line(&p->a, "SADD numbers 1 2 70000");
    play_line(&p->a, "SADD words a b c");
    play_line(&p->a, "HSET small f v g 7");
    play_line(&p->a, "ZADD few 1 a 2.5 b");
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof(line), "SADD many member:%d", i);
        play_line(&p->a, line);
        snprintf(line, sizeof(line), "HSET large field:%d value:%d", i, i * i);
        play_line(&p->a, line);
        snprintf(line, sizeof(line), "ZADD ranks %d.5 member:%d", i, i);
        play_line(&p->a, line);
        snprintf(line, sizeof(line), "SET key:%d value:%d", i, i);
        play_line(&p->a, line);
    }
}

#endif
