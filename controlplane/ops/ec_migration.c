/*
 * TestMigration, StartMigration, CompleteMigration: data from a server outside, by replication.
 * What can be said of the source is found out by the node that is to follow it; here it is checked
 * that the group may follow at all.
 */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/ops/global_facts.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/migration.h"
#include "controlplane/ops/wire_groups.h"
#include "controlplane/store/groups.h"

#include <string.h>

#define VALUE(...) fault(c, FAULT_INVALID_PARAMETER_VALUE, __VA_ARGS__)
#define STATE(...) fault(c, FAULT_INVALID_REPLICATION_GROUP_STATE, __VA_ARGS__)

#define VERSION_LEAST "5.0.6" /* of redis */

/* --- may it? --- */

static struct err check_version(struct call *c, const struct cluster *cl)
{
    if (strcmp(cl->engine, "redis") != 0 || version_compare(cl->engine_version, VERSION_LEAST) >= 0)
        return OK;
    return STATE("Migration needs the engine version %s or higher; the replication group has %s.",
                 VERSION_LEAST, cl->engine_version);
}

static struct err check_target(struct call *c, const struct group_facts *f)
{
    const struct replication_group *g = &f->group;
    bool is_under;

    TRY(migration_is_under_way(c, f, &is_under));
    if (is_under)
        return fault(c, FAULT_REPLICATION_GROUP_ALREADY_UNDER_MIGRATION,
                     "Replication group %s is already under migration.", g->name);
    if (!group_status_may_change(f->status))
        return STATE("Replication group must be in available state to modify.");
    TRY(global_refuse_member(c, f, "no data can be migrated to it"));
    if (g->mode != CLUSTER_MODE_DISABLED)
        return STATE("Migration is not supported for replication groups with cluster mode %s.",
                     cluster_mode_name(g->mode));
    if (g->common.tls != TLS_OFF)
        return STATE("Migration is not supported for replication groups with in-transit "
                     "encryption.");
    if (g->entry.has_token || *g->entry.user_group)
        return STATE("Migration is not supported for replication groups with authentication.");
    return check_version(c, &g->common);
}

/* A name or an address, without what would end the word. */
static bool is_host(const char *text)
{
    return member_has_text(text) && strlen(text) <= 255 && !strpbrk(text, " \t\r\n\"'\\/");
}

static struct err read_endpoint(struct call *c, const struct ec_customer_node_endpoint_list *list,
                                const char **out)
{
    if (list->count != 1)
        return VALUE("CustomerNodeEndpointList must have exactly one element.");
    const struct ec_customer_node_endpoint *e = &list->items[0];
    if (!is_host(e->address))
        return VALUE("The Address of CustomerNodeEndpointList is not a valid host: %s.",
                     e->address ? e->address : "");
    if (!e->port.has || e->port.value < 1 || e->port.value > 65535)
        return VALUE("The Port of CustomerNodeEndpointList must be between 1 and 65535.");
    *out = arena_printf(c->arena, "%s %d", e->address, (int)e->port.value);
    return OK;
}

/* --- test and start --- */

static struct err begin(struct call *c, const char *group,
                        const struct ec_customer_node_endpoint_list *list,
                        enum group_operation_kind kind, struct ec_replication_group **out)
{
    struct group_facts facts;
    const char *endpoint = NULL;

    TRY(group_facts_find(c, group, &facts));
    TRY(check_target(c, &facts));
    TRY(read_endpoint(c, list, &endpoint));
    TRY(group_facts_operate(c, &facts, kind, endpoint));
    *out = wire_group_new(c, &facts);
    return OK;
}

struct err ec_test_migration(struct call *c, const struct ec_test_migration_in *in,
                             struct ec_test_migration_out *out)
{
    return begin(c, in->replication_group_id, &in->customer_node_endpoint_list,
                 GROUP_TEST_MIGRATION, &out->replication_group);
}

struct err ec_start_migration(struct call *c, const struct ec_start_migration_in *in,
                              struct ec_start_migration_out *out)
{
    return begin(c, in->replication_group_id, &in->customer_node_endpoint_list, GROUP_MIGRATE,
                 &out->replication_group);
}

/* --- complete --- */

/* By force, what is under way is broken off. */
static struct err end_running(struct call *c, const struct group_facts *f)
{
    struct group_operation o;

    if (f->status != GROUP_STATUS_MODIFYING)
        return OK;
    TRY(store_group_operation_running(c->tx, f->group.id, &o));
    o.state = OPERATION_FAILED;
    o.why = "it was completed by force";
    return store_group_operation_update(c->tx, &o);
}

struct err ec_complete_migration(struct call *c, const struct ec_complete_migration_in *in,
                                 struct ec_complete_migration_out *out)
{
    bool is_under, is_forced = in->force.value;
    struct group_facts facts;

    TRY(group_facts_find(c, in->replication_group_id, &facts));
    TRY(migration_is_under_way(c, &facts, &is_under));
    if (!is_under)
        return fault(c, FAULT_REPLICATION_GROUP_NOT_UNDER_MIGRATION,
                     "Replication group %s is not under migration.", facts.group.name);
    if (!is_forced && !group_status_may_change(facts.status))
        return STATE("Replication group %s is not in sync with its source yet. Use Force to stop "
                     "the migration anyway.",
                     facts.group.name);
    if (facts.status == GROUP_STATUS_DELETING)
        return STATE("Replication group must be in available state to modify.");
    TRY(end_running(c, &facts));
    TRY(group_facts_operate(c, &facts, GROUP_COMPLETE_MIGRATION, is_forced ? "force" : ""));
    out->replication_group = wire_group_new(c, &facts);
    return OK;
}
