/*
 * One lock guards what is being received and the moment in which a file gets its name and its row:
 * so a sweep never sees a file whose row is still to come.
 */
#include "controlplane/vault/vault.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "controlplane/store/snapshots.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE   0600
#define HEX_BYTES   (2 * DIGEST_SHA256_BYTES + 1)
#define READ_BYTES  (256 * 1024)
#define SWEEP_COUNT 64
#define ENDING      ".rdb"
#define UNFINISHED  ".part"

/* What one task has brought so far. */
struct receipt {
    struct receipt *next;
    int64_t task_id;
    int fd;
    int64_t bytes;
    struct digest_sha256 *digest;
};

struct vault {
    struct store *store;
    const struct clock *clock;
    char *dir;
    pthread_mutex_t lock; /* guards the list, and files' getting their names */
    struct receipt *receipts;
};

static char *path_of(struct vault *v, struct arena *a, const char *kind, int64_t id,
                     const char *ending)
{
    return arena_printf(a, "%s/%s%lld%s", v->dir, kind, (long long)id, ending);
}

static char *unfinished_path(struct vault *v, struct arena *a, int64_t task_id)
{
    return path_of(v, a, "task-", task_id, UNFINISHED);
}

static char *file_path(struct vault *v, struct arena *a, int64_t file_id)
{
    return path_of(v, a, "", file_id, ENDING);
}

static struct err io_error(struct arena *a, const char *doing, const char *path)
{
    return (struct err){ERR_IO, errno, arena_printf(a, "cannot %s %s", doing, path)};
}

/* --- receipts --- */

static void receipt_free(struct receipt *r)
{
    fd_close(&r->fd);
    digest_sha256_free(r->digest);
    free(r);
}

/* Takes it off the list; with the lock held. */
static struct receipt *receipt_take(struct vault *v, int64_t task_id)
{
    for (struct receipt **at = &v->receipts; *at; at = &(*at)->next)
        if ((*at)->task_id == task_id) {
            struct receipt *found = *at;
            *at = found->next;
            return found;
        }
    return NULL;
}

static void receipt_put(struct vault *v, struct receipt *r)
{
    pthread_mutex_lock(&v->lock);
    r->next = v->receipts;
    v->receipts = r;
    pthread_mutex_unlock(&v->lock);
}

static struct receipt *receipt_find(struct vault *v, int64_t task_id)
{
    pthread_mutex_lock(&v->lock);
    struct receipt *r = receipt_take(v, task_id);
    pthread_mutex_unlock(&v->lock);
    return r;
}

static struct err is_awaited(struct vault *v, struct arena *a, int64_t task_id,
                             struct snapshot_part *out)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(v->store, STORE_READ, a, &tx));
    return store_part_of_task(tx, task_id, out);
}

static struct err receipt_new(struct vault *v, struct arena *a, int64_t task_id,
                              struct receipt **out)
{
    struct snapshot_part part;
    const char *path = unfinished_path(v, a, task_id);

    TRY(is_awaited(v, a, task_id, &part));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return io_error(a, "make", path);
    struct receipt *r = calloc(1, sizeof(*r));
    check(r != NULL);
    *r = (struct receipt){.task_id = task_id, .fd = fd, .digest = digest_sha256_new()};
    *out = r;
    return OK;
}

static struct err write_all(struct arena *a, int fd, struct str piece)
{
    while (piece.len > 0) {
        ssize_t done = write(fd, piece.ptr, piece.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return io_error(a, "write", "a snapshot's file");
        piece = (struct str){piece.ptr + done, piece.len - (size_t)done};
    }
    return OK;
}

/* Nothing of it is of use any more. */
static void receipt_drop(struct vault *v, struct arena *a, struct receipt *r)
{
    err_ignore(fs_remove(unfinished_path(v, a, r->task_id)), "the next start removes it");
    receipt_free(r);
}

struct err vault_take(struct vault *v, struct arena *a, int64_t task_id, int64_t from,
                      struct str piece)
{
    struct receipt *r = receipt_find(v, task_id);

    if (r && from == 0) {
        receipt_free(r);
        r = NULL;
    }
    if (!r && from != 0)
        return err_make(ERR_CONFLICT, "what came before is not here any more");
    if (!r)
        TRY(receipt_new(v, a, task_id, &r));
    if (from != r->bytes) {
        receipt_put(v, r);
        return err_make(ERR_CONFLICT, "this does not go on where the last piece ended");
    }
    struct err e = write_all(a, r->fd, piece);
    if (err_failed(e)) {
        receipt_drop(v, a, r);
        return e;
    }
    /* So that little is left to do in the end. */
    (void)sync_file_range(r->fd, r->bytes, (off_t)piece.len, SYNC_FILE_RANGE_WRITE);
    digest_sha256_add(r->digest, piece.ptr, piece.len);
    r->bytes += (int64_t)piece.len;
    receipt_put(v, r);
    return OK;
}

/* --- keeping --- */

static void sync_dir(const char *dir)
{
    scoped(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0)
        log_warn("the folder of snapshots cannot be synced", f_str("dir", dir));
}

/* What is written gets its name and its row, both or none; with the lock held. */
static struct err record(struct vault *v, struct arena *a, const char *path, int64_t part_id,
                         int64_t bytes, const char *sha256)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    int64_t file_id = 0;

    TRY(store_begin(v->store, STORE_WRITE, a, &tx));
    TRY(store_part_keep(tx, part_id, bytes, sha256, clock_wall_ms(v->clock), &file_id));
    const char *name = file_path(v, a, file_id);
    if (rename(path, name) != 0)
        return io_error(a, "rename", path);
    sync_dir(v->dir);
    struct err e = store_commit(&tx);
    if (err_failed(e))
        err_ignore(fs_remove(name), "the next start removes it");
    return e;
}

static struct err settle(struct vault *v, struct arena *a, const char *path, int64_t part_id,
                         int64_t bytes, const char *sha256)
{
    pthread_mutex_lock(&v->lock);
    struct err e = record(v, a, path, part_id, bytes, sha256);
    pthread_mutex_unlock(&v->lock);
    return e;
}

static struct err finish(struct vault *v, struct arena *a, struct receipt *r, int64_t bytes,
                         const char *sha256)
{
    unsigned char digest[DIGEST_SHA256_BYTES];
    struct snapshot_part part;
    char hex[HEX_BYTES];

    if (bytes != r->bytes)
        return err_make(ERR_CORRUPT, "it has another length than what came");
    digest_sha256_end(r->digest, digest);
    digest_hex(digest, sizeof(digest), hex);
    if (strcmp(hex, sha256) != 0)
        return err_make(ERR_CORRUPT, "it has another fingerprint than what came");
    if (fsync(r->fd) != 0)
        return io_error(a, "sync", "a snapshot's file");
    TRY(is_awaited(v, a, r->task_id, &part));
    return settle(v, a, unfinished_path(v, a, r->task_id), part.id, bytes, hex);
}

struct err vault_keep(struct vault *v, struct arena *a, int64_t task_id, int64_t bytes,
                      const char *sha256)
{
    struct receipt *r = receipt_find(v, task_id);

    if (!r)
        return err_make(ERR_NOT_FOUND, "nothing came of it");
    struct err e = finish(v, a, r, bytes, sha256);
    if (err_failed(e))
        receipt_drop(v, a, r);
    else
        receipt_free(r);
    return e;
}

/* --- importing --- */

static char *import_path(struct vault *v, struct arena *a, int64_t part_id)
{
    return path_of(v, a, "import-", part_id, UNFINISHED);
}

struct err vault_import(struct vault *v, struct arena *a, int64_t part_id, int *out_fd)
{
    const char *path = import_path(v, a, part_id);

    *out_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    return *out_fd < 0 ? io_error(a, "make", path) : OK;
}

static struct err fingerprint(struct arena *a, int fd, char *hex, int64_t *out_bytes)
{
    char *window = arena_alloc(a, READ_BYTES);
    unsigned char digest[DIGEST_SHA256_BYTES];
    struct digest_sha256 *d = digest_sha256_new();
    ssize_t got;

    *out_bytes = 0;
    while ((got = pread(fd, window, READ_BYTES, *out_bytes)) > 0) {
        digest_sha256_add(d, window, (size_t)got);
        *out_bytes += got;
    }
    digest_sha256_end(d, digest);
    digest_sha256_free(d);
    digest_hex(digest, sizeof(digest), hex);
    return got < 0 ? io_error(a, "read", "a snapshot's file") : OK;
}

struct err vault_import_end(struct vault *v, struct arena *a, int64_t part_id, int fd)
{
    char hex[HEX_BYTES];
    int64_t bytes;

    TRY(fingerprint(a, fd, hex, &bytes));
    if (fsync(fd) != 0)
        return io_error(a, "sync", "a snapshot's file");
    return settle(v, a, import_path(v, a, part_id), part_id, bytes, hex);
}

/* --- reading --- */

static struct err find_part(struct vault *v, struct arena *a, int64_t part_id,
                            struct snapshot_part *out)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(v->store, STORE_READ, a, &tx));
    return store_part_get(tx, part_id, out);
}

struct err vault_read(struct vault *v, struct arena *a, int64_t part_id, int *out_fd)
{
    struct snapshot_part part;

    TRY(find_part(v, a, part_id, &part));
    if (part.file_id == 0)
        return err_make(ERR_NOT_FOUND, "it is not here yet");
    const char *path = file_path(v, a, part.file_id);
    *out_fd = open(path, O_RDONLY | O_CLOEXEC);
    return *out_fd < 0 ? io_error(a, "open", path) : OK;
}

/* --- what nobody has --- */

static struct err forget(struct vault *v, struct arena *a, const int64_t *ids, size_t count)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(v->store, STORE_WRITE, a, &tx));
    for (size_t i = 0; i < count; i++)
        TRY(store_file_remove(tx, ids[i]));
    return store_commit(&tx);
}

static struct err unused(struct vault *v, struct arena *a, int64_t **ids, size_t *count)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(v->store, STORE_READ, a, &tx));
    return store_file_unused(tx, SWEEP_COUNT, ids, count);
}

/* What tasks brought that nobody waits for any more. */
static void sweep_receipts(struct vault *v, struct arena *a)
{
    struct receipt *gone = NULL;

    pthread_mutex_lock(&v->lock);
    for (struct receipt **at = &v->receipts; *at;) {
        struct receipt *r = *at;
        struct snapshot_part part;
        if (!err_is(is_awaited(v, a, r->task_id, &part), ERR_NOT_FOUND)) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        r->next = gone;
        gone = r;
    }
    pthread_mutex_unlock(&v->lock);
    while (gone) {
        struct receipt *r = gone;
        gone = r->next;
        receipt_drop(v, a, r);
    }
}

struct err vault_sweep(struct vault *v, struct arena *a)
{
    int64_t *ids;
    size_t count;

    sweep_receipts(v, a);
    do {
        TRY(unused(v, a, &ids, &count));
        for (size_t i = 0; i < count; i++)
            TRY(fs_remove(file_path(v, a, ids[i])));
        if (count > 0)
            TRY(forget(v, a, ids, count));
    } while (count > 0);
    return OK;
}

static bool is_among(const int64_t *ids, size_t count, const char *name)
{
    struct str text = str_of(name);
    int64_t id;

    if (!str_ends(text, ENDING))
        return false;
    text.len -= strlen(ENDING);
    if (!str_to_i64(text, &id))
        return false;
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Of lives before: pieces, and files that have no row. */
static struct err clean(struct vault *v, struct arena *a)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct fs_names names;
    int64_t *ids;
    size_t count;

    TRY(store_begin(v->store, STORE_READ, a, &tx));
    TRY(store_file_ids(tx, &ids, &count));
    TRY(fs_list(a, v->dir, &names));
    for (size_t i = 0; i < names.count; i++) {
        struct str name = str_of(names.items[i]);
        bool is_ours = str_ends(name, ENDING) || str_ends(name, UNFINISHED);
        if (!is_ours || is_among(ids, count, names.items[i]))
            continue;
        log_info("a file of no snapshot is removed", f_str("name", names.items[i]));
        TRY(fs_remove(fs_join(a, v->dir, names.items[i])));
    }
    return OK;
}

/* --- beginning and end --- */

struct err vault_open(struct arena *a, struct store *store, const struct clock *clock,
                      const char *dir, struct vault **out)
{
    TRY(fs_make_dirs(dir, 0700));
    struct vault *v = calloc(1, sizeof(*v));
    check(v != NULL);
    *v = (struct vault){.store = store, .clock = clock, .dir = strdup(dir)};
    check(v->dir != NULL);
    pthread_mutex_init(&v->lock, NULL);
    struct err e = clean(v, a);
    if (err_failed(e)) {
        vault_close(v);
        return e;
    }
    *out = v;
    return OK;
}

void vault_close(struct vault *v)
{
    if (!v)
        return;
    while (v->receipts) {
        struct receipt *r = v->receipts;
        v->receipts = r->next;
        receipt_free(r);
    }
    pthread_mutex_destroy(&v->lock);
    free(v->dir);
    free(v);
}
