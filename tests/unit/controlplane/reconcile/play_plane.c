/* The control plane: the rules as they are, between reports that come in and goals that go out. */
#include "controlplane/reconcile/acks.h"
#include "play_parts.h"

#include <string.h>

#define SWITCH_MS  10000
#define QUIET_MS   1200
#define SILENT_MS  5000
#define OUTAGE_MS  8000
#define FALLS_MOST 3 /* one upon another, in so long */
#define FALLS_MS   600000
#define REST_MS    1000

struct shard *play_shard(struct play *p)
{
    return &p->scene.shards[0];
}

/* All that the host has promised is what it said last. */
static void take_promise(struct play *p, int member, int64_t term)
{
    struct promise_list *list = &p->scene.view.promises;
    const char *host_id = p->scene.nodes[member].goal.host_id;
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].host_id, host_id) != 0)
            list->items[kept++] = list->items[i];
    list->count = kept;
    if (term > 0)
        promises_add(&p->scene.arena, list, host_id, 1, term);
}

void play_take_report(struct play *p, int member, const struct play_sight *s)
{
    struct play_node *n = &p->nodes[member];
    struct node *row = &p->scene.nodes[member];

    if (s->number < n->taken_number && p->faults.plant != PLANT_OLD_REPORTS)
        return;
    n->taken_number = s->number;
    bool is_same_life = s->crashes == row->saw.crashes && s->boot_count == row->saw.boot_count;
    n->heard_ms = p->now_ms;
    row->saw = (struct node_saw){
        .has = true,
        .host_id = row->goal.host_id,
        .state = s->state,
        .boot_count = s->boot_count,
        .crashes = s->crashes,
        .crashed_ms = s->crashes == row->saw.crashes ? row->saw.crashed_ms : p->now_ms,
        .last_exit = "",
        .why = "",
        .applied_settings =
            s->applied.term ? settings_version_text(&p->scene.arena, &s->applied) : "",
        .role = !s->has_role    ? ""
                : s->is_primary ? "primary"
                                : "replica",
        .term = s->term,
        .offset = s->offset,
        .lineage = s->lineage,
        .is_link_up = s->is_link_up,
        .is_unleased = s->is_unleased,
        .followed_term = s->is_link_up  ? s->term
                         : is_same_life ? row->saw.followed_term
                                        : 0,
        .unlinked_ms = s->is_link_up || !is_same_life ? 0
                       : row->saw.is_link_up          ? p->now_ms
                                                      : row->saw.unlinked_ms,
    };
    take_promise(p, member, s->promised_term);
    p->has_news = true;
}

static unsigned sites_of(struct play *p, const char *voters)
{
    unsigned sites = voters_have(voters, CONTROL_PLANE_VOTER) ? 1U << PLAY_PLANE : 0;

    for (int i = 0; i < p->count; i++)
        if (voters_have(voters, p->scene.nodes[i].goal.host_id))
            sites |= 1U << i;
    return sites;
}

/* As fleet/goals.c tells it. */
static struct play_goal goal_of(struct play *p, int member)
{
    const struct node *row = &p->scene.nodes[member];
    const struct shard_goal *s = &play_shard(p)->goal;
    const struct shard_lease *lease = &play_shard(p)->lease;
    struct play_goal g = {.has = row->goal.has && s->has, .follows = -1, .yields_to = -1};

    if (!g.has)
        return g;
    g.version =
        (struct settings_version){.parameters = row->goal.parameters, .voters = lease->number};
    settings_take_role(&g.version, s, &play_shard(p)->endpoints, row->cluster_id);
    g.boot_count = row->goal.boot_count;
    g.voters = sites_of(p, lease->voters);
    g.lease_ms = shard_lease_ms(lease);
    g.most_ms = shard_lease_most_ms(lease);
    g.asked_term = voters_have(lease->voters, row->goal.host_id) ? lease->asked_term : 0;
    g.may_restart = s->primary_id != row->cluster_id && s->fenced_id != row->cluster_id;
    g.is_primary = s->primary_id == row->cluster_id && !s->acks.asked;
    g.is_fenced = s->fenced_id == row->cluster_id;
    g.term = g.is_fenced ? s->fence_term : s->term;
    if (!g.is_primary && !g.is_fenced && !s->acks.asked)
        g.follows = (int)s->primary_id - 1;
    if (g.is_fenced && s->yields_to)
        g.yields_to = (int)s->yields_to - 1;
    if (g.is_primary && !g.is_fenced)
        g.after_offset = s->after_offset;
    if (g.is_primary || g.is_fenced)
        g.life = g.is_fenced ? s->fence_life : s->life;
    return g;
}

static void tell_goals(struct play *p)
{
    for (int i = 0; i < p->count; i++) {
        struct play_node *n = &p->nodes[i];
        struct play_goal g = goal_of(p, i);
        bool is_news = memcmp(&g, &n->told, sizeof(g)) != 0;

        if (!is_news && p->now_ms < n->told_at_ms + PLAY_BEAT_MS)
            continue;
        n->told = g;
        n->told_at_ms = p->now_ms;
        play_send(p, PLAY_PLANE, i,
                  (struct play_message){.kind = PLAY_GOAL, .goal = g, .number = ++n->told_number});
    }
}

bool play_is_whole(struct play *p)
{
    for (int i = 0; i < p->count; i++)
        if (!member_is_ready(&p->scene.view, &p->scene.members[i]))
            return false;
    return true;
}

/* Each member has a host of its own. */
static void look_for_silence(struct play *p)
{
    for (int i = 0; i < p->count; i++) {
        bool is_silent = p->now_ms > p->nodes[i].heard_ms + SILENT_MS;
        bool is_quiet = p->now_ms > p->nodes[i].heard_ms + QUIET_MS;
        for (size_t k = 0; k < p->scene.region.hosts.count; k++) {
            struct host *h = &p->scene.hosts[k];
            bool is_same = h->is_silent == is_silent && h->is_quiet == is_quiet;
            if (strcmp(h->id, p->scene.nodes[i].goal.host_id) != 0 || is_same)
                continue;
            bool was_silent = h->is_silent;
            h->is_silent = is_silent;
            h->is_quiet = is_quiet;
            p->has_news = true;
            if (is_silent && !was_silent && p->faults.plant == PLANT_HASTY)
                p->scene.nodes[i].saw.state = NODE_STOPPED, p->scene.nodes[i].saw.crashes++;
        }
    }
}

/* The rules gave the shard another primary by themselves. */
static void check_failover(struct play *p, int64_t old_id, bool was_vacant, bool was_only_named)
{
    p->failovers++;
    p->losses += was_vacant;
    if (was_only_named)
        return; /* it got no lease */
    if (!was_vacant && p->nodes[old_id - 1].crashes <= p->ends)
        play_break(p, "a primary was replaced that had not ended");
    if (p->falls == 0 || p->now_ms >= p->fell_ms + FALLS_MS) {
        p->falls = 0;
        p->fell_ms = p->now_ms;
    }
    p->last_fell_ms = p->now_ms;
    if (++p->falls > FALLS_MOST)
        play_break(p, "too many primaries were made one upon another");
}

static void decide(struct play *p)
{
    struct group_scene *s = &p->scene;
    bool was_switching = s->view.has_operation;
    bool was_vacant = play_shard(p)->lease.vacated_ms != 0;
    bool was_only_named = play_shard(p)->lease.is_cut_off && play_shard(p)->goal.life != 0;

    if ((play_is_whole(p) && p->now_ms >= p->last_fell_ms + REST_MS) || was_switching)
        p->falls = 0;
    if (p->faults.plant == PLANT_FORGETFUL)
        play_shard(p)->falls = 0;
    if (p->faults.plant == PLANT_FEW && play_shard(p)->goal.acks.counted > 0)
        play_shard(p)->goal.acks.counted = PLAY_MEMBERS - 1;
    if (p->faults.plant == PLANT_NO_QUESTION)
        play_shard(p)->goal.acks.asked = OFFSETS_ASKED;
    s->view.now_ms = p->now_ms;
    for (size_t i = 0; i < s->view.member_count; i++)
        s->members[i].now_ms = p->now_ms;
    int64_t primary_id = play_shard(p)->goal.primary_id;
    int lease_ms = shard_lease_ms(&play_shard(p)->lease);
    play_plane_votes(p);
    bool was_kept = play_shard(p)->heir_id != 0;
    group_scene_decide(s);
    play_plane_knows(p);
    p->has_news = false;
    p->lengths += shard_lease_ms(&play_shard(p)->lease) != lease_ms;
    if (!was_vacant && play_shard(p)->lease.vacated_ms)
        play_check_leases(p);
    p->held += group_scene_told(s, HELD);
    if (was_switching && !s->view.has_operation && strcmp(s->view.operation.why, DECLINED) == 0) {
        p->declined++;
        if (play_shard(p)->goal.term != p->term)
            play_break(p, "a switch that did not come about has used a term");
    }
    if (play_shard(p)->goal.primary_id != primary_id) {
        if (primary_id && !was_switching && !was_kept)
            check_failover(p, primary_id, was_vacant, was_only_named);
        p->ends = p->scene.nodes[play_shard(p)->goal.primary_id - 1].saw.crashes;
    }
    if (was_switching && play_shard(p)->goal.acks.asked)
        p->ends = -1; /* one that was only named may be passed over */
    if (play_shard(p)->goal.acks.counted == 0)
        memset(p->is_sure, 0, sizeof(p->is_sure));
    if (play_shard(p)->goal.term < p->term)
        play_break(p, "the term went back");
    p->term = play_shard(p)->goal.term;
}

/* --- what is wished, and restarts --- */

void play_begin_switch(struct play *p)
{
    const struct shard *s = play_shard(p);
    int64_t to = play_between(p, 1, p->count);

    if (p->scene.view.has_operation || !s->goal.has || to == s->goal.primary_id)
        return;
    group_scene_operate(
        &p->scene, GROUP_SWITCH,
        arena_printf(&p->scene.arena, "1 %lld %lld", (long long)s->goal.primary_id, (long long)to));
    p->scene.view.operation.created_ms = p->now_ms;
    p->scene.view.operation.deadline_ms = p->now_ms + SWITCH_MS;
    p->switches++;
    p->has_news = true;
}

bool play_is_away(const struct play *p)
{
    return p->now_ms < p->away_until_ms;
}

/* Datagrams between hosts are on their way all the same. */
static void drop_messages(struct play *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->message_count; i++)
        if (p->messages[i].from != PLAY_PLANE && p->messages[i].to != PLAY_PLANE)
            p->messages[kept++] = p->messages[i];
    p->message_count = kept;
}

/* Messages of before are those of connections that are gone; all hosts count as heard. */
void play_restart_plane(struct play *p)
{
    if (p->faults.outages && play_chance(p, 2))
        p->away_until_ms = p->now_ms + play_between(p, PLAY_STEP_MS, OUTAGE_MS);
    drop_messages(p);
    play_voter_restart(p, PLAY_PLANE);
    p->scene.view.began_ms = play_is_away(p) ? p->away_until_ms : p->now_ms;
    for (int i = 0; i < p->count; i++) {
        p->nodes[i].taken_number = p->nodes[i].told_at_ms = 0;
        p->nodes[i].heard_ms = p->away_until_ms > p->now_ms ? p->away_until_ms : p->now_ms;
    }
    p->has_news = true;
}

void play_plane_step(struct play *p)
{
    if (play_is_away(p))
        return;
    look_for_silence(p);
    if (play_shard(p)->lease.asked_term)
        p->has_news = true; /* the own vote may be due */
    if (p->has_news || p->now_ms >= p->scene.decisions.wake_ms)
        decide(p);
    tell_goals(p);
}
