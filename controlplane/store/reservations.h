/* Reserved nodes. (writer: ops) Errors as in store.h. */
#ifndef LARDER_CONTROLPLANE_STORE_RESERVATIONS_H
#define LARDER_CONTROLPLANE_STORE_RESERVATIONS_H

#include "base/err.h"
#include "controlplane/model/offerings.h"

struct store_tx;

must_use struct err store_reservation_insert(struct store_tx *tx, const struct reservation *r);

/* By name in lower case; ERR_NOT_FOUND. */
must_use struct err store_reservation_find(struct store_tx *tx, const char *account,
                                           const char *region, const char *name,
                                           struct reservation *out);

/* All of an account in a region, by name: there are limits to them. */
must_use struct err store_reservation_list(struct store_tx *tx, const char *account,
                                           const char *region, struct reservation **out,
                                           size_t *out_count);

#endif
