/*
 * From an operation's name to its handler, inside a transaction. The table of handlers is made from
 * the spec: an operation that is marked as served and has no handler does not link.
 */
#include "controlplane/ops/ops.h"

#include "base/clock.h"
#include "contract/ec2_handlers.h"
#include "contract/elasticache_handlers.h"
#include "contract/iam_handlers.h"
#include "contract/monitoring_handlers.h"
#include "contract/sts_handlers.h"
#include "controlplane/ops/call.h"
#include "controlplane/ops/network.h"
#include "controlplane/ops/serverless_growth.h"
#include "controlplane/ops/snapshots.h"
#include "controlplane/ops/updates.h"
#include "controlplane/store/store.h"

#include <stdlib.h>
#include <string.h>

struct ops {
    struct store *store;
    struct ops_conf conf;
};

typedef struct err (*handler_fn)(struct call *c, const void *in, void *out);

struct handler {
    const char *service, *op;
    handler_fn run;
};

/* One thunk per operation gives the untyped arguments their types back. */
#define OP(name, op)                                                        \
    static struct err run_##name(struct call *c, const void *in, void *out) \
    {                                                                       \
        return name(c, in, out);                                            \
    }
#include "contract/ec2_served.def"
#include "contract/elasticache_served.def"
#include "contract/iam_served.def"
#include "contract/monitoring_served.def"
#include "contract/sts_served.def"
#undef OP

#define OP(name, op) {SERVICE, op, run_##name},
static const struct handler handlers[] = {
#define SERVICE "elasticache"
#include "contract/elasticache_served.def"
#undef SERVICE
#define SERVICE "ec2"
#include "contract/ec2_served.def"
#undef SERVICE
#define SERVICE "iam"
#include "contract/iam_served.def"
#undef SERVICE
#define SERVICE "monitoring"
#include "contract/monitoring_served.def"
#undef SERVICE
#define SERVICE "sts"
#include "contract/sts_served.def"
#undef SERVICE
};
#undef OP

static const struct handler *handler_find(const char *service, const char *op)
{
    for (size_t i = 0; i < countof(handlers); i++)
        if (strcmp(handlers[i].op, op) == 0 && strcmp(handlers[i].service, service) == 0)
            return &handlers[i];
    return NULL;
}

struct ops *ops_new(struct store *store, const struct ops_conf *conf)
{
    struct ops *o = calloc(1, sizeof(*o));

    check(o != NULL);
    o->store = store;
    o->conf = *conf;
    return o;
}

void ops_free(struct ops *o)
{
    free(o);
}

const struct ops_conf *ops_conf(const struct ops *o)
{
    return &o->conf;
}

/* What these answer follows from the rows of the store and from the request, not from the clock. */
static const char *const lasting[] = {
    "DescribeCacheClusters", "DescribeReplicationGroups", "DescribeCacheSubnetGroups",
    "DescribeUsers",         "ListTagsForResource",
};

uint64_t ops_revision(const struct ops *o, const struct service_desc *service,
                      const struct op_desc *op)
{
    for (size_t i = 0; i < countof(lasting); i++)
        if (strcmp(lasting[i], op->name) == 0 && strcmp(service->name, "elasticache") == 0)
            return store_revision(o->store);
    return 0;
}

/* --- running --- */

static struct call call_of(const struct ops *o, struct arena *a, const struct caller *who,
                           struct store_tx *tx)
{
    return (struct call){
        .arena = a,
        .tx = tx,
        .caller = who,
        .conf = &o->conf,
        .now_ms = clock_wall_ms(o->conf.clock),
    };
}

static struct err network_is_due_of(struct ops *o, struct arena *a, const struct caller *who,
                                    bool *out)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(o->store, STORE_READ, a, &tx));
    struct call c = call_of(o, a, who, tx);
    return network_is_due(&c, out);
}

/* Reading calls cannot write, and yet a new account must find its default VPC: what it lacks is
 * given to it before. */
static struct err prepare_network(struct ops *o, struct arena *a, const struct caller *who)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct network ignored;
    bool is_due;

    TRY(network_is_due_of(o, a, who, &is_due));
    if (!is_due)
        return OK;
    TRY(store_begin(o->store, STORE_WRITE, a, &tx));
    struct call c = call_of(o, a, who, tx);
    TRY(network_open(&c, &ignored));
    return store_commit(&tx);
}

/* EC2's way to ask whether a call would do: it runs, and then nothing is kept. */
static bool is_dry_run(const struct op_desc *op, const void *in)
{
    const struct shape_member *m = shape_find(op->in, "DryRun");
    const struct opt_bool *value = m ? shape_value(m, in) : NULL;

    return value && value->value;
}

struct err ops_run(struct ops *o, struct arena *a, const struct caller *who,
                   const struct service_desc *service, const struct op_desc *op, const void *in,
                   void *out)
{
    const struct handler *handler = handler_find(service->name, op->name);
    scoped(store_rollback) struct store_tx *tx = NULL;

    check(handler);
    if (service->is_ec2)
        TRY(prepare_network(o, a, who));
    TRY(store_begin(o->store, op->is_read_only ? STORE_READ : STORE_WRITE, a, &tx));
    struct call c = call_of(o, a, who, tx);
    TRY(handler->run(&c, in, out));
    if (service->is_ec2 && is_dry_run(op, in))
        return err_make(FAULT_DRY_RUN_OPERATION,
                        "Request would have succeeded, but DryRun flag is set.");
    return op->is_read_only ? OK : store_commit(&tx);
}

struct err ops_back_up(struct ops *o, struct arena *a, const struct caller *who,
                       const struct due *source)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(o->store, STORE_WRITE, a, &tx));
    struct call c = call_of(o, a, who, tx);
    TRY(snapshots_back_up(&c, source));
    return store_commit(&tx);
}

/* Looked at without writing first: as a rule nothing is due. */
static struct err update_is_due(struct ops *o, struct arena *a, const struct caller *who,
                                bool *out_due, bool *out_waits)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct overdue_list list;

    TRY(store_begin(o->store, STORE_READ, a, &tx));
    struct call c = call_of(o, a, who, tx);
    TRY(updates_overdue(&c, &list));
    *out_due = list.new_count > 0;
    *out_waits = list.count > 0;
    return OK;
}

struct err ops_update(struct ops *o, struct arena *a, const struct caller *who, bool *out_waits)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct overdue_list list;
    bool is_due;

    TRY(update_is_due(o, a, who, &is_due, out_waits));
    if (!is_due)
        return OK;
    TRY(store_begin(o->store, STORE_WRITE, a, &tx));
    struct call c = call_of(o, a, who, tx);
    TRY(updates_overdue(&c, &list));
    TRY(updates_force(&c, &list));
    return store_commit(&tx);
}

struct err ops_grow(struct ops *o, struct arena *a, const struct caller *who, const char *cache,
                    bool *out_did)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(o->store, STORE_WRITE, a, &tx));
    struct call c = call_of(o, a, who, tx);
    TRY(serverless_grow(&c, cache, out_did));
    return *out_did ? store_commit(&tx) : OK;
}
