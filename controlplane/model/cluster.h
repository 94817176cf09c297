/* The nouns of the control plane, as plain data. Text is never NULL; "" means not given. */
#ifndef LARDER_CONTROLPLANE_MODEL_CLUSTER_H
#define LARDER_CONTROLPLANE_MODEL_CLUSTER_H

#include "contract/node_states.h"
#include "controlplane/model/certificate.h"
#include "controlplane/model/reach.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an operation is for; its steps are a table of the reconciler. */
enum operation_kind {
    OPERATION_CREATE,
    OPERATION_DELETE,
    OPERATION_REBOOT,
    OPERATION_MODIFY,
    OPERATION_SNAPSHOT,
};

/* What a create that begins with the data of a snapshot has as its data. */
#define OPERATION_RESTORES "restore"

enum operation_state { OPERATION_RUNNING, OPERATION_DONE, OPERATION_FAILED };

const char *operation_kind_name(enum operation_kind kind);
bool operation_kind_parse(const char *name, enum operation_kind *out);
const char *operation_state_name(enum operation_state state);
bool operation_state_parse(const char *name, enum operation_state *out);

/* Behind a space in the data of OPERATION_MODIFY: nodes begin anew; engines are told of their size,
 * or of who may enter; nodes go over to another type in batches (see scaling.h). */
#define ROLL_WORD  "roll"
#define SCALE_WORD "scale"
#define SIZE_WORD  "size"
#define ENTRY_WORD "entry"
#define STOP_WORD  "stop" /* in the place of "roll": what has not begun does not begin */

struct operation {
    int64_t id;
    enum operation_kind kind;
    int64_t cluster_id;
    int step;
    enum operation_state state;
    /* REBOOT: node numbers, comma separated; MODIFY: see reconcile/steps.c; SNAPSHOT, and
     * DELETE that waits for the final one: the snapshot's id; CREATE from one: "restore". */
    const char *data;
    const char *why;
    int64_t created_ms;
    int64_t deadline_ms; /* wall time; waiting any longer is failing */
};

/* A serverless cache that a cluster or group stands behind. Such are nobody's own: calls for
 * clusters and groups do not see them, everything else treats them as any. */
struct owner {
    int64_t id; /* 0 for none */
    const char *name;
};

/* What each node may take, where the owner says so and not the type; all 0 for others. */
struct allotment {
    int64_t least_bytes, most_bytes; /* of data */
    int64_t work_most;               /* ECPUs per second; 0: as much as it can */
};

/* Who may enter a cache, as far as answers and waits need it. */
struct cache_entry {
    const char *user_group; /* the name of the attached one; "" for none */
    bool has_token;
    bool is_token_rotated;     /* one may come by what was valid before it, too */
    int64_t token_modified_ms; /* 0: there never was one */
    int64_t revision;          /* that its nodes should have in force; 0: none is needed */
};

/* A cache cluster as wanted. */
struct cluster {
    int64_t id;
    int64_t group_id, shard_id; /* of the replication group that it is a member of; 0 for none */
    const char *account, *region, *name;
    const char *engine;         /* redis, valkey, memcached */
    const char *engine_version; /* in full, as reported */
    const char *node_type;
    int port;
    const char *az_mode;        /* single-az, cross-az */
    const char *preferred_zone; /* a zone, "Multiple", or "" */
    const char *parameter_group, *subnet_group;
    int64_t parameter_revision;  /* of the group as it is now; 0 for a default group (read only) */
    const char *security_groups; /* ids, comma separated */
    const char *maintenance_window, *snapshot_window;
    int snapshot_retention; /* days */
    bool auto_minor_upgrade;
    const char *notification_topic, *notification_status;
    const char *driver; /* see engine_driver.h; NULL is the bundled one */
    struct reach reach;
    enum tls_mode tls;
    const char *data_key; /* of what is encrypted at rest, 64 hexadecimal digits; else "" */
    struct owner owner;
    struct allotment allotment;
    struct cache_entry entry; /* read alone, see store/access.h; members have their group's */
    const char *parked;       /* what waits for the maintenance window: see parked.h; NULL as "" */
    int64_t next_node;        /* number of the next node: those of removed ones never come back */
    int64_t configuration_version; /* memcached auto discovery: see store/discovery.h */
    bool is_wanted;
    int64_t created_ms;
};

/* The state that a node should reach next, and where. */
struct node_goal {
    bool has; /* placed */
    const char *host_id;
    const char *address;        /* of IPv4 where it has that */
    const char *second_address; /* of IPv6, where it has both; else "" */
    int port;
    enum node_state state;
    int64_t boot_count;
    int64_t memory_bytes;
    int64_t vcpus; /* that it takes of the host */
    int64_t crashes_told;
    bool is_told_down;
    bool is_told_silent; /* the last event said that it does not answer */
    bool is_lagging;     /* and that it has lost its primary, which goes on: see reconcile/lags.c */
    int64_t parameters;  /* see parameters_number in effective.h; what its host was last told of */
    enum tls_mode tls;   /* what its host was last told */
    bool is_clustered;   /* its engine is to run in cluster mode */
};

/* The address of that family, where the node has one: else the one that it has. */
const char *goal_address(const struct node_goal *g, enum ip_family family);

/* What its agent last reported. */
struct node_saw {
    bool has;
    const char *host_id;
    enum node_state state;
    int64_t boot_count;
    int pid;
    int64_t crashes;
    int64_t crashed_ms; /* when the last was heard of */
    const char *last_exit, *why;
    const char *applied_settings; /* see settings.h; "" while it is not known */
    bool is_reboot_pending;
    bool has_bad_seed; /* it cannot load what it is to begin with */
    bool is_killed;    /* its process was killed and is not gone: it does nothing any more */
    bool is_silent;    /* it runs and does not answer */
    bool is_unleased;  /* a primary that takes no writes, for it has no lease */
    const char *build; /* version of its program; "" while it is not known */
    const char *role;  /* primary, replica; "" while it is not known */
    int64_t term;
    int64_t offset;  /* in the replication stream, as of the last other change */
    int64_t lineage; /* of that stream: the term by which who writes it became a primary; 0: none */
    bool is_link_up;
    int64_t followed_term; /* the last by which its link was up, in this life of its engine; the
                            * store finds it, whoever tells need not */
    int64_t unlinked_ms;   /* since when its link is down again; 0: it is up, or never was in this
                            * life; found like the one before */
    int64_t used_bytes;    /* of memory, about; -1 when it is told: as before */
    int64_t seen_ms;       /* when it is told; not read again */
    bool is_news;          /* when it is told: it is to be written down, whatever was seen before */
};

struct node {
    int64_t id;
    int64_t cluster_id;
    const char *number;    /* "0001" */
    const char *zone;      /* asked for; "" leaves it to placement */
    const char *engine_id; /* 40 hexadecimal digits; "" for nodes outside of groups */
    const char
        *node_type; /* that it still has while its cluster has another one; NULL or "" else */
    bool is_wanted;
    int64_t boot_count;
    int64_t created_ms;
    struct node_goal goal;
    struct node_saw saw;
    const char *host_zone; /* of the host that the goal names; "" when not placed */
};

/* A cluster as one of its nodes is to see it. */
struct cluster cluster_of_node(const struct cluster *c, const struct node *n);

struct node_list {
    struct node *items;
    size_t count;
};

struct host {
    const char *id, *region, *zone, *name;
    const char *incarnation, *boot_id, *agent_version;
    int64_t memory_bytes;
    int vcpus;
    const char *pool;         /* CIDR */
    const char *pool6;        /* of IPv6; "" where it has none */
    const char *engines;      /* "bundled=0.1.0 redis=7.0.15" */
    const char *peer_address; /* where it votes on leases; "" or NULL: it does not */
    int peer_port;
    int64_t lease_late_ms; /* how late renewals of leases are there; -1: it does not say */
    bool is_quiet;         /* not heard of for a moment, which may mean nothing */
    bool is_silent;        /* not heard of for longer: it counts as lost */
    int64_t silent_ms;     /* since when */
    int64_t enrolled_ms;
    int64_t used_bytes; /* taken by placed nodes */
    int64_t used_vcpus;
    int64_t node_count; /* placed nodes */
};

struct host_list {
    struct host *items;
    size_t count;
};

/* Whether more than half of them are. */
bool hosts_are_mostly_silent(const struct host_list *l);
bool hosts_are_mostly_quiet(const struct host_list *l);

/* Whether memory that is used is about as much as before: an eighth more or less is news, and what
 * was not known (-1). */
bool memory_is_about(int64_t was_bytes, int64_t now_bytes);

struct event {
    int64_t id;
    const char *account, *region;
    const char *source_type; /* "cache-cluster" ... */
    const char *source;      /* its identifier */
    const char *message;
    const char *notice; /* "ElastiCache:...", what a topic is told of it; NULL: nothing */
    const char *topic;  /* the ARN of who hears of it; NULL or "": nobody */
    int64_t at_ms;
};

struct tag {
    const char *key, *value;
};

#endif
