/* Which update concerns whom is not stored: it follows from what nodes run. */
#include "controlplane/ops/updates.h"

#include "base/arena.h"
#include "contract/faults.h"

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

int updates_done(const struct update_target *t, const struct service_update *u)
{
    int done = 0;

    for (size_t i = 0; i < t->count; i++)
        done += !build_is_older(t->nodes[i].build, u->build);
    return done;
}

bool updates_has_begun(const struct update_target *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->nodes[i].has_begun)
            return true;
    return false;
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
