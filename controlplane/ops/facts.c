/* Reading clusters together with their nodes and operations, one or many at a time. */
#include "controlplane/ops/facts.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/logs.h"
#include "controlplane/store/groups.h"

#include <stdlib.h>
#include <string.h>

#define OPERATION_LIMIT_MS (10 * 60 * (int64_t)1000)

struct err facts_refresh(struct call *c, struct cluster_facts *f)
{
    f->nodes = (struct node_list){0};
    f->newest = NULL;
    f->group = NULL;
    f->group_newest = NULL;
    return facts_fill(c, f, 1);
}

struct err facts_find(struct call *c, const char *name, struct cluster_facts *out)
{
    const char *folded = name_fold(c->arena, name);
    struct cluster_facts f = {0};

    struct err e =
        store_cluster_find(c->tx, c->caller->account, c->caller->region, folded, &f.cluster);
    if (err_is(e, ERR_NOT_FOUND))
        return fault(c, FAULT_CACHE_CLUSTER_NOT_FOUND, "CacheCluster not found: %s", folded);
    TRY(e);
    TRY(facts_refresh(c, &f));
    *out = f;
    return OK;
}

/* The rows come in the order of clusters, which is not that of the names: each cluster finds its
 * own by its id. */
static struct cluster_facts *facts_by_id(struct cluster_facts **by_id, size_t count, int64_t id)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (by_id[middle]->cluster.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && by_id[low]->cluster.id == id ? by_id[low] : NULL;
}

static int id_compare(const void *x, const void *y)
{
    const struct cluster_facts *a = *(struct cluster_facts *const *)x;
    const struct cluster_facts *b = *(struct cluster_facts *const *)y;

    return (a->cluster.id > b->cluster.id) - (a->cluster.id < b->cluster.id);
}

static void deal_nodes(struct cluster_facts **by_id, size_t count, const struct node_list *nodes)
{
    for (size_t i = 0; i < nodes->count; i++) {
        struct cluster_facts *f = facts_by_id(by_id, count, nodes->items[i].cluster_id);
        if (f && f->nodes.count++ == 0)
            f->nodes.items = &nodes->items[i];
    }
}

static void deal_operations(struct cluster_facts **by_id, size_t count,
                            const struct operation *operations, size_t operation_count)
{
    for (size_t i = 0; i < operation_count; i++) {
        struct cluster_facts *f = facts_by_id(by_id, count, operations[i].cluster_id);
        if (f)
            f->newest = &operations[i];
    }
}

/* The groups of the clusters that have not got theirs, each once and in order of their ids, by two
 * queries. */
static struct err fill_groups(struct call *c, struct cluster_facts *list, size_t count)
{
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));
    struct replication_group *groups;
    struct group_operation *operations;
    size_t id_count = 0, group_count, operation_count;

    for (size_t i = 0; i < count; i++)
        if (list[i].cluster.group_id && !list[i].group)
            ids[id_count++] = list[i].cluster.group_id;
    if (id_count == 0)
        return OK;
    TRY(store_group_list_of(c->tx, ids, id_count, &groups, &group_count));
    TRY(store_group_operation_newest(c->tx, ids, id_count, &operations, &operation_count));
    for (size_t i = 0; i < count; i++) {
        if (list[i].group)
            continue;
        for (size_t k = 0; k < group_count && !list[i].group; k++)
            if (groups[k].id == list[i].cluster.group_id)
                list[i].group = &groups[k];
        for (size_t k = 0; k < operation_count && !list[i].group_newest; k++)
            if (operations[k].group_id == list[i].cluster.group_id)
                list[i].group_newest = &operations[k];
    }
    return OK;
}

static enum cluster_status status_of(const struct cluster_facts *f)
{
    return f->group ? cluster_member_status(&f->cluster, f->newest, f->group, f->group_newest)
                    : cluster_status(&f->cluster, f->newest);
}

struct err facts_fill(struct call *c, struct cluster_facts *list, size_t count)
{
    struct cluster_facts **by_id = arena_array(c->arena, count, sizeof(struct cluster_facts *));
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));
    struct node_list nodes;
    struct operation *operations;
    const struct log_facts *logs;
    size_t operation_count;

    if (count == 0)
        return OK;
    for (size_t i = 0; i < count; i++) {
        by_id[i] = &list[i];
        ids[i] = list[i].cluster.id;
    }
    qsort(by_id, count, sizeof(struct cluster_facts *), id_compare);
    TRY(store_node_list_of(c->tx, ids, count, &nodes));
    TRY(store_operation_newest_of(c->tx, ids, count, &operations, &operation_count));
    TRY(fill_groups(c, list, count));
    TRY(log_facts_load(c, list, count, &logs));
    deal_nodes(by_id, count, &nodes);
    deal_operations(by_id, count, operations, operation_count);
    for (size_t i = 0; i < count; i++) {
        list[i].logs = logs;
        list[i].status = status_of(&list[i]);
    }
    return OK;
}

struct err facts_list(struct call *c, const char *after, int limit, bool skips_members,
                      struct cluster_facts **out, size_t *out_count)
{
    struct cluster *clusters;
    size_t count;

    TRY((skips_members ? store_cluster_list_single : store_cluster_list)(
        c->tx, c->caller->account, c->caller->region, after, limit, &clusters, &count));
    struct cluster_facts *list = arena_array(c->arena, count, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i].cluster = clusters[i];
    TRY(facts_fill(c, list, count));
    *out = list;
    *out_count = count;
    return OK;
}

int facts_node_count(const struct cluster_facts *f)
{
    int count = 0;

    for (size_t i = 0; i < f->nodes.count; i++)
        count += f->nodes.items[i].is_wanted;
    return count;
}

const struct node *facts_node(const struct cluster_facts *f, const char *number)
{
    for (size_t i = 0; i < f->nodes.count; i++)
        if (f->nodes.items[i].is_wanted && strcmp(f->nodes.items[i].number, number) == 0)
            return &f->nodes.items[i];
    return NULL;
}

struct err facts_operate(struct call *c, struct cluster_facts *f, enum operation_kind kind,
                         const char *data)
{
    struct operation o = {
        .kind = kind,
        .cluster_id = f->cluster.id,
        .state = OPERATION_RUNNING,
        .data = data,
        .why = "",
        .created_ms = c->now_ms,
        .deadline_ms = c->now_ms + OPERATION_LIMIT_MS,
    };

    TRY(store_operation_insert(c->tx, &o));
    store_touch_cluster(c->tx, f->cluster.id);
    return facts_refresh(c, f);
}
