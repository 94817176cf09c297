/* Users: describe and delete. Making and changing them is a chapter of its own. */
#include "base/arena.h"
#include "base/vec.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/quotas.h"
#include "controlplane/ops/access.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/users.h"
#include "controlplane/store/users.h"

#include <string.h>
#include <strings.h>

struct err users_find(struct call *c, const char *id, struct user *out)
{
    const char *folded = name_fold(c->arena, id);

    struct err e = store_user_find(c->tx, c->caller->account, c->caller->region, folded, out);
    return err_is(e, ERR_NOT_FOUND) ? fault(c, FAULT_USER_NOT_FOUND, "User %s not found.", folded)
                                    : e;
}

struct err users_tell(struct call *c, const char *source, enum event_kind kind)
{
    struct event_source from = {c->caller->account, c->caller->region, source};
    struct event event = event_of(c->arena, &from, c->now_ms, kind, source, NULL);

    return store_event_add(c->tx, &event);
}

/* --- as clients see them --- */

static struct ec_authentication *authentication_new(struct call *c, const struct user *u)
{
    struct ec_authentication *out = arena_new(c->arena, struct ec_authentication);

    out->type = authentication_name(u->authentication);
    if (*u->digests)
        out->password_count = INT_OF((int64_t)digests_count(u->digests));
    return out;
}

static struct err memberships_of(struct call *c, const struct user *users, size_t count,
                                 struct member_list *out)
{
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));

    for (size_t i = 0; i < count; i++)
        ids[i] = users[i].id;
    return store_membership_list(c->tx, c->caller->account, c->caller->region, ids, count, out);
}

/* Memberships are ordered by user: where those of one begin. */
static size_t first_of(const struct member_list *all, int64_t user_id)
{
    size_t low = 0, high = all->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (all->items[middle].user.id < user_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void groups_to_wire(struct call *c, const struct user *u, const struct member_list *all,
                           struct ec_user_group_id_list *out)
{
    vec_of(const char *) names = VEC_EMPTY;

    for (size_t i = first_of(all, u->id); i < all->count && all->items[i].user.id == u->id; i++)
        if (all->items[i].removed_revision == 0)
            *vec_add(c->arena, &names) = all->items[i].group;
    out->has = true;
    out->count = names.count;
    out->items = names.items;
}

static void user_to_wire(struct call *c, const struct user *u, const struct member_list *groups,
                         struct ec_user *out)
{
    *out = (struct ec_user){
        .user_id = u->name,
        .user_name = u->login,
        .status = access_status_word(user_status(u)),
        .engine = u->engine,
        .minimum_engine_version = user_minimum_version(u),
        .access_string = u->access,
        .authentication = authentication_new(c, u),
        .arn = arn_make(c->arena, u->region, u->account, "user", u->name),
    };
    groups_to_wire(c, u, groups, &out->user_group_ids);
}

struct err users_to_wire(struct call *c, const struct user *users, size_t count,
                         struct ec_user *out)
{
    struct member_list groups;

    TRY(memberships_of(c, users, count, &groups));
    for (size_t i = 0; i < count; i++)
        user_to_wire(c, &users[i], &groups, &out[i]);
    return OK;
}

/* --- describe --- */

/* What a filter looks at, by its name. */
static bool matches_id(const struct ec_user *u, const char *value)
{
    return strcasecmp(u->user_id, value) == 0;
}

static bool matches_name(const struct ec_user *u, const char *value)
{
    return strcmp(u->user_name, value) == 0;
}

static bool matches_engine(const struct ec_user *u, const char *value)
{
    return strcasecmp(u->engine, value) == 0;
}

static bool matches_status(const struct ec_user *u, const char *value)
{
    return strcasecmp(u->status, value) == 0;
}

static bool matches_group(const struct ec_user *u, const char *value)
{
    for (size_t i = 0; i < u->user_group_ids.count; i++)
        if (strcasecmp(u->user_group_ids.items[i], value) == 0)
            return true;
    return false;
}

static const struct user_filter {
    const char *name;
    bool (*matches)(const struct ec_user *u, const char *value);
} filters[] = {
    {"UserId",      matches_id    },
    {"UserName",    matches_name  },
    {"Engine",      matches_engine},
    {"Status",      matches_status},
    {"UserGroupId", matches_group },
};

static const struct user_filter *filter_find(const char *name)
{
    for (size_t i = 0; i < countof(filters); i++)
        if (strcasecmp(filters[i].name, name) == 0)
            return &filters[i];
    return NULL;
}

static struct err check_filters(struct call *c, const struct ec_filter_list *in)
{
    for (size_t i = 0; i < in->count; i++)
        if (!filter_find(in->items[i].name))
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "Invalid filter %s. Users can be filtered by UserId, UserName, Engine, "
                         "Status and UserGroupId.",
                         in->items[i].name);
    return OK;
}

/* One of the values of every filter. */
static bool passes(const struct ec_user *u, const struct ec_describe_users_in *in)
{
    if (member_has_text(in->engine) && !matches_engine(u, in->engine))
        return false;
    for (size_t i = 0; i < in->filters.count; i++) {
        const struct ec_filter *f = &in->filters.items[i];
        bool is_matched = false;

        for (size_t k = 0; k < f->values.count; k++)
            is_matched |=
                f->values.items[k] && filter_find(f->name)->matches(u, f->values.items[k]);
        if (!is_matched)
            return false;
    }
    return true;
}

static struct err describe_one(struct call *c, const struct ec_describe_users_in *in,
                               struct ec_describe_users_out *out)
{
    struct user user;

    TRY(users_find(c, in->user_id, &user));
    out->users.items = arena_new(c->arena, struct ec_user);
    TRY(users_to_wire(c, &user, 1, out->users.items));
    if (!passes(out->users.items, in))
        return fault(c, FAULT_USER_NOT_FOUND, "User %s not found.", user.name);
    out->users.has = true;
    out->users.count = 1;
    return OK;
}

/* With filters all users behind the marker are read, and the page is what passes of them: an
 * account has no more than some thousands. */
static struct err describe_page(struct call *c, const struct page *page,
                                const struct ec_describe_users_in *in,
                                struct ec_describe_users_out *out)
{
    bool is_filtered = in->filters.count > 0 || member_has_text(in->engine);
    int limit = is_filtered ? quota(c, users_per_region) + 1 : page->limit + 1;
    struct user_list users;

    TRY(store_user_list(c->tx, c->caller->account, c->caller->region, page->after, limit, &users));
    struct ec_user *all = arena_array(c->arena, users.count, sizeof(*all));
    TRY(users_to_wire(c, users.items, users.count, all));
    out->users.has = true;
    out->users.items = all;
    for (size_t i = 0; i < users.count; i++) {
        if (!passes(&all[i], in))
            continue;
        if (out->users.count == (size_t)page->limit) {
            out->marker = page_marker(c, all[out->users.count - 1].user_id);
            break;
        }
        all[out->users.count++] = all[i];
    }
    return OK;
}

struct err ec_describe_users(struct call *c, const struct ec_describe_users_in *in,
                             struct ec_describe_users_out *out)
{
    struct page page;

    TRY(page_open(c, in->max_records, in->marker, &page));
    if (*page.after && !name_is_identifier(page.after))
        return page_bad_marker(c, in->marker);
    TRY(check_filters(c, &in->filters));
    return in->user_id ? describe_one(c, in, out) : describe_page(c, &page, in, out);
}

/* --- what follows from a change --- */

struct err users_revise_groups(struct call *c, const struct user *u)
{
    struct member_list groups;

    TRY(memberships_of(c, u, 1, &groups));
    TRY(store_user_group_revise(c->tx, u->id, u->revision, c->now_ms));
    int64_t *ids = arena_array(c->arena, groups.count, sizeof(*ids));
    for (size_t i = 0; i < groups.count; i++)
        ids[i] = groups.items[i].group_id;
    return access_modify_caches(c, ids, groups.count);
}

/* --- delete --- */

/* A group of engine redis does not do without its default user. */
static struct err check_delete(struct call *c, const struct user *u)
{
    struct member_list groups;

    if (u->id == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE, "The user %s cannot be deleted.", u->name);
    if (user_status(u) != ACCESS_ACTIVE)
        return fault(c, FAULT_INVALID_USER_STATE,
                     "User %s has status %s. Only active users can be deleted.", u->name,
                     access_status_word(user_status(u)));
    if (strcmp(u->login, USER_DEFAULT) != 0)
        return OK;
    TRY(memberships_of(c, u, 1, &groups));
    for (size_t i = 0; i < groups.count; i++)
        if (groups.items[i].removed_revision == 0 &&
            strcmp(groups.items[i].group_engine, "redis") == 0)
            return fault(c, FAULT_DEFAULT_USER_ASSOCIATED_TO_USER_GROUP,
                         "User %s is the default user of user group %s and cannot be deleted.",
                         u->name, groups.items[i].group);
    return OK;
}

struct err ec_delete_user(struct call *c, const struct ec_delete_user_in *in,
                          struct ec_delete_user_out *out)
{
    struct ec_user answer;
    struct user user;

    TRY(users_find(c, in->user_id, &user));
    TRY(check_delete(c, &user));
    TRY(store_revision_next(c->tx, &user.revision));
    user.is_wanted = false;
    TRY(store_user_update(c->tx, &user));
    TRY(users_revise_groups(c, &user));
    TRY(store_member_drop_all(c->tx, user.id, user.revision));
    TRY(users_to_wire(c, &user, 1, &answer));
    USER_ANSWER(out, answer);
    return OK;
}
