/* VPCs: made, changed, described and deleted. */
#include "base/arena.h"
#include "base/str.h"
#include "contract/ec2_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/filters.h"
#include "controlplane/ops/inventory.h"
#include "controlplane/ops/network.h"
#include "controlplane/store/network.h"
#include "controlplane/store/store.h"

#include <string.h>

#define VPC_PREFIX_MIN 16
#define VPC_PREFIX_MAX 28

/* --- wire --- */

static struct ec2_vpc_cidr_block_state *associated(struct call *c)
{
    struct ec2_vpc_cidr_block_state *state = arena_new(c->arena, struct ec2_vpc_cidr_block_state);

    state->state = "associated";
    return state;
}

static void wire_blocks(struct call *c, const struct vpc *v, struct ec2_vpc *out)
{
    struct ec2_vpc_cidr_block_association *four =
        arena_new(c->arena, struct ec2_vpc_cidr_block_association);
    struct ec2_vpc_ipv6_cidr_block_association *six =
        arena_new(c->arena, struct ec2_vpc_ipv6_cidr_block_association);

    *four = (struct ec2_vpc_cidr_block_association){
        .association_id = network_id(c->arena, "vpc-cidr-assoc-", v->id),
        .cidr_block = v->cidr,
        .cidr_block_state = associated(c),
    };
    out->cidr_block_association_set = (struct ec2_vpc_cidr_block_association_set){true, 1, four};
    out->ipv6_cidr_block_association_set.has = true;
    if (*v->ipv6_cidr == '\0')
        return;
    *six = (struct ec2_vpc_ipv6_cidr_block_association){
        .association_id = network_id(c->arena, "vpc-cidr-assoc-", v->ipv6_cidr),
        .ipv6_cidr_block = v->ipv6_cidr,
        .ipv6_cidr_block_state = associated(c),
        .network_border_group = c->caller->region,
        .ipv6_pool = "Amazon",
    };
    out->ipv6_cidr_block_association_set =
        (struct ec2_vpc_ipv6_cidr_block_association_set){true, 1, six};
}

static void wire_vpc(struct call *c, const struct inventory *inv, const struct vpc *v,
                     struct ec2_vpc *out)
{
    *out = (struct ec2_vpc){
        .owner_id = c->caller->account,
        .instance_tenancy = v->tenancy,
        .is_default = BOOL_OF(v->is_default),
        .vpc_id = v->id,
        .state = "available",
        .cidr_block = v->cidr,
        .dhcp_options_id = network_id(c->arena, "dopt-", c->caller->account),
    };
    wire_blocks(c, v, out);
    inventory_wire_tags(c, inv, v->id, &out->tags);
}

static struct err find(struct call *c, const struct inventory *inv, const char *id,
                       struct vpc **out)
{
    *out = network_vpc(&inv->net, id ? id : "");
    if (*out)
        return OK;
    return fault(c, FAULT_INVALID_VPC_ID_NOT_FOUND, "The vpc ID '%s' does not exist", id ? id : "");
}

/* --- describe --- */

static const char *const vpc_filters[] = {"cidr",
                                          "cidr-block-association.association-id",
                                          "cidr-block-association.cidr-block",
                                          "cidr-block-association.state",
                                          "dhcp-options-id",
                                          "is-default",
                                          "isDefault",
                                          "ipv6-cidr-block-association.association-id",
                                          "ipv6-cidr-block-association.ipv6-cidr-block",
                                          "ipv6-cidr-block-association.state",
                                          "owner-id",
                                          "state",
                                          "vpc-id",
                                          NULL};

static bool passes(struct call *c, const struct ec2_filter_list *filters, const struct vpc *v,
                   const struct ec2_vpc *wire)
{
    struct traits t = {.arena = c->arena};

    if (filters->count == 0)
        return true;
    trait_add(&t, "cidr", v->cidr);
    trait_add(&t, "cidr-block-association.cidr-block", v->cidr);
    trait_add(&t, "cidr-block-association.association-id",
              wire->cidr_block_association_set.items[0].association_id);
    trait_add(&t, "cidr-block-association.state", "associated");
    if (*v->ipv6_cidr) {
        trait_add(&t, "ipv6-cidr-block-association.association-id",
                  wire->ipv6_cidr_block_association_set.items[0].association_id);
        trait_add(&t, "ipv6-cidr-block-association.ipv6-cidr-block", v->ipv6_cidr);
        trait_add(&t, "ipv6-cidr-block-association.state", "associated");
    }
    trait_add(&t, "dhcp-options-id", wire->dhcp_options_id);
    trait_add_bool(&t, "is-default", v->is_default);
    trait_add_bool(&t, "isDefault", v->is_default);
    trait_add(&t, "owner-id", c->caller->account);
    trait_add(&t, "state", "available");
    trait_add(&t, "vpc-id", v->id);
    trait_add_tags(&t, &wire->tags);
    return filters_pass(filters, &t);
}

struct err ec2_describe_vpcs(struct call *c, const struct ec2_describe_vpcs_in *in,
                             struct ec2_describe_vpcs_out *out)
{
    struct inventory inv;
    struct id_page page;
    struct vpc *v;
    const char *last = "";

    TRY(filters_check(c, &in->filters, vpc_filters));
    TRY(id_page_open(c, in->max_results, in->next_token, &page));
    TRY(inventory_load(c, &inv));
    for (size_t i = 0; i < in->vpc_ids.count; i++)
        TRY(find(c, &inv, in->vpc_ids.items[i], &v));
    out->vpcs.has = true;
    out->vpcs.items = arena_array(c->arena, inv.net.vpc_count, sizeof(*out->vpcs.items));
    for (size_t i = 0; i < inv.net.vpc_count; i++) {
        struct ec2_vpc *wire = &out->vpcs.items[out->vpcs.count];
        v = &inv.net.vpcs[i];
        if (!ids_take(in->vpc_ids.items, in->vpc_ids.count, v->id))
            continue;
        wire_vpc(c, &inv, v, wire);
        out->vpcs.count += passes(c, &in->filters, v, wire) &&
                           id_page_takes(c, &page, v->id, &last, &out->next_token);
    }
    return OK;
}

/* --- create --- */

/* A block of the kind that is set apart for private use, by the VPC's id. */
static const char *own_ipv6_block(struct call *c, const char *vpc_id)
{
    uint64_t chance = name_hash(vpc_id);
    struct cidr6 block = {.first = {0xfd}, .prefix = 56};

    for (int i = 1; i < 7; i++)
        block.first[i] = (unsigned char)(chance >> (8 * i));
    return cidr6_text(c->arena, &block);
}

static struct err check_block(struct call *c, const struct ec2_create_vpc_in *in)
{
    struct cidr block;

    if (in->ipv4_ipam_pool_id || in->ipv6_ipam_pool_id || in->ipv6_pool || in->ipv6_cidr_block ||
        in->vpc_encryption_control)
        return fault(c, FAULT_UNSUPPORTED_OPERATION,
                     "Pools of addresses, own IPv6 blocks and encryption control are not "
                     "supported.");
    if (!in->cidr_block || !*in->cidr_block)
        return fault(c, FAULT_MISSING_PARAMETER,
                     "The request must contain the parameter cidrBlock");
    if (!cidr_parse(str_of(in->cidr_block), &block) || !strchr(in->cidr_block, '/'))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR "
                     "block.",
                     in->cidr_block);
    if (block.prefix < VPC_PREFIX_MIN || block.prefix > VPC_PREFIX_MAX)
        return fault(c, FAULT_INVALID_VPC_RANGE, "The CIDR '%s' is invalid.", in->cidr_block);
    return OK;
}

struct err ec2_create_vpc(struct call *c, const struct ec2_create_vpc_in *in,
                          struct ec2_create_vpc_out *out)
{
    struct inventory inv;
    struct network n;
    struct vpc v = {
        .id = network_new_id(c, "vpc-"),
        .cidr = in->cidr_block,
        .ipv6_cidr = "",
        .tenancy = in->instance_tenancy ? in->instance_tenancy : "default",
        .has_dns_support = true,
        .origin = NETWORK_MADE,
    };

    TRY(check_block(c, in));
    TRY(network_open(c, &n));
    if (n.vpc_count >= NETWORK_VPCS_MAX)
        return fault(c, FAULT_VPC_LIMIT_EXCEEDED, "The maximum number of VPCs has been reached.");
    if (in->amazon_provided_ipv6_cidr_block.value)
        v.ipv6_cidr = own_ipv6_block(c, v.id);
    TRY(network_add_vpc(c, &v));
    TRY(inventory_tag_new(c, &in->tag_specifications, "vpc", v.id));
    TRY(inventory_load(c, &inv));
    out->vpc = arena_new(c->arena, struct ec2_vpc);
    wire_vpc(c, &inv, &v, out->vpc);
    return OK;
}

/* --- delete --- */

/* What the VPC has from the start goes with it; all else must be gone already. */
static struct err check_empty(struct call *c, const struct network *n, const struct vpc *v)
{
    bool is_empty = network_subnet_count(n, v->id) == 0;

    for (size_t i = 0; i < n->group_count; i++)
        is_empty &=
            strcmp(n->groups[i].vpc_id, v->id) != 0 || strcmp(n->groups[i].name, "default") == 0;
    if (!is_empty)
        return fault(c, FAULT_DEPENDENCY_VIOLATION,
                     "The vpc '%s' has dependencies and cannot be deleted.", v->id);
    if (v->origin == NETWORK_DECLARED)
        return fault(c, FAULT_DEPENDENCY_VIOLATION,
                     "The vpc '%s' is declared in the configuration of the service.", v->id);
    return OK;
}

struct err ec2_delete_vpc(struct call *c, const struct ec2_delete_vpc_in *in,
                          struct ec2_delete_vpc_out *out)
{
    const char *account = c->caller->account, *region = c->caller->region;
    struct inventory inv;
    struct vpc *v;

    (void)out;
    TRY(inventory_load(c, &inv));
    TRY(find(c, &inv, in->vpc_id, &v));
    TRY(check_empty(c, &inv.net, v));
    const struct security_group *own = network_default_group(&inv.net, v->id);
    if (own) {
        TRY(store_security_group_remove(c->tx, account, region, own->id));
        TRY(store_tag_clear(c->tx, inventory_arn(c, own->id)));
    }
    TRY(store_tag_clear(c->tx, inventory_arn(c, v->id)));
    TRY(store_tag_clear(c->tx, inventory_arn(c, inventory_acl_id(c, v))));
    TRY(store_tag_clear(c->tx, inventory_arn(c, inventory_route_table_id(c, v))));
    return store_vpc_remove(c->tx, account, region, v->id);
}

/* --- attributes --- */

static struct ec2_attribute_boolean_value *boolean(struct call *c, bool value)
{
    struct ec2_attribute_boolean_value *out =
        arena_new(c->arena, struct ec2_attribute_boolean_value);

    out->value = BOOL_OF(value);
    return out;
}

struct err ec2_describe_vpc_attribute(struct call *c,
                                      const struct ec2_describe_vpc_attribute_in *in,
                                      struct ec2_describe_vpc_attribute_out *out)
{
    struct inventory inv;
    struct vpc *v;

    TRY(inventory_load(c, &inv));
    TRY(find(c, &inv, in->vpc_id, &v));
    out->vpc_id = v->id;
    if (strcmp(in->attribute, "enableDnsSupport") == 0)
        out->enable_dns_support = boolean(c, v->has_dns_support);
    else if (strcmp(in->attribute, "enableDnsHostnames") == 0)
        out->enable_dns_hostnames = boolean(c, v->has_dns_hostnames);
    else
        out->enable_network_address_usage_metrics = boolean(c, v->has_address_metrics);
    return OK;
}

static int take_attribute(const struct ec2_attribute_boolean_value *in, bool *out)
{
    if (!in || !in->value.has)
        return 0;
    *out = in->value.value;
    return 1;
}

struct err ec2_modify_vpc_attribute(struct call *c, const struct ec2_modify_vpc_attribute_in *in,
                                    struct ec2_modify_vpc_attribute_out *out)
{
    struct inventory inv;
    struct vpc *v;

    (void)out;
    TRY(inventory_load(c, &inv));
    TRY(find(c, &inv, in->vpc_id, &v));
    int given = take_attribute(in->enable_dns_support, &v->has_dns_support) +
                take_attribute(in->enable_dns_hostnames, &v->has_dns_hostnames) +
                take_attribute(in->enable_network_address_usage_metrics, &v->has_address_metrics);
    if (given != 1)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Exactly one attribute must be given.");
    if (v->has_dns_hostnames && !v->has_dns_support)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "enableDnsHostnames needs enableDnsSupport.");
    return store_vpc_update(c->tx, c->caller->account, c->caller->region, v);
}
