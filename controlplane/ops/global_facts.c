/* Status is computed from the members' groups: a datastore has none of its own. */
#include "controlplane/ops/global_facts.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/store/globals.h"
#include "controlplane/store/groups.h"

#include <string.h>

/* --- reading --- */

static const char *status_of(const struct global_facts *f)
{
    for (size_t i = 0; i < f->count; i++) {
        bool is_steady =
            f->members[i].role == GLOBAL_PRIMARY || f->members[i].role == GLOBAL_SECONDARY;
        if (!is_steady || f->groups[i].status != GROUP_STATUS_AVAILABLE)
            return "modifying";
    }
    return f->count > 1 ? "available" : "primary-only";
}

static int64_t *ids_of_groups(struct call *c, const struct global_member *members, size_t count)
{
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));

    for (size_t i = 0; i < count; i++)
        ids[i] = members[i].group_id;
    return ids;
}

static const struct group_facts *find_group(const struct group_facts *groups, size_t count,
                                            int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (groups[i].group.id == id)
            return &groups[i];
    return NULL;
}

/* Both lists come by datastore and by id: each datastore takes its share. */
static void deal(struct call *c, struct global_facts *f, struct global_member *members,
                 size_t member_count, const struct group_facts *groups, size_t group_count)
{
    f->groups = arena_array(c->arena, member_count, sizeof(*f->groups));
    f->count = 0;
    for (size_t i = 0; i < member_count; i++) {
        if (members[i].datastore_id != f->datastore.id)
            continue;
        if (f->count == 0)
            f->members = &members[i];
        f->groups[f->count++] = *find_group(groups, group_count, members[i].group_id);
    }
    f->status = status_of(f);
}

static struct err fill(struct call *c, struct global_facts *list, size_t count)
{
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));
    struct global_member *members;
    struct group_facts *groups;
    size_t member_count, group_count;

    for (size_t i = 0; i < count; i++)
        ids[i] = list[i].datastore.id;
    TRY(store_global_members(c->tx, ids, count, &members, &member_count));
    TRY(group_facts_list_of(c, ids_of_groups(c, members, member_count), member_count, &groups,
                            &group_count));
    for (size_t i = 0; i < count; i++)
        deal(c, &list[i], members, member_count, groups, group_count);
    return OK;
}

struct err global_facts_refresh(struct call *c, struct global_facts *f)
{
    return fill(c, f, 1);
}

struct err global_facts_find(struct call *c, const char *name, struct global_facts *out)
{
    const char *folded = name_fold(c->arena, name);
    struct global_facts f = {0};

    struct err e = store_global_find(c->tx, c->caller->account, folded, &f.datastore);
    if (err_is(e, ERR_NOT_FOUND))
        return fault(c, FAULT_GLOBAL_REPLICATION_GROUP_NOT_FOUND,
                     "Global replication group %s not found", folded);
    TRY(e);
    TRY(fill(c, &f, 1));
    *out = f;
    return OK;
}

struct err global_facts_for_change(struct call *c, const char *name, struct global_facts *out)
{
    struct global_facts f;

    TRY(global_facts_find(c, name, &f));
    if (strcmp(f.status, "modifying") == 0)
        return fault(c, FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE,
                     "Global replication group %s is in %s state.", f.datastore.name, f.status);
    *out = f;
    return OK;
}

struct err global_facts_list(struct call *c, const char *after, int limit,
                             struct global_facts **out, size_t *out_count)
{
    struct global_datastore *datastores;
    size_t count;

    TRY(store_global_list(c->tx, c->caller->account, after, limit, &datastores, &count));
    struct global_facts *list = arena_array(c->arena, count, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i].datastore = datastores[i];
    TRY(fill(c, list, count));
    *out = list;
    *out_count = count;
    return OK;
}

/* --- questions --- */

const struct group_facts *global_facts_primary(const struct global_facts *f)
{
    const struct global_member *primary =
        global_member_of_role(f->members, f->count, GLOBAL_PRIMARY);

    check(primary != NULL); /* it goes with the datastore alone */
    return &f->groups[primary - f->members];
}

size_t global_facts_member(struct call *c, const struct global_facts *f, const char *group,
                           const char *region)
{
    const char *folded = name_fold(c->arena, group);
    size_t i = 0;

    while (i < f->count &&
           (strcmp(f->members[i].group, folded) != 0 || strcmp(f->members[i].region, region) != 0))
        i++;
    return i;
}

struct err global_fault_of(struct err e)
{
    bool is_own = e.code == FAULT_INVALID_PARAMETER_VALUE ||
                  e.code == FAULT_INVALID_GLOBAL_REPLICATION_GROUP_STATE;

    if (err_failed(e) && !is_own && e.code >= ERR_FAULT_BASE)
        e.code = FAULT_INVALID_PARAMETER_VALUE;
    return e;
}

struct call global_call_in(const struct call *c, const char *region, struct caller *who)
{
    struct call there = *c;

    *who = *c->caller;
    who->region = region;
    there.caller = who;
    return there;
}

struct err global_facts_fill_groups(struct call *c, struct group_facts *list, size_t count)
{
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));
    struct global_member *members;
    size_t member_count;

    for (size_t i = 0; i < count; i++)
        ids[i] = list[i].group.id;
    TRY(store_global_members_of(c->tx, ids, count, &members, &member_count));
    for (size_t i = 0; i < count && member_count > 0; i++)
        for (size_t k = 0; k < member_count; k++)
            if (members[k].group_id == list[i].group.id)
                list[i].global = &members[k];
    return OK;
}

struct err global_refuse_member(struct call *c, const struct group_facts *f, const char *what)
{
    if (!f->global)
        return OK;
    return fault(c, FAULT_INVALID_REPLICATION_GROUP_STATE,
                 "Replication group %s is a member of the global replication group %s: %s.",
                 f->group.name, f->global->datastore, what);
}

/* --- as clients see them --- */

static void wire_shards(struct call *c, const struct global_facts *f,
                        struct ec_global_node_group_list *out)
{
    const struct group_facts *primary = global_facts_primary(f);

    out->has = true;
    out->items = arena_array(c->arena, primary->shard_count, sizeof(*out->items));
    for (size_t i = 0; i < primary->shard_count; i++) {
        const struct shard *s = &primary->shards[i];
        if (!s->is_wanted)
            continue;
        out->items[out->count++] = (struct ec_global_node_group){
            .global_node_group_id = arena_printf(c->arena, "%s-%s", f->datastore.name, s->number),
            .slots = primary->group.mode == CLUSTER_MODE_DISABLED ? "0-16383" : s->slots,
        };
    }
}

static void wire_members(struct call *c, const struct global_facts *f,
                         struct ec_global_replication_group_member_list *out)
{
    out->has = true;
    out->count = f->count;
    out->items = arena_array(c->arena, f->count, sizeof(*out->items));
    for (size_t i = 0; i < f->count; i++) {
        const struct global_member *m = &f->members[i];
        bool is_new = f->groups[i].status == GROUP_STATUS_CREATING;
        out->items[i] = (struct ec_global_replication_group_member){
            .replication_group_id = m->group,
            .replication_group_region = m->region,
            .role = global_role_word(m->role),
            .automatic_failover = f->groups[i].group.has_failover ? "enabled" : "disabled",
            .status = is_new ? "associating" : global_member_word(m->role),
        };
    }
}

void global_to_wire(struct call *c, const struct global_facts *f, bool shows_members,
                    struct ec_global_replication_group *out)
{
    const struct replication_group *primary = &global_facts_primary(f)->group;

    *out = (struct ec_global_replication_group){
        .global_replication_group_id = f->datastore.name,
        .global_replication_group_description = f->datastore.description,
        .status = f->status,
        .cache_node_type = primary->common.node_type,
        .engine = primary->common.engine,
        .engine_version = primary->common.engine_version,
        .cluster_enabled = BOOL_OF(primary->mode != CLUSTER_MODE_DISABLED),
        .auth_token_enabled = BOOL_OF(primary->entry.has_token),
        .transit_encryption_enabled = BOOL_OF(primary->common.tls != TLS_OFF),
        .at_rest_encryption_enabled = BOOL_OF(primary->is_encrypted_at_rest),
        .arn =
            arena_printf(c->arena, "arn:%s:elasticache::%s:globalreplicationgroup:%s",
                         arn_partition(primary->region), f->datastore.account, f->datastore.name),
    };
    wire_shards(c, f, &out->global_node_groups);
    if (shows_members)
        wire_members(c, f, &out->members);
}

struct ec_global_replication_group *global_to_wire_new(struct call *c, const struct global_facts *f)
{
    struct ec_global_replication_group *out =
        arena_new(c->arena, struct ec_global_replication_group);

    global_to_wire(c, f, true, out);
    return out;
}
