/*
 * Users, user groups and who is in them. Like store.h: one question or one fact each, inside a
 * transaction of the caller's, results in its arena. Errors: ERR_NOT_FOUND, ERR_EXISTS, ERR_IO,
 * ERR_CORRUPT.
 *
 * The default user (id 0) is in no table and can be found and listed all the same.
 */
#ifndef LARDER_CONTROLPLANE_STORE_USERS_H
#define LARDER_CONTROLPLANE_STORE_USERS_H

#include "controlplane/model/users.h"
#include "controlplane/store/store.h"

/* The next number of the sequence that changes of access are counted by, and wakes the reconciler
 * for the change once this is committed. (writer: ops) */
must_use struct err store_revision_next(struct store_tx *tx, int64_t *out);

/* --- want: users (writer: ops) --- */

/* Inserts and sets u->id; ERR_EXISTS. */
must_use struct err store_user_insert(struct store_tx *tx, struct user *u);

/* By name in lower case; ERR_NOT_FOUND. */
must_use struct err store_user_find(struct store_tx *tx, const char *account, const char *region,
                                    const char *name, struct user *out);

/* Those whose names come after `after` (""), by name, at most `limit`. */
must_use struct err store_user_list(struct store_tx *tx, const char *account, const char *region,
                                    const char *after, int limit, struct user_list *out);

/* All but the default one. */
must_use struct err store_user_count(struct store_tx *tx, const char *account, const char *region,
                                     int64_t *out);

/* Writes engine, access, authentication, digests, revision and is_wanted. */
must_use struct err store_user_update(struct store_tx *tx, const struct user *u);

/* Removes a user that is in no group, with the tags of `arn`. (writer: reconcile, at the end of a
 * delete) */
must_use struct err store_user_remove(struct store_tx *tx, int64_t id, const char *arn);

/* --- want: groups and their members (writer: ops) --- */

/* Inserts and sets g->id; ERR_EXISTS. */
must_use struct err store_user_group_insert(struct store_tx *tx, struct user_group *g);

/* By name in lower case; ERR_NOT_FOUND. */
must_use struct err store_user_group_find(struct store_tx *tx, const char *account,
                                          const char *region, const char *name,
                                          struct user_group *out);

/* Those whose names come after `after` (""), by name, at most `limit`. */
must_use struct err store_user_group_list(struct store_tx *tx, const char *account,
                                          const char *region, const char *after, int limit,
                                          struct user_group **out, size_t *out_count);
/* Those of the ids that are there, by name. */
must_use struct err store_user_group_list_of(struct store_tx *tx, const int64_t *ids, size_t count,
                                             struct user_group **out, size_t *out_count);
must_use struct err store_user_group_count(struct store_tx *tx, const char *account,
                                           const char *region, int64_t *out);

/* Writes engine, revision, revised_ms and is_wanted. */
must_use struct err store_user_group_update(struct store_tx *tx, const struct user_group *g);

/* Gives every group that the user is in, and stays in, the revision. */
must_use struct err store_user_group_revise(struct store_tx *tx, int64_t user_id, int64_t revision,
                                            int64_t now_ms);

/* Puts a user into a group, and takes one out, as of a revision of the group. */
must_use struct err store_member_add(struct store_tx *tx, int64_t group_id, int64_t user_id,
                                     int64_t revision);
must_use struct err store_member_drop(struct store_tx *tx, int64_t group_id, int64_t user_id,
                                      int64_t revision);

/* Takes a user out of every group that it stays in. */
must_use struct err store_member_drop_all(struct store_tx *tx, int64_t user_id, int64_t revision);

/* The members of many groups, those that leave too, by group, then user name. */
must_use struct err store_member_list(struct store_tx *tx, const int64_t *group_ids, size_t count,
                                      struct member_list *out);

/* Where many users of an account and region are members, by user id, then group name; `user` holds
 * nothing but the id. */
must_use struct err store_membership_list(struct store_tx *tx, const char *account,
                                          const char *region, const int64_t *user_ids, size_t count,
                                          struct member_list *out);

/* --- what is in force (writer: reconcile) --- */

/* Groups whose last change is not in force everywhere yet, by id. */
must_use struct err store_user_group_unsettled(struct store_tx *tx, struct user_group **out,
                                               size_t *out_count);

/* The group's revision is in force: who was taken out is gone. */
must_use struct err store_user_group_settle(struct store_tx *tx, const struct user_group *g);

/* Removes a group that is attached to nothing, with its members and the tags of `arn`. */
must_use struct err store_user_group_remove(struct store_tx *tx, int64_t id, const char *arn);

/* Users whose last change is not in force everywhere yet, and in no group that still has changes to
 * put in force, by id. */
must_use struct err store_user_settleable(struct store_tx *tx, struct user_list *out);
must_use struct err store_user_settle(struct store_tx *tx, const struct user *u);

#endif
