/*
 * Work that is done once with a running node, as the tasks of its goal say: begun when the node
 * serves, told of as it goes on, broken off when the goal does not name it any more. A task whose
 * engine ends fails. What was begun by an earlier agent is begun anew.
 */
#ifndef LARDER_AGENT_TASKS_H
#define LARDER_AGENT_TASKS_H

#include "base/err.h"

struct driver_host;
struct loop;
struct node;
struct task_kind;
struct tasks;

/* All borrowed for the life of the part. */
struct tasks_conf {
    struct loop *loop;
    const struct driver_host *host;
    const struct task_kind *const *kinds; /* NULL behind the last */
    const char *const *url; /* of the control plane at the moment, without a slash at its end */
    const char *token;      /* NULL for none */
    /* The node's report says something new of its tasks. */
    void (*on_news)(void *context, struct node *n);
    void *context;
};

/* The kinds of work that agents know; NULL behind the last. */
extern const struct task_kind *const task_kinds[];

/* ERR_IO when the system has no descriptors left. */
must_use struct err tasks_open(const struct tasks_conf *conf, struct tasks **out);

/* All nodes have been let go of by tasks_forget. */
void tasks_close(struct tasks *all);

/* To be called when a node changed, and when the control plane's first goals came: what an earlier
 * agent kept of goals begins nothing. */
void tasks_look(struct tasks *all, struct node *n);

/* Breaks everything off. */
void tasks_forget(struct node *n);

#endif
