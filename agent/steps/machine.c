/* What is wanted of a node, the walk towards it, and what each change of state brings with it. */
#include "agent/steps/machine.h"

#include "base/clock.h"
#include "base/log.h"
#include "contract/agent.h"

#include <string.h>

#define LONG_LIFE_MS   10000 /* who ran for so long may crash again without penalty */
#define FIRST_DELAY_MS 100
#define LAST_DELAY_MS  10000
#define SAVE_DELAY_MS  20 /* gathers the changes of a start into one write */
#define SAVES_AT_ONCE  8  /* so that a burst of goals does not hold up the loop */

int64_t machine_now_ms(const struct steps *s)
{
    return loop_now_ms(s->conf.loop);
}

/* Records. */

void machine_on_save_due(void *context)
{
    struct steps *s = context;
    int left = SAVES_AT_ONCE;

    vec_each(at, s->conf.nodes) {
        struct node *n = *at;

        if (!n->is_unsaved || n->state == NODE_ABSENT)
            continue;
        if (left-- == 0) {
            loop_timer_set(s->conf.loop, &s->save_timer, 1);
            return;
        }
        struct err e = node_save(s->conf.nodes, n, FS_SYNC);
        n->is_unsaved = false; /* the next change tries again */
        if (err_failed(e))
            log_error("cannot save a node's record", f_int("node", n->id), f_err(e));
    }
}

void machine_changed(struct steps *s, struct node *n)
{
    n->is_unsaved = true;
    if (!s->save_timer.is_on)
        loop_timer_set(s->conf.loop, &s->save_timer, SAVE_DELAY_MS);
    s->conf.on_change(s->conf.context, n);
}

void machine_set_state(struct steps *s, struct node *n, enum node_state state)
{
    if (state == NODE_RUNNING) {
        n->ran_since_ms = machine_now_ms(s);
        n->is_silent = false;
        n->is_held = false;
    }
    if (state == NODE_RUNNING || state == NODE_ABSENT)
        node_set_why(n, NULL);
    log_info("node is now", f_str("state", node_state_name(state)), f_int("node", n->id),
             f_str("cluster", n->goal ? n->goal->cluster : NULL), f_int("pid", n->run.pid),
             f_str("why", n->why));
    n->state = state;
    machine_changed(s, n);
}

void machine_explain(struct steps *s, struct node *n, const char *why)
{
    if (node_set_why(n, why))
        machine_changed(s, n);
}

/* What is wanted. */

bool node_is_up(const struct node *n)
{
    return n->state == NODE_STARTING || n->state == NODE_RUNNING || n->state == NODE_STOPPING;
}

static const char *driver_of(const struct agent_node_goal *goal)
{
    return goal->driver && *goal->driver ? goal->driver : drivers[0]->name;
}

/* True when the process is the one that the goal means. Sizes and parameters are not compared: they
 * take effect at the next start, which the goal asks for by its boot count. */
static bool fits(const struct node *n)
{
    const struct agent_node_goal *goal = n->goal;

    return n->run.boot_count >= goal->boot_count.value &&
           strcmp(n->run.driver, driver_of(goal)) == 0 && goal->address &&
           strcmp(n->run.address, goal->address) == 0 && n->run.port == goal->port.value;
}

static enum node_state wanted(const struct steps *s, const struct node *n)
{
    if (s->is_ending)
        return n->state == NODE_ABSENT ? NODE_ABSENT : NODE_STOPPED;
    if (!n->goal) /* its record is damaged: nothing changes until the control plane speaks */
        return n->state;
    if (n->goal_state == NODE_RUNNING && node_is_up(n) && !n->is_adopted && !fits(n))
        return NODE_STOPPED; /* and from there to running: that is a reboot */
    return n->goal_state;
}

/* Trying again. */

int64_t steps_restart_delay_ms(int short_lives)
{
    int64_t delay_ms = FIRST_DELAY_MS;

    if (short_lives <= 1)
        return 0;
    for (int i = 2; i < short_lives && delay_ms < LAST_DELAY_MS; i++)
        delay_ms *= 2;
    return delay_ms < LAST_DELAY_MS ? delay_ms : LAST_DELAY_MS;
}

void machine_count_crash(struct steps *s, struct node *n)
{
    if (machine_now_ms(s) - n->ran_since_ms >= LONG_LIFE_MS)
        n->short_lives = 0;
    n->short_lives++;
    n->retry_at_ms = machine_now_ms(s) + steps_restart_delay_ms(n->short_lives);
}

static void count_failure(struct steps *s, struct node *n)
{
    n->short_lives++;
    n->retry_at_ms = machine_now_ms(s) + steps_restart_delay_ms(n->short_lives + 1);
}

void machine_forgive(struct node *n)
{
    n->short_lives = 0;
    n->retry_at_ms = 0;
}

void machine_fail(struct steps *s, struct node *n)
{
    count_failure(s, n);
    machine_set_state(s, n, NODE_FAILED);
    loop_timer_set(s->conf.loop, &n->step_timer, n->retry_at_ms - machine_now_ms(s));
}

/* The walk. */

void machine_advance(struct steps *s, struct node *n)
{
    loop_timer_stop(s->conf.loop, &n->step_timer);
    for (;;) {
        const struct node_edge *edge = node_edge_find(n->state, wanted(s, n));
        if (!edge)
            return;
        enum step_result result = step_function(edge->step)(s, n);
        if (result == STEP_FAILED)
            machine_fail(s, n);
        if (result != STEP_DONE)
            return;
        machine_set_state(s, n, edge->next);
    }
}

void machine_on_step_due(void *context)
{
    struct node *n = context;
    machine_advance(n->steps, n);
}
