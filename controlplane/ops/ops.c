/*
 * From an operation's name to its handler, inside a transaction. The table of handlers is made from
 * the spec: an operation that is marked as served and has no handler does not link.
 */
#include "controlplane/ops/ops.h"

#include "base/clock.h"
#include "contract/elasticache_handlers.h"
#include "contract/sts_handlers.h"
#include "controlplane/ops/call.h"
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
#include "contract/elasticache_served.def"
#include "contract/sts_served.def"
#undef OP

#define OP(name, op) {SERVICE, op, run_##name},
static const struct handler handlers[] = {
#define SERVICE "elasticache"
#include "contract/elasticache_served.def"
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

struct err ops_run(struct ops *o, struct arena *a, const struct caller *who,
                   const struct service_desc *service, const struct op_desc *op, const void *in,
                   void *out)
{
    const struct handler *handler = handler_find(service->name, op->name);
    scoped(store_rollback) struct store_tx *tx = NULL;

    if (!handler)
        return err_make(ERR_UNSUPPORTED, "The operation is not served yet.");
    TRY(store_begin(o->store, op->is_read_only ? STORE_READ : STORE_WRITE, a, &tx));

    struct call c = {
        .arena = a,
        .tx = tx,
        .caller = who,
        .conf = &o->conf,
        .now_ms = clock_wall_ms(o->conf.clock),
    };
    TRY(handler->run(&c, in, out));
    return op->is_read_only ? OK : store_commit(&tx);
}
