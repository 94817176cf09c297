/* Security groups: made, described and deleted. Their rules are a chapter of their own. */
#include "base/arena.h"
#include "contract/ec2_handlers.h"
#include "contract/faults.h"
#include "controlplane/ops/filters.h"
#include "controlplane/ops/inventory.h"
#include "controlplane/ops/network.h"
#include "controlplane/ops/permissions.h"
#include "controlplane/store/network.h"
#include "controlplane/store/store.h"

#include <string.h>

#define GROUP_TEXT_MAX 255

/* --- describe --- */

static void wire_group(struct call *c, const struct inventory *inv, const struct security_group *g,
                       struct ec2_security_group *out)
{
    *out = (struct ec2_security_group){
        .group_id = g->id,
        .vpc_id = g->vpc_id,
        .security_group_arn = inventory_arn(c, g->id),
        .owner_id = c->caller->account,
        .group_name = g->name,
        .description = g->description,
    };
    permissions_wire(c, &inv->rules, g->id, false, &out->ip_permissions);
    permissions_wire(c, &inv->rules, g->id, true, &out->ip_permissions_egress);
    inventory_wire_tags(c, inv, g->id, &out->tags);
}

static const char *const group_filters[] = {"description",
                                            "group-id",
                                            "group-name",
                                            "owner-id",
                                            "vpc-id",
                                            "ip-permission.cidr",
                                            "ip-permission.from-port",
                                            "ip-permission.group-id",
                                            "ip-permission.ipv6-cidr",
                                            "ip-permission.protocol",
                                            "ip-permission.to-port",
                                            "egress.ip-permission.cidr",
                                            "egress.ip-permission.from-port",
                                            "egress.ip-permission.group-id",
                                            "egress.ip-permission.ipv6-cidr",
                                            "egress.ip-permission.protocol",
                                            "egress.ip-permission.to-port",
                                            NULL};

static void add_rule_traits(struct traits *t, const struct security_rule *r)
{
    const char *prefix = r->is_egress ? "egress.ip-permission" : "ip-permission";

    trait_add(t, arena_printf(t->arena, "%s.cidr", prefix), r->cidr);
    trait_add(t, arena_printf(t->arena, "%s.ipv6-cidr", prefix), r->ipv6_cidr);
    trait_add(t, arena_printf(t->arena, "%s.group-id", prefix), r->peer_group);
    trait_add(t, arena_printf(t->arena, "%s.protocol", prefix), r->protocol);
    trait_add(t, arena_printf(t->arena, "%s.from-port", prefix),
              arena_printf(t->arena, "%d", r->from_port));
    trait_add(t, arena_printf(t->arena, "%s.to-port", prefix),
              arena_printf(t->arena, "%d", r->to_port));
}

static bool passes(struct call *c, const struct ec2_filter_list *filters,
                   const struct inventory *inv, const struct ec2_security_group *g)
{
    struct traits t = {.arena = c->arena};

    if (filters->count == 0)
        return true;
    trait_add(&t, "description", g->description);
    trait_add(&t, "group-id", g->group_id);
    trait_add(&t, "group-name", g->group_name);
    trait_add(&t, "owner-id", g->owner_id);
    trait_add(&t, "vpc-id", g->vpc_id);
    for (size_t i = 0; i < inv->rules.count; i++)
        if (strcmp(inv->rules.items[i].group_id, g->group_id) == 0)
            add_rule_traits(&t, &inv->rules.items[i]);
    trait_add_tags(&t, &g->tags);
    return filters_pass(filters, &t);
}

/* By name only in the default VPC, as for those who know no other. */
static struct err check_names(struct call *c, const struct inventory *inv,
                              const struct ec2_group_name_string_list *names)
{
    struct security_group *g;

    for (size_t i = 0; i < names->count; i++)
        TRY(group_find(c, &inv->net, NULL, names->items[i], &g));
    return OK;
}

static bool is_asked(const struct inventory *inv, const struct ec2_describe_security_groups_in *in,
                     const struct security_group *g)
{
    const struct vpc *v = network_default_vpc(&inv->net);
    bool is_in_default = v && strcmp(v->id, g->vpc_id) == 0;

    return ids_take(in->group_ids.items, in->group_ids.count, g->id) &&
           ids_take(in->group_names.items, in->group_names.count, g->name) &&
           (in->group_names.count == 0 || is_in_default);
}

struct err ec2_describe_security_groups(struct call *c,
                                        const struct ec2_describe_security_groups_in *in,
                                        struct ec2_describe_security_groups_out *out)
{
    struct inventory inv;
    struct id_page page;
    struct security_group *g;
    const char *last = "";

    TRY(filters_check(c, &in->filters, group_filters));
    TRY(id_page_open(c, in->max_results, in->next_token, &page));
    TRY(inventory_load(c, &inv));
    for (size_t i = 0; i < in->group_ids.count; i++)
        TRY(group_find(c, &inv.net, in->group_ids.items[i], NULL, &g));
    TRY(check_names(c, &inv, &in->group_names));
    out->security_groups.has = true;
    out->security_groups.items =
        arena_array(c->arena, inv.net.group_count, sizeof(*out->security_groups.items));
    for (size_t i = 0; i < inv.net.group_count; i++) {
        struct ec2_security_group *wire = &out->security_groups.items[out->security_groups.count];
        g = &inv.net.groups[i];
        if (!is_asked(&inv, in, g))
            continue;
        wire_group(c, &inv, g, wire);
        out->security_groups.count += passes(c, &in->filters, &inv, wire) &&
                                      id_page_takes(c, &page, g->id, &last, &out->next_token);
    }
    return OK;
}

/* --- create --- */

static struct err check_texts(struct call *c, const struct ec2_create_security_group_in *in)
{
    if (*in->group_name == '\0' || strlen(in->group_name) > GROUP_TEXT_MAX ||
        strncmp(in->group_name, "sg-", 3) == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Value (%s) for parameter GroupName is invalid.", in->group_name);
    if (strcmp(in->group_name, "default") == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Cannot use reserved security group name: default");
    if (*in->description == '\0' || strlen(in->description) > GROUP_TEXT_MAX)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Value (%s) for parameter GroupDescription is invalid.", in->description);
    return OK;
}

struct err ec2_create_security_group(struct call *c, const struct ec2_create_security_group_in *in,
                                     struct ec2_create_security_group_out *out)
{
    struct inventory inv;
    struct network n;
    struct security_group g = {
        .id = network_new_id(c, "sg-"),
        .name = in->group_name,
        .description = in->description,
        .origin = NETWORK_MADE,
    };

    TRY(check_texts(c, in));
    TRY(network_open(c, &n));
    const struct vpc *v = in->vpc_id ? network_vpc(&n, in->vpc_id) : network_default_vpc(&n);
    if (!v)
        return fault(c, FAULT_INVALID_VPC_ID_NOT_FOUND, "The vpc ID '%s' does not exist",
                     in->vpc_id ? in->vpc_id : "");
    if (n.group_count >= NETWORK_GROUPS_MAX)
        return fault(c, FAULT_SECURITY_GROUP_LIMIT_EXCEEDED,
                     "The maximum number of security groups has been reached.");
    g.vpc_id = v->id;
    struct err e = network_add_group(c, &g);
    if (err_is(e, ERR_EXISTS))
        return fault(c, FAULT_INVALID_GROUP_DUPLICATE,
                     "The security group '%s' already exists for VPC '%s'", g.name, v->id);
    TRY(e);
    TRY(inventory_tag_new(c, &in->tag_specifications, "security-group", g.id));
    TRY(inventory_load(c, &inv));
    out->group_id = g.id;
    out->security_group_arn = inventory_arn(c, g.id);
    inventory_wire_tags(c, &inv, g.id, &out->tags);
    return OK;
}

/* --- delete --- */

static bool is_referenced(const struct inventory *inv, const char *id)
{
    for (size_t i = 0; i < inv->rules.count; i++)
        if (strcmp(inv->rules.items[i].peer_group, id) == 0 &&
            strcmp(inv->rules.items[i].group_id, id) != 0)
            return true;
    return false;
}

static struct err check_delete(struct call *c, const struct inventory *inv,
                               const struct security_group *g)
{
    bool is_used = false;

    if (strcmp(g->name, "default") == 0)
        return fault(c, FAULT_CANNOT_DELETE,
                     "the specified group: \"%s\" name: \"default\" cannot "
                     "be deleted by a user",
                     g->id);
    TRY(store_security_group_is_used(c->tx, c->caller->account, c->caller->region, g->id,
                                     &is_used));
    if (is_used || is_referenced(inv, g->id))
        return fault(c, FAULT_DEPENDENCY_VIOLATION, "resource %s has a dependent object", g->id);
    if (g->origin == NETWORK_DECLARED)
        return fault(c, FAULT_DEPENDENCY_VIOLATION,
                     "The security group '%s' is declared in the configuration of the service.",
                     g->id);
    return OK;
}

struct err ec2_delete_security_group(struct call *c, const struct ec2_delete_security_group_in *in,
                                     struct ec2_delete_security_group_out *out)
{
    const char *account = c->caller->account, *region = c->caller->region;
    struct inventory inv;
    struct security_group *g;

    TRY(inventory_load(c, &inv));
    TRY(group_find(c, &inv.net, in->group_id, in->group_name, &g));
    TRY(check_delete(c, &inv, g));
    for (size_t i = 0; i < inv.rules.count; i++)
        if (strcmp(inv.rules.items[i].group_id, g->id) == 0)
            TRY(store_tag_clear(c->tx, inventory_arn(c, inv.rules.items[i].id)));
    TRY(store_tag_clear(c->tx, inventory_arn(c, g->id)));
    out->return_ = BOOL_OF(true);
    out->group_id = g->id;
    return store_security_group_remove(c->tx, account, region, g->id);
}
