/*
 * Parameter groups of users' own and the values that they set. Like store.h: one question or one
 * fact each, inside a transaction of the caller's, results in its arena. Errors: ERR_NOT_FOUND,
 * ERR_EXISTS, ERR_IO, ERR_CORRUPT.
 */
#ifndef LARDER_CONTROLPLANE_STORE_PARAMETERS_H
#define LARDER_CONTROLPLANE_STORE_PARAMETERS_H

#include "controlplane/model/parameters.h"
#include "controlplane/store/store.h"

/* --- want: groups (writer: ops) --- */

/* Inserts and sets g->id and g->revision; ERR_EXISTS. */
must_use struct err store_parameter_group_insert(struct store_tx *tx, struct parameter_group *g);

/* By name in lower case; ERR_NOT_FOUND. */
must_use struct err store_parameter_group_find(struct store_tx *tx, const char *account,
                                               const char *region, const char *name,
                                               struct parameter_group *out);

/* Those whose names come after `after` (""), by name, at most `limit`. */
must_use struct err store_parameter_group_list(struct store_tx *tx, const char *account,
                                               const char *region, const char *after, int limit,
                                               struct parameter_group **out, size_t *out_count);
must_use struct err store_parameter_group_count(struct store_tx *tx, const char *account,
                                                const char *region, int64_t *out);

/* Raises the revision of a group whose values changed, in the store and in `g`. */
must_use struct err store_parameter_group_revise(struct store_tx *tx, struct parameter_group *g);

/* Removes a group with its values and the tags of `arn`. */
must_use struct err store_parameter_group_remove(struct store_tx *tx, int64_t id, const char *arn);

/* The clusters that use the group of that name, those under removal too, by id. */
must_use struct err store_parameter_group_clusters(struct store_tx *tx, const char *account,
                                                   const char *region, const char *name,
                                                   int64_t **out, size_t *out_count);

/* Whether a cluster, or a replication group with its members to come, uses the group of that name.
 */
must_use struct err store_parameter_group_is_used(struct store_tx *tx, const char *account,
                                                  const char *region, const char *name, bool *out);

/* --- want: values (writer: ops) --- */

/* By name. */
must_use struct err store_parameter_values(struct store_tx *tx, int64_t group_id,
                                           struct parameter_value_list *out);
must_use struct err store_parameter_value_put(struct store_tx *tx, int64_t group_id,
                                              const char *name, const char *value);
must_use struct err store_parameter_value_remove(struct store_tx *tx, int64_t group_id,
                                                 const char *name);
must_use struct err store_parameter_values_clear(struct store_tx *tx, int64_t group_id);

/* The values of one group among those of many. */
struct parameter_group_values {
    int64_t group_id;
    struct parameter_value_list values;
};

/* All values of many groups, by group; groups without values are left out. */
must_use struct err store_parameter_values_of(struct store_tx *tx, const int64_t *group_ids,
                                              size_t count, struct parameter_group_values **out,
                                              size_t *out_count);

#endif
