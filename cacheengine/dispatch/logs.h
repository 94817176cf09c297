/*
 * The files that an operator reads: the engine's log and the slow log, as text or JSON lines.
 *
 * The engine's log is standard error, wherever that leads: a file of that name is put in its place.
 * Lines of the slow log are gathered and written by the regular work, so that a node on which
 * everything is slow does not also write for every command. Neither ever waits for its reader:
 * what a full pipe does not take is dropped and counted.
 */
#ifndef LARDER_DISPATCH_LOGS_H
#define LARDER_DISPATCH_LOGS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"

#include <stdint.h>

struct cmd_call;
struct engine;

struct logs {
    bool is_open;
    int slow_fd;     /* -1: none is written */
    struct buf slow; /* lines to be written */
    uint64_t slow_dropped;
    struct log_field always[3]; /* who this node is, in each line */
};

/* Opens what the settings name, and takes over how it is to be written; again when they have
 * changed, or when the files were moved away. Nothing changes when a file cannot be opened. */
must_use struct err logs_open(struct engine *e, struct arena *a);
void logs_close(struct engine *e);

/* Notes a slow call under the number that SLOWLOG has given it. */
void logs_note_slow(struct engine *e, const struct cmd_call *call, int64_t id, int64_t us);

/* What runs, by names alone, for a crash report (crash.h): the client's number, its command, and
 * what it has queued. `engine` is the engine. */
size_t logs_describe_running(void *engine, char *out, size_t max);

/* Writes what was gathered. */
void logs_flush(struct engine *e);

#endif
