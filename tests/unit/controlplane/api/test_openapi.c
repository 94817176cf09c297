/* The shape of the document; its rules are checked in tests/contract/test_openapi.py. */
#include "base/arena.h"
#include "base/json.h"
#include "contract/elasticache.h"
#include "contract/sts.h"
#include "controlplane/api/openapi.h"

#include <criterion/criterion.h>

static void read_document(struct arena *a, struct json *out)
{
    static const struct service_desc *const services[] = {&service_elasticache, &service_sts};
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    openapi_write(&text, services, 2);
    cr_assert(err_is(json_parse(a, buf_str(&text), 32, out), ERR_OK));
}

Test(openapi, every_path_of_the_mapping_is_there)
{
    scoped(arena_fini) struct arena a = {0};
    struct json document;

    read_document(&a, &document);
    const struct json *paths = json_get(&document, "paths");
    for (size_t i = 0; i < service_elasticache.op_count; i++)
        for (size_t k = 0; k < service_elasticache.ops[i].rest_count; k++)
            cr_expect_not_null(json_get(paths, service_elasticache.ops[i].rests[k].path));
    cr_expect_not_null(json_get(paths, "/v1/caller-identity"));
}

Test(openapi, parameters_of_the_path_are_not_asked_for_in_the_body)
{
    scoped(arena_fini) struct arena a = {0};
    struct json document;

    read_document(&a, &document);
    const struct json *patch = json_get(
        json_get(json_get(&document, "paths"), "/v1/cache-clusters/{CacheClusterId}"), "patch");
    const struct json *schema =
        json_get(json_get(json_get(json_get(patch, "requestBody"), "content"), "application/json"),
                 "schema");
    cr_assert_not_null(json_get(schema, "properties"));
    cr_expect_null(json_get(json_get(schema, "properties"), "CacheClusterId"));
    cr_expect_not_null(json_get(json_get(schema, "properties"), "NumCacheNodes"));
    cr_expect_null(json_get(schema, "required"));
}

Test(openapi, shapes_of_other_services_have_the_service_in_front)
{
    scoped(arena_fini) struct arena a = {0};
    struct json document;

    read_document(&a, &document);
    const struct json *schemas = json_get(json_get(&document, "components"), "schemas");
    cr_expect_not_null(json_get(schemas, "CacheCluster"));
    cr_expect_not_null(json_get(schemas, "sts.GetCallerIdentityResponse"));
    cr_expect_null(json_get(schemas, "GetCallerIdentityResponse"));
}
