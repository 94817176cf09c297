/*
 * What a running engine is told so that it has its goal's settings: commands for its control
 * connection, in the order in which they are given, and files that are written before.
 */
#ifndef LARDER_AGENT_DRIVERS_ORDERS_H
#define LARDER_AGENT_DRIVERS_ORDERS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* A file in the node's folder, for the eyes of the agent's user alone. */
struct driver_file {
    const char *name;
    struct str content;
};

struct driver_order {
    const char *what; /* for the sentence when it is refused */
    const struct str *words;
    size_t count;
    bool waits;    /* until everything before it was obeyed */
    bool binds;    /* the addresses of `bound` must be the host's by then */
    bool yields;   /* it may be declined, and one that knows it not goes on without it */
    bool is_vital; /* an engine that is starting and refuses it is of no use, and is ended */
};

struct driver_orders {
    struct driver_order *items;
    size_t count, capacity;
    const struct driver_file *files;
    size_t file_count;
    struct driver_file record; /* written once all are obeyed; no name: none */
    const char *bound;         /* addresses that it listens on then; NULL: as before */
    const char *endpoints;     /* those of them that are endpoints', "" for none */
    int64_t after_offset; /* what waits, waits also until the engine's stream has come so far */
};

/* Adds a command of the words that follow, NULL behind the last. */
void orders_add(struct arena *a, struct driver_orders *orders, const char *what, ...)
    __attribute__((sentinel));

/* The same of an array of words. */
void orders_add_words(struct arena *a, struct driver_orders *orders, const char *what,
                      const char *const *words, size_t count);

/* Makes the next order that is added wait; fine when none is. */
void orders_wait(struct driver_orders *orders, size_t from);

/* The order as bytes of the RESP protocol. */
void order_write(struct buf *out, const struct driver_order *order);

#endif
