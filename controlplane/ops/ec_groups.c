/* Replication groups: describe and delete. Making and changing them are chapters of their own. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/global_facts.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/ops/wire_groups.h"
#include "controlplane/store/groups.h"

#include <string.h>

/* --- describe --- */

static struct err describe_one(struct call *c, const struct ec_describe_replication_groups_in *in,
                               struct ec_describe_replication_groups_out *out)
{
    struct group_facts facts;

    TRY(group_facts_find(c, in->replication_group_id, &facts));
    out->replication_groups.has = true;
    out->replication_groups.count = 1;
    out->replication_groups.items = wire_group_new(c, &facts);
    return OK;
}

/* One more than the page is read, to know whether there is a next one. */
static struct err describe_page(struct call *c, const struct page *page,
                                struct ec_describe_replication_groups_out *out)
{
    struct group_facts *facts;
    size_t count;

    TRY(group_facts_list(c, page->after, page->limit + 1, &facts, &count));
    if (count > (size_t)page->limit) {
        count = (size_t)page->limit;
        out->marker = page_marker(c, facts[count - 1].group.name);
    }
    out->replication_groups.has = true;
    out->replication_groups.count = count;
    out->replication_groups.items =
        arena_array(c->arena, count, sizeof(struct ec_replication_group));
    for (size_t i = 0; i < count; i++)
        wire_group(c, &facts[i], &out->replication_groups.items[i]);
    return OK;
}

struct err ec_describe_replication_groups(struct call *c,
                                          const struct ec_describe_replication_groups_in *in,
                                          struct ec_describe_replication_groups_out *out)
{
    struct page page;

    TRY(page_open(c, in->max_records, in->marker, &page));
    if (*page.after && !name_is_identifier(page.after))
        return page_bad_marker(c, in->marker);
    if (in->replication_group_id)
        return describe_one(c, in, out);
    return describe_page(c, &page, out);
}

/* --- delete --- */

static struct err check_delete(struct call *c, const struct ec_delete_replication_group_in *in,
                               const struct group_facts *f)
{
    bool is_cluster = f->group.mode != CLUSTER_MODE_DISABLED;

    if (!group_status_may_delete(f->status))
        return fault(c, FAULT_INVALID_REPLICATION_GROUP_STATE,
                     "Replication group %s has status %s, which is not valid for deletion.",
                     f->group.name, group_status_word(f->status));
    TRY(global_refuse_member(c, f, "it must be disassociated before it is deleted"));
    if (member_has_text(in->final_snapshot_identifier) && f->status != GROUP_STATUS_AVAILABLE)
        return fault(c, FAULT_INVALID_REPLICATION_GROUP_STATE,
                     "Replication group %s has status %s, and no final snapshot can be taken of "
                     "it.",
                     f->group.name, group_status_word(f->status));
    if (in->retain_primary_cluster.value && is_cluster)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "RetainPrimaryCluster cannot be used with cluster mode enabled.");
    return OK;
}

/* The members stay until it is there. */
static struct err delete_with_snapshot(struct call *c, struct group_facts *f, const char *name,
                                       bool retains)
{
    struct snapshot_wish wish = {.name = name, .is_final = true};
    struct snapshot s;

    TRY(snapshots_take_group(c, &f->group, &wish, &s));
    return group_facts_operate(
        c, f, GROUP_DELETE,
        arena_printf(c->arena, "%lld%s", (long long)s.id, retains ? " retain" : ""));
}

static struct err delete_at_once(struct call *c, struct group_facts *f, bool retains)
{
    for (size_t i = 0; i < f->member_count; i++)
        if (!retains || !group_facts_is_primary(f, &f->members[i]))
            TRY(membership_let_go(c, &f->members[i]));
    return group_facts_operate(c, f, GROUP_DELETE, "");
}

struct err ec_delete_replication_group(struct call *c,
                                       const struct ec_delete_replication_group_in *in,
                                       struct ec_delete_replication_group_out *out)
{
    struct group_facts facts;

    TRY(group_facts_find(c, in->replication_group_id, &facts));
    TRY(check_delete(c, in, &facts));
    facts.group.is_wanted = false;
    TRY(store_group_update(c->tx, &facts.group));
    bool retains = in->retain_primary_cluster.value;
    TRY(member_has_text(in->final_snapshot_identifier)
            ? delete_with_snapshot(c, &facts, in->final_snapshot_identifier, retains)
            : delete_at_once(c, &facts, retains));
    out->replication_group = wire_group_new(c, &facts);
    return OK;
}
