/*
 * REST: the same operations as resources. Paths come from the spec's mapping; path parameters, the
 * URL's query (GET, DELETE) or a JSON body (POST, PUT, PATCH) fill the operation's struct.
 *
 * It is our own interface, so it is strict: what is not known is refused, by name.
 */
#ifndef LARDER_CONTROLPLANE_API_REST_H
#define LARDER_CONTROLPLANE_API_REST_H

#include "base/err.h"
#include "base/shape.h"
#include "base/str.h"

struct api_request;
struct arena;
struct query;
struct rest_routes;

#define REST_MAX_SEGMENTS 8

/* What a request is for. */
struct rest_target {
    const struct service_desc *service;
    const struct op_desc *op;
    struct {
        const struct shape_member *member;
        struct str value;        /* decoded */
    } params[REST_MAX_SEGMENTS]; /* of the path */
    size_t param_count;
};

/* One route per path of the mapping. Never fails; specgen has checked the paths. */
struct rest_routes *rest_routes_new(const struct service_desc *const *services, size_t count);
void rest_routes_free(struct rest_routes *r);

/*
 * Finds what stands at a path; literal segments go before parameters. FAULT_UNKNOWN_PATH;
 * FAULT_METHOD_NOT_ALLOWED with the methods that it takes in `allow`; FAULT_MALFORMED_QUERY_STRING
 * when the path cannot be decoded.
 */
must_use struct err rest_find(const struct rest_routes *r, struct arena *a, const char *method,
                              struct str path, struct rest_target *out, const char **allow);

/*
 * Fills `in` (zeroed, of the type of op->in). Errors: FAULT_MALFORMED_INPUT (not JSON),
 * FAULT_UNSUPPORTED_MEDIA_TYPE, FAULT_INVALID_PARAMETER_VALUE (types, unknown and repeated
 * members).
 */
must_use struct err rest_decode(struct arena *a, const struct rest_target *target,
                                const struct api_request *request, const struct query *params,
                                void *in);

#endif
