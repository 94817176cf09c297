/*
 * A plan is made first: which shards go, which come and where their members are to stand; then it
 * is written, with the moves of slots that follow from it.
 */
#include "controlplane/ops/resharding.h"

#include "base/arena.h"
#include "base/buf.h"
#include "contract/faults.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/events.h"
#include "controlplane/model/place.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/serverless.h"
#include "controlplane/model/slot_moves.h"
#include "controlplane/ops/capacity.h"
#include "controlplane/ops/fitting.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/membership.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/slot_moves.h"

#include <stdlib.h>
#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)
#define VALUE(...)       fault(c, FAULT_INVALID_PARAMETER_VALUE, __VA_ARGS__)

struct reshard_plan {
    struct shard **present; /* that are to stay or to go, by number */
    bool *is_leaving;       /* of each */
    size_t present_count, leaving_count;
    struct shard *added;
    size_t added_count;
    size_t members;     /* of each added shard */
    const char **zones; /* of all their members, shard by shard */
};

/* --- which there are --- */

static void read_present(struct call *c, const struct group_facts *f, struct reshard_plan *p)
{
    p->present = arena_array(c->arena, f->shard_count, sizeof(struct shard *));
    p->is_leaving = arena_array(c->arena, f->shard_count, sizeof(bool));
    for (size_t i = 0; i < f->shard_count; i++)
        if (f->shards[i].is_wanted)
            p->present[p->present_count++] = &f->shards[i];
}

static struct err check_count(struct call *c, const struct group_facts *f,
                              const struct resharding *in)
{
    if (f->group.mode != CLUSTER_MODE_ENABLED)
        return COMBINATION(
            "The node groups of the replication group %s cannot be modified: it does "
            "not have cluster mode enabled.",
            f->group.name);
    if (in->count < 1)
        return VALUE("Invalid value %lld for NodeGroupCount. It must be at least 1.",
                     (long long)in->count);
    if (in->count > quota(c, shards_per_group))
        return fault(c, FAULT_NODE_GROUPS_PER_REPLICATION_GROUP_QUOTA_EXCEEDED,
                     "A replication group can have at most %d node groups.",
                     quota(c, shards_per_group));
    return OK;
}

/* "1" and "0001" are the same. */
static const char *number_of(struct call *c, const char *given)
{
    return arena_printf(c->arena, "%04d", given ? (int)strtol(given, NULL, 10) : 0);
}

/* --- fewer --- */

/* The lists of ids to remove and to retain look alike. */
struct ids {
    const char *member; /* of the request */
    const char *const *items;
    size_t count;
};

static struct err mark(struct call *c, const struct group_facts *f, const struct ids *ids,
                       const struct reshard_plan *p, bool *out_is_named)
{
    for (size_t i = 0; i < ids->count; i++) {
        const char *number = number_of(c, ids->items[i]);
        size_t at = 0;
        while (at < p->present_count && strcmp(p->present[at]->number, number) != 0)
            at++;
        if (at == p->present_count)
            return VALUE("The replication group %s has no node group %s.", f->group.name, number);
        if (out_is_named[at])
            return VALUE("%s names the node group %s twice.", ids->member, number);
        out_is_named[at] = true;
    }
    return OK;
}

/* Each shard that stays gets its share of all: that is to fit, as far as anything is known. */
static struct err check_room(struct call *c, const struct group_facts *f,
                             const struct resharding *in)
{
    const struct cluster *common = &f->group.common;
    const struct node_type *type = node_type_find(common->node_type);
    int64_t all = 0;
    bool has_room;

    for (size_t i = 0; i < f->member_count; i++) {
        int64_t used;
        if (!group_facts_is_primary(f, &f->members[i]))
            continue;
        TRY(fitting_used(c, &f->members[i], 1, &used));
        all += used > 0 ? used : 0;
    }
    check(type != NULL);
    TRY(fitting_has_room(c, common, type, all / in->count, &has_room));
    if (has_room)
        return OK;
    return COMBINATION("The data does not fit into %lld node groups of the cache node type %s: it "
                       "takes %lld bytes.",
                       (long long)in->count, type->name, (long long)all);
}

static struct err plan_removal(struct call *c, const struct group_facts *f,
                               const struct resharding *in, struct reshard_plan *p)
{
    bool *is_named = arena_array(c->arena, p->present_count, sizeof(bool));
    bool has_remove = in->to_remove && in->to_remove->count > 0;
    bool has_retain = in->to_retain && in->to_retain->count > 0;

    if (in->zones && in->zones->count > 0)
        return COMBINATION("ReshardingConfiguration can only be used to add node groups.");
    if (has_remove == has_retain)
        return COMBINATION("Exactly one of NodeGroupsToRemove and NodeGroupsToRetain must be given "
                           "to remove node groups.");
    struct ids ids =
        has_remove ? (struct ids){"NodeGroupsToRemove", in->to_remove->items, in->to_remove->count}
                   : (struct ids){"NodeGroupsToRetain", in->to_retain->items, in->to_retain->count};
    size_t expected = has_remove ? p->present_count - (size_t)in->count : (size_t)in->count;
    TRY(mark(c, f, &ids, p, is_named));
    if (ids.count != expected)
        return VALUE("%s names %zu node groups, but with NodeGroupCount %lld it must name %zu of "
                     "%zu.",
                     ids.member, ids.count, (long long)in->count, expected, p->present_count);
    for (size_t i = 0; i < p->present_count; i++)
        p->is_leaving[i] = is_named[i] == has_remove;
    p->leaving_count = p->present_count - (size_t)in->count;
    return check_room(c, f, in);
}

/* --- more --- */

/* New shards get as many replicas as the shard with the fewest has. */
static size_t fewest_members(const struct group_facts *f, const struct reshard_plan *p)
{
    size_t fewest = SIZE_MAX;

    for (size_t i = 0; i < p->present_count; i++) {
        size_t count = group_facts_count(f, p->present[i]);
        fewest = count < fewest ? count : fewest;
    }
    return fewest;
}

static bool is_present(const struct reshard_plan *p, const char *number)
{
    for (size_t i = 0; i < p->present_count; i++)
        if (strcmp(p->present[i]->number, number) == 0)
            return true;
    return false;
}

static struct err take_zones(struct call *c, const struct ec_resharding_configuration *in,
                             struct reshard_plan *p, size_t at)
{
    const struct ec_availability_zones_list *zones = &in->preferred_availability_zones;

    if (zones->count == 0)
        return OK;
    if (zones->count != p->members)
        return VALUE("PreferredAvailabilityZones of node group %s must name a zone for each of its "
                     "%zu members.",
                     p->added[at].number, p->members);
    for (size_t i = 0; i < p->members; i++)
        p->zones[at * p->members + i] = zones->items[i] ? zones->items[i] : "";
    return OK;
}

/* Entries for shards that are there say nothing new; the others are for the new ones, in order. An
 * id that is given counts where it can: those of removed shards never come back. */
static struct err configure(struct call *c, const struct group_facts *f,
                            const struct resharding *in, struct reshard_plan *p)
{
    size_t used = 0;

    if (!in->zones || in->zones->count == 0)
        return OK;
    if ((int64_t)in->zones->count != in->count && in->zones->count != p->added_count)
        return VALUE(
            "The number of elements of ReshardingConfiguration (%zu) must be NodeGroupCount "
            "(%lld).",
            in->zones->count, (long long)in->count);
    for (size_t i = 0; i < in->zones->count; i++) {
        const struct ec_resharding_configuration *one = &in->zones->items[i];
        const char *number =
            member_has_text(one->node_group_id) ? number_of(c, one->node_group_id) : NULL;
        if (number && is_present(p, number))
            continue;
        if (used == p->added_count)
            return VALUE("ReshardingConfiguration describes more new node groups than the %zu that "
                         "are added.",
                         p->added_count);
        if (number && strcmp(number, p->added[used].number) != 0)
            return VALUE("The replication group %s has no node group %s; its next new one is %s.",
                         f->group.name, number, p->added[used].number);
        TRY(take_zones(c, one, p, used++));
    }
    return OK;
}

static struct err check_quotas(struct call *c, const struct group_facts *f,
                               const struct reshard_plan *p)
{
    size_t added = p->added_count * p->members, count = added;

    for (size_t i = 0; i < f->member_count; i++)
        count += f->members[i].cluster.is_wanted;
    if ((int64_t)count > quota(c, nodes_per_group))
        return fault(c, FAULT_NODE_GROUPS_PER_REPLICATION_GROUP_QUOTA_EXCEEDED,
                     "A replication group can have at most %d nodes, and would have %zu.",
                     quota(c, nodes_per_group), count);
    return f->group.common.owner.id ? OK : capacity_check_region(c, (int64_t)added);
}

/* New shards have no ids yet: any numbers will do that nothing on the board has. */
static int64_t key_of(size_t added)
{
    return INT64_MIN + (int64_t)added;
}

static struct err claim_room(struct call *c, const struct group_facts *f,
                             const struct resharding *in, struct reshard_plan *p)
{
    const struct cluster *common = &f->group.common;
    size_t count = p->added_count * p->members;
    int64_t *keys = arena_array(c->arena, count, sizeof(*keys));
    struct capacity capacity;
    struct siting siting;
    struct claim claim = {
        .keys = keys,
        .is_multi_az = f->group.is_multi_az,
        .type = node_type_find(common->node_type),
        .port = common->port,
        .network = common->reach.network,
        .second_port = cluster_reader_port(common),
        .memory_bytes = cluster_host_bytes(common),
        .is_allotted = common->allotment.most_bytes > 0,
        .program = cluster_program(c->arena, common),
        .is_cross_az = true,
        .zones = p->zones,
        .count = count,
    };

    check(claim.type != NULL);
    TRY(in->subnets
            ? siting_of_subnets(c, in->subnets, common->security_groups, &siting)
            : siting_change(c, common->subnet_group, common->security_groups, NULL, &siting));
    TRY(capacity_open(c, &siting, &capacity));
    for (size_t i = 0; i < f->member_count; i++)
        capacity_take_member(&capacity, place_key(0, f->members[i].cluster.shard_id),
                             &f->members[i].nodes);
    for (size_t i = 0; i < count; i++) {
        keys[i] = key_of(i / p->members);
        if (*p->zones[i])
            TRY(capacity_check_zone(c, &capacity, p->zones[i]));
    }
    return capacity_claim(c, &capacity, &claim);
}

static struct err plan_addition(struct call *c, struct group_facts *f, const struct resharding *in,
                                struct reshard_plan *p)
{
    if ((in->to_remove && in->to_remove->count > 0) || (in->to_retain && in->to_retain->count > 0))
        return COMBINATION("NodeGroupsToRemove and NodeGroupsToRetain can only be used to remove "
                           "node groups.");
    p->added_count = (size_t)in->count - p->present_count;
    if (p->added_count == 0 && in->zones && in->zones->count > 0)
        return COMBINATION("ReshardingConfiguration can only be used to add node groups.");
    if (p->added_count == 0)
        return OK;
    p->members = fewest_members(f, p);
    p->added = arena_array(c->arena, p->added_count, sizeof(*p->added));
    p->zones = arena_array(c->arena, p->added_count * p->members, sizeof(*p->zones));
    for (size_t i = 0; i < p->added_count * p->members; i++)
        p->zones[i] = "";
    for (size_t i = 0; i < p->added_count; i++)
        p->added[i] = (struct shard){
            .group_id = f->group.id,
            .number = arena_printf(c->arena, "%04lld", (long long)f->group.next_shard++),
            .engine_id = group_secret_new(c->arena),
            .slots = "",
            .next_member = 1,
            .is_wanted = true,
        };
    TRY(configure(c, f, in, p));
    TRY(check_quotas(c, f, p));
    return claim_room(c, f, in, p);
}

/* --- recording --- */

static struct err record_shards(struct call *c, struct group_facts *f, struct reshard_plan *p)
{
    if (p->added_count == 0)
        return OK;
    TRY(store_group_update(c->tx, &f->group));
    for (size_t i = 0; i < p->added_count; i++) {
        TRY(store_shard_insert(c->tx, &p->added[i]));
        for (size_t k = 0; k < p->members; k++) {
            struct newcomer n = {&p->added[i], p->zones[i * p->members + k], NULL};
            TRY(membership_add_tagged(c, &f->group, &n));
        }
    }
    return OK;
}

static struct err record_moves(struct call *c, const struct group_facts *f,
                               const struct reshard_plan *p)
{
    size_t count = p->present_count + p->added_count;
    struct slot_share *shares = arena_array(c->arena, count, sizeof(*shares));
    struct slot_plan plan;

    for (size_t i = 0; i < count; i++)
        shares[i] = i < p->present_count
                        ? (struct slot_share){p->present[i]->slots, p->is_leaving[i]}
                        : (struct slot_share){"", false};
    slot_plan_make(c->arena, shares, count, &plan);
    TRY(store_slot_move_clear(c->tx, f->group.id));
    for (size_t i = 0; i < plan.count; i++) {
        const struct slot_transfer *t = &plan.items[i];
        const struct shard *from = p->present[t->from]; /* who has slots is there already */
        const struct shard *to =
            t->to < p->present_count ? p->present[t->to] : &p->added[t->to - p->present_count];
        struct slot_move move = {
            .group_id = f->group.id,
            .from_id = from->id,
            .to_id = to->id,
            .slots = t->slots,
            .token = group_secret_new(c->arena),
        };
        TRY(store_slot_move_insert(c->tx, &move));
    }
    return OK;
}

/* For the reconciler: the ids of the shards that go. */
static const char *leaving_text(struct call *c, const struct reshard_plan *p)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    for (size_t i = 0; i < p->present_count; i++)
        if (p->is_leaving[i])
            buf_printf(&text, "%s%lld", text.len ? " " : "", (long long)p->present[i]->id);
    return str_dup(c->arena, buf_str(&text));
}

/* Those who own it hear of the end alone. */
static struct err tell(struct call *c, const struct group_facts *f)
{
    if (f->group.common.owner.id)
        return OK;
    struct event event =
        event_of_group(c->arena, &f->group, c->now_ms, EVENT_GROUP_RESHARDING, f->group.name, NULL);
    return store_event_add(c->tx, &event);
}

struct err resharding_begin(struct call *c, struct group_facts *f, const struct resharding *in)
{
    struct reshard_plan p = {0};

    TRY(check_count(c, f, in));
    read_present(c, f, &p);
    if (in->next_shard)
        f->group.next_shard = in->next_shard;
    if (in->count < (int64_t)p.present_count)
        TRY(plan_removal(c, f, in, &p));
    else
        TRY(plan_addition(c, f, in, &p));
    TRY(record_shards(c, f, &p));
    TRY(tell(c, f));
    if (in->next_shard)
        return group_facts_operate(c, f, GROUP_ALIGN, "");
    TRY(record_moves(c, f, &p));
    return group_facts_operate(c, f, GROUP_RESHARD, leaving_text(c, &p));
}
