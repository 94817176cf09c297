/*
 * From where a node is to its goal: one function per step of contract/node_states, chosen by the
 * table of edges. Steps are idempotent, bounded in time and safe to repeat after a crash at any
 * line; what has to be waited for (readiness, an exit) arrives as an event and goes on from there.
 *
 * A node is running when its engine serves and has taken on what its goal says (govern.c orders,
 * settings.c keeps account).
 */
#ifndef LARDER_AGENT_STEPS_H
#define LARDER_AGENT_STEPS_H

#include "agent/drivers/driver.h"
#include "agent/supervise/node.h"
#include "base/err.h"
#include "base/ip.h"

#include <stdbool.h>

struct agent_node_goal_list;
struct arena;
struct loop;
struct supervisor;
struct steps;

/* All borrowed for the life of the steps. */
struct steps_conf {
    struct loop *loop;
    struct nodes *nodes;
    struct supervisor *supervisor; /* its events are taken by steps_open */
    const struct driver_host *host;
    /* Whether all that the node is to begin with is in its folder; asking has it fetched, and
     * steps_seeded tells when it is. NULL: nothing is ever to be fetched. */
    bool (*has_seeds)(void *context, struct node *n);
    struct ip_block pool, pool6; /* nodes listen on these addresses only */
    /* Called after each change of a node that the control plane should know of. */
    void (*on_change)(void *context, struct node *n);
    void *context;
};

struct steps *steps_open(const struct steps_conf *conf);

/* Saves what is unsaved; processes go on. */
void steps_close(struct steps *s);

/* Reads the records that an earlier agent left, finds its processes again and goes on with all
 * goals. ERR_IO when the folder cannot be read. */
must_use struct err steps_resume(struct steps *s);

/* True once every process that an earlier agent left was heard and has its settings or refuses
 * them, so that the nodes' states are facts. */
bool steps_are_settled(const struct steps *s);

/* Takes the control plane's goals, all of them: nodes that are not named become absent. A goal that
 * makes no sense is logged and passed over. */
void steps_set_goals(struct steps *s, const struct agent_node_goal_list *goals);

/* Takes those of some nodes: the others keep theirs. */
void steps_change_goals(struct steps *s, const struct agent_node_goal_list *goals);

/* What the node is to begin with is there, or cannot be had now: why (NULL: it is). */
void steps_seeded(struct steps *s, struct node *n, const char *why);

/* The engine answered: it serves. */
void steps_alive(struct steps *s, struct node *n);

/* The engine, which did answer, has not done so for that long; `why` says what it does. */
void steps_silent(struct steps *s, struct node *n, int64_t silent_ms, const char *why);

/* It is to be the primary, and has had no lease for a while; or has it again. */
void steps_unleased(struct steps *s, struct node *n, bool is_unleased);

/* The engine is of no use any more, and others can take its place: it is ended, as by a crash. */
void steps_hung(struct steps *s, struct node *n, const char *why);

/*
 * A role by this term is about to be given: the term is on the disk when this returns OK.
 * ERR_CONFLICT when the node has seen a higher one, ERR_IO; sentences in `a`.
 */
must_use struct err steps_take_term(struct steps *s, struct arena *a, struct node *n, int64_t term);

/* The settings of this version are in force in the running engine; `term` is that of its role, 0
 * for none. */
void steps_obeys(struct steps *s, struct node *n, const char *version, int64_t term);

/* Some settings of the goal cannot be brought into force. `is_vital`: a start without them has
 * failed. */
void steps_refuses(struct steps *s, struct node *n, const char *why, bool is_vital);

/* What the engine says of its role. */
void steps_sees(struct steps *s, struct node *n, const struct driver_stats *stats);

/* What the engine of a node uses of memory was asked for. */
void steps_weighs(struct steps *s, struct node *n);

/* Stops all engines gracefully whatever their goals, and lets none start again. */
void steps_end_all(struct steps *s);

/* True when no process is left. */
bool steps_are_idle(const struct steps *s);

/* Drops the records of nodes that are absent, not named in the goals, and told of. */
void steps_sweep(struct steps *s);

/* How long a start waits after `short_lives` lives in a row that were short: nothing after the
 * first crash, then 100 ms, doubling to 10 s. A failed start counts as one more. */
int64_t steps_restart_delay_ms(int short_lives);

#endif
