/* Who votes, who holds, and what they send each other: lease/ as it is, at each site by its own
 * clock. The shard is number 1; a holder is known by the number of its member. */
#include "play_parts.h"

#include <string.h>

#define SHARD       1
#define LONG_AGO    1000000
#define UNLEASED_MS 1000

static struct lease_voter **voter_at(struct play *p, int site)
{
    return site == PLAY_PLANE ? &p->voter : &p->nodes[site].voter;
}

static uint64_t number_of(int site)
{
    return (uint64_t)site + 1;
}

/* --- voters --- */

/* What a host votes on it learns from its goals, and the terms from its disk. */
static void know(struct play *p, int site, int64_t term, int most_ms)
{
    struct lease_voter *v = *voter_at(p, site);
    int64_t now_ms = play_clock_ms(p, site);

    if (p->faults.plant == PLANT_SHORT && !lease_voter_knows(v, SHARD))
        now_ms -= most_ms - LEASE_MS;
    if (p->faults.plant == PLANT_LOST_VOTE)
        lease_voter_know(v, SHARD, 0, most_ms, now_ms - LONG_AGO);
    else
        lease_voter_know(v, SHARD, term, most_ms, now_ms);
}

void play_voter_restart(struct play *p, int site)
{
    struct lease_voter **v = voter_at(p, site);

    lease_voter_free(*v);
    *v = lease_voter_new();
    if (site != PLAY_PLANE)
        p->nodes[site].is_holder = false;
}

static void promise(struct play *p, int member)
{
    struct play_node *n = &p->nodes[member];
    int64_t asked = n->goal.asked_term;

    if (n->goal.term >= n->promised_term)
        n->promised_term = 0; /* else it is told of, asked for or not */
    if (asked == 0)
        return;
    if (p->faults.plant == PLANT_EAGER_VOTE)
        lease_voter_ended(n->voter, SHARD, asked - 1);
    if (!lease_voter_promise(n->voter, SHARD, asked, play_clock_ms(p, member)))
        return;
    n->promised_term = asked;
    if (n->highest_term < asked)
        n->highest_term = asked;
}

static void vote(struct play *p, int member)
{
    struct play_node *n = &p->nodes[member];

    if (!n->goal.has || n->goal.voters == 0) {
        lease_voter_forget(n->voter, SHARD);
        return;
    }
    know(p, member, n->highest_term, n->goal.most_ms);
    promise(p, member);
}

/* --- holders --- */

/* A lease is renewed for the process that the role is meant for, and no longer. */
static bool should_hold(const struct play_node *n)
{
    const struct play_goal *g = &n->goal;

    return g->has && g->is_primary && !g->is_fenced && g->voters && n->is_up &&
           g->term >= n->highest_term && (g->life == 0 || g->life == n->crashes + 1);
}

static void begin_holding(struct play *p, int member)
{
    struct play_node *n = &p->nodes[member];
    const struct lease_entry renewal = {SHARD, n->goal.term, member + 1, n->goal.lease_ms};
    const struct lease_holder before = n->holder;
    uint64_t voters[PLAY_SITES];
    size_t count = 0;

    for (int i = 0; i < PLAY_SITES; i++)
        if (n->goal.voters >> i & 1)
            voters[count++] = number_of(i);
    lease_holder_init(&n->holder, &renewal, voters, count);
    if (n->is_holder)
        lease_holder_take_over(&n->holder, &before);
    n->is_holder = true;
    n->voters_number = n->goal.version.voters;
    n->renewed_ms = play_clock_ms(p, member) - LEASE_RENEW_MS;
}

static void renew(struct play *p, int member)
{
    struct play_node *n = &p->nodes[member];
    int64_t now_ms = play_clock_ms(p, member);
    struct lease_entry said;

    n->renewed_ms = now_ms;
    for (int i = 0; i < PLAY_SITES; i++) {
        if (!(n->goal.voters >> i & 1))
            continue;
        if (i != member)
            play_send(p, member, i,
                      (struct play_message){
                          .kind = PLAY_RENEWAL, .entry = n->holder.renewal, .sent_ms = now_ms});
        else if (lease_voter_renew(n->voter, &n->holder.renewal, now_ms, &said))
            lease_holder_take(&n->holder, number_of(i), now_ms, &said);
    }
}

/* The engine is told of each lease that lasts longer, of the term of its role. */
static void tell_engine(struct play_node *n)
{
    int64_t until_ms = lease_holder_until_ms(&n->holder);
    bool is_its =
        n->is_up && n->is_primary && n->is_leased && n->role_term == n->holder.renewal.term;

    if (is_its && until_ms > n->lease_until_ms)
        n->lease_until_ms = until_ms;
}

static void hold(struct play *p, int member)
{
    struct play_node *n = &p->nodes[member];

    if (!should_hold(n)) {
        n->is_holder = false;
        return;
    }
    if (!n->is_holder || n->holder.renewal.term != n->goal.term ||
        n->voters_number != n->goal.version.voters)
        begin_holding(p, member);
    if (play_clock_ms(p, member) >= n->renewed_ms + LEASE_RENEW_MS)
        renew(p, member);
    tell_engine(n);
}

bool play_is_unleased(const struct play *p, const struct play_node *n)
{
    return n->unleased_ms && p->now_ms >= n->unleased_ms + UNLEASED_MS;
}

bool play_may_lead(const struct play *p, const struct play_node *n)
{
    if (n->goal.voters == 0)
        return true;
    return n->is_holder && n->holder.renewal.term == n->goal.term &&
           lease_holder_until_ms(&n->holder) > play_clock_ms(p, play_site(p, n));
}

static void look_for_lack(struct play *p, struct play_node *n)
{
    bool lacks = n->is_holder && !play_may_lead(p, n);

    if (!lacks)
        n->unleased_ms = 0;
    else if (n->unleased_ms == 0)
        n->unleased_ms = p->now_ms;
}

void play_lease_step(struct play *p, int member)
{
    vote(p, member);
    hold(p, member);
    look_for_lack(p, &p->nodes[member]);
}

/* --- datagrams --- */

void play_take_datagram(struct play *p, const struct play_message *m)
{
    struct lease_voter *v = *voter_at(p, m->to);
    struct lease_entry said;

    if (m->kind == PLAY_ANSWER) {
        struct play_node *n = &p->nodes[m->to];
        if (n->is_holder)
            lease_holder_take(&n->holder, number_of(m->from), m->sent_ms, &m->entry);
        return;
    }
    if (lease_voter_renew(v, &m->entry, play_clock_ms(p, m->to), &said))
        play_send(p, m->to, m->from,
                  (struct play_message){.kind = PLAY_ANSWER, .entry = said, .sent_ms = m->sent_ms});
}

/* --- the control plane's own vote, as reconcile/loop.c has it --- */

static bool is_voter(struct play *p)
{
    return voters_have(play_shard(p)->lease.voters, CONTROL_PLANE_VOTER);
}

/* What it promised is looked at anew each time. */
void play_plane_votes(struct play *p)
{
    struct promise_list *list = &p->scene.view.promises;
    int64_t asked = play_shard(p)->lease.asked_term;
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].host_id, CONTROL_PLANE_VOTER) != 0)
            list->items[kept++] = list->items[i];
    list->count = kept;
    if (asked && is_voter(p) && p->faults.plant == PLANT_EAGER_VOTE)
        lease_voter_ended(p->voter, SHARD, asked - 1);
    if (asked && is_voter(p) &&
        lease_voter_promise(p->voter, SHARD, asked, play_clock_ms(p, PLAY_PLANE)))
        promises_add(&p->scene.arena, list, CONTROL_PLANE_VOTER, SHARD, asked);
    for (int i = 0; i < p->count && asked && p->faults.plant == PLANT_NO_PROMISES; i++)
        promises_add(&p->scene.arena, list, p->scene.nodes[i].goal.host_id, SHARD, asked);
}

void play_plane_knows(struct play *p)
{
    const struct shard *s = play_shard(p);
    int64_t term = s->lease.asked_term > s->goal.term ? s->lease.asked_term - 1 : s->goal.term;

    if (is_voter(p))
        know(p, PLAY_PLANE, term, shard_lease_most_ms(&s->lease));
    else
        lease_voter_forget(p->voter, SHARD);
}

/* --- what must hold --- */

void play_check_leases(struct play *p)
{
    p->was_vacant = true;
    for (int i = 0; i < p->count; i++) {
        const struct play_node *n = &p->nodes[i];
        bool may_write = n->is_up && n->is_primary && n->fence_term == 0 &&
                         (!n->is_leased || play_clock_ms(p, i) < n->lease_until_ms);
        if (may_write && n->role_term < play_shard(p)->goal.term)
            play_break(p, "a lease holds by a term below the one that was promised");
    }
}

/* --- beginning and end --- */

void play_lease_begin(struct play *p)
{
    p->voter = lease_voter_new();
    for (int i = 0; i < p->count; i++)
        p->nodes[i].voter = lease_voter_new();
    p->scene.view.has_vote = p->faults.leases;
    for (size_t i = 0; i < p->scene.region.hosts.count; i++)
        p->scene.hosts[i].peer_port = p->faults.leases ? 7000 : 0;
}

void play_lease_end(struct play *p)
{
    lease_voter_free(p->voter);
    for (int i = 0; i < p->count; i++)
        lease_voter_free(p->nodes[i].voter);
}
