/*
 * An address is on one member at a time. The primary's comes with the role and goes with the fence,
 * so the rules of terms hold for it. The readers' is let go of by one before another one gets it:
 * for that moment it is nobody's.
 */
#include "controlplane/reconcile/endpoints.h"

#include "base/arena.h"
#include "base/ip.h"
#include "base/str.h"
#include "base/vec.h"
#include "controlplane/model/settings.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/store/groups.h"

#include <string.h>

#define LINK_GRACE_MS 200 /* so long a replica without a link is read from still */

struct endpoint_board {
    struct arena *arena;
    struct ip_block pool;
    vec_of(struct ip) taken;
};

/* --- the board --- */

static void take(struct endpoint_board *b, const char *address)
{
    struct ip number;

    if (ip_parse(str_of(address), &number))
        *vec_add(b->arena, &b->taken) = number;
}

struct endpoint_board *endpoint_board_new(struct arena *a, const char *pool,
                                          const char *const *taken, size_t count)
{
    struct endpoint_board *b = arena_new(a, struct endpoint_board);

    b->arena = a;
    if (ip_block_parse(str_of(pool), &b->pool))
        b->pool = ip_block_usable(&b->pool);
    else
        b->pool = (struct ip_block){0};
    for (size_t i = 0; i < count; i++)
        take(b, taken[i]);
    return b;
}

static bool is_taken(const struct endpoint_board *b, const struct ip *address)
{
    for (size_t i = 0; i < b->taken.count; i++)
        if (ip_is(&b->taken.items[i], address))
            return true;
    return false;
}

/* Of any (taken + 1) addresses one is free. */
const char *endpoint_board_take(struct endpoint_board *b, int64_t start)
{
    uint64_t tries = b->pool.count < b->taken.count + 1 ? b->pool.count : b->taken.count + 1;

    for (uint64_t i = 0; i < tries; i++) {
        struct ip address = ip_block_at(&b->pool, ((uint64_t)start + i) % b->pool.count);
        if (is_taken(b, &address))
            continue;
        *vec_add(b->arena, &b->taken) = address;
        return ip_text(b->arena, &address);
    }
    return NULL;
}

/* --- who has some yet --- */

/* With cluster mode only the first shard has one, by which clients find the others; and all they
 * read from is in the topology. */
static bool is_due(const struct group_view *g, const struct shard *s)
{
    bool is_first = &g->shards.items[0] == s;

    return s->is_wanted && s->goal.has && !*s->endpoints.address && !g->group.common.owner.id &&
           g->group.common.reach.discovery == FAMILY_IPV4 &&
           (g->group.mode != CLUSTER_MODE_ENABLED || is_first);
}

static bool has_due(const struct group_view *g)
{
    for (size_t i = 0; i < g->shards.count; i++) {
        struct shard as_made = g->shards.items[i];
        as_made.goal.has = true; /* it is with this look */
        if (is_due(g, &as_made) || (i == 0 && !*g->shards.items[i].endpoints.address))
            return true;
    }
    return false;
}

struct err endpoints_load(struct store_tx *tx, const char *pool, struct group_view *g)
{
    const char *const *taken;
    size_t count;

    if (!has_due(g))
        return OK;
    TRY(store_endpoint_addresses(tx, &taken, &count));
    g->endpoints = endpoint_board_new(store_arena(tx), pool, taken, count);
    return OK;
}

static void allot(struct group_view *g, struct shard *s, struct decisions *d)
{
    const char *address = endpoint_board_take(g->endpoints, 2 * (s->id - 1));
    const char *reader = NULL;

    if (g->group.mode != CLUSTER_MODE_ENABLED)
        reader = endpoint_board_take(g->endpoints, 2 * (s->id - 1) + 1);
    if (!address)
        return; /* members' own are told then */
    s->endpoints.address = address;
    s->endpoints.reader_address = reader ? reader : "";
    decide_shard(d, g, s, "its endpoints have addresses");
}

/* --- who is read from --- */

static bool is_heard(const struct view *m)
{
    const struct node *n = member_node(m);
    const struct host *host = n && n->goal.has ? view_host(m, n->goal.host_id) : NULL;

    return host && !host->is_silent;
}

static bool is_up(const struct view *m)
{
    const struct node *n = member_node(m);

    return n && n->is_wanted && n->goal.has && n->saw.has && n->saw.state == NODE_RUNNING &&
           strcmp(n->saw.host_id, n->goal.host_id) == 0 && is_heard(m);
}

static bool is_in_sync(const struct shard *s, const struct view *m)
{
    return m->cluster.shard_id == s->id && m->cluster.is_wanted && is_up(m) &&
           s->goal.primary_id != m->cluster.id && member_node(m)->saw.is_link_up;
}

/* Whether it has, or nobody can say any more: one that ended has nothing, and one that is not heard
 * of is not waited for. */
static bool has_let_go(const struct shard *s, const struct view *m)
{
    struct settings_version applied;
    int64_t wanted = shard_endpoints_number(&s->endpoints, &s->goal, m->cluster.id);

    return !is_up(m) || (settings_version_parse(member_node(m)->saw.applied_settings, &applied) &&
                         applied.endpoints == wanted);
}

/* The one that is, as long as it is in sync; else another one that is, else the primary. */
static int64_t best_reader(const struct group_view *g, const struct shard *s)
{
    int64_t best = s->goal.primary_id;

    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        if (!is_in_sync(s, m))
            continue;
        if (m->cluster.id == s->endpoints.reader_id && s->endpoints.reader_turn % 2 == 0)
            return m->cluster.id;
        if (best == s->goal.primary_id)
            best = m->cluster.id;
    }
    return best;
}

/* That may be its primary's end, of which nobody has told yet: then more goes elsewhere than this.
 */
static bool has_just_lost_link(const struct group_view *g, const struct shard *s,
                               const struct view *m, struct decisions *d)
{
    const struct node_saw *saw = &member_node(m)->saw;
    int64_t since_ms = g->now_ms - saw->unlinked_ms;

    if (m->cluster.id == s->goal.primary_id || saw->is_link_up || saw->unlinked_ms <= 0 ||
        since_ms < 0 || since_ms >= LINK_GRACE_MS)
        return false;
    decide_wake(d, saw->unlinked_ms + LINK_GRACE_MS);
    return true;
}

/* While roles change it stays where it is. */
static void choose_reader(struct group_view *g, struct shard *s, struct decisions *d)
{
    struct shard_endpoints *e = &s->endpoints;
    const struct view *old = group_member(g, e->reader_id);
    int64_t reader_id = best_reader(g, s);
    bool is_held = e->reader_turn % 2 == 0;

    if (!primary_is_confirmed(g, s) || (is_held && reader_id == e->reader_id))
        return;
    if (is_held && old && is_up(old)) {
        if (has_just_lost_link(g, s, old, d))
            return;
        e->reader_turn++;
        decide_shard(d, g, s, "who is read from is to let go");
    } else if (reader_id == e->reader_id || !old || has_let_go(s, old)) {
        e->reader_turn += is_held ? 2 : 1;
        e->reader_id = reader_id;
        decide_shard(d, g, s, "another member is read from");
    }
}

void endpoints_look(struct group_view *g, struct shard *s, struct decisions *d)
{
    if (g->endpoints && is_due(g, s))
        allot(g, s, d);
    if (*s->endpoints.reader_address)
        choose_reader(g, s, d);
}
