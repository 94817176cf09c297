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

/* Looks anew whether the settings of the process are those of the goal, and whether it has to be
 * started anew for some of them; to be called after either changed. */
void settings_compare(struct steps *s, struct node *n);

/* What the next process is started with, beside its other files: an agent that comes later reads it
 * there. */
must_use struct err settings_write_statics(struct arena *a, const struct node *n,
                                           const char *statics);
void settings_read_statics(struct node *n);

/* True when what is kept was written by the process that ended last: that was a clean end. */
bool kept_is_of_last_run(const struct node *n);

/* Before a start: what is not to be kept goes. */
void kept_before_start(struct steps *s, struct node *n);

/* Before a start: the one seed of an engine that takes it as what was kept. ERR_UNSUPPORTED when
 * there are more, or some slots only. */
must_use struct err kept_take_seed(struct arena *a, const struct node *n, bool loads_seeds);

/* The process serves: what was kept is of the past. */
void kept_in_force(struct node *n);

/* The process died: what is there is older than what it had. */
void kept_after_crash(struct node *n);

/* A start failed; a replica tries the next one without what was kept. */
void kept_after_failure(struct node *n);

/* What reading and writing may take beyond a start and a stop. */
int64_t kept_start_ms(const struct node *n);
int64_t kept_stop_ms(const struct steps *s, const struct node *n);

/* Timers, with the node or the steps as context. */
void machine_on_step_due(void *context);
void machine_on_save_due(void *context);
void exits_on_due(void *context);

/* What the supervisor tells, with the steps as context. */
void exits_on_state(void *context, struct node *n, const struct shim_state *state);
void exits_on_gone(void *context, struct node *n);

/* Whether an engine that ended, or is ended for it, said that it cannot load what the node is to
 * begin with. */
bool exits_are_about_seed(const struct node *n, struct str words);

/* The process is gone and nobody said how: the sentence for LastExit. */
void exits_lose(struct steps *s, struct node *n, const char *how);

#endif
