/*
 * DescribeUpdateActions: every update with every cluster and group that it concerns. That is who
 * runs, or was asked to leave, an older build; who began with it never hears of it.
 */
#include "base/arena.h"
#include "base/str.h"
#include "contract/elasticache_handlers.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/updates.h"

#include <string.h>

struct pair {
    const struct service_update *update;
    const struct update_target *target;
    const struct update_action *action; /* NULL while nobody asked for it */
    struct update_progress progress;
};

static const char *name_of(const struct update_target *t)
{
    return t->nodes->group_id ? t->nodes->group : t->nodes->cluster;
}

static const char *status_of(const struct pair *p)
{
    return update_action_status(p->action, &p->progress);
}

/* --- filters --- */

static bool is_among(const char *const *items, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (items[i] && strcasecmp(items[i], word) == 0)
            return true;
    return false;
}

static bool is_named(const struct ec_describe_update_actions_in *in, const struct update_target *t)
{
    size_t names = in->replication_group_ids.count + in->cache_cluster_ids.count;

    if (names == 0)
        return true;
    return t->nodes->group_id ? is_among(in->replication_group_ids.items,
                                         in->replication_group_ids.count, t->nodes->group)
                              : is_among(in->cache_cluster_ids.items, in->cache_cluster_ids.count,
                                         t->nodes->cluster);
}

static bool is_in_time(const struct ec_time_range_filter *range, const struct service_update *u)
{
    return !range || ((!range->start_time.has || u->released_ms >= range->start_time.value) &&
                      (!range->end_time.has || u->released_ms <= range->end_time.value));
}

static bool is_wanted(struct call *c, const struct ec_describe_update_actions_in *in,
                      const struct pair *p)
{
    const struct service_update *u = p->update;

    return (!member_has_text(in->service_update_name) ||
            strcmp(in->service_update_name, service_update_name(c->arena, u)) == 0) &&
           (!member_has_text(in->engine) ||
            strcasecmp(in->engine, p->target->nodes->engine) == 0) &&
           (in->service_update_status.count == 0 ||
            is_among(in->service_update_status.items, in->service_update_status.count,
                     service_update_status(u))) &&
           (in->update_action_status.count == 0 ||
            is_among(in->update_action_status.items, in->update_action_status.count,
                     status_of(p))) &&
           is_in_time(in->service_update_time_range, u) && is_named(in, p->target);
}

/* --- nodes --- */

/* What both kinds of nodes say. A node that came by itself, as by a reboot, was begun by nobody. */
struct node_dates {
    const char *status, *initiated_by;
    struct opt_time initiated, started, ended, modified;
};

static struct node_dates dates_of(const struct pair *p, const struct built_node *n)
{
    const struct update_action *a = p->action;
    bool is_updated = !build_is_older(n->build, p->update->build);
    struct node_dates d = {.status = update_node_status(a, is_updated, n->has_begun)};
    bool has_started =
        a && a->operation_id && n->began_ms >= a->applied_ms && (is_updated || n->has_begun);

    if (a) {
        d.initiated_by = a->is_automatic ? "system" : "customer";
        d.initiated = d.modified = TIME_OF(a->applied_ms);
    }
    if (a && a->stopped_ms && !is_updated)
        d.modified = TIME_OF(a->stopped_ms);
    if (has_started)
        d.started = d.modified = TIME_OF(n->began_ms);
    if (is_updated && n->build_ms)
        d.ended = d.modified = TIME_OF(n->build_ms);
    return d;
}

static void wire_cluster_nodes(struct call *c, const struct pair *p,
                               struct ec_cache_node_update_status_list *out)
{
    out->has = true;
    out->items = arena_array(c->arena, p->target->count, sizeof(*out->items));
    for (size_t i = 0; i < p->target->count; i++) {
        const struct built_node *n = &p->target->nodes[i];
        struct ec_cache_node_update_status *wire = &out->items[out->count++];
        const struct node_dates d = dates_of(p, n);
        *wire = (struct ec_cache_node_update_status){
            .cache_node_id = n->number,
            .node_update_status = d.status,
            .node_update_start_date = d.started,
            .node_update_end_date = d.ended,
            .node_update_initiated_by = d.initiated_by,
            .node_update_initiated_date = d.initiated,
            .node_update_status_modified_date = d.modified,
        };
    }
}

static void wire_member(const struct pair *p, const struct built_node *n,
                        struct ec_node_group_member_update_status_list *list)
{
    const struct node_dates d = dates_of(p, n);

    list->items[list->count++] = (struct ec_node_group_member_update_status){
        .cache_cluster_id = n->cluster,
        .cache_node_id = n->number,
        .node_update_status = d.status,
        .node_update_start_date = d.started,
        .node_update_end_date = d.ended,
        .node_update_initiated_by = d.initiated_by,
        .node_update_initiated_date = d.initiated,
        .node_update_status_modified_date = d.modified,
    };
}

static void wire_group_nodes(struct call *c, const struct pair *p,
                             struct ec_node_group_update_status_list *out)
{
    const struct update_target *t = p->target;

    out->has = true;
    out->items = arena_array(c->arena, t->count, sizeof(*out->items));
    for (size_t i = 0; i < t->count; i++) {
        const struct built_node *n = &t->nodes[i];
        if (i == 0 || strcmp(t->nodes[i - 1].shard, n->shard) != 0) {
            struct ec_node_group_update_status *shard = &out->items[out->count++];
            shard->node_group_id = n->shard;
            shard->node_group_member_update_status.has = true;
            shard->node_group_member_update_status.items = arena_array(
                c->arena, t->count, sizeof(*shard->node_group_member_update_status.items));
        }
        wire_member(p, n, &out->items[out->count - 1].node_group_member_update_status);
    }
}

/* --- pairs --- */

static bool is_complete(const struct pair *p)
{
    return p->progress.updated == p->progress.total;
}

/* When the last node went over. */
static int64_t completed_ms(const struct pair *p)
{
    int64_t last_ms = 0;

    for (size_t i = 0; i < p->target->count; i++)
        if (p->target->nodes[i].build_ms > last_ms)
            last_ms = p->target->nodes[i].build_ms;
    return last_ms;
}

static const char *sla_of(struct call *c, const struct pair *p)
{
    int64_t by_ms = updates_apply_by_ms(c, p->update);

    if (p->target->nodes->created_ms > by_ms)
        return "n/a";
    return (is_complete(p) ? completed_ms(p) : c->now_ms) > by_ms ? "no" : "yes";
}

static int64_t available_ms(const struct pair *p)
{
    int64_t created_ms = p->target->nodes->created_ms, released_ms = p->update->released_ms;

    return created_ms > released_ms ? created_ms : released_ms;
}

static int64_t modified_ms(struct call *c, const struct pair *p)
{
    const struct update_action *a = p->action;

    if (is_complete(p) && completed_ms(p))
        return completed_ms(p);
    if (a)
        return a->stopped_ms ? a->stopped_ms : a->applied_ms;
    return p->progress.is_overdue ? updates_apply_by_ms(c, p->update) : available_ms(p);
}

static void wire_pair(struct call *c, const struct pair *p, bool shows_nodes,
                      struct ec_update_action *out)
{
    const struct service_update *u = p->update;

    *out = (struct ec_update_action){
        .replication_group_id = p->target->nodes->group_id ? name_of(p->target) : NULL,
        .cache_cluster_id = p->target->nodes->group_id ? NULL : name_of(p->target),
        .service_update_name = service_update_name(c->arena, u),
        .service_update_release_date = TIME_OF(u->released_ms),
        .service_update_severity = service_update_severity(u),
        .service_update_status = service_update_status(u),
        .service_update_recommended_apply_by_date = TIME_OF(updates_apply_by_ms(c, u)),
        .service_update_type = "security-update",
        .update_action_available_date = TIME_OF(available_ms(p)),
        .update_action_status = status_of(p),
        .nodes_updated = arena_printf(c->arena, "%d/%d", p->progress.updated, p->progress.total),
        .update_action_status_modified_date = TIME_OF(modified_ms(c, p)),
        .sla_met = sla_of(c, p),
        .estimated_update_time = UPDATE_ESTIMATED_TIME,
        .engine = p->target->nodes->engine,
    };
    if (shows_nodes && p->target->nodes->group_id)
        wire_group_nodes(c, p, &out->node_group_update_status);
    else if (shows_nodes)
        wire_cluster_nodes(c, p, &out->cache_node_update_status);
}

/* What a marker says: "<update> <g or c> <name>", which is the order of the pairs as well. */
static const char *key_of(struct call *c, const struct pair *p)
{
    return arena_printf(c->arena, "%010lld %c %s", (long long)p->update->id,
                        p->target->nodes->group_id ? 'g' : 'c', name_of(p->target));
}

struct err ec_describe_update_actions(struct call *c,
                                      const struct ec_describe_update_actions_in *in,
                                      struct ec_describe_update_actions_out *out)
{
    struct update_target *targets;
    struct update_action *actions;
    struct update_list updates;
    size_t target_count, action_count;
    const char *last = "";
    struct page page;

    TRY(page_open(c, in->max_records, in->marker, &page));
    TRY(updates_read(c, &updates));
    TRY(updates_targets(c, &targets, &target_count));
    TRY(store_action_list(c->tx, c->caller->account, c->caller->region, &actions, &action_count));
    out->update_actions.has = true;
    out->update_actions.items =
        arena_array(c->arena, (size_t)page.limit, sizeof(*out->update_actions.items));
    for (size_t i = 0; i < updates.count * target_count; i++) {
        struct pair p = {.update = &updates.items[i / target_count],
                         .target = &targets[i % target_count]};
        p.action = updates_action(actions, action_count, p.target, p.update);
        p.progress = updates_progress(c, p.target, p.update);
        if (!p.action && is_complete(&p))
            continue;
        if (strcmp(key_of(c, &p), page.after) <= 0 || !is_wanted(c, in, &p))
            continue;
        if (out->update_actions.count == (size_t)page.limit) {
            out->marker = page_marker(c, last);
            return OK;
        }
        wire_pair(c, &p, in->show_node_level_update_status.value,
                  &out->update_actions.items[out->update_actions.count++]);
        last = key_of(c, &p);
    }
    return OK;
}
