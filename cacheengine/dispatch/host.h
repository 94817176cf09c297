/*
 * What the loop does for those above the network: it watches descriptors that are no connections
 * of clients (the end of a child process, a pipe), and calls back between the rounds' commands.
 *
 * A watch is embedded by its owner and must stay where it is until the round in which it was taken
 * back is over; embed it in what lives as long as the engine where you can.
 */
#ifndef LARDER_DISPATCH_HOST_H
#define LARDER_DISPATCH_HOST_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct client;
struct engine;

struct fd_watch {
    int kind; /* the loop's */
    int fd;
    void (*ready)(struct fd_watch *w, uint32_t events); /* EPOLLIN, ... */
};

struct engine_host {
    /* Calls w->ready whenever one of the events (EPOLLIN, EPOLLOUT) is there. ERR_IO. */
    must_use struct err (*watch)(struct engine *e, struct fd_watch *w, uint32_t events);
    /* No more; the descriptor is still open. */
    void (*unwatch)(struct engine *e, struct fd_watch *w);
    /* Amid a command of `occupied` that takes long: what has come of others is read and run. */
    void (*serve_others)(struct engine *e, const struct client *occupied);
    /* The same for what the owner has sent, and for nobody else. */
    void (*serve_owner)(struct engine *e, const struct client *occupied);
    /* Whether somebody has asked for the end by a signal again, while the engine is about it. */
    bool (*is_urged)(struct engine *e);
    /* Takes over changed settings of TLS, and reads certificates anew: wholly or not at all. */
    must_use struct err (*retune_tls)(struct engine *e, struct arena *a);
    /* Takes over changed addresses and ports to listen on: likewise. */
    must_use struct err (*relisten)(struct engine *e, struct arena *a);
};

#endif
