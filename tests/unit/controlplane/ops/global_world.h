/* A world with large hosts in two regions, for global datastores. */
#ifndef LARDER_TESTS_UNIT_OPS_GLOBAL_WORLD_H
#define LARDER_TESTS_UNIT_OPS_GLOBAL_WORLD_H

#include "world.h"

#define HERE  "us-east-1"
#define THERE "eu-west-1"

void global_world_open(void);

/* From now on, calls are made in that region. */
void global_world_go(const char *region);

/* A group of large nodes in the caller's region, available. */
void global_world_group(const char *name, int members);

/* All groups of both regions are available, and members have the roles that they were to have. */
void global_world_settle(void);

/* The datastore "ldgnf-store" of the group "here", and with a secondary "there". */
void global_world_store(void);
struct err global_world_join(const char *group, const char *datastore);
void global_world_pair(void);

struct ec_global_replication_group global_world_describe(const char *name);

#endif
