#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/parameters.h"

#include <criterion/criterion.h>

#include <string.h>

static struct arena arena;

static void close_arena(void)
{
    arena_fini(&arena);
}

TestSuite(parameters, .fini = close_arena);

static const struct parameter *the(const char *family, const char *name)
{
    const struct parameter_family *f = parameter_family_find(family);

    cr_assert_not_null(f, "%s", family);
    const struct parameter *p = parameter_find(f, name);
    cr_assert_not_null(p, "%s of %s", name, family);
    return p;
}

/* --- the catalogue --- */

Test(parameters, every_version_has_a_family_and_every_family_a_version)
{
    size_t count;
    const struct engine_version *all = engine_versions(&count);

    for (size_t i = 0; i < count; i++)
        cr_assert_not_null(parameter_family_find(all[i].family), "%s", all[i].family);
    for (size_t i = 0; i < parameter_family_count; i++) {
        size_t k = 0;
        while (k < count && strcmp(all[k].family, parameter_families[i].name) != 0)
            k++;
        cr_assert_lt(k, count, "%s", parameter_families[i].name);
    }
    cr_assert_null(parameter_family_find("redis8"));
}

Test(parameters, every_default_is_a_value_that_could_be_set)
{
    for (size_t i = 0; i < parameter_family_count; i++) {
        const struct parameter_family *f = &parameter_families[i];
        for (size_t k = 0; k < f->count; k++) {
            const struct parameter *p = &f->items[k];
            struct err e = p->value ? parameter_check_value(&arena, p, p->value) : OK;
            cr_assert_not(err_failed(e), "%s: %s", f->name, e.why);
        }
    }
}

Test(parameters, they_are_listed_as_if_hyphens_were_not_there)
{
    for (size_t i = 0; i < parameter_family_count; i++)
        for (size_t k = 1; k < parameter_families[i].count; k++)
            cr_assert_lt(parameter_name_compare(parameter_families[i].items[k - 1].name,
                                                parameter_families[i].items[k].name),
                         0);
    cr_assert_lt(parameter_name_compare("activedefrag", "active-defrag-cycle-max"), 0);
    cr_assert_gt(parameter_name_compare("active-defrag-cycle-max", "activedefrag"), 0);
    cr_assert_eq(parameter_name_compare("timeout", "timeout"), 0);
}

Test(parameters, memory_by_node_type_is_that_of_the_catalogue_of_node_types)
{
    const struct parameter *redis = the("redis7", "maxmemory");
    const struct parameter *memcached = the("memcached1.6", "max_cache_memory");

    for (size_t i = 0; i < redis->node_value_count; i++) {
        const struct node_type *t = node_type_find(redis->node_values[i].node_type);
        cr_assert_not_null(t, "%s", redis->node_values[i].node_type);
        cr_assert_eq(strtoll(redis->node_values[i].value, NULL, 10), t->maxmemory_bytes, "%s",
                     t->name);
    }
    for (size_t i = 0; i < memcached->node_value_count; i++) {
        const struct node_type *t = node_type_find(memcached->node_values[i].node_type);
        cr_assert_eq(strtoll(memcached->node_values[i].value, NULL, 10), t->memcached_mib, "%s",
                     t->name);
    }
}

Test(parameters, default_groups_are_sorted_and_found_again)
{
    struct parameter_group before = {.name = ""}, g, found;

    cr_assert_eq(parameter_group_default_count(), 21);
    for (size_t i = 0; i < parameter_group_default_count(); i++, before = g) {
        parameter_group_default_at(&arena, i, &g);
        cr_assert_lt(strcmp(before.name, g.name), 0, "%s before %s", before.name, g.name);
        cr_assert(parameter_group_default_find(&arena, g.name, &found));
        cr_assert_str_eq(found.family, g.family);
        cr_assert_str_eq(found.description, g.description);
    }
    cr_assert_not(parameter_group_default_find(&arena, "default.redis8", &found));
    cr_assert_not(parameter_group_default_find(&arena, "mine", &found));
}

Test(parameters, only_the_groups_named_so_turn_cluster_mode_on)
{
    struct parameter_group g;
    struct parameter_value_list values;

    cr_assert(parameter_group_default_find(&arena, "default.valkey8.cluster.on", &g));
    values = parameter_group_default_values(&g);
    cr_assert(parameter_values_are_clustered(&values));
    cr_assert(parameter_group_default_find(&arena, "default.valkey8", &g));
    values = parameter_group_default_values(&g);
    cr_assert_not(parameter_values_are_clustered(&values));
}

/* --- names --- */

Test(parameters, what_can_be_set_and_reset_depends_on_the_family)
{
    static const struct {
        const char *family, *name, *set_why, *reset_why;
    } rows[] = {
        {"redis7",       "timeout",                 NULL,                                           NULL                                             },
        {"redis7",       "cluster-enabled",         NULL,                                           NULL                                             },
        {"redis7",       "databases",               NULL,                                           NULL                                             },
        {"redis7",       "maxclients",              "The parameter maxclients cannot be modified.",
         "The parameter maxclients cannot be modified."                                                                                              },
        {"redis7",       "maxmemory",               "The parameter maxmemory cannot be modified.",
         "The parameter maxmemory cannot be modified."                                                                                               },
        {"redis7",       "nothing",                 "Parameter nothing doesn't exist",              "Parameter nothing doesn't exist"                },
        {"redis7",       "reserved-memory",         "Parameter reserved-memory doesn't exist",
         "Parameter reserved-memory doesn't exist"                                                                                                   },
        {"redis3.2",     "reserved-memory",         NULL,                                           "Parameter reserved-memory doesn't exist"        },
        {"redis2.8",     "reserved-memory",         NULL,                                           NULL                                             },
        {"memcached1.6", "max_item_size",           NULL,                                           NULL                                             },
        {"memcached1.6", "reserved-memory-percent",
         "Parameter reserved-memory-percent doesn't exist",                                         "Parameter reserved-memory-percent doesn't exist"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const struct parameter_family *f = parameter_family_find(rows[i].family);
        const struct parameter *p;
        struct err set = parameter_check_name(&arena, f, rows[i].name, &p);
        struct err reset = parameter_check_reset(&arena, f, rows[i].name, &p);
        cr_assert_eq(set.code, rows[i].set_why ? FAULT_INVALID_PARAMETER_VALUE : ERR_OK);
        cr_assert_eq(reset.code, rows[i].reset_why ? FAULT_INVALID_PARAMETER_VALUE : ERR_OK);
        if (rows[i].set_why)
            cr_assert_str_eq(set.why, rows[i].set_why);
        if (rows[i].reset_why)
            cr_assert_str_eq(reset.why, rows[i].reset_why);
    }
}

/* --- values --- */

Test(parameters, values_are_lists_ranges_and_mixtures)
{
    static const struct {
        const char *family, *name, *value;
        bool is_good;
    } rows[] = {
        {"redis7",       "maxmemory-policy",         "allkeys-lru",               true },
        {"redis7",       "maxmemory-policy",         "ALLKEYS-LRU",               false},
        {"redis7",       "maxmemory-policy",         "allkeys",                   false},
        {"redis7",       "maxmemory-policy",         "",                          false},
        {"redis7",       "timeout",                  "0",                         true },
        {"redis7",       "timeout",                  "19",                        false},
        {"redis7",       "timeout",                  "20",                        true },
        {"redis7",       "timeout",                  "2147483647",                true },
        {"redis7",       "timeout",                  "2147483648",                false},
        {"redis7",       "timeout",                  "-1",                        false},
        {"redis7",       "timeout",                  "20s",                       false},
        {"redis7",       "timeout",                  " 20",                       false},
        {"redis7",       "timeout",                  "",                          false},
        {"redis7",       "timeout",                  "99999999999999999999",      false},
        {"redis7",       "slowlog-log-slower-than",  "-1",                        true },
        {"redis7",       "slowlog-log-slower-than",  "-2",                        false},
        {"redis7",       "slowlog-log-slower-than",  "9223372036854775807",       true },
        {"redis7",       "active-expire-effort",     "10",                        true },
        {"redis7",       "active-expire-effort",     "11",                        false},
        {"redis7",       "active-expire-effort",     "0",                         false},
        {"redis7",       "active-expire-effort",     "0010",                      true },
        {"redis7",       "reserved-memory-percent",  "100",                       true },
        {"redis7",       "reserved-memory-percent",  "101",                       false},
        {"redis4.0",     "databases",                "1200000",                   true },
        {"redis7",       "databases",                "10001",                     false},
        {"redis6.x",     "list-max-ziplist-size",    "-5",                        true },
        {"redis6.x",     "list-max-ziplist-size",    "0",                         false},
        {"redis6.x",     "list-max-ziplist-size",    "7",                         true },
        {"redis7",       "notify-keyspace-events",   "KEA",                       true },
        {"redis7",       "notify-keyspace-events",   "",                          true },
        {"redis7",       "notify-keyspace-events",   "KEQ",                       false},
        {"redis7",       "rename-commands",          "",                          true },
        {"redis7",       "rename-commands",          "FLUSHALL blocked",          true },
        {"redis7",       "rename-commands",          "flushall off KEYS k1",      true },
        {"redis7",       "rename-commands",          "FLUSHALL",                  false},
        {"redis7",       "rename-commands",          "CONFIG blocked",            false},
        {"redis7",       "rename-commands",          "FLUSHALL with-hyphen",      false},
        {"redis7",       "rename-commands",          "FLUSHALL  off",             false},
        {"redis7",       "rename-commands",          "GET a23456789b123456789c1", false},
        {"memcached1.6", "chunk_size_growth_factor", "1.25",                      true },
        {"memcached1.6", "chunk_size_growth_factor", "1",                         true },
        {"memcached1.6", "chunk_size_growth_factor", "2.01",                      false},
        {"memcached1.6", "chunk_size_growth_factor", "1.2.5",                     false},
        {"memcached1.6", "chunk_size_growth_factor", "nan",                       false},
        {"memcached1.6", "chunk_size_growth_factor", "1e0",                       false},
        {"memcached1.6", "cas_disabled",             "1",                         true },
        {"memcached1.6", "cas_disabled",             "true",                      false},
        {"memcached1.6", "slab_automove",            "2",                         true },
        {"memcached1.6", "slab_automove",            "3",                         false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct err e =
            parameter_check_value(&arena, the(rows[i].family, rows[i].name), rows[i].value);
        cr_assert_eq(err_failed(e), !rows[i].is_good, "%s=%s", rows[i].name, rows[i].value);
        cr_assert(rows[i].is_good || e.code == FAULT_INVALID_PARAMETER_VALUE);
    }
}

Test(parameters, a_refusal_says_what_would_do)
{
    struct err e = parameter_check_value(&arena, the("redis7", "timeout"), "7");

    cr_assert_str_eq(e.why, "Invalid value 7 for parameter timeout. Allowed values are: 0,20-");
}

/* --- values together --- */

static struct err together(const char *version, const char *type, const char *chunk,
                           const char *item, const char *overhead)
{
    struct parameter_value values[] = {
        {"slab_chunk_max",                 chunk   },
        {"max_item_size",                  item    },
        {"memcached_connections_overhead", overhead},
    };
    struct parameter_value_list set = {values, countof(values)};
    const struct engine_version *v = engine_version_reported("memcached", version);
    const struct parameter_family *f = parameter_family_find(v->family);
    struct err e = parameter_values_check(&arena, f, &set);

    return err_failed(e) ? e
                         : parameter_values_check_nodes(&arena, f, &set, v, node_type_find(type));
}

Test(parameters, items_and_chunks_of_memcached_fit_into_each_other_and_into_memory)
{
    static const struct {
        const char *version, *type, *chunk, *item, *overhead;
        bool is_good;
    } rows[] = {
        {"1.6.22", "cache.t3.micro",  "524288",  "1048576",   "100", true },
        {"1.6.22", "cache.t3.micro",  "2097152", "1048576",   "100", false}, /* a chunk is larger */
        {"1.6.22", "cache.t3.micro",  "524288",  "1048577",   "100", false}, /* no multiple */
        {"1.6.22", "cache.t3.micro",  "1048576", "134217728", "100", false}, /* a quarter: 103 MiB */
        {"1.6.22", "cache.t3.micro",  "1048576", "108003328", "100", true },
        {"1.6.22", "cache.t3.micro",  "1048576", "109051904", "100", false},
        {"1.6.22", "cache.t3.micro",  "524288",  "1048576",   "512", false}, /* nothing is left */
        {"1.6.22", "cache.m5.xlarge", "524288",  "134217728", "100", true },
        {"1.4.33", "cache.m3.medium", "2097152", "1048576",   "100", false},
        {"1.4.24", "cache.m3.medium", "2097152", "1048576",   "100", true }, /* it had no chunks */
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct err e =
            together(rows[i].version, rows[i].type, rows[i].chunk, rows[i].item, rows[i].overhead);
        cr_assert_eq(e.code, rows[i].is_good ? ERR_OK : FAULT_INVALID_PARAMETER_COMBINATION,
                     "row %zu: %s", i, e.why ? e.why : "good");
    }
}

Test(parameters, whoever_sets_what_bundled_engines_do_not_obey_can_be_told_why)
{
    cr_assert_str_eq(parameter_why_inert("activedefrag"),
                     "memory is not defragmented in the background");
    cr_assert_null(parameter_why_inert("maxmemory-policy"));
    cr_assert_null(parameter_why_inert("nothing"));
}
