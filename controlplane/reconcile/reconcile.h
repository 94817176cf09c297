/*
 * The reconciler: one thread that brings what is wanted and what is seen together by setting goals.
 * Woken by a commit, a report or a deadline. view.c reads, rules.c decides (pure), apply.c writes.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_RECONCILE_H
#define LARDER_CONTROLPLANE_RECONCILE_RECONCILE_H

#include "base/err.h"
#include "controlplane/reconcile/failpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct authority;
struct clock;
struct dns;
struct store;
struct reconciler;
struct vote;

struct reconcile_conf {
    const struct clock *clock;
    struct dns *dns;                   /* records follow placed nodes; NULL for none */
    const struct authority *authority; /* who certifies nodes with encryption in transit */
    const char *dns_zone;              /* in which their names are */
    bool tells_names;                  /* clients are told names of nodes, not addresses */
    const char *endpoint_pool;         /* of addresses that endpoints of groups have; NULL: none */
    struct vote *vote;                 /* the control plane's own on leases; NULL: it has none */
    int64_t cpu_overcommit;            /* see place_limit_vcpus */
    int64_t replace_after_ms;          /* members of lost hosts are made anew elsewhere; 0: never */

    struct failpoint *failpoint; /* a fault on purpose (failpoint.h); NULL for none */

    /* Called from the reconciler's thread: after a commit that changed goals, with the keys of the
     * hosts (store_host_key) in ascending order, NULL for all; and when names have changed. */
    void (*on_goals)(void *context, const uint64_t *keys, size_t count);
    void (*on_names)(void *context);
    void *context;
};

/* All steps of operations at which a fault can be made. */
struct failpoint_names reconcile_failpoints(struct arena *a);

/* Makes one without a thread: passes are its caller's to run. */
struct reconciler *reconcile_new(struct store *store, const struct reconcile_conf *conf);

/* Looks at everything that changed, or at all when a deadline came or the last pass failed. Returns
 * the time of the boot clock at which it is to run again, if nothing changes before. */
int64_t reconcile_pass(struct reconciler *r);

/* Starts the thread. */
must_use struct err reconcile_start(struct store *store, const struct reconcile_conf *conf,
                                    struct reconciler **out);

/* Ends the thread, if there is one, after the pass under way. */
void reconcile_stop(struct reconciler *r);

#endif
