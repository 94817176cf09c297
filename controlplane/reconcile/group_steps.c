/* The engine of all operations of groups: it takes the running one through its table, and ends it
 * where it takes too long. */
#include "controlplane/reconcile/group_steps.h"

#include "base/err.h"
#include "base/str.h"
#include "controlplane/reconcile/cluster_mode.h"
#include "controlplane/reconcile/globals.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/member_steps.h"
#include "controlplane/reconcile/migration_steps.h"
#include "controlplane/reconcile/moves.h"
#include "controlplane/reconcile/reshard_steps.h"
#include "controlplane/reconcile/scale_steps.h"
#include "controlplane/reconcile/switch_steps.h"

#include <string.h>

#define WHO "group" /* in names of fail points */

#define GIVE_UP_LOOK_MS 1000 /* between two looks whether it may be given up */

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

static const struct {
    const struct step *steps;
    int count;
    bool has_deadline; /* waiting for longer is failing, told by `failure` */
    enum event_kind failure;
} tables[] = {
    [GROUP_CREATE] = {group_create_steps,       countof(group_create_steps),       true,
                      EVENT_GROUP_CREATE_FAILED                                                                    },
    [GROUP_DELETE] = {group_delete_steps,       countof(group_delete_steps),       false, EVENT_GROUP_DELETED      },
    [GROUP_REPLICAS] = {group_replicas_steps,     countof(group_replicas_steps),     true,
                      EVENT_GROUP_MODIFY_FAILED                                                                    },
    [GROUP_MODIFY] = {group_modify_steps,       countof(group_modify_steps),       true,
                      EVENT_GROUP_MODIFY_FAILED                                                                    },
    [GROUP_SWITCH] = {group_switch_steps,       countof(group_switch_steps),       true,
                      EVENT_GROUP_MODIFY_FAILED                                                                    },
    [GROUP_ROLL] = {group_roll_steps,         countof(group_roll_steps),         true,  EVENT_GROUP_MODIFY_FAILED},
    [GROUP_SCALE] = {group_scale_steps,        countof(group_scale_steps),        true,
                      EVENT_GROUP_MODIFY_FAILED                                                                    },
    [GROUP_RESHARD] = {group_reshard_steps,      countof(group_reshard_steps),      true,
                      EVENT_GROUP_RESHARD_FAILED                                                                   },
    [GROUP_ALIGN] = {group_align_steps,        countof(group_align_steps),        true,
                      EVENT_GROUP_RESHARD_FAILED                                                                   },
    [GROUP_MODE] = {group_mode_steps,         countof(group_mode_steps),         true,  EVENT_GROUP_MODIFY_FAILED},
    [GROUP_LEAD] = {global_lead_steps,        countof(global_lead_steps),        true,  EVENT_GLOBAL_FAILED      },
    [GROUP_YIELD] = {global_yield_steps,       countof(global_yield_steps),       true,  EVENT_GLOBAL_FAILED      },
    [GROUP_LEAVE] = {global_leave_steps,       countof(global_leave_steps),       true,  EVENT_GLOBAL_FAILED      },
    [GROUP_TEST_MIGRATION] = {migration_test_steps,     countof(migration_test_steps),     true,
                      EVENT_MIGRATION_TEST_FAILED                                                                  },
    [GROUP_MIGRATE] = {migration_steps,          countof(migration_steps),          true,  EVENT_MIGRATION_FAILED   },
    [GROUP_COMPLETE_MIGRATION] = {migration_complete_steps, countof(migration_complete_steps), true,
                      EVENT_MIGRATION_FAILED                                                                       },
    [GROUP_SNAPSHOT] = {group_snapshot_steps,     countof(group_snapshot_steps),     false,
                      EVENT_SNAPSHOT_FAILED                                                                        },
};

static void fail(struct group_view *g, struct decisions *d, const char *why)
{
    struct group_operation *o = &g->operation;

    o->state = OPERATION_FAILED;
    o->why = why;
    if (o->kind == GROUP_SWITCH || o->kind == GROUP_MODE || o->kind == GROUP_ROLL ||
        o->kind == GROUP_SCALE)
        switch_take_back(g, d);
    if (o->kind == GROUP_SCALE)
        scale_give_up(g, d);
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

/* What a shard is giving must be known to be given or not. */
static bool may_give_up(const struct group_view *g)
{
    bool is_late = g->now_ms >= g->operation.deadline_ms + RESHARD_LIMIT_MS;

    return moves_are_idle(g) || (is_late && !moves_are_giving(g));
}

static void wait_or_fail(struct group_view *g, struct decisions *d)
{
    struct group_operation *o = &g->operation;

    if (!tables[o->kind].has_deadline)
        return;
    struct view *hopeless = is_restore(o) ? member_without_data(g) : NULL;
    if (hopeless)
        fail_restore(g, hopeless, d);
    else if (switch_is_in_the_way(g))
        fail(g, d, "its primaries ended one after another");
    else if (g->now_ms < o->deadline_ms)
        decide_wake(d, o->deadline_ms);
    else if (switch_is_past_return(g))
        return; /* a report wakes us */
    else if (scale_is_past_return(d->arena, g)) {
        switch_take_back(g, d);
        scale_go_on(g, d);
    } else if (may_give_up(g))
        fail(g, d, *o->why ? o->why : why_waiting(g)); /* who ends it early says why */
    else
        decide_wake(d, g->now_ms + GIVE_UP_LOOK_MS);
}

void group_steps_name(struct arena *a, struct failpoint_names *out)
{
    for (size_t kind = 0; kind < countof(tables); kind++)
        for (int i = 0; i < tables[kind].count; i++)
            failpoint_names_add(a, out, WHO,
                                group_operation_kind_name((enum group_operation_kind)kind),
                                tables[kind].steps[i].name);
}

static enum step_result run_step(const struct step *s, struct group_view *g, struct decisions *d)
{
    const char *kind = group_operation_kind_name(g->operation.kind);
    size_t before = d->list.count;

    if (failpoint_holds(d->failpoint, WHO, kind, s->name))
        return STEP_WAIT;
    enum step_result result = s->run(g, d);
    if (result != STEP_WAIT || d->list.count > before)
        failpoint_reach(d->failpoint, WHO, kind, s->name);
    return result;
}

void group_steps_run(struct group_view *g, struct decisions *d)
{
    struct group_operation *o = &g->operation;
    int before = o->step;

    while (o->step < tables[o->kind].count) {
        enum step_result result = run_step(&tables[o->kind].steps[o->step], g, d);
        if (result == STEP_FAILED && o->kind == GROUP_SCALE) { /* its primary is another one now */
            switch_take_back(g, d);
            scale_go_on(g, d);
            return;
        }
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
