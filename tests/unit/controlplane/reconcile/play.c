/* A schedule from its beginning to its end: what goes wrong, the network, and what must hold. */
#include "controlplane/reconcile/acks.h"
#include "play_parts.h"

#include <string.h>

#define FAULTS_MS    20000
#define CALM_MS      60000 /* longer than anything waits for by itself */
#define LATE_MS      4000
#define CUT_MS       8000
#define LOSS_MS      10000
#define PAUSE_MS     6000
#define STALL_MS     2000
#define STUCK_MS     4000
#define FIRST_WRITES 20
#define FALLS_MOST   3
#define WILD_RATE    150

#define LENGTH_CALM_MS 200

bool play_chance(struct play *p, uint64_t one_in)
{
    return rng_below(&p->rng, one_in) == 0;
}

int64_t play_between(struct play *p, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(&p->rng, (uint64_t)(high - low + 1));
}

void play_break(struct play *p, const char *what)
{
    if (!p->broken)
        p->broken = what;
}

int64_t play_clock_ms(const struct play *p, int site)
{
    return p->now_ms + p->now_ms * p->rate[site] / 1000;
}

int play_site(const struct play *p, const struct play_node *n)
{
    return (int)(n - p->nodes);
}

/* --- the network --- */

static void post(struct play *p, const struct play_message *m)
{
    if (p->message_count < countof(p->messages))
        p->messages[p->message_count++] = *m;
}

void play_send(struct play *p, int from, int to, struct play_message m)
{
    bool is_wild = p->faults.delays && !p->is_calm;

    m.from = from;
    m.to = to;
    m.due_ms = p->now_ms + play_between(p, 0, PLAY_STEP_MS);
    if (p->cut_until_ms[from][to] > p->now_ms || (is_wild && play_chance(p, 20)))
        return;
    if (is_wild && play_chance(p, 20))
        m.due_ms = p->now_ms + play_between(p, 0, LATE_MS);
    post(p, &m);
    if (is_wild && play_chance(p, 20)) {
        m.due_ms = p->now_ms + play_between(p, 0, LATE_MS);
        post(p, &m);
    }
}

static void take_goal(struct play *p, const struct play_message *m)
{
    struct play_node *n = &p->nodes[m->to];

    if (m->number <= n->goal_number && p->faults.plant != PLANT_OLD_ORDERS)
        return;
    n->goal = m->goal;
    n->goal_number = m->number;
}

static void take(struct play *p, const struct play_message *m)
{
    bool is_gone =
        m->to == PLAY_PLANE ? play_is_away(p) : p->now_ms < p->nodes[m->to].lost_until_ms;

    if (is_gone)
        return;
    if (m->kind == PLAY_REPORT)
        play_take_report(p, m->from, &m->sight);
    else if (m->kind == PLAY_GOAL)
        take_goal(p, m);
    else
        play_take_datagram(p, m);
}

/* Who stands still hears of it afterwards. */
static bool is_due(const struct play *p, const struct play_message *m)
{
    bool is_paused = m->to != PLAY_PLANE && p->now_ms < p->nodes[m->to].paused_until_ms;
    return m->due_ms <= p->now_ms && !is_paused;
}

static void deliver(struct play *p)
{
    for (size_t i = 0; i < p->message_count;) {
        struct play_message m = p->messages[i];
        if (!is_due(p, &m)) {
            i++;
            continue;
        }
        p->messages[i] = p->messages[--p->message_count];
        take(p, &m);
    }
}

/* --- what goes wrong, and what is wished --- */

static void cut(struct play *p, int a, int b, int64_t until_ms, bool is_one_way)
{
    p->cut_until_ms[a][b] = until_ms;
    if (!is_one_way)
        p->cut_until_ms[b][a] = until_ms;
}

/* Between two, or of one from all: also of the control plane. */
static void part(struct play *p)
{
    int sites[PLAY_SITES], count = 0;
    int64_t until_ms = p->now_ms + play_between(p, PLAY_STEP_MS, CUT_MS);
    bool is_one_way = play_chance(p, 3), is_whole = play_chance(p, 2), is_out = play_chance(p, 2);

    for (int i = 0; i < p->count; i++)
        sites[count++] = i;
    if (!p->faults.is_seen)
        sites[count++] = PLAY_PLANE;
    int a = (int)play_between(p, 0, count - 1), b = (int)play_between(p, 0, count - 1);
    for (int i = 0; i < count; i++) {
        if (i == a || (!is_whole && i != b))
            continue;
        cut(p, sites[is_out ? a : i], sites[is_out ? i : a], until_ms, is_one_way);
    }
}

static void trouble_hosts(struct play *p, struct play_node *n)
{
    bool is_there = p->now_ms >= n->lost_until_ms && p->now_ms >= n->paused_until_ms;

    if (p->faults.partitions && play_chance(p, 250))
        part(p);
    if (p->faults.losses && is_there && play_chance(p, 600))
        play_lose_host(p, n, p->now_ms + play_between(p, 500, LOSS_MS));
    if (p->faults.losses && is_there && play_chance(p, 300))
        play_voter_restart(p, play_site(p, n));
    if (p->faults.pauses && is_there && play_chance(p, 400))
        n->paused_until_ms = p->now_ms + play_between(p, PLAY_STEP_MS, PAUSE_MS);
}

static void make_trouble(struct play *p)
{
    struct play_node *n = &p->nodes[rng_below(&p->rng, (uint64_t)p->count)];

    if (p->faults.crashes && n->is_up && play_chance(p, 400))
        play_crash(p, n);
    if (p->faults.cuts && play_chance(p, 500))
        cut(p, play_site(p, n), PLAY_PLANE, p->now_ms + play_between(p, PLAY_STEP_MS, CUT_MS),
            false);
    if (p->faults.restarts && !play_is_away(p) && play_chance(p, 1000))
        play_restart_plane(p);
    if (p->faults.switches && play_chance(p, 300))
        play_begin_switch(p);
    if (p->faults.lengths && play_chance(p, 200)) {
        p->scene.hosts[play_site(p, n)].lease_late_ms = play_chance(p, 2)   ? 0
                                                        : play_chance(p, 2) ? 300
                                                                            : 900;
        p->has_news = true;
    }
    if (p->faults.syncs && play_chance(p, 200))
        n->unlinked_until_ms = p->now_ms + play_between(p, PLAY_STEP_MS, LATE_MS);
    if (p->faults.lags && play_chance(p, 100))
        n->stalled_until_ms = p->now_ms + play_between(p, PLAY_STEP_MS, STALL_MS);
    if (p->faults.hangs && n->is_up && play_chance(p, 300))
        n->stuck_until_ms = p->now_ms + play_between(p, PLAY_STEP_MS, STUCK_MS);
    if (p->faults.changes && play_chance(p, 300)) {
        p->scene.view.group.durability = play_chance(p, 2) ? DURABILITY_SYNC : DURABILITY_ASYNC;
        p->has_news = true;
    }
    if (p->faults.loops && play_takes_writes(p, n) && play_chance(p, play_is_whole(p) ? 200 : 5))
        play_crash(p, n);
    trouble_hosts(p, n);
}

static void end_trouble(struct play *p)
{
    p->is_calm = true;
    p->away_until_ms = 0;
    memset(p->cut_until_ms, 0, sizeof(p->cut_until_ms));
    for (int i = 0; i < p->count; i++) {
        struct play_node *n = &p->nodes[i];
        if (n->lost_until_ms > p->now_ms)
            n->lost_until_ms = p->now_ms;
        n->paused_until_ms = n->unlinked_until_ms = n->stalled_until_ms = 0;
        n->stuck_until_ms = 0;
    }
}

/* --- what must hold --- */

static void check_step(struct play *p)
{
    size_t takers = 0, holders = 0;

    for (int i = 0; i < p->count; i++) {
        takers += play_takes_writes(p, &p->nodes[i]);
        holders += p->nodes[i].has_address;
    }
    if (takers > 1)
        play_break(p, "two members take writes");
    if (holders > 1 && !p->faults.leases) /* who is cut off keeps it: nobody can come to it */
        play_break(p, "two members have the address of the primary");
}

static void play_step(struct play *p)
{
    p->now_ms += PLAY_STEP_MS;
    if (!p->is_calm)
        make_trouble(p);
    else if (play_shard(p)->falls > FALLS_MOST)
        play_begin_switch(p); /* somebody is called */
    deliver(p);
    play_plane_step(p);
    for (int i = 0; i < p->count; i++)
        play_agent_step(p, i);
    check_step(p);
}

static bool has_all(const struct play *p, const struct play_node *n)
{
    return n->len >= (size_t)p->writes;
}

static void check_end(struct play *p)
{
    const struct shard *s = play_shard(p);
    bool may_lack = p->has_crashed || p->was_vacant;

    if (p->scene.view.has_operation)
        play_break(p, "an operation did not end");
    if (s->lease.asked_term || s->lease.vacated_ms)
        play_break(p, "a failover did not end");
    if (!play_is_whole(p))
        play_break(p, "a member is not back");
    if (p->broken)
        return;
    const struct play_node *primary = &p->nodes[s->goal.primary_id - 1];
    if (p->faults.keeps && p->switches == 0 && s->goal.primary_id != 1)
        play_break(p, "a replica was promoted");
    if (!primary->has_address)
        play_break(p, "the primary has no address");
    if (!play_takes_writes(p, primary))
        play_break(p, "the primary takes no writes");
    play_check_writes(p, primary);
    if (!acks_is_settled(&p->scene.view))
        play_break(p, "what is wished is not in force");
    if (!may_lack && primary->len < PLAY_LOG && !has_all(p, primary))
        play_break(p, "an acknowledged write is gone, and nobody crashed");
}

/* --- a schedule --- */

static void play_for(struct play *p, int64_t ms)
{
    for (int64_t end_ms = p->now_ms + ms; p->now_ms < end_ms && !p->broken;)
        play_step(p);
}

static bool is_settled(struct play *p)
{
    return play_is_whole(p) && play_takes_writes(p, &p->nodes[0]) && p->writes >= FIRST_WRITES &&
           (!p->faults.leases || play_shard(p)->lease.is_held) && acks_is_settled(&p->scene.view);
}

static void set_clocks(struct play *p)
{
    int64_t most = p->faults.plant == PLANT_WILD_CLOCKS ? WILD_RATE : 1;

    for (int i = 0; i < PLAY_SITES && p->faults.skews; i++)
        p->rate[i] = play_between(p, -most, most);
}

void play_schedule(struct play *p, uint64_t seed, const struct play_faults *faults)
{
    memset(p, 0, sizeof(*p));
    p->count = faults->is_pair ? 2 : PLAY_MEMBERS;
    group_scene_open(&p->scene, 1, (size_t)p->count);
    rng_seed(&p->rng, seed);
    p->faults = *faults;
    p->scene.view.group.has_failover = !faults->keeps;
    if (faults->syncs)
        p->scene.view.group.durability = DURABILITY_SYNC;
    p->now_ms = 1000;
    p->is_calm = p->has_news = true;
    set_clocks(p);
    p->scene.view.lease_calm_ms = LENGTH_CALM_MS;
    play_lease_begin(p);
    for (int i = 0; i < p->count; i++)
        p->nodes[i].follows = -1;
    while (!is_settled(p) && p->now_ms < CALM_MS && !p->broken)
        play_step(p);
    if (!is_settled(p))
        play_break(p, "it never began");
    for (int i = 0; i < p->count && faults->is_plain; i++)
        p->scene.members[i].cluster.driver = "redis";
    p->is_calm = false;
    play_for(p, FAULTS_MS);
    end_trouble(p);
    play_for(p, CALM_MS);
    if (!p->broken)
        check_end(p);
}

void play_close(struct play *p)
{
    play_lease_end(p);
    group_scene_close(&p->scene);
}
