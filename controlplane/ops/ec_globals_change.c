/* Global datastores: another primary, and settings that all members have alike. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/quotas.h"
#include "controlplane/ops/global_facts.h"
#include "controlplane/ops/global_parameters.h"
#include "controlplane/ops/group_modify.h"
#include "controlplane/ops/members.h"
#include "controlplane/store/globals.h"
#include "controlplane/store/groups.h"

#include <string.h>

#define VALUE(...) fault(c, FAULT_INVALID_PARAMETER_VALUE, __VA_ARGS__)

/* --- failover --- */

/* The two operations go on beside each other: the one fences, the other takes over. */
static struct err exchange(struct call *c, struct global_facts *f, size_t successor)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->members[i].role == GLOBAL_PRIMARY)
            TRY(group_facts_operate(c, &f->groups[i], GROUP_YIELD, ""));
        if (i != successor)
            continue;
        TRY(store_global_member_set(c->tx, f->datastore.id, f->members[i].group_id,
                                    GLOBAL_SUCCESSOR));
        TRY(group_facts_operate(c, &f->groups[i], GROUP_LEAD, ""));
    }
    return OK;
}

struct err ec_failover_global_replication_group(
    struct call *c, const struct ec_failover_global_replication_group_in *in,
    struct ec_failover_global_replication_group_out *out)
{
    struct global_facts facts;

    TRY(global_facts_for_change(c, in->global_replication_group_id, &facts));
    size_t i = global_facts_member(c, &facts, in->primary_replication_group_id, in->primary_region);
    if (i == facts.count)
        return VALUE("Replication group %s in %s is not associated with Global Replication Group "
                     "%s.",
                     in->primary_replication_group_id, in->primary_region, facts.datastore.name);
    if (facts.members[i].role == GLOBAL_PRIMARY)
        return VALUE("Replication group %s is the primary of the global replication group %s "
                     "already.",
                     facts.members[i].group, facts.datastore.name);
    TRY(exchange(c, &facts, i));
    TRY(global_facts_refresh(c, &facts));
    out->global_replication_group = global_to_wire_new(c, &facts);
    return OK;
}

/* --- modify --- */

/* A member of one node a shard has nobody to fail over to. */
static bool has_replicas(const struct group_facts *f)
{
    for (size_t i = 0; i < f->shard_count; i++)
        if (f->shards[i].is_wanted && group_facts_count(f, &f->shards[i]) < 2)
            return false;
    return true;
}

static struct err modify_member(struct call *c,
                                const struct ec_modify_global_replication_group_in *in,
                                const struct group_facts *member, const char *parameter_group)
{
    bool is_single = member->group.mode == CLUSTER_MODE_DISABLED && !has_replicas(member);
    struct ec_modify_replication_group_in change = {
        .replication_group_id = member->group.name,
        .apply_immediately = BOOL_OF(true),
        .cache_node_type = in->cache_node_type,
        .engine = in->engine,
        .engine_version = in->engine_version,
        .cache_parameter_group_name = parameter_group,
    };
    struct caller who;
    struct call there = global_call_in(c, member->group.region, &who);
    struct ec_modify_replication_group_out out;

    if (!(in->automatic_failover_enabled.value && is_single))
        change.automatic_failover_enabled = in->automatic_failover_enabled;
    return group_modify(&there, &change, &out);
}

/* The member's own copy of a group that its region may not have. */
static struct err copy_parameters(struct call *c, const struct replication_group *member,
                                  const struct parameter_facts *from, const char **out_name)
{
    struct caller who;
    struct call there = global_call_in(c, member->region, &who);
    return global_parameters_copy(&there, member->name, from, out_name);
}

static struct err modify_primary(struct call *c,
                                 const struct ec_modify_global_replication_group_in *in,
                                 const struct group_facts *primary)
{
    const char *name = NULL;
    struct parameter_facts named;

    if (member_has_text(in->cache_parameter_group_name)) {
        TRY(parameters_find(c, in->cache_parameter_group_name, &named));
        TRY(copy_parameters(c, &primary->group, &named, &name));
    }
    return modify_member(c, in, primary, name);
}

/* What parameters the primary has by now, they all have. */
static struct err modify_secondaries(struct call *c,
                                     const struct ec_modify_global_replication_group_in *in,
                                     const struct global_facts *f)
{
    bool has_others = member_has_text(in->cache_parameter_group_name) ||
                      member_has_text(in->engine) || member_has_text(in->engine_version);
    struct replication_group primary;
    struct parameter_facts facts;
    struct caller who;

    TRY(store_group_get(c->tx, global_facts_primary(f)->group.id, &primary));
    struct call there = global_call_in(c, primary.region, &who);
    TRY(parameters_find(&there, primary.common.parameter_group, &facts));
    for (size_t i = 0; i < f->count; i++) {
        const char *name = NULL;
        if (f->members[i].role == GLOBAL_PRIMARY)
            continue;
        if (has_others)
            TRY(copy_parameters(c, &f->groups[i].group, &facts, &name));
        TRY(modify_member(c, in, &f->groups[i], name));
    }
    return OK;
}

static struct err check_modify(struct call *c,
                               const struct ec_modify_global_replication_group_in *in)
{
    const char *text = in->global_replication_group_description;

    if (!in->apply_immediately.value)
        return VALUE("ApplyImmediately must be true: global replication groups cannot be changed "
                     "later.");
    if (text && strlen(text) > DESCRIPTION_MAX)
        return VALUE("GlobalReplicationGroupDescription must not be longer than %d characters.",
                     DESCRIPTION_MAX);
    if (member_has_text(in->cache_node_type) && !global_takes_type(in->cache_node_type))
        return VALUE("The cache node type %s is not supported for global replication groups.",
                     in->cache_node_type);
    return OK;
}

struct err ec_modify_global_replication_group(
    struct call *c, const struct ec_modify_global_replication_group_in *in,
    struct ec_modify_global_replication_group_out *out)
{
    struct global_facts facts;

    TRY(global_facts_for_change(c, in->global_replication_group_id, &facts));
    TRY(check_modify(c, in));
    if (in->global_replication_group_description) {
        facts.datastore.description = in->global_replication_group_description;
        TRY(store_global_describe(c->tx, facts.datastore.id, facts.datastore.description));
    }
    TRY(global_fault_of(modify_primary(c, in, global_facts_primary(&facts))));
    TRY(global_fault_of(modify_secondaries(c, in, &facts)));
    TRY(global_facts_refresh(c, &facts));
    out->global_replication_group = global_to_wire_new(c, &facts);
    return OK;
}
