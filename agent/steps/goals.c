/* Goals come in; agents come and go. */
#include "agent/steps/machine.h"
#include "agent/supervise/supervise.h"
#include "base/arena.h"
#include "base/fs.h"
#include "base/log.h"
#include "contract/agent.h"

#include <stdlib.h>

static struct node *record_of(struct steps *s, int64_t id)
{
    struct node *n = nodes_find(s->conf.nodes, id);
    if (n)
        return n;

    n = nodes_add(s->conf.nodes, id);
    n->steps = s;
    n->step_timer = (struct loop_timer){.on_due = machine_on_step_due, .context = n};
    n->exit_timer = (struct loop_timer){.on_due = exits_on_due, .context = n};
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
    machine_forgive(n);
    settings_compare(s, n);
    machine_advance(s, n);
    machine_changed(s,
                    n); /* also where there is nothing to do: the control plane waits to hear so */
}

/* A node that the control plane does not name is to be absent. */
static void set_goal_absent(struct steps *s, struct node *n)
{
    const struct agent_node_goal absent = {.node_id = INT_OF(n->id),
                                           .state = node_state_name(NODE_ABSENT)};
    if (node_set_goal(n, &absent))
        machine_advance(s, n);
}

void steps_change_goals(struct steps *s, const struct agent_node_goal_list *goals)
{
    for (size_t i = 0; i < goals->count; i++)
        if (is_goal(&goals->items[i]))
            set_goal(s, &goals->items[i]);
        else
            log_error("the control plane sent a goal that makes no sense",
                      f_int("node", goals->items[i].node_id.value),
                      f_str("state", goals->items[i].state));
}

void steps_set_goals(struct steps *s, const struct agent_node_goal_list *goals)
{
    vec_each(at, s->conf.nodes)
        (*at)->is_named = false;
    steps_change_goals(s, goals);
    vec_each(at, s->conf.nodes)
        if (!(*at)->is_named)
            set_goal_absent(s, *at);
}

/* Beginning and end. */

struct steps *steps_open(const struct steps_conf *conf)
{
    struct steps *s = calloc(1, sizeof(*s));

    check(s != NULL);
    s->conf = *conf;
    s->save_timer = (struct loop_timer){.on_due = machine_on_save_due, .context = s};
    conf->supervisor->on_state = exits_on_state;
    conf->supervisor->on_gone = exits_on_gone;
    conf->supervisor->context = s;
    return s;
}

void steps_close(struct steps *s)
{
    if (!s)
        return;
    vec_each(at, s->conf.nodes) {
        struct node *n = *at;

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
    settings_read_statics(n);
    e = s->conf.supervisor->adopt(s->conf.supervisor, n);
    if (!err_failed(e)) {
        n->is_adopted = true;
        return;
    }
    if (!err_is(e, ERR_NOT_FOUND))
        log_error("cannot look for a node's process", f_int("node", id), f_err(e));
    exits_lose(s, n,
               past.is_of_this_boot ? "ended while no agent was there" : "ended with its host");
    if (n->goal)
        machine_advance(s, n);
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
    vec_each(at, s->conf.nodes) {
        const struct node *n = *at;
        bool is_being_told =
            n->state == NODE_STARTING && n->is_ready && !n->is_applied && !n->is_refused;
        if (n->is_adopted || is_being_told)
            return false;
    }
    return true;
}

void steps_end_all(struct steps *s)
{
    s->is_ending = true;
    vec_each(at, s->conf.nodes)
        machine_advance(s, *at);
}

bool steps_are_idle(const struct steps *s)
{
    vec_each(at, s->conf.nodes)
        if ((*at)->shim || node_is_up(*at))
            return false;
    return true;
}

static bool is_forgettable(const struct node *n)
{
    return n->state == NODE_ABSENT && !n->is_named && !n->is_untold && !n->is_being_told &&
           !n->shim && !n->probe && !n->tasks && !n->seeding;
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
