/*
 * What can be had: node types, engine versions, parameter group families and their default groups.
 * Constant tables, read from node_types.def and engine_versions.def at compile time.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_CATALOG_H
#define LARDER_CONTROLPLANE_MODEL_CATALOG_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct node_type {
    const char *name; /* "cache.t4g.micro" */
    const char *family;
    bool is_offered; /* for new caches */
    int vcpus;
    int64_t memory_mib;      /* what a host must offer */
    int64_t maxmemory_bytes; /* redis and valkey, before the reserve is taken off */
    int64_t memcached_mib;   /* max_cache_memory; 0 where memcached is not offered */
    int threads, maxclients;
    const char *since_memcached, *since_redis, *since_valkey; /* first version, or NULL: never */
};

struct engine_version {
    const char *engine;
    const char *version;  /* as asked for and listed: "7.1" */
    const char *reported; /* by clusters, in full: "7.1.0" */
    const char *family;   /* of parameter groups: "redis7" */
    const char *engine_doc, *version_doc;
    bool is_offered; /* for new caches */
};

/* By exact name, or NULL. */
const struct node_type *node_type_find(const char *name);

/* All of them, those of previous generations too, in the order of the table. */
const struct node_type *node_type_all(size_t *out_count);

/* Whether the type is there for some version of the engine; and for this one. */
bool node_type_runs(const struct node_type *t, const char *engine);
bool node_type_runs_version(const struct node_type *t, const struct engine_version *v);

/* Memory that a host must have left for one node. */
int64_t node_type_host_bytes(const struct node_type *t);

/* Finds a node type for a new cache of that engine version, or says with
 * FAULT_INVALID_PARAMETER_VALUE or FAULT_INVALID_PARAMETER_COMBINATION why there is none. */
must_use struct err node_type_choose(struct arena *a, const char *name,
                                     const struct engine_version *v, const struct node_type **out);

bool engine_is_known(const char *engine);

/* "redis", "valkey": engines with snapshots, replicas and one node per cluster. */
bool engine_is_redis_like(const char *engine);
int engine_default_port(const char *engine);

/* All versions, by engine, then version as text. */
const struct engine_version *engine_versions(size_t *out_count);

/* What a cluster runs, from the version that it reports, or NULL. Hosts' own engines have patches
 * that are not offered: these stand for the nearest one of their minor. */
const struct engine_version *engine_version_reported(const char *engine, const char *reported);

/* The version of an engine when none is asked for. The engine must be known. */
const struct engine_version *engine_version_default(const char *engine);

/*
 * What a request for an engine and version ("" for the default) means: "7.1", "6.x", "5.0.6",
 * "1.6.22". Faults with the hosted service's sentences when it means nothing that can be had.
 */
must_use struct err engine_version_choose(struct arena *a, const char *engine, const char *version,
                                          const struct engine_version **out);

/* Whether caches that run one version may go over to another one, or the same. From redis to any
 * valkey, and from valkey 7.2 back to redis 7.1; else forward. FAULT_INVALID_PARAMETER_COMBINATION.
 */
must_use struct err engine_version_check_upgrade(struct arena *a, const struct engine_version *from,
                                                 const struct engine_version *to);

/* Compares dotted numbers; a missing part counts as 0. */
int version_compare(const char *x, const char *y);

/* "default.redis7"; in `a`. */
char *parameter_group_default(struct arena *a, const char *family);

/* The family of a default parameter group ("default.redis7", "default.redis7.cluster.on"), or NULL
 * when there is no such group; `*out_is_cluster` tells whether it turns cluster mode on. */
const char *parameter_group_family(const char *name, bool *out_is_cluster);

#endif
