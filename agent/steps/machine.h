/*
 * The machine of one node; private to steps/. Two things move it: machine_advance, which looks up
 * the edge from the state to what is wanted and runs its step, and events (exits.c, goals.c), which
 * record what happened and then advance.
 */
#ifndef LARDER_AGENT_STEPS_MACHINE_H
#define LARDER_AGENT_STEPS_MACHINE_H

#include "agent/steps/steps.h"

#define STOP_GRACE_MS 10000 /* between SIGTERM and SIGKILL */

struct shim_state;

struct steps {
    struct steps_conf conf;
    struct loop_timer save_timer;
    bool is_ending;
};

enum step_result {
    STEP_DONE,   /* the node is in the edge's next state */
    STEP_WAIT,   /* an event or the node's timer goes on */
    STEP_FAILED, /* n->why says why; it is tried again later */
};

typedef enum step_result (*step_fn)(struct steps *s, struct node *n);

/* The function of a step. */
step_fn step_function(enum node_step step);

int64_t machine_now_ms(const struct steps *s);

/* Runs steps until one waits. Each turn gets nearer to what is wanted, along the table. */
void machine_advance(struct steps *s, struct node *n);

/* Something about the node is other than before: it is saved soon, and told. */
void machine_changed(struct steps *s, struct node *n);

/* The node is in another state. */
void machine_set_state(struct steps *s, struct node *n, enum node_state state);

/* Sets the sentence why the node is not where it should be. */
void machine_explain(struct steps *s, struct node *n, const char *why);

/* A start did not succeed: failed, and tried again after a delay. */
void machine_fail(struct steps *s, struct node *n);

/* A running engine ended: how long the next start waits. */
void machine_count_crash(struct steps *s, struct node *n);

/* Failures of before count no more. */
void machine_forgive(struct node *n);

/* True when there is a process, as far as the state says. */
bool node_is_up(const struct node *n);

/* Timers, with the node or the steps as context. */
void machine_on_step_due(void *context);
void machine_on_save_due(void *context);
void exits_on_due(void *context);

/* What the supervisor tells, with the steps as context. */
void exits_on_state(void *context, struct node *n, const struct shim_state *state);
void exits_on_gone(void *context, struct node *n);

/* The process is gone and nobody said how: the sentence for LastExit. */
void exits_lose(struct steps *s, struct node *n, const char *how);

#endif
