/* What nodes of cluster mode are told of each other: all shards, their members, how these are. Told
 * anew, by the next epoch, when anything of it changes. */
#include "controlplane/reconcile/topology.h"

#include "base/buf.h"
#include "controlplane/model/cluster.h"
#include "controlplane/reconcile/cluster_mode.h"
#include "controlplane/reconcile/global_shards.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/restraint.h"

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

static bool is_told(const struct view *m, const struct shard *s)
{
    const struct node *n = member_node(m);

    return m->cluster.shard_id == s->id && m->cluster.is_wanted && n && n->goal.has;
}

/* False when the shard cannot be told of yet. */
static bool add_shard_words(const struct group_view *g, const struct shard *s, struct buf *words)
{
    const struct view *primary = shard_primary(g, s);

    if (!primary || !is_told(primary, s))
        return false;
    buf_printf(words, "%sSHARD %s %s", words->len ? " " : "", s->engine_id,
               *s->slots ? s->slots : "-");
    for (size_t i = 0; i < g->member_count; i++) {
        const struct view *m = &g->members[i];
        if (!is_told(m, s))
            continue;
        const struct node *n = member_node(m);
        buf_printf(words, " NODE %s %s %s %d %d - %s", n->engine_id,
                   m == primary ? "primary" : "replica",
                   goal_address(&n->goal, m->cluster.reach.discovery),
                   m->cluster.tls == TLS_REQUIRED ? 0 : n->goal.port,
                   m->cluster.tls == TLS_OFF ? 0 : n->goal.port, health_word(g, s, m));
    }
    return true;
}

void topology_tell(struct group_view *g, struct decisions *d)
{
    scoped(buf_fini) struct buf words = BUF_EMPTY;

    if (!cluster_mode_is_anywhere(g))
        return;
    for (size_t i = 0; i < g->shards.count; i++)
        if (g->shards.items[i].is_wanted && !add_shard_words(g, &g->shards.items[i], &words) &&
            *g->shards.items[i].slots)
            return; /* a new shard may wait for its place, the others do not wait for it */
    if (words.len > 0)
        buf_puts(&words, global_shards_readable(g));
    const char *kept = global_shards_kept(g, d->arena);
    if (words.len > 0 && *kept)
        buf_printf(&words, " KEEP %s", kept);
    if (words.len == 0 || str_is(buf_str(&words), g->topology))
        return;
    g->epoch++;
    g->topology = str_dup(d->arena, buf_str(&words));
    decide_topology(d, g);
}
