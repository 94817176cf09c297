/* Cache clusters: describe, reboot, delete. Making and changing them are chapters of their own. */
#include "base/arena.h"
#include "base/buf.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/member_clusters.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/ops/wire.h"
#include "controlplane/store/store.h"

#include <string.h>

/* --- describe --- */

static struct err describe_one(struct call *c, const struct ec_describe_cache_clusters_in *in,
                               struct ec_describe_cache_clusters_out *out)
{
    struct cluster_facts facts;

    TRY(facts_find(c, in->cache_cluster_id, &facts));
    out->cache_clusters.has = true;
    out->cache_clusters.count = 1;
    out->cache_clusters.items = arena_new(c->arena, struct ec_cache_cluster);
    wire_cluster(c, &facts, in->show_cache_node_info.value, out->cache_clusters.items);
    return OK;
}

/* One more than the page is read, to know whether there is a next one. */
static struct err describe_page(struct call *c, const struct page *page,
                                const struct ec_describe_cache_clusters_in *in,
                                struct ec_describe_cache_clusters_out *out)
{
    bool shows_nodes = in->show_cache_node_info.value;
    struct cluster_facts *facts;
    size_t count;

    TRY(facts_list(c, page->after, page->limit + 1,
                   in->show_cache_clusters_not_in_replication_groups.value, &facts, &count));
    if (count > (size_t)page->limit) {
        count = (size_t)page->limit;
        out->marker = page_marker(c, facts[count - 1].cluster.name);
    }
    out->cache_clusters.has = true;
    out->cache_clusters.count = count;
    out->cache_clusters.items = arena_array(c->arena, count, sizeof(struct ec_cache_cluster));
    for (size_t i = 0; i < count; i++)
        wire_cluster(c, &facts[i], shows_nodes, &out->cache_clusters.items[i]);
    return OK;
}

struct err ec_describe_cache_clusters(struct call *c,
                                      const struct ec_describe_cache_clusters_in *in,
                                      struct ec_describe_cache_clusters_out *out)
{
    struct page page;

    TRY(page_open(c, in->max_records, in->marker, &page));
    if (*page.after && !name_is_identifier(page.after))
        return page_bad_marker(c, in->marker);
    if (in->cache_cluster_id)
        return describe_one(c, in, out);
    return describe_page(c, &page, in, out);
}

/* --- reboot --- */

static bool is_repeated(const struct ec_cache_node_ids_list *ids, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(ids->items[i], ids->items[at]) == 0)
            return true;
    return false;
}

/* Raises the boot count of each node named; `out` gets their numbers, comma separated. */
static struct err boot_nodes(struct call *c, const struct cluster_facts *f,
                             const struct ec_cache_node_ids_list *ids, const char **out)
{
    scoped(buf_fini) struct buf numbers = BUF_EMPTY;

    for (size_t i = 0; i < ids->count; i++) {
        const struct node *n = ids->items[i] ? facts_node(f, ids->items[i]) : NULL;
        if (!n)
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "The cache cluster %s has no cache node %s.", f->cluster.name,
                         ids->items[i] ? ids->items[i] : "");
        if (is_repeated(ids, i))
            continue;
        TRY(store_node_boot(c->tx, n->id, c->now_ms));
        if (numbers.len > 0)
            buf_putc(&numbers, ',');
        buf_puts(&numbers, n->number);
    }
    *out = str_dup(c->arena, buf_str(&numbers));
    return OK;
}

struct err ec_reboot_cache_cluster(struct call *c, const struct ec_reboot_cache_cluster_in *in,
                                   struct ec_reboot_cache_cluster_out *out)
{
    struct cluster_facts facts;
    const char *numbers = "";

    TRY(facts_find(c, in->cache_cluster_id, &facts));
    if (!cluster_status_may_change(facts.status))
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s is not in available state to be rebooted.",
                     facts.cluster.name);
    TRY(member_cluster_refuse_reboot(c, &facts));
    if (in->cache_node_ids_to_reboot.count == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "The parameter CacheNodeIdsToReboot must name at least one cache node.");
    TRY(boot_nodes(c, &facts, &in->cache_node_ids_to_reboot, &numbers));
    TRY(facts_operate(c, &facts, OPERATION_REBOOT, numbers));
    out->cache_cluster = wire_cluster_new(c, &facts);
    return OK;
}

/* --- delete --- */

static struct err check_delete(struct call *c, const struct cluster_facts *f,
                               const char *final_snapshot)
{
    if (!cluster_status_may_delete(f->status))
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s is not in a valid state to be deleted.", f->cluster.name);
    if (!final_snapshot || !*final_snapshot)
        return OK;
    if (!engine_is_redis_like(f->cluster.engine))
        return fault(c, FAULT_SNAPSHOT_FEATURE_NOT_SUPPORTED,
                     "Snapshots are not supported for %s clusters.", f->cluster.engine);
    if (f->status != CLUSTER_AVAILABLE)
        return fault(c, FAULT_INVALID_CACHE_CLUSTER_STATE,
                     "Cache cluster %s has status %s, and no final snapshot can be taken of it.",
                     f->cluster.name, cluster_status_word(f->status));
    return OK;
}

/* The nodes stay until it is there. */
static struct err delete_with_snapshot(struct call *c, struct cluster_facts *f, const char *name)
{
    struct snapshot_wish wish = {.name = name, .is_final = true};
    struct snapshot s;

    TRY(snapshots_take_cluster(c, &f->cluster, &wish, &s));
    return facts_operate(c, f, OPERATION_DELETE, arena_printf(c->arena, "%lld", (long long)s.id));
}

static struct err delete_at_once(struct call *c, struct cluster_facts *f)
{
    for (size_t i = 0; i < f->nodes.count; i++)
        TRY(store_node_want(c->tx, f->nodes.items[i].id, false));
    return facts_operate(c, f, OPERATION_DELETE, "");
}

struct err ec_delete_cache_cluster(struct call *c, const struct ec_delete_cache_cluster_in *in,
                                   struct ec_delete_cache_cluster_out *out)
{
    struct cluster_facts facts;

    TRY(facts_find(c, in->cache_cluster_id, &facts));
    if (facts.group)
        return member_cluster_delete(c, &facts, in, out);
    TRY(check_delete(c, &facts, in->final_snapshot_identifier));

    facts.cluster.is_wanted = false;
    TRY(store_cluster_update(c->tx, &facts.cluster));
    TRY(member_has_text(in->final_snapshot_identifier)
            ? delete_with_snapshot(c, &facts, in->final_snapshot_identifier)
            : delete_at_once(c, &facts));
    out->cache_cluster = wire_cluster_new(c, &facts);
    return OK;
}
