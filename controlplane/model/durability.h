/*
 * What an acknowledged write of a replication group outlives. Pure.
 *
 *   async    (disabled is the same)  the primary's life: what its replicas had not yet is lost
 *   bounded  as async, but no write is taken while every replica lags by more than a bound
 *   sync     as many members as may be lost with a majority left: a write is acknowledged when that
 *            many replicas have it, too, and nobody is promoted before so many members have told
 *            how far they are that one of them has it
 */
#ifndef LARDER_CONTROLPLANE_MODEL_DURABILITY_H
#define LARDER_CONTROLPLANE_MODEL_DURABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum durability { DURABILITY_ASYNC, DURABILITY_BOUNDED, DURABILITY_SYNC, DURABILITY_DISABLED };

/* The tag by which requests say it whose clients know no better way. */
#define DURABILITY_TAG "larder:durability"

/* The tag by which a replication group says for how long it does without a primary when none of its
 * members is sure to have what the last one had: a number of seconds, or `never`. */
#define PROMOTE_STALE_TAG "larder:promote-stale"

/* What is written in the place of a bound that a parameter group turns off. */
#define DURABILITY_LAG_S "10"

/* How many replicas each node group needs where writes depend on them. */
#define DURABILITY_MEMBERS_LEAST 2

const char *durability_name(enum durability durability);
bool durability_parse(const char *name, enum durability *out);

/* Whether writes depend on replicas. */
bool durability_needs_replicas(enum durability durability);

/* How many replicas are to have a write before it is acknowledged, in a shard of so many members: a
 * majority of them is to have it, with the primary; 0: none. Members that are lost one at a time
 * lose nothing, whatever their number; and a majority is enough to go on. */
int64_t durability_acks(enum durability durability, size_t members);

/* What the tag says; INT64_MAX for `never`. False for what it may not say. */
bool promote_stale_parse(const char *text, int64_t *out_ms);

/* The same of a group, which may have no such tag (NULL): ten seconds then, and `never` where
 * promotions count on acknowledged writes. */
int64_t promote_stale_ms(const char *text, bool is_counted);

#endif
