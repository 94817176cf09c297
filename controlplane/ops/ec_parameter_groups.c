/* Parameter groups: create, describe, delete. Their values are a chapter of their own. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/global_parameters.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/parameters.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/store/parameters.h"

#include <string.h>

static struct err tell(struct call *c, const struct parameter_group *g, enum event_kind kind)
{
    struct event_source source = {g->account, g->region, g->name};
    struct event event = event_of(c->arena, &source, c->now_ms, kind, NULL, NULL);

    return store_event_add(c->tx, &event);
}

static void group_to_wire(struct call *c, const struct parameter_group *g,
                          struct ec_cache_parameter_group *out)
{
    *out = (struct ec_cache_parameter_group){
        .cache_parameter_group_name = g->name,
        .cache_parameter_group_family = g->family,
        .description = g->description,
        .is_global = BOOL_OF(global_parameters_is_own(g->name)),
        .arn = parameters_arn(c, g),
    };
}

/* --- create --- */

static struct err check_new(struct call *c, const struct parameter_group *g)
{
    struct parameter_group other;
    int64_t count;

    if (!parameter_family_find(g->family))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "CacheParameterGroupFamily %s is not a valid parameter group family.",
                     g->family);
    if (global_parameters_is_own(g->name))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Names of parameter groups must not begin with " GLOBAL_PARAMETERS_PREFIX
                     ": they are made for members of global replication groups.");
    struct err e = store_parameter_group_find(c->tx, g->account, g->region, g->name, &other);
    if (!err_failed(e))
        return fault(c, FAULT_CACHE_PARAMETER_GROUP_ALREADY_EXISTS,
                     "CacheParameterGroup already exists: %s", g->name);
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    TRY(store_parameter_group_count(c->tx, g->account, g->region, &count));
    if (count >= quota(c, parameter_groups))
        return fault(c, FAULT_CACHE_PARAMETER_GROUP_QUOTA_EXCEEDED,
                     "Cache parameter group quota exceeded. You can have at most %d cache "
                     "parameter groups in this region.",
                     quota(c, parameter_groups));
    return OK;
}

struct err ec_create_cache_parameter_group(struct call *c,
                                           const struct ec_create_cache_parameter_group_in *in,
                                           struct ec_create_cache_parameter_group_out *out)
{
    struct tag *tags = tagging_from_wire(c, &in->tags);
    struct parameter_group group = {
        .account = c->caller->account,
        .region = c->caller->region,
        .name = name_fold(c->arena, in->cache_parameter_group_name),
        .family = in->cache_parameter_group_family,
        .description = in->description,
        .created_ms = c->now_ms,
    };

    TRY(name_check(c->arena, "CacheParameterGroupName", in->cache_parameter_group_name,
                   PARAMETER_GROUP_NAME_MAX));
    TRY(tags_check(c->arena, tags, in->tags.count));
    TRY(tags_check_quota(NULL, 0, tags, in->tags.count));
    TRY(check_new(c, &group));

    TRY(store_parameter_group_insert(c->tx, &group));
    TRY(tagging_put(c, parameters_arn(c, &group), tags, in->tags.count));
    TRY(tell(c, &group, EVENT_PARAMETER_GROUP_CREATED));
    out->cache_parameter_group = arena_new(c->arena, struct ec_cache_parameter_group);
    group_to_wire(c, &group, out->cache_parameter_group);
    return OK;
}

/* --- describe --- */

static struct err describe_one(struct call *c, const char *name,
                               struct ec_describe_cache_parameter_groups_out *out)
{
    struct parameter_facts facts;

    TRY(parameters_find(c, name, &facts));
    out->cache_parameter_groups.has = true;
    out->cache_parameter_groups.count = 1;
    out->cache_parameter_groups.items = arena_new(c->arena, struct ec_cache_parameter_group);
    group_to_wire(c, &facts.group, out->cache_parameter_groups.items);
    return OK;
}

/* Takes the next by name off two sorted lists; false at the end of both. */
struct merge {
    struct parameter_group *own, *defaults;
    size_t own_count, default_count;
};

static bool merge_next(struct merge *m, struct parameter_group *out)
{
    bool has_own = m->own_count > 0, has_default = m->default_count > 0;

    if (has_own && (!has_default || strcmp(m->own->name, m->defaults->name) < 0)) {
        *out = *m->own++;
        m->own_count--;
        return true;
    }
    if (!has_default)
        return false;
    *out = *m->defaults++;
    m->default_count--;
    return true;
}

/* Default groups whose names come after `after`. */
static void take_defaults(struct call *c, const char *after, struct merge *m)
{
    size_t count = parameter_group_default_count();

    m->defaults = arena_array(c->arena, count, sizeof(*m->defaults));
    m->default_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct parameter_group *g = &m->defaults[m->default_count];
        parameter_group_default_at(c->arena, i, g);
        m->default_count += strcmp(g->name, after) > 0;
    }
}

static struct err describe_page(struct call *c, const struct page *page,
                                struct ec_describe_cache_parameter_groups_out *out)
{
    struct ec_cache_parameter_group_list *list = &out->cache_parameter_groups;
    struct parameter_group group;
    struct merge m;

    TRY(store_parameter_group_list(c->tx, c->caller->account, c->caller->region, page->after,
                                   page->limit + 1, &m.own, &m.own_count));
    take_defaults(c, page->after, &m);
    list->has = true;
    list->items = arena_array(c->arena, (size_t)page->limit, sizeof(*list->items));
    while (merge_next(&m, &group)) {
        if (list->count == (size_t)page->limit) {
            out->marker = page_marker(c, list->items[list->count - 1].cache_parameter_group_name);
            return OK;
        }
        group_to_wire(c, &group, &list->items[list->count++]);
    }
    return OK;
}

static bool is_group_name(struct call *c, const char *name)
{
    struct parameter_group group;

    return name_is_identifier(name) || parameter_group_default_find(c->arena, name, &group);
}

struct err ec_describe_cache_parameter_groups(
    struct call *c, const struct ec_describe_cache_parameter_groups_in *in,
    struct ec_describe_cache_parameter_groups_out *out)
{
    struct page page;

    TRY(page_open(c, in->max_records, in->marker, &page));
    if (*page.after && !is_group_name(c, page.after))
        return page_bad_marker(c, in->marker);
    if (in->cache_parameter_group_name)
        return describe_one(c, in->cache_parameter_group_name, out);
    return describe_page(c, &page, out);
}

/* --- delete --- */

struct err ec_delete_cache_parameter_group(struct call *c,
                                           const struct ec_delete_cache_parameter_group_in *in,
                                           struct ec_delete_cache_parameter_group_out *out)
{
    struct parameter_facts facts;
    const struct parameter_group *g = &facts.group;
    bool is_used;

    (void)out;
    TRY(parameters_find(c, in->cache_parameter_group_name, &facts));
    if (g->id == 0)
        return fault(c, FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE,
                     "The default parameter group %s cannot be deleted.", g->name);
    TRY(store_parameter_group_is_used(c->tx, g->account, g->region, g->name, &is_used));
    if (is_used)
        return fault(c, FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE,
                     "One or more cache clusters are still members of this parameter group %s, "
                     "so the group cannot be deleted.",
                     g->name);
    TRY(store_parameter_group_remove(c->tx, g->id, parameters_arn(c, g)));
    return tell(c, g, EVENT_PARAMETER_GROUP_DELETED);
}
