/* The service at the other end: one operation sent as REST JSON, its result or fault brought back.
 */
#ifndef LARDER_CLI_COMMANDS_REMOTE_H
#define LARDER_CLI_COMMANDS_REMOTE_H

#include "base/err.h"
#include "base/shape.h"

#include <stdbool.h>

struct arena;
struct call_globals;
struct remote;

/* What the service refused, and why. `code` is NULL when it did what was asked. */
struct remote_fault {
    const char *code;
    const char *message;
};

/*
 * Settles endpoint, region and credentials from the options and the environment; connects lazily.
 * Everything is borrowed for the life of the remote. Never fails.
 */
struct remote *remote_open(const struct call_globals *globals, const struct service_desc *service);
void remote_close(struct remote *r);

/* "http://127.0.0.1:9379"; all, where several were given. */
const char *remote_url(const struct remote *r);

/*
 * Where several endpoints were given, one that does not answer, or stands by, is left for the next,
 * and all are asked in turn for as long as another one may need to take over.
 *
 * Calls `op` and fills `out` (zeroed, of the type that op->out describes) or `fault`; both live in
 * `a`. ERR_UNAVAILABLE when nobody answers, ERR_TIMEOUT, ERR_CORRUPT when the answer makes no
 * sense.
 */
must_use struct err remote_call(struct remote *r, struct arena *a, const struct op_desc *op,
                                const void *in, void *out, struct remote_fault *fault);

#endif
