/*
 * Which process the kernel ends first when memory is short: `oom-score-adj` writes
 * /proc/self/oom_score_adj by role. A primary is to live longest, a child that saves is spared
 * least.
 */
#ifndef LARDER_DISPATCH_OOM_SCORE_H
#define LARDER_DISPATCH_OOM_SCORE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct engine;

/* What stood there before it was ours to say, to be put back. */
struct oom_score {
    bool is_ours;
    int64_t before;
};

/* Takes the settings over. ERR_INVALID: the scores are none, and nothing is done; ERR_IO: the
 * kernel refused, as it does to those who may not lower theirs. */
must_use struct err oom_score_apply(struct engine *e, struct arena *a);

/* The role has changed. */
void oom_score_follow(struct engine *e);

/* In a child, once. */
void oom_score_of_child(struct engine *e);

#endif
