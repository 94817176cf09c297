/* Which update concerns whom is not stored: it follows from what nodes run. */
#include "controlplane/ops/updates.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/ops/group_facts.h"
#include "controlplane/store/groups.h"

#include <string.h>

struct err updates_read(struct call *c, struct update_list *out)
{
    return store_update_list(c->tx, c->caller->region, &out->items, &out->count);
}

struct err updates_find(struct call *c, const char *name, struct service_update *out)
{
    struct update_list list;

    TRY(updates_read(c, &list));
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(service_update_name(c->arena, &list.items[i]), name) == 0) {
            *out = list.items[i];
            return OK;
        }
    return fault(c, FAULT_SERVICE_UPDATE_NOT_FOUND, "Service update %s not found.", name);
}

static bool is_same_target(const struct built_node *x, const struct built_node *y)
{
    return x->group_id ? x->group_id == y->group_id : x->cluster_id == y->cluster_id;
}

struct err updates_targets(struct call *c, struct update_target **out, size_t *out_count)
{
    struct built_node *nodes;
    size_t count;

    TRY(store_built_nodes(c->tx, c->caller->account, c->caller->region, &nodes, &count));
    *out = arena_array(c->arena, count, sizeof(**out));
    *out_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !is_same_target(&nodes[i - 1], &nodes[i]))
            (*out)[(*out_count)++].nodes = &nodes[i];
        (*out)[*out_count - 1].count++;
    }
    return OK;
}

int64_t updates_apply_by_ms(const struct call *c, const struct service_update *u)
{
    return service_update_apply_by_ms(u, c->conf->update_days);
}

static bool is_forced(const struct call *c, const struct update_target *t,
                      const struct service_update *u)
{
    const struct built_node *n = t->nodes;
    bool takes_minor = n->takes_minor && update_heeds_minor(n->engine, n->engine_version);

    return service_update_is_forced_on(u, takes_minor) && c->now_ms >= updates_apply_by_ms(c, u);
}

struct update_progress updates_progress(const struct call *c, const struct update_target *t,
                                        const struct service_update *u)
{
    struct update_progress p = {.total = (int)t->count, .is_overdue = is_forced(c, t, u)};

    for (size_t i = 0; i < t->count; i++) {
        const struct built_node *n = &t->nodes[i];
        bool is_updated = !build_is_older(n->build, u->build);
        p.updated += is_updated;
        p.has_begun |= n->has_begun;
        p.can_go_on |= u->is_offered && !is_updated && *n->offered && *n->offered != ' ' &&
                       !build_is_older(n->offered, u->build);
    }
    return p;
}

const struct update_action *updates_action(const struct update_action *list, size_t count,
                                           const struct update_target *t,
                                           const struct service_update *u)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].update_id == u->id &&
            (t->nodes->group_id ? list[i].group_id == t->nodes->group_id
                                : list[i].cluster_id == t->nodes->cluster_id))
            return &list[i];
    return NULL;
}

/* --- applying --- */

static struct err begin_group(struct call *c, const struct built_node *n, struct update_action *a)
{
    struct group_facts f;

    TRY(group_facts_for_change(c, n->group, &f));
    TRY(group_facts_operate(c, &f, GROUP_ROLL, ""));
    a->group_id = f.group.id;
    a->operation_id = f.newest->id;
    return OK;
}

static struct err begin_cluster(struct call *c, const struct built_node *n, struct update_action *a)
{
    struct cluster_facts f;

    TRY(facts_find(c, n->cluster, &f));
    if (!cluster_status_may_change(f.status))
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s is not in available state to be modified.", n->cluster);
    TRY(facts_operate(c, &f, OPERATION_MODIFY,
                      arena_printf(c->arena, "%d " ROLL_WORD, facts_node_count(&f))));
    a->cluster_id = f.cluster.id;
    a->operation_id = f.newest->id;
    return OK;
}

struct err updates_apply(struct call *c, const struct update_target *t,
                         const struct service_update *u, bool is_automatic)
{
    struct update_action a = {
        .update_id = u->id, .applied_ms = c->now_ms, .is_automatic = is_automatic};

    TRY(t->nodes->group_id ? begin_group(c, t->nodes, &a) : begin_cluster(c, t->nodes, &a));
    return store_action_put(c->tx, &a);
}
