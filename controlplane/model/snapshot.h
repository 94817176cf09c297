/* Snapshots as plain data, their words and their rules. Text is never NULL; "" means not given. */
#ifndef LARDER_CONTROLPLANE_MODEL_SNAPSHOT_H
#define LARDER_CONTROLPLANE_MODEL_SNAPSHOT_H

#include "base/str.h"
#include "controlplane/model/group.h"

struct arena;

#define SNAPSHOT_NAME_MAX            255
#define SNAPSHOTS_PER_DAY            20 /* manual ones of one source in 24 hours */
#define SNAPSHOTS_PER_DAY_SERVERLESS 24
#define SNAPSHOT_TASK                "snapshot"
#define SNAPSHOT_ATTEMPTS            2            /* for each part */
#define SNAPSHOT_OWNER_IMPORT        "import"     /* what a cache is seeded with from a bucket */
#define SNAPSHOT_OWNER_SERVERLESS    "serverless" /* users see it by calls of its own */

enum snapshot_state { SNAPSHOT_CREATING, SNAPSHOT_AVAILABLE, SNAPSHOT_FAILED };

const char *snapshot_state_name(enum snapshot_state state);
bool snapshot_state_parse(const char *name, enum snapshot_state *out);

struct snapshot {
    int64_t id;
    const char *owner; /* "": users see it; else whose it is */
    const char *account, *region, *name;
    bool is_automatic;
    bool is_final; /* what it is taken of goes when it is there */
    enum snapshot_state state;
    const char *why;
    /* Of what it was taken: a group, or a cluster outside of groups (then group_id is 0). */
    int64_t group_id, cluster_id;
    const char *group_name; /* of a serverless cache: the cache's */
    const char *description, *cluster_name;
    enum cluster_mode mode;
    bool has_failover, is_encrypted_at_rest;
    const char *kms_key; /* as users named it; "" for none */
    const char *vpc_id;  /* of the source */
    /* engine to notification_topic, preferred_zone and created_ms: those of the source. */
    struct cluster source;
    int64_t created_ms;
    /* Read alone. */
    bool is_restoring, is_exporting;
    bool is_copying;    /* its files are those of another one, under another key, still */
    int64_t expires_ms; /* of an automatic one, as long as its source keeps them now; else 0 */
};

/* "creating", "available", "restoring", "exporting", "copying" or "failed", as users see it. */
const char *snapshot_status_word(const struct snapshot *s);

/* Its ARN, in `a`. */
char *snapshot_arn(struct arena *a, const struct snapshot *s);

/* What is kept of one shard, or of a cluster. */
struct snapshot_part {
    int64_t id, snapshot_id;
    const char *number; /* of the shard; "" outside of groups */
    const char *slots;  /* "": of all, or nobody knows */
    const char *cluster_name;
    int64_t replicas;
    int64_t shard_id;
    int64_t node_id, task_id; /* who gives it, and by which task; 0 before that is decided */
    int64_t node_created_ms;
    int attempts;
    int64_t taken_ms;
    const char *origin; /* "bucket/key" where it is fetched from */
    int64_t file_id;    /* 0 while there is none */
    int64_t bytes;
    const char *sha256;
    const char *data_key; /* of the file; "": it is plain */
};

struct snapshot_part_list {
    struct snapshot_part *items;
    size_t count;
};

/* A snapshot that is to be taken. */
struct snapshot_order {
    const char *name;
    const char *owner;       /* "" for users' own */
    const char *member_name; /* the member that is asked for; "" leaves it to the reconciler */
    const char *kms_key;     /* "" for none */
    bool is_automatic, is_final;
    int64_t now_ms;
};

/* "automatic.<name>-2026-11-28-05-00", in UTC; in `a`. */
char *snapshot_automatic_name(struct arena *a, const char *source, int64_t now_ms);

/* The size as users see it: "5 MB"; "" while it is not known. In `a`. */
char *snapshot_size_text(struct arena *a, const struct snapshot_part *p);

/* Whether a file begins as RDB files do, of redis or valkey; SNAPSHOT_HEAD_BYTES of it are enough.
 */
#define SNAPSHOT_HEAD_BYTES 9
bool snapshot_is_rdb(struct str head);

/* What all parts take together. */
int64_t snapshot_bytes(const struct snapshot *s, const struct snapshot_part_list *parts);

/* Whether data of that engine and version can be read by this one: the same or a newer one. */
bool snapshot_is_readable(const char *engine, const char *version, const char *by_engine,
                          const char *by_version);

#endif
