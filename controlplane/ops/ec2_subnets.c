/* Subnets: made, changed, described and deleted. */
#include "base/arena.h"
#include "base/str.h"
#include "contract/ec2_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/filters.h"
#include "controlplane/ops/inventory.h"
#include "controlplane/ops/network.h"
#include "controlplane/ops/zones.h"
#include "controlplane/store/network.h"
#include "controlplane/store/store.h"

#include <string.h>

#define SUBNET_PREFIX_MIN  16
#define SUBNET_PREFIX_MAX  28
#define SUBNET_PREFIX_IPV6 64
#define RESERVED_ADDRESSES 5 /* of each IPv4 block */

/* --- wire --- */

static void wire_ipv6(struct call *c, const struct subnet *s, struct ec2_subnet *out)
{
    struct ec2_subnet_ipv6_cidr_block_association *six =
        arena_new(c->arena, struct ec2_subnet_ipv6_cidr_block_association);

    out->ipv6_cidr_block_association_set.has = true;
    if (!subnet_has_ipv6(s))
        return;
    six->association_id = network_id(c->arena, "subnet-cidr-assoc-", s->id);
    six->ipv6_cidr_block = s->ipv6_cidr;
    six->ipv6_cidr_block_state = arena_new(c->arena, struct ec2_subnet_cidr_block_state);
    six->ipv6_cidr_block_state->state = "associated";
    out->ipv6_cidr_block_association_set =
        (struct ec2_subnet_ipv6_cidr_block_association_set){true, 1, six};
}

static struct ec2_private_dns_name_options_on_launch *name_options(struct call *c,
                                                                   const struct subnet *s)
{
    struct ec2_private_dns_name_options_on_launch *out =
        arena_new(c->arena, struct ec2_private_dns_name_options_on_launch);

    out->hostname_type = s->hostname_type;
    out->enable_resource_name_dns_a_record = BOOL_OF(s->has_a_record);
    out->enable_resource_name_dns_aaaa_record = BOOL_OF(s->has_aaaa_record);
    return out;
}

static int64_t free_addresses(const struct subnet *s)
{
    struct cidr block;

    return cidr_parse(str_of(s->cidr), &block) ? (int64_t)cidr_size(&block) - RESERVED_ADDRESSES
                                               : 0;
}

static void wire_subnet(struct call *c, const struct inventory *inv, const struct subnet *s,
                        struct ec2_subnet *out)
{
    *out = (struct ec2_subnet){
        .availability_zone = s->zone,
        .availability_zone_id = zone_id(c, s->zone),
        .map_customer_owned_ip_on_launch = BOOL_OF(false),
        .owner_id = c->caller->account,
        .assign_ipv6_address_on_creation = BOOL_OF(s->assigns_ipv6),
        .subnet_arn = inventory_arn(c, s->id),
        .enable_dns64 = BOOL_OF(s->has_dns64),
        .ipv6_native = BOOL_OF(!subnet_has_ipv4(s)),
        .private_dns_name_options_on_launch = name_options(c, s),
        .subnet_id = s->id,
        .state = "available",
        .vpc_id = s->vpc_id,
        .cidr_block = subnet_has_ipv4(s) ? s->cidr : NULL,
        .available_ip_address_count = INT_OF(free_addresses(s)),
        .default_for_az = BOOL_OF(s->is_default),
        .map_public_ip_on_launch = BOOL_OF(s->maps_public_ip),
    };
    wire_ipv6(c, s, out);
    inventory_wire_tags(c, inv, s->id, &out->tags);
}

static struct err find(struct call *c, const struct inventory *inv, const char *id,
                       struct subnet **out)
{
    *out = network_subnet(&inv->net, id ? id : "");
    if (*out)
        return OK;
    return fault(c, FAULT_INVALID_SUBNET_ID_NOT_FOUND, "The subnet ID '%s' does not exist",
                 id ? id : "");
}

/* --- describe --- */

static const char *const subnet_filters[] = {"availability-zone",
                                             "availabilityZone",
                                             "availability-zone-id",
                                             "availabilityZoneId",
                                             "cidr",
                                             "cidr-block",
                                             "cidrBlock",
                                             "default-for-az",
                                             "defaultForAz",
                                             "ipv6-cidr-block-association.association-id",
                                             "ipv6-cidr-block-association.ipv6-cidr-block",
                                             "ipv6-cidr-block-association.state",
                                             "ipv6-native",
                                             "map-public-ip-on-launch",
                                             "owner-id",
                                             "state",
                                             "subnet-arn",
                                             "subnet-id",
                                             "vpc-id",
                                             NULL};

static bool passes(struct call *c, const struct ec2_filter_list *filters, const struct subnet *s,
                   const struct ec2_subnet *wire)
{
    struct traits t = {.arena = c->arena};

    if (filters->count == 0)
        return true;
    trait_add(&t, "availability-zone", s->zone);
    trait_add(&t, "availabilityZone", s->zone);
    trait_add(&t, "availability-zone-id", wire->availability_zone_id);
    trait_add(&t, "availabilityZoneId", wire->availability_zone_id);
    trait_add(&t, "cidr", s->cidr);
    trait_add(&t, "cidr-block", s->cidr);
    trait_add(&t, "cidrBlock", s->cidr);
    trait_add_bool(&t, "default-for-az", s->is_default);
    trait_add_bool(&t, "defaultForAz", s->is_default);
    if (subnet_has_ipv6(s)) {
        trait_add(&t, "ipv6-cidr-block-association.association-id",
                  wire->ipv6_cidr_block_association_set.items[0].association_id);
        trait_add(&t, "ipv6-cidr-block-association.ipv6-cidr-block", s->ipv6_cidr);
        trait_add(&t, "ipv6-cidr-block-association.state", "associated");
    }
    trait_add_bool(&t, "ipv6-native", !subnet_has_ipv4(s));
    trait_add_bool(&t, "map-public-ip-on-launch", s->maps_public_ip);
    trait_add(&t, "owner-id", c->caller->account);
    trait_add(&t, "state", "available");
    trait_add(&t, "subnet-arn", wire->subnet_arn);
    trait_add(&t, "subnet-id", s->id);
    trait_add(&t, "vpc-id", s->vpc_id);
    trait_add_tags(&t, &wire->tags);
    return filters_pass(filters, &t);
}

struct err ec2_describe_subnets(struct call *c, const struct ec2_describe_subnets_in *in,
                                struct ec2_describe_subnets_out *out)
{
    struct inventory inv;
    struct id_page page;
    struct subnet *s;
    const char *last = "";

    TRY(filters_check(c, &in->filters, subnet_filters));
    TRY(id_page_open(c, in->max_results, in->next_token, &page));
    TRY(inventory_load(c, &inv));
    for (size_t i = 0; i < in->subnet_ids.count; i++)
        TRY(find(c, &inv, in->subnet_ids.items[i], &s));
    out->subnets.has = true;
    out->subnets.items = arena_array(c->arena, inv.net.subnet_count, sizeof(*out->subnets.items));
    for (size_t i = 0; i < inv.net.subnet_count; i++) {
        struct ec2_subnet *wire = &out->subnets.items[out->subnets.count];
        s = &inv.net.subnets[i];
        if (!ids_take(in->subnet_ids.items, in->subnet_ids.count, s->id))
            continue;
        wire_subnet(c, &inv, s, wire);
        out->subnets.count += passes(c, &in->filters, s, wire) &&
                              id_page_takes(c, &page, s->id, &last, &out->next_token);
    }
    return OK;
}

/* --- create --- */

static struct err check_ipv4(struct call *c, const struct network *n, const struct vpc *v,
                             const char *text)
{
    struct cidr whole, block;

    if (!cidr_parse(str_of(text), &block) || !strchr(text, '/'))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR "
                     "block.",
                     text);
    if (!cidr_parse(str_of(v->cidr), &whole) || !cidr_holds(&whole, &block) ||
        block.prefix < SUBNET_PREFIX_MIN || block.prefix > SUBNET_PREFIX_MAX)
        return fault(c, FAULT_INVALID_SUBNET_RANGE, "The CIDR '%s' is invalid.", text);
    if (network_is_taken(n, v->id, &block))
        return fault(c, FAULT_INVALID_SUBNET_CONFLICT,
                     "The CIDR '%s' conflicts with another subnet", text);
    return OK;
}

static struct err check_ipv6(struct call *c, const struct network *n, const struct vpc *v,
                             const char *text)
{
    struct cidr6 whole, block, other;

    if (!cidr6_parse(str_of(text), &block))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Value (%s) for parameter ipv6CidrBlock is invalid. This is not a valid CIDR "
                     "block.",
                     text);
    if (!cidr6_parse(str_of(v->ipv6_cidr), &whole) || !cidr6_holds(&whole, &block) ||
        block.prefix != SUBNET_PREFIX_IPV6)
        return fault(c, FAULT_INVALID_SUBNET_RANGE, "The CIDR '%s' is invalid.", text);
    for (size_t i = 0; i < n->subnet_count; i++)
        if (strcmp(n->subnets[i].vpc_id, v->id) == 0 &&
            cidr6_parse(str_of(n->subnets[i].ipv6_cidr), &other) && cidr6_holds(&other, &block))
            return fault(c, FAULT_INVALID_SUBNET_CONFLICT,
                         "The CIDR '%s' conflicts with another subnet", text);
    return OK;
}

static struct err check_blocks(struct call *c, const struct ec2_create_subnet_in *in,
                               const struct network *n, const struct vpc *v)
{
    bool has_ipv4 = in->cidr_block && *in->cidr_block;
    bool has_ipv6 = in->ipv6_cidr_block && *in->ipv6_cidr_block;

    if (in->outpost_arn || in->ipv4_ipam_pool_id || in->ipv6_ipam_pool_id ||
        in->ipv4_netmask_length.has || in->ipv6_netmask_length.has)
        return fault(c, FAULT_UNSUPPORTED_OPERATION,
                     "Outposts and pools of addresses are not supported.");
    if (in->ipv6_native.value && has_ipv4)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "A subnet of IPv6 alone has no cidrBlock.");
    if (in->ipv6_native.value ? !has_ipv6 : !has_ipv4)
        return fault(c, FAULT_MISSING_PARAMETER, "The request must contain the parameter %s",
                     in->ipv6_native.value ? "ipv6CidrBlock" : "cidrBlock");
    if (has_ipv4)
        TRY(check_ipv4(c, n, v, in->cidr_block));
    return has_ipv6 ? check_ipv6(c, n, v, in->ipv6_cidr_block) : OK;
}

struct err ec2_create_subnet(struct call *c, const struct ec2_create_subnet_in *in,
                             struct ec2_create_subnet_out *out)
{
    struct inventory inv;
    struct network n;
    struct subnet s = {
        .id = network_new_id(c, "subnet-"),
        .cidr = in->cidr_block ? in->cidr_block : "",
        .ipv6_cidr = in->ipv6_cidr_block ? in->ipv6_cidr_block : "",
        .hostname_type = in->ipv6_native.value ? "resource-name" : "ip-name",
        .origin = NETWORK_MADE,
    };

    TRY(network_open(c, &n));
    const struct vpc *v = network_vpc(&n, in->vpc_id);
    if (!v)
        return fault(c, FAULT_INVALID_VPC_ID_NOT_FOUND, "The vpc ID '%s' does not exist",
                     in->vpc_id);
    if (network_subnet_count(&n, v->id) >= NETWORK_SUBNETS_MAX)
        return fault(c, FAULT_SUBNET_LIMIT_EXCEEDED,
                     "The maximum number of subnets has been reached.");
    TRY(check_blocks(c, in, &n, v));
    TRY(zone_choose(c, &n, in->availability_zone, in->availability_zone_id, &s.zone));
    s.vpc_id = v->id;
    TRY(store_subnet_insert(c->tx, c->caller->account, c->caller->region, &s));
    TRY(inventory_tag_new(c, &in->tag_specifications, "subnet", s.id));
    TRY(inventory_load(c, &inv));
    out->subnet = arena_new(c->arena, struct ec2_subnet);
    wire_subnet(c, &inv, &s, out->subnet);
    return OK;
}

/* --- change, delete --- */

static int take(const struct ec2_attribute_boolean_value *in, bool *out)
{
    if (!in || !in->value.has)
        return 0;
    *out = in->value.value;
    return 1;
}

static int take_hostname_type(const char *in, struct subnet *s)
{
    if (!in)
        return 0;
    s->hostname_type = in;
    return 1;
}

struct err ec2_modify_subnet_attribute(struct call *c,
                                       const struct ec2_modify_subnet_attribute_in *in,
                                       struct ec2_modify_subnet_attribute_out *out)
{
    struct inventory inv;
    struct subnet *s;

    (void)out;
    TRY(inventory_load(c, &inv));
    TRY(find(c, &inv, in->subnet_id, &s));
    if (in->map_customer_owned_ip_on_launch || in->customer_owned_ipv4_pool ||
        in->enable_lni_at_device_index.has || in->disable_lni_at_device_index)
        return fault(c, FAULT_UNSUPPORTED_OPERATION, "Outposts are not supported.");
    int given = take(in->assign_ipv6_address_on_creation, &s->assigns_ipv6) +
                take(in->map_public_ip_on_launch, &s->maps_public_ip) +
                take(in->enable_dns64, &s->has_dns64) +
                take(in->enable_resource_name_dns_a_record_on_launch, &s->has_a_record) +
                take(in->enable_resource_name_dns_aaaa_record_on_launch, &s->has_aaaa_record) +
                take_hostname_type(in->private_dns_hostname_type_on_launch, s);
    if (given != 1)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Exactly one attribute must be given.");
    return store_subnet_update(c->tx, c->caller->account, c->caller->region, s);
}

struct err ec2_delete_subnet(struct call *c, const struct ec2_delete_subnet_in *in,
                             struct ec2_delete_subnet_out *out)
{
    const char *account = c->caller->account, *region = c->caller->region;
    bool is_grouped = false;
    struct inventory inv;
    struct subnet *s;

    (void)out;
    TRY(inventory_load(c, &inv));
    TRY(find(c, &inv, in->subnet_id, &s));
    TRY(store_subnet_is_grouped(c->tx, account, region, s->id, &is_grouped));
    if (is_grouped)
        return fault(c, FAULT_DEPENDENCY_VIOLATION,
                     "The subnet '%s' has dependencies and cannot be deleted.", s->id);
    if (s->origin == NETWORK_DECLARED)
        return fault(c, FAULT_DEPENDENCY_VIOLATION,
                     "The subnet '%s' is declared in the configuration of the service.", s->id);
    TRY(store_tag_clear(c->tx, inventory_arn(c, s->id)));
    return store_subnet_remove(c->tx, account, region, s->id);
}
