/*
 * The name of the settings that a node should have in force: what makes them up, each with a number
 * that grows with its changes. Agents take it as a word without meaning; the control plane compares
 * what comes back part by part. Pure.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_SETTINGS_H
#define LARDER_CONTROLPLANE_MODEL_SETTINGS_H

#include "controlplane/model/group.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

struct settings_version {
    int64_t parameters;  /* 0: never changed */
    int64_t users;       /* 0: none */
    int64_t term;        /* of the shard; 0: the node stands alone */
    bool is_fenced;      /* as the primary of that term it takes no writes */
    int64_t yield;       /* it is fenced by that number of the shard's yields; 0: by none */
    bool has_declined;   /* it is not: its successor did not come level in time */
    int64_t epoch;       /* of the topology; 0: cluster mode is off */
    bool opens_replicas; /* to clients that know nothing of cluster mode */
    enum tls_mode tls;
    int64_t certificate; /* its revision; 0 while connections are plain */
    int64_t logs;        /* revision of what is to be delivered; 0: nothing ever was */
    int64_t nodes;       /* how often those of a memcached cluster changed; 0 for others */
    int64_t endpoints;   /* see shard_endpoints_number in group.h */
    int64_t room_bytes;  /* for data, where that comes and goes; 0 where the type says it */
    int64_t acks;        /* so many replicas have a write before it is acknowledged */
    bool is_bounded;     /* no write is taken while every replica lags */
    int64_t voters;      /* number of the set that grants its shard's lease; 0: there was none */
};

/* "p3.u0.r2.t5", "p0.u0.r2f.t5", "p0.u0.r2.t5o", "p0.u0.r0.t0.m2.c1.l4.n3.e1.d1024.v2",
 * "p0.u0.r2.t0.a1", "p0.u0.r2.t0.a0b.v3", "p0.u0.r2f.t0.y4", "p0.u0.r2.t0.y4x"; in `a`. */
char *settings_version_text(struct arena *a, const struct settings_version *v);

/* False for what is no such text; `out` is then all zero. */
bool settings_version_parse(const char *text, struct settings_version *out);

/* Whether both are such texts, and the epochs are all that differs. */
bool settings_differ_in_epoch(const char *before, const char *after);

/* Term, fence, endpoints and acknowledgements, as far as the shard's goal tells them to a member.
 */
void settings_take_role(struct settings_version *v, const struct shard_goal *goal,
                        const struct shard_endpoints *endpoints, int64_t cluster_id);

#endif
