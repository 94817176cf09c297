#include "base/arena.h"
#include "base/buf.h"
#include "contract/monitoring.h"
#include "controlplane/api/cbor.h"

#include <criterion/criterion.h>

#include <string.h>

#define DEPTH 8

static struct arena arena;

static const char *as_json(const char *bytes, size_t len)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&text);
    struct json tree;

    struct err e = cbor_parse(&arena, (struct str){bytes, len}, DEPTH, &tree);
    if (err_failed(e))
        return err_is(e, ERR_LIMIT) ? "limit" : "invalid";
    json_value(&w, &tree);
    return str_dup(&arena, buf_str(&text));
}

#define AS_JSON(bytes) as_json(bytes, sizeof(bytes) - 1)

Test(cbor, items_of_every_kind_are_read)
{
    cr_assert_str_eq(AS_JSON("\x17"), "23");
    cr_assert_str_eq(AS_JSON("\x18\xff"), "255");
    cr_assert_str_eq(AS_JSON("\x1a\x00\x01\x00\x00"), "65536");
    cr_assert_str_eq(AS_JSON("\x20"), "-1");
    cr_assert_str_eq(AS_JSON("\x39\x01\x00"), "-257");
    cr_assert_str_eq(AS_JSON("\xf9\x3e\x00"), "1.5");
    cr_assert_str_eq(AS_JSON("\xfa\x3f\xc0\x00\x00"), "1.5");
    cr_assert_str_eq(AS_JSON("\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00"), "1.5");
    cr_assert_str_eq(AS_JSON("\xf4"), "false");
    cr_assert_str_eq(AS_JSON("\xf5"), "true");
    cr_assert_str_eq(AS_JSON("\xf6"), "null");
    cr_assert_str_eq(AS_JSON("\xf7"), "null");
    cr_assert_str_eq(AS_JSON("\x63"
                             "abc"),
                     "\"abc\"");
    cr_assert_str_eq(AS_JSON("\x7f\x61"
                             "a\x62"
                             "bc\xff"),
                     "\"abc\"");
    cr_assert_str_eq(AS_JSON("\x43"
                             "abc"),
                     "\"YWJj\"");
    cr_assert_str_eq(AS_JSON("\x5f\x41"
                             "a\xff"),
                     "\"YQ==\"");
    cr_assert_str_eq(AS_JSON("\x82\x01\x80"), "[1,[]]");
    cr_assert_str_eq(AS_JSON("\x9f\x01\xff"), "[1]");
    cr_assert_str_eq(AS_JSON("\xa2\x61"
                             "a\x01\x61"
                             "b\xa0"),
                     "{\"a\":1,\"b\":{}}");
    cr_assert_str_eq(AS_JSON("\xbf\x61"
                             "a\x01\xff"),
                     "{\"a\":1}");
    cr_assert_str_eq(AS_JSON("\xc1\x1a\x65\x53\xf1\x00"), "1700000000");
}

Test(cbor, what_is_cut_or_none_of_ours_is_refused)
{
    cr_assert_str_eq(AS_JSON(""), "invalid");
    cr_assert_str_eq(AS_JSON("\x18"), "invalid");
    cr_assert_str_eq(AS_JSON("\x63"
                             "ab"),
                     "invalid");
    cr_assert_str_eq(AS_JSON("\x82\x01"), "invalid");
    cr_assert_str_eq(AS_JSON("\x9f\x01"), "invalid");
    cr_assert_str_eq(AS_JSON("\xa1\x61"
                             "a"),
                     "invalid");
    cr_assert_str_eq(AS_JSON("\xa1\x01\x01"), "invalid");
    cr_assert_str_eq(AS_JSON("\xbf\x61"
                             "a\xff"),
                     "invalid");
    cr_assert_str_eq(AS_JSON("\xff"), "invalid");
    cr_assert_str_eq(AS_JSON("\x01\x01"), "invalid");
    cr_assert_str_eq(AS_JSON("\x61\xff"), "invalid");
    cr_assert_str_eq(AS_JSON("\x61\x00"), "invalid");
    cr_assert_str_eq(AS_JSON("\x7f\x41"
                             "a\xff"),
                     "invalid");
    cr_assert_str_eq(AS_JSON("\xf9\x7c\x00"), "invalid"); /* infinite */
    cr_assert_str_eq(AS_JSON("\xf9\x7e\x00"), "invalid");
    cr_assert_str_eq(AS_JSON("\x1c"), "invalid");
    cr_assert_str_eq(AS_JSON("\x9b\xff\xff\xff\xff\xff\xff\xff\xff"), "invalid");
    cr_assert_str_eq(AS_JSON("\x5b\xff\xff\xff\xff\xff\xff\xff\xff"), "invalid");
    cr_assert_str_eq(AS_JSON("\x81\x81\x81\x81\x81\x81\x81\x81\x81\x01"), "limit");
    cr_assert_str_eq(AS_JSON("\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\x01"), "limit");
}

Test(cbor, values_are_written_by_the_tables)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct cw_datapoint point = {
        .timestamp = TIME_OF(1700000000000), .sum = {true, 1.5},
             .unit = "Count"
    };
    struct cw_get_metric_statistics_out value = {
        .label = "L", .datapoints = {true, 1, &point}
    };
    static const char bytes[] = "\xa2\x65"
                                "Label\x61L\x6a"
                                "Datapoints\x81\xa3\x69"
                                "Timestamp\xc1\x1a"
                                "\x65\x53\xf1\x00\x63"
                                "Sum\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00\x64"
                                "Unit\x65"
                                "Count";

    cbor_write(&out, service_op(&service_monitoring, "GetMetricStatistics")->out, &value);
    cr_assert_eq(out.len, sizeof(bytes) - 1);
    cr_assert_arr_eq(out.ptr, bytes, out.len);
}
