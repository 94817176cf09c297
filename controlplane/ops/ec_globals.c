/* Global datastores: create, describe, disassociate, delete. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/quotas.h"
#include "controlplane/ops/driver.h"
#include "controlplane/ops/durability.h"
#include "controlplane/ops/global_facts.h"
#include "controlplane/ops/global_parameters.h"
#include "controlplane/ops/group_modify.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"
#include "controlplane/store/globals.h"

#include <string.h>

#define VALUE(...) fault(c, FAULT_INVALID_PARAMETER_VALUE, __VA_ARGS__)

#define SUFFIX_MAX    34
#define VERSION_LEAST "5.0.6" /* of redis */

/* --- create --- */

static struct err check_description(struct call *c, const char *text)
{
    if (!text || strlen(text) <= DESCRIPTION_MAX)
        return OK;
    return VALUE("GlobalReplicationGroupDescription must not be longer than %d characters.",
                 DESCRIPTION_MAX);
}

static struct err check_kind(struct call *c, const struct cluster *cl)
{
    if (strcmp(cl->engine, "redis") == 0 && version_compare(cl->engine_version, VERSION_LEAST) < 0)
        return VALUE("Global replication groups need the engine version %s or higher; the "
                     "replication group has %s.",
                     VERSION_LEAST, cl->engine_version);
    TRY(driver_refuse(c, cl->driver, "global datastores"));
    if (cl->reach.network == NETWORK_IPV6)
        return VALUE("The network type ipv6 is not supported for global replication groups.");
    if (!global_takes_type(cl->node_type))
        return VALUE("The cache node type %s is not supported for global replication groups.",
                     cl->node_type);
    return OK;
}

/* Nobody can change a default group, and what members have is to be changed for all: a primary of
 * one gets its own. */
static struct err own_parameters(struct call *c, const struct replication_group *primary)
{
    struct ec_modify_replication_group_in change = {.replication_group_id = primary->name,
                                                    .apply_immediately = BOOL_OF(true)};
    struct ec_modify_replication_group_out out;
    struct parameter_facts facts;

    TRY(parameters_find(c, primary->common.parameter_group, &facts));
    if (facts.group.id)
        return OK;
    TRY(global_parameters_copy(c, primary->name, &facts, &change.cache_parameter_group_name));
    return group_modify(c, &change, &out);
}

static struct err create_record(struct call *c, const char *name, const char *description,
                                const struct group_facts *primary, struct global_facts *out)
{
    out->datastore = (struct global_datastore){
        .account = c->caller->account,
        .name = name,
        .description = description ? description : "",
        .created_ms = c->now_ms,
    };
    struct err e = store_global_insert(c->tx, &out->datastore);
    if (err_is(e, ERR_EXISTS))
        return fault(c, FAULT_GLOBAL_REPLICATION_GROUP_ALREADY_EXISTS,
                     "Global replication group %s already exists.", name);
    TRY(e);
    TRY(store_global_member_set(c->tx, out->datastore.id, primary->group.id, GLOBAL_PRIMARY));
    return global_facts_refresh(c, out);
}

struct err ec_create_global_replication_group(
    struct call *c, const struct ec_create_global_replication_group_in *in,
    struct ec_create_global_replication_group_out *out)
{
    struct global_facts facts = {0};
    struct group_facts primary;

    TRY(name_check(c->arena, "GlobalReplicationGroupIdSuffix",
                   in->global_replication_group_id_suffix, SUFFIX_MAX));
    TRY(check_description(c, in->global_replication_group_description));
    TRY(group_facts_for_change(c, in->primary_replication_group_id, &primary));
    TRY(global_refuse_member(c, &primary, "it cannot be one of another"));
    TRY(check_kind(c, &primary.group.common));
    TRY(durability_check(c, &primary.group, DURABILITY_MEMBERS_LEAST, true));
    const char *name = arena_printf(c->arena, "%s-%s", global_prefix(c->arena, c->caller->region),
                                    name_fold(c->arena, in->global_replication_group_id_suffix));
    TRY(own_parameters(c, &primary.group));
    TRY(create_record(c, name, in->global_replication_group_description, &primary, &facts));
    out->global_replication_group = global_to_wire_new(c, &facts);
    out->global_replication_group->status = "creating";
    return OK;
}

/* --- describe --- */

static struct err describe_page(struct call *c, const struct page *page, bool shows_members,
                                struct ec_describe_global_replication_groups_out *out)
{
    struct global_facts *facts;
    size_t count;

    TRY(global_facts_list(c, page->after, page->limit + 1, &facts, &count));
    if (count > (size_t)page->limit) {
        count = (size_t)page->limit;
        out->marker = page_marker(c, facts[count - 1].datastore.name);
    }
    out->global_replication_groups.count = count;
    out->global_replication_groups.items =
        arena_array(c->arena, count, sizeof(struct ec_global_replication_group));
    for (size_t i = 0; i < count; i++)
        global_to_wire(c, &facts[i], shows_members, &out->global_replication_groups.items[i]);
    return OK;
}

struct err ec_describe_global_replication_groups(
    struct call *c, const struct ec_describe_global_replication_groups_in *in,
    struct ec_describe_global_replication_groups_out *out)
{
    bool shows_members = in->show_member_info.value;
    struct global_facts facts;
    struct page page;

    TRY(page_open(c, in->max_records, in->marker, &page));
    if (*page.after && !name_is_identifier(page.after))
        return page_bad_marker(c, in->marker);
    out->global_replication_groups.has = true;
    if (!in->global_replication_group_id)
        return describe_page(c, &page, shows_members, out);
    TRY(global_facts_find(c, in->global_replication_group_id, &facts));
    out->global_replication_groups.count = 1;
    out->global_replication_groups.items = arena_new(c->arena, struct ec_global_replication_group);
    global_to_wire(c, &facts, shows_members, out->global_replication_groups.items);
    return OK;
}

/* --- members that leave --- */

struct err ec_disassociate_global_replication_group(
    struct call *c, const struct ec_disassociate_global_replication_group_in *in,
    struct ec_disassociate_global_replication_group_out *out)
{
    struct global_facts facts;

    TRY(global_facts_find(c, in->global_replication_group_id, &facts));
    size_t i =
        global_facts_member(c, &facts, in->replication_group_id, in->replication_group_region);
    if (i == facts.count)
        return VALUE("Replication group %s in %s is not associated with Global Replication Group "
                     "%s.",
                     in->replication_group_id, in->replication_group_region, facts.datastore.name);
    TRY(global_facts_for_change(c, in->global_replication_group_id, &facts));
    if (facts.members[i].role == GLOBAL_PRIMARY)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "Replication group %s is the primary of the global replication group %s and "
                     "cannot be disassociated.",
                     facts.members[i].group, facts.datastore.name);
    TRY(store_global_member_set(c->tx, facts.datastore.id, facts.members[i].group_id,
                                GLOBAL_LEAVING));
    TRY(group_facts_operate(c, &facts.groups[i], GROUP_LEAVE, ""));
    TRY(global_facts_refresh(c, &facts));
    out->global_replication_group = global_to_wire_new(c, &facts);
    return OK;
}

/* --- delete --- */

struct err ec_delete_global_replication_group(
    struct call *c, const struct ec_delete_global_replication_group_in *in,
    struct ec_delete_global_replication_group_out *out)
{
    struct global_facts facts;

    TRY(global_facts_find(c, in->global_replication_group_id, &facts));
    if (!in->retain_primary_replication_group.value)
        return VALUE("RetainPrimaryReplicationGroup must be true: the primary replication group "
                     "is deleted by a call of its own.");
    if (strcmp(facts.status, "primary-only") != 0)
        return fault(c, FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE,
                     "Cannot delete a global replication group in %s state", facts.status);
    out->global_replication_group = global_to_wire_new(c, &facts);
    out->global_replication_group->status = "deleting";
    return store_global_remove(c->tx, facts.datastore.id);
}
