/* Either users of a group or a token: what a request says is checked against what is there, then
 * recorded as one new revision. */
#include "controlplane/ops/access.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/ops/group_facts.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/users.h"
#include "controlplane/store/users.h"

#include <string.h>

#define TOKEN_REDIS_SINCE "5.0.6"
#define USERS_REDIS_SINCE "6.0"

static bool is_redis_before(const struct access_cache *cache, const char *version)
{
    return strcmp(cache->engine, "redis") == 0 &&
           version_compare(cache->engine_version, version) < 0;
}

static struct err combination(struct call *c, const char *why)
{
    return fault(c, FAULT_INVALID_PARAMETER_COMBINATION, "%s", why);
}

/* --- tokens --- */

static struct err read_strategy(struct call *c, const struct access_request *r,
                                enum token_strategy *out)
{
    *out = TOKEN_ROTATE;
    if (r->strategy && !token_strategy_parse(r->strategy, out))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value %s for AuthTokenUpdateStrategy. It must be ROTATE, SET or "
                     "DELETE.",
                     r->strategy);
    if (*out != TOKEN_DELETE)
        return r->token ? OK
                        : combination(c, "AuthTokenUpdateStrategy must be given together with "
                                         "AuthToken.");
    if (r->token)
        return combination(c, "AuthToken must not be given with the strategy DELETE.");
    return r->add_count > 0 ? OK
                            : combination(c, "The AuthToken can only be deleted together with "
                                             "UserGroupIdsToAdd.");
}

static struct err check_token(struct call *c, const struct access_cache *cache,
                              const struct access_request *r, const struct cache_access *x)
{
    if (!cache->has_tls)
        return combination(c, "AuthToken requires TransitEncryptionEnabled, and the "
                              "TransitEncryptionMode required.");
    if (is_redis_before(cache, TOKEN_REDIS_SINCE))
        return combination(c, "AuthToken requires redis " TOKEN_REDIS_SINCE " or later.");
    if (r->add_count > 0 || x->user_group_id != 0)
        return combination(c, "AuthToken and user groups cannot be used together.");
    return auth_token_check(c->arena, r->token, cache->is_new);
}

static struct err change_token(struct call *c, const struct access_cache *cache,
                               const struct access_request *r, struct cache_access *x)
{
    enum token_strategy strategy;

    if (!r->token && !r->strategy)
        return OK;
    TRY(read_strategy(c, r, &strategy));
    if (r->token)
        TRY(check_token(c, cache, r, x));
    if (cache->is_new)
        strategy = TOKEN_SET;
    return auth_token_apply(c->arena, &x->token, strategy, r->token ? r->token : "", c->now_ms);
}

/* --- user groups --- */

static struct err check_engine(struct call *c, const char *group, const char *group_engine,
                               const char *minimum, const char *engine, const char *version)
{
    if (strcmp(group_engine, "valkey") == 0 && strcmp(engine, "valkey") != 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "User group %s is of engine valkey and cannot be used by caches of engine %s.",
                     group, engine);
    if (strcmp(group_engine, engine) == 0 && version_compare(version, minimum) < 0)
        return fault(c, FAULT_INVALID_PARAMETER_COMBINATION,
                     "User group %s requires engine version %s or later.", group, minimum);
    return OK;
}

static struct err detach(struct call *c, const struct access_request *r, struct cache_access *x)
{
    for (size_t i = 0; i < r->remove_count; i++) {
        struct user_group group;

        TRY(user_groups_find(c, r->remove[i] ? r->remove[i] : "", &group));
        if (group.id != x->user_group_id)
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "User group %s is not associated with the replication group.", group.name);
    }
    if (r->remove_count > 0 || r->removes_all)
        x->user_group_id = 0;
    return OK;
}

/* The least version that all members need. */
static struct err minimum_of(struct call *c, const struct user_group *g, const char **out)
{
    vec_of(const struct user *) users = VEC_EMPTY;
    struct member_list members;

    TRY(store_member_list(c->tx, &g->id, 1, &members));
    for (size_t i = 0; i < members.count; i++)
        if (members.items[i].removed_revision == 0)
            *vec_add(c->arena, &users) = &members.items[i].user;
    *out = user_group_minimum_version(g->engine, users.items, users.count);
    return OK;
}

static struct err check_attach(struct call *c, const struct access_cache *cache,
                               const struct user_group *g)
{
    const char *minimum;

    if (!cache->has_tls)
        return combination(c, "User groups require TransitEncryptionEnabled, and the "
                              "TransitEncryptionMode required.");
    if (is_redis_before(cache, USERS_REDIS_SINCE))
        return combination(c, "User groups require redis " USERS_REDIS_SINCE " or later.");
    if (user_group_status(g) != ACCESS_ACTIVE)
        return fault(c, FAULT_INVALID_USER_GROUP_STATE,
                     "User group %s has status %s. Only active user groups can be associated.",
                     g->name, access_status_word(user_group_status(g)));
    TRY(minimum_of(c, g, &minimum));
    return check_engine(c, g->name, g->engine, minimum, cache->engine, cache->engine_version);
}

struct err access_check_engine(struct call *c, const char *user_group, const char *engine,
                               const char *version)
{
    struct user_group g;
    const char *minimum;

    if (*user_group == '\0')
        return OK;
    TRY(user_groups_find(c, user_group, &g));
    TRY(minimum_of(c, &g, &minimum));
    return check_engine(c, g.name, g.engine, minimum, engine, version);
}

static struct err attach(struct call *c, const struct access_cache *cache,
                         const struct access_request *r, struct cache_access *x)
{
    struct user_group group;

    if (r->add_count == 0)
        return OK;
    if (r->add_count > 1)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "At most one user group can be associated with a cache.");
    TRY(user_groups_find(c, r->add[0] ? r->add[0] : "", &group));
    if (x->user_group_id != 0 && x->user_group_id != group.id)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "At most one user group can be associated with a cache.");
    TRY(check_attach(c, cache, &group));
    if (r->token)
        return combination(c, "AuthToken and user groups cannot be used together.");
    if (*x->token.digests && !(r->strategy && strcmp(r->strategy, "DELETE") == 0))
        return combination(c, "The cache has an AuthToken: use AuthTokenUpdateStrategy DELETE to "
                              "replace it by a user group.");
    x->user_group_id = group.id;
    return OK;
}

/* --- both --- */

static bool is_same(const struct cache_access *a, const struct cache_access *b)
{
    return a->user_group_id == b->user_group_id && a->token.is_optional == b->token.is_optional &&
           strcmp(a->token.digests, b->token.digests) == 0;
}

static struct err plan(struct call *c, const struct access_cache *cache,
                       const struct access_request *r, struct cache_access *x)
{
    TRY(detach(c, r, x));
    TRY(attach(c, cache, r, x));
    return change_token(c, cache, r, x);
}

struct err access_check(struct call *c, const struct access_cache *cache,
                        const struct access_request *r)
{
    struct cache_access nothing = {.token = {.digests = ""}};

    return plan(c, cache, r, &nothing);
}

/* "+team -other ROTATING": a group that comes, one that goes, what becomes of the token. */
static struct err describe_change(struct call *c, const struct access_request *r,
                                  const struct cache_access *before, const struct cache_access *x,
                                  const char **out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    int64_t ids[] = {before->user_group_id, x->user_group_id};
    struct user_group *groups;
    size_t count;

    TRY(store_user_group_list_of(c->tx, ids, ids[0] == ids[1] ? 0 : 2, &groups, &count));
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%c%s ", groups[i].id == x->user_group_id ? '+' : '-', groups[i].name);
    if (r->token)
        buf_puts(&text, r->strategy && strcmp(r->strategy, "SET") == 0 ? "SETTING" : "ROTATING");
    *out = str_dup(c->arena, buf_str(&text));
    return OK;
}

struct err access_change(struct call *c, const struct access_cache *cache,
                         const struct access_request *r, const char **out_pending)
{
    struct cache_access before, x;

    *out_pending = NULL;
    TRY(store_access_get(c->tx, cache->replication_group_id, cache->cluster_id, &before));
    x = before;
    TRY(plan(c, cache, r, &x));
    bool is_changed = !is_same(&before, &x);
    if (!is_changed && x.token.modified_ms == before.token.modified_ms)
        return OK;
    if (is_changed) {
        TRY(store_revision_next(c->tx, &x.revision));
        TRY(describe_change(c, r, &before, &x, out_pending));
    }
    return store_access_put(c->tx, &x);
}

/* --- what is under way --- */

static void add_id(struct call *c, struct ec_user_group_id_list *list, const char *name)
{
    if (!*name)
        return;
    list->has = true;
    list->count = 1;
    list->items = arena_array(c->arena, 1, sizeof(*list->items));
    list->items[0] = name;
}

void access_pending_to_wire(struct call *c, const struct group_pending *pending,
                            struct ec_replication_group_pending_modified_values *out)
{
    out->auth_token_status = *pending->token ? pending->token : NULL;
    if (!*pending->to_add && !*pending->to_remove)
        return;
    out->user_groups = arena_new(c->arena, struct ec_user_groups_update_status);
    add_id(c, &out->user_groups->user_group_ids_to_add, pending->to_add);
    add_id(c, &out->user_groups->user_group_ids_to_remove, pending->to_remove);
}

/* --- attached caches --- */

static struct err modify_cluster(struct call *c, int64_t cluster_id)
{
    struct cluster_facts facts = {0};

    TRY(store_cluster_get(c->tx, cluster_id, &facts.cluster));
    TRY(facts_refresh(c, &facts));
    if (!cluster_status_may_change(facts.status))
        return OK;
    return facts_operate(c, &facts, OPERATION_MODIFY,
                         arena_printf(c->arena, "%d " ENTRY_WORD, facts_node_count(&facts)));
}

/* One that is being changed already waits for its nodes anyway. */
static struct err modify_cache(struct call *c, const struct attachment *at)
{
    struct group_facts facts;

    if (at->cluster_id)
        return modify_cluster(c, at->cluster_id);

    TRY(group_facts_get(c, at->replication_group_id, &facts));
    if (!group_status_may_change(facts.status))
        return OK;
    return group_facts_operate(c, &facts, GROUP_MODIFY, "");
}

struct err access_modify_caches(struct call *c, const int64_t *user_group_ids, size_t count)
{
    struct attachment *attachments;
    size_t attached;

    TRY(store_access_attachments(c->tx, user_group_ids, count, &attachments, &attached));
    for (size_t i = 0; i < attached; i++)
        TRY(modify_cache(c, &attachments[i]));
    return OK;
}

const char *attachment_text(struct call *c, const struct attachment *at)
{
    if (at->owner.id)
        return arena_printf(c->arena, "serverless cache %s", at->owner.name);
    return arena_printf(c->arena, "%s %s", at->cluster_id ? "cache cluster" : "replication group",
                        at->cache);
}

struct err access_check_caches(struct call *c, int64_t user_group_id, const char *engine,
                               const char *minimum_version)
{
    struct attachment *attachments;
    size_t count;

    TRY(store_access_attachments(c->tx, &user_group_id, 1, &attachments, &count));
    for (size_t i = 0; i < count; i++) {
        const struct attachment *at = &attachments[i];
        struct err e = check_engine(c, "of the request", engine, minimum_version, at->engine,
                                    at->engine_version);
        if (err_failed(e))
            return fault(c, e.code,
                         "The change needs engine %s %s or later, but the user group is associated "
                         "with %s of %s %s.",
                         engine, minimum_version, attachment_text(c, at), at->engine,
                         at->engine_version);
    }
    return OK;
}
