/* A replication group with all that is known of it; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_GROUP_FACTS_H
#define LARDER_CONTROLPLANE_OPS_GROUP_FACTS_H

#include "controlplane/model/global.h"
#include "controlplane/model/group.h"
#include "controlplane/ops/facts.h"

struct group_facts {
    struct replication_group group;
    struct shard *shards; /* by number */
    size_t shard_count;
    struct cluster_facts *members; /* by name, those that go too */
    size_t member_count;
    const struct group_operation *newest; /* NULL when there is none */
    const struct global_member *global;   /* what it is in a global datastore; NULL: in none */
    enum group_status status;
    double moved_percent; /* of the slots that a running GROUP_RESHARD moves */
};

/* By name in any case; FAULT_REPLICATION_GROUP_NOT_FOUND. */
must_use struct err group_facts_find(struct call *c, const char *name, struct group_facts *out);

/* Fills all but the groups themselves, which were read. */
must_use struct err group_facts_fill(struct call *c, struct group_facts *list, size_t count);

/* By its id, whoever owns it; ERR_NOT_FOUND. */
must_use struct err group_facts_get(struct call *c, int64_t id, struct group_facts *out);

/* Those of the ids that are there, by id. */
must_use struct err group_facts_list_of(struct call *c, const int64_t *ids, size_t count,
                                        struct group_facts **out, size_t *out_count);

/* By name, for a change of it: FAULT_INVALID_REPLICATION_GROUP_STATE unless it is available. */
must_use struct err group_facts_for_change(struct call *c, const char *name,
                                           struct group_facts *out);

/* The caller's groups with names after `after`, by name, at most `limit`; the same few queries,
 * however many they are. */
must_use struct err group_facts_list(struct call *c, const char *after, int limit,
                                     struct group_facts **out, size_t *out_count);

/* Reads all but the group itself again, after the handler changed it. */
must_use struct err group_facts_refresh(struct call *c, struct group_facts *f);

/* Records what the reconciler has to do for the group and wakes it; the operation may take ten
 * minutes. */
must_use struct err group_facts_operate(struct call *c, struct group_facts *f,
                                        enum group_operation_kind kind, const char *data);

/* The same; `pending` is what answers show of it until it is done: see group_pending_parse. */
must_use struct err group_facts_operate_openly(struct call *c, struct group_facts *f,
                                               enum group_operation_kind kind, const char *data,
                                               const char *pending);

/* What of the group is on its way; nothing unless it is being modified. */
struct group_pending group_facts_pending(struct call *c, enum group_status status,
                                         const struct group_operation *newest);

/* A member that is to stay, by name in lower case, or NULL. */
struct cluster_facts *group_facts_member(const struct group_facts *f, const char *name);

/* The shard of that number, or NULL; only those that are to stay. */
struct shard *group_facts_shard(const struct group_facts *f, const char *number);

/* Whether the cluster is a member that is to stay, of that shard. */
bool group_facts_is_in(const struct cluster_facts *m, const struct shard *s);

bool group_facts_is_primary(const struct group_facts *f, const struct cluster_facts *m);

/* Members of a shard that are to stay. */
size_t group_facts_count(const struct group_facts *f, const struct shard *s);

/* The members of the wanted shard that has fewest; SIZE_MAX when there is none. */
size_t group_facts_fewest(const struct group_facts *f);

#endif
