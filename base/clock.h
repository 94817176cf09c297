/*
 * Time, passed in so that tests can own it, and its text forms.
 *
 * Wall time is for people and records; intervals and deadlines use the boot clock, which neither
 * jumps nor stops while the machine sleeps.
 */
#ifndef LARDER_BASE_CLOCK_H
#define LARDER_BASE_CLOCK_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

struct clock {
    int64_t (*wall_ms)(const struct clock *c); /* milliseconds since 1970-01-01T00:00:00Z */
    int64_t (*boot_ms)(const struct clock *c); /* milliseconds since boot, never going back */
};

/* The machine's clocks. */
extern const struct clock clock_system;

static inline int64_t clock_wall_ms(const struct clock *c)
{
    return c->wall_ms(c);
}

static inline int64_t clock_boot_ms(const struct clock *c)
{
    return c->boot_ms(c);
}

/* A clock that stands still until a test moves it. Pass &manual->clock. */
struct clock_manual {
    struct clock clock;
    int64_t now_wall_ms;
    int64_t now_boot_ms;
};

void clock_manual_init(struct clock_manual *m, int64_t wall_ms, int64_t boot_ms);
void clock_manual_advance(struct clock_manual *m, int64_t ms);

/* "2015-02-02T09:30:00.123Z", UTC, always with milliseconds. */
char *time_iso8601(struct arena *a, int64_t wall_ms);

/* Reads the ISO 8601 forms that SDKs send (date, or date and time with optional fraction and zone;
 * no zone means UTC), and decimal epoch seconds. False when it is none of them. */
bool time_parse(struct str text, int64_t *out_wall_ms);

#endif
