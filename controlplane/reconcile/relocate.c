/*
 * A replica whose host was not heard of for long enough gets another place, and begins there with
 * nothing but its primary's stream. Its name and its number stay; its host, should it come back, is
 * not told of it any more and removes what it had. A primary is not moved: what it has nobody else
 * may have.
 */
#include "controlplane/reconcile/relocate.h"

#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/restraint.h"

/* The silent host of a member that is to be made anew elsewhere, sooner or later; or NULL. */
static const struct host *lost_host(const struct group_view *g, const struct view *m)
{
    const struct node *n = member_node(m);
    const struct shard *s = n && n->is_wanted && n->goal.has ? member_shard(g, m) : NULL;

    if (!s || !s->goal.has || n->goal.state != NODE_RUNNING || s->goal.fenced_id ||
        s->goal.primary_id == m->cluster.id || s->goal.acks.asked || s->lease.asked_term ||
        s->lease.vacated_ms)
        return NULL;
    const struct host *host = view_host(m, n->goal.host_id);
    return host && host->is_silent && host->silent_ms > 0 ? host : NULL;
}

/* Somebody is there to fetch the data from. */
static bool has_source(const struct group_view *g, const struct view *m)
{
    const struct shard *s = member_shard(g, m);
    const struct view *primary = shard_primary(g, s);

    return primary && primary_is_confirmed(g, s) && !member_is_unheard(primary);
}

static void tell_down(struct view *m, struct node *n, struct decisions *d)
{
    d->about = &m->cluster;
    if (!n->goal.is_told_down)
        decide_event(d, m, EVENT_NODE_RECOVERING, n->number, NULL);
}

static void relocate(struct group_view *g, struct view *m, struct decisions *d)
{
    struct node *n = member_node(m);
    struct place_request request = member_request(d->arena, m, n);
    struct place_choice choice;

    if (place_nodes(g->region->board, &request, 1, &choice) != PLACE_OK)
        return; /* a host's arrival or another node's end wakes us again */
    tell_down(m, n, d);
    member_settle(m, n, &choice, request.memory_bytes, g->group.mode != CLUSTER_MODE_DISABLED, d,
                  "its host is lost");
    decide_told(d, n, 0, true);
}

void relocate_members(struct group_view *g, struct decisions *d)
{
    if (!g->group.is_wanted || g->replace_after_ms <= 0)
        return;
    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        const struct host *host = lost_host(g, m);
        if (!host || restraint_is_in_doubt(g->region))
            continue;
        int64_t due_ms = host->silent_ms + g->replace_after_ms;
        if (g->now_ms < due_ms)
            decide_wake(d, due_ms);
        else if (has_source(g, m))
            relocate(g, m, d);
    }
}
