/* Events of processes: ready, ended, vanished, silent, or found to be there from an earlier agent.
 */
#include "agent/steps/machine.h"
#include "agent/supervise/supervise.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "contract/agent.h"

#include <stdio.h>
#include <string.h>

#define SILENT_REPORT_MS 2000

/* What every engine says that ends because it cannot load its data. */
#define CANNOT_LOAD "Fatal error loading the DB"

/* How one ended. */

static const struct driver *driver_running(const struct node *n)
{
    const struct driver *driver = driver_find(n->run.driver);
    return driver ? driver : drivers[0];
}

static void describe_exit(struct arena *a, struct node *n, const struct shim_state *state)
{
    const char *text = "it could not be run";

    if (strcmp(state->exit, SHIM_EXIT_UNRUN) != 0)
        text = proc_exit_text(a, (struct proc_exit){strcmp(state->exit, SHIM_EXIT_SIGNAL) == 0,
                                                    (int)state->exit_number});
    snprintf(n->last_exit, sizeof(n->last_exit), "%s", text);
}

/* Nobody asked for this end of a running engine. */
static void crash(struct steps *s, struct node *n, int64_t crashed_ms)
{
    /* Who was ended by the machine, and not by its agent, has kept what it had. */
    bool has_kept = kept_is_of_last_run(n);

    if (!has_kept)
        kept_after_crash(n);
    n->crashes++;
    n->crashed_ms = crashed_ms;
    n->is_held = !has_kept && (!n->goal || !n->goal->restarts_after_exit.value);
    machine_count_crash(s, n);
    node_set_why(n, !n->is_held && n->retry_at_ms > machine_now_ms(s)
                        ? "it crashed again and again: the next start waits"
                        : NULL);
    log_warn("engine crashed", f_int("node", n->id),
             f_str("cluster", n->goal ? n->goal->cluster : NULL), f_int("pid", n->run.pid),
             f_str("exit", n->last_exit), f_int("crashes", n->crashes));
    machine_set_state(s, n, NODE_STOPPED);
}

/* An end that was asked for, at which data was to be kept. */
static void check_kept(struct steps *s, struct node *n)
{
    bool was_to_keep =
        n->goal && n->goal_state != NODE_ABSENT && driver_keeps_data(s->conf.host, n->goal);

    if (!was_to_keep || kept_is_of_last_run(n))
        return;
    n->is_held = !n->goal->restarts_after_exit.value;
    node_set_why(n, "what was in memory could not be written when it was stopped");
    log_error("what was in memory is lost: it was not written at the stop", f_int("node", n->id),
              f_str("cluster", n->goal->cluster), f_str("exit", n->last_exit));
}

bool exits_are_about_seed(const struct node *n, struct str words)
{
    return n->goal && n->goal->seeds && words.len > 0 &&
           memmem(words.ptr, words.len, CANNOT_LOAD, strlen(CANNOT_LOAD));
}

/* What an exit means, by the state in which it came. */
static void take_down_exit(struct steps *s, struct node *n, int64_t exited_ms, struct str last_line)
{
    scoped(arena_fini) struct arena a = {0};

    switch (n->state) {
    case NODE_RUNNING: crash(s, n, exited_ms); break;
    case NODE_STARTING:
        n->has_bad_seed |= exits_are_about_seed(n, last_line);
        if (!n->why[0]) /* else it was ended for that reason */
            node_set_why(n, last_line.len > 0
                                ? str_dup(&a, driver_running(n)->plain(last_line))
                                : arena_printf(&a, "it ended while starting: %s", n->last_exit));
        machine_fail(s, n);
        break;
    case NODE_STOPPING:
        check_kept(s, n);
        machine_changed(s, n);
        break;
    default: machine_changed(s, n); break;
    }
}

/* Whether this end was taken down before, as that of one that was killed or by an earlier agent. */
static bool is_counted(const struct node *n, const struct shim_state *state)
{
    char name[NODE_EXIT_BYTES];

    node_run_name(state->pid, state->started_ms, name);
    return strcmp(name, n->counted_exit) == 0;
}

static void on_exit_report(struct steps *s, struct node *n, const struct shim_state *state)
{
    scoped(arena_fini) struct arena a = {0};

    if (n->is_exited)
        return;
    n->is_exited = true;
    n->is_ready = n->is_silent = false;
    describe_exit(&a, n, state);
    if (is_counted(n, state)) {
        machine_changed(s, n);
    } else {
        node_run_name(state->pid, state->started_ms, n->counted_exit);
        take_down_exit(s, n, state->exited_ms, str_of(state->last_line));
    }
    loop_timer_set(s->conf.loop, &n->exit_timer, 0);
}

/* It serves nobody and never will: its place may be taken. Its own next start waits until it is
 * gone. */
static void on_kill_report(struct steps *s, struct node *n, const struct shim_state *state)
{
    if (n->state != NODE_RUNNING || is_counted(n, state))
        return;
    node_run_name(state->pid, state->started_ms, n->counted_exit);
    snprintf(n->last_exit, sizeof(n->last_exit), "signal 9, held by the kernel");
    n->is_ready = n->is_silent = false;
    crash(s, n, state->killed_ms);
}

/*
 * The exit is written down before the shim may forget it, so that no crash is lost or counted
 * twice. Not synced, because the next start shall not wait for the disk; and by a timer of now,
 * which comes behind that of the report: the control plane shall not wait for the disk either.
 */
void exits_on_due(void *context)
{
    struct node *n = context;
    struct steps *s = n->steps;

    if (n->state == NODE_ABSENT) /* shim and folder went meanwhile */
        return;
    struct err e = node_save(s->conf.nodes, n, FS_NO_SYNC);
    if (err_failed(e))
        log_error("cannot save a node's record", f_int("node", n->id), f_err(e));
    if (n->shim && n->is_exited)
        s->conf.supervisor->take_exit(s->conf.supervisor, n);
}

/* The process is gone and nobody said how. */
void exits_lose(struct steps *s, struct node *n, const char *how)
{
    if (!node_is_up(n))
        return;
    n->is_silent = false;
    snprintf(n->last_exit, sizeof(n->last_exit), "%s", how);
    take_down_exit(s, n, clock_wall_ms(loop_clock(s->conf.loop)), (struct str){0});
}

/* What the shim says. */

/* Where a process stands that an earlier agent started, by its record and the shim's first word. */
static enum node_state state_taken_over(const struct node *n, const struct shim_state *state)
{
    bool is_known = n->run.pid == state->pid && n->run.started_ms == state->started_ms;

    /* Only the shim is left, waiting to be told so, or what the kernel holds. */
    if ((state->exit || state->killed_ms > 0) && is_counted(n, state))
        return node_is_up(n) ? NODE_STOPPED : n->state;
    if (n->state == NODE_STOPPING && is_known)
        return NODE_STOPPING;
    if (n->state == NODE_RUNNING && is_known)
        return NODE_RUNNING;
    /* Ready, and nobody knows whether it has its settings: it gets them before it counts. */
    if (state->ready_ms > 0 && n->goal && n->goal_state == NODE_RUNNING && !state->exit)
        return NODE_STARTING;
    if (state->ready_ms > 0)
        return NODE_RUNNING;
    if (!n->goal && !state->exit) /* nobody can say what readiness would be */
        return NODE_RUNNING;
    return NODE_STARTING;
}

static void take_over(struct steps *s, struct node *n, const struct shim_state *state)
{
    int64_t age_ms = clock_wall_ms(loop_clock(s->conf.loop)) - state->started_ms;

    n->is_adopted = false;
    n->state = state_taken_over(n, state);
    n->began_ms = machine_now_ms(s);
    n->ran_since_ms = machine_now_ms(s) - (age_ms > 0 ? age_ms : 0);
    log_info("engine adopted", f_int("node", n->id), f_int("pid", state->pid),
             f_str("phase", state->phase));
}

void exits_on_state(void *context, struct node *n, const struct shim_state *state)
{
    struct steps *s = context;

    if (n->is_adopted)
        take_over(s, n, state);
    if (state->tag && !run_from_tag(state->tag, &n->run))
        log_warn("a shim's tag is not ours", f_int("node", n->id), f_str("tag", state->tag));
    n->run.pid = state->pid;
    n->run.started_ms = state->started_ms;
    n->is_killed = state->killed_ms > 0 && !state->exit;
    if (state->exit) {
        on_exit_report(s, n, state);
    } else if (n->is_killed) {
        on_kill_report(s, n, state);
        machine_changed(s, n);
    } else {
        n->is_ready |= strcmp(state->phase, SHIM_READY) == 0;
        if (n->state == NODE_STOPPING) /* the order may have been lost with an agent */
            s->conf.supervisor->stop(s->conf.supervisor, n, STOP_GRACE_MS + kept_stop_ms(s, n));
        machine_changed(s, n);
    }
    machine_advance(s, n);
}

void exits_on_gone(void *context, struct node *n)
{
    struct steps *s = context;

    n->is_adopted = false;
    if (!n->is_exited)
        exits_lose(s, n, "ended with its supervisor");
    n->is_exited = n->is_ready = n->is_killed = false;
    machine_advance(s, n);
}

/* What the observer says. */

void steps_alive(struct steps *s, struct node *n)
{
    bool counts = n->state == NODE_STARTING && !n->is_exited && !driver_running(n)->says_ready;

    if (counts && !n->is_ready) {
        n->is_ready = true;
        machine_advance(s, n);
        machine_changed(s, n); /* it can be told its settings now */
    }
    if (n->is_silent) {
        n->is_silent = false;
        log_info("engine answers again", f_int("node", n->id));
        machine_explain(s, n, NULL);
        machine_changed(s, n);
    }
}

void steps_silent(struct steps *s, struct node *n, int64_t silent_ms, const char *why)
{
    if (n->state != NODE_RUNNING || n->is_silent || silent_ms < SILENT_REPORT_MS)
        return;
    n->is_silent = true;
    log_warn("engine does not answer", f_int("node", n->id), f_int("pid", n->run.pid),
             f_int("silent_ms", silent_ms));
    machine_explain(s, n, why);
}

void steps_unleased(struct steps *s, struct node *n, bool is_unleased)
{
    if (n->is_unleased == is_unleased)
        return;
    n->is_unleased = is_unleased;
    if (is_unleased)
        log_warn("primary has no lease", f_int("node", n->id),
                 f_str("cluster", n->goal ? n->goal->cluster : NULL));
    machine_changed(s, n);
}

void steps_hung(struct steps *s, struct node *n, const char *why)
{
    if (n->state != NODE_RUNNING || n->is_exited)
        return;
    log_error("engine is ended so that another one takes its place", f_int("node", n->id),
              f_str("cluster", n->goal ? n->goal->cluster : NULL), f_int("pid", n->run.pid),
              f_str("why", why));
    s->conf.supervisor->stop(s->conf.supervisor, n, 0);
}
