/*
 * What the agent knows of each cache node of its host: the goal that it was given, where it stands,
 * and the process. Kept in nodes/<NodeId>/node.json, so that an agent that comes back goes on where
 * it was.
 *
 * Plain data, changed by steps.c only; every layer of the agent reads it.
 */
#ifndef LARDER_AGENT_SUPERVISE_NODE_H
#define LARDER_AGENT_SUPERVISE_NODE_H

#include "agent/supervise/loop.h"
#include "base/arena.h"
#include "base/fs.h"
#include "base/vec.h"
#include "contract/node_states.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent_node_goal;
struct agent_node_report;
struct agent_node_task_report_list;
struct ear;
struct governor;
struct meter;
struct shipper;
struct agent_node_log_error_list;
struct probe;
struct sample;
struct shim_link;
struct steps;
struct seeding;
struct task;

#define NODE_EXIT_BYTES    64
#define NODE_WHY_BYTES     256
#define NODE_ADDRESS_BYTES 48
#define NODE_DRIVER_BYTES  32
#define NODE_BUILD_BYTES   32

enum node_role { NODE_ROLE_UNKNOWN, NODE_ROLE_PRIMARY, NODE_ROLE_REPLICA };

/* The process of a node, from its start until nothing of it is left. */
struct node_run {
    char driver[NODE_DRIVER_BYTES];
    char address[NODE_ADDRESS_BYTES];
    int port;
    int64_t boot_count;           /* the goal's when it was started */
    char build[NODE_BUILD_BYTES]; /* version of the program; "" when nobody knows */
    int64_t pid;
    int64_t started_ms; /* wall time */
};

struct node {
    int64_t id;
    char *dir; /* absolute */
    enum node_state state;

    /* The goal. */
    struct arena goal_arena;
    const struct agent_node_goal *goal; /* NULL until one was given */
    const char *goal_text;              /* the same as JSON */
    enum node_state goal_state;
    int64_t goal_count; /* how many goals there were */

    /* The process. */
    struct shim_link *shim; /* NULL when neither shim nor engine is left */
    struct node_run run;    /* of the process that runs or ran last */
    bool is_ready;          /* it said so, or answered */
    bool is_exited;         /* the shim reported its end; `shim` goes next */
    bool is_killed;         /* it was killed and the kernel holds it: it does nothing any more */
    bool is_adopted;        /* an earlier agent started it, and its shim was not heard yet */
    int64_t began_ms;       /* boot time of its start */
    int64_t ran_since_ms;   /* boot time at which it became ready */
    bool is_silent;         /* it runs and does not answer */
    bool is_unleased;       /* leases.c: it is to be the primary and has had no lease for a while */

    /* What the process has taken on. */
    char *applied;          /* SettingsVersion that is in force; NULL for none */
    bool is_applied;        /* it is that of the goal, and this agent has seen to it */
    bool is_refused;        /* the engine refuses some of it, and `why` says so */
    char *statics;          /* what it was started with, as driver_launch has it; NULL: unknown */
    bool is_reboot_pending; /* the goal's are others */
    enum node_role role;    /* as it says itself */
    int64_t role_term;      /* of the last role that it obeyed; 0 for none */
    int64_t highest_term;   /* that any process of this node was given; on the disk first */
    int64_t replication_offset; /* -1 while unknown */
    int64_t lineage;            /* of its stream, as driver_stats has it; -1 for none */
    bool is_link_up;            /* of a replica */

    /* What became of it. */
    int64_t crashes;
    int64_t crashed_ms; /* wall time of the last; 0 for none */
    bool is_held;       /* it crashed where RestartsAfterExit is false: no start without an order */
    bool has_bad_seed;  /* the last start failed for what it was to begin with */
    char counted_exit[NODE_EXIT_BYTES]; /* which process the last counted crash was */
    char last_exit[NODE_EXIT_BYTES];
    char why[NODE_WHY_BYTES];
    int64_t used_memory_bytes, connected_clients; /* -1 while unknown */
    int64_t told_memory_bytes; /* what was used when that was last told at once */

    /* Trying again. */
    int short_lives;     /* starts in a row that failed or did not last */
    int64_t retry_at_ms; /* boot time before which it is not started again */

    /* Others hang their parts here. */
    struct steps *steps;                                    /* steps.c */
    struct loop_timer step_timer;                           /* steps.c */
    struct loop_timer exit_timer;                           /* steps.c */
    struct probe *probe;                                    /* observe.c */
    struct governor *governor;                              /* govern.c */
    struct ear *ear;                                        /* tokens.c */
    struct seeding *seeding;                                /* seeds.c */
    struct task *tasks;                                     /* tasks/ */
    const struct agent_node_task_report_list *task_reports; /* tasks/; NULL: there is none */
    struct meter *meter;                                    /* measure.c */
    const struct sample *sample; /* measure.c: of the last minute; NULL: none, or it was told */
    struct shipper *shipper;     /* ship.c */
    const struct agent_node_log_error_list *log_errors; /* ship.c; NULL: there never was one */
    int64_t told_sample_ms; /* link.c: the at_ms of the one in the report under way, or 0 */
    bool is_unsaved;        /* node.json is behind */
    bool is_named;          /* the control plane's last goals named it */
    bool is_untold;         /* link.c: the control plane was not told of the last change */
    bool is_being_told;     /* link.c: it stands in the report under way */
};

/* All nodes of the host. */
struct nodes {
    struct node **items;
    size_t count;
    size_t capacity;
    char *dir;     /* .../nodes */
    char *boot_id; /* of the kernel that runs */
};

void nodes_init(struct nodes *all, const char *dir, const char *boot_id);

/* Frees the records; processes go on. */
void nodes_fini(struct nodes *all);

struct node *nodes_find(const struct nodes *all, int64_t id);

/* A new record: absent, without a goal. */
struct node *nodes_add(struct nodes *all, int64_t id);

/* Drops the record. */
void nodes_remove(struct nodes *all, struct node *n);

/* Nodes are walked with vec_each; an item is a `struct node **`. */

/* Takes a copy of the goal; true when it says something new. `goal->state` must be a goal's state.
 */
bool node_set_goal(struct node *n, const struct agent_node_goal *goal);

/* The process that runs next has taken on nothing yet. */
void node_forget_settings(struct node *n);

/* Keeps a copy as what the process was started with; NULL: unknown. */
void node_set_statics(struct node *n, const char *statics);

/* Keeps a copy as the version of the settings that are in force. */
void node_set_applied(struct node *n, const char *version);

/* True when the settings in force are those of the goal. */
bool node_has_settings_of_goal(const struct node *n);

/* "pid@time": which process an exit belongs to. */
void node_run_name(int64_t pid, int64_t started_ms, char out[NODE_EXIT_BYTES]);

/* Sets the sentence why the node is not where it should be; NULL for none. True when it changed. */
bool node_set_why(struct node *n, const char *why);

/* What is told to the control plane; texts live as long as the node does not change. */
void node_report(const struct node *n, struct agent_node_report *out);

/* Writes node.json. ERR_IO. */
must_use struct err node_save(struct nodes *all, struct node *n, enum fs_sync sync);

/* What node.json says about an earlier life. */
struct node_past {
    bool is_of_this_boot; /* the machine was not restarted since */
};

/* Reads node.json into a fresh record. ERR_NOT_FOUND, ERR_CORRUPT (the record is then as fresh). */
must_use struct err node_load(struct nodes *all, struct node *n, struct node_past *out);

#endif
