/* Agents and engines: what they do is what agent/ and cacheengine/ do, as far as it matters to who
 * is a primary. */
#include "play_parts.h"

#include <string.h>

#define RESTART_MS 50
#define YIELD_MS   500
#define HANG_MS    800
#define LATE_MS    200

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
    if (play_shard(p)->goal.acks.counted == 0)
        return;
    for (size_t i = len; i-- > 0 && n->log[i] < (int64_t)countof(p->is_sure);) {
        if (p->is_sure[n->log[i]])
            return; /* and so all before it */
        p->is_sure[n->log[i]] = true;
        p->sure++;
    }
}

/* What it has it has told, too: nothing comes from a host that stands still. */
static bool follows(const struct play *p, const struct play_node *replica,
                    const struct play_node *n)
{
    return replica->is_up && replica->is_link_up && replica->follows == play_site(p, n);
}

/* As many replicas as it takes have so much. */
static void acknowledge_some(struct play *p, const struct play_node *n)
{
    for (int i = 0; i < p->count; i++) {
        const struct play_node *replica = &p->nodes[i];
        int64_t count = 0;
        for (int k = 0; k < p->count; k++)
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
        for (int k = 0; k < p->count && !is_kept; k++)
            is_kept = &p->nodes[k] != gone && has_write(&p->nodes[k], gone->log[i]);
        if (!is_kept)
            p->is_sure[gone->log[i]] = false;
    }
}

void play_check_writes(struct play *p, const struct play_node *n)
{
    for (int64_t i = 1; i <= p->writes && i < (int64_t)countof(p->is_sure); i++)
        if (p->is_sure[i] && !has_write(n, i))
            play_break(p, "a primary has not what was acknowledged, and somebody has");
}

/* --- engines --- */

/* Its engine looks at the clock itself, before each write. */
bool play_takes_writes(const struct play *p, const struct play_node *n)
{
    bool has_lease = !n->is_leased || play_clock_ms(p, play_site(p, n)) < n->lease_until_ms;
    bool is_running = p->now_ms >= n->paused_until_ms && p->now_ms >= n->stuck_until_ms;

    bool waits = n->yield.state == PLAY_YIELD_WAITS || n->yield.state == PLAY_YIELD_LEVEL;

    return n->is_up && is_running && n->has_role && n->is_primary && n->fence_term == 0 &&
           has_lease && !waits;
}

static void write_some(struct play *p, struct play_node *n)
{
    if (n->role_term < p->written_term)
        play_break(p, "an older primary took a write after a newer one");
    p->written_term = n->role_term;
    for (int64_t count = play_between(p, 0, 2); count > 0 && n->len < PLAY_LOG; count--)
        n->log[n->len++] = ++p->writes;
}

static bool is_prefix(const struct play_node *of, const struct play_node *n)
{
    return n->len <= of->len && memcmp(n->log, of->log, n->len * sizeof(n->log[0])) == 0;
}

static bool is_stuck(const struct play *p, const struct play_node *n)
{
    return p->now_ms < n->stuck_until_ms;
}

/* The link to whom it follows: where it cannot go on it is made anew, and is up when all of that
 * one's data is there. */
static void follow(struct play *p, struct play_node *n)
{
    struct play_node *from = &p->nodes[n->follows];
    int site = play_site(p, n);
    bool is_cut = p->cut_until_ms[n->follows][site] > p->now_ms ||
                  p->cut_until_ms[site][n->follows] > p->now_ms;

    if (is_stuck(p, from) && n->is_link_up && !is_cut)
        return; /* nothing comes */
    if (is_cut || is_stuck(p, from) || !from->is_up || !from->has_role ||
        (!from->is_primary && !from->is_link_up) || p->now_ms < n->unlinked_until_ms) {
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
    bool is_stalled = p->now_ms < n->stalled_until_ms;
    size_t more = is_stalled || play_chance(p, 3) ? 0 : behind;
    memcpy(n->log + n->len, from->log + n->len, more * sizeof(n->log[0]));
    n->len += more;
}

/* Writes wait for the successor, for so long at most, whatever becomes of the owner. */
static void look_at_yield(struct play *p, struct play_node *n)
{
    struct play_yield *y = &n->yield;
    bool is_on = y->state == PLAY_YIELD_WAITS || y->state == PLAY_YIELD_LEVEL;

    if (!is_on)
        return;
    const struct play_node *to = &p->nodes[y->to];
    bool is_gone = y->state == PLAY_YIELD_WAITS && !follows(p, to, n);
    if (is_gone || p->now_ms >= y->until_ms)
        y->state = PLAY_YIELD_OVER;
    else if (to->len >= y->len || p->faults.plant == PLANT_UNEVEN)
        y->state = PLAY_YIELD_LEVEL;
}

static void begin_yield(struct play *p, struct play_node *n, int64_t number, int to)
{
    if (number == n->yield.number)
        return;
    n->yield = (struct play_yield){.number = number,
                                   .until_ms = p->now_ms + YIELD_MS,
                                   .len = n->len,
                                   .to = to,
                                   .state = PLAY_YIELD_WAITS};
    look_at_yield(p, n);
}

static void engine_step(struct play *p, struct play_node *n)
{
    if (!n->is_up || is_stuck(p, n))
        return;
    look_at_yield(p, n);
    if (play_takes_writes(p, n))
        write_some(p, n);
    else if (!n->is_primary && n->follows >= 0)
        follow(p, n);
    if (play_takes_writes(p, n) && n->acks > 0)
        acknowledge_some(p, n);
}

/* The process is gone, and what it had with it. */
static void end_process(struct play *p, struct play_node *n)
{
    forget_copies(p, n);
    n->is_up = n->has_started = n->is_primary = n->has_role = n->is_link_up = false;
    n->is_leased = n->is_holder = n->has_address = false;
    n->lease_until_ms = n->stuck_until_ms = n->still_ms = 0;
    n->yield = (struct play_yield){0};
    n->term = n->role_term = n->fence_term = n->lineage = n->acks = 0;
    n->follows = -1;
    n->len = 0;
    n->restart_at_ms = p->now_ms + RESTART_MS + play_between(p, 0, 200);
    n->applied = (struct settings_version){0};
    n->beat_at_ms = 0;
}

void play_crash(struct play *p, struct play_node *n)
{
    if (n->is_primary && n->role_term > 0) /* who sees it end is on the same host */
        lease_voter_ended(n->voter, 1, n->role_term);
    end_process(p, n);
    n->crashes++;
    n->is_held = !n->goal.may_restart;
    if (p->faults.plant == PLANT_EARLY_START) {
        n->is_held = false;
        n->restart_at_ms = p->now_ms;
    }
    p->has_crashed = true;
}

/* All that ran there is gone at once; what was on the disk is not. */
void play_lose_host(struct play *p, struct play_node *n, int64_t until_ms)
{
    if (n->is_up)
        play_crash(p, n);
    n->lost_until_ms = until_ms;
    n->paused_until_ms = 0;
}

/* --- agents --- */

static void report(struct play *p, int member)
{
    struct play_node *n = &p->nodes[member];

    n->beat_at_ms = p->now_ms + PLAY_BEAT_MS;
    play_send(p, member, PLAY_PLANE,
              (struct play_message){
                  .kind = PLAY_REPORT,
                  .sight = {.number = ++n->number,
                            .state = n->has_started ? NODE_RUNNING
                                     : n->is_up     ? NODE_STARTING
                                                    : NODE_STOPPED,
                            .boot_count = n->boot_count,
                            .crashes = n->crashes,
                            .term = n->role_term,
                            .offset = (int64_t)n->len,
                            .lineage = n->lineage,
                            .promised_term = n->promised_term,
                            .is_primary = n->is_primary,
                            .is_link_up = n->is_link_up,
                            .has_role = n->has_role,
                            .is_unleased = play_is_unleased(p, n),
                            .applied = n->applied}
    });
}

static void check_promotion(struct play *p, const struct play_node *n)
{
    if (n->len > 0)
        return;
    for (int i = 0; i < p->count; i++)
        if (&p->nodes[i] != n && p->nodes[i].is_up && p->nodes[i].len > 0)
            play_break(p, "an empty engine became the primary of one with data");
}

static void become_primary(struct play *p, struct play_node *n, int64_t term)
{
    if (n->role_term == term && !n->is_primary)
        return;
    if (!n->is_primary || !n->has_role) {
        check_promotion(p, n);
        play_check_writes(p, n);
        n->lineage = term;
    }
    n->is_primary = n->has_role = true;
    n->follows = -1;
    n->is_link_up = false;
    n->yield.state = PLAY_YIELD_OVER;
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
        n->link_at_ms = p->now_ms + play_between(p, 0, 100);
    }
    n->is_primary = false;
    n->has_role = true;
    n->yield.state = PLAY_YIELD_OVER;
    n->follows = of;
    n->term = n->role_term = term;
}

/* Under a lease from the first moment on, or under none. */
static void lead(struct play *p, struct play_node *n)
{
    n->is_leased = n->goal.voters != 0;
    n->lease_until_ms = n->is_leased ? lease_holder_until_ms(&n->holder) : 0;
    become_primary(p, n, n->goal.term);
}

/* False while it waits for its successor, or when nothing comes of it: then it says so. */
static bool yields(struct play *p, struct play_node *n)
{
    const struct play_goal *g = &n->goal;
    bool is_other = g->life > 0 && g->life != n->crashes + 1;

    if (n->fence_term == g->term)
        return true; /* it has */
    if (is_other || !n->is_primary)
        return false;
    begin_yield(p, n, g->version.yield, g->yields_to);
    if (n->yield.state == PLAY_YIELD_OVER) {
        n->applied = g->version;
        n->applied.is_fenced = false;
        n->applied.has_declined = true;
    }
    return n->yield.state == PLAY_YIELD_LEVEL && !play_chance(p, 4); /* the agent takes its time */
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
    if (g->is_fenced && g->yields_to >= 0 && !yields(p, n))
        return false;
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
    bool is_hasty = p->faults.plant == PLANT_NO_WAIT || p->faults.plant == PLANT_UNEVEN;
    bool waits = (int64_t)n->len < g->after_offset && !is_hasty;
    if (g->is_primary && (waits || is_other || !play_may_lead(p, n)))
        return false;
    if (g->is_primary)
        lead(p, n);
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
           a->parameters == b->parameters && a->voters == b->voters &&
           a->endpoints == b->endpoints && a->acks == b->acks && a->yield == b->yield &&
           a->has_declined == b->has_declined;
}

/* A primary that stands still is ended by its agent, and sooner one that is to become one. */
static void look_for_hang(struct play *p, struct play_node *n)
{
    bool is_named = n->goal.has && n->goal.is_primary && !n->goal.is_fenced;
    bool is_candidate = is_named && n->goal.life > 0 && !is_applied(n) && !n->is_primary;

    n->still_ms = n->is_up && is_named && is_stuck(p, n) ? n->still_ms + PLAY_STEP_MS : 0;
    if (n->still_ms >= (is_candidate ? LATE_MS : HANG_MS))
        play_crash(p, n);
}

static void act(struct play *p, int member, struct play_node *n)
{
    bool is_boot_due = n->goal.boot_count > n->boot_count;
    bool may_start = !n->is_held || n->goal.may_restart || is_boot_due;
    bool was_up = n->is_up, was_linked = n->is_link_up;
    int64_t promised_before = n->promised_term;

    if (n->is_up && is_boot_due)
        end_process(p, n);
    if (!n->is_up && n->goal.has && may_start && p->now_ms >= n->restart_at_ms) {
        n->is_up = true;
        n->is_held = false;
        n->boot_count = n->goal.boot_count;
    }
    play_lease_step(p, member);
    engine_step(p, n);
    look_for_hang(p, n);
    bool was_applied = is_applied(n), had_declined = n->applied.has_declined;
    if (n->is_up && n->goal.has && !was_applied && !is_stuck(p, n) && order(p, n)) {
        n->applied = n->goal.version;
        n->has_started = true;
    }
    bool is_news = was_up != n->is_up || was_linked != n->is_link_up ||
                   was_applied != is_applied(n) || had_declined != n->applied.has_declined ||
                   n->promised_term != promised_before || n->was_unleased != play_is_unleased(p, n);
    n->was_unleased = play_is_unleased(p, n);
    if (n->goal.has && (is_news || p->now_ms >= n->beat_at_ms))
        report(p, member);
}

/* Nothing moves on a host that stands still or is lost; one that was lost begins anew. */
static bool is_there(struct play *p, int member)
{
    struct play_node *n = &p->nodes[member];

    if (p->now_ms < n->lost_until_ms || p->now_ms < n->paused_until_ms)
        return false;
    if (n->lost_until_ms)
        play_voter_restart(p, member);
    n->lost_until_ms = 0;
    return true;
}

void play_agent_step(struct play *p, int member)
{
    if (is_there(p, member))
        act(p, member, &p->nodes[member]);
}
