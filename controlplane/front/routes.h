/* Which layer answers which path: a complete request in, a complete answer out, no socket in sight.
 */
#ifndef LARDER_CONTROLPLANE_FRONT_ROUTES_H
#define LARDER_CONTROLPLANE_FRONT_ROUTES_H

#include "controlplane/front/agents.h"

struct arena;
struct front_conf;
struct metrics;
struct routes;

/* `conf` is read, the rest borrowed. */
struct routes *routes_new(const struct front_conf *conf, struct metrics *metrics);
void routes_free(struct routes *r);

/* As agents_handle, for every path; always fills `out` unless the answer is held back. */
void routes_handle(struct routes *r, struct arena *a, const struct agents_call *call,
                   struct api_response *out, struct agents_hold *out_hold);

/* Splits what stands in the request line into path and query: "/v1/x?y=z", and the absolute form
 * "http://host/v1/x" that proxies get. */
void routes_split_target(struct str target, struct str *out_path, struct str *out_query);

#endif
