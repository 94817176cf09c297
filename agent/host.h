/* What the agent says about its host, and the state directory that makes it the same host tomorrow.
 */
#ifndef LARDER_AGENT_HOST_H
#define LARDER_AGENT_HOST_H

#include "base/err.h"

#include <stdint.h>

struct agent_host;
struct arena;
struct rng;

/* As given on the command line; 0 and NULL mean: find out. */
struct host_options {
    const char *state_dir; /* absolute, exists */
    const char *region;
    const char *zone; /* NULL: the first of the region */
    const char *name; /* NULL: the machine's */
    const char *pool;
    const char *pool6; /* NULL: it has no addresses of IPv6 for nodes */
    int64_t memory_bytes;
    int64_t vcpus;
};

/*
 * Takes the state directory for this process. ERR_CONFLICT, with a sentence that says who has it,
 * when another agent uses it; ERR_IO. The lock ends with the process.
 */
must_use struct err host_lock(struct arena *a, const char *state_dir, int *out_fd);

/* Fills `out` but for its engines; all in `a`. The host's id is made once and kept in the state
 * directory; the incarnation is new with each call. ERR_CORRUPT when the id is damaged, ERR_IO. */
must_use struct err host_describe(struct arena *a, struct rng *rng, const struct host_options *o,
                                  struct agent_host *out);

/* What the passwords of the agent's own users are made of: made once, and kept in the state
 * directory for the eyes of its user alone. ERR_CORRUPT, ERR_IO. */
must_use struct err host_secret(struct arena *a, struct rng *rng, const char *state_dir,
                                const char **out);

/* Bytes of memory that this process may use: the machine's, or what its control group allows. */
int64_t host_memory_bytes(void);

#endif
