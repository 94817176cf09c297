/* Global datastores: other numbers of shards, and other shares of their slots. The primary's slots
 * move; shards come and go with the same numbers in all regions. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/global_facts.h"
#include "controlplane/ops/resharding.h"

#include <string.h>

#define VALUE(...) fault(c, FAULT_INVALID_PARAMETER_VALUE, __VA_ARGS__)

/* --- the datastore --- */

static struct err find_for_shards(struct call *c, const char *name, const struct opt_bool *at_once,
                                  struct global_facts *out)
{
    TRY(global_facts_for_change(c, name, out));
    if (!at_once->value)
        return VALUE("ApplyImmediately must be true: the node groups of a global replication "
                     "group cannot be changed later.");
    if (global_facts_primary(out)->group.mode != CLUSTER_MODE_ENABLED)
        return VALUE("The node groups of the global replication group %s cannot be modified: it "
                     "does not have cluster mode enabled.",
                     out->datastore.name);
    return OK;
}

static int64_t count_shards(const struct group_facts *f)
{
    int64_t count = 0;

    for (size_t i = 0; i < f->shard_count; i++)
        count += f->shards[i].is_wanted;
    return count;
}

/* --- of all members --- */

/* What RegionalConfigurations say of new shards, by member; NULL: nothing. */
struct regional_zones {
    const struct ec_resharding_configuration_list **of;
};

static struct err reshard_member(struct call *c, struct group_facts *member,
                                 const struct resharding *asked)
{
    struct caller who;
    struct call there = global_call_in(c, member->group.region, &who);
    return global_fault_of(resharding_begin(&there, member, asked));
}

static struct err reshard_all(struct call *c, struct global_facts *f, const struct resharding *in,
                              const struct regional_zones *zones)
{
    int64_t next_shard = global_facts_primary(f)->group.next_shard;

    for (size_t i = 0; i < f->count; i++) {
        struct resharding asked = *in;
        asked.zones = zones ? zones->of[i] : NULL;
        asked.next_shard = f->members[i].role == GLOBAL_PRIMARY ? 0 : next_shard;
        TRY(reshard_member(c, &f->groups[i], &asked));
    }
    return global_facts_refresh(c, f);
}

/* --- more --- */

static struct err read_zones(struct call *c, const struct global_facts *f,
                             const struct ec_regional_configuration_list *list,
                             struct regional_zones *out)
{
    out->of = arena_array(c->arena, f->count, sizeof(*out->of));
    for (size_t i = 0; i < list->count; i++) {
        const struct ec_regional_configuration *one = &list->items[i];
        size_t at =
            global_facts_member(c, f, one->replication_group_id, one->replication_group_region);
        if (at == f->count)
            return VALUE("Replication group %s in %s is not associated with Global Replication "
                         "Group %s.",
                         one->replication_group_id, one->replication_group_region,
                         f->datastore.name);
        if (out->of[at])
            return VALUE("RegionalConfigurations describe the replication group %s twice.",
                         f->members[at].group);
        out->of[at] = &one->resharding_configuration;
    }
    return OK;
}

struct err ec_increase_node_groups_in_global_replication_group(
    struct call *c, const struct ec_increase_node_groups_in_global_replication_group_in *in,
    struct ec_increase_node_groups_in_global_replication_group_out *out)
{
    const struct resharding asked = {.count = in->node_group_count.value};
    struct regional_zones zones;
    struct global_facts facts;

    TRY(find_for_shards(c, in->global_replication_group_id, &in->apply_immediately, &facts));
    int64_t present = count_shards(global_facts_primary(&facts));
    if (asked.count <= present)
        return VALUE("NodeGroupCount %lld is not greater than the present number of node groups, "
                     "%lld.",
                     (long long)asked.count, (long long)present);
    TRY(read_zones(c, &facts, &in->regional_configurations, &zones));
    TRY(reshard_all(c, &facts, &asked, &zones));
    out->global_replication_group = global_to_wire_new(c, &facts);
    return OK;
}

/* --- fewer --- */

/* Ids of datastores' shards, "ldgnf-a-0002", as the members have them: "0002". */
static struct err local_ids(struct call *c, const struct global_facts *f,
                            const struct ec_global_node_group_id_list *in, const char ***out)
{
    size_t prefix = strlen(f->datastore.name);
    const char **ids = arena_array(c->arena, in->count, sizeof(*ids));

    for (size_t i = 0; i < in->count; i++) {
        const char *id = name_fold(c->arena, in->items[i] ? in->items[i] : "");
        bool is_global = strncmp(id, f->datastore.name, prefix) == 0 && id[prefix] == '-';
        ids[i] = is_global ? id + prefix + 1 : id;
        if (strlen(ids[i]) == 0 || strspn(ids[i], "0123456789") != strlen(ids[i]))
            return VALUE("Global replication group %s has no node group %s.", f->datastore.name,
                         id);
    }
    *out = ids;
    return OK;
}

struct err ec_decrease_node_groups_in_global_replication_group(
    struct call *c, const struct ec_decrease_node_groups_in_global_replication_group_in *in,
    struct ec_decrease_node_groups_in_global_replication_group_out *out)
{
    struct ec_node_groups_to_remove_list remove = {
        .has = in->global_node_groups_to_remove.has,
        .count = in->global_node_groups_to_remove.count,
    };
    struct ec_node_groups_to_retain_list retain = {
        .has = in->global_node_groups_to_retain.has,
        .count = in->global_node_groups_to_retain.count,
    };
    const struct resharding asked = {
        .count = in->node_group_count.value, .to_remove = &remove, .to_retain = &retain};
    struct global_facts facts;

    TRY(find_for_shards(c, in->global_replication_group_id, &in->apply_immediately, &facts));
    int64_t present = count_shards(global_facts_primary(&facts));
    if (asked.count >= present || asked.count < 1)
        return VALUE("NodeGroupCount %lld is not less than the present number of node groups, "
                     "%lld, or not at least 1.",
                     (long long)asked.count, (long long)present);
    if ((remove.count > 0) == (retain.count > 0))
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Exactly one of GlobalNodeGroupsToRemove and GlobalNodeGroupsToRetain must "
                     "be given.");
    TRY(local_ids(c, &facts, &in->global_node_groups_to_remove, &remove.items));
    TRY(local_ids(c, &facts, &in->global_node_groups_to_retain, &retain.items));
    TRY(reshard_all(c, &facts, &asked, NULL));
    out->global_replication_group = global_to_wire_new(c, &facts);
    return OK;
}

/* --- equal shares --- */

struct err ec_rebalance_slots_in_global_replication_group(
    struct call *c, const struct ec_rebalance_slots_in_global_replication_group_in *in,
    struct ec_rebalance_slots_in_global_replication_group_out *out)
{
    struct global_facts facts;

    TRY(find_for_shards(c, in->global_replication_group_id, &in->apply_immediately, &facts));
    const struct resharding asked = {.count = count_shards(global_facts_primary(&facts))};
    TRY(reshard_all(c, &facts, &asked, NULL));
    out->global_replication_group = global_to_wire_new(c, &facts);
    return OK;
}
