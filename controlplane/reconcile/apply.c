/* One decision, one statement of fact to the store. */
#include "controlplane/reconcile/apply.h"

#include "base/log.h"
#include "controlplane/model/naming.h"
#include "controlplane/store/access.h"
#include "controlplane/store/globals.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/log_delivery.h"
#include "controlplane/store/serverless.h"
#include "controlplane/store/slot_moves.h"
#include "controlplane/store/sources.h"
#include "controlplane/store/tasks.h"

struct target {
    struct store_tx *tx;
    int64_t now_ms;
    bool *goals;
};

static struct err apply_goal(struct target *t, const struct decision *d)
{
    *t->goals = true;
    log_info("goal set", f_str("cluster", d->about->name), f_int("node", d->node_id),
             f_str("goal", node_state_name(d->goal.state)), f_str("address", d->goal.address),
             f_int("port", d->goal.port), f_str("why", d->why));
    return store_goal_set(t->tx, d->node_id, &d->goal);
}

/* What a node leaves behind may be what another one waits for. */
static struct err apply_goal_removal(struct target *t, const struct decision *d)
{
    struct unplaced_node *waiting;
    size_t count;

    *t->goals = true;
    TRY(store_goal_remove(t->tx, d->node_id));
    TRY(store_node_unplaced(t->tx, d->about->region, &waiting, &count));
    for (size_t i = 0; i < count; i++)
        store_touch_cluster(t->tx, waiting[i].cluster_id);
    return OK;
}

static struct err apply_event(struct target *t, const struct event *e)
{
    log_info("event", f_str("source", e->source), f_str("message", e->message));
    return store_event_add(t->tx, e);
}

/* Whoever owned what is gone now is gone, too. */
static struct err remove_owner(struct target *t, const struct cluster *owned)
{
    if (owned->owner.id == 0)
        return OK;
    return store_serverless_remove(t->tx, owned->owner.id,
                                   arn_make(store_arena(t->tx), owned->region, owned->account,
                                            "serverlesscache", owned->owner.name));
}

static struct err apply_names(struct target *t, const struct decision *d)
{
    *t->goals = true;
    log_info("names exchanged", f_str("cluster", d->cluster.name), f_str("other", d->other.name));
    return store_cluster_exchange_names(t->tx, &d->cluster, &d->other);
}

static struct err apply_removal(struct target *t, const struct cluster *c)
{
    TRY(store_cluster_remove(
        t->tx, c->id, arn_make(store_arena(t->tx), c->region, c->account, "cluster", c->name)));
    return c->group_id == 0 ? remove_owner(t, c) : OK;
}

/* --- groups --- */

static struct err apply_shard(struct target *t, const struct decision *d)
{
    *t->goals = true;
    log_info("roles set", f_str("group", d->group->name), f_str("shard", d->shard.number),
             f_int("term", d->shard.goal.term), f_int("primary", d->shard.goal.primary_id),
             f_int("fenced", d->shard.goal.fenced_id),
             f_str("source", d->shard.goal.source.port ? d->shard.goal.source.address : ""),
             f_str("why", d->why));
    TRY(store_source_set(t->tx, d->shard.id, &d->shard.goal.source));
    return store_shard_goal_set(t->tx, &d->shard);
}

static struct err apply_topology(struct target *t, const struct decision *d)
{
    *t->goals = true;
    return store_topology_set(t->tx, d->group->id, &d->topology);
}

static struct err apply_release(struct target *t, const struct decision *d)
{
    TRY(store_access_to_cluster(t->tx, d->group->id, d->cluster.id));
    TRY(store_log_delivery_to_cluster(t->tx, d->group->id, d->cluster.id));
    return store_cluster_update(t->tx, &d->cluster);
}

static struct err apply_group_removal(struct target *t, const struct replication_group *g)
{
    TRY(store_group_remove(
        t->tx, g->id,
        arn_make(store_arena(t->tx), g->region, g->account, "replicationgroup", g->name)));
    return remove_owner(t, &g->common);
}

static struct err apply_move(struct target *t, const struct decision *d)
{
    struct slot_move move = d->move;
    struct node_task task = d->task;

    *t->goals = true;
    log_info("slots move", f_str("group", d->group->name), f_int("move", move.id),
             f_int("attempt", move.attempt), f_str("slots", move.slots),
             f_str("state", slot_move_state_name(move.state)));
    if (d->old_task_id)
        TRY(store_task_remove(t->tx, d->old_task_id));
    if (task.kind) {
        TRY(store_task_insert(t->tx, &task));
        move.task_id = task.id;
    }
    return store_slot_move_update(t->tx, &move);
}

static struct err apply_moves_end(struct target *t, const struct replication_group *g)
{
    struct slot_move_list moves;

    *t->goals = true;
    TRY(store_slot_move_list(t->tx, &g->id, 1, &moves));
    for (size_t i = 0; i < moves.count; i++)
        if (moves.items[i].task_id)
            TRY(store_task_remove(t->tx, moves.items[i].task_id));
    return store_slot_move_clear(t->tx, g->id);
}

static struct err apply_task(struct target *t, const struct node_task *task)
{
    struct node_task copy = *task;

    *t->goals = true;
    return store_task_insert(t->tx, &copy);
}

static struct err apply_one(struct target *t, const struct decision *d)
{
    switch (d->kind) {
    case DECISION_GOAL: return apply_goal(t, d);
    case DECISION_GOAL_REMOVE: return apply_goal_removal(t, d);
    case DECISION_NODE_REMOVE: return store_node_remove(t->tx, d->node_id);
    case DECISION_TOLD: return store_goal_told(t->tx, d->node_id, &d->goal);
    case DECISION_BOOT: return store_node_boot(t->tx, d->node_id, t->now_ms);
    case DECISION_EVENT: return apply_event(t, &d->event);
    case DECISION_OPERATION: return store_operation_update(t->tx, &d->operation);
    case DECISION_NAMES: return apply_names(t, d);
    case DECISION_RELEASE: return apply_release(t, d);
    case DECISION_CLUSTER: return store_cluster_update(t->tx, &d->cluster);
    case DECISION_CLUSTER_REMOVE: return apply_removal(t, d->about);
    case DECISION_SHARD: return apply_shard(t, d);
    case DECISION_TOPOLOGY: return apply_topology(t, d);
    case DECISION_GROUP_OPERATION: return store_group_operation_update(t->tx, &d->group_operation);
    case DECISION_TASK: return apply_task(t, &d->task);
    case DECISION_TASK_REMOVE: return store_task_remove(t->tx, d->task.id);
    case DECISION_GLOBAL_ROLE:
        return store_global_member_set(t->tx, d->member.datastore_id, d->member.group_id,
                                       d->member.role);
    case DECISION_GLOBAL_LEAVE: return store_global_member_remove(t->tx, d->member.group_id);
    case DECISION_TOUCH: return store_touch_group(t->tx, d->member.group_id);
    case DECISION_GROUP_REMOVE: return apply_group_removal(t, d->group);
    case DECISION_TYPE: return store_node_take_type(t->tx, d->node_id);
    case DECISION_NODE_BOOT: return store_node_boot(t->tx, d->node_id, t->now_ms);
    case DECISION_GROUP: return store_group_update(t->tx, d->group);
    case DECISION_NODE_UNWANTED: return store_node_want(t->tx, d->node_id, false);
    case DECISION_SHARD_WANT: return store_shard_update(t->tx, &d->shard);
    case DECISION_SHARD_REMOVE: return store_shard_remove(t->tx, d->shard.id);
    case DECISION_MOVE: return apply_move(t, d);
    case DECISION_MOVES_CLEAR: return apply_moves_end(t, d->group);
    }
    return err_make(ERR_INTERNAL, "a decision of no kind");
}

/* What is written about a cluster or group that was removed finds nothing, and does no harm. */
struct err apply_decisions(struct store_tx *tx, const struct decisions *d, int64_t now_ms,
                           bool *out_goals)
{
    struct target t = {tx, now_ms, out_goals};
    for (size_t i = 0; i < d->list.count; i++)
        TRY(apply_one(&t, &d->list.items[i]));
    return OK;
}
