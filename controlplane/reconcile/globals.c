/*
 * Each group looks after its own shards alone, and sees what the primary's group is told and says.
 * A failover by plan loses nothing: the old primary's group fences its shards and waits; the
 * successor's takes over when it has come as far as they were, and only then are the roles
 * exchanged, which has all others follow the new one. Where the old one's region is gone, nobody is
 * waited for.
 */
#include "controlplane/reconcile/globals.h"

#include "base/err.h"
#include "controlplane/reconcile/global_shards.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/member_steps.h"

#include <string.h>

#define LEAD_LIMIT_MS   5000   /* for the old primary to be fenced, and for the new one to begin */
#define FOLLOW_LIMIT_MS 600000 /* for the old primary to follow the new one */

static const struct shard_source nobody = {0};

/* --- the primary's region --- */

static const struct shard *shard_there(const struct group_view *g, const struct shard *s)
{
    const struct group_view *up = g->upstream;

    for (size_t i = 0; up && i < up->shards.count; i++)
        if (up->shards.items[i].is_wanted && strcmp(up->shards.items[i].number, s->number) == 0)
            return up->shards.items[i].goal.has ? &up->shards.items[i] : NULL;
    return NULL;
}

/* The primary there, or NULL. */
static const struct view *primary_there(const struct group_view *g, const struct shard *s)
{
    const struct shard *there = shard_there(g, s);
    const struct view *primary = there ? shard_primary(g->upstream, there) : NULL;

    return primary && member_node(primary) ? primary : NULL;
}

bool globals_is_reachable(const struct view *m)
{
    const struct node *n = m ? member_node(m) : NULL;

    if (!n || !n->goal.has || !n->saw.has || n->saw.state != NODE_RUNNING)
        return false;
    const struct host *host = view_host(m, n->goal.host_id);
    return host && !host->is_silent;
}

/* False while there is nobody to follow. */
static bool source_there(const struct group_view *g, const struct shard *s,
                         struct shard_source *out)
{
    const struct view *primary = primary_there(g, s);
    const struct node *n = primary ? member_node(primary) : NULL;

    if (!n || !n->goal.has)
        return false;
    *out = (struct shard_source){.address = n->goal.address,
                                 .port = n->goal.port,
                                 .user = g->upstream->group.user,
                                 .password = g->upstream->group.password};
    return true;
}

void globals_follow(struct group_view *g, struct decisions *d)
{
    struct shard_source source;

    if (!g->is_global || g->self.role != GLOBAL_SECONDARY)
        return;
    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard *s = &g->shards.items[i];
        if (s->is_wanted && s->goal.has && source_there(g, s, &source) &&
            !shard_source_is(&s->goal.source, &source))
            groups_follow(g, s, &source, d, "the primary is in another region");
    }
}

/* --- decisions --- */

static void decide_role(struct group_view *g, struct decisions *d, int64_t group_id,
                        enum global_role role)
{
    struct decision *added = vec_add(d->arena, &d->list);

    *added = (struct decision){.kind = DECISION_GLOBAL_ROLE, .group = &g->group};
    added->member = g->self;
    added->member.group_id = group_id;
    added->member.role = role;
    if (group_id == g->group.id)
        g->self.role = role;
}

static void decide_leave(struct group_view *g, struct decisions *d)
{
    *vec_add(d->arena, &d->list) =
        (struct decision){.kind = DECISION_GLOBAL_LEAVE, .group = &g->group, .member = g->self};
}

static bool is_news(const struct decision *d)
{
    return d->kind == DECISION_SHARD || d->kind == DECISION_SHARD_WANT ||
           d->kind == DECISION_GOAL || d->kind == DECISION_GOAL_REMOVE ||
           d->kind == DECISION_GLOBAL_ROLE || d->kind == DECISION_GLOBAL_LEAVE ||
           d->kind == DECISION_TOPOLOGY || d->kind == DECISION_GROUP_OPERATION;
}

/* Who looks at what the primary's nodes say: one that takes over, and while slots have changed
 * hands, all that follow. */
static bool is_watching(const struct group_view *g, const struct global_member *peer)
{
    if (g->self.role != GLOBAL_PRIMARY)
        return false;
    return peer->role == GLOBAL_SUCCESSOR ||
           (peer->role == GLOBAL_SECONDARY && !global_shards_are_followed(g));
}

void globals_wake(struct group_view *g, struct decisions *d)
{
    bool has_news = false;

    if (!g->is_global)
        return;
    vec_each(decision, &d->list)
        has_news |= is_news(decision);
    for (size_t i = 0; i < g->peer_count; i++) {
        const struct global_member *peer = &g->peers[i];
        if (peer->group_id == g->group.id || (!has_news && !is_watching(g, peer)))
            continue;
        *vec_add(d->arena, &d->list) =
            (struct decision){.kind = DECISION_TOUCH, .group = &g->group, .member = *peer};
    }
}

/* --- LEAD --- */

static enum step_result begin(struct group_view *g, struct decisions *d)
{
    (void)d;
    g->operation.deadline_ms = g->now_ms + LEAD_LIMIT_MS;
    return STEP_DONE;
}

static bool is_fenced(const struct group_view *g, const struct shard *s)
{
    const struct view *primary = primary_there(g, s);

    return primary && shard_there(g, s)->goal.fenced_id == primary->cluster.id &&
           member_is_ready(g->upstream, primary);
}

static enum step_result await_fence(struct group_view *g, struct decisions *d)
{
    (void)d;
    if (g->self.role != GLOBAL_SUCCESSOR)
        return STEP_FAILED;
    for (size_t i = 0; i < g->shards.count; i++) {
        const struct shard *s = &g->shards.items[i];
        if (globals_is_reachable(primary_there(g, s)) && !is_fenced(g, s))
            return STEP_WAIT;
    }
    return STEP_DONE;
}

static enum step_result take_over(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard *s = &g->shards.items[i];
        const struct view *before = primary_there(g, s);
        s->goal.source = nobody;
        groups_promote(g, s, s->goal.primary_id, d, "its region is to be the primary");
        if (globals_is_reachable(before)) {
            s->goal.after_offset = member_node(before)->saw.offset;
            decide_shard(d, g, s, "the primary before takes no writes any more");
        }
    }
    g->operation.deadline_ms = g->now_ms + LEAD_LIMIT_MS;
    return STEP_DONE;
}

static enum step_result exchange_roles(struct group_view *g, struct decisions *d)
{
    const struct global_member *before =
        global_member_of_role(g->peers, g->peer_count, GLOBAL_PRIMARY);

    if (g->self.role != GLOBAL_SUCCESSOR)
        return STEP_FAILED;
    for (size_t i = 0; i < g->shards.count; i++)
        if (!primary_is_confirmed(g, &g->shards.items[i]))
            return STEP_WAIT;
    for (size_t i = 0; i < g->shards.count; i++) {
        g->shards.items[i].goal.after_offset = 0;
        decide_shard(d, g, &g->shards.items[i], "its region is the primary");
    }
    if (before)
        decide_role(g, d, before->group_id, GLOBAL_SECONDARY);
    decide_role(g, d, g->group.id, GLOBAL_PRIMARY);
    decide_group_event(d, g, EVENT_GLOBAL_LEADS, g->group.name, g->self.datastore);
    g->operation.deadline_ms = g->now_ms + FOLLOW_LIMIT_MS;
    return STEP_DONE;
}

static enum step_result settle(struct group_view *g, struct decisions *d)
{
    (void)d;
    return group_is_settled(g) ? STEP_DONE : STEP_WAIT;
}

const struct step global_lead_steps[5] = {
    {"begin",          begin         },
    {"await_fence",    await_fence   },
    {"take_over",      take_over     },
    {"exchange_roles", exchange_roles},
    {"settle",         settle        },
};

/* --- YIELD --- */

/* Nobody is to take over any more. */
static bool is_called_off(const struct group_view *g)
{
    return g->self.role == GLOBAL_PRIMARY &&
           !global_member_of_role(g->peers, g->peer_count, GLOBAL_SUCCESSOR);
}

static enum step_result fence(struct group_view *g, struct decisions *d)
{
    if (is_called_off(g))
        return STEP_FAILED;
    for (size_t i = 0; i < g->shards.count && g->self.role == GLOBAL_PRIMARY; i++) {
        struct shard *s = &g->shards.items[i];
        groups_fence(g, s, d, "another region is to be the primary");
    }
    return STEP_DONE;
}

static enum step_result await_successor(struct group_view *g, struct decisions *d)
{
    (void)d;
    if (is_called_off(g))
        return STEP_FAILED;
    return g->self.role == GLOBAL_SECONDARY ? STEP_DONE : STEP_WAIT;
}

static enum step_result await_following(struct group_view *g, struct decisions *d)
{
    if (!group_is_settled(g))
        return STEP_WAIT;
    decide_group_event(d, g, EVENT_GLOBAL_FOLLOWS, g->group.name, g->self.datastore);
    return STEP_DONE;
}

const struct step global_yield_steps[4] = {
    {"fence",           fence              },
    {"await_successor", await_successor    },
    {"await_sources",   group_await_sources},
    {"await_following", await_following    },
};

/* --- LEAVE --- */

static enum step_result stop_following(struct group_view *g, struct decisions *d)
{
    if (!g->is_global || g->self.role != GLOBAL_LEAVING)
        return STEP_FAILED;
    for (size_t i = 0; i < g->shards.count; i++)
        if (g->shards.items[i].goal.source.port)
            groups_follow(g, &g->shards.items[i], &nobody, d, "it leaves its global datastore");
    return STEP_DONE;
}

static enum step_result await_alone(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->shards.count; i++)
        if (!primary_is_confirmed(g, &g->shards.items[i]))
            return STEP_WAIT;
    if (!group_is_settled(g))
        return STEP_WAIT;
    decide_leave(g, d);
    decide_group_event(d, g, EVENT_GLOBAL_LEFT, g->group.name, g->self.datastore);
    return STEP_DONE;
}

const struct step global_leave_steps[2] = {
    {"stop_following", stop_following},
    {"await_alone",    await_alone   },
};

/* --- what did not come about --- */

/* Who follows again is told so with the next look. */
void globals_give_up(struct group_view *g, struct decisions *d)
{
    if (g->self.role == GLOBAL_SUCCESSOR || g->self.role == GLOBAL_LEAVING)
        decide_role(g, d, g->group.id, GLOBAL_SECONDARY);
    for (size_t i = 0; i < g->shards.count && g->self.role == GLOBAL_PRIMARY; i++)
        if (g->shards.items[i].goal.fenced_id)
            groups_unfence(g, &g->shards.items[i], d, "no other region became the primary");
}
