#include "base/arena.h"
#include "base/buf.h"
#include "contract/elasticache.h"
#include "controlplane/api/query.h"

#include <criterion/criterion.h>

#include <string.h>

#define NOTHING ((struct str){"", 0})

static struct query parse(struct arena *a, const char *text)
{
    struct query q = {0};

    cr_assert(err_is(query_parse(a, str_of(text), NOTHING, &q), ERR_OK), "%s", text);
    return q;
}

static struct err decode(struct arena *a, const char *text, struct ec_create_cache_cluster_in *out)
{
    struct query q = parse(a, text);

    *out = (struct ec_create_cache_cluster_in){0};
    return query_decode(a, &q, service_op(&service_elasticache, "CreateCacheCluster")->in, out);
}

Test(query, pieces_are_split_and_decoded)
{
    scoped(arena_fini) struct arena a = {0};
    struct query q = parse(&a, "a=b+c%20d&&=&e&f=&g=h=i&%61%2e=%C3%bc&");

    cr_assert_eq(q.count, 5);
    cr_expect(str_is(query_get(&q, "a"), "b c d"));
    cr_expect(query_get(&q, "e").ptr && query_get(&q, "e").len == 0);
    cr_expect(query_get(&q, "f").ptr && query_get(&q, "f").len == 0);
    cr_expect(str_is(query_get(&q, "g"), "h=i"));
    cr_expect(str_is(query_get(&q, "a."), "ü"));
    cr_expect_null(query_get(&q, "h").ptr);
}

Test(query, form_and_url_are_read_as_one)
{
    scoped(arena_fini) struct arena a = {0};
    struct query q;

    cr_assert(err_is(query_parse(&a, STR("a=1&b=2"), STR("a=3"), &q), ERR_OK));
    cr_expect(str_is(query_get(&q, "a"), "1"));
    cr_expect(query_is_repeated(&q, "a"));
    cr_expect_not(query_is_repeated(&q, "b"));
}

Test(query, text_that_is_none_is_refused)
{
    static const char *const bad[] = {"%",      "a=%1",        "a=%g0",         "a=%0g",
                                      "a=%00",  "%00=a",       "a=%ff",         "a=%c0%80",
                                      "a=\xff", "a=%ed%a0%80", "a=%f4%90%80%80"};
    scoped(arena_fini) struct arena a = {0};
    struct query q;

    for (size_t i = 0; i < countof(bad); i++)
        cr_expect(
            err_is(query_parse(&a, str_of(bad[i]), NOTHING, &q), FAULT_MALFORMED_QUERY_STRING),
            "%s", bad[i]);
}

Test(query, members_find_their_places)
{
    scoped(arena_fini) struct arena a = {0};
    struct ec_create_cache_cluster_in in;

    cr_assert(err_is(decode(&a,
                            "CacheClusterId=c1&Port=6380&AutoMinorVersionUpgrade=false&"
                            "Tags.Tag.1.Key=k&Tags.Tag.1.Value=&SecurityGroupIds=&Unknown=1&"
                            "LogDeliveryConfigurations.LogDeliveryConfigurationRequest.1."
                            "DestinationDetails.CloudWatchLogsDetails.LogGroup=g",
                            &in),
                     ERR_OK));
    cr_expect_str_eq(in.cache_cluster_id, "c1");
    cr_expect(in.port.has && in.port.value == 6380);
    cr_expect(in.auto_minor_version_upgrade.has && !in.auto_minor_version_upgrade.value);
    cr_assert_eq(in.tags.count, 1);
    cr_expect_str_eq(in.tags.items[0].value, "");
    cr_expect(in.security_group_ids.has && in.security_group_ids.count == 0);
    cr_expect_not(in.preferred_availability_zones.has);
    cr_expect_str_eq(in.log_delivery_configurations.items[0]
                         .destination_details->cloud_watch_logs_details->log_group,
                     "g");
}

Test(query, entries_are_sorted_by_their_numbers)
{
    scoped(arena_fini) struct arena a = {0};
    struct ec_create_cache_cluster_in in;

    cr_assert(err_is(decode(&a,
                            "Tags.Tag.30.Value=3v&Tags.Tag.2.Key=2&Tags.Tag.1000.Key=4&"
                            "Tags.member.1.Key=1&Tags.30.Key=3",
                            &in),
                     ERR_OK));
    cr_assert_eq(in.tags.count, 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(in.tags.items[i].key[0], (char)('1' + i));
    cr_expect_str_eq(in.tags.items[2].value, "3v");
}

Test(query, lists_grow_to_the_limit_in_any_order)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct ec_create_cache_cluster_in in;

    for (int i = QUERY_MAX_INDEX; i >= 1; i--)
        buf_printf(&text, "SnapshotArns.SnapshotArn.%d=%d&", i, i);
    cr_assert(err_is(decode(&a, buf_cstr(&text), &in), ERR_OK));
    cr_assert_eq(in.snapshot_arns.count, QUERY_MAX_INDEX);
    cr_expect_str_eq(in.snapshot_arns.items[0], "1");
    cr_expect_str_eq(in.snapshot_arns.items[QUERY_MAX_INDEX - 1], "1000");
}

Test(query, malformed_places_and_repeated_parameters_are_refused_by_name)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"Tags.Tag.0.Key=x",            "Tags.Tag.0.Key is malformed"      },
        {"Tags.Tag.1001.Key=x",         "lists are numbered from 1 to 1000"},
        {"Tags.Tag=x",                  "Tags.Tag is malformed"            },
        {"Tags.=x",                     "Tags. is malformed"               },
        {"Tags=x",                      "Tags is a list"                   },
        {"Tags.Tag.1=x",                "is a structure"                   },
        {"Port.1=x",                    "Port.1 is malformed"              },
        {"Port=x",                      "Port must be an integer"          },
        {"Port=1&Port=1",               "Port must not be given more"      },
        {"Tags=&Tags=",                 "Tags must not be given more"      },
        {"Tags.Tag.1.Key=&Tags.1.Key=", "Tags.1.Key must not be given more"},
    };
    scoped(arena_fini) struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_create_cache_cluster_in in;
        struct err e = decode(&a, rows[i].text, &in);
        cr_expect(err_is(e, FAULT_INVALID_PARAMETER_VALUE), "%s", rows[i].text);
        cr_expect(e.why && strstr(e.why, rows[i].why), "%s: %s", rows[i].text, e.why);
    }
}

struct flag_entry {
    const char *key;
    struct opt_bool value;
};

struct flags {
    struct {
        bool has;
        size_t count;
        struct flag_entry *items;
    } flags;
};

static const struct shape boolean = {
    .kind = SHAPE_BOOLEAN, .name = "B", .size = sizeof(struct opt_bool)};
static const struct shape flag_map = {.kind = SHAPE_MAP,
                                      .name = "M",
                                      .size = sizeof(struct shape_seq),
                                      .item = &boolean,
                                      .item_name = "value",
                                      .key_name = "key"};
static const struct shape_member flag_members[] = {
    {"Flags", "Flags", &flag_map, offsetof(struct flags, flags), false, NULL, NULL}
};
static const struct shape flags_shape = {.kind = SHAPE_STRUCT,
                                         .name = "F",
                                         .size = sizeof(struct flags),
                                         .members = flag_members,
                                         .member_count = 1};

Test(query, maps_take_keys_and_values_by_their_numbers)
{
    scoped(arena_fini) struct arena a = {0};
    struct flags in = {0};
    struct query q =
        parse(&a, "Flags.entry.2.key=b&Flags.entry.2.value=true&Flags.entry.1.value=false&"
                  "Flags.entry.1.key=a");

    cr_assert(err_is(query_decode(&a, &q, &flags_shape, &in), ERR_OK));
    cr_assert_eq(in.flags.count, 2);
    cr_expect_str_eq(in.flags.items[0].key, "a");
    cr_expect_not(in.flags.items[0].value.value);
    cr_expect_str_eq(in.flags.items[1].key, "b");
    cr_expect(in.flags.items[1].value.value);
}

Test(query, malformed_maps_are_refused)
{
    static const char *const bad[] = {
        "Flags.entry.1=x", "Flags.entry.1.kay=x", "Flags.entry.1.key.x=y",
        "Flags.entry.1.key=a&Flags.entry.1.key=a", "Flags.entry.1.value=x"};
    scoped(arena_fini) struct arena a = {0};

    for (size_t i = 0; i < countof(bad); i++) {
        struct flags in = {0};
        struct query q = parse(&a, bad[i]);
        cr_expect(err_is(query_decode(&a, &q, &flags_shape, &in), FAULT_INVALID_PARAMETER_VALUE),
                  "%s", bad[i]);
    }
}
