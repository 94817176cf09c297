/*
 * The protocols in which a request names its operation outside of the body: awsJson 1.0 (a header)
 * and Smithy RPC v2 CBOR (the path). Services that have a `target` speak them beside Query, so
 * their faults carry Query's code in a header, too.
 */
#ifndef LARDER_CONTROLPLANE_API_RPC_H
#define LARDER_CONTROLPLANE_API_RPC_H

#include "base/err.h"
#include "base/shape.h"
#include "base/str.h"

struct api_request;
struct api_response;
struct arena;

enum rpc_form { RPC_NONE, RPC_JSON, RPC_CBOR };

bool rpc_owns_path(struct str path);

/* In which of them the request is. */
enum rpc_form rpc_form_of(const struct api_request *request);

/* The service and the name of the operation. FAULT_UNKNOWN_PATH, FAULT_INVALID_ACTION. */
must_use struct err rpc_find(struct arena *a, const struct service_desc *const *services,
                             size_t count, enum rpc_form form, const struct api_request *request,
                             const struct service_desc **out_service, struct str *out_op);

/* Fills `in` (zeroed, of the type that `s` describes) from the body. FAULT_MALFORMED_INPUT,
 * FAULT_UNSUPPORTED_MEDIA_TYPE, FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err rpc_decode(struct arena *a, enum rpc_form form,
                               const struct api_request *request, const struct shape *s, void *in);

/* Write an answer with its headers. */
void rpc_result(enum rpc_form form, const struct op_desc *op, const void *value,
                struct api_response *out);
void rpc_fault(struct arena *a, enum rpc_form form, const struct fault_desc *fault, const char *why,
               struct api_response *out);

#endif
