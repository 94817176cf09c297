/*
 * Groups are of one region, and what they say is to be the same in all: so the primary's group is
 * what counts, whoever made it, and each secondary has a copy.
 */
#include "controlplane/ops/global_parameters.h"

#include "base/arena.h"
#include "contract/elasticache.h"
#include "contract/faults.h"
#include "controlplane/model/events.h"
#include "controlplane/ops/global_facts.h"
#include "controlplane/ops/group_modify.h"
#include "controlplane/store/globals.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/parameters.h"

#include <string.h>

bool global_parameters_is_own(const char *parameter_group)
{
    return strncmp(parameter_group, GLOBAL_PARAMETERS_PREFIX, strlen(GLOBAL_PARAMETERS_PREFIX)) ==
           0;
}

/* --- the copy --- */

/* Families have dots, names have none: "global-datastore-there-redis6-x". */
static const char *name_of(struct call *c, const char *member, const char *family)
{
    char *name = arena_printf(c->arena, GLOBAL_PARAMETERS_PREFIX "%s-%s", member, family);

    for (char *at = name; *at; at++)
        *at = *at == '.' ? '-' : *at;
    return name;
}

static struct err make(struct call *c, const char *name, const char *family,
                       struct parameter_group *out)
{
    struct event_source source = {c->caller->account, c->caller->region, name};
    struct event made =
        event_of(c->arena, &source, c->now_ms, EVENT_PARAMETER_GROUP_CREATED, NULL, NULL);

    *out = (struct parameter_group){
        .account = c->caller->account,
        .region = c->caller->region,
        .name = name,
        .family = family,
        .description = "Made for a member of a global replication group",
        .created_ms = c->now_ms,
    };
    TRY(store_parameter_group_insert(c->tx, out));
    return store_event_add(c->tx, &made);
}

static bool is_same(const struct parameter_value_list *a, const struct parameter_value_list *b)
{
    bool is_same = a->count == b->count;

    for (size_t i = 0; is_same && i < a->count; i++) {
        const char *value = parameter_value_find(b, a->items[i].name);
        is_same = value && strcmp(value, a->items[i].value) == 0;
    }
    return is_same;
}

static struct err tell_users(struct call *c, const struct parameter_group *g)
{
    int64_t *ids;
    size_t count;

    TRY(store_parameter_group_clusters(c->tx, g->account, g->region, g->name, &ids, &count));
    for (size_t i = 0; i < count; i++) {
        struct cluster cl;
        TRY(store_cluster_get(c->tx, ids[i], &cl));
        struct event event =
            event_of_cluster(c->arena, &cl, c->now_ms, EVENT_CLUSTER_PARAMETERS, g->name, NULL);
        TRY(store_event_add(c->tx, &event));
        store_touch_cluster(c->tx, ids[i]);
    }
    return OK;
}

static struct err fill(struct call *c, struct parameter_group *g,
                       const struct parameter_value_list *values)
{
    struct parameter_value_list before;

    TRY(store_parameter_values(c->tx, g->id, &before));
    if (is_same(&before, values))
        return OK;
    TRY(store_parameter_values_clear(c->tx, g->id));
    for (size_t i = 0; i < values->count; i++)
        TRY(store_parameter_value_put(c->tx, g->id, values->items[i].name, values->items[i].value));
    TRY(store_parameter_group_revise(c->tx, g));
    return tell_users(c, g);
}

struct err global_parameters_copy(struct call *c, const char *member,
                                  const struct parameter_facts *from, const char **out_name)
{
    const char *name = name_of(c, member, from->family->name);
    struct parameter_group g;

    struct err e =
        store_parameter_group_find(c->tx, c->caller->account, c->caller->region, name, &g);
    if (err_is(e, ERR_NOT_FOUND))
        e = make(c, name, from->family->name, &g);
    TRY(e);
    TRY(fill(c, &g, &from->values));
    *out_name = name;
    return OK;
}

/* --- changes --- */

static struct err members_using(struct call *c, const struct parameter_group *g,
                                struct global_member **out, size_t *out_count)
{
    return store_global_members_using(c->tx, g->account, g->region, g->name, out, out_count);
}

struct err global_parameters_check_change(struct call *c, const struct parameter_group *g)
{
    struct global_member *members;
    size_t count;

    TRY(members_using(c, g, &members, &count));
    for (size_t i = 0; i < count; i++)
        if (members[i].role != GLOBAL_PRIMARY && global_parameters_is_own(g->name))
            return fault(c, FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE,
                         "The parameter group %s follows that of the primary of the global "
                         "replication group %s and is changed with it.",
                         g->name, members[i].datastore);
    return OK;
}

/* One that had another group until now, as it was the primary before, gets its own. */
static struct err spread_to(struct call *c, const struct global_member *m,
                            const struct parameter_facts *from)
{
    struct caller who;
    struct call there = global_call_in(c, m->region, &who);
    struct replication_group g;
    struct ec_modify_replication_group_in change = {.replication_group_id = m->group,
                                                    .apply_immediately = BOOL_OF(true)};
    struct ec_modify_replication_group_out out;

    TRY(store_group_get(c->tx, m->group_id, &g));
    TRY(global_parameters_copy(&there, m->group, from, &change.cache_parameter_group_name));
    if (strcmp(g.common.parameter_group, change.cache_parameter_group_name) == 0)
        return OK;
    return group_modify(&there, &change, &out);
}

static struct err spread_in(struct call *c, int64_t datastore_id,
                            const struct parameter_facts *from)
{
    struct global_member *members;
    size_t count;

    TRY(store_global_members(c->tx, &datastore_id, 1, &members, &count));
    for (size_t i = 0; i < count; i++)
        if (members[i].role != GLOBAL_PRIMARY)
            TRY(spread_to(c, &members[i], from));
    return OK;
}

struct err global_parameters_spread(struct call *c, const struct parameter_group *g)
{
    struct global_member *members;
    struct parameter_facts facts;
    size_t count;

    TRY(members_using(c, g, &members, &count));
    for (size_t i = 0; i < count; i++) {
        if (members[i].role != GLOBAL_PRIMARY)
            continue;
        TRY(parameters_find(c, g->name, &facts));
        TRY(spread_in(c, members[i].datastore_id, &facts));
    }
    return OK;
}
