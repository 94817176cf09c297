/* Reading replication groups together with their shards, members and operations. */
#include "controlplane/ops/group_facts.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/global_facts.h"
#include "controlplane/ops/migration.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/slot_moves.h"

#include <stdlib.h>
#include <string.h>

#define OPERATION_LIMIT_MS (10 * 60 * (int64_t)1000)

/* --- filling --- */

static int id_compare(const void *x, const void *y)
{
    const struct group_facts *a = *(struct group_facts *const *)x;
    const struct group_facts *b = *(struct group_facts *const *)y;

    return (a->group.id > b->group.id) - (a->group.id < b->group.id);
}

static int find_compare(const void *key, const void *item)
{
    int64_t id = *(const int64_t *)key, other = (*(struct group_facts *const *)item)->group.id;

    return (id > other) - (id < other);
}

static struct group_facts *facts_of(struct group_facts **by_id, size_t count, int64_t id)
{
    struct group_facts **at = bsearch(&id, by_id, count, sizeof(*by_id), find_compare);

    return at ? *at : NULL;
}

static void deal_shards(struct group_facts **by_id, size_t count, const struct shard_list *shards)
{
    for (size_t i = 0; i < shards->count; i++) {
        struct group_facts *f = facts_of(by_id, count, shards->items[i].group_id);
        if (f && f->shard_count++ == 0)
            f->shards = &shards->items[i];
    }
}

static void deal_members(struct group_facts **by_id, size_t count, struct cluster_facts *members,
                         size_t member_count)
{
    for (size_t i = 0; i < member_count; i++) {
        struct group_facts *f = facts_of(by_id, count, members[i].cluster.group_id);
        if (f && f->member_count++ == 0)
            f->members = &members[i];
    }
}

static struct err read_operations(struct call *c, struct group_facts **by_id, const int64_t *ids,
                                  size_t count)
{
    struct group_operation *operations;
    size_t operation_count;

    TRY(store_group_operation_newest(c->tx, ids, count, &operations, &operation_count));
    for (size_t i = 0; i < operation_count; i++)
        facts_of(by_id, count, operations[i].group_id)->newest = &operations[i];
    return OK;
}

/* Each member gets a copy of its group, as the facts themselves may be moved. */
static struct err read_members(struct call *c, struct group_facts **by_id, const int64_t *ids,
                               size_t count)
{
    struct cluster *clusters;
    size_t member_count;

    TRY(store_group_members(c->tx, ids, count, &clusters, &member_count));
    struct cluster_facts *members = arena_array(c->arena, member_count, sizeof(*members));
    for (size_t i = 0; i < member_count; i++) {
        const struct group_facts *f = facts_of(by_id, count, clusters[i].group_id);
        bool is_next = i > 0 && clusters[i - 1].group_id == clusters[i].group_id;
        members[i].cluster = clusters[i];
        members[i].group_newest = f->newest;
        members[i].group =
            is_next ? members[i - 1].group : arena_memdup(c->arena, &f->group, sizeof(f->group));
    }
    TRY(facts_fill(c, members, member_count));
    deal_members(by_id, count, members, member_count);
    return OK;
}

static bool is_resharding(const struct group_facts *f)
{
    return f->newest && f->newest->kind == GROUP_RESHARD && f->newest->state == OPERATION_RUNNING;
}

/* Nearly always there is nothing to be read. */
static struct err read_progress(struct call *c, struct group_facts *list, size_t count)
{
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));
    struct slot_move_list moves;
    size_t busy = 0;

    for (size_t i = 0; i < count; i++)
        if (is_resharding(&list[i]))
            ids[busy++] = list[i].group.id;
    if (busy == 0)
        return OK;
    TRY(store_slot_move_list(c->tx, ids, busy, &moves));
    for (size_t i = 0; i < count; i++) {
        size_t first = 0, end = 0;
        if (!is_resharding(&list[i]))
            continue;
        while (first < moves.count && moves.items[first].group_id != list[i].group.id)
            first++;
        for (end = first; end < moves.count && moves.items[end].group_id == list[i].group.id;)
            end++;
        list[i].moved_percent = slot_moves_percent(moves.items + first, end - first);
    }
    return OK;
}

struct err group_facts_fill(struct call *c, struct group_facts *list, size_t count)
{
    struct group_facts **by_id = arena_array(c->arena, count, sizeof(struct group_facts *));
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));
    struct shard_list shards;

    for (size_t i = 0; i < count; i++) {
        by_id[i] = &list[i];
        ids[i] = list[i].group.id;
    }
    if (count > 0)
        qsort(by_id, count, sizeof(*by_id), id_compare);
    TRY(store_shard_list(c->tx, ids, count, &shards));
    deal_shards(by_id, count, &shards);
    TRY(read_operations(c, by_id, ids, count));
    TRY(read_members(c, by_id, ids, count));
    for (size_t i = 0; i < count; i++)
        list[i].status = group_status(&list[i].group, list[i].newest);
    TRY(read_progress(c, list, count));
    return global_facts_fill_groups(c, list, count);
}

/* --- reading --- */

struct err group_facts_refresh(struct call *c, struct group_facts *f)
{
    struct replication_group group = f->group;

    *f = (struct group_facts){.group = group};
    return group_facts_fill(c, f, 1);
}

struct err group_facts_find(struct call *c, const char *name, struct group_facts *out)
{
    const char *folded = name_fold(c->arena, name);
    struct group_facts f = {0};

    struct err e = store_group_find(c->tx, c->caller->account, c->caller->region, folded, &f.group);
    if (err_is(e, ERR_NOT_FOUND))
        return fault(c, FAULT_REPLICATION_GROUP_NOT_FOUND, "ReplicationGroup %s not found", folded);
    TRY(e);
    TRY(group_facts_fill(c, &f, 1));
    *out = f;
    return OK;
}

struct err group_facts_get(struct call *c, int64_t id, struct group_facts *out)
{
    struct group_facts f = {0};

    TRY(store_group_get(c->tx, id, &f.group));
    TRY(group_facts_fill(c, &f, 1));
    *out = f;
    return OK;
}

struct err group_facts_list_of(struct call *c, const int64_t *ids, size_t count,
                               struct group_facts **out, size_t *out_count)
{
    struct replication_group *groups;

    TRY(store_group_list_of(c->tx, ids, count, &groups, out_count));
    struct group_facts *list = arena_array(c->arena, *out_count, sizeof(*list));
    for (size_t i = 0; i < *out_count; i++)
        list[i].group = groups[i];
    TRY(group_facts_fill(c, list, *out_count));
    *out = list;
    return OK;
}

struct err group_facts_for_change(struct call *c, const char *name, struct group_facts *out)
{
    struct group_facts f;

    TRY(group_facts_find(c, name, &f));
    if (!group_status_may_change(f.status))
        return fault(c, FAULT_INVALID_REPLICATION_GROUP_STATE,
                     "Replication group must be in available state to modify.");
    TRY(migration_refuse(c, &f));
    *out = f;
    return OK;
}

struct err group_facts_list(struct call *c, const char *after, int limit, struct group_facts **out,
                            size_t *out_count)
{
    struct replication_group *groups;
    size_t count;

    TRY(store_group_list(c->tx, c->caller->account, c->caller->region, after, limit, &groups,
                         &count));
    struct group_facts *list = arena_array(c->arena, count, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i].group = groups[i];
    TRY(group_facts_fill(c, list, count));
    *out = list;
    *out_count = count;
    return OK;
}

/* --- changing --- */

struct err group_facts_operate_openly(struct call *c, struct group_facts *f,
                                      enum group_operation_kind kind, const char *data,
                                      const char *pending)
{
    struct group_operation o = {
        .kind = kind,
        .group_id = f->group.id,
        .state = OPERATION_RUNNING,
        .data = data,
        .pending = pending,
        .why = "",
        .created_ms = c->now_ms,
        .deadline_ms = c->now_ms + OPERATION_LIMIT_MS,
    };

    TRY(store_group_operation_insert(c->tx, &o));
    TRY(group_facts_refresh(c, f));
    if (f->member_count > 0)
        store_touch_cluster(c->tx, f->members[0].cluster.id);
    return OK;
}

struct err group_facts_operate(struct call *c, struct group_facts *f,
                               enum group_operation_kind kind, const char *data)
{
    return group_facts_operate_openly(c, f, kind, data, "");
}

/* --- questions --- */

struct group_pending group_facts_pending(struct call *c, enum group_status status,
                                         const struct group_operation *newest)
{
    struct group_pending pending;

    group_pending_parse(c->arena, status == GROUP_STATUS_MODIFYING && newest ? newest->pending : "",
                        &pending);
    return pending;
}

struct cluster_facts *group_facts_member(const struct group_facts *f, const char *name)
{
    for (size_t i = 0; i < f->member_count; i++)
        if (f->members[i].cluster.is_wanted && strcmp(f->members[i].cluster.name, name) == 0)
            return &f->members[i];
    return NULL;
}

struct shard *group_facts_shard(const struct group_facts *f, const char *number)
{
    for (size_t i = 0; i < f->shard_count; i++)
        if (f->shards[i].is_wanted && strcmp(f->shards[i].number, number) == 0)
            return &f->shards[i];
    return NULL;
}

bool group_facts_is_in(const struct cluster_facts *m, const struct shard *s)
{
    return m->cluster.is_wanted && m->cluster.shard_id == s->id;
}

bool group_facts_is_primary(const struct group_facts *f, const struct cluster_facts *m)
{
    for (size_t i = 0; i < f->shard_count; i++)
        if (f->shards[i].id == m->cluster.shard_id)
            return f->shards[i].goal.has && f->shards[i].goal.primary_id == m->cluster.id;
    return false;
}

size_t group_facts_count(const struct group_facts *f, const struct shard *s)
{
    size_t count = 0;

    for (size_t i = 0; i < f->member_count; i++)
        count += group_facts_is_in(&f->members[i], s);
    return count;
}

size_t group_facts_fewest(const struct group_facts *f)
{
    size_t fewest = SIZE_MAX;

    for (size_t i = 0; i < f->shard_count; i++) {
        size_t count = group_facts_count(f, &f->shards[i]);
        if (f->shards[i].is_wanted && count < fewest)
            fewest = count;
    }
    return fewest;
}
