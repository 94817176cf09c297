/* Reserved nodes: what is offered, what was bought. Nothing of it binds where nodes go. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/offerings.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/store/reservations.h"

#include <string.h>
#include <time.h>

#define RESERVATION_NAME_MAX 60
#define MICROS               1e6

/* --- filters --- */

/* What both Describe calls can ask for. */
struct asked {
    const char *offering_id, *node_type, *product, *type; /* NULL: any */
    int64_t duration_s;                                   /* 0: any */
};

static struct err read_duration(struct call *c, const char *text, int64_t *out)
{
    if (member_has_text(text) && !offering_duration_parse(text, out))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %s for Duration. It must be 1 or 3 (years), 31536000 or "
                     "94608000 (seconds).",
                     text);
    return OK;
}

static bool is_like(const char *asked, const char *text)
{
    return !member_has_text(asked) || strcmp(asked, text) == 0;
}

static bool is_asked(const struct asked *a, const struct offering *o)
{
    return is_like(a->offering_id, o->id) && is_like(a->node_type, o->node_type) &&
           is_like(a->product, o->product) && is_like(a->type, o->type) &&
           (a->duration_s == 0 || a->duration_s == o->duration_s);
}

/* --- wire --- */

static void wire_charges(struct call *c, const struct offering *o,
                         struct ec_recurring_charge_list *out)
{
    struct ec_recurring_charge *charge = arena_new(c->arena, struct ec_recurring_charge);

    charge->recurring_charge_amount =
        (struct opt_double){true, (double)o->recurring_micros / MICROS};
    charge->recurring_charge_frequency = "Hourly";
    *out = (struct ec_recurring_charge_list){true, o->recurring_micros > 0, charge};
}

static struct opt_double dollars(int64_t micros)
{
    return (struct opt_double){true, (double)micros / MICROS};
}

static void wire_offering(struct call *c, const struct offering *o,
                          struct ec_reserved_cache_nodes_offering *out)
{
    *out = (struct ec_reserved_cache_nodes_offering){
        .reserved_cache_nodes_offering_id = o->id,
        .cache_node_type = o->node_type,
        .duration = INT_OF(o->duration_s),
        .fixed_price = dollars(o->fixed_micros),
        .usage_price = dollars(0),
        .product_description = o->product,
        .offering_type = o->type,
    };
    wire_charges(c, o, &out->recurring_charges);
}

static const char *arn_of(struct call *c, const struct reservation *r)
{
    return arn_make(c->arena, r->region, r->account, "reserved-instance", r->name);
}

static void wire_reservation(struct call *c, const struct reservation *r,
                             struct ec_reserved_cache_node *out)
{
    const struct offering *o = &r->offering;

    *out = (struct ec_reserved_cache_node){
        .reserved_cache_node_id = r->name,
        .reserved_cache_nodes_offering_id = o->id,
        .cache_node_type = o->node_type,
        .start_time = TIME_OF(r->start_ms),
        .duration = INT_OF(o->duration_s),
        .fixed_price = dollars(o->fixed_micros),
        .usage_price = dollars(0),
        .cache_node_count = INT_OF(r->count),
        .product_description = o->product,
        .offering_type = o->type,
        .state = reservation_state_word(r, c->now_ms),
        .reservation_arn = arn_of(c, r),
    };
    wire_charges(c, o, &out->recurring_charges);
}

/* --- offerings --- */

static struct err no_offering(struct call *c, const char *id)
{
    return fault(c, FAULT_RESERVED_CACHE_NODES_OFFERING_NOT_FOUND,
                 "ReservedCacheNodesOffering not found: %s", id);
}

static struct err find_offering(struct call *c, const char *id, struct offering *out)
{
    size_t count;
    const struct offering *all = offerings_all(c->arena, &count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].id, id) == 0) {
            *out = all[i];
            return OK;
        }
    return no_offering(c, id);
}

struct err ec_describe_reserved_cache_nodes_offerings(
    struct call *c, const struct ec_describe_reserved_cache_nodes_offerings_in *in,
    struct ec_describe_reserved_cache_nodes_offerings_out *out)
{
    struct asked asked = {in->reserved_cache_nodes_offering_id, in->cache_node_type,
                          in->product_description, in->offering_type, 0};
    struct page page;
    size_t count, found = 0;

    TRY(page_open(c, in->max_records, in->marker, &page));
    TRY(read_duration(c, in->duration, &asked.duration_s));
    const struct offering *all = offerings_all(c->arena, &count);
    out->reserved_cache_nodes_offerings.has = true;
    out->reserved_cache_nodes_offerings.items =
        arena_array(c->arena, (size_t)page.limit, sizeof(struct ec_reserved_cache_nodes_offering));
    for (size_t i = 0; i < count && !out->marker; i++) {
        if (strcmp(all[i].id, page.after) <= 0 || !is_asked(&asked, &all[i]))
            continue;
        if (found == (size_t)page.limit)
            out->marker = page_marker(c, out->reserved_cache_nodes_offerings.items[found - 1]
                                             .reserved_cache_nodes_offering_id);
        else
            wire_offering(c, &all[i], &out->reserved_cache_nodes_offerings.items[found++]);
    }
    out->reserved_cache_nodes_offerings.count = found;
    if (member_has_text(asked.offering_id) && found == 0 && *page.after == '\0')
        return no_offering(c, asked.offering_id);
    return OK;
}

/* --- purchase --- */

/* "ri-2026-11-28-02-20-33-017": by the time of the purchase. */
static const char *name_by_time(struct call *c)
{
    time_t seconds = (time_t)(c->now_ms / 1000);
    struct tm t;
    char text[32];

    gmtime_r(&seconds, &t);
    strftime(text, sizeof(text), "%Y-%m-%d-%H-%M-%S", &t);
    return arena_printf(c->arena, "ri-%s-%03d", text, (int)(c->now_ms % 1000));
}

static struct err check_room(struct call *c, const struct reservation *new)
{
    struct reservation *all;
    int64_t reserved = 0;
    size_t count;

    TRY(store_reservation_list(c->tx, new->account, new->region, &all, &count));
    for (size_t i = 0; i < count; i++) {
        bool is_over = strcmp(reservation_state_word(&all[i], c->now_ms), "retired") == 0;
        if (strcmp(all[i].name, new->name) == 0)
            return fault(c, FAULT_RESERVED_CACHE_NODE_ALREADY_EXISTS,
                         "ReservedCacheNode already exists: %s", new->name);
        reserved += is_over ? 0 : all[i].count;
    }
    if (new->count > RESERVED_NODES_MAX - reserved || count >= 10 * RESERVED_NODES_MAX)
        return fault(c, FAULT_RESERVED_CACHE_NODE_QUOTA_EXCEEDED,
                     "You can have at most %d reserved cache nodes in this region.",
                     RESERVED_NODES_MAX);
    return OK;
}

static struct err take_name(struct call *c, const char *name, const char **out)
{
    if (!member_has_text(name)) {
        *out = name_by_time(c);
        return OK;
    }
    TRY(name_check(c->arena, "ReservedCacheNodeId", name, RESERVATION_NAME_MAX));
    *out = name_fold(c->arena, name);
    return OK;
}

struct err ec_purchase_reserved_cache_nodes_offering(
    struct call *c, const struct ec_purchase_reserved_cache_nodes_offering_in *in,
    struct ec_purchase_reserved_cache_nodes_offering_out *out)
{
    struct tag *tags = tagging_from_wire(c, &in->tags);
    struct reservation r = {
        .account = c->caller->account,
        .region = c->caller->region,
        .count = in->cache_node_count.has ? in->cache_node_count.value : 1,
        .start_ms = c->now_ms,
    };

    TRY(find_offering(c, in->reserved_cache_nodes_offering_id, &r.offering));
    TRY(take_name(c, in->reserved_cache_node_id, &r.name));
    if (r.count < 1)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %lld for CacheNodeCount. It must be at least 1.",
                     (long long)r.count);
    TRY(tags_check(c->arena, tags, in->tags.count));
    TRY(tags_check_quota(NULL, 0, tags, in->tags.count));
    TRY(check_room(c, &r));
    TRY(store_reservation_insert(c->tx, &r));
    TRY(tagging_put(c, arn_of(c, &r), tags, in->tags.count));
    out->reserved_cache_node = arena_new(c->arena, struct ec_reserved_cache_node);
    wire_reservation(c, &r, out->reserved_cache_node);
    return OK;
}

/* --- reservations --- */

static struct err check_there(struct call *c, const char *name)
{
    struct reservation r;
    struct err e = store_reservation_find(c->tx, c->caller->account, c->caller->region, name, &r);

    if (err_is(e, ERR_NOT_FOUND))
        return fault(c, FAULT_RESERVED_CACHE_NODE_NOT_FOUND, "ReservedCacheNode not found: %s",
                     name);
    return e;
}

struct err ec_describe_reserved_cache_nodes(struct call *c,
                                            const struct ec_describe_reserved_cache_nodes_in *in,
                                            struct ec_describe_reserved_cache_nodes_out *out)
{
    struct asked asked = {in->reserved_cache_nodes_offering_id, in->cache_node_type,
                          in->product_description, in->offering_type, 0};
    const char *name = member_has_text(in->reserved_cache_node_id)
                           ? name_fold(c->arena, in->reserved_cache_node_id)
                           : NULL;
    struct reservation *all;
    struct page page;
    size_t count, found = 0;

    TRY(page_open(c, in->max_records, in->marker, &page));
    TRY(read_duration(c, in->duration, &asked.duration_s));
    if (name)
        TRY(check_there(c, name));
    TRY(store_reservation_list(c->tx, c->caller->account, c->caller->region, &all, &count));
    out->reserved_cache_nodes.has = true;
    out->reserved_cache_nodes.items =
        arena_array(c->arena, (size_t)page.limit, sizeof(struct ec_reserved_cache_node));
    for (size_t i = 0; i < count && !out->marker; i++) {
        if (strcmp(all[i].name, page.after) <= 0 || !is_like(name, all[i].name) ||
            !is_asked(&asked, &all[i].offering))
            continue;
        if (found == (size_t)page.limit)
            out->marker =
                page_marker(c, out->reserved_cache_nodes.items[found - 1].reserved_cache_node_id);
        else
            wire_reservation(c, &all[i], &out->reserved_cache_nodes.items[found++]);
    }
    out->reserved_cache_nodes.count = found;
    return OK;
}
