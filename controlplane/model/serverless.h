/* Serverless caches as plain data, and what their limits mean for the nodes behind them. Text is
 * never NULL; "" means not given. */
#ifndef LARDER_CONTROLPLANE_MODEL_SERVERLESS_H
#define LARDER_CONTROLPLANE_MODEL_SERVERLESS_H

#include "controlplane/model/cluster.h"

struct arena;

#define SERVERLESS_NAME_MAX 40

/* What a cache may use; 0 where nothing is said. */
struct serverless_limits {
    int64_t storage_least_gb, storage_most_gb;
    int64_t work_least, work_most; /* ECPUs per second */
};

/* A serverless cache as wanted. */
struct serverless_cache {
    int64_t id;
    const char *account, *region, *name, *description;
    const char *engine;         /* redis, valkey, memcached */
    const char *engine_version; /* in full, as reported */
    struct serverless_limits limits;
    const char *security_groups, *subnets; /* ids, comma separated */
    int snapshot_retention;                /* days */
    const char *snapshot_time; /* "05:30"; "" for one of memcached from before it had snapshots */
    const char *kms_key;       /* of its snapshots, as the user named it */
    int64_t created_ms;
};

/* The name of the group or cluster behind a cache: nobody can ask for one of this form. In `a`. */
char *serverless_behind_name(struct arena *a, const char *name);

struct engine_version;

/* "7", "1.6": what of a version can be asked for; in `a`. */
char *serverless_major(struct arena *a, const char *engine, const char *version);

/* The newest version of that major one (NULL: of all) that a cache can have, or NULL. */
const struct engine_version *serverless_version(const char *engine, const char *major);

/* How many shards a cache begins with, so that they can do the work that is to be there at least.
 */
int64_t serverless_shards(const struct serverless_limits *limits);

/* The same of one that begins with so many parts of data: a shard for each of them at least. */
size_t serverless_shards_of_parts(size_t shards, size_t parts);

/* What the shards of a cache do now: all together, and the one with the most. */
struct serverless_use {
    int64_t data_bytes, most_data_bytes;
    int64_t work, most_work; /* ECPUs per second */
};

/* How many shards a cache should have that has `shards`: never fewer, as many more as its limits
 * or what it does ask for. */
int64_t serverless_shards_needed(const struct serverless_limits *limits,
                                 const struct serverless_use *use, int64_t shards);

/* What each node of one of `shards` shards may take. */
struct allotment serverless_allotment(const struct serverless_limits *limits, int64_t shards);

/* What a node takes of its host for so much data, and how much data it has room for then. */
int64_t allotment_host_bytes(int64_t data_bytes);
int64_t allotment_data_bytes(int64_t host_bytes);

/* What a node of the cluster takes of its host at first: as its type says, or as little as it is
 * allotted. */
int64_t cluster_host_bytes(const struct cluster *c);

/* Processors that each of its nodes takes of its host; 0 where the owner allots what there is. */
int64_t cluster_vcpus(const struct cluster *c);

/* The port by which clients come to read alone, beside the first one; 0 where there is none. */
int cluster_reader_port(const struct cluster *c);

/*
 * How much data a node should have room for that holds `used_bytes` and has room for `now_bytes`:
 * as much as now, or twice as much before it gets tight, or half of it when nearly all is empty;
 * within what is allotted.
 */
int64_t allotment_room(const struct allotment *a, int64_t now_bytes, int64_t used_bytes);

/* Whether the host has given a node the room that it needs for what it holds (-1: nobody knows how
 * much): from now on it can be held to it, and nothing is evicted. Always where nothing is
 * allotted. */
bool allotment_is_met(const struct allotment *a, int64_t host_bytes, int64_t used_bytes);

#endif
