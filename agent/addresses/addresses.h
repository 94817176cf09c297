/*
 * Endpoints' addresses on an interface of this host. An address is there while an engine listens on
 * it that may: it comes before the engine is told to listen, is announced to the neighbours once it
 * does, and goes as soon as it does not, ended, or lost the lease of its role. Should the agent not
 * come so far (it was killed, or stands still), the kernel takes away what a lease is needed for.
 */
#ifndef LARDER_AGENT_ADDRESSES_ADDRESSES_H
#define LARDER_AGENT_ADDRESSES_ADDRESSES_H

#include "base/err.h"

#include <stdbool.h>

struct addresses;
struct arena;
struct interface;
struct loop;
struct node;
struct nodes;

/* All borrowed for the life of the part. */
struct addresses_conf {
    struct loop *loop;
    struct nodes *nodes;
    const struct interface *interface;
    const char *state_dir; /* which addresses are this agent's is kept there */
    /* Whether the node has the lease without which its goal's primary takes no writes. */
    bool (*may_lead)(void *context, struct node *n);
    void *context;
};

/* Nothing is on the interface that was not there before: addresses_resume tells what stays. */
struct addresses *addresses_open(const struct addresses_conf *conf);

/* What is there stays: engines may go on. Accepts NULL. */
void addresses_close(struct addresses *d);

/* To be called when the nodes of before are known: takes away what an earlier agent left and no
 * engine of before may still listen on. ERR_IO when it cannot be read. */
must_use struct err addresses_resume(struct addresses *d, struct arena *a);

/* The node's engine is about to listen on these, with spaces between, instead of those of before:
 * all are there when this returns. ERR_CONFLICT for one that somebody else gave to the interface,
 * ERR_UNAVAILABLE without the lease, ERR_INVALID, ERR_DENIED, ERR_IO; sentences in `a`. */
must_use struct err addresses_bind(struct addresses *d, struct arena *a, struct node *n,
                                   const char *endpoints);

/* It listens on these, and on none of those of before. */
void addresses_bound(struct addresses *d, struct node *n, const char *endpoints);

/* The node changed, or leases did: looks who may still have what. */
void addresses_look(struct addresses *d);

#endif
