/* Members are called "<group>-<number>" while cluster mode is off, else
 * "<group>-<shard>-<number>". */
#include "controlplane/ops/membership.h"

#include "base/arena.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/store/groups.h"

#include <string.h>

void membership_take_common(struct cluster *member, const struct cluster *common)
{
    member->engine = common->engine;
    member->engine_version = common->engine_version;
    member->node_type = common->node_type;
    member->port = common->port;
    member->parameter_group = common->parameter_group;
    member->subnet_group = common->subnet_group;
    member->security_groups = common->security_groups;
    member->maintenance_window = common->maintenance_window;
    member->snapshot_window = common->snapshot_window;
    member->snapshot_retention = common->snapshot_retention;
    member->auto_minor_upgrade = common->auto_minor_upgrade;
    member->notification_topic = common->notification_topic;
    member->notification_status = common->notification_status;
    member->driver = common->driver;
    member->reach = common->reach;
    member->tls = common->tls;
    member->data_key = common->data_key;
    member->owner = common->owner;
    member->allotment = common->allotment;
    member->parked = common->parked;
}

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
    struct cluster member = {
        .account = g->account,
        .region = g->region,
        .name = n->name,
        .group_id = g->id,
        .shard_id = n->shard->id,
        .az_mode = "cross-az",
        .preferred_zone = n->zone,
        .next_node = 2,
        .configuration_version = 1,
        .is_wanted = true,
        .created_ms = c->now_ms,
    };

    membership_take_common(&member, &g->common);
    if (!member.name)
        TRY(choose_name(c, g, n->shard, &member.name));
    TRY(store_cluster_insert(c->tx, &member));
    *out = member;
    return store_shard_update(c->tx, n->shard);
}

static struct err add(struct call *c, const struct replication_group *g, const struct newcomer *n,
                      struct cluster *out)
{
    TRY(insert(c, g, n, out));
    struct node node = {
        .cluster_id = out->id,
        .number = "0001",
        .zone = n->zone,
        .engine_id = group_secret_new(c->arena),
        .is_wanted = true,
        .boot_count = 1,
        .created_ms = c->now_ms,
    };
    return store_node_insert(c->tx, &node);
}

struct err membership_add(struct call *c, const struct replication_group *g,
                          const struct newcomer *n, const struct tag *tags, size_t tag_count)
{
    struct cluster member;

    TRY(add(c, g, n, &member));
    return tagging_put(c, arn_make(c->arena, g->region, g->account, "cluster", member.name), tags,
                       tag_count);
}

struct err membership_add_tagged(struct call *c, const struct replication_group *g,
                                 const struct newcomer *n)
{
    struct tag *tags;
    size_t count;

    TRY(store_tag_list(c->tx,
                       arn_make(c->arena, g->region, g->account, "replicationgroup", g->name),
                       &tags, &count));
    return membership_add(c, g, n, tags, count);
}

struct err membership_add_stand_in(struct call *c, const struct replication_group *g,
                                   const struct newcomer *n, int64_t *out_id)
{
    int64_t next_member = n->shard->next_member;
    struct cluster member;

    TRY(add(c, g, n, &member));
    n->shard->next_member = next_member;
    *out_id = member.id;
    return store_shard_update(c->tx, n->shard);
}

struct err membership_let_go(struct call *c, struct cluster_facts *m)
{
    m->cluster.is_wanted = false;
    TRY(store_cluster_update(c->tx, &m->cluster));
    for (size_t i = 0; i < m->nodes.count; i++)
        TRY(store_node_want(c->tx, m->nodes.items[i].id, false));
    return OK;
}

struct err membership_switch(struct call *c, struct group_facts *f,
                             const struct cluster_facts *replica, const char *pending)
{
    for (size_t i = 0; i < f->shard_count; i++)
        if (f->shards[i].id == replica->cluster.shard_id)
            return group_facts_operate_openly(c, f, GROUP_SWITCH,
                                              arena_printf(c->arena, "%lld %lld %lld",
                                                           (long long)f->shards[i].id,
                                                           (long long)f->shards[i].goal.primary_id,
                                                           (long long)replica->cluster.id),
                                              pending);
    return err_make(ERR_INTERNAL, "a member without a shard");
}
