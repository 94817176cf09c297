/*
 * Authority: by which term a node has its role, and until when it may take writes.
 *
 * The owner (the agent, over the admin socket) gives orders, each with the shard's term. Terms only
 * grow: who has seen a higher one refuses. The highest is kept in memory alone, for it is the
 * agent's duty to have it on its disk before it gives the order, and to give it again to an engine
 * that was started anew: such an engine has seen no term.
 *
 * A node that never had a lease is free, as any plain engine. From the first lease on, a write is
 * taken and acknowledged only while one runs. Two looks make that exact, whatever stopped the
 * process in between: at the beginning of each round the guard is raised when the lease is over
 * (authority_look), and before a reply that acknowledges a write is given to the kernel the clock
 * is read again (authority_may_acknowledge). What happened in between is not acknowledged: the
 * connection is closed, as if the node had died before it answered.
 */
#ifndef LARDER_DISPATCH_AUTHORITY_H
#define LARDER_DISPATCH_AUTHORITY_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct engine;

struct authority {
    int64_t term;       /* the highest that was seen; 0: none */
    int64_t role_term;  /* by which the present role was given; 0: nobody gave it */
    int64_t fence_term; /* 0: the node is not fenced */
    bool is_leased;     /* there was a lease: without one that runs, no write */
    int64_t until_ms;   /* boot time when the lease ends */
    /* Boot time up to which all that had come over the admin socket was read; 0: nobody tells. */
    int64_t heard_ms;
};

/* When a lease ends that was asked for. */
struct lease {
    int64_t length_ms;
    int64_t sent_ms; /* boot time when its giver counted from; 0: it did not say */
};

#define LEASE_MAX_MS 3600000

/* OK when an order of this term is to be obeyed; else ERR_CONFLICT with a sentence that names both
 * terms. */
must_use struct err authority_accepts(const struct authority *au, struct arena *a, int64_t term);

/* A role was given by this term. That of a primary lifts the fence of a lower one. The lease of a
 * lower term ends. */
void authority_take_role(struct engine *e, int64_t term, bool is_primary);

/*
 * A lease by this term. It is counted from when its giver sent it; where that was not said, from
 * when the admin socket was last seen empty: a process that was stopped finds old leases in its
 * socket, and must not take them for new. A shorter lease than the running one replaces it.
 */
void authority_take_lease(struct engine *e, int64_t term, const struct lease *lease);

/* From now on no write without a lease. One that runs by this term goes on, also one that a replica
 * was given before its role. */
void authority_need_lease(struct engine *e);

/* No lease is needed any more: the node is free again. */
void authority_drop_lease(struct engine *e, int64_t term);

/* No writes until a higher term gives the role of a primary. */
void authority_fence(struct engine *e, int64_t term);

/* Ends all connections of clients: who was here is to look for the primary anew, and what was not
 * said to them yet is never said. Replicas stay and get what there is. */
void authority_close_clients(struct engine *e);

/* Milliseconds left of the lease, 0 when it is over; -1 when none is needed. */
int64_t authority_left_ms(const struct engine *e);

/* Raises and lowers the guards by the clock of the round. */
void authority_look_slow(struct engine *e);

/* True when a reply that acknowledges a write may leave now, by the clock itself. */
bool authority_may_acknowledge(const struct engine *e);

#endif
