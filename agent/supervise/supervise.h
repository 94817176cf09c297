/*
 * Processes of nodes, each with a shim as its parent. The steps know only `struct supervisor`; the
 * real one is made here (supervise_open), tests bring their own.
 *
 * A node's process is there from `start` until `on_gone`: then neither shim nor engine is left, and
 * the node's folder may be used again. Its end comes in two parts: on_state with an exit, which the
 * shim keeps saying until `take_exit`, and then on_gone. A shim that was killed takes its engine
 * along: on_gone comes without an exit.
 */
#ifndef LARDER_AGENT_SUPERVISE_SUPERVISE_H
#define LARDER_AGENT_SUPERVISE_SUPERVISE_H

#include "agent/supervise/node.h"
#include "base/err.h"
#include "base/shim_protocol.h"

struct arena;
struct loop;

/* An engine to be run. */
struct launch {
    const char *const *argv; /* absolute program first, NULL-terminated */
    struct node_run run;     /* driver, place and boot count */
};

struct supervisor {
    /* Starts shim and engine in n->dir and sets n->shim. ERR_CONFLICT while something of the
     * process before is left, ERR_NOT_FOUND without a shim program, ERR_IO; sentences in `a`. */
    struct err (*start)(struct supervisor *s, struct arena *a, struct node *n,
                        const struct launch *launch);
    /* Finds the process that an earlier agent left in the node's folder: n->shim is set, and
     * on_state will come, or on_gone. ERR_NOT_FOUND when there is none, ERR_IO. */
    struct err (*adopt)(struct supervisor *s, struct node *n);
    /* SIGTERM, and SIGKILL after the grace. */
    void (*stop)(struct supervisor *s, struct node *n, int64_t grace_ms);
    /* The exit is taken down: the shim may go. */
    void (*take_exit)(struct supervisor *s, struct node *n);

    /* Set by whoever wants to hear. */
    void (*on_state)(void *context, struct node *n, const struct shim_state *state);
    void (*on_gone)(void *context, struct node *n); /* n->shim is NULL now */
    void *context;
};

/* Whose shim speaks: `tag` of the protocol to and from the process's description. */
void run_to_tag(struct arena *a, const struct node_run *run, const char **out);
bool run_from_tag(const char *tag, struct node_run *out);

/* The supervisor over shims. `shim_path` is larder-shim; both are borrowed. */
struct supervisor *supervise_open(struct loop *loop, const char *shim_path);

/* Closes all connections; shims and engines go on. */
void supervise_close(struct supervisor *s);

/* Lets go of the node's process without touching it; n->shim is NULL afterwards. */
void supervise_forget(struct node *n);

#endif
