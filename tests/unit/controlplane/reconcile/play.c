/* The world around the rules: what agents and engines do is what agent/ and cacheengine/ do, as far
 * as it matters to who is a primary. */
#include "play.h"

#include "controlplane/reconcile/acks.h"

#include <string.h>

#define STEP_MS      10
#define FAULTS_MS    20000
#define CALM_MS      60000 /* longer than anything waits for by itself */
#define BEAT_MS      1000
#define LATE_MS      4000
#define CUT_MS       8000
#define RESTART_MS   50
#define SWITCH_MS    10000
#define FIRST_WRITES 20
#define SILENT_MS    5000
#define OUTAGE_MS    8000
#define FALLS_MOST   3 /* one upon another, in so long */
#define FALLS_MS     600000
#define REST_MS      1000

static bool chance(struct play *p, uint64_t one_in)
{
    return rng_below(&p->rng, one_in) == 0;
}

static int64_t between(struct play *p, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(&p->rng, (uint64_t)(high - low + 1));
}

static void break_rule(struct play *p, const char *what)
{
    if (!p->broken)
        p->broken = what;
}

static struct shard *shard_of(struct play *p)
{
    return &p->scene.shards[0];
}

/* --- the network --- */

static void post(struct play *p, const struct play_message *m)
{
    if (p->message_count < countof(p->messages))
        p->messages[p->message_count++] = *m;
}

static void send(struct play *p, int member, struct play_message m)
{
    bool is_wild = p->faults.delays && !p->is_calm;

    m.member = member;
    m.due_ms = p->now_ms + between(p, 0, STEP_MS);
    if (p->nodes[member].cut_until_ms > p->now_ms || (is_wild && chance(p, 20)))
        return;
    if (is_wild && chance(p, 20))
        m.due_ms = p->now_ms + between(p, 0, LATE_MS);
    post(p, &m);
    if (is_wild && chance(p, 20)) {
        m.due_ms = p->now_ms + between(p, 0, LATE_MS);
        post(p, &m);
    }
}

/* --- writes that must not get lost --- */

/* Logs are in the order of their writes. */
static bool has_write(const struct play_node *n, int64_t write)
{
    size_t low = 0, high = n->len;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (n->log[mid] < write)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n->len && n->log[low] == write;
}

static void acknowledge(struct play *p, const struct play_node *n, size_t len)
{
    if (shard_of(p)->goal.acks.counted == 0)
        return;
    for (size_t i = len; i-- > 0 && n->log[i] < (int64_t)countof(p->is_sure);) {
        if (p->is_sure[n->log[i]])
            return; /* and so all before it */
        p->is_sure[n->log[i]] = true;
        p->sure++;
    }
}

static bool follows(const struct play *p, const struct play_node *replica,
                    const struct play_node *n)
{
    return replica->is_up && replica->is_link_up && replica->follows == (int)(n - p->nodes);
}

/* As many replicas as it takes have so much. */
static void acknowledge_some(struct play *p, const struct play_node *n)
{
    for (size_t i = 0; i < PLAY_MEMBERS; i++) {
        const struct play_node *replica = &p->nodes[i];
        int64_t count = 0;
        for (size_t k = 0; k < PLAY_MEMBERS; k++)
            count += follows(p, &p->nodes[k], n) && p->nodes[k].len >= replica->len;
        if (follows(p, replica, n) && count >= n->acks)
            acknowledge(p, n, replica->len);
    }
}

/* With this engine the last copy of some may be gone: there is nothing to be done about those. */
static void forget_copies(struct play *p, const struct play_node *gone)
{
    for (size_t i = 0; i < gone->len && gone->log[i] < (int64_t)countof(p->is_sure); i++) {
        bool is_kept = !p->is_sure[gone->log[i]];
        for (size_t k = 0; k < PLAY_MEMBERS && !is_kept; k++)
            is_kept = &p->nodes[k] != gone && has_write(&p->nodes[k], gone->log[i]);
        if (!is_kept)
            p->is_sure[gone->log[i]] = false;
    }
}

static void check_writes(struct play *p, const struct play_node *n)
{
    for (int64_t i = 1; i <= p->writes && i < (int64_t)countof(p->is_sure); i++)
        if (p->is_sure[i] && !has_write(n, i))
            break_rule(p, "a primary has not what was acknowledged, and somebody has");
}

/* --- engines --- */

static bool takes_writes(const struct play_node *n)
{
    return n->is_up && n->has_role && n->is_primary && n->fence_term == 0;
}

static void write_some(struct play *p, struct play_node *n)
{
    for (int64_t count = between(p, 0, 2); count > 0 && n->len < PLAY_LOG; count--)
        n->log[n->len++] = ++p->writes;
}

static bool is_prefix(const struct play_node *of, const struct play_node *n)
{
    return n->len <= of->len && memcmp(n->log, of->log, n->len * sizeof(n->log[0])) == 0;
}

/* The link to whom it follows: where it cannot go on it is made anew, and is up when all of that
 * one's data is there. */
static void follow(struct play *p, struct play_node *n)
{
    struct play_node *from = &p->nodes[n->follows];

    if (!from->is_up || !from->has_role || (!from->is_primary && !from->is_link_up) ||
        p->now_ms < n->unlinked_until_ms) {
        n->is_link_up = false;
        return;
    }
    if (n->is_link_up && n->lineage != from->lineage)
        n->is_link_up = false; /* it drops who follows, so that they hear of its new name */
    if (!n->is_link_up) {
        if (p->now_ms < n->link_at_ms)
            return;
        if (n->len == 0 || !is_prefix(from, n)) {
            n->len = from->len;
            memcpy(n->log, from->log, n->len * sizeof(n->log[0]));
        }
        n->is_link_up = true;
        n->lineage = from->lineage;
    }
    size_t behind = from->len > n->len ? from->len - n->len : 0;
    size_t more = chance(p, 3) ? 0 : behind;
    memcpy(n->log + n->len, from->log + n->len, more * sizeof(n->log[0]));
    n->len += more;
}

static void engine_step(struct play *p, struct play_node *n)
{
    if (!n->is_up)
        return;
    if (takes_writes(n))
        write_some(p, n);
    else if (!n->is_primary && n->follows >= 0)
        follow(p, n);
    if (takes_writes(n) && n->acks > 0)
        acknowledge_some(p, n);
}

/* The process is gone, and what it had with it. */
static void end_process(struct play *p, struct play_node *n)
{
    forget_copies(p, n);
    n->is_up = n->has_started = n->is_primary = n->has_role = n->is_link_up = false;
    n->has_address = false;
    n->term = n->role_term = n->fence_term = n->lineage = n->acks = 0;
    n->follows = -1;
    n->len = 0;
    n->restart_at_ms = p->now_ms + RESTART_MS + between(p, 0, 200);
    n->applied = (struct settings_version){0};
    n->beat_at_ms = 0;
}

static void crash(struct play *p, struct play_node *n)
{
    end_process(p, n);
    n->crashes++;
    n->is_held = !n->goal.may_restart;
    if (p->faults.plant == PLANT_EARLY_START) {
        n->is_held = false;
        n->restart_at_ms = p->now_ms;
    }
    p->has_crashed = true;
}

/* --- agents --- */

static void report(struct play *p, int member)
{
    struct play_node *n = &p->nodes[member];

    n->beat_at_ms = p->now_ms + BEAT_MS;
    send(p, member,
         (struct play_message){
             .is_report = true,
             .sight = {.number = ++n->number,
                       .state = n->has_started ? NODE_RUNNING
                                : n->is_up     ? NODE_STARTING
                                               : NODE_STOPPED,
                       .boot_count = n->boot_count,
                       .crashes = n->crashes,
                       .term = n->role_term,
                       .offset = (int64_t)n->len,
                       .lineage = n->lineage,
                       .is_primary = n->is_primary,
                       .is_link_up = n->is_link_up,
                       .has_role = n->has_role,
                       .applied = n->applied}
    });
}

static void check_promotion(struct play *p, const struct play_node *n)
{
    if (n->len > 0)
        return;
    for (size_t i = 0; i < PLAY_MEMBERS; i++)
        if (&p->nodes[i] != n && p->nodes[i].is_up && p->nodes[i].len > 0)
            break_rule(p, "an empty engine became the primary of one with data");
}

static void become_primary(struct play *p, struct play_node *n, int64_t term)
{
    if (n->role_term == term && !n->is_primary)
        return;
    if (!n->is_primary || !n->has_role) {
        check_promotion(p, n);
        check_writes(p, n);
        n->lineage = term;
    }
    n->is_primary = n->has_role = true;
    n->follows = -1;
    n->is_link_up = false;
    n->term = n->role_term = term;
    if (n->fence_term < term)
        n->fence_term = 0;
}

static void become_replica(struct play *p, struct play_node *n, int64_t term, int of)
{
    if (n->role_term == term && n->is_primary)
        return;
    if (n->follows != of) {
        n->is_link_up = false;
        n->link_at_ms = p->now_ms + between(p, 0, 100);
    }
    n->is_primary = false;
    n->has_role = true;
    n->follows = of;
    n->term = n->role_term = term;
}

/* Gives the orders of the goal; false when they wait or are refused. */
static bool order(struct play *p, struct play_node *n)
{
    const struct play_goal *g = &n->goal;
    bool is_old = g->term < n->highest_term || g->term < n->term;

    if (is_old && p->faults.plant != PLANT_OLD_ORDERS)
        return false;
    n->highest_term = g->term;
    n->acks = g->version.acks;
    if (!g->is_primary || g->is_fenced)
        n->has_address = false; /* first */
    bool is_other = g->life > 0 && g->life != n->crashes + 1;
    if (g->is_fenced) {
        if (is_other)
            return false;
        n->term = n->fence_term = n->role_term = g->term;
        n->is_link_up = false;
        n->is_primary = n->has_role = true;
        n->follows = -1;
        return true;
    }
    bool waits = (int64_t)n->len < g->after_offset && p->faults.plant != PLANT_NO_WAIT;
    if (g->is_primary && (waits || is_other))
        return false;
    if (g->is_primary)
        become_primary(p, n, g->term);
    else
        become_replica(p, n, g->term, g->follows);
    bool is_obeyed = n->role_term == g->term && n->is_primary == g->is_primary;
    n->has_address |= is_obeyed && g->is_primary;
    return is_obeyed;
}

static bool is_applied(const struct play_node *n)
{
    const struct settings_version *a = &n->applied, *b = &n->goal.version;

    return a->term == b->term && a->is_fenced == b->is_fenced && a->epoch == b->epoch &&
           a->parameters == b->parameters && a->endpoints == b->endpoints && a->acks == b->acks;
}

static void agent_step(struct play *p, int member)
{
    struct play_node *n = &p->nodes[member];
    bool is_boot_due = n->goal.boot_count > n->boot_count;
    bool may_start = !n->is_held || n->goal.may_restart || is_boot_due;
    bool was_up = n->is_up, was_linked = n->is_link_up;

    if (n->is_up && is_boot_due)
        end_process(p, n);
    if (!n->is_up && n->goal.has && may_start && p->now_ms >= n->restart_at_ms) {
        n->is_up = true;
        n->is_held = false;
        n->boot_count = n->goal.boot_count;
    }
    engine_step(p, n);
    bool was_applied = is_applied(n);
    if (n->is_up && n->goal.has && !was_applied && order(p, n)) {
        n->applied = n->goal.version;
        n->has_started = true;
    }
    bool is_news =
        was_up != n->is_up || was_linked != n->is_link_up || was_applied != is_applied(n);
    if (n->goal.has && (is_news || p->now_ms >= n->beat_at_ms))
        report(p, member);
}

/* --- the control plane --- */

static void take_report(struct play *p, int member, const struct play_sight *s)
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
        .followed_term = s->is_link_up  ? s->term
                         : is_same_life ? row->saw.followed_term
                                        : 0,
    };
    p->has_news = true;
}

/* As fleet/goals.c tells it. */
static struct play_goal goal_of(struct play *p, int member)
{
    const struct node *row = &p->scene.nodes[member];
    const struct shard_goal *s = &shard_of(p)->goal;
    struct play_goal g = {.has = row->goal.has && s->has, .follows = -1};

    if (!g.has)
        return g;
    g.is_primary = s->primary_id == row->cluster_id && !s->acks.asked;
    g.is_fenced = s->fenced_id == row->cluster_id;
    g.term = g.is_fenced ? s->fence_term : s->term;
    g.may_restart = !g.is_primary && !g.is_fenced;
    g.boot_count = row->goal.boot_count;
    if (!g.is_primary && !g.is_fenced && !s->acks.asked)
        g.follows = (int)s->primary_id - 1;
    if (g.is_primary && !g.is_fenced)
        g.after_offset = s->after_offset;
    if (g.is_primary || g.is_fenced)
        g.life = g.is_fenced ? s->fence_life : s->life;
    g.version = (struct settings_version){.parameters = row->goal.parameters};
    settings_take_role(&g.version, s, &shard_of(p)->endpoints, row->cluster_id);
    return g;
}

static void tell_goals(struct play *p)
{
    for (int i = 0; i < PLAY_MEMBERS; i++) {
        struct play_node *n = &p->nodes[i];
        struct play_goal g = goal_of(p, i);
        bool is_news = memcmp(&g, &n->told, sizeof(g)) != 0;

        if (!is_news && p->now_ms < n->told_at_ms + BEAT_MS)
            continue;
        n->told = g;
        n->told_at_ms = p->now_ms;
        send(p, i, (struct play_message){.goal = g, .number = ++n->told_number});
    }
}

static bool is_whole(struct play *p)
{
    for (size_t i = 0; i < PLAY_MEMBERS; i++)
        if (!member_is_ready(&p->scene.view, &p->scene.members[i]))
            return false;
    return true;
}

/* Each member has a host of its own. */
static void look_for_silence(struct play *p)
{
    for (size_t i = 0; i < PLAY_MEMBERS; i++) {
        bool is_silent = p->now_ms > p->nodes[i].heard_ms + SILENT_MS;
        for (size_t k = 0; k < p->scene.region.hosts.count; k++) {
            struct host *h = &p->scene.hosts[k];
            if (strcmp(h->id, p->scene.nodes[i].goal.host_id) != 0 || h->is_silent == is_silent)
                continue;
            h->is_silent = is_silent;
            p->has_news = true;
            if (is_silent && p->faults.plant == PLANT_HASTY)
                p->scene.nodes[i].saw.state = NODE_STOPPED, p->scene.nodes[i].saw.crashes++;
        }
    }
}

/* The rules gave the shard another primary by themselves. */
static void check_failover(struct play *p, int64_t old_id)
{
    p->failovers++;
    if (p->nodes[old_id - 1].crashes <= p->ends)
        break_rule(p, "a primary was replaced that had not ended");
    if (p->falls == 0 || p->now_ms >= p->fell_ms + FALLS_MS) {
        p->falls = 0;
        p->fell_ms = p->now_ms;
    }
    p->last_fell_ms = p->now_ms;
    if (++p->falls > FALLS_MOST)
        break_rule(p, "too many primaries were made one upon another");
}

static void decide(struct play *p)
{
    struct group_scene *s = &p->scene;
    bool was_switching = s->view.has_operation;

    if ((is_whole(p) && p->now_ms >= p->last_fell_ms + REST_MS) || was_switching)
        p->falls = 0;
    if (p->faults.plant == PLANT_FORGETFUL)
        shard_of(p)->falls = 0;
    if (p->faults.plant == PLANT_FEW && shard_of(p)->goal.acks.counted > 0)
        shard_of(p)->goal.acks.counted = PLAY_MEMBERS - 1;
    if (p->faults.plant == PLANT_NO_QUESTION)
        shard_of(p)->goal.acks.asked = OFFSETS_ASKED;
    s->view.now_ms = p->now_ms;
    for (size_t i = 0; i < s->view.member_count; i++)
        s->members[i].now_ms = p->now_ms;
    int64_t primary_id = shard_of(p)->goal.primary_id;
    bool was_kept = shard_of(p)->heir_id != 0;
    group_scene_decide(s);
    p->has_news = false;
    p->held += group_scene_told(s, HELD);
    if (shard_of(p)->goal.primary_id != primary_id) {
        if (primary_id && !was_switching && !was_kept)
            check_failover(p, primary_id);
        p->ends = p->scene.nodes[shard_of(p)->goal.primary_id - 1].saw.crashes;
    }
    if (was_switching && shard_of(p)->goal.acks.asked)
        p->ends = -1; /* one that was only named may be passed over */
    if (shard_of(p)->goal.acks.counted == 0)
        memset(p->is_sure, 0, sizeof(p->is_sure));
    if (shard_of(p)->goal.term < p->term)
        break_rule(p, "the term went back");
    p->term = shard_of(p)->goal.term;
}

/* --- what goes wrong, and what is wished --- */

static void begin_switch(struct play *p)
{
    const struct shard *s = shard_of(p);
    int64_t to = between(p, 1, PLAY_MEMBERS);

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

static bool is_away(const struct play *p)
{
    return p->now_ms < p->away_until_ms;
}

/* Messages of before are those of connections that are gone; all hosts count as heard. */
static void restart_plane(struct play *p)
{
    if (p->faults.outages && chance(p, 2))
        p->away_until_ms = p->now_ms + between(p, STEP_MS, OUTAGE_MS);
    p->message_count = 0;
    p->scene.view.began_ms = is_away(p) ? p->away_until_ms : p->now_ms;
    for (int i = 0; i < PLAY_MEMBERS; i++) {
        p->nodes[i].taken_number = p->nodes[i].told_at_ms = 0;
        p->nodes[i].heard_ms = p->away_until_ms > p->now_ms ? p->away_until_ms : p->now_ms;
    }
    p->has_news = true;
}

static void make_trouble(struct play *p)
{
    struct play_node *n = &p->nodes[rng_below(&p->rng, PLAY_MEMBERS)];

    if (p->faults.crashes && n->is_up && chance(p, 400))
        crash(p, n);
    if (p->faults.cuts && chance(p, 500))
        n->cut_until_ms = p->now_ms + between(p, STEP_MS, CUT_MS);
    if (p->faults.restarts && !is_away(p) && chance(p, 1000))
        restart_plane(p);
    if (p->faults.switches && chance(p, 300))
        begin_switch(p);
    if (p->faults.syncs && chance(p, 200))
        n->unlinked_until_ms = p->now_ms + between(p, STEP_MS, LATE_MS);
    if (p->faults.changes && chance(p, 300)) {
        p->scene.view.group.durability = chance(p, 2) ? DURABILITY_SYNC : DURABILITY_ASYNC;
        p->has_news = true;
    }
    if (p->faults.loops && takes_writes(n) && chance(p, is_whole(p) ? 200 : 5))
        crash(p, n);
}

static void deliver(struct play *p)
{
    for (size_t i = 0; i < p->message_count;) {
        struct play_message m = p->messages[i];
        if (m.due_ms > p->now_ms) {
            i++;
            continue;
        }
        p->messages[i] = p->messages[--p->message_count];
        if (m.is_report && is_away(p))
            continue;
        if (m.is_report)
            take_report(p, m.member, &m.sight);
        else if (m.number > p->nodes[m.member].goal_number || p->faults.plant == PLANT_OLD_ORDERS) {
            p->nodes[m.member].goal = m.goal;
            p->nodes[m.member].goal_number = m.number;
        }
    }
}

/* --- what must hold --- */

static void check_step(struct play *p)
{
    size_t takers = 0, holders = 0;

    for (int i = 0; i < PLAY_MEMBERS; i++)
        takers += takes_writes(&p->nodes[i]), holders += p->nodes[i].has_address;
    if (takers > 1)
        break_rule(p, "two members take writes");
    if (holders > 1)
        break_rule(p, "two members have the address of the primary");
}

static void play_step(struct play *p)
{
    p->now_ms += STEP_MS;
    if (!p->is_calm)
        make_trouble(p);
    else if (shard_of(p)->falls > FALLS_MOST)
        begin_switch(p); /* somebody is called */
    deliver(p);
    if (!is_away(p)) {
        look_for_silence(p);
        if (p->has_news || p->now_ms >= p->scene.decisions.wake_ms)
            decide(p);
        tell_goals(p);
    }
    for (int i = 0; i < PLAY_MEMBERS; i++)
        agent_step(p, i);
    check_step(p);
}

static bool has_all(const struct play *p, const struct play_node *n)
{
    return n->len >= (size_t)p->writes;
}

static void check_end(struct play *p)
{
    const struct shard *s = shard_of(p);

    if (p->scene.view.has_operation)
        break_rule(p, "an operation did not end");
    if (!is_whole(p))
        break_rule(p, "a member is not back");
    if (p->broken)
        return;
    const struct play_node *primary = &p->nodes[s->goal.primary_id - 1];
    if (p->faults.keeps && p->switches == 0 && s->goal.primary_id != 1)
        break_rule(p, "a replica was promoted");
    if (!primary->has_address)
        break_rule(p, "the primary has no address");
    if (!takes_writes(primary))
        break_rule(p, "the primary takes no writes");
    check_writes(p, primary);
    if (!acks_is_settled(&p->scene.view))
        break_rule(p, "what is wished is not in force");
    if (!p->has_crashed && primary->len < PLAY_LOG && !has_all(p, primary))
        break_rule(p, "an acknowledged write is gone, and nobody crashed");
}

static void play_for(struct play *p, int64_t ms)
{
    for (int64_t end_ms = p->now_ms + ms; p->now_ms < end_ms && !p->broken;)
        play_step(p);
}

static bool is_settled(struct play *p)
{
    return is_whole(p) && takes_writes(&p->nodes[0]) && p->writes >= FIRST_WRITES &&
           acks_is_settled(&p->scene.view);
}

void play_schedule(struct play *p, uint64_t seed, const struct play_faults *faults)
{
    memset(p, 0, sizeof(*p));
    group_scene_open(&p->scene, 1, PLAY_MEMBERS);
    rng_seed(&p->rng, seed);
    p->faults = *faults;
    p->scene.view.group.has_failover = !faults->keeps;
    if (faults->syncs)
        p->scene.view.group.durability = DURABILITY_SYNC;
    p->now_ms = 1000;
    p->is_calm = p->has_news = true;
    for (int i = 0; i < PLAY_MEMBERS; i++)
        p->nodes[i].follows = -1;
    while (!is_settled(p) && p->now_ms < CALM_MS && !p->broken)
        play_step(p);
    if (!is_settled(p))
        break_rule(p, "it never began");
    p->is_calm = false;
    play_for(p, FAULTS_MS);
    p->is_calm = true;
    p->away_until_ms = 0;
    for (int i = 0; i < PLAY_MEMBERS; i++)
        p->nodes[i].cut_until_ms = p->nodes[i].unlinked_until_ms = 0;
    play_for(p, CALM_MS);
    if (!p->broken)
        check_end(p);
}

void play_close(struct play *p)
{
    group_scene_close(&p->scene);
}
