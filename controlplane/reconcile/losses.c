/*
 * A primary whose host is not heard of may have ended, or only be out of our sight. Its lease tells
 * them apart: its voters are asked to promise the next term, and promise when what they granted has
 * run out. While it renews its lease at a majority of them nothing happens.
 *
 *     not heard of -> voters asked -> a majority promised -> vacant -> the best one is the primary
 *                  <- heard again
 *
 * By the promises no primary of a lower term takes writes any more. The shard is vacant then: by
 * the promised term each member is a replica of nobody, so that what it says of how far it came is
 * the last word. The best of them is the primary of the term after that. Where promotions count on
 * acknowledged writes so many have to say it as acks.c asks for, however long that takes; else
 * those that say it soon.
 *
 * A primary that we hear of and that has no lease is cut off from its voters: those that hear one
 * another have a successor by the same way, which it is none of. When that one has no lease either,
 * nobody reaches anybody: the one before it, who has more, is named again, and nothing is lost.
 */
#include "controlplane/reconcile/losses.h"

#include "base/arena.h"
#include "controlplane/reconcile/acks.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/lags.h"
#include "controlplane/reconcile/restraint.h"

#include <string.h>

/* How long members may take to say how far they came; one that says it later does not count. */
#define OFFSETS_WAIT_MS 300

/* --- who could take over --- */

static bool is_other(const struct shard *s, const struct view *m)
{
    return m->cluster.shard_id == s->id && m->cluster.is_wanted &&
           m->cluster.id != s->goal.primary_id;
}

static bool has_heir(const struct group_view *g, const struct shard *s)
{
    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        if (is_other(s, m) && !member_is_unheard(m) && member_is_fit(s, m))
            return true;
    }
    return false;
}

struct heirs {
    struct view *best;
    struct view *any; /* of those that run at all */
    bool has_late;    /* one that is there has not said yet how far it came */
    bool has_unheard; /* one is on a host that is not heard of */
};

/* It has some of the lost one's stream, or had all while there was nothing. */
static bool has_followed(const struct shard *s, const struct view *m)
{
    const struct node_saw *saw = &member_node(m)->saw;

    return strcmp(saw->role, "replica") == 0 &&
           (saw->offset > 0 || saw->followed_term == s->lease.lost_term);
}

static struct heirs heirs_of(const struct group_view *g, const struct shard *s)
{
    const struct view *lost = group_member(g, s->lease.lost_id);
    const char *zone = lost && member_node(lost) ? member_node(lost)->host_zone : "";
    struct heirs heirs = {0};

    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        if (m->cluster.shard_id != s->id || !m->cluster.is_wanted || !member_node(m) ||
            !member_node(m)->goal.has)
            continue;
        heirs.has_unheard |= member_is_unheard(m);
        bool is_cut_off = s->lease.is_cut_off && m == lost;
        if (!member_is_up(m) || member_is_unheard(m) || is_cut_off)
            continue;
        if (member_is_better(g, m, heirs.any, zone))
            heirs.any = m;
        if (member_node(m)->saw.term < s->goal.term)
            heirs.has_late = true;
        else if (has_followed(s, m) && !member_lags(m) && member_is_better(g, m, heirs.best, zone))
            heirs.best = m;
    }
    return heirs;
}

/* --- from one state to the next --- */

/* One that was only named may be passed over however often that happened. */
static bool may_go_on(struct group_view *g, struct shard *s, bool is_cut_off, struct decisions *d)
{
    return (is_cut_off && s->goal.life != 0) || restraint_allows(g, s, d);
}

static void ask_voters(struct group_view *g, struct shard *s, bool is_cut_off, struct decisions *d)
{
    if (!has_heir(g, s) || !may_go_on(g, s, is_cut_off, d))
        return;
    s->lease.asked_term = shard_highest_term(g, s) + 1;
    decide_shard(d, g, s,
                 is_cut_off ? "its primary has no lease: voters are asked"
                            : "its primary is not heard of: voters are asked");
}

/* Somebody knows a term that may have been another primary's. */
static void ask_for_more(struct group_view *g, struct shard *s, struct decisions *d)
{
    s->lease.asked_term = shard_highest_term(g, s) + 1;
    decide_shard(d, g, s, "somebody knows a higher term than the one that was asked for");
}

static void stop_asking(struct group_view *g, struct shard *s, struct decisions *d, const char *why)
{
    s->lease.asked_term = 0;
    s->lease.is_told = false;
    bool is_outgrown = shard_highest_term(g, s) > s->goal.term; /* a voter grants it no lease */
    if (is_outgrown && s->goal.acks.asked)
        acks_ask(g, s, shard_primary(g, s), d); /* it was named, and is still none */
    else if (is_outgrown)
        groups_raise(g, s, d, why);
    else
        decide_shard(d, g, s, why);
}

static void question(struct group_view *g, struct shard *s, int64_t term)
{
    s->goal.term = term;
    s->goal.acks.after = 0;
    s->goal.acks.asked = OFFSETS_ASKED;
    s->goal.acks.asked_ms = s->lease.vacated_ms = g->now_ms;
}

/* The life that the role was for is asked for once more: see restraint_count. */
static void vacate(struct group_view *g, struct shard *s, bool is_cut_off, struct decisions *d)
{
    s->lease.lost_term = s->goal.term;
    s->lease.is_cut_off = is_cut_off;
    question(g, s, s->lease.asked_term);
    s->goal.after_offset = 0;
    if (!is_cut_off)
        s->goal.life = 0;
    s->lease.asked_term = 0;
    s->lease.is_told = false;
    s->lease.lost_id = s->goal.primary_id;
    s->lease.lost_offset = 0;
    decide_shard(d, g, s, "its lease ran out: its members say how far they came");
}

/* The host of the lost one is told of as one of a crashed node is, for as long as it is not back.
 */
static void tell_failover(struct group_view *g, const struct view *lost, const struct view *chosen,
                          struct decisions *d)
{
    struct node *n = lost ? member_node(lost) : NULL;

    if (!lost || lost == chosen)
        return;
    decide_group_event(d, g, EVENT_FAILOVER_DONE, lost->cluster.name, chosen->cluster.name);
    if (!n || n->goal.is_told_down)
        return;
    d->about = &lost->cluster;
    decide_event(d, lost, EVENT_NODE_RECOVERING, n->number, NULL);
    decide_told(d, n, n->goal.crashes_told, true);
}

/* Whether so much has passed since then; a clock that was set back is no reason to wait longer. */
static bool is_past(const struct group_view *g, const struct shard *s, int64_t ms,
                    struct decisions *d)
{
    int64_t since_ms = g->now_ms - s->lease.vacated_ms;

    if (since_ms >= ms || since_ms < 0)
        return true;
    if (ms < INT64_MAX)
        decide_wake(d, s->lease.vacated_ms + ms);
    return false;
}

static struct view *choose(const struct group_view *g, const struct shard *s,
                           const struct heirs *heirs, struct decisions *d)
{
    if (heirs->has_late && !is_past(g, s, OFFSETS_WAIT_MS, d))
        return NULL;
    if (heirs->best)
        return heirs->best;
    bool may_be = !s->lease.is_cut_off && group_takes_stale(g, heirs->has_unheard);
    return may_be && is_past(g, s, group_patience_ms(g, s), d) ? heirs->any : NULL;
}

/* What they say counts as an answer to this very question. */
static bool is_asked_in_vain(const struct group_view *g, const struct shard *s)
{
    return acks_counts(s) && shard_highest_term(g, s) > s->goal.term;
}

static struct view *choose_among(struct group_view *g, struct shard *s, const struct view *lost,
                                 bool *out_is_sure, struct decisions *d)
{
    if (acks_counts(s))
        return acks_choose(g, s, lost, out_is_sure);
    struct heirs heirs = heirs_of(g, s);
    struct view *chosen = choose(g, s, &heirs, d);
    if (!chosen && !heirs.best && heirs.any && !s->lease.is_cut_off)
        lags_tell_waiting(g, s, s->lease.vacated_ms, d);
    *out_is_sure = true;
    return chosen;
}

/* Where none of the others will do, one that is cut off from them is as good as it ever was. */
static struct view *choose_successor(struct group_view *g, struct shard *s, const struct view *lost,
                                     bool *out_is_sure, struct decisions *d)
{
    struct view *chosen = choose_among(g, s, lost, out_is_sure, d);

    if (!chosen && s->lease.is_cut_off && is_past(g, s, OFFSETS_WAIT_MS, d)) {
        s->lease.is_cut_off = false;
        chosen = choose_among(g, s, lost, out_is_sure, d);
        s->lease.is_cut_off = true;
    }
    if (!chosen && acks_counts(s))
        acks_tell_waiting(g, s, d);
    return chosen;
}

static void fill(struct group_view *g, struct shard *s, struct decisions *d)
{
    const struct view *lost = group_member(g, s->lease.lost_id);
    bool is_sure;

    if (is_asked_in_vain(g, s)) {
        question(g, s, shard_highest_term(g, s) + 1);
        decide_shard(d, g, s, "a higher term is known: its members say again how far they came");
        return;
    }
    const struct view *chosen = choose_successor(g, s, lost, &is_sure, d);
    if (!chosen)
        return; /* it waits for a report */
    s->lease.lost_offset = member_node(chosen)->saw.offset;
    if (chosen == lost)
        s->lease.lost_id = 0;
    if (s->lease.is_cut_off && lost && chosen != lost)
        decide_group_event(d, g, EVENT_PRIMARY_CUT_OFF, lost->cluster.name, NULL);
    if (!is_sure)
        decide_group_event(d, g, EVENT_FAILOVER_UNSURE, s->number, NULL);
    if (!acks_counts(s) && (member_lags(chosen) || !has_followed(s, chosen)))
        decide_group_event(d, g, EVENT_FAILOVER_STALE, s->number, chosen->cluster.name);
    lags_tell_lost(g, lost, chosen, d);
    tell_failover(g, lost, chosen, d);
    groups_promote_as_seen(g, s, chosen, d, "the lease of its primary ran out");
}

/* --- a primary that goes on out of our sight --- */

static void tell_degraded(struct group_view *g, struct shard *s, const struct view *primary,
                          struct decisions *d)
{
    const struct host *host = view_host(primary, member_node(primary)->goal.host_id);

    if (s->lease.is_told || !host || !host->is_silent)
        return;
    s->lease.is_told = true;
    decide_shard(d, g, s, "its primary is not heard of, and its lease is granted");
    decide_group_event(d, g, EVENT_PRIMARY_UNHEARD, s->number, primary->cluster.name);
}

/* --- what the lost one had alone --- */

static void tell_dropped(struct group_view *g, const struct shard *s, const struct view *lost,
                         struct decisions *d)
{
    int64_t bytes = member_node(lost)->saw.offset - s->lease.lost_offset;

    if (bytes > 0)
        decide_group_event(d, g, EVENT_UNREPLICATED_DROPPED, lost->cluster.name,
                           arena_printf(d->arena, "%lld", (long long)bytes));
}

/* When it comes back it says how far it had come, before it is told to follow. */
static void count_dropped(struct group_view *g, struct shard *s, struct decisions *d)
{
    const struct view *lost = group_member(g, s->lease.lost_id);

    if (s->lease.lost_id == 0 || s->lease.vacated_ms || (lost && member_is_unheard(lost)))
        return;
    const struct node_saw *saw = lost && member_node(lost) ? &member_node(lost)->saw : NULL;
    if (saw && member_is_up(lost) && saw->term < s->goal.term && strcmp(saw->role, "primary") == 0)
        tell_dropped(g, s, lost, d);
    s->lease.lost_id = s->lease.lost_term = s->lease.lost_offset = 0;
    decide_shard(d, g, s, "the primary that was lost is back");
}

/* --- all of it --- */

/* By its own word, of now. */
static bool is_unleased(const struct view *primary)
{
    const struct node *n = member_node(primary);
    return !member_is_unheard(primary) && member_is_up(primary) && n->saw.is_unleased;
}

/* A lease tells who takes writes; without one, and while roles change by plan, silence is no end.
 */
static bool may_be_lost(const struct group_view *g, const struct shard *s,
                        const struct view *primary)
{
    const struct node *n = primary ? member_node(primary) : NULL;

    return n && n->is_wanted && n->goal.has && s->lease.is_held && s->goal.fenced_id == 0 &&
           g->group.has_failover && (member_is_unheard(primary) || is_unleased(primary));
}

void losses_look(struct group_view *g, struct shard *s, struct decisions *d)
{
    struct view *primary = shard_primary(g, s);

    if (s->lease.vacated_ms) {
        fill(g, s, d);
        return;
    }
    count_dropped(g, s, d);
    if (!may_be_lost(g, s, primary)) {
        if (s->lease.asked_term)
            stop_asking(g, s, d, "its primary is heard again, and has its lease");
        return;
    }
    if (restraint_is_cut_off(g->region))
        return; /* nothing that is not certain; what was asked for stays so */
    bool is_cut_off = is_unleased(primary);
    if (s->lease.asked_term == 0)
        ask_voters(g, s, is_cut_off, d);
    else if (shard_highest_term(g, s) > s->lease.asked_term)
        ask_for_more(g, s, d);
    else if (promises_suffice(&g->promises, &s->lease, s->id, s->lease.asked_term) &&
             may_go_on(g, s, is_cut_off, d))
        vacate(g, s, is_cut_off, d);
    if (s->lease.asked_term)
        tell_degraded(g, s, primary, d);
}
