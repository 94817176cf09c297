/* Tags of the network's resources stand beside those of caches, under ARNs of EC2's own. */
#include "controlplane/ops/inventory.h"

#include "base/arena.h"
#include "base/str.h"
#include "contract/ec2_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/network.h"
#include "controlplane/ops/page.h"
#include "controlplane/store/network.h"
#include "controlplane/store/store.h"

#include <string.h>

#define PAGE_DEFAULT 1000
#define TAGS_MAX     50
#define TAG_KEY_MAX  128
#define TAG_TEXT_MAX 256

static const struct {
    const char *prefix, *kind;
} kinds[] = {
    {"vpc-",    "vpc"                },
    {"subnet-", "subnet"             },
    {"sg-",     "security-group"     },
    {"sgr-",    "security-group-rule"},
    {"acl-",    "network-acl"        },
    {"rtb-",    "route-table"        },
};

const char *inventory_kind(const char *id)
{
    for (size_t i = 0; i < countof(kinds); i++)
        if (strncmp(id, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return kinds[i].kind;
    return NULL;
}

static const char *arn_of_kind(struct call *c, const char *kind, const char *id)
{
    return arena_printf(c->arena, "arn:%s:ec2:%s:%s:%s/%s", arn_partition(c->caller->region),
                        c->caller->region, c->caller->account, kind, id);
}

const char *inventory_arn(struct call *c, const char *id)
{
    const char *kind = inventory_kind(id);

    return kind ? arn_of_kind(c, kind, id) : NULL;
}

const char *inventory_acl_id(struct call *c, const struct vpc *v)
{
    return network_id(c->arena, "acl-", v->id);
}

const char *inventory_route_table_id(struct call *c, const struct vpc *v)
{
    return network_id(c->arena, "rtb-", v->id);
}

struct err inventory_load(struct call *c, struct inventory *out)
{
    const char *account = c->caller->account, *region = c->caller->region;
    const char *first = arena_printf(c->arena, "arn:%s:ec2:", arn_partition(region));
    const char *last = arena_printf(c->arena, "arn:%s:ec2;", arn_partition(region));

    TRY(store_network_load(c->tx, account, region, &out->net));
    TRY(store_security_rule_list(c->tx, account, region, "", &out->rules));
    return store_tag_range(c->tx, account, region, first, last, &out->tags, &out->tag_count);
}

static bool has_rule(const struct inventory *inv, const char *id)
{
    for (size_t i = 0; i < inv->rules.count; i++)
        if (strcmp(inv->rules.items[i].id, id) == 0)
            return true;
    return false;
}

bool inventory_has(struct call *c, const struct inventory *inv, const char *id)
{
    for (size_t i = 0; i < inv->net.vpc_count; i++)
        if (strcmp(inventory_acl_id(c, &inv->net.vpcs[i]), id) == 0 ||
            strcmp(inventory_route_table_id(c, &inv->net.vpcs[i]), id) == 0)
            return true;
    return network_vpc(&inv->net, id) || network_subnet(&inv->net, id) ||
           network_group(&inv->net, id) || has_rule(inv, id);
}

/* --- tags --- */

/* Where the tags of an ARN begin, or would. */
static size_t tags_at(const struct inventory *inv, const char *arn)
{
    size_t low = 0, high = inv->tag_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(inv->tags[middle].arn, arn) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void inventory_wire_tags(struct call *c, const struct inventory *inv, const char *id,
                         struct ec2_tag_list *out)
{
    const char *arn = inventory_arn(c, id);
    size_t first = arn ? tags_at(inv, arn) : inv->tag_count, end = first;

    while (end < inv->tag_count && strcmp(inv->tags[end].arn, arn) == 0)
        end++;
    *out = (struct ec2_tag_list){.has = true, .count = end - first};
    out->items = arena_array(c->arena, out->count, sizeof(*out->items));
    for (size_t i = 0; i < out->count; i++)
        out->items[i] =
            (struct ec2_tag){inv->tags[first + i].tag.key, inv->tags[first + i].tag.value};
}

static struct err check_tag(struct call *c, const struct ec2_tag *t)
{
    const char *key = t->key ? t->key : "", *value = t->value ? t->value : "";

    if (*key == '\0' || strlen(key) > TAG_KEY_MAX * 4)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Tag keys must have from 1 to %d characters.", TAG_KEY_MAX);
    if (strncmp(key, "aws:", 4) == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Tag keys starting with 'aws:' are reserved for internal use");
    if (strlen(value) > TAG_TEXT_MAX * 4)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Tag values must have at most %d characters.", TAG_TEXT_MAX);
    return OK;
}

static struct err put_tags(struct call *c, const struct ec2_tag_list *tags, const char *id)
{
    const char *arn = inventory_arn(c, id);
    struct tag *now;
    size_t count;

    check(arn != NULL);
    for (size_t i = 0; i < tags->count; i++) {
        TRY(check_tag(c, &tags->items[i]));
        TRY(store_tag_put(c->tx, c->caller->account, c->caller->region, arn, tags->items[i].key,
                          tags->items[i].value ? tags->items[i].value : ""));
    }
    TRY(store_tag_list(c->tx, arn, &now, &count));
    if (count > TAGS_MAX)
        return fault(c, FAULT_TAG_LIMIT_EXCEEDED,
                     "The maximum number of Tags for a resource has been reached.");
    return OK;
}

struct err inventory_tag_new(struct call *c, const struct ec2_tag_specification_list *in,
                             const char *kind, const char *id)
{
    for (size_t i = 0; i < in->count; i++) {
        const struct ec2_tag_specification *s = &in->items[i];
        if (!s->resource_type || strcmp(s->resource_type, kind) != 0)
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "%s is not a valid taggable resource type for this operation.",
                         s->resource_type ? s->resource_type : "(none)");
        TRY(put_tags(c, &s->tags, id));
    }
    return OK;
}

/* --- CreateTags, DeleteTags --- */

static struct err check_resources(struct call *c, const struct ec2_resource_id_list *ids)
{
    struct inventory inv;

    TRY(inventory_load(c, &inv));
    for (size_t i = 0; i < ids->count; i++) {
        const char *id = ids->items[i] ? ids->items[i] : "";
        if (!inventory_has(c, &inv, id))
            return fault(c, FAULT_INVALID_ID, "The ID '%s' is not valid", id);
    }
    return OK;
}

struct err ec2_create_tags(struct call *c, const struct ec2_create_tags_in *in,
                           struct ec2_create_tags_out *out)
{
    (void)out;
    TRY(check_resources(c, &in->resources));
    for (size_t i = 0; i < in->resources.count; i++)
        TRY(put_tags(c, &in->tags, in->resources.items[i]));
    return OK;
}

/* A tag with a value goes only if it has that value; one that is not there is no mistake. */
static struct err drop_tag(struct call *c, const char *arn, const struct ec2_tag *t)
{
    struct tag *now;
    size_t count;

    TRY(store_tag_list(c->tx, arn, &now, &count));
    for (size_t i = 0; i < count; i++)
        if (t->key && strcmp(now[i].key, t->key) == 0 &&
            (!t->value || strcmp(now[i].value, t->value) == 0))
            return store_tag_remove(c->tx, arn, t->key);
    return OK;
}

struct err ec2_delete_tags(struct call *c, const struct ec2_delete_tags_in *in,
                           struct ec2_delete_tags_out *out)
{
    (void)out;
    TRY(check_resources(c, &in->resources));
    for (size_t i = 0; i < in->resources.count; i++) {
        const char *arn = inventory_arn(c, in->resources.items[i]);
        if (!in->tags.has)
            TRY(store_tag_clear(c->tx, arn));
        for (size_t k = 0; k < in->tags.count; k++)
            TRY(drop_tag(c, arn, &in->tags.items[k]));
    }
    return OK;
}

/* --- pages --- */

struct err id_page_open(struct call *c, struct opt_int max_results, const char *token,
                        struct id_page *out)
{
    out->limit = max_results.has ? max_results.value : PAGE_DEFAULT;
    if (out->limit < 1)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Value (%lld) for parameter maxResults is invalid.", (long long)out->limit);
    return page_marker_read(c, token, &out->after);
}

bool id_page_takes(struct call *c, struct id_page *page, const char *id, const char **last,
                   const char **token)
{
    if (*token || strcmp(id, page->after) <= 0)
        return false;
    if (page->limit == 0) {
        *token = page_marker(c, *last);
        return false;
    }
    page->limit--;
    *last = id;
    return true;
}

bool ids_take(const char *const *ids, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] && strcmp(ids[i], id) == 0)
            return true;
    return count == 0;
}
