/*
 * Changes that wait for the maintenance window of a cluster or replication group: as plain data,
 * and as the text by which they are stored with it. Pure.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_PARKED_H
#define LARDER_CONTROLPLANE_MODEL_PARKED_H

#include <stdbool.h>
#include <stdint.h>

struct arena;

/* "" and 0 stand for what does not change. */
struct parked {
    const char *engine, *engine_version; /* both or neither; the version as reported */
    const char *parameter_group;         /* that comes with another version */
    const char *node_type;
    int64_t node_count;                   /* of a memcached cluster */
    const char *removals;                 /* numbers of nodes that go, comma separated */
    const char *zones;                    /* of nodes that come, comma separated */
    int64_t scale_percent, scale_minutes; /* how a memcached cluster goes over to the type */
};

extern const struct parked parked_nothing;

bool parked_is_empty(const struct parked *p);

/* "" for nothing; the text lives in `a`. */
const char *parked_text(struct arena *a, const struct parked *p);

/* Reads that text; words that it does not know are left out. */
void parked_parse(struct arena *a, const char *text, struct parked *out);

#endif
