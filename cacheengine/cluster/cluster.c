/* Topologies in force, and the way of a command. */
#include "cacheengine/cluster/cluster.h"

#include "cacheengine/keyspace/settings.h"

#include <string.h>

/* Puts the slots of a hand-over under the shard that has them. */
static void settle_handover(struct cluster *c, const struct handover *one)
{
    const struct topology *t = c->topology;
    const struct topology_shard *to = topology_shard_find(t, str_of(one->to));
    uint16_t shard = to ? (uint16_t)(to - t->shards) : NO_SHARD;
    uint32_t first, last = 0;

    for (uint32_t from = 0; slot_set_run(&one->slots, from, &first, &last); from = last + 1)
        for (uint32_t slot = first; slot <= last; slot++)
            c->owner[slot] = shard;
    slot_set_join(&c->handed, &one->slots);
}

/* Makes `owner` and `hidden` from the topology and what was handed over since. */
static void settle(struct cluster *c)
{
    const struct topology *t = c->topology;
    uint16_t own = topology_own_shard(t);

    memcpy(c->owner, t->owner, sizeof(c->owner));
    c->handed = c->hidden = c->foreign = (struct slot_set){{0}};
    for (size_t i = 0; i < c->handovers.count; i++)
        if (handover_counts(&c->handovers.items[i]))
            settle_handover(c, &c->handovers.items[i]);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        /* Keys that come one by one are seen while they come, and those that may be read. */
        bool comes = t->next_owner[slot] == own || t->reader[slot] == own;
        if (c->owner[slot] == own || c->owner[slot] == NO_SHARD || comes)
            continue;
        slot_set_add(&c->hidden, slot);
        if (t->owner[slot] != own && t->owner[slot] != NO_SHARD)
            slot_set_add(&c->foreign, slot);
    }
}

void cluster_init(struct cluster *c, const char *node_id, const char *shard_id)
{
    *c = (struct cluster){0};
    c->topology = topology_alone(&c->arena, node_id, shard_id);
    settle(c);
}

void cluster_fini(struct cluster *c)
{
    handovers_fini(&c->handovers);
    arena_fini(&c->arena);
    *c = (struct cluster){0};
}

/* ---- taking over ---- */

static const struct str *copy_words(struct arena *a, const struct str *words, size_t count)
{
    struct str *copy = arena_array(a, count, sizeof(*copy));

    for (size_t i = 0; i < count; i++)
        copy[i] = (struct str){arena_memdup(a, words[i].ptr, words[i].len), words[i].len};
    return copy;
}

static bool has_same_words(const struct cluster *c, const struct str *words, size_t count)
{
    bool is_same = c->word_count == count;

    for (size_t i = 0; is_same && i < count; i++)
        is_same = str_eq(c->words[i], words[i]);
    return is_same;
}

static struct err check_successor(const struct cluster *c, struct arena *a,
                                  const struct topology *t, bool is_same)
{
    const struct topology *old = c->topology;

    if (c->word_count == 0)
        return OK;
    if (strcmp(topology_self(old)->id, topology_self(t)->id) != 0)
        return err_format(a, ERR_CONFLICT, "it is for node %s, this is %s", topology_self(t)->id,
                          topology_self(old)->id);
    if (t->epoch < old->epoch)
        return err_format(a, ERR_CONFLICT, "its epoch %llu is older than the present one, %llu",
                          (unsigned long long)t->epoch, (unsigned long long)old->epoch);
    if (t->epoch == old->epoch && !is_same)
        return err_format(a, ERR_CONFLICT, "there is another one with epoch %llu",
                          (unsigned long long)t->epoch);
    return OK;
}

struct err cluster_set(struct cluster *c, struct arena *a, const struct str *words, size_t count,
                       int64_t now_ms)
{
    struct arena arena = {0};
    const struct str *copy = copy_words(&arena, words, count);
    bool is_same = has_same_words(c, words, count);
    struct topology *t;

    struct err e = topology_parse(&arena, copy, count, &t);
    if (!err_failed(e))
        e = check_successor(c, a, t, is_same);
    if (err_failed(e) || is_same) {
        e = err_keep(a, e);
        arena_fini(&arena);
        return e;
    }
    handovers_confirm(&c->handovers, t);
    arena_fini(&c->arena);
    c->arena = arena;
    c->topology = t;
    c->words = copy;
    c->word_count = count;
    c->set_ms = now_ms;
    settle(c);
    return OK;
}

bool cluster_hand_over(struct cluster *c, const struct handover *one)
{
    if (!handover_put(&c->handovers, one))
        return false;
    settle(c);
    return true;
}

bool cluster_take_back(struct cluster *c, struct str id)
{
    if (!handover_remove(&c->handovers, id))
        return false;
    settle(c);
    return true;
}

void cluster_take_handovers(struct cluster *c, struct handovers *taken)
{
    uint64_t changes = c->handovers.changes;

    handovers_fini(&c->handovers);
    c->handovers = *taken;
    c->handovers.changes = changes + 1;
    *taken = (struct handovers){0};
    if (c->word_count > 0)
        handovers_confirm(&c->handovers, c->topology);
    settle(c);
}

/* ---- the way of a command ---- */

bool cluster_is_mine(const struct cluster *c, uint32_t slot)
{
    return c->owner[slot] == topology_own_shard(c->topology) &&
           topology_self(c->topology)->is_primary;
}

/* Why a cluster that does not serve as a whole does not serve this; else ROUTE_HERE. */
static enum route route_when_down(const struct settings *s, const struct route_query *q)
{
    if (q->is_channel)
        return s->allows_channels_when_down ? ROUTE_HERE : ROUTE_DOWN;
    if (!s->allows_reads_when_down)
        return ROUTE_DOWN;
    return q->is_write ? ROUTE_DOWN_WRITE : ROUTE_HERE;
}

enum route cluster_route(const struct cluster *c, const struct settings *s,
                         const struct route_query *q, uint16_t *shard)
{
    const struct topology *t = c->topology;
    uint16_t owner = c->owner[q->slot], own = topology_own_shard(t);
    bool is_primary = topology_self(t)->is_primary;

    if (c->paused && (c->hides_paused || !q->is_read) && slot_set_has(c->paused, q->slot))
        return ROUTE_HELD;
    if (owner == NO_SHARD)
        return ROUTE_UNSERVED;
    if (!topology_is_up(t, s->wants_full_coverage)) {
        enum route down = route_when_down(s, q);

        if (down != ROUTE_HERE)
            return down;
    }
    *shard = owner;
    if (owner == own && is_primary) {
        *shard = t->next_owner[q->slot];
        return *shard == NO_SHARD || slot_set_has(&c->handed, q->slot) ? ROUTE_HERE : ROUTE_ASK;
    }
    if (t->next_owner[q->slot] == own && is_primary && q->is_asking)
        return ROUTE_WHOLE;
    if (owner == own && (q->reads_replicas || q->is_channel) && !q->is_write)
        return ROUTE_HERE;
    if (t->reader[q->slot] == own && q->is_read && (is_primary || q->reads_replicas))
        return ROUTE_HERE;
    return ROUTE_MOVED;
}
