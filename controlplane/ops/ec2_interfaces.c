/* Network interfaces: each placed cache node has one, in the first subnet that its group has in its
 * zone. Nothing is stored; and what tags there are, over everything. */
#include "base/arena.h"
#include "base/str.h"
#include "contract/ec2_handlers.h"
#include "contract/faults.h"
#include "controlplane/ops/filters.h"
#include "controlplane/ops/inventory.h"
#include "controlplane/store/network.h"
#include "controlplane/store/store.h"

#include <stdlib.h>
#include <string.h>

/* --- interfaces --- */

/* The groups of subnets that the nodes are in, each read once. */
struct sites {
    struct subnet_group *items;
    size_t count;
};

static const struct subnet *subnet_of(const struct network *n, const struct sites *sites,
                                      const struct network_node *node)
{
    for (size_t i = 0; i < sites->count; i++) {
        const struct subnet_group *g = &sites->items[i];
        for (size_t k = 0; strcmp(g->name, node->subnet_group) == 0 && k < g->subnet_count; k++) {
            const struct subnet *s = network_subnet(n, g->subnets[k]);
            if (s && strcmp(s->zone, node->zone) == 0)
                return s;
        }
    }
    return NULL;
}

static void wire_groups(struct call *c, const struct network *n, const char *joined,
                        struct ec2_group_identifier_list *out)
{
    out->has = true;
    out->items = arena_array(c->arena, strlen(joined) / 2 + 1, sizeof(*out->items));
    for (struct str rest = str_of(joined); rest.len > 0;) {
        const char *id = str_dup(c->arena, str_cut(&rest, ','));
        const struct security_group *g = network_group(n, id);
        out->items[out->count++] = (struct ec2_group_identifier){id, g ? g->name : id};
    }
}

static bool is_v6(const char *address)
{
    return strchr(address, ':') != NULL;
}

static void wire_addresses(struct call *c, const struct network_node *node,
                           struct ec2_network_interface *out)
{
    const char *six = is_v6(node->address) ? node->address : node->second_address;

    out->private_ip_addresses.has = out->ipv6_addresses.has = true;
    if (!is_v6(node->address)) {
        struct ec2_network_interface_private_ip_address *four =
            arena_new(c->arena, struct ec2_network_interface_private_ip_address);
        *four = (struct ec2_network_interface_private_ip_address){
            .primary = BOOL_OF(true), .private_ip_address = node->address};
        out->private_ip_address = node->address;
        out->private_ip_addresses =
            (struct ec2_network_interface_private_ip_address_list){true, 1, four};
    }
    if (*six) {
        struct ec2_network_interface_ipv6_address *address =
            arena_new(c->arena, struct ec2_network_interface_ipv6_address);
        address->ipv6_address = six;
        out->ipv6_addresses = (struct ec2_network_interface_ipv6_addresses_list){true, 1, address};
    }
}

static void wire_interface(struct call *c, const struct network *n, const struct subnet *s,
                           const struct network_node *node, struct ec2_network_interface *out)
{
    const char *key = arena_printf(c->arena, "%lld", (long long)node->node_id);

    *out = (struct ec2_network_interface){
        .availability_zone = node->zone,
        .description = arena_printf(c->arena, "ElastiCache %s+%s", node->cluster, node->number),
        .interface_type = "interface",
        .network_interface_id = network_id(c->arena, "eni-", key),
        .owner_id = c->caller->account,
        .requester_id = "amazon-elasticache",
        .requester_managed = BOOL_OF(true),
        .source_dest_check = BOOL_OF(true),
        .status = "in-use",
        .subnet_id = s->id,
        .vpc_id = s->vpc_id,
    };
    wire_addresses(c, node, out);
    out->attachment = arena_new(c->arena, struct ec2_network_interface_attachment);
    out->attachment->attachment_id = network_id(c->arena, "eni-attach-", key);
    out->attachment->attach_time = TIME_OF(node->created_ms);
    out->attachment->delete_on_termination = BOOL_OF(false);
    out->attachment->device_index = INT_OF(1);
    out->attachment->instance_owner_id = "amazon-elasticache";
    out->attachment->status = "attached";
    wire_groups(c, n, node->security_groups, &out->groups);
    out->tag_set.has = true;
}

static const char *const interface_filters[] = {"addresses.private-ip-address",
                                                "attachment.instance-owner-id",
                                                "attachment.status",
                                                "attachment.instance-id",
                                                "attachment.attachment-id",
                                                "availability-zone",
                                                "description",
                                                "group-id",
                                                "group-name",
                                                "interface-type",
                                                "network-interface-id",
                                                "owner-id",
                                                "private-ip-address",
                                                "requester-id",
                                                "requester-managed",
                                                "status",
                                                "subnet-id",
                                                "vpc-id",
                                                NULL};

static bool passes(struct call *c, const struct ec2_filter_list *filters,
                   const struct ec2_network_interface *i)
{
    struct traits t = {.arena = c->arena};

    trait_add(&t, "addresses.private-ip-address", i->private_ip_address);
    trait_add(&t, "attachment.instance-owner-id", i->attachment->instance_owner_id);
    trait_add(&t, "attachment.status", i->attachment->status);
    trait_add(&t, "attachment.attachment-id", i->attachment->attachment_id);
    trait_add(&t, "availability-zone", i->availability_zone);
    trait_add(&t, "description", i->description);
    trait_add(&t, "interface-type", i->interface_type);
    trait_add(&t, "network-interface-id", i->network_interface_id);
    trait_add(&t, "owner-id", i->owner_id);
    trait_add(&t, "private-ip-address", i->private_ip_address);
    trait_add(&t, "requester-id", i->requester_id);
    trait_add_bool(&t, "requester-managed", true);
    trait_add(&t, "status", i->status);
    trait_add(&t, "subnet-id", i->subnet_id);
    trait_add(&t, "vpc-id", i->vpc_id);
    for (size_t k = 0; k < i->groups.count; k++) {
        trait_add(&t, "group-id", i->groups.items[k].group_id);
        trait_add(&t, "group-name", i->groups.items[k].group_name);
    }
    return filters_pass(filters, &t);
}

static int by_interface_id(const void *x, const void *y)
{
    return strcmp(((const struct ec2_network_interface *)x)->network_interface_id,
                  ((const struct ec2_network_interface *)y)->network_interface_id);
}

/* All of them, by id. */
static struct err all_interfaces(struct call *c, struct ec2_network_interface **out, size_t *count)
{
    const char *account = c->caller->account, *region = c->caller->region;
    struct network_node *nodes;
    struct sites sites;
    struct network n;
    size_t node_count;

    TRY(store_network_load(c->tx, account, region, &n));
    TRY(store_network_node_list(c->tx, account, region, "", &nodes, &node_count));
    TRY(store_subnet_group_list(c->tx, account, region, "", SUBNET_GROUPS_MAX + 1, &sites.items,
                                &sites.count));
    *out = arena_array(c->arena, node_count, sizeof(**out));
    *count = 0;
    for (size_t i = 0; i < node_count; i++) {
        const struct subnet *s = subnet_of(&n, &sites, &nodes[i]);
        if (s)
            wire_interface(c, &n, s, &nodes[i], &(*out)[(*count)++]);
    }
    if (*count > 0)
        qsort(*out, *count, sizeof(**out), by_interface_id);
    return OK;
}

static bool has_interface(const struct ec2_network_interface *all, size_t count, const char *id)
{
    for (size_t i = 0; id && i < count; i++)
        if (strcmp(all[i].network_interface_id, id) == 0)
            return true;
    return false;
}

struct err ec2_describe_network_interfaces(struct call *c,
                                           const struct ec2_describe_network_interfaces_in *in,
                                           struct ec2_describe_network_interfaces_out *out)
{
    const struct ec2_network_interface_id_list *ids = &in->network_interface_ids;
    struct ec2_network_interface *all;
    struct id_page page;
    const char *last = "";
    size_t count;

    TRY(filters_check(c, &in->filters, interface_filters));
    TRY(id_page_open(c, in->max_results, in->next_token, &page));
    TRY(all_interfaces(c, &all, &count));
    for (size_t i = 0; i < ids->count; i++)
        if (!has_interface(all, count, ids->items[i]))
            return fault(c, FAULT_INVALID_NETWORK_INTERFACE_ID_NOT_FOUND,
                         "The networkInterface ID '%s' does not exist",
                         ids->items[i] ? ids->items[i] : "");
    out->network_interfaces.has = true;
    out->network_interfaces.items =
        arena_array(c->arena, count, sizeof(*out->network_interfaces.items));
    for (size_t i = 0; i < count; i++)
        if (ids_take(ids->items, ids->count, all[i].network_interface_id) &&
            passes(c, &in->filters, &all[i]) &&
            id_page_takes(c, &page, all[i].network_interface_id, &last, &out->next_token))
            out->network_interfaces.items[out->network_interfaces.count++] = all[i];
    return OK;
}

/* --- tags --- */

static const char *const tag_filters[] = {"key", "resource-id", "resource-type", "value", NULL};

static bool tag_passes(struct call *c, const struct ec2_filter_list *filters,
                       const struct ec2_tag_description *d)
{
    struct traits t = {.arena = c->arena};

    trait_add(&t, "key", d->key);
    trait_add(&t, "resource-id", d->resource_id);
    trait_add(&t, "resource-type", d->resource_type);
    trait_add(&t, "value", d->value);
    trait_add(&t, arena_printf(c->arena, "tag:%s", d->key), d->value);
    trait_add(&t, "tag-key", d->key);
    return filters_pass(filters, &t);
}

struct err ec2_describe_tags(struct call *c, const struct ec2_describe_tags_in *in,
                             struct ec2_describe_tags_out *out)
{
    struct inventory inv;
    struct id_page page;
    const char *last = "";

    TRY(filters_check(c, &in->filters, tag_filters));
    TRY(id_page_open(c, in->max_results, in->next_token, &page));
    TRY(inventory_load(c, &inv));
    out->tags.has = true;
    out->tags.items = arena_array(c->arena, inv.tag_count, sizeof(*out->tags.items));
    for (size_t i = 0; i < inv.tag_count; i++) {
        const struct arn_tag *t = &inv.tags[i];
        const char *id = strrchr(t->arn, '/') ? strrchr(t->arn, '/') + 1 : t->arn;
        struct ec2_tag_description d = {t->tag.key, id, inventory_kind(id), t->tag.value};
        const char *place = arena_printf(c->arena, "%s/%s", t->arn, t->tag.key);
        if (tag_passes(c, &in->filters, &d) &&
            id_page_takes(c, &page, place, &last, &out->next_token))
            out->tags.items[out->tags.count++] = d;
    }
    return OK;
}
