/* A ring of minutes. */
#include "agent/peers/lateness.h"

#define MINUTE_MS 60000

void lateness_add(struct lateness *l, int64_t late_ms, int64_t now_ms)
{
    int64_t minute = now_ms / MINUTE_MS, at = minute % LATENESS_MINUTES;

    if (late_ms <= 0 || late_ms > LATENESS_MOST_MS)
        return;
    if (l->minutes[at] != minute)
        l->worst_ms[at] = 0;
    l->minutes[at] = minute;
    if (late_ms > l->worst_ms[at])
        l->worst_ms[at] = late_ms;
}

static int64_t worst_of(const struct lateness *l, int at, int64_t now_ms)
{
    return now_ms / MINUTE_MS - l->minutes[at] < LATENESS_MINUTES ? l->worst_ms[at] : 0;
}

int64_t lateness_ms(const struct lateness *l, int64_t now_ms)
{
    int64_t most_ms = 0;

    for (int i = 0; i < LATENESS_MINUTES; i++) {
        int64_t ms = worst_of(l, i, now_ms);
        int reached = 0;

        for (int k = 0; k < LATENESS_MINUTES; k++)
            reached += worst_of(l, k, now_ms) >= ms;
        if (reached >= LATENESS_RANK && ms > most_ms)
            most_ms = ms;
    }
    return (most_ms + LATENESS_STEP_MS - 1) / LATENESS_STEP_MS * LATENESS_STEP_MS;
}
