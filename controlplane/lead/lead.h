/*
 * Who of several control planes on one state folder leads, and how another one follows it.
 *
 * The leader holds the lock of the folder, which the kernel takes from it when it ends, and moves a
 * counter in the locked file, by which one that stands still is told from one that works. Who
 * stands by takes the lead at once when the lock is free, and when the counter has not moved for
 * LEAD_SILENT_MS. Neither is what makes that safe: the epoch in the store is (store/leader.h), and
 * who gets up again finds that it is not the leader any more in its next transaction.
 *
 * The own vote on leases (vote.h) asks no store. So it is told each time that the store was asked,
 * and says nothing when that is LEAD_TRUST_MS ago; who follows one that may still live promises
 * nothing for so much longer.
 */
#ifndef LARDER_CONTROLPLANE_LEAD_LEAD_H
#define LARDER_CONTROLPLANE_LEAD_LEAD_H

#include "base/err.h"

#include <stdbool.h>

struct arena;
struct clock;
struct lead;
struct leader_claim;
struct store;
struct vote;

#define LEAD_BEAT_MS   200
#define LEAD_SILENT_MS 2000
#define LEAD_TRUST_MS  1000
#define LEAD_LOOK_MS   50 /* so often who stands by looks */

struct lead_conf {
    const struct clock *clock;
    const char *state_dir;
    const char *database;
    bool stands_by; /* where another one leads, it waits for its turn */
    bool insists;   /* leads a state whose hosts have obeyed another one since */
};

/* Opens the lock's file. Errors: ERR_IO. */
must_use struct err lead_open(struct arena *a, const struct lead_conf *conf, struct lead **out);

/* Lets go of the lock, and stops moving the counter. Accepts NULL. */
void lead_close(struct lead *l);

/*
 * Whether it is its turn; to be asked every LEAD_LOOK_MS until it is. Then `*out` is what the store
 * is to be opened with (in `a`), and the counter is moved from now on. ERR_CONFLICT: another one
 * leads, and this one does not stand by; ERR_DENIED: hosts obey another one.
 */
must_use struct err lead_look(struct lead *l, struct arena *a, bool *out_is_turn,
                              struct leader_claim *out);

/* The store could not be opened by that claim, as another one came first, or stands still with the
 * database in its hand: that one is ended where it can be, and the wait goes on. False: the error
 * is another one. */
bool lead_lost_turn(struct lead *l, struct arena *a, struct err e);

/* The store that was opened: asked with each beat. */
void lead_follow_store(struct lead *l, struct store *store);

/* The vote that is told of it; NULL: none any more. */
void lead_follow_vote(struct lead *l, struct vote *vote);

/* Tells those who stand by where it answers. */
void lead_tell_url(struct lead *l, const char *url);

/* Where the leader answers, in `a`; NULL while nobody said so. From any thread. */
const char *lead_leader_url(const struct lead *l, struct arena *a);

/* One that led before may still live. */
bool lead_is_over_living(const struct lead *l);

#endif
