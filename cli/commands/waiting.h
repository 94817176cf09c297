/* `larder wait`: asking until the model's waiter is content, faster than the SDKs do. */
#ifndef LARDER_CLI_COMMANDS_WAITING_H
#define LARDER_CLI_COMMANDS_WAITING_H

#include "base/err.h"
#include "base/shape.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct remote;
struct remote_fault;

/* The waiter of that kebab name ("cache-cluster-available"), or NULL. */
const struct waiter_desc *waiter_named(struct arena *a, const struct service_desc *s,
                                       const char *name);

enum waiter_verdict { WAITER_GOES_ON, WAITER_CONTENT, WAITER_FAILED };

/*
 * What the waiter makes of one answer: `out` is the operation's result unless `fault` has a code.
 * `*why` is set (in `a`) when it failed.
 */
enum waiter_verdict waiter_judge(struct arena *a, const struct waiter_desc *w,
                                 const struct shape *out_shape, const void *out,
                                 const struct remote_fault *fault, const char **why);

/*
 * Calls until the waiter is content, for the time that the SDK would take for all its tries. The
 * first repeats come after a few milliseconds, later ones twice a second. ERR_CONFLICT when the
 * state can never be reached any more, ERR_TIMEOUT when it took too long, else as remote_call;
 * `fault` has a code when the service refused the question itself.
 */
must_use struct err waiter_run(struct remote *r, struct arena *a, const struct waiter_desc *w,
                               const struct op_desc *op, const void *in,
                               struct remote_fault *fault);

#endif
