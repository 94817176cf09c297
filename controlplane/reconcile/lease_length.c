/*
 * A lease must outlast what is late: of the time between two renewals and the end of a lease no
 * more than a fifth may be taken by it. Where the hosts of a shard are late, again and again, its
 * leases get longer, at once, and shorter by one step when less would have done for half an hour.
 *
 * Voters grant no more than they know of (lease/voter.h), and holders count what was granted: so
 * who hears of a greater length first does no harm. A smaller one is for the holder first, and for
 * the voters when it has said so and nothing longer can count any more: one that is started anew
 * waits for as long as it may have granted.
 */
#include "controlplane/reconcile/lease_length.h"

#include "base/arena.h"
#include "controlplane/reconcile/groups.h"
#include "lease/voter.h"

#define LATE_PART 5 /* one in so many */

static const int steps_ms[] = {SHARD_LEASE_MS, 2000, 3000, 5000};

int64_t lease_settle_ms(const struct shard *s)
{
    return 2 * lease_grant_ms(shard_lease_most_ms(&s->lease));
}

int lease_length_for(int64_t late_ms)
{
    for (size_t i = 0; i < countof(steps_ms); i++)
        if (steps_ms[i] - LEASE_RENEW_MS >= LATE_PART * late_ms)
            return steps_ms[i];
    return steps_ms[countof(steps_ms) - 1];
}

/* Where one does not say how late it is, it may be of a version that knows one length alone. */
static int wanted_ms(const struct group_view *g, const struct shard *s)
{
    int64_t late_ms = 0;

    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        const struct node *n = member_node(m);
        if (m->cluster.shard_id != s->id || !n || !n->goal.has)
            continue;
        const struct host *host = view_host(m, n->goal.host_id);
        if (!host || !voters_have(s->lease.voters, host->id))
            continue;
        if (host->lease_late_ms < 0)
            return SHARD_LEASE_MS;
        if (host->lease_late_ms > late_ms)
            late_ms = host->lease_late_ms;
    }
    return lease_length_for(late_ms);
}

static int shorter_ms(int ms)
{
    int shorter = SHARD_LEASE_MS;

    for (size_t i = 0; i < countof(steps_ms) && steps_ms[i] < ms; i++)
        shorter = steps_ms[i];
    return shorter;
}

static bool is_calm_enough(const struct group_view *g, const struct shard *s)
{
    return s->lease.calm_ms && g->now_ms >= s->lease.calm_ms + g->lease_calm_ms;
}

bool lease_length_is_due(const struct group_view *g, const struct shard *s)
{
    int ms = shard_lease_ms(&s->lease), wanted = wanted_ms(g, s);

    return wanted > ms || shard_lease_most_ms(&s->lease) > ms ||
           (wanted < ms) != (s->lease.calm_ms != 0) || (wanted < ms && is_calm_enough(g, s));
}

static void change(struct group_view *g, struct shard *s, int ms, struct decisions *d)
{
    bool is_longer = ms > shard_lease_ms(&s->lease);

    s->lease.most_ms = shard_lease_most_ms(&s->lease);
    if (s->lease.most_ms < ms)
        s->lease.most_ms = ms;
    s->lease.ms = ms;
    s->lease.calm_ms = 0;
    decide_group_event(d, g, is_longer ? EVENT_LEASE_LONGER : EVENT_LEASE_SHORTER, s->number,
                       arena_printf(d->arena, "%d", ms));
}

/* Since when less would do, for as long as it does. */
static void watch_calm(struct group_view *g, struct shard *s, bool is_calm, struct decisions *d)
{
    if (is_calm != (s->lease.calm_ms != 0)) {
        s->lease.calm_ms = is_calm ? g->now_ms : 0;
        decide_shard(d, g, s, is_calm ? "shorter leases would do" : "shorter leases would not do");
    }
    if (is_calm)
        decide_wake(d, s->lease.calm_ms + g->lease_calm_ms);
}

bool lease_length_look(struct group_view *g, struct shard *s, struct decisions *d)
{
    int ms = shard_lease_ms(&s->lease), wanted = wanted_ms(g, s);

    if (wanted > ms) {
        change(g, s, wanted, d);
        return true;
    }
    if (shard_lease_most_ms(&s->lease) > ms) {
        s->lease.most_ms = ms;
        return true;
    }
    if (wanted < ms && is_calm_enough(g, s)) {
        change(g, s, shorter_ms(ms), d);
        return true;
    }
    watch_calm(g, s, wanted < ms, d);
    return false;
}
