/*
 * Level-triggered: each look compares what is kept with what is to be. A part is a task of one
 * node; one that fails is asked once more, of another node where there is one. A snapshot of which
 * a part cannot be had goes as a whole, and its source is as before: also where it was to be the
 * last one, for nothing is deleted whose data could not be kept.
 */
#include "controlplane/reconcile/snapshots.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "controlplane/model/events.h"
#include "controlplane/model/naming.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/store/tasks.h"

#include <string.h>

#define WHO  "snapshot" /* in names of fail points */
#define KIND "take"

static const char *const step_names[] = {"assign", "finish", "give_up"};

/* A snapshot and its source, as they are. */
struct scene {
    struct store_tx *tx;
    int64_t now_ms;
    struct snapshot *s;
    struct snapshot_part_list parts;
    struct replication_group group; /* where the snapshot is of one */
    struct shard_list shards;
    struct cluster *members; /* or the cluster alone */
    size_t member_count;
    struct node_list nodes;
    bool is_source_gone;
    bool *goals, *pending;
    struct failpoint *failpoint;
    int64_t *wake_ms;
};

static bool is_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* A fail point lets the step not be taken; else it is. */
static bool is_held(struct scene *c, const char *step)
{
    if (failpoint_holds(c->failpoint, WHO, KIND, step)) {
        *c->pending = true;
        return true;
    }
    failpoint_reach(c->failpoint, WHO, KIND, step);
    return false;
}

/* --- reading --- */

static struct err read_group(struct scene *c)
{
    struct err e = store_group_get(c->tx, c->s->group_id, &c->group);

    if (err_is(e, ERR_NOT_FOUND)) {
        c->is_source_gone = true;
        return OK;
    }
    TRY(e);
    TRY(store_shard_list(c->tx, &c->group.id, 1, &c->shards));
    return store_group_members(c->tx, &c->group.id, 1, &c->members, &c->member_count);
}

static struct err read_cluster(struct scene *c)
{
    c->members = arena_new(store_arena(c->tx), struct cluster);
    struct err e = store_cluster_get(c->tx, c->s->cluster_id, c->members);
    c->is_source_gone = err_is(e, ERR_NOT_FOUND);
    c->member_count = c->is_source_gone ? 0 : 1;
    return c->is_source_gone ? OK : e;
}

static struct err read_source(struct scene *c)
{
    TRY(c->s->group_id ? read_group(c) : read_cluster(c));
    int64_t *ids = arena_array(store_arena(c->tx), c->member_count, sizeof(*ids));
    for (size_t i = 0; i < c->member_count; i++)
        ids[i] = c->members[i].id;
    TRY(store_node_list_of(c->tx, ids, c->member_count, &c->nodes));
    return store_part_list(c->tx, &c->s->id, 1, &c->parts);
}

/* --- who gives a part --- */

static bool is_better(const struct giver *g, const struct giver *best,
                      const struct snapshot_part *part, bool wants_primary)
{
    bool failed = part->attempts > 0 && g->node_id == part->node_id;

    if (!best)
        return true;
    bool best_failed = part->attempts > 0 && best->node_id == part->node_id;
    if (failed != best_failed)
        return best_failed;
    bool is_named = is_same(g->cluster_name, part->cluster_name);
    if (is_named != is_same(best->cluster_name, part->cluster_name))
        return is_named;
    return wants_primary ? g->is_primary && !best->is_primary : g->is_in_sync && !best->is_in_sync;
}

const struct giver *giver_choose(const struct giver *givers, size_t count,
                                 const struct snapshot_part *part, bool wants_primary)
{
    const struct giver *best = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct giver *g = &givers[i];
        if (g->is_running && (g->is_primary || g->is_in_sync) &&
            is_better(g, best, part, wants_primary))
            best = g;
    }
    return best;
}

static struct err is_heard(struct store_tx *tx, const struct node *n, bool *out)
{
    struct host host;

    *out = false;
    if (!n->is_wanted || !n->goal.has || !n->saw.has || n->saw.state != NODE_RUNNING ||
        !is_same(n->saw.host_id, n->goal.host_id))
        return OK;
    struct err e = store_host_get(tx, n->goal.host_id, &host);
    *out = !err_failed(e) && !host.is_silent;
    return err_is(e, ERR_NOT_FOUND) ? OK : e;
}

static bool is_primary(const struct scene *c, const struct cluster *m)
{
    for (size_t i = 0; i < c->shards.count; i++)
        if (c->shards.items[i].id == m->shard_id)
            return c->shards.items[i].goal.has && c->shards.items[i].goal.primary_id == m->id;
    return m->group_id == 0;
}

/* All nodes that have the part's data. */
static struct err givers_of(struct scene *c, const struct snapshot_part *part, struct giver **out,
                            size_t *out_count)
{
    struct giver *list = arena_array(store_arena(c->tx), c->nodes.count, sizeof(*list));
    size_t count = 0;

    for (size_t i = 0; i < c->nodes.count; i++) {
        const struct node *n = &c->nodes.items[i];
        const struct cluster *m = NULL;
        for (size_t k = 0; k < c->member_count; k++)
            if (c->members[k].id == n->cluster_id)
                m = &c->members[k];
        if (!m || m->shard_id != part->shard_id)
            continue;
        struct giver *g = &list[count++];
        *g = (struct giver){.node_id = n->id,
                            .cluster_name = m->name,
                            .created_ms = n->created_ms,
                            .is_primary = is_primary(c, m),
                            .is_in_sync = n->saw.has && n->saw.is_link_up};
        TRY(is_heard(c->tx, n, &g->is_running));
    }
    *out = list;
    *out_count = count;
    return OK;
}

/* --- the end --- */

static struct err tell(struct scene *c, enum event_kind kind, const char *second)
{
    const char *source = *c->s->cluster_name ? c->s->cluster_name
                         : c->parts.count > 0 && *c->parts.items[0].cluster_name
                             ? c->parts.items[0].cluster_name
                             : c->s->group_name;
    struct event e = event_of_snapshot(store_arena(c->tx), c->s, source, c->now_ms, kind, second);

    for (size_t i = 0; i < c->member_count; i++)
        if (is_same(c->members[i].name, e.source))
            e = event_of_cluster(store_arena(c->tx), &c->members[i], c->now_ms, kind, c->s->name,
                                 second);
    log_info("event", f_str("source", e.source), f_str("message", e.message));
    return store_event_add(c->tx, &e);
}

static struct err remove_tasks(struct scene *c)
{
    for (size_t i = 0; i < c->parts.count; i++)
        if (c->parts.items[i].task_id)
            TRY(store_task_remove(c->tx, c->parts.items[i].task_id));
    *c->goals = true;
    return OK;
}

/* Whether an operation's data names this snapshot: "12" or "12 retain". */
static bool is_for(const struct scene *c, const char *data, bool *out_retains)
{
    struct str rest = str_of(data);
    int64_t id;

    bool is_this = str_to_i64(str_cut(&rest, ' '), &id) && id == c->s->id;
    *out_retains = rest.len > 0;
    return is_this;
}

static struct err let_members_go(struct scene *c, bool retains_primary)
{
    for (size_t i = 0; i < c->member_count; i++) {
        struct cluster *m = &c->members[i];
        if (retains_primary && is_primary(c, m))
            continue;
        m->is_wanted = false;
        TRY(store_cluster_update(c->tx, m));
        for (size_t k = 0; k < c->nodes.count; k++)
            if (c->nodes.items[k].cluster_id == m->id)
                TRY(store_node_want(c->tx, c->nodes.items[k].id, false));
    }
    return OK;
}

/* The source is wanted again: its data could not be kept. */
static struct err take_back(struct scene *c)
{
    if (c->s->group_id) {
        c->group.is_wanted = true;
        return store_group_update(c->tx, &c->group);
    }
    c->members[0].is_wanted = true;
    return store_cluster_update(c->tx, c->members);
}

/* The operation that waited goes on, or ends where a final snapshot failed. `why` NULL: all is
 * well. */
static struct err release_group(struct scene *c, const char *why)
{
    struct group_operation o;
    bool retains;

    struct err e = store_group_operation_running(c->tx, c->s->group_id, &o);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    if (!is_for(c, o.data, &retains))
        return OK;
    if (o.kind == GROUP_DELETE && !why)
        TRY(let_members_go(c, retains));
    if (o.kind == GROUP_DELETE && why) {
        TRY(take_back(c));
        o.state = OPERATION_FAILED;
    }
    o.data = "";
    o.why = why ? why : "";
    return store_group_operation_update(c->tx, &o);
}

static struct err release_cluster(struct scene *c, const char *why)
{
    struct operation o;
    bool retains;

    struct err e = store_operation_running(c->tx, c->s->cluster_id, &o);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    if (!is_for(c, o.data, &retains))
        return OK;
    if (o.kind == OPERATION_DELETE && !why)
        TRY(let_members_go(c, false));
    if (o.kind == OPERATION_DELETE && why) {
        TRY(take_back(c));
        o.state = OPERATION_FAILED;
    }
    o.data = "";
    o.why = why ? why : "";
    return store_operation_update(c->tx, &o);
}

static struct err release(struct scene *c, const char *why)
{
    if (c->is_source_gone)
        return OK;
    TRY(c->s->group_id ? release_group(c, why) : release_cluster(c, why));
    for (size_t i = 0; i < c->member_count; i++)
        store_touch_cluster(c->tx, c->members[i].id);
    return OK;
}

static struct err finish(struct scene *c)
{
    if (is_held(c, "finish"))
        return OK;
    TRY(remove_tasks(c));
    TRY(store_snapshot_set_state(c->tx, c->s->id, SNAPSHOT_AVAILABLE, ""));
    if (*c->s->group_name)
        TRY(tell(c, EVENT_SNAPSHOT_OF_GROUP, c->s->group_name));
    else
        TRY(tell(c, EVENT_SNAPSHOT_OF_CLUSTER, c->s->cluster_name));
    return release(c, NULL);
}

static struct err give_up(struct scene *c, const char *why)
{
    if (is_held(c, "give_up"))
        return OK;
    log_warn("a snapshot failed", f_str("snapshot", c->s->name), f_str("why", why));
    TRY(remove_tasks(c));
    TRY(tell(c, EVENT_SNAPSHOT_FAILED, why));
    TRY(store_snapshot_remove(c->tx, c->s, snapshot_arn(store_arena(c->tx), c->s)));
    return release(c, why);
}

/* --- parts --- */

/* What became of a part that is not there: `*out_why` when its task will not bring it. */
static struct err look_at_task(struct scene *c, const struct snapshot_part *p, const char **out_why)
{
    struct node_task task;
    bool is_alive = false;

    *out_why = NULL;
    struct err e = store_task_get(c->tx, p->task_id, &task);
    if (err_is(e, ERR_NOT_FOUND)) {
        *out_why = "its node is gone";
        return OK;
    }
    TRY(e);
    if (task.state == TASK_FAILED)
        *out_why = task.why;
    else if (task.state == TASK_DONE)
        *out_why = "its node says that it is done, and it is not here";
    for (size_t i = 0; i < c->nodes.count && !is_alive; i++)
        if (c->nodes.items[i].id == p->node_id)
            TRY(is_heard(c->tx, &c->nodes.items[i], &is_alive));
    if (!*out_why && !is_alive)
        *out_why = "its node does not run";
    return OK;
}

static struct err assign(struct scene *c, struct snapshot_part *p, const struct giver *g)
{
    struct node_task task = {
        .node_id = g->node_id, .kind = SNAPSHOT_TASK, .detail = "{}", .created_ms = c->now_ms};

    if (is_held(c, "assign"))
        return OK;
    if (p->task_id)
        TRY(store_task_remove(c->tx, p->task_id));
    TRY(store_task_insert(c->tx, &task));
    p->node_id = g->node_id;
    p->task_id = task.id;
    p->attempts++;
    p->cluster_name = g->cluster_name;
    p->node_created_ms = g->created_ms;
    *c->goals = true;
    return store_part_assign(c->tx, p);
}

/* `*out_why` when it cannot be had. */
static struct err look_at_part(struct scene *c, struct snapshot_part *p, const char **out_why)
{
    struct giver *givers;
    size_t count;

    *out_why = NULL;
    if (p->task_id) {
        const char *why;
        TRY(look_at_task(c, p, &why));
        if (!why)
            return OK;
        log_warn("a part of a snapshot failed", f_str("snapshot", c->s->name),
                 f_str("shard", p->number), f_str("node", p->cluster_name), f_str("why", why));
        *out_why = p->attempts >= SNAPSHOT_ATTEMPTS ? why : NULL;
        if (*out_why)
            return OK;
    }
    TRY(givers_of(c, p, &givers, &count));
    const struct giver *g = giver_choose(givers, count, p, c->s->is_final);
    if (g)
        return assign(c, p, g);
    int64_t until_ms = c->s->created_ms + SNAPSHOT_WAIT_MS;
    if (c->now_ms >= until_ms)
        *out_why = "no node runs that could give its data";
    else if (until_ms < *c->wake_ms)
        *c->wake_ms = until_ms;
    return OK;
}

static struct err look_at(struct scene *c)
{
    size_t kept = 0;

    TRY(read_source(c));
    if (c->is_source_gone)
        return give_up(c, "what it is taken of is gone");
    for (size_t i = 0; i < c->parts.count; i++) {
        const char *why = NULL;
        if (c->parts.items[i].file_id)
            kept++;
        else
            TRY(look_at_part(c, &c->parts.items[i], &why));
        if (why)
            return give_up(c, why);
    }
    if (kept == c->parts.count)
        return finish(c);
    *c->pending = true;
    return OK;
}

/* --- retention --- */

static struct err expire(struct store_tx *tx, int64_t now_ms)
{
    struct snapshot *old;
    size_t count;

    TRY(store_snapshot_expired(tx, now_ms, &old, &count));
    for (size_t i = 0; i < count; i++) {
        if (old[i].is_restoring || old[i].is_exporting)
            continue;
        log_info("an automatic snapshot is over", f_str("snapshot", old[i].name));
        TRY(store_snapshot_remove(tx, &old[i], snapshot_arn(store_arena(tx), &old[i])));
    }
    return OK;
}

void snapshots_name(struct arena *a, struct failpoint_names *out)
{
    for (size_t i = 0; i < countof(step_names); i++)
        failpoint_names_add(a, out, WHO, KIND, step_names[i]);
}

struct err snapshots_look(struct store_tx *tx, int64_t now_ms, struct failpoint *failpoint,
                          bool *out_goals, bool *out_pending, int64_t *out_wake_ms)
{
    struct snapshot *list;
    size_t count;

    *out_wake_ms = INT64_MAX;
    TRY(store_seed_settle(tx, out_pending));
    TRY(store_snapshot_creating(tx, &list, &count));
    for (size_t i = 0; i < count; i++) {
        struct scene c = {.tx = tx,
                          .now_ms = now_ms,
                          .s = &list[i],
                          .goals = out_goals,
                          .pending = out_pending,
                          .failpoint = failpoint,
                          .wake_ms = out_wake_ms};
        TRY(look_at(&c));
    }
    return expire(tx, now_ms);
}
