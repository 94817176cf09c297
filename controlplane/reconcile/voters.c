/*
 * The hosts of a shard's members vote on the lease of its primary, and the control plane does where
 * their number is even. Voters come and go one at a time, and the next one only when the primary
 * has said that it goes by the set as it is, and what was granted before has run out. Any majority
 * of a set has a voter in common with any majority of the set before it or behind it: so whoever
 * was granted a lease by one of them is seen by whoever asks the other one for promises. How long
 * leases last is changed between such steps: lease_length.c.
 */
#include "controlplane/reconcile/voters.h"

#include "base/str.h"
#include "controlplane/model/settings.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/lease_length.h"

#include <string.h>

/* --- who should vote --- */

static bool has_lease(const struct group_view *g, const struct shard *s)
{
    return g->group.has_failover && s->is_wanted && s->goal.has && s->goal.source.port == 0;
}

/* One that is not heard of is waited for only where it votes already. */
static bool may_vote(const struct shard *s, const struct host *host)
{
    return voters_have(s->lease.voters, host->id) || (!host->is_silent && !host->is_quiet);
}

/* The set that the shard should have; NULL while a host cannot vote, "" where there is to be no
 * lease: nobody could be promoted without the primary's host. */
static const char *wanted_voters(const struct group_view *g, const struct shard *s, struct arena *a)
{
    const char *voters = "";

    for (size_t i = 0; i < g->member_count && has_lease(g, s); i++) {
        const struct view *m = &g->members[i];
        const struct node *n = member_node(m);
        if (m->cluster.shard_id != s->id || !m->cluster.is_wanted || !n || !n->is_wanted ||
            !n->goal.has)
            continue;
        const struct host *host = view_host(m, n->goal.host_id);
        if (!host || host->peer_port == 0)
            return NULL;
        if (may_vote(s, host) && !voters_have(voters, host->id))
            voters = voters_with(a, voters, host->id);
    }
    size_t count = voters_count(voters);
    if (count < 2)
        return "";
    return count % 2 == 0 && g->has_vote ? voters_with(a, voters, CONTROL_PLANE_VOTER) : voters;
}

/* --- one step --- */

static void take_set(const struct group_view *g, struct shard *s, const char *voters,
                     struct decisions *d, const char *why)
{
    s->lease.voters = voters;
    s->lease.number++;
    s->lease.settled_ms = 0;
    decide_shard(d, g, s, why);
}

/* The first word of `of` that is none of `voters`; NULL when there is none. */
static const char *first_beyond(struct arena *a, const char *of, const char *voters)
{
    for (struct str rest = str_of(of); rest.len > 0;) {
        const char *word = str_dup(a, str_cut(&rest, ' '));
        if (!voters_have(voters, word))
            return word;
    }
    return NULL;
}

/* Who comes, comes first: at no time are there fewer than there should be. */
static void change_one(struct group_view *g, struct shard *s, const char *wanted,
                       struct decisions *d)
{
    const char *comes = first_beyond(d->arena, wanted, s->lease.voters);
    const char *goes = first_beyond(d->arena, s->lease.voters, wanted);

    if (comes)
        take_set(g, s, voters_with(d->arena, s->lease.voters, comes), d, "another voter");
    else if (goes)
        take_set(g, s, voters_without(d->arena, s->lease.voters, goes), d, "one voter less");
    else if (lease_length_look(g, s, d))
        take_set(g, s, s->lease.voters, d, "leases of another length");
}

/* The length is changed as the set is: one step after the other. */
static bool is_other(const struct group_view *g, const struct shard *s, const char *wanted,
                     struct arena *a)
{
    return first_beyond(a, wanted, s->lease.voters) || first_beyond(a, s->lease.voters, wanted) ||
           lease_length_is_due(g, s);
}

/* The primary has said that it goes by this set: from now on it takes writes under a lease alone,
 * and so does everyone that comes after it. */
static bool is_obeyed(const struct group_view *g, const struct shard *s)
{
    const struct view *primary = shard_primary(g, s);
    struct settings_version applied;

    return primary && primary_is_confirmed(g, s) &&
           settings_version_parse(member_node(primary)->saw.applied_settings, &applied) &&
           applied.term == s->goal.term && applied.voters == s->lease.number;
}

static bool has_any(const struct shard *s)
{
    return s->lease.voters && *s->lease.voters;
}

static void end_lease(const struct group_view *g, struct shard *s, struct decisions *d)
{
    s->lease.is_held = false;
    s->lease.asked_term = 0;
    take_set(g, s, "", d, "no other host could take over: no lease is needed");
}

/* Only while the primary is what it should be, and nothing is under way. */
static bool is_calm(const struct shard *s)
{
    return s->lease.asked_term == 0 && s->lease.vacated_ms == 0 && s->goal.fenced_id == 0;
}

void voters_look(struct group_view *g, struct shard *s, struct decisions *d)
{
    if (!is_calm(s) || !s->goal.has)
        return;
    const char *wanted = wanted_voters(g, s, d->arena);
    if (has_any(s) && s->lease.settled_ms == 0 && is_obeyed(g, s)) {
        s->lease.settled_ms = g->now_ms;
        s->lease.is_held = true;
        decide_shard(d, g, s, "its primary goes by its voters");
    }
    if (!wanted)
        return;
    if (!*wanted && has_any(s)) {
        end_lease(g, s, d);
    } else if (*wanted && !has_any(s)) {
        take_set(g, s, wanted, d, "its primary is to have a lease");
    } else if (*wanted && s->lease.settled_ms) {
        int64_t settled_ms = s->lease.settled_ms + lease_settle_ms(s);
        if (g->now_ms >= settled_ms)
            change_one(g, s, wanted, d);
        else if (is_other(g, s, wanted, d->arena))
            decide_wake(d, settled_ms);
    }
}
