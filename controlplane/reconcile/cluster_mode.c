/* The one idea: a node's goal says whether it runs in cluster mode, the group's row what is told to
 * users; the second follows when all of the first agree. */
#include "controlplane/reconcile/cluster_mode.h"

#include "base/arena.h"
#include "base/err.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/topology.h"

#include <string.h>

struct change {
    enum cluster_mode aim;
    const char *parameter_group; /* of before */
};

static struct change read_change(const struct group_view *g, struct decisions *d)
{
    struct change c;

    check(cluster_mode_change_parse(d->arena, g->operation.data, &c.aim, &c.parameter_group));
    return c;
}

bool cluster_mode_is_anywhere(const struct group_view *g)
{
    for (size_t i = 0; i < g->member_count; i++) {
        const struct node *n = member_node(&g->members[i]);
        if (n && n->is_wanted && n->goal.has && n->goal.is_clustered)
            return true;
    }
    return false;
}

static void start_anew(struct view *m, bool is_clustered, struct decisions *d)
{
    struct node *n = member_node(m);
    struct node_goal goal = n->goal;

    d->about = &m->cluster;
    decide_node_boot(d, n);
    goal.boot_count = n->boot_count;
    goal.is_clustered = is_clustered;
    decide_goal(d, n, &goal, "its group gets another cluster mode");
}

static bool roll(struct group_view *g, struct decisions *d, bool is_clustered)
{
    struct view *next = NULL;

    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        const struct node *n = member_node(m);
        if (m->is_removed || !m->cluster.is_wanted || shard_primary(g, member_shard(g, m)) == m)
            continue;
        if (!n || !n->goal.has || !member_is_ready(g, m))
            return false;
        if (n->goal.is_clustered != is_clustered)
            next = m;
    }
    if (next)
        start_anew(next, is_clustered, d);
    return next == NULL;
}

bool cluster_mode_roll(struct group_view *g, struct decisions *d)
{
    return roll(g, d, read_change(g, d).aim != CLUSTER_MODE_DISABLED);
}

bool cluster_mode_choose(struct group_view *g, struct decisions *d)
{
    struct change c = read_change(g, d);
    const struct shard *s = &g->shards.items[0];
    const struct view *primary = shard_primary(g, s), *chosen = NULL;

    if (!primary || !member_node(primary))
        return false;
    if (member_node(primary)->goal.is_clustered == (c.aim != CLUSTER_MODE_DISABLED))
        chosen = primary; /* a failover has done it */
    for (size_t i = 0; i < g->member_count && !chosen; i++)
        if (&g->members[i] != primary && !g->members[i].is_removed &&
            g->members[i].cluster.is_wanted && member_is_ready(g, &g->members[i]))
            chosen = &g->members[i];
    if (!chosen)
        return false;
    g->operation.data = arena_printf(d->arena, "%lld %lld %lld %s %s", (long long)s->id,
                                     (long long)primary->cluster.id, (long long)chosen->cluster.id,
                                     cluster_mode_name(c.aim), c.parameter_group);
    decide_group_operation(d, g);
    return true;
}

void cluster_mode_take(struct group_view *g, struct decisions *d)
{
    g->group.mode = read_change(g, d).aim;
    decide_group(d, g);
    topology_tell_all(g, d); /* nodes hear of the mode with it */
    decide_group_event(d, g, EVENT_GROUP_MODE_CHANGED, g->group.name,
                       cluster_mode_name(g->group.mode));
}

static void return_parameters(struct group_view *g, struct decisions *d, const char *name)
{
    g->group.common.parameter_group = name;
    decide_group(d, g);
    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        if (m->is_removed || !m->cluster.is_wanted)
            continue;
        m->cluster.parameter_group = name;
        d->about = &m->cluster;
        decide_cluster(d, m);
    }
}

void cluster_mode_give_up(struct group_view *g, struct decisions *d)
{
    struct change c = read_change(g, d);
    const struct view *primary = shard_primary(g, &g->shards.items[0]);
    const struct node *n = primary ? member_node(primary) : NULL;

    if (n && n->goal.is_clustered == (c.aim != CLUSTER_MODE_DISABLED))
        cluster_mode_take(g, d);
    else
        return_parameters(g, d, c.parameter_group);
}

void cluster_mode_mend(struct group_view *g, struct decisions *d)
{
    bool is_clustered = g->group.mode != CLUSTER_MODE_DISABLED, is_needed = false;

    for (size_t i = 0; i < g->member_count; i++) {
        const struct node *n = member_node(&g->members[i]);
        is_needed |= n && n->is_wanted && n->goal.has && n->goal.is_clustered != is_clustered;
    }
    /* One that does not come up at all is started anew, too: nothing is lost by that. */
    if (is_needed && !roll(g, d, is_clustered))
        for (size_t i = 0; i < g->member_count; i++) {
            struct view *m = &g->members[i];
            const struct node *n = member_node(m);
            bool is_stuck = n && n->is_wanted && n->goal.has && !member_is_ready(g, m) &&
                            n->goal.is_clustered != is_clustered &&
                            shard_primary(g, member_shard(g, m)) != m;
            if (is_stuck)
                start_anew(m, is_clustered, d);
        }
}
