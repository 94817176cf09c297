/*
 * What nodes of cluster mode are told of each other: all shards, their members, how these are.
 * Anew, by the next epoch, when anything of it changes.
 *
 * What is told to all costs as much as the group has nodes, so news that come in a burst, as the
 * many of one failover do, or those of many, are told together.
 */
#include "controlplane/reconcile/topology.h"

#include "base/arena.h"
#include "base/buf.h"
#include "controlplane/model/cluster.h"
#include "controlplane/reconcile/cluster_mode.h"
#include "controlplane/reconcile/global_shards.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/restraint.h"

#include <stdlib.h>
#include <string.h>

/* A host that is quiet for a moment is no news for everybody's clients, unless it was replaced. */
static bool is_lost(const struct shard *s, const struct view *m)
{
    const struct host *host = view_host(m, member_node(m)->goal.host_id);
    bool is_gone = !host || host->is_silent;

    return !restraint_is_in_doubt(m->region) &&
           (is_gone || (s->lease.lost_id == m->cluster.id && host->is_quiet));
}

/* What the others are told of a node. A new replica counts as well until its group is there: none
 * looks before. */
static const char *health_word(const struct group_view *g, const struct shard *s,
                               const struct view *m)
{
    const struct node *n = member_node(m);
    bool is_new = g->has_operation && g->operation.kind == GROUP_CREATE;

    if (member_has_died(m) || is_lost(s, m))
        return "fail";
    if (s->goal.primary_id == m->cluster.id || is_new)
        return "online";
    return n->saw.has && n->saw.is_link_up ? "online" : "loading";
}

static bool is_told(const struct view *m)
{
    const struct node *n = member_node(m);

    return m->cluster.is_wanted && n && n->goal.has;
}

/* Members, those of a shard together, else in their order. */
struct members {
    struct view **items;
    size_t count;
};

static int by_shard(const void *a, const void *b)
{
    const struct view *x = *(struct view *const *)a, *y = *(struct view *const *)b;

    if (x->cluster.shard_id != y->cluster.shard_id)
        return x->cluster.shard_id < y->cluster.shard_id ? -1 : 1;
    return x < y ? -1 : x > y;
}

static struct members sort_members(const struct group_view *g, struct arena *a)
{
    struct members all = {arena_array(a, g->member_count + 1, sizeof(struct view *)), 0};

    for (size_t i = 0; i < g->member_count; i++)
        if (is_told(&g->members[i]))
            all.items[all.count++] = &g->members[i];
    qsort(all.items, all.count, sizeof(struct view *), by_shard);
    return all;
}

static struct members members_of(const struct members *all, int64_t shard_id)
{
    size_t low = 0, high = all->count, end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->items[middle]->cluster.shard_id < shard_id)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < all->count && all->items[end]->cluster.shard_id == shard_id;)
        end++;
    return (struct members){all->items + low, end - low};
}

/* False when the shard cannot be told of yet. */
static bool add_shard_words(const struct group_view *g, const struct shard *s,
                            const struct members *members, struct buf *words)
{
    const struct view *primary = shard_primary(g, s);

    if (!primary || !is_told(primary))
        return false;
    buf_printf(words, "%sSHARD %s %s", words->len ? " " : "", s->engine_id,
               *s->slots ? s->slots : "-");
    for (size_t i = 0; i < members->count; i++) {
        const struct view *m = members->items[i];
        const struct node *n = member_node(m);
        buf_printf(words, " NODE %s %s %s %d %d - %s", n->engine_id,
                   m == primary ? "primary" : "replica",
                   goal_address(&n->goal, m->cluster.reach.discovery),
                   m->cluster.tls == TLS_REQUIRED ? 0 : n->goal.port,
                   m->cluster.tls == TLS_OFF ? 0 : n->goal.port, health_word(g, s, m));
    }
    return true;
}

/* False while a shard that has slots cannot be told of: a new one may wait for its place, the
 * others do not wait for it. */
static bool write_words(const struct group_view *g, struct arena *a, struct buf *words)
{
    const struct members all = sort_members(g, a);

    for (size_t i = 0; i < g->shards.count; i++) {
        const struct shard *s = &g->shards.items[i];
        const struct members members = members_of(&all, s->id);
        if (s->is_wanted && !add_shard_words(g, s, &members, words) && *s->slots)
            return false;
    }
    if (words->len == 0)
        return false;
    buf_puts(words, global_shards_readable(g));
    const char *kept = global_shards_kept(g, a);
    if (*kept)
        buf_printf(words, " KEEP %s", kept);
    return true;
}

/* --- who hears of it when --- */

static bool is_health(struct str word)
{
    return str_is(word, "online") || str_is(word, "loading") || str_is(word, "fail");
}

/* Which nodes there are, what they have and who is the primary is the same. */
static bool differs_in_health(const char *before, const char *after)
{
    struct str a = str_of(before), b = str_of(after);

    while (a.len > 0 && b.len > 0) {
        struct str was = str_cut(&a, ' '), is = str_cut(&b, ' ');
        if (!str_eq(was, is) && !(is_health(was) && is_health(is)))
            return false;
    }
    return a.len == b.len;
}

static int64_t due_of(const struct group_view *g, const char *words)
{
    const struct topology *t = &g->topology;
    /* by a clock that was set back the last time may be yet to come */
    int64_t told_ms = t->told_ms < g->now_ms ? t->told_ms : g->now_ms;

    if (differs_in_health(t->words, words))
        return g->now_ms + TOPOLOGY_JOIN_MS;
    return told_ms + TOPOLOGY_JOIN_MS > g->now_ms ? told_ms + TOPOLOGY_JOIN_MS : g->now_ms;
}

/* A clock that was set back makes nobody wait. */
static bool is_due(const struct group_view *g)
{
    return g->has_operation || g->topology.due_ms <= g->now_ms ||
           g->topology.due_ms > g->now_ms + TOPOLOGY_JOIN_MS;
}

void topology_tell_all(struct group_view *g, struct decisions *d)
{
    g->topology.told_ms = g->now_ms;
    g->topology.due_ms = 0;
    decide_topology(d, g);
}

static void take_words(struct group_view *g, const char *words)
{
    struct topology *t = &g->topology;
    int64_t due_ms = due_of(g, words);

    t->due_ms = t->due_ms == 0 || due_ms < t->due_ms ? due_ms : t->due_ms;
    t->words = words;
    t->epoch++;
}

void topology_tell(struct group_view *g, struct decisions *d)
{
    scoped(buf_fini) struct buf words = BUF_EMPTY;

    bool is_news = cluster_mode_is_anywhere(g) && write_words(g, d->arena, &words) &&
                   !str_is(buf_str(&words), g->topology.words);
    if (is_news)
        take_words(g, str_dup(d->arena, buf_str(&words)));
    if (g->topology.due_ms == 0)
        return;
    if (is_due(g)) {
        topology_tell_all(g, d);
        return;
    }
    if (is_news)
        decide_topology(d, g);
    decide_wake(d, g->topology.due_ms);
}
