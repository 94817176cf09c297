/* A keyspace and a client of its own, for tests and fuzzers that run commands without a server. */
#ifndef LARDER_TESTS_TYPES_HARNESS_H
#define LARDER_TESTS_TYPES_HARNESS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/command.h"
#include "cacheengine/keyspace/call.h"
#include "cacheengine/types/types.h"

#include <sys/uio.h>

#define HARNESS_ARGS 64

struct harness {
    struct settings settings;
    struct keyspace ks;
    struct db *db;
    struct reply_pool pool;
    struct reply reply;
    struct arena scratch;
    struct buf said;   /* what the last command said */
    struct buf events; /* "hset:key " for every change since it was cleared */
    uint64_t dirty;    /* of the last command */
};

static inline void harness_note(void *ctx, struct db *db, struct key k, enum key_event kind,
                                const char *name)
{
    struct harness *h = ctx;

    (void)db;
    if (kind != EVENT_MISS)
        buf_printf(&h->events, "%s:%.*s ", name, (int)k.len, k.ptr);
}

static inline void harness_begin(struct harness *h)
{
    *h = (struct harness){
        .settings = {.hash_packed_entries = 128,
                     .hash_packed_value = 64,
                     .set_int_entries = 512,
                     .set_packed_entries = 128,
                     .set_packed_value = 64,
                     .list_packed_size = -2,
                     .zset_packed_entries = 128,
                     .zset_packed_value = 64,
                     .compresses_dumps = true}
    };
    keyspace_init(&h->ks, &h->settings, 2, 1000000);
    types_register(&h->ks);
    hash_seed_fix(&h->ks.seed, 42);
    rng_seed(&h->ks.rng, 42);
    h->ks.is_observed = true;
    h->ks.hooks = (struct keyspace_hooks){.ctx = h, .on_change = harness_note};
    h->db = &h->ks.dbs[0];
    reply_pool_init(&h->pool, &h->ks.account);
    reply_init(&h->reply, &h->pool);
    h->reply.resp = 2;
    arena_init(&h->scratch);
}

static inline void harness_end(struct harness *h)
{
    reply_fini(&h->reply);
    reply_pool_fini(&h->pool);
    keyspace_fini(&h->ks);
    arena_fini(&h->scratch);
    buf_fini(&h->said);
    buf_fini(&h->events);
}

static inline void harness_collect(struct harness *h)
{
    struct iovec parts[16];

    buf_clear(&h->said);
    while (reply_pending(&h->reply) > 0) {
        size_t taken = 0;
        int count = reply_gather(&h->reply, parts, 16);

        for (int i = 0; i < count; i++) {
            buf_add(&h->said, parts[i].iov_base, parts[i].iov_len);
            taken += parts[i].iov_len;
        }
        reply_sent(&h->reply, taken);
    }
}

/* Runs a command; what it said is in `said`. */
static inline void harness_run(struct harness *h, void (*run)(struct cmd_call *c), struct str *argv,
                               uint32_t argc)
{
    struct cmd_call call = {
        .cmd = command_find(argv[0].ptr, argv[0].len),
        .argv = argv,
        .argc = argc,
        .reply = &h->reply,
        .db = h->db,
        .ks = &h->ks,
        .scratch = &h->scratch,
    };

    run(&call);
    h->dirty = call.dirty;
    harness_collect(h);
    arena_reset(&h->scratch);
}

#endif
