/*
 * A primary that its replicas do not reach goes on alone (without `sync`), and what it writes is
 * nowhere else. That is said while it is well, so that it is known when it ends: who had lost it
 * long before is then no more than a last resort.
 */
#include "controlplane/reconcile/lags.h"

#include "base/arena.h"
#include "controlplane/reconcile/groups.h"

#include <string.h>

#define LAG_MS  10000
#define TELL_MS 1000 /* whoever has more has said so by then */

bool member_lags(const struct view *m)
{
    return member_node(m) && member_node(m)->goal.is_lagging;
}

void lags_tell_waiting(struct group_view *g, struct shard *s, int64_t since_ms, struct decisions *d)
{
    if (s->lease.is_told)
        return;
    if (g->now_ms < since_ms + TELL_MS) {
        decide_wake(d, since_ms + TELL_MS);
        return;
    }
    s->lease.is_told = true;
    decide_shard(d, g, s, "none of its members followed the last primary to its end");
    decide_group_event(d, g, EVENT_FAILOVER_WAITS_STALE, s->number, NULL);
}

void lags_tell_lost(struct group_view *g, const struct view *lost, const struct view *successor,
                    struct decisions *d)
{
    if (!lost || lost == successor || !member_node(lost))
        return;
    int64_t bytes = member_node(lost)->saw.offset - member_node(successor)->saw.offset;
    if (bytes > 0)
        decide_group_event(d, g, EVENT_FAILOVER_BYTES_LOST, lost->cluster.name,
                           arena_printf(d->arena, "%lld", (long long)bytes));
}

/* It followed, runs on, and does not follow any more. */
static bool has_lost_primary(const struct view *m)
{
    const struct node_saw *saw = &member_node(m)->saw;

    return member_is_up(m) && !member_is_unheard(m) && strcmp(saw->role, "replica") == 0 &&
           !saw->is_link_up && saw->unlinked_ms > 0;
}

static void tell(struct group_view *g, struct view *m, const struct view *primary,
                 struct decisions *d)
{
    decide_group_event(d, g, EVENT_REPLICA_LAGS, m->cluster.name, primary->cluster.name);
    decide_told_lagging(d, member_node(m), true);
}

static void look_at(struct group_view *g, struct view *m, const struct view *primary,
                    struct decisions *d)
{
    struct node *n = member_node(m);
    int64_t since_ms = g->now_ms - n->saw.unlinked_ms;

    d->about = &m->cluster;
    if (m == primary && n->goal.is_lagging) {
        decide_told_lagging(d, n, false);
    } else if (n->goal.is_lagging && n->saw.is_link_up) {
        decide_group_event(d, g, EVENT_REPLICA_FOLLOWS, m->cluster.name, primary->cluster.name);
        decide_told_lagging(d, n, false);
    } else if (!n->goal.is_lagging && m != primary && has_lost_primary(m)) {
        if (since_ms >= LAG_MS || since_ms < 0)
            tell(g, m, primary, d);
        else
            decide_wake(d, n->saw.unlinked_ms + LAG_MS);
    }
}

/* While members come and go by plan they have every reason not to follow. */
void lags_look(struct group_view *g, struct shard *s, struct decisions *d)
{
    struct view *primary = shard_primary(g, s);

    if (!primary || !primary_is_confirmed(g, s) || member_is_unheard(primary) || g->has_operation)
        return;
    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        if (m->cluster.shard_id == s->id && m->cluster.is_wanted && member_node(m) &&
            member_node(m)->goal.has && member_node(m)->saw.has)
            look_at(g, m, primary, d);
    }
}
