/* Serverless caches: describe and delete. Making and changing them are chapters of their own. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/serverless_members.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/ops/wire_serverless.h"
#include "controlplane/store/groups.h"

/* --- describe --- */

/* One more than the page is read, to know whether there is a next one. */
static struct err describe_page(struct call *c, const char *after, size_t limit,
                                struct ec_describe_serverless_caches_out *out)
{
    struct serverless_facts *facts;
    size_t count;

    TRY(serverless_facts_list(c, after, (int)limit + 1, &facts, &count));
    if (count > limit) {
        count = limit;
        out->next_token = page_marker(c, facts[count - 1].cache.name);
    }
    out->serverless_caches.has = true;
    out->serverless_caches.count = count;
    out->serverless_caches.items =
        arena_array(c->arena, count, sizeof(*out->serverless_caches.items));
    for (size_t i = 0; i < count; i++)
        wire_serverless(c, &facts[i], &out->serverless_caches.items[i]);
    return OK;
}

struct err ec_describe_serverless_caches(struct call *c,
                                         const struct ec_describe_serverless_caches_in *in,
                                         struct ec_describe_serverless_caches_out *out)
{
    struct serverless_facts facts;
    const char *after;
    int limit;

    TRY(serverless_page(c, in->max_results, in->next_token, &limit, &after));
    if (*after && !name_is_identifier(after))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE, "The NextToken %s is not valid.",
                     in->next_token);
    if (!in->serverless_cache_name)
        return describe_page(c, after, (size_t)limit, out);
    TRY(serverless_facts_find(c, in->serverless_cache_name, &facts));
    out->serverless_caches.has = true;
    out->serverless_caches.count = 1;
    out->serverless_caches.items = wire_serverless_new(c, &facts);
    return OK;
}

/* --- delete --- */

static struct err check_delete(struct call *c, const struct ec_delete_serverless_cache_in *in,
                               const struct serverless_facts *f)
{
    bool may_go = f->group ? group_status_may_delete(f->group->status)
                           : cluster_status_may_delete(f->cluster->status);

    if (!may_go)
        return fault(c, FAULT_INVALID_SERVERLESS_CACHE_STATE,
                     "Serverless cache %s is in status %s. It cannot be deleted.", f->cache.name,
                     serverless_status(f));
    if (!member_has_text(in->final_snapshot_name))
        return OK;
    TRY(name_check(c->arena, "FinalSnapshotName", in->final_snapshot_name, SNAPSHOT_NAME_MAX));
    if (f->group ? f->group->status != GROUP_STATUS_AVAILABLE
                 : f->cluster->status != CLUSTER_AVAILABLE)
        return fault(c, FAULT_INVALID_SERVERLESS_CACHE_STATE,
                     "Serverless cache %s is in status %s. No final snapshot can be taken of it.",
                     f->cache.name, serverless_status(f));
    return OK;
}

/* The members stay until it is there. */
static struct err let_go_after(struct call *c, struct serverless_facts *f, const char *name)
{
    struct snapshot_wish wish = {.name = name, .is_final = true};
    struct snapshot s;

    TRY(snapshots_take_cache(c, f, &wish, &s));
    const char *data = arena_printf(c->arena, "%lld", (long long)s.id);
    if (f->group) {
        f->group->group.is_wanted = false;
        TRY(store_group_update(c->tx, &f->group->group));
        return group_facts_operate(c, f->group, GROUP_DELETE, data);
    }
    f->cluster->cluster.is_wanted = false;
    TRY(store_cluster_update(c->tx, &f->cluster->cluster));
    return facts_operate(c, f->cluster, OPERATION_DELETE, data);
}

static struct err let_group_go(struct call *c, struct group_facts *g)
{
    for (size_t i = 0; i < g->member_count; i++)
        TRY(membership_let_go(c, &g->members[i]));
    g->group.is_wanted = false;
    TRY(store_group_update(c->tx, &g->group));
    return group_facts_operate(c, g, GROUP_DELETE, "");
}

static struct err let_cluster_go(struct call *c, struct cluster_facts *f)
{
    TRY(membership_let_go(c, f));
    return facts_operate(c, f, OPERATION_DELETE, "");
}

struct err ec_delete_serverless_cache(struct call *c,
                                      const struct ec_delete_serverless_cache_in *in,
                                      struct ec_delete_serverless_cache_out *out)
{
    struct serverless_facts facts;

    TRY(serverless_facts_find(c, in->serverless_cache_name, &facts));
    TRY(check_delete(c, in, &facts));
    if (member_has_text(in->final_snapshot_name))
        TRY(let_go_after(c, &facts, in->final_snapshot_name));
    else
        TRY(facts.group ? let_group_go(c, facts.group) : let_cluster_go(c, facts.cluster));
    out->serverless_cache = wire_serverless_new(c, &facts);
    return OK;
}
