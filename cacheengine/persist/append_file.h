/*
 * A file that is appended to: what is told is collected, written in one piece, and synced. A write
 * that does only in part is taken back, so that the file always ends behind a whole piece.
 */
#ifndef LARDER_PERSIST_APPEND_FILE_H
#define LARDER_PERSIST_APPEND_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct seal_key;
struct sealer;

struct append_file {
    int fd;              /* -1: closed */
    uint64_t bytes;      /* in the file */
    struct buf pending;  /* not written yet */
    struct sealer *seal; /* what is written is sealed; NULL: it is not */
    struct buf sealed;   /* not written yet, but sealed already */
    bool is_torn;        /* the file ends in a part of a piece that could not be taken back */
};

#define APPEND_FILE_NONE ((struct append_file){.fd = -1})

/* Begins a sealed file at `path`, where none may be. ERR_IO, ERR_EXISTS. */
must_use struct err append_file_begin_sealed(struct append_file *f, const char *path,
                                             const struct seal_key *k);

/* Opens a file to be appended to, made when it is not there. ERR_IO. */
must_use struct err append_file_open(struct append_file *f, const char *path);

/* Closes it; what is pending is dropped. Accepts a closed one. */
void append_file_close(struct append_file *f);

/* Gives the descriptor away, to be synced and closed elsewhere, and is closed itself. */
int append_file_take(struct append_file *f);

static inline bool append_file_is_open(const struct append_file *f)
{
    return f->fd >= 0;
}

/* Whether something is not written yet. */
static inline bool append_file_is_behind(const struct append_file *f)
{
    return f->pending.len > 0 || f->sealed.len > 0;
}

/* Writes what is pending, and the last chunk of a sealed file, which is not gone on with after
 * that: for a file that is to be closed. ERR_IO. */
must_use struct err append_file_finish(struct append_file *f);

/* Writes what is pending. ERR_IO: it is still pending, but for what could not be taken back. */
must_use struct err append_file_write(struct append_file *f);

/* Brings the file's data to the disk. ERR_IO. */
must_use struct err append_file_sync(struct append_file *f);

#endif
