/* Full chunks stand at places that can be computed, so reading begins with the one that has the
 * first byte that is wanted. */
#include "controlplane/vault/kept.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKIP_BYTES 4096

/* --- keys --- */

static uint8_t digit(char c)
{
    return (uint8_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

/* Keys are of our own making: lower-case digits, and as many as there must be. */
static struct seal_key *key_of(const char *hex)
{
    uint8_t bytes[SEAL_KEY_BYTES];

    check(strlen(hex) == 2 * sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    struct seal_key *k = seal_key_new(bytes);
    seal_wipe(bytes, sizeof(bytes));
    return k;
}

/* --- writing --- */

struct kept_writer {
    struct sink disk;
    int fd;
    off_t passed;
    struct sealer sealer;
};

static struct err write_all(struct sink *sink, const void *bytes, size_t len)
{
    struct kept_writer *w = container_of(sink, struct kept_writer, disk);
    off_t begun = w->passed;

    for (const char *at = bytes; len > 0;) {
        ssize_t done = pwrite(w->fd, at, len, w->passed);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_sys(errno, "cannot write a snapshot's file");
        at += done;
        len -= (size_t)done;
        w->passed += done;
    }
    /* So that little is left to do in the end. */
    (void)sync_file_range(w->fd, begun, w->passed - begun, SYNC_FILE_RANGE_WRITE);
    return OK;
}

struct err kept_writer_open(int fd, const char *key, struct kept_writer **out)
{
    struct kept_writer *w = calloc(1, sizeof(*w));
    struct seal_key *k = key_of(key);

    check(w != NULL);
    w->disk.write = write_all;
    w->fd = fd;
    struct err e = sealer_stream(&w->sealer, k, SEAL_PART, &w->disk);
    seal_key_free(k); /* the file's own is derived */
    if (err_failed(e)) {
        kept_writer_close(w);
        return e;
    }
    *out = w;
    return OK;
}

struct err kept_writer_add(struct kept_writer *w, struct str piece)
{
    return w->sealer.sink.write(&w->sealer.sink, piece.ptr, piece.len);
}

struct err kept_writer_end(struct kept_writer *w)
{
    TRY(sealer_finish(&w->sealer));
    return fsync(w->fd) == 0 ? OK : err_sys(errno, "cannot sync a snapshot's file");
}

void kept_writer_close(struct kept_writer *w)
{
    if (!w)
        return;
    sealer_fini(&w->sealer);
    fd_close(&w->fd);
    free(w);
}

/* --- reading --- */

static struct err read_some(struct source *source, void *to, size_t max, size_t *got)
{
    struct kept_file *f = container_of(source, struct kept_file, disk);
    ssize_t done;

    do
        done = pread(f->fd, to, max, f->at);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return err_sys(errno, "cannot read a snapshot's file");
    f->at += done;
    *got = (size_t)done;
    return OK;
}

struct err kept_file_open(struct kept_file *f, int fd, const char *key, int64_t bytes)
{
    *f = (struct kept_file){.disk = {read_some}, .fd = fd, .bytes = bytes};
    if (*key) {
        f->key = key_of(key);
        struct err e = unsealer_begin(&f->unsealer, f->key, SEAL_PART, &f->disk);
        if (err_failed(e)) {
            kept_file_close(f);
            return e;
        }
    }
    return OK;
}

static struct source *source_of(struct kept_file *f)
{
    return f->key ? &f->unsealer.source : &f->disk;
}

/* Passes over what stands in front of it in its chunk. */
static struct err skip(struct kept_file *f, size_t len)
{
    char room[SKIP_BYTES];
    size_t got;

    for (; len > 0; len -= got) {
        TRY(f->unsealer.source.read(&f->unsealer.source, room,
                                    len < sizeof(room) ? len : sizeof(room), &got));
        if (got == 0)
            return err_make(ERR_CORRUPT, "a snapshot's file is shorter than it was");
    }
    return OK;
}

static struct err seek(struct kept_file *f, int64_t from)
{
    uint64_t chunk = (uint64_t)from / SEAL_CHUNK_BYTES;

    if (from == f->next)
        return OK;
    f->next = -1; /* where it stands is known again when all goes well */
    if (!f->key) {
        f->at = from;
        return OK;
    }
    f->at = (off_t)seal_chunk_at(chunk);
    unsealer_seek(&f->unsealer, chunk);
    return skip(f, (size_t)from % SEAL_CHUNK_BYTES);
}

struct err kept_file_read(struct kept_file *f, int64_t from, void *to, size_t max, size_t *got)
{
    struct source *source = source_of(f);
    size_t part;

    *got = 0;
    if (from < 0 || from >= f->bytes)
        return OK;
    if ((int64_t)max > f->bytes - from)
        max = (size_t)(f->bytes - from);
    TRY(seek(f, from));
    while (*got < max) {
        TRY(source->read(source, (char *)to + *got, max - *got, &part));
        if (part == 0)
            return err_make(ERR_CORRUPT, "a snapshot's file is shorter than it was");
        *got += part;
    }
    f->next = from + (int64_t)*got;
    return OK;
}

void kept_file_close(struct kept_file *f)
{
    unsealer_fini(&f->unsealer);
    seal_key_free(f->key);
    fd_close(&f->fd);
    f->key = NULL;
}
