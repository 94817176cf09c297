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
#include "controlplane/vault/kept.h"

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

/* A file that is being written. */
struct intake {
    char data_key[2 * SEAL_KEY_BYTES + 1];
    struct kept_writer *writer;
    int64_t bytes;
    struct digest_sha256 *digest;
};

/* What one task has brought so far. */
struct receipt {
    struct receipt *next;
    int64_t task_id;
    struct intake in;
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

/* --- intakes --- */

static struct err intake_begin(struct intake *in, struct arena *a, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);

    *in = (struct intake){0};
    if (fd < 0)
        return io_error(a, "make", path);
    snprintf(in->data_key, sizeof(in->data_key), "%s", data_key_new(a));
    TRY(kept_writer_open(fd, in->data_key, &in->writer));
    in->digest = digest_sha256_new();
    return OK;
}

static struct err intake_add(struct intake *in, struct str piece)
{
    TRY(kept_writer_add(in->writer, piece));
    digest_sha256_add(in->digest, piece.ptr, piece.len);
    in->bytes += (int64_t)piece.len;
    return OK;
}

/* All of it is on the disk; its fingerprint is in `a`. */
static struct err intake_end(struct intake *in, struct arena *a, struct kept_bytes *out)
{
    unsigned char digest[DIGEST_SHA256_BYTES];
    char *hex = arena_alloc(a, HEX_BYTES);

    TRY(kept_writer_end(in->writer));
    digest_sha256_end(in->digest, digest);
    digest_hex(digest, sizeof(digest), hex);
    *out = (struct kept_bytes){.bytes = in->bytes, .sha256 = hex, .data_key = in->data_key};
    return OK;
}

static void intake_close(struct intake *in)
{
    kept_writer_close(in->writer);
    digest_sha256_free(in->digest);
    seal_wipe(in->data_key, sizeof(in->data_key));
    *in = (struct intake){0};
}

/* --- receipts --- */

static void receipt_free(struct receipt *r)
{
    intake_close(&r->in);
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

    TRY(is_awaited(v, a, task_id, &part));
    struct receipt *r = calloc(1, sizeof(*r));
    check(r != NULL);
    r->task_id = task_id;
    struct err e = intake_begin(&r->in, a, unfinished_path(v, a, task_id));
    if (err_failed(e)) {
        receipt_free(r);
        return e;
    }
    *out = r;
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
    if (from != r->in.bytes) {
        receipt_put(v, r);
        return err_make(ERR_CONFLICT, "this does not go on where the last piece ended");
    }
    struct err e = intake_add(&r->in, piece);
    if (err_failed(e)) {
        receipt_drop(v, a, r);
        return e;
    }
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
                         const struct kept_bytes *kept)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    int64_t file_id = 0;

    TRY(store_begin(v->store, STORE_WRITE, a, &tx));
    TRY(store_part_keep(tx, part_id, kept, clock_wall_ms(v->clock), &file_id));
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
                         const struct kept_bytes *kept)
{
    pthread_mutex_lock(&v->lock);
    struct err e = record(v, a, path, part_id, kept);
    pthread_mutex_unlock(&v->lock);
    return e;
}

static struct err finish(struct vault *v, struct arena *a, struct receipt *r, int64_t bytes,
                         const char *sha256)
{
    struct snapshot_part part;
    struct kept_bytes kept;

    if (bytes != r->in.bytes)
        return err_make(ERR_CORRUPT, "it has another length than what came");
    TRY(intake_end(&r->in, a, &kept));
    if (strcmp(kept.sha256, sha256) != 0)
        return err_make(ERR_CORRUPT, "it has another fingerprint than what came");
    TRY(is_awaited(v, a, r->task_id, &part));
    return settle(v, a, unfinished_path(v, a, r->task_id), part.id, &kept);
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

/* It goes with its descriptor, whatever happens. */
struct err vault_import(struct vault *v, struct arena *a, int64_t part_id, int *out_fd)
{
    const char *path = path_of(v, a, "import-", part_id, UNFINISHED);

    *out_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (*out_fd < 0)
        return io_error(a, "make", path);
    err_ignore(fs_remove(path), "the next start removes it");
    return OK;
}

/* Writes all that is read into a file of the part's own. */
static struct err fill(struct intake *in, struct arena *a, struct kept_file *from)
{
    char *window = arena_alloc(a, READ_BYTES);
    size_t got;

    do {
        TRY(kept_file_read(from, in->bytes, window, READ_BYTES, &got));
        TRY(intake_add(in, (struct str){window, got}));
    } while (got > 0);
    return OK;
}

static struct err take_over(struct vault *v, struct arena *a, int64_t part_id,
                            struct kept_file *from)
{
    const char *path = path_of(v, a, "seal-", part_id, UNFINISHED);
    scoped(intake_close) struct intake in = {0};
    struct kept_bytes kept;

    struct err e = intake_begin(&in, a, path);
    if (!err_failed(e))
        e = fill(&in, a, from);
    if (!err_failed(e))
        e = intake_end(&in, a, &kept);
    if (!err_failed(e))
        e = settle(v, a, path, part_id, &kept);
    if (err_failed(e))
        err_ignore(fs_remove(path), "the next start removes it");
    return e;
}

struct err vault_import_end(struct vault *v, struct arena *a, int64_t part_id, int fd)
{
    scoped(kept_file_close) struct kept_file from = {.fd = -1};
    struct stat st;

    if (fstat(fd, &st) != 0)
        return io_error(a, "read", "what was fetched");
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return io_error(a, "read", "what was fetched");
    TRY(kept_file_open(&from, own, "", st.st_size));
    return take_over(v, a, part_id, &from);
}

struct err vault_seal_anew(struct vault *v, struct arena *a, int64_t part_id)
{
    scoped(kept_file_close) struct kept_file from = {.fd = -1};

    TRY(vault_read(v, a, part_id, &from));
    return take_over(v, a, part_id, &from);
}

/* --- reading --- */

static struct err find_part(struct vault *v, struct arena *a, int64_t part_id,
                            struct snapshot_part *out)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(v->store, STORE_READ, a, &tx));
    return store_part_get(tx, part_id, out);
}

struct err vault_read(struct vault *v, struct arena *a, int64_t part_id, struct kept_file *out)
{
    struct snapshot_part part;

    TRY(find_part(v, a, part_id, &part));
    if (part.file_id == 0)
        return err_make(ERR_NOT_FOUND, "it is not here yet");
    const char *path = file_path(v, a, part.file_id);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_error(a, "open", path);
    return kept_file_open(out, fd, part.data_key, part.bytes);
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
