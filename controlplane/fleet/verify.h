/*
 * Whether a token lets an IAM user into a cache: what engines ask, through their agents. Private to
 * fleet/.
 */
#ifndef LARDER_CONTROLPLANE_FLEET_VERIFY_H
#define LARDER_CONTROLPLANE_FLEET_VERIFY_H

#include "base/err.h"
#include "controlplane/fleet/fleet.h"

struct store_tx;
struct agent_verify_token_in;
struct agent_verify_token_out;

/* Fills `out` with the verdict and, of a refusal, why. Errors are the store's alone. */
must_use struct err verify_token(struct store_tx *tx, const struct iam_keys *keys,
                                 const struct agent_verify_token_in *in, int64_t now_ms,
                                 struct agent_verify_token_out *out);

#endif
