/*
 * One file of the vault: written once from its beginning to its end, sealed under a key of its own
 * as it comes, and read from anywhere. Files without a key are plain: they are from before.
 */
#ifndef LARDER_CONTROLPLANE_VAULT_KEPT_H
#define LARDER_CONTROLPLANE_VAULT_KEPT_H

#include "base/seal.h"

#include <sys/types.h>

/* --- writing --- */

struct kept_writer;

/* Begins with the file, which is empty, under a key of 64 hexadecimal digits; the descriptor is
 * the writer's from now on, also when this fails. ERR_IO, ERR_INTERNAL. */
must_use struct err kept_writer_open(int fd, const char *key, struct kept_writer **out);
must_use struct err kept_writer_add(struct kept_writer *w, struct str piece);

/* Writes what is left and puts all of it on the disk. */
must_use struct err kept_writer_end(struct kept_writer *w);
void kept_writer_close(struct kept_writer *w);

/* --- reading --- */

/* Stays where it was opened. */
struct kept_file {
    struct source disk;
    int fd;
    off_t at; /* in the file, where it goes on */
    struct seal_key *key;
    struct unsealer unsealer;
    int64_t bytes, next; /* of what was written: all of it, and where it goes on */
};

/* `key` is "" for a plain file. The descriptor is the file's from now on, also when this fails.
 * ERR_IO, ERR_CORRUPT, ERR_DENIED. */
must_use struct err kept_file_open(struct kept_file *f, int fd, const char *key, int64_t bytes);

/* Reads up to `max` bytes from there; fewer only at the end. ERR_CORRUPT where it was changed. */
must_use struct err kept_file_read(struct kept_file *f, int64_t from, void *to, size_t max,
                                   size_t *got);
void kept_file_close(struct kept_file *f);

#endif
