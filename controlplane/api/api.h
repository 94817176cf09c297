/*
 * The interface on the wire: who calls, what is asked, and the answer. Several forms of the same
 * operations:
 *
 *     Query   POST / (form) and GET /?..., answers in XML, as AWS SDKs speak it
 *     REST    /v1/..., JSON in and out; /v1/openapi.json describes it
 *     JSON    POST / with X-Amz-Target, for services that have one (awsJson 1.0)
 *     CBOR    POST /service/TARGET/operation/NAME (Smithy RPC v2), for the same
 *
 * Everything here follows the tables that specgen makes; no operation is named in this folder.
 * Bad input is answered with a 4xx and a sentence, never with a 5xx: SDKs repeat those for minutes.
 *
 * Signatures are parsed for their scope (account, region, service) but not verified.
 */
#ifndef LARDER_CONTROLPLANE_API_API_H
#define LARDER_CONTROLPLANE_API_API_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct api;
struct arena;
struct ops;

enum api_auth {
    API_AUTH_SCOPED, /* a well-formed SigV4 Authorization (header or presigned query) is needed */
    API_AUTH_OPEN,   /* requests without one act for the default account in the default region */
};

/* All borrowed for the life of the api. */
struct api_conf {
    struct ops *ops;
    enum api_auth auth;
    const char *const *regions; /* served; the first is the default */
    size_t region_count;
    const char *default_account; /* for access keys that are not an account number themselves */
};

/* A request as the front received it, all borrowed; headers are NULL when they were not sent. */
struct api_request {
    const char *method; /* "POST" */
    struct str path;    /* as sent, still percent-encoded: "/v1/cache-clusters/c1" */
    struct str query;   /* behind the '?', as sent; empty without one */
    struct str body;    /* complete; the front enforces API_MAX_BODY_BYTES */
    const char *host;   /* for the address in the OpenAPI document */
    const char *authorization;
    const char *content_type;
    const char *amz_date;   /* X-Amz-Date */
    const char *date;       /* Date */
    const char *amz_target; /* X-Amz-Target */
};

#define API_MAX_BODY_BYTES (1u << 20)

/* An answer. `body` is on the heap: give it away or call buf_fini; the rest lives in the arena. */
struct api_response {
    int status;
    const char *content_type;
    const char *request_id;      /* send it as x-amzn-RequestId */
    const char *query_error;     /* send it as x-amzn-query-error, unless NULL */
    const char *smithy_protocol; /* send it as smithy-protocol, unless NULL */
    const char *allow;           /* send it as Allow, unless NULL (405) */
    const char *op;              /* for metrics: "CreateCacheCluster", "openapi", or "unknown" */
    const char *fault;           /* the code of the fault, or NULL when all went well */
    struct buf body;
};

/* Compiles patterns, routes and the OpenAPI document. Never fails. */
struct api *api_new(const struct api_conf *conf);
void api_free(struct api *api);

/* True for paths that api_handle answers: "/" and everything below /v1 and /service. */
bool api_owns_path(struct str path);

/* Answers a request; always fills `out`. Safe to call from several threads. */
void api_handle(struct api *api, struct arena *a, const struct api_request *request,
                struct api_response *out);

/*
 * Answers a request that never got as far (body too large, timeout) with a FAULT_*, in the form
 * that the path asks for. `why` NULL takes the fault's own description.
 */
void api_refuse(struct api *api, struct arena *a, const struct api_request *request, int fault,
                const char *why, struct api_response *out);

#endif
