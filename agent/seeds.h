/*
 * What nodes begin with: parts of snapshots, fetched from the control plane piece by piece into
 * files of the node's folder. A file has its name once all of it is there with the right
 * fingerprint; what an earlier agent fetched is used.
 */
#ifndef LARDER_AGENT_SEEDS_H
#define LARDER_AGENT_SEEDS_H

#include "base/err.h"

#include <stdbool.h>

struct loop;
struct node;
struct seeds;

/* All borrowed for the life of the part. */
struct seeds_conf {
    struct loop *loop;
    const char *const *url; /* of the control plane at the moment, without a slash at its end */
    const char *token;      /* NULL for none */
    /* All is there (`why` is NULL), or it is tried again a little later, because. */
    void (*on_end)(void *context, struct node *n, const char *why);
    void *context;
};

/* ERR_IO when the system has no descriptors left. */
must_use struct err seeds_open(const struct seeds_conf *conf, struct seeds **out);

/* All nodes have been let go of by seeds_look or seeds_forget. */
void seeds_close(struct seeds *all);

/* Whether all that the node's goal names is in its folder; if not it is being fetched from now on.
 */
bool seeds_are_there(struct seeds *all, struct node *n);

/* To be called when a node changed: what its goal names no more is not fetched any more. */
void seeds_look(struct seeds *all, struct node *n);

/* Ends fetching for it. */
void seeds_forget(struct node *n);

#endif
