/*
 * Saving in the background: one child process at a time (persist/child.h), who may have it, and
 * what follows from its end.
 *
 *     BGSAVE, save points   saving_begin_file: to the configured file
 *     full syncs            saving_begin_stream: to a pipe or socket; or saving_begin_file
 *     AOF rewrites          saving_begin with a function of their own
 *
 * The next fork is prepared by putting together what the last child tore (persist/mender.h).
 *
 * For a replica that loads a full sync there is nothing here: snapshot_load (persist/snapshot.h)
 * reads from any source.
 */
#ifndef LARDER_DISPATCH_SAVING_H
#define LARDER_DISPATCH_SAVING_H

#include "cacheengine/dispatch/engine.h"
#include "cacheengine/dispatch/host.h"
#include "cacheengine/persist/child.h"
#include "cacheengine/persist/mender.h"
#include "cacheengine/persist/snapshot.h"

#include <limits.h>

enum saving_kind {
    SAVING_FILE,    /* a snapshot to the configured file */
    SAVING_STREAM,  /* a snapshot to a descriptor */
    SAVING_REWRITE, /* a base of the append-only file */
    SAVING_KINDS,
};

/* Told how a child has ended, after what belongs to the kind was done. It may begin the next. */
typedef void saving_ended_fn(void *ctx, struct engine *e, enum child_state how);

/* Says what else stands in the head of snapshots (a replication id, an offset): fills in up to
 * `max` fields, whose text must hold until the next call, and returns how many. */
typedef size_t saving_fields_fn(void *ctx, struct snapshot_field *out, size_t max);
#define SAVING_FIELDS_MAX 8

struct saving {
    struct engine *engine;
    struct child child;
    struct fd_watch watch;
    enum saving_kind kind; /* of the child that runs */
    saving_ended_fn *ended;
    void *ctx;
    saving_fields_fn *fields; /* set by replication; NULL: none */
    void *fields_ctx;
    /* Of the next snapshot, for those that it is made for. */
    int reader_version; /* of the format; 0: the newest */
    bool leaves_out_keys;
    char *temporary;     /* what a dead child leaves behind, and where its work goes; owned */
    int64_t began_s;     /* wall time of the child's beginning */
    uint64_t keys_total; /* that it has to write */
    uint64_t dirty_then; /* changes at that time */
    bool is_scheduled;   /* BGSAVE SCHEDULE: as soon as no other child runs */
    bool has_failed;     /* the last one of kind FILE or STREAM to a file */
    int64_t tried_s;     /* wall time of its beginning */
    int64_t lasted_s[SAVING_KINDS]; /* the last one of each kind; -1: there was none */
    uint64_t cow_bytes[SAVING_KINDS];
    uint64_t forks, fork_us; /* how many, and how long the last one took */
    struct mender mender;    /* of memory, while no child runs */
    bool is_torn;            /* a child has ended since the last pass began */
    int64_t mended_ms;       /* on the passing clock: when the last pass was on its way */
    size_t mended_bytes;     /* what was used when it began */
    uint64_t mended_told;    /* pieces, to the log */
    int64_t asked_ms;        /* when somebody began to wait for it; 0: nobody does */
};

void saving_init(struct saving *s, struct engine *e);
void saving_fini(struct saving *s);

/* True while a child runs, of any kind; of this kind. */
static inline bool saving_runs(const struct saving *s)
{
    return s->child.pid != 0;
}

static inline bool saving_runs_kind(const struct saving *s, enum saving_kind kind)
{
    return s->child.pid != 0 && s->kind == kind;
}

/* True while a child makes a snapshot, to a file or a stream. */
static inline bool saving_is_snapshot(const struct saving *s)
{
    return s->child.pid != 0 && s->kind != SAVING_REWRITE;
}

/* True when a child may begin and its fork will be short. Where it would not, memory is put
 * together first: who can wait asks again, for some seconds at most. */
bool saving_is_ready(struct saving *s);

/* How snapshots are to be written now; the head's fields are put into `fields`. */
struct snapshot_options saving_options(struct saving *s,
                                       struct snapshot_field fields[SAVING_FIELDS_MAX]);

/* The most general: forks, keeps `keep` open in the child and has it call `run`. ERR_CONFLICT while
 * another child runs. `ended` may be NULL. */
struct saving_order {
    enum saving_kind kind;
    child_fn *run; /* in the child */
    void *run_ctx;
    const int *keep;
    size_t keep_count;
    saving_ended_fn *ended; /* in the parent */
    void *ctx;
};
must_use struct err saving_begin(struct saving *s, const struct saving_order *o);

/* Writes a snapshot to the configured file in the background (BGSAVE). */
must_use struct err saving_begin_file(struct saving *s, saving_ended_fn *ended, void *ctx);

/* Writes one to a descriptor, which the child has for itself: the parent may close its own. */
must_use struct err saving_begin_stream(struct saving *s, int fd, saving_ended_fn *ended,
                                        void *ctx);

/* Ends the child, if there is one, as if it had failed by no fault of its own. */
void saving_stop(struct saving *s);

/* Writes the snapshot now, with everything else standing still (SAVE). False after the log was
 * told why not. `may_be_urged`: a second signal ends it. */
bool saving_save_now(struct saving *s, bool may_be_urged);

/* All keys are gone by command: a child that still writes them is ended, and where snapshots are
 * kept the empty one is written. True when it is. */
bool saving_note_flush(struct saving *s);

/* Several times a second: takes in what the child says where nobody watches, begins what is due. */
void saving_tick(struct saving *s);

#endif
