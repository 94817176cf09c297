/* A serverless cache with what stands behind it; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_SERVERLESS_FACTS_H
#define LARDER_CONTROLPLANE_OPS_SERVERLESS_FACTS_H

#include "controlplane/model/serverless.h"
#include "controlplane/ops/group_facts.h"

struct serverless_facts {
    struct serverless_cache cache;
    struct group_facts *group;     /* of redis and valkey; NULL for memcached */
    struct cluster_facts *cluster; /* of memcached; else NULL */
};

/* By name in any case; FAULT_SERVERLESS_CACHE_NOT_FOUND. */
must_use struct err serverless_facts_find(struct call *c, const char *name,
                                          struct serverless_facts *out);

/* The same, for a change of it: FAULT_INVALID_SERVERLESS_CACHE_STATE unless it is available. */
must_use struct err serverless_facts_for_change(struct call *c, const char *name,
                                                struct serverless_facts *out);

/* The caller's caches with names after `after`, by name, at most `limit`; the same few queries,
 * however many they are. */
must_use struct err serverless_facts_list(struct call *c, const char *after, int limit,
                                          struct serverless_facts **out, size_t *out_count);

/* The word that users see. */
const char *serverless_status(const struct serverless_facts *f);

/* The node that a client is led to, and one to read from, which may be the same; NULL while there
 * is none. Both stay when another node becomes primary: what is told of a change may be held
 * against what is read after it. */
const struct node *serverless_entry(const struct serverless_facts *f);
const struct node *serverless_reader(const struct serverless_facts *f);

#endif
