#include "base/buf.h"
#include "base/err.h"
#include "contract/elasticache.h"
#include "contract/sts.h"
#include "controlplane/api/schemas.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct service_desc *const services[] = {&service_elasticache, &service_sts};

static struct openapi document(struct buf *out, const struct service_desc *service)
{
    return (struct openapi){
        .w = JSON_WRITER(out), .services = services, .service_count = 2, .service = service};
}

Test(schemas, plain_scalars_are_written_where_they_are_used)
{
    static const struct {
        const struct shape *shape;
        const char *written;
    } rows[] = {
        {&ec_shape_string,           "{\"type\":\"string\"}"                         },
        {&ec_shape_integer_optional, "{\"type\":\"integer\",\"format\":\"int32\"}"   },
        {&ec_shape_double_,          "{\"type\":\"number\",\"format\":\"double\"}"   },
        {&ec_shape_boolean,          "{\"type\":\"boolean\"}"                        },
        {&ec_shape_t_stamp,          "{\"type\":\"string\",\"format\":\"date-time\"}"},
        {&ec_shape_auth_token,       "{\"type\":\"string\",\"x-sensitive\":true}"    },
        {&ec_shape_az_mode,          "{\"$ref\":\"#/components/schemas/AZMode\"}"    },
        {&ec_shape_tag_list,         "{\"$ref\":\"#/components/schemas/TagList\"}"   },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(buf_fini) struct buf out = BUF_EMPTY;
        struct openapi x = document(&out, &service_elasticache);
        schemas_write_use(&x, rows[i].shape, NULL);
        cr_expect_str_eq(buf_cstr(&out), rows[i].written);
    }
}

Test(schemas, a_sentence_stands_beside_the_reference)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct openapi x = document(&out, &service_sts);

    schemas_write_use(&x, &ec_shape_az_mode, "Why.");
    cr_expect_str_eq(buf_cstr(&out),
                     "{\"$ref\":\"#/components/schemas/sts.AZMode\",\"description\":\"Why.\"}");
}

Test(schemas, members_of_the_path_are_left_out_with_their_being_required)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct openapi x = document(&out, &service_elasticache);
    const struct shape *in = service_op(&service_elasticache, "TestFailover")->in;

    json_begin_object(&x.w);
    schemas_write_object(&x, in, "/v1/replication-groups/{ReplicationGroupId}", true);
    json_end_object(&x.w);
    cr_expect_str_eq(
        buf_cstr(&out),
        "{\"type\":\"object\",\"properties\":{\"NodeGroupId\":{\"$ref\":\"#/components/"
        "schemas/AllowedNodeGroupId\",\"description\":\"Four digits, 0001 upward.\"}},"
        "\"required\":[\"NodeGroupId\"],\"additionalProperties\":false}");
}

Test(schemas, limits_enums_and_patterns_are_told)
{
    static const char *const parts[] = {
        "\"AZMode\":{\"type\":\"string\",\"enum\":[\"single-az\",\"cross-az\"]}",
        "\"AllowedNodeGroupId\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4,"
        "\"pattern\":\"^(?:\\\\d+)$\"}",
        "\"CacheClusterIdList\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":20}",
        "\"sts.arnType\":{",
        "\"Fault\":{\"type\":\"object\"",
    };
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct openapi x = document(&out, NULL);

    json_begin_object(&x.w);
    schemas_write_all(&x);
    json_end_object(&x.w);
    for (size_t i = 0; i < countof(parts); i++)
        cr_expect_not_null(strstr(buf_cstr(&out), parts[i]), "%s", parts[i]);
}
