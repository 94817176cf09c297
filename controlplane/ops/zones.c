/* Zones, regions and what EC2 tells of the account. */
#include "controlplane/ops/zones.h"

#include "base/arena.h"
#include "contract/ec2_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/filters.h"
#include "controlplane/ops/inventory.h"
#include "controlplane/store/network.h"

#include <string.h>

#define ZONES_OF_NAME 3 /* of a region that no host enrolled in */

struct err zones_of_region(struct call *c, const char ***out, size_t *out_count)
{
    TRY(store_zone_list(c->tx, c->caller->region, out, out_count));
    if (*out_count > 0)
        return OK;
    *out_count = ZONES_OF_NAME;
    *out = arena_array(c->arena, ZONES_OF_NAME, sizeof(**out));
    for (size_t i = 0; i < ZONES_OF_NAME; i++)
        (*out)[i] = arena_printf(c->arena, "%s%c", c->caller->region, (char)('a' + i));
    return OK;
}

const char *zone_id(struct call *c, const char *zone)
{
    size_t len = strlen(c->caller->region);

    if (strncmp(zone, c->caller->region, len) != 0 || zone[len] < 'a' || zone[len] > 'z' ||
        zone[len + 1] != '\0')
        return zone;
    return arena_printf(c->arena, "%s-az%d", region_code(c->arena, c->caller->region),
                        zone[len] - 'a' + 1);
}

static const char *zone_with_fewest(const struct network *n, const char **zones, size_t count)
{
    const char *best = zones[0];
    size_t fewest = SIZE_MAX;

    for (size_t z = 0; z < count; z++) {
        size_t here = 0;
        for (size_t i = 0; i < n->subnet_count; i++)
            here += strcmp(n->subnets[i].zone, zones[z]) == 0;
        if (here < fewest) {
            fewest = here;
            best = zones[z];
        }
    }
    return best;
}

struct err zone_choose(struct call *c, const struct network *n, const char *name, const char *id,
                       const char **out)
{
    const char **zones;
    size_t count;

    TRY(zones_of_region(c, &zones, &count));
    *out = zone_with_fewest(n, zones, count);
    if ((!name || !*name) && (!id || !*id))
        return OK;
    for (size_t i = 0; i < count; i++)
        if ((name && strcmp(zones[i], name) == 0) ||
            (id && strcmp(zone_id(c, zones[i]), id) == 0)) {
            *out = zones[i];
            return OK;
        }
    return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                 "Value (%s) for parameter availabilityZone is invalid.", name ? name : id);
}

/* --- DescribeAvailabilityZones --- */

static const char *const zone_filters[] = {"group-name", "opt-in-status", "region-name", "state",
                                           "zone-id",    "zone-name",     "zone-type",   NULL};

static void wire_zone(struct call *c, const char *zone, struct ec2_availability_zone *out)
{
    *out = (struct ec2_availability_zone){
        .opt_in_status = "opt-in-not-required",
        .messages = {.has = true},
        .region_name = c->caller->region,
        .zone_name = zone,
        .zone_id = zone_id(c, zone),
        .group_name = c->caller->region,
        .network_border_group = c->caller->region,
        .zone_type = "availability-zone",
        .state = "available",
    };
}

static bool zone_passes(struct call *c, const struct ec2_filter_list *filters,
                        const struct ec2_availability_zone *z)
{
    struct traits t = {.arena = c->arena};

    trait_add(&t, "group-name", z->group_name);
    trait_add(&t, "opt-in-status", z->opt_in_status);
    trait_add(&t, "region-name", z->region_name);
    trait_add(&t, "state", z->state);
    trait_add(&t, "zone-id", z->zone_id);
    trait_add(&t, "zone-name", z->zone_name);
    trait_add(&t, "zone-type", z->zone_type);
    return filters_pass(filters, &t);
}

static bool is_zone(struct call *c, const char **zones, size_t count, const char *name, bool is_id)
{
    for (size_t i = 0; name && i < count; i++)
        if (strcmp(is_id ? zone_id(c, zones[i]) : zones[i], name) == 0)
            return true;
    return false;
}

static struct err check_zones(struct call *c, const char **zones, size_t count,
                              const char *const *asked, size_t asked_count, bool is_id)
{
    for (size_t i = 0; i < asked_count; i++)
        if (!is_zone(c, zones, count, asked[i], is_id))
            return fault(c, FAULT_INVALID_PARAMETER_VALUE, "Invalid availability zone: [%s]",
                         asked[i] ? asked[i] : "");
    return OK;
}

struct err ec2_describe_availability_zones(struct call *c,
                                           const struct ec2_describe_availability_zones_in *in,
                                           struct ec2_describe_availability_zones_out *out)
{
    const char **zones;
    size_t count;

    TRY(filters_check(c, &in->filters, zone_filters));
    TRY(zones_of_region(c, &zones, &count));
    TRY(check_zones(c, zones, count, in->zone_names.items, in->zone_names.count, false));
    TRY(check_zones(c, zones, count, in->zone_ids.items, in->zone_ids.count, true));
    out->availability_zones.has = true;
    out->availability_zones.items =
        arena_array(c->arena, count, sizeof(*out->availability_zones.items));
    for (size_t i = 0; i < count; i++) {
        struct ec2_availability_zone *z =
            &out->availability_zones.items[out->availability_zones.count];
        wire_zone(c, zones[i], z);
        out->availability_zones.count +=
            ids_take(in->zone_names.items, in->zone_names.count, z->zone_name) &&
            ids_take(in->zone_ids.items, in->zone_ids.count, z->zone_id) &&
            zone_passes(c, &in->filters, z);
    }
    return OK;
}

/* --- DescribeRegions, DescribeAccountAttributes --- */

static const char *const region_filters[] = {"endpoint", "opt-in-status", "region-name", NULL};

static bool region_passes(struct call *c, const struct ec2_filter_list *filters,
                          const struct ec2_region *r)
{
    struct traits t = {.arena = c->arena};

    trait_add(&t, "endpoint", r->endpoint);
    trait_add(&t, "opt-in-status", r->opt_in_status);
    trait_add(&t, "region-name", r->region_name);
    return filters_pass(filters, &t);
}

struct err ec2_describe_regions(struct call *c, const struct ec2_describe_regions_in *in,
                                struct ec2_describe_regions_out *out)
{
    size_t count = c->conf->region_count;

    TRY(filters_check(c, &in->filters, region_filters));
    out->regions.has = true;
    out->regions.items = arena_array(c->arena, count, sizeof(*out->regions.items));
    for (size_t i = 0; i < count; i++) {
        struct ec2_region *r = &out->regions.items[out->regions.count];
        r->opt_in_status = "opt-in-not-required";
        r->region_name = c->conf->regions[i];
        r->endpoint = arena_printf(c->arena, "ec2.%s.amazonaws.com", r->region_name);
        out->regions.count +=
            ids_take(in->region_names.items, in->region_names.count, r->region_name) &&
            region_passes(c, &in->filters, r);
    }
    return OK;
}

static void add_attribute(struct call *c, const struct ec2_describe_account_attributes_in *in,
                          const char *name, const char *value,
                          struct ec2_account_attribute_list *out)
{
    struct ec2_account_attribute_value *v = arena_new(c->arena, struct ec2_account_attribute_value);

    if (!ids_take(in->attribute_names.items, in->attribute_names.count, name))
        return;
    v->attribute_value = value;
    out->items[out->count++] = (struct ec2_account_attribute){
        name, {true, 1, v}
    };
}

struct err ec2_describe_account_attributes(struct call *c,
                                           const struct ec2_describe_account_attributes_in *in,
                                           struct ec2_describe_account_attributes_out *out)
{
    struct inventory inv;

    TRY(inventory_load(c, &inv));
    const struct vpc *v = network_default_vpc(&inv.net);
    out->account_attributes.has = true;
    out->account_attributes.items =
        arena_array(c->arena, 2, sizeof(*out->account_attributes.items));
    add_attribute(c, in, "supported-platforms", "VPC", &out->account_attributes);
    add_attribute(c, in, "default-vpc", v ? v->id : "none", &out->account_attributes);
    return OK;
}
