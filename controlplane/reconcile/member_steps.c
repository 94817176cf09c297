/* The steps of making a group, of changing what its members are or how many, and of letting it go.
 */
#include "controlplane/reconcile/member_steps.h"

#include "controlplane/model/effective.h"
#include "controlplane/model/serverless.h"
#include "controlplane/model/settings.h"
#include "controlplane/reconcile/acks.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/rolling.h"

#include <string.h>

bool group_is_settled(const struct group_view *g)
{
    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        if (m->is_removed)
            continue;
        if (!m->cluster.is_wanted || !member_is_ready(g, m))
            return false;
    }
    return acks_is_settled(g);
}

enum step_result group_await_sources(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->shards.count; i++)
        if (g->shards.items[i].goal.source.port && !primary_is_confirmed(g, &g->shards.items[i]))
            return STEP_WAIT;
    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard *s = &g->shards.items[i];
        if (s->goal.source.port)
            groups_promote(g, s, s->goal.primary_id, d, "its replicas are asked anew");
    }
    return STEP_DONE;
}

static bool is_new(const struct group_view *g, const struct view *m)
{
    return m->cluster.created_ms >= g->operation.created_ms && !m->is_removed;
}

/* Why the first member that is not ready is not, as far as its agent said. */
/* --- create, and other numbers of members --- */

enum step_result group_await_members(struct group_view *g, struct decisions *d)
{
    (void)d;
    return group_is_settled(g) ? STEP_DONE : STEP_WAIT;
}

static void tell_new_members(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        if (!is_new(g, m))
            continue;
        const struct node *n = member_node(m);
        decide_event(d, m, EVENT_NODE_ADDED, n->number, n->host_zone);
        decide_event(d, m, EVENT_CLUSTER_CREATED, NULL, NULL);
    }
}

static enum step_result tell_created(struct group_view *g, struct decisions *d)
{
    tell_new_members(g, d);
    decide_group_event(d, g, EVENT_GROUP_CREATED, g->group.name, NULL);
    if (g->group.has_failover)
        decide_group_event(d, g, EVENT_FAILOVER_ON, g->group.name, NULL);
    return STEP_DONE;
}

enum step_result group_tell_replicas(struct group_view *g, struct decisions *d)
{
    tell_new_members(g, d);
    return STEP_DONE;
}

/* Members have the room for what they have loaded. */
static bool has_grown(const struct view *m, const struct node *n)
{
    return allotment_is_met(&m->cluster.allotment, n->goal.memory_bytes, n->saw.used_bytes);
}

static enum step_result await_room(struct group_view *g, struct decisions *d)
{
    (void)d;
    if (strcmp(g->operation.data, OPERATION_RESTORES) != 0)
        return STEP_DONE;
    for (size_t i = 0; i < g->member_count; i++)
        if (!g->members[i].is_removed && !has_grown(&g->members[i], member_node(&g->members[i])))
            return STEP_WAIT;
    return STEP_DONE;
}

const struct step group_create_steps[] = {
    {"await_sources", group_await_sources},
    {"await_members", group_await_members},
    {"await_room",    await_room         },
    {"tell_created",  tell_created       },
};

const struct step group_replicas_steps[] = {
    {"await_members", group_await_members},
    {"tell_replicas", group_tell_replicas},
};

/* The engine has the room for data that its owner allots. */
static bool has_room(const struct view *m, const struct node *n)
{
    const struct allotment *a = &m->cluster.allotment;
    struct settings_version applied;

    return a->most_bytes == 0 ||
           (settings_version_parse(n->saw.applied_settings, &applied) &&
            applied.room_bytes >= a->least_bytes && applied.room_bytes <= a->most_bytes);
}

/* Engines have taken on the new parameters, of which the size is one. */
bool group_has_settings(const struct group_view *g)
{
    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        if (!m->is_removed &&
            (!rolling_is_settled(&m->cluster, member_node(m)) || !has_room(m, member_node(m))))
            return false;
    }
    return true;
}

static enum step_result await_settings(struct group_view *g, struct decisions *d)
{
    (void)d;
    return group_is_settled(g) && group_has_settings(g) ? STEP_DONE : STEP_WAIT;
}

/* Owners hear of it. */
static enum step_result tell_modified(struct group_view *g, struct decisions *d)
{
    if (g->group.common.owner.id)
        decide_group_event(d, g, EVENT_SERVERLESS_MODIFIED, NULL, NULL);
    return STEP_DONE;
}

const struct step group_modify_steps[] = {
    {"await_settings", await_settings},
    {"tell_modified",  tell_modified },
};

/* --- snapshot, and the final one: see snapshots.c --- */

static enum step_result await_snapshot(struct group_view *g, struct decisions *d)
{
    (void)d;
    return *g->operation.data ? STEP_WAIT : STEP_DONE;
}

const struct step group_snapshot_steps[] = {
    {"await_snapshot", await_snapshot},
};

/* --- delete --- */

/* A primary that is kept stands alone from now on. */
static void release_member(struct group_view *g, struct view *m, struct decisions *d)
{
    m->cluster.group_id = m->cluster.shard_id = 0;
    m->cluster.az_mode = "single-az";
    m->cluster.parked = "";
    decide_group_release(d, g, m);
}

static enum step_result await_gone(struct group_view *g, struct decisions *d)
{
    (void)d;
    for (size_t i = 0; i < g->member_count; i++)
        if (!g->members[i].cluster.is_wanted && !g->members[i].is_removed)
            return STEP_WAIT;
    return STEP_DONE;
}

static enum step_result forget(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->member_count; i++)
        if (!g->members[i].is_removed)
            release_member(g, &g->members[i], d);
    decide_group_event(d, g, EVENT_GROUP_DELETED, g->group.name, NULL);
    decide_group_remove(d, g);
    return STEP_DONE;
}

const struct step group_delete_steps[] = {
    {"await_final", await_snapshot},
    {"await_gone",  await_gone    },
    {"forget",      forget        },
};
