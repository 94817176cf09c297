/* One function for each step of the contract. Idempotent, bounded in time, safe to repeat after a
 * crash at any line: what a step finds done already, it leaves. */
#include "agent/steps/machine.h"
#include "agent/supervise/supervise.h"
#include "base/arena.h"
#include "base/fs.h"
#include "contract/agent.h"

#include <stdio.h>

#define START_MAX_MS    30000 /* an engine that is not ready by then is ended and tried again */
#define REMOVE_AGAIN_MS 1000

/* A replica has nothing that its primary does not have. One that follows somebody outside of its
 * group is a primary to others: they may take its place. */
static bool is_to_follow(const struct node *n)
{
    const struct agent_node_role *role = n->goal->role;
    return role && !role->is_primary.value && !role->is_fenced.value && !role->is_outside.value;
}

static bool may_start(const struct node *n)
{
    return !n->is_held || is_to_follow(n) || n->goal->restarts_after_exit.value ||
           n->goal->boot_count.value > n->run.boot_count;
}

static struct err check_address(struct arena *a, const struct steps *s, const char *text)
{
    struct ip address;

    if (text && ip_parse(str_of(text), &address) &&
        (ip_block_holds(&s->conf.pool, &address) || ip_block_holds(&s->conf.pool6, &address)))
        return OK;
    return err_format(a, ERR_INVALID, "address %s is not in this host's pool",
                      text ? text : "(none)");
}

static struct err check_goal(struct arena *a, const struct steps *s,
                             const struct agent_node_goal *goal)
{
    TRY(check_address(a, s, goal->address));
    if (goal->second_address)
        TRY(check_address(a, s, goal->second_address));
    if (!goal->port.has || goal->port.value < 1 || goal->port.value > UINT16_MAX)
        return err_make(ERR_INVALID, "the goal has no usable port");
    if (goal->maxmemory_bytes.value < 0)
        return err_make(ERR_INVALID, "the goal's memory is negative");
    if (!driver_find(goal->driver))
        return err_format(a, ERR_INVALID, "this agent knows no driver called %s", goal->driver);
    return OK;
}

/* Not synced: they are written anew before each start. */
static struct err write_files(struct arena *a, const struct node *n,
                              const struct driver_launch *launch)
{
    for (size_t i = 0; i < launch->file_count; i++)
        TRY(fs_write_atomic(fs_join(a, n->dir, launch->files[i].name), launch->files[i].content,
                            0600, FS_NO_SYNC));
    TRY(settings_write_statics(a, n, launch->statics));
    if (launch->conf.len == 0)
        return OK;
    return fs_write_atomic(fs_join(a, n->dir, DRIVER_CONF), launch->conf, 0600, FS_NO_SYNC);
}

/* Of an engine that was killed: what is there afterwards belongs to the one that starts now. */
static struct err remove_socket(struct arena *a, const struct steps *s, const struct node *n,
                                const struct driver *driver)
{
    struct driver_contact contact;

    driver->contact(s->conf.host, n->goal, &contact);
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
    const char *build = driver_version(s->conf.host, launch.argv[0]);
    TRY(fs_make_dirs(n->dir, 0700));
    TRY(remove_socket(a, s, n, driver));
    kept_before_start(s, n);
    TRY(kept_take_seed(a, n, driver->loads_seeds));
    TRY(write_files(a, n, &launch));
    process.argv = launch.argv;
    process.run =
        (struct node_run){.port = (int)goal->port.value, .boot_count = goal->boot_count.value};
    snprintf(process.run.driver, sizeof(process.run.driver), "%s", driver->name);
    snprintf(process.run.build, sizeof(process.run.build), "%s", build);
    snprintf(process.run.address, sizeof(process.run.address), "%s", goal->address);
    TRY(s->conf.supervisor->start(s->conf.supervisor, a, n, &process));
    n->run = process.run;
    node_forget_settings(n);
    node_set_statics(n, launch.statics);
    return OK;
}

static enum step_result step_start(struct steps *s, struct node *n)
{
    scoped(arena_fini) struct arena a = {0};

    if (n->is_killed)
        machine_explain(s, n, "the process before was killed, and the kernel holds it still");
    if (n->shim)
        return STEP_WAIT; /* until nothing is left of the process before */
    if (!may_start(n)) {
        if (!n->why[0])
            machine_explain(s, n, "it crashed, and starting it empty needs an order");
        return STEP_WAIT;
    }
    if (machine_now_ms(s) < n->retry_at_ms) {
        loop_timer_set(s->conf.loop, &n->step_timer, n->retry_at_ms - machine_now_ms(s));
        return STEP_WAIT;
    }
    if (n->goal->seeds && s->conf.has_seeds && !s->conf.has_seeds(s->conf.context, n))
        return STEP_WAIT; /* until it was fetched */
    struct err e = launch_node(&a, s, n);
    if (err_failed(e)) {
        node_set_why(n, err_text(&a, e));
        return STEP_FAILED;
    }
    node_set_why(n, NULL);
    n->is_ready = n->is_exited = n->has_bad_seed = false;
    n->began_ms = machine_now_ms(s);
    n->used_memory_bytes = n->connected_clients = -1;
    return STEP_DONE;
}

void steps_seeded(struct steps *s, struct node *n, const char *why)
{
    if (why) {
        machine_explain(s, n, why);
        return;
    }
    machine_advance(s, n);
    machine_changed(s, n);
}

/* `retry` is a start whose time has come; when that is, step_start asks itself. */
static enum step_result step_retry(struct steps *s, struct node *n)
{
    kept_after_failure(n);
    return step_start(s, n);
}

static enum step_result step_await_ready(struct steps *s, struct node *n)
{
    int64_t left_ms = n->began_ms + START_MAX_MS + kept_start_ms(n) - machine_now_ms(s);

    if (n->is_ready && n->is_applied)
        kept_in_force(n);
    if (n->is_ready)
        return n->is_applied ? STEP_DONE : STEP_WAIT; /* for its settings */
    if (left_ms > 0) {
        loop_timer_set(s->conf.loop, &n->step_timer, left_ms);
        return STEP_WAIT;
    }
    machine_explain(s, n, "it was not ready in time");
    s->conf.supervisor->stop(s->conf.supervisor, n, 0); /* its exit goes on from here */
    return STEP_WAIT;
}

static enum step_result step_stop(struct steps *s, struct node *n)
{
    s->conf.supervisor->stop(s->conf.supervisor, n, STOP_GRACE_MS + kept_stop_ms(s, n));
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
    machine_forgive(n);
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
    machine_explain(s, n, err_text(&a, e));
    loop_timer_set(s->conf.loop, &n->step_timer, REMOVE_AGAIN_MS);
    return STEP_WAIT;
}

/* By enum node_step; a step that the contract gets and this file does not have fails to compile. */
static const step_fn step_table[] = {
#define STEP_FUNCTION(name) step_##name,
    NODE_STEPS(STEP_FUNCTION)
#undef STEP_FUNCTION
};

step_fn step_function(enum node_step step)
{
    return step_table[step];
}
