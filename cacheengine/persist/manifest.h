/*
 * The manifest of an append-only file: which files it consists of, in which order.
 *
 *     file appendonly.aof.2.base.rdb seq 2 type b      what there was when it was rewritten last
 *     file appendonly.aof.3.incr.aof seq 3 type h      of no more use, to be removed
 *     file appendonly.aof.4.incr.aof seq 4 type i      what has changed since, one behind the other
 *
 * Plain data in an arena-free form: names are owned.
 */
#ifndef LARDER_PERSIST_MANIFEST_H
#define LARDER_PERSIST_MANIFEST_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum manifest_type { MANIFEST_BASE = 'b', MANIFEST_INCREMENT = 'i', MANIFEST_HISTORY = 'h' };

struct manifest_file {
    char *name;
    int64_t seq;
    enum manifest_type type;
};

struct manifest {
    struct manifest_file *files; /* base, history from the latest on, increments by age */
    size_t count, room;
    int64_t base_seq, increment_seq; /* the highest that were ever given */
};

void manifest_fini(struct manifest *m);

/* Reads a manifest's text into a zeroed one. ERR_CORRUPT with the line and what is wrong with it,
 * in `a`. */
must_use struct err manifest_parse(struct manifest *m, struct arena *a, struct str text);

/* Adds its text to `out`. */
void manifest_format(const struct manifest *m, struct buf *out);

/* A copy, to be changed and put in place once it is on the disk. */
void manifest_copy(const struct manifest *m, struct manifest *out);

/* The base, or NULL; the newest increment, or NULL. */
const struct manifest_file *manifest_base(const struct manifest *m);
const struct manifest_file *manifest_newest(const struct manifest *m);

/* Adds a base of this name, in place of the one there is, which becomes history. */
void manifest_add_base(struct manifest *m, const char *name, int64_t seq);

/* Adds an increment behind the others. */
void manifest_add_increment(struct manifest *m, const char *name, int64_t seq);

/* The increments up to this number become history. */
void manifest_retire(struct manifest *m, int64_t up_to_seq);

bool manifest_has_history(const struct manifest *m);

/* Drops what is history. Where there are no increments either, their numbers begin again. */
void manifest_forget(struct manifest *m);

#endif
