#include "controlplane/model/catalog.h"
#include "controlplane/ops/parameters.h"
#include "controlplane/store/parameters.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(parameters, .init = world_open, .fini = world_close);

static struct parameter_group group_with(struct call *c, const char *name, const char *family,
                                         const char *parameter, const char *value)
{
    struct parameter_group g = {.account = "000000000000",
                                .region = "us-east-1",
                                .name = name,
                                .family = family,
                                .description = ""};

    must(store_parameter_group_insert(c->tx, &g));
    must(store_parameter_value_put(c->tx, g.id, parameter, value));
    return g;
}

static const struct engine_version *version_of(const char *engine, const char *reported)
{
    return engine_version_reported(engine, reported);
}

Test(parameters, own_groups_and_default_ones_are_found_alike)
{
    struct call c = world_call();
    struct parameter_facts facts;

    group_with(&c, "mine", "redis7", "timeout", "30");
    must(parameters_find(&c, "MINE", &facts));
    cr_assert_str_eq(facts.family->name, "redis7");
    cr_assert_str_eq(parameter_value_find(&facts.values, "timeout"), "30");
    must(parameters_find(&c, "Default.redis7.Cluster.on", &facts));
    cr_assert_eq(facts.group.id, 0);
    cr_assert(parameter_values_are_clustered(&facts.values));
    cr_assert_str_eq(
        parameters_arn(&c, &facts.group),
        "arn:aws:elasticache:us-east-1:000000000000:parametergroup:default.redis7.cluster.on");
    expect(parameters_find(&c, "Yours", &facts), FAULT_CACHE_PARAMETER_GROUP_NOT_FOUND,
           "CacheParameterGroup not found: yours");
}

Test(parameters, caches_take_groups_of_their_family_whose_values_fit_their_nodes)
{
    struct call c = world_call();
    const struct node_type *t = node_type_find("cache.t4g.micro");
    struct parameter_facts facts;

    must(parameters_choose(&c, NULL, version_of("redis", "7.1.0"), t, &facts));
    cr_assert_str_eq(facts.group.name, "default.redis7");
    must(parameters_choose(&c, "", version_of("memcached", "1.6.22"), t, &facts));
    cr_assert_str_eq(facts.group.name, "default.memcached1.6");
    expect(parameters_choose(&c, "default.valkey8", version_of("redis", "7.1.0"), t, &facts),
           FAULT_INVALID_PARAMETER_COMBINATION,
           "Expected a parameter group of family redis7 but found one of family valkey8");
    group_with(&c, "big", "memcached1.6", "max_item_size", "134217728");
    expect(parameters_choose(&c, "big", version_of("memcached", "1.6.22"), t, &facts),
           FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}

Test(parameters, what_was_fixed_at_creation_is_the_same_in_both_groups_of_a_swap)
{
    struct call c = world_call();
    struct parameter_facts from, same, other, newer;

    group_with(&c, "same", "redis7", "timeout", "30");
    group_with(&c, "other", "redis7", "databases", "32");
    must(parameters_find(&c, "default.redis7", &from));
    must(parameters_find(&c, "same", &same));
    must(parameters_find(&c, "other", &other));
    must(parameters_find(&c, "default.valkey8", &newer));
    must(parameters_check_swap(&c, &from, &same));
    must(parameters_check_swap(&c, &from, &newer));
    expect(parameters_check_swap(&c, &from, &other), FAULT_INVALID_PARAMETER_COMBINATION,
           "The parameter group other cannot be used: its value of the parameter databases (32) "
           "differs from that of the current parameter group (16).");
}
