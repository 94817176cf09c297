#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"

#include <criterion/criterion.h>

#include <string.h>

Test(catalog, versions_are_asked_for_in_the_forms_that_clients_use)
{
    static const struct {
        const char *engine, *asked, *reported, *family;
    } rows[] = {
        {"redis",     "",       "7.1.0",  "redis7"      },
        {"redis",     "7.1",    "7.1.0",  "redis7"      },
        {"redis",     "7.0",    "7.0.7",  "redis7"      },
        {"redis",     "6.x",    "6.2.6",  "redis6.x"    },
        {"redis",     "6.2",    "6.2.6",  "redis6.x"    },
        {"redis",     "6.0",    "6.0.5",  "redis6.x"    },
        {"redis",     "5.0.6",  "5.0.6",  "redis5.0"    },
        {"redis",     "4.0.10", "4.0.10", "redis4.0"    },
        {"memcached", "",       "1.6.22", "memcached1.6"},
        {"memcached", "1.6.22", "1.6.22", "memcached1.6"},
        {"memcached", "1.5.16", "1.5.16", "memcached1.5"},
        {"valkey",    "",       "9.0.0",  "valkey9"     },
        {"valkey",    "8.0",    "8.0.1",  "valkey8"     },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        const struct engine_version *v;
        struct err e = engine_version_choose(&a, rows[i].engine, rows[i].asked, &v);
        cr_assert_not(err_failed(e), "%s %s: %s", rows[i].engine, rows[i].asked, e.why);
        cr_assert_str_eq(v->reported, rows[i].reported);
        cr_assert_str_eq(v->family, rows[i].family);
        cr_assert_eq(engine_version_reported(v->engine, v->reported), v);
    }
    arena_fini(&a);
}

Test(catalog, a_patch_of_the_hosts_stands_for_the_nearest_version_of_its_minor)
{
    static const struct {
        const char *engine, *reported, *version; /* NULL: none */
    } rows[] = {
        {"redis",     "7.0.15", "7.0"   },
        {"redis",     "7.0.1",  "7.0"   },
        {"redis",     "7.2.4",  NULL    },
        {"redis",     "5.0.14", "5.0.6" },
        {"redis",     "5.0.2",  "5.0.0" },
        {"memcached", "1.6.18", "1.6.17"},
        {"memcached", "1.6.40", "1.6.22"},
        {"memcached", "1.6.1",  "1.6.6" },
        {"memcached", "1.7.0",  NULL    },
        {"valkey",    "8.0.5",  "8.0"   },
        {"redis",     "",       NULL    },
        {"redis",     "7",      NULL    },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        const struct engine_version *v = engine_version_reported(rows[i].engine, rows[i].reported);
        cr_expect_eq(v == NULL, rows[i].version == NULL, "%s", rows[i].reported);
        if (v && rows[i].version)
            cr_expect_str_eq(v->version, rows[i].version);
    }
}

Test(catalog, versions_that_cannot_be_had_are_refused_with_the_hosted_service_s_sentences)
{
    static const struct {
        const char *engine, *asked;
        int code;
        const char *why;
    } rows[] = {
        {"redis",     "7.4",    FAULT_INVALID_PARAMETER_COMBINATION, "Cannot find version 7.4 for redis"},
        {"redis",     "7",      FAULT_INVALID_PARAMETER_COMBINATION, "Cannot find version 7 for redis"  },
        {"redis",     "5.0.5",  FAULT_INVALID_PARAMETER_COMBINATION,
         "Cannot find version 5.0.5 for redis"                                                          },
        {"redis",     "3.2.10", FAULT_INVALID_PARAMETER_COMBINATION,
         "Cannot find version 3.2.10 for redis"                                                         },
        {"redis",     "1.6.22", FAULT_INVALID_PARAMETER_COMBINATION,
         "Cannot find version 1.6.22 for redis"                                                         },
        {"redis",     "6.2.6",  FAULT_INVALID_PARAMETER_VALUE,
         "Specific version selection is not allowed for '6.2.6', please use '6.2'"                      },
        {"redis",     "7.1.0",  FAULT_INVALID_PARAMETER_VALUE,
         "Specific version selection is not allowed for '7.1.0', please use '7.1'"                      },
        {"memcached", "6.x",    FAULT_INVALID_PARAMETER_COMBINATION,
         "Cannot find version 6.x for memcached"                                                        },
        {"memcached", "1.6",    FAULT_INVALID_PARAMETER_COMBINATION,
         "Cannot find version 1.6 for memcached"                                                        },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        const struct engine_version *v = NULL;
        struct err e = engine_version_choose(&a, rows[i].engine, rows[i].asked, &v);
        cr_assert_eq(e.code, rows[i].code, "%s", rows[i].asked);
        cr_assert_str_eq(e.why, rows[i].why);
        cr_assert_null(v);
    }
    arena_fini(&a);
}

Test(catalog, the_list_is_in_the_order_of_the_describe_call)
{
    size_t count;
    const struct engine_version *v = engine_versions(&count);

    for (size_t i = 1; i < count; i++) {
        int order = strcmp(v[i - 1].engine, v[i].engine);
        cr_assert(order < 0 || (order == 0 && strcmp(v[i - 1].version, v[i].version) < 0), "%s %s",
                  v[i].engine, v[i].version);
    }
}

Test(catalog, versions_compare_by_number_and_not_by_text)
{
    cr_assert_lt(version_compare("2.8.6", "2.8.24"), 0);
    cr_assert_gt(version_compare("7.1.0", "7.0.7"), 0);
    cr_assert_eq(version_compare("6.2", "6.2.0"), 0);
    cr_assert_gt(version_compare("10", "9.9.9"), 0);
}

Test(catalog, node_types_are_found_by_their_exact_name)
{
    cr_assert_str_eq(node_type_find("cache.t4g.micro")->name, "cache.t4g.micro");
    cr_assert_null(node_type_find("cache.T4G.micro"));
    cr_assert_null(node_type_find("t4g.micro"));
    cr_assert_null(node_type_find(""));
}

Test(catalog, node_types_are_chosen_for_an_engine_version)
{
    static const struct {
        const char *type, *engine, *version;
        int code;
    } rows[] = {
        {"cache.t4g.micro",   "redis",     "7.1",    ERR_OK                             },
        {"cache.t4g.micro",   "memcached", "1.6.22", ERR_OK                             },
        {"cache.m7g.large",   "redis",     "6.2",    ERR_OK                             },
        {"cache.m7g.large",   "redis",     "5.0.6",  FAULT_INVALID_PARAMETER_COMBINATION},
        {"cache.m7g.large",   "redis",     "6.0",    FAULT_INVALID_PARAMETER_COMBINATION},
        {"cache.r8g.large",   "redis",     "7.1",    FAULT_INVALID_PARAMETER_COMBINATION},
        {"cache.r6gd.xlarge", "memcached", "1.6.22", FAULT_INVALID_PARAMETER_COMBINATION},
        {"cache.t4g.micro",   "memcached", "1.4.5",  FAULT_INVALID_PARAMETER_COMBINATION},
        {"cache.m1.small",    "redis",     "7.1",    FAULT_INVALID_PARAMETER_VALUE      },
        {"cache.huge",        "redis",     "7.1",    FAULT_INVALID_PARAMETER_VALUE      },
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        const struct engine_version *v;
        const struct node_type *t;
        cr_assert_not(err_failed(engine_version_choose(&a, rows[i].engine, rows[i].version, &v)));
        cr_assert_eq(node_type_choose(&a, rows[i].type, v, &t).code, rows[i].code, "%s %s %s",
                     rows[i].type, rows[i].engine, rows[i].version);
    }
    arena_fini(&a);
}

Test(catalog, a_host_must_offer_what_the_node_type_says)
{
    cr_assert_eq(node_type_host_bytes(node_type_find("cache.t4g.micro")), (int64_t)512 << 20);
}

Test(catalog, default_parameter_groups_name_their_family)
{
    static const struct {
        const char *name, *family;
        bool is_cluster;
    } rows[] = {
        {"default.redis7",                  "redis7",       false},
        {"default.redis7.cluster.on",       "redis7",       true },
        {"default.redis6.x",                "redis6.x",     false},
        {"default.redis3.2.cluster.on",     "redis3.2",     true },
        {"default.memcached1.6",            "memcached1.6", false},
        {"default.valkey8.cluster.on",      "valkey8",      true },
        {"default.redis2.8.cluster.on",     NULL,           false},
        {"default.memcached1.6.cluster.on", NULL,           false},
        {"default.redis8",                  NULL,           false},
        {"default.",                        NULL,           false},
        {"default.cluster.on",              NULL,           false},
        {"redis7",                          NULL,           false},
        {"mine",                            NULL,           false},
        {"",                                NULL,           false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        bool is_cluster = false;
        const char *family = parameter_group_family(rows[i].name, &is_cluster);
        if (!rows[i].family) {
            cr_assert_null(family, "%s", rows[i].name);
            continue;
        }
        cr_assert_str_eq(family, rows[i].family);
        cr_assert_eq(is_cluster, rows[i].is_cluster);
    }
}

Test(catalog, every_offered_version_has_a_node_type_and_a_default_group)
{
    struct arena a = {0};
    size_t count;
    const struct engine_version *v = engine_versions(&count);

    for (size_t i = 0; i < count; i++) {
        bool is_cluster;
        const char *group = parameter_group_default(&a, v[i].family);
        cr_assert_str_eq(parameter_group_family(group, &is_cluster), v[i].family);
    }
    arena_fini(&a);
}
