/* Files of snapshots. */
#include "cacheengine/persist/file.h"

#include "base/arena.h"
#include "base/fs.h"
#include "base/seal.h"
#include "cacheengine/keyspace/db.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* So often the kernel is told to begin writing to the disk, so that the end need not wait for all.
 */
#define SYNC_BYTES (8U << 20)

/* ---- sinks and sources ---- */

/* A pipe or socket that is full: others may have told it not to block. */
static void wait_for_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    (void)poll(&p, 1, -1);
}

static struct err sink_write(struct sink *s, const void *bytes, size_t len)
{
    struct file_sink *f = container_of(s, struct file_sink, sink);
    const char *at = bytes;
    uint64_t before = f->written;

    while (len > 0) {
        ssize_t part = write(f->fd, at, len);

        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0 && errno == EAGAIN) {
            wait_for_room(f->fd);
            continue;
        }
        if (part < 0)
            return err_sys(errno, "the file cannot be written");
        at += part;
        len -= (size_t)part;
        f->written += (uint64_t)part;
    }
    /* Only a hint: what goes wrong here is found by fsync. */
    if (before / SYNC_BYTES != f->written / SYNC_BYTES)
        (void)sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    return OK;
}

void file_sink_init(struct file_sink *s, int fd)
{
    *s = (struct file_sink){.sink = {sink_write}, .fd = fd};
}

static struct err source_read(struct source *s, void *to, size_t max, size_t *got)
{
    struct file_source *f = container_of(s, struct file_source, source);
    ssize_t part;

    do
        part = read(f->fd, to, max);
    while (part < 0 && errno == EINTR);
    if (part < 0)
        return err_sys(errno, "the file cannot be read");
    *got = (size_t)part;
    return f->passed ? f->passed(f->ctx, *got) : OK;
}

void file_source_init(struct file_source *s, int fd)
{
    *s = (struct file_source){.source = {source_read}, .fd = fd};
}

/* ---- saving ---- */

static struct err path_of(struct arena *a, const char *dir, const char *name, const char **out)
{
    if (!*name || strchr(name, '/'))
        return err_format(a, ERR_INVALID, "'%s' is no name of a file", name);
    *out = fs_join(a, dir, name);
    return OK;
}

static struct err save_sealed(struct keyspace *ks, struct sink *to,
                              const struct snapshot_options *o)
{
    scoped(sealer_fini) struct sealer s;

    TRY(sealer_stream(&s, o->seal, SEAL_SNAPSHOT, to));
    TRY(snapshot_save(ks, &s.sink, o));
    return sealer_finish(&s);
}

static struct err write_new(struct keyspace *ks, const char *path, const struct snapshot_options *o)
{
    scoped(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    struct file_sink sink;

    if (fd < 0)
        return err_sys(errno, "the file cannot be made");
    file_sink_init(&sink, fd);
    if (o->seal)
        TRY(save_sealed(ks, &sink.sink, o));
    else
        TRY(snapshot_save(ks, &sink.sink, o));
    return fsync(fd) == 0 ? OK : err_sys(errno, "the file does not reach the disk");
}

/* Puts the new file in the place of the old one, and that on the disk too. */
static struct err take_name(const char *dir, const char *from, const char *to)
{
    scoped(fd_close) int fd = -1;

    if (rename(from, to) != 0)
        return err_sys(errno, "the file cannot take its name");
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_sys(errno, "the name of the file does not reach the disk");
    return OK;
}

const char *snapshot_temporary_path(struct arena *a, const char *dir, long pid)
{
    return fs_join(a, dir, arena_printf(a, "temp-%ld.rdb", pid));
}

struct err snapshot_save_file(struct keyspace *ks, const char *dir, const char *name,
                              const struct snapshot_options *o, struct arena *a)
{
    const char *path;

    TRY(path_of(a, dir, name, &path));
    if (o->wants_seal && !o->seal)
        return err_make(ERR_DENIED, "files are to be sealed, and no key was given");
    const char *temporary = snapshot_temporary_path(a, dir, (long)getpid());
    struct err e = write_new(ks, temporary, o);
    if (!err_failed(e))
        e = take_name(dir, temporary, path);
    if (!err_failed(e))
        return OK;
    err_ignore(fs_remove(temporary), "the first failure is the one to tell");
    return err_format(a, e.code, "%s: %s", path, err_text(a, e));
}

/* ---- loading ---- */

bool file_is_sealed(int fd)
{
    char head[8];

    return pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
           seal_is_sealed(head, sizeof(head));
}

/* The end is read too: only then is it known that nothing is missing. */
static struct err load_sealed(struct keyspace *ks, struct source *from, struct snapshot_loading *l,
                              struct arena *a)
{
    scoped(unsealer_fini) struct unsealer u;
    char rest;
    size_t got;

    TRY(unsealer_begin(&u, l->seal, SEAL_SNAPSHOT, from));
    TRY(snapshot_load(ks, &u.source, l, a));
    return u.source.read(&u.source, &rest, 1, &got);
}

static struct err read_apart(struct keyspace *ks, const char *path, struct snapshot_loading *l,
                             struct arena *a)
{
    scoped(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct file_source source;

    if (fd < 0)
        return errno == ENOENT ? err_make(ERR_NOT_FOUND, "there is no such file")
                               : err_sys(errno, "the file cannot be opened");
    file_source_init(&source, fd);
    source.passed = l->passed;
    source.ctx = l->taker;
    if (file_is_sealed(fd))
        return load_sealed(ks, &source.source, l, a);
    if (l->wants_seal)
        return err_make(ERR_DENIED, "the file is not sealed, and only sealed ones are taken");
    return snapshot_load(ks, &source.source, l, a);
}

/* A walk over what was read, for joining it with what is there. */
struct joining {
    struct keyspace *ks;
    struct db *from, *to;
    struct str twin; /* a key that both have */
    bool has_twin;
};

static void find_twin(void *ctx, uint32_t ref)
{
    struct joining *j = ctx;
    const struct entry *e = heap_at(&j->from->heap, ref);

    if (j->has_twin || !db_peek(j->to, keyspace_key(j->ks, entry_key(e))))
        return;
    j->has_twin = true;
    j->twin = entry_key(e);
}

static void move_over(void *ctx, uint32_t ref)
{
    struct joining *j = ctx;
    struct entry *e = heap_at(&j->from->heap, ref);
    struct key k = keyspace_key(j->ks, entry_key(e));

    db_delete(j->to, k, false);
    struct entry *copy = db_copy(j->from, e, j->to, k, entry_deadline(e));
    entry_set_age(copy, entry_age(e));
}

static void each(struct joining *j, struct db *read, void (*visit)(void *ctx, uint32_t ref))
{
    for (int i = 0; i < j->ks->db_count; i++) {
        j->from = &read[i];
        j->to = &j->ks->dbs[i];
        index_each(&j->from->index, visit, j);
    }
}

static struct err refuse_twins(struct keyspace *ks, struct db *read, struct arena *a)
{
    struct joining j = {.ks = ks};

    each(&j, read, find_twin);
    if (j.has_twin)
        return err_format(a, ERR_EXISTS, "the key '%.*s' is there already",
                          STR_ARG(str_shorten(j.twin, 100)));
    return OK;
}

struct err snapshot_load_file(struct keyspace *ks, const char *dir, const char *name,
                              enum snapshot_meeting meeting, struct snapshot_loading *l,
                              struct arena *a)
{
    const char *path;

    TRY(path_of(a, dir, name, &path));
    l->dbs = keyspace_dbs_new(ks);
    struct err e = read_apart(ks, path, l, a);
    if (!err_failed(e) && meeting == SNAPSHOT_JOINS)
        e = refuse_twins(ks, l->dbs, a);
    if (!err_failed(e) && l->take_libraries)
        e = l->take_libraries(l->taker, a, l, meeting);
    if (!err_failed(e) && meeting == SNAPSHOT_REPLACES)
        keyspace_dbs_exchange(ks, l->dbs);
    else if (!err_failed(e))
        each(&(struct joining){.ks = ks}, l->dbs, move_over);
    keyspace_dbs_free(ks, l->dbs);
    l->dbs = NULL;
    if (err_failed(e))
        return err_format(a, e.code, "%s: %s", path, err_text(a, e));
    return OK;
}
