/*
 * The machine of one node. Two things move it: `advance`, which looks up the edge from the state to
 * what is wanted and runs its step, and events, which record what happened and then advance.
 */
#include "agent/steps.h"

#include "agent/supervise/supervise.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "contract/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_GRACE_MS    10000
#define START_MAX_MS     30000 /* an engine that is not ready by then is ended and tried again */
#define LONG_LIFE_MS     10000 /* who ran for so long may crash again without penalty */
#define FIRST_DELAY_MS   100
#define LAST_DELAY_MS    10000
#define SAVE_DELAY_MS    20 /* gathers the changes of a start into one write */
#define SAVES_AT_ONCE    8  /* so that a burst of goals does not hold up the loop */
#define REMOVE_AGAIN_MS  1000
#define SILENT_REPORT_MS 3000

enum step_result {
    STEP_DONE,   /* the node is in the edge's next state */
    STEP_WAIT,   /* an event or the node's timer goes on */
    STEP_FAILED, /* n->why says why; it is tried again later */
};

struct steps {
    struct steps_conf conf;
    struct loop_timer save_timer;
    bool is_ending;
};

static void advance(struct steps *s, struct node *n);

static int64_t now_ms(const struct steps *s)
{
    return loop_now_ms(s->conf.loop);
}

/* Records. */

static void on_save_due(void *context)
{
    struct steps *s = context;
    int left = SAVES_AT_ONCE;

    nodes_each(n, s->conf.nodes)
    {
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

static void changed(struct steps *s, struct node *n)
{
    n->is_unsaved = true;
    if (!s->save_timer.is_on)
        loop_timer_set(s->conf.loop, &s->save_timer, SAVE_DELAY_MS);
    s->conf.on_change(s->conf.context, n);
}

static void set_state(struct steps *s, struct node *n, enum node_state state)
{
    if (state == NODE_RUNNING) {
        n->ran_since_ms = now_ms(s);
        n->is_silent = false;
        n->is_held = false;
    }
    if (state == NODE_RUNNING || state == NODE_ABSENT)
        node_set_why(n, NULL);
    log_info("node is now", f_str("state", node_state_name(state)), f_int("node", n->id),
             f_str("cluster", n->goal ? n->goal->cluster : NULL), f_int("pid", n->run.pid),
             f_str("why", n->why));
    n->state = state;
    changed(s, n);
}

static void explain(struct steps *s, struct node *n, const char *why)
{
    if (node_set_why(n, why))
        changed(s, n);
}

/* What is wanted. */

static bool is_up(const struct node *n)
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
    if (!n->goal) /* its record is damaged: leave things as they are until the control plane speaks
                   */
        return n->state == NODE_STARTING ? NODE_RUNNING : n->state;
    if (n->goal_state == NODE_RUNNING && is_up(n) && !n->is_adopted && !fits(n))
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

static void count_crash(struct steps *s, struct node *n)
{
    if (now_ms(s) - n->ran_since_ms >= LONG_LIFE_MS)
        n->short_lives = 0;
    n->short_lives++;
    n->retry_at_ms = now_ms(s) + steps_restart_delay_ms(n->short_lives);
}

static void count_failure(struct steps *s, struct node *n)
{
    n->short_lives++;
    n->retry_at_ms = now_ms(s) + steps_restart_delay_ms(n->short_lives + 1);
}

static void forgive(struct node *n)
{
    n->short_lives = 0;
    n->retry_at_ms = 0;
}

/* The steps. */

static bool may_start(const struct node *n)
{
    return !n->is_held || n->goal->restarts_after_exit.value ||
           n->goal->boot_count.value > n->run.boot_count;
}

static struct err check_goal(struct arena *a, const struct steps *s,
                             const struct agent_node_goal *goal)
{
    uint64_t index;

    if (!goal->address || !cidr_index(&s->conf.pool, str_of(goal->address), &index))
        return err_format(a, ERR_INVALID, "address %s is not in this host's pool",
                          goal->address ? goal->address : "(none)");
    if (!goal->port.has || goal->port.value < 1 || goal->port.value > UINT16_MAX)
        return err_make(ERR_INVALID, "the goal has no usable port");
    if (goal->maxmemory_bytes.value < 0)
        return err_make(ERR_INVALID, "the goal's memory is negative");
    if (!driver_find(goal->driver))
        return err_format(a, ERR_INVALID, "this agent knows no driver called %s", goal->driver);
    return OK;
}

static struct err write_conf(struct arena *a, const struct node *n, struct str conf)
{
    if (conf.len == 0)
        return OK;
    /* Not synced: it is written anew before each start. */
    return fs_write_atomic(fs_join(a, n->dir, DRIVER_CONF), conf, 0600, FS_NO_SYNC);
}

/* Of an engine that was killed: what is there afterwards belongs to the one that starts now. */
static struct err remove_socket(struct arena *a, const struct node *n, const struct driver *driver)
{
    struct driver_contact contact;

    driver->contact(n->goal, &contact);
    return contact.socket ? fs_remove(fs_join(a, n->dir, contact.socket)) : OK;
}

static struct err launch_node(struct arena *a, struct steps *s, struct node *n)
{
    const struct agent_node_goal *goal = n->goal;
    const struct driver *driver = driver_find(goal->driver);
    struct driver_launch launch;
    struct launch process = {0};

    TRY(check_goal(a, s, goal));
    TRY(driver->prepare(a, s->conf.host, goal, &launch));
    TRY(fs_make_dirs(n->dir, 0700));
    TRY(remove_socket(a, n, driver));
    TRY(write_conf(a, n, launch.conf));
    process.argv = launch.argv;
    process.run =
        (struct node_run){.port = (int)goal->port.value, .boot_count = goal->boot_count.value};
    snprintf(process.run.driver, sizeof(process.run.driver), "%s", driver->name);
    snprintf(process.run.address, sizeof(process.run.address), "%s", goal->address);
    TRY(s->conf.supervisor->start(s->conf.supervisor, a, n, &process));
    n->run = process.run;
    return OK;
}

static enum step_result step_start(struct steps *s, struct node *n)
{
    scoped(arena_fini) struct arena a = {0};

    if (n->shim)
        return STEP_WAIT; /* until nothing is left of the process before */
    if (!may_start(n)) {
        explain(s, n, "it crashed, and starting it empty needs an order");
        return STEP_WAIT;
    }
    if (now_ms(s) < n->retry_at_ms) {
        loop_timer_set(s->conf.loop, &n->step_timer, n->retry_at_ms - now_ms(s));
        return STEP_WAIT;
    }
    struct err e = launch_node(&a, s, n);
    if (err_failed(e)) {
        node_set_why(n, err_text(&a, e));
        return STEP_FAILED;
    }
    node_set_why(n, NULL);
    n->is_ready = n->is_exited = false;
    n->began_ms = now_ms(s);
    n->used_memory_bytes = n->connected_clients = -1;
    return STEP_DONE;
}

static enum step_result step_await_ready(struct steps *s, struct node *n)
{
    int64_t left_ms = n->began_ms + START_MAX_MS - now_ms(s);

    if (n->is_ready)
        return STEP_DONE;
    if (left_ms > 0) {
        loop_timer_set(s->conf.loop, &n->step_timer, left_ms);
        return STEP_WAIT;
    }
    explain(s, n, "it was not ready within 30 seconds");
    s->conf.supervisor->stop(s->conf.supervisor, n, 0); /* its exit goes on from here */
    return STEP_WAIT;
}

static enum step_result step_stop(struct steps *s, struct node *n)
{
    s->conf.supervisor->stop(s->conf.supervisor, n, STOP_GRACE_MS);
    return STEP_DONE;
}

static enum step_result step_await_exit(struct steps *s, struct node *n)
{
    (void)s;
    return n->shim ? STEP_WAIT : STEP_DONE;
}

static enum step_result step_prepare(struct steps *s, struct node *n)
{
    scoped(arena_fini) struct arena a = {0};

    (void)s;
    struct err e = fs_make_dirs(n->dir, 0700);
    if (!err_failed(e))
        return STEP_DONE;
    node_set_why(n, err_text(&a, e));
    return STEP_FAILED;
}

static enum step_result step_give_up(struct steps *s, struct node *n)
{
    (void)s;
    if (n->shim)
        return STEP_WAIT;
    forgive(n);
    return STEP_DONE;
}

static enum step_result step_remove(struct steps *s, struct node *n)
{
    scoped(arena_fini) struct arena a = {0};

    if (n->shim)
        return STEP_WAIT;
    struct err e = fs_remove_tree(n->dir);
    if (!err_failed(e))
        return STEP_DONE;
    explain(s, n, err_text(&a, e));
    loop_timer_set(s->conf.loop, &n->step_timer, REMOVE_AGAIN_MS);
    return STEP_WAIT;
}

/* `retry` is a start whose time has come; when that is, step_start asks itself. */
static enum step_result step_retry(struct steps *s, struct node *n)
{
    return step_start(s, n);
}

/* By enum node_step; a step that the contract gets and this file does not have fails to link. */
static enum step_result (*const step_table[])(struct steps *, struct node *) = {
#define STEP_FUNCTION(name) step_##name,
    NODE_STEPS(STEP_FUNCTION)
#undef STEP_FUNCTION
};

static void fail(struct steps *s, struct node *n)
{
    count_failure(s, n);
    set_state(s, n, NODE_FAILED);
    loop_timer_set(s->conf.loop, &n->step_timer, n->retry_at_ms - now_ms(s));
}

/* Runs steps until one waits. Each turn of the loop gets nearer to what is wanted, along the table.
 */
static void advance(struct steps *s, struct node *n)
{
    loop_timer_stop(s->conf.loop, &n->step_timer);
    for (;;) {
        const struct node_edge *edge = node_edge_find(n->state, wanted(s, n));
        if (!edge)
            return;
        enum step_result result = step_table[edge->step](s, n);
        if (result == STEP_FAILED)
            fail(s, n);
        if (result != STEP_DONE)
            return;
        set_state(s, n, edge->next);
    }
}

static void on_step_due(void *context)
{
    struct node *n = context;
    advance(n->steps, n);
}

/* Events of processes. */

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
    n->crashes++;
    n->crashed_ms = crashed_ms;
    n->is_held = !n->goal || !n->goal->restarts_after_exit.value;
    count_crash(s, n);
    node_set_why(n, n->retry_at_ms > now_ms(s) ? "it crashed again and again: the next start waits"
                                               : NULL);
    log_warn("engine crashed", f_int("node", n->id),
             f_str("cluster", n->goal ? n->goal->cluster : NULL), f_int("pid", n->run.pid),
             f_str("exit", n->last_exit), f_int("crashes", n->crashes));
    set_state(s, n, NODE_STOPPED);
}

/* What an exit means, by the state in which it came. */
static void take_down_exit(struct steps *s, struct node *n, int64_t exited_ms, struct str last_line)
{
    scoped(arena_fini) struct arena a = {0};

    switch (n->state) {
    case NODE_RUNNING: crash(s, n, exited_ms); break;
    case NODE_STARTING:
        if (!n->why[0]) /* else it was ended for that reason */
            node_set_why(n, last_line.len > 0
                                ? str_dup(&a, driver_running(n)->plain(last_line))
                                : arena_printf(&a, "it ended while starting: %s", n->last_exit));
        fail(s, n);
        break;
    default: changed(s, n); break;
    }
}

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
    n->is_ready = false;
    if (!is_counted(n, state)) {
        node_run_name(state->pid, state->started_ms, n->counted_exit);
        describe_exit(&a, n, state);
        take_down_exit(s, n, state->exited_ms, str_of(state->last_line));
    }
    loop_timer_set(s->conf.loop, &n->exit_timer, 0);
}

/*
 * The exit is written down before the shim may forget it, so that no crash is lost or counted
 * twice. Not synced, because the next start shall not wait for the disk; and by a timer of now,
 * which comes behind that of the report: the control plane shall not wait for the disk either.
 */
static void on_exit_due(void *context)
{
    struct node *n = context;
    struct steps *s = n->steps;

    struct err e = node_save(s->conf.nodes, n, FS_NO_SYNC);
    if (err_failed(e))
        log_error("cannot save a node's record", f_int("node", n->id), f_err(e));
    if (n->shim && n->is_exited)
        s->conf.supervisor->take_exit(s->conf.supervisor, n);
}

/* The process is gone and nobody said how. */
static void lose(struct steps *s, struct node *n, const char *how)
{
    if (!is_up(n))
        return;
    snprintf(n->last_exit, sizeof(n->last_exit), "%s", how);
    take_down_exit(s, n, clock_wall_ms(loop_clock(s->conf.loop)), (struct str){0});
}

/* Where a process stands that an earlier agent started, by its record and the shim's first word. */
static enum node_state state_taken_over(const struct node *n, const struct shim_state *state)
{
    bool is_known = n->run.pid == state->pid && n->run.started_ms == state->started_ms;

    if (state->exit && is_counted(n, state)) /* only the shim is left, waiting to be told so */
        return is_up(n) ? NODE_STOPPED : n->state;
    if (n->state == NODE_STOPPING && is_known)
        return NODE_STOPPING;
    if (state->ready_ms > 0 || (n->state == NODE_RUNNING && is_known))
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
    n->began_ms = now_ms(s);
    n->ran_since_ms = now_ms(s) - (age_ms > 0 ? age_ms : 0);
    log_info("engine adopted", f_int("node", n->id), f_int("pid", state->pid),
             f_str("phase", state->phase));
}

static void on_state(void *context, struct node *n, const struct shim_state *state)
{
    struct steps *s = context;

    if (n->is_adopted)
        take_over(s, n, state);
    if (state->tag && !run_from_tag(state->tag, &n->run))
        log_warn("a shim's tag is not ours", f_int("node", n->id), f_str("tag", state->tag));
    n->run.pid = state->pid;
    n->run.started_ms = state->started_ms;
    if (state->exit) {
        on_exit_report(s, n, state);
    } else {
        n->is_ready |= strcmp(state->phase, SHIM_READY) == 0;
        if (n->state == NODE_STOPPING) /* the order may have been lost with an agent */
            s->conf.supervisor->stop(s->conf.supervisor, n, STOP_GRACE_MS);
        changed(s, n);
    }
    advance(s, n);
}

static void on_gone(void *context, struct node *n)
{
    struct steps *s = context;

    n->is_adopted = false;
    if (!n->is_exited)
        lose(s, n, "ended with its supervisor");
    n->is_exited = n->is_ready = false;
    advance(s, n);
}

void steps_alive(struct steps *s, struct node *n)
{
    if (n->state == NODE_STARTING && !n->is_exited && !n->is_ready) {
        n->is_ready = true;
        advance(s, n);
    }
    if (n->is_silent) {
        n->is_silent = false;
        log_info("engine answers again", f_int("node", n->id));
        explain(s, n, NULL);
    }
}

void steps_silent(struct steps *s, struct node *n, int64_t silent_ms)
{
    if (n->state != NODE_RUNNING || n->is_silent || silent_ms < SILENT_REPORT_MS)
        return;
    n->is_silent = true;
    log_warn("engine does not answer", f_int("node", n->id), f_int("pid", n->run.pid),
             f_int("silent_ms", silent_ms));
    explain(s, n, "it runs and does not answer");
}

/* Goals. */

static struct node *record_of(struct steps *s, int64_t id)
{
    struct node *n = nodes_find(s->conf.nodes, id);
    if (n)
        return n;

    n = nodes_add(s->conf.nodes, id);
    n->steps = s;
    n->step_timer = (struct loop_timer){.on_due = on_step_due, .context = n};
    n->exit_timer = (struct loop_timer){.on_due = on_exit_due, .context = n};
    return n;
}

static bool is_goal(const struct agent_node_goal *goal)
{
    enum node_state state;
    return goal->node_id.value > 0 && node_state_parse(goal->state, &state) &&
           node_state_is_goal(state);
}

static void set_goal(struct steps *s, const struct agent_node_goal *goal)
{
    struct node *n = record_of(s, goal->node_id.value);

    n->is_named = true;
    if (!node_set_goal(n, goal))
        return;
    forgive(n);
    advance(s, n);
    changed(s, n); /* also where there is nothing to do: the control plane waits to hear so */
}

/* A node that the control plane does not name is to be absent. */
static void set_goal_absent(struct steps *s, struct node *n)
{
    const struct agent_node_goal absent = {.node_id = INT_OF(n->id),
                                           .state = node_state_name(NODE_ABSENT)};
    if (node_set_goal(n, &absent))
        advance(s, n);
}

void steps_set_goals(struct steps *s, const struct agent_node_goal_list *goals)
{
    nodes_each(n, s->conf.nodes) n->is_named = false;
    for (size_t i = 0; i < goals->count; i++)
        if (is_goal(&goals->items[i]))
            set_goal(s, &goals->items[i]);
        else
            log_error("the control plane sent a goal that makes no sense",
                      f_int("node", goals->items[i].node_id.value),
                      f_str("state", goals->items[i].state));
    nodes_each(n, s->conf.nodes) if (!n->is_named) set_goal_absent(s, n);
}

/* Beginning and end. */

struct steps *steps_open(const struct steps_conf *conf)
{
    struct steps *s = calloc(1, sizeof(*s));

    check(s != NULL);
    s->conf = *conf;
    s->save_timer = (struct loop_timer){.on_due = on_save_due, .context = s};
    conf->supervisor->on_state = on_state;
    conf->supervisor->on_gone = on_gone;
    conf->supervisor->context = s;
    return s;
}

void steps_close(struct steps *s)
{
    if (!s)
        return;
    nodes_each(n, s->conf.nodes)
    {
        loop_timer_stop(s->conf.loop, &n->step_timer);
        loop_timer_stop(s->conf.loop, &n->exit_timer);
        if (n->is_unsaved && n->state != NODE_ABSENT &&
            err_failed(node_save(s->conf.nodes, n, FS_SYNC)))
            log_error("cannot save a node's record", f_int("node", n->id));
    }
    loop_timer_stop(s->conf.loop, &s->save_timer);
    free(s);
}

static void resume_node(struct steps *s, int64_t id)
{
    struct node *n = record_of(s, id);
    struct node_past past = {0};

    struct err e = node_load(s->conf.nodes, n, &past);
    if (err_failed(e)) {
        log_warn("a node's record cannot be read, so its goal is awaited", f_int("node", id),
                 f_err(e));
        n->state = NODE_STOPPED;
    }
    e = s->conf.supervisor->adopt(s->conf.supervisor, n);
    if (!err_failed(e)) {
        n->is_adopted = true;
        return;
    }
    if (!err_is(e, ERR_NOT_FOUND))
        log_error("cannot look for a node's process", f_int("node", id), f_err(e));
    lose(s, n, past.is_of_this_boot ? "ended while no agent was there" : "ended with its host");
    if (n->goal)
        advance(s, n);
}

struct err steps_resume(struct steps *s)
{
    scoped(arena_fini) struct arena a = {0};
    struct fs_names names;

    TRY(fs_list(&a, s->conf.nodes->dir, &names));
    for (size_t i = 0; i < names.count; i++) {
        int64_t id;
        if (str_to_i64(str_of(names.items[i]), &id) && id > 0)
            resume_node(s, id);
        else
            log_warn("something in the folder of nodes is not a node",
                     f_str("name", names.items[i]));
    }
    return OK;
}

bool steps_are_settled(const struct steps *s)
{
    nodes_each(n, s->conf.nodes) if (n->is_adopted) return false;
    return true;
}

void steps_end_all(struct steps *s)
{
    s->is_ending = true;
    nodes_each(n, s->conf.nodes) advance(s, n);
}

bool steps_are_idle(const struct steps *s)
{
    nodes_each(n, s->conf.nodes) if (n->shim || is_up(n)) return false;
    return true;
}

static bool is_forgettable(const struct node *n)
{
    return n->state == NODE_ABSENT && !n->is_named && !n->is_untold && !n->is_being_told &&
           !n->is_told_again && !n->shim && !n->probe;
}

void steps_sweep(struct steps *s)
{
    for (size_t i = s->conf.nodes->count; i-- > 0;) {
        struct node *n = s->conf.nodes->items[i];
        if (!is_forgettable(n))
            continue;
        loop_timer_stop(s->conf.loop, &n->step_timer);
        loop_timer_stop(s->conf.loop, &n->exit_timer);
        nodes_remove(s->conf.nodes, n);
    }
}
