/* From the agent's words to the catalogue's metrics. */
#include "controlplane/fleet/samples.h"

#include "base/arena.h"
#include "contract/agent.h"
#include "controlplane/store/points.h"

#include <math.h>

#define AHEAD_MS (5 * POINTS_MINUTE_MS) /* clocks of hosts differ by less */

static struct err record(struct store_tx *tx, const struct agent_node_sample *in)
{
    scoped(arena_fini) struct arena a = {0};
    struct point_value *values = arena_array(&a, in->numbers.count + 1, sizeof(*values));
    size_t count = 0;

    for (size_t i = 0; i < in->numbers.count; i++) {
        const struct metric *m = metric_find(str_of(in->numbers.items[i].name));
        if (m && isfinite(in->numbers.items[i].value.value))
            values[count++] = (struct point_value){m, in->numbers.items[i].value.value};
    }
    struct err e = store_point_add(tx, in->node_id.value, in->at.value, values, count);
    return err_is(e, ERR_NOT_FOUND) ? OK : e; /* it was removed meanwhile */
}

struct err samples_record(struct store_tx *tx, const struct agent_node_sample_list *in,
                          int64_t now_ms)
{
    for (size_t i = 0; i < in->count; i++) {
        int64_t at_ms = in->items[i].at.value;
        if (at_ms > now_ms - POINTS_KEEP_MS && at_ms > 0 && at_ms < now_ms + AHEAD_MS)
            TRY(record(tx, &in->items[i]));
    }
    return OK;
}
