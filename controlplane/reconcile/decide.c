/* The list of decisions. */
#include "controlplane/reconcile/decide.h"

#include <string.h>

void decisions_init(struct decisions *d, struct arena *a)
{
    *d = (struct decisions){.arena = a, .wake_ms = INT64_MAX};
}

static struct decision *add(struct decisions *d, enum decision_kind kind)
{
    struct decision *added = vec_add(d->arena, &d->list);
    added->kind = kind;
    added->about = d->about;
    return added;
}

void decide_goal(struct decisions *d, struct node *n, const struct node_goal *goal, const char *why)
{
    struct decision *added = add(d, DECISION_GOAL);
    n->goal = *goal;
    added->node_id = n->id;
    added->goal = *goal;
    added->why = why;
}

void decide_goal_remove(struct decisions *d, struct node *n, const char *why)
{
    struct decision *added = add(d, DECISION_GOAL_REMOVE);
    n->goal = (struct node_goal){.host_id = "", .address = ""};
    added->node_id = n->id;
    added->why = why;
}

void decide_node_remove(struct decisions *d, struct view *v, struct node *n)
{
    size_t at = (size_t)(n - v->nodes.items);
    add(d, DECISION_NODE_REMOVE)->node_id = n->id;
    memmove(n, n + 1, (v->nodes.count - at - 1) * sizeof(*n));
    v->nodes.count--;
}

void decide_node_boot(struct decisions *d, struct node *n)
{
    n->boot_count++;
    add(d, DECISION_NODE_BOOT)->node_id = n->id;
}

void decide_node_unwanted(struct decisions *d, struct node *n)
{
    n->is_wanted = false;
    add(d, DECISION_NODE_UNWANTED)->node_id = n->id;
}

void decide_boot(struct decisions *d, struct node *n, const char *why)
{
    struct node_goal goal = n->goal;

    add(d, DECISION_BOOT)->node_id = n->id;
    goal.boot_count = ++n->boot_count;
    decide_goal(d, n, &goal, why);
}

void decide_type(struct decisions *d, struct node *n)
{
    n->node_type = "";
    add(d, DECISION_TYPE)->node_id = n->id;
}

static void add_told(struct decisions *d, const struct node *n)
{
    struct decision *added = add(d, DECISION_TOLD);

    added->node_id = n->id;
    added->goal = n->goal;
}

void decide_told(struct decisions *d, struct node *n, int64_t crashes_told, bool is_told_down)
{
    n->goal.crashes_told = crashes_told;
    n->goal.is_told_down = is_told_down;
    add_told(d, n);
}

void decide_told_silent(struct decisions *d, struct node *n, bool is_told_silent)
{
    n->goal.is_told_silent = is_told_silent;
    add_told(d, n);
}

void decide_told_lagging(struct decisions *d, struct node *n, bool is_lagging)
{
    n->goal.is_lagging = is_lagging;
    add_told(d, n);
}

void decide_event(struct decisions *d, const struct view *v, enum event_kind kind,
                  const char *first, const char *second)
{
    struct event event;

    if (v->cluster.owner.id == 0)
        event = event_of_cluster(d->arena, &v->cluster, v->now_ms, kind, first, second);
    else if (!event_of_owner(d->arena, &v->cluster, v->now_ms, kind, first, second, &event))
        return;
    add(d, DECISION_EVENT)->event = event;
}

void decide_operation(struct decisions *d, struct view *v)
{
    add(d, DECISION_OPERATION)->operation = v->operation;
    v->has_operation = v->operation.state == OPERATION_RUNNING;
}

void decide_names(struct decisions *d, struct view *a, struct view *b)
{
    struct decision *added = add(d, DECISION_NAMES);
    const char *name = a->cluster.name;

    added->cluster = a->cluster;
    added->other = b->cluster;
    a->cluster.name = b->cluster.name;
    b->cluster.name = name;
}

void decide_cluster(struct decisions *d, struct view *v)
{
    add(d, DECISION_CLUSTER)->cluster = v->cluster;
}

void decide_cluster_remove(struct decisions *d, struct view *v)
{
    v->is_removed = true;
    add(d, DECISION_CLUSTER_REMOVE)->about = &v->cluster;
}

void decide_wake(struct decisions *d, int64_t at_ms)
{
    if (at_ms < d->wake_ms)
        d->wake_ms = at_ms;
}
