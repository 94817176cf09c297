/*
 * The parent of one engine: starts it, knows at once when it ends, and keeps the report of its end
 * until an agent has taken it. Agents come and go; the engine does not notice. What is said to them
 * is in base/shim_protocol.h.
 *
 * The engine dies with the shim (parent-death signal), so that no engine is ever without
 * supervision.
 */
#ifndef LARDER_AGENT_SHIM_SHIM_H
#define LARDER_AGENT_SHIM_SHIM_H

#include "base/err.h"

struct arena;

struct shim_conf {
    const char *dir; /* the node's folder, which becomes the working directory of shim and engine */
    const char *tag; /* returned in each state; NULL for none */
    int lock_fd;     /* of an inherited SHIM_LOCK that is held already; -1: the shim takes it */
    int agent_fd;    /* an inherited connection to an agent; -1 for none */
    char **argv;     /* the engine and its arguments, NULL-terminated */
};

/*
 * Runs until the exit report was taken (or SIGTERM came once the engine was gone). ERR_CONFLICT
 * when another shim or its engine holds the node's folder, ERR_IO when sockets or files cannot be
 * made; sentences live in `a`. An engine that cannot be run is no error but an exit report.
 */
must_use struct err shim_run(struct arena *a, const struct shim_conf *conf);

#endif
