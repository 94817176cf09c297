/* Slots that go from shard to shard: which ones so that all shards have equal shares, and how far
 * each part of them is on its way. Plain data and pure. */
#ifndef LARDER_CONTROLPLANE_MODEL_SLOT_MOVES_H
#define LARDER_CONTROLPLANE_MODEL_SLOT_MOVES_H

#include "controlplane/model/task.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* --- planning --- */

#define SLOTS_PER_MOVE                                                         \
    1024 /* at most: what changes hands at one instant, and what is done again \
          */

struct slot_share {
    const char *slots; /* as in slots.h; "" for none */
    bool is_leaving;   /* it gives all it has, and gets none */
};

struct slot_transfer {
    size_t from, to; /* indexes of shares */
    const char *slots;
};

struct slot_plan {
    struct slot_transfer *items;
    size_t count;
};

/*
 * The transfers after which all shares but those that leave are equal, but for one slot. As few
 * slots move as can: who has most keeps what is over, and nobody both gives and gets. The same
 * shares always make the same plan. At least one share stays, and all texts are valid.
 */
void slot_plan_make(struct arena *a, const struct slot_share *shares, size_t count,
                    struct slot_plan *out);

/* --- on their way --- */

/*
 *     WAITING     nobody knows of it
 *     ANNOUNCED   the shard that gets is told to expect it
 *     MOVING      the shard that gives is at it
 *     SETTLING    that came to an end nobody knows: the shard that gets says whether it has them
 *     DONE
 *
 * From SETTLING it is either DONE or WAITING once more.
 */
enum slot_move_state {
    SLOT_MOVE_WAITING,
    SLOT_MOVE_ANNOUNCED,
    SLOT_MOVE_MOVING,
    SLOT_MOVE_SETTLING,
    SLOT_MOVE_DONE,
};

const char *slot_move_state_name(enum slot_move_state state);
bool slot_move_state_parse(const char *name, enum slot_move_state *out);

struct slot_move {
    int64_t id, group_id;
    int64_t from_id, to_id; /* shards */
    const char *slots;
    const char *token; /* 40 hexadecimal digits: by which the source is known to the target */
    enum slot_move_state state;
    int64_t attempt;  /* of which this is the next: engines know each by another id */
    int64_t since_ms; /* of the state */
    int64_t task_id;  /* what an agent does for it now; 0 for nothing */
    /* That task as its agent last said; read alone. It is failed where its node is gone. */
    enum task_state task_state;
    int task_percent;
    const char *task_why;
};

struct slot_move_list {
    struct slot_move *items;
    size_t count;
};

/* How engines know the present attempt: 40 hexadecimal digits, in `a`. */
char *slot_move_name(struct arena *a, const struct slot_move *m);

/* How much of all moves is done, from 0 to 100; 100 for none. */
double slot_moves_percent(const struct slot_move *moves, size_t count);

#endif
