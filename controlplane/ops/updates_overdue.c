/*
 * Updates that are applied unasked. What has waited for long enough is set down for the next
 * maintenance window, so that everybody can see it coming and stop it; in the window it begins like
 * one that was asked for. What was stopped is left to its owner from then on.
 */
#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/windows.h"
#include "controlplane/ops/updates.h"

#define NEVER_MS INT64_MIN

/* When the target's window opened, or NEVER_MS while it is closed. */
static int64_t opened_ms(struct call *c, const struct update_target *t)
{
    struct window w;

    if (err_failed(window_parse_maintenance(c->arena, t->nodes->window, &w)))
        return NEVER_MS; /* nothing but windows is stored */
    int64_t at_ms = window_maintenance_opened(w, c->now_ms);
    return window_is_open(w, at_ms, c->now_ms) ? at_ms : NEVER_MS;
}

static bool is_overdue(struct call *c, const struct overdue *o)
{
    struct update_progress p = updates_progress(c, o->target, o->update);

    return p.is_overdue && p.can_go_on;
}

/* What is set down and waits for its window has nothing to do, nor what failed in this one. */
static void take(struct call *c, struct overdue *o, struct overdue_list *out)
{
    int64_t opened = opened_ms(c, o->target);

    o->is_in_window = opened != NEVER_MS && update_may_be_forced(o->action, opened);
    out->new_count += o->is_in_window || !o->action;
    out->items[out->count++] = *o;
}

struct err updates_overdue(struct call *c, struct overdue_list *out)
{
    struct update_list updates;
    struct update_target *targets;
    struct update_action *actions;
    size_t target_count, action_count;

    *out = (struct overdue_list){0};
    TRY(updates_read(c, &updates));
    if (updates.count == 0)
        return OK;
    TRY(updates_targets(c, &targets, &target_count));
    TRY(store_action_list(c->tx, c->caller->account, c->caller->region, &actions, &action_count));
    out->items = arena_array(c->arena, target_count, sizeof(*out->items));
    for (size_t i = 0; i < target_count; i++)
        for (size_t k = updates.count; k > 0; k--) {
            struct overdue o = {.update = &updates.items[k - 1], .target = &targets[i]};
            o.action = updates_action(actions, action_count, o.target, o.update);
            if (!is_overdue(c, &o))
                continue;
            if (!o.action || !o.action->stopped_ms)
                take(c, &o, out);
            break;
        }
    return OK;
}

static bool is_busy(struct err e)
{
    return err_is(e, FAULT_INVALID_CACHE_CLUSTER_STATE) ||
           err_is(e, FAULT_INVALID_REPLICATION_GROUP_STATE);
}

static struct err set_down(struct call *c, const struct overdue *o)
{
    const struct built_node *n = o->target->nodes;
    struct update_action a = {.update_id = o->update->id,
                              .cluster_id = n->group_id ? 0 : n->cluster_id,
                              .group_id = n->group_id,
                              .applied_ms = c->now_ms,
                              .is_automatic = true};

    store_touch_cluster(c->tx, n->cluster_id); /* who waits for words of it hears of it */
    return store_action_put(c->tx, &a);
}

struct err updates_force(struct call *c, const struct overdue_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct overdue *o = &list->items[i];
        struct err e = o->is_in_window ? updates_apply(c, o->target, o->update, true) : OK;
        if (err_failed(e) && !is_busy(e))
            return e;
        if (!o->action && (!o->is_in_window || err_failed(e)))
            TRY(set_down(c, o));
    }
    return OK;
}
