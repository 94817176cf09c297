/*
 * Appending. The one idea: the file is only ever as far as whole rounds of commands, for it is
 * written where replies are about to leave.
 */
#include "cacheengine/dispatch/append.h"

#include "base/fs.h"
#include "base/log.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/saving.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PUT_OFF_S  2  /* a write waits so long at most for a sync that is under way */
#define COMPLAIN_S 30 /* between two lines in the log about failing writes */

static int64_t now_s(const struct append *a)
{
    return a->engine->keyspace.now_ms / 1000;
}

/* ---- taking ---- */

static void put_stamp(struct append *a)
{
    if (a->stamped_s == now_s(a))
        return;
    a->stamped_s = now_s(a);
    buf_printf(&a->file.pending, "#TS:%lld\r\n", (long long)a->stamped_s);
}

static void take(struct effect_sink *sink, const struct effect *e)
{
    struct append *a = container_of(sink, struct append, sink);
    size_t before = a->file.pending.len;

    if (a->engine->settings.stamps_append)
        put_stamp(a);
    if (e->db != EFFECT_ANY_DB && e->db != a->db) {
        char select[EFFECT_SELECT_MAX];

        buf_add(&a->file.pending, select, effect_select(e->db, select));
        a->db = e->db;
    }
    buf_add_str(&a->file.pending, e->bytes);
    a->told += a->file.pending.len - before;
    a->engine->has_unwritten = true;
}

void append_init(struct append *a, struct engine *e)
{
    *a = (struct append){.engine = e, .file = APPEND_FILE_NONE, .db = -1};
    a->sink = (struct effect_sink){.take = take, .audience = EFFECT_FOR_FILE};
    syncer_init(&a->syncer);
}

void append_fini(struct append *a)
{
    if (!a->engine)
        return;
    append_turn_off(a);
    syncer_fini(&a->syncer);
    manifest_fini(&a->manifest);
    *a = (struct append){0};
}

/* ---- writing ---- */

__attribute__((noreturn)) static void give_up(struct err e, const char *message)
{
    log_error(message, f_err(e));
    exit(1);
}

static void note_write_failure(struct append *a, struct err e)
{
    if (a->engine->settings.append_sync == APPEND_SYNC_ALWAYS)
        give_up(e, "Can't recover from AOF write error when the AOF fsync policy is 'always'. "
                   "Exiting...");
    if (now_s(a) - a->complained_s > COMPLAIN_S) {
        log_error("Error writing to the AOF file", f_err(e));
        a->complained_s = now_s(a);
    }
    a->write_errno = e.sys ? e.sys : EIO;
    engine_apply_persistence(a->engine);
}

/* False when nothing could be written. */
static bool write_pending(struct append *a)
{
    if (!append_file_is_behind(&a->file))
        return true;
    if (a->flush_delay_us > 0)
        usleep((useconds_t)a->flush_delay_us);
    uint64_t before = engine_ticks();
    struct err e = append_file_write(&a->file);
    engine_note_stall(a->engine, LATENCY_APPEND_WRITE, engine_ticks() - before);
    if (err_failed(e)) {
        note_write_failure(a, e);
        return false;
    }
    a->written = a->told;
    if (a->write_errno) {
        log_info("AOF write error looks solved, writes are taken again");
        a->write_errno = 0;
        engine_apply_persistence(a->engine);
    }
    return true;
}

/* True while a write had better wait, as the disk is busy syncing what came before. */
static bool is_put_off(struct append *a)
{
    if (a->engine->settings.append_sync != APPEND_SYNC_EVERYSEC ||
        atomic_load(&a->syncer.syncing) == 0) {
        a->waits_since_s = 0;
        return false;
    }
    if (a->waits_since_s == 0)
        a->waits_since_s = now_s(a);
    if (now_s(a) - a->waits_since_s < PUT_OFF_S)
        return true;
    a->waits_since_s = 0;
    a->delayed++;
    log_warn("Asynchronous AOF fsync is taking too long (disk is busy?). Writing without waiting "
             "for it, which may slow the engine down");
    return false;
}

static void sync_now(struct append *a)
{
    uint64_t before = engine_ticks();
    struct err e = append_file_sync(&a->file);

    engine_note_stall(a->engine, LATENCY_APPEND_SYNC, engine_ticks() - before);
    if (err_failed(e))
        give_up(e, "Can't persist AOF for fsync error when the AOF fsync policy is 'always'. "
                   "Exiting...");
    a->synced = a->sync_asked = a->written;
    a->synced_offset = a->engine->stream.offset;
}

static void sync_as_set(struct append *a)
{
    const struct settings *s = &a->engine->settings;

    if (a->sync_asked == a->written ||
        (s->spares_disk_in_rewrites && saving_runs(a->engine->saving)))
        return;
    if (s->append_sync == APPEND_SYNC_ALWAYS) {
        sync_now(a);
    } else if (s->append_sync == APPEND_SYNC_EVERYSEC && now_s(a) != a->sync_asked_s &&
               atomic_load(&a->syncer.syncing) == 0) {
        a->sync_asked = a->written;
        a->sync_asked_s = now_s(a);
        a->asked_offset = a->engine->stream.offset;
        syncer_sync(&a->syncer, a->file.fd, a->written);
    }
}

void append_flush(struct append *a, bool is_forced)
{
    a->engine->has_unwritten = false;
    if (!append_file_is_open(&a->file))
        return;
    if (append_file_is_behind(&a->file) && !is_forced && is_put_off(a))
        return;
    if (write_pending(a))
        sync_as_set(a);
}

uint64_t append_synced(struct append *a)
{
    uint64_t mark = atomic_load(&a->syncer.synced_mark);

    if (mark > a->synced) {
        a->synced = mark;
        a->synced_offset = a->asked_offset;
    }
    return a->synced;
}

int64_t append_synced_offset(struct append *a)
{
    if (a->state != APPEND_ON)
        return 0;
    /* With nothing to be synced all of the stream is as good as on the disk. */
    return append_synced(a) == a->told ? a->engine->stream.offset : a->synced_offset;
}

void append_wake(struct append *a)
{
    if (append_synced(a) == a->woken)
        return;
    a->woken = a->synced;
    if (a->engine->waiting_count > 0)
        blocks_serve_keyless(a->engine);
}

struct err append_settle(struct append *a)
{
    if (!append_file_is_open(&a->file))
        return OK;
    append_flush(a, true);
    if (append_file_is_behind(&a->file))
        return err_sys(a->write_errno, "the append-only file could not be written");
    syncer_wait(&a->syncer);
    TRY(append_file_sync(&a->file));
    a->synced = a->sync_asked = a->written;
    return OK;
}

/* Nothing more will come into the newest increment. */
static void finish_file(struct append *a)
{
    struct err e = append_file_finish(&a->file);

    if (err_failed(e))
        log_error("the end of the append-only file cannot be written", f_err(e));
}

struct err append_new_file(struct append *a, const char *path, struct append_file *out)
{
    const struct seal_key *seal = a->engine->seal;

    if (!seal && a->engine->settings.is_sealed)
        return err_make(ERR_DENIED, "files are to be sealed, and no key was given");
    /* What stands there is of a process that was killed before the manifest named it. */
    TRY(fs_remove(path));
    return seal ? append_file_begin_sealed(out, path, seal) : append_file_open(out, path);
}

void append_change_file(struct append *a, struct append_file *next)
{
    if (append_file_is_open(&a->file)) {
        finish_file(a);
        a->older_bytes += a->file.bytes;
        syncer_sync_and_close(&a->syncer, append_file_take(&a->file), a->written);
        a->sync_asked = a->written;
    }
    a->file = *next;
    *next = APPEND_FILE_NONE;
    a->db = -1;
    a->stamped_s = 0;
}

/* ---- on and off ---- */

/* Opens the newest increment, or begins one. */
static struct err open_increment(struct append *a, struct arena *arena)
{
    const struct manifest_file *newest = manifest_newest(&a->manifest);
    struct append_file file = APPEND_FILE_NONE;

    /* A sealed file is never gone on with. */
    if (newest && !a->engine->seal) {
        TRY(append_file_open(&file, append_path(a, arena, newest->name)));
        a->older_bytes -= file.bytes;
        append_change_file(a, &file);
        return OK;
    }
    int64_t seq = a->manifest.increment_seq + 1;
    const char *name = append_increment_name(a, arena, seq);
    struct manifest next;
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

/* What children of a process that was killed have left. */
static void drop_unfinished(const struct append *a, struct arena *arena)
{
    struct fs_names names = {0};

    if (err_failed(fs_list(arena, append_path(a, arena, ""), &names)))
        return;
    for (size_t i = 0; i < names.count; i++)
        if (strncmp(names.items[i], "temp-", 5) == 0)
            err_ignore(fs_remove(append_path(a, arena, names.items[i])), "it takes room, no more");
}

struct err append_start(struct append *a, struct arena *arena)
{
    TRY(fs_make_dirs(append_path(a, arena, ""), 0755));
    drop_unfinished(a, arena);
    if (a->manifest.count == 0)
        TRY(append_base_now(a, arena));
    TRY(open_increment(a, arena));
    a->rewritten_bytes = append_bytes(a);
    a->state = APPEND_ON;
    effect_sink_add(&a->engine->keyspace, &a->sink);
    return OK;
}

struct err append_turn_on(struct append *a, struct arena *arena)
{
    struct saving *s = a->engine->saving;
    struct append_file file = APPEND_FILE_NONE;

    if (a->state != APPEND_OFF)
        return OK;
    TRY(fs_make_dirs(append_path(a, arena, ""), 0755));
    TRY(append_new_file(a, append_first_path(a, arena), &file));
    append_change_file(a, &file);
    a->state = APPEND_WAITS;
    a->written = a->sync_asked = a->synced = a->told;
    a->older_bytes = 0;
    effect_sink_add(&a->engine->keyspace, &a->sink);
    /* A rewrite that began before does not know of what comes into this file. */
    if (saving_runs_kind(s, SAVING_REWRITE))
        saving_stop(s);
    if (saving_runs(s)) {
        log_info("AOF background was scheduled: another child is at work");
        a->is_scheduled = true;
        return OK;
    }
    struct err e = append_rewrite_begin(a, arena);
    if (err_failed(e))
        append_turn_off(a);
    return e;
}

void append_turn_off(struct append *a)
{
    struct arena arena = {0};

    if (a->state == APPEND_OFF)
        return;
    effect_sink_remove(&a->engine->keyspace, &a->sink);
    if (saving_runs_kind(a->engine->saving, SAVING_REWRITE)) {
        log_info("Killing AOF child", f_int("pid", a->child_pid));
        saving_stop(a->engine->saving);
    }
    struct err e = append_settle(a);
    if (err_failed(e))
        log_error("the append-only file did not reach the disk", f_err(e));
    finish_file(a);
    append_file_close(&a->file);
    if (a->state == APPEND_WAITS)
        err_ignore(fs_remove(append_first_path(a, &arena)), "it means nothing without a base");
    a->state = APPEND_OFF;
    a->is_scheduled = false;
    a->engine->has_unwritten = false;
    a->write_errno = 0;
    engine_apply_persistence(a->engine);
    arena_fini(&arena);
}

void append_restart(struct append *a)
{
    struct arena arena = {0};

    if (a->state == APPEND_OFF)
        return;
    append_turn_off(a);
    struct err e = append_turn_on(a, &arena);
    if (err_failed(e))
        log_error("the append-only file cannot be begun anew: nothing is appended", f_err(e));
    arena_fini(&arena);
}

/* ---- what is due ---- */

/* The files have grown enough since the last rewrite. */
static bool has_grown(const struct append *a)
{
    const struct settings *s = &a->engine->settings;
    uint64_t base = a->rewritten_bytes ? a->rewritten_bytes : 1, now = append_bytes(a);

    return a->state == APPEND_ON && s->rewrite_percent > 0 &&
           now > (uint64_t)s->rewrite_min_bytes && now > base &&
           (now - base) * 100 / base >= (uint64_t)s->rewrite_percent;
}

/* After failures a rewrite that is due waits, which is told once. */
static bool rests(struct append *a)
{
    if (!append_rewrite_rests(a))
        return false;
    if (!a->is_rest_told)
        log_warn("Background append only file rewriting has repeatedly failed and triggered the "
                 "limit: it rests before it is tried again");
    a->is_rest_told = true;
    return true;
}

void append_tick(struct append *a)
{
    struct arena arena = {0};

    if (a->state != APPEND_OFF) {
        append_flush(a, false);
        append_wake(a);
        if (atomic_load(&a->syncer.failure) != 0 || a->write_errno)
            engine_apply_persistence(a->engine);
    }
    bool is_due = a->is_scheduled || (has_grown(a) && !rests(a));
    if (!is_due || saving_runs(a->engine->saving))
        return;
    a->is_scheduled = false;
    struct err e = append_rewrite_begin(a, &arena);
    if (err_failed(e))
        log_error("the append-only file is not rewritten", f_err(e));
    arena_fini(&arena);
}
