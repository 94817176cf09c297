#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/api/api.h"
#include "controlplane/api/auth.h"
#include "controlplane/api/query.h"

#include <criterion/criterion.h>

#include <string.h>

#define SIGNATURE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEADER(credential)                    \
    "AWS4-HMAC-SHA256 Credential=" credential \
    ", SignedHeaders=host;x-amz-date, Signature=" SIGNATURE

static const char *const regions[] = {"us-east-1", "eu-west-1"};
static const struct api_conf scoped_conf = {.auth = API_AUTH_SCOPED,
                                            .regions = regions,
                                            .region_count = 2,
                                            .default_account = "000000000000"};
static const struct api_conf open_conf = {.auth = API_AUTH_OPEN,
                                          .regions = regions,
                                          .region_count = 2,
                                          .default_account = "000000000000"};

Test(auth, the_scope_is_read_from_the_header)
{
    scoped(arena_fini) struct arena a = {0};
    struct auth_scope scope;

    cr_assert(err_is(auth_header_parse(
                         &a, STR(HEADER("AK/20240102/EU-west-1/elasticache/aws4_request")), &scope),
                     ERR_OK));
    cr_expect_str_eq(scope.access_key, "AK");
    cr_expect_str_eq(scope.date, "20240102");
    cr_expect_str_eq(scope.region, "eu-west-1");
    cr_expect_str_eq(scope.service, "elasticache");
}

Test(auth, parts_may_stand_in_any_order_and_without_spaces)
{
    scoped(arena_fini) struct arena a = {0};
    struct auth_scope scope;

    cr_expect(err_is(
        auth_header_parse(&a,
                          STR("  AWS4-HMAC-SHA256 Signature=" SIGNATURE
                              ",SignedHeaders=host,Credential=AK/20240102/r/s/aws4_request "),
                          &scope),
        ERR_OK));
    cr_expect_str_eq(scope.access_key, "AK");
}

Test(auth, a_malformed_header_is_incomplete)
{
    static const char *const bad[] = {
        "",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 Credential=",
        HEADER(""),
        HEADER("AK"),
        HEADER("AK/20240102/r/s"),
        HEADER("AK/20240102/r/s/aws4_request/"),
        HEADER("/20240102/r/s/aws4_request"),
        HEADER("AK/2024010/r/s/aws4_request"),
        HEADER("AK/20240102/r/s/aws4"),
        HEADER("A\x01K/20240102/r/s/aws4_request"),
        "AWS4-HMAC-SHA256 Credential=AK/20240102/r/s/aws4_request, SignedHeaders=host, Signature=12",
        "AWS4-HMAC-SHA256 Credential=AK/20240102/r/s/aws4_request, Signature=" SIGNATURE,
        "AWS3 Credential=AK/20240102/r/s/aws4_request, SignedHeaders=host, Signature=" SIGNATURE,
    };
    scoped(arena_fini) struct arena a = {0};
    struct auth_scope scope = {.access_key = "untouched"};

    for (size_t i = 0; i < countof(bad); i++)
        cr_expect(err_is(auth_header_parse(&a, str_of(bad[i]), &scope), FAULT_INCOMPLETE_SIGNATURE),
                  "%s", bad[i]);
    cr_expect_str_eq(scope.access_key, "untouched");
}

Test(auth, the_region_must_be_served_but_for_global_services)
{
    struct auth_scope served = {.access_key = "AK", .region = "eu-west-1"};
    struct auth_scope strange = {.access_key = "AK", .region = "mars-1"};
    const char *region = NULL;

    cr_assert(err_is(auth_region(&scoped_conf, &served, false, &region), ERR_OK));
    cr_expect_str_eq(region, "eu-west-1");
    region = NULL;
    cr_expect(err_is(auth_region(&scoped_conf, &strange, false, &region),
                     FAULT_SIGNATURE_DOES_NOT_MATCH));
    cr_expect_null(region);
    cr_assert(err_is(auth_region(&scoped_conf, &strange, true, &region), ERR_OK));
    cr_expect_str_eq(region, "us-east-1");
    cr_assert(err_is(auth_region(&scoped_conf, &served, true, &region), ERR_OK));
    cr_expect_str_eq(region, "eu-west-1");
}

Test(auth, a_key_of_twelve_digits_is_the_account)
{
    struct auth_scope number = {.access_key = "123456789012"}, word = {.access_key = "AKIDEXAMPLE"};

    cr_expect_str_eq(auth_account(&scoped_conf, &number), "123456789012");
    cr_expect_str_eq(auth_account(&scoped_conf, &word), "000000000000");
    cr_expect_str_eq(auth_account(&open_conf, &(struct auth_scope){0}), "000000000000");
}

static struct err find(struct arena *a, const struct api_conf *conf, const char *header,
                       const char *url, struct auth_scope *out)
{
    struct api_request request = {.authorization = header, .amz_date = "20240102T000000Z"};
    struct query params;

    TRY(query_parse(a, str_of(url), (struct str){"", 0}, &params));
    return auth_scope_find(a, conf, &request, &params, out);
}

Test(auth, only_open_mode_does_without)
{
    scoped(arena_fini) struct arena a = {0};
    struct auth_scope scope;

    cr_expect(err_is(find(&a, &scoped_conf, NULL, "", &scope), FAULT_MISSING_AUTHENTICATION_TOKEN));
    cr_expect(err_is(find(&a, &scoped_conf, "  ", "", &scope), FAULT_MISSING_AUTHENTICATION_TOKEN));
    cr_expect(err_is(find(&a, &scoped_conf, "Bearer x", "", &scope), FAULT_INCOMPLETE_SIGNATURE));
    cr_expect(err_is(find(&a, &open_conf, NULL, "", &scope), ERR_OK));
    cr_expect_null(scope.access_key);
    cr_expect(err_is(find(&a, &open_conf, "Bearer x", "", &scope), ERR_OK));
    cr_expect(
        err_is(find(&a, &open_conf, "AWS4-HMAC-SHA256 x", "", &scope), FAULT_INCOMPLETE_SIGNATURE));
}

Test(auth, a_presigned_url_must_have_each_part_once)
{
    static const char whole[] = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20240102T000000Z&"
                                "X-Amz-Credential=AK/20240102/eu-west-1/elasticache/aws4_request&"
                                "X-Amz-SignedHeaders=host&X-Amz-Signature=" SIGNATURE;
    scoped(arena_fini) struct arena a = {0};
    struct auth_scope scope;

    cr_assert(err_is(find(&a, &scoped_conf, NULL, whole, &scope), ERR_OK));
    cr_expect_str_eq(scope.region, "eu-west-1");
    cr_expect(err_is(find(&a, &scoped_conf, NULL, strchr(whole, '&') + 1, &scope),
                     FAULT_INCOMPLETE_SIGNATURE));
    cr_expect(
        err_is(find(&a, &scoped_conf, NULL, arena_printf(&a, "%s&X-Amz-Date=x", whole), &scope),
               FAULT_INCOMPLETE_SIGNATURE));
}
