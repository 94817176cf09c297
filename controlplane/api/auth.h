/*
 * Who calls: the scope of a Signature Version 4, from the Authorization header or from a presigned
 * URL. The scope is taken at its word; signatures are not verified here.
 */
#ifndef LARDER_CONTROLPLANE_API_AUTH_H
#define LARDER_CONTROLPLANE_API_AUTH_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct api_conf;
struct api_request;
struct arena;
struct query;

struct auth_scope {
    const char *access_key;
    const char *date; /* "20150202" */
    const char *region;
    const char *service;
};

/*
 * Finds the scope of a request; `out` with access_key NULL when nothing was sent, which only open
 * mode allows. Errors: FAULT_MISSING_AUTHENTICATION_TOKEN, FAULT_INCOMPLETE_SIGNATURE.
 */
must_use struct err auth_scope_find(struct arena *a, const struct api_conf *conf,
                                    const struct api_request *request, const struct query *params,
                                    struct auth_scope *out);

/*
 * The region that the request is for. FAULT_SIGNATURE_DOES_NOT_MATCH when it is not served.
 * `is_global` services (STS) may be signed for any region and then get the default one.
 */
must_use struct err auth_region(const struct api_conf *conf, const struct auth_scope *scope,
                                bool is_global, const char **out);

/* The account of an access key: itself when it is twelve digits, else the default one. */
const char *auth_account(const struct api_conf *conf, const struct auth_scope *scope);

/* Parses an Authorization header of AWS4-HMAC-SHA256; FAULT_INCOMPLETE_SIGNATURE. */
must_use struct err auth_header_parse(struct arena *a, struct str header, struct auth_scope *out);

#endif
