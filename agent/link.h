/*
 * The agent's line to the control plane, always called from here: a long poll that brings goals
 * (Sync), and beside it reports of what changed, posted at once. Where there are several addresses,
 * one that does not answer, or does not lead, is left for the next.
 *
 * Both run inside the agent's event loop rather than in threads: everything they read and change is
 * the nodes' records, which then need no lock, and a host with hundreds of nodes stays one small
 * process.
 */
#ifndef LARDER_AGENT_LINK_H
#define LARDER_AGENT_LINK_H

#include "base/err.h"
#include "contract/agent.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct link;
struct loop;
struct node;
struct nodes;
struct plane;
struct rng;
struct steps;

/* All borrowed for the life of the link. */
struct link_conf {
    struct loop *loop;
    struct nodes *nodes;
    struct steps *steps;
    struct rng *rng;
    struct plane *plane;           /* who is obeyed, and where */
    const char *token;             /* NULL for none */
    const struct agent_host *host; /* what is told about the host */
    int wait_ms;                   /* how long the control plane may hold a poll */
    /* The control plane refuses this host for good; `why` says so in a sentence. */
    void (*on_refused)(void *context, const char *why);
    /* Goals came, and with them the terms that are to be promised; `key` is NULL when none is told.
     */
    void (*on_leases)(void *context, const struct agent_promise_list *promises, const char *key);
    /* What is promised of them, in `a`. */
    struct agent_promise_list (*promised)(void *context, struct arena *a);
    /* How late renewals of leases are at this host; -1, as without the function: none are. */
    int64_t (*lease_late_ms)(void *context);
    /* Another one is asked from now on. */
    void (*on_turn)(void *context);
    /* It answered for the first time. */
    void (*on_first_answer)(void *context);
    void *context;
};

/* ERR_IO when the system has no descriptors left. */
must_use struct err link_open(const struct link_conf *conf, struct link **out);
void link_close(struct link *k);

/* Begins to poll. */
void link_start(struct link *k);

/* The node changed: it is reported with the next turn of the loop. */
void link_tell(struct link *k, struct node *n);

/* A node has a sample (n->sample): it goes with the next report, which is not long in coming. */
void link_tell_sample(struct link *k);

/* A term is promised: that is reported at once. */
void link_tell_promise(struct link *k);

/* True when the control plane was told of every change. */
bool link_is_quiet(const struct link *k);

#endif
