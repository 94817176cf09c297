/* Shares are brought to their aims by two pointers, one over those that have too much, one over
 * those that have too little. */
#include "controlplane/model/slot_moves.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "controlplane/model/slots.h"

#include <string.h>

/* --- planning --- */

struct share {
    struct slot_map slots;
    size_t count, aim;
    bool is_leaving;
};

/* Whether `b` keeps a slot that is over rather than `a`, which stands before it. */
static bool has_more(const struct share *a, const struct share *b)
{
    return b->count > a->count;
}

/* Of those that stay and have no more than `even`, the one with the most slots. */
static struct share *fullest(struct share *shares, size_t count, size_t even)
{
    struct share *best = NULL;

    for (size_t i = 0; i < count; i++)
        if (!shares[i].is_leaving && shares[i].aim == even && (!best || has_more(best, &shares[i])))
            best = &shares[i];
    return best;
}

static void set_aims(struct share *shares, size_t count)
{
    size_t staying = 0;

    for (size_t i = 0; i < count; i++)
        staying += !shares[i].is_leaving;
    check(staying > 0);
    for (size_t i = 0; i < count; i++)
        shares[i].aim = shares[i].is_leaving ? 0 : SLOTS_ALL / staying;
    for (size_t over = SLOTS_ALL % staying; over > 0; over--)
        fullest(shares, count, SLOTS_ALL / staying)->aim++;
}

/* Takes so many slots off a share, the lowest first. */
static const char *take(struct arena *a, struct share *from, size_t count)
{
    struct slot_map taken = {0};

    from->count -= count;
    for (size_t i = 0; count > 0; i++)
        for (uint64_t *word = &from->slots.bits[i]; *word && count > 0; count--) {
            uint64_t lowest = *word & -*word;
            taken.bits[i] |= lowest;
            *word &= ~lowest;
        }
    return slots_text(a, &taken);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void slot_plan_make(struct arena *a, const struct slot_share *shares, size_t count,
                    struct slot_plan *out)
{
    struct share *all = arena_array(a, count, sizeof(*all));
    vec_of(struct slot_transfer) transfers = VEC_EMPTY;

    for (size_t i = 0; i < count; i++) {
        check(!*shares[i].slots || slots_add(&all[i].slots, shares[i].slots));
        all[i].count = slots_count(&all[i].slots);
        all[i].is_leaving = shares[i].is_leaving;
    }
    set_aims(all, count);
    for (size_t from = 0, to = 0; from < count;) {
        struct share *giver = &all[from];
        if (giver->count <= giver->aim) {
            from++;
            continue;
        }
        while (all[to].count >= all[to].aim)
            to++; /* somebody lacks what this one has too much */
        size_t moved =
            least(SLOTS_PER_MOVE, least(giver->count - giver->aim, all[to].aim - all[to].count));
        all[to].count += moved;
        *vec_add(a, &transfers) = (struct slot_transfer){from, to, take(a, giver, moved)};
    }
    *out = (struct slot_plan){transfers.items, transfers.count};
}

/* --- on their way --- */

static const char *const state_names[] = {
    [SLOT_MOVE_WAITING] = "waiting", [SLOT_MOVE_ANNOUNCED] = "announced",
    [SLOT_MOVE_MOVING] = "moving",   [SLOT_MOVE_SETTLING] = "settling",
    [SLOT_MOVE_DONE] = "done",
};

const char *slot_move_state_name(enum slot_move_state state)
{
    return state_names[state];
}

bool slot_move_state_parse(const char *name, enum slot_move_state *out)
{
    for (size_t i = 0; i < countof(state_names); i++)
        if (strcmp(name, state_names[i]) == 0) {
            *out = (enum slot_move_state)i;
            return true;
        }
    return false;
}

char *slot_move_name(struct arena *a, const struct slot_move *m)
{
    return arena_printf(a, "%024llx%016llx", (unsigned long long)m->id,
                        (unsigned long long)m->attempt);
}

static double share_done(const struct slot_move *m)
{
    if (m->state == SLOT_MOVE_DONE)
        return 1;
    return m->state == SLOT_MOVE_MOVING && m->task_id ? m->task_percent / 100.0 : 0;
}

double slot_moves_percent(const struct slot_move *moves, size_t count)
{
    double all = 0, done = 0;

    for (size_t i = 0; i < count; i++) {
        struct slot_map map = {0};
        check(slots_add(&map, moves[i].slots));
        double slots = (double)slots_count(&map);
        all += slots;
        done += slots * share_done(&moves[i]);
    }
    return all > 0 ? done / all * 100 : 100;
}
