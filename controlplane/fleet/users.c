/* Groups are read once for a host, whichever of its nodes they are attached to. */
#include "controlplane/fleet/users.h"

#include "base/arena.h"
#include "base/vec.h"
#include "contract/agent.h"
#include "controlplane/model/access_rules.h"

struct err host_users_load(struct store_tx *tx, const char *host_id, struct host_users *out)
{
    TRY(store_host_access(tx, host_id, &out->caches, &out->cache_count));
    int64_t *ids = arena_array(store_arena(tx), out->cache_count, sizeof(*ids));
    for (size_t i = 0; i < out->cache_count; i++)
        ids[i] = out->caches[i].user_group_id;
    out->members = (struct member_list){0};
    return out->cache_count > 0 ? store_member_list(tx, ids, out->cache_count, &out->members) : OK;
}

static const struct host_access *cache_find(const struct host_users *h, int64_t cluster_id)
{
    for (size_t i = 0; i < h->cache_count; i++)
        if (h->caches[i].cluster_id == cluster_id)
            return &h->caches[i];
    return NULL;
}

/* Members as they are to be: who was taken out is not let in any more. */
static void take_members(struct arena *a, const struct host_users *h, int64_t group_id,
                         struct access_rules *out)
{
    vec_of(const struct user *) users = VEC_EMPTY;

    for (size_t i = 0; i < h->members.count; i++) {
        const struct member *m = &h->members.items[i];
        if (m->group_id == group_id && m->removed_revision == 0)
            *vec_add(a, &users) = &m->user;
    }
    out->members = users.items;
    out->member_count = users.count;
}

struct agent_node_users *host_users_of(struct arena *a, const struct host_users *h,
                                       int64_t cluster_id, bool is_bundled, int64_t *out_revision)
{
    const struct host_access *cache = cache_find(h, cluster_id);

    *out_revision = cache ? cache->revision : 0;
    if (!cache)
        return NULL;
    struct access_rules rules = {
        .has_group = cache->user_group_id != 0, .token = cache->token, .is_bundled = is_bundled};
    struct agent_node_users *users = arena_new(a, struct agent_node_users);

    take_members(a, h, cache->user_group_id, &rules);
    users->epoch = INT_OF(cache->revision);
    users->rules.has = true;
    access_rules_lines(a, &rules, &users->rules.items, &users->rules.count);
    return users;
}
