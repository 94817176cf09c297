/*
 * Loading. The one idea: the file's commands run as those of a client would, but on a clock that
 * stands at zero, on which nothing has expired: what expired while the file was written is removed
 * by its own commands, and what should be gone by now goes afterwards.
 */
#include "cacheengine/dispatch/append_load.h"

#include "base/command.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/seal.h"
#include "cacheengine/dispatch/function_payload.h"
#include "cacheengine/dispatch/handed.h"
#include "cacheengine/dispatch/loading.h"
#include "cacheengine/dispatch/transaction.h"
#include "cacheengine/persist/append_read.h"
#include "cacheengine/persist/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_MAX_BYTES (1 << 20)

/* ---- finding ---- */

/* A file of one piece, in the folder itself, becomes the base of a new manifest. */
static struct err adopt_old(struct append *a, struct arena *arena)
{
    const struct settings *s = &a->engine->settings;
    const char *old = fs_join(arena, s->dir, s->append_name);
    struct manifest next = {0};
    struct stat st;

    if (stat(old, &st) != 0 || !S_ISREG(st.st_mode))
        return OK;
    TRY(fs_make_dirs(append_path(a, arena, ""), 0755));
    manifest_add_base(&next, s->append_name, 1);
    /* Should the process end in between, the manifest names a file that is not there yet, and the
     * next start moves it. */
    TRY(append_put_manifest(a, arena, &next));
    if (rename(old, append_path(a, arena, s->append_name)) != 0)
        return err_sys(errno, "the append-only file of an older version cannot be moved");
    log_info("append-only file of an older version taken over", f_str("file", s->append_name));
    return OK;
}

/* Moves what adopt_old was kept from moving. */
static void finish_adoption(struct append *a, struct arena *arena)
{
    const struct settings *s = &a->engine->settings;
    const struct manifest_file *base = manifest_base(&a->manifest);
    const char *old = fs_join(arena, s->dir, s->append_name);

    if (base && strcmp(base->name, s->append_name) == 0 &&
        !fs_exists(append_path(a, arena, base->name)))
        (void)rename(old, append_path(a, arena, base->name));
}

struct err append_find(struct append *a, struct arena *arena)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct manifest found = {0};
    const char *path =
        append_path(a, arena, arena_printf(arena, "%s.manifest", a->engine->settings.append_name));
    struct err e = fs_read_all(path, MANIFEST_MAX_BYTES, &text);

    if (err_is(e, ERR_NOT_FOUND))
        return a->engine->settings.appends ? adopt_old(a, arena) : OK;
    if (!err_failed(e))
        e = manifest_parse(&found, arena, buf_str(&text));
    if (err_failed(e)) {
        manifest_fini(&found);
        return err_format(arena, e.code, "Reading the AOF manifest file %s: %s", path,
                          err_text(arena, e));
    }
    manifest_fini(&a->manifest);
    a->manifest = found;
    finish_adoption(a, arena);
    append_drop_history(a, arena);
    return OK;
}

/* ---- running ---- */

struct loader {
    struct append *append;
    struct engine *engine;
    struct arena *arena;
    struct client client;
    const char *name; /* of the file */
    bool is_last;
    bool is_sealed; /* chunks hold whole commands: a cut within one is damage */
    uint64_t commands;
    uint64_t sound_to; /* behind the last command that is no part of an open transaction */
};

static void no_facts(const struct client *c, struct client_facts *out)
{
    (void)c;
    *out = (struct client_facts){.fd = -1, .peer = "file", .local = "file", .events = ""};
}

static void no_client(struct client *c)
{
    (void)c;
}

static const struct client_host no_host = {
    .facts = no_facts, .kill = no_client, .wake = no_client, .resume = no_client};

static struct err run_one(struct loader *l, const struct append_reader *r)
{
    struct engine *e = l->engine;
    struct reply *reply = &l->client.reply;
    struct cmd_call call = {
        .cmd = engine_command(e, &l->client, r->argv, r->argc),
        .argv = r->argv,
        .argc = r->argc,
        .reply = reply,
        .db = &e->keyspace.dbs[l->client.db],
        .ks = &e->keyspace,
        .client = &l->client,
        .engine = e,
        .scratch = &e->scratch,
    };

    if (!call.cmd)
        return err_format(l->arena, ERR_CORRUPT,
                          "Unknown command '%.*s' reading the append only file %s",
                          STR_ARG(str_shorten(r->argv[0], 100)), l->name);
    struct reply_piece *held = reply_hold(reply);
    engine_run(&call);
    reply_rewind(reply, held);
    return OK;
}

static struct err cut_tail(struct loader *l, const char *path, uint64_t bytes)
{
    const struct settings *s = &l->engine->settings;

    if (!s->loads_cut_append || !l->is_last || l->is_sealed)
        return err_format(
            l->arena, ERR_CORRUPT,
            "Unexpected end of file reading the append only file %s (whole up to byte %llu). You "
            "can: 1) Make a backup of your AOF file, then use ./redis-check-aof --fix "
            "<filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' "
            "configuration option to yes and restart the server.",
            l->name, (unsigned long long)bytes);
    log_warn("the append-only file was cut off; what is not whole is dropped",
             f_str("file", l->name), f_int("bytes", (int64_t)bytes));
    if (truncate(path, (off_t)bytes) != 0)
        return err_sys(errno, "the append-only file cannot be shortened");
    return OK;
}

static struct err run_all(struct loader *l, struct append_reader *r, const char *path,
                          uint64_t before)
{
    enum append_read_state state = APPEND_COMMAND;

    for (;;) {
        struct err e = append_read(r, &state);

        if (err_is(e, ERR_INVALID))
            return err_format(
                l->arena, ERR_CORRUPT,
                "Bad file format reading the append only file %s: make a backup of your AOF file, "
                "then use ./redis-check-aof --fix <filename.manifest> (at byte %llu)",
                l->name, (unsigned long long)(before + append_reader_where(r)));
        TRY(e);
        if (state != APPEND_COMMAND)
            break;
        TRY(run_one(l, r));
        snapshot_rest(l->engine->settings.load_key_delay_us, ++l->commands);
        if (!transaction_is_open(&l->client))
            l->sound_to = append_reader_where(r);
    }
    bool is_open = transaction_is_open(&l->client);
    transaction_free(l->engine, &l->client);
    if (state == APPEND_END && !is_open)
        return OK;
    if (is_open)
        log_warn("the append-only file ends within a transaction");
    return cut_tail(l, path, before + l->sound_to);
}

/* ---- files ---- */

static void open_source(struct loader *l, struct file_source *s, int fd)
{
    file_source_init(s, fd);
    s->passed = loading_passed;
    s->ctx = l->engine;
}

/* Reads past `bytes`. */
static struct err skip(struct source *from, uint64_t bytes)
{
    char room[4096];

    while (bytes > 0) {
        size_t got, want = bytes < sizeof(room) ? (size_t)bytes : sizeof(room);

        TRY(from->read(from, room, want, &got));
        if (got == 0)
            return err_make(ERR_CORRUPT, "the file became shorter");
        bytes -= got;
    }
    return OK;
}

static bool begins_as_snapshot(const char *head, size_t len)
{
    return (len >= 5 && memcmp(head, "REDIS", 5) == 0) ||
           (len >= 6 && memcmp(head, "VALKEY", 6) == 0);
}

static bool is_snapshot(int fd)
{
    char head[6];
    ssize_t got = pread(fd, head, sizeof(head), 0);

    return got > 0 && begins_as_snapshot(head, (size_t)got);
}

static void note_field(void *ctx, struct str name, struct str value)
{
    handed_note_field(ctx, name, value);
}

/* The snapshot that a file begins with, into the databases; *out is where it ends. */
static struct err load_head(struct loader *l, struct source *from, uint64_t *out)
{
    struct engine *e = l->engine;
    struct snapshot_loading s = {
        .dbs = e->keyspace.dbs,
        .sums = e->settings.sums_dumps && !e->keyspace.skips_checksums,
        .key_delay_us = &e->settings.load_key_delay_us,
        .field = note_field,
        .ctx = e,
    };

    e->loading.report = &s.report;
    struct err failed = snapshot_load(&e->keyspace, from, &s, l->arena);
    e->loading.report = NULL;
    TRY(failed);
    TRY(function_records_take(e, l->arena, &s, SNAPSHOT_REPLACES));
    e->loaded.keys += s.report.keys;
    *out = s.report.bytes;
    return OK;
}

/* ---- sealed files ---- */

/* Ends a file whose writer died: what is whole of it stays, and nothing comes behind. */
static struct err end_sealed(struct loader *l, struct unsealer *u, const char *path)
{
    scoped(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    scoped(buf_fini) struct buf end = BUF_EMPTY;

    log_warn(
        "the sealed append-only file has no end, as its writer was killed: what is whole of it "
        "is kept",
        f_str("file", l->name), f_int("bytes", (int64_t)u->passed));
    unsealer_end_file(u, &end);
    if (fd < 0 || ftruncate(fd, (off_t)u->passed) != 0 ||
        pwrite(fd, end.ptr, end.len, (off_t)u->passed) != (ssize_t)end.len || fdatasync(fd) != 0)
        return err_sys(errno, "the sealed append-only file cannot be ended");
    return OK;
}

/* The first bytes of what is sealed tell what it is; then they are read again. */
static struct err begin_sealed(struct loader *l, struct unsealer *u, struct file_source *from,
                               int fd, bool *is_snapshot_out)
{
    const struct settings *s = &l->engine->settings;
    char head[6] = {0};
    size_t got;

    for (int i = 0; i < 2; i++) {
        unsealer_fini(u);
        if (lseek(fd, 0, SEEK_SET) < 0)
            return err_sys(errno, "the append-only file cannot be read");
        open_source(l, from, fd);
        TRY(unsealer_begin(u, l->engine->seal, SEAL_APPEND, &from->source));
        u->may_be_unfinished = l->is_last && s->loads_cut_append;
        if (i == 0) {
            TRY(u->source.read(&u->source, head, sizeof(head), &got));
            *is_snapshot_out = begins_as_snapshot(head, got);
        }
    }
    return OK;
}

static struct err load_sealed(struct loader *l, int fd, const char *path)
{
    scoped(unsealer_fini) struct unsealer u = {0};
    scoped(append_reader_fini) struct append_reader r = {0};
    struct file_source from;
    bool is_snapshot = false;
    uint64_t end;
    char rest;
    size_t got = 0;

    TRY(begin_sealed(l, &u, &from, fd, &is_snapshot));
    if (is_snapshot) {
        TRY(load_head(l, &u.source, &end));
        TRY(u.source.read(&u.source, &rest, 1, &got));
    } else {
        append_reader_init(&r, &u.source);
        l->is_sealed = true;
        struct err e = run_all(l, &r, path, 0);
        l->is_sealed = false;
        TRY(e);
    }
    return u.is_unfinished ? end_sealed(l, &u, path) : OK;
}

static struct err load_plain(struct loader *l, int fd, const char *path)
{
    scoped(append_reader_fini) struct append_reader r = {0};
    struct file_source source;
    uint64_t before = 0;

    open_source(l, &source, fd);
    if (is_snapshot(fd))
        TRY(load_head(l, &source.source, &before));
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_sys(errno, "the append-only file cannot be read");
    TRY(skip(&source.source, before));
    append_reader_init(&r, &source.source);
    return run_all(l, &r, path, before);
}

static struct err load_file(struct loader *l, const char *path)
{
    scoped(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_format(l->arena, ERR_IO,
                          "Fatal error: can't open the append log file %s for reading: %s", l->name,
                          strerror(errno));
    l->sound_to = 0;
    l->client.db = 0;
    if (file_is_sealed(fd))
        return load_sealed(l, fd, path);
    if (l->engine->settings.is_sealed)
        return err_make(ERR_DENIED, "the file is not sealed, and only sealed ones are taken");
    return load_plain(l, fd, path);
}

static struct err load_files(struct loader *l)
{
    const struct manifest *m = &l->append->manifest;
    const struct manifest_file *last = manifest_newest(m);

    if (!last)
        last = manifest_base(m);
    l->append->older_bytes = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct manifest_file *f = &m->files[i];
        const char *path = append_path(l->append, l->arena, f->name);
        struct stat st;

        if (f->type == MANIFEST_HISTORY)
            continue;
        l->name = f->name;
        l->is_last = f == last;
        struct err e = load_file(l, path);
        if (err_failed(e))
            return err_format(l->arena, e.code, "%s: %s", f->name, err_text(l->arena, e));
        if (stat(path, &st) == 0)
            l->append->older_bytes += (uint64_t)st.st_size;
    }
    return OK;
}

/* What is past its end by now is found by the sweep, which cannot trust its notes. */
static void wake_sweep(struct engine *e)
{
    for (int i = 0; i < e->keyspace.db_count; i++)
        e->keyspace.dbs[i].sweeps_all = true;
}

static uint64_t bytes_of(const struct append *a, struct arena *arena)
{
    uint64_t bytes = 0;
    struct stat st;

    for (size_t i = 0; i < a->manifest.count; i++) {
        const struct manifest_file *f = &a->manifest.files[i];

        if (f->type != MANIFEST_HISTORY && stat(append_path(a, arena, f->name), &st) == 0)
            bytes += (uint64_t)st.st_size;
    }
    return bytes;
}

struct err append_load(struct append *a, const struct client *occupied, struct arena *arena)
{
    struct engine *e = a->engine;
    struct keyspace *ks = &e->keyspace;
    struct loader l = {
        .append = a, .engine = e, .arena = arena, .client = {.is_admin = true, .is_file = true}
    };
    struct effect_sink *sinks = ks->effects.sinks;
    int64_t now_ms = ks->now_ms;

    engine_client_add(e, &l.client, &no_host);
    loading_begin(e, bytes_of(a, arena), NULL, occupied);
    ks->effects.sinks = NULL;
    e->guards = 0;
    e->loaded.keys = e->loaded.expired = 0;
    keyspace_set_now(ks, 0);
    struct err failed = load_files(&l);
    keyspace_set_now(ks, now_ms);
    ks->effects.sinks = sinks;
    loading_end(e);
    engine_client_remove(e, &l.client);
    wake_sweep(e);
    return failed;
}
