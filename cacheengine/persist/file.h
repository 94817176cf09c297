/* Snapshots in files: written beside the old one and put in its place whole, loaded whole or not at
 * all. */
#ifndef LARDER_PERSIST_FILE_H
#define LARDER_PERSIST_FILE_H

#include "cacheengine/persist/snapshot.h"

/* Sinks and sources over a descriptor, which stays its owner's. */
struct file_sink {
    struct sink sink;
    int fd;
    uint64_t written;
};

struct file_source {
    struct source source;
    int fd;
    /* Told how much was read; its failure is that of the read. NULL: nobody wants to know. */
    struct err (*passed)(void *ctx, size_t bytes);
    void *ctx;
};

void file_sink_init(struct file_sink *s, int fd);
void file_source_init(struct file_source *s, int fd);

/*
 * Writes a snapshot of all databases to `dir`/`name`: to another file first, which is on the disk
 * before it takes the name. ERR_IO, with a sentence in `a`; the old file is then still there.
 */
must_use struct err snapshot_save_file(struct keyspace *ks, const char *dir, const char *name,
                                       const struct snapshot_options *o, struct arena *a);

/* Where a process writes what is to take the name: it may be left there by one that was killed. */
const char *snapshot_temporary_path(struct arena *a, const char *dir, long pid);

/* True when an open file begins as sealed ones do (seal.h). */
bool file_is_sealed(int fd);

/*
 * Loads `dir`/`name`, sealed or not. Everything is read into databases apart first, so that a file
 * that is damaged changes nothing. ERR_NOT_FOUND, ERR_IO, ERR_EXISTS for a key that both have, and
 * what snapshot_load returns, with a sentence in `a`.
 */
must_use struct err snapshot_load_file(struct keyspace *ks, const char *dir, const char *name,
                                       enum snapshot_meeting meeting, struct snapshot_loading *l,
                                       struct arena *a);

#endif
