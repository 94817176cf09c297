/*
 * The steps of groups. A switch of roles by plan loses nothing: the old primary is fenced, and says
 * at which offset it stopped; the new one takes the role when it has come so far; only then the old
 * one is told to follow. What does not come about in time is taken back by a higher term.
 */
#include "controlplane/reconcile/group_steps.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "controlplane/model/effective.h"
#include "controlplane/model/serverless.h"
#include "controlplane/model/settings.h"
#include "controlplane/reconcile/cluster_mode.h"
#include "controlplane/reconcile/global_shards.h"
#include "controlplane/reconcile/globals.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/migration_steps.h"
#include "controlplane/reconcile/moves.h"
#include "controlplane/reconcile/restraint.h"
#include "controlplane/reconcile/rolling.h"
#include "controlplane/reconcile/rules.h"

#include <string.h>

#define FENCE_LIMIT_MS  5000   /* writes are refused for so long at most */
#define FOLLOW_LIMIT_MS 600000 /* for the old primary to follow the new one */
#define MOVE_LIMIT_MS   600000 /* for slots to change hands */
#define ROLL_LIMIT_MS   600000 /* for each member to begin anew */
#define GIVE_UP_LOOK_MS 1000   /* between two looks whether it may be given up */

/* --- questions --- */

bool group_is_settled(const struct group_view *g)
{
    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        if (m->is_removed)
            continue;
        if (!m->cluster.is_wanted || !member_is_ready(g, m))
            return false;
    }
    return true;
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
static const char *why_waiting(const struct group_view *g)
{
    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        const struct node *n = member_node(m);
        if (!n || !m->cluster.is_wanted || member_is_ready(g, m))
            continue;
        if (!n->goal.has)
            return "no host has room for it";
        if (!n->saw.has || n->saw.state != NODE_RUNNING)
            return n->saw.has && *n->saw.why ? n->saw.why : "its engine did not start";
        return *n->saw.why ? n->saw.why : "a member did not take on its role";
    }
    const char *why = moves_why_waiting(g);
    return why ? why : "it took too long";
}

/* --- create, and other numbers of members --- */

static enum step_result await_members(struct group_view *g, struct decisions *d)
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

static enum step_result tell_replicas(struct group_view *g, struct decisions *d)
{
    tell_new_members(g, d);
    return STEP_DONE;
}

/* The host has given a restored member the room that it needs for what it loaded: from now on it is
 * held to it, and nothing is to be evicted. */
static bool has_grown(const struct view *m, const struct node *n)
{
    const struct allotment *a = &m->cluster.allotment;
    int64_t room_bytes = allotment_data_bytes(n->goal.memory_bytes);

    return a->most_bytes == 0 ||
           (n->saw.used_bytes >= 0 &&
            allotment_host_bytes(allotment_room(a, room_bytes, n->saw.used_bytes)) <=
                n->goal.memory_bytes);
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

static const struct step create_steps[] = {
    {"await_sources", group_await_sources},
    {"await_members", await_members      },
    {"await_room",    await_room         },
    {"tell_created",  tell_created       },
};

static const struct step replicas_steps[] = {
    {"await_members", await_members},
    {"tell_replicas", tell_replicas},
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
static bool has_settings(const struct group_view *g)
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
    return group_is_settled(g) && has_settings(g) ? STEP_DONE : STEP_WAIT;
}

/* Owners hear of it. */
static enum step_result tell_modified(struct group_view *g, struct decisions *d)
{
    if (g->group.common.owner.id)
        decide_group_event(d, g, EVENT_SERVERLESS_MODIFIED, NULL, NULL);
    return STEP_DONE;
}

static const struct step modify_steps[] = {
    {"await_settings", await_settings},
    {"tell_modified",  tell_modified },
};

/* --- snapshot, and the final one: see snapshots.c --- */

static enum step_result await_snapshot(struct group_view *g, struct decisions *d)
{
    (void)d;
    return *g->operation.data ? STEP_WAIT : STEP_DONE;
}

static const struct step snapshot_steps[] = {
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

static const struct step delete_steps[] = {
    {"await_final", await_snapshot},
    {"await_gone",  await_gone    },
    {"forget",      forget        },
};

/* --- switch: "<shard id> <the cluster that is the primary> <the one that is to be>" --- */

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

static enum step_result fence(struct group_view *g, struct decisions *d)
{
    struct plan p;

    if (!plan_read(g, &p))
        return STEP_FAILED;
    if (p.shard->goal.primary_id != p.from->cluster.id)
        return p.shard->goal.primary_id == p.to->cluster.id ? STEP_DONE : STEP_FAILED;
    if (!p.shard->goal.fenced_id) {
        if (!member_is_ready(g, p.from) || !member_is_ready(g, p.to))
            return STEP_WAIT;
        if (p.shard->goal.source.port)
            return STEP_DONE; /* it takes no writes anyway */
        groups_fence(g, p.shard, d, "another member is to be the primary");
        g->operation.deadline_ms = g->now_ms + FENCE_LIMIT_MS;
        decide_group_operation(d, g);
    }
    return member_is_ready(g, p.from) ? STEP_DONE : STEP_WAIT;
}

static bool follows(const struct view *m)
{
    const struct node_saw *saw = &member_node(m)->saw;
    return saw->state == NODE_RUNNING && saw->is_link_up;
}

/* The old primary still has what its successor is to get. */
static bool has_stream(const struct plan *p)
{
    const struct node_saw *from = &member_node(p->from)->saw;

    return from->state == NODE_RUNNING && from->term == p->shard->goal.fence_term;
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
        if (!follows(p.to))
            return STEP_WAIT; /* until the old primary is given its role back */
        p.shard->goal.term++;
        p.shard->goal.primary_id = p.to->cluster.id;
        p.shard->goal.after_offset = is_sourced ? 0 : member_node(p.from)->saw.offset;
        p.shard->goal.life = is_sourced ? 0 : member_life(p.to);
        decide_shard(d, g, p.shard, "the old primary takes no writes any more");
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

static const struct step switch_steps[] = {
    {"fence",           fence          },
    {"promote",         promote        },
    {"demote",          demote         },
    {"await_followers", await_followers},
};

/* --- roll: replicas first, then a switch, then the old primary, shard by shard. Between switches
 * the data is the id of the member that begins anew; STOP_WORD at its end lets no other one begin.
 * --- */

static bool is_told_to_stop(const struct group_view *g)
{
    return str_ends(str_of(g->operation.data), STOP_WORD);
}

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
    if (!group_is_settled(g) || !has_settings(g))
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

static const struct step roll_steps[] = {
    {"roll_members",    roll_members   },
    {"plan_switch",     plan_switch    },
    {"fence",           fence          },
    {"promote",         promote        },
    {"demote",          demote         },
    {"await_followers", await_followers},
    {"roll_on",         roll_on        },
};

/* --- reshard: the ids of shards that go, with spaces between --- */

static bool is_leaving(const struct group_view *g, const struct shard *s)
{
    int64_t id;

    for (struct str rest = str_of(g->operation.data); rest.len > 0;)
        if (str_to_i64(str_cut(&rest, ' '), &id) && id == s->id)
            return true;
    return false;
}

/* As long as something comes about there is time for more. */
static enum step_result move_slots(struct group_view *g, struct decisions *d)
{
    struct group_operation *o = &g->operation;

    if (moves_are_done(g) && global_shards_are_followed(g))
        return STEP_DONE;
    for (size_t i = 0; i < g->moves.count; i++)
        if (g->moves.items[i].state == SLOT_MOVE_DONE && g->moves.items[i].since_ms == g->now_ms &&
            o->deadline_ms < g->now_ms + MOVE_LIMIT_MS) {
            o->deadline_ms = g->now_ms + MOVE_LIMIT_MS;
            decide_group_operation(d, g);
        }
    if (g->now_ms < o->deadline_ms)
        moves_begin(g, d);
    return STEP_WAIT;
}

void group_release_members(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        if (m->is_removed || !m->cluster.is_wanted || member_shard(g, m)->is_wanted)
            continue;
        m->cluster.is_wanted = false;
        d->about = &m->cluster;
        decide_cluster(d, m);
        for (size_t k = 0; k < m->nodes.count; k++)
            decide_node_unwanted(d, &m->nodes.items[k]);
        rules_decide(m, d);
    }
}

/* All know by now that no slot is theirs. */
static enum step_result release_shards(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard *s = &g->shards.items[i];
        if (!is_leaving(g, s) || !s->is_wanted)
            continue;
        s->is_wanted = false;
        decide_group_shard(d, g, DECISION_SHARD_WANT, s);
    }
    group_release_members(g, d);
    return STEP_DONE;
}

static enum step_result forget_shards(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->member_count; i++)
        if (!g->members[i].cluster.is_wanted && !g->members[i].is_removed)
            return STEP_WAIT;
    for (size_t i = 0; i < g->shards.count; i++)
        if (!g->shards.items[i].is_wanted)
            decide_group_shard(d, g, DECISION_SHARD_REMOVE, &g->shards.items[i]);
    return group_is_settled(g) ? STEP_DONE : STEP_WAIT;
}

static enum step_result tell_resharded(struct group_view *g, struct decisions *d)
{
    decide_moves_clear(d, g);
    decide_group_event(d, g, EVENT_GROUP_RESHARDED, g->group.name, NULL);
    return STEP_DONE;
}

static const struct step reshard_steps[] = {
    {"await_members",  await_members },
    {"tell_replicas",  tell_replicas },
    {"move_slots",     move_slots    },
    {"await_members",  await_members },
    {"release_shards", release_shards},
    {"forget_shards",  forget_shards },
    {"tell_resharded", tell_resharded},
};

/* The same, as the primary of the global datastore does it. */
static const struct step align_steps[] = {
    {"await_members",  await_members      },
    {"tell_replicas",  tell_replicas      },
    {"await_slots",    global_shards_await},
    {"forget_shards",  forget_shards      },
    {"tell_resharded", tell_resharded     },
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

static const struct step mode_steps[] = {
    {"roll_replicas",  roll_replicas   },
    {"choose_primary", choose_primary  },
    {"fence",          fence_for_mode  },
    {"promote",        promote_for_mode},
    {"demote",         demote_for_mode },
    {"await_modes",    await_modes     },
};

/* Whoever was to be the primary: the one that was takes writes again. */
static void take_back(struct group_view *g, struct decisions *d)
{
    struct plan p;

    if (!plan_read(g, &p) || !p.shard->goal.fenced_id)
        return;
    groups_unfence(g, p.shard, d, "the switch did not come about");
}

/* --- the engine of them all --- */

static const struct {
    const struct step *steps;
    int count;
    bool has_deadline; /* waiting for longer is failing, told by `failure` */
    enum event_kind failure;
} tables[] = {
    [GROUP_CREATE] = {create_steps,             countof(create_steps),             true,  EVENT_GROUP_CREATE_FAILED },
    [GROUP_DELETE] = {delete_steps,             countof(delete_steps),             false, EVENT_GROUP_DELETED       },
    [GROUP_REPLICAS] = {replicas_steps,           countof(replicas_steps),           true,  EVENT_GROUP_MODIFY_FAILED },
    [GROUP_MODIFY] = {modify_steps,             countof(modify_steps),             true,  EVENT_GROUP_MODIFY_FAILED },
    [GROUP_SWITCH] = {switch_steps,             countof(switch_steps),             true,  EVENT_GROUP_MODIFY_FAILED },
    [GROUP_ROLL] = {roll_steps,               countof(roll_steps),               true,  EVENT_GROUP_MODIFY_FAILED },
    [GROUP_RESHARD] = {reshard_steps,            countof(reshard_steps),            true,  EVENT_GROUP_RESHARD_FAILED},
    [GROUP_ALIGN] = {align_steps,              countof(align_steps),              true,  EVENT_GROUP_RESHARD_FAILED},
    [GROUP_MODE] = {mode_steps,               countof(mode_steps),               true,  EVENT_GROUP_MODIFY_FAILED },
    [GROUP_LEAD] = {global_lead_steps,        countof(global_lead_steps),        true,  EVENT_GLOBAL_FAILED       },
    [GROUP_YIELD] = {global_yield_steps,       countof(global_yield_steps),       true,  EVENT_GLOBAL_FAILED       },
    [GROUP_LEAVE] = {global_leave_steps,       countof(global_leave_steps),       true,  EVENT_GLOBAL_FAILED       },
    [GROUP_TEST_MIGRATION] = {migration_test_steps,     countof(migration_test_steps),     true,
                      EVENT_MIGRATION_TEST_FAILED                                                                   },
    [GROUP_MIGRATE] = {migration_steps,          countof(migration_steps),          true,  EVENT_MIGRATION_FAILED    },
    [GROUP_COMPLETE_MIGRATION] = {migration_complete_steps, countof(migration_complete_steps), true,
                      EVENT_MIGRATION_FAILED                                                                        },
    [GROUP_SNAPSHOT] = {snapshot_steps,           countof(snapshot_steps),           false, EVENT_SNAPSHOT_FAILED     },
};

static void fail(struct group_view *g, struct decisions *d, const char *why)
{
    struct group_operation *o = &g->operation;

    o->state = OPERATION_FAILED;
    o->why = why;
    if (o->kind == GROUP_SWITCH || o->kind == GROUP_MODE || o->kind == GROUP_ROLL)
        take_back(g, d);
    if (o->kind == GROUP_MODE)
        cluster_mode_give_up(g, d);
    if (o->kind == GROUP_RESHARD)
        decide_moves_clear(d, g);
    if (group_operation_is_global(o->kind))
        globals_give_up(g, d);
    if (group_operation_is_migration(o->kind))
        migration_give_up(g, d);
    decide_group_event(d, g, tables[o->kind].failure, g->group.name, why);
    decide_group_operation(d, g);
}

static bool is_restore(const struct group_operation *o)
{
    return o->kind == GROUP_CREATE && str_is(str_of(o->data), OPERATION_RESTORES);
}

/* A member that cannot begin with what it is restored from, or NULL. */
static struct view *member_without_data(struct group_view *g)
{
    for (size_t i = 0; i < g->member_count; i++) {
        struct view *m = &g->members[i];
        const struct node *n = member_node(m);
        if (n && m->cluster.is_wanted && n->saw.has_bad_seed)
            return m;
    }
    return NULL;
}

static void fail_restore(struct group_view *g, struct view *hopeless, struct decisions *d)
{
    const char *why = member_node(hopeless)->saw.why;

    d->about = &hopeless->cluster;
    decide_event(d, hopeless, EVENT_RESTORE_FAILED, why, NULL);
    fail(g, d, why);
}

/* A successor was named, and nobody can say that it is none: it may be late, and an old primary
 * that took writes again would not be the only one. Its end, if it comes to that, is a fault of its
 * own (groups.c). */
static bool is_past_return(const struct group_view *g)
{
    struct plan p;
    enum group_operation_kind kind = g->operation.kind;
    bool is_switch = kind == GROUP_SWITCH || kind == GROUP_MODE || kind == GROUP_ROLL;

    return is_switch && plan_read(g, &p) && p.shard->goal.fenced_id == p.from->cluster.id &&
           p.shard->goal.primary_id == p.to->cluster.id && p.from != p.to;
}

/* What a shard is giving must be known to be given or not. */
static bool may_give_up(const struct group_view *g)
{
    bool is_late = g->now_ms >= g->operation.deadline_ms + MOVE_LIMIT_MS;

    return moves_are_idle(g) || (is_late && !moves_are_giving(g));
}

/* A switch whose shard gets no primary for now is in the way of the one that would give it one. */
static bool is_in_the_way(const struct group_view *g)
{
    struct plan p;

    return g->operation.kind == GROUP_SWITCH && plan_read(g, &p) && restraint_holds(g, p.shard);
}

static void wait_or_fail(struct group_view *g, struct decisions *d)
{
    struct group_operation *o = &g->operation;

    if (!tables[o->kind].has_deadline)
        return;
    struct view *hopeless = is_restore(o) ? member_without_data(g) : NULL;
    if (hopeless)
        fail_restore(g, hopeless, d);
    else if (is_in_the_way(g))
        fail(g, d, "its primaries ended one after another");
    else if (g->now_ms < o->deadline_ms)
        decide_wake(d, o->deadline_ms);
    else if (is_past_return(g))
        return; /* a report wakes us */
    else if (may_give_up(g))
        fail(g, d, *o->why ? o->why : why_waiting(g)); /* who ends it early says why */
    else
        decide_wake(d, g->now_ms + GIVE_UP_LOOK_MS);
}

void group_steps_run(struct group_view *g, struct decisions *d)
{
    struct group_operation *o = &g->operation;
    int before = o->step;

    while (o->step < tables[o->kind].count) {
        enum step_result result = tables[o->kind].steps[o->step].run(g, d);
        if (result == STEP_FAILED) {
            fail(g, d, *o->why ? o->why : "what it was for is gone");
            return;
        }
        if (result == STEP_WAIT) {
            if (o->step != before)
                decide_group_operation(d, g);
            wait_or_fail(g, d);
            return;
        }
        if (result == STEP_OVER)
            break;
        o->step = result == STEP_AGAIN ? 0 : o->step + 1;
    }
    o->state = OPERATION_DONE;
    decide_group_operation(d, g);
}
