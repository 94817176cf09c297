/* CreateUserGroup and ModifyUserGroup: who is together in a group. */
#include "base/arena.h"
#include "base/vec.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/quotas.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/access.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/ops/users.h"
#include "controlplane/store/users.h"

#include <string.h>

/* The users of a group as they will be. */
struct roster {
    vec_of(const struct user *) users;
};

static const struct user *roster_find(const struct roster *r, const char *name)
{
    for (size_t i = 0; i < r->users.count; i++)
        if (strcmp(r->users.items[i]->name, name) == 0)
            return r->users.items[i];
    return NULL;
}

/* --- a changed user --- */

/* Its groups, with it as it is to be. */
static struct err check_group(struct call *c, const struct member *own,
                              const struct member_list *all, const struct user *changed)
{
    struct roster roster = {0};

    for (size_t i = 0; i < all->count; i++) {
        const struct member *m = &all->items[i];
        if (m->group_id != own->group_id || m->removed_revision > 0)
            continue;
        *vec_add(c->arena, &roster.users) = m->user.id == changed->id ? changed : &m->user;
    }
    TRY(user_group_check(c->arena, own->group_engine, roster.users.items, roster.users.count));
    return access_check_caches(
        c, own->group_id, own->group_engine,
        user_group_minimum_version(own->group_engine, roster.users.items, roster.users.count));
}

struct err users_check_groups(struct call *c, const struct user *changed)
{
    struct member_list own, all;

    TRY(store_membership_list(c->tx, c->caller->account, c->caller->region, &changed->id, 1, &own));
    int64_t *ids = arena_array(c->arena, own.count, sizeof(*ids));
    for (size_t i = 0; i < own.count; i++)
        ids[i] = own.items[i].group_id;
    TRY(store_member_list(c->tx, ids, own.count, &all));
    for (size_t i = 0; i < own.count; i++)
        if (own.items[i].removed_revision == 0)
            TRY(check_group(c, &own.items[i], &all, changed));
    return OK;
}

/* --- adding --- */

/* One who is on the way out is as good as gone. */
static struct err find_joining(struct call *c, const char *id, struct user *out)
{
    TRY(users_find(c, id, out));
    return out->is_wanted ? OK : fault(c, FAULT_USER_NOT_FOUND, "User %s not found.", out->name);
}

static struct err roster_add(struct call *c, struct roster *r, const char *group,
                             const struct ec_user_id_list_input *ids)
{
    for (size_t i = 0; i < ids->count; i++) {
        struct user *u = arena_new(c->arena, struct user);

        TRY(find_joining(c, ids->items[i] ? ids->items[i] : "", u));
        if (roster_find(r, u->name))
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "User %s is already a member of user group %s.", u->name, group);
        *vec_add(c->arena, &r->users) = u;
    }
    return OK;
}

/* --- create --- */

static struct err check_new(struct call *c, const char *name)
{
    struct user_group taken;
    int64_t count = 0;

    struct err e =
        store_user_group_find(c->tx, c->caller->account, c->caller->region, name, &taken);
    if (!err_failed(e))
        return fault(c, FAULT_USER_GROUP_ALREADY_EXISTS, "User group %s already exists.", name);
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    TRY(store_user_group_count(c->tx, c->caller->account, c->caller->region, &count));
    if (count >= quota(c, user_groups_per_region))
        return fault(c, FAULT_USER_GROUP_QUOTA_EXCEEDED,
                     "There can be at most %d user groups in a region.",
                     quota(c, user_groups_per_region));
    return OK;
}

static struct err insert_group(struct call *c, struct user_group *g, const struct roster *r)
{
    TRY(store_revision_next(c->tx, &g->revision));
    TRY(store_user_group_insert(c->tx, g));
    for (size_t i = 0; i < r->users.count; i++)
        TRY(store_member_add(c->tx, g->id, r->users.items[i]->id, g->revision));
    return OK;
}

struct err ec_create_user_group(struct call *c, const struct ec_create_user_group_in *in,
                                struct ec_create_user_group_out *out)
{
    struct tag *tags = tagging_from_wire(c, &in->tags);
    struct user_group group = {
        .account = c->caller->account,
        .region = c->caller->region,
        .name = name_fold(c->arena, in->user_group_id),
        .revised_ms = c->now_ms,
        .is_wanted = true,
        .created_ms = c->now_ms,
    };
    struct roster roster = {0};
    struct ec_user_group answer;

    TRY(name_check(c->arena, "UserGroupId", in->user_group_id, USER_ID_MAX));
    TRY(user_engine_read(c->arena, in->engine, &group.engine));
    TRY(tags_check(c->arena, tags, in->tags.count));
    TRY(tags_check_quota(NULL, 0, tags, in->tags.count));
    TRY(check_new(c, group.name));
    TRY(roster_add(c, &roster, group.name, &in->user_ids));
    TRY(user_group_check(c->arena, group.engine, roster.users.items, roster.users.count));
    TRY(insert_group(c, &group, &roster));
    TRY(tagging_put(c, arn_make(c->arena, group.region, group.account, "usergroup", group.name),
                    tags, in->tags.count));
    TRY(user_groups_to_wire(c, &group, 1, &answer));
    USER_GROUP_ANSWER(out, answer);
    return OK;
}

/* --- modify --- */

static struct err check_modify(struct call *c, const struct ec_modify_user_group_in *in,
                               const struct user_group *g)
{
    if (user_group_status(g) != ACCESS_ACTIVE)
        return fault(c, FAULT_INVALID_USER_GROUP_STATE,
                     "User group %s has status %s. Only active user groups can be modified.",
                     g->name, access_status_word(user_group_status(g)));
    if (in->user_ids_to_add.count + in->user_ids_to_remove.count == 0 &&
        !member_has_text(in->engine))
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "No modifications were requested: UserIdsToAdd or UserIdsToRemove must be "
                     "given.");
    return OK;
}

static struct err roster_load(struct call *c, int64_t group_id, struct roster *r)
{
    struct member_list members;

    TRY(store_member_list(c->tx, &group_id, 1, &members));
    for (size_t i = 0; i < members.count; i++)
        *vec_add(c->arena, &r->users) = &members.items[i].user;
    return OK;
}

/* Takes users out, of the roster and of the store. */
static struct err drop_members(struct call *c, const struct user_group *g, struct roster *r,
                               const struct ec_user_id_list_input *ids)
{
    for (size_t i = 0; i < ids->count; i++) {
        struct user u;
        size_t at = 0;

        TRY(users_find(c, ids->items[i] ? ids->items[i] : "", &u));
        while (at < r->users.count && r->users.items[at]->id != u.id)
            at++;
        if (at == r->users.count)
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "User %s is not a member of user group %s.", u.name, g->name);
        TRY(store_member_drop(c->tx, g->id, u.id, g->revision));
        r->users.items[at] = r->users.items[--r->users.count];
    }
    return OK;
}

/* Ids in both lists would leave open which of them is meant. */
static struct err check_lists(struct call *c, const struct ec_modify_user_group_in *in)
{
    for (size_t i = 0; i < in->user_ids_to_add.count; i++)
        for (size_t k = 0; k < in->user_ids_to_remove.count; k++) {
            const char *added = in->user_ids_to_add.items[i];
            const char *removed = in->user_ids_to_remove.items[k];
            if (added && removed &&
                strcmp(name_fold(c->arena, added), name_fold(c->arena, removed)) == 0)
                return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                             "User %s is both to be added and to be removed.", added);
        }
    return OK;
}

static struct err change_members(struct call *c, const struct ec_modify_user_group_in *in,
                                 const struct user_group *g)
{
    struct roster roster = {0};

    TRY(roster_load(c, g->id, &roster));
    TRY(drop_members(c, g, &roster, &in->user_ids_to_remove));
    size_t kept = roster.users.count;
    TRY(roster_add(c, &roster, g->name, &in->user_ids_to_add));
    TRY(user_group_check(c->arena, g->engine, roster.users.items, roster.users.count));
    TRY(access_check_caches(
        c, g->id, g->engine,
        user_group_minimum_version(g->engine, roster.users.items, roster.users.count)));
    for (size_t i = kept; i < roster.users.count; i++)
        TRY(store_member_add(c->tx, g->id, roster.users.items[i]->id, g->revision));
    return OK;
}

struct err ec_modify_user_group(struct call *c, const struct ec_modify_user_group_in *in,
                                struct ec_modify_user_group_out *out)
{
    struct ec_user_group answer;
    struct user_group group;

    TRY(user_groups_find(c, in->user_group_id, &group));
    TRY(check_modify(c, in, &group));
    TRY(check_lists(c, in));
    if (member_has_text(in->engine))
        TRY(user_engine_read(c->arena, in->engine, &group.engine));
    TRY(store_revision_next(c->tx, &group.revision));
    group.revised_ms = c->now_ms;
    TRY(change_members(c, in, &group));
    TRY(store_user_group_update(c->tx, &group));
    TRY(access_modify_caches(c, &group.id, 1));
    TRY(users_tell(c, group.name, EVENT_USER_GROUP_MODIFYING));
    TRY(user_groups_to_wire(c, &group, 1, &answer));
    USER_GROUP_ANSWER(out, answer);
    return OK;
}
