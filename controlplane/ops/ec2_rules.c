/* Rules of security groups: authorized, revoked, changed and described. */
#include "base/arena.h"
#include "base/vec.h"
#include "contract/ec2_handlers.h"
#include "contract/faults.h"
#include "controlplane/ops/filters.h"
#include "controlplane/ops/inventory.h"
#include "controlplane/ops/network.h"
#include "controlplane/ops/permissions.h"
#include "controlplane/store/network.h"
#include "controlplane/store/store.h"

#include <stdlib.h>
#include <string.h>

/* A group with the inventory that it is in. */
struct target {
    struct inventory inv;
    struct security_group *group;
    bool is_egress;
};

static struct err target_open(struct call *c, const char *id, const char *name, bool is_egress,
                              struct target *out)
{
    out->is_egress = is_egress;
    TRY(inventory_load(c, &out->inv));
    return group_find(c, &out->inv.net, id, name, &out->group);
}

/* --- wire --- */

static void wire_rule(struct call *c, const struct inventory *inv, const struct security_rule *r,
                      struct ec2_security_group_rule *out)
{
    *out = (struct ec2_security_group_rule){
        .security_group_rule_id = r->id,
        .group_id = r->group_id,
        .group_owner_id = c->caller->account,
        .is_egress = BOOL_OF(r->is_egress),
        .ip_protocol = r->protocol,
        .from_port = INT_OF(r->from_port),
        .to_port = INT_OF(r->to_port),
        .cidr_ipv4 = *r->cidr ? r->cidr : NULL,
        .cidr_ipv6 = *r->ipv6_cidr ? r->ipv6_cidr : NULL,
        .description = *r->description ? r->description : NULL,
        .security_group_rule_arn = inventory_arn(c, r->id),
    };
    if (*r->peer_group) {
        out->referenced_group_info = arena_new(c->arena, struct ec2_referenced_security_group);
        out->referenced_group_info->group_id = r->peer_group;
        out->referenced_group_info->user_id = r->peer_account;
    }
    inventory_wire_tags(c, inv, r->id, &out->tags);
}

static void wire_rules(struct call *c, const struct inventory *inv,
                       const struct security_rules *rules, struct ec2_security_group_rule_list *out)
{
    *out = (struct ec2_security_group_rule_list){.has = true, .count = rules->count};
    out->items = arena_array(c->arena, rules->count, sizeof(*out->items));
    for (size_t i = 0; i < rules->count; i++)
        wire_rule(c, inv, &rules->items[i], &out->items[i]);
}

static void wire_revoked(struct call *c, const struct security_rules *rules,
                         struct ec2_revoked_security_group_rule_list *out)
{
    *out = (struct ec2_revoked_security_group_rule_list){.has = true, .count = rules->count};
    out->items = arena_array(c->arena, rules->count, sizeof(*out->items));
    for (size_t i = 0; i < rules->count; i++) {
        const struct security_rule *r = &rules->items[i];
        out->items[i] = (struct ec2_revoked_security_group_rule){
            .security_group_rule_id = r->id,
            .group_id = r->group_id,
            .is_egress = BOOL_OF(r->is_egress),
            .ip_protocol = r->protocol,
            .from_port = INT_OF(r->from_port),
            .to_port = INT_OF(r->to_port),
            .cidr_ipv4 = *r->cidr ? r->cidr : NULL,
            .cidr_ipv6 = *r->ipv6_cidr ? r->ipv6_cidr : NULL,
            .referenced_group_id = *r->peer_group ? r->peer_group : NULL,
            .description = *r->description ? r->description : NULL,
        };
    }
}

/* --- finding rules --- */

static struct security_rule *rule_like(const struct target *t, const struct security_rule *like)
{
    for (size_t i = 0; i < t->inv.rules.count; i++)
        if (rule_is_same(&t->inv.rules.items[i], like))
            return &t->inv.rules.items[i];
    return NULL;
}

static struct err rule_by_id(struct call *c, const struct target *t, const char *id,
                             struct security_rule **out)
{
    for (size_t i = 0; i < t->inv.rules.count; i++) {
        struct security_rule *r = &t->inv.rules.items[i];
        if (id && strcmp(r->id, id) == 0 && strcmp(r->group_id, t->group->id) == 0) {
            *out = r;
            return OK;
        }
    }
    return fault(c, FAULT_INVALID_SECURITY_GROUP_RULE_ID_NOT_FOUND,
                 "The security group rule ID '%s' does not exist", id ? id : "");
}

/* The older way to name one permission; the four requests have the same members for it. */
#define FLAT_OF(in_)                                                                \
    {                                                                               \
        (in_)->ip_protocol, (in_)->cidr_ip, (in_)->source_security_group_name,      \
            (in_)->source_security_group_owner_id, (in_)->from_port, (in_)->to_port \
    }

/* --- authorize --- */

static struct err check_new(struct call *c, const struct target *t,
                            const struct security_rules *new)
{
    size_t count = new->count;

    for (size_t i = 0; i < new->count; i++) {
        if (rule_like(t, &new->items[i]))
            return fault(c, FAULT_INVALID_PERMISSION_DUPLICATE,
                         "the specified rule \"%s\" already exists", rule_text(c, &new->items[i]));
        for (size_t k = 0; k < i; k++)
            if (rule_is_same(&new->items[k], &new->items[i]))
                return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                             "The same permission must not appear multiple times");
    }
    for (size_t i = 0; i < t->inv.rules.count; i++)
        count += strcmp(t->inv.rules.items[i].group_id, t->group->id) == 0 &&
                 t->inv.rules.items[i].is_egress == t->is_egress;
    if (count > NETWORK_RULES_MAX)
        return fault(c, FAULT_RULES_PER_SECURITY_GROUP_LIMIT_EXCEEDED,
                     "The maximum number of rules per security group has been reached.");
    return OK;
}

static struct err authorize(struct call *c, struct target *t,
                            const struct ec2_ip_permission_list *list,
                            const struct permission_flat *flat,
                            const struct ec2_tag_specification_list *tags,
                            struct ec2_security_group_rule_list *out)
{
    struct security_rules new;

    TRY(permissions_read(c, &t->inv.net, t->group, t->is_egress, list, flat, &new));
    TRY(check_new(c, t, &new));
    for (size_t i = 0; i < new.count; i++) {
        new.items[i].id = network_new_id(c, "sgr-");
        TRY(store_security_rule_insert(c->tx, c->caller->account, c->caller->region,
                                       &new.items[i]));
        TRY(inventory_tag_new(c, tags, "security-group-rule", new.items[i].id));
    }
    TRY(inventory_load(c, &t->inv));
    wire_rules(c, &t->inv, &new, out);
    return OK;
}

struct err ec2_authorize_security_group_ingress(
    struct call *c, const struct ec2_authorize_security_group_ingress_in *in,
    struct ec2_authorize_security_group_ingress_out *out)
{
    struct permission_flat flat = FLAT_OF(in);
    struct target t;

    TRY(target_open(c, in->group_id, in->group_name, false, &t));
    TRY(authorize(c, &t, &in->ip_permissions, &flat, &in->tag_specifications,
                  &out->security_group_rules));
    out->return_ = BOOL_OF(true);
    return OK;
}

struct err ec2_authorize_security_group_egress(
    struct call *c, const struct ec2_authorize_security_group_egress_in *in,
    struct ec2_authorize_security_group_egress_out *out)
{
    struct permission_flat flat = FLAT_OF(in);
    struct target t;

    TRY(target_open(c, in->group_id, NULL, true, &t));
    TRY(authorize(c, &t, &in->ip_permissions, &flat, &in->tag_specifications,
                  &out->security_group_rules));
    out->return_ = BOOL_OF(true);
    return OK;
}

/* --- revoke --- */

/* The rules that a request means, by ids or by what they let through; all must be there. */
static struct err chosen_rules(struct call *c, struct target *t,
                               const struct ec2_security_group_rule_id_list *ids,
                               const struct ec2_ip_permission_list *list,
                               const struct permission_flat *flat, struct security_rules *out)
{
    vec_of(struct security_rule) found = VEC_EMPTY;
    struct security_rules like = {0};
    struct security_rule *r;

    for (size_t i = 0; i < ids->count; i++) {
        TRY(rule_by_id(c, t, ids->items[i], &r));
        *vec_add(c->arena, &found) = *r;
    }
    if (ids->count == 0)
        TRY(permissions_read(c, &t->inv.net, t->group, t->is_egress, list, flat, &like));
    for (size_t i = 0; i < like.count; i++) {
        r = rule_like(t, &like.items[i]);
        if (!r)
            return fault(c, FAULT_INVALID_PERMISSION_NOT_FOUND,
                         "The specified rule does not exist in this security group.");
        *vec_add(c->arena, &found) = *r;
        found.items[found.count - 1].description = like.items[i].description;
    }
    *out = (struct security_rules){found.items, found.count};
    return OK;
}

static struct err revoke(struct call *c, const struct security_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        struct err e = store_security_rule_remove(c->tx, c->caller->account, c->caller->region,
                                                  rules->items[i].id);
        if (err_failed(e) && !err_is(e, ERR_NOT_FOUND)) /* named twice */
            return e;
        TRY(store_tag_clear(c->tx, inventory_arn(c, rules->items[i].id)));
    }
    return OK;
}

struct err ec2_revoke_security_group_ingress(struct call *c,
                                             const struct ec2_revoke_security_group_ingress_in *in,
                                             struct ec2_revoke_security_group_ingress_out *out)
{
    struct permission_flat flat = FLAT_OF(in);
    struct security_rules rules;
    struct target t;

    TRY(target_open(c, in->group_id, in->group_name, false, &t));
    TRY(chosen_rules(c, &t, &in->security_group_rule_ids, &in->ip_permissions, &flat, &rules));
    TRY(revoke(c, &rules));
    wire_revoked(c, &rules, &out->revoked_security_group_rules);
    out->return_ = BOOL_OF(true);
    return OK;
}

struct err ec2_revoke_security_group_egress(struct call *c,
                                            const struct ec2_revoke_security_group_egress_in *in,
                                            struct ec2_revoke_security_group_egress_out *out)
{
    struct permission_flat flat = FLAT_OF(in);
    struct security_rules rules;
    struct target t;

    TRY(target_open(c, in->group_id, NULL, true, &t));
    TRY(chosen_rules(c, &t, &in->security_group_rule_ids, &in->ip_permissions, &flat, &rules));
    TRY(revoke(c, &rules));
    wire_revoked(c, &rules, &out->revoked_security_group_rules);
    out->return_ = BOOL_OF(true);
    return OK;
}

/* --- change --- */

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

static struct err change_rule(struct call *c, struct target *t,
                              const struct ec2_security_group_rule_update *in)
{
    const struct ec2_security_group_rule_request *to = in->security_group_rule;
    struct security_rule *r, *other;

    TRY(rule_by_id(c, t, in->security_group_rule_id, &r));
    if (!to)
        return fault(c, FAULT_MISSING_PARAMETER,
                     "The request must contain the parameter SecurityGroupRule");
    struct security_rule after = *r;
    after.cidr = text_or_none(to->cidr_ipv4);
    after.ipv6_cidr = text_or_none(to->cidr_ipv6);
    after.prefix_list = text_or_none(to->prefix_list_id);
    after.peer_group = text_or_none(to->referenced_group_id);
    after.peer_account = "";
    after.description = text_or_none(to->description);
    TRY(rule_normalize(c, to->ip_protocol, to->from_port, to->to_port, &after));
    TRY(rule_check_source(c, &t->inv.net, &after));
    other = rule_like(t, &after);
    if (other && other != r)
        return fault(c, FAULT_INVALID_PERMISSION_DUPLICATE,
                     "the specified rule \"%s\" already exists", rule_text(c, &after));
    *r = after;
    return store_security_rule_update(c->tx, c->caller->account, c->caller->region, r);
}

struct err ec2_modify_security_group_rules(struct call *c,
                                           const struct ec2_modify_security_group_rules_in *in,
                                           struct ec2_modify_security_group_rules_out *out)
{
    struct target t;

    TRY(target_open(c, in->group_id, NULL, false, &t));
    for (size_t i = 0; i < in->security_group_rules.count; i++)
        TRY(change_rule(c, &t, &in->security_group_rules.items[i]));
    out->return_ = BOOL_OF(true);
    return OK;
}

static struct err describe_rules(struct call *c, struct target *t,
                                 const struct ec2_ip_permission_list *list,
                                 const struct ec2_security_group_rule_description_list *by_id)
{
    static const struct ec2_security_group_rule_id_list no_ids;
    struct security_rules rules = {0};
    struct security_rule *r;

    for (size_t i = 0; i < by_id->count; i++) {
        TRY(rule_by_id(c, t, by_id->items[i].security_group_rule_id, &r));
        r->description = text_or_none(by_id->items[i].description);
        TRY(store_security_rule_update(c->tx, c->caller->account, c->caller->region, r));
    }
    if (by_id->count == 0)
        TRY(chosen_rules(c, t, &no_ids, list, NULL, &rules));
    for (size_t i = 0; i < rules.count; i++)
        TRY(store_security_rule_update(c->tx, c->caller->account, c->caller->region,
                                       &rules.items[i]));
    return OK;
}

struct err ec2_update_security_group_rule_descriptions_ingress(
    struct call *c, const struct ec2_update_security_group_rule_descriptions_ingress_in *in,
    struct ec2_update_security_group_rule_descriptions_ingress_out *out)
{
    struct target t;

    TRY(target_open(c, in->group_id, in->group_name, false, &t));
    out->return_ = BOOL_OF(true);
    return describe_rules(c, &t, &in->ip_permissions, &in->security_group_rule_descriptions);
}

struct err ec2_update_security_group_rule_descriptions_egress(
    struct call *c, const struct ec2_update_security_group_rule_descriptions_egress_in *in,
    struct ec2_update_security_group_rule_descriptions_egress_out *out)
{
    struct target t;

    TRY(target_open(c, in->group_id, in->group_name, true, &t));
    out->return_ = BOOL_OF(true);
    return describe_rules(c, &t, &in->ip_permissions, &in->security_group_rule_descriptions);
}

/* --- describe --- */

static const char *const rule_filters[] = {"group-id", "security-group-rule-id", NULL};

static bool passes(struct call *c, const struct ec2_filter_list *filters,
                   const struct ec2_security_group_rule *r)
{
    struct traits t = {.arena = c->arena};

    trait_add(&t, "group-id", r->group_id);
    trait_add(&t, "security-group-rule-id", r->security_group_rule_id);
    trait_add_tags(&t, &r->tags);
    return filters_pass(filters, &t);
}

static bool has_rule(const struct security_rules *rules, const char *id)
{
    for (size_t i = 0; id && i < rules->count; i++)
        if (strcmp(rules->items[i].id, id) == 0)
            return true;
    return false;
}

static int by_id(const void *x, const void *y)
{
    return strcmp(((const struct security_rule *)x)->id, ((const struct security_rule *)y)->id);
}

struct err ec2_describe_security_group_rules(struct call *c,
                                             const struct ec2_describe_security_group_rules_in *in,
                                             struct ec2_describe_security_group_rules_out *out)
{
    const struct ec2_security_group_rule_id_list *ids = &in->security_group_rule_ids;
    struct ec2_security_group_rule_list *list = &out->security_group_rules;
    struct inventory inv;
    struct id_page page;
    const char *last = "";

    TRY(filters_check(c, &in->filters, rule_filters));
    TRY(id_page_open(c, in->max_results, in->next_token, &page));
    TRY(inventory_load(c, &inv));
    for (size_t i = 0; i < ids->count; i++)
        if (!has_rule(&inv.rules, ids->items[i]))
            return fault(c, FAULT_INVALID_SECURITY_GROUP_RULE_ID_NOT_FOUND,
                         "The security group rule ID '%s' does not exist",
                         text_or_none(ids->items[i]));
    if (inv.rules.count > 0)
        qsort(inv.rules.items, inv.rules.count, sizeof(*inv.rules.items), by_id);
    list->has = true;
    list->items = arena_array(c->arena, inv.rules.count, sizeof(*list->items));
    for (size_t i = 0; i < inv.rules.count; i++) {
        const struct security_rule *r = &inv.rules.items[i];
        if (!ids_take(ids->items, ids->count, r->id))
            continue;
        wire_rule(c, &inv, r, &list->items[list->count]);
        list->count += passes(c, &in->filters, &list->items[list->count]) &&
                       id_page_takes(c, &page, r->id, &last, &out->next_token);
    }
    return OK;
}
