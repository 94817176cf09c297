/*
 * A switch of roles by plan loses nothing: the old primary yields (its writes wait until the
 * successor has everything, then it is fenced), and says at which offset it stopped; the new one
 * takes the role when it has come so far; only then the old one is told to follow. A successor that
 * is too slow changes nothing: the old one goes on by its term. What does not come about after that
 * is taken back by a higher one. Engines that know not how to yield are fenced at once.
 */
#include "controlplane/reconcile/switch_steps.h"

#include "base/arena.h"
#include "base/str.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/settings.h"
#include "controlplane/reconcile/acks.h"
#include "controlplane/reconcile/cluster_mode.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/member_steps.h"
#include "controlplane/reconcile/restraint.h"
#include "controlplane/reconcile/rolling.h"
#include "controlplane/reconcile/scale_steps.h"

#define FENCE_LIMIT_MS  5000   /* writes are refused for so long at most */
#define NAME_LIMIT_MS   500    /* of which a successor may take so long that is level already */
#define FOLLOW_LIMIT_MS 600000 /* for the old primary to follow the new one */
#define ROLL_LIMIT_MS   600000 /* for each member to begin anew */
#define ROLL_TRIES      10     /* of a switch whose successor is too slow */
#define ROLL_REST_MS    3000   /* between them; writes go on */

/* --- switch: "<shard id> <the cluster that is the primary> <the one that is to be>", and in a
 * roll, after a switch that did not come about, " <how many did not> <when the last one did not>"
 * --- */

struct plan {
    struct shard *shard;
    struct view *from, *to;
};

static struct shard *find_shard(const struct group_view *g, int64_t id)
{
    for (size_t i = 0; i < g->shards.count; i++)
        if (g->shards.items[i].id == id)
            return &g->shards.items[i];
    return NULL;
}

/* False when what was planned is no longer there. */
static bool plan_read(const struct group_view *g, struct plan *out)
{
    struct str rest = str_of(g->operation.data);
    int64_t shard_id, from_id, to_id;

    if (!str_to_i64(str_cut(&rest, ' '), &shard_id) || !str_to_i64(str_cut(&rest, ' '), &from_id) ||
        !str_to_i64(str_cut(&rest, ' '), &to_id))
        return false;
    *out = (struct plan){find_shard(g, shard_id), group_member(g, from_id), group_member(g, to_id)};
    return out->shard && out->shard->goal.has && out->from && member_node(out->from) && out->to &&
           member_node(out->to);
}

static void begin_fence(struct group_view *g, const struct plan *p, struct decisions *d)
{
    static const char why[] = "another member is to be the primary";

    if (driver_is_bundled(p->from->cluster.driver))
        groups_yield(g, p->shard, p->to, d, why);
    else
        groups_fence(g, p->shard, d, why);
    g->operation.deadline_ms = g->now_ms + FENCE_LIMIT_MS;
    decide_group_operation(d, g);
}

/* Its engine was asked, by this very number, and goes on as the primary that it was. */
static bool has_declined(const struct plan *p)
{
    const struct shard_goal *goal = &p->shard->goal;
    struct settings_version applied;

    return goal->fenced_id == p->from->cluster.id && goal->yields_to &&
           goal->primary_id == p->from->cluster.id &&
           settings_version_parse(member_node(p->from)->saw.applied_settings, &applied) &&
           applied.has_declined && applied.yield == goal->yields &&
           applied.term == goal->fence_term;
}

/* While its writes waited the successor has had everything. */
static bool has_yielded(const struct plan *p)
{
    return p->shard->goal.yields_to == p->to->cluster.id;
}

static bool is_told_to_stop(const struct group_view *g)
{
    return str_ends(str_of(g->operation.data), STOP_WORD);
}

/* How many switches of this plan did not come about, and when the last one did not. */
static int64_t read_tries(const struct group_view *g, int64_t *out_ms)
{
    struct str rest = str_of(g->operation.data);
    int64_t tries = 0;

    *out_ms = 0;
    for (int i = 0; i < 3; i++)
        str_cut(&rest, ' ');
    return str_to_i64(str_cut(&rest, ' '), &tries) && str_to_i64(str_cut(&rest, ' '), out_ms)
               ? tries
               : 0;
}

/* A clock that was set back is no reason to wait longer. */
static bool is_resting(const struct group_view *g, struct decisions *d)
{
    int64_t last_ms, tries = read_tries(g, &last_ms), since_ms = g->now_ms - last_ms;

    if (tries == 0 || since_ms < 0 || since_ms >= ROLL_REST_MS)
        return false;
    decide_wake(d, last_ms + ROLL_REST_MS);
    return true;
}

/* Somebody waits for a switch that he asked for, and hears that there was none. Nobody waits for
 * one of a roll: it is tried again, when its successor may have come nearer. */
static enum step_result decline(struct group_view *g, const struct plan *p, struct decisions *d)
{
    int64_t last_ms, tries = read_tries(g, &last_ms);

    if (g->operation.kind != GROUP_ROLL || is_told_to_stop(g) || tries + 1 >= ROLL_TRIES) {
        g->operation.why = "its successor did not come level in time";
        return STEP_FAILED;
    }
    switch_take_back(g, d);
    g->operation.data = arena_printf(d->arena, "%lld %lld %lld %lld %lld", (long long)p->shard->id,
                                     (long long)p->from->cluster.id, (long long)p->to->cluster.id,
                                     (long long)tries + 1, (long long)g->now_ms);
    g->operation.deadline_ms = g->now_ms + ROLL_LIMIT_MS;
    decide_group_operation(d, g);
    decide_wake(d, g->now_ms + ROLL_REST_MS);
    return STEP_WAIT;
}

static enum step_result fence(struct group_view *g, struct decisions *d)
{
    struct plan p;

    if (!plan_read(g, &p))
        return STEP_FAILED;
    if (p.shard->goal.primary_id != p.from->cluster.id)
        return p.shard->goal.primary_id == p.to->cluster.id ? STEP_DONE : STEP_FAILED;
    if (p.shard->goal.fenced_id && p.shard->goal.fenced_id != p.from->cluster.id)
        return STEP_WAIT; /* it is about to be the primary itself: see groups.c */
    if (!p.shard->goal.fenced_id) {
        if (!member_is_ready(g, p.from) || !member_is_ready(g, p.to) || member_is_unheard(p.to) ||
            is_resting(g, d))
            return STEP_WAIT;
        if (p.shard->goal.source.port)
            return STEP_DONE; /* it takes no writes anyway */
        begin_fence(g, &p, d);
    }
    if (has_declined(&p))
        return decline(g, &p, d);
    if (!member_is_ready(g, p.from))
        return STEP_WAIT;
    if (has_yielded(&p) && g->operation.deadline_ms > g->now_ms + NAME_LIMIT_MS) {
        g->operation.deadline_ms = g->now_ms + NAME_LIMIT_MS;
        decide_group_operation(d, g);
    }
    return STEP_DONE;
}

/* The primary of this term, and not one before it that it has not heard the end of. */
static bool follows(const struct shard *s, const struct view *m)
{
    const struct node_saw *saw = &member_node(m)->saw;
    return saw->state == NODE_RUNNING && saw->is_link_up && saw->term == s->goal.term;
}

/* The old primary still has what its successor is to get. */
static bool has_stream(const struct plan *p)
{
    const struct node_saw *from = &member_node(p->from)->saw;

    return from->state == NODE_RUNNING && from->term == p->shard->goal.fence_term;
}

/* Should the old primary die before it has given anything, an empty successor would be one. */
static bool is_empty(const struct view *m)
{
    return member_node(m)->saw.offset == 0;
}

static enum step_result promote(struct group_view *g, struct decisions *d)
{
    struct plan p;

    if (!plan_read(g, &p))
        return STEP_FAILED;
    if (p.shard->goal.primary_id != p.to->cluster.id) {
        bool is_sourced = p.shard->goal.source.port != 0;
        if (!is_sourced && p.shard->goal.fenced_id != p.from->cluster.id)
            return STEP_FAILED;
        bool is_unsure = is_empty(p.to) && !is_empty(p.from) && !has_yielded(&p);
        if (!follows(p.shard, p.to) || is_unsure)
            return STEP_WAIT; /* until the old primary is given its role back */
        p.shard->goal.term++;
        p.shard->goal.primary_id = p.to->cluster.id;
        p.shard->goal.after_offset = is_sourced ? 0 : member_node(p.from)->saw.offset;
        p.shard->goal.life = is_sourced ? 0 : member_life(p.to);
        decide_shard(d, g, p.shard, "the old primary takes no writes any more");
    } else if (p.shard->goal.after_offset > 0 && !has_stream(&p) && acks_counts(p.shard)) {
        acks_ask(g, p.shard, p.to, d); /* another one may have more of what was acknowledged */
    } else if (p.shard->goal.after_offset > 0 && !has_stream(&p)) {
        p.shard->goal.after_offset = 0;
        decide_shard(d, g, p.shard, "nothing more comes of the old primary");
    }
    return primary_is_confirmed(g, p.shard) ? STEP_DONE : STEP_WAIT;
}

static enum step_result demote(struct group_view *g, struct decisions *d)
{
    struct plan p;

    if (!plan_read(g, &p))
        return STEP_FAILED;
    const char *from = p.from->cluster.name, *to = p.to->cluster.name;
    p.shard->goal.fenced_id = p.shard->goal.fence_term = p.shard->goal.fence_life = 0;
    p.shard->goal.after_offset = p.shard->goal.life = 0;
    decide_shard(d, g, p.shard, "the new primary is there");
    decide_group_event(d, g, EVENT_FAILOVER_DONE, from, to);
    d->about = &p.from->cluster;
    decide_event(d, p.from, EVENT_FAILOVER_DONE_MEMBER, from, to);
    decide_event(d, p.from, EVENT_NODE_RECOVERING, member_node(p.from)->number, NULL);
    g->operation.deadline_ms = g->now_ms + FOLLOW_LIMIT_MS;
    return STEP_DONE;
}

static enum step_result await_followers(struct group_view *g, struct decisions *d)
{
    struct plan p;

    if (!plan_read(g, &p))
        return STEP_FAILED;
    if (!group_is_settled(g))
        return STEP_WAIT;
    decide_event(d, p.from, EVENT_NODE_RECOVERED, member_node(p.from)->number, NULL);
    return STEP_DONE;
}

const struct step group_switch_steps[] = {
    {"fence",           fence          },
    {"promote",         promote        },
    {"demote",          demote         },
    {"await_followers", await_followers},
};

/* --- roll: replicas first, then a switch, then the old primary, shard by shard. Between switches
 * the data is the id of the member that begins anew; STOP_WORD at its end lets no other one begin.
 * --- */

static void begin_anew(struct group_view *g, struct view *m, struct decisions *d)
{
    struct node *n = member_node(m);

    d->about = &m->cluster;
    decide_boot(d, n, "its group goes over to another version");
    decide_event(d, m, EVENT_NODE_SHUTDOWN, n->number, NULL);
    g->operation.data = arena_printf(d->arena, "%lld", (long long)m->cluster.id);
    g->operation.deadline_ms = g->now_ms + ROLL_LIMIT_MS;
    decide_group_operation(d, g);
}

/* The member that began anew is back. */
static void tell_restarted(struct group_view *g, struct decisions *d)
{
    int64_t id;
    struct view *m = str_to_i64(str_of(g->operation.data), &id) ? group_member(g, id) : NULL;

    if (m && member_node(m)) {
        d->about = &m->cluster;
        decide_event(d, m, EVENT_NODE_RESTARTED, member_node(m)->number, NULL);
    }
    g->operation.data = "";
}

static enum step_result roll_members(struct group_view *g, struct decisions *d)
{
    if (!group_is_settled(g) || !group_has_settings(g))
        return STEP_WAIT;
    if (is_told_to_stop(g))
        return STEP_OVER;
    tell_restarted(g, d);
    struct view *next = rolling_replica(g);
    if (!next)
        return STEP_DONE;
    begin_anew(g, next, d);
    return STEP_WAIT;
}

static enum step_result plan_switch(struct group_view *g, struct decisions *d)
{
    struct view *heir;
    const struct shard *s = rolling_shard(g, &heir);

    if (!s) {
        decide_group_event(d, g, EVENT_GROUP_UPGRADED, g->group.common.engine,
                           g->group.common.engine_version);
        return STEP_OVER;
    }
    if (!heir) {
        begin_anew(g, shard_primary(g, s), d);
        return STEP_AGAIN;
    }
    g->operation.data = arena_printf(d->arena, "%lld %lld %lld", (long long)s->id,
                                     (long long)s->goal.primary_id, (long long)heir->cluster.id);
    return STEP_DONE;
}

static enum step_result roll_on(struct group_view *g, struct decisions *d)
{
    (void)d;
    if (is_told_to_stop(g))
        return STEP_OVER;
    g->operation.data = "";
    g->operation.deadline_ms = g->now_ms + ROLL_LIMIT_MS;
    return STEP_AGAIN;
}

const struct step group_roll_steps[] = {
    {"roll_members",    roll_members   },
    {"plan_switch",     plan_switch    },
    {"fence",           fence          },
    {"promote",         promote        },
    {"demote",          demote         },
    {"await_followers", await_followers},
    {"roll_on",         roll_on        },
};

/* --- another node type, for which some members move: the same plan, shard by shard --- */

const struct step group_scale_steps[] = {
    {"await_room",      scale_await_room   },
    {"await_members",   group_await_members},
    {"move_on",         scale_move_on      },
    {"fence",           fence              },
    {"promote",         promote            },
    {"demote",          demote             },
    {"await_followers", await_followers    },
    {"again",           scale_again        },
};

/* --- another cluster mode: the same plan once it is made, and what model/group.h says --- */

static enum step_result roll_replicas(struct group_view *g, struct decisions *d)
{
    return cluster_mode_roll(g, d) ? STEP_DONE : STEP_WAIT;
}

static enum step_result choose_primary(struct group_view *g, struct decisions *d)
{
    return cluster_mode_choose(g, d) ? STEP_DONE : STEP_WAIT;
}

static bool is_switched(const struct group_view *g)
{
    struct plan p;

    return plan_read(g, &p) && p.from == p.to;
}

static enum step_result fence_for_mode(struct group_view *g, struct decisions *d)
{
    return is_switched(g) ? STEP_DONE : fence(g, d);
}

static enum step_result promote_for_mode(struct group_view *g, struct decisions *d)
{
    return is_switched(g) ? STEP_DONE : promote(g, d);
}

static enum step_result demote_for_mode(struct group_view *g, struct decisions *d)
{
    return is_switched(g) ? STEP_DONE : demote(g, d);
}

static enum step_result await_modes(struct group_view *g, struct decisions *d)
{
    struct plan p;

    if (!cluster_mode_roll(g, d) || !group_is_settled(g))
        return STEP_WAIT;
    if (plan_read(g, &p) && p.from != p.to)
        decide_event(d, p.from, EVENT_NODE_RECOVERED, member_node(p.from)->number, NULL);
    cluster_mode_take(g, d);
    return STEP_DONE;
}

const struct step group_mode_steps[] = {
    {"roll_replicas",  roll_replicas   },
    {"choose_primary", choose_primary  },
    {"fence",          fence_for_mode  },
    {"promote",        promote_for_mode},
    {"demote",         demote_for_mode },
    {"await_modes",    await_modes     },
};

void switch_take_back(struct group_view *g, struct decisions *d)
{
    struct plan p;

    if (!plan_read(g, &p) || !p.shard->goal.fenced_id ||
        p.shard->goal.fenced_id != p.from->cluster.id)
        return;
    if (has_declined(&p)) {
        p.shard->goal.fenced_id = p.shard->goal.fence_term = p.shard->goal.fence_life = 0;
        decide_shard(d, g, p.shard, "its successor is too slow: it goes on as before");
        return;
    }
    groups_unfence(g, p.shard, d, "the switch did not come about");
}

/* A successor was named, and nobody can say that it is none: it may be late, and an old primary
 * that took writes again would not be the only one. Its end, if it comes to that, is a fault of its
 * own (groups.c). */
bool switch_is_past_return(const struct group_view *g)
{
    struct plan p;
    enum group_operation_kind kind = g->operation.kind;
    bool is_switch =
        kind == GROUP_SWITCH || kind == GROUP_MODE || kind == GROUP_ROLL || kind == GROUP_SCALE;

    return is_switch && plan_read(g, &p) && p.shard->goal.fenced_id == p.from->cluster.id &&
           p.shard->goal.primary_id == p.to->cluster.id && p.from != p.to;
}

/* A switch whose shard gets no primary for now is in the way of the one that would give it one. */
bool switch_is_in_the_way(const struct group_view *g)
{
    struct plan p;

    return g->operation.kind == GROUP_SWITCH && plan_read(g, &p) && restraint_holds(g, p.shard);
}
