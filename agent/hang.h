/*
 * When an engine that does not answer is to be ended. One that sleeps, is stopped or waits for a
 * disk and uses no processor hangs; one that is runnable or computes is starved or busy, and is
 * given much longer. Only time in which the watcher itself ran counts. Pure but for hang_see.
 */
#ifndef LARDER_AGENT_HANG_H
#define LARDER_AGENT_HANG_H

#include <stdbool.h>
#include <stdint.h>

#define HANG_BEAT_MS                                                             \
    200 /* between looks; more than twice that between two was the watcher's own \
         */
#define HANG_LATE_BEAT_MS 50   /* the same while it is to become a primary */
#define HANG_LATE_MS      200  /* without an answer to that, and without a tick */
#define HANG_MS           800  /* without an answer and without a tick of a processor */
#define HANG_BUSY_MS      5000 /* without an answer */

struct hang {
    int64_t looked_ms;
    int64_t silent_ms; /* so long it was seen not to answer */
    int64_t still_ms;  /* and so long not to do anything either */
    int64_t ticks;     /* of processors, as seen last; -1: it was not looked at */
};

/* A process, as /proc has it. */
struct hang_sight {
    char state; /* R, S, D, T ... */
    int64_t ticks;
};

enum hang_verdict { HANG_NOT, HANG_STILL, HANG_BUSY };

/* It answered, or is to be looked at from now on. */
void hang_reset(struct hang *h, int64_t now_ms);

/* It has not answered what it was asked at the last look, of which one is made each `beat_ms`. */
enum hang_verdict hang_step(struct hang *h, const struct hang_sight *sight, int64_t beat_ms,
                            int64_t now_ms);

/* Whether one that is to become a primary has not moved for so long that it would do so too late:
 * another one is to be chosen, and this one must not do it afterwards. Who waits for a disk may
 * move yet. */
bool hang_is_late(const struct hang *h, const struct hang_sight *sight);

/* Reads PID/stat in the folder `proc`; false when there is no such process. */
bool hang_see(const char *proc, int64_t pid, struct hang_sight *out);

#endif
