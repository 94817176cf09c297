/*
 * The control plane ends before and after each step of each durable operation, and another one goes
 * on: what there is at the end is what there is when nothing happens. What no scenario comes by
 * fails, so that a step that is added is not forgotten.
 */
#ifndef LARDER_TESTS_UNIT_RECONCILE_SWEEP_H
#define LARDER_TESTS_UNIT_RECONCILE_SWEEP_H

#include "box.h"

typedef void (*play_fn)(void);

struct scenario {
    play_fn prepare; /* what is there before; NULL: nothing */
    play_fn act;     /* what begins the operation */
    bool is_failing; /* it comes to nothing, and says so */
    bool is_global;  /* what there is cannot be deleted just so */
};

/* clang-format off */
#define ENDS(prepare, act)  {prepare, act, false, false}
#define FAILS(prepare, act) {prepare, act, true, false}
#define SPANS(prepare, act) {prepare, act, false, true}
/* clang-format on */

/* Every step of the operation, in every scenario. The box is open. */
void sweep(const char *operation, const struct scenario *scenarios, size_t count);

#define SWEEP(operation, ...)                                \
    sweep(operation, (const struct scenario[]){__VA_ARGS__}, \
          countof(((const struct scenario[]){__VA_ARGS__})))

/* A call that must succeed. */
#define CALL(op, ...)                           \
    do {                                        \
        struct ec_##op##_in in = {__VA_ARGS__}; \
        struct ec_##op##_out out;               \
        must(run_ec_##op(&in, &out));           \
    } while (0)

/* A list of strings as a member of a request. */
#define STRINGS(...)                                                     \
    {                                                                    \
        true, countof(((const char *[]){__VA_ARGS__})), (const char *[]) \
        {                                                                \
            __VA_ARGS__                                                  \
        }                                                                \
    }

#endif
