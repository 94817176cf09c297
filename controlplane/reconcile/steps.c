/* The steps of create, delete, reboot and modify, with the events that section by section tell
 * users. */
#include "controlplane/reconcile/steps.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "controlplane/model/scaling.h"
#include "controlplane/model/serverless.h"
#include "controlplane/model/status.h"
#include "controlplane/reconcile/rolling.h"

#define WHO           "cluster" /* in names of fail points */
#define MINUTE_MS     ((int64_t)60000)
#define ROLL_LIMIT_MS 600000 /* for each node to begin anew */

/* --- questions --- */

static bool is_running(const struct node *n)
{
    return n->goal.has && n->saw.has && n->saw.state == NODE_RUNNING &&
           n->saw.boot_count >= n->boot_count && str_is(str_of(n->saw.host_id), n->goal.host_id);
}

/* All wanted nodes run, and nothing is left of the others. */
static bool is_settled(const struct view *v)
{
    for (size_t i = 0; i < v->nodes.count; i++)
        if (!v->nodes.items[i].is_wanted || !is_running(&v->nodes.items[i]))
            return false;
    return true;
}

/* Whether the operation's data ("0001,0003") names the node. */
static bool is_named(const struct operation *o, const struct node *n)
{
    for (struct str rest = str_of(o->data); rest.len;)
        if (str_is(str_cut(&rest, ','), n->number))
            return true;
    return false;
}

/* Why the first node that is not there yet is not, as far as its agent said. */
static const char *why_waiting(const struct view *v)
{
    for (size_t i = 0; i < v->nodes.count; i++) {
        const struct node *n = &v->nodes.items[i];
        if (n->is_wanted && !n->goal.has)
            return "no host has room for it";
        if (n->is_wanted && !is_running(n))
            return n->saw.has && *n->saw.why ? n->saw.why : "its engine did not start";
    }
    return "it took too long";
}

/* --- create --- */

static enum step_result await_nodes(struct view *v, struct decisions *d)
{
    (void)d;
    return is_settled(v) ? STEP_DONE : STEP_WAIT;
}

/* What was restored has the room for it. */
static enum step_result await_room(struct view *v, struct decisions *d)
{
    (void)d;
    if (!str_is(str_of(v->operation.data), OPERATION_RESTORES))
        return STEP_DONE;
    for (size_t i = 0; i < v->nodes.count; i++) {
        const struct node *n = &v->nodes.items[i];
        if (!allotment_is_met(&v->cluster.allotment, n->goal.memory_bytes, n->saw.used_bytes))
            return STEP_WAIT;
    }
    return STEP_DONE;
}

static enum step_result tell_created(struct view *v, struct decisions *d)
{
    for (size_t i = 0; i < v->nodes.count; i++)
        decide_event(d, v, EVENT_NODE_ADDED, v->nodes.items[i].number, v->nodes.items[i].host_zone);
    decide_event(d, v, EVENT_CLUSTER_CREATED, NULL, NULL);
    return STEP_DONE;
}

static const struct step create_steps[] = {
    {"await_nodes",  await_nodes },
    {"await_room",   await_room  },
    {"tell_created", tell_created},
};

/* --- snapshot, and the final one: see snapshots.c --- */

static enum step_result await_snapshot(struct view *v, struct decisions *d)
{
    (void)d;
    return *v->operation.data ? STEP_WAIT : STEP_DONE;
}

static const struct step snapshot_steps[] = {
    {"await_snapshot", await_snapshot},
};

/* --- delete --- */

static enum step_result await_gone(struct view *v, struct decisions *d)
{
    (void)d;
    return v->nodes.count == 0 ? STEP_DONE : STEP_WAIT;
}

static enum step_result forget(struct view *v, struct decisions *d)
{
    decide_event(d, v, EVENT_CLUSTER_DELETED, NULL, NULL);
    decide_cluster_remove(d, v);
    return STEP_DONE;
}

static const struct step delete_steps[] = {
    {"await_final", await_snapshot},
    {"await_gone",  await_gone    },
    {"forget",      forget        },
};

/* --- reboot --- */

static enum step_result tell_shutdown(struct view *v, struct decisions *d)
{
    for (size_t i = 0; i < v->nodes.count; i++)
        if (is_named(&v->operation, &v->nodes.items[i]))
            decide_event(d, v, EVENT_NODE_SHUTDOWN, v->nodes.items[i].number, NULL);
    return STEP_DONE;
}

static enum step_result await_restart(struct view *v, struct decisions *d)
{
    if (!is_settled(v))
        return STEP_WAIT;
    for (size_t i = 0; i < v->nodes.count; i++)
        if (is_named(&v->operation, &v->nodes.items[i]))
            decide_event(d, v, EVENT_NODE_RESTARTED, v->nodes.items[i].number, NULL);
    return STEP_DONE;
}

static const struct step reboot_steps[] = {
    {"tell_shutdown", tell_shutdown},
    {"await_restart", await_restart},
};

/* --- modify: another number of nodes, another size, another version. The data is "<nodes before>",
 * " size", " entry" or " roll" where engines are to be told or begin anew, and " <number>" while
 * one does; or that of scaling.h --- */

static enum step_result tell_modified(struct view *v, struct decisions *d)
{
    struct str rest = str_of(v->operation.data);
    const char *before = str_dup(d->arena, str_cut(&rest, ' '));
    const char *now = arena_printf(d->arena, "%zu", v->nodes.count);

    if (rest.len > 0 && str_is(str_of(before), now))
        return STEP_DONE;
    for (size_t i = 0; i < v->nodes.count; i++)
        if (v->nodes.items[i].created_ms >= v->operation.created_ms)
            decide_event(d, v, EVENT_NODE_ADDED, v->nodes.items[i].number,
                         v->nodes.items[i].host_zone);
    decide_event(d, v, EVENT_NODES_MODIFIED, before, now);
    return STEP_DONE;
}

/* The second word of the data, or nothing. */
static struct str word_of(const struct operation *o)
{
    struct str rest = str_of(o->data);

    str_cut(&rest, ' ');
    return str_cut(&rest, ' ');
}

static bool has_settings(const struct view *v)
{
    for (size_t i = 0; i < v->nodes.count; i++)
        if (!rolling_is_settled(&v->cluster, &v->nodes.items[i]) ||
            !node_entry_is_settled(&v->cluster.entry, &v->nodes.items[i]))
            return false;
    return true;
}

/* Another number of nodes alone changes nothing for those that are there. */
static enum step_result await_settings(struct view *v, struct decisions *d)
{
    (void)d;
    return word_of(&v->operation).len == 0 || has_settings(v) ? STEP_DONE : STEP_WAIT;
}

/* The node that began anew, if any, is back; the next one goes. */
static enum step_result roll_nodes(struct view *v, struct decisions *d)
{
    struct str rest = str_of(v->operation.data);
    const char *before = str_dup(d->arena, str_cut(&rest, ' '));

    const struct str word = str_cut(&rest, ' ');

    if (!str_is(word, ROLL_WORD) && !str_is(word, STOP_WORD))
        return STEP_DONE;
    if (!has_settings(v))
        return STEP_WAIT;
    if (str_is(word, STOP_WORD))
        return STEP_DONE; /* what had begun is back */
    if (rest.len > 0)
        decide_event(d, v, EVENT_NODE_RESTARTED, str_dup(d->arena, rest), NULL);
    for (size_t i = 0; i < v->nodes.count; i++) {
        struct node *n = &v->nodes.items[i];
        if (!rolling_is_outdated(v, n))
            continue;
        decide_event(d, v, EVENT_NODE_SHUTDOWN, n->number, NULL);
        decide_boot(d, n, "its cluster goes over to another version");
        v->operation.data = arena_printf(d->arena, "%s " ROLL_WORD " %s", before, n->number);
        v->operation.deadline_ms = v->now_ms + ROLL_LIMIT_MS;
        decide_operation(d, v);
        return STEP_WAIT;
    }
    decide_event(d, v, EVENT_CLUSTER_UPGRADED, v->cluster.engine, v->cluster.engine_version);
    return STEP_DONE;
}

/* --- another type, batch by batch. Its host keeps room for what a node is to get from the
 * beginning on, so that nobody else takes it meanwhile. --- */

static bool has_old_type(const struct node *n)
{
    return n->node_type && *n->node_type;
}

static void keep_room(struct view *v, struct decisions *d)
{
    int64_t wanted_bytes = cluster_host_bytes(&v->cluster);

    for (size_t i = 0; i < v->nodes.count; i++) {
        struct node *n = &v->nodes.items[i];
        struct node_goal goal = n->goal;
        if (!has_old_type(n) || !n->goal.has || goal.memory_bytes >= wanted_bytes)
            continue;
        goal.memory_bytes = wanted_bytes;
        goal.vcpus = cluster_vcpus(&v->cluster);
        decide_goal(d, n, &goal, "it will grow");
    }
}

/* Engines that cannot change their size while they run begin anew; how many do. */
static size_t restart_resized(struct view *v, struct scaling *s, struct decisions *d)
{
    size_t count = 0;

    for (size_t i = 0; i < v->nodes.count; i++) {
        struct node *n = &v->nodes.items[i];
        if (has_old_type(n) || !n->saw.is_reboot_pending)
            continue;
        decide_event(d, v, EVENT_NODE_SHUTDOWN, n->number, NULL);
        decide_boot(d, n, "its cluster goes over to another node type");
        s->restarting =
            count++ ? arena_printf(d->arena, "%s,%s", s->restarting, n->number) : n->number;
    }
    return count;
}

/* How many nodes are left for another batch. */
static size_t resize_batch(struct view *v, const struct scaling *s, struct decisions *d)
{
    size_t batch = scaling_batch(s->percent, v->nodes.count), left = 0;

    keep_room(v, d);
    for (size_t i = 0; i < v->nodes.count; i++) {
        if (!has_old_type(&v->nodes.items[i]))
            continue;
        if (batch == 0) {
            left++;
            continue;
        }
        decide_type(d, &v->nodes.items[i]);
        batch--;
    }
    return left;
}

static void tell_restarted(struct view *v, struct scaling *s, struct decisions *d)
{
    for (struct str rest = str_of(s->restarting); rest.len > 0;)
        decide_event(d, v, EVENT_NODE_RESTARTED, str_dup(d->arena, str_cut(&rest, ',')), NULL);
    s->restarting = "";
}

static size_t old_type_count(const struct view *v)
{
    size_t count = 0;

    for (size_t i = 0; i < v->nodes.count; i++)
        count += has_old_type(&v->nodes.items[i]);
    return count;
}

static void scale_on(struct view *v, int64_t before, const struct scaling *s, struct decisions *d)
{
    int64_t from_ms = s->next_ms > v->now_ms ? s->next_ms : v->now_ms;

    v->operation.data = scaling_text(d->arena, before, s);
    v->operation.deadline_ms = from_ms + ROLL_LIMIT_MS;
    decide_operation(d, v);
}

static enum step_result scale_nodes(struct view *v, struct decisions *d)
{
    struct scaling s;
    int64_t before;

    if (!scaling_parse(d->arena, v->operation.data, &before, &s))
        return STEP_DONE;
    if (!has_settings(v))
        return STEP_WAIT;
    if (s.next_ms > v->now_ms + s.minutes * MINUTE_MS) /* the clock was set back */
        s.next_ms = v->now_ms + s.minutes * MINUTE_MS;
    tell_restarted(v, &s, d);
    if (restart_resized(v, &s, d) == 0) {
        if (old_type_count(v) == 0)
            return STEP_DONE;
        if (v->now_ms >= s.next_ms && resize_batch(v, &s, d) > 0)
            s.next_ms = v->now_ms + s.minutes * MINUTE_MS;
        else
            decide_wake(d, s.next_ms);
    }
    scale_on(v, before, &s, d);
    return STEP_WAIT;
}

/* What did not come about batch by batch is not left half done. */
static void resize_rest(struct view *v, struct decisions *d)
{
    for (size_t i = 0; i < v->nodes.count; i++)
        if (has_old_type(&v->nodes.items[i]))
            decide_type(d, &v->nodes.items[i]);
}

static const struct step modify_steps[] = {
    {"await_nodes",    await_nodes   },
    {"tell_modified",  tell_modified },
    {"await_settings", await_settings},
    {"roll_nodes",     roll_nodes    },
    {"scale_nodes",    scale_nodes   },
};

/* --- the engine of them all --- */

static const struct {
    const struct step *steps;
    int count;
    bool has_deadline; /* waiting for longer is failing, told by `failure` */
    enum event_kind failure;
} tables[] = {
    [OPERATION_CREATE] = {create_steps,   countof(create_steps),   true,  EVENT_CLUSTER_CREATE_FAILED},
    [OPERATION_DELETE] = {delete_steps,   countof(delete_steps),   false, EVENT_CLUSTER_DELETED      },
    [OPERATION_REBOOT] = {reboot_steps,   countof(reboot_steps),   true,  EVENT_NODE_REBOOT_FAILED   },
    [OPERATION_MODIFY] = {modify_steps,   countof(modify_steps),   true,  EVENT_NODES_MODIFY_FAILED  },
    [OPERATION_SNAPSHOT] = {snapshot_steps, countof(snapshot_steps), false, EVENT_SNAPSHOT_FAILED      },
};

/* A node that cannot begin with what it is restored from, or NULL. */
static const struct node *node_without_data(const struct view *v)
{
    for (size_t i = 0; i < v->nodes.count; i++)
        if (v->nodes.items[i].is_wanted && v->nodes.items[i].saw.has_bad_seed)
            return &v->nodes.items[i];
    return NULL;
}

static bool is_restore(const struct operation *o)
{
    return o->kind == OPERATION_CREATE && str_is(str_of(o->data), OPERATION_RESTORES);
}

static void tell_failure(struct view *v, struct decisions *d)
{
    const struct operation *o = &v->operation;

    if (o->kind == OPERATION_REBOOT)
        decide_event(d, v, EVENT_NODE_REBOOT_FAILED, o->data, o->why);
    else if (is_restore(o))
        decide_event(d, v, EVENT_RESTORE_FAILED, o->why, NULL);
    else
        decide_event(d, v, tables[o->kind].failure, o->why, NULL);
}

/* Waiting has an end. A late success after it is still one: the nodes' rules go on as ever. */
static void wait_or_fail(struct view *v, struct decisions *d)
{
    struct operation *o = &v->operation;

    if (!tables[o->kind].has_deadline)
        return;
    const struct node *hopeless = is_restore(o) ? node_without_data(v) : NULL;
    if (v->now_ms < o->deadline_ms && !hopeless) {
        decide_wake(d, o->deadline_ms);
        return;
    }
    resize_rest(v, d);
    o->state = OPERATION_FAILED;
    if (!*o->why) /* who ends it early says why */
        o->why = hopeless ? hopeless->saw.why : why_waiting(v);
    tell_failure(v, d);
    decide_operation(d, v);
}

void steps_name(struct arena *a, struct failpoint_names *out)
{
    for (size_t kind = 0; kind < countof(tables); kind++)
        for (int i = 0; i < tables[kind].count; i++)
            failpoint_names_add(a, out, WHO, operation_kind_name((enum operation_kind)kind),
                                tables[kind].steps[i].name);
}

static enum step_result run_step(const struct step *s, struct view *v, struct decisions *d)
{
    const char *kind = operation_kind_name(v->operation.kind);
    size_t before = d->list.count;

    if (failpoint_holds(d->failpoint, WHO, kind, s->name))
        return STEP_WAIT;
    enum step_result result = s->run(v, d);
    if (result != STEP_WAIT || d->list.count > before)
        failpoint_reach(d->failpoint, WHO, kind, s->name);
    return result;
}

void steps_run(struct view *v, struct decisions *d)
{
    struct operation *o = &v->operation;
    int before = o->step;

    while (o->step < tables[o->kind].count) {
        if (run_step(&tables[o->kind].steps[o->step], v, d) == STEP_WAIT) {
            if (o->step != before)
                decide_operation(d, v);
            wait_or_fail(v, d);
            return;
        }
        o->step++;
    }
    o->state = OPERATION_DONE;
    decide_operation(d, v);
}
