/*
 * Taking in a full sync. The one idea: the loader is written as if its source could wait, and runs
 * as a coroutine whose source does: it stops where nothing has come, and wherever its slice of time
 * is over.
 */
#include "cacheengine/dispatch/replica_load.h"

#include "base/clock.h"
#include "base/coroutine.h"
#include "base/fs.h"
#include "base/log.h"
#include "cacheengine/cluster/handover.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/function_payload.h"
#include "cacheengine/dispatch/handed.h"
#include "cacheengine/dispatch/own_expiries.h"
#include "cacheengine/dispatch/tracking.h"
#include "cacheengine/dispatch/transaction.h"
#include "cacheengine/persist/file.h"
#include "cacheengine/persist/snapshot.h"
#include "cacheengine/repl/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SLICE_US    1000
#define STACK_BYTES ((size_t)1 << 20)
#define CHUNK_BYTES 65536
#define FEW_KEYS    1024 /* that are freed at once */

enum load_source { FROM_LINK, FROM_FILE };

struct replica_load {
    struct replica *replica;
    enum load_source source;
    bool is_beside;  /* the old data is served until all has come */
    bool is_aborted; /* the loader is to return */
    bool is_late;    /* it stopped because its slice was over, not for want of bytes */
    struct payload payload;
    int64_t total_bytes;
    struct buf first; /* what came with the head */
    size_t first_used;
    int fd; /* FROM_FILE: a file that has no name; else -1 */
    char *chunk;
    struct source reads;
    struct coroutine *loader;
    struct snapshot_loading loading;
    struct arena arena;
    struct err result;
    int64_t slice_end_us;
    int64_t began_ms, began_s; /* of the clock that only goes on, and of the wall's */
    int stream_db;             /* as the snapshot tells */
    struct buf handovers;      /* likewise */
};

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void load_free(struct replica_load *l)
{
    coroutine_free(l->loader);
    keyspace_dbs_free_aside(&l->replica->engine->keyspace, l->loading.dbs);
    buf_fini(&l->first);
    buf_fini(&l->handovers);
    if (l->fd >= 0)
        close(l->fd);
    free(l->chunk);
    arena_fini(&l->arena);
    l->replica->load = NULL;
    free(l);
}

void replica_load_end(struct replica *r)
{
    struct replica_load *l = r->load;

    if (!l)
        return;
    l->is_aborted = true;
    if (l->loader && l->loading.dbs)
        while (!coroutine_resume(l->loader))
            continue;
    load_free(l);
}

bool replica_load_is_beside(const struct replica *r)
{
    return r->load && r->load->is_beside;
}

bool replica_load_is_alone(const struct replica *r)
{
    return r->load && r->load->source == FROM_FILE && r->state == REPLICA_LOADS;
}

struct replica_load_facts replica_load_facts(const struct replica *r)
{
    if (!r->load)
        return (struct replica_load_facts){0};
    return (struct replica_load_facts){
        .total_bytes = r->load->total_bytes,
        .read_bytes = r->load->payload.passed,
        .began_s = r->load->began_s,
        .used_memory = r->load->loading.report.used_memory,
    };
}

/* ---- what comes over the link ---- */

/* Raw bytes of the payload, at most `max`; *got is 0 when nothing is there now. */
static struct err read_raw(struct replica_load *l, char *to, size_t max, size_t *got)
{
    size_t left = l->first.len - l->first_used;

    if (left > 0) {
        *got = left < max ? left : max;
        memcpy(to, l->first.ptr + l->first_used, *got);
        l->first_used += *got;
        return OK;
    }
    TRY(link_read(l->replica->link, to, max, got));
    l->replica->engine->stats.repl_bytes_in += *got;
    if (*got > 0)
        l->replica->io_ms = l->replica->engine->keyspace.passed_ms;
    return OK;
}

static void stop_if_late(struct replica_load *l)
{
    l->is_late = now_us() >= l->slice_end_us;
    if (l->is_late)
        coroutine_stop(l->loader);
    l->is_late = false;
}

/* The loader's view of the link: it waits by stopping. */
static struct err read_link(struct source *s, void *to, size_t max, size_t *got)
{
    struct replica_load *l = container_of(s, struct replica_load, reads);
    size_t part = 0;

    check(max > REPL_ID_LEN);
    stop_if_late(l);
    for (;;) {
        if (l->is_aborted)
            return err_make(ERR_UNAVAILABLE, "it was given up");
        size_t want = payload_wants(&l->payload, max - REPL_ID_LEN);
        *got = 0;
        if (want == 0)
            return OK;
        TRY(read_raw(l, to, want, &part));
        *got = payload_pass(&l->payload, to, part);
        if (*got > 0)
            return OK;
        if (part == 0)
            coroutine_stop(l->loader);
    }
}

static struct err read_file(struct source *s, void *to, size_t max, size_t *got)
{
    struct replica_load *l = container_of(s, struct replica_load, reads);
    ssize_t part;

    stop_if_late(l);
    if (l->is_aborted)
        return err_make(ERR_UNAVAILABLE, "it was given up");
    do
        part = read(l->fd, to, max);
    while (part < 0 && errno == EINTR);
    if (part < 0)
        return err_sys(errno, "the received snapshot cannot be read again");
    *got = (size_t)part;
    return OK;
}

/* ---- loading ---- */

static void note_field(void *ctx, struct str name, struct str value)
{
    struct replica_load *l = ctx;
    int64_t db;

    if (str_is(name, HANDOVER_FIELD)) {
        buf_clear(&l->handovers);
        buf_add_str(&l->handovers, value);
    }
    if (str_is(name, "repl-stream-db") && str_to_i64(value, &db) && db >= 0 &&
        db < l->replica->engine->keyspace.db_count)
        l->stream_db = (int)db;
}

/* After the snapshot nothing may follow but the payload's own end. */
static struct err read_end(struct replica_load *l)
{
    size_t got;

    TRY(l->reads.read(&l->reads, l->chunk, CHUNK_BYTES, &got));
    return got == 0 ? OK : err_make(ERR_CORRUPT, "the snapshot does not end where it should");
}

static void load_all(struct coroutine *self, void *arg)
{
    struct replica_load *l = arg;

    (void)self;
    l->result = snapshot_load(&l->replica->engine->keyspace, &l->reads, &l->loading, &l->arena);
    if (!err_failed(l->result))
        l->result = read_end(l);
}

static void begin_loading(struct replica_load *l)
{
    struct engine *e = l->replica->engine;

    l->replica->state = REPLICA_LOADS;
    l->began_ms = e->keyspace.passed_ms;
    l->began_s = e->keyspace.now_ms / 1000;
    if (!l->is_beside) {
        watches_flush(e, -1);
        tracking_flush(e);
        replica_forget_history(l->replica);
        keyspace_flush(&e->keyspace, -1, keyspace_count(&e->keyspace) > FEW_KEYS);
    }
    own_expiries_forget(e);
    replica_set_guards(e);
    l->loading = (struct snapshot_loading){.dbs = keyspace_dbs_new(&e->keyspace),
                                           .sums = e->settings.sums_dumps,
                                           .key_delay_us = &e->settings.load_key_delay_us,
                                           .field = note_field,
                                           .ctx = l};
    l->reads.read = l->source == FROM_LINK ? read_link : read_file;
    l->loader = coroutine_new(load_all, l, STACK_BYTES);
    log_info("MASTER <-> REPLICA sync: Loading DB in memory",
             f_str("from", l->source == FROM_LINK ? "link" : "file"),
             f_str("old_data", l->is_beside ? "served" : "dropped"));
}

/* The new databases take the place of the old ones. */
static void take_over(struct replica_load *l)
{
    struct engine *e = l->replica->engine;

    watches_flush(e, -1);
    tracking_flush(e);
    keyspace_dbs_exchange(&e->keyspace, l->loading.dbs);
    blocks_note_all(e, -1);
    (void)handed_take_text(e, buf_str(&l->handovers));
    append_restart(e->append);
    e->loaded.keys = l->loading.report.keys;
    e->loaded.expired = l->loading.report.expired;
    log_info("Done loading RDB", f_int("keys", l->loading.report.keys),
             f_int("bytes", l->payload.passed), f_int("ms", e->keyspace.passed_ms - l->began_ms));
}

/* The loader has returned. */
static void finish(struct replica_load *l)
{
    struct replica *r = l->replica;

    if (!err_failed(l->result))
        l->result = function_records_take(r->engine, &l->arena, &l->loading, SNAPSHOT_REPLACES);
    if (err_failed(l->result)) {
        struct err why = err_keep(&r->engine->scratch, l->result);

        if (!err_is(why, ERR_UNAVAILABLE) && !err_is(why, ERR_IO))
            log_error("Failed trying to load the MASTER synchronization DB", f_err(why));
        load_free(l);
        replica_fail(r, why);
        return;
    }
    take_over(l);
    r->stream_db = l->stream_db;
    /* What came with the head may have gone on with the stream. */
    scoped(buf_fini) struct buf first = l->first;
    size_t used = l->first_used;
    l->first = BUF_EMPTY;
    load_free(l);
    struct str rest =
        first.len > used ? (struct str){first.ptr + used, first.len - used} : (struct str){NULL, 0};
    replica_follow(r, rest);
    blocks_serve(r->engine);
}

static void run_slice(struct replica_load *l)
{
    struct replica *r = l->replica;

    l->slice_end_us = now_us() + SLICE_US;
    if (coroutine_resume(l->loader))
        finish(l);
    else if (l->is_late && l->source == FROM_LINK)
        link_wake_in(r->link, 0); /* all may have come: then nothing else tells of it */
}

bool replica_load_some(struct replica *r)
{
    struct replica_load *l = r->load;
    struct keyspace *ks = &r->engine->keyspace;

    if (!replica_load_is_alone(r))
        return false;
    /* Otherwise the old data and the new are in memory at once. */
    if (!r->engine->settings.replica_lazy_flush && atomic_load(&ks->lazyfree.pending) > 0)
        return false;
    run_slice(l);
    return true;
}

/* ---- receiving into a file ---- */

/* A file in the engine's folder that nobody else can find, and that is gone with the process. */
static struct err open_file(struct replica_load *l)
{
    const char *dir = l->replica->engine->settings.dir;
    const char *path;

    l->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (l->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return l->fd >= 0 ? OK : err_sys(errno, "there is no file for the snapshot");
    path = fs_join(&l->arena, dir, arena_printf(&l->arena, "temp-sync-%ld.rdb", (long)getpid()));
    l->fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    if (l->fd < 0)
        return err_sys(errno, "there is no file for the snapshot");
    unlink(path);
    return OK;
}

static struct err write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t part = write(fd, bytes, len);

        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return err_sys(errno, "the snapshot cannot be written to a file");
        bytes += part;
        len -= (size_t)part;
    }
    return OK;
}

/* One chunk; *got says how many raw bytes there were. */
static struct err receive_some(struct replica_load *l, size_t *got)
{
    size_t want = payload_wants(&l->payload, CHUNK_BYTES);

    *got = 0;
    if (want == 0)
        return OK;
    TRY(read_raw(l, l->chunk, want, got));
    return write_all(l->fd, l->chunk, payload_pass(&l->payload, l->chunk, *got));
}

static void receive(struct replica_load *l)
{
    int64_t end_us = now_us() + SLICE_US;
    struct replica *r = l->replica;
    size_t got;

    do {
        struct err e = receive_some(l, &got);

        if (err_failed(e)) {
            e = err_keep(&r->engine->scratch, e);
            load_free(l);
            replica_fail(r, e);
            return;
        }
    } while (got > 0 && now_us() < end_us);
    if (!payload_is_whole(&l->payload))
        return;
    if (lseek(l->fd, 0, SEEK_SET) != 0)
        check(false);
    /* What follows is the stream: it waits in the socket. */
    link_listen(r->link, false);
    begin_loading(l);
    /* A small one is there before any client notices. */
    (void)replica_load_some(r);
}

/* ---- beginning ---- */

/* Whether the snapshot is wanted in a file before any of it counts. */
static bool wants_file(const struct engine *e)
{
    switch (e->settings.diskless_load) {
    case DISKLESS_LOAD_NEVER: return true;
    case DISKLESS_LOAD_WHEN_EMPTY: return keyspace_count(&e->keyspace) > 0;
    default: return false;
    }
}

/* Where files are to be sealed nothing plain is written: what was to be a file is loaded from the
 * link instead, beside the old data, which stays until all has come as it would have anyway. */
static void choose_source(struct replica_load *l)
{
    const struct engine *e = l->replica->engine;
    bool is_kept = wants_file(e);

    l->source = is_kept && !e->settings.is_sealed ? FROM_FILE : FROM_LINK;
    l->is_beside =
        l->source == FROM_LINK && (is_kept || e->settings.diskless_load == DISKLESS_LOAD_SWAP);
    if (is_kept && e->settings.is_sealed)
        log_info(
            "the snapshot is loaded from the link: files are sealed, and this one would be plain");
}

void replica_load_readable(struct replica *r)
{
    if (r->state == REPLICA_RECEIVES)
        receive(r->load);
    else
        run_slice(r->load);
}

void replica_load_begin(struct replica *r, struct str rest)
{
    struct replica_load *l = calloc(1, sizeof(*l));
    struct err failed = OK;

    check(l);
    *l = (struct replica_load){.replica = r, .fd = -1};
    choose_source(l);
    l->total_bytes = r->greeting.length > 0 ? r->greeting.length : 0;
    l->chunk = malloc(CHUNK_BYTES + REPL_ID_LEN);
    check(l->chunk);
    buf_add_str(&l->first, rest);
    payload_begin(&l->payload, &r->greeting);
    r->load = l;
    if (l->source == FROM_FILE)
        failed = open_file(l);
    if (err_failed(failed)) {
        load_free(l);
        replica_fail(r, failed);
    } else if (l->source == FROM_FILE) {
        r->state = REPLICA_RECEIVES;
        receive(l);
    } else {
        begin_loading(l);
        run_slice(l);
    }
}
