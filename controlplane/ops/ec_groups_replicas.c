/* IncreaseReplicaCount and DecreaseReplicaCount: for all shards alike, or shard by shard. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/place.h"
#include "controlplane/model/quotas.h"
#include "controlplane/ops/capacity.h"
#include "controlplane/ops/durability.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/wire_groups.h"
#include "controlplane/store/groups.h"

#include <stdlib.h>
#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)
#define VALUE(...)       fault(c, FAULT_INVALID_PARAMETER_VALUE, __VA_ARGS__)

/* What is asked for one shard. */
struct target {
    struct shard *shard;
    size_t before, after;                                    /* members, the primary among them */
    const struct ec_preferred_availability_zone_list *zones; /* of all members; NULL for none */
};

struct targets {
    struct target *items;
    size_t count;
};

/* --- reading the request --- */

static struct err read_count(struct call *c, int64_t replicas, size_t *out)
{
    if (replicas < 0 || replicas > REPLICAS_MAX)
        return VALUE("Invalid value %lld for NewReplicaCount. It must be between 0 and %d.",
                     (long long)replicas, REPLICAS_MAX);
    *out = 1 + (size_t)replicas;
    return OK;
}

static struct err add_described(struct call *c, const struct ec_configure_shard *in,
                                const struct group_facts *f, struct targets *out)
{
    const char *number = arena_printf(
        c->arena, "%04d", in->node_group_id ? (int)strtol(in->node_group_id, NULL, 10) : 0);
    struct shard *s = group_facts_shard(f, number);
    struct target t = {.shard = s};

    if (!s)
        return VALUE("The replication group %s has no node group %s.", f->group.name, number);
    for (size_t i = 0; i < out->count; i++)
        if (out->items[i].shard == s)
            return VALUE("ReplicaConfiguration names the node group %s twice.", number);
    if (in->preferred_outpost_arns.count > 0)
        return COMBINATION("Outposts are not supported by this version.");
    TRY(read_count(c, in->new_replica_count.value, &t.after));
    t.before = group_facts_count(f, s);
    if (in->preferred_availability_zones.count > 0)
        t.zones = &in->preferred_availability_zones;
    if (t.zones && t.zones->count != t.after)
        return VALUE("PreferredAvailabilityZones of node group %s must name a zone for the primary "
                     "and each of its %zu replicas.",
                     number, t.after - 1);
    out->items[out->count++] = t;
    return OK;
}

static struct err read_targets(struct call *c, struct opt_int new_count,
                               const struct ec_replica_configuration_list *list,
                               const struct group_facts *f, struct targets *out)
{
    size_t after = 0;

    *out = (struct targets){arena_array(c->arena, f->shard_count, sizeof(*out->items)), 0};
    if (new_count.has == (list->count > 0))
        return COMBINATION("Exactly one of NewReplicaCount and ReplicaConfiguration must be "
                           "given.");
    for (size_t i = 0; i < list->count; i++)
        TRY(add_described(c, &list->items[i], f, out));
    if (list->count > 0)
        return OK;
    TRY(read_count(c, new_count.value, &after));
    for (size_t i = 0; i < f->shard_count; i++)
        if (f->shards[i].is_wanted)
            out->items[out->count++] =
                (struct target){&f->shards[i], group_facts_count(f, &f->shards[i]), after, NULL};
    return OK;
}

static struct err check_at_once(struct call *c, struct opt_bool apply_immediately)
{
    if (apply_immediately.value)
        return OK;
    return VALUE("ApplyImmediately must be true: the number of replicas cannot be changed later.");
}

/* --- more --- */

struct additions {
    struct newcomer *items;
    const char **zones;
    int64_t *keys;
    size_t count;
};

/* The zones of a shard's new members: those named, without those that its members are in. */
static struct err new_zones(struct call *c, const struct group_facts *f, const struct target *t,
                            const char **out)
{
    size_t added = t->after - t->before, found = 0;
    bool *is_used = arena_array(c->arena, t->after, sizeof(*is_used));

    for (size_t i = 0; i < added; i++)
        out[i] = "";
    if (!t->zones)
        return OK;
    for (size_t i = 0; i < f->member_count; i++) {
        const struct cluster_facts *m = &f->members[i];
        if (!group_facts_is_in(m, t->shard) || m->nodes.count == 0)
            continue;
        for (size_t k = 0; k < t->after; k++)
            if (!is_used[k] && strcmp(t->zones->items[k], m->nodes.items[0].host_zone) == 0) {
                is_used[k] = true;
                break;
            }
    }
    for (size_t k = 0; k < t->after && found < added; k++)
        if (!is_used[k])
            out[found++] = t->zones->items[k];
    return OK;
}

static struct err plan_additions(struct call *c, const struct group_facts *f,
                                 const struct targets *targets, struct additions *out)
{
    size_t total = 0;

    for (size_t i = 0; i < targets->count; i++)
        total += targets->items[i].after > targets->items[i].before
                     ? targets->items[i].after - targets->items[i].before
                     : 0;
    *out = (struct additions){arena_array(c->arena, total, sizeof(*out->items)),
                              arena_array(c->arena, total, sizeof(*out->zones)),
                              arena_array(c->arena, total, sizeof(*out->keys)), 0};
    for (size_t i = 0; i < targets->count; i++) {
        const struct target *t = &targets->items[i];
        if (t->after < t->before)
            return VALUE("The node group %s has %zu replicas already: NewReplicaCount must be "
                         "larger.",
                         t->shard->number, t->before - 1);
        TRY(new_zones(c, f, t, out->zones + out->count));
        for (size_t k = t->before; k < t->after; k++) {
            out->items[out->count] = (struct newcomer){.shard = t->shard};
            out->keys[out->count++] = place_key(0, t->shard->id);
        }
    }
    if (out->count == 0)
        return fault(c, FAULT_NO_OPERATION, "The replication group %s has that many replicas.",
                     f->group.name);
    return OK;
}

static struct err claim_room(struct call *c, const struct group_facts *f, struct additions *add)
{
    const struct cluster *common = &f->group.common;
    struct capacity capacity;
    struct siting siting;
    struct claim claim = {
        .keys = add->keys,
        .type = node_type_find(common->node_type),
        .port = common->port,
        .network = common->reach.network,
        .program = cluster_program(c->arena, common),
        .is_cross_az = true,
        .zones = add->zones,
        .count = add->count,
    };

    check(claim.type != NULL);
    TRY(siting_change(c, common->subnet_group, common->security_groups, NULL, &siting));
    TRY(capacity_open(c, &siting, &capacity));
    for (size_t i = 0; i < f->member_count; i++)
        capacity_take_member(&capacity, place_key(0, f->members[i].cluster.shard_id),
                             &f->members[i].nodes);
    for (size_t i = 0; i < add->count; i++)
        if (*add->zones[i])
            TRY(capacity_check_zone(c, &capacity, add->zones[i]));
    return capacity_claim(c, &capacity, &claim);
}

static struct err check_quotas(struct call *c, const struct group_facts *f, size_t added)
{
    size_t count = added;

    for (size_t i = 0; i < f->member_count; i++)
        count += f->members[i].cluster.is_wanted;
    if ((int64_t)count > quota(c, nodes_per_group))
        return fault(c, FAULT_CLUSTER_QUOTA_FOR_CUSTOMER_EXCEEDED,
                     "Cluster node quota exceeded. Each cluster can have at most %d nodes in this "
                     "region.",
                     quota(c, nodes_per_group));
    return capacity_check_region(c, (int64_t)added);
}

struct err ec_increase_replica_count(struct call *c, const struct ec_increase_replica_count_in *in,
                                     struct ec_increase_replica_count_out *out)
{
    struct group_facts facts;
    struct targets targets;
    struct additions add;

    TRY(group_facts_for_change(c, in->replication_group_id, &facts));
    TRY(check_at_once(c, in->apply_immediately));
    TRY(read_targets(c, in->new_replica_count, &in->replica_configuration, &facts, &targets));
    TRY(plan_additions(c, &facts, &targets, &add));
    TRY(check_quotas(c, &facts, add.count));
    TRY(claim_room(c, &facts, &add));
    for (size_t i = 0; i < add.count; i++) {
        add.items[i].zone = add.zones[i];
        TRY(membership_add_tagged(c, &facts.group, &add.items[i]));
    }
    TRY(group_facts_operate(c, &facts, GROUP_REPLICAS, ""));
    out->replication_group = wire_group_new(c, &facts);
    return OK;
}

/* --- fewer --- */

/* How many members a shard must keep. */
static size_t least_members(const struct group_facts *f)
{
    bool needs_replica =
        f->group.is_multi_az || (f->group.has_failover && f->group.mode != CLUSTER_MODE_ENABLED);

    return needs_replica ? 2 : 1;
}

static bool is_named(const struct ec_remove_replicas_list *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->items[i] && strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* The names in lower case, each a replica of the group. */
static struct err check_names(struct call *c, const struct ec_remove_replicas_list *in,
                              const struct group_facts *f, struct ec_remove_replicas_list *out)
{
    *out = (struct ec_remove_replicas_list){true, in->count,
                                            arena_array(c->arena, in->count, sizeof(*out->items))};
    for (size_t i = 0; i < in->count; i++) {
        const char *name = name_fold(c->arena, in->items[i] ? in->items[i] : "");
        const struct cluster_facts *m = group_facts_member(f, name);
        if (!m)
            return VALUE("The cache cluster %s is not a member of the replication group %s.", name,
                         f->group.name);
        if (group_facts_is_primary(f, m))
            return VALUE("The cache cluster %s is the primary of its node group and cannot be "
                         "removed.",
                         name);
        out->items[i] = name;
    }
    return OK;
}

/* Takes so many replicas of a shard, the last made first; with names only those. */
static struct err take_replicas(struct call *c, const struct group_facts *f, const struct target *t,
                                const struct ec_remove_replicas_list *names)
{
    size_t left = t->before - t->after;

    for (size_t i = f->member_count; i-- > 0 && left > 0;) {
        struct cluster_facts *m = &f->members[i];
        if (!group_facts_is_in(m, t->shard) || group_facts_is_primary(f, m))
            continue;
        if (names->count > 0 && !is_named(names, m->cluster.name))
            continue;
        TRY(membership_let_go(c, m));
        left--;
    }
    if (left == 0)
        return OK;
    return VALUE("ReplicasToRemove must name the %zu replicas to remove of node group %s.",
                 t->before - t->after, t->shard->number);
}

static struct err check_fewer(struct call *c, const struct group_facts *f,
                              const struct targets *targets,
                              const struct ec_remove_replicas_list *names)
{
    size_t total = 0;

    for (size_t i = 0; i < targets->count; i++) {
        const struct target *t = &targets->items[i];
        if (t->zones)
            return COMBINATION("PreferredAvailabilityZones cannot be used to remove replicas.");
        if (t->after > t->before)
            return VALUE("The node group %s has only %zu replicas: NewReplicaCount must be "
                         "smaller.",
                         t->shard->number, t->before - 1);
        if (t->after < least_members(f))
            return VALUE("Must have at least 1 replica when cluster mode is disabled with auto "
                         "failover enabled.");
        if (t->after < DURABILITY_MEMBERS_LEAST)
            TRY(durability_refuse_lone(c, f->group.durability));
        total += t->before - t->after;
    }
    if (total == 0)
        return fault(c, FAULT_NO_OPERATION, "The replication group %s has that many replicas.",
                     f->group.name);
    if (names->count > 0 && names->count != total)
        return VALUE("ReplicasToRemove names %zu replicas, but %zu are to be removed.",
                     names->count, total);
    return OK;
}

/* Names alone say how many. */
static struct err targets_of_names(struct call *c, const struct ec_remove_replicas_list *names,
                                   const struct group_facts *f, struct targets *out)
{
    *out = (struct targets){arena_array(c->arena, f->shard_count, sizeof(*out->items)), 0};
    for (size_t i = 0; i < f->shard_count; i++) {
        struct shard *s = &f->shards[i];
        struct target t = {s, group_facts_count(f, s), 0, NULL};
        t.after = t.before;
        for (size_t k = 0; k < f->member_count; k++)
            if (group_facts_is_in(&f->members[k], s) && is_named(names, f->members[k].cluster.name))
                t.after--;
        if (s->is_wanted)
            out->items[out->count++] = t;
    }
    return OK;
}

struct err ec_decrease_replica_count(struct call *c, const struct ec_decrease_replica_count_in *in,
                                     struct ec_decrease_replica_count_out *out)
{
    struct ec_remove_replicas_list names;
    struct group_facts facts;
    struct targets targets;
    bool has_count = in->new_replica_count.has || in->replica_configuration.count > 0;

    TRY(group_facts_for_change(c, in->replication_group_id, &facts));
    TRY(check_at_once(c, in->apply_immediately));
    TRY(check_names(c, &in->replicas_to_remove, &facts, &names));
    if (names.count > 0 && !has_count)
        TRY(targets_of_names(c, &names, &facts, &targets));
    else
        TRY(read_targets(c, in->new_replica_count, &in->replica_configuration, &facts, &targets));
    TRY(check_fewer(c, &facts, &targets, &names));
    for (size_t i = 0; i < targets.count; i++)
        if (targets.items[i].after < targets.items[i].before)
            TRY(take_replicas(c, &facts, &targets.items[i], &names));
    TRY(group_facts_operate(c, &facts, GROUP_REPLICAS, ""));
    out->replication_group = wire_group_new(c, &facts);
    return OK;
}
