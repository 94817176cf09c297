/* Groups of users' own are in the store, default ones in the catalogue; from here on they are the
 * same. */
#include "controlplane/ops/parameters.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/naming.h"
#include "controlplane/store/parameters.h"

#include <string.h>

static struct err find_own(struct call *c, const char *name, struct parameter_facts *out)
{
    struct err e =
        store_parameter_group_find(c->tx, c->caller->account, c->caller->region, name, &out->group);

    if (err_is(e, ERR_NOT_FOUND))
        return fault(c, FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND, "CacheParameterGroup not found: %s",
                     name);
    TRY(e);
    return store_parameter_values(c->tx, out->group.id, &out->values);
}

struct err parameters_find(struct call *c, const char *name, struct parameter_facts *out)
{
    const char *folded = name_fold(c->arena, name);

    if (parameter_group_default_find(c->arena, folded, &out->group))
        out->values = parameter_group_default_values(&out->group);
    else
        TRY(find_own(c, folded, out));
    out->family = parameter_family_find(out->group.family);
    check(out->family != NULL); /* the catalogue never loses a family */
    return OK;
}

struct err parameters_choose(struct call *c, const char *name, const struct engine_version *v,
                             const struct node_type *t, struct parameter_facts *out)
{
    if (!name || *name == '\0')
        name = parameter_group_default(c->arena, v->family);
    TRY(parameters_find(c, name, out));
    if (strcmp(out->family->name, v->family) != 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Expected a parameter group of family %s but found one of family %s",
                     v->family, out->family->name);
    return parameter_values_check_nodes(c->arena, out->family, &out->values, v, t);
}

struct err parameters_check_swap(struct call *c, const struct parameter_facts *from,
                                 const struct parameter_facts *to)
{
    for (size_t i = 0; i < to->family->count; i++) {
        const struct parameter *p = &to->family->items[i];
        const struct parameter *before = parameter_find(from->family, p->name);
        if (!p->is_conditional || !before)
            continue;
        const char *old = parameter_value_or_default(before, &from->values, NULL);
        const char *new = parameter_value_or_default(p, &to->values, NULL);
        if (strcmp(old, new) != 0)
            return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                         "The parameter group %s cannot be used: its value of the parameter %s "
                         "(%s) differs from that of the current parameter group (%s).",
                         to->group.name, p->name, new, old);
    }
    return OK;
}

const char *parameters_arn(struct call *c, const struct parameter_group *g)
{
    return arn_make(c->arena, c->caller->region, c->caller->account, "parametergroup", g->name);
}
