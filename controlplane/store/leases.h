/*
 * What belongs to leases of shards beside their goals: who has promised what, where voters answer,
 * and the key under which they do. Inside a transaction of the caller's, results in its arena.
 */
#ifndef LARDER_CONTROLPLANE_STORE_LEASES_H
#define LARDER_CONTROLPLANE_STORE_LEASES_H

#include "base/err.h"
#include "controlplane/model/leases.h"

struct store_tx;

/* --- goal: what voters are asked to promise (writer: reconcile, with store_shard_goal_set) --- */

/* What the host, as a voter, is asked for. */
must_use struct err store_promises_asked(struct store_tx *tx, const char *host_id,
                                         struct promise_list *out);

/* --- saw (writer: fleet) --- */

/* These are all that the host has promised. Touches the groups of which that is news. */
must_use struct err store_promises_set(struct store_tx *tx, const char *host_id,
                                       const struct promise *promises, size_t count);

/* What hosts have promised of shards of the group. */
must_use struct err store_promises_of_group(struct store_tx *tx, int64_t group_id,
                                            struct promise_list *out);

/* Where a host votes; "" and 0 for one that does not. */
struct voter_place {
    const char *host_id, *address;
    int port;
};

/* The longest that any voter grants. */
must_use struct err store_lease_most_ms(struct store_tx *tx, int64_t *out);

/* Of the hosts among these words (see model/leases.h). */
must_use struct err store_voter_places(struct store_tx *tx, const char *voters,
                                       struct voter_place **out, size_t *out_count);

/* All hosts are told their goals anew: what these say of a voter has changed. */
must_use struct err store_hosts_raise_all(struct store_tx *tx);

/* --- the key --- */

struct lease_secret {
    const char *key;     /* in base64 */
    const char *address; /* where the control plane's vote was last told to be; "" for nowhere */
    int port;
};

/* ERR_NOT_FOUND before the first store_lease_secret_put. */
must_use struct err store_lease_secret_get(struct store_tx *tx, struct lease_secret *out);
must_use struct err store_lease_secret_put(struct store_tx *tx, const struct lease_secret *s);

#endif
