/*
 * Global datastores and their members. Ops begin and change them; the reconciler gives members the
 * roles that they are about to have, and lets those go that leave. Inside a transaction of the
 * caller's, results in its arena. Errors: ERR_NOT_FOUND, ERR_EXISTS, ERR_IO, ERR_CORRUPT.
 */
#ifndef LARDER_CONTROLPLANE_STORE_GLOBALS_H
#define LARDER_CONTROLPLANE_STORE_GLOBALS_H

#include "base/err.h"
#include "controlplane/model/global.h"

struct store_tx;

/* Inserts and sets g->id; ERR_EXISTS. */
must_use struct err store_global_insert(struct store_tx *tx, struct global_datastore *g);

/* By name in lower case; ERR_NOT_FOUND. */
must_use struct err store_global_find(struct store_tx *tx, const char *account, const char *name,
                                      struct global_datastore *out);

/* Those whose names come after `after` (""), by name, at most `limit`. */
must_use struct err store_global_list(struct store_tx *tx, const char *account, const char *after,
                                      int limit, struct global_datastore **out, size_t *out_count);

must_use struct err store_global_describe(struct store_tx *tx, int64_t id, const char *description);

/* With what members it still has, which go on alone. */
must_use struct err store_global_remove(struct store_tx *tx, int64_t id);

/* Inserts a member or gives it another role; a group is a member of one datastore. */
must_use struct err store_global_member_set(struct store_tx *tx, int64_t datastore_id,
                                            int64_t group_id, enum global_role role);
must_use struct err store_global_member_remove(struct store_tx *tx, int64_t group_id);

/* The members of many datastores, by datastore, then region. */
must_use struct err store_global_members(struct store_tx *tx, const int64_t *ids, size_t count,
                                         struct global_member **out, size_t *out_count);

/* Of these groups, what they are as members, by group; those outside of datastores are left out. */
must_use struct err store_global_members_of(struct store_tx *tx, const int64_t *group_ids,
                                            size_t count, struct global_member **out,
                                            size_t *out_count);

/* The members whose groups use the parameter group of that name, by group. */
must_use struct err store_global_members_using(struct store_tx *tx, const char *account,
                                               const char *region, const char *parameter_group,
                                               struct global_member **out, size_t *out_count);

/* Has the reconciler look at a group. */
must_use struct err store_touch_group(struct store_tx *tx, int64_t group_id);

#endif
