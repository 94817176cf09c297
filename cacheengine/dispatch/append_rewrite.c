/*
 * Rewriting the append-only file. The one idea: from the fork on, changes go into a new increment;
 * so when the child has written the base, base and increments from that one on are everything, and
 * one manifest puts them in the place of all that was before.
 */
#include "base/fs.h"
#include "base/log.h"
#include "base/seal.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/append_retell.h"
#include "cacheengine/dispatch/handed.h"
#include "cacheengine/dispatch/saving.h"
#include "cacheengine/persist/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* From so many failures in turn on, the next attempt waits: a minute, and twice as long each time.
 */
#define FAILURES_FREE   3
#define REST_S          60
#define REST_DOUBLE_MAX 6

/* ---- names ---- */

const char *append_base_name(const struct append *a, struct arena *arena, int64_t seq)
{
    return arena_printf(arena, "%s.%lld.base.%s", a->engine->settings.append_name, (long long)seq,
                        a->base_is_snapshot ? "rdb" : "aof");
}

const char *append_increment_name(const struct append *a, struct arena *arena, int64_t seq)
{
    return arena_printf(arena, "%s.%lld.incr.aof", a->engine->settings.append_name, (long long)seq);
}

const char *append_path(const struct append *a, struct arena *arena, const char *name)
{
    const struct settings *s = &a->engine->settings;

    return fs_join(arena, fs_join(arena, s->dir, s->append_folder), name);
}

const char *append_first_path(const struct append *a, struct arena *arena)
{
    return append_path(a, arena,
                       arena_printf(arena, "temp-%s.incr", a->engine->settings.append_name));
}

static const char *child_path(const struct append *a, struct arena *arena, long pid)
{
    return append_path(a, arena, arena_printf(arena, "temp-rewriteaof-bg-%ld.aof", pid));
}

/* ---- the manifest ---- */

static struct err write_manifest(const struct append *a, struct arena *arena,
                                 const struct manifest *m)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    const char *name = arena_printf(arena, "%s.manifest", a->engine->settings.append_name);

    manifest_format(m, &text);
    return fs_write_atomic(append_path(a, arena, name), buf_str(&text), 0644, FS_SYNC);
}

void append_drop_history(struct append *a, struct arena *arena)
{
    if (!manifest_has_history(&a->manifest) || a->engine->settings.keeps_append_history)
        return;
    for (size_t i = 0; i < a->manifest.count; i++)
        if (a->manifest.files[i].type == MANIFEST_HISTORY)
            err_ignore(fs_remove(append_path(a, arena, a->manifest.files[i].name)),
                       "a file too many does no harm");
    manifest_forget(&a->manifest);
    err_ignore(write_manifest(a, arena, &a->manifest), "it names files that are gone, once more");
}

struct err append_put_manifest(struct append *a, struct arena *arena, struct manifest *next)
{
    struct err e = write_manifest(a, arena, next);

    if (err_failed(e)) {
        manifest_fini(next);
        return e;
    }
    manifest_fini(&a->manifest);
    a->manifest = *next;
    *next = (struct manifest){0};
    append_drop_history(a, arena);
    return OK;
}

/* ---- the base ---- */

/* Writes what the keyspace holds, as a snapshot or as commands. */
static struct err write_plain(struct append *a, struct sink *to, struct snapshot_options *o)
{
    if (a->base_is_snapshot)
        return snapshot_save(&a->engine->keyspace, to, o);
    return append_retell(&a->engine->keyspace, to, o);
}

static struct err write_sealed(struct append *a, struct sink *to, struct snapshot_options *o)
{
    scoped(sealer_fini) struct sealer s;

    TRY(sealer_stream(&s, a->engine->seal, SEAL_APPEND, to));
    TRY(write_plain(a, &s.sink, o));
    return sealer_finish(&s);
}

static struct err write_base(struct append *a, const char *path, struct snapshot_options *o)
{
    scoped(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    struct file_sink sink;

    if (fd < 0)
        return err_sys(errno, "the base cannot be made");
    file_sink_init(&sink, fd);
    if (a->engine->seal)
        TRY(write_sealed(a, &sink.sink, o));
    else
        TRY(write_plain(a, &sink.sink, o));
    return fsync(fd) == 0 ? OK : err_sys(errno, "the base does not reach the disk");
}

/* What stands in the head of a base: not of which stream it is a state, as the file goes on. */
static struct snapshot_options base_options(struct append *a,
                                            struct snapshot_field fields[SAVING_FIELDS_MAX])
{
    struct snapshot_options o = saving_options(a->engine->saving, fields);

    fields[0] = (struct snapshot_field){"aof-base", STR("1")};
    o.field_count = 1 + handed_field(a->engine, &fields[1]);
    return o;
}

static bool tell(void *ctx, uint64_t keys)
{
    child_tell(ctx, keys);
    return true;
}

struct rewrite_job {
    struct append *append;
    struct snapshot_options options;
};

static struct err run_child(void *ctx, struct child_voice *v, struct arena *arena)
{
    struct rewrite_job *job = ctx;

    job->options.told = tell;
    job->options.ctx = v;
    return write_base(job->append, child_path(job->append, arena, (long)getpid()), &job->options);
}

static uint64_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Puts a base that was written into the manifest, with the increments that go with it. */
static struct err adopt_base(struct append *a, struct arena *arena, const char *path)
{
    int64_t seq = a->manifest.base_seq + 1;
    const char *name = append_base_name(a, arena, seq);
    const char *base = append_path(a, arena, name);
    struct manifest next;

    if (rename(path, base) != 0)
        return err_sys(errno, "the base cannot take its name");
    manifest_copy(&a->manifest, &next);
    manifest_add_base(&next, name, seq);
    manifest_retire(&next, a->keeps_seq - 1);
    if (a->state == APPEND_WAITS) {
        const char *increment = append_increment_name(a, arena, a->keeps_seq);

        if (rename(append_first_path(a, arena), append_path(a, arena, increment)) != 0) {
            manifest_fini(&next);
            return err_sys(errno, "the first increment cannot take its name");
        }
        manifest_add_increment(&next, increment, a->keeps_seq);
    }
    TRY(append_put_manifest(a, arena, &next));
    a->older_bytes = size_of(base);
    for (size_t i = 0; i < a->manifest.count; i++) {
        const struct manifest_file *f = &a->manifest.files[i];

        if (f->type == MANIFEST_INCREMENT && f != manifest_newest(&a->manifest))
            a->older_bytes += size_of(append_path(a, arena, f->name));
    }
    a->rewritten_bytes = append_bytes(a);
    return OK;
}

struct err append_base_now(struct append *a, struct arena *arena)
{
    struct snapshot_field fields[SAVING_FIELDS_MAX];
    struct snapshot_options o = base_options(a, fields);
    const char *path = child_path(a, arena, (long)getpid());

    a->keeps_seq = a->manifest.increment_seq + 1;
    a->base_is_snapshot = a->engine->settings.rewrites_as_snapshot;
    TRY(write_base(a, path, &o));
    return adopt_base(a, arena, path);
}

/* What came into the first increment until now will be in the base. */
static struct err begin_first(struct append *a, struct arena *arena)
{
    struct append_file file = APPEND_FILE_NONE;

    append_file_close(&a->file);
    TRY(append_new_file(a, append_first_path(a, arena), &file));
    a->written = a->sync_asked = a->told;
    append_change_file(a, &file);
    return OK;
}

/* ---- the child's end ---- */

static void note_failure(struct append *a)
{
    a->has_failed = true;
    a->is_rest_told = false;
    a->failures_in_turn++;
    if (a->failures_in_turn >= FAILURES_FREE) {
        uint64_t doubled = a->failures_in_turn - FAILURES_FREE;

        a->retry_s = a->engine->keyspace.now_ms / 1000 +
                     (REST_S << (doubled < REST_DOUBLE_MAX ? doubled : REST_DOUBLE_MAX));
    }
}

/* What was told before the child began is in its base, and so on the disk. */
static void note_base(struct append *a)
{
    if (a->synced >= a->base_mark)
        return;
    a->synced = a->base_mark;
    a->synced_offset = a->base_offset;
}

static void ended(void *ctx, struct engine *e, enum child_state how)
{
    struct append *a = ctx;
    struct arena arena = {0};
    const char *path = child_path(a, &arena, (long)a->child_pid);
    struct err failed = how == CHILD_DONE ? adopt_base(a, &arena, path) : OK;

    if (how == CHILD_DONE && !err_failed(failed)) {
        a->has_failed = false;
        a->failures_in_turn = 0;
        a->retry_s = 0;
        if (a->state == APPEND_WAITS)
            a->state = APPEND_ON;
        note_base(a);
        log_info("Background AOF rewrite finished successfully",
                 f_int("bytes", (int64_t)append_bytes(a)));
    } else {
        if (how != CHILD_KILLED)
            note_failure(a);
        log_warn("Background AOF rewrite terminated with error", f_err(failed));
        err_ignore(fs_remove(path), "it may not have come so far");
    }
    /* Without a base nothing of it counts: try again until there is one. */
    if (a->state == APPEND_WAITS && how != CHILD_KILLED) {
        log_info("Removing the temp incr aof file", f_str("file", append_first_path(a, &arena)));
        failed = begin_first(a, &arena);
        if (err_failed(failed))
            log_error("the first increment cannot be begun anew", f_err(failed));
        a->is_scheduled = true;
    }
    engine_apply_persistence(e);
    arena_fini(&arena);
}

/* ---- the beginning ---- */

/* Changes from now on go into a new increment. */
static struct err begin_increment(struct append *a, struct arena *arena)
{
    struct append_file file = APPEND_FILE_NONE;
    int64_t seq = a->manifest.increment_seq + 1;
    struct manifest next;

    a->keeps_seq = seq;
    if (a->state == APPEND_OFF)
        return OK;
    if (a->state == APPEND_WAITS)
        return begin_first(a, arena);
    append_flush(a, true);
    if (append_file_is_behind(&a->file))
        return err_sys(a->write_errno, "the append-only file cannot be written");
    const char *name = append_increment_name(a, arena, seq);
    TRY(append_new_file(a, append_path(a, arena, name), &file));
    manifest_copy(&a->manifest, &next);
    manifest_add_increment(&next, name, seq);
    struct err e = append_put_manifest(a, arena, &next);
    if (err_failed(e))
        append_file_close(&file);
    else
        append_change_file(a, &file);
    return e;
}

bool append_rewrite_rests(const struct append *a)
{
    return a->engine->keyspace.now_ms / 1000 < a->retry_s;
}

struct err append_rewrite_begin(struct append *a, struct arena *arena)
{
    struct snapshot_field fields[SAVING_FIELDS_MAX];
    struct rewrite_job job = {a, base_options(a, fields)};
    struct saving_order o = {
        .kind = SAVING_REWRITE, .run = run_child, .run_ctx = &job, .ended = ended, .ctx = a};

    if (saving_runs(a->engine->saving))
        return err_make(ERR_CONFLICT, "another child process is at work");
    a->rewrites++;
    a->base_is_snapshot = a->engine->settings.rewrites_as_snapshot;
    TRY(fs_make_dirs(append_path(a, arena, ""), 0755));
    struct err e = begin_increment(a, arena);
    if (!err_failed(e))
        e = saving_begin(a->engine->saving, &o);
    if (err_failed(e)) {
        note_failure(a);
        return e;
    }
    a->child_pid = a->engine->saving->child.pid;
    a->base_mark = a->told;
    a->base_offset = a->engine->stream.offset;
    log_info("Background append only file rewriting started by pid", f_int("pid", a->child_pid));
    return OK;
}
