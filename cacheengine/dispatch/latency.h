/*
 * Where time goes: LATENCY, and INFO's latencystats.
 *
 * Events are stalls of one kind ("command", "expire-cycle"): the longest of each second, for the
 * last seconds that had any. Histograms count the duration of every call of a command, in ticks of
 * engine_ticks, so that nothing has to be converted where it is measured: buckets are 32 to each
 * power of two, so what is read out of them is right within 3 percent.
 */
#ifndef LARDER_DISPATCH_LATENCY_H
#define LARDER_DISPATCH_LATENCY_H

#include "base/str.h"

#include <stdint.h>

/* ---- events ---- */

#define LATENCY_SAMPLES 160 /* seconds of an event that are remembered */

struct latency_sample {
    int64_t at_s; /* wall time */
    uint32_t ms;
};

struct latency_event {
    const char *name; /* a literal */
    uint32_t most_ms; /* ever, since it was forgotten last */
    uint32_t count;   /* of samples, as many as there is room for */
    uint32_t next;    /* where the next one goes */
    struct latency_sample samples[LATENCY_SAMPLES];
};

enum latency_kind {
    LATENCY_COMMAND,
    LATENCY_FAST_COMMAND,
    LATENCY_EXPIRE_CYCLE,
    LATENCY_EVICTION_CYCLE,
    LATENCY_FORK,
    LATENCY_APPEND_WRITE,
    LATENCY_APPEND_SYNC,
    LATENCY_KINDS,
};

struct latency {
    struct latency_event *events[LATENCY_KINDS]; /* NULL: never happened, or forgotten */
};

void latency_note(struct latency *l, enum latency_kind kind, int64_t now_s, uint32_t ms);

/* The event of a name in any case; NULL when there is none. */
const struct latency_event *latency_find(const struct latency *l, struct str name);

/* The samples from the oldest on, 0 to count - 1. */
const struct latency_sample *latency_sample(const struct latency_event *e, uint32_t i);

/* Forgets an event; false when there was none. */
bool latency_forget(struct latency *l, enum latency_kind kind);
const char *latency_kind_name(enum latency_kind kind);

/* ---- histograms ---- */

#define HISTOGRAM_SUB_BITS 5
#define HISTOGRAM_BITS     40 /* of the longest time, about six minutes; longer ones count as that */
#define HISTOGRAM_BUCKETS  ((HISTOGRAM_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

static inline void histogram_note(struct histogram *h, uint64_t ticks)
{
    unsigned shift = 0;

    if (ticks >> HISTOGRAM_BITS)
        ticks = (1ULL << HISTOGRAM_BITS) - 1;
    if (ticks >> HISTOGRAM_SUB_BITS)
        shift = 63 - (unsigned)__builtin_clzll(ticks) - HISTOGRAM_SUB_BITS;
    h->buckets[((uint64_t)shift << HISTOGRAM_SUB_BITS) + (ticks >> shift)]++;
}

/* The first number of ticks that is beyond a bucket. */
uint64_t histogram_bound(unsigned bucket);

uint64_t histogram_count(const struct histogram *h);

/* The ticks within which so many percent of the calls were. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

#endif
