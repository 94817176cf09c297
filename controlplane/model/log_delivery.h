/* Logs of caches that are sent on: what users may ask for, and where names of destinations lead.
 * Pure.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_LOG_DELIVERY_H
#define LARDER_CONTROLPLANE_MODEL_LOG_DELIVERY_H

#include "base/err.h"
#include "base/str.h"
#include "controlplane/model/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define LOG_SLOW   "slow-log"
#define LOG_ENGINE "engine-log"

#define LOG_TO_GROUP  "cloudwatch-logs"
#define LOG_TO_STREAM "kinesis-firehose"

/* One log of a cluster or a replication group. */
struct log_delivery {
    int64_t cluster_id, group_id; /* one of them is 0 */
    const char *log_type;
    const char *destination_type, *destination;
    const char *format;
    const char *url; /* where that is; "" when it leads nowhere */
    bool is_enabled, is_changed;
    int64_t revision;
};

struct log_delivery_list {
    struct log_delivery *items;
    size_t count;
};

/* What a name stands for, by the operator's file. */
struct log_destination {
    const char *name;
    const char *url; /* file:/absolute/path, http://..., https://... */
};

struct log_destinations {
    const struct log_destination *items;
    size_t count;
    const char *dir; /* absolute: names that are not in the list have files there; NULL: no such */
};

/* Reads the file's text: a name and a URL on each line, '#' begins a comment. ERR_INVALID with a
 * sentence that names the line. */
must_use struct err log_destinations_parse(struct arena *a, struct str text,
                                           struct log_destinations *out);

/* Where the logs go; "" when the name leads nowhere. */
const char *log_destination_url(struct arena *a, const struct log_destinations *all,
                                const struct log_delivery *d);

/* FAULT_INVALID_PARAMETER_COMBINATION when that engine has no such log. */
must_use struct err log_delivery_check_engine(struct arena *a, const char *log_type,
                                              const struct engine_version *v);

#endif
