#include "base/arena.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/cluster.h"
#include "controlplane/model/effective.h"

#include <criterion/criterion.h>

#include <string.h>

static struct arena arena;

static void close_arena(void)
{
    arena_fini(&arena);
}

TestSuite(effective, .fini = close_arena);

static struct effective_parameters on(const char *engine, const char *reported, const char *type,
                                      struct parameter_value *values, size_t count)
{
    struct parameter_value_list set = {values, count};
    struct effective_parameters out;

    parameters_effective(&arena, &set, engine_version_reported(engine, reported),
                         node_type_find(type), &out);
    return out;
}

static const struct effective_value *find(const struct effective_parameters *e, const char *name)
{
    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->items[i].name, name) == 0)
            return &e->items[i];
    return NULL;
}

Test(effective, what_was_set_stands_beside_what_the_family_has)
{
    struct parameter_value values[] = {
        {"maxmemory-policy", "noeviction"},
        {"timeout",          "300"       },
    };
    struct effective_parameters e = on("redis", "7.1.0", "cache.t4g.micro", values, 2);

    cr_assert_str_eq(find(&e, "maxmemory-policy")->value, "noeviction");
    cr_assert_str_eq(find(&e, "timeout")->value, "300");
    cr_assert_str_eq(find(&e, "maxmemory-samples")->value, "3");
    cr_assert_null(find(&e, "notify-keyspace-events"));
    cr_assert_not(find(&e, "timeout")->is_static);
    cr_assert(find(&e, "databases")->is_static);
}

Test(effective, what_engines_hear_otherwise_is_left_out)
{
    static const char *const names[] = {"maxmemory",  "reserved-memory-percent", "cluster-enabled",
                                        "appendonly", "max_cache_memory",        "config_max"};
    struct effective_parameters redis = on("redis", "7.1.0", "cache.t4g.micro", NULL, 0);
    struct effective_parameters memcached = on("memcached", "1.6.22", "cache.t4g.micro", NULL, 0);

    for (size_t i = 0; i < countof(names); i++) {
        cr_assert_null(find(&redis, names[i]), "%s", names[i]);
        cr_assert_null(find(&memcached, names[i]), "%s", names[i]);
    }
}

Test(effective, values_by_node_type_are_those_of_the_node)
{
    struct effective_parameters e = on("redis", "7.1.0", "cache.t4g.micro", NULL, 0);
    struct effective_parameters large = on("redis", "7.1.0", "cache.r6g.large", NULL, 0);

    cr_assert_str_eq(find(&e, "maxclients")->value, "20000");
    cr_assert_str_eq(find(&large, "maxclients")->value, "65000");
    cr_assert_str_neq(find(&e, "client-output-buffer-limit-replica-hard-limit")->value,
                      find(&large, "client-output-buffer-limit-replica-hard-limit")->value);
}

Test(effective, a_version_has_nothing_that_came_after_it)
{
    struct effective_parameters old = on("redis", "6.0.5", "cache.t4g.micro", NULL, 0);
    struct effective_parameters new = on("redis", "6.2.6", "cache.t4g.micro", NULL, 0);

    cr_assert_null(find(&old, "acl-pubsub-default"));
    cr_assert_str_eq(find(&new, "acl-pubsub-default")->value, "allchannels");
}

Test(effective, maxmemory_is_what_the_reserve_leaves_of_the_node_type_s)
{
    static const struct {
        const char *type, *engine, *reported;
        struct parameter_value values[2];
        size_t count;
        int64_t bytes;
    } rows[] = {
        {"cache.t4g.micro", "redis",     "7.1.0",  {{0}},                                0, 402653184                     },
        {"cache.t4g.micro", "redis",     "4.0.10", {{0}},                                0, 402653184                     },
        {"cache.t4g.micro", "valkey",    "8.0.1",  {{0}},                                0, 402653184                     },
        {"cache.m1.small",  "redis",     "2.8.24", {{0}},                                0, 943718400                     },
        {"cache.m1.small",  "redis",     "3.2.4",  {{0}},                                0, 707788800                     },
        {"cache.t4g.micro", "redis",     "7.1.0",  {{"reserved-memory-percent", "0"}},   1, 536870912                     },
        {"cache.t4g.micro", "redis",     "7.1.0",  {{"reserved-memory-percent", "50"}},  1, 268435456                     },
        {"cache.t4g.micro", "redis",     "7.1.0",  {{"reserved-memory-percent", "100"}}, 1, 1048576                       },
        {"cache.m1.small",  "redis",     "2.8.24", {{"reserved-memory", "43718400"}},    1, 900000000                     },
        {"cache.m1.small",  "redis",     "2.8.24", {{"reserved-memory", "99943718400"}}, 1, 1048576                       },
        {"cache.t4g.micro", "redis",     "4.0.10", {{"reserved-memory", "36870912"}},    1, 500000000                     },
        {"cache.t4g.micro", "redis",     "4.0.10", {{"reserved-memory", "0"}},           1, 402653184                     },
        {"cache.t4g.micro",
         "redis",                        "4.0.10",
         {{"reserved-memory", "36870912"}, {"reserved-memory-percent", "25"}},
         2,                                                                                 402653184                     },
        {"cache.t4g.micro", "memcached", "1.6.22", {{0}},                                0, (int64_t)(512 - 100) * 1048576},
        {"cache.t4g.micro",
         "memcached",                    "1.6.22",
         {{"memcached_connections_overhead", "12"}},
         1,                                                                                 (int64_t)500 * 1048576        },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct parameter_value values[2] = {rows[i].values[0], rows[i].values[1]};
        struct effective_parameters e =
            on(rows[i].engine, rows[i].reported, rows[i].type, values, rows[i].count);
        cr_assert_eq(e.maxmemory_bytes, rows[i].bytes, "row %zu: %lld", i,
                     (long long)e.maxmemory_bytes);
    }
}

Test(effective, the_number_differs_wherever_values_may_differ)
{
    struct cluster base = {.engine_version = "7.1.0",
                           .node_type = "cache.t4g.micro",
                           .parameter_group = "mine",
                           .parameter_revision = 3};
    struct cluster others[] = {base, base, base, base};

    others[0].engine_version = "7.0.7";
    others[1].node_type = "cache.t4g.small";
    others[2].parameter_group = "yours";
    others[3].parameter_revision = 4;
    cr_assert_gt(parameters_number(&base), 0);
    cr_assert_eq(parameters_number(&base), parameters_number(&base));
    for (size_t i = 0; i < countof(others); i++)
        cr_assert_neq(parameters_number(&base), parameters_number(&others[i]), "%zu", i);
}
