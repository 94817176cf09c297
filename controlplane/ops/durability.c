#include "controlplane/ops/durability.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/settings.h"
#include "controlplane/ops/driver.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/store/groups.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)
#define VALUE(...)       fault(c, FAULT_INVALID_PARAMETER_VALUE, __VA_ARGS__)

/* --- what is asked for --- */

static struct err read_as(struct call *c, const char *what, const char *text, enum durability *out)
{
    if (durability_parse(name_fold(c->arena, text), out))
        return OK;
    return VALUE("Invalid value %s for %s. It must be async, bounded, sync or disabled.", text,
                 what);
}

struct err durability_read(struct call *c, const char *text, enum durability *out)
{
    return read_as(c, "Durability", text, out);
}

static const char *tag_in(const struct ec_tag_list *tags, const char *key)
{
    for (size_t i = 0; i < tags->count; i++)
        if (tags->items[i].key && strcmp(tags->items[i].key, key) == 0)
            return tags->items[i].value ? tags->items[i].value : "";
    return NULL;
}

struct err durability_choose(struct call *c, const char *member, const struct ec_tag_list *tags,
                             enum durability *out)
{
    const char *tag = tag_in(tags, DURABILITY_TAG);
    enum durability by_tag = DURABILITY_ASYNC;

    if (tag)
        TRY(read_as(c, "the tag " DURABILITY_TAG, tag, &by_tag));
    *out = by_tag;
    if (!member_has_text(member))
        return OK;
    TRY(durability_read(c, member, out));
    if (tag && by_tag != *out)
        return COMBINATION("Durability is %s, and the tag " DURABILITY_TAG " says %s.", member,
                           tag);
    return OK;
}

/* --- what it needs --- */

struct err durability_refuse_lone(struct call *c, enum durability durability)
{
    if (!durability_needs_replicas(durability))
        return OK;
    return COMBINATION("Durability %s needs at least one replica in each node group.",
                       durability_name(durability));
}

struct err durability_check(struct call *c, const struct replication_group *g,
                            size_t fewest_members, bool is_global)
{
    if (fewest_members < DURABILITY_MEMBERS_LEAST)
        TRY(durability_refuse_lone(c, g->durability));
    if (durability_needs_replicas(g->durability) && is_global)
        return COMBINATION("Durability %s cannot be used in a global replication group.",
                           durability_name(g->durability));
    if (g->durability != DURABILITY_SYNC)
        return OK;
    if (!g->has_failover)
        return COMBINATION("Durability sync needs AutomaticFailoverEnabled.");
    return driver_refuse(c, g->common.driver, "Durability sync");
}

/* --- the tag --- */

struct err durability_refuse_tag(struct call *c, const struct ec_tag_list *tags)
{
    if (tag_in(tags, DURABILITY_TAG))
        return VALUE("The tag " DURABILITY_TAG " is for replication groups.");
    if (tag_in(tags, PROMOTE_STALE_TAG))
        return VALUE("The tag " PROMOTE_STALE_TAG " is for replication groups.");
    return OK;
}

void durability_settle_tags(enum durability durability, struct tag *tags, size_t *count)
{
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++)
        if (strcmp(tags[i].key, DURABILITY_TAG) != 0 ||
            strcmp(tags[i].value, durability_name(durability)) == 0)
            tags[kept++] = tags[i];
    *count = kept;
}

static struct err retag(struct call *c, const char *arn, enum durability durability)
{
    struct tag *tags;
    size_t count;

    TRY(store_tag_list(c->tx, arn, &tags, &count));
    for (size_t i = 0; i < count; i++)
        if (strcmp(tags[i].key, DURABILITY_TAG) == 0) {
            tags[i].value = durability_name(durability);
            TRY(tagging_put(c, arn, &tags[i], 1));
        }
    return OK;
}

struct err durability_retag(struct call *c, const struct group_facts *f)
{
    const struct replication_group *g = &f->group;

    TRY(retag(c, arn_make(c->arena, g->region, g->account, "replicationgroup", g->name),
              g->durability));
    for (size_t i = 0; i < f->member_count; i++)
        TRY(retag(c,
                  arn_make(c->arena, g->region, g->account, "cluster", f->members[i].cluster.name),
                  g->durability));
    return OK;
}

struct err durability_take_tag(struct call *c, const char *group, const char *value)
{
    enum durability wanted = DURABILITY_ASYNC;
    struct group_facts facts;

    if (value)
        TRY(read_as(c, "the tag " DURABILITY_TAG, value, &wanted));
    TRY(group_facts_find(c, group, &facts));
    if (facts.group.durability == wanted)
        return OK;
    facts.group.durability = wanted;
    TRY(durability_check(c, &facts.group, group_facts_fewest(&facts), facts.global != NULL));
    TRY(store_group_update(c->tx, &facts.group));
    return group_facts_operate(c, &facts, GROUP_MODIFY, "");
}

/* --- what is in force --- */

static bool is_bounded(const struct cluster_facts *primary)
{
    struct settings_version applied;

    return primary->nodes.count > 0 &&
           settings_version_parse(primary->nodes.items[0].saw.applied_settings, &applied) &&
           applied.is_bounded;
}

/* Every shard's primary refuses writes without a replica that keeps up. */
static bool are_bounded(const struct group_facts *f)
{
    size_t shards = 0, bounded = 0;

    for (size_t i = 0; i < f->shard_count; i++)
        shards += f->shards[i].is_wanted;
    for (size_t i = 0; i < f->member_count; i++)
        bounded += f->members[i].cluster.is_wanted && group_facts_is_primary(f, &f->members[i]) &&
                   is_bounded(&f->members[i]);
    return shards > 0 && bounded == shards;
}

/* Promotions of every shard count on acknowledgements. */
static bool are_counted(const struct group_facts *f)
{
    for (size_t i = 0; i < f->shard_count; i++)
        if (f->shards[i].is_wanted && f->shards[i].goal.acks.counted == 0)
            return false;
    return f->shard_count > 0;
}

enum durability durability_in_force(const struct group_facts *f)
{
    if (are_counted(f))
        return DURABILITY_SYNC;
    if (are_bounded(f))
        return DURABILITY_BOUNDED;
    return f->group.durability == DURABILITY_DISABLED ? DURABILITY_DISABLED : DURABILITY_ASYNC;
}
