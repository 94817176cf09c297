/*
 * Marks of writes. The older the oldest one is, the wider a mark may be: writes join the last mark
 * while it is younger than a fixed part of that age. When there is no place, each two become one.
 */
#include "cacheengine/dispatch/durability.h"

#include "cacheengine/dispatch/engine.h"

#include <string.h>

#define WIDTHS_IN_AGE (DURABILITY_MARKS / 2)

size_t durability_asks(const struct engine *e)
{
    const struct settings *s = &e->settings;
    int64_t bounded = s->min_replicas_lag_s > 0 ? s->min_replicas : 0;

    if (e->replica)
        return 0;
    return (size_t)(s->write_acks > bounded ? s->write_acks : bounded);
}

/* Of two that become one the first write is the older one's, the last the younger one's. */
static void join_pairs(struct durability *d)
{
    for (uint32_t i = 0; i < DURABILITY_MARKS / 2; i++)
        d->marks[i] =
            (struct durability_mark){d->marks[2 * i].since_ms, d->marks[2 * i + 1].offset};
    d->count = DURABILITY_MARKS / 2;
}

void durability_wrote(struct durability *d, int64_t offset, int64_t now_ms)
{
    if (d->count > 0) {
        struct durability_mark *last = &d->marks[d->count - 1];

        if (now_ms - last->since_ms <= durability_lag_ms(d, now_ms) / WIDTHS_IN_AGE) {
            last->offset = offset;
            return;
        }
    }
    if (d->count == DURABILITY_MARKS)
        join_pairs(d);
    d->marks[d->count++] = (struct durability_mark){now_ms, offset};
}

void durability_reached(struct durability *d, int64_t offset)
{
    uint32_t gone = 0;

    while (gone < d->count && d->marks[gone].offset <= offset)
        gone++;
    d->count -= gone;
    if (gone > 0)
        memmove(d->marks, d->marks + gone, d->count * sizeof(*d->marks));
}

int64_t durability_lag_ms(const struct durability *d, int64_t now_ms)
{
    return d->count > 0 ? now_ms - d->marks[0].since_ms : 0;
}

void durability_settle(struct engine *e)
{
    if (durability_asks(e) > 0)
        return;
    e->durability.count = 0;
    e->durability.refused = 0;
}
