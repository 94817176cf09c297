/* A catalogue, as the other catalogues of the model are. */
#include "controlplane/model/metrics.h"

#include "base/err.h"

#define UNIT_PERCENT      "Percent"
#define UNIT_BYTES        "Bytes"
#define UNIT_COUNT        "Count"
#define UNIT_SECONDS      "Seconds"
#define UNIT_MILLISECONDS "Milliseconds"
#define UNIT_MICROSECONDS "Microseconds"

#define SCALE_0 1
#define SCALE_2 100
#define SCALE_3 1000
#define SCALE_4 10000

const struct metric metrics[] = {
#define METRIC(number, name, unit, decimals) {number, name, UNIT_##unit, SCALE_##decimals},
#include "controlplane/model/metrics.def"
#undef METRIC
};
const size_t metric_count = countof(metrics);

const struct metric *metric_find(struct str name)
{
    for (size_t i = 0; i < metric_count; i++)
        if (str_is(name, metrics[i].name))
            return &metrics[i];
    return NULL;
}

const struct metric *metric_of(int number)
{
    for (size_t i = 0; i < metric_count; i++)
        if (metrics[i].number == number)
            return &metrics[i];
    return NULL;
}
