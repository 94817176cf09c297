/*
 * The counting rule. A write that was acknowledged is held by the primary and k of the n other
 * members; any n - k + 1 of those have one that holds it among them. Of them the one is the next
 * primary that has the latest stream: the highest lineage, then the highest offset. What members
 * say counts when it is an answer to a term above the dead primary's: older words may have been
 * overtaken by writes that it still acknowledged.
 */
#include "controlplane/reconcile/acks.h"

#include "controlplane/model/settings.h"
#include "controlplane/reconcile/groups.h"

#include <string.h>

#define ASK_AGAIN_MS 1000
#define TELL_MS      1000 /* whoever is there has answered by then */

/* --- what is ordered, and what counts --- */

static size_t members_wanted(const struct group_view *g, const struct shard *s)
{
    size_t count = 0;

    for (size_t i = 0; i < g->member_count; i++)
        count += g->members[i].cluster.shard_id == s->id && g->members[i].cluster.is_wanted;
    return count;
}

void acks_order(struct group_view *g, struct shard *s, struct decisions *d)
{
    int64_t wanted = durability_acks(g->group.durability, members_wanted(g, s));
    bool is_bounded = g->group.durability == DURABILITY_BOUNDED;
    struct shard_acks *acks = &s->goal.acks;

    if (acks->ordered == wanted && acks->is_bounded == is_bounded)
        return;
    acks->ordered = wanted;
    acks->is_bounded = is_bounded;
    acks->after = 0;
    if (acks->counted > wanted)
        acks->counted = wanted;
    if (wanted == 0)
        acks->gone = 0;
    if (s->goal.has)
        decide_shard(d, g, s, "another durability is wanted, or of other numbers");
}

static bool is_settled(const struct shard *s)
{
    const struct shard_acks *acks = &s->goal.acks;

    return acks->counted == acks->ordered && (acks->gone == 0 || acks->ordered == 0);
}

bool acks_is_settled(const struct group_view *g)
{
    for (size_t i = 0; i < g->shards.count; i++)
        if (g->shards.items[i].is_wanted && !is_settled(&g->shards.items[i]))
            return false;
    return true;
}

/* Its writes wait for as many replicas as was ordered. */
static bool has_in_force(const struct group_view *g, const struct shard *s)
{
    const struct view *primary = shard_primary(g, s);
    struct settings_version applied;

    return primary_is_confirmed(g, s) &&
           settings_version_parse(member_node(primary)->saw.applied_settings, &applied) &&
           applied.term == s->goal.term && applied.acks == s->goal.acks.ordered;
}

/* Replicas that heard the question and follow; of them those that were at that offset already. */
static int64_t count_followers(const struct group_view *g, const struct shard *s, int64_t offset)
{
    int64_t count = 0;

    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        const struct node *n = member_node(m);
        if (m->cluster.shard_id != s->id || !m->cluster.is_wanted || !n || !n->saw.has ||
            s->goal.primary_id == m->cluster.id)
            continue;
        count += n->saw.state == NODE_RUNNING && n->saw.term == s->goal.term && n->saw.is_link_up &&
                 n->saw.offset >= offset && strcmp(n->saw.role, "replica") == 0;
    }
    return count;
}

/* Its primary is the same by the next term: all say anew how far they are. */
static void raise_term(struct group_view *g, struct shard *s, struct decisions *d, const char *why)
{
    s->goal.term = shard_highest_term(g, s) + 1;
    decide_shard(d, g, s, why);
}

/* One that has nothing yet is asked as well: it says so when it follows. */
static void ask_replicas(struct group_view *g, struct shard *s, int64_t offset, struct decisions *d)
{
    s->goal.acks.after = offset + 1;
    s->goal.acks.asked_ms = g->now_ms;
    decide_wake(d, g->now_ms + ASK_AGAIN_MS);
    raise_term(g, s, d, "its replicas are asked whether they are as far as it is");
}

void acks_raise(struct group_view *g, struct shard *s, struct decisions *d)
{
    struct shard_acks *acks = &s->goal.acks;

    bool is_between = s->lease.asked_term || s->lease.vacated_ms; /* another's term may be next */
    if (is_settled(s) || is_between || s->goal.fenced_id || s->goal.life || !has_in_force(g, s))
        return;
    if (acks->after == 0) {
        ask_replicas(g, s, member_node(shard_primary(g, s))->saw.offset, d);
    } else if (count_followers(g, s, acks->after - 1) >= acks->ordered) {
        acks->counted = acks->ordered;
        acks->after = acks->gone = 0;
        decide_shard(d, g, s, "its replicas have what was acknowledged");
    } else if (count_followers(g, s, 0) >= acks->ordered) {
        if (g->now_ms >= acks->asked_ms && g->now_ms < acks->asked_ms + ASK_AGAIN_MS)
            decide_wake(d, acks->asked_ms + ASK_AGAIN_MS);
        else
            ask_replicas(g, s, acks->after - 1, d);
    }
}

void acks_lose_member(struct group_view *g, struct shard *s, struct decisions *d)
{
    if (!s->is_wanted || s->goal.acks.counted == 0)
        return;
    s->goal.acks.gone++;
    s->goal.acks.after = 0;
    decide_shard(d, g, s, "a member that may have had what no other has is no more");
}

/* --- promotions --- */

bool acks_counts(const struct shard *s)
{
    return s->goal.acks.counted > 0;
}

void acks_ask(struct group_view *g, struct shard *s, const struct view *dead, struct decisions *d)
{
    struct shard_goal *goal = &s->goal;

    shard_forget_loss(s);
    goal->fenced_id = goal->fence_term = goal->fence_life = goal->after_offset = 0;
    /* over: it is not the primary by this term */
    goal->life = dead && member_node(dead) ? member_node(dead)->saw.crashes : 0;
    goal->acks.after = 0;
    goal->acks.asked = OFFSETS_ASKED;
    goal->acks.asked_ms = g->now_ms;
    raise_term(g, s, d, "its primary died: all say how far they are");
}

enum knowledge { KNOWS_NOTHING, KNOWS_IT_HAS_NOTHING, KNOWS_HOW_FAR };

static enum knowledge knowledge_of(const struct shard *s, const struct view *m)
{
    const struct node *n = member_node(m);

    if (!n || !m->cluster.is_wanted || !member_is_up(m) || member_is_unheard(m) ||
        n->saw.term != s->goal.term || strcmp(n->saw.role, "replica") != 0)
        return KNOWS_NOTHING;
    return n->saw.lineage > 0 ? KNOWS_HOW_FAR : KNOWS_IT_HAS_NOTHING;
}

static bool is_later(const struct node_saw *a, const struct node_saw *b)
{
    return a->lineage != b->lineage ? a->lineage > b->lineage : a->offset > b->offset;
}

static bool is_better(const struct view *m, const struct view *best, const char *lost_zone)
{
    const struct node *n = member_node(m), *b = best ? member_node(best) : NULL;

    if (!b || is_later(&n->saw, &b->saw) || is_later(&b->saw, &n->saw))
        return !b || is_later(&n->saw, &b->saw);
    return strcmp(n->host_zone, lost_zone) != 0 && strcmp(b->host_zone, lost_zone) == 0;
}

bool acks_are_free(const struct shard *s, const struct view *dead, bool has_died)
{
    return !s->goal.acks.asked || has_died || knowledge_of(s, dead) != KNOWS_NOTHING;
}

/* Nobody saw it end: it may have all that it ever had. */
static bool may_return(const struct view *m)
{
    const struct node *n = member_node(m);
    return n && n->saw.has && n->saw.state != NODE_STOPPED && n->saw.state != NODE_FAILED;
}

/* Since when members are waited for: who has just begun to listen has heard of nobody yet. */
static int64_t waiting_since_ms(const struct group_view *g, const struct shard *s)
{
    return s->goal.acks.asked_ms > g->began_ms ? s->goal.acks.asked_ms : g->began_ms;
}

/* The group would rather go on than wait for what may be nowhere. */
static bool is_out_of_patience(const struct group_view *g, const struct shard *s)
{
    return g->now_ms - waiting_since_ms(g, s) >= group_patience_ms(g, s) &&
           group_takes_stale(g, false);
}

struct view *acks_choose(const struct group_view *g, const struct shard *s, const struct view *dead,
                         bool *out_is_sure)
{
    const char *zone = dead && member_node(dead) ? member_node(dead)->host_zone : "";
    struct view *best = NULL;
    int64_t missing = s->goal.acks.gone, unknown = 0;

    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        if (m->cluster.shard_id != s->id || m->is_removed || (s->lease.is_cut_off && m == dead))
            continue;
        enum knowledge knowledge = knowledge_of(s, m);
        missing += knowledge != KNOWS_HOW_FAR && m != dead;
        unknown += knowledge == KNOWS_NOTHING && (m != dead || may_return(m));
        if (knowledge != KNOWS_NOTHING && is_better(m, best, zone))
            best = m;
    }
    *out_is_sure = missing < s->goal.acks.counted;
    return *out_is_sure || unknown == 0 || is_out_of_patience(g, s) ? best : NULL;
}

void acks_tell_waiting(struct group_view *g, struct shard *s, struct decisions *d)
{
    int64_t patience_ms = group_patience_ms(g, s), since_ms = waiting_since_ms(g, s);

    if (patience_ms < INT64_MAX && g->now_ms < since_ms + patience_ms)
        decide_wake(d, since_ms + patience_ms);
    if (s->goal.acks.asked == OFFSETS_WAITED_FOR)
        return;
    if (g->now_ms >= s->goal.acks.asked_ms && g->now_ms < s->goal.acks.asked_ms + TELL_MS) {
        decide_wake(d, s->goal.acks.asked_ms + TELL_MS);
        return;
    }
    s->goal.acks.asked = OFFSETS_WAITED_FOR;
    decide_group_event(d, g, EVENT_FAILOVER_WAITS, s->number, NULL);
    decide_shard(d, g, s, "too few members say how far they are");
}
