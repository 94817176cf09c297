/*
 * How old the oldest write is that fewer replicas have acknowledged than the settings ask for, and
 * how many were refused because of that: INFO tells both, for DurabilityLag and
 * DurabilityBufferExceededErrorCount. What is asked for is larder-write-acks, or
 * min-replicas-to-write where min-replicas-max-lag bounds it.
 *
 * A mark stands for writes of about the same time. Marks are a fixed number, so the age is told as
 * up to some percent more than it is.
 */
#ifndef LARDER_DISPATCH_DURABILITY_H
#define LARDER_DISPATCH_DURABILITY_H

#include <stddef.h>
#include <stdint.h>

#define DURABILITY_MARKS 128

struct engine;

struct durability {
    uint32_t count;
    struct durability_mark {
        int64_t since_ms;      /* of its first write, on the clock of passed_ms */
        int64_t offset;        /* of the stream, behind its last one */
    } marks[DURABILITY_MARKS]; /* the oldest first */
    uint64_t refused;          /* writes: not taken, or not confirmed in time */
};

/* How many replicas are to have each write; 0: none has to, or this node is a replica. */
size_t durability_asks(const struct engine *e);

/* Something was written, up to this place of the stream. */
void durability_wrote(struct durability *d, int64_t offset, int64_t now_ms);

/* As many replicas as are asked for have everything up to there. */
void durability_reached(struct durability *d, int64_t offset);

/* The age of the oldest write that is waited for; 0 when none is. */
int64_t durability_lag_ms(const struct durability *d, int64_t now_ms);

/* Takes over changed settings and roles: where nothing is asked for nothing is counted. */
void durability_settle(struct engine *e);

#endif
