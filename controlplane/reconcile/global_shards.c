/*
 * The one idea: where a stream stands says what is in it. A primary that knows of a hand-over has
 * all of its keys in its stream, so the offset that it reports together with that topology is what
 * its follower is to reach (the goal's after_offset) before it shows the slots as its own.
 */
#include "controlplane/reconcile/global_shards.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "controlplane/model/settings.h"
#include "controlplane/model/slots.h"
#include "controlplane/reconcile/globals.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/reshard_steps.h"

#include <string.h>

#define READ    " READ "
#define NOWHERE (-1) /* nobody waits for that */
#define ALIGN_LIMIT_MS                                                        \
    600000 /* for the rest, once the primary's slots are where they are to be \
            */

/* --- slots --- */

static struct slot_map map_of(const char *slots)
{
    struct slot_map map = {0};

    check(!*slots || slots_add(&map, slots));
    return map;
}

/* What is in `a` alone. */
static struct slot_map without(struct slot_map a, const char *slots)
{
    struct slot_map b = map_of(slots);

    for (size_t i = 0; i < countof(a.bits); i++)
        a.bits[i] &= ~b.bits[i];
    return a;
}

static bool has_more(const char *slots, const char *than)
{
    struct slot_map more = without(map_of(slots), than);
    return slots_count(&more) > 0;
}

static const struct shard *find(const struct shard_list *list, int64_t group_id, const char *number)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].is_wanted && list->items[i].group_id == group_id &&
            strcmp(list->items[i].number, number) == 0)
            return &list->items[i];
    return NULL;
}

static const char *slots_of(const struct shard *s)
{
    return s ? s->slots : "";
}

/* --- a secondary --- */

static bool is_aligning(const struct group_view *g)
{
    return g->is_global && g->self.role == GLOBAL_SECONDARY && g->upstream &&
           g->upstream->group.mode == CLUSTER_MODE_ENABLED;
}

static const struct shard *shard_there(const struct group_view *g, const struct shard *s)
{
    return find(&g->upstream->shards, g->upstream->group.id, s->number);
}

/* All slots have the same place here and there. Shards come in all regions at once, so one that is
 * there alone has no slots here and the others have more. */
static bool has_same_slots(const struct group_view *g)
{
    for (size_t i = 0; i < g->shards.count; i++) {
        const struct shard *s = &g->shards.items[i];
        const char *there = s->is_wanted ? slots_of(shard_there(g, s)) : "";
        if (has_more(there, s->slots) || has_more(s->slots, there))
            return false;
    }
    return true;
}

static bool has_all_shards(const struct group_view *g)
{
    for (size_t i = 0; i < g->upstream->shards.count; i++) {
        const struct shard *there = &g->upstream->shards.items[i];
        if (there->is_wanted && !find(&g->shards, g->group.id, there->number))
            return false;
    }
    return true;
}

/* Where the stream of a primary stood when it said last what it knows. Before anybody followed it
 * that was nowhere: then who follows it has all from the beginning. */
static int64_t place_of(const struct view *primary)
{
    int64_t offset = member_node(primary)->saw.offset;
    return offset > 0 ? offset : NOWHERE;
}

/* Nodes that nobody hears of are not waited for: they are told before they serve again. */
static bool is_shard_ready(const struct group_view *g, const struct shard *s)
{
    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        if (m->cluster.shard_id == s->id && !m->is_removed && globals_is_reachable(m) &&
            !member_is_ready(g, m))
            return false;
    }
    return globals_is_reachable(shard_primary(g, s));
}

/* Whether the shard has all that was in the other's stream when that one knew of the hand-over;
 * where nobody asked for that yet, it is asked for, by a higher term. */
static bool has_come_up(struct group_view *g, struct shard *s, struct decisions *d)
{
    const struct shard *there = shard_there(g, s);
    const struct view *primary = there->goal.has ? shard_primary(g->upstream, there) : NULL;

    if (!primary || !member_node(primary) || !member_is_ready(g->upstream, primary) ||
        !s->goal.source.port)
        return false;
    if (s->goal.after_offset == place_of(primary))
        return is_shard_ready(g, s);
    groups_promote(g, s, s->goal.primary_id, d, "slots changed hands in the primary's region");
    s->goal.after_offset = place_of(primary);
    decide_shard(d, g, s, "it is to have their keys");
    return false;
}

/* What nodes are told of that at present: it ends the topology. */
static const char *reads_so_far(const struct group_view *g)
{
    const char *at = strstr(g->topology.words, READ);
    return at ? at : "";
}

static void take_slots(struct group_view *g, struct decisions *d)
{
    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard *s = &g->shards.items[i];
        const char *there = s->is_wanted ? slots_of(shard_there(g, s)) : s->slots;
        if (strcmp(s->slots, there) == 0)
            continue;
        s->slots = there;
        decide_group_shard(d, g, DECISION_SHARD_WANT, s);
    }
}

static bool knows_topology(const struct group_view *g, const struct view *m)
{
    const struct node *n = member_node(m);
    struct settings_version applied;

    if (m->is_removed || !n || !globals_is_reachable(m))
        return true;
    return settings_version_parse(n->saw.applied_settings, &applied) &&
           applied.epoch == g->topology.epoch;
}

static bool all_know_topology(const struct group_view *g)
{
    for (size_t i = 0; i < g->member_count; i++)
        if (!knows_topology(g, &g->members[i]))
            return false;
    return true;
}

/* With that, the primary's keys need not be kept any more. */
static void confirm(struct group_view *g, struct decisions *d)
{
    if (!all_know_topology(g))
        return;
    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard *s = &g->shards.items[i];
        if (!s->goal.after_offset)
            continue;
        s->goal.after_offset = 0;
        decide_shard(d, g, s, "slots are where they are in the primary's region");
    }
}

static bool is_gone_there(const struct group_view *g, const struct shard *s)
{
    return s->is_wanted && !*s->slots && !shard_there(g, s);
}

static void release_gone(struct group_view *g, struct decisions *d)
{
    bool has_any = false;

    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard *s = &g->shards.items[i];
        if (!is_gone_there(g, s))
            continue;
        has_any = true;
        s->is_wanted = false;
        decide_group_shard(d, g, DECISION_SHARD_WANT, s);
    }
    if (has_any)
        group_release_members(g, d);
}

void global_shards_align(struct group_view *g, struct decisions *d)
{
    scoped(buf_fini) struct buf reads = BUF_EMPTY;
    bool has_come = true;

    if (!is_aligning(g) || !has_all_shards(g))
        return;
    if (has_same_slots(g)) {
        confirm(g, d);
        release_gone(g, d);
        return;
    }
    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard *s = &g->shards.items[i];
        if (!s->is_wanted || !has_more(slots_of(shard_there(g, s)), s->slots))
            continue;
        struct slot_map more = without(map_of(shard_there(g, s)->slots), s->slots);
        buf_printf(&reads, READ "%s %s", slots_text(d->arena, &more), s->engine_id);
        has_come &= has_come_up(g, s, d);
    }
    if (!has_come)
        return;
    if (!str_is(buf_str(&reads), reads_so_far(g)))
        g->reads = str_dup(d->arena, buf_str(&reads));
    else if (all_know_topology(g))
        take_slots(g, d);
}

const char *global_shards_readable(const struct group_view *g)
{
    if (!is_aligning(g) || has_same_slots(g))
        return "";
    return g->reads ? g->reads : reads_so_far(g);
}

enum step_result global_shards_await(struct group_view *g, struct decisions *d)
{
    struct group_operation *o = &g->operation;

    if (!is_aligning(g))
        return STEP_FAILED;
    if (g->upstream->has_operation && g->upstream->operation.kind == GROUP_RESHARD) {
        if (o->deadline_ms < g->now_ms + ALIGN_LIMIT_MS / 2) {
            o->deadline_ms = g->now_ms + ALIGN_LIMIT_MS;
            decide_group_operation(d, g);
        }
        return STEP_WAIT;
    }
    if (!has_all_shards(g) || !has_same_slots(g))
        return STEP_WAIT;
    for (size_t i = 0; i < g->shards.count; i++)
        if (g->shards.items[i].goal.after_offset || is_gone_there(g, &g->shards.items[i]))
            return STEP_WAIT;
    return STEP_DONE;
}

/* --- the primary --- */

static bool is_leading(const struct group_view *g)
{
    return g->is_global && g->self.role == GLOBAL_PRIMARY && g->followers.count > 0;
}

bool global_shards_are_followed(const struct group_view *g)
{
    for (size_t i = 0; is_leading(g) && i < g->followers.count; i++) {
        const struct shard *f = &g->followers.items[i];
        const char *own = slots_of(find(&g->shards, g->group.id, f->number));
        if (f->goal.after_offset || has_more(own, f->slots) || has_more(f->slots, own))
            return false;
    }
    return true;
}

static void join(struct slot_map *all, struct slot_map some)
{
    for (size_t i = 0; i < countof(all->bits); i++)
        all->bits[i] |= some.bits[i];
}

/* What nodes are told to keep at present. */
static struct slot_map kept_so_far(const struct group_view *g, struct arena *a)
{
    static const char word[] = " KEEP ";
    const char *at = strstr(g->topology.words, word);

    return map_of(at ? arena_strdup(a, at + strlen(word)) : "");
}

const char *global_shards_kept(const struct group_view *g, struct arena *a)
{
    if (global_shards_are_followed(g))
        return "";
    struct slot_map all = kept_so_far(g, a);
    for (size_t i = 0; i < g->followers.count; i++) {
        const struct shard *f = &g->followers.items[i];
        const char *own = slots_of(find(&g->shards, g->group.id, f->number));
        join(&all, without(map_of(f->slots), own));
    }
    return slots_text(a, &all);
}
