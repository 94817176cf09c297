/* The life of each task: found in the goal, begun once its node serves, told of, and let go. */
#include "agent/tasks/tasks.h"

#include "agent/tasks/kind.h"
#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "base/shape_json.h"
#include "base/vec.h"
#include "contract/agent.h"

#include <stdlib.h>
#include <string.h>

static const char running[] = "running", done[] = "done", failed[] = "failed";

struct tasks {
    struct tasks_conf conf;
    struct http_loop *http;
    struct loop_watch watch; /* of its descriptor */
};

const struct tasks_conf *task_conf(const struct task *t)
{
    return &t->all->conf;
}

struct http_loop *task_http(const struct task *t)
{
    return t->all->http;
}

const struct driver *task_driver(const struct task *t)
{
    const struct driver *driver = driver_find(t->node->run.driver);
    return driver ? driver : drivers[0];
}

/* --- what is told --- */

/* The reports live in the arena of the node's first task. */
static void write_reports(struct node *n)
{
    struct agent_node_task_report_list *list;
    size_t count = 0;

    n->task_reports = NULL;
    for (const struct task *t = n->tasks; t; t = t->next)
        count++;
    if (count == 0)
        return;
    struct arena *a = &n->tasks->arena;
    list = arena_new(a, struct agent_node_task_report_list);
    *list = (struct agent_node_task_report_list){
        .has = true, .items = arena_array(a, count, sizeof(*list->items))};
    for (const struct task *t = n->tasks; t; t = t->next)
        if (t->state)
            list->items[list->count++] = (struct agent_node_task_report){
                .task_id = t->goal->task_id,
                .state = t->state,
                .why = t->why,
                .percent = {t->percent > 0, t->percent},
            };
    n->task_reports = list;
}

static void tell(struct task *t)
{
    const struct tasks_conf *conf = task_conf(t);

    write_reports(t->node);
    conf->on_news(conf->context, t->node);
}

void task_tell(struct task *t, int percent)
{
    if (percent == t->percent)
        return;
    t->percent = percent;
    tell(t);
}

static void drop(struct task *t)
{
    if (!t->is_at_work)
        return;
    t->is_at_work = false;
    t->kind->drop(t);
}

void task_end(struct task *t, struct err e)
{
    t->state = err_failed(e) ? failed : done;
    t->why = err_failed(e) ? err_text(&t->arena, e) : NULL;
    drop(t);
    if (err_failed(e))
        log_warn("a task failed", f_int("node", t->node->id), f_int("task", t->goal->task_id.value),
                 f_str("kind", t->goal->kind), f_str("why", t->why));
    else
        log_info("a task is done", f_int("node", t->node->id),
                 f_int("task", t->goal->task_id.value), f_str("kind", t->goal->kind));
    tell(t);
}

/* --- which there are --- */

static const struct task_kind *kind_find(const struct tasks *all, const char *name)
{
    for (const struct task_kind *const *k = all->conf.kinds; *k; k++)
        if (name && strcmp((*k)->name, name) == 0)
            return *k;
    return NULL;
}

/* What the goal says of it, in memory of its own: goals come and go. */
static const struct agent_node_task *goal_copy(struct arena *a, const struct agent_node_task *goal)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&text);
    struct agent_node_task *copy = arena_new(a, struct agent_node_task);

    shape_json_write(&w, &agent_shape_node_task, goal);
    check(!err_failed(
        shape_json_parse(a, &agent_shape_node_task, buf_str(&text), SHAPE_UNKNOWN_REFUSE, copy)));
    return copy;
}

static struct task *task_new(struct tasks *all, struct node *n, const struct agent_node_task *goal)
{
    struct task *t = calloc(1, sizeof(*t));

    check(t != NULL);
    t->all = all;
    t->node = n;
    t->kind = kind_find(all, goal->kind);
    t->goal = goal_copy(&t->arena, goal);
    return t;
}

static void task_free(struct task *t)
{
    drop(t);
    arena_fini(&t->arena);
    free(t);
}

static struct task *find(struct node *n, int64_t id)
{
    for (struct task *t = n->tasks; t; t = t->next)
        if (t->goal->task_id.value == id)
            return t;
    return NULL;
}

/* The end of the node's list. */
static struct task **tail(struct node *n)
{
    struct task **at = &n->tasks;

    while (*at)
        at = &(*at)->next;
    return at;
}

/* Makes the node's tasks those that its goal names. */
static void match_goal(struct tasks *all, struct node *n)
{
    static const struct agent_node_task_list none = {0};
    const struct agent_node_task_list *goals = n->goal ? &n->goal->tasks : &none;
    bool is_less = false;

    for (struct task *t = n->tasks; t; t = t->next)
        t->is_named = false;
    for (size_t i = 0; i < goals->count; i++) {
        struct task *t = find(n, goals->items[i].task_id.value);
        if (!t)
            *tail(n) = t = task_new(all, n, &goals->items[i]);
        t->is_named = true;
    }
    for (struct task **at = &n->tasks; *at;) {
        struct task *t = *at;
        if (t->is_named) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        is_less = true;
        task_free(t);
    }
    if (is_less)
        write_reports(n);
}

/* --- when they are done --- */

static bool is_serving(const struct node *n)
{
    return n->state == NODE_RUNNING && n->goal_state == NODE_RUNNING && n->run.pid > 0 &&
           !n->is_exited && !n->is_adopted;
}

static bool is_same_process(const struct task *t)
{
    return t->pid == t->node->run.pid && t->started_ms == t->node->run.started_ms;
}

static void begin(struct task *t)
{
    t->state = running;
    t->pid = t->node->run.pid;
    t->started_ms = t->node->run.started_ms;
    if (!t->kind) {
        task_end(t, err_format(&t->arena, ERR_UNSUPPORTED, "this agent has no tasks of kind %s",
                               t->goal->kind ? t->goal->kind : "(none)"));
        return;
    }
    t->is_at_work = true;
    tell(t);
    t->kind->begin(t);
}

static void move(struct task *t)
{
    bool serves = is_serving(t->node);

    if (t->is_at_work && (!serves || !is_same_process(t))) {
        task_end(t, err_make(ERR_UNAVAILABLE, "its engine ended"));
        return;
    }
    if (!t->state && serves)
        begin(t);
}

void tasks_look(struct tasks *all, struct node *n)
{
    if (!n->is_named && !n->tasks)
        return;
    match_goal(all, n);
    for (struct task *t = n->tasks; t; t = t->next)
        move(t);
}

void tasks_forget(struct node *n)
{
    while (n->tasks) {
        struct task *t = n->tasks;
        n->tasks = t->next;
        task_free(t);
    }
    n->task_reports = NULL;
}

static void on_http(void *context, uint32_t events)
{
    struct tasks *all = context;

    (void)events;
    http_loop_run(all->http);
}

struct err tasks_open(const struct tasks_conf *conf, struct tasks **out)
{
    struct http_loop *http;

    TRY(http_loop_open(&http));
    struct tasks *all = calloc(1, sizeof(*all));
    check(all != NULL);
    *all = (struct tasks){.conf = *conf, .http = http};
    all->watch = (struct loop_watch){.on_ready = on_http, .context = all};
    struct err e = loop_watch(conf->loop, &all->watch, http_loop_fd(http), EPOLLIN);
    if (err_failed(e)) {
        tasks_close(all);
        return e;
    }
    *out = all;
    return OK;
}

void tasks_close(struct tasks *all)
{
    if (!all)
        return;
    loop_unwatch(all->conf.loop, &all->watch);
    http_loop_close(all->http);
    free(all);
}
