/*
 * The running service: the control plane, its hosts, and the loop that keeps them so until a signal
 * asks for the end.
 */
#ifndef LARDER_CLI_UP_SERVICE_H
#define LARDER_CLI_UP_SERVICE_H

#include "base/err.h"

#include <stdbool.h>

struct arena;
struct up_plan;

/* Called once, when the API answers at `url` and every host has enrolled. */
typedef void (*service_ready_fn)(void *context, const char *url);

struct service_conf {
    const struct up_plan *plan;
    int lock_fd; /* inherited by every program: it stays locked until the last of them has ended */
    int signal_fd; /* readable when the service shall end */
    service_ready_fn ready;
    void *context;
};

/*
 * Runs the service until `signal_fd` is readable (OK) or a program cannot be started or kept up
 * (the sentence, in `a`, says which and why). Either way everything has been stopped when it
 * returns: the control plane first, so that nobody takes the end for a failure, then the hosts,
 * which stop their engines.
 */
must_use struct err service_run(struct arena *a, const struct service_conf *conf);

#endif
