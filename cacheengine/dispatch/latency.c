/* Events in rings, and histograms in logarithmic buckets. */
#include "cacheengine/dispatch/latency.h"

#include "base/err.h"

#include <math.h>
#include <stdlib.h>

static const char *const names[LATENCY_KINDS] = {
    [LATENCY_COMMAND] = "command",
    [LATENCY_FAST_COMMAND] = "fast-command",
    [LATENCY_EXPIRE_CYCLE] = "expire-cycle",
    [LATENCY_EVICTION_CYCLE] = "eviction-cycle",
    [LATENCY_FORK] = "fork",
    [LATENCY_APPEND_WRITE] = "aof-write",
    [LATENCY_APPEND_SYNC] = "aof-fsync-always",
};

/* ---- events ---- */

const char *latency_kind_name(enum latency_kind kind)
{
    return names[kind];
}

void latency_note(struct latency *l, enum latency_kind kind, int64_t now_s, uint32_t ms)
{
    struct latency_event *e = l->events[kind];

    if (!e) {
        e = l->events[kind] = calloc(1, sizeof(*e));
        check(e);
        e->name = names[kind];
    }
    if (ms > e->most_ms)
        e->most_ms = ms;
    struct latency_sample *last = &e->samples[(e->next + LATENCY_SAMPLES - 1) % LATENCY_SAMPLES];
    if (e->count > 0 && last->at_s == now_s) {
        if (ms > last->ms)
            last->ms = ms;
        return;
    }
    e->samples[e->next] = (struct latency_sample){now_s, ms};
    e->next = (e->next + 1) % LATENCY_SAMPLES;
    if (e->count < LATENCY_SAMPLES)
        e->count++;
}

const struct latency_event *latency_find(const struct latency *l, struct str name)
{
    for (int i = 0; i < LATENCY_KINDS; i++)
        if (l->events[i] && str_is_nocase(name, names[i]))
            return l->events[i];
    return NULL;
}

const struct latency_sample *latency_sample(const struct latency_event *e, uint32_t i)
{
    return &e->samples[(e->next + LATENCY_SAMPLES - e->count + i) % LATENCY_SAMPLES];
}

bool latency_forget(struct latency *l, enum latency_kind kind)
{
    bool was_there = l->events[kind] != NULL;

    free(l->events[kind]);
    l->events[kind] = NULL;
    return was_there;
}

/* ---- histograms ---- */

uint64_t histogram_bound(unsigned bucket)
{
    unsigned low = (1U << HISTOGRAM_SUB_BITS);

    if (bucket < 2 * low)
        return bucket + 1ULL;
    unsigned shift = bucket / low - 1;
    return (bucket - (uint64_t)shift * low + 1) << shift;
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += h->buckets[i];
    return count;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    uint64_t count = histogram_count(h), seen = 0;
    uint64_t wanted = (uint64_t)ceil((double)count * percent / 100);

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > 0 && seen >= wanted)
            return histogram_bound(i);
    }
    return 0;
}
