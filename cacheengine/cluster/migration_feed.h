/* What a migration sends: keys, and effects on keys; and what of it is kept. For migration.c. */
#ifndef LARDER_CLUSTER_MIGRATION_FEED_H
#define LARDER_CLUSTER_MIGRATION_FEED_H

#include "cacheengine/cluster/migration.h"

/* Makes ready for sending, the sink of effects too; frees what is kept. */
void migration_feed_open(struct migration *m);
void migration_feed_drop(struct migration *m);

/* One step of the walk: the keys of a place are appended. */
void migration_feed_step(struct migration *m);

/* The target has run so many commands in all: they are not kept any more. */
void migration_feed_acked(struct migration *m, uint64_t count);

#endif
