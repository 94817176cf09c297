/* Members are called "<group>-<number>" while cluster mode is off, else
 * "<group>-<shard>-<number>". */
#include "controlplane/ops/membership.h"

#include "base/arena.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/store/groups.h"

#include <string.h>

static const char *next_name(struct call *c, const struct replication_group *g, struct shard *s)
{
    long long number = s->next_member++;

    return g->mode == CLUSTER_MODE_ENABLED
               ? arena_printf(c->arena, "%s-%s-%03lld", g->name, s->number, number)
               : arena_printf(c->arena, "%s-%03lld", g->name, number);
}

/* Somebody else's cluster may have the name already: then the next one will do. */
static struct err choose_name(struct call *c, const struct replication_group *g, struct shard *s,
                              const char **out)
{
    struct cluster other;
    struct err e = OK;

    while (!err_failed(e)) {
        *out = next_name(c, g, s);
        e = store_cluster_find(c->tx, g->account, g->region, *out, &other);
    }
    return err_is(e, ERR_NOT_FOUND) ? OK : e;
}

static struct err insert(struct call *c, const struct replication_group *g,
                         const struct newcomer *n, struct cluster *out)
{
    struct cluster member = g->common;

    member.account = g->account;
    member.region = g->region;
    member.name = n->name;
    member.group_id = g->id;
    member.shard_id = n->shard->id;
    member.az_mode = "cross-az";
    member.preferred_zone = n->zone;
    member.next_node = 2;
    member.configuration_version = 1;
    member.is_wanted = true;
    member.created_ms = c->now_ms;
    if (!member.name)
        TRY(choose_name(c, g, n->shard, &member.name));
    TRY(store_cluster_insert(c->tx, &member));
    *out = member;
    return store_shard_update(c->tx, n->shard);
}

struct err membership_add(struct call *c, const struct replication_group *g,
                          const struct newcomer *n, const struct tag *tags, size_t tag_count)
{
    struct cluster member;

    TRY(insert(c, g, n, &member));
    struct node node = {
        .cluster_id = member.id,
        .number = "0001",
        .zone = n->zone,
        .engine_id = group_secret_new(c->arena),
        .is_wanted = true,
        .boot_count = 1,
        .created_ms = c->now_ms,
    };
    TRY(store_node_insert(c->tx, &node));
    return tagging_put(c, arn_make(c->arena, g->region, g->account, "cluster", member.name), tags,
                       tag_count);
}
