/* Requests counted by operation and status, and timed by operation; no locks. */
#ifndef LARDER_CONTROLPLANE_FRONT_METRICS_H
#define LARDER_CONTROLPLANE_FRONT_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct metrics;
struct service_desc;

/* One row per operation of the services, ended by NULL, and a few for the front's own paths. */
struct metrics *metrics_new(const struct service_desc *const *services);
void metrics_free(struct metrics *m);

/* `operation` NULL or not known counts as "unknown". From any thread. */
void metrics_record(struct metrics *m, const char *operation, int status, int64_t took_us);

/* Adds the counters and histograms of every operation that was called, in Prometheus text. */
void metrics_render(const struct metrics *m, struct buf *out);

#endif
