/*
 * Where clients are told addresses, a group's endpoints have addresses of their own, which go where
 * the roles go; private to reconcile/. Whoever is the primary has the primary's, by the term and
 * without a decision of its own; who has the readers' is decided here.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_ENDPOINTS_H
#define LARDER_CONTROLPLANE_RECONCILE_ENDPOINTS_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/group_view.h"

struct store_tx;

/* Gives the view a board of the pool's addresses with those that are taken, if a shard of it has
 * yet to get any. */
must_use struct err endpoints_load(struct store_tx *tx, const char *pool, struct group_view *g);

/* The same of what is known, in `a`. */
struct endpoint_board *endpoint_board_new(struct arena *a, const char *pool,
                                          const char *const *taken, size_t count);

/* An address that nobody has, and has it taken; NULL when there is none. `start` is where the
 * search begins, so that one that was let go is not soon had by others. In the board's arena. */
const char *endpoint_board_take(struct endpoint_board *b, int64_t start);

/* Addresses for a shard that has none; and another reader where the one that is can be read from no
 * more: it lets go first. */
void endpoints_look(struct group_view *g, struct shard *s, struct decisions *d);

#endif
