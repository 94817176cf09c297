/*
 * The values of parameter groups: modify, reset, describe. A change stands or falls as a whole: it
 * is checked with what the group had before and with every cache that uses it.
 */
#include "base/arena.h"
#include "base/vec.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/status.h"
#include "controlplane/ops/global_parameters.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/parameters.h"
#include "controlplane/store/parameters.h"

#include <string.h>

/* A group on its way to other values. */
struct change {
    struct parameter_facts facts;
    struct cluster *users; /* the clusters that use it */
    size_t user_count;
    vec_of(struct parameter_value) values; /* as they will be */
    bool is_changed;
};

/* --- finding --- */

static struct err load_users(struct call *c, struct change *ch)
{
    const struct parameter_group *g = &ch->facts.group;
    int64_t *ids;

    TRY(store_parameter_group_clusters(c->tx, g->account, g->region, g->name, &ids,
                                       &ch->user_count));
    ch->users = arena_array(c->arena, ch->user_count, sizeof(*ch->users));
    for (size_t i = 0; i < ch->user_count; i++)
        TRY(store_cluster_get(c->tx, ids[i], &ch->users[i]));
    return OK;
}

static struct err change_begin(struct call *c, const char *name, struct change *out)
{
    *out = (struct change){.values = VEC_EMPTY};
    TRY(parameters_find(c, name, &out->facts));
    if (out->facts.group.id == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The default parameter group %s cannot be modified.", out->facts.group.name);
    TRY(global_parameters_check_change(c, &out->facts.group));
    for (size_t i = 0; i < out->facts.values.count; i++)
        *vec_add(c->arena, &out->values) = out->facts.values.items[i];
    return load_users(c, out);
}

/* --- checking --- */

static struct err check_count(struct call *c, const struct ec_parameter_name_value_list *list)
{
    if (list->count <= PARAMETERS_PER_CALL)
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                 "The parameter ParameterNameValues must have at most %d entries, but has %zu.",
                 PARAMETERS_PER_CALL, list->count);
}

/* The name of an entry in lower case; each may stand in a request once. */
static struct err entry_name(struct call *c, const struct ec_parameter_name_value_list *list,
                             size_t at, const char **out)
{
    TRY(member_need(c, "ParameterName", list->items[at].parameter_name));
    const char *name = name_fold(c->arena, list->items[at].parameter_name);

    for (size_t i = 0; i < at; i++)
        if (strcasecmp(list->items[i].parameter_name, name) == 0)
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "The parameter %s is given more than once.", name);
    *out = name;
    return OK;
}

/* The mode of a cache is fixed when it is made, whatever becomes of its group. */
static struct err check_mode(struct call *c, const struct change *ch)
{
    struct parameter_value_list after = {ch->values.items, ch->values.count};

    if (ch->user_count == 0 ||
        parameter_values_are_clustered(&ch->facts.values) == parameter_values_are_clustered(&after))
        return OK;
    return fault(c, FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE,
                 "One or more cache clusters use the parameter group %s, so its parameter "
                 "cluster-enabled cannot be changed.",
                 ch->facts.group.name);
}

static struct err check_whole(struct call *c, const struct change *ch)
{
    struct parameter_value_list after = {ch->values.items, ch->values.count};

    TRY(check_mode(c, ch));
    TRY(parameter_values_check(c->arena, ch->facts.family, &after));
    for (size_t i = 0; i < ch->user_count; i++) {
        const struct cluster *cl = &ch->users[i];
        TRY(parameter_values_check_nodes(c->arena, ch->facts.family, &after,
                                         engine_version_reported(cl->engine, cl->engine_version),
                                         node_type_find(cl->node_type)));
    }
    return OK;
}

/* --- recording --- */

static struct err tell(struct call *c, const struct change *ch, enum event_kind kind,
                       const char *first, const char *second)
{
    const struct parameter_group *g = &ch->facts.group;
    struct event_source source = {g->account, g->region, g->name};
    struct event event = event_of(c->arena, &source, c->now_ms, kind, first, second);

    return store_event_add(c->tx, &event);
}

/* Another revision, so that whoever uses the group is told. */
static struct err change_end(struct call *c, struct change *ch)
{
    if (!ch->is_changed)
        return OK;
    TRY(store_parameter_group_revise(c->tx, &ch->facts.group));
    for (size_t i = 0; i < ch->user_count; i++) {
        struct event event = event_of_cluster(c->arena, &ch->users[i], c->now_ms,
                                              EVENT_CLUSTER_PARAMETERS, ch->facts.group.name, NULL);
        TRY(store_event_add(c->tx, &event));
        store_touch_cluster(c->tx, ch->users[i].id);
    }
    return global_parameters_spread(c, &ch->facts.group);
}

/* A value that is not there is none to take away. */
static struct err drop_value(struct call *c, struct change *ch, const char *name)
{
    for (size_t i = 0; i < ch->values.count; i++) {
        if (strcmp(ch->values.items[i].name, name) != 0)
            continue;
        ch->values.items[i] = ch->values.items[--ch->values.count];
        ch->is_changed = true;
        TRY(store_parameter_value_remove(c->tx, ch->facts.group.id, name));
        return tell(c, ch, EVENT_PARAMETER_RESET, name, NULL);
    }
    return OK;
}

/* --- modify --- */

static bool is_named(const struct ec_parameter_name_value_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].parameter_name && strcasecmp(list->items[i].parameter_name, name) == 0)
            return true;
    return false;
}

static struct parameter_value *value_slot(struct call *c, struct change *ch, const char *name)
{
    vec_each(v, &ch->values)
        if (strcmp(v->name, name) == 0)
            return v;
    struct parameter_value *added = vec_add(c->arena, &ch->values);
    *added = (struct parameter_value){name, NULL};
    return added;
}

/* What it had already changes nothing. */
static struct err set_value(struct call *c, struct change *ch, const struct parameter *p,
                            const char *value)
{
    const char *why = parameter_why_inert(p->name);
    struct parameter_value *slot = value_slot(c, ch, p->name);

    if (slot->value && strcmp(slot->value, value) == 0)
        return OK;
    slot->value = value;
    ch->is_changed = true;
    TRY(store_parameter_value_put(c->tx, ch->facts.group.id, p->name, value));
    TRY(tell(c, ch, EVENT_PARAMETER_SET, p->name, value));
    return why ? tell(c, ch, EVENT_PARAMETER_INERT, p->name, why) : OK;
}

static struct err modify_one(struct call *c, const struct ec_parameter_name_value_list *list,
                             size_t at, struct change *ch)
{
    const char *value = list->items[at].parameter_value, *name;
    const struct parameter *p;

    TRY(entry_name(c, list, at, &name));
    TRY(parameter_check_name(c->arena, ch->facts.family, name, &p));
    if (!value)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The parameter ParameterValue must be provided and must not be null.");
    TRY(parameter_check_value(c->arena, p, value));
    TRY(set_value(c, ch, p, value));
    const char *alternative = parameter_alternative(name);
    return alternative && !is_named(list, alternative) ? drop_value(c, ch, alternative) : OK;
}

/* A change that is still on its way to the engines does not stand in the way of the next one:
 * clients split a long list into several calls and do not wait between them. An empty list changes
 * nothing. */
struct err ec_modify_cache_parameter_group(struct call *c,
                                           const struct ec_modify_cache_parameter_group_in *in,
                                           struct ec_modify_cache_parameter_group_out *out)
{
    const struct ec_parameter_name_value_list *list = &in->parameter_name_values;
    struct change ch;

    TRY(change_begin(c, in->cache_parameter_group_name, &ch));
    TRY(check_count(c, list));
    for (size_t i = 0; i < list->count; i++)
        TRY(modify_one(c, list, i, &ch));
    TRY(check_whole(c, &ch));
    TRY(change_end(c, &ch));
    out->cache_parameter_group_name = ch.facts.group.name;
    return OK;
}

/* --- reset --- */

static struct err check_nothing_pending(struct call *c, const struct change *ch)
{
    for (size_t i = 0; i < ch->user_count; i++) {
        struct node_list nodes;
        TRY(store_node_list(c->tx, ch->users[i].id, &nodes));
        if (cluster_parameter_status(&ch->users[i], &nodes) == PARAMETERS_APPLYING)
            return fault(c, FAULT_INVALID_CACHE_PARAMETER_GROUP_STATE,
                         "The parameter group %s has pending changes: cache cluster %s is still "
                         "applying them.",
                         ch->facts.group.name, ch->users[i].name);
    }
    return OK;
}

/* The reserve in bytes, which cannot be reset by itself, goes with the one in percent. */
static struct err reset_one(struct call *c, struct change *ch, const struct parameter *p)
{
    const char *alternative = parameter_alternative(p->name);

    TRY(drop_value(c, ch, p->name));
    return alternative ? drop_value(c, ch, alternative) : OK;
}

static struct err reset_some(struct call *c, const struct ec_parameter_name_value_list *list,
                             struct change *ch)
{
    TRY(check_count(c, list));
    for (size_t i = 0; i < list->count; i++) {
        const struct parameter *p;
        const char *name;
        TRY(entry_name(c, list, i, &name));
        TRY(parameter_check_reset(c->arena, ch->facts.family, name, &p));
        TRY(reset_one(c, ch, p));
    }
    return OK;
}

static struct err reset_all(struct call *c, struct change *ch)
{
    ch->is_changed = ch->values.count > 0;
    ch->values.count = 0;
    TRY(store_parameter_values_clear(c->tx, ch->facts.group.id));
    return ch->is_changed ? tell(c, ch, EVENT_PARAMETERS_RESET, NULL, NULL) : OK;
}

struct err ec_reset_cache_parameter_group(struct call *c,
                                          const struct ec_reset_cache_parameter_group_in *in,
                                          struct ec_reset_cache_parameter_group_out *out)
{
    bool is_all = in->reset_all_parameters.value;
    size_t count = in->parameter_name_values.count;
    struct change ch;

    TRY(change_begin(c, in->cache_parameter_group_name, &ch));
    if (is_all && count > 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "ResetAllParameters and ParameterNameValues cannot be used together.");
    if (!is_all && count == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Either ResetAllParameters or ParameterNameValues must be provided.");
    TRY(check_nothing_pending(c, &ch));
    TRY(is_all ? reset_all(c, &ch) : reset_some(c, &in->parameter_name_values, &ch));
    TRY(check_whole(c, &ch));
    TRY(change_end(c, &ch));
    out->cache_parameter_group_name = ch.facts.group.name;
    return OK;
}

/* --- describe --- */

/* Which of a family's parameters are told, and where the answer's two lists stand. */
struct listing {
    const struct parameter_family *family;
    const struct parameter_value_list *values;
    bool is_own;        /* the values were set by a user */
    const char *source; /* NULL: any */
    struct ec_parameters_list *plain;
    struct ec_cache_node_type_specific_parameters_list *by_type;
    const char **marker;
};

static const char *source_of(const struct listing *l, const struct parameter *p)
{
    return l->is_own && parameter_value_find(l->values, p->name) ? "user" : "system";
}

/* An empty value where every value is free is none. */
static const char *value_to_wire(const struct listing *l, const struct parameter *p)
{
    const char *value = parameter_value_or_default(p, l->values, NULL);

    return value && *value == '\0' && !p->allowed ? NULL : value;
}

static void plain_to_wire(const struct listing *l, const struct parameter *p,
                          struct ec_parameter *out)
{
    *out = (struct ec_parameter){
        .parameter_name = p->name,
        .parameter_value = value_to_wire(l, p),
        .description = p->doc,
        .source = source_of(l, p),
        .data_type = p->type,
        .allowed_values = p->allowed,
        .is_modifiable = BOOL_OF(p->is_modifiable),
        .minimum_engine_version = p->since,
        .change_type = p->is_static ? "requires-reboot" : "immediate",
    };
}

static void by_type_to_wire(struct call *c, const struct parameter *p,
                            struct ec_cache_node_type_specific_parameter *out)
{
    struct ec_cache_node_type_specific_value_list *values = &out->cache_node_type_specific_values;

    *out = (struct ec_cache_node_type_specific_parameter){
        .parameter_name = p->name,
        .description = p->doc,
        .source = "system",
        .data_type = p->type,
        .allowed_values = p->allowed,
        .is_modifiable = BOOL_OF(p->is_modifiable),
        .minimum_engine_version = p->since,
        .change_type = p->is_static ? "requires-reboot" : "immediate",
    };
    values->has = true;
    values->count = p->node_value_count;
    values->items = arena_array(c->arena, values->count, sizeof(*values->items));
    for (size_t i = 0; i < values->count; i++)
        values->items[i] = (struct ec_cache_node_type_specific_value){p->node_values[i].node_type,
                                                                      p->node_values[i].value};
}

static void list_open(struct call *c, const struct listing *l)
{
    l->plain->has = l->by_type->has = true;
    l->plain->items = arena_array(c->arena, l->family->count, sizeof(*l->plain->items));
    l->by_type->items = arena_array(c->arena, l->family->count, sizeof(*l->by_type->items));
}

/* Both lists share one order and one page. */
static struct err list_page(struct call *c, const struct listing *l, struct opt_int max_records,
                            const char *marker)
{
    const char *last = NULL;
    struct page page;
    int listed = 0;

    TRY(page_open(c, max_records, marker, &page));
    if (*page.after && !parameter_find(l->family, page.after))
        return page_bad_marker(c, marker);
    list_open(c, l);
    for (size_t i = 0; i < l->family->count; i++) {
        const struct parameter *p = &l->family->items[i];
        if ((l->source && strcmp(l->source, source_of(l, p)) != 0) ||
            (*page.after && parameter_name_compare(p->name, page.after) <= 0))
            continue;
        if (listed++ == page.limit) {
            *l->marker = page_marker(c, last);
            return OK;
        }
        if (p->node_values)
            by_type_to_wire(c, p, &l->by_type->items[l->by_type->count++]);
        else
            plain_to_wire(l, p, &l->plain->items[l->plain->count++]);
        last = p->name;
    }
    return OK;
}

static struct err check_source(struct call *c, const char *source)
{
    if (!source || strcmp(source, "user") == 0 || strcmp(source, "system") == 0 ||
        strcmp(source, "engine-default") == 0)
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                 "Invalid value %s for Source. It must be user, system or engine-default.", source);
}

struct err ec_describe_cache_parameters(struct call *c,
                                        const struct ec_describe_cache_parameters_in *in,
                                        struct ec_describe_cache_parameters_out *out)
{
    struct parameter_facts facts;

    TRY(check_source(c, in->source));
    TRY(parameters_find(c, in->cache_parameter_group_name, &facts));
    struct listing listing = {
        .family = facts.family,
        .values = &facts.values,
        .is_own = facts.group.id != 0,
        .source = in->source,
        .plain = &out->parameters,
        .by_type = &out->cache_node_type_specific_parameters,
        .marker = &out->marker,
    };
    return list_page(c, &listing, in->max_records, in->marker);
}

struct err ec_describe_engine_default_parameters(
    struct call *c, const struct ec_describe_engine_default_parameters_in *in,
    struct ec_describe_engine_default_parameters_out *out)
{
    static const struct parameter_value_list nothing_set = {0};
    const struct parameter_family *family = parameter_family_find(in->cache_parameter_group_family);

    if (!family)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "CacheParameterGroupFamily %s is not a valid parameter group family.",
                     in->cache_parameter_group_family);
    struct ec_engine_defaults *defaults = arena_new(c->arena, struct ec_engine_defaults);
    struct listing listing = {
        .family = family,
        .values = &nothing_set,
        .plain = &defaults->parameters,
        .by_type = &defaults->cache_node_type_specific_parameters,
        .marker = &defaults->marker,
    };
    defaults->cache_parameter_group_family = family->name;
    out->engine_defaults = defaults;
    return list_page(c, &listing, in->max_records, in->marker);
}
