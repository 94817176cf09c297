/*
 * A kind of work; private to tasks/. Adding one: one file with one `const struct task_kind`, its
 * line in task_kinds[], and a member of its name in NodeTask of api-spec/agent.json for what it
 * needs to know.
 */
#ifndef LARDER_AGENT_TASKS_KIND_H
#define LARDER_AGENT_TASKS_KIND_H

#include "agent/drivers/driver.h"
#include "agent/supervise/node.h"
#include "agent/tasks/tasks.h"
#include "base/arena.h"
#include "base/err.h"

struct agent_node_task;
struct http_loop;
struct task;

struct task_kind {
    const char *name;
    /* Begins the work and returns: sockets and timers of the loop go on with it, and it ends with
     * task_end, which may also be called from here. Safe to repeat: the work may have been begun
     * before, by an agent that was killed at any line. */
    void (*begin)(struct task *t);
    /* Frees what begin made, at the end of the work or where it is broken off. */
    void (*drop)(struct task *t);
};

struct task {
    struct tasks *all;
    struct task *next; /* of the same node, in the goal's order */
    struct node *node;
    const struct task_kind *kind; /* NULL: this agent does not know it */
    struct arena arena;
    const struct agent_node_task *goal; /* in the arena */
    void *work;                         /* the kind's */
    const char *state;                  /* as reported; NULL before it began */
    const char *why;
    int percent;
    int64_t pid, started_ms; /* of the process that it was begun with */
    bool is_at_work;         /* between begin and drop */
    bool is_named;
};

extern const struct task_kind task_import_slots, task_export_slots, task_settle_slots;
extern const struct task_kind task_ask_source;
extern const struct task_kind task_snapshot;

const struct tasks_conf *task_conf(const struct task *t);

/* How the node's engine is spoken with. */
const struct driver *task_driver(const struct task *t);

/* Requests of all tasks. */
struct http_loop *task_http(const struct task *t);

/* So much of it is done. */
void task_tell(struct task *t, int percent);

/* The work is over: done with OK, else failed; the error's sentence is told. Calls drop. */
void task_end(struct task *t, struct err e);

#endif
