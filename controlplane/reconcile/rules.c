/*
 * The rules of nodes, one row each. They are level-triggered: each looks at want, goal and sight as
 * they are, whatever led there, so that a pass may be repeated or lost without harm.
 */
#include "controlplane/reconcile/rules.h"

#include "base/err.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/effective.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/serverless.h"
#include "controlplane/reconcile/steps.h"

#include <string.h>

/* --- when --- */

static bool is_gone(const struct view *v, const struct node *n)
{
    const struct host *host = view_host(v, n->goal.host_id);
    bool is_absent = !n->saw.has || n->saw.state == NODE_ABSENT;
    bool is_unreachable = !host || host->is_silent;
    return !n->is_wanted && n->goal.has && n->goal.state == NODE_ABSENT &&
           (is_absent || is_unreachable);
}

static bool is_unwanted(const struct view *v, const struct node *n)
{
    (void)v;
    return !n->is_wanted && n->goal.has && n->goal.state != NODE_ABSENT;
}

static bool is_leftover(const struct view *v, const struct node *n)
{
    (void)v;
    return !n->is_wanted && !n->goal.has;
}

/* Members of groups are placed together. */
static bool is_homeless(const struct view *v, const struct node *n)
{
    return n->is_wanted && !n->goal.has && v->cluster.group_id == 0;
}

static bool is_boot_due(const struct view *v, const struct node *n)
{
    (void)v;
    return n->is_wanted && n->goal.has && n->goal.boot_count < n->boot_count;
}

/* Parameters of the engine are others than those that its host was told of. */
static bool has_new_parameters(const struct view *v, const struct node *n)
{
    const struct cluster seen = cluster_of_node(&v->cluster, n);

    return n->is_wanted && n->goal.has && n->goal.parameters != parameters_number(&seen);
}

/* What was seen of it was seen where it is to be. */
static bool is_seen(const struct node *n)
{
    return n->goal.has && n->saw.has && strcmp(n->saw.host_id, n->goal.host_id) == 0;
}

static bool has_crashed(const struct view *v, const struct node *n)
{
    (void)v;
    return is_seen(n) && n->saw.crashes > n->goal.crashes_told;
}

/* What was seen of a node whose host is not heard of may be true no longer. Members of groups are
 * back when they do what they should: see groups.c. */
static bool has_recovered(const struct view *v, const struct node *n)
{
    const struct host *host = n->goal.has ? view_host(v, n->goal.host_id) : NULL;

    return is_seen(n) && v->cluster.group_id == 0 && n->goal.is_told_down &&
           n->saw.state == NODE_RUNNING && host && !host->is_silent && !host->is_quiet;
}

/* What it was seen to do when its host was heard last says nothing of now. */
static bool has_news_of_answers(const struct view *v, const struct node *n)
{
    const struct host *host = n->goal.has ? view_host(v, n->goal.host_id) : NULL;

    return is_seen(n) && n->saw.is_silent != n->goal.is_told_silent && host && !host->is_silent &&
           !host->is_quiet;
}

static bool has_new_encryption(const struct view *v, const struct node *n)
{
    return n->is_wanted && n->goal.has && n->goal.tls != v->cluster.tls;
}

/* What a node with an allotment should take of its host, by what it uses. */
static int64_t wanted_host_bytes(const struct view *v, const struct node *n)
{
    int64_t now_bytes = allotment_data_bytes(n->goal.memory_bytes);
    bool is_seen =
        n->saw.has && n->saw.used_bytes >= 0 && strcmp(n->saw.host_id, n->goal.host_id) == 0;

    return allotment_host_bytes(allotment_room(&v->cluster.allotment, now_bytes,
                                               is_seen ? n->saw.used_bytes : now_bytes / 4));
}

/* Growth waits for memory of the host to become free. */
static bool has_other_room(const struct view *v, const struct node *n)
{
    return n->is_wanted && n->goal.has && v->cluster.allotment.most_bytes &&
           wanted_host_bytes(v, n) != n->goal.memory_bytes;
}

/* --- then --- */

static void forget_goal(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    (void)v;
    decide_goal_remove(d, n, why);
}

static void release(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    struct node_goal goal = n->goal;
    (void)v;
    goal.state = NODE_ABSENT;
    decide_goal(d, n, &goal, why);
}

static void forget_node(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    (void)why;
    if (v->cluster.is_wanted)
        decide_event(d, v, EVENT_NODE_REMOVED, n->number, NULL);
    decide_node_remove(d, v, n);
}

static void place(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    struct place_choice choice;

    struct place_request request = {
        .cluster_id = v->cluster.id,
        .node_id = n->id,
        .zone = n->zone,
        .memory_bytes = cluster_host_bytes(&v->cluster),
        .vcpus = cluster_vcpus(&v->cluster),
        .port = v->cluster.port,
        .second_port = cluster_reader_port(&v->cluster),
        .network = v->cluster.reach.network,
        .is_cross_az = strcmp(v->cluster.az_mode, "cross-az") == 0,
        .program = cluster_program(d->arena, &v->cluster),
    };
    if (place_nodes(v->region->board, &request, 1, &choice) != PLACE_OK)
        return; /* a host's arrival or another node's end wakes us again */
    struct node_goal goal = {
        .has = true,
        .host_id = choice.host_id,
        .address = choice.address,
        .second_address = choice.second_address,
        .port = v->cluster.port,
        .state = NODE_RUNNING,
        .boot_count = n->boot_count,
        .memory_bytes = request.memory_bytes,
        .vcpus = request.vcpus,
        .parameters = parameters_number(&v->cluster),
        .tls = v->cluster.tls,
    };
    n->host_zone = choice.zone;
    decide_goal(d, n, &goal, why);
}

static void boot(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    struct node_goal goal = n->goal;
    (void)v;
    goal.boot_count = n->boot_count;
    decide_goal(d, n, &goal, why);
}

static void tell_parameters(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    const struct cluster seen = cluster_of_node(&v->cluster, n);
    struct node_goal goal = n->goal;

    goal.parameters = parameters_number(&seen);
    if (!v->cluster.allotment.most_bytes) /* the type decides parameters, too */
        goal.memory_bytes = cluster_host_bytes(&seen);
    goal.vcpus = cluster_vcpus(&seen);
    decide_goal(d, n, &goal, why);
}

static void resize(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    struct node_goal goal = n->goal;

    goal.memory_bytes = wanted_host_bytes(v, n);
    if (place_grow(v->region->board, goal.host_id, goal.memory_bytes - n->goal.memory_bytes, 0))
        decide_goal(d, n, &goal, why);
}

static void tell_encryption(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    struct node_goal goal = n->goal;

    goal.tls = v->cluster.tls;
    decide_goal(d, n, &goal, why);
}

static void tell_crash(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    (void)why;
    if (!n->goal.is_told_down)
        decide_event(d, v, EVENT_NODE_RECOVERING, n->number, NULL);
    decide_told(d, n, n->saw.crashes, true);
}

static void tell_recovery(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    (void)why;
    decide_event(d, v, EVENT_NODE_RECOVERED, n->number, NULL);
    decide_told(d, n, n->goal.crashes_told, false);
}

/* One that ended meanwhile has events of its own. */
static void tell_answers(struct view *v, struct node *n, struct decisions *d, const char *why)
{
    (void)why;
    if (n->saw.is_silent)
        decide_event(d, v, EVENT_NODE_SILENT, n->number, n->saw.why);
    else if (n->saw.state == NODE_RUNNING && !n->goal.is_told_down)
        decide_event(d, v, EVENT_NODE_ANSWERS, n->number, NULL);
    decide_told_silent(d, n, n->saw.is_silent);
}

/* clang-format off */
const struct rule node_rules[] = {
    {"forget-goal", is_gone,       forget_goal,   "nothing of it is left on its host"},
    {"release",     is_unwanted,   release,       "no longer wanted"},
    {"forget-node", is_leftover,   forget_node,   "no longer wanted, and nowhere"},
    {"place",       is_homeless,   place,         "wanted and without a host"},
    {"boot",        is_boot_due,   boot,          "a reboot was asked for"},
    {"parameters",  has_new_parameters, tell_parameters, "its parameters or its type are others"},
    {"encryption",  has_new_encryption, tell_encryption, "its encryption in transit is another one"},
    {"crash",       has_crashed,   tell_crash,    "its engine ended by itself"},
    {"recovery",    has_recovered, tell_recovery, "its engine answers again"},
    {"answers",     has_news_of_answers, tell_answers, "it stopped to answer, or answers again"},
    {"room",        has_other_room, resize,       "it uses more or less of its room"},
};
/* clang-format on */
const size_t node_rule_count = countof(node_rules);

/* One row for one node; true when a row matched and changed something. */
static bool run_first(struct view *v, struct node *n, struct decisions *d)
{
    for (size_t i = 0; i < node_rule_count; i++) {
        size_t before = d->list.count;
        if (!node_rules[i].when(v, n))
            continue;
        node_rules[i].then(v, n, d, node_rules[i].why);
        return d->list.count > before;
    }
    return false;
}

void rules_name(struct arena *a, struct failpoint_names *out)
{
    steps_name(a, out);
}

void rules_decide(struct view *v, struct decisions *d)
{
    d->about = &v->cluster;
    for (size_t i = 0; i < v->nodes.count;) {
        int64_t id = v->nodes.items[i].id;
        bool is_changed = run_first(v, &v->nodes.items[i], d);
        bool is_same_node = i < v->nodes.count && v->nodes.items[i].id == id;
        if (is_same_node && !is_changed)
            i++;
    }
    if (v->has_operation)
        steps_run(v, d);
}
