/*
 * The reconciler: one thread that brings what is wanted and what is seen together by setting goals.
 * Woken by a commit, a report or a deadline. view.c reads, rules.c decides (pure), apply.c writes.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_RECONCILE_H
#define LARDER_CONTROLPLANE_RECONCILE_RECONCILE_H

#include "base/err.h"

#include <stdbool.h>

struct authority;
struct clock;
struct dns;
struct store;
struct reconciler;

struct reconcile_conf {
    const struct clock *clock;
    struct dns *dns;                   /* records follow placed nodes; NULL for none */
    const struct authority *authority; /* who certifies nodes with encryption in transit */
    const char *dns_zone;              /* in which their names are */
    bool tells_names;                  /* clients are told names of nodes, not addresses */

    /* Called after a commit that changed goals of any host (from the reconciler's thread). */
    void (*on_goals)(void *context);
    void *context;
};

/* Starts the thread. */
must_use struct err reconcile_start(struct store *store, const struct reconcile_conf *conf,
                                    struct reconciler **out);

/* Ends the thread after the pass under way. */
void reconcile_stop(struct reconciler *r);

#endif
