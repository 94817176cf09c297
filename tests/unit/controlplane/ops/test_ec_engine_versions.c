#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(engine_versions, .init = world_open, .fini = world_close, .timeout = 60);

static struct ec_cache_engine_version_list list(struct ec_describe_cache_engine_versions_in in)
{
    struct ec_describe_cache_engine_versions_out out;

    must(run_ec_describe_cache_engine_versions(&in, &out));
    return out.cache_engine_versions;
}

Test(engine_versions, filters_leave_what_matches)
{
    static const struct {
        struct ec_describe_cache_engine_versions_in in;
        size_t count;
        const char *first, *last;
    } rows[] = {
        {{.engine = "valkey"},                                                            6, "7.2",    "9.1"   },
        {{.engine = "valkey", .cache_parameter_group_family = "valkey8"},                 3, "8.0",    "8.2"   },
        {{.cache_parameter_group_family = "redis7"},                                      2, "7.0",    "7.1"   },
        {{.engine_version = "1.6.22"},                                                    1, "1.6.22", "1.6.22"},
        {{.engine = "redis", .engine_version = "1.6.22"},                                 0, NULL,     NULL    },
        {{.engine = "mysql"},                                                             0, NULL,     NULL    },
        {{.default_only = BOOL_OF(true)},                                                 3, "1.6.22", "9.0"   },
        {{.default_only = BOOL_OF(true), .engine = "redis"},                              1, "7.1",    "7.1"   },
        {{.default_only = BOOL_OF(true),
          .engine = "redis",
          .cache_parameter_group_family = "redis6.x"},
         1,                                                                                  "6.2",
         "6.2"                                                                                                 },
        {{.default_only = BOOL_OF(true), .cache_parameter_group_family = "memcached1.4"},
         1,                                                                                  "1.4.34",
         "1.4.34"                                                                                              },
        {{.default_only = BOOL_OF(true), .engine = "redis", .engine_version = "7.0"},
         0,                                                                                  NULL,
         NULL                                                                                                  },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_cache_engine_version_list found = list(rows[i].in);
        cr_assert(found.has);
        cr_assert_eq(found.count, rows[i].count, "row %zu: %zu", i, found.count);
        if (found.count == 0)
            continue;
        cr_assert_str_eq(found.items[0].engine_version, rows[i].first);
        cr_assert_str_eq(found.items[found.count - 1].engine_version, rows[i].last);
    }
}

Test(engine_versions, a_version_is_told_with_its_family_and_descriptions)
{
    struct ec_cache_engine_version_list found =
        list((struct ec_describe_cache_engine_versions_in){.engine_version = "7.1"});

    cr_assert_str_eq(found.items[0].engine, "redis");
    cr_assert_str_eq(found.items[0].cache_parameter_group_family, "redis7");
    cr_assert_str_eq(found.items[0].cache_engine_description, "Redis");
    cr_assert_str_eq(found.items[0].cache_engine_version_description, "redis version 7.1.0");
}

Test(engine_versions, pages_go_on_where_the_last_ended)
{
    struct ec_describe_cache_engine_versions_in in = {.max_records = INT_OF(20)};
    struct ec_describe_cache_engine_versions_out out;
    size_t all = list((struct ec_describe_cache_engine_versions_in){0}).count, seen = 0;
    const char *engine = "", *version = "";

    do {
        must(run_ec_describe_cache_engine_versions(&in, &out));
        for (size_t i = 0; i < out.cache_engine_versions.count; i++, seen++) {
            struct ec_cache_engine_version *v = &out.cache_engine_versions.items[i];
            int order = strcmp(engine, v->engine);
            cr_assert(order < 0 || (order == 0 && strcmp(version, v->engine_version) < 0));
            engine = v->engine;
            version = v->engine_version;
        }
        in.marker = out.marker;
    } while (out.marker);
    cr_assert_gt(all, 20);
    cr_assert_eq(seen, all);
}

Test(engine_versions, a_page_that_ends_with_the_list_has_no_marker)
{
    struct ec_describe_cache_engine_versions_in in = {.engine = "redis", .max_records = INT_OF(20)};
    struct ec_describe_cache_engine_versions_out out;

    must(run_ec_describe_cache_engine_versions(&in, &out));
    cr_assert_eq(out.cache_engine_versions.count, 20);
    cr_assert_null(out.marker);
}

Test(engine_versions, a_marker_of_something_else_is_refused)
{
    struct ec_describe_cache_engine_versions_in in = {.marker = "cmVkaXMvOS45"}; /* redis/9.9 */
    struct ec_describe_cache_engine_versions_out out;

    expect(run_ec_describe_cache_engine_versions(&in, &out), FAULT_INVALID_PARAMETER_VALUE, NULL);
}
