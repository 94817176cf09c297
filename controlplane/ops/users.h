/* Users and user groups between requests, store and answers; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_USERS_H
#define LARDER_CONTROLPLANE_OPS_USERS_H

#include "contract/elasticache.h"
#include "controlplane/model/events.h"
#include "controlplane/model/users.h"
#include "controlplane/ops/call.h"

/* By id in any case; FAULT_USER_NOT_FOUND, FAULT_USER_GROUP_NOT_FOUND. */
must_use struct err users_find(struct call *c, const char *id, struct user *out);
must_use struct err user_groups_find(struct call *c, const char *id, struct user_group *out);

/* As clients see them; one query for all, and two for groups. */
must_use struct err users_to_wire(struct call *c, const struct user *users, size_t count,
                                  struct ec_user *out);
must_use struct err user_groups_to_wire(struct call *c, const struct user_group *groups,
                                        size_t count, struct ec_user_group *out);

/* Checks a change of a user in every group that it is in. */
must_use struct err users_check_groups(struct call *c, const struct user *changed);

/* The user's revision is one of its groups, too, and their caches are being modified. */
must_use struct err users_revise_groups(struct call *c, const struct user *u);

/* Adds an event of a user, or of a user group. */
must_use struct err users_tell(struct call *c, const char *source, enum event_kind kind);

/* Answers that have a user's or a group's members in themselves. */
#define USER_ANSWER(out, u)                                    \
    (*(out) = (__typeof__(*(out))){                            \
         .user_id = (u).user_id,                               \
         .user_name = (u).user_name,                           \
         .status = (u).status,                                 \
         .engine = (u).engine,                                 \
         .minimum_engine_version = (u).minimum_engine_version, \
         .access_string = (u).access_string,                   \
         .user_group_ids = (u).user_group_ids,                 \
         .authentication = (u).authentication,                 \
         .arn = (u).arn,                                       \
     })

#define USER_GROUP_ANSWER(out, g)                              \
    (*(out) = (__typeof__(*(out))){                            \
         .user_group_id = (g).user_group_id,                   \
         .status = (g).status,                                 \
         .engine = (g).engine,                                 \
         .user_ids = (g).user_ids,                             \
         .minimum_engine_version = (g).minimum_engine_version, \
         .pending_changes = (g).pending_changes,               \
         .replication_groups = (g).replication_groups,         \
         .serverless_caches = (g).serverless_caches,           \
         .arn = (g).arn,                                       \
     })

#endif
