/*
 * The hosts of regions, for looks that follow one another: read anew only when one of them has
 * changed; and for one transaction the board on which nodes are placed, filled when the first look
 * needs it, and shared so that each placement sees those before it. Private to reconcile/.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_REGIONS_H
#define LARDER_CONTROLPLANE_RECONCILE_REGIONS_H

#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/cluster.h"
#include "controlplane/model/place.h"

struct store;
struct store_tx;

struct region_view {
    const char *region;
    struct host_list hosts; /* by id; what is used of them stands on the board alone */
    struct place *board;    /* NULL: nothing that is looked at needs a place */
    struct region_view *next;
};

struct regions {
    struct store *store;
    struct arena arena; /* of what follows */
    uint64_t hosts_version;
    struct region_view *list;
    struct store_tx *tx;    /* that a board asks for addresses */
    int64_t cpu_overcommit; /* see place_limit_vcpus */
    struct err error;       /* the first that this met */
};

void regions_init(struct regions *r, struct store *store, int64_t cpu_overcommit);
void regions_fini(struct regions *r);

/* A writing transaction begins. */
void regions_begin(struct regions *r);

/* The region as it is in the transaction. */
must_use struct err regions_view(struct regions *r, struct store_tx *tx, const char *region,
                                 const struct region_view **out);

/* The region has a board from now on, until the transaction ends. */
must_use struct err regions_need_board(struct regions *r, struct store_tx *tx, const char *region);

/* What went wrong while nodes were placed: nothing of it is to be committed. */
must_use struct err regions_error(const struct regions *r);

/* The host of that id, or NULL. */
const struct host *region_host(const struct region_view *r, const char *host_id);

#endif
