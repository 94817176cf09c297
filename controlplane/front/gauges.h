/* What a scrape of /metrics finds beside the requests: the world that the store knows, and this
 * process. */
#ifndef LARDER_CONTROLPLANE_FRONT_GAUGES_H
#define LARDER_CONTROLPLANE_FRONT_GAUGES_H

#include "base/err.h"

struct arena;
struct buf;
struct store;

/* Hosts, clusters and nodes by state, in Prometheus text. Errors: those of the store; then nothing
 * was added. */
must_use struct err gauges_of_store(struct store *store, struct arena *a, struct buf *out);

/* Memory, processor time, descriptors and the build. */
void gauges_of_process(struct buf *out);

/* Whether this control plane leads, and its epoch. NULL: it stands by. */
void gauges_of_leader(struct store *store, struct buf *out);

#endif
