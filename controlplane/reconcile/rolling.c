/*
 * What a node lacks it says itself: its agent compares what the process was started with to what it
 * would be started with now. So nobody has to remember how far a round has come.
 */
#include "controlplane/reconcile/rolling.h"

#include "controlplane/model/effective.h"
#include "controlplane/model/settings.h"
#include "controlplane/model/updates.h"
#include "controlplane/reconcile/groups.h"

bool rolling_is_settled(const struct cluster *c, const struct node *n)
{
    const struct cluster seen = cluster_of_node(c, n);
    struct settings_version applied;

    return n->goal.has && n->saw.has && n->saw.state == NODE_RUNNING &&
           n->saw.boot_count >= n->boot_count &&
           settings_version_parse(n->saw.applied_settings, &applied) &&
           applied.parameters == parameters_number(&seen);
}

bool rolling_is_outdated(const struct view *v, const struct node *n)
{
    const struct host *host = view_host(v, n->goal.host_id);

    return n->saw.is_reboot_pending ||
           (host && build_is_older(n->saw.build, build_offered(host->engines)));
}

static bool is_there(const struct view *m)
{
    return !m->is_removed && m->cluster.is_wanted && member_node(m);
}

struct view *rolling_replica(const struct group_view *g)
{
    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        if (is_there(m) && rolling_is_outdated(m, member_node(m)) &&
            shard_primary(g, member_shard(g, m)) != m)
            return m;
    }
    return NULL;
}

static struct view *heir_of(const struct group_view *g, const struct shard *s)
{
    const struct view *primary = shard_primary(g, s);
    struct view *heir = NULL;

    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        if (m == primary || m->cluster.shard_id != s->id || !is_there(m) || !member_is_ready(g, m))
            continue;
        if (!heir || member_node(m)->saw.offset > member_node(heir)->saw.offset)
            heir = m;
    }
    return heir;
}

struct shard *rolling_shard(const struct group_view *g, struct view **out_heir)
{
    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard *s = &g->shards.items[i];
        const struct view *primary = s->is_wanted ? shard_primary(g, s) : NULL;
        if (!primary || !is_there(primary) || !rolling_is_outdated(primary, member_node(primary)))
            continue;
        *out_heir = heir_of(g, s);
        return s;
    }
    return NULL;
}
