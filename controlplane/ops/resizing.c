/*
 * Whoever has room on its host grows there, primaries before replicas: each that moves is a full
 * synchronisation, and a primary that moves a switch of roles as well. All others get a stand-in,
 * in their own zone if that has room. All of it is claimed at once, or nothing is.
 */
#include "controlplane/ops/resizing.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/place.h"
#include "controlplane/model/scaling.h"
#include "controlplane/ops/capacity.h"
#include "controlplane/ops/fitting.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/siting.h"
#include "controlplane/store/groups.h"

#include <string.h>

static const struct node_type *new_type(const struct group_facts *f)
{
    return node_type_find(f->group.common.node_type);
}

static struct err check_fit(struct call *c, const struct group_facts *f)
{
    const struct node_type *to = new_type(f);

    for (size_t i = 0; i < f->member_count; i++)
        if (to->maxmemory_bytes < node_type_find(f->members[i].cluster.node_type)->maxmemory_bytes)
            return fitting_check(c, f->members, f->member_count, &f->group.common, to);
    return OK;
}

static const struct node *node_of(const struct cluster_facts *m)
{
    const struct node *n = m->nodes.count > 0 ? &m->nodes.items[0] : NULL;
    return n && n->is_wanted && n->goal.has ? n : NULL;
}

/* It gets what it needs where it stands. */
static bool grows_there(struct capacity *cap, const struct cluster_facts *m,
                        const struct node_type *to)
{
    const struct node_goal *goal = &node_of(m)->goal;
    int64_t more_bytes = node_type_host_bytes(to) - goal->memory_bytes;
    int64_t more_vcpus = to->vcpus - goal->vcpus;

    return (more_bytes <= 0 && more_vcpus <= 0) ||
           place_grow(cap->board, goal->host_id, more_bytes, more_vcpus);
}

static void choose_movers(struct call *c, struct capacity *cap, const struct group_facts *f,
                          struct resizing *out)
{
    out->movers = arena_array(c->arena, f->member_count, sizeof(struct cluster_facts *));
    out->zones = arena_array(c->arena, f->member_count, sizeof(*out->zones));
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < f->member_count; i++) {
            struct cluster_facts *m = &f->members[i];
            bool is_turn = group_facts_is_primary(f, m) == (pass == 0);
            if (is_turn && node_of(m) && !grows_there(cap, m, new_type(f)))
                out->movers[out->count++] = m;
        }
}

static struct err claim(struct call *c, struct capacity *cap, const struct group_facts *f,
                        struct resizing *r)
{
    const struct cluster *common = &f->group.common;
    int64_t *keys = arena_array(c->arena, r->count, sizeof(*keys));

    for (size_t i = 0; i < r->count; i++)
        keys[i] = place_key(0, r->movers[i]->cluster.shard_id);
    const struct claim claim = {
        .keys = keys,
        .type = new_type(f),
        .port = common->port,
        .network = common->reach.network,
        .program = cluster_program(c->arena, common),
        .is_cross_az = true,
        .zones = r->zones,
        .count = r->count,
    };
    return capacity_claim(c, cap, &claim);
}

/* A group that is spread over zones stays as it is spread. */
static struct err claim_near_or_far(struct call *c, struct capacity *cap,
                                    const struct group_facts *f, struct resizing *r)
{
    for (size_t i = 0; i < r->count; i++)
        r->zones[i] = node_of(r->movers[i])->host_zone;
    struct err e = claim(c, cap, f, r);
    if (!err_is(e, FAULT_INSUFFICIENT_CACHE_CLUSTER_CAPACITY) || f->group.is_multi_az)
        return e;
    for (size_t i = 0; i < r->count; i++)
        r->zones[i] = node_of(r->movers[i])->zone;
    return claim(c, cap, f, r);
}

struct err resizing_plan(struct call *c, const struct group_facts *f, struct resizing *out)
{
    struct resizing r = {0};
    struct capacity cap;
    struct siting siting;
    const struct cluster *common = &f->group.common;

    TRY(check_fit(c, f));
    TRY(siting_change(c, common->subnet_group, common->security_groups, NULL, &siting));
    TRY(capacity_open(c, &siting, &cap));
    for (size_t i = 0; i < f->member_count; i++)
        capacity_take_member(&cap, place_key(0, f->members[i].cluster.shard_id),
                             &f->members[i].nodes);
    choose_movers(c, &cap, f, &r);
    if (r.count > 0)
        TRY(claim_near_or_far(c, &cap, f, &r));
    *out = r;
    return OK;
}

static struct shard *shard_of(struct group_facts *f, const struct cluster_facts *m)
{
    for (size_t i = 0; i < f->shard_count; i++)
        if (group_facts_is_in(m, &f->shards[i]))
            return &f->shards[i];
    return NULL;
}

struct err resizing_begin(struct call *c, struct group_facts *f, const struct resizing *r,
                          const char **out_data)
{
    struct moving moving = {.type_before = r->movers[0]->cluster.node_type,
                            .pairs = arena_array(c->arena, r->count, sizeof(*moving.pairs)),
                            .count = r->count};

    for (size_t i = 0; i < f->member_count; i++)
        TRY(store_node_keep_type(c->tx, f->members[i].cluster.id, f->members[i].cluster.node_type));
    for (size_t i = 0; i < r->count; i++) {
        struct shard *s = shard_of(f, r->movers[i]);
        const struct newcomer n = {s, r->zones[i], NULL};
        if (!s)
            return err_make(ERR_INTERNAL, "a member without a shard");
        moving.pairs[i].old_id = r->movers[i]->cluster.id;
        TRY(membership_add_stand_in(c, &f->group, &n, &moving.pairs[i].new_id));
    }
    *out_data = moving_text(c->arena, &moving);
    return OK;
}
