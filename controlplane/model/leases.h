/* Leases of shards as plain data, and how promises are counted. Pure. */
#ifndef LARDER_CONTROLPLANE_MODEL_LEASES_H
#define LARDER_CONTROLPLANE_MODEL_LEASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* The lease under which a shard's primary takes writes, and what becomes of it when its host is
 * lost: see reconcile/voters.c and
 * reconcile/losses.c. */
struct shard_lease {
    const char *voters; /* ids of hosts, with spaces between, CONTROL_PLANE_VOTER among them; "" or
                         * NULL: there is no lease */
    int64_t number;     /* of that set of voters; each other one has a higher */
    bool is_held;       /* no primary of the shard takes writes without one */
    int64_t settled_ms; /* since when the primary goes by this set; 0: it has not said so yet */
    int64_t asked_term; /* that voters are to promise, for the primary is not heard of; 0: none */
    bool is_told;       /* users know that the primary is not heard of and goes on, or has ended and
                         * has no successor */
    int64_t vacated_ms; /* since when nobody is the primary any more, by the goal's term, and all
                         * members say how far they came; 0: its primary is one */
    int64_t lost_id;    /* the primary that was lost last: what it had alone is still to be told of;
                         * 0: nobody */
    int64_t lost_term;  /* by which it was the primary */
    int64_t lost_offset; /* how far the one had come that took its place */
    int ms;              /* how long a lease lasts without another grant; 0: SHARD_LEASE_MS */
    int most_ms;     /* the longest that a voter grants; above `ms` while grants of before last */
    int64_t calm_ms; /* since when a shorter one would do; 0: none would */
    bool is_cut_off; /* it is heard of, and its voters are not by it: while nobody is the primary,
                      * it is not to be */
};

#define CONTROL_PLANE_VOTER "control-plane"

/* How long a lease lasts without another grant, where nothing is late. */
#define SHARD_LEASE_MS 1200

/* The two lengths as numbers that are there. */
int shard_lease_ms(const struct shard_lease *l);
int shard_lease_most_ms(const struct shard_lease *l);

/* Sets of voters, as in `voters`. */
bool voters_have(const char *voters, const char *host_id);
size_t voters_count(const char *voters);

/* The set with one more, or without that one; in `a`. */
const char *voters_with(struct arena *a, const char *voters, const char *host_id);
const char *voters_without(struct arena *a, const char *voters, const char *host_id);

/* A term that a host has promised: it grants no lease of a lower one. */
struct promise {
    const char *host_id; /* or CONTROL_PLANE_VOTER */
    int64_t shard_id, term;
};

struct promise_list {
    struct promise *items;
    size_t count;
};

/* One more, in `a`. */
void promises_add(struct arena *a, struct promise_list *list, const char *host_id, int64_t shard_id,
                  int64_t term);

/* Whether a majority of the voters has promised that very term: a higher one may be what a host
 * obeyed. */
bool promises_suffice(const struct promise_list *promises, const struct shard_lease *lease,
                      int64_t shard_id, int64_t term);

#endif
