/*
 * A fault that follows the role, as a command that ends whoever runs it, would end one member after
 * the other, and each end costs what its memory had. So primaries that end one upon another are
 * counted: three are replaced in ten minutes, the fourth is not, and the other members keep what
 * they have. One that was the primary for a second, and of a shard that was whole, is replaced
 * however often that happens: its end is certain, and nobody is worse off.
 */
#include "controlplane/reconcile/restraint.h"

#include "base/str.h"
#include "controlplane/reconcile/groups.h"

#define FALLS_MOST      3
#define FALLS_WINDOW_MS 600000
#define REST_MS         1000 /* from the last one on, until a shard that is whole is at rest */

/* Its users want another primary, and have seen what became of the last ones; or a switch has come
 * so far that only the fenced one can end it, which has all there is. One that is fenced because it
 * keeps the data for another one is counted as any. */
static bool is_asked_for(const struct group_view *g, const struct shard *s)
{
    struct str rest = str_of(g->has_operation ? g->operation.data : "");
    int64_t shard_id;

    if (s->goal.fenced_id && s->heir_id == 0)
        return true;
    return g->has_operation && g->operation.kind == GROUP_SWITCH &&
           g->operation.created_ms >= s->fell_ms && str_to_i64(str_cut(&rest, ' '), &shard_id) &&
           shard_id == s->id;
}

/* What came before still counts. A clock that was set back is no reason to wait for longer. */
static bool is_counting(const struct group_view *g, const struct shard *s)
{
    bool is_recent = g->now_ms >= s->fell_ms && g->now_ms < s->fell_ms + FALLS_WINDOW_MS;
    return s->falls > 0 && is_recent && !is_asked_for(g, s);
}

bool restraint_allows(const struct group_view *g, struct shard *s, struct decisions *d)
{
    if (!is_counting(g, s) || s->falls < FALLS_MOST)
        return true;
    if (s->falls == FALLS_MOST) {
        s->falls++;
        decide_shard(d, g, s, "its primaries end one upon another: no other one for now");
        decide_group_event(d, g, EVENT_FAILOVER_HELD, s->number, NULL);
    }
    decide_wake(d, s->fell_ms + FALLS_WINDOW_MS);
    return false;
}

bool restraint_holds(const struct group_view *g, const struct shard *s)
{
    return is_counting(g, s) && s->falls > FALLS_MOST;
}

void restraint_count(const struct group_view *g, struct shard *s)
{
    if (s->lease.is_cut_off && s->goal.life)
        return;
    if (!is_counting(g, s)) {
        s->falls = 0;
        s->fell_ms = g->now_ms;
    }
    s->falls++;
    s->last_fell_ms = g->now_ms;
}

static bool is_whole(const struct group_view *g, const struct shard *s)
{
    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        if (m->cluster.shard_id == s->id && m->cluster.is_wanted && !member_is_ready(g, m))
            return false;
    }
    return true;
}

void restraint_rest(struct group_view *g, struct shard *s, struct decisions *d)
{
    if (s->falls == 0 || !is_whole(g, s))
        return;
    if (g->now_ms >= s->last_fell_ms && g->now_ms < s->last_fell_ms + REST_MS) {
        decide_wake(d, s->last_fell_ms + REST_MS);
        return;
    }
    s->falls = 0;
    decide_shard(d, g, s, "all its members are there again");
}

bool restraint_is_in_doubt(const struct region_view *region)
{
    return hosts_are_mostly_silent(&region->hosts);
}

bool restraint_is_cut_off(const struct region_view *region)
{
    return hosts_are_mostly_quiet(&region->hosts);
}
