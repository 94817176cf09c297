/*
 * How caches are entered, for the handlers of caches: which user group is attached, which AUTH
 * token is valid. Private to ops/.
 */
#ifndef LARDER_CONTROLPLANE_OPS_ACCESS_H
#define LARDER_CONTROLPLANE_OPS_ACCESS_H

#include "contract/elasticache.h"
#include "controlplane/model/group.h"
#include "controlplane/ops/call.h"
#include "controlplane/store/access.h"

/* The cache that a request is about, as it will be. */
struct access_cache {
    int64_t replication_group_id, cluster_id; /* one of them; the other is 0 */
    const char *engine, *engine_version;      /* the version as reported */
    bool has_tls, is_new;
};

/* What the request says; NULL and false for what it does not have. */
struct access_request {
    const char *const *add; /* user groups: UserGroupIds, UserGroupIdsToAdd */
    size_t add_count;
    const char *const *remove; /* UserGroupIdsToRemove */
    size_t remove_count;
    bool removes_all; /* RemoveUserGroups */
    const char *token, *strategy;
};

/*
 * Checks everything that can be said without the cache being there; for the beginning of a
 * CreateReplicationGroup. Faults as access_change.
 */
must_use struct err access_check(struct call *c, const struct access_cache *cache,
                                 const struct access_request *r);

/*
 * Checks and records: hosts are told, and nodes take the change on without losing a connection that
 * may stay. `*out_pending` is what is under way, in the words of group_pending_parse, for the
 * operation that waits for the nodes; NULL when nothing differs. Faults:
 * FAULT_INVALID_PARAMETER_COMBINATION, FAULT_INVALID_PARAMETER_VALUE, FAULT_USER_GROUP_NOT_FOUND,
 * FAULT_INVALID_USER_GROUP_STATE.
 */
must_use struct err access_change(struct call *c, const struct access_cache *cache,
                                  const struct access_request *r, const char **out_pending);

/* Whether the user group that is attached ("" for none) can stay with another engine or version:
 * FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err access_check_engine(struct call *c, const char *user_group, const char *engine,
                                        const char *version);

/* What is under way of a replication group, as far as who may enter goes. */
void access_pending_to_wire(struct call *c, const struct group_pending *pending,
                            struct ec_replication_group_pending_modified_values *out);

/* The caches of changed user groups are being modified until their nodes have the change. */
must_use struct err access_modify_caches(struct call *c, const int64_t *user_group_ids,
                                         size_t count);

/* "replication group rg", for sentences. */
const char *attachment_text(struct call *c, const struct attachment *at);

/* Whether the caches that a user group is attached to can take it as it is to be:
 * FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err access_check_caches(struct call *c, int64_t user_group_id, const char *engine,
                                        const char *minimum_version);

#endif
