/* User groups: describe and delete, and what users of groups must be. Making and changing groups is
 * a chapter of its own. */
#include "base/arena.h"
#include "base/vec.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/access.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/users.h"
#include "controlplane/store/access.h"
#include "controlplane/store/users.h"

#include <string.h>

struct err user_groups_find(struct call *c, const char *id, struct user_group *out)
{
    const char *folded = name_fold(c->arena, id);

    struct err e = store_user_group_find(c->tx, c->caller->account, c->caller->region, folded, out);
    return err_is(e, ERR_NOT_FOUND)
               ? fault(c, FAULT_USER_GROUP_NOT_FOUND, "User group %s not found.", folded)
               : e;
}

/* --- as clients see them --- */

/* Everything about some groups, each list ordered by group. */
struct group_view {
    struct member_list members;
    struct attachment *attachments;
    size_t attachment_count;
};

static struct err view_load(struct call *c, const struct user_group *groups, size_t count,
                            struct group_view *out)
{
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));

    for (size_t i = 0; i < count; i++)
        ids[i] = groups[i].id;
    TRY(store_member_list(c->tx, ids, count, &out->members));
    return store_access_attachments(c->tx, ids, count, &out->attachments, &out->attachment_count);
}

struct names {
    vec_of(const char *) list;
};

/* Members are shown as they are in force; what is on its way is pending. */
static void add_member(struct call *c, const struct user_group *g, const struct member *m,
                       struct names *now, struct names *coming, struct names *going)
{
    bool is_new = g->settled_revision > 0 && m->added_revision > g->settled_revision;

    if (!is_new)
        *vec_add(c->arena, &now->list) = m->user.name;
    if (is_new && m->removed_revision == 0)
        *vec_add(c->arena, &coming->list) = m->user.name;
    if (!is_new && m->removed_revision > 0)
        *vec_add(c->arena, &going->list) = m->user.name;
}

static struct ec_user_id_list id_list(const struct names *n)
{
    return (struct ec_user_id_list){true, n->list.count, n->list.items};
}

static void members_to_wire(struct call *c, const struct user_group *g,
                            const struct member_list *members, struct ec_user_group *out)
{
    struct names now = {0}, coming = {0}, going = {0};
    vec_of(const struct user *) staying = VEC_EMPTY;

    for (size_t i = 0; i < members->count; i++) {
        const struct member *m = &members->items[i];
        if (m->group_id != g->id)
            continue;
        add_member(c, g, m, &now, &coming, &going);
        if (m->removed_revision == 0)
            *vec_add(c->arena, &staying) = &m->user;
    }
    out->user_ids = id_list(&now);
    out->minimum_engine_version =
        user_group_minimum_version(g->engine, staying.items, staying.count);
    if (coming.list.count + going.list.count == 0)
        return;
    out->pending_changes = arena_new(c->arena, struct ec_user_group_pending_changes);
    out->pending_changes->user_ids_to_add = id_list(&coming);
    out->pending_changes->user_ids_to_remove = id_list(&going);
}

static void attachments_to_wire(struct call *c, const struct user_group *g,
                                const struct group_view *v, struct ec_user_group *out)
{
    struct names groups = {0}, caches = {0};

    for (size_t i = 0; i < v->attachment_count; i++) {
        const struct attachment *at = &v->attachments[i];
        if (at->user_group_id == g->id && at->owner.id)
            *vec_add(c->arena, &caches.list) = at->owner.name;
        else if (at->user_group_id == g->id && at->replication_group_id)
            *vec_add(c->arena, &groups.list) = at->cache;
    }
    out->replication_groups.has = out->serverless_caches.has = true;
    out->replication_groups.count = groups.list.count;
    out->replication_groups.items = groups.list.items;
    out->serverless_caches.count = caches.list.count;
    out->serverless_caches.items = caches.list.items;
}

struct err user_groups_to_wire(struct call *c, const struct user_group *groups, size_t count,
                               struct ec_user_group *out)
{
    struct group_view view;

    TRY(view_load(c, groups, count, &view));
    for (size_t i = 0; i < count; i++) {
        const struct user_group *g = &groups[i];
        out[i] = (struct ec_user_group){
            .user_group_id = g->name,
            .status = access_status_word(user_group_status(g)),
            .engine = g->engine,
            .arn = arn_make(c->arena, g->region, g->account, "usergroup", g->name),
        };
        members_to_wire(c, g, &view.members, &out[i]);
        attachments_to_wire(c, g, &view, &out[i]);
    }
    return OK;
}

/* --- describe --- */

static struct err describe_one(struct call *c, const char *id,
                               struct ec_describe_user_groups_out *out)
{
    struct user_group group;

    TRY(user_groups_find(c, id, &group));
    out->user_groups.has = true;
    out->user_groups.count = 1;
    out->user_groups.items = arena_new(c->arena, struct ec_user_group);
    return user_groups_to_wire(c, &group, 1, out->user_groups.items);
}

static struct err describe_page(struct call *c, const struct page *page,
                                struct ec_describe_user_groups_out *out)
{
    struct user_group *groups;
    size_t count;

    TRY(store_user_group_list(c->tx, c->caller->account, c->caller->region, page->after,
                              page->limit + 1, &groups, &count));
    if (count > (size_t)page->limit) {
        count = (size_t)page->limit;
        out->marker = page_marker(c, groups[count - 1].name);
    }
    out->user_groups.has = true;
    out->user_groups.count = count;
    out->user_groups.items = arena_array(c->arena, count, sizeof(struct ec_user_group));
    return user_groups_to_wire(c, groups, count, out->user_groups.items);
}

struct err ec_describe_user_groups(struct call *c, const struct ec_describe_user_groups_in *in,
                                   struct ec_describe_user_groups_out *out)
{
    struct page page;

    TRY(page_open(c, in->max_records, in->marker, &page));
    if (*page.after && !name_is_identifier(page.after))
        return page_bad_marker(c, in->marker);
    return in->user_group_id ? describe_one(c, in->user_group_id, out)
                             : describe_page(c, &page, out);
}

/* --- delete --- */

static struct err check_delete(struct call *c, const struct user_group *g)
{
    struct attachment *attachments;
    size_t count;

    if (user_group_status(g) != ACCESS_ACTIVE)
        return fault(c, FAULT_INVALID_USER_GROUP_STATE,
                     "User group %s has status %s. Only active user groups can be deleted.",
                     g->name, access_status_word(user_group_status(g)));
    TRY(store_access_attachments(c->tx, &g->id, 1, &attachments, &count));
    if (count > 0)
        return fault(c, FAULT_INVALID_USER_GROUP_STATE,
                     "User group %s is associated with %s and cannot be deleted.", g->name,
                     attachment_text(c, &attachments[0]));
    return OK;
}

struct err ec_delete_user_group(struct call *c, const struct ec_delete_user_group_in *in,
                                struct ec_delete_user_group_out *out)
{
    struct ec_user_group answer;
    struct user_group group;

    TRY(user_groups_find(c, in->user_group_id, &group));
    TRY(check_delete(c, &group));
    TRY(store_revision_next(c->tx, &group.revision));
    group.is_wanted = false;
    group.revised_ms = c->now_ms;
    TRY(store_user_group_update(c->tx, &group));
    TRY(user_groups_to_wire(c, &group, 1, &answer));
    USER_GROUP_ANSWER(out, answer);
    return OK;
}
