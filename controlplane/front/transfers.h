/* Pieces of snapshots between agents and the vault: octets, not messages. */
#ifndef LARDER_CONTROLPLANE_FRONT_TRANSFERS_H
#define LARDER_CONTROLPLANE_FRONT_TRANSFERS_H

#include "base/err.h"
#include "controlplane/api/api.h"

#include <stdbool.h>

struct arena;
struct vault;

/* True for paths below /agent/v1/snapshots/ and /agent/v1/parts/. */
bool transfers_own_path(struct str path);

/*
 *     PUT /agent/v1/snapshots/TASK?from=N                        a piece of what the task brings
 *     PUT /agent/v1/snapshots/TASK?bytes=N&sha256=HEX            all of it is there
 *     GET /agent/v1/parts/PART?from=N                            a piece of a part; empty at its
 * end
 *
 * Answers a call that may be made. Errors are faults of the agents' interface.
 */
must_use struct err transfers_handle(struct vault *v, struct arena *a,
                                     const struct api_request *request, struct api_response *out);

#endif
