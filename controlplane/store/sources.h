/* Whom primaries of shards follow outside of their groups: a goal like the roles (writer:
 * reconcile). Inside a transaction of the caller's, results in its arena. */
#ifndef LARDER_CONTROLPLANE_STORE_SOURCES_H
#define LARDER_CONTROLPLANE_STORE_SOURCES_H

#include "base/err.h"
#include "controlplane/model/group.h"

struct store_tx;

struct source_row {
    int64_t shard_id;
    struct shard_source source;
};

/* A source without a port takes the shard's away. Hosts hear of it with the shard's goal, which is
 * to be written with a higher term. */
must_use struct err store_source_set(struct store_tx *tx, int64_t shard_id,
                                     const struct shard_source *source);

/* Those that shards of many groups have. */
must_use struct err store_source_list(struct store_tx *tx, const int64_t *group_ids, size_t count,
                                      struct source_row **out, size_t *out_count);

/* Those of shards that have a member on that host. */
must_use struct err store_source_list_of_host(struct store_tx *tx, const char *host_id,
                                              struct source_row **out, size_t *out_count);

/* The shard's among such rows; one without a port for none. */
struct shard_source source_of_shard(const struct source_row *rows, size_t count, int64_t shard_id);

#endif
