/* Points of nodes for tests of what shows them; inside the world of world.h. */
#ifndef LARDER_TESTS_UNIT_OPS_NUMBERS_H
#define LARDER_TESTS_UNIT_OPS_NUMBERS_H

#include "contract/monitoring.h"

#include <stdint.h>

#define MINUTE ((int64_t)60000)

/* The last whole hour, so that periods of any length begin with it. */
#define THEN_MS (WORLD_NOW_MS / (60 * MINUTE) * (60 * MINUTE) - 60 * MINUTE)

/* A point of a node of a cluster, `minute` minutes after THEN_MS. */
void put_number(const char *cluster, const char *number, int minute, const char *metric,
                double value);

/* The newest point of a cluster's first node says that it uses so much memory. */
void put_use(const char *cluster, int64_t bytes);

/* {"CacheClusterId": name}, in the arena of the world. */
struct cw_dimensions of_cluster(const char *name);
struct cw_dimensions of_two(const char *name1, const char *value1, const char *name2,
                            const char *value2);

#endif
