/*
 * The HTTP front: sockets, limits and deadlines, and which layer answers which path.
 *
 *     /healthz            the process runs
 *     /readyz             the store answers
 *     /metrics            Prometheus text
 *     /ca.pem             the certificate that clients of caches trust
 *     /agent/v1/...       messages of agents (fleet)
 *     everything else     the interface (api)
 *
 * An agent's poll that is held back costs a connection but no thread. The only door to
 * libmicrohttpd.
 */
#ifndef LARDER_CONTROLPLANE_FRONT_FRONT_H
#define LARDER_CONTROLPLANE_FRONT_FRONT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct arena;
struct clock;
struct dns;
struct fleet;
struct front;
struct store;
struct vault;

/* All borrowed for the life of the front. 0 takes the value in parentheses. One that stands by
 * needs an api (for refusals in its form, so that one without operations will do), a clock and
 * `listen`. */
struct front_conf {
    struct api *api;
    struct fleet *fleet;
    struct store *store;
    struct vault *vault; /* NULL: there are no snapshots */
    struct dns *dns;     /* NULL: copies of the zone are told nothing */
    const struct clock *clock;
    bool stands_by; /* another control plane leads: nobody is served before front_lead; what is not
                     * said below may be NULL until then */
    const char *listen;      /* "127.0.0.1:9379", "[::1]:0"; port 0 lets the system choose */
    const char *agent_token; /* agents must show it; NULL: only agents on this machine may call */
    int threads;             /* (one per core, at least 4) */
    int max_connections;     /* (1024) */
    int stall_ms;            /* a request that makes no progress for so long is given up (10000) */
    int idle_ms;             /* a connection between requests is kept for so long (60000) */
};

/* Binds and starts. The sentence of an error is in `a`: ERR_INVALID (not HOST:PORT), ERR_CONFLICT
 * (the port is taken), ERR_UNAVAILABLE (not our address), ERR_DENIED, ERR_IO. */
must_use struct err front_start(struct arena *a, const struct front_conf *conf, struct front **out);

/* From now on, one that stood by serves what `conf` has, where it listens already. */
void front_lead(struct front *f, const struct front_conf *conf);

/* Ends requests under way and polls, closes every connection and frees. */
void front_stop(struct front *f);

/* Lets held polls of hosts look again, because their goals have changed: those with these keys (see
 * store_host_key), which are in ascending order; all with NULL. From any thread. */
void front_wake_hosts(struct front *f, const uint64_t *keys, size_t count);

/* The same for those who keep a copy of the zone. */
void front_wake_names(struct front *f);

/* "http://127.0.0.1:9379", with the port that is really listened on; lives as long as `f`. */
const char *front_url(const struct front *f);
int front_port(const struct front *f);

#endif
