/* The child's beginning and end, and what is due when. */
#include "cacheengine/dispatch/saving.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "cacheengine/dispatch/function_payload.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/handed.h"
#include "cacheengine/dispatch/oom_score.h"
#include "cacheengine/persist/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* After a failure a save point waits so long. */
#define RETRY_S 5

/* Memory is mended after a child, and after so much growth, but seldom; less than the first is
 * forked in no time. */
#define MEND_FROM_BYTES   (64UL << 20)
#define MEND_GROWTH_BYTES (64UL << 20)
#define MEND_REST_MS      10000
#define MEND_WAIT_MS      30000 /* after this nobody waits for it any longer */

static int64_t now_s(const struct saving *s)
{
    return s->engine->keyspace.now_ms / 1000;
}

void saving_init(struct saving *s, struct engine *e)
{
    *s = (struct saving){.engine = e, .child = CHILD_NONE};
    for (int i = 0; i < SAVING_KINDS; i++)
        s->lasted_s[i] = -1;
}

/* Gives back what a run of the child needed in the parent. */
static void clear_run(struct saving *s)
{
    free(s->temporary);
    s->temporary = NULL;
    s->ended = NULL;
    s->ctx = NULL;
}

void saving_fini(struct saving *s)
{
    if (s->engine)
        saving_stop(s);
    mender_fini(&s->mender);
    *s = (struct saving){0};
}

/* An engine that stands for Redis 7.0 writes what that reads. */
static int version_of(const struct settings *set)
{
    bool is_7_0 = set->brand == BRAND_REDIS && strncmp(set->engine_version, "7.0.", 4) == 0;

    return is_7_0 ? RECORD_VERSION_7_0 : RECORD_VERSION;
}

struct snapshot_options saving_options(struct saving *s,
                                       struct snapshot_field fields[SAVING_FIELDS_MAX])
{
    const struct settings *set = &s->engine->settings;
    size_t count = s->fields ? s->fields(s->fields_ctx, fields, SAVING_FIELDS_MAX - 1) : 0;

    count += handed_field(s->engine, &fields[count]);
    return (struct snapshot_options){
        .version = s->reader_version ? s->reader_version : version_of(set),
        .leaves_out_keys = s->leaves_out_keys,
        .compresses = set->compresses_dumps,
        .seal = s->engine->seal,
        .wants_seal = set->is_sealed,
        .sums = set->sums_dumps,
        .fields = fields,
        .field_count = count,
        .put_libraries = function_records_put,
        .libraries = s->engine,
        .key_delay_us = set->save_key_delay_us,
    };
}

/* ---- mending ---- */

/* Whether there may be more to mend than a fork should meet. */
static bool is_torn(const struct saving *s)
{
    size_t used = s->engine->keyspace.account.used_bytes;

    return used >= MEND_FROM_BYTES && (s->is_torn || used > s->mended_bytes + MEND_GROWTH_BYTES);
}

/* What the last pass has done. */
static void tell_mended(struct saving *s)
{
    uint64_t mended = atomic_load(&s->mender.mended);

    if (mended != s->mended_told)
        log_info("memory put together", f_int("huge_pages", (int64_t)(mended - s->mended_told)));
    s->mended_told = mended;
}

/* Begins a pass, unless one is still on its way, or stopping. */
static void mend(struct saving *s)
{
    if (!is_torn(s) || !mender_begin(&s->mender))
        return;
    s->is_torn = false;
    s->mended_bytes = s->engine->keyspace.account.used_bytes;
}

static void mend_if_due(struct saving *s)
{
    const struct keyspace *ks = &s->engine->keyspace;

    if (ks->account.used_bytes < s->mended_bytes)
        s->mended_bytes = ks->account.used_bytes;
    if (mender_runs(&s->mender)) {
        s->mended_ms = ks->passed_ms;
        return;
    }
    tell_mended(s);
    if (s->is_torn || ks->passed_ms - s->mended_ms >= MEND_REST_MS)
        mend(s);
}

bool saving_is_ready(struct saving *s)
{
    int64_t now_ms = s->engine->keyspace.passed_ms;

    if (saving_runs(s))
        return false;
    if (!s->asked_ms)
        s->asked_ms = now_ms;
    mend(s);
    if (mender_runs(&s->mender) && now_ms - s->asked_ms < MEND_WAIT_MS)
        return false;
    s->asked_ms = 0;
    return true;
}

/* ---- the end ---- */

/* What a snapshot in the file means: the changes until then are safe. */
static void note_saved(struct saving *s, uint64_t dirty)
{
    struct engine *e = s->engine;

    e->keyspace.dirty -= dirty;
    e->saved_s = now_s(s);
    s->has_failed = false;
    engine_apply_persistence(e);
}

static void note_file_end(struct saving *s, enum child_state how)
{
    if (how == CHILD_DONE) {
        note_saved(s, s->dirty_then);
        log_info("Background saving terminated with success",
                 f_str("file", s->engine->settings.dump_file));
        return;
    }
    /* One that was told to end says nothing about the disk. */
    if (how == CHILD_FAILED) {
        s->has_failed = true;
        engine_apply_persistence(s->engine);
    }
    log_warn("Background saving error",
             f_str("why", how == CHILD_KILLED ? "it was ended" : "it failed"));
    if (s->temporary)
        err_ignore(fs_remove(s->temporary), "it may not have come so far");
}

static void settle(struct saving *s, enum child_state how)
{
    saving_ended_fn *ended = s->ended;
    void *ctx = s->ctx;
    enum saving_kind kind = s->kind;

    s->lasted_s[kind] = now_s(s) - s->began_s;
    s->cow_bytes[kind] = s->child.progress.cow_bytes;
    if (kind == SAVING_FILE)
        note_file_end(s, how);
    s->child = CHILD_NONE;
    s->is_torn = true;
    s->keys_total = 0;
    clear_run(s);
    mend_if_due(s);
    if (ended)
        ended(ctx, s->engine, how);
}

static void look(struct saving *s)
{
    enum child_state how = child_look(&s->child);

    if (how != CHILD_RUNS)
        settle(s, how);
}

void saving_stop(struct saving *s)
{
    if (saving_runs(s))
        settle(s, child_kill(&s->child));
}

/* The child's end. Its descriptor was opened by this process alone, so that closing it also ends
 * the watch. */
static void on_ready(struct fd_watch *w, uint32_t events)
{
    struct saving *s = container_of(w, struct saving, watch);

    (void)events;
    if (saving_runs(s))
        look(s);
}

/* ---- the beginning ---- */

/* The end is noticed at once where the loop watches for it, else with the next tick. */
static void watch_end(struct saving *s)
{
    const struct engine_host *host = s->engine->host;

    s->watch = (struct fd_watch){.fd = s->child.pidfd, .ready = on_ready};
    if (host)
        err_ignore(host->watch(s->engine, &s->watch, EPOLLIN), "the next tick looks too");
}

struct child_order {
    struct engine *engine;
    const struct saving_order *order;
};

/* In the child; what the order points to is a copy there, and holds. */
static struct err be_child(void *ctx, struct child_voice *v, struct arena *a)
{
    const struct child_order *o = ctx;

    oom_score_of_child(o->engine);
    return o->order->run(o->order->run_ctx, v, a);
}

struct err saving_begin(struct saving *s, const struct saving_order *o)
{
    struct engine *e = s->engine;

    if (saving_runs(s))
        return err_make(ERR_CONFLICT, "another child process is at work");
    keyspace_flush_due(&e->keyspace);
    mender_stop(&s->mender);
    uint64_t before = engine_ticks();
    struct child_order order = {s->engine, o};
    TRY(child_start(&s->child, be_child, &order, o->keep, o->keep_count));
    uint64_t spent = engine_ticks() - before;
    s->forks++;
    s->fork_us = engine_ticks_us(e, spent);
    engine_note_stall(e, LATENCY_FORK, spent);
    s->kind = o->kind;
    s->ended = o->ended;
    s->ctx = o->ctx;
    s->began_s = now_s(s);
    s->keys_total = keyspace_count(&e->keyspace);
    s->dirty_then = e->keyspace.dirty;
    watch_end(s);
    return OK;
}

/* ---- snapshots in the child ---- */

struct snapshot_job {
    struct saving *saving;
    struct snapshot_options options;
    int fd; /* of a stream */
};

static bool tell(void *ctx, uint64_t keys)
{
    child_tell(ctx, keys);
    return true;
}

static struct err write_file(void *ctx, struct child_voice *v, struct arena *a)
{
    struct snapshot_job *job = ctx;
    const struct settings *set = &job->saving->engine->settings;

    job->options.told = tell;
    job->options.ctx = v;
    return snapshot_save_file(&job->saving->engine->keyspace, set->dir, set->dump_file,
                              &job->options, a);
}

static struct err write_stream(void *ctx, struct child_voice *v, struct arena *a)
{
    struct snapshot_job *job = ctx;
    struct file_sink sink;

    (void)a;
    job->options.told = tell;
    job->options.ctx = v;
    file_sink_init(&sink, job->fd);
    return snapshot_save(&job->saving->engine->keyspace, &sink.sink, &job->options);
}

struct err saving_begin_file(struct saving *s, saving_ended_fn *ended, void *ctx)
{
    struct snapshot_field fields[SAVING_FIELDS_MAX];
    struct snapshot_job job = {.saving = s, .options = saving_options(s, fields)};
    struct saving_order o = {
        .kind = SAVING_FILE, .run = write_file, .run_ctx = &job, .ended = ended, .ctx = ctx};
    struct arena a = {0};

    s->tried_s = now_s(s);
    s->engine->saves++;
    struct err e = saving_begin(s, &o);
    if (!err_failed(e)) {
        const char *path = snapshot_temporary_path(&a, s->engine->settings.dir, (long)s->child.pid);

        s->temporary = strdup(path);
        check(s->temporary);
        log_info("Background saving started by pid", f_int("pid", s->child.pid));
    } else if (!err_is(e, ERR_CONFLICT)) {
        s->has_failed = true;
        engine_apply_persistence(s->engine);
    }
    arena_fini(&a);
    return e;
}

struct err saving_begin_stream(struct saving *s, int fd, saving_ended_fn *ended, void *ctx)
{
    struct snapshot_field fields[SAVING_FIELDS_MAX];
    struct snapshot_job job = {.saving = s, .options = saving_options(s, fields), .fd = fd};
    struct saving_order o = {.kind = SAVING_STREAM,
                             .run = write_stream,
                             .run_ctx = &job,
                             .keep = &fd,
                             .keep_count = 1,
                             .ended = ended,
                             .ctx = ctx};

    return saving_begin(s, &o);
}

/* ---- now ---- */

static bool is_urged(void *ctx, uint64_t keys)
{
    struct engine *e = ctx;

    (void)keys;
    return !e->host->is_urged(e);
}

bool saving_save_now(struct saving *s, bool may_be_urged)
{
    struct engine *e = s->engine;
    struct snapshot_field fields[SAVING_FIELDS_MAX];
    struct snapshot_options o = saving_options(s, fields);
    struct arena a = {0};

    if (may_be_urged && e->host) {
        o.told = is_urged;
        o.ctx = e;
    }
    e->saves++;
    keyspace_flush_due(&e->keyspace);
    struct err failed =
        snapshot_save_file(&e->keyspace, e->settings.dir, e->settings.dump_file, &o, &a);
    if (err_failed(failed)) {
        log_error("snapshot not saved", f_err(failed));
    } else {
        note_saved(s, e->keyspace.dirty);
        log_info("DB saved on disk", f_str("file", e->settings.dump_file));
    }
    arena_fini(&a);
    return !err_failed(failed);
}

bool saving_note_flush(struct saving *s)
{
    if (saving_is_snapshot(s))
        saving_stop(s);
    return s->engine->settings.save_point_count > 0 && saving_save_now(s, false);
}

/* ---- what is due ---- */

/* The first save point that is reached, or NULL. */
static const struct save_point *due_point(const struct saving *s)
{
    const struct settings *set = &s->engine->settings;

    if (s->has_failed && now_s(s) - s->tried_s <= RETRY_S)
        return NULL;
    for (int64_t i = 0; i < set->save_point_count; i++) {
        const struct save_point *p = &set->save_points[i];

        if (s->engine->keyspace.dirty >= (uint64_t)p->changes &&
            now_s(s) - s->engine->saved_s > p->seconds)
            return p;
    }
    return NULL;
}

void saving_tick(struct saving *s)
{
    if (saving_runs(s)) {
        look(s);
        return;
    }
    mend_if_due(s);
    const struct save_point *point = due_point(s);
    bool is_due = point || (s->is_scheduled && (now_s(s) - s->tried_s > RETRY_S || !s->has_failed));
    if (!is_due)
        return;
    s->is_scheduled = false;
    if (point)
        log_info("save point reached", f_int("changes", (int64_t)s->engine->keyspace.dirty),
                 f_int("seconds", point->seconds));
    struct err e = saving_begin_file(s, NULL, NULL);
    if (err_failed(e))
        log_error("background saving not begun", f_err(e));
}
