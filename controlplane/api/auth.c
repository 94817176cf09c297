/*
 * A credential is keyid/date/region/service/aws4_request. Sentences follow those of the hosted
 * services, so that what people find about them still helps.
 */
#include "controlplane/api/auth.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/api/api.h"
#include "controlplane/api/query.h"

#include <string.h>

#define ALGORITHM        "AWS4-HMAC-SHA256"
#define CREDENTIAL_PARTS 5
#define PART_MAX_BYTES   128

static struct err incomplete(struct arena *a, const char *what)
{
    return err_format(a, FAULT_INCOMPLETE_SIGNATURE, "%s", what);
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
            return false;
    return s.len > 0 && s.len <= PART_MAX_BYTES;
}

static bool is_digits(struct str s, size_t len)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len == len;
}

static size_t count_of(struct str s, char c)
{
    size_t count = 0;

    for (size_t i = 0; i < s.len; i++)
        count += s.ptr[i] == c;
    return count;
}

static struct err parse_credential(struct arena *a, struct str text, struct auth_scope *out)
{
    struct str parts[CREDENTIAL_PARTS];
    struct str rest = text;

    if (count_of(text, '/') != CREDENTIAL_PARTS - 1)
        return incomplete(a, "Credential must have exactly 5 slash-delimited elements, e.g. "
                             "keyid/date/region/service/term.");
    for (size_t i = 0; i < CREDENTIAL_PARTS; i++) {
        parts[i] = str_cut(&rest, '/');
        if (!is_plain(parts[i]))
            return incomplete(a, "Credential contains an empty, overlong or unprintable element.");
    }
    if (!is_digits(parts[1], 8))
        return incomplete(a, "Date in Credential scope must be in the form YYYYMMDD.");
    if (!str_is(parts[4], "aws4_request"))
        return incomplete(a, "Credential should be scoped with a valid terminator: "
                             "'aws4_request'.");
    *out = (struct auth_scope){.access_key = str_dup(a, parts[0]),
                               .date = str_dup(a, parts[1]),
                               .region = str_lower(a, parts[2]),
                               .service = str_lower(a, parts[3])};
    return OK;
}

static bool is_signature(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789abcdefABCDEF", s.ptr[i]) || s.ptr[i] == '\0')
            return false;
    return s.len == 64;
}

struct err auth_header_parse(struct arena *a, struct str header, struct auth_scope *out)
{
    struct str credential = {0}, signature = {0}, signed_headers = {0};
    struct str rest = str_trim(header);
    struct str algorithm = str_cut(&rest, ' ');

    if (!str_is(algorithm, ALGORITHM))
        return incomplete(a, "Authorization header requires the algorithm " ALGORITHM ".");
    while (rest.len) {
        struct str value = str_trim(str_cut(&rest, ','));
        struct str name = str_trim(str_cut(&value, '='));
        if (str_is(name, "Credential"))
            credential = str_trim(value);
        else if (str_is(name, "SignedHeaders"))
            signed_headers = str_trim(value);
        else if (str_is(name, "Signature"))
            signature = str_trim(value);
    }
    if (!credential.len)
        return incomplete(a, "Authorization header requires 'Credential' parameter.");
    if (!signature.len)
        return incomplete(a, "Authorization header requires 'Signature' parameter.");
    if (!signed_headers.len)
        return incomplete(a, "Authorization header requires 'SignedHeaders' parameter.");
    if (!is_signature(signature))
        return incomplete(a, "Signature must be 64 hexadecimal digits.");
    return parse_credential(a, credential, out);
}

/* X-Amz-Date, and Date without it, must say when it was signed. */
static struct err check_header_date(struct arena *a, const struct api_request *request,
                                    const struct auth_scope *scope)
{
    if (!request->amz_date && !request->date)
        return incomplete(a, "Authorization header requires existence of either a 'X-Amz-Date' "
                             "or a 'Date' header.");
    if (request->amz_date && strncmp(request->amz_date, scope->date, strlen(scope->date)) != 0)
        return err_format(a, FAULT_SIGNATURE_DOES_NOT_MATCH,
                          "Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
                          "of date from HTTP.");
    return OK;
}

/* True when the URL or form carries at least the beginning of a presigned signature. */
static bool is_presigned(const struct query *params)
{
    return query_get(params, "X-Amz-Credential").ptr || query_get(params, "X-Amz-Algorithm").ptr;
}

static struct err presigned_parse(struct arena *a, const struct query *params,
                                  struct auth_scope *out)
{
    static const char *const needed[] = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
                                         "X-Amz-SignedHeaders", "X-Amz-Signature"};

    for (size_t i = 0; i < countof(needed); i++) {
        if (!query_get(params, needed[i]).len)
            return err_format(a, FAULT_INCOMPLETE_SIGNATURE,
                              "AWS query-string parameters must include '%s'.", needed[i]);
        if (query_is_repeated(params, needed[i]))
            return err_format(a, FAULT_INCOMPLETE_SIGNATURE,
                              "AWS query-string parameters must include '%s' only once.",
                              needed[i]);
    }
    if (!str_is(query_get(params, "X-Amz-Algorithm"), ALGORITHM))
        return incomplete(a, "X-Amz-Algorithm must be " ALGORITHM ".");
    if (!is_signature(query_get(params, "X-Amz-Signature")))
        return incomplete(a, "Signature must be 64 hexadecimal digits.");
    return parse_credential(a, query_get(params, "X-Amz-Credential"), out);
}

struct err auth_scope_find(struct arena *a, const struct api_conf *conf,
                           const struct api_request *request, const struct query *params,
                           struct auth_scope *out)
{
    struct str header = str_trim(str_of(request->authorization));

    *out = (struct auth_scope){0};
    if (str_starts(header, "AWS4-") || (header.len && conf->auth == API_AUTH_SCOPED)) {
        TRY(auth_header_parse(a, header, out));
        return check_header_date(a, request, out);
    }
    if (is_presigned(params))
        return presigned_parse(a, params, out);
    if (conf->auth == API_AUTH_OPEN)
        return OK;
    return err_make(FAULT_MISSING_AUTHENTICATION_TOKEN, "Request is missing Authentication Token");
}

struct err auth_region(const struct api_conf *conf, const struct auth_scope *scope, bool is_global,
                       const char **out)
{
    const char *region = is_global || !scope->access_key ? conf->regions[0] : NULL;

    for (size_t i = 0; scope->access_key && i < conf->region_count; i++)
        if (strcmp(conf->regions[i], scope->region) == 0)
            region = conf->regions[i];
    if (!region)
        return err_make(FAULT_SIGNATURE_DOES_NOT_MATCH,
                        "Credential should be scoped to a valid region.");
    *out = region;
    return OK;
}

const char *auth_account(const struct api_conf *conf, const struct auth_scope *scope)
{
    if (scope->access_key && is_digits(str_of(scope->access_key), 12))
        return scope->access_key;
    return conf->default_account;
}
