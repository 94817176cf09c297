/*
 * The append-only file: all effects since the last rewrite, behind a base that stands for what was
 * before, so that a new start finds everything (persist/append_file.h, manifest.h).
 *
 *     effect -> pending bytes -> append_flush: write, and sync as `appendfsync` says -> replies go
 *
 * Replies leave after append_flush, once a round for all clients: what was acknowledged, and what
 * was seen, is in the file, and with `appendfsync always` on the disk.
 *
 *     OFF --CONFIG SET appendonly yes--> WAITS (a child writes the first base) --> ON
 *     start with appendonly yes --> ON;  CONFIG SET appendonly no --> OFF
 */
#ifndef LARDER_DISPATCH_APPEND_H
#define LARDER_DISPATCH_APPEND_H

#include "cacheengine/dispatch/engine.h"
#include "cacheengine/keyspace/effect.h"
#include "cacheengine/persist/append_file.h"
#include "cacheengine/persist/child.h"
#include "cacheengine/persist/manifest.h"
#include "cacheengine/persist/syncer.h"

enum append_state { APPEND_OFF, APPEND_WAITS, APPEND_ON };

/* Values of appendfsync. */
enum append_sync { APPEND_SYNC_NO, APPEND_SYNC_EVERYSEC, APPEND_SYNC_ALWAYS };

struct append {
    struct engine *engine;
    enum append_state state;
    struct effect_sink sink;
    struct append_file file; /* the newest increment */
    struct manifest manifest;
    struct syncer syncer;
    int db;                   /* that the file has selected; -1: none */
    int64_t stamped_s;        /* the last annotation of time */
    uint64_t older_bytes;     /* of all files but the newest increment */
    uint64_t rewritten_bytes; /* of all files after the last rewrite, or at the start */
    /* On a counter of all bytes that were ever told: */
    uint64_t told, written, sync_asked, synced;
    uint64_t woken;                      /* those who wait know of it */
    int64_t asked_offset, synced_offset; /* of the replication stream, at sync_asked and synced */
    int64_t sync_asked_s;                /* when the background was last asked to sync */
    int64_t waits_since_s; /* writing is put off while a sync is under way; 0: it is not */
    uint64_t delayed;      /* times that this took too long */
    int write_errno;       /* of the last write; 0: all was well */
    int64_t complained_s;  /* of a failed write */
    /* rewriting (append_rewrite.c) */
    bool is_scheduled;
    bool has_failed; /* the last rewrite */
    uint64_t rewrites, failures_in_turn;
    bool is_rest_told;      /* the log knows that a rewrite is due and must wait */
    int64_t retry_s;        /* after failures: not before */
    bool base_is_snapshot;  /* the base that is being written, else commands */
    int64_t flush_delay_us; /* DEBUG AOF-FLUSH-SLEEP */
    int64_t keeps_seq;   /* increments from this number on stay when the running rewrite is done */
    pid_t child_pid;     /* of the running rewrite */
    uint64_t base_mark;  /* what was told when it began, which its base has */
    int64_t base_offset; /* of the replication stream, likewise */
};

void append_init(struct append *a, struct engine *e);
void append_fini(struct append *a);

/* At the start, with what the files hold loaded (append_load.h) or nothing there: goes on behind
 * it. The failure is one to end of, with a sentence in `arena`. */
must_use struct err append_start(struct append *a, struct arena *arena);

/* CONFIG SET appendonly. Turning on begins with a rewrite in the background. ERR_IO. */
must_use struct err append_turn_on(struct append *a, struct arena *arena);
void append_turn_off(struct append *a);

/* All data was replaced by what nobody told of (a full sync): begins anew, with a base of it. */
void append_restart(struct append *a);

/* Writes what is pending and syncs as the settings say; `is_forced`: although a sync is under way.
 * Call it before replies leave while engine.has_unwritten. With `always` a failure ends the
 * process: what was done cannot be undone. */
void append_flush(struct append *a, bool is_forced);

/* Everything told so far is on the disk when it returns. */
must_use struct err append_settle(struct append *a);

/* How far the disk is, on the counter of told bytes. */
uint64_t append_synced(struct append *a);

/* The same on the offsets of the replication stream: what a replica tells its primary. */
int64_t append_synced_offset(struct append *a);

/* Has those go on who wait for the disk (WAITAOF), where it came further. */
void append_wake(struct append *a);

/* Several times a second: what is due. */
void append_tick(struct append *a);

/* Bytes of all files. */
static inline uint64_t append_bytes(const struct append *a)
{
    return a->older_bytes + a->file.bytes;
}

/* ---- append_rewrite.c ---- */

/* Begins a rewrite in a child. ERR_CONFLICT while another child runs; ERR_IO. */
must_use struct err append_rewrite_begin(struct append *a, struct arena *arena);

/* True when the last rewrites failed and the next is not due yet. */
bool append_rewrite_rests(const struct append *a);

/* Writes a base of what the keyspace holds now, and puts it in the manifest. */
must_use struct err append_base_now(struct append *a, struct arena *arena);

/* Files by their parts: "appendonly.aof.2.base.rdb", and where they stand; in `arena`. */
const char *append_base_name(const struct append *a, struct arena *arena, int64_t seq);
const char *append_increment_name(const struct append *a, struct arena *arena, int64_t seq);
const char *append_path(const struct append *a, struct arena *arena, const char *name);

/* Puts a manifest in the place of the present one, on the disk too, and removes what is history. */
must_use struct err append_put_manifest(struct append *a, struct arena *arena,
                                        struct manifest *next);

/* Removes the files that are of no more use, unless they are to be kept. */
void append_drop_history(struct append *a, struct arena *arena);

/* Opens a file that is not there yet, sealed where there is a key. ERR_DENIED when there should be
 * one; ERR_IO. */
must_use struct err append_new_file(struct append *a, const char *path, struct append_file *out);

/* Closes the newest increment, synced by the background, and goes on in another file. */
void append_change_file(struct append *a, struct append_file *next);

/* The increment of a file that has no base yet, under a name of its own. */
const char *append_first_path(const struct append *a, struct arena *arena);

#endif
