/*
 * Serverless caches, and what they own. Like store.h: one question or one fact each, inside a
 * transaction of the caller's, results in its arena. Errors: ERR_NOT_FOUND, ERR_EXISTS, ERR_IO,
 * ERR_CORRUPT.
 */
#ifndef LARDER_CONTROLPLANE_STORE_SERVERLESS_H
#define LARDER_CONTROLPLANE_STORE_SERVERLESS_H

#include "controlplane/model/serverless.h"
#include "controlplane/store/groups.h"

/* --- want (writer: ops) --- */

/* Inserts and sets s->id; ERR_EXISTS. */
must_use struct err store_serverless_insert(struct store_tx *tx, struct serverless_cache *s);

/* By name in lower case; ERR_NOT_FOUND. */
must_use struct err store_serverless_find(struct store_tx *tx, const char *account,
                                          const char *region, const char *name,
                                          struct serverless_cache *out);

/* Those whose names come after `after` (""), by name, at most `limit`. */
must_use struct err store_serverless_list(struct store_tx *tx, const char *account,
                                          const char *region, const char *after, int limit,
                                          struct serverless_cache **out, size_t *out_count);

/* Writes every settable column of `s` (all but id, account, region, name, created_ms,
 * kms_key). */
must_use struct err store_serverless_update(struct store_tx *tx, const struct serverless_cache *s);

/* All of redis and valkey, of all accounts, by id. */
must_use struct err store_serverless_all(struct store_tx *tx, struct serverless_cache **out,
                                         size_t *out_count);

must_use struct err store_serverless_count(struct store_tx *tx, const char *account,
                                           const char *region, int64_t *out);

/* Removes a cache with the tags of `arn`; what it owned must be gone. (writer: reconcile, at the
 * end of a delete) */
must_use struct err store_serverless_remove(struct store_tx *tx, int64_t id, const char *arn);

/* --- what they own --- */

/* The replication groups of those owners, by owner; an owner of a cluster has none. */
must_use struct err store_group_list_owned(struct store_tx *tx, const int64_t *owners, size_t count,
                                           struct replication_group **out, size_t *out_count);

/* The clusters outside of groups of those owners, by owner. */
must_use struct err store_cluster_list_owned(struct store_tx *tx, const int64_t *owners,
                                             size_t count, struct cluster **out, size_t *out_count);

#endif
