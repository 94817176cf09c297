/*
 * Operations: one small handler each, run inside one store transaction.
 *
 * A handler reads, checks what the spec cannot say, records what the caller wants, and describes
 * it. It never waits for an engine. The transaction is committed when the handler returns OK, and
 * rolled back otherwise.
 */
#ifndef LARDER_CONTROLPLANE_OPS_OPS_H
#define LARDER_CONTROLPLANE_OPS_OPS_H

#include "base/err.h"
#include "base/shape.h"
#include "base/str.h"

struct arena;
struct buckets;
struct clock;
struct due;
struct log_destinations;
struct quotas;
struct store;
struct ops;

/* Who calls, and for which slice of the world; state is kept apart by account and region. */
struct caller {
    const char *account;    /* twelve digits */
    const char *region;     /* "us-east-1" */
    const char *access_key; /* as sent; "" when the request was not signed */
    const char *request_id; /* UUID, in the answer and in logs */
};

enum endpoint_mode { ENDPOINT_ADDRESS, ENDPOINT_DNS };

/* What the handlers need to know of the service; all borrowed for the life of `ops`. */
struct ops_conf {
    const char *const *regions; /* served even before a host is there; the first is the default */
    size_t region_count;
    const char *default_account;
    const char *dns_zone; /* "cache.larder.internal" */
    enum endpoint_mode endpoint_mode;
    bool is_network_open; /* ids of subnets and security groups that nobody named are taken */
    const struct buckets *buckets; /* NULL: there are none */
    const struct clock *clock;
    const struct log_destinations *log_destinations; /* NULL: logs lead nowhere */
    int64_t update_days;         /* that service updates may wait; see model/updates.h */
    const struct quotas *quotas; /* NULL: the usual ones */
    int64_t cpu_overcommit;      /* see place_limit_vcpus */
};

/* `store` and `conf` are borrowed. Never fails. */
struct ops *ops_new(struct store *store, const struct ops_conf *conf);
void ops_free(struct ops *o);

const struct ops_conf *ops_conf(const struct ops *o);

/*
 * Takes over the network that the operator declares (see declared.c for the form of the file; an
 * empty text declares nothing). ERR_INVALID says what is wrong with it; nothing is changed then.
 */
must_use struct err ops_declare_network(struct store *store, const struct ops_conf *conf,
                                        struct arena *a, struct str file);

/*
 * Runs `op` of `service` with a decoded and spec-validated input and fills `out` (zeroed by the
 * caller, of the type that op->out describes). Results live in `a`.
 *
 * Errors: FAULT_* for the caller; any other ERR_* is ours (the store failed) and nothing was
 * changed. Safe to call from several threads.
 */
must_use struct err ops_run(struct ops *o, struct arena *a, const struct caller *who,
                            const struct service_desc *service, const struct op_desc *op,
                            const void *in, void *out);

/*
 * Tells whether `op` would answer as it did: while this number is the same and not 0, so are the
 * answers to the same input from callers of the same account and region. 0 promises nothing: the
 * operation has effects, or looks at more than the store, or the store is just changing.
 */
uint64_t ops_revision(const struct ops *o, const struct service_desc *service,
                      const struct op_desc *op);

/* Begins the day's automatic snapshot of what store_backup_list tells; errors as those of ops_run
 * for CreateSnapshot and CreateServerlessCacheSnapshot. */
must_use struct err ops_back_up(struct ops *o, struct arena *a, const struct caller *who,
                                const struct due *source);

/*
 * Sees to the service updates of the caller's account and region that have waited for long enough:
 * they are set down for the maintenance windows of clusters and groups, and applied where a window
 * is open. `*out_waits` tells whether any still waits. Who is busy is left for the next time.
 */
must_use struct err ops_update(struct ops *o, struct arena *a, const struct caller *who,
                               bool *out_waits);

/* Gives a serverless cache of redis or valkey more shards where it needs them; `*out_did` when
 * something was begun. FAULT_INVALID_PARAMETER_COMBINATION when there is no room. */
must_use struct err ops_grow(struct ops *o, struct arena *a, const struct caller *who,
                             const char *cache, bool *out_did);

#endif
