/* Handlers over a real store with three hosts, and somebody who does what the reconciler would do.
 */
#ifndef LARDER_TESTS_UNIT_OPS_WORLD_H
#define LARDER_TESTS_UNIT_OPS_WORLD_H

#include "../store/fixture.h"
#include "base/clock.h"
#include "contract/ec2_handlers.h"
#include "contract/elasticache_handlers.h"
#include "contract/iam_handlers.h"
#include "contract/monitoring_handlers.h"
#include "contract/sts_handlers.h"
#include "controlplane/ops/call.h"
#include "controlplane/ops/ops.h"

#define WORLD_NOW_MS 1700000000000

struct world {
    struct fixture f;
    struct clock_manual clock;
    struct ops_conf conf;
    struct ops *ops;
    struct caller caller; /* account 000000000000 in us-east-1 */
};

/* A list of strings as a member of a request. */
#define STRINGS(...)                                                     \
    {                                                                    \
        true, countof(((const char *[]){__VA_ARGS__})), (const char *[]) \
        {                                                                \
            __VA_ARGS__                                                  \
        }                                                                \
    }

extern struct world world; /* one per test: each runs in a process of its own */

/* Hosts h1, h2, h3 in us-east-1a, -1b, -1c with 4 GiB each. */
void world_open(void);
void world_close(void);

/* Runs an operation; fails the test when it answers with a fault that the spec does not list for
 * it. */
must_use struct err world_run(const struct service_desc *service, const char *op, const void *in,
                              void *out);

/* run_ec_create_cache_cluster(&in, &out) and so on, with `out` zeroed first. */
#define OP(handler, name)                                                          \
    must_use static inline struct err run_##handler(const struct handler##_in *in, \
                                                    struct handler##_out *out)     \
    {                                                                              \
        *out = (struct handler##_out){0};                                          \
        return world_run(&SERVICE, name, in, out);                                 \
    }
#define SERVICE service_elasticache
#include "contract/elasticache_served.def"
#undef SERVICE
#define SERVICE service_ec2
#include "contract/ec2_served.def"
#undef SERVICE
#define SERVICE service_iam
#include "contract/iam_served.def"
#undef SERVICE
#define SERVICE service_monitoring
#include "contract/monitoring_served.def"
#undef SERVICE
#define SERVICE service_sts
#include "contract/sts_served.def"
#undef SERVICE
#undef OP

/* Expects an error of that code whose sentence is `why` (NULL: any). */
void expect(struct err e, int code, const char *why);

/* Places what waits, reports it running, removes what is unwanted, and ends every operation. */
void world_settle(void);

/* Ends the running operation of a cluster as failed. */
void world_fail(const char *cluster);

/* Creates a redis cluster, or a memcached cluster of so many nodes, and settles. */
void world_redis(const char *name);
void world_memcached(const char *name, int nodes);

/* Describes one cluster, with nodes; it must be there. */
struct ec_cache_cluster *world_describe(const char *name);

/* Creates a replication group of one shard with automatic failover where it can have it, settles,
 * and describes it. */
struct ec_replication_group *world_group(const char *name, int members);
struct ec_replication_group *world_describe_group(const char *name);

/* Creates a serverless cache with nothing but this, and settles. The answer is that of the call. */
struct ec_serverless_cache *world_serverless(const char *name, const char *engine);
struct ec_serverless_cache *world_describe_serverless(const char *name);

/* A call inside a write transaction, for testing what is below the handlers. */
struct call world_call(void);

#endif
