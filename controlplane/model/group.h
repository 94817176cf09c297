/* Replication groups as plain data, and the words by which they are stored. Text is never NULL; ""
 * means not given. */
#ifndef LARDER_CONTROLPLANE_MODEL_GROUP_H
#define LARDER_CONTROLPLANE_MODEL_GROUP_H

#include "controlplane/model/cluster.h"
#include "controlplane/model/durability.h"
#include "controlplane/model/leases.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* COMPATIBLE: one shard, with the endpoints of both modes. */
enum cluster_mode { CLUSTER_MODE_DISABLED, CLUSTER_MODE_COMPATIBLE, CLUSTER_MODE_ENABLED };

const char *cluster_mode_name(enum cluster_mode mode);
bool cluster_mode_parse(const char *name, enum cluster_mode *out);

/* What GROUP_MODE's data says at its end: the mode to be, and the parameter group of before.
 * False for other texts. */
bool cluster_mode_change_parse(struct arena *a, const char *data, enum cluster_mode *out_aim,
                               const char **out_parameter_group);

/* A replication group as wanted. */
struct replication_group {
    int64_t id;
    const char *account, *region, *name, *description;
    enum cluster_mode mode;
    bool has_failover, is_multi_az;
    enum durability durability;
    bool is_encrypted_at_rest;
    const char *kms_key;         /* as the user named it; "" for none */
    const char *user, *password; /* by which replicas come to their primary */
    const char *snapshotting_cluster;
    int64_t next_shard; /* number of the next one: those of removed ones never come back */
    /* What members have in common: engine to notification_status. The rest means nothing here. */
    struct cluster common;
    struct cache_entry entry; /* read alone: see store/access.h */
    bool is_wanted;
    int64_t created_ms;
};

/* A server outside of the group that the primary of a shard follows: it takes no writes then, and
 * its replicas have what it has. */
struct shard_source {
    const char *address;         /* or a name */
    int port;                    /* 0: there is none, and texts mean nothing */
    const char *user, *password; /* by which it goes there; "" for nobody */
};

bool shard_source_is(const struct shard_source *a, const struct shard_source *b);

/* How many replicas have what was acknowledged: see reconcile/acks.c. */
struct shard_acks {
    int64_t ordered;  /* so many have a write before its primary acknowledges it */
    bool is_bounded;  /* no write is taken while every replica lags */
    int64_t counted;  /* what promotions may count on; 0: on nothing */
    int64_t after;    /* replicas are asked whether they have come to the byte before this one,
                       * then more is counted on; 0: they are not */
    int64_t asked_ms; /* when they were asked last */
    int64_t gone;     /* members that may have had what no other had, and are no more */
    enum { OFFSETS_NOT_ASKED, OFFSETS_ASKED, OFFSETS_WAITED_FOR } asked; /* for a promotion */
};

/* Who is the primary of a shard, by which term. */
struct shard_goal {
    bool has;
    int64_t term;
    int64_t primary_id; /* the member cluster */
    /* While roles change by plan: the old primary, and the term by which it was told to take no
     * writes; 0 when none is. The new one begins once it is as far in the stream. */
    int64_t fenced_id, fence_term;
    int64_t fence_life; /* of the engine that is fenced, as `life` is; 0: any */
    /* The member that it is fenced for, which is to have everything first: else it is not fenced,
     * and says so (see settings.h); 0: it is fenced whoever has what. How often that was asked. */
    int64_t yields_to, yields;
    int64_t after_offset;
    int64_t life; /* of the primary's engine that the role is for: one more than the crashes that
                   * its node had counted; 0: for any */
    struct shard_source source; /* see store/sources.h; another one comes with a higher term */
    struct shard_acks acks;
};

/* Addresses that are not a node's but an endpoint's, and go where the role goes. "": none. */
struct shard_endpoints {
    const char *address;        /* of whoever is the primary */
    const char *reader_address; /* of one that is read from */
    int64_t reader_id;          /* the member that has it, or is to let go of it */
    int64_t reader_turn;        /* grows with each change; odd: it is to let go of it */
};

/* A shard, which the API calls a node group. */
struct shard {
    int64_t id, group_id;
    const char *number;    /* "0001" */
    const char *engine_id; /* 40 hexadecimal digits */
    const char *slots;     /* "0-5460,5462"; "" while cluster mode is off */
    int64_t next_member;
    bool is_wanted;
    struct shard_goal goal;
    struct shard_endpoints endpoints; /* stored with the goal: see reconcile/endpoints.c */
    struct shard_lease lease;         /* stored with the goal */
    /* Primaries that ended one upon another, and when the first and the last of them did; stored
     * with the goal: see reconcile/restraint.c. */
    int64_t falls, fell_ms, last_fell_ms;
    /* Without automatic failover: the member that is the primary again as soon as it has its data
     * back from the one that keeps it, which is fenced; 0: none. Stored with the goal. */
    int64_t heir_id;
};

/* What of a shard's endpoints a member has: added up. */
enum { ENDPOINT_PRIMARY = 1, ENDPOINT_READER = 2 };

/* None for one that is fenced: an address goes with the right to write. */
int shard_endpoints_of(const struct shard_endpoints *e, const struct shard_goal *goal,
                       int64_t cluster_id);

/* The same as a number of its settings, which with a term is another one after each change; 0 where
 * nothing was ever said of them. */
int64_t shard_endpoints_number(const struct shard_endpoints *e, const struct shard_goal *goal,
                               int64_t cluster_id);

struct shard_list {
    struct shard *items;
    size_t count;
};

/* What an operation of a group is for; its steps are a table of the reconciler. */
enum group_operation_kind {
    GROUP_CREATE,
    GROUP_DELETE,
    GROUP_REPLICAS,       /* another number of members */
    GROUP_MODIFY,         /* other settings */
    GROUP_SWITCH,         /* another primary, by plan */
    GROUP_ROLL,           /* members begin anew, one by one, with another version */
    GROUP_SCALE,          /* another node type, for which some members have to move */
    GROUP_RESHARD,        /* other shards, or other shares of the slots */
    GROUP_ALIGN,          /* of a secondary of a global datastore: RESHARD as the primary does */
    GROUP_MODE,           /* another cluster mode */
    GROUP_TEST_MIGRATION, /* whether data could be moved in from a server outside */
    GROUP_MIGRATE,        /* moving it */
    GROUP_COMPLETE_MIGRATION, /* taking it over */
    GROUP_SNAPSHOT,           /* a snapshot is taken of it */
    GROUP_LEAD,               /* of a global datastore: to be the primary */
    GROUP_YIELD,              /* to be a secondary */
    GROUP_LEAVE,              /* to stand alone */
};

const char *group_operation_kind_name(enum group_operation_kind kind);
bool group_operation_kind_parse(const char *name, enum group_operation_kind *out);

/* One of the three of migrations; of the three of global datastores. */
bool group_operation_is_migration(enum group_operation_kind kind);
bool group_operation_is_global(enum group_operation_kind kind);

struct group_operation {
    int64_t id;
    enum group_operation_kind kind;
    int64_t group_id;
    int step;
    enum operation_state state;
    /* SWITCH, RESHARD, MODE, ROLL: see reconcile/switch_steps.c and reshard_steps.c; SCALE:
     * scaling.h; of migrations: migration_steps.c; SNAPSHOT, and DELETE that waits for the final
     * one: the snapshot's id; CREATE from a snapshot: "restore". */
    const char *data;
    const char *pending; /* what answers show of it until it is done: see group_pending_parse */
    const char *why;
    int64_t created_ms;
    int64_t deadline_ms; /* wall time; waiting any longer is failing */
};

/* What of a group is on its way; "" for what is not. */
struct group_pending {
    const char *to_add, *to_remove; /* user groups */
    const char *token;              /* ROTATING, SETTING */
    const char *primary;            /* the member that is to be it */
    bool changes_tls;
    enum tls_mode tls_before;
};

/* Words with spaces between: "+team", "-other", "ROTATING", "primary=rg-002", "tls=preferred"
 * (or "tls=", for none): the last two by group_pending_text. Other words are left out. */
void group_pending_parse(struct arena *a, const char *text, struct group_pending *out);

/* The words of `entry` (see ops/access.h) with another primary (NULL: none) and, unless they are
 * the same, the mode of encryption that there was before this one. */
const char *group_pending_text(struct arena *a, const char *entry, const char *primary,
                               enum tls_mode before, enum tls_mode now);

/* Whether all connections to the group are encrypted. */
bool group_has_tls(const struct replication_group *g);

/* --- topology --- */

/* What nodes of cluster mode are told of each other. Nodes hear of it by every goal that they get;
 * all of them by `due_ms`, when it changed since `told_ms`. */
struct topology {
    int64_t epoch; /* 0: there is none */
    const char *words;
    int64_t told_ms, due_ms; /* due_ms 0: all were told, or are with this */
};

/* --- status --- */

enum group_status {
    GROUP_STATUS_CREATING,
    GROUP_STATUS_AVAILABLE,
    GROUP_STATUS_MODIFYING,
    GROUP_STATUS_DELETING,
    GROUP_STATUS_CREATE_FAILED,
    GROUP_STATUS_SNAPSHOTTING,
};

/* `newest` is the group's newest operation, NULL when it has none. */
enum group_status group_status(const struct replication_group *g,
                               const struct group_operation *newest);
const char *group_status_word(enum group_status status);

/* Whether a group in this state may be changed; whether it may be deleted. */
bool group_status_may_change(enum group_status status);
bool group_status_may_delete(enum group_status status);

/* Endpoints appear when a group leaves `creating`. */
bool group_status_has_endpoints(enum group_status status);

/* --- secrets, ids and keys; in `a`, from the system's generator --- */

/* 40 hexadecimal digits. */
char *group_secret_new(struct arena *a);

/* 64 hexadecimal digits, under which nodes encrypt what they write to their disks. */
char *data_key_new(struct arena *a);

#endif
