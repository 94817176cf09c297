/*
 * Weekly maintenance windows ("sun:05:00-sun:06:00") and daily snapshot windows ("05:00-06:00"),
 * UTC. Pure; chance is passed in.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_WINDOWS_H
#define LARDER_CONTROLPLANE_MODEL_WINDOWS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct rng;

#define DAY_MINUTES        (24 * 60)
#define WEEK_MINUTES       (7 * DAY_MINUTES)
#define WINDOW_MIN_MINUTES 60

/* Minutes since Sunday 00:00 (maintenance) or since 00:00 (snapshots); it may run over the end of
 * the week or of the day. */
struct window {
    int start;
    int length;
};

/* Read and check a window, at least WINDOW_MIN_MINUTES long. Letters of any case.
 * FAULT_INVALID_PARAMETER_VALUE; the sentence lives in `a`. */
must_use struct err window_parse_maintenance(struct arena *a, const char *text, struct window *out);
must_use struct err window_parse_snapshot(struct arena *a, const char *text, struct window *out);

/* The text form in lower case, in `a`. */
char *window_maintenance_text(struct arena *a, struct window w);
char *window_snapshot_text(struct arena *a, struct window w);

/* The last time, at or before `now_ms` (wall time), at which the window opened; and whether it is
 * open. */
int64_t window_maintenance_opened(struct window w, int64_t now_ms);
int64_t window_snapshot_opened(struct window w, int64_t now_ms);
bool window_is_open(struct window w, int64_t opened_ms, int64_t now_ms);

/* True when a day's snapshot window and the maintenance window share a minute on any day. */
bool windows_overlap(struct window maintenance, struct window snapshot);

/*
 * Random windows of WINDOW_MIN_MINUTES inside the region's nightly block, for what was not asked
 * for. `other`, when not NULL, is the window of the other kind, which the result keeps away from;
 * where that is impossible inside the block, it leaves the block.
 */
struct window window_random_maintenance(struct rng *rng, const char *region,
                                        const struct window *other_snapshot);
struct window window_random_snapshot(struct rng *rng, const char *region,
                                     const struct window *other_maintenance);

#endif
