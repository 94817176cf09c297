/*
 * Nodes of a memcached cluster that go over to another type in batches, with time between, and
 * members of groups that do so on other hosts: what a request may ask for, and the texts by which
 * operations know how far they are. Pure.
 * see: ElastiCache guide, "On-demand scaling for Memcached clusters"
 */
#ifndef LARDER_CONTROLPLANE_MODEL_SCALING_H
#define LARDER_CONTROLPLANE_MODEL_SCALING_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define SCALE_PERCENT_DEFAULT 20
#define SCALE_MINUTES_DEFAULT 5

/* The first version of memcached whose clusters can go over to another type. */
#define SCALE_MEMCACHED_SINCE "1.5"

struct scaling {
    int64_t percent;         /* of the nodes, in each batch */
    int64_t minutes;         /* from one batch to the next */
    const char *type_before; /* that nodes have whose turn it is not yet */
    int64_t next_ms;         /* when the next batch may begin; 0: at once */
    const char *restarting;  /* numbers of the nodes that begin anew, comma separated */
};

/* FAULT_INVALID_PARAMETER_VALUE for what is out of bounds. */
must_use struct err scaling_check(struct arena *a, int64_t percent, int64_t minutes);

/* The data of an OPERATION_MODIFY of a cluster that had so many nodes before; in `a`. */
char *scaling_text(struct arena *a, int64_t nodes_before, const struct scaling *s);

/* False for data of another kind. */
bool scaling_parse(struct arena *a, const char *data, int64_t *out_nodes_before,
                   struct scaling *out);

/* A member of a group, and the one that takes its place and its name. */
struct stand_in {
    int64_t old_id, new_id;
};

/* Members of a group that go over to another type on other hosts. */
struct moving {
    int64_t shard_id, from_id, to_id; /* the switch of roles under way; 0: none is */
    const char *type_before;
    bool is_begun; /* some have moved: there is no way back */
    struct stand_in *pairs;
    size_t count;
};

/* The data of a GROUP_SCALE; in `a`. */
char *moving_text(struct arena *a, const struct moving *m);

/* False for data of another kind. */
bool moving_parse(struct arena *a, const char *data, struct moving *out);

/* How many of so many nodes make a batch: at least one. */
size_t scaling_batch(int64_t percent, size_t nodes);

#endif
