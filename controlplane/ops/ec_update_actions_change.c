/*
 * BatchApplyUpdateAction and BatchStopUpdateAction. Each cluster or group stands for itself: what
 * is wrong with one is said of it alone, and the others go on.
 */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/group_facts.h"
#include "controlplane/ops/updates.h"
#include "controlplane/store/groups.h"

#include <string.h>

#define BATCH_MAX 20

/* One of the ids, and what comes of it. */
struct item {
    const char *name; /* in lower case */
    bool is_group;
    const struct update_target *target; /* NULL: it has no nodes that could be updated */
    const struct update_action *action;
};

struct batch {
    const char *update_name;
    struct service_update update;
    struct update_target *targets;
    struct update_action *actions;
    size_t target_count, action_count;
};

typedef struct err (*item_fn)(struct call *c, const struct batch *b, const struct item *it);

static struct err batch_read(struct call *c, const char *name, struct batch *out)
{
    out->update_name = name;
    TRY(updates_find(c, name, &out->update));
    TRY(updates_targets(c, &out->targets, &out->target_count));
    return store_action_list(c->tx, c->caller->account, c->caller->region, &out->actions,
                             &out->action_count);
}

static struct item item_of(struct call *c, const struct batch *b, const char *name, bool is_group)
{
    struct item it = {.name = name_fold(c->arena, name ? name : ""), .is_group = is_group};

    for (size_t i = 0; i < b->target_count; i++) {
        const struct built_node *n = b->targets[i].nodes;
        if (is_group == (n->group_id != 0) &&
            strcmp(is_group ? n->group : n->cluster, it.name) == 0)
            it.target = &b->targets[i];
    }
    if (it.target)
        it.action = updates_action(b->actions, b->action_count, it.target, &b->update);
    return it;
}

/* --- apply --- */

static struct err check_update(struct call *c, const struct batch *b, const struct item *it)
{
    if (!b->update.is_offered)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE, "The service update %s is not available.",
                     b->update_name);
    if (!it->target || !updates_progress(c, it->target, &b->update).can_go_on)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The service update %s does not apply to %s.", b->update_name, it->name);
    return OK;
}

static struct err apply(struct call *c, const struct batch *b, const struct item *it)
{
    TRY(check_update(c, b, it));
    return updates_apply(c, it->target, &b->update, false);
}

/* --- stop: the operation goes on with what it has begun, and ends there; what waits for its
 * window is not begun --- */

static bool may_stop(const struct update_action *a)
{
    return a && !a->stopped_ms && (a->is_running || a->operation_id == 0);
}

static struct err stop_group(struct call *c, const struct item *it)
{
    struct group_operation o;

    TRY(store_group_operation_running(c->tx, it->action->group_id, &o));
    o.data = arena_printf(c->arena, "%s%s" STOP_WORD, o.data, *o.data ? " " : "");
    return store_group_operation_update(c->tx, &o);
}

static struct err stop_cluster(struct call *c, const struct item *it)
{
    struct operation o;

    TRY(store_operation_running(c->tx, it->action->cluster_id, &o));
    o.data = arena_printf(c->arena, "%zu " STOP_WORD, it->target->count);
    return store_operation_update(c->tx, &o);
}

static struct err stop(struct call *c, const struct batch *b, const struct item *it)
{
    if (!may_stop(it->action))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The service update %s is not being applied to %s.", b->update_name, it->name);
    if (it->action->is_running)
        TRY(it->is_group ? stop_group(c, it) : stop_cluster(c, it));
    store_touch_cluster(c->tx, it->target->nodes->cluster_id);
    return store_action_stop(c->tx, it->action->id, c->now_ms);
}

/* --- both --- */

static const char *error_type(int code)
{
    const struct fault_desc *f = fault_find(code);

    return f ? f->wire : "InternalFailure";
}

static struct err run_item(struct call *c, const struct batch *b, const struct item *it, item_fn fn,
                           const char *status, struct ec_processed_update_action_list *done,
                           struct ec_unprocessed_update_action_list *failed)
{
    const char *group = it->is_group ? it->name : NULL, *cluster = it->is_group ? NULL : it->name;
    struct err e = fn(c, b, it);

    if (!err_failed(e)) {
        done->items[done->count++] =
            (struct ec_processed_update_action){group, cluster, b->update_name, status};
        return OK;
    }
    if (!fault_find(e.code))
        return e;
    failed->items[failed->count++] = (struct ec_unprocessed_update_action){
        group, cluster, b->update_name, error_type(e.code), e.why};
    return OK;
}

static struct err run_all(struct call *c, const struct batch *b,
                          const struct ec_replication_group_id_list *groups,
                          const struct ec_cache_cluster_id_list *clusters, item_fn fn,
                          const char *status, struct ec_processed_update_action_list *done,
                          struct ec_unprocessed_update_action_list *failed)
{
    size_t count = groups->count + clusters->count;

    if (count == 0 || count > BATCH_MAX)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Between 1 and %d replication groups and cache clusters must be named.",
                     BATCH_MAX);
    done->has = failed->has = true;
    done->items = arena_array(c->arena, count, sizeof(*done->items));
    failed->items = arena_array(c->arena, count, sizeof(*failed->items));
    for (size_t i = 0; i < count; i++) {
        bool is_group = i < groups->count;
        struct item it = item_of(
            c, b, is_group ? groups->items[i] : clusters->items[i - groups->count], is_group);
        TRY(run_item(c, b, &it, fn, status, done, failed));
    }
    return OK;
}

struct err ec_batch_apply_update_action(struct call *c,
                                        const struct ec_batch_apply_update_action_in *in,
                                        struct ec_batch_apply_update_action_out *out)
{
    struct batch b;

    TRY(batch_read(c, in->service_update_name, &b));
    return run_all(c, &b, &in->replication_group_ids, &in->cache_cluster_ids, apply,
                   "waiting-to-start", &out->processed_update_actions,
                   &out->unprocessed_update_actions);
}

struct err ec_batch_stop_update_action(struct call *c,
                                       const struct ec_batch_stop_update_action_in *in,
                                       struct ec_batch_stop_update_action_out *out)
{
    struct batch b;

    TRY(batch_read(c, in->service_update_name, &b));
    return run_all(c, &b, &in->replication_group_ids, &in->cache_cluster_ids, stop, "stopping",
                   &out->processed_update_actions, &out->unprocessed_update_actions);
}
