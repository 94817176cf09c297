#include "base/arena.h"
#include "contract/elasticache.h"
#include "controlplane/api/xml.h"

#include <criterion/criterion.h>

#include <string.h>

Test(xml, text_is_escaped_and_what_xml_cannot_hold_is_replaced)
{
    static const struct {
        const char *text, *written;
    } rows[] = {
        {"plain",         "plain"                          },
        {"<a b=\"c\">&'", "&lt;a b=&quot;c&quot;&gt;&amp;'"},
        {"ü☃🦜",     "ü☃🦜"                      },
        {"a\tb\nc\rd",    "a\tb\nc&#xD;d"                  },
        {"\x01x\x1f",     "\xef\xbf\xbdx\xef\xbf\xbd"      },
        {"a\xef\xbf\xbf"
         "b",    "a\xef\xbf\xbd"
         "b"                         },
        {"",              ""                               },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(buf_fini) struct buf out = BUF_EMPTY;
        xml_text(&out, str_of(rows[i].text));
        cr_expect_str_eq(buf_cstr(&out), rows[i].written);
    }
}

Test(xml, results_stand_in_their_wrapper)
{
    const struct op_desc *op = service_op(&service_elasticache, "DescribeEvents");
    struct ec_event event = {.message = "m&m", .date = TIME_OF(1422869400123)};
    struct ec_describe_events_out value = {
        .events = {true, 1, &event}
    };
    scoped(buf_fini) struct buf out = BUF_EMPTY;

    xml_result(&out, &service_elasticache, op, &value, "id");
    cr_expect_str_eq(
        buf_cstr(&out),
        "<DescribeEventsResponse xmlns=\"http://elasticache.amazonaws.com/doc/2015-02-02/\">"
        "<DescribeEventsResult><Events><Event><Message>m&amp;m</Message>"
        "<Date>2015-02-02T09:30:00.123Z</Date></Event></Events></DescribeEventsResult>"
        "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DescribeEventsResponse>");
}

Test(xml, empty_lists_and_structures_are_one_tag_and_absent_ones_none)
{
    const struct op_desc *op = service_op(&service_elasticache, "DescribeCacheClusters");
    struct ec_pending_modified_values pending = {0};
    struct ec_cache_cluster cluster = {.pending_modified_values = &pending,
                                       .engine = "",
                                       .cache_nodes = {.has = true},
                                       .num_cache_nodes = INT_OF(0)};
    struct ec_describe_cache_clusters_out value = {
        .cache_clusters = {true, 1, &cluster}
    };
    scoped(buf_fini) struct buf out = BUF_EMPTY;

    xml_result(&out, &service_elasticache, op, &value, "id");
    cr_expect(
        strstr(
            buf_cstr(&out),
            "<CacheCluster><Engine></Engine><NumCacheNodes>0</NumCacheNodes><PendingModifiedValues/>"
            "<CacheNodes/></CacheCluster>"),
        "%s", buf_cstr(&out));
}

Test(xml, operations_without_a_result_answer_with_the_metadata_alone)
{
    const struct op_desc *op = service_op(&service_elasticache, "DeleteCacheSubnetGroup");
    scoped(buf_fini) struct buf out = BUF_EMPTY;

    xml_result(&out, &service_elasticache, op, NULL, "id");
    cr_expect_str_eq(
        buf_cstr(&out),
        "<DeleteCacheSubnetGroupResponse xmlns=\"http://elasticache.amazonaws.com/doc/2015-02-02/\">"
        "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DeleteCacheSubnetGroupResponse>");
}

struct flat {
    struct {
        bool has;
        size_t count;
        const char **items;
    } names;
    struct {
        bool has;
        size_t count;
        struct flat_entry {
            const char *key;
            struct opt_int value;
        } * items;
    } ports;
};

Test(xml, flat_lists_repeat_their_name_and_maps_have_entries)
{
    static const struct shape string = {.kind = SHAPE_STRING, .name = "S", .size = sizeof(char *)};
    static const struct shape integer = {
        .kind = SHAPE_INTEGER, .name = "I", .size = sizeof(struct opt_int)};
    static const struct shape list = {.kind = SHAPE_LIST,
                                      .name = "L",
                                      .size = sizeof(struct shape_seq),
                                      .item = &string,
                                      .item_name = "member",
                                      .is_flat = true};
    static const struct shape map = {.kind = SHAPE_MAP,
                                     .name = "M",
                                     .size = sizeof(struct shape_seq),
                                     .item = &integer,
                                     .item_name = "value",
                                     .key_name = "key"};
    static const struct shape_member members[] = {
        {"Names", "Name",  &list, offsetof(struct flat, names), false, NULL, NULL},
        {"Ports", "Ports", &map,  offsetof(struct flat, ports), false, NULL, NULL}
    };
    static const struct shape shape = {.kind = SHAPE_STRUCT,
                                       .name = "F",
                                       .size = sizeof(struct flat),
                                       .members = members,
                                       .member_count = 2};
    const char *names[] = {"a", "b"};
    struct flat_entry ports[] = {
        {"x", INT_OF(-1)}
    };
    struct flat value = {
        .names = {true, 2, names},
          .ports = {true, 1, ports}
    };
    scoped(buf_fini) struct buf out = BUF_EMPTY;

    xml_element(&out, "F", &shape, &value);
    cr_expect_str_eq(buf_cstr(&out), "<F><Name>a</Name><Name>b</Name><Ports><entry><key>x</key>"
                                     "<value>-1</value></entry></Ports></F>");
}

Test(xml, faults_say_whose_mistake_it_is)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;

    xml_fault(&out, &service_elasticache, fault_find(FAULT_INTERNAL_FAILURE), "<oops>", "id");
    cr_expect_str_eq(
        buf_cstr(&out),
        "<ErrorResponse xmlns=\"http://elasticache.amazonaws.com/doc/2015-02-02/\"><Error>"
        "<Type>Receiver</Type><Code>InternalFailure</Code><Message>&lt;oops&gt;</Message></Error>"
        "<RequestId>id</RequestId></ErrorResponse>");
}
