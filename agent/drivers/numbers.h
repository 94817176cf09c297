/*
 * The numbers that an engine gives of itself, as CloudWatch's metrics of ElastiCache: read off an
 * answer once a minute, and what grew meanwhile told from the reading before.
 *
 * Names are CloudWatch's; what an engine does not say has no number.
 */
#ifndef LARDER_AGENT_DRIVERS_NUMBERS_H
#define LARDER_AGENT_DRIVERS_NUMBERS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBERS_FIELDS_MAX 64
#define NUMBERS_FAMILIES   15
#define NUMBERS_MAX        160 /* in a sample */

/* One answer, as it was. Fields that it did not have are NAN. */
struct reading {
    bool is_memcached;
    bool is_primary; /* as INFO says */
    double fields[NUMBERS_FIELDS_MAX];
    double keys, volatile_keys; /* over all databases */
    double ttl_ms;              /* mean, of database 0 */
    struct {
        double calls, us, failed;
    } families[NUMBERS_FAMILIES];
};

/* What a node is at one minute. */
struct sample {
    int64_t at_ms; /* wall time of the minute's beginning */
    size_t count;
    struct {
        const char *name; /* a literal */
        double value;
    } items[NUMBERS_MAX];
};

/* Adds one number; NAN and infinities are none. */
void sample_add(struct sample *s, const char *name, double value);

/* Reads the whole answer to a question for numbers, of either protocol. */
void reading_take(struct str answer, struct reading *out);

/* Every counter of an engine that has just begun. */
void reading_begin(struct reading *out);

/* Adds what `now` says, and what grew since `before` unless that is NULL. A counter that shrank was
 * set back to 0 meanwhile. */
void reading_tell(const struct reading *before, const struct reading *now, struct sample *out);

#endif
