/* TestFailover: a switch of roles by plan, which loses nothing. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/events.h"
#include "controlplane/model/quotas.h"
#include "controlplane/ops/membership.h"
#include "controlplane/ops/wire_groups.h"
#include "controlplane/store/groups.h"

#include <stdlib.h>

#define DAY_MS (24 * 3600 * (int64_t)1000)

static bool is_running(const struct cluster_facts *m)
{
    const struct node_saw *saw = m->nodes.count > 0 ? &m->nodes.items[0].saw : NULL;
    return saw && saw->has && saw->state == NODE_RUNNING;
}

static bool has_primary(const struct group_facts *f, const struct shard *s)
{
    for (size_t i = 0; i < f->member_count; i++)
        if (group_facts_is_in(&f->members[i], s) && group_facts_is_primary(f, &f->members[i]))
            return is_running(&f->members[i]);
    return false;
}

/* The replica that has most of the stream, of those that follow; NULL for none. Where the primary
 * has ended nobody follows: then of those that did. */
static const struct cluster_facts *best_replica(const struct group_facts *f, const struct shard *s)
{
    const struct cluster_facts *best = NULL;
    bool is_alive = has_primary(f, s);

    for (size_t i = 0; i < f->member_count; i++) {
        const struct cluster_facts *m = &f->members[i];
        if (!group_facts_is_in(m, s) || group_facts_is_primary(f, m) || m->nodes.count == 0)
            continue;
        const struct node_saw *saw = &m->nodes.items[0].saw;
        bool has_followed = saw->offset > 0 || (saw->term && saw->followed_term == saw->term);
        bool may_be_it = is_alive ? saw->is_link_up : is_running(m) && has_followed;
        if (saw->has && may_be_it && (!best || saw->offset > best->nodes.items[0].saw.offset))
            best = m;
    }
    return best;
}

static struct err check_quota(struct call *c)
{
    int64_t count;

    TRY(store_group_switch_count(c->tx, c->caller->account, c->caller->region, c->now_ms - DAY_MS,
                                 &count));
    if (count < quota(c, switches_per_day))
        return OK;
    return fault(c, FAULT_API_CALL_RATE_FOR_CUSTOMER_EXCEEDED,
                 "TestFailover can be called for at most %d node groups in 24 hours.",
                 quota(c, switches_per_day));
}

struct err ec_test_failover(struct call *c, const struct ec_test_failover_in *in,
                            struct ec_test_failover_out *out)
{
    struct group_facts facts;

    TRY(group_facts_for_change(c, in->replication_group_id, &facts));
    const char *number = arena_printf(
        c->arena, "%04d", in->node_group_id ? (int)strtol(in->node_group_id, NULL, 10) : 0);
    const struct shard *s = group_facts_shard(&facts, number);
    if (!s)
        return fault(c, FAULT_NODE_GROUP_NOT_FOUND,
                     "The replication group %s has no node group %s.", facts.group.name, number);
    if (!facts.group.has_failover)
        return fault(c, FAULT_TEST_FAILOVER_NOT_AVAILABLE,
                     "Automatic failover is not enabled for the replication group %s.",
                     facts.group.name);
    const struct cluster_facts *replica = best_replica(&facts, s);
    if (!replica)
        return fault(c, FAULT_TEST_FAILOVER_NOT_AVAILABLE,
                     "The node group %s has no replica that could take over.", number);
    TRY(check_quota(c));
    struct event event =
        event_of_group(c->arena, &facts.group, c->now_ms, EVENT_FAILOVER_TESTED, number, NULL);
    TRY(store_event_add(c->tx, &event));
    TRY(membership_switch(c, &facts, replica, ""));
    out->replication_group = wire_group_new(c, &facts);
    return OK;
}
