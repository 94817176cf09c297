/* Tags of resources, which are named by their ARNs. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/model/engine_driver.h"
#include "controlplane/model/naming.h"
#include "controlplane/model/tags.h"
#include "controlplane/ops/durability.h"
#include "controlplane/ops/group_facts.h"
#include "controlplane/ops/parameters.h"
#include "controlplane/ops/serverless_facts.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/ops/tagging.h"
#include "controlplane/ops/users.h"
#include "controlplane/store/globals.h"
#include "controlplane/store/network.h"
#include "controlplane/store/reservations.h"
#include "controlplane/store/store.h"

#include <string.h>

/* --- which resource --- */

static struct err find_cluster(struct call *c, const struct arn *arn)
{
    struct cluster_facts facts;

    return facts_find(c, arn->name, &facts);
}

/* Members carry their group's tags: nothing is changed while they come and go. */
static struct err find_group(struct call *c, const struct arn *arn)
{
    struct group_facts facts;

    TRY(group_facts_find(c, arn->name, &facts));
    if (facts.status != GROUP_STATUS_AVAILABLE)
        return fault(c, FAULT_INVALID_REPLICATION_GROUP_STATE,
                     "Cluster not in available state to perform tagging operations.");
    return OK;
}

static struct err find_subnet_group(struct call *c, const struct arn *arn)
{
    struct subnet_group g;
    struct err e = store_subnet_group_find(c->tx, arn->account, arn->region, arn->name, &g);

    if (err_is(e, ERR_NOT_FOUND))
        return fault(c, FAULT_CACHE_SUBNET_GROUP_NOT_FOUND, "CacheSubnetGroup not found: %s",
                     arn->name);
    return e;
}

static struct err find_parameter_group(struct call *c, const struct arn *arn)
{
    struct parameter_facts facts;

    return parameters_find(c, arn->name, &facts);
}

static struct err find_user(struct call *c, const struct arn *arn)
{
    struct user user;

    return users_find(c, arn->name, &user);
}

static struct err find_user_group(struct call *c, const struct arn *arn)
{
    struct user_group group;

    return user_groups_find(c, arn->name, &group);
}

static struct err find_reservation(struct call *c, const struct arn *arn)
{
    struct reservation r;
    struct err e = store_reservation_find(c->tx, arn->account, arn->region, arn->name, &r);

    if (err_is(e, ERR_NOT_FOUND))
        return fault(c, FAULT_RESERVED_CACHE_NODE_NOT_FOUND, "ReservedCacheNode not found: %s",
                     arn->name);
    return e;
}

static struct err find_snapshot(struct call *c, const struct arn *arn)
{
    struct snapshot s;

    return snapshots_find(c, &snapshots_of_nodes, arn->name, &s);
}

static struct err find_serverless_snapshot(struct call *c, const struct arn *arn)
{
    struct snapshot s;

    return snapshots_find(c, &snapshots_of_serverless, arn->name, &s);
}

static struct err find_serverless(struct call *c, const struct arn *arn)
{
    struct serverless_facts facts;

    return serverless_facts_find(c, arn->name, &facts);
}

/* One row per type word of an ARN. Types without a finder have no resources yet. */
static const struct {
    const char *type;
    struct err (*find)(struct call *c, const struct arn *arn);
    int fault;
    const char *noun;
} types[] = {
    {"cluster",                 find_cluster,             FAULT_CACHE_CLUSTER_NOT_FOUND,             "CacheCluster"      },
    {"replicationgroup",        find_group,               FAULT_REPLICATION_GROUP_NOT_FOUND,         "ReplicationGroup"  },
    {"parametergroup",          find_parameter_group,     FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND,
     "CacheParameterGroup"                                                                                               },
    {"subnetgroup",             find_subnet_group,        FAULT_CACHE_SUBNET_GROUP_NOT_FOUND,        "CacheSubnetGroup"  },
    {"securitygroup",           NULL,                     FAULT_CACHE_SECURITY_GROUP_NOT_FOUND,      "CacheSecurityGroup"},
    {"snapshot",                find_snapshot,            FAULT_SNAPSHOT_NOT_FOUND,                  "Snapshot"          },
    {"user",                    find_user,                FAULT_USER_NOT_FOUND,                      "User"              },
    {"usergroup",               find_user_group,          FAULT_USER_GROUP_NOT_FOUND,                "UserGroup"         },
    {"serverlesscache",         find_serverless,          FAULT_SERVERLESS_CACHE_NOT_FOUND,          "ServerlessCache"   },
    {"serverlesscachesnapshot", find_serverless_snapshot, FAULT_SERVERLESS_CACHE_SNAPSHOT_NOT_FOUND,
     "ServerlessCacheSnapshot"                                                                                           },
    {"reserved-instance",       find_reservation,         FAULT_RESERVED_CACHE_NODE_NOT_FOUND,
     "ReservedCacheNode"                                                                                                 },
};

static struct err check_owner(struct call *c, const char *text, const struct arn *arn)
{
    if (strcmp(arn->partition, arn_partition(c->caller->region)) == 0 &&
        strcmp(arn->region, c->caller->region) == 0 &&
        strcmp(arn->account, c->caller->account) == 0)
        return OK;
    return fault(c, FAULT_INVALID_ARN, "%s is not a resource of the account %s in %s.", text,
                 c->caller->account, c->caller->region);
}

/* Makes sure that the resource exists; `*out_arn` is its ARN as tags are stored under. */
static struct err resource_find(struct call *c, const char *text, const char **out_arn)
{
    struct arn arn;
    size_t i = 0;

    TRY(arn_parse(c->arena, text, &arn));
    TRY(check_owner(c, text, &arn));
    while (i < countof(types) && strcmp(types[i].type, arn.type) != 0)
        i++;
    if (i == countof(types))
        return fault(c, FAULT_INVALID_ARN, "%s is not a resource that can have tags.", text);
    if (!types[i].find)
        return fault(c, types[i].fault, "%s not found: %s", types[i].noun, arn.name);
    TRY(types[i].find(c, &arn));
    *out_arn = arn_make(c->arena, arn.region, arn.account, arn.type, arn.name);
    return OK;
}

/* --- reading and writing --- */

struct tag *tagging_from_wire(struct call *c, const struct ec_tag_list *in)
{
    struct tag *tags = arena_array(c->arena, in->count, sizeof(*tags));

    for (size_t i = 0; i < in->count; i++) {
        tags[i].key = in->items[i].key ? in->items[i].key : "";
        tags[i].value = in->items[i].value ? in->items[i].value : "";
    }
    return tags;
}

struct err tagging_put(struct call *c, const char *arn, const struct tag *tags, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(store_tag_put(c->tx, c->caller->account, c->caller->region, arn, tags[i].key,
                          tags[i].value));
    return OK;
}

/* The ARNs that a change of tags is for: the resource's own and, of a group, those of its members.
 */
static struct err arns_of(struct call *c, const char *arn, const char ***out, size_t *out_count)
{
    struct arn parts;
    struct group_facts facts = {0};

    TRY(arn_parse(c->arena, arn, &parts));
    if (strcmp(parts.type, "replicationgroup") == 0)
        TRY(group_facts_find(c, parts.name, &facts));
    *out = arena_array(c->arena, 1 + facts.member_count, sizeof(char *));
    (*out)[0] = arn;
    for (size_t i = 0; i < facts.member_count; i++)
        (*out)[1 + i] = arn_make(c->arena, parts.region, parts.account, "cluster",
                                 facts.members[i].cluster.name);
    *out_count = 1 + facts.member_count;
    return OK;
}

/* All tags of a resource, for the answer. */
static struct err tags_to_wire(struct call *c, const char *arn, struct ec_tag_list *out)
{
    struct tag *tags;
    size_t count;

    TRY(store_tag_list(c->tx, arn, &tags, &count));
    out->has = true;
    out->count = count;
    out->items = arena_array(c->arena, count, sizeof(*out->items));
    for (size_t i = 0; i < count; i++)
        out->items[i] = (struct ec_tag){tags[i].key, tags[i].value};
    return OK;
}

/* The driver of a cache was chosen when it was made: its tag says so for ever. */
static struct err refuse_driver_tag(struct call *c, const char *arn, const char *key,
                                    const char *value)
{
    struct arn parts;
    struct tag *tags;
    size_t count;

    TRY(arn_parse(c->arena, arn, &parts));
    if (strcmp(key, DRIVER_TAG) != 0 ||
        (strcmp(parts.type, "cluster") != 0 && strcmp(parts.type, "replicationgroup") != 0 &&
         strcmp(parts.type, "serverlesscache") != 0))
        return OK;
    TRY(store_tag_list(c->tx, arn, &tags, &count));
    for (size_t i = 0; i < count && value; i++)
        if (strcmp(tags[i].key, key) == 0 && strcmp(tags[i].value, value) == 0)
            return OK;
    return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                 "The tag " DRIVER_TAG " chooses when a cache is created, and stays as it is.");
}

/* --- the durability of a group, and its failovers --- */

/* Who decides on failovers reads the tag itself when it looks at the group. */
static struct err look_at_group(struct call *c, const char *name)
{
    struct group_facts facts;

    TRY(group_facts_find(c, name, &facts));
    return store_touch_group(c->tx, facts.group.id);
}

static struct err change_durability(struct call *c, const char *arn, const char *key,
                                    const char *value)
{
    bool is_stale = strcmp(key, PROMOTE_STALE_TAG) == 0;
    struct arn parts;

    if (strcmp(key, DURABILITY_TAG) != 0 && !is_stale)
        return OK;
    TRY(arn_parse(c->arena, arn, &parts));
    if (strcmp(parts.type, "replicationgroup") == 0)
        return is_stale ? look_at_group(c, parts.name) : durability_take_tag(c, parts.name, value);
    if (strcmp(parts.type, "cluster") == 0 || strcmp(parts.type, "serverlesscache") == 0)
        return fault(c, FAULT_INVALID_PARAMETER_VALUE, "The tag %s is for replication groups.",
                     key);
    return OK;
}

/* --- handlers --- */

struct err ec_list_tags_for_resource(struct call *c, const struct ec_list_tags_for_resource_in *in,
                                     struct ec_list_tags_for_resource_out *out)
{
    const char *arn;

    TRY(resource_find(c, in->resource_name, &arn));
    return tags_to_wire(c, arn, &out->tag_list);
}

struct err ec_add_tags_to_resource(struct call *c, const struct ec_add_tags_to_resource_in *in,
                                   struct ec_add_tags_to_resource_out *out)
{
    struct tag *tags = tagging_from_wire(c, &in->tags);
    struct tag *old;
    size_t old_count, arn_count;
    const char *arn, **arns;

    TRY(tags_check(c->arena, tags, in->tags.count));
    TRY(resource_find(c, in->resource_name, &arn));
    for (size_t i = 0; i < in->tags.count; i++)
        TRY(refuse_driver_tag(c, arn, tags[i].key, tags[i].value));
    TRY(store_tag_list(c->tx, arn, &old, &old_count));
    TRY(tags_check_quota(old, old_count, tags, in->tags.count));
    TRY(arns_of(c, arn, &arns, &arn_count));
    for (size_t i = 0; i < arn_count; i++)
        TRY(tagging_put(c, arns[i], tags, in->tags.count));
    for (size_t i = 0; i < in->tags.count; i++)
        TRY(change_durability(c, arn, tags[i].key, tags[i].value));
    return tags_to_wire(c, arn, &out->tag_list);
}

/* A member may have lost it already, by a request of its own. */
static struct err remove_tag(struct call *c, const char **arns, size_t arn_count, const char *key)
{
    for (size_t i = 0; i < arn_count; i++) {
        struct err e = store_tag_remove(c->tx, arns[i], key);
        if (err_is(e, ERR_NOT_FOUND) && i == 0)
            return fault(c, FAULT_TAG_NOT_FOUND, "The tag %s is not set on the resource.", key);
        if (!err_is(e, ERR_NOT_FOUND))
            TRY(e);
    }
    return OK;
}

struct err ec_remove_tags_from_resource(struct call *c,
                                        const struct ec_remove_tags_from_resource_in *in,
                                        struct ec_remove_tags_from_resource_out *out)
{
    const char *arn, **arns;
    size_t arn_count;

    TRY(resource_find(c, in->resource_name, &arn));
    TRY(arns_of(c, arn, &arns, &arn_count));
    for (size_t i = 0; i < in->tag_keys.count; i++)
        TRY(refuse_driver_tag(c, arn, in->tag_keys.items[i] ? in->tag_keys.items[i] : "", NULL));
    for (size_t i = 0; i < in->tag_keys.count; i++)
        TRY(remove_tag(c, arns, arn_count, in->tag_keys.items[i] ? in->tag_keys.items[i] : ""));
    for (size_t i = 0; i < in->tag_keys.count; i++)
        TRY(change_durability(c, arn, in->tag_keys.items[i] ? in->tag_keys.items[i] : "", NULL));
    return tags_to_wire(c, arn, &out->tag_list);
}
