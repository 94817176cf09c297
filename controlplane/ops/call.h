/* What every handler gets; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_CALL_H
#define LARDER_CONTROLPLANE_OPS_CALL_H

#include "base/err.h"
#include "controlplane/model/quotas.h"
#include "controlplane/ops/ops.h"

#include <stdint.h>

struct store_tx;

/* One request on its way through its handler. */
struct call {
    struct arena *arena; /* of the answer; the transaction's as well */
    struct store_tx *tx; /* a write transaction unless the operation only reads */
    const struct caller *caller;
    const struct ops_conf *conf;
    int64_t now_ms; /* wall time, the same throughout the call */
};

/* What accounts may have: quota(c, nodes_per_group). */
#define quota(c, member) ((c)->conf->quotas ? (c)->conf->quotas : &quotas_usual)->member

/* An error with a sentence of its own: fault(c, FAULT_X, "No %s.", name). */
#define fault(c, code, ...) err_format((c)->arena, (code), __VA_ARGS__)

#endif
