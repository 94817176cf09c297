/* What every VPC has without being asked for: a network ACL that lets everything through, and a
 * main route table. Neither is stored: both follow from the VPC. */
#include "base/arena.h"
#include "contract/ec2_handlers.h"
#include "contract/faults.h"
#include "controlplane/ops/filters.h"
#include "controlplane/ops/inventory.h"

#include <string.h>

#define RULE_LAST 32767 /* what no other entry took */

/* --- network ACLs --- */

static void add_entry(struct ec2_network_acl_entry_list *list, bool is_egress, bool is_ipv6,
                      int64_t number)
{
    list->items[list->count++] = (struct ec2_network_acl_entry){
        .cidr_block = is_ipv6 ? NULL : "0.0.0.0/0",
        .ipv6_cidr_block = is_ipv6 ? "::/0" : NULL,
        .egress = BOOL_OF(is_egress),
        .protocol = "-1",
        .rule_action = number < RULE_LAST ? "allow" : "deny",
        .rule_number = INT_OF(number),
    };
}

static void wire_entries(struct call *c, const struct vpc *v,
                         struct ec2_network_acl_entry_list *out)
{
    out->has = true;
    out->items = arena_array(c->arena, 8, sizeof(*out->items));
    for (int is_egress = 1; is_egress >= 0; is_egress--) {
        add_entry(out, is_egress, false, 100);
        if (*v->ipv6_cidr)
            add_entry(out, is_egress, true, 101);
        add_entry(out, is_egress, false, RULE_LAST);
        if (*v->ipv6_cidr)
            add_entry(out, is_egress, true, RULE_LAST + 1);
    }
}

static void wire_acl(struct call *c, const struct inventory *inv, const struct vpc *v,
                     struct ec2_network_acl *out)
{
    const char *id = inventory_acl_id(c, v);

    *out = (struct ec2_network_acl){.is_default = BOOL_OF(true),
                                    .network_acl_id = id,
                                    .vpc_id = v->id,
                                    .owner_id = c->caller->account};
    out->associations.has = true;
    out->associations.items =
        arena_array(c->arena, inv->net.subnet_count, sizeof(*out->associations.items));
    for (size_t i = 0; i < inv->net.subnet_count; i++)
        if (strcmp(inv->net.subnets[i].vpc_id, v->id) == 0)
            out->associations.items[out->associations.count++] =
                (struct ec2_network_acl_association){
                    network_id(c->arena, "aclassoc-", inv->net.subnets[i].id), id,
                    inv->net.subnets[i].id};
    wire_entries(c, v, &out->entries);
    inventory_wire_tags(c, inv, id, &out->tags);
}

static const char *const acl_filters[] = {"association.network-acl-id",
                                          "association.subnet-id",
                                          "default",
                                          "network-acl-id",
                                          "owner-id",
                                          "vpc-id",
                                          NULL};

static bool acl_passes(struct call *c, const struct ec2_filter_list *filters,
                       const struct ec2_network_acl *acl)
{
    struct traits t = {.arena = c->arena};

    trait_add(&t, "association.network-acl-id", acl->network_acl_id);
    for (size_t i = 0; i < acl->associations.count; i++)
        trait_add(&t, "association.subnet-id", acl->associations.items[i].subnet_id);
    trait_add_bool(&t, "default", true);
    trait_add(&t, "network-acl-id", acl->network_acl_id);
    trait_add(&t, "owner-id", acl->owner_id);
    trait_add(&t, "vpc-id", acl->vpc_id);
    trait_add_tags(&t, &acl->tags);
    return filters_pass(filters, &t);
}

/* Ids that a request names must all be there. */
static struct err check_ids(struct call *c, const struct inventory *inv, const char *const *ids,
                            size_t count, int code, const char *noun)
{
    for (size_t i = 0; i < count; i++)
        if (!inventory_has(c, inv, ids[i] ? ids[i] : ""))
            return fault(c, code, "The %s ID '%s' does not exist", noun, ids[i] ? ids[i] : "");
    return OK;
}

struct err ec2_describe_network_acls(struct call *c, const struct ec2_describe_network_acls_in *in,
                                     struct ec2_describe_network_acls_out *out)
{
    struct inventory inv;

    TRY(filters_check(c, &in->filters, acl_filters));
    TRY(inventory_load(c, &inv));
    TRY(check_ids(c, &inv, in->network_acl_ids.items, in->network_acl_ids.count,
                  FAULT_INVALID_NETWORK_ACL_ID_NOT_FOUND, "networkAcl"));
    out->network_acls.has = true;
    out->network_acls.items =
        arena_array(c->arena, inv.net.vpc_count, sizeof(*out->network_acls.items));
    for (size_t i = 0; i < inv.net.vpc_count; i++) {
        struct ec2_network_acl *acl = &out->network_acls.items[out->network_acls.count];
        wire_acl(c, &inv, &inv.net.vpcs[i], acl);
        out->network_acls.count +=
            ids_take(in->network_acl_ids.items, in->network_acl_ids.count, acl->network_acl_id) &&
            acl_passes(c, &in->filters, acl);
    }
    return OK;
}

/* --- route tables --- */

static void add_route(struct ec2_route_table *table, const char *cidr, const char *ipv6_cidr)
{
    table->routes.items[table->routes.count++] =
        (struct ec2_route){.destination_cidr_block = cidr,
                           .destination_ipv6_cidr_block = ipv6_cidr,
                           .gateway_id = "local",
                           .origin = "CreateRouteTable",
                           .state = "active"};
}

static void wire_table(struct call *c, const struct inventory *inv, const struct vpc *v,
                       struct ec2_route_table *out)
{
    const char *id = inventory_route_table_id(c, v);
    struct ec2_route_table_association *main =
        arena_new(c->arena, struct ec2_route_table_association);

    *out = (struct ec2_route_table){
        .route_table_id = id, .vpc_id = v->id, .owner_id = c->caller->account};
    main->main = BOOL_OF(true);
    main->route_table_association_id = network_id(c->arena, "rtbassoc-", v->id);
    main->route_table_id = id;
    main->association_state = arena_new(c->arena, struct ec2_route_table_association_state);
    main->association_state->state = "associated";
    out->associations = (struct ec2_route_table_association_list){true, 1, main};
    out->propagating_vgws.has = out->routes.has = true;
    out->routes.items = arena_array(c->arena, 2, sizeof(*out->routes.items));
    add_route(out, v->cidr, NULL);
    if (*v->ipv6_cidr)
        add_route(out, NULL, v->ipv6_cidr);
    inventory_wire_tags(c, inv, id, &out->tags);
}

static const char *const table_filters[] = {"association.main",
                                            "association.route-table-association-id",
                                            "association.route-table-id",
                                            "association.subnet-id",
                                            "association.gateway-id",
                                            "owner-id",
                                            "route-table-id",
                                            "vpc-id",
                                            "route.destination-cidr-block",
                                            "route.gateway-id",
                                            NULL};

static bool table_passes(struct call *c, const struct ec2_filter_list *filters,
                         const struct ec2_route_table *r)
{
    struct traits t = {.arena = c->arena};

    trait_add_bool(&t, "association.main", true);
    trait_add(&t, "association.route-table-association-id",
              r->associations.items[0].route_table_association_id);
    trait_add(&t, "association.route-table-id", r->route_table_id);
    trait_add(&t, "owner-id", r->owner_id);
    trait_add(&t, "route-table-id", r->route_table_id);
    trait_add(&t, "vpc-id", r->vpc_id);
    trait_add(&t, "route.destination-cidr-block", r->routes.items[0].destination_cidr_block);
    trait_add(&t, "route.gateway-id", "local");
    trait_add_tags(&t, &r->tags);
    return filters_pass(filters, &t);
}

struct err ec2_describe_route_tables(struct call *c, const struct ec2_describe_route_tables_in *in,
                                     struct ec2_describe_route_tables_out *out)
{
    struct inventory inv;

    TRY(filters_check(c, &in->filters, table_filters));
    TRY(inventory_load(c, &inv));
    TRY(check_ids(c, &inv, in->route_table_ids.items, in->route_table_ids.count,
                  FAULT_INVALID_ROUTE_TABLE_ID_NOT_FOUND, "routeTable"));
    out->route_tables.has = true;
    out->route_tables.items =
        arena_array(c->arena, inv.net.vpc_count, sizeof(*out->route_tables.items));
    for (size_t i = 0; i < inv.net.vpc_count; i++) {
        struct ec2_route_table *table = &out->route_tables.items[out->route_tables.count];
        wire_table(c, &inv, &inv.net.vpcs[i], table);
        out->route_tables.count +=
            ids_take(in->route_table_ids.items, in->route_table_ids.count, table->route_table_id) &&
            table_passes(c, &in->filters, table);
    }
    return OK;
}
