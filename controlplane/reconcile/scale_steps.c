/*
 * A member whose host has no room for the new type has a stand-in on another one: a member of its
 * shard that is of the new type from the beginning. Once all stand-ins follow, a shard whose
 * primary has one goes over to it by plan; then each takes the name of the member that it stands in
 * for, which goes under the other name. All others keep the old type until then, and the room for
 * the new one.
 */
#include "controlplane/reconcile/scale_steps.h"

#include "base/arena.h"
#include "controlplane/model/effective.h"
#include "controlplane/model/scaling.h"
#include "controlplane/model/serverless.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/member_steps.h"
#include "controlplane/reconcile/rules.h"

#include <string.h>

#define MOVE_LIMIT_MS 600000 /* for what is left, after each shard */

static const struct moving nothing = {.type_before = ""};

static struct moving moving_of(struct arena *a, const struct group_view *g)
{
    struct moving m = nothing;

    return g->has_operation && g->operation.kind == GROUP_SCALE &&
                   moving_parse(a, g->operation.data, &m)
               ? m
               : nothing;
}

static void write_down(struct group_view *g, const struct moving *m, struct decisions *d)
{
    g->operation.data = moving_text(d->arena, m);
    g->operation.deadline_ms = g->now_ms + MOVE_LIMIT_MS;
    decide_group_operation(d, g);
}

/* The one that stands in for the member, or NULL. */
static struct view *stand_in_of(const struct group_view *g, const struct moving *m, int64_t id)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->pairs[i].old_id == id)
            return group_member(g, m->pairs[i].new_id);
    return NULL;
}

static bool has_old_type(const struct view *m)
{
    const struct node *n = member_node(m);
    return n && n->is_wanted && n->node_type && *n->node_type;
}

/* --- room --- */

static bool needs_room(const struct group_view *g, const struct moving *m, const struct view *v)
{
    return has_old_type(v) && member_node(v)->goal.has && !stand_in_of(g, m, v->cluster.id) &&
           member_node(v)->goal.memory_bytes < cluster_host_bytes(&v->cluster);
}

void scale_keep_room(struct group_view *g, struct decisions *d)
{
    const struct moving m = moving_of(d->arena, g);

    if (m.count == 0)
        return;
    for (size_t i = 0; i < g->member_count; i++) {
        struct view *v = &g->members[i];
        if (!needs_room(g, &m, v))
            continue;
        struct node_goal goal = member_node(v)->goal;
        int64_t more_bytes = cluster_host_bytes(&v->cluster) - goal.memory_bytes;
        int64_t more_vcpus = cluster_vcpus(&v->cluster) - goal.vcpus;
        if (!place_grow(g->region->board, goal.host_id, more_bytes, more_vcpus))
            continue;
        goal.memory_bytes += more_bytes;
        goal.vcpus += more_vcpus;
        d->about = &v->cluster;
        decide_goal(d, member_node(v), &goal, "it will grow");
    }
}

enum step_result scale_await_room(struct group_view *g, struct decisions *d)
{
    const struct moving m = moving_of(d->arena, g);

    for (size_t i = 0; i < g->member_count; i++)
        if (needs_room(g, &m, &g->members[i]))
            return STEP_WAIT;
    return STEP_DONE;
}

/* --- moving --- */

static void let_go(struct view *m, struct decisions *d)
{
    m->cluster.is_wanted = false;
    d->about = &m->cluster;
    decide_cluster(d, m);
    for (size_t i = 0; i < m->nodes.count; i++)
        decide_node_unwanted(d, &m->nodes.items[i]);
    rules_decide(m, d);
}

static void take_type(struct view *m, struct decisions *d)
{
    d->about = &m->cluster;
    if (has_old_type(m))
        decide_type(d, member_node(m));
}

static void take_place(struct view *old, struct view *new, struct decisions *d)
{
    d->about = &old->cluster;
    decide_names(d, old, new);
    let_go(old, d);
}

/* The first pair that is left; its shard is next. */
static struct shard *next_shard(const struct group_view *g, const struct moving *m)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct view *old = group_member(g, m->pairs[i].old_id);
        if (old)
            return member_shard(g, old);
    }
    return NULL;
}

static void finish_shard(struct group_view *g, const struct shard *s, struct moving *m,
                         struct decisions *d)
{
    size_t left = 0;

    for (size_t i = 0; i < m->count; i++) {
        struct view *old = group_member(g, m->pairs[i].old_id);
        struct view *new = group_member(g, m->pairs[i].new_id);
        if (old && new && old->cluster.shard_id == s->id)
            take_place(old, new, d);
        else if (old && new)
            m->pairs[left++] = m->pairs[i];
    }
    m->count = left;
    m->is_begun = true;
    for (size_t i = 0; i < g->member_count; i++)
        if (g->members[i].cluster.shard_id == s->id || left == 0)
            take_type(&g->members[i], d);
}

enum step_result scale_move_on(struct group_view *g, struct decisions *d)
{
    struct moving m = moving_of(d->arena, g);
    const struct shard *s = next_shard(g, &m);
    const struct view *to = s ? stand_in_of(g, &m, s->goal.primary_id) : NULL;

    if (!group_is_settled(g))
        return STEP_WAIT;
    if (!s)
        return group_has_settings(g) ? STEP_OVER : STEP_WAIT;
    if (to) {
        m.shard_id = s->id;
        m.from_id = s->goal.primary_id;
        m.to_id = to->cluster.id;
        write_down(g, &m, d);
        return STEP_DONE;
    }
    finish_shard(g, s, &m, d);
    write_down(g, &m, d);
    return STEP_WAIT;
}

enum step_result scale_again(struct group_view *g, struct decisions *d)
{
    struct moving m = moving_of(d->arena, g);

    m.shard_id = m.from_id = m.to_id = 0;
    write_down(g, &m, d);
    return STEP_AGAIN;
}

/* --- ends --- */

static bool is_stand_in(const struct moving *m, int64_t id)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->pairs[i].new_id == id)
            return true;
    return false;
}

bool scale_is_past_return(struct arena *a, const struct group_view *g)
{
    const struct moving m = moving_of(a, g);
    bool is_past = m.is_begun;

    for (size_t i = 0; i < g->shards.count; i++)
        is_past |= is_stand_in(&m, g->shards.items[i].goal.primary_id);
    return is_past;
}

void scale_go_on(struct group_view *g, struct decisions *d)
{
    struct moving m = moving_of(d->arena, g);

    m.shard_id = m.from_id = m.to_id = 0;
    g->operation.step = 0;
    write_down(g, &m, d);
    decide_wake(d, g->operation.deadline_ms);
}

static void give_type_back(struct view *m, const char *type, struct decisions *d)
{
    struct node *n = member_node(m);
    struct node_goal goal = n ? n->goal : (struct node_goal){0};

    m->cluster.node_type = type;
    d->about = &m->cluster;
    decide_cluster(d, m);
    take_type(m, d);
    goal.memory_bytes = cluster_host_bytes(&m->cluster);
    goal.vcpus = cluster_vcpus(&m->cluster);
    if (goal.has && goal.memory_bytes != n->goal.memory_bytes)
        decide_goal(d, n, &goal, "it does not grow");
}

void scale_give_up(struct group_view *g, struct decisions *d)
{
    const struct moving m = moving_of(d->arena, g);

    for (size_t i = 0; i < g->member_count; i++) {
        struct view *v = &g->members[i];
        if (is_stand_in(&m, v->cluster.id))
            let_go(v, d);
        else if (!v->is_removed)
            give_type_back(v, m.type_before, d);
    }
    g->group.common.node_type = m.type_before;
    decide_group(d, g);
}
