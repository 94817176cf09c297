/*
 * Makes running engines take on what their goals say: parameters, users, certificates, topology and
 * role, ordered over a control connection of its own, which also tells what role an engine really
 * has. An engine is told everything when it begins, when the agent does, and when the goal's
 * settings change; what it refuses is tried again.
 */
#ifndef LARDER_AGENT_GOVERN_H
#define LARDER_AGENT_GOVERN_H

#include "base/err.h"

#include <stdint.h>

struct arena;
struct driver_host;
struct driver_stats;
struct govern;
struct loop;
struct node;

/* All borrowed for the life of the part. */
struct govern_conf {
    struct loop *loop;
    const struct driver_host *host;
    /* A role by this term is about to be given: it is on the disk when this returns. An error with
     * a sentence in `a` forbids it. */
    struct err (*on_term)(void *context, struct arena *a, struct node *n, int64_t term);
    /* Whether the node has the lease without which its goal's primary takes no writes. */
    bool (*may_lead)(void *context, struct node *n);
    /* All settings of that version are in force; `term` is that of the role, 0 for none. */
    void (*on_obeyed)(void *context, struct node *n, const char *version, int64_t term);
    /* Some are not: why, in a sentence. `is_vital`: without them it must not start. */
    void (*on_refused)(void *context, struct node *n, const char *why, bool is_vital);
    /* The engine is about to listen on these addresses, with spaces between, which are endpoints':
     * they are the host's when this returns. An error with a sentence in `a` forbids it. NULL: they
     * always are. */
    struct err (*on_bind)(void *context, struct arena *a, struct node *n, const char *endpoints);
    /* It listens on them, and on none of those of before. May be NULL. */
    void (*on_bound)(void *context, struct node *n, const char *endpoints);
    /* What the engine says of its role. */
    void (*on_role)(void *context, struct node *n, const struct driver_stats *stats);
    void *context;
};

struct govern *govern_open(const struct govern_conf *conf);

/* All nodes have been let go of by govern_node or govern_forget. */
void govern_close(struct govern *v);

/* To be called when a node changed: begins or ends governing it, and looks whether its settings are
 * those of its goal. Orders are given from the loop, never from here. */
void govern_node(struct govern *v, struct node *n);

/* It may lead, perhaps: who waited for that has its orders now. */
void govern_wake(struct node *n);

/* Ends governing it; the engine stays as it is. */
void govern_forget(struct node *n);

#endif
