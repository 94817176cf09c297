/*
 * What the rules decided, in order, as plain data for apply.c; private to reconcile/. Each function
 * adds a decision and changes the view alike, so that what is decided next builds on it.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_DECIDE_H
#define LARDER_CONTROLPLANE_RECONCILE_DECIDE_H

#include "base/vec.h"
#include "controlplane/model/events.h"
#include "controlplane/model/global.h"
#include "controlplane/model/group.h"
#include "controlplane/model/slot_moves.h"
#include "controlplane/model/task.h"
#include "controlplane/reconcile/view.h"

struct failpoint;

enum decision_kind {
    DECISION_GOAL,            /* set `goal` of `node_id` */
    DECISION_GOAL_REMOVE,     /* the node is nowhere any more */
    DECISION_NODE_REMOVE,     /* forget the node */
    DECISION_TOLD,            /* events about `node_id` were written: see `goal` */
    DECISION_BOOT,            /* `node_id` is to begin anew */
    DECISION_TYPE,            /* `node_id` goes over to the type of its cluster */
    DECISION_EVENT,           /* tell `event` */
    DECISION_OPERATION,       /* write `operation` */
    DECISION_CLUSTER,         /* write `cluster` */
    DECISION_NAMES,           /* `cluster` and `other` have each other's names from now on */
    DECISION_RELEASE,         /* `cluster` stands alone now, and has what `group` had */
    DECISION_CLUSTER_REMOVE,  /* forget the cluster and all that belongs to it */
    DECISION_SHARD,           /* write the goal of `shard` */
    DECISION_TOPOLOGY,        /* write `topology` of `group` */
    DECISION_GROUP_OPERATION, /* write `group_operation` */
    DECISION_TASK,            /* ask a node for `task` */
    DECISION_TASK_REMOVE,     /* forget `task` */
    DECISION_GLOBAL_ROLE,     /* write the role of `member` */
    DECISION_GLOBAL_LEAVE,    /* `member` is none any more */
    DECISION_TOUCH,           /* look at the group of `member` */
    DECISION_GROUP_REMOVE,    /* forget `group` and all that belongs to it */
    DECISION_NODE_BOOT,       /* `node_id` is to be started anew */
    DECISION_GROUP,           /* write `group` */
    DECISION_NODE_UNWANTED,   /* `node_id` is not wanted any more */
    DECISION_SHARD_WANT,      /* write `shard` 's slots, and whether it is wanted */
    DECISION_SHARD_REMOVE,    /* forget `shard`, which has no members any more */
    DECISION_MOVE,            /* write `move`, with `task` in place of `old_task_id` */
    DECISION_MOVES_CLEAR,     /* forget all moves of `group`, and their tasks */
};

struct decision {
    enum decision_kind kind;
    const struct cluster *about; /* whose node, operation or self it is; NULL for groups */
    int64_t node_id;
    const char *why; /* the rule's reason, for the log */
    struct node_goal goal;
    struct operation operation;
    struct cluster cluster, other;
    struct event event;
    struct shard shard;
    const struct replication_group *group;
    struct group_operation group_operation;
    struct slot_move move;
    struct global_member member;
    struct node_task task; /* kind is NULL for none */
    int64_t old_task_id;   /* 0 for none */
    struct topology topology;
};

struct decisions {
    struct arena *arena;         /* where texts live */
    const struct cluster *about; /* whom the next decisions are about */
    struct failpoint *failpoint; /* told of what operations do; NULL for none */
    vec_of(struct decision) list;
    int64_t wake_ms; /* wall time at which the cluster needs another look; INT64_MAX for none */
};

void decisions_init(struct decisions *d, struct arena *a);

/* The node's turn has come: it has the type that its cluster has. */
void decide_type(struct decisions *d, struct node *n);

void decide_goal(struct decisions *d, struct node *n, const struct node_goal *goal,
                 const char *why);
void decide_goal_remove(struct decisions *d, struct node *n, const char *why);
void decide_node_remove(struct decisions *d, struct view *v, struct node *n);
void decide_node_boot(struct decisions *d, struct node *n);
void decide_node_unwanted(struct decisions *d, struct node *n);
/* The node begins anew: its want and its goal alike. */
void decide_boot(struct decisions *d, struct node *n, const char *why);
void decide_told(struct decisions *d, struct node *n, int64_t crashes_told, bool is_told_down);
void decide_told_silent(struct decisions *d, struct node *n, bool is_told_silent);
void decide_told_lagging(struct decisions *d, struct node *n, bool is_lagging);
/* The gaps of the event's sentence are `first` and `second`; NULL where it has none. */
void decide_event(struct decisions *d, const struct view *v, enum event_kind kind,
                  const char *first, const char *second);
void decide_operation(struct decisions *d, struct view *v);
void decide_cluster(struct decisions *d, struct view *v);
/* Two of one account exchange their names. */
void decide_names(struct decisions *d, struct view *a, struct view *b);
void decide_cluster_remove(struct decisions *d, struct view *v);

/* Another look is due at `at_ms`, or earlier. */
void decide_wake(struct decisions *d, int64_t at_ms);

#endif
