/*
 * Connections of simulated agents: HTTP/1.1 over non-blocking sockets, one request at a time each,
 * so little that a thousand agents leave the processor to the one who is measured.
 */
#ifndef LARDER_TESTS_BENCH_WIRE_H
#define LARDER_TESTS_BENCH_WIRE_H

#include "base/buf.h"

#include <netinet/in.h>

struct wire;

/* `status` 0: the connection ended before an answer. `body` is gone when this returns. */
typedef void (*wire_done_fn)(struct wire *w, int status, struct str body);

struct wire {
    int epoll_fd, fd;
    const struct sockaddr_in *server;
    wire_done_fn done;
    void *context;
    bool is_busy; /* an answer is waited for */
    struct buf in, out;
    size_t sent;
};

void wire_init(struct wire *w, int epoll_fd, const struct sockaddr_in *server, wire_done_fn done,
               void *context);
void wire_fini(struct wire *w);

/* Sends a request, over a new connection where there is none. It must not be busy. */
void wire_post(struct wire *w, const char *path, struct str body);

/* What epoll says of it. */
void wire_ready(struct wire *w, uint32_t events);

#endif
