/*
 * What happens without a request: changes that wait are made in the maintenance windows of their
 * clusters and groups, service updates that have waited for too long applied there, too, and
 * automatic snapshots taken in their snapshot windows, one a day. One thread that makes the calls
 * which a user would make, by way of the same handlers; it is woken by commits and by the minute.
 *
 * What cannot be made is told by an event and tried again some minutes later, while the window is
 * open, and in the next one. A cluster that is busy is waited for.
 */
#ifndef LARDER_CONTROLPLANE_UPKEEP_UPKEEP_H
#define LARDER_CONTROLPLANE_UPKEEP_UPKEEP_H

#include "base/err.h"

#include <stdint.h>

struct clock;
struct ops;
struct store;
struct upkeep;

struct upkeep_conf {
    struct ops *ops;
    const struct clock *clock;
};

/* Starts the thread. `store` and what `conf` points at are borrowed. */
must_use struct err upkeep_start(struct store *store, const struct upkeep_conf *conf,
                                 struct upkeep **out);

/* Ends it, after what is under way. NULL-safe. */
void upkeep_stop(struct upkeep *u);

/* For tests: the same without a thread, and one look at what is due; `*out_waits` tells whether
 * anything waits for a window or comes again with it. */
struct upkeep *upkeep_new(struct store *store, const struct upkeep_conf *conf);
must_use struct err upkeep_look(struct upkeep *u, bool *out_waits);
void upkeep_free(struct upkeep *u);

#endif
