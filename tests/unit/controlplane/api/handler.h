/* Stands in for the operations behind the api: does what the test says and shows what it was asked.
 */
#ifndef LARDER_TESTS_UNIT_CONTROLPLANE_API_HANDLER_H
#define LARDER_TESTS_UNIT_CONTROLPLANE_API_HANDLER_H

#include "controlplane/api/api.h"
#include "controlplane/ops/ops.h"

struct ops {
    struct err answer;                                        /* what ops_run returns */
    void (*fill)(struct arena *a, const void *in, void *out); /* or NULL */
    uint64_t revision;                                        /* what ops_revision returns */
    int calls;
    const char *op;
    struct caller who;
};

/* An api in front of `o`, serving us-east-1 and eu-west-1; free it with api_free. */
struct api *api_of(struct ops *o, enum api_auth auth);

/* Handles a request and gives the body as text; the rest of the answer is in `out`. */
const char *handle(struct api *api, struct arena *a, struct api_request request,
                   struct api_response *out);

#endif
