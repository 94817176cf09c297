/* Slots on their way from shard to shard. */
#ifndef LARDER_CONTROLPLANE_STORE_SLOT_MOVES_H
#define LARDER_CONTROLPLANE_STORE_SLOT_MOVES_H

#include "base/err.h"
#include "controlplane/model/slot_moves.h"

struct store_tx;

/* Inserts and sets m->id. */
must_use struct err store_slot_move_insert(struct store_tx *tx, struct slot_move *m);

/* Those of many groups, by group, then id, with what became of their tasks. */
must_use struct err store_slot_move_list(struct store_tx *tx, const int64_t *group_ids,
                                         size_t count, struct slot_move_list *out);

/* Writes state, attempt, since_ms and task_id. */
must_use struct err store_slot_move_update(struct store_tx *tx, const struct slot_move *m);

/* Forgets all of a group. */
must_use struct err store_slot_move_clear(struct store_tx *tx, int64_t group_id);

#endif
