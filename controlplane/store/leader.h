/*
 * Who leads. Several control planes may know one database, and one of them, the leader, works with
 * it: the one that raised the epoch last. A lock alone would not do: its holder may stand still,
 * lose it, and go on. So each transaction of a store that leads first reads whether it still does;
 * it holds the writers' lock by then, and nobody raises the epoch before it ends. Once another one
 * leads, all fail with ERR_UNAVAILABLE, reads as well: what is answered was true when it was asked.
 *
 * A store that was opened by store_open belongs to nobody and asks nothing: for tests and tools.
 */
#ifndef LARDER_CONTROLPLANE_STORE_LEADER_H
#define LARDER_CONTROLPLANE_STORE_LEADER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct store;

struct leader {
    int64_t epoch;
    int64_t instance;    /* 0: nobody has led yet */
    const char *process; /* that leads: see controlplane/lead/predecessor.h */
    bool has_lock;       /* it holds the lock of the folder */
    int64_t deposed_by;  /* the epoch of one that has another database and that hosts obey; 0 */
};

/* Instances are below this, so that JSON has them exactly. */
#define LEADER_INSTANCE_MOST (INT64_C(1) << 52)

/* Reads who leads, without opening a store. ERR_NOT_FOUND where there is no database, or one that
 * is older than leaders. */
must_use struct err leader_peek(struct arena *a, const char *path, struct leader *out);

/* How a store is opened by who is to lead. */
struct leader_claim {
    int64_t over;        /* instance that is succeeded, as it was peeked; 0: nobody has led */
    int64_t instance;    /* its own */
    const char *process; /* its own */
    bool has_lock;
    bool is_checked; /* somebody worked with the database until now: its health is not asked for */
    int wait_ms;     /* for a writer that holds it; 0: as for all others */
};

/*
 * Opens like store_open and leads: raises the epoch, on the disk, before anything else is changed.
 * Errors: also ERR_CONFLICT when another one leads by now than the one that is succeeded, and
 * ERR_UNAVAILABLE when a writer holds the database for too long.
 */
must_use struct err store_open_leading(struct arena *a, const char *path,
                                       const struct leader_claim *claim, struct store **out);

/* As long as it leads; 0 for a store that belongs to nobody. */
int64_t store_epoch(struct store *s);
int64_t store_instance(struct store *s);

/* Whom it has succeeded in this database; 0: nobody. */
int64_t store_instance_before(struct store *s);

/* Whether it still leads: ERR_UNAVAILABLE when it does not, or nobody can tell. */
must_use struct err store_leader_check(struct store *s, struct arena *a);

/* Writes down that it has the lock now. */
must_use struct err store_leader_locks(struct store *s, struct arena *a);

/* Raises its epoch above that one, of which its hosts know: as after a restore from a backup. */
must_use struct err store_leader_outgrow(struct store *s, struct arena *a, int64_t epoch);

/* Its hosts obey another one, of that epoch, which works with another database: it leads no longer.
 * That is written down, and known at the next start. */
void store_leader_yield(struct store *s, struct arena *a, int64_t epoch);

/* Calls `on_deposed` once, from any thread, when it leads no longer. To be called before others use
 * the store. */
void store_on_deposed(struct store *s, void (*on_deposed)(void *context), void *context);

#endif
