/*
 * Yielding: a primary whose role another member is to have, by plan.
 *
 *     WAITS     writes are put off until that member has everything
 *     LEVEL     it has; writes are still put off, and the owner fences this node
 *     OVER      nothing came of it: the member was too slow, or is gone; writes go on
 *
 * The time for all of it is the engine's own: an owner who is lost leaves nobody waiting. A fence
 * that comes in time ends no connection: who waits is told nothing wrong, and is ended when the
 * successor takes its role (its link ends then), when this node is told to follow it, or when the
 * time is up.
 */
#ifndef LARDER_DISPATCH_YIELD_H
#define LARDER_DISPATCH_YIELD_H

#include <stdbool.h>
#include <stdint.h>

struct engine;

enum yield_state { YIELD_NONE, YIELD_WAITS, YIELD_LEVEL, YIELD_OVER };

struct yield {
    enum yield_state state;
    int64_t number;   /* of the last one; each has one of its own */
    int64_t offset;   /* that the successor is to reach */
    int64_t until_ms; /* on the clock of passed_ms */
    char *host;       /* of the successor */
    int port;
    bool is_untold; /* its owner waits for an answer that is known by now */
};

/* True while writes are put off because of it. */
bool yield_is_on(const struct engine *e);

/* This node has its role for good, or another one: whoever waits goes on. */
void yield_end(struct engine *e);

/* A replica is gone. */
void yield_look(struct engine *e);

/* Ends what has taken too long. */
void yield_tick(struct engine *e);

void yield_fini(struct engine *e);

#endif
