/* Slots change hands one move after another (moves.c); a shard goes when all know that none is its.
 */
#include "controlplane/reconcile/reshard_steps.h"

#include "base/str.h"
#include "controlplane/reconcile/global_shards.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/member_steps.h"
#include "controlplane/reconcile/moves.h"
#include "controlplane/reconcile/rules.h"

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
            o->deadline_ms < g->now_ms + RESHARD_LIMIT_MS) {
            o->deadline_ms = g->now_ms + RESHARD_LIMIT_MS;
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

const struct step group_reshard_steps[] = {
    {"await_members",  group_await_members},
    {"tell_replicas",  group_tell_replicas},
    {"move_slots",     move_slots         },
    {"await_topology", group_await_members},
    {"release_shards", release_shards     },
    {"forget_shards",  forget_shards      },
    {"tell_resharded", tell_resharded     },
};

/* The same, as the primary of the global datastore does it. */
const struct step group_align_steps[] = {
    {"await_members",  group_await_members},
    {"tell_replicas",  group_tell_replicas},
    {"await_slots",    global_shards_await},
    {"forget_shards",  forget_shards      },
    {"tell_resharded", tell_resharded     },
};
