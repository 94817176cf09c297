/*
 * The rules of groups. Level-triggered like those of nodes: each looks at want, goal and sight as
 * they are. A crashed primary is never started again to be followed by its replicas: first one of
 * them takes its place, by a higher term, and then it comes back as a replica.
 */
#include "controlplane/reconcile/groups.h"

#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/effective.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/serverless.h"
#include "controlplane/model/settings.h"
#include "controlplane/reconcile/acks.h"
#include "controlplane/reconcile/cluster_mode.h"
#include "controlplane/reconcile/endpoints.h"
#include "controlplane/reconcile/global_shards.h"
#include "controlplane/reconcile/globals.h"
#include "controlplane/reconcile/group_steps.h"
#include "controlplane/reconcile/lags.h"
#include "controlplane/reconcile/losses.h"
#include "controlplane/reconcile/moves.h"
#include "controlplane/reconcile/relocate.h"
#include "controlplane/reconcile/restraint.h"
#include "controlplane/reconcile/rules.h"
#include "controlplane/reconcile/scale_steps.h"
#include "controlplane/reconcile/topology.h"
#include "controlplane/reconcile/voters.h"

#include <string.h>

/* How long a dead primary's replicas are waited for that did not report its end yet; and where the
 * kernel holds it, with connections that stay and are silent. */
#define CANDIDATES_WAIT_MS 1000
#define KILLED_WAIT_MS     100

/* --- decisions --- */

static struct decision *add(struct decisions *d, const struct group_view *g,
                            enum decision_kind kind)
{
    struct decision *added = vec_add(d->arena, &d->list);

    added->kind = kind;
    added->group = &g->group;
    return added;
}

void decide_shard(struct decisions *d, const struct group_view *g, const struct shard *s,
                  const char *why)
{
    struct decision *added = add(d, g, DECISION_SHARD);

    added->shard = *s;
    added->why = why;
}

void decide_group_event(struct decisions *d, const struct group_view *g, enum event_kind kind,
                        const char *first, const char *second)
{
    struct event event;

    if (g->group.common.owner.id == 0)
        event = event_of_group(d->arena, &g->group, g->now_ms, kind, first, second);
    else if (!event_of_owner(d->arena, &g->group.common, g->now_ms, kind, first, second, &event))
        return;
    add(d, g, DECISION_EVENT)->event = event;
}

void decide_group_operation(struct decisions *d, struct group_view *g)
{
    add(d, g, DECISION_GROUP_OPERATION)->group_operation = g->operation;
    g->has_operation = g->operation.state == OPERATION_RUNNING;
}

void decide_group_shard(struct decisions *d, const struct group_view *g, enum decision_kind kind,
                        const struct shard *s)
{
    add(d, g, kind)->shard = *s;
}

void decide_group(struct decisions *d, const struct group_view *g)
{
    add(d, g, DECISION_GROUP);
}

void decide_topology(struct decisions *d, const struct group_view *g)
{
    add(d, g, DECISION_TOPOLOGY)->topology = g->topology;
}

void decide_moves_clear(struct decisions *d, struct group_view *g)
{
    g->moves.count = 0;
    add(d, g, DECISION_MOVES_CLEAR);
}

void decide_group_release(struct decisions *d, const struct group_view *g, const struct view *m)
{
    add(d, g, DECISION_RELEASE)->cluster = m->cluster;
}

void decide_group_remove(struct decisions *d, struct group_view *g)
{
    g->is_removed = true;
    add(d, g, DECISION_GROUP_REMOVE);
}

/* --- placement: all members that wait, or none --- */

struct place_request member_request(struct arena *a, const struct view *m, const struct node *n)
{
    return (struct place_request){
        .cluster_id = place_key(m->cluster.id, m->cluster.shard_id),
        .node_id = n->id,
        .zone = n->zone,
        .memory_bytes = cluster_host_bytes(&m->cluster),
        .vcpus = cluster_vcpus(&m->cluster),
        .port = m->cluster.port,
        .second_port = cluster_reader_port(&m->cluster),
        .network = m->cluster.reach.network,
        .is_cross_az = true,
        .keeps_apart = true,
        .program = cluster_program(a, &m->cluster),
    };
}

void member_settle(struct view *m, struct node *n, const struct place_choice *choice,
                   int64_t memory_bytes, bool is_clustered, struct decisions *d, const char *why)
{
    struct node_goal goal = {
        .has = true,
        .host_id = choice->host_id,
        .address = choice->address,
        .second_address = choice->second_address,
        .port = m->cluster.port,
        .state = NODE_RUNNING,
        .boot_count = n->boot_count,
        .memory_bytes = memory_bytes,
        .vcpus = cluster_vcpus(&m->cluster),
        .parameters = parameters_number(&m->cluster),
        .tls = m->cluster.tls,
        .is_clustered = is_clustered,
    };

    n->host_zone = choice->zone;
    d->about = &m->cluster;
    decide_goal(d, n, &goal, why);
}

static void place_members(struct group_view *g, struct decisions *d)
{
    struct view **homeless = arena_array(d->arena, g->member_count, sizeof(struct view *));
    struct place_request *requests = arena_array(d->arena, g->member_count, sizeof(*requests));
    struct place_choice *choices = arena_array(d->arena, g->member_count, sizeof(*choices));
    size_t count = 0;

    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        const struct node *n = member_node(m);
        if (!n || !n->is_wanted || n->goal.has)
            continue;
        requests[count] = member_request(d->arena, m, n);
        homeless[count++] = m;
    }
    if (count == 0 || place_nodes(g->region->board, requests, count, choices) != PLACE_OK)
        return; /* a host's arrival or another node's end wakes us again */
    for (size_t i = 0; i < count; i++)
        member_settle(homeless[i], member_node(homeless[i]), &choices[i], requests[i].memory_bytes,
                      g->group.mode != CLUSTER_MODE_DISABLED, d,
                      "its group found room for all that waited");
}

/* --- who is the primary --- */

/* Members are made in the order of their numbers; an adopted cluster is older than all others. */
static struct view *first_member(const struct group_view *g, const struct shard *s)
{
    struct view *first = NULL;

    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        if (m->cluster.shard_id == s->id && m->cluster.is_wanted &&
            (!first || m->cluster.id < first->cluster.id))
            first = m;
    }
    return first;
}

/* Engines may know one of another group before, or by orders that this control plane has forgotten.
 */
int64_t shard_highest_term(const struct group_view *g, const struct shard *s)
{
    int64_t highest = s->goal.has ? s->goal.term : 0;

    for (size_t i = 0; i < g->member_count; i++) {
        const struct node *n = member_node(&g->members[i]);
        if (n && g->members[i].cluster.shard_id == s->id && n->saw.has && n->saw.term > highest)
            highest = n->saw.term;
    }
    for (size_t i = 0; i < g->promises.count; i++)
        if (g->promises.items[i].shard_id == s->id && g->promises.items[i].term > highest)
            highest = g->promises.items[i].term;
    return highest;
}

static void choose_primaries(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard *s = &g->shards.items[i];
        const struct view *first = s->goal.has ? NULL : first_member(g, s);
        if (!first)
            continue;
        s->goal = (struct shard_goal){.has = true,
                                      .term = shard_highest_term(g, s) + 1,
                                      .primary_id = first->cluster.id,
                                      .yields = s->goal.yields,
                                      .acks = s->goal.acks};
        decide_shard(d, g, s, "the first of its members");
    }
}

/* What is counted on is as good by the next term; what was asked in this one is asked anew. */
static struct shard_acks acks_of_next(const struct shard *s)
{
    struct shard_acks acks = s->goal.acks;

    acks.after = 0;
    acks.asked = OFFSETS_NOT_ASKED;
    return acks;
}

/* What voters were asked for, and that nobody was the primary, is settled by that. */
void shard_forget_loss(struct shard *s)
{
    s->lease.asked_term = s->lease.vacated_ms = 0;
    s->lease.is_told = s->lease.is_cut_off = false;
}

/* By the next term that member is the primary, in that life of its engine; 0: in any. */
static void begin_term(struct group_view *g, struct shard *s, int64_t cluster_id, int64_t life,
                       struct decisions *d, const char *why)
{
    shard_forget_loss(s);
    s->goal = (struct shard_goal){.has = true,
                                  .term = shard_highest_term(g, s) + 1,
                                  .primary_id = cluster_id,
                                  .life = life,
                                  .source = s->goal.source,
                                  .yields = s->goal.yields,
                                  .acks = acks_of_next(s)};
    decide_shard(d, g, s, why);
}

void groups_promote(struct group_view *g, struct shard *s, int64_t cluster_id, struct decisions *d,
                    const char *why)
{
    begin_term(g, s, cluster_id, 0, d, why);
}

/* A role that was meant for one life of an engine still is. */
void groups_raise(struct group_view *g, struct shard *s, struct decisions *d, const char *why)
{
    begin_term(g, s, s->goal.primary_id, s->goal.fenced_id ? 0 : s->goal.life, d, why);
}

int64_t member_life(const struct view *m)
{
    const struct node *n = member_node(m);
    return n && n->saw.has ? n->saw.crashes + 1 : 0;
}

/* One that ends before it hears of its role comes back with nothing, and its replicas would forget
 * all they know. */
void groups_promote_as_seen(struct group_view *g, struct shard *s, const struct view *chosen,
                            struct decisions *d, const char *why)
{
    restraint_count(g, s);
    begin_term(g, s, chosen->cluster.id, member_life(chosen), d, why);
}

/* One that ends and comes back has nothing of what its successor waits for, and must not look as if
 * it had. */
static void fence(struct group_view *g, struct shard *s, int64_t yields_to, struct decisions *d,
                  const char *why)
{
    const struct view *primary = shard_primary(g, s);

    s->goal.fenced_id = s->goal.primary_id;
    s->goal.fence_term = s->goal.term;
    s->goal.fence_life = primary ? member_life(primary) : 0;
    s->goal.yields_to = yields_to;
    s->goal.yields += yields_to != 0;
    decide_shard(d, g, s, why);
}

void groups_fence(struct group_view *g, struct shard *s, struct decisions *d, const char *why)
{
    fence(g, s, 0, d, why);
}

void groups_yield(struct group_view *g, struct shard *s, const struct view *to, struct decisions *d,
                  const char *why)
{
    fence(g, s, to->cluster.id, d, why);
}

void groups_unfence(struct group_view *g, struct shard *s, struct decisions *d, const char *why)
{
    begin_term(g, s, s->goal.fenced_id, s->goal.fence_life, d, why);
}

/* Once it is the primary it may begin anew as any other. */
static void forget_life(struct group_view *g, struct shard *s, struct decisions *d)
{
    if (s->goal.life == 0 || s->goal.fenced_id || !primary_is_confirmed(g, s))
        return;
    s->goal.life = 0;
    decide_shard(d, g, s, "its new primary is there");
}

void groups_follow(struct group_view *g, struct shard *s, const struct shard_source *source,
                   struct decisions *d, const char *why)
{
    s->goal.source = *source;
    groups_promote(g, s, s->goal.primary_id, d, why);
}

/* Engines obey no lower term than they know, and voters grant no lease by one: the shard's goes
 * above it. What voters are asked to promise is not yet one. */
static void outgrow_terms(struct group_view *g, struct shard *s, struct decisions *d)
{
    bool is_between = s->lease.asked_term > 0 || s->lease.vacated_ms > 0;

    if (!s->goal.has || is_between || shard_highest_term(g, s) <= s->goal.term)
        return;
    if (s->goal.acks.asked)
        acks_ask(g, s, shard_primary(g, s), d);
    else
        groups_raise(g, s, d, "an engine or a voter knows a higher term");
}

/* --- a primary that died --- */

/* The process ended, and nobody asked for that. */
static bool has_died(const struct node *n)
{
    return n && n->is_wanted && n->goal.has && n->goal.state == NODE_RUNNING && n->saw.has &&
           strcmp(n->saw.host_id, n->goal.host_id) == 0 && n->saw.crashes > 0 &&
           n->saw.boot_count >= n->boot_count &&
           (n->saw.state == NODE_STOPPED || n->saw.state == NODE_FAILED);
}

/* Its engine ended before it heard of its role: the order was for that life, and it obeys no more.
 */
static bool has_missed(const struct shard *s, const struct node *n)
{
    if (!n || !n->is_wanted || !n->goal.has || !n->saw.has)
        return false;
    int64_t life = s->goal.fenced_id == n->cluster_id ? s->goal.fence_life : s->goal.life;
    return life > 0 && strcmp(n->saw.host_id, n->goal.host_id) == 0 && n->saw.crashes + 1 > life;
}

static bool is_up(const struct node *n)
{
    return n && n->is_wanted && n->goal.has && n->saw.has && n->saw.state == NODE_RUNNING &&
           strcmp(n->saw.host_id, n->goal.host_id) == 0;
}

/* A replica of the present primary that had some of its stream, or all while there was nothing, or
 * the one before that was fenced for it. Where nobody knows that the primary ever was one, those of
 * the one before are as good. */
static bool is_fit(const struct shard *s, const struct node *n)
{
    bool is_other = s->goal.fence_life > 0 && n->saw.crashes + 1 != s->goal.fence_life;
    bool was_fenced =
        s->goal.fenced_id == n->cluster_id && n->saw.term == s->goal.fence_term && !is_other;
    bool is_of_term = n->saw.term == s->goal.term || s->goal.life > 0;
    bool follows = strcmp(n->saw.role, "replica") == 0 && is_of_term;

    bool had_all = follows && n->saw.term > 0 && n->saw.followed_term == n->saw.term;
    return is_up(n) && (follows || was_fenced) && (n->saw.offset > 0 || had_all);
}

bool member_has_died(const struct view *m)
{
    return has_died(member_node(m));
}

bool member_is_up(const struct view *m)
{
    return is_up(member_node(m));
}

bool member_is_fit(const struct shard *s, const struct view *m)
{
    return is_fit(s, member_node(m));
}

/* How many of the group's primaries are on the host of that member. */
static size_t primaries_beside(const struct group_view *g, const struct view *m)
{
    const char *host_id = member_node(m)->goal.host_id;
    size_t count = 0;

    for (size_t i = 0; i < g->shards.count; i++) {
        const struct view *primary = shard_primary(g, &g->shards.items[i]);
        const struct node *n = primary ? member_node(primary) : NULL;
        count += n && n->goal.has && strcmp(n->goal.host_id, host_id) == 0;
    }
    return count;
}

bool member_is_better(const struct group_view *g, const struct view *m, const struct view *best,
                      const char *lost_zone)
{
    const struct node *n = member_node(m), *b = best ? member_node(best) : NULL;

    if (!b || n->saw.offset != b->saw.offset)
        return !b || n->saw.offset > b->saw.offset;
    bool is_elsewhere = strcmp(n->host_zone, lost_zone) != 0;
    if (is_elsewhere != (strcmp(b->host_zone, lost_zone) != 0))
        return is_elsewhere;
    return primaries_beside(g, m) < primaries_beside(g, best);
}

/* A moment in which nothing was heard is no reason to take a worse one. */
static bool is_silent(const struct view *m)
{
    const struct host *host = view_host(m, member_node(m)->goal.host_id);
    return !host || host->is_silent;
}

struct candidates {
    struct view *best;     /* of those that are fit */
    struct view *any;      /* of those that run at all */
    bool has_late_reports; /* one that is fit still believes in its link */
    bool has_unheard;      /* one is on a host that is not heard of */
    bool has_unfit;        /* one has not followed, as far as is known */
};

static struct candidates look_for(const struct group_view *g, const struct shard *s,
                                  const struct view *dead)
{
    struct candidates c = {0};
    const char *lost_zone = member_node(dead)->host_zone;

    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        const struct node *n = member_node(m);
        if ((m == dead && has_died(n)) || m->cluster.shard_id != s->id)
            continue; /* one that lives again is as good as what it has now */
        c.has_unheard |= n && n->is_wanted && n->goal.has && is_silent(m);
        c.has_unfit |= n && n->is_wanted && !is_fit(s, n);
        if (!is_up(n))
            continue;
        if (member_is_better(g, m, c.any, lost_zone))
            c.any = m;
        if (!is_fit(s, n) || is_silent(m) || member_lags(m))
            continue;
        c.has_late_reports |= n->saw.is_link_up;
        if (member_is_better(g, m, c.best, lost_zone))
            c.best = m;
    }
    return c;
}

static bool has_some(const struct candidates *c)
{
    return c->best && member_node(c->best)->saw.offset > 0;
}

/* --- without automatic failover --- */

/* Nobody is promoted: the one that has most is fenced, so that it has no writes of its own, and the
 * primary gets its data back from it. */
static void keep_for_heir(struct group_view *g, struct shard *s, struct view *keeper,
                          struct view *dead, struct decisions *d)
{
    if (s->heir_id == 0) {
        s->heir_id = dead->cluster.id;
        d->about = &dead->cluster;
        decide_event(d, dead, EVENT_NODE_RECOVERING, member_node(dead)->number, NULL);
    }
    restraint_count(g, s);
    shard_forget_loss(s);
    s->goal = (struct shard_goal){.has = true,
                                  .term = shard_highest_term(g, s) + 1,
                                  .primary_id = keeper->cluster.id,
                                  .source = s->goal.source,
                                  .yields = s->goal.yields,
                                  .acks = acks_of_next(s)};
    groups_fence(g, s, d, "it keeps the data until the primary is back");
}

static bool has_a_switch(const struct group_view *g)
{
    return g->has_operation &&
           (g->operation.kind == GROUP_SWITCH || g->operation.kind == GROUP_MODE ||
            g->operation.kind == GROUP_ROLL || g->operation.kind == GROUP_SCALE);
}

/* The heir has as much as the keeper said that it has: it is named, and takes the role with the
 * last byte, as a successor by plan does. */
static void name_heir(struct group_view *g, struct shard *s, const struct view *heir,
                      const struct node *keeper, struct decisions *d)
{
    const struct node *n = member_node(heir);
    bool is_fenced = s->goal.fenced_id == s->goal.primary_id && primary_is_confirmed(g, s);

    if (!is_fenced || !n || !is_up(n) || !n->saw.is_link_up || n->saw.term != s->goal.term ||
        (n->saw.offset == 0 && keeper->saw.offset > 0))
        return;
    s->goal.term++;
    s->goal.primary_id = heir->cluster.id;
    s->goal.after_offset = keeper->saw.offset;
    s->goal.life = member_life(heir);
    decide_shard(d, g, s, "the primary is back, and has its data again");
}

static void end_waiting(struct group_view *g, struct shard *s, struct view *heir,
                        struct decisions *d)
{
    s->goal.fenced_id = s->goal.fence_term = s->goal.fence_life = 0;
    s->goal.after_offset = s->goal.life = s->heir_id = 0;
    decide_shard(d, g, s, "its primary is there again");
    d->about = &heir->cluster;
    decide_event(d, heir, EVENT_NODE_RECOVERED, member_node(heir)->number, NULL);
}

/* The one that keeps the data has ended, and nothing more comes of it. */
static bool is_stream_over(const struct shard *s, const struct node *keeper)
{
    return s->goal.after_offset > 0 &&
           (keeper->saw.state != NODE_RUNNING || keeper->saw.term != s->goal.fence_term);
}

static void return_role(struct group_view *g, struct shard *s, struct decisions *d)
{
    struct view *heir = s->heir_id ? group_member(g, s->heir_id) : NULL;
    struct view *keeper = s->heir_id ? group_member(g, s->goal.fenced_id) : NULL;
    bool is_named = s->goal.primary_id == s->heir_id;
    bool is_awaited =
        heir && heir->cluster.is_wanted && member_node(heir) && !g->group.has_failover;

    if (s->heir_id == 0 || (!is_named && has_a_switch(g)))
        return;
    if (!s->goal.fenced_id) { /* others have settled it */
        s->heir_id = 0;
        decide_shard(d, g, s, "it has another primary");
    } else if (is_named && primary_is_confirmed(g, s)) {
        end_waiting(g, s, heir, d);
    } else if (is_named && keeper && member_node(keeper) &&
               is_stream_over(s, member_node(keeper))) {
        s->goal.after_offset = 0;
        decide_shard(d, g, s, "nothing more comes of the one that kept the data");
    } else if (!is_named && !is_awaited) {
        s->heir_id = 0;
        groups_unfence(g, s, d, "it waits for its primary no more");
    } else if (!is_named && keeper && member_node(keeper)) {
        name_heir(g, s, heir, member_node(keeper), d);
    }
}

/* --- another one in its place --- */

/* The bytes that were under way to the replicas still count: so each is waited for until it says
 * that its link is down, but not for long. One that has nothing is taken when all have followed and
 * have nothing. One that never followed is not taken while one that may have can be heard of. */
static struct view *choose(const struct group_view *g, const struct shard *s,
                           const struct candidates *c, int64_t since_ms, int64_t wait_ms)
{
    bool is_certain = !c->has_unheard && !restraint_is_in_doubt(g->region);

    if (has_some(c))
        return !c->has_late_reports || since_ms >= wait_ms ? c->best : NULL;
    if (c->best && is_certain && !c->has_unfit && !c->has_late_reports)
        return c->best;
    bool is_time = since_ms >= group_patience_ms(g, s) && group_takes_stale(g, c->has_unheard);
    return is_time ? c->any : NULL;
}

/* Who has just begun to listen has not heard yet what there is to be heard. */
static int64_t since_when(const struct group_view *g, const struct node *dead)
{
    return dead->saw.crashed_ms > g->began_ms ? dead->saw.crashed_ms : g->began_ms;
}

/* NULL: somebody is waited for. */
static struct view *choose_best(struct group_view *g, struct shard *s, const struct view *dead,
                                struct decisions *d)
{
    const struct node *n = member_node(dead);
    struct candidates c = look_for(g, s, dead);
    int64_t since_ms = has_some(&c) ? n->saw.crashed_ms : since_when(g, n);
    int64_t wait_ms = n->saw.is_killed ? KILLED_WAIT_MS : CANDIDATES_WAIT_MS;
    struct view *chosen = choose(g, s, &c, g->now_ms - since_ms, wait_ms);
    int64_t patience_ms = has_some(&c) ? wait_ms : group_patience_ms(g, s);
    int64_t wake_ms = patience_ms < INT64_MAX ? since_ms + patience_ms : 0;

    if (!chosen && wake_ms > g->now_ms) /* else it waits for a report */
        decide_wake(d, wake_ms);
    if (!chosen && !c.best && c.any)
        lags_tell_waiting(g, s, since_ms, d);
    return chosen;
}

/* The same where writes were acknowledged that the next primary must have. */
static struct view *choose_surely(struct group_view *g, struct shard *s, const struct view *dead,
                                  bool *out_is_sure, struct decisions *d)
{
    if (s->goal.acks.asked == OFFSETS_NOT_ASKED) {
        acks_ask(g, s, dead, d);
        return NULL;
    }
    struct view *chosen = acks_choose(g, s, dead, out_is_sure);
    if (!chosen)
        acks_tell_waiting(g, s, d);
    return chosen;
}

/* The fenced one has ended as well: its order is for a life that is over, and keeps it from
 * starting. */
static bool fence_is_over(const struct group_view *g, const struct shard *s)
{
    const struct view *m =
        s->goal.fenced_id && s->heir_id == 0 ? group_member(g, s->goal.fenced_id) : NULL;
    const struct node *n = m ? member_node(m) : NULL;

    return n && n->saw.has && s->goal.fence_life > 0 && n->saw.crashes + 1 > s->goal.fence_life;
}

static void tell_failover(struct group_view *g, const struct shard *s, const struct view *dead,
                          const struct view *chosen, struct decisions *d)
{
    bool is_stale = member_lags(chosen) || !is_fit(s, member_node(chosen));

    if (is_stale && !acks_counts(s))
        decide_group_event(d, g, EVENT_FAILOVER_STALE, s->number, chosen->cluster.name);
    lags_tell_lost(g, dead, chosen, d);
    decide_group_event(d, g, EVENT_FAILOVER_DONE, dead->cluster.name, chosen->cluster.name);
}

static void fail_over(struct group_view *g, struct shard *s, struct decisions *d)
{
    struct view *dead = shard_primary(g, s);
    const struct node *n = dead ? member_node(dead) : NULL;

    /* Until the group is made its data is the primary's alone, which fetches it anew. */
    bool is_restoring = g->has_operation && g->operation.kind == GROUP_CREATE && *g->operation.data;
    bool is_over = has_died(n) || has_missed(s, n) || (n && s->goal.acks.asked);
    bool is_sure = true;
    if (!is_over || is_restoring || s->lease.vacated_ms || !acks_are_free(s, dead, has_died(n)))
        return;
    struct view *chosen =
        acks_counts(s) ? choose_surely(g, s, dead, &is_sure, d) : choose_best(g, s, dead, d);
    if (!chosen && fence_is_over(g, s)) {
        s->goal.fenced_id = s->goal.fence_term = s->goal.fence_life = s->goal.after_offset = 0;
        decide_shard(d, g, s, "the fenced one has ended, too");
        return;
    }
    if (!chosen)
        return;
    if (failpoint_holds(d->failpoint, "group", "failover", "promote") || !restraint_allows(g, s, d))
        return;
    failpoint_reach(d->failpoint, "group", "failover", "promote");
    bool is_heir = chosen->cluster.id == (s->heir_id ? s->heir_id : dead->cluster.id);
    if (!g->group.has_failover && !is_heir && !has_a_switch(g)) {
        keep_for_heir(g, s, chosen, dead, d);
        return;
    }
    if (!is_sure)
        decide_group_event(d, g, EVENT_FAILOVER_UNSURE, s->number, NULL);
    if (chosen != dead)
        tell_failover(g, s, dead, chosen, d);
    groups_promote_as_seen(g, s, chosen, d, "its primary died");
}

void groups_name(struct arena *a, struct failpoint_names *out)
{
    failpoint_names_add(a, out, "group", "failover", "promote");
    moves_name(a, out);
    group_steps_name(a, out);
}

/* --- members that come back --- */

/* It follows, or is the primary. */
static bool is_back(const struct group_view *g, const struct shard *s, const struct view *m)
{
    const struct node *n = member_node(m);
    bool is_primary = s->goal.primary_id == m->cluster.id;

    return is_up(n) && !member_is_unheard(m) && n->saw.term == s->goal.term &&
           (is_primary ? primary_is_confirmed(g, s) : n->saw.is_link_up);
}

static void tell_recoveries(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        struct node *n = member_node(m);
        if (!n || !n->goal.is_told_down || !is_back(g, member_shard(g, m), m))
            continue;
        d->about = &m->cluster;
        decide_event(d, m, EVENT_NODE_RECOVERED, n->number, NULL);
        decide_told(d, n, n->goal.crashes_told, false);
    }
}

/* --- members that go --- */

static void forget_members(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        if (m->cluster.is_wanted || m->nodes.count > 0 || m->is_removed)
            continue;
        d->about = &m->cluster;
        decide_event(d, m, EVENT_CLUSTER_DELETED, NULL, NULL);
        decide_cluster_remove(d, m);
        if (g->group.is_wanted)
            acks_lose_member(g, member_shard(g, m), d);
    }
}

/* --- questions --- */

static bool is_running(const struct node *n)
{
    return is_up(n) && n->saw.boot_count >= n->boot_count;
}

bool member_is_ready(const struct group_view *g, const struct view *m)
{
    const struct node *n = member_node(m);
    const struct shard *s = member_shard(g, m);
    struct settings_version wanted = {.epoch = n && n->goal.is_clustered ? g->topology.epoch : 0};
    struct settings_version applied;

    if (!is_running(n) || !s->goal.has ||
        !settings_version_parse(n->saw.applied_settings, &applied))
        return false;
    settings_take_role(&wanted, &s->goal, &s->endpoints, m->cluster.id);
    if (s->lease.vacated_ms || applied.acks != wanted.acks ||
        applied.is_bounded != wanted.is_bounded)
        return false;
    if (applied.term != wanted.term || applied.is_fenced != wanted.is_fenced ||
        applied.yield != wanted.yield || applied.has_declined ||
        applied.endpoints != wanted.endpoints || applied.epoch != wanted.epoch ||
        applied.users < g->group.entry.revision || applied.tls != m->cluster.tls)
        return false;
    bool has_nobody = s->goal.primary_id == m->cluster.id && s->goal.source.port == 0;
    return has_nobody || wanted.is_fenced || n->saw.is_link_up;
}

bool primary_is_confirmed(const struct group_view *g, const struct shard *s)
{
    const struct view *primary = shard_primary(g, s);
    const struct node *n = primary ? member_node(primary) : NULL;

    if (!is_up(n) || s->lease.vacated_ms || n->saw.term != s->goal.term)
        return false;
    return s->goal.source.port ? n->saw.is_link_up : strcmp(n->saw.role, "primary") == 0;
}

/* --- all of it --- */

/* In this order, each for all shards before the next one looks. */
static void (*const shard_rules[])(struct group_view *g, struct shard *s, struct decisions *d) = {
    outgrow_terms, forget_life, acks_raise, restraint_rest, return_role,
    fail_over,     losses_look, lags_look,  voters_look,    endpoints_look,
};

void groups_decide(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->member_count; i++)
        rules_decide(&g->members[i], d);
    scale_keep_room(g, d);
    place_members(g, d);
    for (size_t i = 0; i < g->shards.count && g->group.is_wanted; i++)
        acks_order(g, &g->shards.items[i], d);
    choose_primaries(g, d);
    moves_look(g, d);
    for (size_t rule = 0; rule < countof(shard_rules); rule++)
        for (size_t i = 0; i < g->shards.count && g->group.is_wanted; i++)
            shard_rules[rule](g, &g->shards.items[i], d);
    relocate_members(g, d);
    tell_recoveries(g, d);
    forget_members(g, d);
    if (g->group.is_wanted)
        topology_tell(g, d);
    globals_follow(g, d);
    if (g->group.is_wanted)
        global_shards_align(g, d);
    if (g->has_operation)
        group_steps_run(g, d);
    else if (g->group.is_wanted)
        cluster_mode_mend(g, d);
    if (g->group.is_wanted && !g->is_removed)
        topology_tell(g, d); /* what the steps have changed */
    globals_wake(g, d);
}
